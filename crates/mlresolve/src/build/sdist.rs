//! The metadata of a source distribution on an index, learned by a build once and then kept.

use mlresolve_index::{File, IndexClient};

use super::error::{BuildError, failed};
use super::unpack::unpack;
use super::{Builder, Expected};

/// Metadata that a build told, now or before.
pub(crate) struct BuiltSdist {
    /// The METADATA.
    pub(crate) metadata: Vec<u8>,
    /// The minor version of the Python that built it.
    pub(crate) minor: u8,
}

impl Builder {
    /// The metadata of a source distribution: as it was kept, or else from a build of it. What is kept is what a build
    /// with the target's Python told, or with the one that stands in for it.
    ///
    /// # Errors
    /// As [`Builder::metadata`], and when the file cannot be fetched or unpacked.
    pub(crate) fn sdist(&self, client: &IndexClient, file: &File) -> Result<BuiltSdist, BuildError> {
        let expected = Expected {
            name: file.sdist.as_ref().map(|sdist| sdist.name.clone()),
            version: file.sdist.as_ref().map(|sdist| sdist.version.clone()),
        };
        let kept = |minor: u8| {
            let metadata = client.built_metadata(file, minor)?;
            super::check(&metadata, &expected).is_ok().then_some(BuiltSdist { metadata, minor })
        };
        if let Some(kept) = kept(self.minor) {
            return Ok(kept);
        }
        let minor = self.interpreter()?.minor();
        if let Some(kept) = (minor != self.minor).then(|| kept(minor)).flatten() {
            return Ok(kept);
        }
        let folder = tempfile::Builder::new().prefix("mlresolve-sdist-").tempdir();
        let folder = folder.map_err(failed("cannot make a temporary folder"))?;
        let (archive, tree) = (folder.path().join("archive"), folder.path().join("tree"));
        let download = self.limits.hold(client.download(file, &archive));
        self.runtime.block_on(download).map_err(BuildError::Stopped)??;
        std::fs::create_dir(&tree).map_err(failed("cannot make a temporary folder"))?;
        let tree = unpack(&archive, &file.filename, &tree)?;
        let built = self.metadata(&tree, &expected)?;
        client.keep_built_metadata(file, built.minor, &built.metadata);
        Ok(BuiltSdist { metadata: built.metadata, minor: built.minor })
    }
}
