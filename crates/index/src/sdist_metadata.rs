//! The metadata of one source distribution, as far as it is told without building it.
//!
//! What is cached is not the answer but the files that it is read from: whoever reads them better later needs no
//! download for it, and "must be built" is known again without one.

use mlresolve_packaging::SdistFilename;
use mlresolve_packaging::metadata::relevant_headers;
use mlresolve_packaging::sdist::{Expected, NotStatic, Obstacle, SourceFiles, static_metadata};
use serde::{Deserialize, Serialize};

use crate::cache::{Bucket, Key};
use crate::metadata::{FileMetadata, MetadataOutcome};
use crate::sdist_archive::{SdistError, is_read, read_sdist};
use crate::transport::Limit;
use crate::wheel_tail::unreadable;
use crate::{CacheMode, File, IndexClient, IndexError, MetadataError};

/// The name of the limit on what is downloaded to be read.
const ARCHIVE_LIMIT: &str = "sdist";

/// What is cached of a source distribution.
#[derive(Deserialize, Serialize)]
enum Stored {
    Files(SourceFiles),
    /// Its archive cannot be read, for this reason.
    Unreadable(String),
}

impl IndexClient {
    /// The metadata of a source distribution that is not in memory.
    pub(crate) async fn sdist_metadata(
        &self,
        file: &File,
        sdist: &SdistFilename,
        key: &Key,
    ) -> Result<MetadataOutcome, MetadataError> {
        if !is_read(sdist.extension) {
            let obstacles = vec![Obstacle::Archive(sdist.extension.as_str())];
            return Ok(MetadataOutcome::NeedsBuild(NotStatic { obstacles }));
        }
        let local = file.local_path().is_some();
        let stored = match self.cached_source(key) {
            Some(stored) if !local => stored,
            _ => self.fetch_source(file, sdist, key).await?,
        };
        let files = match stored {
            Stored::Files(files) => files,
            Stored::Unreadable(reason) => return Err(unreadable(file, reason)),
        };
        let expected = Expected { name: Some(&sdist.name), version: Some(&sdist.version) };
        Ok(match static_metadata(&files, expected) {
            Ok((core, origin)) => MetadataOutcome::Known(FileMetadata { core, origin }.into()),
            Err(why) => MetadataOutcome::NeedsBuild(why),
        })
    }

    fn cached_source(&self, key: &Key) -> Option<Stored> {
        let cache = self.cache.as_ref()?;
        let entry = cache.read(Bucket::Sources, key)?;
        let stored = postcard::from_bytes(&entry).ok();
        if stored.is_none() {
            cache.reject(Bucket::Sources, key);
        }
        stored
    }

    async fn fetch_source(
        &self,
        file: &File,
        sdist: &SdistFilename,
        key: &Key,
    ) -> Result<Stored, MetadataError> {
        // A file on disk may change, so that nothing of it is kept.
        let local = file.local_path().is_some();
        if self.options.mode == CacheMode::Offline && !local {
            return Err(IndexError::Offline { what: format!("the metadata of {}", file.filename) }.into());
        }
        let limits = self.options.limits.sdist;
        if file.size.is_some_and(|size| size > limits.archive) {
            let url = file.filename.clone();
            return Err(IndexError::TooLarge { url, limit: ARCHIVE_LIMIT, bytes: limits.archive }.into());
        }
        tracing::debug!(file = file.filename, "downloading the source distribution for its metadata");
        let limit = Limit { name: ARCHIVE_LIMIT, bytes: limits.archive };
        let whole = self.download_for_reading(file, limit).await?;
        let extension = sdist.extension;
        // Unpacking would hold up the other requests.
        let read = tokio::task::spawn_blocking(move || read_sdist(whole, extension, "", &limits));
        let stored = match read.await.map_err(|_| IndexError::Cancelled)? {
            Ok(files) => Stored::Files(without_descriptions(&files)),
            Err(error @ SdistError::Io(_)) => return Err(unreadable(file, error.to_string())),
            Err(error) => Stored::Unreadable(error.to_string()),
        };
        if let Some(cache) = self.cache.as_ref().filter(|_| !local)
            && let Ok(bytes) = postcard::to_allocvec(&stored)
        {
            cache.write(Bucket::Sources, key, &bytes);
        }
        Ok(stored)
    }
}

/// The same files, with the headers alone that something depends on.
fn without_descriptions(files: &SourceFiles) -> SourceFiles {
    let mut kept = SourceFiles::default();
    for (path, bytes) in files.iter() {
        let bytes = if path.ends_with("PKG-INFO") { relevant_headers(bytes) } else { bytes.to_vec() };
        kept.insert(path, bytes);
    }
    kept
}
