//! Which versions of a package are candidates, and which one is tried.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use mlresolve_packaging::{ExtraName, PackageName, Version, VersionPoint, VersionRange};
use rustc_hash::FxHashMap;

use crate::policy::{Policy, Prerelease};
use crate::provider::{Answer, Missing, Provider, Standing, Unusable, Versions};

/// How many versions are searched for an extra before it counts as offered by none.
const EXTRA_SEARCH_LIMIT: usize = 40;
/// How many metadata are asked for ahead while versions are searched.
const SEARCH_AHEAD: usize = 8;

/// What was found out about the packages met so far.
pub(crate) struct Candidates<'a, P: Provider> {
    provider: &'a P,
    policy: &'a Policy,
    /// Whether a version that is newer than all that offer an extra may stand in for one that does.
    accept_dropped_extras: bool,
    known: FxHashMap<PackageName, Arc<Known>>,
    standings: FxHashMap<(PackageName, Version), Standing>,
    offers: FxHashMap<(PackageName, ExtraName), Option<Version>>,
    /// Packages whose pre-releases are no candidates, and of which one is required by name where no final version will do.
    pub(crate) prereleases_missed: BTreeSet<PackageName>,
}

/// The versions of one package.
pub(crate) struct Known {
    /// Ascending, as points, for the range operations.
    pub(crate) points: Vec<VersionPoint>,
    pub(crate) missing: Option<Missing>,
    prereleases: Prereleases,
    /// How the versions are built, where that differs.
    builds: Option<Builds>,
}

/// Which pre-releases of a package are candidates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prereleases {
    Refused,
    /// After every final version.
    Last,
    /// Like any other version.
    Candidates,
}

/// The builds of a package, by the places of its versions.
struct Builds {
    /// The order in which they are tried: by public version, then by rank; what is last after all of that.
    order: Vec<usize>,
    /// With which variants each goes.
    variants: Vec<Option<Arc<[String]>>>,
}

/// What other decisions leave to a package: versions that go with them are tried first.
#[derive(Default)]
pub(crate) struct Likely {
    /// What its base and its extras are held to.
    pub(crate) range: Option<VersionRange>,
    /// What other targets leave, as public versions.
    pub(crate) public: Option<VersionRange>,
    /// The variants that are left to the target.
    pub(crate) variants: Option<BTreeSet<String>>,
}

impl Likely {
    fn takes(&self, known: &Known, at: usize) -> bool {
        let point = &known.points[at];
        let public = || VersionPoint::at(point.version().clone().without_local());
        let variants = known.builds.as_ref().and_then(|builds| builds.variants[at].as_ref());
        let agrees = |left: &BTreeSet<String>| {
            variants.is_none_or(|variants| variants.iter().any(|label| left.contains(label)))
        };
        self.range.as_ref().is_none_or(|range| range.contains(point))
            && self.public.as_ref().is_none_or(|range| range.contains(&public()))
            && self.variants.as_ref().is_none_or(agrees)
    }
}

/// What came of looking for a candidate.
pub(crate) enum Choice {
    /// This version is tried.
    Version(Version),
    /// None of the versions in the range will do: by reason, with the versions it holds for. What no reason
    /// covers holds no version at all.
    Nothing(Vec<(Unusable, VersionRange)>),
}

/// What a version has to do with an extra that is asked of it.
enum Offer {
    /// It offers the extra, or no version does.
    Counts,
    /// It does not, and a newer version does.
    Lacking,
    /// It does not, and neither does any newer one.
    Dropped,
}

impl<'a, P: Provider> Candidates<'a, P> {
    pub(crate) fn new(provider: &'a P, policy: &'a Policy, accept_dropped_extras: bool) -> Self {
        Self {
            provider,
            policy,
            accept_dropped_extras,
            known: FxHashMap::default(),
            standings: FxHashMap::default(),
            offers: FxHashMap::default(),
            prereleases_missed: BTreeSet::new(),
        }
    }

    pub(crate) fn known(&mut self, name: &PackageName) -> Result<Arc<Known>, P::Error> {
        if let Some(known) = self.known.get(name) {
            return Ok(Arc::clone(known));
        }
        let (points, missing) = match self.provider.versions(name)? {
            Versions::Found(versions) => (versions.iter().cloned().map(VersionPoint::at).collect(), None),
            Versions::Missing(missing) => (Vec::new(), Some(missing)),
        };
        let prereleases = self.prereleases(name, &points)?;
        let builds = if self.provider.has_builds(name) { Some(self.builds(name, &points)?) } else { None };
        let known = Arc::new(Known { points, missing, prereleases, builds });
        self.known.insert(name.clone(), Arc::clone(&known));
        Ok(known)
    }

