//! Changes that lead to a solution, each one tried.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve_packaging::{PackageName, SpecifierSet, Version, VersionPoint, VersionRange, parse_version};
use pubgrub::External;

use super::core::without;
use super::{Leaf, SUGGESTION_LIMIT};
use crate::package::SolverPackage;
use crate::policy::Policy;
use crate::provider::{Missing, Provider, Unusable, Versions};
use crate::solve::{Problem, Resolution, solve};

/// The most steps of one try.
const STEPS: u64 = 20_000;
/// The most packages named with a suggestion.
const NAMED: usize = 3;

/// What to change, and what would then be chosen.
pub(super) fn suggestions<P: Provider>(
    provider: &P,
    problem: &Problem,
    core: &Problem,
    policy: &Policy,
    leaves: &[Leaf<'_>],
) -> Vec<super::Suggestion> {
    let policy = Policy { step_limit: STEPS, ..policy.clone() };
    let core_names: BTreeSet<&PackageName> =
        core.requirements.iter().map(|requirement| &requirement.name).collect();
    let chosen = |resolution: &Resolution, first: &PackageName| {
        let others = core_names.iter().copied().filter(|name| *name != first);
        let names = std::iter::once(first).chain(others);
        let shown =
            names.filter_map(|name| Some(format!("{name} {}", resolution.packages.get(name)?.version)));
        shown.take(NAMED).collect::<Vec<_>>()
    };
    let mut found: Vec<super::Suggestion> = Vec::new();
    for (at, requirement) in problem.requirements.iter().enumerate() {
        if found.len() == SUGGESTION_LIMIT || !core.requirements.contains(requirement) {
            continue;
        }
        let mut relaxed = problem.clone();
        relaxed.requirements[at].range = VersionRange::full();
        if requirement.range != VersionRange::full()
            && let Ok(resolution) = solve(provider, &relaxed, &policy)
        {
            let change = format!("relax {}", requirement.text);
            found.push(super::Suggestion { change, chosen: chosen(&resolution, &requirement.name) });
        } else if problem.requirements.len() > 1
            && core.requirements.len() + core.constraints.len() > 1
            && let Ok(resolution) = solve(provider, &without(problem, at), &policy)
        {
            let change = format!("leave out {}", requirement.text);
            let mut chosen = chosen(&resolution, &requirement.name);
            if chosen.is_empty() {
                chosen.push("a solution".to_owned());
            }
            found.push(super::Suggestion { change, chosen });
        }
    }
    for (at, constraint) in problem.constraints.iter().enumerate() {
        if found.len() < SUGGESTION_LIMIT
            && core.constraints.contains(constraint)
            && let Ok(resolution) =
                solve(provider, &without(problem, problem.requirements.len() + at), &policy)
        {
            let change = format!("drop the constraint {}", constraint.text);
            found.push(super::Suggestion { change, chosen: chosen(&resolution, &constraint.name) });
        }
    }
    for name in refused_as_prerelease(leaves) {
        let mut policy = policy.clone();
        policy.prerelease_named.insert(name.clone());
        if let Ok(resolution) = solve(provider, problem, &policy)
            && let Some(resolved) = resolution.packages.get(name)
        {
            let change = format!("allow pre-releases of {name}, by asking for {name}>={}", resolved.version);
            found.push(super::Suggestion { change, chosen: chosen(&resolution, name) });
        }
    }
    for (name, version) in refused_as_yanked(provider, leaves) {
        let mut policy = policy.clone();
        policy.yanked_allowed.insert((name.clone(), version.clone()));
        if let Ok(resolution) = solve(provider, problem, &policy) {
            let change = format!("take the yanked {name} {version}, by asking for {name}=={version}");
            found.push(super::Suggestion { change, chosen: chosen(&resolution, name) });
        }
    }
    found
}

/// The newest yanked version of each package that a proof speaks of.
fn refused_as_yanked<'leaf, P: Provider>(
    provider: &P,
    leaves: &[Leaf<'leaf>],
) -> BTreeMap<&'leaf PackageName, Version> {
    let mut newest = BTreeMap::new();
    for leaf in leaves {
        let External::Custom(SolverPackage::Package(name, _), range, Unusable::Yanked(_)) = leaf else {
            continue;
        };
        let Ok(Versions::Found(versions)) = provider.versions(name) else { continue };
        let yanked =
            versions.iter().rev().find(|version| range.contains(&VersionPoint::at((*version).clone())));
        if let Some(version) = yanked {
            let known = newest.entry(name).or_insert_with(|| version.clone());
            if version > known {
                known.clone_from(version);
            }
        }
    }
    newest
}

