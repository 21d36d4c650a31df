//! The cache on disk: checked entries in versioned buckets, safe to share between processes.
//!
//! An entry is one file: a magic number, a checksum, the bytes. It is written beside its place and renamed,
//! so that a reader sees all of it or nothing; what a power cut or a bad disk leaves is found by the
//! checksum, removed, and fetched again. Names are digests: they hold no secret and lead nowhere else. A
//! bucket's name carries the version of its format, so an older or newer program has its own.

use std::fs;
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::IndexError;

/// The largest entry that is read back, in bytes; a page's stored form is smaller than the page.
const MAX_ENTRY: u64 = 256 * 1024 * 1024;
const MAGIC: &[u8; 4] = b"mlr1";
const HEAD: usize = 8;

/// The folder of the git repositories, whose entries are folders of the `git` program.
const REPOSITORIES: &str = "git-v1";

/// The folders whose entries are plain files: those of locks, what is known of layers, and the parts of images.
const FILES: &str = "files-v1";
const LAYERS: &str = "layers-v1";
const BLOBS: &str = "blobs-v1";

/// An entry as it is met.
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// The cache's folder.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

/// What the cache holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CacheSize {
    /// How many entries.
    pub entries: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// A kind of entry; its name is that of the folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Bucket {
    Pages,
    Metadata,
    /// What source distributions hold that metadata may be read from. A reader that wants other files of them is
    /// another version.
    Sources,
    /// What find-links pages list.
    Links,
    /// What is at the address of an archive.
    Addresses,
    /// What builds told of source distributions.
    Built,
    /// Digests of files whose index announces none.
    Digests,
    /// What wheels install.
    Members,
    /// What others found out.
    Findings,
}

/// The name of an entry.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key([u8; 32]);

/// The bytes of an entry whose checksum was right.
pub(crate) struct Entry(Vec<u8>);

impl Cache {
    /// The cache in a folder, which need not exist yet.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder in which git repositories are kept, one folder each.
    pub fn repositories(&self) -> PathBuf {
        self.dir.join(REPOSITORIES)
    }

    /// The folder in which the files of locks are kept, by their digests.
    pub fn files(&self) -> PathBuf {
        self.dir.join(FILES)
    }

    /// The folder in which what was made of the files of locks is kept; its callers name what is in it.
    pub fn layers(&self) -> PathBuf {
        self.dir.join(LAYERS)
    }

    /// The image layout in which the parts of images are kept.
    pub fn blobs(&self) -> PathBuf {
        self.dir.join(BLOBS)
    }

    /// Notes that a file of the cache was used, which [`Self::prune`] goes by. That it cannot be noted is no failure.
    pub fn renew(path: &Path) {
        let renewed =
            fs::File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = renewed {
            tracing::debug!(path = %path.display(), %error, "cannot note that it was used");
        }
    }

    /// Counts what is there.
    ///
    /// # Errors
    /// [`IndexError::Cache`] if a folder cannot be read.
    pub fn size(&self) -> Result<CacheSize, IndexError> {
        let mut size = CacheSize::default();
        self.visit(|_, entry| {
            size.entries += 1;
            size.bytes += entry.bytes;
            Ok(())
        })?;
        Ok(size)
    }

    /// Removes the entries that were last written or renewed longer ago than `age`, and says what went.
    ///
    /// # Errors
    /// [`IndexError::Cache`] if a folder cannot be read or an entry cannot be removed.
    pub fn prune(&self, age: Duration) -> Result<CacheSize, IndexError> {
        let now = SystemTime::now();
        let mut removed = CacheSize::default();
        self.visit(|path, entry| {
            // An entry from the future is not old.
            if entry.modified.is_some_and(|at| now.duration_since(at).is_ok_and(|passed| passed > age)) {
                remove(path)?;
                removed.entries += 1;
                removed.bytes += entry.bytes;
            }
            Ok(())
        })?;
        Ok(removed)
    }

    /// Removes every entry, of other versions' formats too, and says what went. Nothing else in the folder
    /// is touched.
    ///
    /// # Errors
    /// [`IndexError::Cache`] if a folder cannot be read or an entry cannot be removed.
    pub fn clean(&self) -> Result<CacheSize, IndexError> {
        let mut removed = CacheSize::default();
        self.visit(|path, entry| {
            remove(path)?;
            removed.entries += 1;
            removed.bytes += entry.bytes;
            Ok(())
        })?;
        Ok(removed)
    }

    /// The entry, or `None` if there is none that can be used.
    pub(crate) fn read(&self, bucket: Bucket, key: &Key) -> Option<Entry> {
        let path = self.path(bucket, key);
        let entry = match read_entry(&path, key) {
            Ok(entry) => return Some(entry),
            Err(error) => error,
        };
        match entry.kind() {
            io::ErrorKind::NotFound => {}
            io::ErrorKind::InvalidData => self.reject(bucket, key),
            _ => tracing::warn!(path = %path.display(), error = %entry, "cache entry cannot be read"),
        }
        None
    }

    /// Whether there is an entry, which may yet turn out to be damaged.
    pub(crate) fn holds(&self, bucket: Bucket, key: &Key) -> bool {
        self.path(bucket, key).exists()
    }

