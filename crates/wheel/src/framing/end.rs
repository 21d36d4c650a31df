//! The records at the end of an archive, which say where its directory is.

use std::io::{Read, Seek};

use crate::error::{ArchiveFault, WheelProblem};
use crate::limits::Limits;
use crate::source::{Source, u16_at, u32_at, u64_at};

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64: &[u8] = b"PK\x06\x06";
const END64_LENGTH: usize = 56;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LENGTH: usize = 20;
/// The longest comment of an archive, in bytes.
const COMMENT_LENGTH: usize = 0xffff;

/// Where the directory is.
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) directory_offset: u64,
    /// In bytes; within the limit.
    pub(super) directory_size: usize,
}

/// The numbers that stand in the end record and, longer, in that of ZIP64.
struct Numbers {
    entries: u64,
    size: u64,
    offset: u64,
}

pub(super) fn read<R: Read + Seek>(source: &mut Source<'_, R>, limits: &Limits) -> Result<End, WheelProblem> {
    let tail_length = source.length.min((END_LENGTH + COMMENT_LENGTH) as u64);
    let tail_at = source.length - tail_length;
    let tail = source.bytes_at(tail_at, usize::try_from(tail_length).unwrap_or(0))?;
    // No comment may have such bytes, so the last ones start the record.
    let Some(at) = tail.windows(END.len()).rposition(|bytes| bytes == END) else {
        return Err(ArchiveFault::NotZip.into());
    };
    let Some(record) = tail.get(at..at + END_LENGTH) else { return Err(ArchiveFault::NotZip.into()) };
    let comment = &tail[at + END_LENGTH..];
    if comment.len() != usize::from(u16_at(record, 20)) {
        return Err(ArchiveFault::Trailing.into());
    }
    if !comment.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')) {
        return Err(ArchiveFault::Comment.into());
    }
    if u16_at(record, 4) != 0 || u16_at(record, 6) != 0 || u16_at(record, 8) != u16_at(record, 10) {
        return Err(ArchiveFault::MultiDisk.into());
    }
    let short = Numbers {
        entries: u64::from(u16_at(record, 10)),
        size: u64::from(u32_at(record, 12)),
        offset: u64::from(u32_at(record, 16)),
    };
    let end_at = tail_at + at as u64;
    let (numbers, directory_end) = match read64(source, end_at)? {
        None => (short, end_at),
        Some((long, long_at)) => {
            let agree = |short: u64, long: u64, all_ones: u64| short == all_ones || short == long;
            let agreed = agree(short.entries, long.entries, 0xffff)
                && agree(short.size, long.size, 0xffff_ffff)
                && agree(short.offset, long.offset, 0xffff_ffff);
            if !agreed {
                return Err(ArchiveFault::Zip64("the two end records differ").into());
            }
            (long, long_at)
        }
    };
    if numbers.offset.checked_add(numbers.size) != Some(directory_end) {
        return Err(ArchiveFault::DirectoryPlace.into());
    }
    if numbers.entries > limits.entries {
        return Err(ArchiveFault::TooManyEntries { entries: numbers.entries, limit: limits.entries }.into());
    }
    let too_large = ArchiveFault::DirectoryTooLarge { bytes: numbers.size, limit: limits.directory };
    match usize::try_from(numbers.size) {
        Ok(directory_size) if numbers.size <= limits.directory => {
            Ok(End { entries: numbers.entries, directory_offset: numbers.offset, directory_size })
        }
        _ => Err(too_large.into()),
    }
}

/// The end record of ZIP64 with its place, if there is one: right in front of its locator, which is right in front of the
/// other end record.
fn read64<R: Read + Seek>(
    source: &mut Source<'_, R>,
    end_at: u64,
) -> Result<Option<(Numbers, u64)>, WheelProblem> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_LENGTH as u64) else { return Ok(None) };
    let locator = source.bytes_at(locator_at, LOCATOR_LENGTH)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    if u32_at(&locator, 4) != 0 || u32_at(&locator, 16) > 1 {
        return Err(ArchiveFault::MultiDisk.into());
    }
    let at = u64_at(&locator, 8);
    if at.checked_add(END64_LENGTH as u64) != Some(locator_at) {
        return Err(ArchiveFault::Zip64("the locator does not lead to the record in front of it").into());
    }
    let record = source.bytes_at(at, END64_LENGTH)?;
    if !record.starts_with(END64) {
        return Err(ArchiveFault::Zip64("there is no end record where the locator leads").into());
    }
    // The length counts from behind itself, and more than the fixed fields would be data that readers may interpret.
    if u64_at(&record, 4) != END64_LENGTH as u64 - 12 {
        return Err(ArchiveFault::Zip64("the end record has extensible data").into());
    }
    if u32_at(&record, 16) != 0 || u32_at(&record, 20) != 0 || u64_at(&record, 24) != u64_at(&record, 32) {
        return Err(ArchiveFault::MultiDisk.into());
    }
    let numbers =
        Numbers { entries: u64_at(&record, 32), size: u64_at(&record, 40), offset: u64_at(&record, 48) };
    Ok(Some((numbers, at)))
}
