//! The file system of an image as data: what each layer holds, and what their stack shows.
//!
//! A [`LayerListing`] is a function of the layer alone, so it can be kept under the layer's digest. What is in files is
//! not kept but for the notes that a caller takes: facts about a shared library, or the text of `etc/passwd`. Names
//! mean what they mean to container engines, and what those refuse is refused here.

mod note;
mod tree;

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::file::{NAME_BYTES_LIMIT, PATH_BYTES_LIMIT};
use crate::tar::read::{Entry, Kind, Reader, TarError, text};
use crate::tree::ENTRY_LIMIT;

pub use note::Note;
pub use tree::{
    EntryKind, FileTree, LINKS_LIMIT, ResolveError, TREE_ENTRIES_LIMIT, TreeEntry, TreeError, TreeProblem,
};

/// The most bytes of all names and targets of links in a layer.
pub const TEXT_BYTES_LIMIT: usize = 256 * 1024 * 1024;

/// The most bytes of all notes of a layer.
pub const NOTES_BYTES_LIMIT: usize = 64 * 1024 * 1024;

/// The beginning of the name of a file that removes another one (OCI image specification, layers, whiteouts).
const WHITEOUT: &str = ".wh.";

/// The name of a file that removes all that lower layers have in its directory.
const OPAQUE: &str = ".wh..wh..opq";

/// The beginning of the names in which AUFS kept what concerned it alone. Engines pass over them.
const AUFS: &str = ".wh..wh.";

/// What a layer holds, in the order of its archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerListing {
    /// The entries. A later one of the same path replaces an earlier one.
    pub entries: Vec<ListedEntry>,
}

/// An entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedEntry {
    /// The path below the image's root, without a leading slash, `.` or `..`; empty for the root itself. Bytes that are not
    /// UTF-8 are written as `\xNN`. It may have control characters.
    pub path: String,
    /// What it is.
    pub kind: ListedKind,
    /// The permission bits, with those for set-user-ID and the like.
    pub mode: u32,
    /// The user whose it is.
    pub user: u64,
    /// The group whose it is.
    pub group: u64,
}

/// What an entry of a layer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListedKind {
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// What the caller noted of it.
        note: Option<Note>,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it leads, as it is written.
        target: String,
    },
    /// Another name of a file.
    HardLink {
        /// The path of the file.
        target: String,
    },
    /// A device or a named pipe.
    Special,
    /// Nothing: what lower layers have at this path is removed.
    Whiteout,
    /// Nothing: what lower layers have in this directory is removed.
    Opaque,
}

/// Why a layer could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// Its archive cannot be read.
    #[error(transparent)]
    Archive(#[from] TarError),
    /// A name or a target that engines refuse.
    #[error("it has {path:?}, which container engines refuse: {problem}")]
    Path {
        /// The name, as it is in the archive.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file could not be looked into.
    #[error("cannot read {path:?}: {error}")]
    Inspect {
        /// Its path.
        path: String,
        /// Why not.
        error: io::Error,
    },
    /// More entries than the limit.
    #[error("it has more entries than ENTRY_LIMIT = {ENTRY_LIMIT}")]
    Entries,
    /// Names and targets above the limit.
    #[error("its names are longer than TEXT_BYTES_LIMIT = {TEXT_BYTES_LIMIT} bytes together")]
    Text,
    /// Notes above the limit.
    #[error(
        "what was noted of its files is longer than NOTES_BYTES_LIMIT = {NOTES_BYTES_LIMIT} bytes, at {path:?}"
    )]
    Notes {
        /// The file whose note was too much.
        path: String,
    },
}

/// Looks into a regular file: gets its path, its length and its content, of which it may read any part, and returns what
/// is to be kept.
pub type Inspect<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> io::Result<Option<Vec<u8>>> + 'a;

