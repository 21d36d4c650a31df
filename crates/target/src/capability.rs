use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TargetError;
use crate::platform::{number, text_conversions};

/// The compute capability of an NVIDIA GPU, such as 9.0, which compilers write `sm_90`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Capability {
    /// The major number. Machine code runs on GPUs of the same major number alone.
    pub major: u8,
    /// The minor number. Machine code runs on GPUs of the same or a higher minor number.
    pub minor: u8,
}

impl Capability {
    /// The capability with its point, as in `TORCH_CUDA_ARCH_LIST`: `9.0`.
    pub fn dotted(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// Reads every way in which capabilities are written: `sm_90`, `sm_90a`, `compute_90`, `9.0` and `90`.
    ///
    /// The suffixes `a` and `f` say what code may use and nothing about the GPU, so they are dropped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = ["sm_", "compute_"].iter().find_map(|prefix| text.strip_prefix(prefix));
        let numbers = plain.unwrap_or(text);
        let numbers = numbers.strip_suffix(['a', 'f']).unwrap_or(numbers);
        let (major, minor) = match numbers.split_once('.') {
            Some((major, minor)) if minor.len() == 1 && major.len() <= 2 => (major, minor),
            Some(_) => return None,
            None => numbers.split_at_checked(numbers.len().checked_sub(1)?)?,
        };
        let capability = Self { major: number(major)?, minor: number(minor)? };
        // `980` is a GPU's name, and `12` more likely a version of CUDA than capability 1.2.
        (2..=19).contains(&capability.major).then_some(capability)
    }
}

impl FromStr for Capability {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::parse(text).ok_or_else(|| TargetError::Capability(TargetError::shown(text)))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sm_{}{}", self.major, self.minor)
    }
}

text_conversions!(Capability);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_read_however_it_is_written() {
        let hopper = Capability { major: 9, minor: 0 };
        for text in ["sm_90", "9.0", "90", "sm_90a", "compute_90", "compute_90a", "9.0a"] {
            assert_eq!(text.parse(), Ok(hopper), "{text}");
        }
        for (text, major, minor) in [("sm_120", 12, 0), ("12.1", 12, 1), ("sm_103f", 10, 3), ("86", 8, 6)] {
            assert_eq!(text.parse(), Ok(Capability { major, minor }), "{text}");
        }
        assert_eq!((hopper.to_string(), hopper.dotted()), ("sm_90".to_owned(), "9.0".to_owned()));
    }

    #[test]
    fn what_is_no_capability_is_refused() {
        for text in ["", "sm_", "9", "12", "4090", "980", "sm_9.00", "sm_90b", "9.", ".9", "sm_9０", "é"] {
            assert_eq!(text.parse::<Capability>(), Err(TargetError::Capability(text.to_owned())), "{text:?}");
        }
    }
}
