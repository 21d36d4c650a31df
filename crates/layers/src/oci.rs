//! OCI images (image specification 1.1): the documents, the layout on disk, and the archive that engines load.
//!
//! Documents are written in one way only, in the order of the specification's tables, without white space, with maps
//! sorted by their keys, so that the same image has the same digests everywhere. Nothing is taken from the clock: the
//! time of creation is an input.

mod archive;
mod layout;
mod model;

pub use archive::write_archive;
pub use layout::{Image, ImageLayer, Layout, LayoutError, temporary_file};
pub use model::{
    Config, Descriptor, History, ImageConfig, Index, MEDIA_TYPE_CONFIG, MEDIA_TYPE_INDEX,
    MEDIA_TYPE_MANIFEST, Manifest, Platform, RootFs,
};
