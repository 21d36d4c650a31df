//! Source distributions, with as much or as little static metadata as a test wants.

use std::collections::BTreeMap;

use crate::metadata::Metadata;
use crate::{Distribution, normalize, tar, wheel};

/// Builds a source distribution, `NAME-VERSION.tar.gz` (PEP 625, PEP 517). Its `pyproject.toml` names a build backend
/// that does not exist, so that a test notices when something tries to build it.
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until it is built"]
pub struct SdistBuilder {
    metadata: Metadata,
    raw_pkg_info: Option<Vec<u8>>,
    pyproject: Option<String>,
    files: BTreeMap<String, Vec<u8>>,
    egg_info: Option<Option<String>>,
    archive: SdistArchive,
}

/// The form of a source distribution's archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SdistArchive {
    /// `.tar.gz`
    #[default]
    TarGz,
    /// `.tar.bz2`
    TarBz2,
    /// `.zip`
    Zip,
}

impl SdistBuilder {
    /// A source distribution with `PKG-INFO` (metadata 2.2, so its fields are final unless [`Self::dynamic`] says
    /// otherwise) and `pyproject.toml`.
    pub fn new(name: &str, version: &str) -> Self {
        Self::from_metadata(Metadata { metadata_version: "2.2".to_owned(), ..Metadata::new(name, version) })
    }

    pub(crate) fn from_metadata(metadata: Metadata) -> Self {
        let pyproject = "[build-system]\nrequires = []\nbuild-backend = \"no_such_backend\"\n".to_owned();
        Self {
            metadata,
            raw_pkg_info: None,
            pyproject: Some(pyproject),
            files: BTreeMap::new(),
            egg_info: None,
            archive: SdistArchive::default(),
        }
    }

