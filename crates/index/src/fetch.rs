//! The files of a lock: fetched once, kept by their digest, taken up again where an earlier run stopped.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::download::digest_of;
use crate::hash::to_hex;
use crate::index_url::{is_link_local, is_web, redacted};
use crate::pages::status_error;
use crate::transport::{Get, GetError, Limit, Sink};
use crate::{Cache, CacheMode, IndexClient, IndexError, IndexUrl};

/// How long a run waits before it looks again whether another one has fetched a file.
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(200);

/// A file of a lock that is to be had.
#[derive(Clone, Debug)]
pub struct LockedFile {
    /// Its name, for messages alone.
    pub filename: String,
    /// Where it is: absolute, HTTP or HTTPS.
    pub url: String,
    /// The index whose credentials are sent if the file lies on the same origin; `None` for a file on this machine's disk,
    /// which is verified and never fetched.
    pub index: Option<IndexUrl>,
    /// Its length in bytes, if the lock says it.
    pub size: Option<u64>,
    /// Its SHA-256 as 64 lowercase hexadecimal digits.
    pub sha256: String,
}

impl LockedFile {
    fn mismatch(&self, found: String) -> IndexError {
        IndexError::NotTheLocked { file: self.filename.clone(), expected: self.sha256.clone(), found }
    }
}

