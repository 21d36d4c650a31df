//! An image layout on disk (OCI image specification 1.1, image layout).

mod link;

pub use link::{remove_leftovers, temporary_file};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::base::DOCUMENT_BYTES_LIMIT;
use super::model::{Descriptor, ImageConfig, Index, MEDIA_TYPE_CONFIG, MEDIA_TYPE_MANIFEST, Manifest};
use crate::digest::Digest;
use crate::file::LayerFile;
use crate::layer::{Compression, Layer, LayerError, Witness, write_layer, write_layer_before};

/// What `oci-layout` holds.
pub(super) const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Why a layout could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file could not be written or read.
    #[error("cannot use {path}: {error}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A layer could not be made.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A blob that is not there, or has another length or digest.
    #[error("{digest} is not among the blobs of {root}, or is damaged", root = .root.display())]
    Blob {
        /// The digest.
        digest: Digest,
        /// The folder of the layout.
        root: PathBuf,
    },
    /// A document that is not one.
    #[error("{path} is no document of an image: {error}", path = .path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: serde_json::Error,
    },
    /// A document above the limit.
    #[error("{path} is longer than DOCUMENT_BYTES_LIMIT = {DOCUMENT_BYTES_LIMIT} bytes", path = .path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
}

/// One layer of an image, ours or the base's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayer {
    /// Where its blob is.
    pub descriptor: Descriptor,
    /// The digest of the archive in it.
    pub diff_id: Digest,
}

impl From<&Layer> for ImageLayer {
    fn from(layer: &Layer) -> Self {
        let descriptor = Descriptor::new(layer.compression.media_type(), layer.digest, layer.size);
        Self { descriptor, diff_id: layer.diff_id }
    }
}

/// An image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// How it is run; its `rootfs` is filled from the layers.
    pub config: ImageConfig,
    /// The layers, the lowest first.
    pub layers: Vec<ImageLayer>,
    /// Remarks in the manifest, such as `org.opencontainers.image.base.digest`.
    pub annotations: BTreeMap<String, String>,
}

