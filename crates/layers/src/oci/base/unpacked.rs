//! The archive within a layer.

use std::io::{self, BufReader, Read};

use sha2::{Digest as _, Sha256};

use super::documents::{LAYER_GZIP, LAYER_ZSTD};
use crate::digest::Digest;
use crate::oci::layout::ImageLayer;

/// The most bytes of a layer's archive.
pub const UNPACKED_BYTES_LIMIT: u64 = 1 << 38;

/// The archive within a layer, as a stream. Its end is an error if it was not the archive that the image names.
pub struct LayerReader {
    archive: Box<dyn Read + Send>,
    /// Until the end was seen.
    hasher: Option<Sha256>,
    diff_id: Digest,
    read: u64,
}

impl LayerReader {
    /// Unpacks a blob of one of the three types that images have here.
    pub(crate) fn new(layer: &ImageLayer, blob: impl Read + Send + 'static) -> io::Result<Self> {
        let blob = BufReader::with_capacity(128 * 1024, blob);
        let archive: Box<dyn Read + Send> = match layer.descriptor.media_type.as_str() {
            // Some layers are made of many members.
            LAYER_GZIP => Box::new(flate2::bufread::MultiGzDecoder::new(blob)),
            LAYER_ZSTD => Box::new(zstd::Decoder::with_buffer(blob)?),
            _ => Box::new(blob),
        };
        Ok(Self { archive, hasher: Some(Sha256::new()), diff_id: layer.diff_id, read: 0 })
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let length = self.archive.read(buffer)?;
        self.read += length as u64;
        if self.read > UNPACKED_BYTES_LIMIT {
            let problem =
                format!("the archive is longer than UNPACKED_BYTES_LIMIT = {UNPACKED_BYTES_LIMIT} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..length]);
        }
        if length == 0
            && let Some(hasher) = self.hasher.take()
        {
            let found = Digest::finish(hasher);
            if found != self.diff_id {
                let problem = format!("the archive is {found}, and the image has {} there", self.diff_id);
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
        }
        Ok(length)
    }
}
