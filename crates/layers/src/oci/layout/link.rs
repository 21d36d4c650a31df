//! Blobs that are there already, in another layout; and what killed runs left.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use super::{Layout, LayoutError};
use crate::digest::Digest;

/// What the names of unfinished files begin with.
const PREFIX: &str = ".mlresolve-";

impl Layout {
    /// Takes a blob over from another layout, unless it is here already: both then share one file where their file
    /// systems are one, else it is copied. Which of the two was made in this run, and so need not be read again, is for
    /// the caller to say.
    ///
    /// # Errors
    /// [`LayoutError::Blob`] when the other layout does not have it or it is damaged there, or when it cannot be written.
    pub fn take(
        &self,
        from: &Self,
        digest: &Digest,
        size: u64,
        is_verified: bool,
    ) -> Result<(), LayoutError> {
        let (here, there) = (self.blob_path(digest), from.blob_path(digest));
        let failed = |error| LayoutError::Io { path: here.clone(), error };
        let is_whole = |layout: &Self| {
            if is_verified { Ok(layout.holds(digest, size)) } else { layout.has(digest, size) }
        };
        if !is_whole(from)? {
            return Err(LayoutError::Blob { digest: *digest, root: from.root().to_owned() });
        }
        if same_file(&here, &there) {
            return Ok(());
        }
        if self.has(digest, size)? {
            return Ok(());
        }
        if second_name(&there, &here).is_ok() {
            return Ok(());
        }
        let mut copy = self.temporary(&self.blobs())?;
        let copied = File::open(&there).and_then(|mut open| io::copy(&mut open, copy.as_file_mut()));
        if copied.map_err(failed)? != size {
            return Err(LayoutError::Blob { digest: *digest, root: from.root().to_owned() });
        }
        self.keep(copy, &here)
    }
}

/// Gives a file a second name, in place of what may have it.
pub(super) fn second_name(there: &Path, here: &Path) -> io::Result<()> {
    let name = here.file_name().unwrap_or_default().to_string_lossy();
    let beside = here.with_file_name(format!("{PREFIX}{}-{name}", std::process::id()));
    drop(fs::remove_file(&beside));
    fs::hard_link(there, &beside)?;
    let renamed = fs::rename(&beside, here);
    // Where both were one file already, renaming does nothing.
    drop(fs::remove_file(&beside));
    renamed
}

#[cfg(unix)]
fn same_file(left: &Path, right: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |path: &Path| fs::symlink_metadata(path).map(|file| (file.dev(), file.ino())).ok();
    of(left).is_some() && of(left) == of(right)
}

#[cfg(not(unix))]
fn same_file(_: &Path, _: &Path) -> bool {
    false
}

/// A new file that is its writer's as long as it is locked.
pub fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        // Where there are no locks, nobody can take it for a leftover either. Another run may have been faster between
        // the making and the locking.
        if file.as_file().lock().is_err() || file.path().exists() {
            return Ok(file);
        }
    }
}

/// Removes what killed runs left in a folder. What stands in the way of that stands in no other way.
pub fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = File::options().write(true).open(entry.path()) else { continue };
        match file.try_lock() {
            Ok(()) => drop(fs::remove_file(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}
