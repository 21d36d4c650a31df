//! The seam between the solver and everything that knows how data is obtained.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use mlresolve_packaging::{ExtraName, PackageName, Version, VersionRange};

use crate::package::Matter;

/// Answers the solver's questions. Each answer must be the same whenever it is asked during one solve.
///
/// A method may block until the answer is there. An `Err` ends the solve: it is for what makes every further answer
/// worthless (the network is down), not for what is wrong with one version.
pub trait Provider {
    /// Why answering had to stop.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The versions that exist of a package.
    ///
    /// # Errors
    /// When the question cannot be answered at all.
    fn versions(&self, name: &PackageName) -> Result<Versions, Self::Error>;

    /// What is known of one version without reading its metadata.
    ///
    /// # Errors
    /// When the question cannot be answered at all.
    fn standing(&self, name: &PackageName, version: &Version) -> Result<Standing, Self::Error>;

    /// What one version requires: by itself, or for one extra beyond that.
    ///
    /// # Errors
    /// When the question cannot be answered at all.
    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        extra: Option<&ExtraName>,
    ) -> Result<Answer, Self::Error>;

    /// Whether a package may have several builds of one public version, or versions that are built in different ways, so that
    /// [`Provider::build`] is worth asking. Asked once its versions are known.
    fn has_builds(&self, _name: &PackageName) -> bool {
        false
    }

    /// How a version is built. Asked only of packages that have builds.
    ///
    /// # Errors
    /// When the question cannot be answered at all.
    fn build(&self, _name: &PackageName, _version: &Version) -> Result<Build, Self::Error> {
        Ok(Build::default())
    }

    /// Whether a package is a part of the builds of one variant, such as a library of CUDA: targets with other variants have
    /// other versions of it, so it is never aligned.
    fn follows_build(&self, _name: &PackageName) -> bool {
        false
    }

    /// What a version has to say on matters that all packages of a target must agree on, beside the variant of its build.
    ///
    /// # Errors
    /// When the question cannot be answered at all.
    fn claims(&self, _name: &PackageName, _version: &Version) -> Result<Vec<Claim>, Self::Error> {
        Ok(Vec::new())
    }

    /// Where it is known from that a version requires this range of another package, if its own metadata does not say so; as
    /// it is appended to the fact. Asked only to explain.
    fn cited(
        &self,
        _name: &PackageName,
        _version: &Version,
        _on: &PackageName,
        _range: &VersionRange,
    ) -> Option<String> {
        None
    }

    /// What a person can do where these packages claim different values on a matter. Asked only to explain.
    fn way_out(
        &self,
        _matter: &Matter,
        _values: &BTreeSet<String>,
        _packages: &BTreeSet<PackageName>,
    ) -> Option<String> {
        None
    }

    /// Whether a person thinks of a conflict in terms of this package rather than of another. Asked only to explain.
    fn is_prominent(&self, _name: &PackageName) -> bool {
        false
    }

    /// When a version is from, if it is old beside the newest that there is. Asked only to explain.
    fn old_since(&self, _name: &PackageName, _version: &Version) -> Option<String> {
        None
    }

    /// Where else a package is to be had that was not found here, or only as source. Asked only to explain.
    fn elsewhere(&self, _name: &PackageName) -> Option<String> {
        None
    }

    /// What a person should know of a package where its versions are wanting, such as that it may have others in a place
    /// that was not looked at. `wanted` are the versions that were asked for. Asked only to explain.
    fn note(&self, _name: &PackageName, _wanted: &VersionRange) -> Option<String> {
        None
    }

    /// A hint that the versions of a package will be asked for, and soon after the dependencies of one that satisfies this.
    fn expect_package(&self, _wanted: &Dependency) {}

    /// A hint that the dependencies of these versions may be asked for, most likely first.
    fn expect_dependencies(&self, _name: &PackageName, _versions: &[Version]) {}

    /// Asked at every step: whether to give up, because of a time limit or because the caller cancelled.
    fn should_stop(&self) -> Option<Stop> {
        None
    }
}

/// Why a solve was given up from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The caller asked for it.
    Cancelled,
    /// The time for it has run out.
    OutOfTime,
}

/// The versions that exist of a package.
#[derive(Debug, Clone)]
pub enum Versions {
    /// Those versions, ascending, each once.
    Found(Arc<[Version]>),
    /// There is no such package to be had.
    Missing(Missing),
}

/// How one version of a package is built, where there are several builds of one public version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// Of the builds of one public version, the one of least rank is tried first.
    pub rank: u32,
    /// The variants that it goes with. All builds that are chosen for a target go with one variant. `None` where the
    /// build goes with any.
    pub variants: Option<Arc<[String]>>,
    /// Whether every other version is tried before it.
    pub last: bool,
}

