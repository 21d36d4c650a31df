//! Layers that were made before, by what they were made of.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use mlresolve_layers::oci::Layout;
use mlresolve_layers::{Compression, Digest, FORMAT_VERSION};
use serde::Serialize;

use super::error::ImageError;
use super::package_layer::PackageLayer;

/// The version of what is kept here of a layer, and of how wheels are installed.
const VERSION: u32 = 1;

/// The largest description of a layer that is read back, in bytes.
const DESCRIPTION_LIMIT: u64 = 256 * 1024 * 1024;

/// The blobs of layers, and what is known of them.
pub(crate) struct Store {
    /// Where blobs are.
    pub(crate) blobs: Layout,
    /// Where descriptions are.
    folder: PathBuf,
    /// Goes with the run, where nothing is kept between runs.
    _temporary: Option<tempfile::TempDir>,
}

/// Everything that the bytes of a layer follow from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Recipe<'a> {
    pub(crate) prefix: &'a str,
    /// Such as `3.12` or `3.13t`.
    pub(crate) python: &'a str,
    pub(crate) compression: Compression,
    /// The digests of the wheels, in the order of the packages' names.
    pub(crate) wheels: &'a [Digest],
}

impl Store {
    /// The layers in a cache, or in a folder that goes with the run.
    pub(crate) fn open(cache: Option<&mlresolve_index::Cache>) -> Result<Self, ImageError> {
        let temporary =
            match cache {
                Some(_) => None,
                None => Some(tempfile::Builder::new().prefix("mlresolve-layers-").tempdir().map_err(
                    |source| ImageError::File { action: "write", path: std::env::temp_dir(), source },
                )?),
            };
        let (blobs, folder) = match (cache, &temporary) {
            (Some(cache), _) => (cache.blobs(), cache.layers()),
            (None, Some(folder)) => (folder.path().join("blobs"), folder.path().join("layers")),
            (None, None) => return Err(ImageError::Refused("there is no place for layers".to_owned())),
        };
        fs::create_dir_all(&folder).map_err(|source| ImageError::File {
            action: "write",
            path: folder.clone(),
            source,
        })?;
        Ok(Self { blobs: Layout::create(blobs)?, folder, _temporary: temporary })
    }

    /// The layer of a recipe, if it was made before. That its blob is undamaged is still to be seen.
    pub(crate) fn get(&self, recipe: &Recipe<'_>) -> Option<PackageLayer> {
        let path = self.place(recipe)?;
        let mut bytes = Vec::new();
        fs::File::open(&path).ok()?.take(DESCRIPTION_LIMIT).read_to_end(&mut bytes).ok()?;
        let (digest, described) = bytes.split_at_checked(32)?;
        // What is damaged is made anew.
        let found: PackageLayer = (Digest::of(described).hex().get(..32)?.as_bytes() == digest)
            .then(|| postcard::from_bytes(described).ok())??;
        self.blobs.holds(&found.layer.digest, found.layer.size).then_some(found)
    }

    /// Keeps what is known of a layer whose blob is there. That it cannot be kept is no failure.
    pub(crate) fn keep(&self, recipe: &Recipe<'_>, layer: &PackageLayer) {
        let keep = || -> Option<()> {
            let path = self.place(recipe)?;
            let described = postcard::to_stdvec(layer).ok()?;
            let digest = Digest::of(&described).hex();
            let mut file = tempfile::NamedTempFile::new_in(&self.folder).ok()?;
            file.write_all(digest.get(..32)?.as_bytes()).ok()?;
            file.write_all(&described).ok()?;
            file.persist(path).ok().map(drop)
        };
        if keep().is_none() {
            tracing::debug!(folder = %self.folder.display(), "what is known of a layer cannot be kept");
        }
    }

    /// Forgets a layer whose blob turned out to be damaged.
    pub(crate) fn forget(&self, recipe: &Recipe<'_>, layer: &PackageLayer) {
        drop(self.place(recipe).map(fs::remove_file));
        drop(fs::remove_file(self.blobs.blob_path(&layer.layer.digest)));
    }

    fn place(&self, recipe: &Recipe<'_>) -> Option<PathBuf> {
        let key = serde_json::to_vec(&(VERSION, FORMAT_VERSION, recipe)).ok()?;
        Some(self.folder.join(Digest::of(&key).hex()))
    }
}
