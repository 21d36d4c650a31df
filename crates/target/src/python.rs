use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TargetError;
use crate::platform::{number, text_conversions};

/// A version of CPython, such as `3.12`, `3.12.4` or the free-threaded `3.13t` (PEP 703).
///
/// Without a patch number it stands for the first release of its minor version: `3.12` is 3.12.0 in markers.
/// Pre-releases of Python cannot be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PythonVersion {
    major: u8,
    minor: u8,
    patch: Option<u8>,
    free_threaded: bool,
}

impl PythonVersion {
    /// The oldest minor version of Python 3 that a target can have.
    pub const OLDEST_MINOR: u8 = 8;

    /// The oldest minor version of Python 3 that has a free-threaded build (PEP 703).
    const OLDEST_FREE_THREADED_MINOR: u8 = 13;

    /// The major number: 3.
    pub fn major(self) -> u8 {
        self.major
    }

    /// The minor number, such as the 12 of `3.12.4`.
    pub fn minor(self) -> u8 {
        self.minor
    }

    /// The patch number, where one was given.
    pub fn patch(self) -> Option<u8> {
        self.patch
    }

    /// Whether this is the build without the global interpreter lock.
    pub fn is_free_threaded(self) -> bool {
        self.free_threaded
    }

    /// The marker `python_version`, such as `3.12`.
    pub fn short(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// The marker `python_full_version`, such as `3.12.0`.
    pub fn full(self) -> String {
        format!("{}.{}.{}", self.major, self.minor, self.patch.unwrap_or(0))
    }

    fn parse(text: &str) -> Option<Self> {
        let (numbers, free_threaded) = match text.strip_suffix('t') {
            Some(numbers) => (numbers, true),
            None => (text, false),
        };
        let mut parts = numbers.split('.');
        let major = number(parts.next()?)?;
        let minor = number(parts.next()?)?;
        let patch = match parts.next() {
            Some(patch) => Some(number(patch)?),
            None => None,
        };
        parts.next().is_none().then_some(Self { major, minor, patch, free_threaded })
    }
}

impl FromStr for PythonVersion {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let shown = || TargetError::shown(text);
        let version = Self::parse(text).ok_or_else(|| TargetError::Python(shown()))?;
        if version.major != 3 || version.minor < Self::OLDEST_MINOR {
            return Err(TargetError::UnsupportedPython(shown()));
        }
        if version.free_threaded && version.minor < Self::OLDEST_FREE_THREADED_MINOR {
            return Err(TargetError::NotFreeThreaded(text.trim_end_matches('t').to_owned()));
        }
        Ok(version)
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if let Some(patch) = self.patch {
            write!(f, ".{patch}")?;
        }
        if self.free_threaded { f.write_str("t") } else { Ok(()) }
    }
}

text_conversions!(PythonVersion);

#[cfg(test)]
mod tests {
    use super::*;

    fn python(text: &str) -> Result<PythonVersion, TargetError> {
        text.parse()
    }

    #[test]
    fn a_version_without_a_patch_is_its_first_release_in_markers() {
        let version = python("3.12").unwrap();
        assert_eq!((version.short(), version.full()), ("3.12".to_owned(), "3.12.0".to_owned()));
        assert_eq!(python("3.12.4").unwrap().full(), "3.12.4");
    }

    #[test]
    fn what_was_written_is_what_is_displayed() {
        for text in ["3.8", "3.12", "3.12.0", "3.13t", "3.14.1t"] {
            assert_eq!(python(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_digits_and_one_t_make_a_version() {
        let long = "3.12".repeat(1000);
        for text in [
            "", "3", "3.", ".3", "3.12.", "3.12.1.2", "+3.12", "3.+12", " 3.12", "3.12tt", "3.t", "3.013",
            "3.256",
        ] {
            assert_eq!(python(text), Err(TargetError::Python(text.to_owned())), "{text:?}");
        }
        assert_eq!(python(&long), Err(TargetError::Python(long[..TargetError::SHOWN].to_owned())));
        assert!(matches!(python("3.14.0rc1"), Err(TargetError::Python(_))));
    }

    #[test]
    fn a_python_that_no_target_can_have_is_refused_by_name() {
        assert_eq!(
            python("3.7").unwrap_err().to_string(),
            "python 3.7 is not supported: a target runs CPython 3, from 3.8 on"
        );
        assert!(matches!(python("2.7"), Err(TargetError::UnsupportedPython(_))));
        assert!(matches!(python("4.0"), Err(TargetError::UnsupportedPython(_))));
        assert_eq!(
            python("3.12t").unwrap_err().to_string(),
            "python 3.12 has no free-threaded build: the first that has is `3.13t`"
        );
    }
}
