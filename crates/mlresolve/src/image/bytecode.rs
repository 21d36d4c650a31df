//! Layers of compiled bytecode, for containers that could never write it: a start that compiles nothing.
//!
//! It lies in layers of its own, above those of packages, which stay what their wheels are. It is compiled by the lock's own
//! version of Python on this machine, without running any of it, and checked against nothing when it is loaded (PEP 552,
//! unchecked hashes): its sources lie in read-only layers beside it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::Command;

use mlresolve_layers::oci::Layout;
use mlresolve_layers::plan::{Plan, bucket};
use mlresolve_layers::{Compression, Digest, Layer, LayerFile};
use serde::{Deserialize, Serialize};

use super::application::file_on_disk;
use super::error::ImageError;
use super::make::Made;
use super::store::Store;
use crate::access::Access;
use crate::build::{BytecodePython, find_python, process};
use crate::error::Error;
use crate::event::Watch;
use crate::limits::RunLimits;

/// From how many bytes of bytecode on a package that has a layer of its own has one for its bytecode too.
const LARGE_BYTES: u64 = 1_000_000;

/// The version of how bytecode is made and put into layers.
const VERSION: u32 = 1;

/// A layer of bytecode.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BytecodeLayer {
    pub(crate) layer: Layer,
    /// The package, or the number of the small ones' layer.
    pub(crate) of: Group,
}

/// Whose bytecode is in one layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Group {
    /// One large package's.
    Package(String),
    /// That of the packages whose names belong into this one of the layers for small ones.
    Bucket(u8),
}

/// What bytecode is compiled with.
pub(crate) struct Compiling<'a> {
    pub(crate) access: &'a Access,
    pub(crate) watch: &'a Watch,
    pub(crate) store: &'a Store,
    pub(crate) prefix: &'a str,
    /// The minor version of the lock's Python.
    pub(crate) minor: u8,
    pub(crate) compression: Compression,
}

