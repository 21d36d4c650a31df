use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TargetError;
use crate::platform::{number, text_conversions};

/// A release of the CUDA toolkit, such as `12.8`, which indexes and local versions write `cu128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CudaVersion {
    /// The major number, within which one driver runs every minor.
    pub major: u8,
    /// The minor number.
    pub minor: u8,
}

impl CudaVersion {
    /// The oldest major number that has a label of its own here: it keeps `cu12`, which package names use for all of
    /// CUDA 12, from being taken for CUDA 1.2.
    const OLDEST_MAJOR: u8 = 8;

    /// Reads `cu128` as 12.8: the last digit is the minor number, the last two where there are four.
    pub fn from_label(label: &str) -> Option<Self> {
        let digits = label.strip_prefix("cu")?;
        let (major, minor) = match digits.len() {
            2 => digits.split_at_checked(1)?,
            3 | 4 => digits.split_at_checked(2)?,
            _ => return None,
        };
        let version = Self { major: number(major)?, minor: number(minor)? };
        (version.major >= Self::OLDEST_MAJOR).then_some(version)
    }

    /// The label in local versions and in the names of PyTorch's sub-indexes, such as `cu128`.
    pub fn label(self) -> String {
        format!("cu{}{}", self.major, self.minor)
    }
}

impl FromStr for CudaVersion {
    type Err = TargetError;

    /// Reads `12.8`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self { major: number(major)?, minor: number(minor)? }))
            .ok_or_else(|| TargetError::Cuda(TargetError::shown(text)))
    }
}

impl fmt::Display for CudaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

text_conversions!(CudaVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_numbers_without_their_point() {
        for (label, text) in [("cu92", "9.2"), ("cu118", "11.8"), ("cu128", "12.8"), ("cu130", "13.0")] {
            let version = CudaVersion::from_label(label).unwrap();
            assert_eq!((version.to_string().as_str(), version.label().as_str()), (text, label));
            assert_eq!(text.parse(), Ok(version));
        }
        assert_eq!(CudaVersion::from_label("cu1210"), Some(CudaVersion { major: 12, minor: 10 }));
    }

    #[test]
    fn what_is_no_label_is_not_guessed_at() {
        for text in ["", "cu", "cu1", "cu12", "cu13", "cu012", "cu12800", "cu12a", "12.8", "cu１28", "cu1208"]
        {
            assert_eq!(CudaVersion::from_label(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_version_is_two_plain_numbers() {
        for text in ["", "12", "12.", ".8", "12.8.1", "12.08", "-1.2", "cu128"] {
            assert_eq!(text.parse::<CudaVersion>(), Err(TargetError::Cuda(text.to_owned())), "{text:?}");
        }
    }
}
