//! A source distribution becomes a folder (PEP 625, PEP 721).

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use tar::EntryType;

use super::error::{BuildError, failed};
use super::gate::{Gate, MemberName};

/// Unpacks a source distribution of this file name into an existing folder, and says where the tree is in it. Links
/// become copies of what they lead to, which must be a file of the same archive.
///
/// # Errors
/// [`BuildError::Unpack`] when the archive is none of `.tar.gz`, `.tar.bz2` and `.zip`, holds something other than
/// files and folders below one folder, or is over a limit.
pub(crate) fn unpack(archive: &Path, filename: &str, into: &Path) -> Result<PathBuf, BuildError> {
    let file = File::open(archive).map_err(failed("cannot open the source distribution"))?;
    let file = BufReader::new(file);
    let mut gate = Gate::into(into);
    let unpacked = match filename.to_ascii_lowercase().as_str() {
        name if name.ends_with(".tar.gz") || name.ends_with(".tgz") => {
            unpack_tar(flate2::bufread::MultiGzDecoder::new(file), &mut gate)
        }
        name if name.ends_with(".tar.bz2") => {
            unpack_tar(bzip2::bufread::MultiBzDecoder::new(file), &mut gate)
        }
        name if name.ends_with(".zip") => unpack_zip(file, &mut gate),
        _ => Err("only .tar.gz, .tar.bz2 and .zip can be unpacked".to_owned()),
    };
    let top = unpacked.map_err(BuildError::Unpack)?;
    gate.folder(&top).map_err(BuildError::Unpack)
}

/// The one folder that everything is in.
#[derive(Default)]
struct Top(Option<MemberName>);

impl Top {
    fn hold(&mut self, name: &MemberName) -> Result<(), String> {
        let Some(first) = name.parts().first() else { return Ok(()) };
        match &self.0 {
            Some(top) if top.parts().first() == Some(first) => Ok(()),
            Some(top) => {
                Err(format!("{first:?} lies beside {:?}, the folder of the rest", top.parts().concat()))
            }
            None => {
                self.0 = Some(MemberName::parse(first.as_bytes())?);
                Ok(())
            }
        }
    }

    fn found(self) -> Result<MemberName, String> {
        self.0.ok_or_else(|| "it is empty".to_owned())
    }
}

fn unpack_tar(reader: impl Read, gate: &mut Gate) -> Result<MemberName, String> {
    let (mut top, mut links) = (Top::default(), Vec::new());
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        gate.count()?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let name = MemberName::parse(&entry.path_bytes())?;
        top.hold(&name)?;
        match kind {
            EntryType::Directory => drop(gate.folder(&name)?),
            EntryType::Regular | EntryType::Continuous => {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                gate.file(&name, &mut entry, executable)?;
            }
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = match kind {
                    EntryType::Symlink => name.beside(&target)?,
                    _ => MemberName::parse(&target)?,
                };
                links.push((name, target));
            }
            other => {
                return Err(format!(
                    "{:?} is neither a file nor a folder ({other:?})",
                    name.parts().join("/")
                ));
            }
        }
    }
    for (name, target) in links {
        let what = || format!("{:?} is a link to something that is no file of it", name.parts().join("/"));
        let mut file = gate.open(&target).ok_or_else(what)?;
        gate.file(&name, &mut file, false)?;
    }
    top.found()
}

fn unpack_zip(reader: impl Read + Seek, gate: &mut Gate) -> Result<MemberName, String> {
    let mut top = Top::default();
    let mut archive = zip::ZipArchive::new(reader).map_err(|error| error.to_string())?;
    for number in 0..archive.len() {
        gate.count()?;
        let mut member = archive.by_index(number).map_err(|error| error.to_string())?;
        let name = MemberName::parse(member.name_raw())?;
        top.hold(&name)?;
        if member.is_dir() {
            gate.folder(&name)?;
        } else if member.is_symlink() {
            return Err(format!("{:?} is neither a file nor a folder", name.parts().join("/")));
        } else {
            let executable = member.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            gate.file(&name, &mut member, executable)?;
        }
    }
    top.found()
}

#[cfg(test)]
mod tests;
