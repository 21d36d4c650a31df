//! The loop: propagate, pick a package, choose a version, add what it requires.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use mlresolve_packaging::{ExtraName, PackageName, Version, VersionPoint, VersionRange};
use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, External, Id, PackageResolutionStatistics, State, Term,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::align::{Agreements, public_range};
use crate::candidates::{Candidates, Choice, Likely};
use crate::explain;
use crate::joint::{Joint, TargetProblem};
use crate::package::{Matter, SolverPackage};
use crate::policy::{Policy, ResolutionMode};
use crate::priority::{Priorities, Priority};
use crate::provider::{Answer, Claim, Dependency, Provider, Stop, Unusable};

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
    /// The variant with which the chosen builds go; `None` where no package with builds was chosen.
    pub variant: Option<String>,
    /// Extras that were asked for but that the chosen versions do not have.
    pub unknown_extras: Vec<UnknownExtra>,
    /// What is newer and would do for this target, and what another target that it is aligned with cannot have.
    pub held_back: Vec<HeldBack>,
    /// Chosen packages that are pre-releases because another package requires one and no final version would do.
    pub prereleases: Vec<PackageName>,
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

/// A version that a target did without because of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The package.
    pub name: PackageName,
    /// The public version.
    pub version: Version,
    /// The places of the targets that cannot have it.
    pub by: Vec<usize>,
}

/// What a solve took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Versions tried.
    pub steps: u64,
    /// Conflicts met.
    pub conflicts: u64,
    /// Whether packages were met that do not agree on a matter other than the variant, so that it may have decided something.
    pub contested: bool,
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
    /// What was claimed in it.
    pub(crate) agreements: Agreements,
}

impl Failure {
    /// Whether packages that claim different values on such a matter are part of the proof.
    #[must_use]
    pub fn disagrees_on(&self, matter: impl Fn(&Matter) -> bool) -> bool {
        explain::leaves(&self.tree).into_iter().any(|leaf| match leaf {
            External::FromDependencyOf(.., SolverPackage::Shared(_, on), _) => matter(on),
            _ => false,
        })
    }
}

pub(crate) type Tree = DerivationTree<SolverPackage, VersionRange, Unusable>;

impl std::fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The tree can be as deep as the search was long.
        formatter.write_str("Failure(..)")
    }
}

/// Names the types that PubGrub works with; its methods are never called, since the loop here drives the state.
pub(crate) struct Types;

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

/// Solves a problem of one target.
///
/// # Errors
/// When there is no solution, when the provider cannot answer, or when a limit is reached.
pub fn solve<P: Provider>(
    provider: &P,
    problem: &Problem,
    policy: &Policy,
) -> Result<Resolution, SolveError<P::Error>> {
    let resolutions = solve_joint(&Joint::single(provider, problem, policy))?;
    Ok(resolutions.into_iter().next().unwrap_or_default())
}

/// Solves the problems of several targets together; the answer has one resolution for each, in their order.
///
/// # Errors
/// As [`solve`].
pub fn solve_joint<P: Provider>(joint: &Joint<'_, P>) -> Result<Vec<Resolution>, SolveError<P::Error>> {
    let (outcome, missed) = solve_as_it_is(joint);
    let decided = matches!(outcome, Ok(_) | Err(SolveError::NoSolution(_)));
    if !decided || missed.iter().all(BTreeSet::is_empty) {
        return outcome;
    }
    // Whether a pre-release is a candidate must not change within a solve: what is refused once stays refused.
    let mut wider = joint.clone();
    for (target, missed) in wider.targets.iter_mut().zip(missed) {
        target.policy.prerelease_required.extend(missed);
    }
    solve_joint(&wider)
}

