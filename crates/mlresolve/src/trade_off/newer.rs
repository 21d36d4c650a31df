//! A newer version of one package, and what stands in its way.

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{
    Dependency, Explanation, Joint, Resolution, SolveError, Suggestion, explain_joint, solve_joint,
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
    /// What is chosen if the target is to have at least this version, or why it cannot. `None` where that cannot be found
    /// out.
    pub(super) fn solve(&self) -> Option<Result<Vec<Resolution>, Explanation>> {
        self.solve_with(&[at_least(self.name, self.version)?])
    }

    /// Why an old version stands in although this one can be had: the others would be older than what was chosen. `instead`
    /// is what is chosen with it.
    pub(super) fn beside(&self, chosen: &Resolution, instead: &[Resolution]) -> Explanation {
        let target = &self.joint.targets[self.at];
        let required = || target.problem.requirements.iter().map(|requirement| &requirement.name);
        let others = required().filter(|name| *name != self.name);
        let as_new = others
            .filter_map(|name| at_least(name, &chosen.packages.get(name)?.version.clone().without_local()));
        let asked: Option<Vec<Dependency>> =
            at_least(self.name, self.version).map(|own| std::iter::once(own).chain(as_new).collect());
        let mut explanation = match asked.and_then(|asked| self.solve_with(&asked)) {
            Some(Err(explanation)) => explanation,
            _ => Explanation::default(),
        };
        let shown = std::iter::once(self.name).chain(required().filter(|name| *name != self.name));
        let shown = shown.filter_map(|name| {
            let version = &instead.get(self.at)?.packages.get(name)?.version;
            let old = since(target.provider, name, version).map(|when| format!(" ({when})"));
            Some(format!("{name} {version}{}", old.unwrap_or_default()))
        });
        let change = format!("ask for {}>={}", self.name, self.version);
        explanation.suggestions = vec![Suggestion { change, chosen: shown.take(NAMED).collect() }];
        explanation
    }

    /// Solves with more requirements than the user has. An explanation does not speak of them as the user's.
    fn solve_with(&self, more: &[Dependency]) -> Option<Result<Vec<Resolution>, Explanation>> {
        let mut asking = self.joint.clone();
        let target = &mut asking.targets[self.at];
        for requirement in more {
            target.policy.preferences.remove(&requirement.name);
        }
        target.problem.requirements.extend(more.iter().cloned());
        match solve_joint(&asking) {
            Ok(resolutions) => Some(Ok(resolutions)),
            Err(SolveError::NoSolution(failure)) => {
                let mut explanation = explain_joint(&asking, failure, KNOWN_NAMES);
                let added = |said: &str| more.iter().any(|one| said.ends_with(&format!(" {}", one.text)));
                explanation.facts.retain(|fact| !fact.contains("you require ") || !added(fact));
                explanation.suggestions.retain(|suggestion| !added(&suggestion.change));
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
