//! The archive of a source distribution: the few files that metadata is read from, without unpacking it.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use mlresolve_packaging::SdistExtension;
use mlresolve_packaging::sdist::SourceFiles;
use thiserror::Error;
use zip::ZipArchive;

use crate::tar_members::{Kind, TarMembers};

/// How much an archive may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SdistLimits {
    /// The archive, in bytes, where it is fetched for its metadata alone.
    pub archive: u64,
    /// What it unpacks to, in bytes.
    pub unpacked: u64,
    /// How many times its own size it unpacks to, once that is more than 64 MiB.
    pub ratio: u64,
    /// Its members.
    pub members: u64,
    /// The files that are read of it, together, in bytes.
    pub metadata: u64,
}

/// Up to here a high ratio is a small matter.
const RATIO_FREE: u64 = 64 << 20;

impl Default for SdistLimits {
    fn default() -> Self {
        Self { archive: 512 << 20, unpacked: 4 << 30, ratio: 100, members: 500_000, metadata: 16 << 20 }
    }
}

/// Why an archive cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SdistError {
    /// It is of a form that is not read.
    #[error("archives of the form {0} are not read")]
    Form(&'static str),
    /// It is no such archive, or one that readers may understand differently.
    #[error("it is damaged: {0}")]
    Malformed(String),
    /// One of its files is a link, which may lead anywhere.
    #[error("{0} in it is a link, and links are not followed")]
    Link(String),
    /// One of its files is there again with other contents, and tools differ on which one counts.
    #[error("{0} is in it twice, with different contents")]
    Twice(String),
    /// Its files are in several folders.
    #[error("it has more than one top-level folder: {0} and {1}")]
    SeveralFolders(String, String),
    /// It is beyond a limit.
    #[error("it holds more than {most} {unit}, the limit `{limit}`")]
    Limit {
        /// The limit's name.
        limit: &'static str,
        /// The limit.
        most: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// It cannot be read at all.
    #[error(transparent)]
    Io(io::Error),
}

/// Reads the files of a source distribution that its metadata may be in (see [`SourceFiles`]), in one pass and without
/// writing anything. The top-level folder may have any name; `subdirectory` is the folder in it that holds the project,
/// or empty.
///
/// # Errors
/// When it is not such an archive, when a file that matters is a link or is there twice, and beyond a limit.
pub fn read_sdist<R: Read + Seek>(
    mut archive: R,
    extension: SdistExtension,
    subdirectory: &str,
    limits: &SdistLimits,
) -> Result<SourceFiles, SdistError> {
    let size = archive.seek(SeekFrom::End(0))?;
    archive.rewind()?;
    let most = size.saturating_mul(limits.ratio).max(RATIO_FREE).min(limits.unpacked);
    match extension {
        SdistExtension::Zip => read_zip(archive, subdirectory, limits),
        SdistExtension::Tar => read_tar(archive, subdirectory, limits, most),
        SdistExtension::TarGz | SdistExtension::Tgz => {
            read_tar(MultiGzDecoder::new(io::BufReader::new(archive)), subdirectory, limits, most)
        }
        SdistExtension::TarBz2 => read_tar(MultiBzDecoder::new(archive), subdirectory, limits, most),
        SdistExtension::TarXz | SdistExtension::TarZ => Err(SdistError::Form(extension.as_str())),
    }
}

/// Whether archives of this form are read.
pub(crate) fn is_read(extension: SdistExtension) -> bool {
    !matches!(extension, SdistExtension::TarXz | SdistExtension::TarZ)
}

fn read_tar(
    reader: impl Read,
    subdirectory: &str,
    limits: &SdistLimits,
    most: u64,
) -> Result<SourceFiles, SdistError> {
    let limit = if most == limits.unpacked { "unpacked" } else { "ratio" };
    let mut members = TarMembers::new(Counted { reader, left: most });
    let mut gathered = Gathered::new(limits);
    let beyond = |error| match error {
        SdistError::Io(error) if is_beyond_limit(&error) => {
            SdistError::Limit { limit, most, unit: "bytes when unpacked" }
        }
        error => error,
    };
    while let Some(member) = members.next().map_err(beyond)? {
        gathered.count()?;
        let Some((folder, path)) = member.path.as_deref().and_then(|path| wanted(path, subdirectory)) else {
            continue;
        };
        gathered.admit(folder, path, member.kind == Kind::File, member.size)?;
        let bytes = members.read().map_err(beyond)?;
        gathered.add(path, bytes)?;
    }
    Ok(gathered.files)
}

fn read_zip<R: Read + Seek>(
    archive: R,
    subdirectory: &str,
    limits: &SdistLimits,
) -> Result<SourceFiles, SdistError> {
    let malformed = |error: &dyn std::error::Error| SdistError::Malformed(error.to_string());
    let mut archive = ZipArchive::new(archive).map_err(|error| malformed(&error))?;
    let mut gathered = Gathered::new(limits);
    for at in 0..archive.len() {
        gathered.count()?;
        let name = archive.name_for_index(at).and_then(Result::ok).map(Cow::into_owned);
        let Some((folder, path)) = name.as_deref().and_then(|path| wanted(path, subdirectory)) else {
            continue;
        };
        let member = archive.by_index(at).map_err(|error| malformed(&error))?;
        let is_file = member.is_file() && !member.is_symlink();
        gathered.admit(folder, path, is_file, member.size())?;
        // The size that is announced need not be the one that comes.
        let most = gathered.left;
        let mut bytes = Vec::new();
        member.take(most + 1).read_to_end(&mut bytes).map_err(|error| malformed(&error))?;
        gathered.admit(folder, path, true, bytes.len() as u64)?;
        gathered.add(path, bytes)?;
    }
    Ok(gathered.files)
}

/// The top-level folder of a member and the path below it, if it is one of the files that matter.
fn wanted<'path>(path: &'path str, subdirectory: &str) -> Option<(&'path str, &'path str)> {
    let (folder, path) = path.trim_start_matches("./").split_once('/')?;
    let path = match subdirectory {
        "" => path,
        inner => path.strip_prefix(inner)?.strip_prefix('/')?,
    };
    (!matches!(folder, "" | "..") && SourceFiles::wants(path)).then_some((folder, path))
}

