//! Packages of a lock that have no wheel: built where the user allows it, once, and held to what the lock says of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mlresolve_index::{IndexClient, IndexUrl, LockedFile, metadata_in_wheel, verify_file};
use mlresolve_layers::Digest;
use mlresolve_layers::oci::remove_leftovers;
use mlresolve_lockfile::{Package, ToolSection};
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::{PackageName, Requirement, RequirementSource, WheelFilename};
use mlresolve_target::Target;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::contents::{Contents, LockedPackage, LockedWheel, Place, file_name};
use super::error::ImageError;
use super::store::Store;
use crate::access::Access;
use crate::build::{AllowedBuilds, BuildError, Builder, Expected, unpack};
use crate::direct::{Address, GitError, Repository};
use crate::error::Error;
use crate::event::{Event, Watch};
use crate::limits::RunLimits;
use crate::lock::runtime;

/// The largest METADATA of a built wheel, in bytes.
const METADATA_LIMIT: u64 = 16 << 20;

/// What sources are built with.
pub(crate) struct Sources<'a> {
    pub(crate) access: &'a Access,
    pub(crate) watch: &'a Watch,
    pub(crate) client: &'a IndexClient,
    pub(crate) indexes: &'a [IndexUrl],
    pub(crate) store: &'a Store,
    /// Where fetched files and built wheels are kept, by their digests.
    pub(crate) files: &'a Path,
    /// What relative paths in the lock count from.
    pub(crate) root: &'a Path,
    /// What the lock records of how it was made.
    pub(crate) recorded: Option<&'a ToolSection>,
    pub(crate) allow_build: &'a [String],
}

/// A wheel that was built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BuiltWheel {
    filename: String,
    digest: Digest,
    size: u64,
}

/// A source tree, until this is dropped.
struct Tree {
    path: PathBuf,
    _folder: Option<TempDir>,
}

