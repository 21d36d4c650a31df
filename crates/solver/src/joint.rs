//! Several targets in one solve.

use std::collections::BTreeSet;

use mlresolve_packaging::PackageName;

use crate::policy::Policy;
use crate::provider::Provider;
use crate::solve::Problem;

/// What is solved together: each target with its own view of the world, and what they must have in common.
pub struct Joint<'a, P> {
    /// The targets. Where they cannot all have the best, earlier ones come first.
    pub targets: Vec<TargetProblem<'a, P>>,
    /// Which packages have one public version on all targets that have them.
    pub alignment: Alignment,
}

/// One target's share of a solve.
pub struct TargetProblem<'a, P> {
    /// The name of the target, for people.
    pub name: String,
    /// Its view of the world.
    pub provider: &'a P,
    /// What is asked for.
    pub problem: Problem,
    /// The rules. The step limit of the first target is that of the solve.
    pub policy: Policy,
}

/// Which packages have one public version on all targets: `2.9.1+cu128` and `2.9.1+cpu` are one public version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Alignment {
    /// None.
    #[default]
    None,
    /// All but these.
    AllBut(BTreeSet<PackageName>),
}

impl Alignment {
    /// Whether targets share the public version of a package.
    #[must_use]
    pub fn holds_for(&self, name: &PackageName) -> bool {
        match self {
            Self::None => false,
            Self::AllBut(names) => !names.contains(name),
        }
    }
}

impl<'a, P: Provider> Joint<'a, P> {
    /// One target alone.
    pub fn single(provider: &'a P, problem: &Problem, policy: &Policy) -> Self {
        let (problem, policy) = (problem.clone(), policy.clone());
        let target = TargetProblem { name: String::new(), provider, problem, policy };
        Self { targets: vec![target], alignment: Alignment::None }
    }

    /// The same with at most so many steps.
    pub(crate) fn with_step_limit(&self, limit: u64) -> Self {
        let mut limited = self.clone();
        for target in &mut limited.targets {
            target.policy.step_limit = limit;
        }
        limited
    }

    /// Whether this is of several targets, so that a person must be told of which one something is said.
    pub(crate) fn is_of_several(&self) -> bool {
        self.targets.len() > 1
    }

    /// Whether the public version of a package is decided for all targets at once.
    pub(crate) fn aligns(&self, name: &PackageName) -> bool {
        self.is_of_several()
            && self.alignment.holds_for(name)
            && !self.targets.iter().any(|target| target.provider.follows_build(name))
    }
}

// A provider need not be cloned to be referred to twice.
impl<P> Clone for Joint<'_, P> {
    fn clone(&self) -> Self {
        Self { targets: self.targets.clone(), alignment: self.alignment.clone() }
    }
}

impl<P> Clone for TargetProblem<'_, P> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            provider: self.provider,
            problem: self.problem.clone(),
            policy: self.policy.clone(),
        }
    }
}
