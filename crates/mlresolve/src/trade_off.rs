//! No old version in silence where packages must agree: what the CUDA major, the provider of an import package or the torch
//! that a companion is built for held back.
//!
//! PubGrub prefers an ancient version to a conflict. So where such a matter may have decided anything, it is solved once
//! more without, and each package that would be newer then is looked at. A recent version is a line in the report; for an old
//! one the user is shown the conflict that it would dodge.

mod newer;

use std::collections::BTreeSet;
use std::ops::Bound;

use mlresolve_packaging::{PackageName, Version, VersionPoint};
use mlresolve_solver::{Answer, ClaimedFact, Dependency, Explanation, Joint, Provider, Resolution};
use mlresolve_target::facts::is_family;

use self::newer::Newer;
use crate::antique::{is_recent, uploaded};
use crate::claims::needs_of_torch;
use crate::error::{Conflict, Error};
use crate::machine::{TORCH, is_part_of_a_build};
use crate::ownership::overwritten;
use crate::prepare::target_in_words;
use crate::report::HeldBack;
use crate::run::{Run, TargetRun};
use crate::unhindered::{newer_in, without_claims};
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
    let contested = chosen.iter().any(|resolution| resolution.statistics.contested);
    if !contested && !run.targets.iter().any(|target| target.universe.has_companions()) {
        return Ok(held);
    }
    // The lock is right all the same where that cannot be found out.
    let Some(unhindered) = without_claims(run, joint) else { return Ok(held) };
    for (at, (target, held)) in run.targets.iter().zip(&mut held).enumerate() {
        let packages = chosen[at].packages.iter();
        for (name, version) in packages.map(|(name, resolved)| (name, &resolved.version)) {
            let Some(newer) = newer_in(&unhindered[at], name, version) else { continue };
            if target.prepared.allow_held_back.contains(name)
                || follows_another(target.universe, &chosen[at], name, &newer)
                || is_family(name) && held.iter().any(|one: &HeldBack| one.name == TORCH)
            {
                continue;
            }
            let newer = Newer { joint, at, name, version: &newer };
            let judged = judge(target, &chosen[at], version, &newer);
            held.extend(judged.map_err(|error| with_files(error, run, joint))?);
        }
    }
    Ok(held)
}

/// A conflict with the files that would be overwritten without it.
fn with_files<'a>(mut error: Error, run: &Run<'a>, joint: &Joint<'a, Universe>) -> Error {
    if let Error::Conflict(conflict) = &mut error {
        conflict.explanation.facts.extend(overwritten(run, joint));
    }
    error
}

/// Whether a package is as old as it is because another that was chosen requires that. A library of another CUDA is no
/// older one, and the torch family is one package here.
fn follows_another(universe: &Universe, chosen: &Resolution, name: &PackageName, newer: &Version) -> bool {
    if is_part_of_a_build(name) {
        return true;
    }
    let point = VersionPoint::at(newer.clone());
    let excludes = |dependency: &Dependency| dependency.name == *name && !dependency.range.contains(&point);
    chosen.packages.iter().filter(|(other, _)| !(is_family(name) && is_family(other))).any(
        |(other, resolved)| {
            let questions = std::iter::once(None).chain(resolved.extras.iter().map(Some));
            let mut answers = questions.map(|extra| universe.dependencies(other, &resolved.version, extra));
            answers.any(|answer| matches!(answer, Ok(Answer::Known(known)) if known.iter().any(excludes)))
        },
    )
}

