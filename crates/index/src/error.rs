//! What can go wrong between us and an index. No message shows a credential: every address in them was
//! redacted when the error was made.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use mlresolve_packaging::sdist::NotStatic;
use mlresolve_packaging::simple::PageError;
use thiserror::Error;

use crate::IndexUrl;

/// A failure to get something from an index.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// No answer, after every retry.
    #[error("no answer from {url} after {tries}: {reason}")]
    Network {
        /// What was asked for.
        url: String,
        /// How often it was asked for, as text: "1 try", "4 tries".
        tries: String,
        /// What the last try failed with.
        reason: String,
    },
    /// No secure connection: a certificate that does not verify, or no root certificates at all.
    #[error("no secure connection to {url}: {reason}")]
    Tls {
        /// What was asked for.
        url: String,
        /// What failed.
        reason: String,
    },
    /// An answer whose status is an error.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// A file of certificates that was named cannot be used. Others are not used in its place.
    #[error("cannot use the certificates in {}: {problem}", path.display())]
    Certificates {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The proxy wants a user and a password, or other ones (407).
    #[error("the proxy on the way to {url} refused us (HTTP status 407)")]
    Proxy {
        /// What was asked for.
        url: String,
    },
    /// The index refused us (401 or 403).
    #[error("index {index} refused access to {url} (HTTP status {status}): {tried}")]
    Credentials {
        /// The index.
        index: IndexUrl,
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// As whom it was asked, and what was wrong with other sources of credentials.
        tried: String,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects {problem}")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where to, or what is wrong with it.
        problem: String,
    },
    /// More bytes than we take.
    #[error("{url} holds more than {bytes} bytes, the limit `{limit}`")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The name of the limit.
        limit: &'static str,
        /// The limit, in bytes.
        bytes: u64,
    },
    /// A page that is not what its content type says.
    #[error("cannot read the page {url}")]
    BadPage {
        /// The page.
        url: String,
        /// What is wrong with it.
        #[source]
        source: PageError,
    },
    /// A page of a content type that is not an index page.
    #[error("the page {url} is of type `{content_type}`, which is no index page (PEP 503, PEP 691)")]
    ContentType {
        /// The page.
        url: String,
        /// What the server called it.
        content_type: String,
    },
    /// A file's address that cannot be fetched.
    #[error("`{file}` has an address that cannot be fetched: {reason}")]
    FileUrl {
        /// The file's name.
        file: String,
        /// What is wrong with the address.
        reason: String,
    },
    /// Bytes that are not the ones that the index announced.
    #[error("{file} has the wrong hash: the index announced sha256 {expected}, the bytes have {found}")]
    HashMismatch {
        /// The file's name.
        file: String,
        /// What the index announced: 64 lowercase hexadecimal digits.
        expected: String,
        /// What the bytes have.
        found: String,
    },
    /// A file whose bytes are not those that were locked.
    #[error("{file} is not the locked file: the lock has sha256 {expected}, the bytes have {found}")]
    NotTheLocked {
        /// The file's name.
        file: String,
        /// What the lock has: 64 lowercase hexadecimal digits.
        expected: String,
        /// What the bytes have.
        found: String,
    },
    /// Something that is not in the cache, while offline.
    #[error("{what} is not in the cache, and the network is off")]
    Offline {
        /// What was needed.
        what: String,
    },
    /// A place of files on disk that cannot be read.
    #[error("cannot read the find-links place {}", path.display())]
    FindLinks {
        /// The folder or page.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The cache's folder cannot be read or changed.
    #[error("cannot use the cache at {}", path.display())]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Something that was written in this crate's own format cannot be read back.
    #[error("the stored page of {project} cannot be decoded; remove it with `cache clean`")]
    Decode {
        /// The project.
        project: String,
    },
    /// The runtime was shut down before the answer was read.
    #[error("the program is ending before the answer of the index was read")]
    Cancelled,
    /// A download cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Why a file's metadata cannot be had. Only [`MetadataError::Index`] is about the way to it; the others
/// say that this file is of no use, and will say so again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// It could not be fetched.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A source distribution that tells its metadata only when it is built.
    #[error("{file} must be built to tell its metadata: {why}")]
    NeedsBuild {
        /// The file's name.
        file: String,
        /// What was looked at.
        why: NotStatic,
    },
    /// Neither a wheel nor a source distribution.
    #[error("{file} is neither a wheel nor a source distribution")]
    NotADistribution {
        /// The file's name.
        file: String,
    },
    /// Metadata that breaks the core metadata specification.
    #[error("the metadata of {file} is invalid")]
    Invalid {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        #[source]
        source: mlresolve_packaging::metadata::MetadataError,
    },
    /// Metadata that speaks of another name or version than the filename.
    #[error("the metadata of {file} is for {field} `{found}`, but the filename says `{expected}`")]
    Inconsistent {
        /// The file's name.
        file: String,
        /// `name` or `version`.
        field: &'static str,
        /// What the filename says.
        expected: String,
        /// What the metadata says.
        found: String,
    },
    /// A wheel or source distribution whose archive cannot be read, or does not hold one METADATA where it must be.
    #[error("{file} cannot be read: {reason}")]
    Archive {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
