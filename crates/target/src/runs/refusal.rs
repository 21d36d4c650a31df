use std::fmt;

use crate::facts::{self, Code, CudaMajor, Source};
use crate::{Accelerator, Capability, CudaVersion, DriverVersion};

/// Why a build does not run on a target.
///
/// Displayed it is a fragment that follows the name of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is for processors alone, and the target computes on something else.
    CpuBuild {
        /// What the target computes on.
        accelerator: Accelerator,
    },
    /// It is for another accelerator than the target's.
    Accelerator {
        /// What it is built for, such as `CUDA 12.8`.
        built_for: String,
        /// What the target computes on.
        accelerator: Accelerator,
    },
    /// The driver is too old for the CUDA that it is built for.
    Driver {
        /// The CUDA that it is built for.
        cuda: CudaVersion,
        /// The driver of the target.
        driver: DriverVersion,
        /// What is known of the CUDA major.
        major: &'static CudaMajor,
    },
    /// It has no code for a GPU.
    Gpu {
        /// The GPU with its capability.
        gpu: String,
        /// What the build is compiled for.
        compiled: &'static [Code],
        /// Where this was read.
        cited: Source,
    },
    /// It has code for a GPU only as PTX, which the driver is too old to compile.
    Ptx {
        /// The GPU with its capability.
        gpu: String,
        /// The driver of the target.
        driver: DriverVersion,
        /// The oldest driver that compiles it.
        first: DriverVersion,
        /// Where this was read.
        cited: Source,
    },
    /// The CUDA that it is built for has no compiler for a GPU.
    Toolkit {
        /// The GPU with its capability.
        gpu: String,
        /// The CUDA that it is built for.
        cuda: CudaVersion,
        /// The oldest capability that this CUDA major compiles for.
        oldest: Capability,
        /// Where this was read.
        cited: Source,
    },
    /// It has no code for a GPU of AMD.
    Gfx {
        /// The GPU.
        gpu: String,
        /// What the build is compiled for.
        compiled: &'static [&'static str],
        /// Where this was read.
        cited: Source,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuBuild { accelerator } => {
                write!(f, "is a CPU build, and the target computes on {accelerator}")
            }
            Self::Accelerator { built_for, accelerator } => {
                write!(f, "is built for {built_for}, and the target computes on {accelerator}")
            }
            Self::Driver { cuda, driver, major } => {
                let runs = match facts::newest_cuda_major(*driver) {
                    Some(newest) => format!("CUDA {}.x", newest.major),
                    None => "no CUDA that is known here".to_owned(),
                };
                let (first, cited) = (major.driver, major.source);
                write!(
                    f,
                    "is built for CUDA {cuda}, which needs driver {first} or newer, and the target has {driver}, which \
                     runs {runs} {cited}"
                )
            }
            Self::Gpu { gpu, compiled, cited } => {
                let list: Vec<String> = compiled.iter().map(ToString::to_string).collect();
                write!(f, "has no code for {gpu}: it is compiled for {} {cited}", list.join(", "))
            }
            Self::Ptx { gpu, driver, first, cited } => {
                write!(
                    f,
                    "has code for {gpu} as PTX alone, which needs driver {first} or newer to be compiled, and the target \
                     has {driver} {cited}"
                )
            }
            Self::Toolkit { gpu, cuda, oldest, cited } => {
                let major = cuda.major;
                write!(
                    f,
                    "is built for CUDA {cuda}, and CUDA {major} cannot compile for {gpu}, only for {oldest} and newer \
                     {cited}"
                )
            }
            Self::Gfx { gpu, compiled, cited } => {
                write!(f, "has no code for {gpu}: it is compiled for {} {cited}", compiled.join(", "))
            }
        }
    }
}
