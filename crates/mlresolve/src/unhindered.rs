//! What would be chosen if less stood in the way, to see what it held back.

use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{Joint, Policy, Resolution, TargetProblem, solve_joint};

use crate::run::Run;
use crate::universe::Universe;

/// What would be chosen if packages had to agree on nothing; `None` where there is no solution either.
pub(crate) fn without_claims(run: &Run<'_>, joint: &Joint<'_, Universe>) -> Option<Vec<Resolution>> {
    let free: Vec<Universe> = run.targets.iter().map(|target| target.universe.without_claims()).collect();
    solve_in(&free, joint, |_| {})
}

/// What would be chosen if every machine ran everything, and nothing was locked; `None` where there is no solution either.
/// Packages need not agree either: what both hold back would be said of neither.
pub(crate) fn without_facts(run: &Run<'_>, joint: &Joint<'_, Universe>) -> Option<Vec<Resolution>> {
    let free = run.targets.iter().map(|target| target.universe.without_facts().without_claims());
    let free: Vec<Universe> = free.collect();
    // What is locked already stays, and is held back all the same.
    solve_in(&free, joint, |policy| policy.preferences.clear())
}

/// The public version of a package in another resolution, if it is newer than the chosen one.
pub(crate) fn newer_in(other: &Resolution, name: &PackageName, chosen: &Version) -> Option<Version> {
    let newer = other.packages.get(name)?.version.clone().without_local();
    (newer > chosen.clone().without_local()).then_some(newer)
}

fn solve_in(
    universes: &[Universe],
    joint: &Joint<'_, Universe>,
    change: impl Fn(&mut Policy),
) -> Option<Vec<Resolution>> {
    let mut without = Joint { targets: Vec::new(), alignment: joint.alignment.clone() };
    for (target, provider) in joint.targets.iter().zip(universes) {
        let mut policy = target.policy.clone();
        change(&mut policy);
        let (name, problem) = (target.name.clone(), target.problem.clone());
        without.targets.push(TargetProblem { name, provider, problem, policy });
    }
    solve_joint(&without).ok()
}
