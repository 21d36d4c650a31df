//! What an index says of one project, grouped by release.

pub(crate) mod stored;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use mlresolve_packaging::simple::{Hashes, MetadataOffer, ProjectStatus, SkippedFile, Yanked};
use mlresolve_packaging::{PackageName, SdistFilename, Version, WheelFilename, without_secrets};

use crate::cache::Entry;
use crate::{IndexError, IndexUrl};

/// What came of asking for a project.
#[derive(Clone, Debug)]
pub enum ProjectAnswer {
    /// The first index that has the project.
    Found(Arc<Project>),
    /// No index has it.
    NotFound {
        /// The indexes that were asked, in order.
        asked: Vec<IndexUrl>,
    },
    /// The network is off, and the cache does not know what an index would say.
    Offline {
        /// The first index of which nothing is known.
        unknown: IndexUrl,
    },
}

/// A project's page. Its releases are decoded as they are asked for: a solver looks at few of thousands.
pub struct Project {
    name: PackageName,
    index: IndexUrl,
    status: ProjectStatus,
    status_reason: Option<String>,
    versions: Vec<Version>,
    releases: Vec<OnceLock<Box<Release>>>,
    /// Where in `bytes` each release is.
    blocks: Vec<Range<usize>>,
    skipped: Range<usize>,
    tables: Tables,
    /// Where in `bytes` the stored form begins.
    start: usize,
    bytes: Entry,
}

/// What many files of a page have in common.
struct Tables {
    url_bases: Vec<String>,
    requires_python: Vec<String>,
}

/// The files of one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// The version. Files that write it differently (`1.0` and `1.0.0`) are of one release.
    pub version: Version,
    /// The wheels, by filename.
    pub wheels: Vec<File>,
    /// The source distributions, by filename.
    pub sdists: Vec<File>,
}

/// A file that an index offers. `Debug` shows its address as messages do: without a signature.
#[derive(Clone, PartialEq)]
pub struct File {
    /// The file's name: one path component.
    pub filename: String,
    /// Where it is: absolute, without credentials.
    pub url: String,
    /// The hashes of its bytes.
    pub hashes: Hashes,
    /// `Requires-Python` as the index repeats it, not parsed.
    pub requires_python: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// When the index received it.
    pub upload_time: Option<Timestamp>,
    /// Whether it was withdrawn (PEP 592).
    pub yanked: Yanked,
    /// Whether its METADATA can be had alone (PEP 658).
    pub metadata_offer: MetadataOffer,
    /// What the filename says; `None` for a source distribution.
    pub wheel: Option<WheelFilename>,
    /// What the filename says; `None` for a wheel.
    pub sdist: Option<SdistFilename>,
    /// The index that offers it, whose credentials are sent if the file lies on the same origin.
    pub index: IndexUrl,
}

impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("File")
            .field("filename", &self.filename)
            .field("url", &without_secrets(&self.url))
            .field("hashes", &self.hashes)
            .field("size", &self.size)
            .field("upload_time", &self.upload_time)
            .field("yanked", &self.yanked)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl Project {
    /// The files of several projects of one name as one. The status is that of the first, which is the index's; a
    /// file that both an index and a later project have is taken from the later one, which the user named.
    pub(crate) fn joined(base: Option<&Self>, more: &[Self]) -> Result<Self, IndexError> {
        let (first, rest) = match (base, more) {
            (Some(base), more) => (base, more),
            (None, [first, rest @ ..]) => (first, rest),
            (None, []) => return Err(IndexError::Cancelled),
        };
        let mut releases: BTreeMap<Version, Release> = BTreeMap::new();
        for project in rest {
            for place in 0..project.versions.len() {
                let release = project.release(place)?;
                let empty =
                    || Release { version: release.version.clone(), wheels: Vec::new(), sdists: Vec::new() };
                releases.entry(release.version.clone()).or_insert_with(empty).take(release);
            }
        }
        let mut versions = first.versions.clone();
        versions.extend(releases.keys().cloned());
        versions.sort();
        versions.dedup();
        let mut joined = Self {
            name: first.name.clone(),
            index: first.index.clone(),
            status: first.status.clone(),
            status_reason: first.status_reason.clone(),
            releases: Vec::with_capacity(versions.len()),
            blocks: Vec::with_capacity(versions.len()),
            skipped: first.skipped.clone(),
            tables: Tables {
                url_bases: first.tables.url_bases.clone(),
                requires_python: first.tables.requires_python.clone(),
            },
            start: first.start,
            bytes: Entry::from_bytes(&first.bytes),
            versions: Vec::new(),
        };
        for version in &versions {
            let place = first.position(version);
            let slot = OnceLock::new();
            if let Some(mut release) = releases.remove(version) {
                if let Some(place) = place {
                    release.take(first.release(place)?);
                }
                drop(slot.set(Box::new(release)));
            }
            joined.releases.push(slot);
            joined.blocks.push(place.and_then(|place| first.blocks.get(place).cloned()).unwrap_or(0..0));
        }
        joined.versions = versions;
        Ok(joined)
    }

    /// The project's name.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// The index that the project comes from.
    pub fn index(&self) -> &IndexUrl {
        &self.index
    }

    /// Whether the project is alive (PEP 792).
    pub fn status(&self) -> &ProjectStatus {
        &self.status
    }

    /// Why it has this status, in foreign words.
    pub fn status_reason(&self) -> Option<&str> {
        self.status_reason.as_deref()
    }

    /// Every version that has a file, ascending.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The place of a version in [`Self::versions`].
    pub fn position(&self, version: &Version) -> Option<usize> {
        self.versions.binary_search(version).ok()
    }

    /// The release at a place of [`Self::versions`].
    ///
    /// # Errors
    /// [`IndexError::Decode`] if there is none at that place, or if what is stored of it cannot be read.
    pub fn release(&self, place: usize) -> Result<&Release, IndexError> {
        let slot = self.releases.get(place).ok_or_else(|| self.broken())?;
        if let Some(release) = slot.get() {
            return Ok(release);
        }
        let release = stored::release(self, place).ok_or_else(|| self.broken())?;
        Ok(slot.get_or_init(|| Box::new(release)))
    }

    /// The entries of the page that cannot be used, and why. Foreign text: escape it before it is shown.
    ///
    /// # Errors
    /// [`IndexError::Decode`] if what is stored of them cannot be read.
    pub fn skipped(&self) -> Result<Vec<SkippedFile>, IndexError> {
        stored::skipped(self).ok_or_else(|| self.broken())
    }

    /// The page in stored form.
    pub(crate) fn stored(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn broken(&self) -> IndexError {
        IndexError::Decode { project: self.name.to_string() }
    }
}

impl std::fmt::Debug for Project {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Project")
            .field("name", &self.name)
            .field("index", &self.index)
            .field("status", &self.status)
            .field("versions", &self.versions.len())
            .finish_non_exhaustive()
    }
}

impl Release {
    /// Adds the files of another release whose names are not there yet.
    fn take(&mut self, other: &Self) {
        let new = |own: &[File], file: &&File| own.iter().all(|one| one.filename != file.filename);
        let wheels: Vec<File> = other.wheels.iter().filter(|file| new(&self.wheels, file)).cloned().collect();
        let sdists: Vec<File> = other.sdists.iter().filter(|file| new(&self.sdists, file)).cloned().collect();
        self.wheels.extend(wheels);
        self.sdists.extend(sdists);
        self.wheels.sort_by(|left, right| left.filename.cmp(&right.filename));
        self.sdists.sort_by(|left, right| left.filename.cmp(&right.filename));
    }

    /// Every file: wheels, then source distributions.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.wheels.iter().chain(&self.sdists)
    }
}

impl File {
    /// The project that the filename names.
    pub fn project(&self) -> Option<&PackageName> {
        let wheel = self.wheel.as_ref().map(|wheel| &wheel.name);
        wheel.or(self.sdist.as_ref().map(|sdist| &sdist.name))
    }

    /// The SHA-256 of the file's bytes, as 64 lowercase hexadecimal digits.
    pub fn sha256(&self) -> Option<&str> {
        self.hashes.sha256.as_deref()
    }
}
