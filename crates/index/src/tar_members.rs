//! The members of a tar archive, one after the other, as far as source distributions have them.
//!
//! Sources: POSIX.1-2001 (ustar and pax), and GNU tar's long names. Where readers differ, this one does as
//! Python's `tarfile` does, since that is what unpacks the archive when it is built. Nothing is written to a
//! disk, and no link is followed.

use std::io::{self, Read};

use crate::SdistError;

/// The longest header of GNU's or pax's that is read, in bytes.
const EXTENSION_LIMIT: u64 = 1 << 20;
const BLOCK: u64 = 512;

/// What a member is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A link, a folder, a device.
    Other,
}

/// A member, whose data is read by [`TarMembers::read`] or else passed over.
#[derive(Debug)]
pub(crate) struct Member {
    /// The path as it is written; `None` if it is not UTF-8.
    pub(crate) path: Option<String>,
    pub(crate) kind: Kind,
    /// In bytes.
    pub(crate) size: u64,
}

/// Reads a tar archive.
pub(crate) struct TarMembers<R> {
    reader: R,
    /// What is left of the current member's data, and its padding.
    left: u64,
    padding: u64,
}

/// What the headers before a member say of it.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> TarMembers<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, left: 0, padding: 0 }
    }

    /// The next member; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, SdistError> {
        let mut extension = Extension::default();
        loop {
            self.pass_over(self.left + self.padding)?;
            (self.left, self.padding) = (0, 0);
            let Some(header) = self.header()? else { return Ok(None) };
            let size =
                number(&header[124..136]).ok_or_else(|| malformed("the size of a member is no number"))?;
            match header[156] {
                b'L' => {
                    let name = self.extension_data(size)?;
                    extension.path = Some(until_nul(&name).to_vec());
                }
                b'K' => drop(self.extension_data(size)?),
                b'x' | b'X' => pax(&self.extension_data(size)?, &mut extension)?,
                b'g' => {
                    let mut global = Extension::default();
                    pax(&self.extension_data(size)?, &mut global)?;
                    if global.path.is_some() || global.size.is_some() {
                        return Err(malformed("it gives every member the same path or size"));
                    }
                }
                b'S' => return Err(sparse()),
                kind => {
                    return self.member(&header, kind, extension.size.unwrap_or(size), extension).map(Some);
                }
            }
        }
    }

    /// The data of the current member.
    pub(crate) fn read(&mut self) -> Result<Vec<u8>, SdistError> {
        let mut data = Vec::new();
        (&mut self.reader).take(self.left).read_to_end(&mut data)?;
        if (data.len() as u64) < self.left {
            return Err(ends_early());
        }
        self.left = 0;
        Ok(data)
    }

    fn member(
        &mut self,
        header: &[u8],
        kind: u8,
        size: u64,
        extension: Extension,
    ) -> Result<Member, SdistError> {
        let path = extension.path.unwrap_or_else(|| path_of(header));
        let is_file = matches!(kind, b'0' | b'\0' | b'7') && !path.ends_with(b"/");
        // Links, devices and folders have no data, whatever their size says.
        let size = if (b'1'..=b'6').contains(&kind) { 0 } else { size };
        self.left = size;
        self.padding = size.checked_next_multiple_of(BLOCK).ok_or_else(ends_early)? - size;
        let kind = if is_file { Kind::File } else { Kind::Other };
        Ok(Member { path: String::from_utf8(path).ok(), kind, size })
    }

    /// A header whose checksum is right; `None` at the end of the archive.
    fn header(&mut self) -> Result<Option<[u8; BLOCK as usize]>, SdistError> {
        let mut header = [0; BLOCK as usize];
        let mut filled = 0;
        while filled < header.len() {
            match self.reader.read(&mut header[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(ends_early()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let expected = number(&header[148..156]);
        // The checksum is taken with spaces in its own field; old writers took bytes for signed.
        let counted = || {
            header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte })
        };
        let unsigned: u64 = counted().map(u64::from).sum();
        let signed: i64 = counted().map(|byte| i64::from(byte.cast_signed())).sum();
        if expected != Some(unsigned) && expected.map(i64::try_from) != Some(Ok(signed)) {
            return Err(malformed("the checksum of a member's header is wrong"));
        }
        Ok(Some(header))
    }

    fn extension_data(&mut self, size: u64) -> Result<Vec<u8>, SdistError> {
        if size > EXTENSION_LIMIT {
            return Err(SdistError::Limit { limit: "tar extension", most: EXTENSION_LIMIT, unit: "bytes" });
        }
        (self.left, self.padding) = (size, size.next_multiple_of(BLOCK) - size);
        self.read()
    }

    fn pass_over(&mut self, count: u64) -> Result<(), SdistError> {
        let passed = io::copy(&mut (&mut self.reader).take(count), &mut io::sink())?;
        if passed < count { Err(ends_early()) } else { Ok(()) }
    }
}

/// The records of a pax header: `LENGTH KEY=VALUE\n`, where the length counts all of it.
fn pax(mut records: &[u8], extension: &mut Extension) -> Result<(), SdistError> {
    let broken = || malformed("a pax header cannot be read");
    while !until_nul(records).is_empty() {
        let space = records.iter().position(|byte| *byte == b' ').ok_or_else(broken)?;
        let length = str::from_utf8(&records[..space]).ok().and_then(|text| text.parse::<usize>().ok());
        let record = length.and_then(|length| records.get(space + 1..length)).ok_or_else(broken)?;
        records = &records[space + 1 + record.len()..];
        let record = record.strip_suffix(b"\n").ok_or_else(broken)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(broken)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => extension.path = Some(value.to_vec()),
            b"size" => {
                let size = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                extension.size = Some(size.ok_or_else(broken)?);
            }
            key if key.starts_with(b"GNU.sparse.") => return Err(sparse()),
            _ => {}
        }
    }
    Ok(())
}

