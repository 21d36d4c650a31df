//! Finding and reading the lock of a project.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use mlresolve_lockfile::{FILE_SIZE_LIMIT, Lock, ReadLock, file_name, read, validate_file_name};

use crate::error::Error;
use crate::text::printable;

/// A lock that was read, and from where.
#[derive(Debug, Clone)]
pub struct OpenLock {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// The lock.
    pub lock: Lock,
    /// What is odd about the file, as text.
    pub warnings: Vec<String>,
}

/// Reads the lock that a user means.
///
/// `place` is a lock, `-` for standard input, or a folder; the current folder where it is absent. In a folder it is the lock
/// of the target that is named, else `pylock.toml`, else the only `pylock.<name>.toml`.
///
/// # Errors
/// [`Error::Input`] when there is no such lock or several are meant, [`Error::File`] when it cannot be read, and
/// [`Error::Lock`] when it is not a lock.
pub fn open_lock(place: Option<&Path>, target: Option<&str>) -> Result<OpenLock, Error> {
    let place = place.unwrap_or(Path::new("."));
    match target {
        Some(target) if place.is_dir() => open_target(place, target),
        None if place.is_dir() => open_file(&only_lock(place)?),
        target => {
            let open = open_file(place)?;
            match (target, recorded_target(&open.lock)) {
                (Some(wanted), Some(recorded)) if wanted != recorded => {
                    let problem = format!("the lock is for the target {}, not {wanted}", printable(recorded));
                    Err(Error::input(place.display().to_string(), problem))
                }
                _ => Ok(open),
            }
        }
    }
}

/// Reads all the locks that a user means: those of the targets that are named, or the one that `place` is, or all in the
/// folder that it is. None where the current folder has none, and neither a place nor a target was named.
///
/// # Errors
/// As [`open_lock`].
pub fn open_locks(place: Option<&Path>, targets: &[String]) -> Result<Vec<OpenLock>, Error> {
    if !targets.is_empty() {
        return targets.iter().map(|target| open_lock(place, Some(target))).collect();
    }
    let dir = place.unwrap_or(Path::new("."));
    if !dir.is_dir() {
        return Ok(vec![open_file(dir)?]);
    }
    let names = locks_in(dir)?;
    if names.is_empty() && place.is_some() {
        let problem = "there is no lock in this folder; `mlresolve lock` makes one";
        return Err(Error::input(dir.display().to_string(), problem));
    }
    names.iter().map(|name| open_file(&within(dir, name))).collect()
}

fn recorded_target(lock: &Lock) -> Option<&str> {
    lock.tool.as_ref()?.target.as_ref()?.name.as_deref()
}

fn open_target(dir: &Path, target: &str) -> Result<OpenLock, Error> {
    let name = file_name(Some(target)).map_err(|error| Error::input("--target", error))?;
    let path = within(dir, &name);
    if path.exists() {
        return open_file(&path);
    }
    // A project with one target locks it in `pylock.toml`, which records the target's name.
    let plain = within(dir, "pylock.toml");
    if plain.exists() {
        let open = open_file(&plain)?;
        if recorded_target(&open.lock) == Some(target) {
            return Ok(open);
        }
    }
    let problem = match &locks_in(dir)?[..] {
        [] => "there is no such lock; `mlresolve lock` makes one".to_owned(),
        locks => format!("there is no such lock, but {}", locks.join(" and ")),
    };
    Err(Error::input(path.display().to_string(), problem))
}

fn only_lock(dir: &Path) -> Result<PathBuf, Error> {
    let locks = locks_in(dir)?;
    if locks.iter().any(|lock| lock == "pylock.toml") {
        return Ok(within(dir, "pylock.toml"));
    }
    let plain = within(dir, "pylock.toml");
    let problem = match &locks[..] {
        [only] => return Ok(within(dir, only)),
        [] => "there is no such lock; `mlresolve lock` makes one".to_owned(),
        locks => {
            format!("there is no such lock, but {}; choose one with --target NAME", locks.join(" and "))
        }
    };
    Err(Error::input(plain.display().to_string(), problem))
}

/// The names of the locks in a folder, sorted.
fn locks_in(dir: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::File { action: "read", path: dir.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.to_str().filter(|name| validate_file_name(name).is_ok()).map(printable));
    }
    names.sort();
    Ok(names)
}

fn open_file(path: &Path) -> Result<OpenLock, Error> {
    let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let input: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    // One byte over the limit is enough for the reader to refuse the file.
    input.take(FILE_SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let ReadLock { lock, warnings } =
        read(&bytes).map_err(|source| Error::Lock { path: path.to_owned(), source })?;
    let warnings = warnings.iter().map(|warning| format!("{}: {warning}", path.display())).collect();
    Ok(OpenLock { path: path.to_owned(), lock, warnings })
}

/// A file in a folder, without the `./` that only lengthens messages.
fn within(dir: &Path, name: &str) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(name) } else { dir.join(name) }
}
