//! Core metadata: the METADATA of a wheel and the PKG-INFO of a source distribution.
//!
//! Source: the core metadata specification of PyPA, versions 1.0 to 2.5.
//!
//! Only what a resolver asks for is read: the headers, never the body, which is a description in
//! whatever encoding its author had.

pub(crate) mod headers;
mod relevant;
#[cfg(test)]
mod tests;

use crate::name::{ExtraName, NameError, PackageName};
use crate::requirement::{Requirement, RequirementError};
use crate::specifier::{Repair, SpecifierError, SpecifierSet};
use crate::version::{Version, VersionError, parse_version};

use headers::{Header, Headers};

pub use relevant::relevant_headers;

/// The longest metadata that is read, in bytes (16 MiB).
pub const METADATA_LIMIT: usize = 16 << 20;
/// The most headers that metadata may have.
pub const HEADER_COUNT_LIMIT: usize = 100_000;

/// What a distribution says of itself, as far as choosing and installing it depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreMetadata {
    /// `Metadata-Version`, as major and minor.
    pub metadata_version: (u32, u32),
    /// `Name`.
    pub name: PackageName,
    /// `Version`.
    pub version: Version,
    /// `Requires-Dist`, in the order of the file.
    pub requires_dist: Vec<Requirement>,
    /// `Requires-Python`; `None` where it is missing or empty.
    pub requires_python: Option<SpecifierSet>,
    /// `Provides-Extra`, each once, in the order of the file.
    pub provides_extra: Vec<ExtraName>,
    /// `Dynamic` (since 2.2): names of fields, in lowercase, that a wheel built from this source
    /// distribution may give other values.
    pub dynamic: Vec<String>,
    /// `Import-Name` (since 2.5, PEP 794).
    pub import_names: Vec<ImportName>,
    /// `Import-Namespace` (since 2.5, PEP 794): packages that others add to as well.
    pub import_namespaces: Vec<ImportName>,
    /// What was not valid and how it was read. An extra whose name nobody could ask for is left out,
    /// and appears here with an empty second half.
    pub repairs: Vec<Repair>,
}

/// A name that a distribution says can be imported once it is installed (PEP 794).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportName {
    /// The dotted name.
    pub name: String,
    /// Whether it is meant for the distribution alone.
    pub private: bool,
}

/// Why metadata cannot be read. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is longer than [`METADATA_LIMIT`].
    #[error("metadata of {0} bytes is over the limit of {METADATA_LIMIT} (metadata length)")]
    TooLong(usize),
    /// It has more headers than [`HEADER_COUNT_LIMIT`].
    #[error("the metadata has more headers than the limit of {HEADER_COUNT_LIMIT} (header count)")]
    TooManyHeaders,
    /// The format is of another major version, which may mean anything.
    #[error("the metadata is of version {0:?}, and only 1.x and 2.x are understood")]
    UnknownVersion(String),
    /// A field that must be there is not.
    #[error("the metadata has no {0}")]
    Missing(&'static str),
    /// A field that may be there once is there again, and tools differ on which one counts.
    #[error("line {line}: the metadata has {field} twice")]
    Repeated {
        /// The field.
        field: &'static str,
        /// The line of the second.
        line: usize,
    },
    /// A field is not UTF-8.
    #[error("line {line}: {field} is not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
        /// Its first line.
        line: usize,
    },
    /// A field's value cannot be read.
    #[error("line {line}: {field} cannot be read: {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// Its first line.
        line: usize,
        /// What is wrong with the value.
        problem: FieldProblem,
    },
}

/// What is wrong with the value of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// `Name` is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// `Version` is no version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// `Requires-Python` is no set of specifiers.
    #[error(transparent)]
    Specifiers(#[from] SpecifierError),
    /// `Requires-Dist` is no requirement.
    #[error(transparent)]
    Requirement(#[from] RequirementError),
}

impl CoreMetadata {
    /// Reads metadata.
    ///
    /// # Errors
    /// When it is beyond a limit, lacks a field that must be there, or has a value that decides what
    /// is installed and cannot be understood. The error names the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > METADATA_LIMIT {
            return Err(MetadataError::TooLong(bytes.len()));
        }
        let mut draft = Draft::default();
        for (count, header) in Headers::new(bytes).enumerate() {
            if count == HEADER_COUNT_LIMIT {
                return Err(MetadataError::TooManyHeaders);
            }
            draft.read(&header)?;
        }
        draft.finish()
    }

    /// Reads of which project and version metadata is, and nothing else, so that what only a resolver asks for is in
    /// nobody's way.
    ///
    /// # Errors
    /// When it is beyond a limit, or its `Name` or `Version` is missing, repeated or cannot be read.
    pub fn parse_identity(bytes: &[u8]) -> Result<(PackageName, Version), MetadataError> {
        if bytes.len() > METADATA_LIMIT {
            return Err(MetadataError::TooLong(bytes.len()));
        }
        let mut draft = Draft::default();
        for header in Headers::new(bytes).filter(|header| header.is("Name") || header.is("Version")) {
            draft.read(&header)?;
        }
        let name = draft.name.ok_or(MetadataError::Missing("Name"))?;
        let version = draft.version.ok_or(MetadataError::Missing("Version"))?;
        Ok((name, version))
    }
}

