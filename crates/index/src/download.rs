//! Whole files, hashed while they arrive.

use std::fs;
use std::io::{self, Read as _, Seek, Write};
use std::path::{Path, PathBuf};

use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use url::Url;

use crate::hash::to_hex;
use crate::index_url::{is_link_local, is_web, redacted};
use crate::pages::status_error;
use crate::transport::{Get, GetError, Limit, Sink};
use crate::{CacheMode, File, IndexClient, IndexError};

/// What was downloaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Downloaded {
    /// The SHA-256 of the bytes, as 64 lowercase hexadecimal digits. If the index announced one, it is this
    /// one.
    pub sha256: String,
    /// How many bytes.
    pub bytes: u64,
}

impl IndexClient {
    /// Downloads a file to a path. The bytes are written beside it and renamed once they are complete and
    /// their SHA-256 is the announced one, so that the path never holds half a file or a wrong one. Where
    /// the index announces no SHA-256, nothing is verified, and the caller decides what the returned one is
    /// worth.
    ///
    /// # Errors
    /// Any [`IndexError`] of the way there; [`IndexError::HashMismatch`]; [`IndexError::Write`]; and
    /// [`IndexError::Offline`] when the network is off.
    pub async fn download(&self, file: &File, to: &Path) -> Result<Downloaded, IndexError> {
        let failed = |source| IndexError::Write { path: to.to_owned(), source };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut temporary = readable_by_all().tempfile_in(folder).map_err(failed)?;
        let limit = Limit { name: "download", bytes: self.options.limits.download };
        let downloaded = self.download_into(file, temporary.as_file_mut(), to, limit).await?;
        temporary.persist(to).map_err(|error| failed(error.error))?;
        Ok(downloaded)
    }

    /// Downloads a file into an open one. `place` is what an error calls that.
    pub(crate) async fn download_into(
        &self,
        file: &File,
        into: &mut fs::File,
        place: &Path,
        limit: Limit,
    ) -> Result<Downloaded, IndexError> {
        if let Some(path) = file.local_path() {
            return copy_local(file, &path, into, place);
        }
        if self.options.mode == CacheMode::Offline {
            return Err(IndexError::Offline { what: file.filename.clone() });
        }
        let url = file.parsed_url()?;
        // What is longer than the index says is another file, and need not be read to its end.
        let limit = match file.size {
            Some(bytes) if bytes < limit.bytes => Limit { name: "size on the index", bytes },
            _ => limit,
        };
        let get = Get {
            url: url.clone(),
            index: &file.index,
            headers: HeaderMap::new(),
            compression: false,
            limit,
            deadline: self.options.timeouts.download,
        };
        let mut sink = HashedFile { file: into, hasher: Sha256::new(), bytes: 0 };
        let answer = self.transport.get(&get, &mut sink).await.map_err(|error| match error {
            GetError::Index(error) => error,
            GetError::Sink(source) => IndexError::Write { path: place.to_owned(), source },
        })?;
        if answer.status != http::StatusCode::OK {
            return Err(status_error(&answer, &file.index, &url));
        }
        if answer.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let reason = format!("{} is sent compressed, though it was asked for as it is", redacted(&url));
            return Err(IndexError::FileUrl { file: file.filename.clone(), reason });
        }
        let found = to_hex(&sink.hasher.finalize());
        let downloaded = Downloaded { sha256: found, bytes: sink.bytes };
        file.held_to_its_hash(downloaded)
    }
}

/// The digest of an open file.
pub(crate) fn digest_of(from: &mut fs::File) -> io::Result<Downloaded> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut chunk)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        bytes += read as u64;
    }
    Ok(Downloaded { sha256: to_hex(&hasher.finalize()), bytes })
}

/// A file on this machine's disk, which is read as it is and not kept.
fn copy_local(file: &File, path: &Path, into: &mut fs::File, place: &Path) -> Result<Downloaded, IndexError> {
    let unreadable = |source| IndexError::FindLinks { path: path.to_owned(), source };
    let mut from = fs::File::open(path).map_err(unreadable)?;
    let mut sink = HashedFile { file: into, hasher: Sha256::new(), bytes: 0 };
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut chunk).map_err(unreadable)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        sink.write(bytes).map_err(|source| IndexError::Write { path: place.to_owned(), source })?;
    }
    let downloaded = Downloaded { sha256: to_hex(&sink.hasher.finalize()), bytes: sink.bytes };
    file.held_to_its_hash(downloaded)
}

impl File {
    /// Where the file lies on this machine's disk, if it is in a place that the user named.
    pub fn local_path(&self) -> Option<PathBuf> {
        let named = self.index.is_local() && self.url.starts_with("file:");
        named.then(|| Url::parse(&self.url).ok()?.to_file_path().ok()).flatten()
    }

    fn held_to_its_hash(&self, downloaded: Downloaded) -> Result<Downloaded, IndexError> {
        match self.sha256() {
            Some(expected) if expected != downloaded.sha256 => Err(IndexError::HashMismatch {
                file: self.filename.clone(),
                expected: expected.to_owned(),
                found: downloaded.sha256,
            }),
            _ => Ok(downloaded),
        }
    }

    /// The address, held to be one that is fetched over HTTP.
    pub(crate) fn parsed_url(&self) -> Result<Url, IndexError> {
        let refused = |reason: String| IndexError::FileUrl { file: self.filename.clone(), reason };
        let url = Url::parse(&self.url).map_err(|error| refused(error.to_string()))?;
        if !is_web(&url) {
            return Err(refused(format!("`{}:` is not http or https", url.scheme())));
        }
        if is_link_local(&url) && !is_link_local(self.index.public_url()) {
            return Err(refused(format!("{} is link-local, and the index is not", redacted(&url))));
        }
        Ok(url)
    }
}

struct HashedFile<'a> {
    file: &'a mut fs::File,
    hasher: Sha256,
    bytes: u64,
}

impl Sink for HashedFile<'_> {
    fn restart(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.hasher = Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.hasher.update(chunk);
        self.bytes += chunk.len() as u64;
        self.file.write_all(chunk)
    }
}

/// Temporary files are private by default; a download is to be as readable as any file the user makes.
fn readable_by_all() -> tempfile::Builder<'static, 'static> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes to set"))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}
