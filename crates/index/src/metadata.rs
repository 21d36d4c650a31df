//! The metadata of one file; of a wheel, from the cache, else from the cheapest place that has it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use mlresolve_packaging::metadata::{CoreMetadata, relevant_headers};
use mlresolve_packaging::sdist::NotStatic;
use mlresolve_packaging::simple::MetadataOffer;
use mlresolve_packaging::{MetadataOrigin, WheelFilename};
use url::Url;

use crate::cache::{Bucket, Key};
use crate::hash::sha256;
use crate::pages::status_error;
use crate::transport::{Get, Limit};
use crate::wheel_tail::{is_version_of, read_archive, read_directory, unreadable};
use crate::{CacheMode, File, IndexClient, IndexError, MetadataError};

/// What a file says of itself, and where that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMetadata {
    /// What it says. The version of a renamed wheel lacks the local part that its file name has.
    pub core: CoreMetadata,
    /// Where it was read.
    pub origin: MetadataOrigin,
}

/// What came of reading a file, to be kept for the life of a client.
pub(crate) enum MetadataOutcome {
    Known(Arc<FileMetadata>),
    NeedsBuild(NotStatic),
}

/// The key under which a file's metadata is kept: where it was offered and what is known of its bytes, so
/// that no index can speak for the files of another.
pub(crate) fn key(file: &File) -> Key {
    let sidecar = match &file.metadata_offer {
        MetadataOffer::Hashed(hashes) => hashes.sha256.as_deref().unwrap_or_default(),
        MetadataOffer::Absent | MetadataOffer::Present => "",
    };
    let bytes = file.sha256().unwrap_or(&file.url);
    Key::of(&["metadata", &file.index.identity(), &file.filename, bytes, sidecar])
}

impl IndexClient {
    /// The metadata of a file that is not in memory.
    pub(crate) async fn read_metadata(
        &self,
        file: &File,
        key: &Key,
    ) -> Result<MetadataOutcome, MetadataError> {
        if let Some(wheel) = &file.wheel {
            let core = self.wheel_metadata(file, wheel, key).await?;
            let origin = MetadataOrigin::Wheel;
            return Ok(MetadataOutcome::Known(Arc::new(FileMetadata { core, origin })));
        }
        match &file.sdist {
            Some(sdist) => self.sdist_metadata(file, sdist, key).await,
            None => Err(MetadataError::NotADistribution { file: file.filename.clone() }),
        }
    }

    async fn wheel_metadata(
        &self,
        file: &File,
        wheel: &WheelFilename,
        key: &Key,
    ) -> Result<CoreMetadata, MetadataError> {
        if let Some(path) = file.local_path() {
            return read_local(file, wheel, &path, self.options.limits.metadata);
        }
        if let Some(cache) = &self.cache
            && let Some(entry) = cache.read(Bucket::Metadata, key)
        {
            match parse(file, wheel, &entry) {
                Ok(metadata) => return Ok(metadata),
                Err(_) => cache.reject(Bucket::Metadata, key),
            }
        }
        if self.options.mode == CacheMode::Offline {
            return Err(IndexError::Offline { what: format!("the metadata of {}", file.filename) }.into());
        }
        let bytes = self.fetch_metadata(file, wheel).await?;
        let metadata = parse(file, wheel, &bytes)?;
        if let Some(cache) = &self.cache {
            cache.write(Bucket::Metadata, key, &relevant_headers(&bytes));
        }
        Ok(metadata)
    }