/// The files that were found so far.
struct Gathered<'a> {
    limits: &'a SdistLimits,
    files: SourceFiles,
    folder: Option<String>,
    members: u64,
    /// How many bytes may still be read.
    left: u64,
}

impl<'a> Gathered<'a> {
    fn new(limits: &'a SdistLimits) -> Self {
        Self { limits, files: SourceFiles::default(), folder: None, members: 0, left: limits.metadata }
    }

    fn count(&mut self) -> Result<(), SdistError> {
        self.members += 1;
        if self.members > self.limits.members {
            return Err(SdistError::Limit { limit: "members", most: self.limits.members, unit: "members" });
        }
        Ok(())
    }

    /// Whether a file may be read.
    fn admit(&mut self, folder: &str, path: &str, is_file: bool, size: u64) -> Result<(), SdistError> {
        if !is_file {
            return Err(SdistError::Link(path.to_owned()));
        }
        let first = self.folder.get_or_insert_with(|| folder.to_owned());
        if first != folder {
            return Err(SdistError::SeveralFolders(first.clone(), folder.to_owned()));
        }
        if size > self.left {
            let most = self.limits.metadata;
            return Err(SdistError::Limit { limit: "metadata", most, unit: "bytes of metadata" });
        }
        Ok(())
    }

    fn add(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), SdistError> {
        self.left -= bytes.len() as u64;
        if self.files.get(path).is_some_and(|first| first != bytes) {
            return Err(SdistError::Twice(path.to_owned()));
        }
        self.files.insert(path, bytes);
        Ok(())
    }
}

/// Lets a number of bytes through and then fails.
struct Counted<R> {
    reader: R,
    left: u64,
}

#[derive(Debug, Error)]
#[error("beyond a limit")]
struct BeyondLimit;

fn is_beyond_limit(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<BeyondLimit>())
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(BeyondLimit))?;
        Ok(count)
    }
}

impl From<io::Error> for SdistError {
    fn from(error: io::Error) -> Self {
        // What a decompressor finds wrong is the archive's fault, not the disk's.
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                Self::Malformed(error.to_string())
            }
            io::ErrorKind::Other if !is_beyond_limit(&error) => Self::Malformed(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests;
