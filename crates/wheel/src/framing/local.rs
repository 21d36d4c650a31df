//! The local header in front of an entry's data, which repeats what the directory says.

use std::io::{Read, Seek};

use crate::error::{EntryFault, WheelProblem};
use crate::source::{Source, u16_at, u32_at, u64_at};

use super::Walked;
use super::extra::{IN_ZIP64, Zip64Values, zip64};

const HEADER: &[u8] = b"PK\x03\x04";
const HEADER_LENGTH: usize = 30;

/// Reads the local header of an entry, sets where its data is, and gives where that ends, at most at `limit`.
pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    walked: &mut Walked,
    limit: u64,
) -> Result<u64, WheelProblem> {
    let at = walked.entry.header_offset;
    if at.saturating_add(HEADER_LENGTH as u64) > limit {
        return Err(walked.fault(EntryFault::NoLocalHeader));
    }
    let header = source.bytes_at(at, HEADER_LENGTH)?;
    if !header.starts_with(HEADER) {
        return Err(walked.fault(EntryFault::NoLocalHeader));
    }
    let (name_length, extra_length) = (usize::from(u16_at(&header, 26)), usize::from(u16_at(&header, 28)));
    let names = source.bytes_at(at + HEADER_LENGTH as u64, name_length + extra_length)?;
    let (name, extra) = names.split_at(name_length);
    compare(walked, &header, name, extra).map_err(|fault| walked.fault(fault))?;
    walked.entry.data_offset = at + (HEADER_LENGTH + names.len()) as u64;
    let end = walked.entry.data_offset.checked_add(walked.entry.compressed_size);
    end.filter(|end| *end <= limit).ok_or_else(|| walked.fault(EntryFault::Overlap))
}

fn compare(walked: &Walked, header: &[u8], name: &[u8], extra: &[u8]) -> Result<(), EntryFault> {
    let entry = &walked.entry;
    let same = |same: bool, what| if same { Ok(()) } else { Err(EntryFault::LocalDiffers(what)) };
    same(name == walked.raw_name, "name")?;
    // How hard the compressor tried may be said in one place alone.
    let meaning = |flags: u16| flags & !0b110;
    same(meaning(u16_at(header, 6)) == meaning(walked.flags), "set of flags")?;
    let method = super::directory::read_method(u16_at(header, 8))?;
    same(method == entry.method, "method of compression")?;
    same(u32_at(header, 14) == entry.crc32, "CRC-32")?;
    let (short_compressed, short_size) = (u32_at(header, 18), u32_at(header, 22));
    let zip64 = zip64(extra, name)?;
    if short_size != IN_ZIP64 && short_compressed != IN_ZIP64 && zip64.is_some_and(|data| !data.is_empty()) {
        // Python before 3.11.4 wrote both sizes in both places for files near two gigabytes.
        let repeats = zip64.filter(|data| data.len() == 16);
        let data = repeats.ok_or(EntryFault::Zip64)?;
        same(u64_at(data, 0) == entry.size, "size")?;
        same(u64_at(data, 8) == entry.compressed_size, "compressed size")?;
        same(u64::from(short_size) == entry.size, "size")?;
        return same(u64::from(short_compressed) == entry.compressed_size, "compressed size");
    }
    let mut values = Zip64Values::new(zip64);
    same(values.value(short_size)? == entry.size, "size")?;
    same(values.value(short_compressed)? == entry.compressed_size, "compressed size")?;
    values.finish()
}
