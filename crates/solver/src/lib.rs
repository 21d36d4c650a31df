//! PubGrub over a provider of versions and dependencies, and the explanation of a conflict.
//!
//! Owns: which version is a candidate and in which order candidates are tried, the order of decisions, and the
//! explanation of why there is no solution.
//!
//! Must never know: the network, files, the clock, or how metadata is obtained. It asks a [`Provider`], whose answers
//! are data: "unavailable" is an answer that the solver reasons with, not an error. Given the same answers, it takes
//! the same steps, in whatever order they arrive.

mod align;
mod candidates;
mod explain;
mod joint;
mod package;
mod policy;
mod priority;
mod provider;
mod solve;

pub use explain::{ClaimedFact, Explanation, Suggestion, claimed_facts, explain, explain_joint, show_range};
pub use joint::{Alignment, Joint, TargetProblem};
pub use package::{Matter, SolverPackage};
pub use policy::{Policy, Prerelease, ResolutionMode};
pub use provider::{Answer, Build, Claim, Dependency, Missing, Provider, Standing, Stop, Unusable, Versions};
pub use solve::{
    Constraint, Failure, HeldBack, Problem, Resolution, Resolved, SolveError, Statistics, UnknownExtra,
    solve, solve_joint,
};

#[cfg(test)]
mod tests;
