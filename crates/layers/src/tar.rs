//! The headers of a tar archive (POSIX.1-2017, `pax`, the ustar and pax interchange formats), written by us.
//!
//! Nothing in a header comes from the machine: no names of users, no time but [`MTIME`], no devices. A path that does
//! not fit into ustar's name and prefix, or that is not ASCII, has a `path` record of pax; so has the target of a link
//! (`linkpath`) and a size of 8 GiB or more (`size`).

use crate::file::{Content, LayerFile};

pub(crate) mod read;

/// The modification time of every file, in seconds of Unix time: 1980-01-01, the oldest that ZIP archives can hold.
pub(crate) const MTIME: u64 = 315_532_800;

/// Archives are made of blocks of this many bytes.
pub(crate) const BLOCK: usize = 512;

/// The two blocks of zeros that end an archive.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The first size that eleven octal digits cannot say.
const OCTAL_SIZE_END: u64 = 1 << 33;

/// The name of a header that holds records for the one after it. Readers do not show it.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// How many zeros follow a file of this many bytes.
pub(crate) fn padding(size: u64) -> usize {
    let over = (size % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

/// The header of a file, with the header of its pax records before it if it needs any.
pub(crate) fn header(file: &LayerFile) -> Vec<u8> {
    let directory = matches!(file.content, Content::Directory);
    let path = if directory { format!("{}/", file.path) } else { file.path.clone() };
    let (kind, target, mode) = match &file.content {
        Content::Directory => (b'5', "", file.mode.bits()),
        Content::Symlink(target) => (b'2', target.as_str(), 0o777),
        _ => (b'0', "", file.mode.bits()),
    };
    let size = file.content.size();
    let split = split(&path);

    // Records are sorted by their keys.
    let mut records = Vec::new();
    if target.len() > 100 || !target.is_ascii() {
        records.extend(record("linkpath", target));
    }
    if split.is_none() {
        records.extend(record("path", &path));
    }
    if size >= OCTAL_SIZE_END {
        records.extend(record("size", &size.to_string()));
    }

    let mut bytes = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        let mut block = Block::new(b'x', 0o644, (0, 0), records.len() as u64);
        block.put(0, PAX_NAME);
        bytes.extend(block.finish());
        bytes.extend(&records);
        bytes.resize(bytes.len() + padding(records.len() as u64), 0);
    }
    let stated = if size < OCTAL_SIZE_END { size } else { 0 };
    let mut block = Block::new(kind, mode, (file.owner.user, file.owner.group), stated);
    let (prefix, name) = split.unwrap_or(("", &path));
    block.put(0, &ascii(name, 100));
    block.put(157, &ascii(target, 100));
    block.put(345, prefix.as_bytes());
    bytes.extend(block.finish());
    bytes
}

/// The prefix and the name of a path, if they fit: the shortest prefix that leaves a name of at most 100 bytes.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    // The slash between them is not written, and the one that ends a directory is no such slash.
    let from = path.len() - 101;
    let slash = from + path[from..path.len() - 1].find('/')?;
    (1..=155).contains(&slash).then(|| (&path[..slash], &path[slash + 1..]))
}

/// What old readers see of a text that has a record: its beginning, in ASCII.
fn ascii(text: &str, length: usize) -> Vec<u8> {
    text.bytes().take(length).map(|byte| if byte.is_ascii() { byte } else { b'_' }).collect()
}

/// `LENGTH KEY=VALUE\n`, whose length counts its own digits.
fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

/// One header, in ustar's places.
struct Block([u8; BLOCK]);

