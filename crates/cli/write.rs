//! Writing a file whole or not at all.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// What the names of unfinished files begin with.
const PREFIX: &str = ".mlresolve-";

/// Writes beside the file and renames, so that there is always one whole file.
///
/// An unfinished file is locked by the run that writes it. So one that is not was left by a run that was killed, and
/// is removed.
///
/// # Errors
/// What the system says; the file is as it was.
pub(crate) fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    remove_leftovers(folder);
    // Unchanged bytes are left alone, and with them the file's time.
    if std::fs::read(path).is_ok_and(|now| now == text.as_bytes()) {
        return Ok(());
    }
    let mut file = locked_file_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A new file that no other run takes for a leftover.
fn locked_file_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(readable_by_all());
    loop {
        let file = builder.tempfile_in(folder)?;
        // Where there are no locks, nobody can take it for a leftover either.
        let locked = file.as_file().lock();
        // Another run may have been faster, between the making and the locking.
        if locked.is_err() || file.path().exists() {
            return Ok(file);
        }
    }
}

/// Removes what killed runs left. What stands in the way of that stands in no other way.
fn remove_leftovers(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = File::options().write(true).open(entry.path()) else { continue };
        match file.try_lock() {
            Ok(()) => drop(std::fs::remove_file(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(unix)]
fn readable_by_all() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    // The umask is taken off by the system.
    std::fs::Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_a_run_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pylock.toml");
        std::fs::write(folder.path().join(".mlresolve-killed"), "half").unwrap();
        std::fs::create_dir(folder.path().join(".mlresolve-folder")).unwrap();
        std::fs::write(folder.path().join("mine"), "").unwrap();
        let other = locked_file_in(folder.path()).unwrap();
        let other_name = other.path().file_name().unwrap().to_str().unwrap().to_owned();
        write_atomically(&path, "new").unwrap();
        let mut expected = [".mlresolve-folder", &other_name, "mine", "pylock.toml"];
        expected.sort_unstable();
        assert_eq!(names_in(folder.path()), expected);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn an_unchanged_file_keeps_its_time_and_leftovers_go_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pylock.toml");
        std::fs::write(&path, "same").unwrap();
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(folder.path().join(".mlresolve-killed"), "half").unwrap();
        write_atomically(&path, "same").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
        assert_eq!(names_in(folder.path()), ["pylock.toml"]);
    }

    #[test]
    fn runs_at_the_same_time_do_not_take_each_others_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pylock.toml");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    (0..50).for_each(|round| write_atomically(path, &format!("{writer} {round}")).unwrap());
                });
            }
        });
        assert_eq!(names_in(folder.path()), ["pylock.toml"]);
    }
}
