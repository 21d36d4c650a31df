//! The order of decisions: by what earlier conflicts taught, then by when a package was first met.
//!
//! A package that keeps being rejected because of an earlier decision should be decided earlier, and the one that
//! causes it later. So each conflict is counted for the package whose version was rejected ("affected") and for the
//! others that took part ("culprits"); at [`CONFLICT_THRESHOLD`] the one moves up and the other down, and the culprit's
//! decision is taken back at once. The scheme is uv's, see its resolver internals page, section "prioritization".

use std::cmp::Reverse;
use std::collections::BTreeSet;

use mlresolve_packaging::PackageName;
use rustc_hash::FxHashMap;

use crate::package::SolverPackage;

/// How many conflicts between two packages it takes to change their order.
const CONFLICT_THRESHOLD: u32 = 5;

/// How soon a package is decided: greater is sooner.
pub(crate) type Priority = (Class, Reverse<u32>, u8, Reverse<usize>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Follows from all others.
    Last,
    /// Stood in the way of others too often.
    Late,
    Ordinary,
    /// Was rejected too often.
    Early,
    /// Only one version is left to choose.
    Pinned,
    Root,
}

/// What is remembered of the packages met so far.
#[derive(Debug, Default)]
pub(crate) struct Priorities {
    /// Packages that are never put off for others.
    kept: BTreeSet<PackageName>,
    order: FxHashMap<PackageName, u32>,
    class: FxHashMap<PackageName, Class>,
    affected: FxHashMap<PackageName, u32>,
    culprit: FxHashMap<PackageName, u32>,
}

impl Priorities {
    /// Priorities that never put off these packages for others.
    pub(crate) fn keeping(kept: BTreeSet<PackageName>) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Notes that a package was met, for the order among equals.
    pub(crate) fn meet(&mut self, name: &PackageName) -> bool {
        let next = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        let before = self.order.len();
        self.order.entry(name.clone()).or_insert(next);
        self.order.len() > before
    }

    pub(crate) fn of(&self, package: &SolverPackage, single: bool) -> Priority {
        let (name, place, target) = match package {
            SolverPackage::Root => return (Class::Root, Reverse(0), 0, Reverse(0)),
            // It follows from the builds, so it is decided when nothing else is.
            SolverPackage::Shared(target, _) => return (Class::Last, Reverse(0), 0, Reverse(*target)),
            // What targets share decides for each of them.
            SolverPackage::Public(name) => (name, 2, 0),
            // An extra goes before its base: its version decides the base's, not the other way round.
            SolverPackage::Package(target, name, extra) => (name, u8::from(extra.is_some()), *target),
        };
        let learned = self.class.get(name).copied().unwrap_or(Class::Ordinary);
        let class = if single { Class::Pinned } else { learned };
        let order = self.order.get(name).copied().unwrap_or(u32::MAX);
        (class, Reverse(order), place, Reverse(target))
    }

    /// Counts a conflict; returns the packages whose decisions should be taken back.
    pub(crate) fn conflict<'a>(
        &mut self,
        affected: &PackageName,
        others: impl Iterator<Item = &'a PackageName>,
    ) -> Vec<PackageName> {
        let mut take_back = Vec::new();
        for culprit in others.filter(|name| *name != affected) {
            if !self.kept.contains(culprit)
                && reaches_threshold(&mut self.culprit, culprit)
                && self.learn(culprit, Class::Late)
            {
                take_back.push(culprit.clone());
            }
        }
        if reaches_threshold(&mut self.affected, affected) {
            self.learn(affected, Class::Early);
        }
        take_back
    }

    /// Moves a package once and for all: to move it again with each further conflict would undo what was learned.
    fn learn(&mut self, name: &PackageName, class: Class) -> bool {
        let unknown = !self.class.contains_key(name);
        if unknown {
            self.class.insert(name.clone(), class);
        }
        unknown
    }
}

fn reaches_threshold(counts: &mut FxHashMap<PackageName, u32>, name: &PackageName) -> bool {
    let count = counts.entry(name.clone()).or_default();
    *count += 1;
    *count == CONFLICT_THRESHOLD
}
