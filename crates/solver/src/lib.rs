//! PubGrub over a provider of versions and dependencies, and the explanation of a conflict.
//!
//! Owns: which version is a candidate and in which order candidates are tried, the order of decisions, and the
//! explanation of why there is no solution.
//!
//! Must never know: the network, files, the clock, or how metadata is obtained. It asks a [`Provider`], whose answers
//! are data: "unavailable" is an answer that the solver reasons with, not an error. Given the same answers, it takes
//! the same steps, in whatever order they arrive.

mod candidates;
mod explain;
mod package;
mod policy;
mod priority;
mod provider;
mod solve;

pub use explain::{Explanation, Suggestion, explain, show_range};
pub use package::SolverPackage;
pub use policy::{Policy, Prerelease, ResolutionMode};
pub use provider::{Answer, Dependency, Missing, Provider, Standing, Stop, Unusable, Versions};
pub use solve::{Constraint, Problem, Resolution, Resolved, SolveError, Statistics, UnknownExtra, solve};

#[cfg(test)]
mod tests;
