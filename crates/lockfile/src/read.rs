//! Strict reading: every key is understood, reported or refused.

mod lock;
mod package;
mod parse;
mod section;
mod tool;
mod warning;

#[cfg(test)]
mod tests;

use crate::invalid::InvalidLock;
use crate::model::Lock;
use crate::rules;

pub use warning::{Warning, WarningKind};

/// The largest lock file that is read, in bytes.
pub const FILE_SIZE_LIMIT: usize = 64 * 1024 * 1024;
/// The deepest nesting of arrays and tables that is read.
pub const NESTING_LIMIT: usize = 32;

/// A lock and what its reader did not take over without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLock {
    /// The lock, its entries in the order of the file.
    pub lock: Lock,
    /// What was ignored or changed, in the order in which it was met.
    pub warnings: Vec<Warning>,
}

/// Why a file is not a lock that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file is over [`FILE_SIZE_LIMIT`].
    #[error("the lock of {size} bytes is over the limit of {FILE_SIZE_LIMIT} (lock file size)")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The file is over [`NESTING_LIMIT`].
    #[error("the lock nests arrays and tables over the limit of {NESTING_LIMIT} levels (lock nesting)")]
    TooDeep,
    /// The file is not UTF-8.
    #[error("the lock is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// The offset of the first wrong byte, from 0.
        offset: usize,
    },
    /// A merge left its markers in the file.
    #[error("the lock holds merge conflict markers at line {line}; `mlresolve lock` makes it anew")]
    ConflictMarkers {
        /// The line of the first marker, from 1.
        line: usize,
    },
    /// The file is not TOML.
    #[error("the lock is not TOML at line {line}, column {column}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// The format is of a major version that PEP 751 says must be refused.
    #[error("the lock is of format {found}, and only 1.x can be read; a newer mlresolve may read it")]
    UnsupportedVersion {
        /// The `lock-version` of the file.
        found: String,
    },
    /// A key breaks a rule.
    #[error(transparent)]
    Invalid(#[from] InvalidLock),
}

/// Reads a lock file and checks it against PEP 751 and the rules of this crate.
///
/// A byte order mark and CRLF line ends are taken; upper-case digests are lowered; credentials
/// in addresses are dropped with a warning.
///
/// # Errors
/// The first fault, with the package and the key where there is one.
pub fn read(bytes: &[u8]) -> Result<ReadLock, ReadError> {
    let table = parse::parse(bytes)?;
    let mut warnings = Vec::new();
    let lock = lock::lock(table, &mut warnings)?;
    rules::check(&lock)?;
    Ok(ReadLock { lock, warnings })
}
