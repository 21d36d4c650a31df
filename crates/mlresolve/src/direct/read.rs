//! What is at an address: its name, its version and its requirements.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use mlresolve_index::{CacheMode, Downloaded, File, IndexError, MetadataError};
use mlresolve_packaging::filename::check_component;
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::sdist::{Expected, MetadataOrigin, NotStatic, Obstacle, static_metadata_of_folder};
use mlresolve_packaging::{Version, has_distribution_extension};
use url::Url;

use super::address::{Address, Fragment, SecretUrl, relative};
use super::built::is_allowed;
use super::git::{GitError, Repository, is_commit};
use super::{Asked, DirectPackage, Directs, Fetching, Place, unknown_version};
use crate::error::Error;
use crate::request::Upgrade;

/// The longest `pyproject.toml` that is read, in bytes.
const PYPROJECT_LIMIT: u64 = 4 << 20;

impl Directs {
    /// Fetches and reads what is at an address, once.
    pub(super) async fn read(
        &self,
        asked: &Asked,
        fetching: &Fetching<'_>,
    ) -> Result<Arc<DirectPackage>, Error> {
        let known = self.by_address.get(&asked.address).and_then(|name| self.by_name.get(name));
        let package = match known {
            Some(package) => Arc::clone(package),
            None => Arc::new(self.read_new(asked, fetching).await?),
        };
        match &asked.name {
            Some(name) if *name != package.name => {
                let place = asked.address.public(&self.root);
                let problem =
                    format!("{name} is asked for at {place}, but what is there is {}", package.name);
                Err(Error::input(&asked.origin, problem))
            }
            _ => Ok(package),
        }
    }

    async fn read_new(&self, asked: &Asked, fetching: &Fetching<'_>) -> Result<DirectPackage, Error> {
        match &asked.address {
            Address::Web { url, .. } => self.archive(asked, url.expose(), fetching).await,
            Address::File { path, .. } => {
                let url =
                    Url::from_file_path(path).map_err(|()| self.refuse(asked, "it is no absolute path"))?;
                self.archive(asked, &url, fetching).await
            }
            Address::Folder { path, fragment, .. } => {
                let folder = match &fragment.subdirectory {
                    Some(subdirectory) => path.join(subdirectory),
                    None => path.clone(),
                };
                let text = read_pyproject(&folder).map_err(|problem| self.refuse(asked, &problem))?;
                match project_metadata(text.as_deref()) {
                    Ok(read) => Ok(tree(asked, read, Place::Folder)),
                    Err(why) => {
                        let (read, origin) =
                            self.build_folder(asked, &folder, text.as_deref(), &why, fetching).await?;
                        Ok(DirectPackage { origin, ..tree(asked, read, Place::Folder) })
                    }
                }
            }
            Address::Git { url, revision, fragment } => {
                let (url, revision, fragment) = (url.clone(), revision.clone(), fragment.clone());
                let kept = locked_commit(fetching, &url, revision.as_deref(), &fragment, &self.root);
                let options = fetching.client.options();
                let (cache, offline) = (options.cache_dir.clone(), options.mode == CacheMode::Offline);
                let limits = fetching.limits.clone();
                let (allowed, asked_name) = (fetching.allowed.clone(), asked.name.clone());
                let may_build =
                    move |text: Option<&[u8]>| is_allowed(&allowed, asked_name.as_ref(), text).is_some();
                let subfolder = fragment.subdirectory.clone();
                let fetch = move || {
                    let stop = || limits.should_stop().is_some();
                    let repository = Repository::open(&url, cache.as_deref(), offline, &stop)?;
                    let commit = repository.commit(kept.as_deref().or(revision.as_deref()))?;
                    let path = match &fragment.subdirectory {
                        Some(folder) => format!("{folder}/pyproject.toml"),
                        None => "pyproject.toml".to_owned(),
                    };
                    let text = repository.file(&commit, &path)?;
                    let read = project_metadata(text.as_deref());
                    // A checkout is made only where it is to be built.
                    let needed = read.is_err() && may_build(text.as_deref());
                    let tree = needed.then(|| repository.checkout(&commit)).transpose()?;
                    Ok((commit, text, read, tree))
                };
                let fetched = tokio::task::spawn_blocking(fetch).await;
                let fetched =
                    fetched.map_err(|error| Error::Internal(format!("fetching a repository: {error}")))?;
                let (commit, text, read, checkout) =
                    fetched.map_err(|error| self.git_error(asked, error, fetching))?;
                match read {
                    Ok(read) => Ok(tree(asked, read, Place::Commit(commit))),
                    Err(why) => {
                        // Without one, the build is not allowed, which is said before a folder is looked at.
                        let top = checkout.as_ref().map(|checkout| checkout.tree.clone()).unwrap_or_default();
                        let folder = subfolder.map_or_else(|| top.clone(), |folder| top.join(folder));
                        let (read, origin) =
                            self.build_folder(asked, &folder, text.as_deref(), &why, fetching).await?;
                        Ok(DirectPackage { origin, ..tree(asked, read, Place::Commit(commit)) })
                    }
                }
            }
        }
    }