    /// Adds a `Requires-Dist`.
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.requires.push(requirement.to_owned());
        self
    }

    /// Adds a `Requires-Dist` that holds with `extra` only, and its `Provides-Extra`.
    pub fn extra_requires(mut self, extra: &str, requirement: &str) -> Self {
        self.metadata.extra_requires(extra, requirement);
        self
    }

    /// Adds a `Provides-Extra`.
    pub fn extra(mut self, extra: &str) -> Self {
        self.metadata.offer_extra(extra);
        self
    }

    /// Sets `Requires-Python`.
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.metadata.requires_python = Some(specifiers.to_owned());
        self
    }

    /// Adds a `Dynamic` field, such as `Requires-Dist`: what `PKG-INFO` says of it is then no promise (PEP 643).
    pub fn dynamic(mut self, field: &str) -> Self {
        self.metadata.dynamic.push(field.to_owned());
        self
    }

    /// Sets `Metadata-Version`; below 2.2 nothing in `PKG-INFO` is a promise.
    pub fn metadata_version(mut self, metadata_version: &str) -> Self {
        metadata_version.clone_into(&mut self.metadata.metadata_version);
        self
    }

    /// Replaces the whole of `PKG-INFO`.
    pub fn raw_pkg_info(mut self, pkg_info: impl AsRef<[u8]>) -> Self {
        self.raw_pkg_info = Some(pkg_info.as_ref().to_vec());
        self
    }

    /// Replaces `pyproject.toml`, or leaves it out.
    pub fn pyproject(mut self, pyproject: Option<&str>) -> Self {
        self.pyproject = pyproject.map(str::to_owned);
        self
    }

    /// Adds `NAME.egg-info/requires.txt`, the setuptools form of the requirements.
    pub fn egg_info_requires(self, requires: &str) -> Self {
        let directory = normalize(&self.metadata.name).replace('-', "_");
        self.file(&format!("{directory}.egg-info/requires.txt"), requires)
    }

    /// Makes it one of the old kind: `setup.py`, a `PKG-INFO` that promises nothing, no `pyproject.toml`, and an
    /// `.egg-info` folder with this `requires.txt`; without one, as setuptools does it, where nothing is required.
    pub fn egg_info(mut self, requires: Option<&str>) -> Self {
        self.egg_info = Some(requires.map(str::to_owned));
        self.pyproject = None;
        self.file("setup.py", "raise SystemExit('setup.py was run')\n")
    }

    /// Sets the form of the archive.
    pub fn archive(mut self, archive: SdistArchive) -> Self {
        self.archive = archive;
        self
    }

    /// Adds a file at `path` under the top directory.
    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), bytes.as_ref().to_vec());
        self
    }

    /// Makes the source distribution.
    #[must_use]
    pub fn build(self) -> Distribution {
        let stem = format!("{}-{}", normalize(&self.metadata.name).replace('-', "_"), self.metadata.version);
        let mut files = self.files;
        let mut raw_pkg_info = self.raw_pkg_info;
        if let Some(requires) = self.egg_info {
            let old = Metadata {
                metadata_version: "1.2".to_owned(),
                requires_python: self.metadata.requires_python.clone(),
                ..Metadata::new(&self.metadata.name, &self.metadata.version)
            };
            let folder = format!("{}.egg-info", normalize(&self.metadata.name).replace('-', "_"));
            files.insert(format!("{folder}/PKG-INFO"), old.render().into_bytes());
            files.extend(requires.map(|text| (format!("{folder}/requires.txt"), text.into_bytes())));
            raw_pkg_info.get_or_insert(old.render().into_bytes());
        }
        let metadata = raw_pkg_info.unwrap_or_else(|| self.metadata.render().into_bytes());
        files.insert("PKG-INFO".to_owned(), metadata.clone());
        if let Some(pyproject) = self.pyproject {
            files.insert("pyproject.toml".to_owned(), pyproject.into_bytes());
        }
        let entries: Vec<(String, Vec<u8>)> =
            files.into_iter().map(|(path, bytes)| (format!("{stem}/{path}"), bytes)).collect();
        let (extension, bytes) = match self.archive {
            SdistArchive::TarGz => ("tar.gz", tar::tar_gz(&entries)),
            SdistArchive::TarBz2 => ("tar.bz2", tar::tar_bz2(&entries)),
            SdistArchive::Zip => ("zip", wheel::archive(&entries, false)),
        };
        Distribution { filename: format!("{stem}.{extension}"), bytes, metadata }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn an_sdist_holds_its_files_under_one_directory() {
        let sdist = SdistBuilder::new("My.Package", "1.0")
            .requires("b>=2")
            .dynamic("Requires-Dist")
            .egg_info_requires("b>=2\n")
            .build();
        assert_eq!(sdist.filename, "my_package-1.0.tar.gz");
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(sdist.bytes.as_slice()).read_to_end(&mut tar).unwrap();
        let mut names = Vec::new();
        let mut offset = 0;
        while tar[offset] != 0 {
            let field = |from: usize, to: usize| {
                let text = std::str::from_utf8(&tar[offset + from..offset + to]).unwrap();
                text.trim_end_matches(['\0', ' ']).to_owned()
            };
            let size = usize::from_str_radix(&field(124, 136), 8).unwrap();
            let mut header = tar[offset..offset + 512].to_vec();
            header[148..156].fill(b' ');
            let checksum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
            assert_eq!(u32::from_str_radix(&field(148, 156), 8).unwrap(), checksum);
            names.push(field(0, 100));
            offset += 512 + size.next_multiple_of(512);
        }
        assert_eq!(
            names,
            [
                "my_package-1.0/PKG-INFO",
                "my_package-1.0/my_package.egg-info/requires.txt",
                "my_package-1.0/pyproject.toml"
            ]
        );
        assert_eq!(
            String::from_utf8(sdist.metadata).unwrap(),
            "Metadata-Version: 2.2\nName: My.Package\nVersion: 1.0\nDynamic: Requires-Dist\nRequires-Dist: b>=2\n"
        );
    }
}
