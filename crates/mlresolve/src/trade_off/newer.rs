//! A newer version of one package, and what stands in its way.

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{
    ClaimedFact, Dependency, Explanation, Joint, Resolution, SolveError, Suggestion, claimed_facts,
    explain_joint, solve_joint,
};

use crate::antique::since;
use crate::known_names::KNOWN_NAMES;
use crate::universe::Universe;

/// The most packages that are named with a suggestion.
const NAMED: usize = 3;

/// A version of a package that is newer than what a target got.
pub(super) struct Newer<'a, 'j> {
    /// What all targets ask for.
    pub(super) joint: &'a Joint<'j, Universe>,
    /// The place of the target.
    pub(super) at: usize,
    pub(super) name: &'a PackageName,
    pub(super) version: &'a Version,
}

impl Newer<'_, '_> {
    /// The claims that keep this version from going with all else that the user requires at versions no older than those that
    /// were chosen. `None` where nothing does, or where that cannot be found out.
    pub(super) fn claims_in_the_way(&self, chosen: &Resolution) -> Option<Vec<ClaimedFact>> {
        let asking = self.asking(&self.all_as_new(chosen)?);
        match solve_joint(&asking) {
            Err(SolveError::NoSolution(failure)) => Some(claimed_facts(&asking, &failure)),
            _ => None,
        }
    }

    /// Why the version that was chosen stands in for this one. `None` where that cannot be found out.
    pub(super) fn explanation(&self, chosen: &Resolution) -> Option<Explanation> {
        match self.explain(&[at_least(self.name, self.version)?])? {
            Ok(instead) => Some(self.beside_the_others(chosen, &instead)),
            Err(explanation) => Some(explanation),
        }
    }

    /// Why it was not chosen although it can be had: others would be older then. `instead` is what is chosen with it.
    fn beside_the_others(&self, chosen: &Resolution, instead: &[Resolution]) -> Explanation {
        let target = &self.joint.targets[self.at];
        let mut explanation = match self.all_as_new(chosen).and_then(|asked| self.explain(&asked)) {
            Some(Err(explanation)) => explanation,
            _ => Explanation::default(),
        };
        let shown = std::iter::once(self.name).chain(self.others_required());
        let shown = shown.filter_map(|name| {
            let version = &instead.get(self.at)?.packages.get(name)?.version;
            let old = since(target.provider, name, version).map(|when| format!(" ({when})"));
            Some(format!("{name} {version}{}", old.unwrap_or_default()))
        });
        let change = format!("ask for {}>={}", self.name, self.version);
        explanation.suggestions = vec![Suggestion { change, chosen: shown.take(NAMED).collect() }];
        explanation
    }

    /// Whether the user requires the package.
    pub(super) fn is_required(&self) -> bool {
        let mut required = self.joint.targets[self.at].problem.requirements.iter();
        required.any(|requirement| requirement.name == *self.name)
    }

    fn others_required(&self) -> impl Iterator<Item = &PackageName> {
        let required = self.joint.targets[self.at].problem.requirements.iter();
        required.map(|requirement| &requirement.name).filter(|name| *name != self.name)
    }

    /// This version, and all else that the user requires as new as it was chosen.
    fn all_as_new(&self, chosen: &Resolution) -> Option<Vec<Dependency>> {
        let others = self
            .others_required()
            .filter_map(|name| at_least(name, &chosen.packages.get(name)?.version.clone().without_local()));
        Some(std::iter::once(at_least(self.name, self.version)?).chain(others).collect())
    }

    /// What all targets ask for, and this one more than the user does.
    fn asking(&self, more: &[Dependency]) -> Joint<'_, Universe> {
        let mut asking = self.joint.clone();
        let target = &mut asking.targets[self.at];
        for wanted in more {
            target.policy.preferences.remove(&wanted.name);
            let requirements = &mut target.problem.requirements;
            // An extra that is asked for must not be looked for in versions that are out of the question.
            for requirement in requirements.iter_mut().filter(|one| one.name == wanted.name) {
                requirement.range = requirement.range.intersection(&wanted.range);
            }
            if !requirements.iter().any(|one| one.name == wanted.name) {
                requirements.push(wanted.clone());
            }
        }
        asking
    }

    /// Solves with more requirements than the user has. An explanation does not speak of them as the user's.
    fn explain(&self, more: &[Dependency]) -> Option<Result<Vec<Resolution>, Explanation>> {
        let asking = self.asking(more);
        match solve_joint(&asking) {
            Ok(resolutions) => Some(Ok(resolutions)),
            Err(SolveError::NoSolution(failure)) => {
                let mut explanation = explain_joint(&asking, failure, KNOWN_NAMES);
                let added = |said: &str| more.iter().any(|one| said.ends_with(&format!(" {}", one.text)));
                explanation.facts.retain(|fact| !fact.contains("you require ") || !added(fact));
                // To relax a requirement is what was done.
                explanation
                    .suggestions
                    .retain(|one| !one.change.starts_with("relax ") && !added(&one.change));
                Some(Err(explanation))
            }
            Err(_) => None,
        }
    }
}

fn at_least(name: &PackageName, version: &Version) -> Option<Dependency> {
    let range = range_of(&format!(">={version}").parse().ok()?);
    Some(Dependency {
        name: name.clone(),
        extras: Vec::new(),
        range,
        text: format!("{name}>={version}").into(),
    })
}