    async fn fetch_metadata(&self, file: &File, wheel: &WheelFilename) -> Result<Vec<u8>, MetadataError> {
        let url = file.parsed_url()?;
        if file.metadata_offer != MetadataOffer::Absent
            && let Some(bytes) = self.fetch_sidecar(file, &url).await?
        {
            return Ok(bytes);
        }
        if let Some(end) = self.read_tail(file, Some(wheel), &url).await?
            && let Some(bytes) = end.metadata
        {
            self.keep_members(file, &end.directory);
            return Ok(bytes);
        }
        tracing::debug!(file = file.filename, "no range requests; downloading the wheel for its metadata");
        let limit = Limit { name: "download", bytes: self.options.limits.download };
        let whole = self.download_for_reading(file, limit).await?;
        if let Ok(directory) = read_directory(&whole, self.options.limits.wheel_directory) {
            self.keep_members(file, &directory);
        }
        read_archive(whole, wheel, self.options.limits.metadata).map_err(|reason| unreadable(file, reason))
    }

    /// A file that is gone when it is closed. Beside the cache, since the system's temporary folder may be memory, and
    /// wheels have gigabytes.
    pub(crate) fn temporary_file(&self, place: &Path) -> Result<fs::File, IndexError> {
        let file = match &self.cache {
            Some(cache) => tempfile::tempfile_in(cache.dir()).or_else(|_| tempfile::tempfile()),
            None => tempfile::tempfile(),
        };
        file.map_err(|source| IndexError::Write { path: place.to_owned(), source })
    }

    /// Downloads a file that nobody keeps, and verifies its hash.
    pub(crate) async fn download_for_reading(
        &self,
        file: &File,
        limit: Limit,
    ) -> Result<fs::File, IndexError> {
        let place = Path::new("a temporary file");
        let mut whole = self.temporary_file(place)?;
        self.download_into(file, &mut whole, place, limit).await?;
        Ok(whole)
    }

    /// The METADATA file beside the wheel (PEP 658); `None` if it is not there though it was announced.
    async fn fetch_sidecar(&self, file: &File, url: &Url) -> Result<Option<Vec<u8>>, IndexError> {
        let mut url = url.clone();
        url.set_path(&format!("{}.metadata", url.path()));
        let get = Get {
            url: url.clone(),
            index: &file.index,
            headers: HeaderMap::new(),
            compression: true,
            limit: Limit { name: "metadata", bytes: self.options.limits.metadata },
            deadline: self.options.timeouts.total,
        };
        let mut body = Vec::new();
        let answer =
            self.transport.get(&get, &mut body).await.map_err(|error| error.into_index_error(&url))?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => return Ok(None),
            _ => return Err(status_error(&answer, &file.index, &url)),
        }
        if let MetadataOffer::Hashed(hashes) = &file.metadata_offer
            && let Some(expected) = &hashes.sha256
        {
            let found = sha256(&body);
            if found != *expected {
                let file = format!("{}.metadata", file.filename);
                return Err(IndexError::HashMismatch { file, expected: expected.clone(), found });
            }
        }
        Ok(Some(body))
    }
}

/// The metadata of a wheel on disk, which is read anew each time: it may have changed.
fn read_local(
    file: &File,
    wheel: &WheelFilename,
    path: &Path,
    limit: u64,
) -> Result<CoreMetadata, MetadataError> {
    let opened =
        fs::File::open(path).map_err(|source| IndexError::FindLinks { path: path.to_owned(), source })?;
    let bytes = read_archive(opened, wheel, limit).map_err(|reason| unreadable(file, reason))?;
    parse(file, wheel, &bytes)
}

/// Reads metadata and holds it to be of the file.
pub(crate) fn parse(file: &File, wheel: &WheelFilename, bytes: &[u8]) -> Result<CoreMetadata, MetadataError> {
    let metadata = CoreMetadata::parse(bytes)
        .map_err(|source| MetadataError::Invalid { file: file.filename.clone(), source })?;
    let inconsistent = |field, expected: String, found: String| MetadataError::Inconsistent {
        file: file.filename.clone(),
        field,
        expected,
        found,
    };
    if metadata.name != wheel.name {
        return Err(inconsistent("name", wheel.name.to_string(), metadata.name.to_string()));
    }
    if !is_version_of(&metadata.version, wheel) {
        return Err(inconsistent("version", wheel.version.to_string(), metadata.version.to_string()));
    }
    Ok(metadata)
}
