//! Changes that lead to a solution, each one tried.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve_packaging::{PackageName, SpecifierSet, Version, VersionPoint, VersionRange, parse_version};
use pubgrub::External;

use super::core::size;
use super::{Leaf, SUGGESTION_LIMIT};
use crate::align::Agreements;
use crate::joint::{Alignment, Joint};
use crate::package::{Matter, SolverPackage};
use crate::policy::Policy;
use crate::provider::{Dependency, Missing, Provider, Unusable, Versions};
use crate::solve::{Constraint, Resolution, solve_joint};

/// The most steps of one try.
pub(super) const STEPS: u64 = 20_000;
/// The most packages named with a suggestion.
pub(super) const NAMED: usize = 3;

/// What to change, and what would then be chosen.
pub(super) fn suggestions<P: Provider>(
    joint: &Joint<'_, P>,
    core: &Joint<'_, P>,
    leaves: &[Leaf<'_>],
) -> Vec<super::Suggestion> {
    let joint = &joint.with_step_limit(STEPS);
    let alone = size(core) == 1;
    let core_names: BTreeSet<&PackageName> = requirements(core).map(|one| &one.name).collect();
    let chosen = |resolutions: &[Resolution], first: &PackageName| {
        let others = core_names.iter().copied().filter(|name| *name != first);
        let names = std::iter::once(first).chain(others);
        let version = |name| resolutions.iter().find_map(|one| Some(&one.packages.get(name)?.version));
        let shown = names.filter_map(|name| Some(format!("{name} {}", version(name)?)));
        shown.take(NAMED).collect::<Vec<_>>()
    };
    let mut found: Vec<super::Suggestion> = Vec::new();
    let mut seen = BTreeSet::new();
    for requirement in requirements(joint) {
        // What several targets require is one line of the user's.
        if found.len() == SUGGESTION_LIMIT
            || !requirements(core).any(|one| one == requirement)
            || !seen.insert(requirement.text.to_string())
        {
            continue;
        }
        let relaxed = with_requirements(joint, |one| {
            let range = if one == requirement { VersionRange::full() } else { one.range.clone() };
            Some(Dependency { range, ..one.clone() })
        });
        if requirement.range != VersionRange::full()
            && let Ok(resolutions) = solve_joint(&relaxed)
        {
            let change = format!("relax {}", requirement.text);
            let mut chosen = chosen(&resolutions, &requirement.name);
            if let (Some(first), Some(when)) =
                (chosen.first_mut(), old(joint, &resolutions, &requirement.name))
            {
                *first = format!("{first} ({when})");
            }
            found.push(super::Suggestion { change, chosen });
            continue;
        }
        let without = with_requirements(joint, |one| (one != requirement).then(|| one.clone()));
        if requirements(&without).next().is_some()
            && !alone
            && let Ok(resolutions) = solve_joint(&without)
        {
            let change = format!("leave out {}", requirement.text);
            let mut chosen = chosen(&resolutions, &requirement.name);
            if chosen.is_empty() {
                chosen.push("a solution".to_owned());
            }
            found.push(super::Suggestion { change, chosen });
        }
    }
    for constraint in constraints(joint) {
        if found.len() == SUGGESTION_LIMIT
            || !constraints(core).any(|one| one == constraint)
            || !seen.insert(constraint.text.clone())
        {
            continue;
        }
        let mut without = joint.clone();
        for target in &mut without.targets {
            target.problem.constraints.retain(|one| one != constraint);
        }
        if let Ok(resolutions) = solve_joint(&without) {
            let change = format!("drop the constraint {}", constraint.text);
            found.push(super::Suggestion { change, chosen: chosen(&resolutions, &constraint.name) });
        }
    }
    found.extend(apart(joint, leaves, &chosen));
    for name in refused_as_prerelease(leaves) {
        let allowed = with_policies(joint, |policy| {
            policy.prerelease_named.insert(name.clone());
        });
        if let Ok(resolutions) = solve_joint(&allowed)
            && let Some(resolved) = resolutions.iter().find_map(|one| one.packages.get(name))
            && old(joint, &resolutions, name).is_none()
        {
            let change = format!("allow pre-releases of {name}, by asking for {name}>={}", resolved.version);
            found.push(super::Suggestion { change, chosen: chosen(&resolutions, name) });
        }
    }
    for (name, version) in refused_as_yanked(joint, leaves) {
        let yanked = (name.clone(), version.clone());
        let allowed = with_policies(joint, |policy| {
            policy.yanked_allowed.insert(yanked.clone());
        });
        if let Ok(resolutions) = solve_joint(&allowed) {
            let change = format!("take the yanked {name} {version}, by asking for {name}=={version}");
            found.push(super::Suggestion { change, chosen: chosen(&resolutions, name) });
        }
    }
    found
}

/// When what is chosen of a package is from, if it is old.
fn old<P: Provider>(joint: &Joint<'_, P>, resolutions: &[Resolution], name: &PackageName) -> Option<String> {
    let mut chosen = joint.targets.iter().zip(resolutions);
    chosen.find_map(|(target, resolution)| {
        target.provider.old_since(name, &resolution.packages.get(name)?.version)
    })
}

/// To let a package that stands in the way differ between targets.
fn apart<P: Provider>(
    joint: &Joint<'_, P>,
    leaves: &[Leaf<'_>],
    chosen: &dyn Fn(&[Resolution], &PackageName) -> Vec<String>,
) -> Vec<super::Suggestion> {
    let Alignment::AllBut(known) = &joint.alignment else { return Vec::new() };
    let shared = leaves.iter().filter_map(|leaf| match leaf {
        External::FromDependencyOf(_, _, SolverPackage::Public(name), _) => Some(name),
        _ => None,
    });
    let shared: BTreeSet<&PackageName> = shared.collect();
    let singly = shared.iter().map(|name| BTreeSet::from([*name]));
    let together = (shared.len() > 1).then(|| shared.clone());
    for names in singly.chain(together) {
        let mut apart = joint.clone();
        apart.alignment = Alignment::AllBut(known.iter().chain(names.iter().copied()).cloned().collect());
        if let (Some(first), Ok(resolutions)) = (names.first(), solve_joint(&apart)) {
            let list = names.iter().map(|name| format!("{:?}", name.as_str())).collect::<Vec<_>>().join(", ");
            let names = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" and ");
            let mut versions: Vec<String> = Vec::new();
            for (target, resolution) in joint.targets.iter().zip(&resolutions) {
                if let Some(resolved) = resolution.packages.get(*first) {
                    versions.push(format!("{first} {} for {}", resolved.version, target.name));
                }
            }
            if versions.is_empty() {
                versions = chosen(&resolutions, first);
            }
            let change = format!("let {names} differ between targets (unaligned = [{list}])");
            return vec![super::Suggestion { change, chosen: versions }];
        }
    }
    Vec::new()
}

pub(super) fn requirements<'j, P: Provider>(joint: &'j Joint<'_, P>) -> impl Iterator<Item = &'j Dependency> {
    joint.targets.iter().flat_map(|target| &target.problem.requirements)
}

fn constraints<'j, P: Provider>(joint: &'j Joint<'_, P>) -> impl Iterator<Item = &'j Constraint> {
    joint.targets.iter().flat_map(|target| &target.problem.constraints)
}

pub(super) fn with_requirements<'a, P: Provider>(
    joint: &Joint<'a, P>,
    change: impl Fn(&Dependency) -> Option<Dependency>,
) -> Joint<'a, P> {
    let mut changed = joint.clone();
    for target in &mut changed.targets {
        let requirements = target.problem.requirements.iter().filter_map(&change);
        target.problem.requirements = requirements.collect();
    }
    changed
}