/// An image layout in a folder. Whatever is written is written beside its place and renamed: a file that has a name is
/// whole, and two processes may write the same layout.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// When a folder or file cannot be written.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { root: root.into() };
        let blobs = layout.blobs();
        fs::create_dir_all(&blobs).map_err(|error| LayoutError::Io { path: blobs.clone(), error })?;
        link::remove_leftovers(&blobs);
        link::remove_leftovers(&layout.root);
        layout.replace("oci-layout", LAYOUT)?;
        Ok(layout)
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a blob is, whether or not it is there.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// Whether a blob is there and undamaged: all of it is read.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn has(&self, digest: &Digest, size: u64) -> Result<bool, LayoutError> {
        let path = self.blob_path(digest);
        let check = || -> io::Result<bool> {
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                file => file?,
            };
            if file.metadata()?.len() != size {
                return Ok(false);
            }
            Ok(blobs::digest_of(file)? == *digest)
        };
        check().map_err(|error| LayoutError::Io { path: path.clone(), error })
    }

    /// Makes a layer and keeps its blob.
    ///
    /// # Errors
    /// When the layer cannot be made or written.
    pub fn add_layer(&self, files: &[LayerFile], compression: Compression) -> Result<Layer, LayoutError> {
        self.add(|output| write_layer(files, compression, output))
    }

    /// The same, before a witness of what is in the files.
    ///
    /// # Errors
    /// As [`Self::add_layer`], and when the witness refuses a file.
    pub fn add_layer_before(
        &self,
        witness: &mut dyn Witness,
        files: &[LayerFile],
        compression: Compression,
    ) -> Result<Layer, LayoutError> {
        self.add(|output| write_layer_before(witness, files, compression, output))
    }

    fn add(
        &self,
        write: impl FnOnce(BufWriter<&mut File>) -> Result<Layer, LayerError>,
    ) -> Result<Layer, LayoutError> {
        let mut file = self.temporary(&self.blobs())?;
        let written = write(BufWriter::with_capacity(256 * 1024, file.as_file_mut()));
        let layer = written.map_err(|error| match error {
            LayerError::Write(error) => LayoutError::Io { path: self.blobs(), error },
            error => error.into(),
        })?;
        self.keep(file, &self.blob_path(&layer.digest))?;
        Ok(layer)
    }

    /// Keeps a document as a blob, unless it is there already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_bytes(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        let descriptor = Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64);
        if !self.has(&descriptor.digest, descriptor.size)? {
            self.write(&self.blob_path(&descriptor.digest), bytes)?;
        }
        Ok(descriptor)
    }

    /// Whether a blob of this length is there. Nothing of it is read.
    #[must_use]
    pub fn holds(&self, digest: &Digest, size: u64) -> bool {
        fs::metadata(self.blob_path(digest)).is_ok_and(|file| file.is_file() && file.len() == size)
    }

    /// Writes an image's configuration and manifest, and returns the manifest's descriptor with its platform. All
    /// layers must be there.
    ///
    /// # Errors
    /// When the blob of a layer is missing or has another length, or a document cannot be written.
    pub fn add_image(&self, image: &Image) -> Result<Descriptor, LayoutError> {
        for layer in &image.layers {
            let Descriptor { digest, size, .. } = layer.descriptor;
            // A blob that has its name is whole: whoever gave it the name has verified it.
            if !self.holds(&digest, size) {
                return Err(LayoutError::Blob { digest, root: self.root.clone() });
            }
        }
        let mut config = image.config.clone();
        config.rootfs.diff_ids = image.layers.iter().map(|layer| layer.diff_id).collect();
        let manifest = Manifest {
            schema_version: 2,
            media_type: MEDIA_TYPE_MANIFEST.to_owned(),
            config: self.add_bytes(MEDIA_TYPE_CONFIG, &self.document(&config)?)?,
            layers: image.layers.iter().map(|layer| layer.descriptor.clone()).collect(),
            annotations: image.annotations.clone(),
        };
        let mut descriptor = self.add_bytes(MEDIA_TYPE_MANIFEST, &self.document(&manifest)?)?;
        descriptor.platform = Some(config.platform());
        Ok(descriptor)
    }

    /// Makes these the images of the layout. Before this, the layout has those that it had.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn write_index(&self, index: &Index) -> Result<(), LayoutError> {
        self.replace("index.json", &self.document(index)?)
    }

    /// The images of the layout.
    ///
    /// # Errors
    /// When there is no index, or it cannot be read.
    pub fn read_index(&self) -> Result<Index, LayoutError> {
        self.read(&self.root.join("index.json"))
    }

    /// The manifest of an image.
    ///
    /// # Errors
    /// When it is missing, damaged, or cannot be read.
    pub fn read_manifest(&self, descriptor: &Descriptor) -> Result<Manifest, LayoutError> {
        self.read_blob(descriptor)
    }

    /// A list of images, those of one name for several platforms.
    ///
    /// # Errors
    /// When it is missing, damaged, or cannot be read.
    pub fn read_list(&self, descriptor: &Descriptor) -> Result<Index, LayoutError> {
        self.read_blob(descriptor)
    }

    fn read_blob<T: serde::de::DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<T, LayoutError> {
        if !self.has(&descriptor.digest, descriptor.size)? {
            return Err(LayoutError::Blob { digest: descriptor.digest, root: self.root.clone() });
        }
        self.read(&self.blob_path(&descriptor.digest))
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    fn document(&self, document: &impl Serialize) -> Result<Vec<u8>, LayoutError> {
        serde_json::to_vec(document).map_err(|error| LayoutError::Document { path: self.root.clone(), error })
    }

    fn read<T: serde::de::DeserializeOwned>(&self, path: &Path) -> Result<T, LayoutError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(DOCUMENT_BYTES_LIMIT + 1).read_to_end(&mut bytes))
            .map_err(|error| LayoutError::Io { path: path.to_owned(), error })?;
        if bytes.len() as u64 > DOCUMENT_BYTES_LIMIT {
            return Err(LayoutError::Large { path: path.to_owned() });
        }
        serde_json::from_slice(&bytes).map_err(|error| LayoutError::Document { path: path.to_owned(), error })
    }

    /// Writes a file of the layout's root, unless it is the same already.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), LayoutError> {
        let path = self.root.join(name);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        self.write(&path, bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
        let mut file = self.temporary(path.parent().unwrap_or(&self.root))?;
        file.write_all(bytes).map_err(|error| LayoutError::Io { path: path.to_owned(), error })?;
        self.keep(file, path)
    }

    pub(super) fn temporary(&self, folder: &Path) -> Result<NamedTempFile, LayoutError> {
        link::temporary_file(folder).map_err(|error| LayoutError::Io { path: folder.to_owned(), error })
    }

    pub(super) fn keep(&self, file: NamedTempFile, path: &Path) -> Result<(), LayoutError> {
        // Engines that run as other users read it; a temporary file is its owner's alone.
        #[cfg(unix)]
        file.as_file()
            .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .map_err(|error| LayoutError::Io { path: path.to_owned(), error })?;
        let kept = file.as_file().sync_data().and_then(|()| file.persist(path).map_err(|error| error.error));
        kept.map(drop).map_err(|error| LayoutError::Io { path: path.to_owned(), error })
    }
}

mod blobs;
pub(crate) use blobs::{Incoming, Taking, digest_of, open_file};

#[cfg(test)]
mod tests;
