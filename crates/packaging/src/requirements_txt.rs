//! `requirements.txt`, as pip reads it.
//!
//! Source: pip's documentation of the requirements file format, and pip 26.3's behaviour where that is
//! silent. Two things differ, on purpose: text that pip would drop in silence (behind an option) is an
//! error, and a file that was fetched from an address neither sees the environment nor includes local
//! files.
//!
//! Nothing here touches a disk: the caller hands in texts and the values of variables.

mod entry;
mod include;
mod lines;
mod options;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::marker::{Marker, MarkerError};
use crate::name::{ExtraName, NameError, PackageName};
use crate::requirement::{Requirement, RequirementError};
use crate::specifier::Repair;

pub use include::{parse, parse_with_includes};
pub use lines::decode;

/// The most text that one run reads from requirements files, in bytes (16 MiB), all includes together.
pub const REQUIREMENTS_LIMIT: usize = 16 << 20;
/// How deep files may include one another.
pub const INCLUDE_DEPTH_LIMIT: usize = 32;
/// The most files that may be read, includes of includes and all.
pub const INCLUDE_COUNT_LIMIT: usize = 1_000;

/// The value of an environment variable by its name; `None` where it is not set.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a requirements file says, with what it includes in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequirementsFile {
    /// What is required.
    pub entries: Vec<Entry>,
    /// What came in through `-c`: it constrains, and requires nothing.
    pub constraints: Vec<Entry>,
    /// The options for the whole run, in order.
    pub options: Vec<Located<FileOption>>,
    /// The files that are included, in order; [`parse`] lists them only.
    pub includes: Vec<Located<Include>>,
    /// What was ignored or repaired.
    pub warnings: Vec<Located<Warning>>,
}

/// Something and the place that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path or address of the file, as given or included.
    pub file: Arc<str>,
    /// The line, counted from 1; the first one of lines that are joined by `\`.
    pub line: usize,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is required.
    pub kind: EntryKind,
    /// Whether it is to be installed in place (`-e`).
    pub editable: bool,
    /// The hashes of which a file must have one; any file will do where there are none.
    pub hashes: Vec<FileHash>,
    /// `--config-settings`, as `KEY=VALUE`, and `--global-option`, each in order.
    pub build_options: Vec<String>,
    /// Where it was read.
    pub place: Place,
}

/// The ways to name what is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A requirement by name: `torch>=2` or `torch @ https://…`.
    Requirement(Requirement),
    /// An address alone, such as `https://…/x-1.0-py3-none-any.whl` or `git+https://…#egg=name`.
    Url {
        /// The address, with its fragment.
        url: String,
        /// The project, where the file's name or `#egg=` tells.
        name: Option<PackageName>,
        /// The extras in `#egg=name[extra]`.
        extras: Vec<ExtraName>,
        /// When the requirement holds.
        marker: Option<Marker>,
    },
    /// A folder or a file.
    Path {
        /// The path as written: for pip, relative to where it runs.
        path: String,
        /// The extras behind it, as in `.[dev]`.
        extras: Vec<ExtraName>,
        /// When the requirement holds.
        marker: Option<Marker>,
    },
}

/// A hash given with `--hash`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileHash {
    /// `sha256`, `sha384` or `sha512`.
    pub algorithm: String,
    /// The digest in lowercase hexadecimal digits.
    pub digest: String,
}

/// An option that holds for the whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOption {
    /// `-i`, `--index-url`, `--pypi-url`
    IndexUrl(String),
    /// `--extra-index-url`
    ExtraIndexUrl(String),
    /// `--no-index`
    NoIndex,
    /// `-f`, `--find-links`
    FindLinks(String),
    /// `--pre`
    Pre,
    /// `--all-releases`: projects whose pre-releases are allowed, or `:all:` or `:none:`.
    AllReleases(String),
    /// `--only-final`: projects whose pre-releases are not allowed, or `:all:` or `:none:`.
    OnlyFinal(String),
    /// `--prefer-binary`
    PreferBinary,
    /// `--only-binary`: projects divided by commas, or `:all:` or `:none:`.
    OnlyBinary(String),
    /// `--no-binary`: likewise.
    NoBinary(String),
    /// `--require-hashes`
    RequireHashes,
    /// `--no-require-hashes`
    NoRequireHashes,
    /// `--trusted-host`
    TrustedHost(String),
    /// `--use-feature`
    UseFeature(String),
}

/// Another file that a file includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The path or address, relative to nothing but the caller's folder.
    pub target: String,
    /// Whether it is included with `-c`.
    pub constraint: bool,
}

/// What was not taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A legacy specifier was repaired.
    #[error("{:?} is no valid version specifier and was read as {:?}", .0.original, .0.repaired)]
    Repaired(Repair),
    /// An option for the whole run stands behind a requirement, where pip ignores it.
    #[error("{0} behind a requirement has no effect; give it a line of its own")]
    OptionIgnored(&'static str),
    /// `--hash` without a requirement.
    #[error("--hash without a requirement has no effect")]
    HashIgnored,
    /// A variable in a file that was fetched from an address.
    #[error("a variable is not expanded, since the file was fetched from an address")]
    VariableIgnored,
}

/// Why a requirements file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RequirementsError {
    /// Where the problem is.
    pub place: Place,
    /// What it is.
    pub problem: Problem,
}

/// What is wrong in a requirements file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The caller could not load the file; its words follow.
    #[error("cannot read {file:?}: {reason}")]
    Load {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A line is no requirement.
    #[error("{0}")]
    Requirement(#[from] RequirementError),
    /// The marker behind an address or a path is none.
    #[error(transparent)]
    Marker(#[from] MarkerError),
    /// An extra is no name.
    #[error(transparent)]
    Extra(#[from] NameError),
    /// The brackets of the extras do not close.
    #[error("expected ']' behind the extras")]
    Brackets,
    /// An option that requirements files do not have.
    #[error("the option {0:?} is not known in a requirements file; give it on the command line or remove it")]
    UnknownOption(String),
    /// An option lacks its value.
    #[error("the option {0} needs a value")]
    MissingValue(&'static str),
    /// A flag has a value.
    #[error("the option {0} takes no value")]
    UnexpectedValue(&'static str),
    /// Text behind an option, which pip would drop in silence.
    #[error("{0:?} stands behind an option; put the requirement and its marker before all options")]
    TextBehindOption(String),
    /// A quote does not close.
    #[error("a quote is not closed")]
    Quote,
    /// A `--hash` that cannot be used.
    #[error("--hash must be sha256, sha384 or sha512, a ':' and as many hexadecimal digits as that has")]
    Hash,
    /// A file includes itself, directly or through others.
    #[error("{0:?} is included by itself; remove one of the lines of the circle")]
    Cycle(String),
    /// An address that includes something which is not at an address.
    #[error("a file that was fetched from an address may not include the local file {0:?}")]
    LocalInclude(String),
    /// Files nest deeper than [`INCLUDE_DEPTH_LIMIT`].
    #[error("files include one another deeper than the limit of {INCLUDE_DEPTH_LIMIT} (include depth)")]
    TooDeep,
    /// More files than [`INCLUDE_COUNT_LIMIT`].
    #[error("more files are included than the limit of {INCLUDE_COUNT_LIMIT} (include count)")]
    TooManyFiles,
    /// More text than [`REQUIREMENTS_LIMIT`].
    #[error("the requirements files are over the limit of {REQUIREMENTS_LIMIT} bytes (requirements length)")]
    TooLong,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}
