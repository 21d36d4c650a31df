//! Bytes of a file by their place, so that memory does not grow with the file.

use std::io::{Read, Seek, SeekFrom};

use crate::error::{ArchiveFault, WheelProblem};

/// A file that is read by places.
pub(crate) struct Source<'a, R> {
    reader: &'a mut R,
    /// The length of the file, in bytes.
    pub(crate) length: u64,
    /// Where the reader is, to save seeks.
    at: Option<u64>,
}

impl<'a, R: Read + Seek> Source<'a, R> {
    pub(crate) fn new(reader: &'a mut R) -> Result<Self, WheelProblem> {
        let length = reader.seek(SeekFrom::End(0))?;
        Ok(Self { reader, length, at: Some(length) })
    }

    /// Fills a buffer from a place on.
    pub(crate) fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), WheelProblem> {
        let end = at.checked_add(buffer.len() as u64);
        let Some(end) = end.filter(|end| *end <= self.length) else {
            return Err(ArchiveFault::Truncated.into());
        };
        if self.at != Some(at) {
            self.at = None;
            self.reader.seek(SeekFrom::Start(at))?;
        }
        self.at = None;
        self.reader.read_exact(buffer)?;
        self.at = Some(end);
        Ok(())
    }

    /// The bytes from a place on. The caller holds `length` to a limit.
    pub(crate) fn bytes_at(&mut self, at: u64, length: usize) -> Result<Vec<u8>, WheelProblem> {
        if at.saturating_add(length as u64) > self.length {
            return Err(ArchiveFault::Truncated.into());
        }
        let mut bytes = vec![0; length];
        self.read_at(at, &mut bytes)?;
        Ok(bytes)
    }
}

/// The little-endian number of two bytes at a place; the caller has checked the length.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The little-endian number of four bytes at a place; the caller has checked the length.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// The little-endian number of eight bytes at a place; the caller has checked the length.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
