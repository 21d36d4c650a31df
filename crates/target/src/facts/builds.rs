use std::fmt;
use std::sync::LazyLock;

use mlresolve_packaging::{Version, parse_version};

use super::table::{self, Fact, Source};
use crate::{Capability, CudaVersion, Platform, RocmVersion, Variant};

/// The table of builds for CUDA and for processors, which `tools/facts` makes.
pub(crate) const BUILDS_TABLE: &str = include_str!("../../facts/builds.tsv");
/// The table of builds for ROCm, which `tools/facts` makes.
pub(crate) const ROCM_TABLE: &str = include_str!("../../facts/rocm.tsv");

static BUILDS: LazyLock<Vec<KnownBuild>> = LazyLock::new(|| table::known(BUILDS_TABLE));
static ROCM: LazyLock<Vec<KnownRocmBuild>> = LazyLock::new(|| table::known(ROCM_TABLE));

/// Releases of torch, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Releases {
    /// The oldest.
    pub first: Version,
    /// The newest.
    pub last: Version,
}

/// A build of torch for CUDA, or PyPI's own, on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBuild {
    /// Which releases have it.
    pub torch: Releases,
    /// The build.
    pub variant: Variant,
    /// The processor, as in [`Platform::machine`].
    pub machine: &'static str,
    /// The CUDA it is built for; `None` for a build for processors alone.
    pub cuda: Option<CudaVersion>,
    /// What it is compiled for, where that is known. Empty for a build for processors alone.
    pub compiled: Option<Vec<Code>>,
    /// Where this was read.
    pub source: Source,
}

/// Code in a build, for one capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The capability that there is machine code for.
    pub capability: Capability,
    /// Whether there is PTX too, which a driver can compile for any newer capability.
    pub ptx: bool,
}

/// A build of torch for ROCm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRocmBuild {
    /// Which releases have it.
    pub torch: Releases,
    /// The ROCm it is built for.
    pub rocm: RocmVersion,
    /// The instruction sets it is compiled for, such as `gfx942`.
    pub gfx: Vec<&'static str>,
    /// Where this was read.
    pub source: Source,
}

impl Releases {
    pub(super) fn read(first: &str, last: &str) -> Option<Self> {
        let releases = Self { first: parse_version(first).ok()?, last: parse_version(last).ok()? };
        (releases.first <= releases.last).then_some(releases)
    }

    /// Whether a version is one of these, whatever its local part. Pre-releases of the first are not.
    pub fn contains(&self, version: &Version) -> bool {
        let public = version.clone().without_local();
        self.first <= public && public <= self.last
    }
}

impl Code {
    fn read(text: &str) -> Option<Self> {
        let (capability, ptx) = match text.strip_suffix("+PTX") {
            Some(capability) => (capability, true),
            None => (text, false),
        };
        Some(Self { capability: Capability::parse(capability)?, ptx })
    }
}

impl fmt::Display for Code {
    /// `sm_120`, or `sm_120 with PTX`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ptx = if self.ptx { " with PTX" } else { "" };
        write!(f, "{}{ptx}", self.capability)
    }
}

impl Fact for KnownBuild {
    const COLUMNS: &'static [&'static str] = &["first", "last", "variant", "machine", "cuda", "compiled"];
    type Key = (Variant, &'static str, Releases);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let variant: Variant = cells[2].parse().ok()?;
        let machine = cells[3];
        let cuda = table::parsed_unless("-", cells[4])?;
        let compiled = match (cells[5], cuda) {
            ("?", Some(_)) => None,
            ("-", None) => Some(Vec::new()),
            (list, Some(_)) => Some(list.split(' ').map(Code::read).collect::<Option<Vec<_>>>()?),
            _ => return None,
        };
        let is_own = match variant {
            Variant::Pypi => true,
            Variant::Cuda(own) => cuda == Some(own),
            Variant::Cpu | Variant::Rocm(_) | Variant::Xpu => false,
        };
        let is_machine = Platform::ALL.iter().any(|platform| platform.machine() == machine);
        let torch = Releases::read(cells[0], cells[1])?;
        (is_own && is_machine).then_some(Self { torch, variant, machine, cuda, compiled, source })
    }

    fn key(&self) -> Self::Key {
        (self.variant, self.machine, self.torch.clone())
    }
}

impl Fact for KnownRocmBuild {
    const COLUMNS: &'static [&'static str] = &["first", "last", "variant", "gfx"];
    type Key = (RocmVersion, Releases);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let gfx: Vec<_> = cells[3].split(' ').collect();
        let rocm = RocmVersion::from_label(cells[2])?;
        gfx.iter().all(|one| one.starts_with("gfx")).then_some(())?;
        Some(Self { torch: Releases::read(cells[0], cells[1])?, rocm, gfx, source })
    }

    fn key(&self) -> Self::Key {
        (self.rocm, self.torch.clone())
    }
}

/// Every build of the table.
pub fn builds() -> &'static [KnownBuild] {
    &BUILDS
}

/// What is known of a build of torch on a platform.
pub fn build(torch: &Version, variant: Variant, platform: Platform) -> Option<&'static KnownBuild> {
    let machine = platform.machine();
    let mut found = BUILDS.iter().filter(|known| known.variant == variant && known.machine == machine);
    found.find(|known| known.torch.contains(torch))
}

/// Every build for ROCm of the table.
pub fn rocm_builds() -> &'static [KnownRocmBuild] {
    &ROCM
}

/// What is known of a build of torch for ROCm.
pub fn rocm_build(torch: &Version, rocm: RocmVersion) -> Option<&'static KnownRocmBuild> {
    ROCM.iter().find(|known| known.rocm == rocm && known.torch.contains(torch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_one_build_do_not_overlap() {
        for pair in builds().windows(2) {
            let same = (pair[0].variant, pair[0].machine) == (pair[1].variant, pair[1].machine);
            assert!(!same || pair[0].torch.last < pair[1].torch.first, "{pair:?}");
        }
        for pair in rocm_builds().windows(2) {
            assert!(pair[0].rocm != pair[1].rocm || pair[0].torch.last < pair[1].torch.first, "{pair:?}");
        }
    }

    #[test]
    fn a_release_is_found_whatever_its_local_part() {
        let found = |text: &str, variant: &str| {
            let torch = parse_version(text).unwrap();
            build(&torch, variant.parse().unwrap(), Platform::LinuxX86_64).is_some()
        };
        assert!(found("2.9.1", "cu128") && found("2.9.1+cu128", "cu128") && found("2.9", "cu128"));
        assert!(!found("2.12.0", "cu128") && !found("2.9.0rc1", "cu128") && !found("1.13.1", "pypi"));
    }
}
