use thiserror::Error;

use crate::{Accelerator, DriverVersion, Gpu, GpuKind, Platform};

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
        let of_gpu = self.gpus.first().map(|gpu| match gpu.kind {
            GpuKind::Nvidia(_) => Accelerator::Cuda(None),
            GpuKind::Amd(_) => Accelerator::Rocm(None),
            GpuKind::Intel => Accelerator::Xpu,
        });
        of_gpu.or_else(|| self.driver.map(|_| Accelerator::Cuda(None)))
    }

    /// Whether there can be a machine with this.
    pub(crate) fn check(&self, _platform: Platform) -> Result<(), EquipmentError> {
        Ok(())
    }
}

/// What of a target's accelerator, driver, GPUs and platform does not go together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EquipmentError {}
