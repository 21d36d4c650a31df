//! OCI images (image specification 1.1): the documents, the layout on disk, the archive that engines load, and the
//! images of others on which ours are put.
//!
//! Documents are written in one way only, in the order of the specification's tables, without white space, with maps
//! sorted by their keys, so that the same image has the same digests everywhere. Nothing is taken from the clock: the
//! time of creation is an input.

mod archive;
pub(crate) mod base;
pub(crate) mod layout;
pub(crate) mod model;

pub use archive::write_archive;
pub use base::{
    ARCHIVE_ENTRIES_LIMIT, BaseError, BaseImage, DOCUMENT_BYTES_LIMIT, LAYERS_LIMIT, LayerReader,
    UNPACKED_BYTES_LIMIT,
};
pub use layout::{Image, ImageLayer, Layout, LayoutError, remove_leftovers, temporary_file};
pub use model::{
    Config, Descriptor, History, ImageConfig, Index, MEDIA_TYPE_CONFIG, MEDIA_TYPE_INDEX,
    MEDIA_TYPE_MANIFEST, Manifest, Platform, RootFs,
};
