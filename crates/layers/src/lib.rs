//! Container layers made directly from wheels, byte for byte the same on every machine.
//!
//! This crate owns the [layer plan](plan), the deterministic tar archive of a layer and its two codecs (a gzip member
//! into which the deflate streams of wheels are [copied as they are](write_layer), and zstd), and the parts of an
//! [OCI image](oci): blobs, configuration, manifest, index, layout and archives. It reads the images on which those
//! layers are put, from a layout, an archive or a [registry], and [says what is in them](listing).
//!
//! It must never know how versions were chosen, nor speak to a network: it takes files and names, and gives bytes and
//! digests; of a registry it knows the protocol, and its callers send the requests. What is in a wheel, and where it
//! goes, is for them to say.

mod deflate;
mod digest;
mod file;
mod gzip;
mod layer;
pub mod listing;
pub mod oci;
pub mod plan;
pub mod registry;
mod source;
mod tar;
mod tree;

pub use crate::tar::read::{TAR_EXTENSION_BYTES_LIMIT, TarError};
pub use deflate::StreamError;
pub use digest::{Digest, DigestError};
pub use file::{Content, LayerFile, Mode, NAME_BYTES_LIMIT, Owner, PATH_BYTES_LIMIT, PathProblem};
pub use layer::{Compression, Layer, LayerError, Witness, read_content, write_layer, write_layer_before};
pub use source::ReadAt;
pub use tree::{ENTRY_LIMIT, FILE_BYTES_LIMIT};

/// The version of everything that makes up a layer's bytes: the order and headers of the archive, the encoder of what
/// is not copied, and zstd's version and level. Whoever keeps digests keeps this number with them.
pub const FORMAT_VERSION: u32 = 1;