/// What a version says on a matter that all packages of a target must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The matter.
    pub matter: Matter,
    /// What it goes with.
    pub values: Arc<[String]>,
    /// Why, as it follows the name and the version: `is for CUDA 12, as its name says`.
    pub because: Arc<str>,
    /// Whether every version of the package says so.
    pub always: bool,
}

/// Why there is no such package.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Missing {
    /// None of these indexes has it; each is named as it may be shown.
    NotFound(Vec<String>),
    /// It is not in the cache, and the network may not be used.
    Offline,
    /// The index holds it back, with the reason that it gives.
    Withheld(String),
    /// Its page lists files, and none of them can be used. The text says how many, and why the first cannot.
    Unreadable(String),
}

/// What is known of one version without reading its metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it was yanked, and the reason if one was given (PEP 592).
    pub yanked: Option<Option<String>>,
    /// Why it cannot be used, if so.
    pub unusable: Option<Unusable>,
}

/// What one version requires.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These.
    Known(Arc<[Dependency]>),
    /// The version does not offer the extra that was asked for.
    NoSuchExtra,
    /// It turned out that the version cannot be used.
    Unusable(Unusable),
}

/// What one version requires of one other package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The other package.
    pub name: PackageName,
    /// The extras asked of it.
    pub extras: Vec<ExtraName>,
    /// The versions that will do.
    pub range: VersionRange,
    /// The requirement as it was written, for people.
    pub text: Arc<str>,
}

/// Why a version, or a set of versions, cannot be used.
///
/// Versions with equal reasons are shown as one line, so a reason speaks of no single version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// Its Requires-Python leaves the target's Python out.
    RequiresPython {
        /// What it requires, as published.
        required: String,
        /// The target's Python.
        python: String,
    },
    /// None of its wheels fits the target. The text says what they are for.
    NoWheel(String),
    /// It is published as source only, and sources may not be used.
    SourceOnly,
    /// It is published as wheels only, and wheels may not be used.
    BinaryOnly,
    /// It is published as source only, and only a build would tell what it requires.
    NeedsBuild {
        /// Why that is not told without.
        why: String,
        /// The newest version of the package that has a wheel for the target.
        newest_wheel: Option<Version>,
    },
    /// All its files were uploaded after the time that the user set.
    TooNew(String),
    /// It is a pre-release, and nothing allows it.
    Prerelease,
    /// It was yanked, for the reason that was given.
    Yanked(Option<String>),
    /// It does not offer this extra.
    LacksExtra(ExtraName),
    /// Its metadata cannot be used. The text says why.
    Metadata(String),
    /// It does not run on the target: a driver, a GPU or an accelerator stands in the way. Each text says one thing, as it
    /// follows the version: `is built for …`.
    Machine(Vec<String>),
    /// A constraint of the user's leaves it out. The text is the constraint.
    Constraint(String),
    /// The package is not to be had.
    Missing(Missing),
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequiresPython { required, python } => {
                write!(formatter, "needs Python {required}, and the target has {python}")
            }
            Self::NoWheel(what) => write!(formatter, "has no wheel for the target: {what}"),
            Self::SourceOnly => formatter.write_str("has no wheel, only source"),
            Self::BinaryOnly => formatter.write_str("has no source distribution, only wheels"),
            Self::NeedsBuild { why, .. } => {
                write!(
                    formatter,
                    "has no wheel, and its source must be built to tell what it requires: {why}"
                )
            }
            Self::TooNew(limit) => write!(formatter, "was uploaded after {limit}"),
            Self::Prerelease => formatter.write_str("is a pre-release, and none was asked for"),
            Self::Yanked(None) => formatter.write_str("was yanked"),
            Self::Yanked(Some(reason)) => write!(formatter, "was yanked: {reason}"),
            Self::LacksExtra(extra) => write!(formatter, "does not offer the extra [{extra}]"),
            Self::Metadata(what) => write!(formatter, "has unusable metadata: {what}"),
            Self::Machine(what) => formatter.write_str(&what.join("; it ")),
            Self::Constraint(text) => write!(formatter, "is left out by your constraint {text}"),
            Self::Missing(Missing::NotFound(indexes)) => {
                write!(formatter, "was not found on {}", indexes.join(" or "))
            }
            Self::Missing(Missing::Offline) => {
                formatter.write_str("is not in the cache, and the network may not be used (--offline)")
            }
            Self::Missing(Missing::Withheld(reason)) => {
                write!(formatter, "is held back by its index: {reason}")
            }
            Self::Missing(Missing::Unreadable(what)) => {
                write!(formatter, "has no file that can be used: {what}")
            }
        }
    }
}
