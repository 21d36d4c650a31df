use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// Digests by the name of their algorithm, both in lower case: `sha256` → 64 hexadecimal digits.
pub(crate) type HashTable = BTreeMap<String, String>;

/// A wheel (PEP 751, `[[packages.wheels]]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wheel {
    /// The file name, which carries the tags.
    pub name: String,
    /// When the index received the file.
    pub upload_time: Option<Timestamp>,
    /// Where the file is; never with credentials.
    pub url: Option<String>,
    /// Where the file is, relative to the lock, with `/` between the parts.
    pub path: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// Digests by algorithm; at least one of sha256, sha384 and sha512.
    pub hashes: HashTable,
}

/// A source distribution (PEP 751, `[packages.sdist]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sdist {
    /// The file name.
    pub name: String,
    /// When the index received the file.
    pub upload_time: Option<Timestamp>,
    /// Where the file is; never with credentials.
    pub url: Option<String>,
    /// Where the file is, relative to the lock, with `/` between the parts.
    pub path: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// Digests by algorithm; at least one of sha256, sha384 and sha512.
    pub hashes: HashTable,
}

/// A wheel or source archive that is named by its address alone (PEP 751, `[packages.archive]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Archive {
    /// Where the file is; never with credentials.
    pub url: Option<String>,
    /// Where the file is, relative to the lock, with `/` between the parts.
    pub path: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// When the file was published.
    pub upload_time: Option<Timestamp>,
    /// Digests by algorithm; at least one of sha256, sha384 and sha512.
    pub hashes: HashTable,
    /// The folder inside the archive that holds the project.
    pub subdirectory: Option<String>,
}

/// A version-control checkout (PEP 751, `[packages.vcs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vcs {
    /// The system: `git`, `hg`, `bzr` or `svn`.
    #[serde(rename = "type")]
    pub system: String,
    /// Where the repository is; never with a password.
    pub url: Option<String>,
    /// Where the repository is, relative to the lock, with `/` between the parts.
    pub path: Option<String>,
    /// The branch, tag or revision that the user asked for.
    pub requested_revision: Option<String>,
    /// The exact revision to install.
    pub commit_id: String,
    /// The folder inside the repository that holds the project.
    pub subdirectory: Option<String>,
}

/// A source tree on disk (PEP 751, `[packages.directory]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Directory {
    /// Where the tree is, relative to the lock, with `/` between the parts.
    pub path: String,
    /// Whether the tree is installed in editable mode; absent means no.
    pub editable: Option<bool>,
    /// The folder inside the tree that holds the project.
    pub subdirectory: Option<String>,
}
