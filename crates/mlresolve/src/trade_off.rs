//! No old version in silence where packages must agree: what the CUDA major or the provider of an import package held back.
//!
//! PubGrub prefers an ancient version to a conflict. So where such a matter decided anything, it is solved once more without,
//! and each package that would be newer then is looked at. A recent version is a line in the report; for an old one the
//! user is shown the conflict that it would dodge.

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{
    Dependency, Explanation, Joint, Resolution, TargetProblem, explain_joint, solve_joint,
};
use mlresolve_target::facts::is_family;

use crate::antique::{is_recent, uploaded};
use crate::error::{Conflict, Error};
use crate::known_names::KNOWN_NAMES;
use crate::machine::{TORCH, is_part_of_a_build};
use crate::prepare::target_in_words;
use crate::report::HeldBack;
use crate::run::{Run, TargetRun};
use crate::universe::Universe;

/// For each target, what was held back by what its packages must agree on.
///
/// # Errors
/// [`Error::Conflict`] where an old version would stand in, unless it was allowed by name.
pub(crate) fn held_back_by_packages<'a>(
    run: &Run<'a>,
    joint: &Joint<'a, Universe>,
    chosen: &[Resolution],
) -> Result<Vec<Vec<HeldBack>>, Error> {
    let mut held = vec![Vec::new(); chosen.len()];
    if chosen.iter().all(|resolution| resolution.statistics.disagreements == 0) {
        return Ok(held);
    }
    let free: Vec<Universe> = run.targets.iter().map(|target| target.universe.without_claims()).collect();
    let mut without = Joint { targets: Vec::new(), alignment: joint.alignment.clone() };
    for (target, universe) in joint.targets.iter().zip(&free) {
        let (name, problem, policy) = (target.name.clone(), target.problem.clone(), target.policy.clone());
        without.targets.push(TargetProblem { name, provider: universe, problem, policy });
    }
    // The lock is right all the same where that cannot be found out.
    let Ok(unhindered) = solve_joint(&without) else { return Ok(held) };
    for (at, (target, held)) in run.targets.iter().zip(&mut held).enumerate() {
        for (name, resolved) in &chosen[at].packages {
            let Some(newer) = newer(&unhindered[at], name, &resolved.version) else { continue };
            // A library of another CUDA is not an older one.
            if is_part_of_a_build(name) || target.prepared.allow_held_back.contains(name) {
                continue;
            }
            // What is released for a torch follows it, and the names are in the order in which torch comes first.
            if is_family(name) && held.iter().any(|one: &HeldBack| one.name == TORCH) {
                continue;
            }
            let Some(explanation) = conflict_of(joint, at, name, &newer) else { continue };
            let old = !is_recent(target.universe, name, &resolved.version, &newer)?;
            if old {
                return Err(antique(target, name, &resolved.version, &newer, explanation)?);
            }
            held.push(HeldBack {
                name: name.to_string(),
                version: newer.to_string(),
                chosen: resolved.version.to_string(),
                because: because(&explanation),
            });
        }
    }
    Ok(held)
}

/// The public version of a package in a resolution, if it is newer than the chosen one.
fn newer(unhindered: &Resolution, name: &PackageName, chosen: &Version) -> Option<Version> {
    let newer = unhindered.packages.get(name)?.version.clone().without_local();
    (newer > chosen.clone().without_local()).then_some(newer)
}

/// Why a target cannot have at least this version of a package; `None` where it could, at the cost of others.
fn conflict_of(
    joint: &Joint<'_, Universe>,
    at: usize,
    name: &PackageName,
    newer: &Version,
) -> Option<Explanation> {
    let text = format!("{name}>={newer}");
    let specifiers = format!(">={newer}").parse().ok()?;
    let mut asking = joint.clone();
    let requirement = Dependency {
        name: name.clone(),
        extras: Vec::new(),
        range: range_of(&specifiers),
        text: text.clone().into(),
    };
    asking.targets[at].problem.requirements.push(requirement);
    asking.targets[at].policy.preferences.remove(name);
    match solve_joint(&asking) {
        Err(mlresolve_solver::SolveError::NoSolution(failure)) => {
            let mut explanation = explain_joint(&asking, failure, KNOWN_NAMES);
            // That requirement is ours, and to give it up is what was done.
            explanation.facts.retain(|fact| !fact.ends_with(&format!("you require {text}")));
            explanation.suggestions.retain(|suggestion| !suggestion.change.ends_with(&text));
            Some(explanation)
        }
        _ => None,
    }
}

fn antique(
    target: &TargetRun<'_>,
    name: &PackageName,
    chosen: &Version,
    newer: &Version,
    mut explanation: Explanation,
) -> Result<Error, Error> {
    let uploaded = uploaded(target.universe, name, chosen)?;
    let date = uploaded.map(|time| format!(", of {}", time.strftime("%Y-%m-%d"))).unwrap_or_default();
    explanation.facts.insert(
        0,
        format!("{name} {newer} cannot be had, and the newest that can, {chosen}{date}, is too old to be taken in silence"),
    );
    explanation.hints.push(format!("--allow-held-back {name} takes {name} {chosen}"));
    Ok(Error::Conflict(Box::new(Conflict { target: target_in_words(&target.prepared.target), explanation })))
}

/// An explanation in one line: two claims that do not go together, without their sources.
fn because(explanation: &Explanation) -> String {
    let Some((values, first)) = explanation.claims.first() else {
        return "what it requires cannot be met".to_owned();
    };
    let other = explanation.claims.iter().find(|(others, _)| others.is_disjoint(values));
    let lines = std::iter::once(first).chain(other.map(|(_, line)| line));
    let bare = lines.map(|line| line.split(" [").next().unwrap_or(line));
    bare.collect::<Vec<_>>().join(", and ")
}