impl IndexClient {
    /// The path of a file in a folder in which files are kept by their digests; it is fetched if it is not there.
    ///
    /// Of a file that was there, only the length is looked at: whoever uses it verifies it ([`verify_file`]). One that
    /// is fetched is verified while it arrives, and the path has it only when it is whole. What an earlier run left of
    /// it is not fetched again. Two runs may fetch one file: the second waits for the first.
    ///
    /// `progress` is told how many of its bytes are there.
    ///
    /// # Errors
    /// Any [`IndexError`] of the way there; [`IndexError::NotTheLocked`]; [`IndexError::Write`]; and
    /// [`IndexError::Offline`] when the network is off.
    pub async fn fetch(
        &self,
        file: &LockedFile,
        folder: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<PathBuf, IndexError> {
        let path = folder.join(&file.sha256);
        if let Some(bytes) = whole(&path, file) {
            Cache::renew(&path);
            progress(bytes);
            return Ok(path);
        }
        if self.options.mode == CacheMode::Offline {
            return Err(IndexError::Offline { what: file.filename.clone() });
        }
        let (url, index) = checked(file)?;
        let failed = |source| IndexError::Write { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let unfinished = folder.join(format!("{}.part", file.sha256));
        let part = loop {
            let part = open(&unfinished).map_err(failed)?;
            match part.try_lock() {
                Ok(()) | Err(TryLockError::Error(_)) => {}
                Err(TryLockError::WouldBlock) => {
                    tokio::time::sleep(WAIT_FOR_OTHERS).await;
                    continue;
                }
            }
            if let Some(bytes) = whole(&path, file) {
                // Another run was faster; what is open is its leftover or a new empty file.
                drop(fs::remove_file(&unfinished));
                progress(bytes);
                return Ok(path);
            }
            // Another run may have renamed or removed it between the opening and the locking.
            if is_at(&part, &unfinished) {
                break part;
            }
        };
        let limit = match file.size {
            Some(bytes) => Limit { name: "size in the lock", bytes },
            None => Limit { name: "download", bytes: self.options.limits.download },
        };
        let mut sink = Part::resume(part, limit.bytes, progress).map_err(failed)?;
        let mut resumed = sink.bytes > 0;
        loop {
            self.fill(file, (&url, index), limit, &mut sink, &path).await?;
            let (found, bytes) = (to_hex(&sink.hasher.clone().finalize()), sink.bytes);
            if found == file.sha256 {
                tracing::debug!(file = file.filename, bytes, "fetched");
                break;
            }
            // What an earlier run left may be of another file; this one starts over.
            sink.restart().map_err(failed)?;
            if !std::mem::take(&mut resumed) {
                drop(fs::remove_file(&unfinished));
                return Err(file.mismatch(found));
            }
        }
        fs::rename(&unfinished, &path).map_err(failed)?;
        Ok(path)
    }

    /// Fetches what is missing of a file.
    async fn fill(
        &self,
        file: &LockedFile,
        (url, index): (&Url, &IndexUrl),
        limit: Limit,
        sink: &mut Part<'_>,
        path: &Path,
    ) -> Result<(), IndexError> {
        if file.size.is_some_and(|size| size == sink.bytes) {
            return Ok(());
        }
        let get = Get {
            url: url.clone(),
            index,
            headers: HeaderMap::new(),
            compression: false,
            limit,
            deadline: self.options.timeouts.download,
        };
        let answer = self.transport.get(&get, sink).await.map_err(|error| match error {
            GetError::Index(error) => error,
            GetError::Sink(source) => IndexError::Write { path: path.to_owned(), source },
        })?;
        if !matches!(answer.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Err(status_error(&answer, index, url));
        }
        if answer.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let reason = format!("{} is sent compressed, though it was asked for as it is", redacted(url));
            return Err(IndexError::FileUrl { file: file.filename.clone(), reason });
        }
        Ok(())
    }
}

/// Holds a file on this machine's disk to its digest in a lock.
///
/// # Errors
/// [`IndexError::NotTheLocked`], or [`IndexError::Cache`] when it cannot be read.
pub fn verify_file(path: &Path, file: &LockedFile) -> Result<(), IndexError> {
    let read = File::open(path).and_then(|mut open| digest_of(&mut open));
    let found = read.map_err(|source| IndexError::Cache { path: path.to_owned(), source })?;
    if found.sha256 == file.sha256 { Ok(()) } else { Err(file.mismatch(found.sha256)) }
}

/// The length of a kept file, unless it is not there or has another than the lock says.
fn whole(path: &Path, file: &LockedFile) -> Option<u64> {
    // A link would lead out of the cache.
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(metadata.len()).filter(|bytes| file.size.is_none_or(|size| size == *bytes))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |open: fs::Metadata| {
        fs::symlink_metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (open.dev(), open.ino()))
    };
    file.metadata().is_ok_and(same)
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Where a file is fetched from.
fn checked(file: &LockedFile) -> Result<(Url, &IndexUrl), IndexError> {
    let refused = |reason: String| IndexError::FileUrl { file: file.filename.clone(), reason };
    let url = Url::parse(&file.url).map_err(|error| refused(error.to_string()))?;
    if !is_web(&url) {
        return Err(refused(format!("`{}:` is not http or https", url.scheme())));
    }
    let index = file.index.as_ref().ok_or_else(|| refused("it is of no index".to_owned()))?;
    if is_link_local(&url) && !is_link_local(index.public_url()) {
        return Err(refused(format!("{} is link-local, and the index is not", redacted(&url))));
    }
    Ok((url, index))
}

/// A file on its way, locked for as long as it is open.
struct Part<'a> {
    file: File,
    hasher: Sha256,
    bytes: u64,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Part<'a> {
    /// Goes on with what is there.
    fn resume(mut file: File, limit: u64, progress: &'a (dyn Fn(u64) + Sync)) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let (mut bytes, mut chunk) = (0, vec![0; 256 * 1024]);
        loop {
            let length = file.read(&mut chunk)?;
            let Some(part) = chunk.get(..length).filter(|part| !part.is_empty()) else { break };
            bytes += part.len() as u64;
            hasher.update(part);
        }
        let mut part = Self { file, hasher, bytes, progress };
        if bytes > limit {
            part.restart()?;
        }
        progress(part.bytes);
        Ok(part)
    }
}

impl Sink for Part<'_> {
    fn received(&self) -> u64 {
        self.bytes
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.set_len(0)?;
        self.hasher = Sha256::new();
        self.bytes = 0;
        (self.progress)(0);
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)?;
        self.hasher.update(chunk);
        self.bytes += chunk.len() as u64;
        (self.progress)(self.bytes);
        Ok(())
    }
}
