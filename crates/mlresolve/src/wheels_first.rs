//! Wheels of compiled packages come before their sources.
//!
//! A source of flash-attn takes a compiler, torch and hours to install, and goes with every torch; each wheel goes with one.
//! So it is solved with wheels alone, where there are any, and the choice of torch follows from them. Sources are last: where
//! that has no solution, or none without old versions of other packages.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve_packaging::{PackageName, Version, VersionPoint};
use mlresolve_solver::{Joint, Resolution, SolveError, solve_joint};
use mlresolve_target::facts::{is_family, wheel_source};

use crate::antique::is_recent;
use crate::claims::needs_of_torch;
use crate::error::Error;
use crate::machine::{TORCH, is_part_of_a_build};
use crate::prepare::Prepared;
use crate::report::HeldBack;
use crate::run::{Run, TargetRun, from_universe};
use crate::unhindered::newer_in;
use crate::universe::{Sources, Universe, UniverseError};

/// How many packages are looked at for one whose source may be used while those of the others may not.
const SEARCH_LIMIT: usize = 4;

type Solved = Result<Vec<Resolution>, SolveError<UniverseError>>;

/// Solves with as many wheels of compiled packages as can be.
pub(crate) fn solve(run: &Run<'_>, joint: &Joint<'_, Universe>) -> Result<Solved, Error> {
    let (wheels, refused) = attempt(joint, &Sources::RefusedBut(BTreeSet::new()));
    if refused.is_empty() || matches!(wheels, Err(SolveError::Provider(_) | SolveError::Stopped(_))) {
        return Ok(wheels);
    }
    if good(run, joint, &wheels)? {
        return Ok(wheels);
    }
    for name in refused.iter().take(SEARCH_LIMIT).filter(|_| refused.len() > 1) {
        let (but, _) = attempt(joint, &Sources::RefusedBut(BTreeSet::from([name.clone()])));
        if good(run, joint, &but)? {
            return Ok(but);
        }
    }
    let last = solve_joint(joint);
    if last.is_err() || good(run, joint, &last)? {
        return Ok(last);
    }
    Ok(attempt(joint, &Sources::Equal).0)
}

/// Whether there is a solution and it takes no antiques.
fn good(run: &Run<'_>, joint: &Joint<'_, Universe>, solved: &Solved) -> Result<bool, Error> {
    match solved {
        Ok(resolutions) => Ok(!takes_antiques(run, joint, resolutions)?),
        Err(_) => Ok(false),
    }
}

/// For each target, what is older than it would be if sources of compiled packages were as good as wheels.
pub(crate) fn held_back_by_wheels(
    run: &Run<'_>,
    joint: &Joint<'_, Universe>,
    chosen: &[Resolution],
) -> Result<Vec<Vec<HeldBack>>, Error> {
    let mut held = vec![Vec::new(); chosen.len()];
    let mut wheels = Vec::with_capacity(chosen.len());
    for (target, resolution) in run.targets.iter().zip(chosen) {
        wheels.push(chosen_wheels(target, resolution)?);
    }
    if wheels.iter().all(Vec::is_empty) {
        return Ok(held);
    }
    let Some(free) = free(joint) else { return Ok(held) };
    for (at, target) in run.targets.iter().enumerate() {
        let Some(first) = wheels[at].first() else { continue };
        for (name, newer) in newer(target, &free[at], &chosen[at]) {
            // What only follows from another package is not worth a line.
            let asked = target.prepared.policy.direct.contains(&name) || target.universe.is_compiled(&name);
            if !asked && name.as_str() != TORCH {
                continue;
            }
            let version = &chosen[at].packages[&name].version;
            let because = match wheels[at].iter().find(|wheel| wheel.0 == name) {
                Some(_) => "it has no wheel for the target, and what has one comes first".to_owned(),
                None => format!("beside it, {} {} could not be had as a wheel", first.0, first.1),
            };
            let (name, version, chosen) = (name.to_string(), newer.to_string(), version.to_string());
            held[at].push(HeldBack { name, version, chosen, because });
        }
    }
    Ok(held)
}