fn path_of(header: &[u8]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    let prefix = until_nul(&header[345..500]);
    // GNU's own format has other things where ustar has the prefix.
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

/// A number in octal digits, or in base 256 where the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, rest @ ..] => {
            rest.iter().try_fold(0u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)))
        }
        _ => {
            let text = str::from_utf8(until_nul(field)).ok()?.trim();
            if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
        }
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn malformed(what: &str) -> SdistError {
    SdistError::Malformed(what.to_owned())
}

fn ends_early() -> SdistError {
    malformed("it ends early")
}

fn sparse() -> SdistError {
    malformed("it has a sparse member")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn header(path: &str, kind: u8, size: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[124..124 + size.len()].copy_from_slice(size);
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        seal(header)
    }

    fn seal(mut header: Vec<u8>) -> Vec<u8> {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    pub(crate) fn member(path: &str, kind: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = header(path, kind, format!("{:011o}", data.len()).as_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    /// Paths and data of the regular files.
    fn files(tar: &[u8]) -> Result<Vec<(String, String)>, String> {
        let mut members = TarMembers::new(tar);
        let mut found = Vec::new();
        while let Some(member) = members.next().map_err(|error| error.to_string())? {
            if member.kind == Kind::File {
                let data = members.read().map_err(|error| error.to_string())?;
                found.push((member.path.unwrap_or_default(), String::from_utf8(data).unwrap()));
            }
        }
        Ok(found)
    }

    fn one(path: &str, data: &str) -> Result<Vec<(String, String)>, String> {
        Ok(vec![(path.to_owned(), data.to_owned())])
    }

    #[test]
    fn long_names_of_every_format_are_read() {
        let long = "d/".repeat(80) + "f";
        let gnu = [member("././@LongLink", b'L', format!("{long}\0").as_bytes()), member("cut", b'0', b"x")];
        assert_eq!(files(&gnu.concat()), one(&long, "x"));
        let record = format!("{} path={long}\n", 9 + 1 + long.len());
        assert_eq!(record.len(), 10 + long.len());
        let pax = [member("x", b'x', record.as_bytes()), member("cut", b'0', b"x")];
        assert_eq!(files(&pax.concat()), one(&long, "x"));
        let mut ustar = member("name", b'0', b"x");
        ustar[345..351].copy_from_slice(b"prefix");
        let data = ustar.split_off(512);
        assert_eq!(files(&[seal(ustar), data].concat()), one("prefix/name", "x"));
    }

    #[test]
    fn a_size_in_a_pax_header_counts_before_the_member_s_own() {
        let inner = member("inner", b'0', b"smuggled");
        let record = format!("13 size={:04}\n", inner.len());
        let mut outer = header("outer", b'0', b"00000000000");
        outer.extend(&inner);
        let tar = [member("x", b'x', record.as_bytes()), outer, member("last", b'0', b"x")].concat();
        let paths: Vec<String> = {
            let mut members = TarMembers::new(tar.as_slice());
            std::iter::from_fn(|| members.next().unwrap()).map(|member| member.path.unwrap()).collect()
        };
        assert_eq!(paths, ["outer", "last"]);
    }

    #[test]
    fn links_and_folders_are_no_files_and_have_no_data() {
        let mut link = header("link", b'2', b"00000000777");
        link[157..160].copy_from_slice(b"etc");
        let tar =
            [seal(link), member("folder/", b'5', b""), member("old/", b'\0', b""), member("f", b'\0', b"x")];
        assert_eq!(files(&tar.concat()), one("f", "x"));
    }

    #[test]
    fn an_archive_ends_at_a_block_of_zeros_or_without_one() {
        let plain = member("f", b'0', b"x");
        assert_eq!(files(&plain), one("f", "x"));
        let padded = [plain.clone(), vec![0; 512], member("hidden", b'0', b"")].concat();
        assert_eq!(files(&padded), one("f", "x"));
        assert_eq!(files(&[]), Ok(vec![]));
        assert_eq!(files(&plain[..600]), Err("it is damaged: it ends early".to_owned()));
        assert_eq!(files(&plain[..100]), Err("it is damaged: it ends early".to_owned()));
    }

    #[test]
    fn hostile_headers_are_refused() {
        let mut wrong = member("f", b'0', b"x");
        wrong[0] ^= 1;
        let cases = [
            (wrong, "the checksum of a member's header is wrong"),
            (header("f", b'0', b"99999999999"), "the size of a member is no number"),
            (header("f", b'0', b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), "it ends early"),
            (header("f", b'L', b"77777777777"), "the limit `tar extension`"),
            (member("f", b'S', b""), "it has a sparse member"),
            (member("f", b'x', b"22 GNU.sparse.major=1\n"), "it has a sparse member"),
            (member("f", b'g', b"10 path=a\n"), "it gives every member the same path or size"),
            (member("f", b'x', b"99 path=a\n"), "a pax header cannot be read"),
            (member("f", b'x', b"2 path=a\n"), "a pax header cannot be read"),
            (member("f", b'x', b"18446744073709551616 a=b\n"), "a pax header cannot be read"),
            (member("f", b'x', b"10 size=-\n"), "a pax header cannot be read"),
        ];
        for (tar, expected) in cases {
            let error = files(&tar).unwrap_err();
            assert!(error.contains(expected), "{error} instead of {expected}");
        }
    }
}
