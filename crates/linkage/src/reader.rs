//! Facts of an ELF file from a stream of its bytes.

mod elf;
#[cfg(test)]
mod hostile;
mod kept;
#[cfg(test)]
mod tests;

use crate::facts::{Fault, LibraryFacts};
use elf::Step;
use kept::{Kept, TooMuch};

pub use elf::{ENTRY_LIMIT, NAME_BYTES_LIMIT};
pub use kept::{HEAD_BYTES, KEPT_BYTES_LIMIT};

/// The most times that [`Found::Again`] comes for one file. What is asked for depends on what came before: program headers,
/// the dynamic section, names and versions, the names of versions.
pub const PASS_LIMIT: u32 = 4;

/// How often a look is taken at what is known, in one pass, before its end.
const LOOK_LIMIT: u32 = 64;

/// Reads a file that comes by once, piece by piece, from its start. Holds at most [`KEPT_BYTES_LIMIT`] bytes.
#[derive(Debug)]
pub struct Reader {
    kept: Kept,
    position: u64,
    passes: u32,
    looks: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What is needed next has come by at this offset.
    Until(u64),
    /// What is needed came by before it was known to be.
    Missed,
    NotElf,
    Done(Box<LibraryFacts>),
}

/// What a file was found to be.
#[derive(Debug)]
pub enum Found {
    /// Not an ELF file.
    NotElf,
    /// An ELF file. Why something of it could not be read is in [`LibraryFacts::fault`].
    Facts(LibraryFacts),
    /// An ELF file of which something is needed that came by before it was known to be: it must be read again. Happens to
    /// large libraries alone.
    Again(Second),
}

/// Another pass over the same file. It may end in yet another one: there are at most [`PASS_LIMIT`] for a file.
#[derive(Debug)]
pub struct Second {
    reader: Reader,
}

impl Default for Reader {
    fn default() -> Self {
        Self::with_head(HEAD_BYTES)
    }
}

impl Reader {
    /// A reader at the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that keeps less of the file's start than [`HEAD_BYTES`], and so asks for more passes.
    pub fn with_head(bytes: u64) -> Self {
        let state = State::Until(elf::HEADER_BYTES);
        Self { kept: Kept::new(bytes.max(elf::HEADER_BYTES)), position: 0, passes: 1, looks: 0, state }
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && !self.is_finished() {
            // A look is taken right where something is complete, since what it asks for may follow at once.
            let rest = match self.state {
                State::Until(offset) => offset.saturating_sub(self.position),
                _ => u64::MAX,
            };
            let length = usize::try_from(rest).unwrap_or(usize::MAX).clamp(1, piece.len());
            let (now, later) = piece.split_at(length);
            self.kept.take(self.position, now);
            self.position = self.position.saturating_add(now.len() as u64);
            piece = later;
            if matches!(self.state, State::Until(offset) if offset <= self.position) {
                self.look();
            }
        }
    }

    /// Whether the rest of the file makes no difference any more: it is no ELF file, or everything is known.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::NotElf | State::Done(_))
    }

    /// Ends the pass: what was fed is the whole file.
    pub fn finish(mut self) -> Found {
        if !self.is_finished() {
            self.kept.set_length(self.position);
            self.look();
        }
        self.conclude()
    }

    fn look(&mut self) {
        self.looks += 1;
        self.state = match elf::read(&self.kept) {
            Step::NotElf => State::NotElf,
            Step::Facts(facts) => State::Done(facts),
            Step::Lacks(ranges) => match self.kept.want(&ranges, self.position) {
                Err(TooMuch) => State::Done(elf::unread(&self.kept, Fault::Limit)),
                Ok(()) if self.looks >= LOOK_LIMIT => State::Until(u64::MAX),
                Ok(()) => self.kept.next_end(&ranges, self.position).map_or(State::Missed, State::Until),
            },
        };
    }

    fn conclude(mut self) -> Found {
        match self.state {
            State::NotElf => Found::NotElf,
            State::Done(facts) => Found::Facts(*facts),
            State::Until(_) | State::Missed if self.passes > PASS_LIMIT => {
                Found::Facts(*elf::unread(&self.kept, Fault::Outside))
            }
            State::Until(_) | State::Missed => {
                self.kept.start_again();
                let state = State::Until(self.kept.end());
                let (position, looks, passes) = (0, 0, self.passes + 1);
                Found::Again(Second { reader: Self { kept: self.kept, position, passes, looks, state } })
            }
        }
    }
}

impl Second {
    /// Up to which offset the file must be read again. May grow while it is fed; what was fed need not be fed again then.
    pub fn end(&self) -> u64 {
        self.reader.kept.end()
    }

    /// Takes the next bytes of the file, from its start.
    pub fn feed(&mut self, piece: &[u8]) {
        self.reader.feed(piece);
    }

    /// Whether the rest makes no difference any more.
    pub fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    /// Ends the pass.
    pub fn finish(mut self) -> Found {
        if !self.reader.is_finished() {
            self.reader.look();
        }
        self.reader.conclude()
    }
}
