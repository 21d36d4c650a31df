//! A file of which only some pieces were fetched, to be read as if it were whole.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// A file of which only some pieces are there.
pub(crate) struct SparseFile {
    pub(crate) length: u64,
    /// By their start.
    pub(crate) pieces: BTreeMap<u64, Vec<u8>>,
}

impl SparseFile {
    /// The bytes there are at a place and behind it.
    fn at(&self, place: u64) -> Option<&[u8]> {
        let (start, piece) = self.pieces.range(..=place).next_back()?;
        piece.get(usize::try_from(place - start).ok()?..).filter(|bytes| !bytes.is_empty())
    }

    /// How many bytes are missing from a place up to the next piece.
    pub(crate) fn gap_after(&self, place: u64) -> u64 {
        self.pieces.range(place..).next().map_or(self.length, |(start, _)| *start) - place
    }
}

/// Reads a sparse file as if it were whole, and fails where it is not.
pub(crate) struct SparseReader<'a> {
    file: &'a SparseFile,
    at: u64,
    missing: &'a Cell<Option<u64>>,
}

impl<'a> SparseReader<'a> {
    /// A reader that leaves in `missing` the place of the byte that it failed for.
    pub(crate) fn new(file: &'a SparseFile, missing: &'a Cell<Option<u64>>) -> Self {
        Self { file, at: 0, missing }
    }
}

impl Read for SparseReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.file.length || buffer.is_empty() {
            return Ok(0);
        }
        let Some(bytes) = self.file.at(self.at) else {
            self.missing.set(Some(self.at));
            return Err(io::Error::other("not fetched yet"));
        };
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for SparseReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.file.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_file_names_the_first_byte_it_lacks() {
        let file =
            SparseFile { length: 10, pieces: BTreeMap::from([(2, b"cd".to_vec()), (8, b"ij".to_vec())]) };
        assert_eq!(file.at(3), Some(&b"d"[..]));
        assert_eq!((file.at(1), file.at(4)), (None, None));
        assert_eq!((file.gap_after(4), file.gap_after(0)), (4, 2));
        let missing = Cell::new(None);
        let mut reader = SparseReader::new(&file, &missing);
        reader.seek(SeekFrom::End(-2)).unwrap();
        let mut end = String::new();
        reader.read_to_string(&mut end).unwrap();
        assert_eq!(end, "ij");
        reader.seek(SeekFrom::Start(2)).unwrap();
        assert!(reader.read_to_string(&mut end).is_err());
        assert_eq!(missing.get(), Some(4));
    }
}