impl Sources<'_> {
    /// Gives every package of the image a wheel: what has none is built.
    pub(crate) fn build(&self, contents: &mut Contents) -> Result<(), Error> {
        let allowed =
            AllowedBuilds::read(self.allow_build).map_err(|error| Error::input("--allow-build", error))?;
        let refused: Vec<String> = contents
            .packages
            .iter()
            .filter(|package| package.wheel.is_none() && !allowed.contains(&package.name))
            .map(|package| package.name.to_string())
            .collect();
        if !refused.is_empty() {
            let options: String = refused.iter().map(|name| format!(" --allow-build {name}")).collect();
            let problem = format!(
                "the lock has no wheel of {}, and to build one runs code of the package; allow it with{options}, or lock a \
                 version that has a wheel",
                refused.join(", ")
            );
            return Err(ImageError::Refused(problem).into());
        }
        remove_leftovers(self.files);
        let target = contents.target.clone();
        for package in contents.packages.iter_mut().filter(|package| package.wheel.is_none()) {
            let wheel = self.wheel(package, &target)?;
            package.wheel = Some(wheel);
        }
        Ok(())
    }

    fn wheel(&self, package: &LockedPackage, target: &Target) -> Result<LockedWheel, Error> {
        let key = source_digest(&package.package).map(|source| {
            let python = target.python().short();
            Digest::of(format!("built {source} {python} {}", target.platform()).as_bytes())
        });
        let kept = key.as_ref().and_then(|key| self.store.built(key)).map(|built| self.locked(&built));
        if let Some(kept) = kept
            && let (Place::Disk(path), Ok(file)) = (&kept.place, kept.locked_file(self.indexes))
            && verify_file(path, &file).is_ok()
        {
            return Ok(kept);
        }
        self.watch.tell(Event::Building { package: package.named() });
        let folder = tempfile::Builder::new().prefix("mlresolve-built-").tempdir();
        let folder =
            folder.map_err(|error| Error::Internal(format!("cannot make a temporary folder: {error}")))?;
        let tree = self.tree(&package.package, folder.path())?;
        let limits = RunLimits { deadline: None, watch: self.watch.clone(), abandoned: Default::default() };
        let runtime = runtime()?;
        let builder = Builder::new(
            self.access,
            self.recorded.and_then(|tool| tool.options.as_ref()?.exclude_newer.clone()),
            target.python().minor(),
            runtime.handle().clone(),
            limits,
        );
        let expected = Expected { name: Some(package.name.clone()), version: package.version.clone() };
        let platform = target.platform().to_string();
        let built = builder.wheel(&tree.path, &expected, &platform, folder.path());
        let built = built.map_err(|source| failed(package, source))?;
        self.agree(package, target, &built.filename, &built.path)?;
        let built = self.keep(&built.filename, &built.path)?;
        if let Some(key) = &key {
            self.store.keep_built(key, &built);
        }
        Ok(self.locked(&built))
    }

    fn locked(&self, built: &BuiltWheel) -> LockedWheel {
        LockedWheel {
            filename: built.filename.clone(),
            place: Place::Disk(self.files.join(built.digest.hex())),
            size: Some(built.size),
            digest: built.digest,
        }
    }

    /// Moves a wheel to where files are kept by their digests.
    fn keep(&self, filename: &str, path: &Path) -> Result<BuiltWheel, Error> {
        let unwritable = |source| Error::File { action: "write", path: self.files.to_owned(), source };
        let bytes = fs::read(path).map_err(unwritable)?;
        let digest = Digest::of(&bytes);
        fs::create_dir_all(self.files).map_err(unwritable)?;
        let mut file = mlresolve_layers::oci::temporary_file(self.files).map_err(unwritable)?;
        std::io::Write::write_all(&mut file, &bytes).map_err(unwritable)?;
        file.persist(self.files.join(digest.hex())).map_err(|error| unwritable(error.error))?;
        Ok(BuiltWheel { filename: filename.to_owned(), digest, size: bytes.len() as u64 })
    }

    /// Holds a built wheel to what the lock says of the package, and to the machine that the image is for.
    fn agree(
        &self,
        package: &LockedPackage,
        target: &Target,
        filename: &str,
        path: &Path,
    ) -> Result<(), Error> {
        let refused = |problem: String| {
            Error::from(ImageError::Mismatch(format!(
                "the wheel that was built of {}, {filename}, {problem}",
                package.named()
            )))
        };
        let name: WheelFilename =
            filename.parse().map_err(|error| refused(format!("has no name of one: {error}")))?;
        let tags = target.tags();
        if tags.priority(&name).is_none() {
            let why = tags.explain(&name).map(|mismatch| format!(": it {mismatch}")).unwrap_or_default();
            return Err(refused(format!("does not run on the machine that the lock is for{why}")));
        }
        let open = fs::File::open(path).map_err(|error| refused(error.to_string()))?;
        let metadata = metadata_in_wheel(open, &name, METADATA_LIMIT).map_err(&refused)?;
        let metadata = CoreMetadata::parse(&metadata).map_err(|error| refused(error.to_string()))?;
        let Some(tool) = &package.package.tool else { return Ok(()) };
        let environment = target.marker_environment();
        let active = metadata.requires_dist.iter().filter(|requirement| {
            requirement.marker.as_ref().is_none_or(|marker| {
                marker.evaluate(&environment, &[]) || marker.evaluate(&environment, &tool.extras)
            })
        });
        // What the user overrides is in the lock as the user has it, and what another extra of its own asks for, under its
        // own name.
        let overridden: BTreeSet<PackageName> = self.overridden();
        let is_judged = |name: &PackageName| *name != package.name && !overridden.contains(name);
        let by_name = active.filter(|requirement| is_judged(&requirement.name));
        let found: BTreeSet<String> =
            by_name.map(|requirement| requirement.without_marker().to_string()).collect();
        let locked = tool
            .requires
            .iter()
            .filter(|text| text.parse::<Requirement>().is_ok_and(|requirement| is_judged(&requirement.name)));
        let locked: BTreeSet<String> = locked.cloned().collect();
        let by_address =
            metadata.requires_dist.iter().any(|one| matches!(one.source, RequirementSource::Url(_)));
        if found != locked && !by_address {
            let more: Vec<String> = found.difference(&locked).cloned().collect();
            let less: Vec<String> = locked.difference(&found).cloned().collect();
            let said = [("requires", more), ("does not require", less)];
            let said = said.iter().filter(|(_, list)| !list.is_empty());
            let said: Vec<String> = said.map(|(word, list)| format!("{word} {}", list.join(", "))).collect();
            return Err(refused(format!(
                "{}, and the lock says otherwise; lock it anew",
                said.join(" and ")
            )));
        }
        Ok(())
    }

    /// The packages whose requirements the user replaced.
    fn overridden(&self) -> BTreeSet<PackageName> {
        let overrides = self.recorded.into_iter().flat_map(|tool| &tool.overrides);
        overrides
            .filter_map(|text| text.parse::<Requirement>().ok())
            .map(|requirement| requirement.name)
            .collect()
    }

    /// The source tree of a package.
    fn tree(&self, package: &Package, folder: &Path) -> Result<Tree, Error> {
        let within = |path: PathBuf, subdirectory: &Option<String>| match subdirectory {
            Some(subdirectory) => path.join(subdirectory),
            None => path,
        };
        let refused = |problem: String| Error::input(package.name.to_string(), problem);
        if let Some(directory) = &package.directory {
            let path = within(self.root.join(&directory.path), &directory.subdirectory);
            return Ok(Tree { path, _folder: None });
        }
        if let Some(vcs) = &package.vcs {
            let path = vcs.path.as_ref().map(|path| self.root.join(path));
            let place = match (&vcs.url, path) {
                (Some(url), _) => url.clone(),
                (None, Some(path)) => format!("file://{}", path.canonicalize().unwrap_or(path).display()),
                (None, None) => {
                    return Err(refused("the lock does not say where its repository is".to_owned()));
                }
            };
            let address = Address::read(&format!("git+{place}"), false).map_err(&refused)?;
            let Address::Git { url, .. } = address else {
                return Err(refused(format!("{} repositories are not fetched", vcs.system)));
            };
            let stop = || self.watch.cancellation.is_cancelled();
            let options = self.client.options();
            let offline = options.mode == mlresolve_index::CacheMode::Offline;
            let checkout = Repository::open(&url, options.cache_dir.as_deref(), offline, &stop)
                .and_then(|repository| {
                    let commit = repository.commit(Some(&vcs.commit_id))?;
                    repository.checkout(&commit)
                })
                .map_err(|error| match error {
                    GitError::Stopped => Error::Cancelled,
                    GitError::Network(reason) => {
                        Error::Repository { place: package.name.to_string(), reason }
                    }
                    GitError::Offline => {
                        Error::Index(mlresolve_index::IndexError::Offline { what: package.name.to_string() })
                    }
                    GitError::Input(problem) => refused(problem),
                })?;
            let (path, folder) = checkout.into_parts();
            return Ok(Tree { path: within(path, &vcs.subdirectory), _folder: Some(folder) });
        }
        let (file, path, subdirectory) = self.archive(package).map_err(&refused)?;
        let archive = match path {
            Some(path) => path,
            None => runtime()?.block_on(self.client.fetch(&file, self.files, &|_| {}))?,
        };
        verify_file(&archive, &file)?;
        let into = folder.join("tree");
        fs::create_dir(&into).map_err(|error| refused(error.to_string()))?;
        let build_error =
            |source| Error::Build { package: package.name.to_string(), source: Box::new(source) };
        let tree = unpack(&archive, &file.filename, &into).map_err(build_error)?;
        Ok(Tree { path: within(tree, &subdirectory), _folder: None })
    }

    /// The archive of a package's source, where it is on this machine's disk, and the folder in it.
    fn archive(&self, package: &Package) -> Result<(LockedFile, Option<PathBuf>, Option<String>), String> {
        let (name, url, path, size, hashes, subdirectory) = match (&package.sdist, &package.archive) {
            (Some(sdist), _) => (Some(&sdist.name), &sdist.url, &sdist.path, sdist.size, &sdist.hashes, None),
            (None, Some(archive)) => {
                let subdirectory = archive.subdirectory.clone();
                (None, &archive.url, &archive.path, archive.size, &archive.hashes, subdirectory)
            }
            (None, None) => return Err("the lock has neither a wheel nor a source of it".to_owned()),
        };
        let digest = hashes.get("sha256").and_then(|digits| format!("sha256:{digits}").parse().ok());
        let digest = digest.ok_or("its source has no sha256 in the lock")?;
        let address = url.as_deref().or(path.as_deref()).unwrap_or_default();
        let filename = name.cloned().unwrap_or_else(|| file_name(address));
        let path = path.as_ref().map(|path| self.root.join(path));
        let place = match (&path, url) {
            (Some(path), _) => Place::Disk(path.clone()),
            (None, Some(url)) => Place::Web { url: url.clone(), index: package.index.clone() },
            (None, None) => return Err("the lock does not say where its source is".to_owned()),
        };
        let wheel = LockedWheel { filename, place, size, digest };
        let file = wheel.locked_file(self.indexes).map_err(|error| error.to_string())?;
        Ok((file, path, subdirectory))
    }
}

/// What tells a source from every other one; a folder's contents are told by nothing.
fn source_digest(package: &Package) -> Option<String> {
    let hashed = |hashes: &std::collections::BTreeMap<String, String>| hashes.get("sha256").cloned();
    if let Some(sdist) = &package.sdist {
        return hashed(&sdist.hashes);
    }
    if let Some(archive) = &package.archive {
        return Some(format!("{} {:?}", hashed(&archive.hashes)?, archive.subdirectory));
    }
    let vcs = package.vcs.as_ref()?;
    Some(format!("{} {} {:?}", vcs.system, vcs.commit_id, vcs.subdirectory))
}

fn failed(package: &LockedPackage, source: BuildError) -> Error {
    match source {
        BuildError::Index(error) => Error::Index(error),
        BuildError::Stopped(stop) => stop.into(),
        BuildError::OfAnother { found } => {
            let package = package.named();
            ImageError::Mismatch(format!("what was built of {package} is {found}; lock it anew")).into()
        }
        source => Error::Build { package: package.named(), source: Box::new(source) },
    }
}
