use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TargetError;

/// An operating system on a processor, by the word that stands for it in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Platform {
    /// `linux-x86_64`: Linux with glibc on 64-bit Intel and AMD processors.
    LinuxX86_64,
    /// `linux-aarch64`: Linux with glibc on 64-bit ARM processors.
    LinuxAarch64,
    /// `macos-arm64`: macOS on Apple's processors.
    MacOsArm64,
}

impl Platform {
    /// Every platform there is.
    pub const ALL: [Self; 3] = [Self::LinuxX86_64, Self::LinuxAarch64, Self::MacOsArm64];

    /// The words of [`Platform::ALL`], for messages.
    pub(crate) const LIST: &str = "linux-x86_64, linux-aarch64, macos-arm64";

    /// The word for this platform.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinuxX86_64 => "linux-x86_64",
            Self::LinuxAarch64 => "linux-aarch64",
            Self::MacOsArm64 => "macos-arm64",
        }
    }

    /// The processor as Python's `platform.machine()` says it, which is also how wheel tags end.
    pub fn machine(self) -> &'static str {
        match self {
            Self::LinuxX86_64 => "x86_64",
            Self::LinuxAarch64 => "aarch64",
            Self::MacOsArm64 => "arm64",
        }
    }

    /// Whether this is a Linux, which is to say whether it has a glibc.
    pub fn is_linux(self) -> bool {
        match self {
            Self::LinuxX86_64 | Self::LinuxAarch64 => true,
            Self::MacOsArm64 => false,
        }
    }

    /// The oldest glibc that wheels for this platform are built against: 2.5 on `x86_64` (PEP 513), 2.17 on every
    /// newer architecture (PEP 599), none on macOS.
    pub(crate) fn oldest_glibc(self) -> Option<Glibc> {
        match self {
            Self::LinuxX86_64 => Some(Glibc { major: 2, minor: 5 }),
            Self::LinuxAarch64 => Some(Glibc { major: 2, minor: 17 }),
            Self::MacOsArm64 => None,
        }
    }
}

impl FromStr for Platform {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str() == text)
            .ok_or_else(|| TargetError::Platform(TargetError::shown(text)))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A version of the GNU C library, such as `2.28`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glibc {
    /// The major number: 2.
    pub major: u8,
    /// The minor number, such as the 28 of `2.28`.
    pub minor: u8,
}

impl Default for Glibc {
    /// 2.28, that of RHEL 8 and Debian 10, which the wheels of today's ML packages are built against.
    fn default() -> Self {
        Self { major: 2, minor: 28 }
    }
}

impl FromStr for Glibc {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?))) {
            Some((2, minor)) => Ok(Self { major: 2, minor }),
            _ => Err(TargetError::Glibc(TargetError::shown(text))),
        }
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A version of macOS, such as `14.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacOsVersion {
    /// The major number, one a year since 11 (after 15 comes 26).
    pub major: u8,
    /// The minor number. Since macOS 11 wheel tags do not tell it apart.
    pub minor: u8,
}

impl Default for MacOsVersion {
    /// 14.0: numerical wheels are built for it, as the first whose Accelerate has the newer LAPACK interface.
    fn default() -> Self {
        Self { major: 14, minor: 0 }
    }
}

impl MacOsVersion {
    /// The first macOS that ran on arm64.
    pub(crate) const OLDEST: Self = Self { major: 11, minor: 0 };
}

impl FromStr for MacOsVersion {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        match (number(major), number(minor)) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(TargetError::MacOs(TargetError::shown(text))),
        }
    }
}

impl fmt::Display for MacOsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Reads one plain number of a version: up to three digits, no sign, no leading zero.
pub(crate) fn number(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

macro_rules! text_conversions {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = TargetError;

            fn try_from(text: String) -> Result<Self, TargetError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )*};
}
pub(crate) use text_conversions;

text_conversions!(Platform, Glibc, MacOsVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_read_from_its_word_and_listed() {
        for platform in Platform::ALL {
            assert_eq!(platform.to_string().parse(), Ok(platform));
        }
        assert_eq!(Platform::LIST, Platform::ALL.map(Platform::as_str).join(", "));
    }

    #[test]
    fn an_unknown_platform_lists_those_there_are() {
        assert_eq!(
            "windows-amd64".parse::<Platform>().unwrap_err().to_string(),
            "platform \"windows-amd64\" is not known: choose one of linux-x86_64, linux-aarch64, macos-arm64"
        );
    }

    #[test]
    fn glibc_is_two_plain_numbers_of_major_version_2() {
        assert_eq!("2.35".parse(), Ok(Glibc { major: 2, minor: 35 }));
        for text in
            ["", "2", "2.", "2.35.1", "3.0", "1.9", "2.-1", "2.+5", "2.05", "glibc2.35", "2.300", "２.35"]
        {
            assert_eq!(text.parse::<Glibc>(), Err(TargetError::Glibc(text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn a_macos_without_a_minor_number_is_its_first() {
        assert_eq!("14".parse(), Ok(MacOsVersion { major: 14, minor: 0 }));
        assert_eq!("14.5".parse(), Ok(MacOsVersion { major: 14, minor: 5 }));
        for text in ["", ".", "14.", "14.5.1", "sonoma", "-14"] {
            assert_eq!(text.parse::<MacOsVersion>(), Err(TargetError::MacOs(text.to_owned())), "{text:?}");
        }
    }
}
