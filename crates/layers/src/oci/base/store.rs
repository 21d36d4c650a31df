//! Where the blobs of an image are: in the folder of a layout, or within an archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BaseError;
use super::documents::DOCUMENT_BYTES_LIMIT;
use crate::digest::Digest;
use crate::oci::layout::{digest_of, open_file};
use crate::oci::model::Descriptor;
use crate::source::Section;
use crate::tar::read::{Kind, Reader, text};

/// The most entries of an archive of images.
pub const ARCHIVE_ENTRIES_LIMIT: usize = 100_000;

/// How many links to other entries are followed.
const LINKS_LIMIT: usize = 8;

/// The bytes of one blob.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file, which is opened when it is read.
    File(PathBuf),
    /// A part of an archive.
    Part { file: Arc<File>, archive: PathBuf, offset: u64, size: u64 },
}

/// Something that has blobs.
pub(super) enum Store {
    Folder(PathBuf),
    Archive(Archive),
}

/// An archive whose entries are known by their names. The names are keys and nothing else.
pub(super) struct Archive {
    path: PathBuf,
    file: Arc<File>,
    entries: HashMap<String, Member>,
}

enum Member {
    File { offset: u64, size: u64 },
    Link(String),
}

impl Place {
    /// The bytes, with their length.
    pub(crate) fn open(&self) -> Result<(Section<Arc<File>>, u64), BaseError> {
        match self {
            Self::File(path) => {
                let cannot = |error| BaseError::Io { path: path.clone(), error };
                let file = open_file(path).map_err(cannot)?;
                let file = file.ok_or_else(|| cannot(io::ErrorKind::NotFound.into()))?;
                let size = file.metadata().map_err(cannot)?.len();
                Ok((Section::new(Arc::new(file), 0, size), size))
            }
            Self::Part { file, offset, size, .. } => {
                Ok((Section::new(Arc::clone(file), *offset, *size), *size))
            }
        }
    }

    /// The file that holds them.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Part { archive, .. } => archive,
        }
    }

    /// All of them, which are few.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, BaseError> {
        let (section, size) = self.open()?;
        if size > DOCUMENT_BYTES_LIMIT {
            return Err(BaseError::Large { name: name.to_owned() });
        }
        let mut bytes = Vec::new();
        let read = section.take(DOCUMENT_BYTES_LIMIT).read_to_end(&mut bytes);
        read.map_err(|error| BaseError::Io { path: self.path().to_owned(), error })?;
        Ok(bytes)
    }

    /// Their digest.
    pub(crate) fn digest(&self) -> Result<Digest, BaseError> {
        let (section, _) = self.open()?;
        digest_of(section).map_err(|error| BaseError::Io { path: self.path().to_owned(), error })
    }
}

impl Store {
    /// A file of the layout's root, such as `index.json`.
    pub(super) fn named(&self, name: &str) -> Option<Place> {
        match self {
            Self::Folder(root) => {
                let path = root.join(name);
                path.exists().then_some(Place::File(path))
            }
            Self::Archive(archive) => archive.place(name),
        }
    }

    /// Where a blob is. It has the length that is stated; its bytes are not looked at.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<Place, BaseError> {
        let name = format!("blobs/sha256/{}", descriptor.digest.hex());
        let path = match self {
            Self::Folder(root) => root,
            Self::Archive(archive) => &archive.path,
        };
        let missing = || BaseError::Missing { name: descriptor.digest.to_string(), path: path.clone() };
        let place = self.named(&name).ok_or_else(missing)?;
        let (_, size) = place.open()?;
        if size == descriptor.size {
            return Ok(place);
        }
        Err(BaseError::Damaged { name: descriptor.digest.to_string(), path: path.clone() })
    }

    /// The bytes of a document, verified.
    pub(super) fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, BaseError> {
        let place = self.blob(descriptor)?;
        let name = descriptor.digest.to_string();
        let bytes = place.bytes(&name)?;
        if Digest::of(&bytes) == descriptor.digest {
            return Ok(bytes);
        }
        Err(BaseError::Damaged { name, path: place.path().to_owned() })
    }
}

impl Archive {
    /// Reads the headers of an archive. Where a name comes twice, the later one counts, as for who unpacks it.
    pub(super) fn open(path: &Path) -> Result<Self, BaseError> {
        let cannot = |error| BaseError::Io { path: path.to_owned(), error };
        let wrong = |problem| BaseError::Archive { path: path.to_owned(), problem };
        let file = Arc::new(File::open(path).map_err(cannot)?);
        let length = file.metadata().map_err(cannot)?.len();
        let mut magic = [0; 6];
        let read = Section::new(Arc::clone(&file), 0, 6).read(&mut magic).map_err(cannot)?;
        if let Some(way_out) = compressed(&magic[..read]) {
            return Err(BaseError::Compressed { path: path.to_owned(), way_out });
        }
        let mut reader = Reader::skipping(Section::new(Arc::clone(&file), 0, length));
        let (mut entries, mut count) = (HashMap::new(), 0);
        while let Some(entry) = reader.next().map_err(wrong)? {
            count += 1;
            if count > ARCHIVE_ENTRIES_LIMIT {
                return Err(BaseError::ArchiveEntries { path: path.to_owned() });
            }
            let Some(name) = inside("", &text(&entry.path)) else { continue };
            let member = match entry.kind {
                Kind::File => Member::File { offset: entry.offset, size: entry.size },
                Kind::HardLink => Member::Link(text(&entry.target)),
                Kind::Symlink => {
                    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    match inside(folder, &text(&entry.target)) {
                        Some(target) => Member::Link(target),
                        None => continue,
                    }
                }
                _ => continue,
            };
            entries.insert(name, member);
        }
        Ok(Self { path: path.to_owned(), file, entries })
    }

    /// Where an entry is, through links to other entries.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        let mut name = inside("", name)?;
        for _ in 0..=LINKS_LIMIT {
            match self.entries.get(&name)? {
                Member::Link(target) => name = inside("", target)?,
                Member::File { offset, size } => {
                    let (file, archive) = (Arc::clone(&self.file), self.path.clone());
                    return Some(Place::Part { file, archive, offset: *offset, size: *size });
                }
            }
        }
        None
    }

    /// Some names that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// A name within an archive, seen from one of its folders; none if it leads out.
fn inside(folder: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty() && !name.starts_with('/')).then(|| parts.join("/"))
}

/// How a compressed archive is made into one that can be read at any place.
fn compressed(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [0x1f, 0x8b, ..] => Some("gzip -dk"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd -dk"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz -dk"),
        [b'B', b'Z', b'h', ..] => Some("bzip2 -dk"),
        _ => None,
    }
}
