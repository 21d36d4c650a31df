use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TargetError;
use crate::platform::{number, text_conversions};

/// A release of ROCm, such as `7.1` or `6.2.4`, which indexes and local versions write `rocm7.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RocmVersion {
    /// The major number.
    pub major: u8,
    /// The minor number.
    pub minor: u8,
    /// The patch number, where one is written: `rocm6.2` and `rocm6.2.4` are two sub-indexes.
    pub patch: Option<u8>,
}

impl RocmVersion {
    /// Reads `rocm7.1` or `rocm6.2.4`.
    pub fn from_label(label: &str) -> Option<Self> {
        label.strip_prefix("rocm")?.parse().ok()
    }

    /// The label in local versions and in the names of PyTorch's sub-indexes, such as `rocm7.1`.
    pub fn label(self) -> String {
        format!("rocm{self}")
    }
}

impl FromStr for RocmVersion {
    type Err = TargetError;

    /// Reads `7.1` or `6.2.4`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let numbers: Option<Vec<u8>> = text.splitn(4, '.').map(number).collect();
        match numbers.as_deref() {
            Some(&[major, minor]) => Ok(Self { major, minor, patch: None }),
            Some(&[major, minor, patch]) => Ok(Self { major, minor, patch: Some(patch) }),
            _ => Err(TargetError::Rocm(TargetError::shown(text))),
        }
    }
}

impl fmt::Display for RocmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

text_conversions!(RocmVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_keeps_the_patch_that_it_has() {
        for label in ["rocm6.2", "rocm6.2.4", "rocm7.1", "rocm7.14"] {
            assert_eq!(RocmVersion::from_label(label).unwrap().label(), label);
        }
        let version = |label| RocmVersion::from_label(label).unwrap();
        assert!(version("rocm6.2") < version("rocm6.2.4"));
        assert!(version("rocm6.2.4") < version("rocm6.3"));
        assert!(version("rocm7.2") < version("rocm7.14"));
    }

    #[test]
    fn what_is_no_label_is_not_guessed_at() {
        for text in ["", "rocm", "rocm7", "rocm7.", "rocm7.1.", "rocm7.1.2.3", "rocm71", "7.1", "rocm07.1"] {
            assert_eq!(RocmVersion::from_label(text), None, "{text:?}");
        }
    }
}