/// Metadata while it is read.
#[derive(Default)]
struct Draft {
    metadata_version: Option<(u32, u32)>,
    name: Option<PackageName>,
    version: Option<Version>,
    requires_dist: Vec<Requirement>,
    requires_python: Option<SpecifierSet>,
    provides_extra: Vec<ExtraName>,
    dynamic: Vec<String>,
    import_names: Vec<ImportName>,
    import_namespaces: Vec<ImportName>,
    repairs: Vec<Repair>,
}

const FIELDS: [&str; 9] = [
    "Metadata-Version",
    "Name",
    "Version",
    "Requires-Dist",
    "Requires-Python",
    "Provides-Extra",
    "Dynamic",
    "Import-Name",
    "Import-Namespace",
];

impl Draft {
    fn read(&mut self, header: &Header<'_>) -> Result<(), MetadataError> {
        let Some(field) = FIELDS.into_iter().find(|field| header.is(field)) else {
            return Ok(());
        };
        let line = header.line;
        let value = header.value().ok_or(MetadataError::NotUtf8 { field, line })?;
        let problem = |problem| MetadataError::Field { field, line, problem };
        let once = |free| if free { Ok(()) } else { Err(MetadataError::Repeated { field, line }) };
        match field {
            "Metadata-Version" => {
                once(self.metadata_version.is_none())?;
                self.metadata_version = Some(read_metadata_version(&value)?);
            }
            "Name" => {
                once(self.name.is_none())?;
                self.name = Some(value.parse().map_err(|error| problem(FieldProblem::Name(error)))?);
            }
            "Version" => {
                once(self.version.is_none())?;
                self.version = Some(parse_version(&value).map_err(|error| problem(error.into()))?);
            }
            "Requires-Dist" => {
                let (requirement, repair) =
                    Requirement::parse_lenient(&value).map_err(|error| problem(error.into()))?;
                self.requires_dist.push(requirement);
                self.repairs.extend(repair);
            }
            "Requires-Python" => {
                once(self.requires_python.is_none())?;
                let (specifiers, repair) =
                    SpecifierSet::parse_lenient(&value).map_err(|error| problem(error.into()))?;
                self.requires_python = Some(specifiers);
                self.repairs.extend(repair);
            }
            "Provides-Extra" => self.read_extra(&value),
            "Dynamic" => self.dynamic.push(value.to_ascii_lowercase()),
            "Import-Name" => self.import_names.extend(read_import_name(&value)),
            "Import-Namespace" => self.import_namespaces.extend(read_import_name(&value)),
            _ => {}
        }
        Ok(())
    }

    fn read_extra(&mut self, value: &str) {
        match value.parse::<ExtraName>() {
            Ok(extra) => self.provides_extra.push(extra),
            Err(_) => {
                let original = format!("Provides-Extra: {value}");
                self.repairs.push(Repair { original, repaired: String::new() });
            }
        }
    }

    fn finish(mut self) -> Result<CoreMetadata, MetadataError> {
        dedup_in_order(&mut self.provides_extra);
        Ok(CoreMetadata {
            metadata_version: self.metadata_version.ok_or(MetadataError::Missing("Metadata-Version"))?,
            name: self.name.ok_or(MetadataError::Missing("Name"))?,
            version: self.version.ok_or(MetadataError::Missing("Version"))?,
            requires_dist: self.requires_dist,
            requires_python: self.requires_python.filter(|specifiers| !specifiers.is_empty()),
            provides_extra: self.provides_extra,
            dynamic: self.dynamic,
            import_names: self.import_names,
            import_namespaces: self.import_namespaces,
            repairs: self.repairs,
        })
    }
}

fn dedup_in_order(extras: &mut Vec<ExtraName>) {
    let mut seen = rustc_hash::FxHashSet::default();
    extras.retain(|extra| seen.insert(extra.clone()));
}

fn read_metadata_version(text: &str) -> Result<(u32, u32), MetadataError> {
    let unknown = || MetadataError::UnknownVersion(text.chars().take(32).collect());
    let (major, minor) = text.split_once('.').ok_or_else(unknown)?;
    match (major.parse(), minor.parse()) {
        (Ok(major @ 1..=2), Ok(minor)) => Ok((major, minor)),
        _ => Err(unknown()),
    }
}

/// An empty value says that nothing can be imported, and adds nothing.
fn read_import_name(value: &str) -> Option<ImportName> {
    let (name, mark) = value.split_once(';').unwrap_or((value, ""));
    let name = name.trim();
    (!name.is_empty()).then(|| ImportName { name: name.to_owned(), private: mark.trim() == "private" })
}
