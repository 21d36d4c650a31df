//! The loop: propagate, pick a package, choose a version, add what it requires.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use mlresolve_packaging::{ExtraName, PackageName, Version, VersionPoint, VersionRange};
use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, Id, NoSolutionError, PackageResolutionStatistics,
    State, Term,
};
use rustc_hash::FxHashMap;

use crate::candidates::{Candidates, Choice};
use crate::package::SolverPackage;
use crate::policy::{Policy, ResolutionMode};
use crate::priority::{Priorities, Priority};
use crate::provider::{Answer, Dependency, Provider, Stop, Unusable};

/// When a package has been tried this often, metadata of what would be tried next is asked for ahead.
const TRIES_BEFORE_PREFETCH: u32 = 5;
/// The most metadata asked for ahead at a time.
const PREFETCH_LIMIT: u32 = 40;

/// What is to be solved.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// What the user asks for. Its order does not matter.
    pub requirements: Vec<Dependency>,
    /// What the user rules out without asking for anything.
    pub constraints: Vec<Constraint>,
    /// What the user puts in place of every requirement on a package, as it was written. The requirements above and the
    /// answers of the provider hold it already; this is for the explanation.
    pub overrides: BTreeMap<PackageName, String>,
}

/// Versions that a package is held to, if it is chosen at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// The package.
    pub name: PackageName,
    /// The versions that will do.
    pub range: VersionRange,
    /// The constraint as it was written.
    pub text: String,
}

/// A solution.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// The chosen packages.
    pub packages: BTreeMap<PackageName, Resolved>,
    /// Extras that were asked for but that the chosen versions do not have.
    pub unknown_extras: Vec<UnknownExtra>,
    /// What it took.
    pub statistics: Statistics,
}

/// One chosen package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its version.
    pub version: Version,
    /// The extras asked of it.
    pub extras: BTreeSet<ExtraName>,
}

/// An extra that was asked for but that the chosen version does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownExtra {
    /// The package.
    pub name: PackageName,
    /// The chosen version.
    pub version: Version,
    /// The extra.
    pub extra: ExtraName,
}

/// What a solve took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Versions tried.
    pub steps: u64,
    /// Conflicts met.
    pub conflicts: u64,
}

/// Why there is no solution to show.
#[derive(Debug, thiserror::Error)]
pub enum SolveError<E: std::error::Error + 'static> {
    /// The requirements contradict each other. [`explain`](crate::explain) says how.
    #[error("there is no solution")]
    NoSolution(Failure),
    /// The provider could not answer.
    #[error(transparent)]
    Provider(E),
    /// The solve was given up from outside.
    #[error("the solve was given up")]
    Stopped(Stop),
    /// The solve took more steps than the policy allows.
    #[error("no solution was found within {0} steps (step limit)")]
    TooManySteps(u64),
}

/// The proof that there is no solution.
pub struct Failure {
    pub(crate) tree: Box<Tree>,
}

pub(crate) type Tree = DerivationTree<SolverPackage, VersionRange, Unusable>;

impl std::fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The tree can be as deep as the search was long.
        formatter.write_str("Failure(..)")
    }
}

/// Names the types that PubGrub works with; its methods are never called, since the loop here drives the state.
struct Types;

impl DependencyProvider for Types {
    type P = SolverPackage;
    type V = VersionPoint;
    type VS = VersionRange;
    type Priority = Priority;
    type M = Unusable;
    type Err = Infallible;

    fn prioritize(&self, _: &SolverPackage, _: &VersionRange, _: &PackageResolutionStatistics) -> Priority {
        Priorities::default().of(&SolverPackage::Root, false)
    }

    fn choose_version(
        &self,
        _: &SolverPackage,
        _: &VersionRange,
    ) -> Result<Option<VersionPoint>, Infallible> {
        Ok(None)
    }

    fn get_dependencies(
        &self,
        _: &SolverPackage,
        _: &VersionPoint,
    ) -> Result<Dependencies<SolverPackage, VersionRange, Unusable>, Infallible> {
        Ok(Dependencies::Unavailable(Unusable::SourceOnly))
    }
}

