use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::platform::text_conversions;
use crate::{CudaVersion, RocmVersion, TargetError};

/// A build of the torch family: what its wheels were compiled for, and the place that has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Variant {
    /// PyPI's own build, whatever that is compiled for: it has no local version.
    Pypi,
    /// For processors alone.
    Cpu,
    /// For this CUDA.
    Cuda(CudaVersion),
    /// For this ROCm.
    Rocm(RocmVersion),
    /// For GPUs of Intel.
    Xpu,
}

impl Variant {
    /// The label, such as `cu128`: but for PyPI's own build it is also the local version of the wheels, and the name
    /// of their sub-index in PyTorch's index.
    pub fn label(self) -> String {
        match self {
            Self::Pypi => "pypi".to_owned(),
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda(version) => version.label(),
            Self::Rocm(version) => version.label(),
            Self::Xpu => "xpu".to_owned(),
        }
    }

    /// The name of its sub-index in PyTorch's index; `None` for PyPI's own build.
    pub fn sub_index(self) -> Option<String> {
        (self != Self::Pypi).then(|| self.label())
    }
}

impl FromStr for Variant {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text {
            "pypi" => Ok(Self::Pypi),
            "cpu" => Ok(Self::Cpu),
            "xpu" => Ok(Self::Xpu),
            _ => CudaVersion::from_label(text)
                .map(Self::Cuda)
                .or_else(|| RocmVersion::from_label(text).map(Self::Rocm))
                .ok_or_else(|| TargetError::Variant(TargetError::shown(text))),
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.label())
    }
}

text_conversions!(Variant);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_back_and_names_the_sub_index() {
        for label in ["pypi", "cpu", "cu118", "cu130", "rocm6.2.4", "rocm7.1", "xpu"] {
            let variant: Variant = label.parse().unwrap();
            assert_eq!(variant.to_string(), label);
            assert_eq!(variant.sub_index(), (label != "pypi").then(|| label.to_owned()));
        }
        assert_eq!(
            "cuda".parse::<Variant>().unwrap_err().to_string(),
            "build variant \"cuda\" is not one such as `pypi`, `cpu`, `cu128`, `rocm7.1` or `xpu`"
        );
    }
}
