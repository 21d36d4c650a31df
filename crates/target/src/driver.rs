use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TargetError;
use crate::platform::text_conversions;

/// A version of NVIDIA's driver for Linux: `550`, `550.54` or `550.54.14`.
///
/// Versions compare number by number; one that is not written is 0, so that `550` is equal to `550.0`. It is displayed
/// with as many numbers as were written, the last of three in two digits, as NVIDIA does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DriverVersion {
    numbers: [u16; 3],
    /// How many of the numbers were written.
    written: usize,
}

impl DriverVersion {
    /// The lowest and the highest first number that a driver is taken to have: anything else was mistyped.
    const BRANCHES: std::ops::RangeInclusive<u16> = 100..=9999;

    /// The release branch: the first number, such as 550.
    pub fn branch(self) -> u16 {
        self.numbers[0]
    }

    /// Whether this is at least the other. A bare branch such as `525` stands for some release of it, so it reaches every
    /// release of that branch.
    pub fn reaches(self, other: Self) -> bool {
        match self.written {
            ..=1 => self.branch() >= other.branch(),
            _ => self >= other,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut numbers, mut written) = ([0; 3], 0);
        for part in text.split('.') {
            let plain = (1..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            *numbers.get_mut(written)? = plain.then(|| part.parse().ok())??;
            written += 1;
        }
        Some(Self { numbers, written })
    }
}

impl FromStr for DriverVersion {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let version = Self::parse(text).ok_or_else(|| TargetError::Driver(TargetError::shown(text)))?;
        if !Self::BRANCHES.contains(&version.branch()) {
            return Err(TargetError::NoSuchDriver(TargetError::shown(text)));
        }
        Ok(version)
    }
}

impl fmt::Display for DriverVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [branch, second, third] = self.numbers;
        match self.written {
            ..=1 => write!(f, "{branch}"),
            2 => write!(f, "{branch}.{second}"),
            3.. => write!(f, "{branch}.{second}.{third:02}"),
        }
    }
}

impl PartialEq for DriverVersion {
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for DriverVersion {}

impl PartialOrd for DriverVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DriverVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers)
    }
}

impl Hash for DriverVersion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers.hash(state);
    }
}

text_conversions!(DriverVersion);

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(text: &str) -> DriverVersion {
        text.parse().unwrap()
    }

    #[test]
    fn versions_compare_number_by_number() {
        let ascending = ["450.80.02", "525.60.13", "550", "550.54", "550.54.14", "550.127", "1000.1"];
        for pair in ascending.windows(2) {
            assert!(driver(pair[0]) < driver(pair[1]), "{pair:?}");
        }
        assert_eq!(driver("550"), driver("550.0.0"));
        assert_eq!(driver("550").cmp(&driver("550.0.00")), Ordering::Equal);
        assert_eq!(driver("570.26").branch(), 570);
    }

    #[test]
    fn what_was_written_is_what_is_displayed() {
        for text in ["550", "570.26", "450.80.02", "570.124.06", "595.45.04"] {
            assert_eq!(driver(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_driver_is_refused() {
        for text in ["", ".", "550.", "550.54.14.1", "550.x", "R550", "-550", "550 ", "５50", "123456"] {
            assert_eq!(text.parse::<DriverVersion>(), Err(TargetError::Driver(text.to_owned())), "{text:?}");
        }
        for text in ["12.8", "55", "0", "99.99", "10000", "65535"] {
            let result = text.parse::<DriverVersion>();
            assert_eq!(result, Err(TargetError::NoSuchDriver(text.to_owned())), "{text:?}");
        }
    }
}
