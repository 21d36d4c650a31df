use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::platform::text_conversions;
use crate::{CudaVersion, RocmVersion, TargetError};

/// What a target computes on, in the word that a user writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Accelerator {
    /// `cpu`: nothing but the processor. A GPU that is there is not used.
    Cpu,
    /// `cuda`: GPUs of NVIDIA; `cu128` holds to the builds for CUDA 12.8.
    Cuda(Option<CudaVersion>),
    /// `rocm`: GPUs of AMD; `rocm6.4` holds to the builds for ROCm 6.4.
    Rocm(Option<RocmVersion>),
    /// `xpu`: GPUs of Intel.
    Xpu,
    /// `mps`: the GPU of Apple's processors, through Metal.
    Mps,
}

impl Accelerator {
    /// The words there are, for messages.
    pub(crate) const LIST: &str = "cpu, cuda, cuNNN such as cu128, rocm, rocmX.Y such as rocm6.4, xpu, mps";

    /// The word without a fixed version.
    pub fn family(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
            Self::Rocm(_) => "rocm",
            Self::Xpu => "xpu",
            Self::Mps => "mps",
        }
    }
}

impl FromStr for Accelerator {
    type Err = TargetError;

    /// A label that no table knows is read all the same: it may be newer than the tables.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(None)),
            "rocm" => Ok(Self::Rocm(None)),
            "xpu" => Ok(Self::Xpu),
            "mps" => Ok(Self::Mps),
            _ => {
                let cuda = CudaVersion::from_label(text).map(|version| Self::Cuda(Some(version)));
                cuda.or_else(|| RocmVersion::from_label(text).map(|version| Self::Rocm(Some(version))))
                    .ok_or_else(|| TargetError::Accelerator(TargetError::shown(text)))
            }
        }
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cuda(Some(version)) => f.pad(&version.label()),
            Self::Rocm(Some(version)) => f.pad(&version.label()),
            _ => f.pad(self.family()),
        }
    }
}

text_conversions!(Accelerator);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_what_is_displayed() {
        for text in ["cpu", "cuda", "cu118", "cu128", "cu999", "rocm", "rocm6.4", "rocm6.2.4", "xpu", "mps"] {
            assert_eq!(text.parse::<Accelerator>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_accelerator_lists_those_there_are() {
        assert_eq!(
            "cu12".parse::<Accelerator>().unwrap_err().to_string(),
            "accelerator \"cu12\" is not known: choose one of cpu, cuda, cuNNN such as cu128, rocm, rocmX.Y such as \
             rocm6.4, xpu, mps"
        );
        for text in ["", "gpu", "CUDA", "cuda12.8", "auto", "rocm7"] {
            assert!(matches!(text.parse::<Accelerator>(), Err(TargetError::Accelerator(_))), "{text:?}");
        }
    }
}
