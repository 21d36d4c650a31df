//! The file WHEEL of a wheel's `.dist-info`: what the archive says of itself.
//!
//! Source: the binary distribution format specification of PyPA (PEP 427, PEP 491), "File contents".

use crate::metadata::headers::Headers;

/// The longest WHEEL that is read, in bytes (1 MiB): the largest tag sets stay far below.
pub const WHEEL_METADATA_LIMIT: usize = 1 << 20;
/// The most tags that a wheel may say it has.
pub const WHEEL_TAG_LIMIT: usize = 10_000;

/// What a wheel says of itself as an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelMetadata {
    /// `Wheel-Version`, as major and minor. Only major 1 is understood.
    pub wheel_version: (u32, u32),
    /// `Root-Is-Purelib`: whether what lies outside `.data` goes to purelib instead of platlib. `None` where it is
    /// missing, which stands for platlib.
    pub root_is_purelib: Option<bool>,
    /// `Tag`, expanded, in the order of the file, lowercase.
    pub tags: Vec<String>,
}

/// Why a WHEEL file cannot be read. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WheelMetadataError {
    /// It is longer than [`WHEEL_METADATA_LIMIT`].
    #[error("WHEEL of {0} bytes is over the limit of {WHEEL_METADATA_LIMIT} (WHEEL length)")]
    TooLong(usize),
    /// It has more tags than [`WHEEL_TAG_LIMIT`].
    #[error("WHEEL has more tags than the limit of {WHEEL_TAG_LIMIT} (tag count)")]
    TooManyTags,
    /// It has no `Wheel-Version`.
    #[error("WHEEL has no Wheel-Version")]
    NoVersion,
    /// The format is of another major version, which may mean anything.
    #[error("WHEEL is of version {0:?}, and only 1.x is understood")]
    UnknownVersion(String),
    /// A field is not UTF-8 or has a value that it cannot have.
    #[error("line {line} of WHEEL: {field} cannot be read")]
    Field {
        /// The field.
        field: &'static str,
        /// Its first line.
        line: usize,
    },
}

impl WheelMetadata {
    /// Reads a WHEEL file. Where a field that should be there once is repeated, the first one counts, as it does for
    /// other installers.
    ///
    /// # Errors
    /// When it is beyond a limit, is of another major version of the format, or has a field that cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, WheelMetadataError> {
        if bytes.len() > WHEEL_METADATA_LIMIT {
            return Err(WheelMetadataError::TooLong(bytes.len()));
        }
        let (mut wheel_version, mut root_is_purelib, mut tags) = (None, None, Vec::new());
        for header in Headers::new(bytes) {
            let line = header.line;
            let value = |field| header.value().ok_or(WheelMetadataError::Field { field, line });
            if header.is("Wheel-Version") && wheel_version.is_none() {
                wheel_version = Some(read_version(&value("Wheel-Version")?)?);
            } else if header.is("Root-Is-Purelib") && root_is_purelib.is_none() {
                let field = "Root-Is-Purelib";
                root_is_purelib = Some(match value(field)?.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(WheelMetadataError::Field { field, line }),
                });
            } else if header.is("Tag") {
                if tags.len() == WHEEL_TAG_LIMIT {
                    return Err(WheelMetadataError::TooManyTags);
                }
                tags.push(value("Tag")?.to_ascii_lowercase());
            }
        }
        let wheel_version = wheel_version.ok_or(WheelMetadataError::NoVersion)?;
        Ok(Self { wheel_version, root_is_purelib, tags })
    }
}

fn read_version(text: &str) -> Result<(u32, u32), WheelMetadataError> {
    let unknown = || WheelMetadataError::UnknownVersion(text.chars().take(32).collect());
    let (major, minor) = text.split_once('.').ok_or_else(unknown)?;
    match (major.parse(), minor.parse()) {
        (Ok(1), Ok(minor)) => Ok((1, minor)),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_wheel_are_read() {
        let text = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: CP312-cp312-linux_x86_64\nTag: a\n";
        let wheel = WheelMetadata::parse(text).unwrap();
        assert_eq!(wheel.wheel_version, (1, 0));
        assert_eq!(wheel.root_is_purelib, Some(false));
        assert_eq!(wheel.tags, ["cp312-cp312-linux_x86_64", "a"]);
    }

    #[test]
    fn the_first_of_a_repeated_field_counts() {
        let text = b"Wheel-Version: 1.0\nWheel-Version: 2.0\n";
        assert_eq!(WheelMetadata::parse(text).unwrap().wheel_version, (1, 0));
    }

    #[test]
    fn other_major_versions_are_refused_and_minor_ones_read() {
        assert_eq!(WheelMetadata::parse(b"Wheel-Version: 1.9\n").unwrap().wheel_version, (1, 9));
        for version in ["2.0", "0.1", "1", "x.y", ""] {
            let error = WheelMetadata::parse(format!("Wheel-Version: {version}\n").as_bytes()).unwrap_err();
            assert_eq!(error, WheelMetadataError::UnknownVersion(version.to_owned()));
        }
        assert_eq!(WheelMetadata::parse(b"Tag: x\n"), Err(WheelMetadataError::NoVersion));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = WheelMetadata::parse(b"Wheel-Version: 1.0\nRoot-Is-Purelib: maybe\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2 of WHEEL: Root-Is-Purelib cannot be read");
        assert!(matches!(
            WheelMetadata::parse(&vec![b'x'; WHEEL_METADATA_LIMIT + 1]),
            Err(WheelMetadataError::TooLong(_))
        ));
    }
}