    /// Removes an entry whose bytes turned out to be unusable.
    pub(crate) fn reject(&self, bucket: Bucket, key: &Key) {
        let path = self.path(bucket, key);
        tracing::warn!(path = %path.display(), "damaged cache entry is removed");
        if let Err(error) = remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "damaged cache entry cannot be removed");
        }
    }

    /// Writes an entry. That it could not be written, on a full disk or in a read-only folder, changes
    /// nothing for the run and is only logged.
    pub(crate) fn write(&self, bucket: Bucket, key: &Key, bytes: &[u8]) {
        if let Err(error) = self.try_write(bucket, key, bytes) {
            tracing::debug!(dir = %self.dir.display(), %error, "cache cannot be written");
        }
    }

    fn try_write(&self, bucket: Bucket, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let dir = self.dir.join(bucket.dir());
        let mut file = match tempfile::NamedTempFile::new_in(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&dir)?;
                mark_as_cache(&self.dir)?;
                tempfile::NamedTempFile::new_in(&dir)?
            }
            other => other?,
        };
        file.write_all(MAGIC)?;
        file.write_all(&checksum(key, bytes))?;
        file.write_all(bytes)?;
        file.persist(dir.join(key.file_name())).map_err(|error| error.error)?;
        Ok(())
    }

    fn path(&self, bucket: Bucket, key: &Key) -> PathBuf {
        self.dir.join(bucket.dir()).join(key.file_name())
    }

    /// Shows every entry in every bucket of any version, without following links: a file, or a repository's folder.
    fn visit(&self, mut each: impl FnMut(&Path, Seen) -> io::Result<()>) -> Result<(), IndexError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| IndexError::Cache { path, source }
        };
        for bucket in list(&self.dir).map_err(failed(&self.dir))? {
            let name = bucket.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let of_repositories = name.starts_with(family(REPOSITORIES));
            let plain = [FILES, LAYERS, BLOBS].map(family);
            let mut families = Bucket::ALL.iter().map(|bucket| bucket.family()).chain(plain);
            let is_bucket = families.any(|family| name.starts_with(family));
            if !(is_bucket || of_repositories)
                || !fs::symlink_metadata(&bucket).is_ok_and(|metadata| metadata.is_dir())
            {
                continue;
            }
            // The blobs lie as in an image layout.
            let bucket = if name.starts_with(family(BLOBS)) { bucket.join("blobs/sha256") } else { bucket };
            for path in list(&bucket).map_err(failed(&bucket))? {
                match fs::symlink_metadata(&path) {
                    Ok(metadata) if metadata.is_dir() && !of_repositories => {}
                    Ok(metadata) => {
                        let bytes = bytes_in(&path, &metadata).map_err(failed(&path))?;
                        let seen = Seen { bytes, modified: metadata.modified().ok() };
                        each(&path, seen).map_err(failed(&path))?;
                    }
                    // Another process was faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed(&path)(error)),
                }
            }
        }
        Ok(())
    }
}

impl Bucket {
    const ALL: [Self; 9] = [
        Self::Pages,
        Self::Metadata,
        Self::Sources,
        Self::Links,
        Self::Addresses,
        Self::Built,
        Self::Digests,
        Self::Findings,
        Self::Members,
    ];

    fn dir(self) -> &'static str {
        match self {
            Self::Pages => "pages-v1",
            Self::Metadata => "metadata-v1",
            Self::Sources => "sources-v1",
            Self::Links => "links-v1",
            Self::Addresses => "addresses-v1",
            Self::Built => "built-v1",
            Self::Digests => "digests-v1",
            Self::Findings => "findings-v1",
            Self::Members => "members-v1",
        }
    }

    /// What the names of this bucket's folders begin with, in every version.
    fn family(self) -> &'static str {
        family(self.dir())
    }
}

/// What the names of a folder begin with in every version of its format.
fn family(folder: &str) -> &str {
    folder.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

impl Key {
    /// The key for something that these parts tell from everything else.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize().into())
    }

    fn file_name(&self) -> String {
        crate::hash::to_hex(&self.0)
    }
}

impl Deref for Entry {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.get(HEAD..).unwrap_or_default()
    }
}

impl Entry {
    /// An entry that was never on disk.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self([&[0; HEAD], bytes].concat())
    }
}

fn read_entry(path: &Path, key: &Key) -> io::Result<Entry> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    // A link would lead out of the cache.
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_ENTRY {
        return Err(damaged());
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    fs::File::open(path)?.take(MAX_ENTRY).read_to_end(&mut bytes)?;
    let entry = Entry(bytes);
    let head = [MAGIC.as_slice(), &checksum(key, &entry)].concat();
    if entry.0.get(..HEAD) == Some(&head) { Ok(entry) } else { Err(damaged()) }
}

/// Against accidents, not attackers, who could write the checksum too. The key is part of it, so that an
/// entry under another's name is found.
fn checksum(key: &Key, bytes: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.0);
    hasher.update(bytes);
    hasher.finalize().to_le_bytes()
}

/// Tells backup programs that the folder can be left out (the Cache Directory Tagging specification).
fn mark_as_cache(dir: &Path) -> io::Result<()> {
    let tag = dir.join("CACHEDIR.TAG");
    if !tag.exists() {
        fs::write(tag, "Signature: 8a477f597d28d172789f06886806bc55\n")?;
    }
    Ok(())
}

fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The bytes of a file, or of all files below a folder, without following links.
fn bytes_in(path: &Path, metadata: &fs::Metadata) -> io::Result<u64> {
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let inside = list(path)?.into_iter().map(|path| bytes_in(&path, &fs::symlink_metadata(&path)?));
    inside.sum()
}

/// Removes a file or a folder that another process may have removed first.
fn remove(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return remove_file(path);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a file that another process may have removed first.
fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