/// That a compiled package must be built, and where there are wheels of it.
pub(crate) fn source_warning(
    prepared: &Prepared,
    universe: &Universe,
    resolution: &Resolution,
    name: &PackageName,
    version: &Version,
) -> Option<String> {
    if !universe.is_compiled(name) || !universe.is_source(name, version).ok()? {
        return None;
    }
    // Whoever asks for sources knows.
    if !prepared.judge.formats.allows_wheels(name) {
        return None;
    }
    let mut needed = BTreeMap::new();
    for wheel in universe.wheels_of(name).ok()? {
        let needs = needs_of_torch(name, &wheel).map(|(needed, _)| (needed.text.to_string(), needed.range));
        needed.extend(needs);
    }
    let torch = resolution.packages.iter().find(|(name, _)| name.as_str() == TORCH);
    let torch = torch.map(|(_, torch)| VersionPoint::at(torch.version.clone()));
    let why = match torch {
        _ if needed.is_empty() => "it has no wheel for the target".to_owned(),
        Some(torch) if !needed.values().any(|range| range.contains(&torch)) => {
            let needed = Vec::from_iter(needed.into_keys()).join(" or ");
            format!("none of its wheels for the target goes with torch {torch}: they require {needed}")
        }
        _ => "none of its wheels for the target goes with what else is chosen".to_owned(),
    };
    let what =
        "it must be built where it is installed, which can take a compiler for GPU code, torch and much time";
    let hint = wheel_source(name)
        .map(|known| format!("; {}; --find-links takes a folder or a page of wheels", known.hint));
    Some(format!("{name} {version} is locked as source, since {why}; {what}{}", hint.unwrap_or_default()))
}

/// The compiled packages that were chosen as a wheel where a newer version is source.
fn chosen_wheels(
    target: &TargetRun<'_>,
    resolution: &Resolution,
) -> Result<Vec<(PackageName, Version)>, Error> {
    let mut wheels = Vec::new();
    let universe = target.universe;
    for (name, resolved) in &resolution.packages {
        if universe.is_compiled(name)
            && !universe.is_source(name, &resolved.version).map_err(from_universe)?
        {
            let newest = universe.newest_source(name).map_err(from_universe)?;
            if newest.is_some_and(|newest| newest > resolved.version) {
                wheels.push((name.clone(), resolved.version.clone()));
            }
        }
    }
    Ok(wheels)
}

/// Whether other packages than torch, its extensions and what they bring would be old for the sake of wheels.
fn takes_antiques(run: &Run<'_>, joint: &Joint<'_, Universe>, chosen: &[Resolution]) -> Result<bool, Error> {
    let Some(free) = free(joint) else { return Ok(false) };
    for (at, target) in run.targets.iter().enumerate() {
        let packages = &chosen[at].packages;
        let torch = packages.iter().find(|(name, _)| name.as_str() == TORCH);
        let brought = match torch {
            Some((name, torch)) => target.universe.requirements(name, &torch.version, &torch.extras),
            None => Ok(Vec::new()),
        };
        let brought = brought.map_err(from_universe)?;
        for (name, newer) in newer(target, &free[at], &chosen[at]) {
            let follows = is_family(&name)
                || target.universe.is_compiled(&name)
                || target.prepared.allow_held_back.contains(&name)
                || brought.iter().any(|requirement| requirement.name == name);
            if !follows && !is_recent(target.universe, &name, &packages[&name].version, &newer)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The packages that are newer in another resolution, with the public version there. A library of another CUDA is not an older
/// one.
fn newer(target: &TargetRun<'_>, free: &Resolution, chosen: &Resolution) -> Vec<(PackageName, Version)> {
    let newer = chosen.packages.iter().filter_map(|(name, resolved)| {
        let follows = is_part_of_a_build(name) && !target.universe.is_compiled(name);
        let newer = newer_in(free, name, &resolved.version).filter(|_| !follows)?;
        Some((name.clone(), newer))
    });
    newer.collect()
}

/// The resolution where sources are as good as wheels.
fn free(joint: &Joint<'_, Universe>) -> Option<Vec<Resolution>> {
    attempt(joint, &Sources::Equal).0.ok()
}

/// Solves with such a treatment of sources, and gives the packages of which one was refused.
fn attempt(joint: &Joint<'_, Universe>, sources: &Sources) -> (Solved, BTreeSet<PackageName>) {
    let treat = |sources: &Sources| {
        joint.targets.iter().for_each(|target| target.provider.treat_sources(sources.clone()));
    };
    treat(sources);
    let solved = solve_joint(joint);
    let refused = joint.targets.iter().flat_map(|target| target.provider.refused_sources()).collect();
    treat(&Sources::Last);
    (solved, refused)
}