    /// A wheel or a source archive, on the web or on disk.
    async fn archive(
        &self,
        asked: &Asked,
        url: &Url,
        fetching: &Fetching<'_>,
    ) -> Result<DirectPackage, Error> {
        let fragment = asked.address.fragment();
        let filename = filename_of(url).map_err(|problem| self.refuse(asked, &problem))?;
        let file = File::direct(url, filename).map_err(|error| self.refuse(asked, &error.to_string()))?;
        let locked = match &asked.address {
            Address::Web { url, .. } => locked_digest(fetching, url, fragment),
            _ => None,
        };
        let read = fetching.client.read_source(&file, fragment.subdirectory.as_deref(), locked).await;
        let read = match read {
            Ok(read) => read,
            Err(MetadataError::NeedsBuild { why, .. }) => {
                self.build_archive(asked, &file, fragment, &why, fetching).await?
            }
            Err(MetadataError::Index(error)) => return Err(Error::Index(error)),
            Err(other) => return Err(Error::Metadata(other)),
        };
        let hashes = BTreeMap::from([("sha256".to_owned(), read.sha256.clone())]);
        let wanted = |algorithm: &str| {
            fragment
                .hashes
                .iter()
                .filter(|(kind, _)| kind == algorithm)
                .map(|(_, hex)| hex.as_str())
                .collect::<Vec<_>>()
        };
        let sha256 = wanted("sha256");
        if !sha256.is_empty() && !sha256.contains(&read.sha256.as_str()) {
            return Err(Error::Index(IndexError::HashMismatch {
                file: file.filename,
                expected: sha256.join(" or "),
                found: read.sha256,
            }));
        }
        if sha256.is_empty() && !fragment.hashes.is_empty() {
            return Err(
                self.refuse(asked, "its hash is not a sha256, by which alone files are held to an address")
            );
        }
        Ok(DirectPackage {
            name: read.metadata.name.clone(),
            version: read.version,
            metadata: read.metadata,
            origin: read.origin,
            address: asked.address.clone(),
            place: Place::File { hashes, size: read.bytes },
            wheel: file.wheel,
        })
    }

    pub(super) fn refuse(&self, asked: &Asked, problem: &str) -> Error {
        Error::input(&asked.origin, format!("{}: {problem}", asked.address.public(&self.root)))
    }

    fn git_error(&self, asked: &Asked, error: GitError, fetching: &Fetching<'_>) -> Error {
        match error {
            GitError::Network(reason) => Error::Repository { place: asked.origin.clone(), reason },
            GitError::Offline => Error::Index(IndexError::Offline { what: asked.address.public(&self.root) }),
            GitError::Input(problem) => Error::input(&asked.origin, problem),
            GitError::Stopped => fetching.limits.should_stop().map_or(Error::Cancelled, Error::from),
        }
    }
}

/// A source tree, of which `pyproject.toml` alone counts: what else may lie in it is left from some build.
fn tree(asked: &Asked, (metadata, version): ProjectRead, place: Place) -> DirectPackage {
    DirectPackage {
        name: metadata.name.clone(),
        version,
        metadata,
        origin: MetadataOrigin::PyProject,
        address: asked.address.clone(),
        place,
        wheel: None,
    }
}

