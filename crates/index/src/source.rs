//! A wheel or a source archive that is named by its own address, on the web or on disk: its metadata and its digest.

use std::io::Seek as _;
use std::path::Path;

use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::sdist::{Expected, MetadataOrigin, Obstacle, SourceFiles, static_metadata};
use mlresolve_packaging::simple::{Hashes, MetadataOffer, Yanked};
use mlresolve_packaging::{SdistExtension, Version, parse_version};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::cache::{Bucket, Key};
use crate::download::Downloaded;
use crate::metadata::parse;
use crate::sdist_archive::read_sdist;
use crate::transport::Limit;
use crate::wheel_tail::{read_archive, unreadable};
use crate::{CacheMode, File, IndexClient, IndexError, IndexUrl, IndexUrlError, MetadataError};

/// What is at an address.
#[derive(Clone, Debug)]
pub struct SourceRead {
    /// Its metadata; the version in it means nothing if `version` is `None`.
    pub metadata: CoreMetadata,
    /// Where the metadata was read.
    pub origin: MetadataOrigin,
    /// The version, unless only a build would tell.
    pub version: Option<Version>,
    /// The SHA-256 of the file, as 64 lowercase hexadecimal digits.
    pub sha256: String,
    /// The size of the file in bytes.
    pub bytes: u64,
}

/// What is kept of a file: enough to read its metadata again.
#[derive(Deserialize, Serialize)]
struct Kept {
    sha256: String,
    bytes: u64,
    content: Content,
}

#[derive(Deserialize, Serialize)]
enum Content {
    /// The METADATA of a wheel.
    Wheel(Vec<u8>),
    Source(SourceFiles),
}

impl File {
    /// A file at an address of its own: `https:`, `http:` or `file:`. The credentials in the address are sent to its
    /// own origin only.
    ///
    /// # Errors
    /// When the address is of another kind.
    pub fn direct(url: &Url, filename: String) -> Result<Self, IndexUrlError> {
        let index = IndexUrl::links(url.clone())?;
        let mut url = url.clone();
        url.set_fragment(None);
        crate::index_url::remove_userinfo(&mut url);
        Ok(Self {
            wheel: filename.parse().ok(),
            sdist: None,
            filename,
            url: url.into(),
            hashes: Hashes::default(),
            requires_python: None,
            size: None,
            upload_time: None,
            yanked: Yanked::No,
            metadata_offer: MetadataOffer::Absent,
            index,
        })
    }
}

impl IndexClient {
    /// Reads a file that is named by its own address. What is at an address on the web is fetched once and then taken
    /// to stay, until [`CacheMode::Refresh`] asks again; a file on disk is read anew each time.
    ///
    /// `subdirectory` is the folder in a source archive that holds the project. `known` is the digest of the file
    /// where a lock tells it: of a wheel, then only the metadata is fetched.
    ///
    /// # Errors
    /// [`MetadataError::Index`] if it cannot be fetched; another one if it is of no use.
    pub async fn read_source(
        &self,
        file: &File,
        subdirectory: Option<&str>,
        known: Option<Downloaded>,
    ) -> Result<SourceRead, MetadataError> {
        let folder = subdirectory.unwrap_or_default();
        if let Some(path) = file.local_path() {
            let failed = |source| IndexError::FindLinks { path: path.clone(), source };
            let mut opened = std::fs::File::open(&path).map_err(failed)?;
            let downloaded = crate::download::digest_of(&mut opened).map_err(failed)?;
            return self.take_apart(file, folder, &mut opened, downloaded)?.read(file);
        }
        let identity = file.index.identity();
        let known_digest = known.as_ref().map_or("", |known| known.sha256.as_str());
        let key = Key::of(&["source", &identity, &file.url, folder, known_digest]);
        let newest = Key::of(&["source", &identity, &file.url, folder, ""]);
        if self.options.mode != CacheMode::Refresh
            && let Some(cache) = &self.cache
        {
            let entries = [&key, &newest].into_iter().filter_map(|key| cache.read(Bucket::Addresses, key));
            let mut kept = entries.filter_map(|entry| postcard::from_bytes::<Kept>(&entry).ok());
            let same = |kept: &Kept| known_digest.is_empty() || kept.sha256 == known_digest;
            if let Some(kept) = kept.find(same) {
                return kept.read(file);
            }
        }
        if let (Some(known), Some(_)) = (&known, &file.wheel) {
            let mut of_lock = file.clone();
            of_lock.hashes.sha256 = Some(known.sha256.clone());
            of_lock.size = Some(known.bytes);
            let metadata = self.metadata(&of_lock).await?;
            return Ok(SourceRead {
                version: file.wheel.as_ref().map(|wheel| wheel.version.clone()),
                metadata: metadata.core.clone(),
                origin: metadata.origin,
                sha256: known.sha256.clone(),
                bytes: known.bytes,
            });
        }
        if self.options.mode == CacheMode::Offline {
            return Err(IndexError::Offline { what: file.filename.clone() }.into());
        }
        let place = Path::new("a temporary file");
        let mut whole = self.temporary_file(place)?;
        let limit = Limit { name: "download", bytes: self.options.limits.download };
        let downloaded = self.download_into(file, &mut whole, place, limit).await?;
        let kept = self.take_apart(file, folder, &mut whole, downloaded)?;
        if let (Some(cache), Ok(bytes)) = (&self.cache, postcard::to_allocvec(&kept)) {
            cache.write(Bucket::Addresses, &newest, &bytes);
            let own = Key::of(&["source", &identity, &file.url, folder, &kept.sha256]);
            cache.write(Bucket::Addresses, &own, &bytes);
        }
        kept.read(file)
    }

