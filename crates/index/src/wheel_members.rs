//! The files that a wheel installs, told by the archive's directory without the rest of the wheel.

mod stored;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::sync::Arc;

use zip::read::ZipArchiveMetadata;

use crate::cache::{Bucket, Key};
use crate::transport::Limit;
use crate::wheel_tail::{read_directory, unreadable};
use crate::{CacheMode, File, IndexClient, IndexError, MetadataError};

/// The most files of one wheel; the largest known have some ten thousand.
const MEMBER_LIMIT: usize = 500_000;
/// The name of the limit on a wheel that has to be downloaded for the list of its files.
pub(crate) const WHOLE_LIMIT: &str = "wheel for its files";

/// The files that a wheel installs, sorted by path, each path once.
///
/// A path is where an installer puts the file: relative to `site-packages`, or below one of the places `{prefix}` (the
/// environment's root) and `{headers}`. What is in a `.dist-info` is left out, since that folder's name holds the package's;
/// so is `__pycache__`, which installers write anew from the sources.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct WheelMembers {
    /// All paths, one after the other.
    paths: String,
    places: Vec<Place>,
}

/// A file that a wheel installs, as the archive's directory describes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WheelMember<'a> {
    /// Where it is installed.
    pub path: &'a str,
    /// The CRC-32 of its bytes.
    pub crc32: u32,
    /// How many bytes it has, uncompressed.
    pub bytes: u64,
}

#[derive(Clone, Copy, Eq, PartialEq)]
struct Place {
    /// Where in `WheelMembers::paths` the path ends; it begins where the one before ends.
    end: u32,
    crc32: u32,
    bytes: u64,
}

impl WheelMembers {
    /// The files, sorted by path.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = WheelMember<'_>> {
        let mut start = 0;
        self.places.iter().map(move |place| {
            let range = start..place.end as usize;
            start = range.end;
            let path = self.paths.get(range).unwrap_or_default();
            WheelMember { path, crc32: place.crc32, bytes: place.bytes }
        })
    }

    /// How many files.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What an archive's directory lists. Of two files at one place the later counts, as it does for installers.
    ///
    /// # Errors
    /// When there are too many files, or a path that leads out of the place it belongs to; in words.
    fn of_directory(directory: &ZipArchiveMetadata) -> Result<Self, String> {
        if directory.len() > MEMBER_LIMIT {
            return Err(format!("it holds more than {MEMBER_LIMIT} files, the limit `wheel members`"));
        }
        let mut members = Vec::with_capacity(directory.len());
        for number in 0..directory.len() {
            let entry = directory.entry(number).map_err(|error| error.to_string())?;
            let name = entry.name().map_err(|error| error.to_string())?;
            if name.ends_with('/') {
                continue;
            }
            if let Some(path) = install_path(&name)? {
                members.push((path, entry.crc32(), entry.size()));
            }
        }
        members.sort_by(|one, other| one.0.cmp(&other.0));
        let mut kept = Self::default();
        for (at, (path, crc32, bytes)) in members.iter().enumerate() {
            let overwritten = members.get(at + 1).is_some_and(|next| next.0 == *path);
            if !overwritten {
                kept.push(path, *crc32, *bytes).ok_or("its paths together are too long")?;
            }
        }
        Ok(kept)
    }

    /// Adds a file, whose path comes after those that are there; nothing if all paths together would be too long.
    fn push(&mut self, path: &str, crc32: u32, bytes: u64) -> Option<()> {
        let end = u32::try_from(self.paths.len().checked_add(path.len())?).ok()?;
        self.paths.push_str(path);
        self.places.push(Place { end, crc32, bytes });
        Some(())
    }
}

impl fmt::Debug for WheelMembers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// Where a member of a wheel is installed; `None` if that does not matter to other packages.
fn install_path(member: &str) -> Result<Option<String>, String> {
    let leads_out = || format!("the path {member:?} leads out of the place where the wheel is installed");
    if member.starts_with('/') || member.contains('\0') {
        return Err(leads_out());
    }
    let parts: Vec<&str> = member.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(leads_out());
    }
    let Some((first, inside)) = parts.split_first() else { return Err(leads_out()) };
    if first.ends_with(".dist-info") && !inside.is_empty() || parts.contains(&"__pycache__") {
        return Ok(None);
    }
    let below = |place: &[&str], inside: &[&str]| Some([place, inside].concat().join("/"));
    let data = first.strip_suffix(".data").and_then(|stem| Some((stem.rsplit_once('-')?.0, inside)));
    // The schemes of the binary distribution format. On the platforms that we know, scripts are in a folder of the
    // environment's root, where the files of `data` go.
    Ok(match data {
        Some((_, ["purelib" | "platlib", inside @ ..])) if !inside.is_empty() => below(&[], inside),
        Some((_, ["scripts", inside @ ..])) if !inside.is_empty() => below(&["{prefix}", "bin"], inside),
        Some((_, ["data", inside @ ..])) if !inside.is_empty() => below(&["{prefix}"], inside),
        Some((name, ["headers", inside @ ..])) if !inside.is_empty() => below(&["{headers}", name], inside),
        // A scheme that no installer knows, or a folder that only looks like one of schemes.
        _ => below(&[], &parts),
    })
}