impl Compiling<'_> {
    /// The layers of bytecode of these packages, and whether they were made before. Their blobs are in the store.
    pub(crate) fn layers(&self, plan: &Plan, made: &[Made]) -> Result<(Vec<BytecodeLayer>, bool), Error> {
        let limits = RunLimits { deadline: None, watch: self.watch.clone(), abandoned: Default::default() };
        let python = find_python(&self.access.build, self.minor, &limits)
            .map_err(|source| Error::Build { package: "bytecode".to_owned(), source: Box::new(source) })?;
        let wheels: Vec<&Digest> = plan.layers.iter().flat_map(|layer| &layer.wheels).collect();
        let recipe = (VERSION, self.prefix, &python.version, self.compression, wheels);
        let key = serde_json::to_vec(&recipe).map_err(|error| Error::Internal(error.to_string()))?;
        let key = Digest::of(&key);
        if let Some(layers) = self.store.bytecode(&key) {
            return Ok((layers, true));
        }
        let folder = tempfile::Builder::new().prefix("mlresolve-bytecode-").tempdir();
        let folder = folder.map_err(|source| self.failed(&std::env::temp_dir(), source))?;
        let root = folder.path();
        for made in made {
            self.unpack_sources(&made.layer.layer, root).map_err(|source| self.failed(root, source))?;
        }
        self.compile(&python, root, &limits)?;
        let layers = self.written(root, plan, made)?;
        self.store.keep_bytecode(&key, &layers);
        Ok((layers, false))
    }

    fn failed(&self, path: &Path, source: io::Error) -> Error {
        Error::File { action: "write", path: path.to_owned(), source }
    }

    /// Unpacks the sources in a layer that was made and verified before.
    fn unpack_sources(&self, layer: &Layer, root: &Path) -> io::Result<()> {
        let blob = BufReader::new(File::open(self.store.blobs.blob_path(&layer.digest))?);
        let reader: Box<dyn Read> = match layer.compression {
            Compression::Gzip => Box::new(flate2::bufread::GzDecoder::new(blob)),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(blob)?),
        };
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            // Paths of our own layers lead nowhere else: they were checked when these were written.
            if entry.header().entry_type().is_file() && path.extension().is_some_and(|kind| kind == "py") {
                let place = root.join(&path);
                fs::create_dir_all(place.parent().unwrap_or(root))?;
                io::copy(&mut entry, &mut File::create(place)?)?;
            }
        }
        Ok(())
    }

    fn compile(&self, python: &BytecodePython, root: &Path, limits: &RunLimits) -> Result<(), Error> {
        let mut command = Command::new(&python.executable);
        command
            .args(["-I", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s"])
            .arg(root)
            .args(["-p", "/"])
            .arg(root)
            .env_clear()
            .envs(self.access.build.variables.iter().map(|(name, value)| (name, value)))
            // Sets are written in the order of their hashes.
            .env("PYTHONHASHSEED", "0");
        let stop = || limits.should_stop();
        let ended = process::run(command, process::Patience { until: None, stop: &stop });
        match ended {
            // Some packages have files that are no Python of this version; they cannot be imported either.
            Ok(_) => Ok(()),
            Err(process::ProcessError::Stopped(stop)) => Err(stop.into()),
            Err(error) => {
                Err(Error::Internal(format!("{} does not compile: {error}", python.executable.display())))
            }
        }
    }

    fn written(&self, root: &Path, plan: &Plan, made: &[Made]) -> Result<Vec<BytecodeLayer>, Error> {
        let mut groups: BTreeMap<Group, Vec<LayerFile>> = BTreeMap::new();
        for (planned, made) in plan.layers.iter().zip(made) {
            for package in &made.layer.packages {
                let mut files = Vec::new();
                for path in package.files.iter().filter_map(|file| cached(&file.path, self.minor)) {
                    let place = root.join(&path);
                    if place.is_file() {
                        files.push(file_on_disk(&place, path)?);
                    }
                }
                let bytes: u64 = files.iter().map(|file| file.content.size()).sum();
                let group = match planned.bucket {
                    Some(bucket) => Group::Bucket(bucket),
                    None if bytes >= LARGE_BYTES => Group::Package(package.name.clone()),
                    None => Group::Bucket(bucket(&package.name)),
                };
                if !files.is_empty() {
                    groups.entry(group).or_default().extend(files);
                }
            }
        }
        let mut layers = Vec::with_capacity(groups.len());
        for (of, mut files) in groups {
            // Two packages that write one source have one bytecode.
            files.sort_by(|left, right| left.path.cmp(&right.path));
            files.dedup_by(|left, right| left.path == right.path);
            let layer = self.store.blobs.add_layer(&files, self.compression).map_err(ImageError::from)?;
            layers.push(BytecodeLayer { layer, of });
        }
        Ok(layers)
    }

    /// Takes the layers over into the layout of an image; those that are damaged are forgotten, and `false` is returned.
    pub(crate) fn take(
        &self,
        layers: &[BytecodeLayer],
        into: &Layout,
        is_fresh: bool,
    ) -> Result<bool, Error> {
        use mlresolve_layers::oci::LayoutError;
        let mut whole = true;
        for BytecodeLayer { layer, .. } in layers {
            match into.take(&self.store.blobs, &layer.digest, layer.size, is_fresh) {
                Ok(()) => {}
                Err(LayoutError::Blob { .. }) => {
                    drop(fs::remove_file(self.store.blobs.blob_path(&layer.digest)));
                    whole = false;
                }
                Err(error) => return Err(ImageError::from(error).into()),
            }
        }
        Ok(whole)
    }
}

/// Where the bytecode of a source is (PEP 3147).
fn cached(source: &str, minor: u8) -> Option<String> {
    let (folder, name) = source.rsplit_once('/')?;
    let stem = name.strip_suffix(".py")?;
    Some(format!("{folder}/__pycache__/{stem}.cpython-3{minor}.pyc"))
}

impl Group {
    /// The words for the layer.
    pub(crate) fn step(&self) -> String {
        match self {
            Self::Package(name) => format!("bytecode of {name}"),
            Self::Bucket(number) => format!("bytecode of small packages, {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytecode_lies_beside_its_source() {
        let expected = Some("a/__pycache__/b.cpython-312.pyc".to_owned());
        assert_eq!(cached("a/b.py", 12), expected);
        assert_eq!(cached("a/b.so", 12), None);
    }
}