/// The metadata of a project, and its version unless that is left to a build.
pub(super) type ProjectRead = (CoreMetadata, Option<Version>);

/// The metadata that a `pyproject.toml` declares, and the version unless it leaves that to a build.
fn project_metadata(pyproject: Option<&[u8]>) -> Result<ProjectRead, NotStatic> {
    match static_metadata_of_folder(pyproject, Expected::default()) {
        Ok((metadata, _)) => Ok((metadata.clone(), Some(metadata.version))),
        Err(error) if matches!(error.obstacles.last(), Some(Obstacle::Dynamic { field: "version", .. })) => {
            let unknown = unknown_version();
            let expected = Expected { version: Some(&unknown), name: None };
            static_metadata_of_folder(pyproject, expected).map(|(metadata, _)| (metadata, None))
        }
        Err(error) => Err(error),
    }
}

fn read_pyproject(folder: &Path) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    let file = match std::fs::File::open(folder.join("pyproject.toml")) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("its pyproject.toml cannot be read: {error}")),
    };
    file.take(PYPROJECT_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > PYPROJECT_LIMIT {
        return Err(format!("its pyproject.toml is over the limit of {PYPROJECT_LIMIT} bytes (file length)"));
    }
    Ok(Some(bytes))
}

/// The name of the file that an address leads to.
fn filename_of(url: &Url) -> Result<String, String> {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(last).decode_utf8();
    let name = name.map_err(|_| "the name of the file is not UTF-8".to_owned())?.into_owned();
    if check_component(&name).is_err() {
        return Err("the name of the file is none that a file can have".to_owned());
    }
    if !has_distribution_extension(&name) {
        let problem = "this is no wheel (.whl) and no source archive (.tar.gz, .zip, .tar.bz2); \
                       write `git+` in front of the address of a git repository";
        return Err(problem.to_owned());
    }
    Ok(name)
}

/// What the previous lock says of the bytes at an address: they are not fetched again to be told.
fn locked_digest(fetching: &Fetching<'_>, url: &SecretUrl, fragment: &Fragment) -> Option<Downloaded> {
    if matches!(fetching.upgrade, Upgrade::Everything) || fetching.client.options().mode == CacheMode::Refresh
    {
        return None;
    }
    let public = url.public().to_string();
    let mut archives = fetching.previous?.packages.iter().filter_map(|package| {
        let given_up =
            matches!(fetching.upgrade, Upgrade::Packages(names) if names.contains(package.name.as_str()));
        package.archive.as_ref().filter(|_| !given_up)
    });
    let archive = archives.find(|archive| {
        archive.url.as_ref() == Some(&public) && archive.subdirectory == fragment.subdirectory
    })?;
    Some(Downloaded { sha256: archive.hashes.get("sha256")?.clone(), bytes: archive.size? })
}

/// The commit that the previous lock holds of the same branch or tag of the same repository.
fn locked_commit(
    fetching: &Fetching<'_>,
    url: &SecretUrl,
    revision: Option<&str>,
    fragment: &Fragment,
    root: &Path,
) -> Option<String> {
    if matches!(fetching.upgrade, Upgrade::Everything) {
        return None;
    }
    let public = url.public().to_string();
    let path = url.local_path().map(|path| relative(&path, root));
    let package = fetching.previous?.packages.iter().find(|package| {
        package.vcs.as_ref().is_some_and(|vcs| {
            (vcs.url.as_ref() == Some(&public) || (path.is_some() && vcs.path == path))
                && vcs.requested_revision.as_deref() == revision
                && vcs.subdirectory == fragment.subdirectory
        })
    })?;
    let given_up =
        matches!(fetching.upgrade, Upgrade::Packages(names) if names.contains(package.name.as_str()));
    let commit = package.vcs.as_ref().map(|vcs| vcs.commit_id.clone())?;
    (!given_up && is_commit(&commit)).then_some(commit)
}
