//! Blobs that come from elsewhere: nothing gets its name before its digest was seen to be right.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::link::second_name;
use super::{Layout, LayoutError};
use crate::digest::Digest;
use crate::oci::base::DOCUMENT_BYTES_LIMIT;

/// A blob on its way into a layout.
pub(crate) struct Incoming<'a> {
    layout: &'a Layout,
    file: NamedTempFile,
    hasher: Sha256,
    digest: Digest,
    size: u64,
    received: u64,
}

impl Layout {
    /// A document that is here whole.
    pub(crate) fn known_document(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LayoutError> {
        let path = self.blob_path(digest);
        let cannot = |error| LayoutError::Io { path: path.clone(), error };
        let Some(file) = open_file(&path).map_err(cannot)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(DOCUMENT_BYTES_LIMIT).read_to_end(&mut bytes).map_err(cannot)?;
        Ok((Digest::of(&bytes) == *digest).then_some(bytes))
    }

    /// Begins a blob that has this digest and length.
    pub(crate) fn incoming(&self, digest: Digest, size: u64) -> Result<Incoming<'_>, LayoutError> {
        let file = self.temporary(&self.blobs())?;
        Ok(Incoming { layout: self, file, hasher: Sha256::new(), digest, size, received: 0 })
    }

    /// Gives a file that is this blob a second name here, where the file system can. The file must be whole.
    pub(crate) fn link(&self, path: &Path, digest: &Digest) -> bool {
        may_be_shared(path) && second_name(path, &self.blob_path(digest)).is_ok()
    }
}

impl Incoming<'_> {
    /// How many bytes are there.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Takes bytes up to the blob's length; more of them are left unread.
    pub(crate) fn take(&mut self, mut reader: impl Read) -> Result<(), Taking> {
        let mut buffer = vec![0; 128 * 1024];
        while self.received < self.size {
            let most = usize::try_from(self.size - self.received).unwrap_or(usize::MAX).min(buffer.len());
            match reader.read(&mut buffer[..most]) {
                Ok(0) => return Err(Taking::Read(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => {
                    self.file.write_all(&buffer[..length]).map_err(|error| self.cannot_write(error))?;
                    self.hasher.update(&buffer[..length]);
                    self.received += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Taking::Read(error)),
            }
        }
        Ok(())
    }

    /// Gives up what is there.
    pub(crate) fn restart(&mut self) -> Result<(), LayoutError> {
        let file = self.file.as_file_mut();
        let emptied = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| LayoutError::Io { path: self.file.path().to_owned(), error })?;
        (self.hasher, self.received) = (Sha256::new(), 0);
        Ok(())
    }

    /// Gives the blob its name. If its digest is another one, it is given back.
    pub(crate) fn keep(self) -> Result<Option<Self>, LayoutError> {
        if self.received != self.size || Digest::finish(self.hasher.clone()) != self.digest {
            return Ok(Some(self));
        }
        self.layout.keep(self.file, &self.layout.blob_path(&self.digest))?;
        Ok(None)
    }

    fn cannot_write(&self, error: io::Error) -> Taking {
        Taking::Write(LayoutError::Io { path: self.file.path().to_owned(), error })
    }
}

/// Why bytes were not taken.
pub(crate) enum Taking {
    /// They could not be had, or there were too few.
    Read(io::Error),
    /// They could not be written.
    Write(LayoutError),
}

/// Whether a file can be a blob under another name: engines that run as other users must be able to read it, and a
/// link would be linked as a link.
fn may_be_shared(path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else { return false };
    #[cfg(unix)]
    let readable = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o444 == 0o444;
    #[cfg(not(unix))]
    let readable = true;
    metadata.is_file() && readable
}

/// The digest of a whole file.
pub(crate) fn digest_of(mut reader: impl Read) -> io::Result<Digest> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 128 * 1024]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Digest::finish(hasher)),
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Opens a blob, which is an ordinary file; nothing is waited for as a pipe would.
pub(crate) fn open_file(path: &Path) -> io::Result<Option<File>> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => File::open(path).map(Some),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an ordinary file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
