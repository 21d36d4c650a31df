//! A layer as one gzip member (RFC 1952) into which the deflate streams of archives are copied.
//!
//! One member and not many: readers exist that take the first member for the whole (among them Rust's `GzDecoder`),
//! and `unpigz`, which container engines run, starts its threads anew for each.

use std::io::{self, Read, Write};

use crate::deflate::{BitWriter, Copier, Encoder, Expected, Sink, StreamError};
use crate::layer::{Blob, Plain, Uncompressed};

/// Deflate, no name, no time, no hint of the compressor's effort, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Writes the member.
pub(crate) struct Gzip<W> {
    blob: Blob<W>,
    bits: BitWriter,
    encoder: Encoder,
    copier: Copier,
}

/// Both sides of a stream that is copied.
struct Both<'a, W, P> {
    blob: &'a mut Blob<W>,
    encoder: &'a mut Encoder,
    plain: &'a mut P,
}

impl<W: Write, P: Uncompressed> Sink for Both<'_, W, P> {
    fn plain(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.encoder.skip(bytes);
        self.plain.update(bytes);
        Ok(())
    }

    fn packed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.blob.write_all(bytes)
    }
}

impl<W: Write> Gzip<W> {
    pub(crate) fn new(mut blob: Blob<W>) -> io::Result<Self> {
        blob.write_all(&HEADER)?;
        Ok(Self { blob, bits: BitWriter::default(), encoder: Encoder::new(), copier: Copier::new() })
    }

    /// Writes bytes that are compressed here.
    pub(crate) fn encode(&mut self, bytes: &[u8], plain: &mut impl Uncompressed) -> io::Result<()> {
        plain.update(bytes);
        self.encoder.encode(bytes, &mut self.bits);
        self.blob.write_all(&self.bits.take())
    }

    /// Writes a file that is compressed already.
    pub(crate) fn copy(
        &mut self,
        reader: impl Read,
        expected: Expected,
        plain: &mut impl Uncompressed,
    ) -> Result<(), StreamError> {
        self.bits.align(false);
        self.blob.write_all(&self.bits.take()).map_err(StreamError::Write)?;
        let mut sink = Both { blob: &mut self.blob, encoder: &mut self.encoder, plain };
        // What comes next goes on within the stream's last byte.
        if let Some((byte, used)) = self.copier.copy(reader, expected, &mut sink)? {
            self.bits.resume(byte, used);
        }
        Ok(())
    }

    /// Ends the stream and the member.
    pub(crate) fn finish(mut self, plain: &Plain) -> io::Result<Blob<W>> {
        self.bits.align(true);
        self.bits.put(plain.crc32(), 32);
        // The length of the archive, modulo 2³².
        self.bits.put(plain.size() as u32, 32);
        self.blob.write_all(&self.bits.take())?;
        Ok(self.blob)
    }
}
