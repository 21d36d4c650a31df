//! Finding the requirements that matter.

use std::collections::BTreeSet;

use pubgrub::External;

use super::{Leaf, leaves};
use crate::align::public_range;
use crate::joint::Joint;
use crate::package::SolverPackage;
use crate::provider::{Provider, Unusable};
use crate::solve::{Failure, SolveError, solve_joint};

/// The most solves spent on leaving out requirements.
const TRIES: usize = 24;
/// The most steps of each.
const STEPS: u64 = 5_000;

/// The part of the problems that has no solution by itself, as small as is found, with its proof.
pub(super) fn minimize<'a, P: Provider>(joint: &Joint<'a, P>, failure: Failure) -> (Joint<'a, P>, Failure) {
    let mut core = used(&joint.with_step_limit(STEPS), &leaves(&failure.tree));
    let mut proof = failure;
    if let Err(SolveError::NoSolution(smaller)) = solve_joint(&core) {
        core = used(&core, &leaves(&smaller.tree));
        proof = smaller;
    }
    let mut tries = 0;
    let mut at = 0;
    while at < size(&core) && tries < TRIES {
        tries += 1;
        let candidate = without(&core, at);
        match solve_joint(&candidate) {
            Err(SolveError::NoSolution(smaller)) => {
                core = used(&candidate, &leaves(&smaller.tree));
                proof = smaller;
            }
            _ => at += 1,
        }
    }
    // The last proof can belong to a larger core than the one that is left.
    if let Err(SolveError::NoSolution(smaller)) = solve_joint(&core) {
        proof = smaller;
    }
    (core, proof)
}

/// How many requirements and constraints there are.
pub(super) fn size<P: Provider>(joint: &Joint<'_, P>) -> usize {
    let sizes = joint.targets.iter();
    sizes.map(|target| target.problem.requirements.len() + target.problem.constraints.len()).sum()
}

/// The problems without one of their requirements and constraints: those of the first target come first.
fn without<'a, P: Provider>(joint: &Joint<'a, P>, mut at: usize) -> Joint<'a, P> {
    let mut smaller = joint.clone();
    for target in &mut smaller.targets {
        let (requirements, constraints) = (&mut target.problem.requirements, &mut target.problem.constraints);
        if at < requirements.len() {
            requirements.remove(at);
            return smaller;
        }
        at -= requirements.len();
        if at < constraints.len() {
            constraints.remove(at);
            return smaller;
        }
        at -= constraints.len();
    }
    smaller
}

/// What of the problems a proof speaks of.
fn used<'a, P: Provider>(joint: &Joint<'a, P>, leaves: &[Leaf<'_>]) -> Joint<'a, P> {
    let mut ranges = BTreeSet::new();
    let mut constraints = BTreeSet::new();
    for leaf in leaves {
        match leaf {
            External::FromDependencyOf(SolverPackage::Root, _, package, range) => {
                ranges.insert((package.target(), package.name().cloned(), range.to_string()));
            }
            External::Custom(package, _, Unusable::Constraint(text)) => {
                constraints.insert((package.target(), package.name().cloned(), text.clone()));
            }
            _ => {}
        }
    }
    let mut smaller = joint.clone();
    for (at, target) in smaller.targets.iter_mut().enumerate() {
        target.problem.requirements.retain(|requirement| {
            let name = Some(requirement.name.clone());
            let shared = public_range(&requirement.range).to_string();
            ranges.contains(&(Some(at), name.clone(), requirement.range.to_string()))
                || ranges.contains(&(None, name, shared))
        });
        target.problem.constraints.retain(|constraint| {
            constraints.contains(&(Some(at), Some(constraint.name.clone()), constraint.text.clone()))
        });
    }
    smaller
}