/// Says of a package what held it back, if anything did; refuses an old version.
fn judge(
    target: &TargetRun<'_>,
    resolution: &Resolution,
    chosen: &Version,
    newer: &Newer<'_, '_>,
) -> Result<Option<HeldBack>, Error> {
    let (universe, name) = (target.universe, newer.name);
    // Of what is built for one torch, the age is that of the torch.
    let recent = is_recent(universe, name, chosen, newer.version)?;
    if !recent && !is_built_for_its_torch(universe, name, chosen) {
        return match newer.explanation(resolution) {
            Some(explanation) => Err(antique(target, chosen, newer, explanation)?),
            None => Ok(None),
        };
    }
    // What the user did not ask for goes as it goes; torch is what people look at.
    if !newer.is_required() && name.as_str() != TORCH {
        return Ok(None);
    }
    let Some(claims) = newer.claims_in_the_way(resolution) else { return Ok(None) };
    Ok(Some(HeldBack {
        name: name.to_string(),
        version: newer.version.to_string(),
        chosen: chosen.to_string(),
        because: because(&claims, newer, universe, resolution),
    }))
}

/// Whether a version is known to be built for the torch that it goes with.
fn is_built_for_its_torch(universe: &Universe, name: &PackageName, version: &Version) -> bool {
    let is_bounded = |dependency: &Dependency| {
        dependency.name.as_str() == TORCH
            && !matches!(dependency.range.bounding_range(), Some((_, Bound::Unbounded)))
    };
    let answer = universe.dependencies(name, version, None);
    needs_of_torch(name, version).is_some()
        || matches!(answer, Ok(Answer::Known(dependencies)) if dependencies.iter().any(is_bounded))
}

fn antique(
    target: &TargetRun<'_>,
    chosen: &Version,
    newer: &Newer<'_, '_>,
    mut explanation: Explanation,
) -> Result<Error, Error> {
    let Newer { name, version, .. } = newer;
    let uploaded = uploaded(target.universe, name, chosen)?;
    let date = uploaded.map(|time| format!(", of {}", time.strftime("%Y-%m-%d"))).unwrap_or_default();
    let first = format!(
        "{name} {version} does not go with the rest, and what does, {chosen}{date}, is too old to be taken in silence"
    );
    explanation.facts.insert(0, first);
    explanation.hints.push(format!("--allow-held-back {name} takes {name} {chosen}"));
    Ok(Error::Conflict(Box::new(Conflict { target: target_in_words(&target.prepared.target), explanation })))
}

/// What held a package back, in one line without sources: a claim that what is chosen meets, and one that it does not; else
/// the torch that the package needs.
fn because(
    claims: &[ClaimedFact],
    newer: &Newer<'_, '_>,
    universe: &Universe,
    chosen: &Resolution,
) -> String {
    let values = values(universe, chosen);
    let is_met = |claim: &&ClaimedFact| !claim.values.is_disjoint(&values);
    let (met, unmet): (Vec<_>, Vec<_>) = claims.iter().partition(is_met);
    // What the package itself or what it requires claims says more than what another did.
    let required = match universe.dependencies(newer.name, newer.version, None) {
        Ok(Answer::Known(dependencies)) => dependencies.iter().map(|one| one.name.clone()).collect(),
        _ => BTreeSet::new(),
    };
    let near = |claim: &&&ClaimedFact| claim.package == *newer.name || required.contains(&claim.package);
    let unmet = unmet.iter().find(near).or(unmet.first());
    let met = met.iter().find(|claim| unmet.is_none_or(|unmet| unmet.matter == claim.matter));
    let facts =
        met.into_iter().chain(unmet).map(|claim| claim.fact.split(" [").next().unwrap_or(&claim.fact));
    let facts: Vec<&str> = facts.collect();
    match (facts.is_empty(), needs_of_torch(newer.name, newer.version)) {
        (false, _) => facts.join(", and "),
        (true, Some((needed, _))) => format!("it goes with {}", needed.text),
        (true, None) => "what it requires cannot be met".to_owned(),
    }
}

/// The values that the chosen packages claim.
fn values(universe: &Universe, chosen: &Resolution) -> BTreeSet<String> {
    let claims = chosen.packages.iter().flat_map(|(name, resolved)| universe.claims(name, &resolved.version));
    claims.flatten().flat_map(|claim| claim.values.to_vec()).collect()
}
