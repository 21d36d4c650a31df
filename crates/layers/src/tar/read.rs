//! Reading a tar archive (POSIX.1-2017 `pax`, ustar, GNU's long names) one entry after the other.
//!
//! Container engines read archives with Go's `archive/tar`, so what an entry means here is what it means there. The
//! fields of a header are parsed by the `tar` crate; its own iterator is not used, since it reads names and records of
//! any length into memory and splits records at line breaks, which extended attributes contain.

use std::io::{self, Read};

use super::{BLOCK, padding};
use crate::source::{ReadAt, Section};

/// The most bytes of a long name or of the records before an entry, as in Go.
pub const TAR_EXTENSION_BYTES_LIMIT: u64 = 1 << 20;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// Its bytes could not be had.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It ends within an entry.
    #[error("the archive is cut off at byte {at}")]
    Cut {
        /// Where, in bytes from its beginning.
        at: u64,
    },
    /// A block that is no header.
    #[error("there is no header of a tar archive at byte {at}")]
    Header {
        /// Where, in bytes from its beginning.
        at: u64,
    },
    /// A record of pax that is not `LENGTH KEY=VALUE`, or a name with a zero in it.
    #[error("the records before byte {at} of the archive are malformed")]
    Records {
        /// Where, in bytes from its beginning.
        at: u64,
    },
    /// A name or records above the limit.
    #[error(
        "the name or the records at byte {at} of the archive are longer than TAR_EXTENSION_BYTES_LIMIT = \
         {TAR_EXTENSION_BYTES_LIMIT} bytes"
    )]
    Long {
        /// Where, in bytes from its beginning.
        at: u64,
    },
    /// An entry that engines refuse or take in different ways.
    #[error("{path:?} is {what}, which container engines do not take")]
    Kind {
        /// Its name.
        path: String,
        /// What it is.
        what: String,
    },
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    Character,
    Block,
    Fifo,
}

/// An entry of an archive, as it is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    /// The length of the content in bytes; 0 for what has none.
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) user: u64,
    pub(crate) group: u64,
    /// The target of a link.
    pub(crate) target: Vec<u8>,
    /// Where the content begins, in bytes from the beginning of the archive.
    pub(crate) offset: u64,
}

/// What the headers before an entry say of it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    user: Option<u64>,
    group: Option<u64>,
    sparse: bool,
}

/// Reads the entries of an archive.
pub(crate) struct Reader<R> {
    source: R,
    skip: fn(&mut R, u64) -> io::Result<u64>,
    position: u64,
    /// What is left of the content of the last entry, and the zeros after it.
    left: u64,
    padding: u64,
}

impl<R: Read> Reader<R> {
    /// Reads a stream from its beginning to its end.
    pub(crate) fn new(source: R) -> Self {
        let skip = |source: &mut R, length| io::copy(&mut source.take(length), &mut io::sink());
        Self { source, skip, position: 0, left: 0, padding: 0 }
    }
}

impl<S: ReadAt> Reader<Section<S>> {
    /// Reads an archive and passes over the content that nobody asks for.
    pub(crate) fn skipping(source: Section<S>) -> Self {
        Self { source, skip: |source, length| Ok(source.skip(length)), position: 0, left: 0, padding: 0 }
    }
}

