//! What must agree: the public version of a package across targets; the variant, the CUDA major and the like within one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use mlresolve_packaging::{PackageName, Version, VersionPoint, VersionRange};
use pubgrub::{Id, Term};
use rustc_hash::FxHashMap;

use crate::candidates::Likely;
use crate::joint::TargetProblem;
use crate::package::{Matter, SolverPackage};
use crate::provider::{Answer, Claim, Dependency, Provider};
use crate::solve::{HeldBack, Resolved, Solver};

/// What was said on matters that must be agreed on. PubGrub sees each value as a version, by its place here.
#[derive(Debug, Default)]
pub(crate) struct Agreements {
    values: BTreeMap<Matter, Vec<String>>,
    /// Why a package goes with what it goes with.
    reasons: FxHashMap<(PackageName, Matter, VersionRange), Arc<str>>,
    /// The sets of values that were claimed, each once.
    claimed: BTreeMap<Matter, Vec<VersionRange>>,
}

impl Agreements {
    /// The values of a claim as PubGrub sees them.
    pub(crate) fn range_of(&mut self, name: &PackageName, claim: &Claim) -> VersionRange {
        let known = self.values.entry(claim.matter.clone()).or_default();
        let mut range = VersionRange::empty();
        for value in claim.values.iter() {
            let at = known.iter().position(|known| known == value).unwrap_or_else(|| {
                known.push(value.clone());
                known.len() - 1
            });
            range = range.union(&VersionRange::singleton(place(at)));
        }
        let claimed = self.claimed.entry(claim.matter.clone()).or_default();
        if !claimed.contains(&range) {
            claimed.push(range.clone());
        }
        let key = (name.clone(), claim.matter.clone(), range.clone());
        self.reasons.entry(key).or_insert_with(|| Arc::clone(&claim.because));
        range
    }

    pub(crate) fn values_in(&self, matter: &Matter, range: &VersionRange) -> BTreeSet<String> {
        let known = self.values.get(matter).into_iter().flatten().enumerate();
        known.filter(|(at, _)| range.contains(&place(*at))).map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn value_of(&self, matter: &Matter, point: &VersionPoint) -> Option<String> {
        self.values_in(matter, &VersionRange::singleton(point.clone())).into_iter().next()
    }

    /// Why a package goes with these values of a matter.
    pub(crate) fn reason(&self, name: &PackageName, matter: &Matter, range: &VersionRange) -> String {
        match self.reasons.get(&(name.clone(), matter.clone(), range.clone())) {
            Some(reason) => reason.to_string(),
            None => format!("goes with {}", Vec::from_iter(self.values_in(matter, range)).join(" or ")),
        }
    }

    /// Whether packages claimed values of a matter, other than the variant, that do not go together: if not, claims decided
    /// nothing.
    pub(crate) fn are_contested(&self) -> bool {
        let contested = |claimed: &[VersionRange]| {
            let mut pairs = claimed.iter().enumerate();
            pairs.any(|(at, one)| claimed[at + 1..].iter().any(|other| one.is_disjoint(other)))
        };
        self.claimed.iter().any(|(matter, claimed)| *matter != Matter::Variant && contested(claimed))
    }

    fn first_in(&self, matter: &Matter, range: &VersionRange) -> Option<VersionPoint> {
        let count = self.values.get(matter).map_or(0, Vec::len);
        (0..count).map(place).find(|point| range.contains(point))
    }
}

fn place(at: usize) -> VersionPoint {
    VersionPoint::at(Version::new([at as u64]))
}

/// The public versions of what lies in a range: a local version counts as the whole of its public version.
pub(crate) fn public_range(range: &VersionRange) -> VersionRange {
    let segments = range.iter().map(|(low, high)| {
        let low = match low {
            Bound::Unbounded => Bound::Unbounded,
            Bound::Included(point) | Bound::Excluded(point) if point.is_version() => {
                Bound::Included(VersionPoint::at(point.version().clone().without_local()))
            }
            other => other.cloned(),
        };
        let high = match high {
            Bound::Included(point) if point.is_version() => {
                Bound::Included(VersionPoint::after_locals(point.version().clone()))
            }
            Bound::Excluded(point) if point.is_version() && point.version().is_local() => {
                Bound::Included(VersionPoint::after_locals(point.version().clone()))
            }
            other => other.cloned(),
        };
        (low, high)
    });
    segments.collect()
}

/// A public version with its local ones.
fn whole(public: &Version) -> VersionRange {
    let low = VersionPoint::at(public.clone());
    VersionRange::from_range_bounds((
        Bound::Included(low),
        Bound::Included(VersionPoint::after_locals(public.clone())),
    ))
}

/// A target that needs a package, the package as PubGrub knows it there, and what is left of it.
type Holder = (usize, Id<SolverPackage>, VersionRange);

impl<P: Provider> Solver<'_, P> {
    /// Decides the public version of a package for all targets that need it: the best of the first of them that each of the
    /// others can have too. The packages of which more is known than before are returned.
    pub(crate) fn decide_public(
        &mut self,
        id: Id<SolverPackage>,
        name: &PackageName,
        range: &VersionRange,
    ) -> Result<Vec<Id<SolverPackage>>, P::Error> {
        let holders = self.holders(name);
        if let Some(public) = self.common_version(name, range, &holders)? {
            self.note_held_back(name, &public, &holders)?;
            self.expect(name, &public, &holders)?;
            self.tie(id, name, &public);
            let point = VersionPoint::at(public);
            let alone = VersionRange::singleton(point.clone());
            // Nothing follows from it by itself, so there is nothing that it could contradict.
            let _ = self.state.add_package_version_dependencies(id, point, alone, []);
            return Ok(Vec::new());
        }
        // Each target says what it can have; together that is a contradiction.
        let mut changed = Vec::with_capacity(holders.len());
        for (target, holder, left) in holders {
            let (usable, refused) = self.candidates[target].usable(name, &left)?;
            changed.push(holder);
            if usable.is_empty() {
                self.rule_out(holder, &left, refused);
                break;
            }
            let publics = usable.iter().map(|version| version.clone().without_local());
            let publics: VersionRange = publics
                .map(|public| {
                    (
                        Bound::Included(VersionPoint::at(public.clone())),
                        Bound::Included(VersionPoint::at(public)),
                    )
                })
                .collect();
            let mut rest = left;
            for (reason, versions) in refused {
                rest = rest.intersection(&versions.complement());
                self.state.add_unavailable(holder, versions, reason);
            }
            self.state.add_dependency(holder, rest, (id, publics));
        }
        Ok(changed)
    }

