//! Versions that the user pins and that ask for one package in ways that cannot both be met: the plainest conflict there
//! is, which a proof may have passed by for another.

use std::collections::BTreeMap;

use mlresolve_packaging::{PackageName, VersionPoint, VersionRange};

use crate::joint::{Joint, TargetProblem};
use crate::provider::{Answer, Dependency, Provider, Versions};

/// The most pinned requirements of a target that are looked at.
const PIN_LIMIT: usize = 64;
/// The most packages that two pinned versions disagree on, by name.
const NAMED: usize = 3;

/// Two pinned versions, and what they disagree on.
pub(super) struct Disagreement {
    /// The place of the target.
    target: usize,
    /// The two packages.
    sides: [PackageName; 2],
    /// What each of them requires of the same package, as a clause: prominent packages come first.
    on: Vec<(PackageName, [String; 2])>,
}

/// One version, and what it requires.
struct Pin<'j> {
    requirement: &'j Dependency,
    /// The range, and the whole as a clause.
    requires: BTreeMap<PackageName, (VersionRange, String)>,
}

/// The disagreements between what the user pins.
pub(super) fn disagreements<P: Provider>(joint: &Joint<'_, P>) -> Vec<Disagreement> {
    let mut found: Vec<Disagreement> = Vec::new();
    for (at, target) in joint.targets.iter().enumerate() {
        let pins = pins(target);
        for (place, one) in pins.iter().enumerate() {
            for other in &pins[place + 1..] {
                let sides = [one, other].map(|pin| pin.requirement.name.clone());
                let on = contradictions(target.provider, one, other);
                if !on.is_empty() && !found.iter().any(|known| known.sides == sides) {
                    found.push(Disagreement { target: at, sides, on });
                }
            }
        }
    }
    found
}

fn pins<'j, P: Provider>(target: &'j TargetProblem<'_, P>) -> Vec<Pin<'j>> {
    let provider = target.provider;
    let single = |requirement: &'j Dependency| {
        let Ok(Versions::Found(versions)) = provider.versions(&requirement.name) else { return None };
        let mut asked = versions
            .iter()
            .filter(|version| requirement.range.contains(&VersionPoint::at((*version).clone())));
        let only = asked.next().filter(|_| asked.next().is_none())?;
        provider.expect_dependencies(&requirement.name, std::slice::from_ref(only));
        Some((requirement, only.clone()))
    };
    let single: Vec<_> = target.problem.requirements.iter().filter_map(single).take(PIN_LIMIT).collect();
    let pins = single.into_iter().map(|(requirement, version)| {
        let mut requires: BTreeMap<PackageName, (VersionRange, String)> = BTreeMap::new();
        for extra in std::iter::once(None).chain(requirement.extras.iter().map(Some)) {
            let answer = provider.dependencies(&requirement.name, &version, extra);
            let Ok(Answer::Known(dependencies)) = answer else { continue };
            let extra = extra.map(|extra| format!("[{extra}]")).unwrap_or_default();
            for one in dependencies.iter() {
                let clause = || format!("{}{extra} {version} requires {}", requirement.name, one.text);
                requires.entry(one.name.clone()).or_insert_with(|| (one.range.clone(), clause()));
            }
        }
        Pin { requirement, requires }
    });
    pins.collect()
}

fn contradictions<P: Provider>(
    provider: &P,
    one: &Pin<'_>,
    other: &Pin<'_>,
) -> Vec<(PackageName, [String; 2])> {
    let mut on = Vec::new();
    for (name, (range, clause)) in &one.requires {
        if let Some((wanted, counter)) = other.requires.get(name)
            && range.is_disjoint(wanted)
        {
            on.push((name.clone(), [clause.clone(), counter.clone()]));
        }
    }
    on.sort_by_key(|(name, _)| !provider.is_prominent(name));
    on
}

impl Disagreement {
    /// The whole explanation, where the core of a conflict is these two requirements and nothing else.
    pub(super) fn explains<P: Provider>(&self, core: &Joint<'_, P>) -> Option<Vec<String>> {
        let [target] = &core.targets[..] else { return None };
        let [one, other] = &target.problem.requirements[..] else { return None };
        let [first, second] = &self.sides;
        let names = [&one.name, &other.name];
        if !target.problem.constraints.is_empty() || (names != [first, second] && names != [second, first]) {
            return None;
        }
        let mut facts = vec![format!("you require {}", one.text), format!("you require {}", other.text)];
        facts.sort();
        let (_, clauses) = self.on.first()?;
        facts.extend(clauses.iter().cloned());
        facts.extend(self.more().map(|more| format!("they disagree on {more} too")));
        Some(facts)
    }

    /// A line beside an explanation of something else.
    pub(super) fn besides<P: Provider>(&self, joint: &Joint<'_, P>) -> Option<String> {
        let (_, [one, other]) = self.on.first()?;
        let more = self.more().map(|more| format!("; they disagree on {more} too")).unwrap_or_default();
        let target = match joint.is_of_several() {
            true => format!("for {}: ", joint.targets[self.target].name),
            false => String::new(),
        };
        Some(format!("{target}besides, {one}, and {other}{more}"))
    }

    /// What they disagree on beside the first.
    fn more(&self) -> Option<String> {
        let names: Vec<&str> = self.on.iter().skip(1).map(|(name, _)| name.as_str()).collect();
        match &names[..] {
            [] => None,
            [only] => Some((*only).to_owned()),
            [some @ .., last] if names.len() <= NAMED => Some(format!("{} and {last}", some.join(", "))),
            _ => Some(format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED)),
        }
    }
}
