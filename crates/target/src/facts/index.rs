use std::sync::LazyLock;

use mlresolve_packaging::{PackageName, Version, parse_version};

use super::table::{self, Fact, Source};
use crate::{Accelerator, Platform, Variant};

/// The table of builds.
pub(crate) const VARIANTS_TABLE: &str = include_str!("../../facts/variants.tsv");
/// The table of packages.
pub(crate) const FAMILY_TABLE: &str = include_str!("../../facts/family.tsv");
/// The table of accelerators that a platform cannot have.
pub(crate) const ELSEWHERE_TABLE: &str = include_str!("../../facts/elsewhere.tsv");

static VARIANTS: LazyLock<Vec<KnownVariant>> = LazyLock::new(|| table::known(VARIANTS_TABLE));
static FAMILY: LazyLock<Vec<FamilyPackage>> = LazyLock::new(|| table::known(FAMILY_TABLE));
static ELSEWHERE: LazyLock<Vec<Elsewhere>> = LazyLock::new(|| table::known(ELSEWHERE_TABLE));

/// A build that has a sub-index in PyTorch's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVariant {
    /// The build.
    pub variant: Variant,
    /// The oldest torch that is known to be there.
    pub first: Option<Version>,
    /// The newest torch that is known to be there.
    pub last: Option<Version>,
    /// Whether no newer torch comes to it.
    pub ended: bool,
    /// Where this was read.
    pub source: Source,
}

/// A package whose wheels in PyTorch's index differ from build to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyPackage {
    /// Its name.
    pub name: PackageName,
    /// Where this was read.
    pub source: Source,
}

/// An accelerator that no machine of a platform has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// The accelerator, without a fixed version.
    pub accelerator: Accelerator,
    /// The platform.
    pub platform: Platform,
    /// Why not, as a fragment.
    pub why: &'static str,
    /// Where this was read.
    pub source: Source,
}

impl Fact for KnownVariant {
    const COLUMNS: &'static [&'static str] = &["variant", "first", "last", "ended"];
    type Key = Variant;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let version = |cell: &'static str| match cell {
            "?" => Some(None),
            text => parse_version(text).ok().map(Some),
        };
        let ended = match cells[3] {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        let variant = cells[0].parse().ok().filter(|variant| *variant != Variant::Pypi)?;
        Some(Self { variant, first: version(cells[1])?, last: version(cells[2])?, ended, source })
    }

    fn key(&self) -> Variant {
        self.variant
    }
}

impl Fact for FamilyPackage {
    const COLUMNS: &'static [&'static str] = &["name"];
    type Key = PackageName;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let name: PackageName = cells[0].parse().ok()?;
        (name.as_str() == cells[0]).then_some(Self { name, source })
    }

    fn key(&self) -> PackageName {
        self.name.clone()
    }
}

impl Fact for Elsewhere {
    const COLUMNS: &'static [&'static str] = &["accelerator", "platform", "why"];
    type Key = (Accelerator, Platform);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        Some(Self {
            accelerator: cells[0].parse().ok()?,
            platform: cells[1].parse().ok()?,
            why: cells[2],
            source,
        })
    }

    fn key(&self) -> (Accelerator, Platform) {
        (self.accelerator, self.platform)
    }
}

/// Every build that has a sub-index: `cpu`, then CUDA and ROCm, each oldest first, then `xpu`.
pub fn known_variants() -> &'static [KnownVariant] {
    &VARIANTS
}

/// What is known of a build.
pub fn known_variant(variant: Variant) -> Option<&'static KnownVariant> {
    VARIANTS.iter().find(|known| known.variant == variant)
}

/// The packages that must all come from one sub-index of PyTorch's index, sorted.
pub fn family() -> &'static [FamilyPackage] {
    &FAMILY
}

/// Whether a package is one of [`family`].
pub fn is_family(name: &PackageName) -> bool {
    FAMILY.binary_search_by(|known| known.name.cmp(name)).is_ok()
}

/// Why a machine of this platform cannot have this accelerator, if it cannot.
pub fn elsewhere(accelerator: Accelerator, platform: Platform) -> Option<&'static Elsewhere> {
    let family = accelerator.family();
    ELSEWHERE.iter().find(|known| known.accelerator.family() == family && known.platform == platform)
}
