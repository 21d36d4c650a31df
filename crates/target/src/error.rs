use crate::equipment::EquipmentError;
use crate::{Accelerator, Glibc, MacOsVersion, Platform};

/// What is wrong with a described machine.
///
/// The text that was refused is kept at its first [`TargetError::SHOWN`] characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The name of the target is not fit for the name of a file.
    #[error(
        "target name {0:?} must be 1 to 64 lowercase letters, digits, `-` or `_`: it becomes part of a file name"
    )]
    Name(String),
    /// The text is not a version of Python.
    #[error("python version {0:?} is not one such as `3.12`, `3.12.4` or, free-threaded, `3.13t`")]
    Python(String),
    /// There is such a text, but no target can have this Python.
    #[error("python {0} is not supported: a target runs CPython 3, from 3.8 on")]
    UnsupportedPython(String),
    /// A `t` behind a Python that has no free-threaded build.
    #[error("python {0} has no free-threaded build: the first that has is `3.13t`")]
    NotFreeThreaded(String),
    /// The text is not a platform's name.
    #[error("platform {0:?} is not known: choose one of {known}", known = Platform::LIST)]
    Platform(String),
    /// The text is not a version of glibc.
    #[error("glibc version {0:?} is not one such as `2.28`")]
    Glibc(String),
    /// A glibc older than any that the platform's wheels are built against.
    #[error("glibc {glibc} is too old for {platform}: the oldest that any wheel is built for is {oldest}")]
    GlibcTooOld {
        /// The glibc that was asked for.
        glibc: Glibc,
        /// The platform that it was asked for on.
        platform: Platform,
        /// The oldest glibc that this platform can have.
        oldest: Glibc,
    },
    /// A glibc on a platform that has none.
    #[error("glibc {glibc} does not go with {platform}: only a linux target has a glibc, so leave it out")]
    GlibcElsewhere {
        /// The glibc that was asked for.
        glibc: Glibc,
        /// The platform that it was asked for on.
        platform: Platform,
    },
    /// The text is not a version of macOS.
    #[error("macOS version {0:?} is not one such as `14.0`")]
    MacOs(String),
    /// A macOS older than the first that ran on arm64.
    #[error("macOS {0} does not run on arm64: the first that does is 11.0")]
    MacOsTooOld(MacOsVersion),
    /// A macOS version on a platform that is not macOS.
    #[error("macOS {macos} does not go with {platform}: leave it out, or take the platform macos-arm64")]
    MacOsElsewhere {
        /// The macOS that was asked for.
        macos: MacOsVersion,
        /// The platform that it was asked for on.
        platform: Platform,
    },
    /// The text is not an accelerator.
    #[error("accelerator {0:?} is not known: choose one of {known}", known = Accelerator::LIST)]
    Accelerator(String),
    /// The text is not a version of CUDA.
    #[error("CUDA version {0:?} is not one such as `12.8`")]
    Cuda(String),
    /// The text is not a version of ROCm.
    #[error("ROCm version {0:?} is not one such as `7.1` or `6.2.4`")]
    Rocm(String),
    /// The text is not a build variant.
    #[error("build variant {0:?} is not one such as `pypi`, `cpu`, `cu128`, `rocm7.1` or `xpu`")]
    Variant(String),
    /// The text is not a version of a driver.
    #[error("driver version {0:?} is not one such as `550`, `550.54` or `550.54.14`")]
    Driver(String),
    /// The text is a version, but not of a driver: CUDA's perhaps.
    #[error(
        "driver {0} is not a version of NVIDIA's driver, which begin at 100: take the one that `nvidia-smi` calls \
         `Driver Version`, such as 550.54.14, and not the `CUDA Version` beside it"
    )]
    NoSuchDriver(String),
    /// The text is not a compute capability.
    #[error("compute capability {0:?} is not one such as `sm_90` or `9.0`")]
    Capability(String),
    /// The text is neither a capability nor a name that is known.
    #[error(
        "GPU {name:?} is not known{meant} A compute capability such as sm_90 will do, as `nvidia-smi \
         --query-gpu=compute_cap --format=csv` prints it, and so will AMD's gfx942",
        meant = Self::meant(near)
    )]
    Gpu {
        /// The text, as far as it is shown.
        name: String,
        /// Known names that it is close to, the nearest first.
        near: Vec<&'static str>,
    },
    /// The accelerator, the driver, the GPUs and the platform do not go together.
    #[error(transparent)]
    Equipment(#[from] EquipmentError),
}

impl TargetError {
    /// How many characters of a refused text an error shows.
    pub const SHOWN: usize = 40;

    /// The part of a refused text that an error shows.
    pub(crate) fn shown(text: &str) -> String {
        text.chars().take(Self::SHOWN).collect()
    }

    /// The question whether one of these was meant.
    fn meant(near: &[&str]) -> String {
        match near {
            [] => ".".to_owned(),
            [one] => format!("; did you mean {one}?"),
            [others @ .., last] => format!("; did you mean {} or {last}?", others.join(", ")),
        }
    }
}
