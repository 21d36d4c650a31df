use std::fmt;

use serde::Serialize;

use crate::invalid::Place;

/// Something in a lock that was not taken over as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The package and the key.
    pub place: Place,
    /// What was done.
    pub kind: WarningKind,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.kind)
    }
}

/// What was not taken over as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WarningKind {
    /// A key that PEP 751 does not have was ignored.
    UnknownKey,
    /// A key under `tool.mlresolve` is not known to this version and was kept as it is.
    UnknownToolKey,
    /// The format is of a later minor version than this reader knows.
    NewerFormat,
    /// `tool.mlresolve` is of a later format and was kept as the table of another tool.
    NewerToolFormat,
    /// The credentials in an address were dropped.
    CredentialsDropped,
    /// A time without an offset was taken as UTC.
    TimeWithoutOffset,
}

impl fmt::Display for WarningKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownKey => "the key is unknown and was ignored",
            Self::UnknownToolKey => "the key is unknown to this version and was kept",
            Self::NewerFormat => "the format is newer than 1.0, and what is new in it is ignored",
            Self::NewerToolFormat => "the section was written by a newer mlresolve and is ignored",
            Self::CredentialsDropped => {
                "the credentials in the address were dropped: give them by environment or netrc"
            }
            Self::TimeWithoutOffset => "the time has no offset and was taken as UTC",
        })
    }
}