    fn builds(&self, name: &PackageName, points: &[VersionPoint]) -> Result<Builds, P::Error> {
        let (mut ranked, mut variants) = (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
        for (at, point) in points.iter().enumerate() {
            let build = self.provider.build(name, point.version())?;
            ranked.push((point.version().clone().without_local(), build.rank, at, build.last));
            variants.push(build.variants);
        }
        let lowest = self.policy.prefers_lowest(name);
        ranked.sort_by(|left, right| {
            let versions = if lowest { left.0.cmp(&right.0) } else { right.0.cmp(&left.0) };
            // Of equal rank, the greater local version first.
            left.3.cmp(&right.3).then(versions).then(left.1.cmp(&right.1)).then(right.2.cmp(&left.2))
        });
        Ok(Builds { order: ranked.into_iter().map(|(_, _, at, _)| at).collect(), variants })
    }

    fn prereleases(&mut self, name: &PackageName, points: &[VersionPoint]) -> Result<Prereleases, P::Error> {
        match self.policy.prerelease {
            Prerelease::Allow => return Ok(Prereleases::Candidates),
            Prerelease::Disallow => return Ok(Prereleases::Refused),
            Prerelease::IfNecessary if self.policy.prerelease_named.contains(name) => {
                return Ok(Prereleases::Candidates);
            }
            Prerelease::IfNecessary => {}
        }
        let required = self.policy.prerelease_required.contains(name);
        // What the user's time limit hides does not exist.
        for point in points.iter().rev().filter(|point| !point.version().any_prerelease()) {
            let standing = self.standing(name, point.version())?;
            if !matches!(standing.unusable, Some(Unusable::TooNew(_))) {
                return Ok(if required { Prereleases::Last } else { Prereleases::Refused });
            }
        }
        Ok(Prereleases::Candidates)
    }

    /// Takes note of a package's requirement that names a pre-release, if no final version meets it.
    pub(crate) fn note_required(&mut self, name: &PackageName, range: &VersionRange) -> Result<(), P::Error> {
        if self.policy.prerelease == Prerelease::IfNecessary
            && names_prerelease(range)
            && self.known(name)?.prereleases == Prereleases::Refused
            && !self.any_usable(name, range)?
        {
            self.prereleases_missed.insert(name.clone());
        }
        Ok(())
    }

    fn standing(&mut self, name: &PackageName, version: &Version) -> Result<Standing, P::Error> {
        let key = (name.clone(), version.clone());
        if let Some(standing) = self.standings.get(&key) {
            return Ok(standing.clone());
        }
        let standing = self.provider.standing(name, version)?;
        self.standings.insert(key, standing.clone());
        Ok(standing)
    }

    /// Why a version is no candidate, if so, without a look at its metadata.
    fn refusal(
        &mut self,
        name: &PackageName,
        known: &Known,
        version: &Version,
    ) -> Result<Option<Unusable>, P::Error> {
        if version.any_prerelease() && known.prereleases == Prereleases::Refused {
            return Ok(Some(Unusable::Prerelease));
        }
        let standing = self.standing(name, version)?;
        if let Some(unusable) = standing.unusable {
            return Ok(Some(unusable));
        }
        if let Some(reason) = standing.yanked {
            let key = (name.clone(), version.clone());
            let locked = self.policy.preferences.get(name) == Some(version);
            if !locked && !self.policy.yanked_allowed.contains(&key) {
                return Ok(Some(Unusable::Yanked(reason)));
            }
        }
        Ok(None)
    }

    /// Chooses a version of a package, or of one extra of it, within `range`.
    pub(crate) fn choose(
        &mut self,
        name: &PackageName,
        extra: Option<&ExtraName>,
        range: &VersionRange,
        likely: &Likely,
    ) -> Result<Choice, P::Error> {
        let known = self.known(name)?;
        if let Some(missing) = &known.missing {
            return Ok(Choice::Nothing(vec![(Unusable::Missing(missing.clone()), range.clone())]));
        }
        let mut refused = Refused::default();
        let mut dropped = None;
        for version in self.order(name, &known, range, likely) {
            let mut refusal = self.refusal(name, &known, version)?;
            if let (None, Some(extra)) = (&refusal, extra) {
                match self.offer(name, &known, version, extra, range)? {
                    Offer::Counts => {}
                    Offer::Lacking => refusal = Some(Unusable::LacksExtra(extra.clone())),
                    Offer::Dropped => {
                        refusal = Some(Unusable::LacksExtra(extra.clone()));
                        dropped.get_or_insert_with(|| version.clone());
                    }
                }
            }
            let Some(reason) = refusal else { return Ok(Choice::Version(version.clone())) };
            refused.add(reason, version);
        }
        // A version that dropped the extra comes after every version that has it.
        if let (Some(version), true) = (dropped, self.accept_dropped_extras) {
            return Ok(Choice::Version(version));
        }
        Ok(Choice::Nothing(refused.into_ranges(&known.points)))
    }

    /// The usable versions in `range` in the order in which they are tried, and by reason those that are of no use.
    #[expect(clippy::type_complexity, reason = "two lists that are made in one pass")]
    pub(crate) fn usable(
        &mut self,
        name: &PackageName,
        range: &VersionRange,
    ) -> Result<(Vec<Version>, Vec<(Unusable, VersionRange)>), P::Error> {
        let known = self.known(name)?;
        if let Some(missing) = &known.missing {
            return Ok((Vec::new(), vec![(Unusable::Missing(missing.clone()), range.clone())]));
        }
        let (mut usable, mut refused) = (Vec::new(), Refused::default());
        for version in self.order(name, &known, range, &Likely::default()) {
            match self.refusal(name, &known, version)? {
                None => usable.push(version.clone()),
                Some(reason) => refused.add(reason, version),
            }
        }
        Ok((usable, refused.into_ranges(&known.points)))
    }

    /// Whether any version in `range` is of use, as far as that can be told without metadata.
    pub(crate) fn any_usable(&mut self, name: &PackageName, range: &VersionRange) -> Result<bool, P::Error> {
        let known = self.known(name)?;
        for point in known.points.iter().rev().filter(|point| range.contains(*point)) {
            if self.refusal(name, &known, point.version())?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The version in `range` that is tried first among those that fit, as far as that can be told without metadata.
    pub(crate) fn first_usable(
        &mut self,
        name: &PackageName,
        range: &VersionRange,
        likely: &Likely,
        mut fits: impl FnMut(&Version) -> Result<bool, P::Error>,
    ) -> Result<Option<Version>, P::Error> {
        let known = self.known(name)?;
        for version in self.order(name, &known, range, likely) {
            if self.refusal(name, &known, version)?.is_none() && fits(version)? {
                return Ok(Some(version.clone()));
            }
        }
        Ok(None)
    }

    /// The versions in `range`, in the order in which they are tried: the preferred one, then those that other
    /// decisions leave, then the rest. Lazy, since the first will mostly do.
    fn order<'p>(
        &self,
        name: &PackageName,
        known: &'p Known,
        range: &'p VersionRange,
        likely: &'p Likely,
    ) -> impl Iterator<Item = &'p Version> + use<'p, 'a, P> {
        let points = &known.points;
        let lowest = self.policy.prefers_lowest(name);
        let preferred = self.policy.preferences.get(name).cloned().map(VersionPoint::at);
        let preferred = preferred.filter(|point| range.contains(point));
        let first = preferred.and_then(|point| points.binary_search(&point).ok());
        let order = known.builds.as_ref().map(|builds| &builds.order);
        let place = move |step: usize| match order {
            Some(order) => order[step],
            None if lowest => step,
            None => points.len() - 1 - step,
        };
        let all = move || (0..points.len()).map(place).filter(move |at| range.contains(&points[*at]));
        let last = move |at: &usize| {
            known.prereleases == Prereleases::Last && points[*at].version().any_prerelease()
        };
        let fitting = all().filter(move |at| !last(at) && likely.takes(known, *at));
        let rest = all().filter(move |at| !last(at) && !likely.takes(known, *at));
        let others = fitting.chain(rest).chain(all().filter(last)).filter(move |at| first != Some(*at));
        first.into_iter().chain(others).map(|at| points[at].version())
    }

    /// What a version has to do with an extra that is asked of it.
    ///
    /// An extra that no version offers is a slip of whoever asks for it, and does not count. Where some do, a
    /// version *older* than the newest of them must offer it itself: else a conflict would be answered with an ancient
    /// version. A *newer* one may have dropped the extra because it became part of the base.
    fn offer(
        &mut self,
        name: &PackageName,
        known: &Known,
        version: &Version,
        extra: &ExtraName,
        range: &VersionRange,
    ) -> Result<Offer, P::Error> {
        if !matches!(self.provider.dependencies(name, version, Some(extra))?, Answer::NoSuchExtra) {
            return Ok(Offer::Counts);
        }
        Ok(match self.newest_offering(name, known, extra, range)? {
            None => Offer::Counts,
            Some(newest) if *version > newest => Offer::Dropped,
            Some(_) => Offer::Lacking,
        })
    }

    /// The newest candidate that offers an extra, among the newest [`EXTRA_SEARCH_LIMIT`] of all and, where none of
    /// those does, of the range that is asked for.
    fn newest_offering(
        &mut self,
        name: &PackageName,
        known: &Known,
        extra: &ExtraName,
        range: &VersionRange,
    ) -> Result<Option<Version>, P::Error> {
        let key = (name.clone(), extra.clone());
        let newest = match self.offers.get(&key) {
            Some(newest) => newest.clone(),
            None => {
                let newest = self.search_offering(name, known, extra, &VersionRange::full())?;
                self.offers.insert(key, newest.clone());
                newest
            }
        };
        match newest {
            None => self.search_offering(name, known, extra, range),
            newest => Ok(newest),
        }
    }

    fn search_offering(
        &mut self,
        name: &PackageName,
        known: &Known,
        extra: &ExtraName,
        range: &VersionRange,
    ) -> Result<Option<Version>, P::Error> {
        let mut usable = Vec::new();
        for point in known.points.iter().rev().filter(|point| range.contains(*point)) {
            if usable.len() == EXTRA_SEARCH_LIMIT {
                break;
            }
            if self.refusal(name, known, point.version())?.is_none() {
                usable.push(point.version().clone());
            }
        }
        for ahead in usable.chunks(SEARCH_AHEAD) {
            self.provider.expect_dependencies(name, ahead);
            for version in ahead {
                if let Answer::Known(_) = self.provider.dependencies(name, version, Some(extra))? {
                    return Ok(Some(version.clone()));
                }
            }
        }
        Ok(None)
    }

    /// The candidates that would be tried after `version` if it were rejected, at most `count`.
    pub(crate) fn following(
        &mut self,
        name: &PackageName,
        version: &Version,
        range: &VersionRange,
        count: usize,
    ) -> Result<Vec<Version>, P::Error> {
        let known = self.known(name)?;
        let mut following = Vec::new();
        for point in
            known.points.iter().rev().filter(|point| point.version() < version && range.contains(*point))
        {
            if following.len() == count {
                break;
            }
            if self.refusal(name, &known, point.version())?.is_none() {
                following.push(point.version().clone());
            }
        }
        Ok(following)
    }
}

/// Whether a range begins at a pre-release, as that of `>=4.0.0b18` does and that of `<5` does not. The first development
/// release is where ranges such as `==4.*` begin, and names none.
fn names_prerelease(range: &VersionRange) -> bool {
    range.iter().any(|(from, _)| match from {
        Bound::Included(point) => {
            let version = point.version();
            point.is_version() && version.any_prerelease() && (version.is_pre() || version.dev() != Some(0))
        }
        Bound::Excluded(_) | Bound::Unbounded => false,
    })
}

/// Versions that are of no use, by reason, in the order in which the reasons were met.
#[derive(Default)]
struct Refused {
    by_reason: Vec<(Unusable, Vec<VersionPoint>)>,
    places: FxHashMap<Unusable, usize>,
}

impl Refused {
    fn add(&mut self, reason: Unusable, version: &Version) {
        let at = *self.places.entry(reason.clone()).or_insert(self.by_reason.len());
        if at == self.by_reason.len() {
            self.by_reason.push((reason, Vec::new()));
        }
        self.by_reason[at].1.push(VersionPoint::at(version.clone()));
    }

    fn into_ranges(self, points: &[VersionPoint]) -> Vec<(Unusable, VersionRange)> {
        let ranges = self.by_reason.into_iter().map(|(reason, mut versions)| {
            versions.sort_unstable();
            let set: VersionRange =
                versions.into_iter().map(|point| (bound(&point), bound(&point))).collect();
            (reason, set.widen_versions(points))
        });
        ranges.collect()
    }
}

fn bound(point: &VersionPoint) -> std::ops::Bound<VersionPoint> {
    std::ops::Bound::Included(point.clone())
}