/// Solves a problem.
///
/// # Errors
/// When there is no solution, when the provider cannot answer, or when a limit is reached.
pub fn solve<P: Provider>(
    provider: &P,
    problem: &Problem,
    policy: &Policy,
) -> Result<Resolution, SolveError<P::Error>> {
    match Solver::new(provider, problem, policy, false).run() {
        Err(SolveError::NoSolution(failure)) if failure.mentions_lacking_extra() => {
            // Some extra may have been dropped because it became part of the base.
            match Solver::new(provider, problem, policy, true).run() {
                Err(SolveError::NoSolution(_)) => Err(SolveError::NoSolution(failure)),
                other => other,
            }
        }
        other => other,
    }
}

struct Solver<'a, P: Provider> {
    provider: &'a P,
    problem: &'a Problem,
    policy: &'a Policy,
    state: State<Types>,
    candidates: Candidates<'a, P>,
    priorities: Priorities,
    /// Every package of one name: the base and its extras.
    siblings: FxHashMap<PackageName, Vec<Id<SolverPackage>>>,
    tries: FxHashMap<PackageName, u32>,
    statistics: Statistics,
}

impl<'a, P: Provider> Solver<'a, P> {
    fn new(provider: &'a P, problem: &'a Problem, policy: &'a Policy, accept_dropped_extras: bool) -> Self {
        // The lowest version of what the user names is worth more than the highest of something else.
        let kept = match policy.mode {
            ResolutionMode::LowestDirect => policy.direct.clone(),
            ResolutionMode::Highest | ResolutionMode::Lowest => BTreeSet::new(),
        };
        Self {
            provider,
            problem,
            policy,
            state: State::init(SolverPackage::Root, root_version()),
            candidates: Candidates::new(provider, policy, accept_dropped_extras),
            priorities: Priorities::keeping(kept),
            siblings: FxHashMap::default(),
            tries: FxHashMap::default(),
            statistics: Statistics::default(),
        }
    }

    fn run(mut self) -> Result<Resolution, SolveError<P::Error>> {
        for constraint in &self.problem.constraints {
            let package = SolverPackage::Package(constraint.name.clone(), None);
            let id = self.state.package_store.alloc(package);
            let reason = Unusable::Constraint(constraint.text.clone());
            self.state.add_unavailable(id, constraint.range.complement(), reason);
        }
        let mut next = self.state.root_package;
        loop {
            if let Some(stop) = self.provider.should_stop() {
                return Err(SolveError::Stopped(stop));
            }
            if self.policy.step_limit > 0 && self.statistics.steps > self.policy.step_limit {
                return Err(SolveError::TooManySteps(self.policy.step_limit));
            }
            self.propagate(next)?;
            let Some((id, range)) = self.pick() else { return Ok(self.solution()) };
            next = id;
            self.statistics.steps += 1;
            match self.state.package_store[id].clone() {
                SolverPackage::Root => self.decide_root(id),
                SolverPackage::Package(name, extra) => {
                    self.decide(id, &name, extra.as_ref(), &range).map_err(SolveError::Provider)?;
                }
            }
        }
    }

    fn propagate(&mut self, next: Id<SolverPackage>) -> Result<(), SolveError<P::Error>> {
        let conflicts: Vec<_> = match self.state.unit_propagation(next) {
            Ok(conflicts) => conflicts.into_iter().collect(),
            Err(tree) => return Err(SolveError::NoSolution(Failure::new(tree))),
        };
        for (affected, conflict) in conflicts {
            let others: Vec<_> = self.state.conflict_packages(&conflict).collect();
            self.note_conflict(affected, &others);
        }
        Ok(())
    }

    fn note_conflict(&mut self, affected: Id<SolverPackage>, others: &[Id<SolverPackage>]) {
        self.statistics.conflicts += 1;
        let store = &self.state.package_store;
        let SolverPackage::Package(affected, _) = store[affected].clone() else { return };
        let others: Vec<PackageName> = others.iter().filter_map(|&id| store[id].name().cloned()).collect();
        tracing::debug!(package = %affected, ?others, "conflict");
        for culprit in self.priorities.conflict(&affected, others.iter()) {
            for &id in self.siblings.get(&culprit).map_or(&[][..], Vec::as_slice) {
                self.state.backtrack_package(id);
            }
        }
    }

    fn pick(&mut self) -> Option<(Id<SolverPackage>, VersionRange)> {
        let Self { state, priorities, .. } = self;
        let store = &state.package_store;
        let picked = state
            .partial_solution
            .pick_highest_priority_pkg(|id, range| priorities.of(&store[id], is_pinned(range)));
        picked.map(|(id, range)| (id, range.clone()))
    }