fn refused_as_prerelease<'leaf>(leaves: &[Leaf<'leaf>]) -> BTreeSet<&'leaf PackageName> {
    let prerelease = |leaf: &Leaf<'leaf>| match leaf {
        External::Custom(SolverPackage::Package(name, _), _, Unusable::Prerelease) => Some(name),
        _ => None,
    };
    leaves.iter().filter_map(prerelease).collect()
}

/// What no solve can confirm: another Python, another spelling, another time limit.
pub(super) fn hints(leaves: &[Leaf<'_>], known_names: &[&str]) -> Vec<String> {
    let mut hints = BTreeSet::new();
    // Of the Pythons that versions of one package ask for, the one nearest to the target's is enough.
    let mut pythons: BTreeMap<&PackageName, (u64, u64)> = BTreeMap::new();
    for leaf in leaves {
        let External::Custom(SolverPackage::Package(name, _), _, reason) = leaf else { continue };
        match reason {
            Unusable::RequiresPython { required, python } => {
                if let Some((distance, minor)) = python_that_fits(required, python) {
                    let nearest = pythons.entry(name).or_insert((distance, minor));
                    *nearest = (*nearest).min((distance, minor));
                }
            }
            Unusable::Missing(Missing::NotFound(_)) => {
                let similar = similar_names(name.as_str(), known_names);
                hints.insert(if similar.is_empty() {
                    format!("if {name} is on an index of its own, name that with --extra-index-url")
                } else {
                    format!("did you mean {}?", similar.join(" or "))
                });
            }
            Unusable::Missing(Missing::Offline) => {
                hints.insert("run once without --offline".to_owned());
            }
            Unusable::TooNew(limit) => {
                hints.insert(format!(
                    "{name} has newer versions than {limit}: --exclude-newer with a later time"
                ));
            }
            Unusable::SourceOnly => {
                hints.insert(format!(
                    "--only-binary leaves out sources: ask for a version of {name} that has a wheel, or say --no-binary \
                     {name}"
                ));
            }
            Unusable::BinaryOnly => {
                hints.insert(format!(
                    "--no-binary leaves out wheels: say --only-binary {name}, or ask for a version that has a source \
                     distribution"
                ));
            }
            Unusable::NeedsBuild { newest_wheel, .. } => {
                let wheel = match newest_wheel {
                    Some(version) => format!("ask for {name}=={version}, the newest that has a wheel"),
                    None => "leave it out, since no version of it has a wheel".to_owned(),
                };
                hints.insert(format!(
                    "{name} can be built to see what it requires: --allow-build {name}; or say yourself what it \
                     requires, under [tool.mlresolve.metadata]; or {wheel}"
                ));
            }
            _ => {}
        }
    }
    for (name, (_, minor)) in pythons {
        hints.insert(format!("{name} has versions for Python 3.{minor}: --python-version 3.{minor}"));
    }
    hints.into_iter().collect()
}

/// The Python minor nearest to the target's that a Requires-Python takes, after its distance.
fn python_that_fits(required: &str, python: &str) -> Option<(u64, u64)> {
    let (specifiers, _) = SpecifierSet::parse_lenient(required).ok()?;
    let ours: u64 = python.split('.').nth(1)?.parse().ok()?;
    let fits = |minor: &u64| {
        parse_version(&format!("3.{minor}.99")).is_ok_and(|version| specifiers.contains(&version))
    };
    (6..16).filter(fits).map(|minor| (ours.abs_diff(minor), minor)).min()
}

/// Names within two edits of a name.
fn similar_names<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let mut similar: Vec<(usize, &str)> = known
        .iter()
        .map(|other| (distance(name, other), *other))
        .filter(|(distance, other)| *distance > 0 && *distance <= 2 && *distance < other.len() / 2)
        .collect();
    similar.sort_unstable();
    similar.into_iter().map(|(_, other)| other).take(3).collect()
}

/// The edit distance, where swapping two neighbours counts as one edit.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (at, &byte) in left.iter().enumerate() {
        let mut row = vec![at + 1];
        for (other_at, &other) in right.iter().enumerate() {
            let changed = rows[at][other_at] + usize::from(byte != other);
            let mut best = changed.min(rows[at][other_at + 1] + 1).min(row[other_at] + 1);
            if at > 0 && other_at > 0 && byte == right[other_at - 1] && left[at - 1] == other {
                best = best.min(rows[at - 1][other_at - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}