/// Solves, and says for each target of which packages a pre-release is missing that something requires by name.
#[expect(clippy::type_complexity, reason = "an outcome and what it did not take into account")]
fn solve_as_it_is<P: Provider>(
    joint: &Joint<'_, P>,
) -> (Result<Vec<Resolution>, SolveError<P::Error>>, Vec<BTreeSet<PackageName>>) {
    let (outcome, mut missed) = Solver::new(joint, false).run_and_tell();
    let Err(SolveError::NoSolution(failure)) = outcome else { return (outcome, missed) };
    if !failure.mentions_lacking_extra() {
        return (Err(SolveError::NoSolution(failure)), missed);
    }
    // Some extra may have been dropped because it became part of the base.
    let (again, missed_again) = Solver::new(joint, true).run_and_tell();
    for (missed, again) in missed.iter_mut().zip(missed_again) {
        missed.extend(again);
    }
    match again {
        Err(SolveError::NoSolution(_)) => (Err(SolveError::NoSolution(failure)), missed),
        other => (other, missed),
    }
}

pub(crate) struct Solver<'a, P: Provider> {
    pub(crate) joint: &'a Joint<'a, P>,
    pub(crate) state: State<Types>,
    /// What was found out for each target.
    pub(crate) candidates: Vec<Candidates<'a, P>>,
    priorities: Priorities,
    /// Of each target, every package of one name: the base and its extras.
    siblings: FxHashMap<(usize, PackageName), Vec<Id<SolverPackage>>>,
    tries: FxHashMap<(usize, PackageName), u32>,
    pub(crate) agreements: Agreements,
    /// The claims that every version of a package makes, as far as PubGrub was told.
    pub(crate) claimed: FxHashSet<(Id<SolverPackage>, Matter)>,
    /// What targets did without when a public version was decided for all of them.
    pub(crate) held_back: FxHashMap<PackageName, Vec<(usize, HeldBack)>>,
    /// The public versions that are tied to the targets' packages already.
    pub(crate) tied: FxHashSet<(PackageName, Version)>,
    statistics: Statistics,
}

impl<'a, P: Provider> Solver<'a, P> {
    fn new(joint: &'a Joint<'a, P>, accept_dropped_extras: bool) -> Self {
        // The lowest version of what the user names is worth more than the highest of something else.
        let kept = joint.targets.iter().map(|target| match target.policy.mode {
            ResolutionMode::LowestDirect => target.policy.direct.clone(),
            ResolutionMode::Highest | ResolutionMode::Lowest => BTreeSet::new(),
        });
        let kept = kept.flatten().collect();
        let candidates = joint
            .targets
            .iter()
            .map(|target| Candidates::new(target.provider, &target.policy, accept_dropped_extras));
        Self {
            joint,
            state: State::init(SolverPackage::Root, root_version()),
            candidates: candidates.collect(),
            priorities: Priorities::keeping(kept),
            siblings: FxHashMap::default(),
            tries: FxHashMap::default(),
            agreements: Agreements::default(),
            claimed: FxHashSet::default(),
            held_back: FxHashMap::default(),
            tied: FxHashSet::default(),
            statistics: Statistics::default(),
        }
    }

    #[expect(clippy::type_complexity, reason = "an outcome and what it did not take into account")]
    fn run_and_tell(mut self) -> (Result<Vec<Resolution>, SolveError<P::Error>>, Vec<BTreeSet<PackageName>>) {
        let outcome = self.run();
        (outcome, self.candidates.into_iter().map(|candidates| candidates.prereleases_missed).collect())
    }