    fn decide_root(&mut self, id: Id<SolverPackage>) {
        let mut requirements: Vec<&Dependency> = self.problem.requirements.iter().collect();
        requirements.sort_by(|left, right| (&left.name, &left.text).cmp(&(&right.name, &right.text)));
        let mut edges = Vec::new();
        for requirement in requirements {
            self.meet(requirement);
            edges.extend(edges_of(requirement));
        }
        let version = root_version();
        let all = VersionRange::singleton(version.clone());
        if let Some(conflict) = self.state.add_package_version_dependencies(id, version, all, edges) {
            let others: Vec<_> = self.state.conflict_packages(&conflict).collect();
            self.note_conflict(id, &others);
        }
    }

    fn meet(&mut self, dependency: &Dependency) {
        if self.priorities.meet(&dependency.name) {
            self.provider.expect_package(&dependency.name, &dependency.range);
        }
        let packages = std::iter::once(None).chain(dependency.extras.iter().cloned().map(Some));
        for extra in packages {
            let id = self.state.package_store.alloc(SolverPackage::Package(dependency.name.clone(), extra));
            let siblings = self.siblings.entry(dependency.name.clone()).or_default();
            if !siblings.contains(&id) {
                siblings.push(id);
            }
        }
    }

    fn decide(
        &mut self,
        id: Id<SolverPackage>,
        name: &PackageName,
        extra: Option<&ExtraName>,
        range: &VersionRange,
    ) -> Result<(), P::Error> {
        let likely = self.range_of_siblings(name, range);
        let version = match self.candidates.choose(name, extra, range, &likely)? {
            Choice::Version(version) => version,
            Choice::Nothing(reasons) => {
                self.rule_out(id, range, reasons);
                return Ok(());
            }
        };
        tracing::debug!(step = self.statistics.steps, package = %name, ?extra, %version, "trying");
        self.fetch_ahead(name, &version, range)?;
        let known = self.candidates.known(name)?;
        let point = VersionPoint::at(version.clone());
        let alone = VersionRange::singleton(point.clone()).widen_versions(&known.points);
        let dependencies = match self.provider.dependencies(name, &version, extra)? {
            Answer::Known(dependencies) => dependencies,
            // The candidates let it pass: see there.
            Answer::NoSuchExtra => std::sync::Arc::from([]),
            Answer::Unusable(reason) => {
                self.state.add_unavailable(id, alone, reason);
                return Ok(());
            }
        };
        let mut edges = Vec::with_capacity(dependencies.len() + 1);
        if extra.is_some() {
            edges.push((SolverPackage::Package(name.clone(), None), alone.clone()));
        }
        for dependency in dependencies.iter() {
            self.meet(dependency);
            if dependency.name != *name {
                edges.extend(edges_of(dependency));
                continue;
            }
            // A package that asks for itself means the version that asks.
            if !dependency.range.contains(&point) {
                let reason =
                    Unusable::Metadata(format!("it requires another version of itself: {}", dependency.text));
                self.state.add_unavailable(id, alone, reason);
                return Ok(());
            }
            let others = dependency.extras.iter().filter(|other| Some(*other) != extra);
            edges.extend(
                others
                    .map(|other| (SolverPackage::Package(name.clone(), Some(other.clone())), alone.clone())),
            );
        }
        if let Some(conflict) = self.state.add_package_version_dependencies(id, point, alone, edges) {
            let others: Vec<_> = self.state.conflict_packages(&conflict).collect();
            self.note_conflict(id, &others);
        }
        Ok(())
    }

    /// What the base and the extras of a package leave together of `range`; all of it, where that is nothing.
    fn range_of_siblings(&self, name: &PackageName, range: &VersionRange) -> VersionRange {
        let siblings = self.siblings.get(name).map_or(&[][..], Vec::as_slice);
        let terms =
            siblings.iter().filter_map(|&id| self.state.partial_solution.term_intersection_for_package(id));
        let common = terms.fold(range.clone(), |common, term| match term {
            Term::Positive(other) => common.intersection(other),
            Term::Negative(other) => common.intersection(&other.complement()),
        });
        if common.is_empty() { range.clone() } else { common }
    }

