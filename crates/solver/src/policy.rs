//! The rules by which a version is a candidate, and which candidate comes first.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve_packaging::{PackageName, Version};

/// Which pre-releases are candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prerelease {
    /// None.
    Disallow,
    /// All.
    Allow,
    /// Those of packages that have nothing else, and of packages for which the user's own requirements name one: they
    /// count like any other version. Where a package's requirement names one and no final version meets it, such as
    /// `>=4.0.0b18`, they come after every final version.
    #[default]
    IfNecessary,
}

/// Which candidate comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResolutionMode {
    /// The newest.
    #[default]
    Highest,
    /// The oldest.
    Lowest,
    /// The oldest of what the user names, the newest of everything else.
    LowestDirect,
}

/// The rules of one solve.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Which pre-releases are candidates.
    pub prerelease: Prerelease,
    /// Packages for which the user's own requirements name a pre-release.
    pub prerelease_named: BTreeSet<PackageName>,
    /// Packages of which another package requires a pre-release. A solve finds them itself.
    pub prerelease_required: BTreeSet<PackageName>,
    /// Which candidate comes first.
    pub mode: ResolutionMode,
    /// Packages that the user names, for [`ResolutionMode::LowestDirect`].
    pub direct: BTreeSet<PackageName>,
    /// Versions tried before all others: those of the lock that is being renewed.
    pub preferences: BTreeMap<PackageName, Version>,
    /// Versions that may be used although they were yanked, because the user pins them.
    pub yanked_allowed: BTreeSet<(PackageName, Version)>,
    /// The most decisions that one solve may take.
    pub step_limit: u64,
}

impl Policy {
    /// Whether the oldest candidate of a package comes first.
    pub(crate) fn prefers_lowest(&self, name: &PackageName) -> bool {
        match self.mode {
            ResolutionMode::Highest => false,
            ResolutionMode::Lowest => true,
            ResolutionMode::LowestDirect => self.direct.contains(name),
        }
    }
}
