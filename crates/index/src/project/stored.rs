//! The compact form in which a project's page is cached and kept in memory: the versions, sorted, in front;
//! behind them one block per release that is decoded when it is asked for. Opening a page of thousands of
//! files costs reading their versions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

use jiff::Timestamp;
use mlresolve_packaging::simple::{
    Hashes, IndexFile, MetadataOffer, ProjectPage, ProjectStatus, SkippedFile, Yanked,
};
use mlresolve_packaging::{PackageName, SdistFilename, Version, WheelFilename, parse_version};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{File, Project, Release, Tables};
use crate::cache::Entry;
use crate::hash::{from_hex, to_hex};
use crate::{IndexError, IndexUrl};

/// The front of a stored page. The blocks follow it without gaps, the skipped entries last.
#[derive(Deserialize, Serialize)]
struct Head<'a> {
    status: ProjectStatus,
    status_reason: Option<&'a str>,
    url_bases: Vec<&'a str>,
    requires_python: Vec<&'a str>,
    /// Version and length of its block, ascending by version.
    #[serde(borrow)]
    releases: Vec<(&'a str, u32)>,
}

#[derive(Deserialize, Serialize)]
struct StoredFile<'a> {
    filename: &'a str,
    /// The URL is a base of the table, `path`, and the filename if `named`.
    base: u32,
    path: &'a str,
    named: bool,
    #[serde(borrow)]
    hashes: StoredHashes<'a>,
    requires_python: Option<u32>,
    size: Option<u64>,
    /// Seconds and nanoseconds.
    upload_time: Option<(i64, i32)>,
    yanked: Option<Option<&'a str>>,
    metadata_offer: StoredOffer<'a>,
}

#[derive(Deserialize, Serialize)]
struct StoredHashes<'a> {
    sha256: Option<[u8; 32]>,
    #[serde(borrow)]
    others: Vec<(&'a str, &'a str)>,
}

#[derive(Deserialize, Serialize)]
enum StoredOffer<'a> {
    Absent,
    Present,
    #[serde(borrow)]
    Hashed(StoredHashes<'a>),
}

/// Groups a page's files by version and writes them in stored form. What cannot be used joins the page's
/// skipped entries: files of other projects, names that cannot be read, and names that were listed before.
///
/// # Errors
/// [`IndexError::Decode`] if the page is too large for the form.
pub(crate) fn encode(page: &ProjectPage, name: &PackageName) -> Result<Vec<u8>, IndexError> {
    try_encode(page, name).ok_or_else(|| IndexError::Decode { project: name.to_string() })
}

fn try_encode(page: &ProjectPage, name: &PackageName) -> Option<Vec<u8>> {
    let mut skipped = page.skipped.clone();
    let mut seen = BTreeSet::new();
    let mut releases: BTreeMap<Version, Vec<&IndexFile>> = BTreeMap::new();
    for file in &page.files {
        let version = match version_of(&file.filename, name) {
            Ok(_) if !seen.insert(file.filename.as_str()) => Err("is listed twice".to_owned()),
            other => other,
        };
        match version {
            Ok(version) => releases.entry(version).or_default().push(file),
            Err(reason) => skipped.push(SkippedFile { filename: file.filename.clone(), reason }),
        }
    }

    let mut url_bases = Interner::default();
    let mut requires_python = Interner::default();
    let mut blocks = Vec::new();
    let texts: Vec<String> = releases.keys().map(Version::to_string).collect();
    let mut entries = Vec::with_capacity(releases.len());
    for (version, files) in texts.iter().zip(releases.values_mut()) {
        files.sort_by(|left, right| left.filename.cmp(&right.filename));
        let files: Vec<StoredFile<'_>> =
            files.iter().map(|file| store(file, &mut url_bases, &mut requires_python)).collect();
        let start = blocks.len();
        blocks = postcard::to_extend(&files, blocks).ok()?;
        entries.push((version.as_str(), u32::try_from(blocks.len() - start).ok()?));
    }
    let head = Head {
        status: page.status.clone(),
        status_reason: page.status_reason.as_deref(),
        url_bases: url_bases.texts,
        requires_python: requires_python.texts,
        releases: entries,
    };
    let mut bytes = postcard::to_allocvec(&head).ok()?;
    bytes.extend(blocks);
    postcard::to_extend(&skipped, bytes).ok()
}

/// Opens the stored form that begins at `start` of the bytes. `None` if it cannot be read.
pub(crate) fn open(name: &PackageName, index: &IndexUrl, bytes: Entry, start: usize) -> Option<Project> {
    let (head, rest) = postcard::take_from_bytes::<Head<'_>>(bytes.get(start..)?).ok()?;
    let mut at = bytes.len() - rest.len();
    let mut versions = Vec::with_capacity(head.releases.len());
    let mut blocks = Vec::with_capacity(head.releases.len());
    for (version, length) in &head.releases {
        versions.push(parse_version(version).ok()?);
        let end = at + *length as usize;
        blocks.push(at..end);
        at = end;
    }
    let skipped = at..bytes.len();
    if at > bytes.len() || !versions.is_sorted() {
        return None;
    }
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let tables = Tables { url_bases: owned(&head.url_bases), requires_python: owned(&head.requires_python) };
    let (status, status_reason) = (head.status, head.status_reason.map(str::to_owned));
    Some(Project {
        name: name.clone(),
        index: index.clone(),
        status,
        status_reason,
        releases: std::iter::repeat_with(OnceLock::new).take(versions.len()).collect(),
        versions,
        blocks,
        skipped,
        tables,
        start,
        bytes,
    })
}

