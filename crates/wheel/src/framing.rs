//! The framing of a zip archive: which bytes are which entry's.
//!
//! A walk of our own over every record, which takes an archive only if each reader would see the same files in it. The rules
//! are at least those by which PyPI takes uploads: entries lie one after the other from the first byte to the
//! directory, each once and with one name, and local headers say what the directory says.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 to 4.5, read on 2026-11-22.

mod directory;
mod end;
mod extra;
mod local;

use std::io::{Read, Seek};

use crate::entry_name::is_portable;
use crate::error::{ArchiveFault, EntryFault, WheelProblem};
use crate::limits::Limits;
use crate::source::Source;
use crate::warning::Warning;

/// The entries of an archive whose framing is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    entries: Vec<Entry>,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path: relative, divided by `/`, without `.` and `..`; a folder's without the slash at the end.
    pub name: String,
    /// Whether it is a folder, which has no content.
    pub is_folder: bool,
    /// Whether anyone may execute it by the archive's attributes.
    pub executable: bool,
    /// How it is compressed.
    pub method: Method,
    /// The CRC-32 that its content should have.
    pub crc32: u32,
    /// The length of its data in the archive, in bytes.
    pub compressed_size: u64,
    /// The length that its content should have, in bytes.
    pub size: u64,
    /// Where its local header starts in the file, in bytes.
    pub header_offset: u64,
    /// Where its data starts in the file, in bytes.
    pub data_offset: u64,
}

/// How an entry is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not at all: method 0.
    Stored,
    /// A raw deflate stream (RFC 1951): method 8.
    Deflate,
}

impl Archive {
    /// Walks over an archive. Only records are read, no content; memory grows with the number of entries alone, which is
    /// limited.
    ///
    /// # Errors
    /// When anything in the archive could be read in two ways, is beyond a limit, or has a name that no file should have.
    pub fn read<R: Read + Seek>(reader: &mut R, limits: &Limits) -> Result<Self, WheelProblem> {
        let mut source = Source::new(reader)?;
        let end = end::read(&mut source, limits)?;
        let mut walked = directory::read(&mut source, &end)?;
        check_sizes(&walked, source.length, limits)?;
        check_names(walked.iter().map(|entry| &entry.entry))?;
        walked.sort_by_key(|entry| entry.entry.header_offset);
        let mut at = 0;
        for entry in &mut walked {
            let offset = entry.entry.header_offset;
            if offset > at {
                return Err(ArchiveFault::Gap { offset: at, bytes: offset - at }.into());
            }
            if offset < at {
                return Err(entry.fault(EntryFault::Overlap));
            }
            at = local::read(&mut source, entry, end.directory_offset)?;
        }
        if at < end.directory_offset {
            return Err(ArchiveFault::Gap { offset: at, bytes: end.directory_offset - at }.into());
        }
        Ok(Self { entries: walked.into_iter().map(|walked| walked.entry).collect() })
    }

    /// The entries in the order in which they lie in the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is odd about the names.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let files = || self.entries.iter().filter(|entry| !entry.is_folder).map(|entry| entry.name.as_str());
        let mut not_portable = files().filter(|name| !is_portable(name));
        if let Some(first) = not_portable.next() {
            let count = 1 + not_portable.count();
            warnings.push(Warning::NotPortable { entry: first.to_owned(), count });
        }
        let mut folded: Vec<_> = files().map(|name| (name.to_lowercase(), name)).collect();
        folded.sort_unstable();
        let mut clashes = folded.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        if let Some(first) = clashes.next() {
            let (entry, other) = (first[0].1.to_owned(), first[1].1.to_owned());
            warnings.push(Warning::CaseClash { entry, other, count: 1 + clashes.count() });
        }
        warnings
    }
}

/// An entry of the directory, with what its local header must repeat.
struct Walked {
    entry: Entry,
    /// The name as it stands there.
    raw_name: Vec<u8>,
    flags: u16,
}

impl Walked {
    fn fault(&self, fault: EntryFault) -> WheelProblem {
        WheelProblem::entry(&self.raw_name, fault)
    }
}

/// What an archive says that it inflates to is limited before anything is inflated; that each entry keeps to it is seen
/// then.
fn check_sizes(entries: &[Walked], length: u64, limits: &Limits) -> Result<(), ArchiveFault> {
    let bytes = entries.iter().fold(0_u64, |bytes, entry| bytes.saturating_add(entry.entry.size));
    if bytes > limits.unpacked {
        return Err(ArchiveFault::TooLarge { bytes, limit: limits.unpacked });
    }
    if bytes > limits.ratio_from && bytes > length.saturating_mul(limits.ratio) {
        return Err(ArchiveFault::Ratio { bytes, length, limit: limits.ratio });
    }
    Ok(())
}

/// No name twice, and no file where another entry needs a folder.
fn check_names<'a>(entries: impl Iterator<Item = &'a Entry>) -> Result<(), WheelProblem> {
    // With the slash in front of all other characters, what is below a path comes right after it.
    let key = |entry: &&Entry| -> Vec<u8> {
        entry.name.bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect()
    };
    let mut sorted: Vec<&Entry> = entries.collect();
    sorted.sort_by_cached_key(key);
    for pair in sorted.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        let fault = if first.name == second.name {
            if first.is_folder == second.is_folder {
                EntryFault::Duplicate
            } else {
                EntryFault::FileAndFolder(first.name.clone())
            }
        } else if !first.is_folder && is_below(&second.name, &first.name) {
            EntryFault::FileAndFolder(first.name.clone())
        } else {
            continue;
        };
        return Err(WheelProblem::entry(second.name.as_bytes(), fault));
    }
    Ok(())
}

/// Whether a path is below another one.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
