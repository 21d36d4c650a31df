//! Why a request could not be carried out.

use std::path::PathBuf;

use crate::access::index_label;
use crate::build::BuildError;
use crate::image::ImageError;
use crate::ownership::Overwritten;
use mlresolve_index::{File, IndexError, MetadataError};
use mlresolve_lockfile::{InvalidLock, ReadError};
use mlresolve_packaging::without_secrets;
use mlresolve_solver::Explanation;

/// Why a request could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something in the request cannot be understood or cannot be.
    #[error("{place}: {problem}")]
    Input {
        /// Where it stands: an option, a key, or a file and line.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The requirements contradict each other.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// An index, or the network on the way to it.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A wheel's metadata cannot be trusted or read, so that no lock can be made.
    #[error(transparent)]
    Metadata(MetadataError),
    /// A git repository cannot be fetched.
    #[error("{place}: {reason}")]
    Repository {
        /// The requirement that names it.
        place: String,
        /// What `git` says, without secrets.
        reason: String,
    },
    /// A package whose build was allowed cannot be built.
    #[error("{package} cannot be built")]
    Build {
        /// Name and version.
        package: String,
        /// Why.
        source: Box<BuildError>,
    },
    /// A file has no hash on its index, and none can be computed.
    #[error("{file} has no hash on its index, and to compute one it must be downloaded: {reason}")]
    NoHash {
        /// The file.
        file: String,
        /// Why it was not.
        reason: String,
    },
    /// An index has another file under the name of one that is locked.
    #[error(transparent)]
    Replaced(Box<ReplacedFile>),
    /// Two indexes have different files under one name.
    #[error(transparent)]
    TwoFiles(Box<TwoFiles>),
    /// Packages of the lock would overwrite each other's files.
    #[error(transparent)]
    Overwritten(Box<Overwritten>),
    /// No image can be made of a lock.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The lock file cannot be read.
    #[error("{}: {source}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The lock that was made breaks a rule of locks.
    #[error(transparent)]
    Invalid(#[from] InvalidLock),
    /// No answer was found within a limit.
    #[error("{0}")]
    Limit(String),
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A fault of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

/// There is no solution for a target.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no solution for {target}\n{explanation}")]
pub struct Conflict {
    /// The target, in words.
    pub target: String,
    /// Why, and what would help.
    pub explanation: Explanation,
}

/// A file that took the name of one that is locked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{file} of {package} was replaced on its index: the lock has {locked}, {url} now has {found}")]
pub struct ReplacedFile {
    /// The package's name.
    pub name: String,
    /// Its name and version.
    pub package: String,
    /// The file.
    pub file: String,
    /// Algorithm and digest in the lock.
    pub locked: String,
    /// Algorithm and digest on the index.
    pub found: String,
    /// Where the new file is.
    pub url: String,
}

/// Different files that two indexes have under one name.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{file} is not the same file everywhere: {index} has sha256 {digest}, {other_index} has {other_digest}"
)]
pub struct TwoFiles {
    /// The file.
    pub file: String,
    /// The index that it would be taken from.
    pub index: String,
    /// The digest there.
    pub digest: String,
    /// The index that has another.
    pub other_index: String,
    /// The digest there.
    pub other_digest: String,
}

impl TwoFiles {
    pub(crate) fn new(file: &File, other: &File) -> Self {
        let digest = |file: &File| file.sha256().unwrap_or_default().to_owned();
        Self {
            file: file.filename.clone(),
            index: index_label(&file.index),
            digest: digest(file),
            other_index: index_label(&other.index),
            other_digest: digest(other),
        }
    }
}

impl Error {
    pub(crate) fn input(place: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        // Either may quote what the user wrote, and with it a password.
        let problem = without_secrets(&problem.to_string());
        Self::Input { place: without_secrets(&place.into()), problem }
    }
}
