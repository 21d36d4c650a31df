//! The application's layers: large files apart, its code last.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlresolve_layers::{Content, LayerFile, Mode, ReadAt};

use crate::error::Error;

/// Where the application is in an image.
pub(crate) const APP: &str = "/app";

/// From how many bytes on a file has a layer of its own: weights change at other times than code.
const LARGE_FILE_BYTES: u64 = 100_000_000;

/// The most files and folders of an application.
const FILE_LIMIT: usize = 500_000;

/// What never goes into an image: secrets, history, and what Python makes again by itself.
const LEFT_OUT: [&str; 8] =
    [".env", ".netrc", ".git", ".hg", ".venv", "__pycache__", ".dockerignore", ".DS_Store"];

/// The files of an application.
pub(crate) struct Application {
    /// Each is a layer, in the order of their paths.
    pub(crate) large: Vec<LayerFile>,
    /// These are one layer.
    pub(crate) small: Vec<LayerFile>,
}

/// Reads the folder of an application. Contents are read twice, here and when they are written; a file that changes in
/// between is found then.
pub(crate) fn read(folder: &Path) -> Result<Application, Error> {
    let mut application = Application { large: Vec::new(), small: Vec::new() };
    let root = APP.trim_start_matches('/');
    let folder_of = |path: &str| LayerFile::new(path, Mode::Executable, Content::Directory);
    application.small.push(folder_of(root));
    let mut open = vec![(folder.to_owned(), root.to_owned())];
    let mut count = 0_usize;
    while let Some((folder, inside)) = open.pop() {
        let failed = |source| Error::File { action: "read", path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(Error::input(path.display().to_string(), "the name of a file must be UTF-8"));
            };
            if LEFT_OUT.contains(&name) || name.ends_with(".pyc") {
                continue;
            }
            count += 1;
            if count > FILE_LIMIT {
                let limit = format!(
                    "the application has more than {FILE_LIMIT} files (the limit `application files`)"
                );
                return Err(Error::Limit(limit));
            }
            let inside = format!("{inside}/{name}");
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                application.small.push(folder_of(&inside));
                open.push((path, inside));
            } else if kind.is_symlink() {
                application.small.push(link(&path, inside)?);
            } else if kind.is_file() {
                let file = file_on_disk(&path, inside)?;
                let is_large = file.content.size() >= LARGE_FILE_BYTES;
                if is_large { application.large.push(file) } else { application.small.push(file) }
            } else {
                let problem = "is neither a file, a folder nor a link, and cannot go into an image";
                return Err(Error::input(path.display().to_string(), problem));
            }
        }
    }
    application.large.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(application)
}

/// A link that stays within the application; where another one leads is not in the image.
fn link(path: &Path, inside: String) -> Result<LayerFile, Error> {
    let target = fs::read_link(path).map_err(|source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let leaves = || {
        let problem = format!("leads out of the application to {}; copy what it leads to", target.display());
        Error::input(path.display().to_string(), problem)
    };
    let text = target.to_str().ok_or_else(leaves)?;
    // Relative to the folder of the link, which is below the root of the application.
    let mut depth = inside.matches('/').count() as i64 - 1;
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return Err(leaves());
        }
    }
    if text.starts_with('/') {
        return Err(leaves());
    }
    Ok(LayerFile::new(inside, Mode::Plain, Content::Symlink(text.to_owned())))
}

/// A file of this machine's disk, whose content is read when it is written.
pub(crate) fn file_on_disk(path: &Path, inside: String) -> Result<LayerFile, Error> {
    let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
    let mut open = File::open(path).map_err(failed)?;
    let executable = is_executable(&open).map_err(failed)?;
    let (mut hasher, mut size, mut chunk) = (crc32fast::Hasher::new(), 0, vec![0; 256 * 1024]);
    loop {
        let length = open.read(&mut chunk).map_err(failed)?;
        if length == 0 {
            break;
        }
        hasher.update(&chunk[..length]);
        size += length as u64;
    }
    let source = Arc::new(ByPath(path.to_owned()));
    let content = Content::Stored { source, offset: 0, size, crc32: hasher.finalize() };
    Ok(LayerFile::new(inside, if executable { Mode::Executable } else { Mode::Plain }, content))
}

#[cfg(unix)]
fn is_executable(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// A file that is opened when it is read, since there are more files than a process may have open.
struct ByPath(PathBuf);

impl ReadAt for ByPath {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        ReadAt::read_at(&File::open(&self.0)?, buffer, offset)
    }
}
