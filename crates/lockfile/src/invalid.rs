//! What can be wrong with a lock, and where: one vocabulary for reading and for writing.

use std::fmt;

use serde::Serialize;

/// A rule that a lock breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidLock {
    /// The package and the key, boxed to keep results small.
    pub place: Box<Place>,
    /// The rule.
    pub problem: Problem,
}

/// A place in a lock, in the words of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The entry of `packages`; absent at the top of the file.
    pub package: Option<PackagePlace>,
    /// The key, such as `wheels[0].hashes.sha256`.
    pub key: String,
}

impl Place {
    /// A key at the top of the file.
    pub(crate) fn top(key: impl Into<String>) -> Self {
        Self { package: None, key: key.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = &self.package {
            write!(formatter, "{package}, ")?;
        }
        // A key is the file's own text, and must not steer the terminal that it is shown on.
        write!(formatter, "key `{}`", self.key.escape_debug())
    }
}

/// An entry of `packages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackagePlace {
    /// Its position, from 0.
    pub index: usize,
    /// Its name as the file gives it; absent when the file gives none.
    pub name: Option<String>,
}

impl fmt::Display for PackagePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "package {name:?} (packages[{}])", self.index),
            None => write!(formatter, "packages[{}]", self.index),
        }
    }
}

/// A rule that a lock breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A key that must be there is not.
    #[error("the key is required and absent")]
    Missing,
    /// A value is of another TOML type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The type that the key must have.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A text does not follow the specification of its kind.
    #[error("{0}")]
    Malformed(String),
    /// A name is not in normal form (PEP 503).
    #[error("the name {found:?} is not normalised: write {normal:?}")]
    NotNormalized {
        /// The name as given.
        found: String,
        /// Its normal form.
        normal: String,
    },
    /// An integer is negative.
    #[error("the size {0} is negative")]
    NegativeSize(i64),
    /// A size is over what a TOML integer holds.
    #[error("the size {0} is over the limit of {max} bytes (TOML integer)", max = i64::MAX)]
    HugeSize(u64),
    /// A time lies outside the years that TOML can write.
    #[error("the time {0} lies outside the years 0 to 9999 that TOML can write")]
    TimeOutOfRange(jiff::Timestamp),
    /// A package names no source.
    #[error("the package has no source: one of wheels, sdist, archive, vcs and directory is required")]
    NoSource,
    /// A package names sources that exclude each other.
    #[error("the sources exclude each other: {0}")]
    ManySources(String),
    /// A file or checkout names neither an address nor a path.
    #[error("one of `url` and `path` is required")]
    NoLocation,
    /// No digest is given, or only digests that can be forged.
    #[error("a digest by sha256, sha384 or sha512 is required, found {}", .0.escape_debug())]
    WeakHashes(String),
    /// A digest is not lower-case hexadecimal of the right length.
    #[error("a digest is {expected}, found {found:?}")]
    BadDigest {
        /// What the digest must look like.
        expected: String,
        /// The start of what it is.
        found: String,
    },
    /// A path is not relative, or could lead elsewhere than it seems.
    #[error(
        "the path {0:?} must be relative: no drive, no leading `/`, and no `..` behind the name of a folder"
    )]
    UnsafePath(String),
    /// An address is not one of the schemes that a lock may name.
    #[error("the address {url:?} is not an absolute URL by {schemes}")]
    BadUrl {
        /// The address as given.
        url: String,
        /// The schemes that are taken.
        schemes: &'static str,
    },
    /// An address carries a user name or a password. The text is not repeated here.
    #[error(
        "the address carries credentials, which must not be in a lock: give them by environment or netrc"
    )]
    Credentials,
    /// A file's name belongs to another project or version.
    #[error("the file {file:?} belongs to {found}, not to {expected}")]
    WrongFile {
        /// The file name.
        file: String,
        /// The name and version in it.
        found: String,
        /// The name and version of the package.
        expected: String,
    },
    /// Two wheels of a package have one file name.
    #[error("the wheel {0:?} is listed twice")]
    DuplicateWheel(String),
    /// Two entries of one name could both be installed.
    #[error("packages[{other}] has the same name and no marker tells the two apart")]
    DuplicatePackage {
        /// The position of the earlier entry.
        other: usize,
    },
    /// A key that is kept but not understood has a value that TOML cannot write.
    #[error("{0:?} is no TOML float or time")]
    BadLiteral(String),
}