impl<R: Read> Reader<R> {
    /// The next entry; none at the end of the archive.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extensions = Extensions::default();
        loop {
            self.pass()?;
            let at = self.position;
            let Some(block) = self.block()? else { return Ok(None) };
            if block == [0; BLOCK] {
                // Two blocks of zeros are the end, and so is one at the end of the file.
                return match self.block()? {
                    Some(block) if block != [0; BLOCK] => Err(TarError::Header { at }),
                    _ => Ok(None),
                };
            }
            let header = ::tar::Header::from_byte_slice(&block);
            if !sum_is_right(header) {
                return Err(TarError::Header { at });
            }
            let size = number(&block[124..136], &header.entry_size()).ok_or(TarError::Header { at })?;
            match block[156] {
                b'x' => {
                    let records = self.extension(size)?;
                    self.records(&records, &mut extensions)?;
                }
                // Records for all entries that follow; engines take nothing from them.
                b'g' => drop(self.extension(size)?),
                b'L' => extensions.path = Some(until_zero(self.extension(size)?)),
                b'K' => extensions.target = Some(until_zero(self.extension(size)?)),
                flag => return self.entry(header, flag, size, extensions).map(Some),
            }
        }
    }

    /// The content of the last entry.
    pub(crate) fn content(&mut self) -> impl Read {
        Content { reader: self }
    }

    /// Reads what follows the end of the archive, so that all of the stream has been seen.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self.source, &mut io::sink()).map(drop)
    }

    fn entry(
        &mut self,
        header: &::tar::Header,
        flag: u8,
        size: u64,
        extensions: Extensions,
    ) -> Result<Entry, TarError> {
        let path = extensions.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let target = || header.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let refuse = |what: &str| TarError::Kind { path: text(&path), what: what.to_owned() };
        let kind = match flag {
            _ if extensions.sparse => return Err(refuse("a sparse file")),
            // Before ustar, a directory was a file whose name ends in a slash.
            0 if path.ends_with(b"/") => Kind::Directory,
            b'0' | 0 => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::Character,
            b'4' => Kind::Block,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'S' => return Err(refuse("a sparse file")),
            other => return Err(refuse(&format!("an entry of type {:?}", char::from(other)))),
        };
        // Only files have content, and those old directories; whatever else states a size has none.
        let size = if matches!(flag, b'0' | 0) { extensions.size.unwrap_or(size) } else { 0 };
        if size > i64::MAX as u64 {
            return Err(TarError::Header { at: self.position - BLOCK as u64 });
        }
        (self.left, self.padding) = (size, padding(size) as u64);
        Ok(Entry {
            target: extensions.target.unwrap_or_else(target),
            path,
            kind,
            size,
            mode: header.mode().unwrap_or_default() & 0o7777,
            user: extensions.user.or(header.uid().ok()).unwrap_or_default(),
            group: extensions.group.or(header.gid().ok()).unwrap_or_default(),
            offset: self.position,
        })
    }

    /// The content of a header that speaks of the next one.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > TAR_EXTENSION_BYTES_LIMIT {
            return Err(TarError::Long { at: self.position });
        }
        (self.left, self.padding) = (size, padding(size) as u64);
        let mut bytes = Vec::new();
        self.content().read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(TarError::Cut { at: self.position });
        }
        Ok(bytes)
    }

    fn records(&self, mut bytes: &[u8], extensions: &mut Extensions) -> Result<(), TarError> {
        let wrong = || TarError::Records { at: self.position };
        while !bytes.is_empty() {
            let (key, value, rest) = record(bytes).ok_or_else(wrong)?;
            bytes = rest;
            let number = || std::str::from_utf8(value).ok()?.parse().ok();
            match key {
                // A record without a value takes back what another said.
                b"path" => extensions.path = (!value.is_empty()).then(|| value.to_vec()),
                b"linkpath" => extensions.target = (!value.is_empty()).then(|| value.to_vec()),
                b"size" => extensions.size = Some(number().ok_or_else(wrong)?),
                b"uid" => extensions.user = Some(number().ok_or_else(wrong)?),
                b"gid" => extensions.group = Some(number().ok_or_else(wrong)?),
                _ if key.starts_with(b"GNU.sparse.") => extensions.sparse = true,
                _ => continue,
            }
            if matches!(key, b"path" | b"linkpath") && value.contains(&0) {
                return Err(wrong());
            }
        }
        Ok(())
    }

    /// Passes over what is left of the last entry.
    fn pass(&mut self) -> Result<(), TarError> {
        let length = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        let passed = (self.skip)(&mut self.source, length)?;
        self.position += passed;
        if passed == length { Ok(()) } else { Err(TarError::Cut { at: self.position }) }
    }

    /// The next block; none where the archive ends.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let (mut block, mut filled) = ([0; BLOCK], 0);
        while filled < BLOCK {
            match self.source.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(TarError::Cut { at: self.position + filled as u64 }),
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position += BLOCK as u64;
        Ok(Some(block))
    }
}

/// The content of an entry. An archive that ends within it is an error and not the end.
struct Content<'a, R> {
    reader: &'a mut Reader<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.reader.left).unwrap_or(usize::MAX).min(buffer.len());
        let length = self.reader.source.read(&mut buffer[..most])?;
        if length == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is cut off"));
        }
        self.reader.left -= length as u64;
        self.reader.position += length as u64;
        Ok(length)
    }
}

/// Bytes as text in which no two differ: what is not UTF-8 is written as `\xNN`.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The sum of a header's bytes, those of the sum itself taken for spaces; old archives summed signed bytes.
fn sum_is_right(header: &::tar::Header) -> bool {
    let bytes = header.as_bytes();
    let sum = |byte: fn(u8) -> i64| -> i64 {
        let all = bytes.iter().enumerate();
        all.map(|(at, value)| if (148..156).contains(&at) { 32 } else { byte(*value) }).sum()
    };
    let Ok(stated) = header.cksum() else { return false };
    let stated = i64::from(stated);
    sum(i64::from) == stated || sum(|byte| i64::from(byte.cast_signed())) == stated
}

/// A field of a header; one without digits is 0, and one in binary has its mark and at most eight bytes.
fn number(field: &[u8], parsed: &io::Result<u64>) -> Option<u64> {
    let (head, _) = field.split_at(field.len().saturating_sub(8));
    match parsed {
        Ok(_) if head.first().is_some_and(|mark| mark & 0x80 != 0) && head != [0x80, 0, 0, 0] => None,
        Ok(number) => Some(*number),
        Err(_) => field.iter().all(|byte| matches!(byte, 0 | b' ')).then_some(0),
    }
}

fn until_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// The first of some records, `LENGTH KEY=VALUE` and a line break, where the length is that of the whole.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    (!key.is_empty()).then(|| (key, value, &bytes[length..]))
}

#[cfg(test)]
mod tests;