/// The key of a wheel's files: as with its metadata, no index can speak for the files of another.
fn key(file: &File) -> Key {
    Key::of(&["members", &file.index.identity(), &file.filename, file.sha256().unwrap_or(&file.url)])
}

impl IndexClient {
    /// The files that a wheel installs: from the cache, else from the end of the wheel by range requests, else from
    /// the whole wheel.
    ///
    /// # Errors
    /// [`MetadataError::Index`] if they cannot be fetched: [`IndexError::TooLarge`] where there are no range requests
    /// and the wheel is larger than [`Limits::whole_wheel`](crate::Limits::whole_wheel), [`IndexError::Offline`] if
    /// they are not in the cache. [`MetadataError::Archive`] if the archive cannot be read or has a path that leads out
    /// of it, [`MetadataError::NotADistribution`] if the file is no wheel.
    pub async fn members(&self, file: &File) -> Result<Arc<WheelMembers>, MetadataError> {
        if file.wheel.is_none() {
            return Err(MetadataError::NotADistribution { file: file.filename.clone() });
        }
        let key = key(file);
        self.members.get(key, async || self.read_members(file, &key).await).await
    }

    /// Whether the files of a wheel are known without a request.
    pub fn has_members(&self, file: &File) -> bool {
        file.local_path().is_some()
            || self.cache.as_ref().is_some_and(|cache| cache.holds(Bucket::Members, &key(file)))
    }

    async fn read_members(&self, file: &File, key: &Key) -> Result<WheelMembers, MetadataError> {
        let limit = self.options.limits.wheel_directory;
        if let Some(path) = file.local_path() {
            // A file on disk may change, so that nothing of it is kept.
            let opened = fs::File::open(&path).map_err(|source| IndexError::FindLinks { path, source })?;
            let directory = read_directory(opened, limit).map_err(|reason| unreadable(file, reason))?;
            return WheelMembers::of_directory(&directory).map_err(|reason| unreadable(file, reason));
        }
        if let Some(cache) = &self.cache
            && let Some(entry) = cache.read(Bucket::Members, key)
        {
            match WheelMembers::decode(&entry) {
                Some(members) => return Ok(members),
                // What could not be had before is not asked for with each run.
                None if entry.is_empty() && self.options.mode != CacheMode::Refresh => {
                    return Err(self.too_large(file).into());
                }
                None if entry.is_empty() => {}
                None => cache.reject(Bucket::Members, key),
            }
        }
        if self.options.mode == CacheMode::Offline {
            return Err(
                IndexError::Offline { what: format!("the list of files of {}", file.filename) }.into()
            );
        }
        let directory = match self.read_tail(file, None, &file.parsed_url()?).await? {
            Some(end) => end.directory,
            None => {
                tracing::debug!(
                    file = file.filename,
                    "no range requests; downloading the wheel for its files"
                );
                let whole = self.whole_if_small(file).await.inspect_err(|error| {
                    if let (Some(cache), IndexError::TooLarge { .. }) = (&self.cache, error) {
                        cache.write(Bucket::Members, key, &[]);
                    }
                })?;
                read_directory(whole, limit).map_err(|reason| unreadable(file, reason))?
            }
        };
        let members = WheelMembers::of_directory(&directory).map_err(|reason| unreadable(file, reason))?;
        self.write_members(key, &members);
        Ok(members)
    }

    /// Downloads a wheel that is small enough to be read for the list of its files alone.
    async fn whole_if_small(&self, file: &File) -> Result<fs::File, IndexError> {
        let bytes = self.whole_limit();
        if file.size.is_some_and(|size| size > bytes) {
            return Err(self.too_large(file));
        }
        self.download_for_reading(file, Limit { name: WHOLE_LIMIT, bytes }).await
    }

    fn whole_limit(&self) -> u64 {
        self.options.limits.whole_wheel.min(self.options.limits.download)
    }

    fn too_large(&self, file: &File) -> IndexError {
        IndexError::TooLarge { url: file.filename.clone(), limit: WHOLE_LIMIT, bytes: self.whole_limit() }
    }

    /// Keeps the files of a wheel whose directory was read for another purpose, so that it need not be read again.
    pub(crate) fn keep_members(&self, file: &File, directory: &ZipArchiveMetadata) {
        if self.cache.is_some()
            && let Ok(members) = WheelMembers::of_directory(directory)
        {
            self.write_members(&key(file), &members);
        }
    }

    fn write_members(&self, key: &Key, members: &WheelMembers) {
        if let Some(cache) = &self.cache {
            cache.write(Bucket::Members, key, &members.encode());
        }
    }
}
