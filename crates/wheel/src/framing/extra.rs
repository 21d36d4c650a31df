//! The extra field of a header: records of an id, a length and data.

use crate::error::EntryFault;
use crate::source::{u16_at, u64_at};

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;
/// What stands in a field of a header whose value is in the record for ZIP64.
pub(super) const IN_ZIP64: u32 = 0xffff_ffff;

/// The data of the record for ZIP64, if there is one. Every record must be whole, and a second name must be the same.
pub(super) fn zip64<'a>(extra: &'a [u8], name: &[u8]) -> Result<Option<&'a [u8]>, EntryFault> {
    let (mut zip64, mut unicode_path) = (None, None);
    let mut rest = extra;
    while !rest.is_empty() {
        if rest.len() < 4 {
            return Err(EntryFault::Extra);
        }
        let (id, length) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let data = rest.get(4..4 + length).ok_or(EntryFault::Extra)?;
        rest = &rest[4 + length..];
        let seen = match id {
            ZIP64 => zip64.replace(data),
            UNICODE_PATH => unicode_path.replace(data),
            _ => None,
        };
        if seen.is_some() {
            return Err(EntryFault::RepeatedExtra(id));
        }
    }
    // A version, the CRC-32 of the name in the header, and the name.
    if unicode_path.is_some_and(|data| data.get(5..) != Some(name)) {
        return Err(EntryFault::UnicodePath);
    }
    Ok(zip64)
}

/// Takes the 64-bit values out of the record for ZIP64, in its order.
pub(super) struct Zip64Values<'a> {
    data: Option<&'a [u8]>,
}

impl<'a> Zip64Values<'a> {
    pub(super) fn new(data: Option<&'a [u8]>) -> Self {
        Self { data }
    }

    /// The value of a field: its own, or the next of the record if it says so.
    pub(super) fn value(&mut self, field: u32) -> Result<u64, EntryFault> {
        if field != IN_ZIP64 {
            return Ok(u64::from(field));
        }
        match self.data {
            Some(data) if data.len() >= 8 => {
                self.data = Some(&data[8..]);
                Ok(u64_at(data, 0))
            }
            _ => Err(EntryFault::Zip64),
        }
    }

    /// Holds that nothing is left that another reader might take for a value.
    pub(super) fn finish(self) -> Result<(), EntryFault> {
        if self.data.is_some_and(|data| !data.is_empty()) { Err(EntryFault::Zip64) } else { Ok(()) }
    }
}
