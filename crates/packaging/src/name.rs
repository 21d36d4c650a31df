//! Names of packages, extras and dependency groups, normalised.
//!
//! The three share one syntax and one normal form, but mean different things, so each is a type of its own.
//!
//! Source: [names and normalization](https://packaging.python.org/en/latest/specifications/name-normalization/).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name that is read, in bytes.
pub const NAME_LIMIT: usize = 256;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text does not have the form of a name.
    #[error(
        "{0:?} is not a valid name: use ASCII letters, digits, '.', '_' and '-', with a letter or digit at both ends"
    )]
    Invalid(String),
    /// The text is longer than [`NAME_LIMIT`].
    #[error("a name of {0} bytes is over the limit of {NAME_LIMIT} (name length)")]
    TooLong(usize),
}

/// The normal form of a name: lower case, runs of `-`, `_` and `.` become one `-`.
fn normalize(text: &str) -> Result<Arc<str>, NameError> {
    if text.len() > NAME_LIMIT {
        return Err(NameError::TooLong(text.len()));
    }
    let bytes = text.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(NameError::Invalid(String::new()));
    };
    let legal = bytes.iter().all(|byte| is_word(byte) || matches!(byte, b'.' | b'_' | b'-'));
    if !legal || !is_word(first) || !is_word(last) {
        return Err(NameError::Invalid(text.to_owned()));
    }
    let normal = bytes.iter().enumerate().all(|(at, &byte)| match byte {
        b'a'..=b'z' | b'0'..=b'9' => true,
        b'-' => bytes[at - 1] != b'-',
        _ => false,
    });
    if normal {
        return Ok(Arc::from(text));
    }
    let mut normalized = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'.' | b'_' | b'-' if normalized.ends_with('-') => {}
            b'.' | b'_' | b'-' => normalized.push('-'),
            _ => normalized.push(char::from(byte.to_ascii_lowercase())),
        }
    }
    Ok(Arc::from(normalized))
}

macro_rules! name_type {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The normalised text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                normalize(text).map(Self)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", &*self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name_type! {
    /// The name of a project, such as `torch`.
    PackageName
}
name_type! {
    /// The name of an extra, such as `vision` in `transformers[vision]` (PEP 685).
    ExtraName
}
name_type! {
    /// The name of a dependency group (PEP 735).
    GroupName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_project_are_one_name() {
        for text in ["Foo-Bar", "foo_bar", "foo.bar", "foo--bar", "FOO._-bar"] {
            assert_eq!(text.parse::<PackageName>().unwrap().as_str(), "foo-bar");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "-a", "a-", "a b", "а", "a/b", "a\0", "ａ", "a+b"] {
            assert!(text.parse::<PackageName>().is_err(), "{text:?}");
        }
        assert_eq!("x".repeat(300).parse::<PackageName>(), Err(NameError::TooLong(300)));
    }
}