    /// Tells PubGrub that nothing in `range` will do, and why.
    fn rule_out(
        &mut self,
        id: Id<SolverPackage>,
        range: &VersionRange,
        reasons: Vec<(Unusable, VersionRange)>,
    ) {
        tracing::debug!(package = %self.state.package_store[id], %range, "nothing in this range will do");
        let mut rest = range.clone();
        for (reason, versions) in reasons {
            rest = rest.intersection(&versions.complement());
            self.state.add_unavailable(id, versions, reason);
        }
        if !rest.is_empty() {
            self.state.add_no_versions(id, rest);
        }
    }

    /// When one version after the other is rejected, the metadata of the next ones is asked for together.
    fn fetch_ahead(
        &mut self,
        name: &PackageName,
        version: &Version,
        range: &VersionRange,
    ) -> Result<(), P::Error> {
        let tries = self.tries.entry(name.clone()).or_default();
        *tries += 1;
        let tries = *tries;
        if tries == TRIES_BEFORE_PREFETCH
            || (tries > TRIES_BEFORE_PREFETCH && tries.is_multiple_of(PREFETCH_LIMIT / 4))
        {
            let count = tries.min(PREFETCH_LIMIT) as usize;
            let following = self.candidates.following(name, version, range, count)?;
            self.provider.expect_dependencies(name, &following);
        }
        Ok(())
    }

    fn solution(&self) -> Resolution {
        let mut packages: BTreeMap<PackageName, Resolved> = BTreeMap::new();
        for (id, point) in self.state.partial_solution.extract_solution() {
            let SolverPackage::Package(name, extra) = &self.state.package_store[id] else { continue };
            let resolved = packages
                .entry(name.clone())
                .or_insert_with(|| Resolved { version: point.version().clone(), extras: BTreeSet::new() });
            resolved.extras.extend(extra.clone());
        }
        let mut unknown_extras = Vec::new();
        for (name, resolved) in &packages {
            for extra in &resolved.extras {
                let answer = self.provider.dependencies(name, &resolved.version, Some(extra));
                if let Ok(Answer::NoSuchExtra) = answer {
                    let (name, version, extra) = (name.clone(), resolved.version.clone(), extra.clone());
                    unknown_extras.push(UnknownExtra { name, version, extra });
                }
            }
        }
        Resolution { packages, unknown_extras, statistics: self.statistics }
    }
}

/// The root has one version, whose number does not matter.
fn root_version() -> VersionPoint {
    VersionPoint::at(Version::new([0]))
}

/// What a requirement asks of PubGrub: the base, and each extra.
fn edges_of(dependency: &Dependency) -> impl Iterator<Item = (SolverPackage, VersionRange)> + '_ {
    let packages = std::iter::once(None).chain(dependency.extras.iter().cloned().map(Some));
    packages.map(|extra| (SolverPackage::Package(dependency.name.clone(), extra), dependency.range.clone()))
}

/// Whether a range is one version, local versions aside.
fn is_pinned(range: &VersionRange) -> bool {
    use std::ops::Bound;
    let mut segments = range.iter();
    match (segments.next(), segments.next()) {
        (Some((Bound::Included(low), Bound::Included(high) | Bound::Excluded(high))), None) => {
            low.is_version() && low.version() == high.version()
        }
        _ => false,
    }
}

impl Failure {
    fn new(tree: NoSolutionError<Types>) -> Self {
        Self { tree: Box::new(tree) }
    }

    fn mentions_lacking_extra(&self) -> bool {
        crate::explain::leaves(&self.tree)
            .iter()
            .any(|leaf| matches!(leaf, pubgrub::External::Custom(_, _, Unusable::LacksExtra(_))))
    }
}

impl Drop for Failure {
    /// Takes the tree apart step by step: dropping it whole would recurse as deep as it is.
    fn drop(&mut self) {
        let leaf = DerivationTree::External(pubgrub::External::NotRoot(SolverPackage::Root, root_version()));
        let mut trees = vec![std::mem::replace(&mut *self.tree, leaf)];
        while let Some(tree) = trees.pop() {
            if let DerivationTree::Derived(derived) = tree {
                trees.extend(std::sync::Arc::into_inner(derived.cause1));
                trees.extend(std::sync::Arc::into_inner(derived.cause2));
            }
        }
    }
}
