//! A Python of one's own, for a base that has none: a standalone build, as its archive has it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlresolve_layers::{Content, LayerFile, Mode, ReadAt};
use mlresolve_linkage::{Found, LibraryFacts, Machine, Reader};
use sha2::{Digest as _, Sha256};

use super::error::ImageError;
use super::skeleton::BasePython;
use crate::error::Error;

/// Where it is in an image.
const FOLDER: &str = "opt/python";

/// The most files of an interpreter, and the most bytes of all of them.
const FILE_LIMIT: usize = 100_000;
const BYTES_LIMIT: u64 = 4 << 30;

/// An interpreter whose files are ready to be a layer.
pub(crate) struct Interpreter {
    pub(crate) python: BasePython,
    pub(crate) files: Vec<LayerFile>,
    /// What its libraries and programs need, by path.
    pub(crate) libraries: BTreeMap<String, Option<LibraryFacts>>,
}

/// A file of the archive, in the temporary file that holds all of them.
#[derive(Clone)]
struct Unpacked {
    offset: u64,
    size: u64,
    crc32: u32,
}

/// Reads an archive (`.tar`, `.tar.gz`, `.tar.zst`), whose address may end in `#sha256=…`, for a version such as `3.12`.
pub(crate) fn read(place: &Path, version: &str, machine: Machine) -> Result<Interpreter, Error> {
    let text = place.to_string_lossy().into_owned();
    let (path, wanted) = match text.split_once("#sha256=") {
        Some((path, digits)) => (PathBuf::from(path), Some(digits.to_ascii_lowercase())),
        None => (place.to_owned(), None),
    };
    let refused = |problem: String| Error::input(format!("--interpreter {}", path.display()), problem);
    let failed = |source| Error::File { action: "read", path: path.clone(), source };
    let mut archive = File::open(&path).map_err(failed)?;
    if let Some(wanted) = wanted {
        let found = sha256(&mut archive).map_err(failed)?;
        if found != wanted {
            let problem = format!("has sha256 {found}, and {wanted} was asked for");
            return Err(ImageError::Mismatch(format!("--interpreter {}: {problem}", path.display())).into());
        }
        archive.seek(SeekFrom::Start(0)).map_err(failed)?;
    }
    let mut head = [0; 4];
    let length = archive.read(&mut head).map_err(failed)?;
    archive.seek(SeekFrom::Start(0)).map_err(failed)?;
    let archive = BufReader::new(archive);
    let reader: Box<dyn Read> = match &head[..length] {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(archive)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::with_buffer(archive).map_err(failed)?),
        _ => Box::new(archive),
    };
    let interpreter = unpack(reader, version).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => refused(error.to_string()),
        _ => failed(error),
    })?;
    let is_there = |path: &str| interpreter.files.iter().any(|file| file.path == format!("{FOLDER}/{path}"));
    if !is_there(&format!("bin/python{version}")) || !is_there(&format!("lib/python{version}/os.py")) {
        return Err(refused(format!(
            "holds no Python {version} (bin/python{version} and lib/python{version}); a standalone build in the form \
             `install_only` does"
        )));
    }
    let executable = interpreter.libraries.get(&format!("{FOLDER}/bin/python{version}"));
    if let Some(found) =
        executable.and_then(|facts| Some(facts.as_ref()?.machine)).filter(|found| *found != machine)
    {
        return Err(refused(format!("is for {found}, and the lock is for {machine}")));
    }
    Ok(interpreter)
}

fn sha256(archive: &mut File) -> io::Result<String> {
    let (mut hasher, mut chunk) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match archive.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => hasher.update(&chunk[..length]),
        }
    }
}

fn unpack(reader: Box<dyn Read>, version: &str) -> io::Result<Interpreter> {
    let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidData, problem);
    let mut all = tempfile::tempfile()?;
    let mut offset = 0;
    let mut found: BTreeMap<String, Unpacked> = BTreeMap::new();
    let mut files: BTreeMap<String, LayerFile> = BTreeMap::new();
    let mut contents: Vec<(String, bool, Unpacked)> = Vec::new();
    let mut libraries = BTreeMap::new();
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let Some(inside) = below(&path) else { continue };
        if inside.ends_with(".pyc") || inside.ends_with("/__pycache__") {
            continue;
        }
        if files.len() + contents.len() > FILE_LIMIT {
            return Err(invalid(format!(
                "holds more than {FILE_LIMIT} files (the limit `interpreter files`)"
            )));
        }
        let place = format!("{FOLDER}/{inside}");
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
        match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                let (mut hasher, mut size, mut chunk) = (crc32fast::Hasher::new(), 0, vec![0; 256 * 1024]);
                let mut elf = Reader::new();
                loop {
                    let length = entry.read(&mut chunk)?;
                    if length == 0 {
                        break;
                    }
                    hasher.update(&chunk[..length]);
                    elf.feed(&chunk[..length]);
                    all.write_all(&chunk[..length])?;
                    size += length as u64;
                    if offset + size > BYTES_LIMIT {
                        return Err(invalid(format!(
                            "holds more than {BYTES_LIMIT} bytes (the limit `interpreter bytes`)"
                        )));
                    }
                }
                match elf.finish() {
                    Found::NotElf => {}
                    Found::Facts(facts) => drop(libraries.insert(place.clone(), Some(facts))),
                    // It is there, and what it needs is its builder's care.
                    Found::Again(_) => drop(libraries.insert(place.clone(), None)),
                }
                let unpacked = Unpacked { offset, size, crc32: hasher.finalize() };
                offset += size;
                found.insert(path, unpacked.clone());
                contents.push((place, executable, unpacked));
            }
            tar::EntryType::Link => {
                let target = entry
                    .link_name()?
                    .map(|target| target.to_string_lossy().into_owned())
                    .unwrap_or_default();
                let unpacked = found.get(&target).cloned();
                let unpacked = unpacked.ok_or_else(|| {
                    invalid(format!("has {path:?}, a link to {target:?}, which is not there"))
                })?;
                contents.push((place, executable, unpacked));
            }
            tar::EntryType::Symlink => {
                let target = entry
                    .link_name()?
                    .map(|target| target.to_string_lossy().into_owned())
                    .unwrap_or_default();
                files.insert(place.clone(), LayerFile::new(place, Mode::Plain, Content::Symlink(target)));
            }
            _ => {}
        }
    }
    let source: Arc<dyn ReadAt> = Arc::new(all);
    for (place, executable, Unpacked { offset, size, crc32 }) in contents {
        let content = Content::Stored { source: Arc::clone(&source), offset, size, crc32 };
        let mode = if executable { Mode::Executable } else { Mode::Plain };
        files.insert(place.clone(), LayerFile::new(place, mode, content));
    }
    let executable = format!("/{FOLDER}/bin/python{version}");
    let python = BasePython { executable, version: version.to_owned() };
    Ok(Interpreter { python, files: files.into_values().collect(), libraries })
}

/// The path below the archive's one folder, `python` or `python/install`.
fn below(path: &str) -> Option<&str> {
    let path = path.trim_start_matches("./");
    let inside = path.strip_prefix("python/install/").or_else(|| path.strip_prefix("python/"))?;
    (!inside.is_empty()).then_some(inside.trim_end_matches('/'))
}
