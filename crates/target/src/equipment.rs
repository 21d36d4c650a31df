use thiserror::Error;

use crate::facts::{self, Elsewhere, Source};
use crate::{Accelerator, Capability, CudaVersion, DriverVersion, Gpu, GpuKind, Platform};

/// What a target has besides its processor, as it was declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Equipment {
    pub(crate) declared: Option<Accelerator>,
    pub(crate) driver: Option<DriverVersion>,
    pub(crate) gpus: Vec<Gpu>,
}

impl Equipment {
    /// The accelerator that the GPUs, or the driver, stand for, where none was declared.
    pub(crate) fn inferred(&self) -> Option<Accelerator> {
        if self.declared.is_some() {
            return None;
        }
        let of_gpu = self.gpus.first().map(|gpu| accelerator_of(&gpu.kind));
        of_gpu.or_else(|| self.driver.map(|_| Accelerator::Cuda(None)))
    }

    /// Whether there can be a machine with this.
    ///
    /// Beside the accelerator `cpu` a driver and GPUs count for nothing: machines with GPUs run CPU builds.
    pub(crate) fn check(&self, platform: Platform) -> Result<(), EquipmentError> {
        let Some(accelerator) = self.declared.or_else(|| self.inferred()) else { return Ok(()) };
        if accelerator == Accelerator::Cpu {
            return Ok(());
        }
        self.check_vendor(accelerator)?;
        if let Some(found) = facts::elsewhere(accelerator, platform) {
            return Err(EquipmentError::elsewhere(accelerator, found));
        }
        if let Accelerator::Cuda(cuda) = accelerator {
            self.check_driver_and_gpus()?;
            if let Some(cuda) = cuda {
                self.check_cuda(cuda)?;
            }
        }
        Ok(())
    }

    /// Whether the GPUs and the driver are those of the accelerator's maker.
    fn check_vendor(&self, accelerator: Accelerator) -> Result<(), EquipmentError> {
        let family = accelerator.family();
        if let Some(gpu) = self.gpus.iter().find(|gpu| accelerator_of(&gpu.kind).family() != family) {
            let other = accelerator_of(&gpu.kind);
            let gpu = gpu.described();
            return Err(match (self.declared, self.gpus.first()) {
                (None, Some(first)) => EquipmentError::MixedGpus { first: first.described(), gpu },
                _ => EquipmentError::OtherGpu { gpu, accelerator, other },
            });
        }
        match self.driver {
            Some(driver) if family != "cuda" => Err(EquipmentError::OtherDriver { driver, accelerator }),
            _ => Ok(()),
        }
    }

    /// Whether the driver knows the GPUs.
    fn check_driver_and_gpus(&self) -> Result<(), EquipmentError> {
        let Some(driver) = self.driver else { return Ok(()) };
        for gpu in &self.gpus {
            let Some(known) = gpu.capability().and_then(facts::capability) else { continue };
            let (gpu, cited) = (gpu.described(), known.source);
            if let Some(first) = known.first_driver.filter(|first| !driver.reaches(*first)) {
                return Err(EquipmentError::DriverTooOldForGpu { gpu, driver, first, cited });
            }
            if let Some(last) = known.last_branch.filter(|last| driver.branch() > *last) {
                let architecture = known.architecture;
                return Err(EquipmentError::DriverTooNewForGpu { gpu, driver, last, architecture, cited });
            }
        }
        Ok(())
    }

    /// Whether builds for this CUDA can run at all.
    fn check_cuda(&self, cuda: CudaVersion) -> Result<(), EquipmentError> {
        let Some(major) = facts::cuda_major(cuda.major) else { return Ok(()) };
        if let Some(driver) = self.driver.filter(|driver| !driver.reaches(major.driver)) {
            return Err(EquipmentError::DriverTooOldForCuda {
                cuda,
                driver,
                first: major.driver,
                cited: major.source,
            });
        }
        let too_old = |gpu: &&Gpu| gpu.capability().is_some_and(|capability| capability < major.capability);
        match self.gpus.iter().find(too_old) {
            Some(gpu) => Err(EquipmentError::GpuTooOldForCuda {
                gpu: gpu.described(),
                cuda,
                oldest: major.capability,
                cited: major.source,
            }),
            None => Ok(()),
        }
    }
}

fn accelerator_of(kind: &GpuKind) -> Accelerator {
    match kind {
        GpuKind::Nvidia(_) => Accelerator::Cuda(None),
        GpuKind::Amd(_) => Accelerator::Rocm(None),
        GpuKind::Intel => Accelerator::Xpu,
    }
}