    fn run(&mut self) -> Result<Vec<Resolution>, SolveError<P::Error>> {
        let Some(first) = self.joint.targets.first() else { return Ok(Vec::new()) };
        let step_limit = first.policy.step_limit;
        for (at, target) in self.joint.targets.iter().enumerate() {
            for constraint in &target.problem.constraints {
                let package = SolverPackage::Package(at, constraint.name.clone(), None);
                let id = self.state.package_store.alloc(package);
                let reason = Unusable::Constraint(constraint.text.clone());
                self.state.add_unavailable(id, constraint.range.complement(), reason);
            }
        }
        let mut changed = vec![self.state.root_package];
        loop {
            if let Some(stop) = first.provider.should_stop() {
                return Err(SolveError::Stopped(stop));
            }
            if step_limit > 0 && self.statistics.steps > step_limit {
                return Err(SolveError::TooManySteps(step_limit));
            }
            for package in changed.drain(..) {
                self.propagate(package)?;
            }
            let Some((id, range)) = self.pick() else { return Ok(self.solution()) };
            changed.push(id);
            self.statistics.steps += 1;
            let decided = match self.state.package_store[id].clone() {
                SolverPackage::Root => {
                    self.decide_root(id);
                    Ok(())
                }
                SolverPackage::Package(target, name, extra) => {
                    self.decide(id, target, &name, extra.as_ref(), &range)
                }
                SolverPackage::Public(name) => {
                    self.decide_public(id, &name, &range).map(|holders| changed.extend(holders))
                }
                SolverPackage::Shared(_, matter) => {
                    self.decide_shared(id, &matter, &range);
                    Ok(())
                }
            };
            decided.map_err(SolveError::Provider)?;
        }
    }

