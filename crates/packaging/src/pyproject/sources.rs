//! Where single packages come from, and the indexes that have a name: the tables `sources` and `index` of
//! `[tool.mlresolve]` and `[tool.uv]`, which share uv's syntax.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::marker::Marker;
use crate::name::{ExtraName, GroupName, PackageName};

use super::read::{OneOrMany, UniqueTable};

/// The longest name of an index, in bytes.
const INDEX_NAME_LIMIT: usize = 128;

/// One place that a package comes from, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSource {
    /// The place.
    pub place: SourcePlace,
    /// `marker`: the machines that it is for; all of them, where there is none.
    pub marker: Option<Marker>,
    /// `extra`: it counts only where this extra of the project goes in.
    pub extra: Option<ExtraName>,
    /// `group`: it counts only where this dependency group goes in.
    pub group: Option<GroupName>,
}

/// A place that a package comes from. Addresses and paths are as they were written, and may hold credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcePlace {
    /// `{ index = "name" }`: this index, and no other.
    Index(String),
    /// `{ url = "…" }`: an archive.
    Url {
        /// The archive's address.
        url: String,
        /// The folder in it that holds the project.
        subdirectory: Option<String>,
    },
    /// `{ path = "…" }`: an archive or a folder of this machine.
    Path {
        /// The path, relative to the file that says it.
        path: String,
        /// Whether its code is used where it lies.
        editable: bool,
        /// The folder in it that holds the project.
        subdirectory: Option<String>,
    },
    /// `{ git = "…" }`: a repository.
    Git {
        /// The repository's address.
        url: String,
        /// `rev`, `tag` or `branch`; the default branch, where there is none.
        revision: Option<String>,
        /// The folder in it that holds the project.
        subdirectory: Option<String>,
    },
    /// `{ workspace = true }`: another member of uv's workspace.
    Workspace,
}

/// An index: one table of `[[tool.mlresolve.index]]` or `[[tool.uv.index]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// `name`, by which sources mean it.
    pub name: Option<String>,
    /// `url`: its address, which may hold credentials.
    pub url: String,
    /// `explicit`: it serves only the packages that a source assigns to it.
    pub explicit: bool,
    /// `default`: it is the one that is asked last, instead of PyPI.
    pub default: bool,
    /// `format = "flat"`: no index, but a page or folder of files.
    pub flat: bool,
}

/// The places of packages, in the order of the file.
pub(super) type RawSources = UniqueTable<PackageName, OneOrMany<PackageSource>>;

pub(super) fn finish(raw: RawSources) -> Vec<(PackageName, Vec<PackageSource>)> {
    raw.0.into_iter().map(|(name, sources)| (name, sources.0)).collect()
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, expecting = "a table such as {index = \"name\"}")]
struct RawSource {
    index: Option<String>,
    url: Option<String>,
    path: Option<String>,
    git: Option<String>,
    workspace: bool,
    subdirectory: Option<String>,
    editable: bool,
    branch: Option<String>,
    tag: Option<String>,
    rev: Option<String>,
    marker: Option<String>,
    extra: Option<ExtraName>,
    group: Option<GroupName>,
}

impl<'de> Deserialize<'de> for PackageSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawSource::deserialize(deserializer)?.finish().map_err(D::Error::custom)
    }
}

impl RawSource {
    fn finish(self) -> Result<PackageSource, String> {
        let revision = one_revision([self.rev, self.tag, self.branch])?;
        if revision.is_some() && self.git.is_none() {
            return Err("`rev`, `tag` and `branch` go only with `git`".to_owned());
        }
        if self.editable && self.path.is_none() {
            return Err("`editable` goes only with `path`".to_owned());
        }
        let subdirectory = self.subdirectory;
        let place = match (self.index, self.url, self.path, self.git, self.workspace) {
            (Some(name), None, None, None, false) => SourcePlace::Index(name),
            (None, Some(url), None, None, false) => SourcePlace::Url { url, subdirectory },
            (None, None, Some(path), None, false) => {
                SourcePlace::Path { path, editable: self.editable, subdirectory }
            }
            (None, None, None, Some(url), false) => SourcePlace::Git { url, revision, subdirectory },
            (None, None, None, None, true) => SourcePlace::Workspace,
            _ => return Err("a source has one of `index`, `url`, `path`, `git` and `workspace`".to_owned()),
        };
        let marker = self.marker.as_deref().map(str::parse::<Marker>).transpose();
        let marker = marker.map_err(|error| format!("`marker` is no marker: {error}"))?;
        Ok(PackageSource { place, marker, extra: self.extra, group: self.group })
    }
}

/// The one revision that was named.
pub(super) fn one_revision(revisions: [Option<String>; 3]) -> Result<Option<String>, String> {
    let mut named = revisions.into_iter().flatten();
    let first = named.next();
    match named.next() {
        Some(_) => Err("a repository is taken at one of `rev`, `tag` and `branch`".to_owned()),
        None => Ok(first),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table such as {name = \"x\", url = \"https://…\"}")]
struct RawIndex {
    name: Option<String>,
    url: String,
    #[serde(default)]
    explicit: bool,
    #[serde(default)]
    default: bool,
    format: Option<String>,
}

impl<'de> Deserialize<'de> for IndexEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RawIndex { name, url, explicit, default, format } = RawIndex::deserialize(deserializer)?;
        if name.as_deref().is_some_and(|name| !is_index_name(name)) {
            return Err(D::Error::custom(format!(
                "the name of an index has up to {INDEX_NAME_LIMIT} letters, digits, '_', '-' and '.'"
            )));
        }
        if explicit && default {
            return Err(D::Error::custom("an index is `explicit` or the `default`, not both"));
        }
        if explicit && name.is_none() {
            return Err(D::Error::custom("an `explicit` index needs a `name` by which sources mean it"));
        }
        let flat = match format.as_deref() {
            None | Some("simple") => false,
            Some("flat") => true,
            Some(_) => return Err(D::Error::custom("`format` is \"simple\" or \"flat\"")),
        };
        if flat && (explicit || default) {
            return Err(D::Error::custom(
                "a \"flat\" index is asked for every package, and cannot be `explicit` or the `default`",
            ));
        }
        Ok(Self { name, url, explicit, default, flat })
    }
}

/// Whether a text can be the name of an index.
#[must_use]
pub fn is_index_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=INDEX_NAME_LIMIT).contains(&text.len()) && text.bytes().all(allowed)
}
