//! The central directory: what an archive says that it holds.

use std::io::{Read, Seek};

use crate::entry_name::{NameFault, check_name};
use crate::error::{ArchiveFault, EntryFault, WheelProblem};
use crate::source::{Source, u16_at, u32_at};

use super::end::End;
use super::extra::{Zip64Values, zip64};
use super::{Entry, Method, Walked};

const HEADER: &[u8] = b"PK\x01\x02";
const HEADER_LENGTH: usize = 46;
/// Whether an entry is encrypted, in either way, or the directory is: bits 0, 6 and 13.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Whether sizes and CRC-32 follow the data.
const DATA_DESCRIPTOR: u16 = 1 << 3;
/// Whether the name is UTF-8.
const UTF8: u16 = 1 << 11;
/// How hard the compressor tried, which means nothing to a reader.
const EFFORT: u16 = 0b110;
/// The types of files in the mode of Unix, which is in the upper half of the attributes.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
/// That it is a folder, in the attributes of DOS.
const DOS_FOLDER: u32 = 0x10;

/// Reads the directory; every entry's own fields are judged, not yet what they say together.
pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    end: &End,
) -> Result<Vec<Walked>, WheelProblem> {
    let bytes = source.bytes_at(end.directory_offset, end.directory_size)?;
    let count = |found: usize| ArchiveFault::EntryCount { found: found as u64, declared: end.entries };
    let mut entries = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        if entries.len() as u64 == end.entries || rest.len() < HEADER_LENGTH || !rest.starts_with(HEADER) {
            return Err(count(entries.len()).into());
        }
        let (header, behind) = rest.split_at(HEADER_LENGTH);
        let length = |at| usize::from(u16_at(header, at));
        let (name_length, extra_length, comment_length) = (length(28), length(30), length(32));
        if behind.len() < name_length + extra_length + comment_length {
            return Err(ArchiveFault::Truncated.into());
        }
        let (raw_name, behind) = behind.split_at(name_length);
        let (extra, behind) = behind.split_at(extra_length);
        let fault = |fault: EntryFault| WheelProblem::entry(raw_name, fault);
        if comment_length > 0 {
            return Err(fault(EntryFault::Comment));
        }
        entries.push(read_entry(header, raw_name, extra).map_err(fault)?);
        rest = behind;
    }
    if entries.len() as u64 != end.entries {
        return Err(count(entries.len()).into());
    }
    Ok(entries)
}

fn read_entry(header: &[u8], raw_name: &[u8], extra: &[u8]) -> Result<Walked, EntryFault> {
    let flags = u16_at(header, 8);
    if flags & ENCRYPTED != 0 {
        return Err(EntryFault::Encrypted);
    }
    if flags & DATA_DESCRIPTOR != 0 {
        return Err(EntryFault::DataDescriptor);
    }
    if flags & !(UTF8 | EFFORT) != 0 {
        return Err(EntryFault::Flags(flags));
    }
    let name = str::from_utf8(raw_name).map_err(|_| NameFault::NotUtf8)?;
    if flags & UTF8 == 0 && !name.is_ascii() {
        return Err(NameFault::NotMarkedUtf8.into());
    }
    let (name, is_folder) = match name.strip_suffix('/') {
        Some(name) => (name, true),
        None => (name, false),
    };
    check_name(name)?;
    let method = read_method(u16_at(header, 10))?;
    let mut values = Zip64Values::new(zip64(extra, raw_name)?);
    let (short_compressed, short_size) = (u32_at(header, 20), u32_at(header, 24));
    let size = values.value(short_size)?;
    let compressed_size = values.value(short_compressed)?;
    let header_offset = values.value(u32_at(header, 42))?;
    values.finish()?;
    if u16_at(header, 34) != 0 {
        return Err(EntryFault::Disk);
    }
    if is_folder && size != 0 {
        return Err(EntryFault::FolderContent);
    }
    if method == Method::Stored && size != compressed_size {
        return Err(EntryFault::StoredSize);
    }
    let executable = read_attributes(u32_at(header, 38), is_folder)?;
    let entry = Entry {
        name: name.to_owned(),
        is_folder,
        executable,
        method,
        crc32: u32_at(header, 16),
        compressed_size,
        size,
        header_offset,
        // Known once the local header is read.
        data_offset: 0,
    };
    Ok(Walked { entry, raw_name: raw_name.to_owned(), flags })
}

pub(super) fn read_method(number: u16) -> Result<Method, EntryFault> {
    match number {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflate),
        other => Err(EntryFault::Method(other)),
    }
}

/// Whether a file may be executed by anyone. What system the archive says it is from does not count, as it does not for
/// other installers: the mode is there or it is 0.
fn read_attributes(attributes: u32, is_folder: bool) -> Result<bool, EntryFault> {
    let mode = attributes >> 16;
    let folder_by_attributes = match mode & TYPE {
        0 => attributes & DOS_FOLDER != 0,
        REGULAR => false,
        FOLDER => true,
        _ => return Err(EntryFault::SpecialFile(mode)),
    };
    // A folder without attributes is one by its name.
    if folder_by_attributes && !is_folder || is_folder && mode & TYPE == REGULAR {
        return Err(EntryFault::FolderOrFile);
    }
    Ok(!is_folder && mode & 0o111 != 0)
}
