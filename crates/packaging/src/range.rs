//! Sets of versions as ranges, for the solver.
//!
//! PEP 440's operators do not cut the line of versions at versions: `==2.5.1` also takes every `2.5.1+local`, and
//! `>2.5.1` leaves out `2.5.1.post1`. So a range is bounded by *points*: a version, or the place right
//! after all local versions of one, or right after all its post-releases. With those two more kinds of point, each
//! specifier is exactly one or two intervals, and set operations stay exact.

use std::cmp::Ordering;
use std::fmt;

use version_ranges::Ranges;

use crate::specifier::{Operator, Specifier, SpecifierSet};
use crate::version::Version;

/// A set of versions. Bounds are half-open except at plain versions, so that equal sets are equal values.
pub type VersionRange = Ranges<VersionPoint>;

/// A point on the line of versions.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VersionPoint {
    version: Version,
    place: Place,
}

/// Where a point lies with regard to its version.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    /// At the version itself.
    At,
    /// After the version and all its local versions, before its first post-release.
    AfterLocals,
    /// After the version, its local versions and all its post-releases.
    AfterPosts,
}

impl VersionPoint {
    /// The point of a version itself.
    #[must_use]
    pub fn at(version: Version) -> Self {
        Self { version, place: Place::At }
    }

    /// The point right after a version and all its local versions.
    #[must_use]
    pub fn after_locals(version: Version) -> Self {
        Self { version: version.without_local(), place: Place::AfterLocals }
    }

    /// The point right after a version and all its post-releases.
    #[must_use]
    pub fn after_posts(version: Version) -> Self {
        // A post-release has none of its own, nor has a development release.
        if version.is_post() || version.is_dev() {
            return Self::after_locals(version);
        }
        Self { version: version.without_local(), place: Place::AfterPosts }
    }

    /// The version this point is at, or lies right after.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Whether the point is a version and not a place between versions.
    #[must_use]
    pub fn is_version(&self) -> bool {
        self.place == Place::At
    }

    /// Whether `version` is among those that this point, which lies after some, has left behind by family and
    /// not by order.
    fn family_contains(&self, version: &Version) -> bool {
        let base = &self.version;
        let same_start = base.epoch() == version.epoch()
            && release_eq(base.release(), version.release())
            && base.pre() == version.pre();
        match self.place {
            Place::At => false,
            Place::AfterLocals => same_start && base.post() == version.post() && base.dev() == version.dev(),
            Place::AfterPosts => same_start && (version.post().is_some() || base.dev() == version.dev()),
        }
    }
}

/// Equality of release segments, where trailing zeros do not count.
fn release_eq(left: &[u64], right: &[u64]) -> bool {
    let shared = left.len().min(right.len());
    left[..shared] == right[..shared]
        && left[shared..].iter().all(|&part| part == 0)
        && right[shared..].iter().all(|&part| part == 0)
}

impl Ord for VersionPoint {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.place, other.place) {
            (Place::At, Place::At) => self.version.cmp(&other.version),
            (Place::At, _) => other.cmp(self).reverse(),
            (_, Place::At) => {
                if self.version >= other.version || self.family_contains(&other.version) {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (left, right) if left == right => self.version.cmp(&other.version),
            (Place::AfterPosts, _) => {
                if self.family_contains(&other.version) {
                    Ordering::Greater
                } else {
                    self.version.cmp(&other.version)
                }
            }
            (_, _) => other.cmp(self).reverse(),
        }
    }
}

impl PartialOrd for VersionPoint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for VersionPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::At => write!(formatter, "{}", self.version),
            Place::AfterLocals => write!(formatter, "{}[+locals]", self.version),
            Place::AfterPosts => write!(formatter, "{}[.posts]", self.version),
        }
    }
}

impl fmt::Debug for VersionPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<Version> for VersionPoint {
    fn from(version: Version) -> Self {
        Self::at(version)
    }
}

/// The versions that a set of specifiers takes, whatever the policy on pre-releases.
///
/// `===` compares text, which a set of versions cannot: it becomes the one version of that text, or nothing where
/// the text is no version.
#[must_use]
pub fn range_of(specifiers: &SpecifierSet) -> VersionRange {
    let mut ranges = specifiers.iter().map(range_of_specifier);
    let Some(first) = ranges.next() else { return VersionRange::full() };
    ranges.fold(first, |all, range| all.intersection(&range))
}

/// The versions of one specifier: the table of the version specifiers specification, as intervals.
fn range_of_specifier(specifier: &Specifier) -> VersionRange {
    let Some(version) = specifier.version() else { return VersionRange::empty() };
    let version = version.clone();
    let exact = |version: Version| {
        if version.is_local() {
            VersionRange::singleton(VersionPoint::at(version))
        } else {
            VersionRange::between(VersionPoint::at(version.clone()), VersionPoint::after_locals(version))
        }
    };
    let prefix = |version: &Version| between(version.clone().with_dev(Some(0)), next_prefix(version));
    match specifier.operator() {
        Operator::Equal => exact(version),
        Operator::NotEqual => exact(version).complement(),
        Operator::EqualPrefix => prefix(&version),
        Operator::NotEqualPrefix => prefix(&version).complement(),
        Operator::Arbitrary => VersionRange::singleton(VersionPoint::at(version)),
        Operator::GreaterOrEqual => VersionRange::higher_than(VersionPoint::at(version)),
        Operator::LessOrEqual => VersionRange::strictly_lower_than(VersionPoint::after_locals(version)),
        Operator::Greater => VersionRange::higher_than(lowest_greater(version)),
        Operator::Less => VersionRange::strictly_lower_than(VersionPoint::at(highest_less(version))),
        Operator::Compatible => {
            let upper = next_prefix(&prefix_of_compatible(&version));
            between(version, upper)
        }
    }
}

/// The versions from the first and below the second. Behind the greatest number there is no next prefix, and so
/// nothing before it.
fn between(from: Version, to: Version) -> VersionRange {
    if from < to {
        VersionRange::between(VersionPoint::at(from), VersionPoint::at(to))
    } else {
        VersionRange::empty()
    }
}

/// `~=1.2.3` keeps within `1.2`.
pub(crate) fn prefix_of_compatible(version: &Version) -> Version {
    let release = version.release();
    Version::new(&release[..release.len() - 1]).with_epoch(version.epoch())
}

/// The smallest version of the next prefix: `1.2` gives `1.3.dev0`.
pub(crate) fn next_prefix(version: &Version) -> Version {
    let mut release = version.release().to_vec();
    if let Some(last) = release.last_mut() {
        *last = last.saturating_add(1);
    }
    Version::new(release).with_epoch(version.epoch()).with_dev(Some(0))
}

/// The lowest point that `>version` takes: its post-releases only where it is one itself.
pub(crate) fn lowest_greater(version: Version) -> VersionPoint {
    if let Some(dev) = version.dev() {
        return VersionPoint::at(version.with_dev(Some(dev.saturating_add(1))).without_local());
    }
    if let Some(post) = version.post() {
        let next = version.with_post(Some(post.saturating_add(1))).with_dev(Some(0));
        return VersionPoint::at(next.without_local());
    }
    VersionPoint::after_posts(version)
}

/// The version below which `<version` takes everything: pre-releases of it only where it is one itself.
pub(crate) fn highest_less(version: Version) -> Version {
    if version.any_prerelease() { version } else { version.without_local().with_dev(Some(0)) }
}

#[cfg(test)]
mod tests;