/// Decodes the release at a place.
pub(super) fn release(project: &Project, place: usize) -> Option<Release> {
    let version = project.versions.get(place)?.clone();
    let block: &Range<usize> = project.blocks.get(place)?;
    let files: Vec<StoredFile<'_>> = postcard::from_bytes(project.bytes.get(block.clone())?).ok()?;
    let mut release = Release { version, wheels: Vec::new(), sdists: Vec::new() };
    for file in files {
        let file = restore(&file, project)?;
        if file.wheel.is_some() { release.wheels.push(file) } else { release.sdists.push(file) }
    }
    Some(release)
}

/// Decodes the skipped entries.
pub(super) fn skipped(project: &Project) -> Option<Vec<SkippedFile>> {
    postcard::from_bytes(project.bytes.get(project.skipped.clone())?).ok()
}

pub(crate) fn version_of(filename: &str, name: &PackageName) -> Result<Version, String> {
    if !filename.ends_with(".whl") {
        let sdist = SdistFilename::parse(filename, name).map_err(|error| error.to_string())?;
        return Ok(sdist.version);
    }
    let wheel: WheelFilename = filename.parse().map_err(|error| format!("{error}"))?;
    if wheel.name != *name {
        return Err(format!("is a file of {}, not of {name}", wheel.name));
    }
    Ok(wheel.version)
}

fn store<'a>(
    file: &'a IndexFile,
    url_bases: &mut Interner<'a>,
    requires_python: &mut Interner<'a>,
) -> StoredFile<'a> {
    let (base, path) = split_url(&file.url);
    let stem = path.strip_suffix(file.filename.as_str());
    StoredFile {
        filename: &file.filename,
        base: url_bases.number(base),
        path: stem.unwrap_or(path),
        named: stem.is_some(),
        hashes: store_hashes(&file.hashes),
        requires_python: file.requires_python.as_deref().map(|text| requires_python.number(text)),
        size: file.size,
        upload_time: file.upload_time.map(|time| (time.as_second(), time.subsec_nanosecond())),
        yanked: match &file.yanked {
            Yanked::No => None,
            Yanked::Yes(reason) => Some(reason.as_deref()),
        },
        metadata_offer: match &file.core_metadata {
            MetadataOffer::Absent => StoredOffer::Absent,
            MetadataOffer::Present => StoredOffer::Present,
            MetadataOffer::Hashed(hashes) => StoredOffer::Hashed(store_hashes(hashes)),
        },
    }
}

fn restore(file: &StoredFile<'_>, project: &Project) -> Option<File> {
    let base = project.tables.url_bases.get(file.base as usize)?;
    let requires_python = match file.requires_python {
        Some(number) => Some(project.tables.requires_python.get(number as usize)?.clone()),
        None => None,
    };
    let upload_time = match file.upload_time {
        Some((seconds, nanoseconds)) => Some(Timestamp::new(seconds, nanoseconds).ok()?),
        None => None,
    };
    let (wheel, sdist) = match file.filename.ends_with(".whl") {
        true => (Some(file.filename.parse().ok()?), None),
        false => (None, Some(SdistFilename::parse(file.filename, &project.name).ok()?)),
    };
    Some(File {
        filename: file.filename.to_owned(),
        url: [base.as_str(), file.path, if file.named { file.filename } else { "" }].concat(),
        hashes: restore_hashes(&file.hashes),
        requires_python,
        size: file.size,
        upload_time,
        yanked: file.yanked.map_or(Yanked::No, |reason| Yanked::Yes(reason.map(str::to_owned))),
        metadata_offer: match &file.metadata_offer {
            StoredOffer::Absent => MetadataOffer::Absent,
            StoredOffer::Present => MetadataOffer::Present,
            StoredOffer::Hashed(hashes) => MetadataOffer::Hashed(restore_hashes(hashes)),
        },
        wheel,
        sdist,
        index: project.index.clone(),
    })
}

fn store_hashes(hashes: &Hashes) -> StoredHashes<'_> {
    StoredHashes {
        sha256: hashes.sha256.as_deref().and_then(from_hex),
        others: hashes.others.iter().map(|(name, digest)| (name.as_str(), digest.as_str())).collect(),
    }
}

fn restore_hashes(hashes: &StoredHashes<'_>) -> Hashes {
    let owned = |(name, digest): &(&str, &str)| ((*name).to_owned(), (*digest).to_owned());
    Hashes {
        sha256: hashes.sha256.map(|digest| to_hex(&digest)),
        others: hashes.others.iter().map(owned).collect(),
    }
}

/// Splits a URL behind the first segment of its path: what is before is the same for most files of a page.
fn split_url(url: &str) -> (&str, &str) {
    url.match_indices('/').nth(3).map_or(("", url), |(at, _)| url.split_at(at + 1))
}

/// Texts by the order in which they came.
#[derive(Default)]
struct Interner<'a> {
    texts: Vec<&'a str>,
    numbers: FxHashMap<&'a str, u32>,
}

impl<'a> Interner<'a> {
    fn number(&mut self, text: &'a str) -> u32 {
        *self.numbers.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() as u32 - 1
        })
    }
}

#[cfg(test)]
mod tests;
