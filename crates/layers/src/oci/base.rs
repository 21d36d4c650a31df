//! Images that others made, on which our layers are put.
//!
//! A base is read from an image layout, from an archive of one, or from what `docker save` writes. Names within an
//! archive are never paths of this machine: its entries are looked up by their names and read where they lie.

mod choose;
mod docker_archive;
mod documents;
mod store;
mod unpacked;

use std::io;
use std::path::{Path, PathBuf};

use super::layout::{ImageLayer, Layout, LayoutError};
use super::model::{Descriptor, ImageConfig, Platform};
use crate::digest::Digest;
use crate::listing::{Inspect, LayerListing, ListingError, list_layer};
use crate::tar::read::TarError;
use choose::platform_text;
use documents::image;
use store::{Archive, Store};

pub(crate) use choose::{choose, images};
pub(crate) use documents::{DOCKER_LIST, DOCKER_MANIFEST, Document};
pub use documents::{DOCUMENT_BYTES_LIMIT, LAYERS_LIMIT};
pub use store::ARCHIVE_ENTRIES_LIMIT;
pub(crate) use store::Place;
pub use unpacked::{LayerReader, UNPACKED_BYTES_LIMIT};

/// Why a base could not be used.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A file could not be read.
    #[error("cannot read {path}: {error}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file or folder that is none of the forms of an image.
    #[error("{path} is no image: {problem}", path = .path.display())]
    NotAnImage {
        /// The file or folder.
        path: PathBuf,
        /// What it lacks, and what to do.
        problem: String,
    },
    /// An archive that is compressed as a whole.
    #[error("{path} is compressed, so nothing can be read in its midst; unpack it first: {way_out} {path}", path = .path.display())]
    Compressed {
        /// The archive.
        path: PathBuf,
        /// The command.
        way_out: &'static str,
    },
    /// An archive that cannot be read.
    #[error("cannot read {path}: {problem}", path = .path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        problem: TarError,
    },
    /// An archive with too many entries.
    #[error("{path} has more entries than ARCHIVE_ENTRIES_LIMIT = {ARCHIVE_ENTRIES_LIMIT}", path = .path.display())]
    ArchiveEntries {
        /// The archive.
        path: PathBuf,
    },
    /// A document that is not one.
    #[error("{name} cannot be used: {problem}")]
    Document {
        /// Its digest or name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A document above the limit.
    #[error("{name} is longer than DOCUMENT_BYTES_LIMIT = {DOCUMENT_BYTES_LIMIT} bytes")]
    Large {
        /// Its digest or name.
        name: String,
    },
    /// An image with too many layers.
    #[error("{name} has {count} layers, more than LAYERS_LIMIT = {LAYERS_LIMIT}")]
    Layers {
        /// The image.
        name: String,
        /// How many it has.
        count: usize,
    },
    /// Lists of images with too many of them, or too deep in each other.
    #[error("there are more than 1000 images, or lists of images in more than 4 others")]
    Images,
    /// A blob that is named and not there.
    #[error("{name} is not in {path}, which is of another platform or incomplete; save or copy the image anew", path = .path.display())]
    Missing {
        /// Its digest or name.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A blob whose bytes or length are others than those that are named.
    #[error("{name} in {path} is damaged: its digest or length is another; save or copy the image anew", path = .path.display())]
    Damaged {
        /// Its digest or name.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
    /// A layer that could not be read.
    #[error("cannot read layer {layer} of {name}: {error}")]
    Layer {
        /// The digest of its blob.
        layer: Digest,
        /// The image.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// A layer that could not be listed.
    #[error("cannot list layer {layer} of {name}: {problem}")]
    Listing {
        /// The digest of its blob.
        layer: Digest,
        /// The image.
        name: String,
        /// Why not.
        problem: ListingError,
    },
    /// No image for the platform, or of the name.
    #[error("{place} has no image{named} for {wanted}; it has: {found}")]
    NoImage {
        /// Where was looked.
        place: String,
        /// The platform.
        wanted: String,
        /// The name, if one was given.
        named: String,
        /// What there is.
        found: String,
    },
    /// Several images for the platform.
    #[error("{place} has several images{named} for {wanted}; say which by its name or digest: {found}")]
    Several {
        /// Where was looked.
        place: String,
        /// The platform.
        wanted: String,
        /// The name, if one was given.
        named: String,
        /// Those that fit.
        found: String,
    },
    /// The layout into which a layer is copied.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// An image for one platform, and where its layers are.
#[derive(Debug, Clone)]
pub struct BaseImage {
    /// As the user wrote it.
    pub name: String,
    /// The digest of its manifest; in what `docker save` wrote before OCI's layout, which has none, that of its
    /// configuration.
    pub digest: Digest,
    /// For an image of a registry: its name with the digest to which the name led, by which it is the same tomorrow. It is
    /// that of the list of platforms, where there is one.
    pub pinned: Option<String>,
    /// How it is run.
    pub config: ImageConfig,
    /// Its layers, the lowest first, with OCI's media types.
    pub layers: Vec<ImageLayer>,
    /// Where the blob of each layer is.
    pub(crate) places: Vec<Place>,
}

impl BaseImage {
    /// Opens the image in a layout's folder, in an archive of one, or in what `docker save` wrote.
    ///
    /// `reference` is the image's name, tag or digest where there are several; the platform chooses among those of one
    /// name. Documents are verified here, layers when they are copied or read.
    ///
    /// # Errors
    /// When there is no such image or more than one, something is missing or damaged, or a limit is passed.
    pub fn open(path: &Path, reference: Option<&str>, platform: &Platform) -> Result<Self, BaseError> {
        let cannot = |error| BaseError::Io { path: path.to_owned(), error };
        let metadata = path.metadata().map_err(cannot)?;
        let store = if metadata.is_dir() {
            Store::Folder(path.to_owned())
        } else if metadata.is_file() {
            Store::Archive(Archive::open(path)?)
        } else {
            let problem = "it is neither a file nor a folder".to_owned();
            return Err(BaseError::NotAnImage { path: path.to_owned(), problem });
        };
        if let Some(index) = store.named("index.json") {
            return Self::of_layout(path, &store, &index.bytes("index.json")?, reference, platform);
        }
        match &store {
            Store::Archive(archive) => match archive.place("manifest.json") {
                Some(list) => docker_archive::open(path, archive, &list, reference, platform),
                None => Err(BaseError::NotAnImage { path: path.to_owned(), problem: lacks(archive) }),
            },
            Store::Folder(_) => {
                let problem = "it has no index.json, as OCI layouts have; `skopeo copy` makes one: \
                               skopeo copy dir:FOLDER oci:LAYOUT"
                    .to_owned();
                Err(BaseError::NotAnImage { path: path.to_owned(), problem })
            }
        }
    }

    fn of_layout(
        path: &Path,
        store: &Store,
        index: &[u8],
        reference: Option<&str>,
        platform: &Platform,
    ) -> Result<Self, BaseError> {
        let name = path.display().to_string();
        let Document::Index(entries) = Document::read("index.json", index)? else {
            let problem = "it is no list of images".to_owned();
            return Err(BaseError::Document { name: "index.json".to_owned(), problem });
        };
        let mut document = |descriptor: &Descriptor| store.document(descriptor);
        let candidates = images(entries, &mut document)?;
        let chosen = choose(&name, reference, platform, candidates)?;
        let (config, layers) = Self::read_manifest(&chosen.at, &name, platform, &mut document)?;
        let places = layers.iter().map(|layer| store.blob(&layer.descriptor)).collect::<Result<_, _>>()?;
        Ok(Self { name, digest: chosen.digest, pinned: None, config, layers, places })
    }

    /// What a manifest says, and its configuration, which must be for the platform.
    pub(crate) fn read_manifest<E: From<BaseError>>(
        manifest: &Descriptor,
        place: &str,
        platform: &Platform,
        document: &mut dyn FnMut(&Descriptor) -> Result<Vec<u8>, E>,
    ) -> Result<(ImageConfig, Vec<ImageLayer>), E> {
        let name = manifest.digest.to_string();
        let Document::Manifest { config, layers } = Document::read(&name, &document(manifest)?)? else {
            let problem = "it is a list of images where an image was named".to_owned();
            return Err(BaseError::Document { name, problem }.into());
        };
        let config_bytes = document(&config.descriptor()?)?;
        let (config, layers) = image(&name, &config, &layers, &config_bytes)?;
        let found = config.platform();
        // What a list says of its images counts for nothing if the image says otherwise.
        if found.os != platform.os || found.architecture != platform.architecture {
            let (place, named) = (place.to_owned(), String::new());
            let (wanted, found) = (platform_text(platform), platform_text(&found));
            return Err(BaseError::NoImage { place, wanted, named, found }.into());
        }
        Ok((config, layers))
    }

    /// Puts the blob of a layer into a layout, and returns its descriptor there.
    ///
    /// A blob that is a file on the same file system gets a second name; others are copied. It is verified on the way,
    /// and is whole when it has its name.
    ///
    /// # Panics
    /// When there is no layer `index`.
    ///
    /// # Errors
    /// When the blob cannot be read or is damaged, or the layout cannot be written.
    pub fn copy_layer(&self, index: usize, into: &Layout) -> Result<ImageLayer, BaseError> {
        let (layer, place) = (&self.layers[index], &self.places[index]);
        let Descriptor { digest, size, .. } = layer.descriptor;
        if into.has(&digest, size)? {
            return Ok(layer.clone());
        }
        let damaged = || BaseError::Damaged { name: digest.to_string(), path: place.path().to_owned() };
        if let Place::File(path) = place
            && place.digest()? == digest
            && into.link(path, &digest)
        {
            return Ok(layer.clone());
        }
        let (section, found) = place.open()?;
        if found != size {
            return Err(damaged());
        }
        let mut incoming = into.incoming(digest, size)?;
        incoming.take(section).map_err(|error| match error {
            super::layout::Taking::Read(error) => BaseError::Io { path: place.path().to_owned(), error },
            super::layout::Taking::Write(error) => error.into(),
        })?;
        match incoming.keep()? {
            None => Ok(layer.clone()),
            Some(_) => Err(damaged()),
        }
    }

    /// The archive within a layer, decompressed. It is verified against its `diff_id` when its end is read.
    ///
    /// # Panics
    /// When there is no layer `index`.
    ///
    /// # Errors
    /// When the blob cannot be opened.
    pub fn read_layer(&self, index: usize) -> Result<LayerReader, BaseError> {
        let (layer, place) = (&self.layers[index], &self.places[index]);
        let (section, _) = place.open()?;
        LayerReader::new(layer, section).map_err(|error| self.cannot_read(index, error))
    }

    /// Lists a layer; see [`list_layer`].
    ///
    /// # Panics
    /// When there is no layer `index`.
    ///
    /// # Errors
    /// When the layer cannot be read, is not the one that the image names, or has what engines refuse.
    pub fn list_layer(&self, index: usize, inspect: &mut Inspect<'_>) -> Result<LayerListing, BaseError> {
        list_layer(self.read_layer(index)?, inspect).map_err(|problem| BaseError::Listing {
            layer: self.layers[index].descriptor.digest,
            name: self.name.clone(),
            problem,
        })
    }

    /// What could not be read of a layer.
    fn cannot_read(&self, index: usize, error: io::Error) -> BaseError {
        let layer = self.layers[index].descriptor.digest;
        BaseError::Layer { layer, name: self.name.clone(), error }
    }
}

/// Why an archive is no image.
fn lacks(archive: &Archive) -> String {
    let has =
        |name: &str| archive.names().any(|entry| entry == name || entry.starts_with(&format!("{name}/")));
    if has("etc") || has("usr") {
        return "it holds the files of a container, as `docker export` writes them; use `docker save` or `podman save`"
            .to_owned();
    }
    "it has neither index.json (an OCI layout) nor manifest.json (`docker save`)".to_owned()
}