impl Block {
    fn new(kind: u8, mode: u32, (user, group): (u32, u32), size: u64) -> Self {
        let mut block = Self([0; BLOCK]);
        block.octal(100, 8, mode.into());
        block.octal(108, 8, user.into());
        block.octal(116, 8, group.into());
        block.octal(124, 12, size);
        block.octal(136, 12, MTIME);
        block.put(148, b"        ");
        block.put(156, &[kind]);
        block.put(257, b"ustar\x0000");
        block.octal(329, 8, 0);
        block.octal(337, 8, 0);
        block
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Octal digits with zeros before them and a zero byte after them.
    fn octal(&mut self, at: usize, length: usize, value: u64) {
        self.put(at, format!("{value:0width$o}", width = length - 1).as_bytes());
    }

    /// The header with its sum, in the form in which most programs write it: six digits, a zero byte, a space.
    fn finish(mut self) -> [u8; BLOCK] {
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.octal(148, 7, sum);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::file::{Mode, Owner};

    /// What a reader of archives sees: path, link, size, mode.
    fn read(file: &LayerFile) -> (String, Option<String>, u64, u32) {
        let mut bytes = header(file);
        bytes.extend(END);
        let mut archive = tar::Archive::new(&bytes[..]);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let link = entry.link_name_bytes().map(|link| String::from_utf8(link.into_owned()).unwrap());
        assert_eq!(entry.header().mtime().unwrap(), MTIME);
        (path, link, entry.size(), entry.header().mode().unwrap())
    }

    fn link(path: &str, target: &str) -> LayerFile {
        LayerFile::new(path, Mode::Plain, Content::Symlink(target.to_owned()))
    }

    #[test]
    fn paths_of_every_length_are_read_back() {
        for length in 1..700 {
            let flat: String = "abcdefghi".chars().cycle().take(length).collect();
            let deep: String = "abcdefgh/".chars().cycle().take(length).collect();
            for path in [flat, deep.trim_end_matches('/').to_owned()] {
                let file = LayerFile::new(&path, Mode::Executable, Content::Directory);
                assert_eq!(read(&file), (path.clone() + "/", None, 0, 0o755));
                let target = format!("../{path}");
                assert_eq!(read(&link(&path, &target)), (path, Some(target), 0, 0o777));
            }
        }
    }

    #[test]
    fn a_path_that_fits_needs_no_record() {
        let hundred = "a".repeat(100);
        let longest = format!("{}/{}", "p".repeat(155), "n".repeat(100));
        for (path, blocks) in
            [(hundred.clone(), 1), (longest.clone(), 1), (hundred + "a", 3), (longest + "n", 3)]
        {
            let file = LayerFile::new(path, Mode::Plain, Content::Bytes(Vec::new()));
            assert_eq!(header(&file).len(), blocks * BLOCK);
        }
    }

    #[test]
    fn a_name_beyond_ascii_has_a_record() {
        assert_eq!(read(&link("ä/ö.py", "ü")), ("ä/ö.py".to_owned(), Some("ü".to_owned()), 0, 0o777));
    }

    #[test]
    fn sizes_beyond_octal_have_a_record() {
        for (size, blocks) in [(OCTAL_SIZE_END - 1, 1), (OCTAL_SIZE_END, 3), (1 << 36, 3)] {
            let source: Arc<dyn crate::ReadAt> = Arc::new(Vec::new());
            let file =
                LayerFile::new("big", Mode::Plain, Content::Stored { source, offset: 0, size, crc32: 0 });
            assert_eq!(header(&file).len(), blocks * BLOCK);
            assert_eq!(read(&file), ("big".to_owned(), None, size, 0o644));
        }
    }

    #[test]
    fn the_owner_is_a_number() {
        let mut file = LayerFile::new("home/app", Mode::GroupWritable, Content::Directory);
        file.owner = Owner { user: 65532, group: 0 };
        let bytes = header(&file);
        let seen = tar::Header::from_byte_slice(&bytes);
        assert_eq!((seen.uid().unwrap(), seen.gid().unwrap(), seen.mode().unwrap()), (65532, 0, 0o775));
        assert_eq!((seen.username_bytes(), seen.groupname_bytes()), (Some(&b""[..]), Some(&b""[..])));
    }

    #[test]
    fn the_length_of_a_record_counts_itself() {
        assert_eq!(record("path", "a"), b"9 path=a\n");
        assert_eq!(record("a", "b"), b"6 a=b\n");
        assert_eq!(record("path", &"a".repeat(90)).len(), 99);
        assert_eq!(record("path", &"a".repeat(91)).len(), 101);
    }
}
