//! Finding the requirements that matter.

use std::collections::BTreeSet;

use pubgrub::External;

use super::{Leaf, leaves};
use crate::package::SolverPackage;
use crate::policy::Policy;
use crate::provider::{Provider, Unusable};
use crate::solve::{Failure, Problem, SolveError, solve};

/// The most solves spent on leaving out requirements.
const TRIES: usize = 24;
/// The most steps of each.
const STEPS: u64 = 5_000;

/// The part of the problem that has no solution by itself, as small as is found, with its proof.
pub(super) fn minimize<P: Provider>(
    provider: &P,
    problem: &Problem,
    policy: &Policy,
    failure: Failure,
) -> (Problem, Failure) {
    let policy = Policy { step_limit: STEPS, ..policy.clone() };
    let mut core = used(problem, &leaves(&failure.tree));
    let mut proof = failure;
    if let Err(SolveError::NoSolution(smaller)) = solve(provider, &core, &policy) {
        core = used(&core, &leaves(&smaller.tree));
        proof = smaller;
    }
    let mut tries = 0;
    let mut at = 0;
    while at < core.requirements.len() + core.constraints.len() && tries < TRIES {
        tries += 1;
        let candidate = without(&core, at);
        match solve(provider, &candidate, &policy) {
            Err(SolveError::NoSolution(smaller)) => {
                core = used(&candidate, &leaves(&smaller.tree));
                proof = smaller;
            }
            _ => at += 1,
        }
    }
    // The last proof can belong to a larger core than the one that is left.
    if let Err(SolveError::NoSolution(smaller)) = solve(provider, &core, &policy) {
        proof = smaller;
    }
    (core, proof)
}

/// The problem without one of its requirements or, counting on, constraints.
pub(super) fn without(problem: &Problem, at: usize) -> Problem {
    let mut smaller = problem.clone();
    match at.checked_sub(smaller.requirements.len()) {
        None => drop(smaller.requirements.remove(at)),
        Some(at) => drop(smaller.constraints.remove(at)),
    }
    smaller
}

/// What of the problem a proof speaks of.
fn used(problem: &Problem, leaves: &[Leaf<'_>]) -> Problem {
    let mut ranges = BTreeSet::new();
    let mut constraints = BTreeSet::new();
    for leaf in leaves {
        match leaf {
            External::FromDependencyOf(SolverPackage::Root, _, package, range) => {
                ranges.insert((package.name().cloned(), range.to_string()));
            }
            External::Custom(package, _, Unusable::Constraint(text)) => {
                constraints.insert((package.name().cloned(), text.clone()));
            }
            _ => {}
        }
    }
    let mut smaller = problem.clone();
    smaller.requirements.retain(|requirement| {
        ranges.contains(&(Some(requirement.name.clone()), requirement.range.to_string()))
    });
    smaller
        .constraints
        .retain(|constraint| constraints.contains(&(Some(constraint.name.clone()), constraint.text.clone())));
    smaller
}
