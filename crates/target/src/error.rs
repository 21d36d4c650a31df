use crate::{Glibc, MacOsVersion, Platform};

/// What is wrong with a described machine.
///
/// The text that was refused is kept at its first [`TargetError::SHOWN`] characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The name of the target is not fit for the name of a file.
    #[error(
        "target name {0:?} must be 1 to 64 lowercase letters, digits, `-` or `_`: it becomes part of a file name"
    )]
    Name(String),
    /// The text is not a version of Python.
    #[error("python version {0:?} is not one such as `3.12`, `3.12.4` or, free-threaded, `3.13t`")]
    Python(String),
    /// There is such a text, but no target can have this Python.
    #[error("python {0} is not supported: a target runs CPython 3, from 3.8 on")]
    UnsupportedPython(String),
    /// A `t` behind a Python that has no free-threaded build.
    #[error("python {0} has no free-threaded build: the first that has is `3.13t`")]
    NotFreeThreaded(String),
    /// The text is not a platform's name.
    #[error("platform {0:?} is not known: choose one of {known}", known = Platform::LIST)]
    Platform(String),
    /// The text is not a version of glibc.
    #[error("glibc version {0:?} is not one such as `2.28`")]
    Glibc(String),
    /// A glibc older than any that the platform's wheels are built against.
    #[error("glibc {glibc} is too old for {platform}: the oldest that any wheel is built for is {oldest}")]
    GlibcTooOld {
        /// The glibc that was asked for.
        glibc: Glibc,
        /// The platform that it was asked for on.
        platform: Platform,
        /// The oldest glibc that this platform can have.
        oldest: Glibc,
    },
    /// A glibc on a platform that has none.
    #[error("glibc {glibc} does not go with {platform}: only a linux target has a glibc, so leave it out")]
    GlibcElsewhere {
        /// The glibc that was asked for.
        glibc: Glibc,
        /// The platform that it was asked for on.
        platform: Platform,
    },
    /// The text is not a version of macOS.
    #[error("macOS version {0:?} is not one such as `14.0`")]
    MacOs(String),
    /// A macOS older than the first that ran on arm64.
    #[error("macOS {0} does not run on arm64: the first that does is 11.0")]
    MacOsTooOld(MacOsVersion),
    /// A macOS version on a platform that is not macOS.
    #[error("macOS {macos} does not go with {platform}: leave it out, or take the platform macos-arm64")]
    MacOsElsewhere {
        /// The macOS that was asked for.
        macos: MacOsVersion,
        /// The platform that it was asked for on.
        platform: Platform,
    },
}

impl TargetError {
    /// How many characters of a refused text an error shows.
    pub const SHOWN: usize = 40;

    /// The part of a refused text that an error shows.
    pub(crate) fn shown(text: &str) -> String {
        text.chars().take(Self::SHOWN).collect()
    }
}
