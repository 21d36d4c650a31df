//! Reading parts of a wheel that several threads share.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// Bytes that can be read at any place without moving a common cursor: a file, or bytes in memory.
pub trait ReadAt: Send + Sync {
    /// Reads some bytes from `offset` on into `buffer`, and returns how many; 0 is the end.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}

/// A part of a source, read from its beginning to its end.
pub(crate) struct Section<S> {
    source: S,
    offset: u64,
    left: u64,
}

impl<S> Section<S> {
    pub(crate) fn new(source: S, offset: u64, length: u64) -> Self {
        Self { source, offset, left: length }
    }

    /// Passes over some bytes without reading them, and returns how many there were.
    pub(crate) fn skip(&mut self, length: u64) -> u64 {
        let length = length.min(self.left);
        self.offset += length;
        self.left -= length;
        length
    }
}

impl<S: ReadAt> io::Read for Section<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let length = self.source.read_at(&mut buffer[..most], self.offset)?;
        self.offset += length as u64;
        self.left -= length as u64;
        Ok(length)
    }
}
