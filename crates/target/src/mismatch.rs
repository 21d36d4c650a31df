use std::fmt;

use crate::platform_tags::legacy_manylinux;
use crate::{Glibc, MacOsVersion, Platform, Tags};

/// Why a target cannot use a wheel.
///
/// Displayed it says what the wheel is for, as a fragment that follows "the wheel" or the wheel's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is for other interpreters: these, as in the wheel's filename.
    Python(String),
    /// It is for other binary interfaces of this interpreter: these, as in the wheel's filename.
    Abi(String),
    /// It is for other operating systems or processors: these, as in the wheel's filename.
    Platform(String),
    /// It is for this platform, with this glibc or a newer one.
    Glibc(Glibc),
    /// It is for this platform, with this macOS or a newer one.
    MacOs(MacOsVersion),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python(pythons) => write!(f, "is for the interpreter {pythons}"),
            Self::Abi(abis) => write!(f, "is for the binary interface {abis}"),
            Self::Platform(platforms) => write!(f, "is for the platform {platforms}"),
            Self::Glibc(glibc) => write!(f, "needs glibc {glibc} or newer"),
            Self::MacOs(macos) => write!(f, "needs macOS {macos} or newer"),
        }
    }
}

impl Mismatch {
    /// The reason for a compressed tag set that none of the tags is in.
    pub(crate) fn find<S: AsRef<str>>(tags: &Tags, pythons: &[S], abis: &[S], platforms: &[S]) -> Self {
        let mut platform_words = platforms.iter().map(AsRef::as_ref);
        if !platform_words.any(|platform| platform == "any" || tags.has_platform(platform)) {
            return Self::of_platform(tags.platform, platforms);
        }
        let abi_words = || abis.iter().map(AsRef::as_ref);
        let mut python_words = pythons.iter().map(AsRef::as_ref);
        if python_words.any(|python| is_for(tags, python, abi_words())) {
            Self::Abi(joined(abis))
        } else {
            Self::Python(joined(pythons))
        }
    }

    fn of_platform<S: AsRef<str>>(platform: Platform, words: &[S]) -> Self {
        let words_of_machine = || words.iter().map(AsRef::as_ref);
        if let Some(oldest) = words_of_machine().filter_map(|word| glibc_of(word, platform)).min() {
            return Self::Glibc(oldest);
        }
        if let Some(oldest) = words_of_machine().filter_map(|word| macos_of(word, platform)).min() {
            return Self::MacOs(oldest);
        }
        Self::Platform(joined(words))
    }
}

/// Whether a tag names this target's interpreter, so that what is wrong with it is the binary interface.
///
/// An older interpreter's tag counts with a stable interface only, as it is then a promise to newer ones.
fn is_for<'a>(tags: &Tags, python: &str, mut abis: impl Iterator<Item = &'a str>) -> bool {
    let stable = |abi: &str| matches!(abi, "abi3" | "abi3t");
    python == tags.interpreter || (tags.abis_of(python).any(stable) && abis.any(stable))
}

/// The glibc that a manylinux tag of this platform's machine asks for.
fn glibc_of(word: &str, platform: Platform) -> Option<Glibc> {
    let oldest = platform.oldest_glibc()?;
    let rest = word.strip_suffix(platform.machine())?.strip_suffix('_')?;
    if let Some(version) = rest.strip_prefix("manylinux_") {
        return version.replacen('_', ".", 1).parse().ok();
    }
    (oldest.minor..=17)
        .map(|minor| Glibc { minor, ..oldest })
        .find(|&glibc| legacy_manylinux(glibc) == Some(rest))
}

/// The macOS that a tag for arm64, or for both processors, asks for.
fn macos_of(word: &str, platform: Platform) -> Option<MacOsVersion> {
    if platform.is_linux() {
        return None;
    }
    let version = word.strip_prefix("macosx_")?;
    let version = version.strip_suffix("_arm64").or_else(|| version.strip_suffix("_universal2"))?;
    version.replacen('_', ".", 1).parse().ok()
}

fn joined<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(".")
}