fn with_policies<'a, P: Provider>(joint: &Joint<'a, P>, change: impl Fn(&mut Policy)) -> Joint<'a, P> {
    let mut changed = joint.clone();
    changed.targets.iter_mut().for_each(|target| change(&mut target.policy));
    changed
}

/// The newest yanked version of each package that a proof speaks of.
fn refused_as_yanked<'leaf, P: Provider>(
    joint: &Joint<'_, P>,
    leaves: &[Leaf<'leaf>],
) -> BTreeMap<&'leaf PackageName, Version> {
    let mut newest = BTreeMap::new();
    for leaf in leaves {
        let External::Custom(SolverPackage::Package(target, name, _), range, Unusable::Yanked(_)) = leaf
        else {
            continue;
        };
        let provider = joint.targets[*target].provider;
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
        External::Custom(SolverPackage::Package(_, name, _), _, Unusable::Prerelease) => Some(name),
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
        let External::Custom(SolverPackage::Package(_, name, _), _, reason) = leaf else { continue };
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

/// What can be done about claims that contradict each other.
pub(super) fn ways_out<P: Provider>(
    joint: &Joint<'_, P>,
    leaves: &[Leaf<'_>],
    agreements: &Agreements,
) -> BTreeSet<String> {
    type Claimed = (BTreeSet<String>, BTreeSet<PackageName>);
    let mut claimed: BTreeMap<(usize, &Matter), Claimed> = BTreeMap::new();
    for leaf in leaves {
        if let External::FromDependencyOf(package, _, SolverPackage::Shared(target, matter), range) = leaf {
            let (values, packages) = claimed.entry((*target, matter)).or_default();
            values.extend(agreements.values_in(matter, range));
            packages.extend(package.name().cloned());
        }
    }
    let ways = claimed.iter().filter_map(|((target, matter), (values, packages))| {
        joint.targets[*target].provider.way_out(matter, values, packages)
    });
    ways.collect()
}

/// Where packages are to be had that were not found, or only as source.
pub(super) fn elsewhere<P: Provider>(joint: &Joint<'_, P>, leaves: &[Leaf<'_>]) -> BTreeSet<String> {
    let wanting = leaves.iter().filter_map(|leaf| match leaf {
        External::Custom(
            SolverPackage::Package(target, name, _),
            _,
            Unusable::NeedsBuild { .. }
            | Unusable::SourceOnly
            | Unusable::NoWheel(_)
            | Unusable::Missing(Missing::NotFound(_)),
        ) => Some((*target, name)),
        _ => None,
    });
    wanting.filter_map(|(target, name)| joint.targets[target].provider.elsewhere(name)).collect()
}

/// How a requirement that is in no metadata can be taken away.
pub(super) fn overruled<P: Provider>(joint: &Joint<'_, P>, leaves: &[Leaf<'_>]) -> BTreeSet<String> {
    let mut hints = BTreeSet::new();
    for leaf in leaves {
        let External::FromDependencyOf(
            SolverPackage::Package(target, name, None),
            range,
            SolverPackage::Package(_, on, _),
            needed,
        ) = leaf
        else {
            continue;
        };
        let provider = joint.targets[*target].provider;
        let Ok(Versions::Found(versions)) = provider.versions(name) else { continue };
        let held =
            versions.iter().rev().find(|version| range.contains(&VersionPoint::at((*version).clone())));
        if held.is_some_and(|version| provider.cited(name, version, on, needed).is_some()) {
            hints.insert(format!(
                "if {name} goes with another {on}, say what it requires under [tool.mlresolve.metadata.{name}]"
            ));
        }
    }
    hints
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
