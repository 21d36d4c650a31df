//! A project's page of the Simple repository API, as JSON or as HTML.
//!
//! Sources: the "Simple repository API" specification of PyPA, with PEP 503 and 691 (the two
//! forms), 592 (yanked), 629 (API version), 658 and 714 (metadata beside the file), 700 (size and
//! upload time) and 792 (project status).
//!
//! What an index adds later is ignored. One entry that cannot be used does not lose the page: it
//! goes to [`ProjectPage::skipped`], with the reason.

mod file;
mod html;
mod json;
mod loose;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::without_secrets;

pub use html::parse_html;
pub use json::parse_json;

/// The longest page that is read, in bytes (64 MiB); PyPI's largest is about a sixth of it.
pub const PAGE_BYTES_LIMIT: usize = 64 << 20;
/// The most files that one page may list.
pub const PAGE_FILE_COUNT_LIMIT: usize = 200_000;

/// What an index says of one project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectPage {
    /// The project's name as the page writes it; an HTML page has none.
    pub name: Option<String>,
    /// Whether the project is alive (PEP 792).
    pub status: ProjectStatus,
    /// Why the project has this status, in the words of its owner or of the index.
    pub status_reason: Option<String>,
    /// The files, in the page's order.
    pub files: Vec<IndexFile>,
    /// The entries that could not be used.
    pub skipped: Vec<SkippedFile>,
}

/// One file that an index offers. A credential in its URL (`user:password@`) has been removed: it
/// belongs to the client and its store of credentials, and would end in locks and logs. `Debug` leaves out a query too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFile {
    /// The file's name: one path component, not yet read as a wheel's or an sdist's.
    pub filename: String,
    /// Where the file is: absolute, without a fragment.
    pub url: String,
    /// The hashes of the file's bytes.
    pub hashes: Hashes,
    /// `Requires-Python` as the index repeats it, not yet parsed.
    pub requires_python: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// When the index received the file.
    pub upload_time: Option<Timestamp>,
    /// Whether the file was withdrawn.
    pub yanked: Yanked,
    /// Whether the wheel's METADATA can be had at the file's URL with `.metadata` appended.
    pub core_metadata: MetadataOffer,
}

impl fmt::Debug for IndexFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IndexFile")
            .field("filename", &self.filename)
            .field("url", &without_secrets(&self.url))
            .field("hashes", &self.hashes)
            .field("requires_python", &self.requires_python)
            .field("size", &self.size)
            .field("upload_time", &self.upload_time)
            .field("yanked", &self.yanked)
            .field("core_metadata", &self.core_metadata)
            .finish()
    }
}

impl IndexFile {
    /// A file of which nothing is known but its name and where it is.
    #[must_use]
    pub fn at(filename: String, url: String) -> Self {
        Self {
            filename,
            url,
            hashes: Hashes::default(),
            requires_python: None,
            size: None,
            upload_time: None,
            yanked: Yanked::No,
            core_metadata: MetadataOffer::Absent,
        }
    }
}

/// Hashes of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// SHA-256, as 64 lowercase hexadecimal digits.
    pub sha256: Option<String>,
    /// Every other hash, by algorithm, in lowercase hexadecimal digits.
    pub others: BTreeMap<String, String>,
}

/// The status of a project (PEP 792).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProjectStatus {
    /// In use; also what is meant where an index says nothing.
    #[default]
    Active,
    /// No more releases are to be expected.
    Archived,
    /// Held back as unsafe; its files must not be installed.
    Quarantined,
    /// Replaced by something else, or abandoned.
    Deprecated,
    /// A status that the specification did not know when this was written.
    Unknown(String),
}

/// Whether a file was withdrawn by its owner (PEP 592).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Yanked {
    /// It was not.
    #[default]
    No,
    /// It was, with the owner's reason if there is one.
    Yes(Option<String>),
}

/// Whether a wheel's METADATA can be had alone (PEP 658, PEP 714).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetadataOffer {
    /// It cannot.
    #[default]
    Absent,
    /// It can, and the index gives no usable hash of it.
    Present,
    /// It can, and these are its hashes.
    Hashed(Hashes),
}

/// An entry of a page that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// The entry's file name or link as far as it is known, shortened; empty if there is none. It is
    /// foreign text: escape it before it goes to a terminal.
    pub filename: String,
    /// What is wrong with the entry.
    pub reason: String,
}

/// Why a page cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The page is longer than [`PAGE_BYTES_LIMIT`].
    #[error("a page of {bytes} bytes is over the limit of {PAGE_BYTES_LIMIT} (page length)")]
    TooLong {
        /// The page's length in bytes.
        bytes: usize,
    },
    /// The page lists more than [`PAGE_FILE_COUNT_LIMIT`].
    #[error("the page lists more files than the limit of {PAGE_FILE_COUNT_LIMIT} (page file count)")]
    TooManyFiles,
    /// The page is not the JSON of a project's page.
    #[error("the page is not Simple API JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The page is of an API version whose meaning is not known (PEP 629).
    #[error("the page has API version `{0}`, and only 1.x is understood; is there a newer mlresolve?")]
    ApiVersion(String),
}

impl ProjectStatus {
    fn from_text(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "archived" => Self::Archived,
            "quarantined" => Self::Quarantined,
            "deprecated" => Self::Deprecated,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

impl Yanked {
    /// Whether the file was withdrawn.
    #[must_use]
    pub fn is_yanked(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

impl Hashes {
    /// Whether there is no hash at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.others.is_empty()
    }
}

fn check_length(bytes: &[u8]) -> Result<(), PageError> {
    if bytes.len() > PAGE_BYTES_LIMIT { Err(PageError::TooLong { bytes: bytes.len() }) } else { Ok(()) }
}

/// PEP 629: a new major version may mean anything; a new minor version only adds.
fn check_api_version(version: &str) -> Result<(), PageError> {
    let number = |part: &str| part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    match version.trim().split_once('.') {
        Some(("1", minor)) if !minor.is_empty() && number(minor) => Ok(()),
        _ => Err(PageError::ApiVersion(version.chars().take(32).collect())),
    }
}
