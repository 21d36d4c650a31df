//! The content of an entry, piece by piece, under its check.

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use flate2::{Decompress, FlushDecompress, Status};

use crate::check::ContentCheck;
use crate::error::{EntryFault, WheelProblem};
use crate::framing::{Entry, Method};
use crate::source::Source;

/// What is read and handed out at once, in bytes.
const PIECE: usize = 64 << 10;

/// Reads the content of entries. It holds two buffers of 64 KiB, whatever the size of an entry, and can be used for one
/// entry after the other.
pub struct Inflater {
    input: Vec<u8>,
    output: Vec<u8>,
    inflate: Decompress,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { input: vec![0; PIECE], output: vec![0; PIECE], inflate: Decompress::new(false) }
    }
}

impl Inflater {
    /// Hands the content of an entry to `each`, piece by piece, and holds it to `check`.
    ///
    /// # Errors
    /// When it cannot be read or inflated, or is not as the check says. Pieces that were handed out before are then worth
    /// nothing.
    pub fn read<R: Read + Seek>(
        &mut self,
        reader: &mut R,
        entry: &Entry,
        check: ContentCheck,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), WheelProblem> {
        let mut source = Source::new(reader)?;
        self.run(&mut source, entry, check, &mut |piece| {
            each(piece);
            ControlFlow::Continue(())
        })
    }

    /// Hands the beginning of an entry's content to `each` again, until that has enough: for content that was checked before.
    ///
    /// # Errors
    /// When it cannot be read or inflated.
    pub fn read_again<R: Read + Seek>(
        &mut self,
        reader: &mut R,
        entry: &Entry,
        mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), WheelProblem> {
        let check = ContentCheck::new(entry.size, entry.crc32, None);
        self.run(&mut Source::new(reader)?, entry, check, &mut each)
    }

    /// The same, until `each` has enough. What was not read was not checked.
    pub(crate) fn run<R: Read + Seek>(
        &mut self,
        source: &mut Source<'_, R>,
        entry: &Entry,
        mut check: ContentCheck,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), WheelProblem> {
        let fault = |fault| WheelProblem::entry(entry.name.as_bytes(), fault);
        self.inflate.reset(false);
        let (mut at, mut left) = (entry.data_offset, entry.compressed_size);
        let mut ended = entry.method == Method::Stored;
        while left > 0 {
            let length = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
            let input = &mut self.input[..length];
            source.read_at(at, input)?;
            at += length as u64;
            left -= length as u64;
            if entry.method == Method::Stored {
                check.update(input).map_err(fault)?;
                if each(input).is_break() {
                    return Ok(());
                }
                continue;
            }
            let mut input = &*input;
            while !ended {
                let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
                let status = self.inflate.decompress(input, &mut self.output, FlushDecompress::None);
                let status = status.map_err(|_| fault(EntryFault::Deflate))?;
                // Both are at most the length of a buffer.
                let taken = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(input.len());
                let given = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(PIECE);
                input = &input[taken..];
                let piece = &self.output[..given];
                check.update(piece).map_err(fault)?;
                if !piece.is_empty() && each(piece).is_break() {
                    return Ok(());
                }
                ended = status == Status::StreamEnd;
                if !ended && taken == 0 && given == 0 {
                    break;
                }
                if !ended && input.is_empty() && given < PIECE {
                    break;
                }
            }
            if ended && (!input.is_empty() || left > 0) {
                return Err(fault(EntryFault::DataAfterEnd(input.len() as u64 + left)));
            }
            if !ended && !input.is_empty() {
                return Err(fault(EntryFault::Deflate));
            }
        }
        if !ended {
            return Err(fault(EntryFault::Deflate));
        }
        check.finish().map_err(fault)
    }
}
