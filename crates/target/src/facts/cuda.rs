use std::sync::LazyLock;

use super::table::{self, Fact, Source};
use crate::{Capability, CudaVersion, DriverVersion};

/// The table of toolkits.
pub(crate) const TOOLKITS_TABLE: &str = include_str!("../../facts/toolkits.tsv");
/// The table of CUDA majors.
pub(crate) const MAJORS_TABLE: &str = include_str!("../../facts/majors.tsv");
/// The table of capabilities.
pub(crate) const CAPABILITIES_TABLE: &str = include_str!("../../facts/capabilities.tsv");

static TOOLKITS: LazyLock<Vec<Toolkit>> = LazyLock::new(|| table::known(TOOLKITS_TABLE));
static MAJORS: LazyLock<Vec<CudaMajor>> = LazyLock::new(|| table::known(MAJORS_TABLE));
static CAPABILITIES: LazyLock<Vec<KnownCapability>> = LazyLock::new(|| table::known(CAPABILITIES_TABLE));

/// A release of the CUDA toolkit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toolkit {
    /// Its version.
    pub cuda: CudaVersion,
    /// The driver for Linux that its first release came with. This and newer ones run all of it.
    pub driver: DriverVersion,
    /// Where this was read.
    pub source: Source,
}

/// What holds for every minor of a CUDA major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CudaMajor {
    /// The major number.
    pub major: u8,
    /// The oldest driver for Linux that runs any minor, by minor-version compatibility.
    pub driver: DriverVersion,
    /// The oldest capability that its compiler makes code for.
    pub capability: Capability,
    /// Where this was read.
    pub source: Source,
}

/// A compute capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownCapability {
    /// The capability.
    pub capability: Capability,
    /// The name of the architecture, such as `Hopper`.
    pub architecture: &'static str,
    /// The first toolkit that compiles for it.
    pub toolkit: CudaVersion,
    /// The last CUDA major that compiles for it; `None` if none is known to be.
    pub last_major: Option<u8>,
    /// The first driver that knows it, where that is known.
    pub first_driver: Option<DriverVersion>,
    /// The last driver branch that knows it; `None` if none is known to be.
    pub last_branch: Option<u16>,
    /// Where this was read.
    pub source: Source,
}

impl Fact for Toolkit {
    const COLUMNS: &'static [&'static str] = &["cuda", "driver"];
    type Key = CudaVersion;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        Some(Self { cuda: cells[0].parse().ok()?, driver: cells[1].parse().ok()?, source })
    }

    fn key(&self) -> CudaVersion {
        self.cuda
    }
}

impl Fact for CudaMajor {
    const COLUMNS: &'static [&'static str] = &["major", "driver", "capability"];
    type Key = u8;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let capability = cells[2].parse().ok()?;
        Some(Self { major: cells[0].parse().ok()?, driver: cells[1].parse().ok()?, capability, source })
    }

    fn key(&self) -> u8 {
        self.major
    }
}

impl Fact for KnownCapability {
    const COLUMNS: &'static [&'static str] =
        &["capability", "architecture", "toolkit", "last_major", "driver", "last_branch"];
    type Key = Capability;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        Some(Self {
            capability: cells[0].parse().ok()?,
            architecture: cells[1],
            toolkit: cells[2].parse().ok()?,
            last_major: table::parsed_unless("-", cells[3])?,
            first_driver: table::parsed_unless("?", cells[4])?,
            last_branch: table::parsed_unless("-", cells[5])?,
            source,
        })
    }

    fn key(&self) -> Capability {
        self.capability
    }
}

/// Every toolkit of the table, oldest first.
pub fn toolkits() -> &'static [Toolkit] {
    &TOOLKITS
}

/// What is known of a toolkit.
pub fn toolkit(cuda: CudaVersion) -> Option<&'static Toolkit> {
    TOOLKITS.iter().find(|toolkit| toolkit.cuda == cuda)
}

/// Every CUDA major of the table, oldest first.
pub fn cuda_majors() -> &'static [CudaMajor] {
    &MAJORS
}

/// What is known of a CUDA major.
pub fn cuda_major(major: u8) -> Option<&'static CudaMajor> {
    MAJORS.iter().find(|known| known.major == major)
}

/// The newest CUDA major that a driver runs; `None` for a driver older than those of the table.
pub fn newest_cuda_major(driver: DriverVersion) -> Option<&'static CudaMajor> {
    MAJORS.iter().rev().find(|known| driver.reaches(known.driver))
}

/// Every capability of the table, oldest first.
pub fn capabilities() -> &'static [KnownCapability] {
    &CAPABILITIES
}

/// What is known of a capability.
pub fn capability(capability: Capability) -> Option<&'static KnownCapability> {
    CAPABILITIES.iter().find(|known| known.capability == capability)
}