    fn propagate(&mut self, next: Id<SolverPackage>) -> Result<(), SolveError<P::Error>> {
        let conflicts: Vec<_> = match self.state.unit_propagation(next) {
            Ok(conflicts) => conflicts.into_iter().collect(),
            Err(tree) => {
                let agreements = std::mem::take(&mut self.agreements);
                return Err(SolveError::NoSolution(Failure { tree: Box::new(tree), agreements }));
            }
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
        let Some(affected) = store[affected].name().cloned() else { return };
        let others: Vec<PackageName> = others.iter().filter_map(|&id| store[id].name().cloned()).collect();
        tracing::debug!(package = %affected, ?others, "conflict");
        for culprit in self.priorities.conflict(&affected, others.iter()) {
            for target in 0..self.joint.targets.len() {
                let key = (target, culprit.clone());
                for &id in self.siblings.get(&key).map_or(&[][..], Vec::as_slice) {
                    self.state.backtrack_package(id);
                }
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
        let mut edges = Vec::new();
        for (at, target) in self.joint.targets.iter().enumerate() {
            let mut requirements: Vec<&Dependency> = target.problem.requirements.iter().collect();
            requirements.sort_by(|left, right| (&left.name, &left.text).cmp(&(&right.name, &right.text)));
            for requirement in requirements {
                self.meet(at, requirement);
                edges.extend(self.edges_of(at, requirement));
            }
        }
        let version = root_version();
        let all = VersionRange::singleton(version.clone());
        if let Some(conflict) = self.state.add_package_version_dependencies(id, version, all, edges) {
            let others: Vec<_> = self.state.conflict_packages(&conflict).collect();
            self.note_conflict(id, &others);
        }
    }

    /// What a requirement asks of PubGrub: the base, each extra, and what other targets share of it.
    fn edges_of(&self, target: usize, dependency: &Dependency) -> Vec<(SolverPackage, VersionRange)> {
        let packages = std::iter::once(None).chain(dependency.extras.iter().cloned().map(Some));
        let package = |extra| SolverPackage::Package(target, dependency.name.clone(), extra);
        let mut edges: Vec<_> = packages.map(|extra| (package(extra), dependency.range.clone())).collect();
        if self.joint.aligns(&dependency.name) {
            edges.push((SolverPackage::Public(dependency.name.clone()), public_range(&dependency.range)));
        }
        edges
    }

    fn meet(&mut self, target: usize, dependency: &Dependency) {
        self.priorities.meet(&dependency.name);
        let key = (target, dependency.name.clone());
        if !self.siblings.contains_key(&key) {
            self.joint.targets[target].provider.expect_package(dependency);
        }
        let packages = std::iter::once(None).chain(dependency.extras.iter().cloned().map(Some));
        for extra in packages {
            let package = SolverPackage::Package(target, dependency.name.clone(), extra);
            let id = self.state.package_store.alloc(package);
            let siblings = self.siblings.entry(key.clone()).or_default();
            if !siblings.contains(&id) {
                siblings.push(id);
            }
        }
    }

    fn decide(
        &mut self,
        id: Id<SolverPackage>,
        target: usize,
        name: &PackageName,
        extra: Option<&ExtraName>,
        range: &VersionRange,
    ) -> Result<(), P::Error> {
        let provider = self.joint.targets[target].provider;
        let likely = self.likely(target, name, range);
        let version = match self.candidates[target].choose(name, extra, range, &likely)? {
            Choice::Version(version) => version,
            Choice::Nothing(reasons) => {
                self.rule_out(id, range, reasons);
                return Ok(());
            }
        };
        tracing::debug!(step = self.statistics.steps, target, package = %name, ?extra, %version, "trying");
        self.fetch_ahead(target, name, &version, range)?;
        let known = self.candidates[target].known(name)?;
        let point = VersionPoint::at(version.clone());
        let alone = VersionRange::singleton(point.clone()).widen_versions(&known.points);
        let mut claims = provider.claims(name, &version)?;
        if provider.has_builds(name)
            && let Some(values) = provider.build(name, &version)?.variants
        {
            let because = format!("is built for {}", values.join(" or ")).into();
            claims.push(Claim { matter: Matter::Variant, values, because, always: false });
        }
        // Where it contradicts a claim, what it requires does not matter.
        let Some(mut edges) = self.claim(id, target, name, &alone, claims) else { return Ok(()) };
        let dependencies = match provider.dependencies(name, &version, extra)? {
            Answer::Known(dependencies) => dependencies,
            // The candidates let it pass: see there.
            Answer::NoSuchExtra => std::sync::Arc::from([]),
            Answer::Unusable(reason) => {
                self.state.add_unavailable(id, alone, reason);
                return Ok(());
            }
        };
        if extra.is_some() {
            edges.push((SolverPackage::Package(target, name.clone(), None), alone.clone()));
        }
        if self.joint.aligns(name) {
            let public = VersionRange::singleton(VersionPoint::at(version.clone().without_local()));
            edges.push((SolverPackage::Public(name.clone()), public));
        }
        for dependency in dependencies.iter() {
            self.meet(target, dependency);
            self.candidates[target].note_required(&dependency.name, &dependency.range)?;
            if dependency.name != *name {
                edges.extend(self.edges_of(target, dependency));
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
            let package =
                |other: &ExtraName| SolverPackage::Package(target, name.clone(), Some(other.clone()));
            edges.extend(others.map(|other| (package(other), alone.clone())));
        }
        if let Some(conflict) = self.state.add_package_version_dependencies(id, point, alone, edges) {
            let others: Vec<_> = self.state.conflict_packages(&conflict).collect();
            self.note_conflict(id, &others);
        }
        Ok(())
    }

    /// What other decisions leave to a package on a target: its base and its extras, other targets, other builds.
    pub(crate) fn likely(&mut self, target: usize, name: &PackageName, range: &VersionRange) -> Likely {
        let key = (target, name.clone());
        let siblings = self.siblings.get(&key).map_or(&[][..], Vec::as_slice);
        let left = siblings.iter().filter_map(|&id| self.left_to(id));
        let common = left.fold(range.clone(), |common, other| common.intersection(&other));
        let public = self.joint.aligns(name).then(|| SolverPackage::Public(name.clone()));
        let variants = self.left_to_package(SolverPackage::Shared(target, Matter::Variant));
        Likely {
            range: (!common.is_empty() && common != *range).then_some(common),
            public: public.and_then(|package| self.left_to_package(package)),
            variants: variants.map(|range| self.agreements.values_in(&Matter::Variant, &range)),
        }
    }

    /// The versions that decisions leave to a package; `None` where nothing is decided about it.
    pub(crate) fn left_to(&self, id: Id<SolverPackage>) -> Option<VersionRange> {
        Some(match self.state.partial_solution.term_intersection_for_package(id)? {
            Term::Positive(range) => range.clone(),
            Term::Negative(range) => range.complement(),
        })
    }

    fn left_to_package(&mut self, package: SolverPackage) -> Option<VersionRange> {
        let id = self.state.package_store.alloc(package);
        self.left_to(id)
    }

    pub(crate) fn may_be(&mut self, package: &SolverPackage, range: &VersionRange) -> bool {
        self.left_to_package(package.clone()).is_none_or(|left| !left.is_disjoint(range))
    }

    /// Tells PubGrub that nothing in `range` will do, and why.
    pub(crate) fn rule_out(
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
        target: usize,
        name: &PackageName,
        version: &Version,
        range: &VersionRange,
    ) -> Result<(), P::Error> {
        let tries = self.tries.entry((target, name.clone())).or_default();
        *tries += 1;
        let tries = *tries;
        if tries == TRIES_BEFORE_PREFETCH
            || (tries > TRIES_BEFORE_PREFETCH && tries.is_multiple_of(PREFETCH_LIMIT / 4))
        {
            let count = tries.min(PREFETCH_LIMIT) as usize;
            let following = self.candidates[target].following(name, version, range, count)?;
            self.joint.targets[target].provider.expect_dependencies(name, &following);
        }
        Ok(())
    }

    fn solution(&self) -> Vec<Resolution> {
        let mut packages = vec![BTreeMap::new(); self.joint.targets.len()];
        let mut variants = vec![None; self.joint.targets.len()];
        for (id, point) in self.state.partial_solution.extract_solution() {
            match &self.state.package_store[id] {
                SolverPackage::Root | SolverPackage::Public(_) => {}
                SolverPackage::Shared(target, matter @ Matter::Variant) => {
                    variants[*target] = self.agreements.value_of(matter, &point);
                }
                SolverPackage::Shared(..) => {}
                SolverPackage::Package(target, name, extra) => {
                    let fresh = || Resolved { version: point.version().clone(), extras: BTreeSet::new() };
                    let resolved: &mut Resolved = packages[*target].entry(name.clone()).or_insert_with(fresh);
                    resolved.extras.extend(extra.clone());
                }
            }
        }
        let statistics = Statistics { contested: self.agreements.are_contested(), ..self.statistics };
        let targets = self.joint.targets.iter().zip(packages.into_iter().zip(variants)).enumerate();
        let resolutions = targets.map(|(at, (target, (packages, variant)))| Resolution {
            unknown_extras: unknown_extras(target, &packages),
            held_back: self.held_back_from(at, &packages),
            prereleases: prereleases(&target.policy, &packages),
            packages,
            variant,
            statistics,
        });
        resolutions.collect()
    }
}

fn prereleases(policy: &Policy, packages: &BTreeMap<PackageName, Resolved>) -> Vec<PackageName> {
    let required = policy.prerelease_required.iter();
    let chosen =
        required.filter(|name| packages.get(*name).is_some_and(|resolved| resolved.version.any_prerelease()));
    chosen.cloned().collect()
}

/// The extras that were asked for but that the chosen versions do not have.
fn unknown_extras<P: Provider>(
    target: &TargetProblem<'_, P>,
    packages: &BTreeMap<PackageName, Resolved>,
) -> Vec<UnknownExtra> {
    let mut unknown = Vec::new();
    for (name, resolved) in packages {
        for extra in &resolved.extras {
            let answer = target.provider.dependencies(name, &resolved.version, Some(extra));
            if let Ok(Answer::NoSuchExtra) = answer {
                let (name, version, extra) = (name.clone(), resolved.version.clone(), extra.clone());
                unknown.push(UnknownExtra { name, version, extra });
            }
        }
    }
    unknown
}

/// The root has one version, whose number does not matter.
fn root_version() -> VersionPoint {
    VersionPoint::at(Version::new([0]))
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
