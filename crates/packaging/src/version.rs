//! Versions (PEP 440).
//!
//! The type is `pep440_rs::Version`: it orders as PEP 440 says and is cheap to clone and compare. What this
//! module adds is a limit on the text, since a version from an index can be a megabyte long.

pub use pep440_rs::Version;

/// The longest version text that is read, in bytes.
pub const VERSION_LIMIT: usize = 256;

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text does not follow PEP 440.
    #[error("{text:?} is not a version: {reason}")]
    Invalid {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is longer than [`VERSION_LIMIT`].
    #[error("a version of {0} bytes is over the limit of {VERSION_LIMIT} (version length)")]
    TooLong(usize),
}

/// Reads a version.
///
/// # Errors
/// When the text does not follow PEP 440 or is longer than [`VERSION_LIMIT`].
pub fn parse_version(text: &str) -> Result<Version, VersionError> {
    if text.len() > VERSION_LIMIT {
        return Err(VersionError::TooLong(text.len()));
    }
    // PEP 440 ignores more kinds of white space around a version than the type's own reader does.
    let invalid = |reason: String| VersionError::Invalid { text: text.to_owned(), reason };
    let version: Version =
        text.trim().parse().map_err(|error: pep440_rs::VersionParseError| invalid(error.to_string()))?;
    // The type takes the greatest number for the absence of a development release when it orders.
    if version.dev() == Some(u64::MAX) {
        return Err(invalid("the number of its development release is too large".to_owned()));
    }
    Ok(version)
}

/// Whether a version is a pre-release in PEP 440's sense: an alpha, beta, candidate or development release.
#[must_use]
pub fn is_prerelease(version: &Version) -> bool {
    version.any_prerelease()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_megabyte_of_version_is_refused_at_once() {
        assert_eq!(parse_version(&"1.".repeat(500_000)), Err(VersionError::TooLong(1_000_000)));
    }

    #[test]
    fn white_space_around_a_version_is_ignored() {
        assert_eq!(parse_version("\u{b}\u{a0}1.0 \r\n"), parse_version("1.0"));
        assert!(parse_version("1. 0").is_err());
    }

    #[test]
    fn the_greatest_development_release_is_refused_since_it_would_order_as_none() {
        assert!(parse_version("1.0a1.dev18446744073709551615").is_err());
        let last = parse_version("1.0a1.dev18446744073709551614+0").unwrap();
        assert!(last < parse_version("1.0a1").unwrap());
    }

    #[test]
    fn digits_of_other_scripts_are_refused() {
        assert!(parse_version("1.\u{0660}").is_err());
    }
}
