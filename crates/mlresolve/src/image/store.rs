//! Layers that were made before, by what they were made of.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use mlresolve_index::Cache;
use mlresolve_layers::listing::LayerListing;
use mlresolve_layers::oci::{Layout, remove_leftovers};
use mlresolve_layers::{Compression, Digest, FORMAT_VERSION};
use serde::Serialize;

use super::bytecode::BytecodeLayer;
use super::error::ImageError;
use super::package_layer::PackageLayer;
use super::sources::BuiltWheel;

/// The version of what is kept here of a layer, and of how wheels are installed.
const VERSION: u32 = 2;

/// The largest description of a layer that is read back, in bytes.
const DESCRIPTION_LIMIT: u64 = 256 * 1024 * 1024;

const CHECKSUM_BYTES: usize = 32;

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
    pub(crate) fn open(cache: Option<&Cache>) -> Result<Self, ImageError> {
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
        remove_leftovers(&folder);
        Ok(Self { blobs: Layout::create(blobs)?, folder, _temporary: temporary })
    }

    /// The layer of a recipe, if it was made before. That its blob is undamaged is still to be seen.
    pub(crate) fn get(&self, recipe: &Recipe<'_>) -> Option<PackageLayer> {
        let place = self.place(recipe)?;
        let found: PackageLayer = read(&place)?;
        let is_there = self.blobs.holds(&found.layer.digest, found.layer.size);
        if is_there {
            Cache::renew(&place);
            Cache::renew(&self.blobs.blob_path(&found.layer.digest));
        }
        is_there.then_some(found)
    }

    /// Keeps what is known of a layer whose blob is there. That it cannot be kept is no failure.
    pub(crate) fn keep(&self, recipe: &Recipe<'_>, layer: &PackageLayer) {
        if let Some(path) = self.place(recipe) {
            self.write(&path, layer);
        }
    }

    /// What a layer of a base holds, if it was listed before.
    pub(crate) fn listing(&self, diff_id: &Digest) -> Option<LayerListing> {
        read(&self.place_of_listing(diff_id))
    }

    /// Keeps what a layer of a base holds.
    pub(crate) fn keep_listing(&self, diff_id: &Digest, listing: &LayerListing) {
        self.write(&self.place_of_listing(diff_id), listing);
    }

    /// The wheel that was built of a source before.
    pub(crate) fn built(&self, key: &Digest) -> Option<BuiltWheel> {
        read(&self.folder.join(key.hex()))
    }

    /// Keeps which wheel was built of a source.
    pub(crate) fn keep_built(&self, key: &Digest, built: &BuiltWheel) {
        self.write(&self.folder.join(key.hex()), built);
    }

    /// The layers of bytecode that were made before, if their blobs are there.
    pub(crate) fn bytecode(&self, key: &Digest) -> Option<Vec<BytecodeLayer>> {
        let layers: Vec<BytecodeLayer> = read(&self.folder.join(key.hex()))?;
        let is_there = |layer: &BytecodeLayer| self.blobs.holds(&layer.layer.digest, layer.layer.size);
        layers.iter().all(is_there).then_some(layers)
    }

    /// Keeps which layers of bytecode were made.
    pub(crate) fn keep_bytecode(&self, key: &Digest, layers: &[BytecodeLayer]) {
        self.write(&self.folder.join(key.hex()), &layers);
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

    fn place_of_listing(&self, diff_id: &Digest) -> PathBuf {
        let key = format!("listing {VERSION} {diff_id}");
        self.folder.join(Digest::of(key.as_bytes()).hex())
    }

    fn write(&self, path: &Path, described: &impl Serialize) {
        let keep = || -> Option<()> {
            let described = postcard::to_stdvec(described).ok()?;
            let mut file = mlresolve_layers::oci::temporary_file(&self.folder).ok()?;
            file.write_all(checksum(&described).as_bytes()).ok()?;
            file.write_all(&described).ok()?;
            file.persist(path).ok().map(drop)
        };
        if keep().is_none() {
            tracing::debug!(folder = %self.folder.display(), "what is known of a layer cannot be kept");
        }
    }
}

/// Reads a description; what is damaged is none.
fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(DESCRIPTION_LIMIT).read_to_end(&mut bytes).ok()?;
    let (found, described) = bytes.split_at_checked(CHECKSUM_BYTES)?;
    if found != checksum(described).as_bytes() {
        return None;
    }
    postcard::from_bytes(described).ok()
}

/// Against accidents: half of a digest, as text.
fn checksum(bytes: &[u8]) -> String {
    Digest::of(bytes).hex().chars().take(CHECKSUM_BYTES).collect()
}
