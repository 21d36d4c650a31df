//! Packages at an address that must be built to tell what they require, where the user allows it.

use std::path::Path;
use std::sync::Arc;

use mlresolve_index::{Downloaded, File, SourceRead};
use mlresolve_packaging::PackageName;
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::pyproject::Project;
use mlresolve_packaging::sdist::{MetadataOrigin, NotStatic};

use super::address::Fragment;
use super::read::ProjectRead;
use super::{Asked, Directs, Fetching, unknown_version};
use crate::build::{AllowedBuilds, BuildError, Expected, unpack};
use crate::error::Error;
use crate::event::Event;

/// Whether a project may be built: what its package is called, as far as that is known, if so.
pub(super) fn is_allowed(
    allowed: &AllowedBuilds,
    asked: Option<&PackageName>,
    pyproject: Option<&[u8]>,
) -> Option<Option<PackageName>> {
    let declared = || {
        let text = std::str::from_utf8(pyproject?).ok()?;
        Project::parse(text).ok().flatten().map(|(project, _)| project.name)
    };
    let name = asked.cloned().or_else(declared);
    let allows = allowed.all() || name.as_ref().is_some_and(|name| allowed.contains(name));
    allows.then_some(name)
}

/// What the user declares of the package that is asked for.
fn declared(asked: &Asked, fetching: &Fetching<'_>) -> Option<ProjectRead> {
    let (declared, version) = fetching.declared.of_any(asked.name.as_ref()?)?;
    let metadata = declared.of_version(version.cloned().unwrap_or_else(unknown_version));
    Some((metadata, version.cloned()))
}

impl Directs {
    /// What the user declares of a folder or a checkout, or else what a build of it in place tells.
    pub(super) async fn build_folder(
        &self,
        asked: &Asked,
        folder: &Path,
        pyproject: Option<&[u8]>,
        why: &NotStatic,
        fetching: &Fetching<'_>,
    ) -> Result<(ProjectRead, MetadataOrigin), Error> {
        if let Some(read) = declared(asked, fetching) {
            return Ok((read, MetadataOrigin::Declared));
        }
        let Some(name) = is_allowed(&fetching.allowed, asked.name.as_ref(), pyproject) else {
            return Err(self.not_allowed(asked, why));
        };
        let folder = folder.to_owned();
        let (builder, expected) = (Arc::clone(&fetching.builder), Expected { name, version: None });
        let build = move || builder.metadata(&folder, &expected).map(|built| built.metadata);
        let metadata = self.build(asked, fetching, build).await?;
        let version = metadata.version.clone();
        Ok(((metadata, Some(version)), MetadataOrigin::Built))
    }

    /// Builds a source archive.
    pub(super) async fn build_archive(
        &self,
        asked: &Asked,
        file: &File,
        fragment: &Fragment,
        why: &NotStatic,
        fetching: &Fetching<'_>,
    ) -> Result<SourceRead, Error> {
        let declared = declared(asked, fetching);
        let name = is_allowed(&fetching.allowed, asked.name.as_ref(), None);
        if declared.is_none() && name.is_none() {
            return Err(self.not_allowed(asked, why));
        }
        let temporary =
            |error: std::io::Error| Error::Internal(format!("cannot make a temporary folder: {error}"));
        let folder = tempfile::Builder::new().prefix("mlresolve-archive-").tempdir().map_err(temporary)?;
        let archive = folder.path().join("archive");
        let downloaded = fetching.client.download(file, &archive).await?;
        if let Some((metadata, version)) = declared {
            let Downloaded { sha256, bytes } = downloaded;
            return Ok(SourceRead { metadata, origin: MetadataOrigin::Declared, version, sha256, bytes });
        }
        let expected = Expected { name: name.flatten(), version: None };
        let builder = Arc::clone(&fetching.builder);
        let (filename, subdirectory) = (file.filename.clone(), fragment.subdirectory.clone());
        let into = folder.path().join("tree");
        let build = move || {
            std::fs::create_dir(&into).map_err(|error| BuildError::Unpack(error.to_string()))?;
            let tree = unpack(&archive, &filename, &into)?;
            let tree = subdirectory.map_or_else(|| tree.clone(), |subdirectory| tree.join(subdirectory));
            builder.metadata(&tree, &expected).map(|built| built.metadata)
        };
        let metadata = self.build(asked, fetching, build).await?;
        Ok(SourceRead {
            version: Some(metadata.version.clone()),
            metadata,
            origin: MetadataOrigin::Built,
            sha256: downloaded.sha256,
            bytes: downloaded.bytes,
        })
    }

    async fn build(
        &self,
        asked: &Asked,
        fetching: &Fetching<'_>,
        build: impl FnOnce() -> Result<Vec<u8>, BuildError> + Send + 'static,
    ) -> Result<CoreMetadata, Error> {
        let package = asked.name.as_ref().map(ToString::to_string);
        let package = package.unwrap_or_else(|| asked.address.public(&self.root));
        fetching.limits.watch.tell(Event::Building { package: package.clone() });
        let failed = |source: BuildError| match source {
            BuildError::Index(error) => Error::Index(error),
            BuildError::Stopped(stop) => stop.into(),
            source => Error::Build { package: package.clone(), source: Box::new(source) },
        };
        let built = tokio::task::spawn_blocking(build).await;
        let built = built.map_err(|error| Error::Internal(format!("building {package}: {error}")))?;
        let bytes = built.map_err(failed)?;
        CoreMetadata::parse(&bytes).map_err(|error| failed(error.into()))
    }

    fn not_allowed(&self, asked: &Asked, why: &NotStatic) -> Error {
        let name = asked.name.as_ref().map_or_else(|| ":all:".to_owned(), ToString::to_string);
        let problem = format!(
            "only a build tells what it requires ({why}); allow the build, which runs its code, with `--allow-build \
             {name}`, or declare what it requires under [tool.mlresolve.metadata]"
        );
        self.refuse(asked, &problem)
    }
}