/// Lists the archive of a layer, as a [reader](crate::oci::BaseImage::read_layer) gives it. It is read to its end.
///
/// # Errors
/// When the archive cannot be read, has names that engines refuse, or passes a limit.
pub fn list_layer(archive: impl Read, inspect: &mut Inspect<'_>) -> Result<LayerListing, ListingError> {
    let mut reader = Reader::new(archive);
    let mut entries: Vec<ListedEntry> = Vec::new();
    let (mut text_bytes, mut note_bytes) = (0, 0);
    while let Some(entry) = reader.next()? {
        if entries.len() == ENTRY_LIMIT {
            return Err(ListingError::Entries);
        }
        text_bytes += entry.path.len() + entry.target.len();
        if text_bytes > TEXT_BYTES_LIMIT {
            return Err(ListingError::Text);
        }
        let refused = |problem| ListingError::Path { path: text(&entry.path), problem };
        let Some((path, kind)) = listed(&entry).map_err(refused)? else { continue };
        let kind = match kind {
            ListedKind::File { size, .. } => {
                let found = inspect(&path, size, &mut reader.content());
                let note = found.map_err(|error| ListingError::Inspect { path: path.clone(), error })?;
                note_bytes += note.as_ref().map_or(0, Vec::len);
                if note_bytes > NOTES_BYTES_LIMIT {
                    return Err(ListingError::Notes { path });
                }
                ListedKind::File { size, note: note.map(Note::from) }
            }
            kind => kind,
        };
        entries.push(ListedEntry { path, kind, mode: entry.mode, user: entry.user, group: entry.group });
    }
    reader.finish().map_err(TarError::Read)?;
    Ok(LayerListing { entries })
}

/// Where an entry goes and what it is; none for what engines pass over.
fn listed(entry: &Entry) -> Result<Option<(String, ListedKind)>, &'static str> {
    let path = clean(&entry.path)?;
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    if name == OPAQUE {
        return Ok(Some((folder.to_owned(), ListedKind::Opaque)));
    }
    if path.split('/').any(|part| part.starts_with(AUFS)) {
        return Ok(None);
    }
    if let Some(removed) = name.strip_prefix(WHITEOUT) {
        if matches!(removed, "" | "." | "..") {
            return Err("it removes nothing that has a name");
        }
        let path = if folder.is_empty() { removed.to_owned() } else { format!("{folder}/{removed}") };
        return Ok(Some((path, ListedKind::Whiteout)));
    }
    let kind = match entry.kind {
        Kind::File => ListedKind::File { size: entry.size, note: None },
        Kind::Directory => ListedKind::Directory,
        Kind::Symlink if entry.target.is_empty() => return Err("it is a link to nothing"),
        Kind::Symlink if entry.target.len() > PATH_BYTES_LIMIT => {
            return Err("the target of the link is longer than PATH_BYTES_LIMIT = 4095 bytes");
        }
        Kind::Symlink => ListedKind::Symlink { target: text(&entry.target) },
        Kind::HardLink => ListedKind::HardLink { target: clean(&entry.target)? },
        Kind::Character | Kind::Block | Kind::Fifo => ListedKind::Special,
    };
    if path.is_empty() && kind != ListedKind::Directory {
        return Err("it is the root, which is a directory");
    }
    Ok(Some((path, kind)))
}

/// A path without `.`, `..` and double slashes, below the root.
///
/// Engines take a leading slash for the root of the image, and `..` as it is written, before any link is followed. A
/// relative path that leads out is refused.
fn clean(path: &[u8]) -> Result<String, &'static str> {
    let path = text(path);
    if path.is_empty() {
        return Err("the name is empty");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() && !path.starts_with('/') {
                    return Err("it leads out of the image");
                }
            }
            part if part.len() > NAME_BYTES_LIMIT => {
                return Err("a part of it is longer than NAME_BYTES_LIMIT = 255 bytes");
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if path.len() > PATH_BYTES_LIMIT {
        return Err("it is longer than PATH_BYTES_LIMIT = 4095 bytes");
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