/// What of a target's accelerator, driver, GPUs and platform does not go together.
///
/// Displayed it names the fact, where it was read, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EquipmentError {
    /// CUDA, ROCm or XPU on macOS.
    #[error(
        "accelerator {accelerator} does not go with {platform}: {why} {cited}; take `mps` or `cpu`, or a linux platform",
        platform = fact.platform, why = fact.why, cited = fact.source
    )]
    OnMacOs {
        /// The accelerator that was asked for, or that the GPUs or the driver stand for.
        accelerator: Accelerator,
        /// Why not.
        fact: &'static Elsewhere,
    },
    /// MPS anywhere but on macOS.
    #[error(
        "accelerator mps does not go with {platform}: {why} {cited}; take `cuda`, `rocm`, `xpu` or `cpu`, or the \
         platform macos-arm64",
        platform = fact.platform, why = fact.why, cited = fact.source
    )]
    MpsElsewhere {
        /// Why not.
        fact: &'static Elsewhere,
    },
    /// ROCm or XPU on ARM.
    #[error(
        "accelerator {accelerator} does not go with {platform}: {why} {cited}; take the platform linux-x86_64, or \
         `cuda` or `cpu`",
        platform = fact.platform, why = fact.why, cited = fact.source
    )]
    OnAarch64 {
        /// The accelerator that was asked for, or that the GPUs stand for.
        accelerator: Accelerator,
        /// Why not.
        fact: &'static Elsewhere,
    },
    /// A GPU of another maker than the accelerator's.
    #[error(
        "GPU {gpu} does not go with accelerator {accelerator}: it computes with `{other}`; take that, or leave one of \
         the two out"
    )]
    OtherGpu {
        /// The GPU.
        gpu: String,
        /// The accelerator that was declared.
        accelerator: Accelerator,
        /// The accelerator that the GPU is for.
        other: Accelerator,
    },
    /// GPUs of two makers.
    #[error(
        "GPUs {first} and {gpu} do not go together: no build runs on both; declare a target for each, or the \
         accelerator `cpu`"
    )]
    MixedGpus {
        /// The first GPU.
        first: String,
        /// The first of another maker.
        gpu: String,
    },
    /// NVIDIA's driver with an accelerator of another maker.
    #[error(
        "driver {driver} does not go with accelerator {accelerator}: a driver version is that of NVIDIA's; leave it \
         out, or take the accelerator `cuda`"
    )]
    OtherDriver {
        /// The driver.
        driver: DriverVersion,
        /// The accelerator.
        accelerator: Accelerator,
    },
    /// A GPU that came after the driver.
    #[error(
        "driver {driver} does not know {gpu}: the first that does is {first} {cited}; take that or a newer one"
    )]
    DriverTooOldForGpu {
        /// The GPU.
        gpu: String,
        /// The driver that was declared.
        driver: DriverVersion,
        /// The first that knows the GPU.
        first: DriverVersion,
        /// Where this was read.
        cited: Source,
    },
    /// A GPU that the driver knows no longer.
    #[error(
        "driver {driver} no longer knows {gpu}: the last branch for {architecture} is {last} {cited}; take a driver \
         {last}, or leave the GPU out"
    )]
    DriverTooNewForGpu {
        /// The GPU.
        gpu: String,
        /// The driver that was declared.
        driver: DriverVersion,
        /// The last branch that knows the GPU.
        last: u16,
        /// The name of the GPU's architecture.
        architecture: &'static str,
        /// Where this was read.
        cited: Source,
    },
    /// A fixed CUDA that the driver does not run.
    #[error(
        "accelerator {label} does not go with driver {driver}: CUDA {major} needs {first} or newer {cited}; take \
         `cuda`, or a newer driver",
        label = cuda.label(), major = cuda.major
    )]
    DriverTooOldForCuda {
        /// The CUDA that was declared.
        cuda: CudaVersion,
        /// The driver that was declared.
        driver: DriverVersion,
        /// The oldest driver that runs this CUDA major.
        first: DriverVersion,
        /// Where this was read.
        cited: Source,
    },
    /// A fixed CUDA that cannot compile for a GPU.
    #[error(
        "accelerator {label} does not go with {gpu}: CUDA {major} compiles for {oldest} and newer alone {cited}; \
         take `cuda`, or an older CUDA",
        label = cuda.label(), major = cuda.major
    )]
    GpuTooOldForCuda {
        /// The GPU.
        gpu: String,
        /// The CUDA that was declared.
        cuda: CudaVersion,
        /// The oldest capability that this CUDA major compiles for.
        oldest: Capability,
        /// Where this was read.
        cited: Source,
    },
}

impl EquipmentError {
    fn elsewhere(accelerator: Accelerator, fact: &'static Elsewhere) -> Self {
        match (accelerator, fact.platform) {
            (Accelerator::Mps, _) => Self::MpsElsewhere { fact },
            (_, Platform::MacOsArm64) => Self::OnMacOs { accelerator, fact },
            _ => Self::OnAarch64 { accelerator, fact },
        }
    }
}

#[cfg(test)]
mod tests;