    /// The targets that need a package, with what is left to each.
    fn holders(&mut self, name: &PackageName) -> Vec<Holder> {
        let mut holders = Vec::new();
        for target in 0..self.joint.targets.len() {
            let package = SolverPackage::Package(target, name.clone(), None);
            let id = self.state.package_store.alloc(package);
            if let Some(Term::Positive(range)) = self.state.partial_solution.term_intersection_for_package(id)
            {
                holders.push((target, id, range.clone()));
            }
        }
        holders
    }

    fn common_version(
        &mut self,
        name: &PackageName,
        range: &VersionRange,
        holders: &[Holder],
    ) -> Result<Option<Version>, P::Error> {
        let Some(((first, _, left), others)) = holders.split_first() else { return Ok(None) };
        let mut tried = BTreeSet::new();
        let likely = self.likely(*first, name, left);
        let (mine, theirs) = self.candidates.split_at_mut(first + 1);
        let Some(mine) = mine.last_mut() else { return Ok(None) };
        let found = mine.first_usable(name, left, &likely, |version| {
            let public = version.clone().without_local();
            if !range.contains(&VersionPoint::at(public.clone())) || !tried.insert(public.clone()) {
                return Ok(false);
            }
            for (target, _, left) in others {
                if !theirs[target - first - 1].any_usable(name, &left.intersection(&whole(&public)))? {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(found.map(Version::without_local))
    }

    /// Says ahead which metadata the targets will ask for, so that one need not wait for the other.
    fn expect(&mut self, name: &PackageName, public: &Version, holders: &[Holder]) -> Result<(), P::Error> {
        for (target, _, left) in holders {
            let (left, everything) = (left.intersection(&whole(public)), Likely::default());
            let version = self.candidates[*target].first_usable(name, &left, &everything, |_| Ok(true))?;
            self.joint.targets[*target].provider.expect_dependencies(name, version.as_slice());
        }
        Ok(())
    }

    /// Notes for each target the newer version that it would have by itself, and who cannot have that.
    fn note_held_back(
        &mut self,
        name: &PackageName,
        public: &Version,
        holders: &[Holder],
    ) -> Result<(), P::Error> {
        let mut held = Vec::new();
        for (target, _, left) in holders {
            let everything = Likely::default();
            let best = self.candidates[*target].first_usable(name, left, &everything, |_| Ok(true))?;
            let Some(best) = best.map(Version::without_local).filter(|best| best > public) else { continue };
            let mut by = Vec::new();
            for (other, _, _) in holders.iter().filter(|(other, _, _)| other != target) {
                // What it asks for itself, and not what other decisions left: that is true whatever was decided.
                let requirements = &self.joint.targets[*other].problem.requirements;
                let own = requirements.iter().filter(|requirement| requirement.name == *name);
                let asked = own.fold(whole(&best), |all, requirement| all.intersection(&requirement.range));
                if !self.candidates[*other].any_usable(name, &asked)? {
                    by.push(*other);
                }
            }
            held.push((*target, HeldBack { name: name.clone(), version: best, by }));
        }
        self.held_back.insert(name.clone(), held);
        Ok(())
    }

    /// What a target did without in the end because of others: nothing that it requires itself stands in the way.
    pub(crate) fn held_back_from(
        &self,
        target: usize,
        packages: &BTreeMap<PackageName, Resolved>,
    ) -> Vec<HeldBack> {
        let noted =
            self.held_back.values().flatten().filter(|(at, held)| *at == target && !held.by.is_empty());
        let mut held: Vec<HeldBack> = noted
            .map(|(_, held)| held)
            .filter(|held| {
                let chosen = packages.get(&held.name);
                chosen.is_some_and(|chosen| chosen.version.clone().without_local() < held.version)
                    && self.allows(target, packages, &held.name, &held.version)
            })
            .cloned()
            .collect();
        held.sort_by(|left, right| left.name.cmp(&right.name));
        held
    }

    /// Whether all that is chosen for a target takes a version of a package.
    fn allows(
        &self,
        target: usize,
        packages: &BTreeMap<PackageName, Resolved>,
        name: &PackageName,
        version: &Version,
    ) -> bool {
        let whole = whole(version);
        let takes =
            |dependency: &Dependency| dependency.name != *name || !dependency.range.is_disjoint(&whole);
        let TargetProblem { provider, problem, .. } = &self.joint.targets[target];
        let chosen_takes = packages.iter().all(|(dependent, resolved)| {
            let questions = std::iter::once(None).chain(resolved.extras.iter().map(Some));
            let mut answers =
                questions.map(|extra| provider.dependencies(dependent, &resolved.version, extra));
            answers.all(|answer| match answer {
                Ok(Answer::Known(dependencies)) => dependencies.iter().all(takes),
                _ => true,
            })
        });
        chosen_takes && problem.requirements.iter().all(takes)
    }

    /// Holds every target to a public version, if it is the one that is decided.
    fn tie(&mut self, id: Id<SolverPackage>, name: &PackageName, public: &Version) {
        if !self.tied.insert((name.clone(), public.clone())) {
            return;
        }
        let others = VersionRange::singleton(VersionPoint::at(public.clone())).complement();
        for target in 0..self.joint.targets.len() {
            let package = SolverPackage::Package(target, name.clone(), None);
            let holder = self.state.package_store.alloc(package);
            self.state.add_dependency(holder, whole(public).complement(), (id, others.clone()));
        }
    }

    /// Ties a version to what it claims. The inner answer is `None` where the claim contradicts what is decided already, which
    /// PubGrub is told; else it is what the version requires for it.
    pub(crate) fn claim(
        &mut self,
        id: Id<SolverPackage>,
        target: usize,
        name: &PackageName,
        alone: &VersionRange,
        claims: Vec<Claim>,
    ) -> Option<Vec<(SolverPackage, VersionRange)>> {
        let mut edges = Vec::with_capacity(claims.len());
        let mut agreed = true;
        for claim in claims {
            let package = SolverPackage::Shared(target, claim.matter.clone());
            let range = self.agreements.range_of(name, &claim);
            let fits = self.may_be(&package, &range);
            // What every version says is said once.
            let always = claim.always && self.claimed.insert((id, claim.matter.clone()));
            if !fits || always {
                let versions = if claim.always { VersionRange::full() } else { alone.clone() };
                let on = self.state.package_store.alloc(package.clone());
                self.state.add_dependency(id, versions, (on, range.clone()));
            }
            if !fits {
                agreed = false;
            }
            edges.push((package, range));
        }
        agreed.then_some(edges)
    }

    /// Decides what the chosen packages leave open of a matter.
    pub(crate) fn decide_shared(&mut self, id: Id<SolverPackage>, matter: &Matter, range: &VersionRange) {
        match self.agreements.first_in(matter, range) {
            Some(point) => {
                let alone = VersionRange::singleton(point.clone());
                let _ = self.state.add_package_version_dependencies(id, point, alone, []);
            }
            None => self.state.add_no_versions(id, range.clone()),
        }
    }
}