    fn take_apart(
        &self,
        file: &File,
        folder: &str,
        archive: &mut std::fs::File,
        Downloaded { sha256, bytes }: Downloaded,
    ) -> Result<Kept, MetadataError> {
        archive.rewind().map_err(|error| unreadable(file, error.to_string()))?;
        let content = match &file.wheel {
            Some(wheel) => {
                let metadata = read_archive(archive, wheel, self.options.limits.metadata);
                Content::Wheel(metadata.map_err(|reason| unreadable(file, reason))?)
            }
            None => {
                let extension = SdistExtension::split(&file.filename).map(|(_, extension)| extension);
                let extension = extension
                    .ok_or_else(|| MetadataError::NotADistribution { file: file.filename.clone() })?;
                let files = read_sdist(archive, extension, folder, &self.options.limits.sdist);
                Content::Source(files.map_err(|error| unreadable(file, error.to_string()))?)
            }
        };
        Ok(Kept { sha256, bytes, content })
    }
}

impl Kept {
    fn read(self, file: &File) -> Result<SourceRead, MetadataError> {
        let (metadata, origin, version) = match (&self.content, &file.wheel) {
            (Content::Wheel(bytes), Some(wheel)) => {
                let metadata = parse(file, wheel, bytes)?;
                (metadata, MetadataOrigin::Wheel, Some(wheel.version.clone()))
            }
            (Content::Source(files), None) => read_source_files(file, files)?,
            _ => return Err(unreadable(file, "what was kept of it is of another kind".to_owned())),
        };
        Ok(SourceRead { metadata, origin, version, sha256: self.sha256, bytes: self.bytes })
    }
}

type Read = (CoreMetadata, MetadataOrigin, Option<Version>);

/// The name of an archive at an address need not tell anything; its content does.
fn read_source_files(file: &File, files: &SourceFiles) -> Result<Read, MetadataError> {
    let needs_build = |why| MetadataError::NeedsBuild { file: file.filename.clone(), why };
    match static_metadata(files, Expected::default()) {
        Ok((metadata, origin)) => {
            let version = metadata.version.clone();
            Ok((metadata, origin, Some(version)))
        }
        Err(error) => {
            let version_alone =
                |obstacle: &Obstacle| matches!(obstacle, Obstacle::Dynamic { field: "version", .. });
            let unknown = parse_version("0").ok();
            if !error.obstacles.iter().any(version_alone) {
                return Err(needs_build(error));
            }
            let expected = Expected { name: None, version: unknown.as_ref() };
            let (metadata, origin) = static_metadata(files, expected).map_err(needs_build)?;
            Ok((metadata, origin, None))
        }
    }
}
