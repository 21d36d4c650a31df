//! The metadata of a source tree, as far as it can be told without running its build.
//!
//! Sources: PEP 643 (what `PKG-INFO` promises since metadata 2.2), PEP 621 (what `pyproject.toml` declares), and
//! setuptools' `.egg-info` folder, which holds what the build computed when the source distribution was made.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::egg_info::{EggInfoRequires, under};
use crate::metadata::CoreMetadata;
use crate::name::PackageName;
use crate::pyproject::Project;
use crate::version::Version;

/// The first metadata version in which `PKG-INFO` says what a build may change (PEP 643).
const FIRST_PROMISE: (u32, u32) = (2, 2);

/// The folders in which setuptools puts `.egg-info`.
const EGG_INFO_PARENTS: [&str; 2] = ["", "src/"];

/// The files of a source tree that its metadata can be read from, by their path below the tree's top folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFiles(BTreeMap<String, Vec<u8>>);

/// What a source tree is held to be of; what is not known is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// The name that the metadata must have.
    pub name: Option<&'a PackageName>,
    /// The version that the metadata must have, and has where it declares it as dynamic.
    pub version: Option<&'a Version>,
}

/// Where metadata was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataOrigin {
    /// The METADATA of a wheel.
    Wheel,
    /// The `PKG-INFO` of a source distribution.
    PkgInfo,
    /// `[project]` in the `pyproject.toml` of a source tree.
    #[serde(rename = "pyproject")]
    PyProject,
    /// The `.egg-info` folder of a source distribution.
    EggInfo,
    /// The user's own declaration.
    Declared,
    /// A build that the user allowed.
    Built,
}

/// Why the metadata of a source tree cannot be told without building it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotStatic {
    /// What was looked at, in this order, and what stood in the way there.
    pub obstacles: Vec<Obstacle>,
}

/// Why one file of a source tree does not tell its metadata. The text speaks of no single version of the package.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Obstacle {
    /// It is not there.
    #[error("there is no {0}")]
    Absent(&'static str),
    /// Its metadata is older than the promise of PEP 643.
    #[error("PKG-INFO is of metadata version {0}.{1}, which does not promise the requirements of a build")]
    NoPromise(u32, u32),
    /// It says that a build decides.
    #[error("{file} leaves {field} to the build")]
    Dynamic {
        /// The file.
        file: &'static str,
        /// The field.
        field: &'static str,
    },
    /// It cannot be understood.
    #[error("{file} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It is an archive of a form that is not read.
    #[error("archives of the form {0} are not read")]
    Archive(&'static str),
    /// It has no `[project]` table.
    #[error("pyproject.toml has no [project] table")]
    NoProject,
    /// Its dependencies are in Poetry's own table.
    #[error("pyproject.toml declares its dependencies for Poetry only")]
    Poetry,
    /// It is of another name.
    #[error("{file} is of {found}")]
    OtherName {
        /// The file.
        file: &'static str,
        /// The name that it has.
        found: String,
    },
    /// It is of another version than the tree.
    #[error("{file} is of another version")]
    OtherVersion {
        /// The file.
        file: &'static str,
    },
    /// There are several, which say different things.
    #[error("there are several {0} folders, which differ")]
    Several(&'static str),
}

const PKG_INFO: &str = "PKG-INFO";
const PYPROJECT: &str = "pyproject.toml";
const EGG_INFO: &str = ".egg-info";

/// Reads the metadata of an unpacked source distribution from the first of `PKG-INFO`, `pyproject.toml` and
/// `.egg-info` that holds all of it.
///
/// # Errors
/// When none of them does: only a build would tell.
pub fn static_metadata(
    files: &SourceFiles,
    expected: Expected<'_>,
) -> Result<(CoreMetadata, MetadataOrigin), NotStatic> {
    let mut obstacles = Vec::new();
    match pkg_info(files, expected) {
        Ok(metadata) => return Ok((metadata, MetadataOrigin::PkgInfo)),
        Err(obstacle) => obstacles.push(obstacle),
    }
    // A name and a version are no part of what a build may change, in any version of the metadata.
    let own = files.get(PKG_INFO).and_then(|bytes| CoreMetadata::parse(bytes).ok());
    let version = expected.version.or(own.as_ref().map(|metadata| &metadata.version));
    match pyproject(files.get(PYPROJECT), Expected { version, ..expected }) {
        Ok(metadata) => return Ok((metadata, MetadataOrigin::PyProject)),
        Err(obstacle) => obstacles.push(obstacle),
    }
    match egg_info(files, expected) {
        Ok(metadata) => return Ok((metadata, MetadataOrigin::EggInfo)),
        Err(obstacle) => obstacles.push(obstacle),
    }
    Err(NotStatic { obstacles })
}

/// Reads the metadata of a folder that somebody works in, or of a checkout, from its `pyproject.toml` alone: what else
/// lies there may be left from an earlier build.
///
/// # Errors
/// When `pyproject.toml` leaves to a build what is needed; a dynamic version is no obstacle if one is expected.
pub fn static_metadata_of_folder(
    pyproject_toml: Option<&[u8]>,
    expected: Expected<'_>,
) -> Result<(CoreMetadata, MetadataOrigin), NotStatic> {
    match pyproject(pyproject_toml, expected) {
        Ok(metadata) => Ok((metadata, MetadataOrigin::PyProject)),
        Err(obstacle) => Err(NotStatic { obstacles: vec![obstacle] }),
    }
}

impl SourceFiles {
    /// Whether a file is one that metadata can be read from.
    #[must_use]
    pub fn wants(path: &str) -> bool {
        let of_egg_info = |path: &str| {
            path.split_once('/').is_some_and(|(folder, file)| {
                folder.ends_with(".egg-info") && matches!(file, "PKG-INFO" | "requires.txt")
            })
        };
        matches!(path, PKG_INFO | PYPROJECT)
            || EGG_INFO_PARENTS.iter().any(|parent| path.strip_prefix(parent).is_some_and(of_egg_info))
    }

    /// Adds a file, and gives back what was there under the same path before.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        self.0.insert(path.into(), bytes.into())
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// The files, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The `.egg-info` folders, each once.
    fn egg_infos(&self) -> Vec<&str> {
        let folders = self.0.keys().filter_map(|path| Some(path.rsplit_once('/')?.0));
        let mut folders: Vec<&str> = folders.filter(|folder| folder.ends_with(".egg-info")).collect();
        folders.dedup();
        folders
    }
}

impl Expected<'_> {
    fn check(&self, file: &'static str, name: &PackageName, version: &Version) -> Result<(), Obstacle> {
        if self.name.is_some_and(|expected| expected != name) {
            return Err(Obstacle::OtherName { file, found: name.to_string() });
        }
        if self.version.is_some_and(|expected| expected != version) {
            return Err(Obstacle::OtherVersion { file });
        }
        Ok(())
    }
}

fn pkg_info(files: &SourceFiles, expected: Expected<'_>) -> Result<CoreMetadata, Obstacle> {
    let bytes = files.get(PKG_INFO).ok_or(Obstacle::Absent(PKG_INFO))?;
    let metadata = parse(PKG_INFO, bytes)?;
    let (major, minor) = metadata.metadata_version;
    if (major, minor) < FIRST_PROMISE {
        return Err(Obstacle::NoPromise(major, minor));
    }
    for field in ["Requires-Dist", "Provides-Extra", "Requires-Python"] {
        if metadata.dynamic.iter().any(|dynamic| dynamic.eq_ignore_ascii_case(field)) {
            return Err(Obstacle::Dynamic { file: PKG_INFO, field });
        }
    }
    expected.check(PKG_INFO, &metadata.name, &metadata.version)?;
    Ok(metadata)
}

fn pyproject(bytes: Option<&[u8]>, expected: Expected<'_>) -> Result<CoreMetadata, Obstacle> {
    let unreadable = |problem: String| Obstacle::Unreadable { file: PYPROJECT, problem };
    let bytes = bytes.ok_or(Obstacle::Absent(PYPROJECT))?;
    let text = str::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let read = Project::parse(text).map_err(|error| unreadable(error.to_string()))?;
    let (project, repairs) = read.ok_or(Obstacle::NoProject)?;
    for field in ["dependencies", "optional-dependencies", "requires-python"] {
        if project.dynamic.iter().any(|dynamic| dynamic == field) {
            return Err(Obstacle::Dynamic { file: PYPROJECT, field });
        }
    }
    if project.dependencies.is_empty() && declares_for_poetry(text) {
        return Err(Obstacle::Poetry);
    }
    let version = project.version.or_else(|| expected.version.cloned());
    let version = version.ok_or(Obstacle::Dynamic { file: PYPROJECT, field: "version" })?;
    expected.check(PYPROJECT, &project.name, &version)?;
    let mut requires_dist = project.dependencies;
    for (extra, requirements) in &project.optional_dependencies {
        for requirement in requirements {
            let requirement = under(requirement.clone(), None, Some(extra));
            requires_dist.push(requirement.map_err(|error| unreadable(error.to_string()))?);
        }
    }
    Ok(CoreMetadata {
        metadata_version: FIRST_PROMISE,
        name: project.name,
        version,
        requires_dist,
        requires_python: project.requires_python,
        provides_extra: project.optional_dependencies.into_keys().collect(),
        dynamic: Vec::new(),
        import_names: Vec::new(),
        import_namespaces: Vec::new(),
        repairs,
    })
}

/// Whether Poetry's own table has dependencies and `[project]` is silent about them.
fn declares_for_poetry(text: &str) -> bool {
    let Ok(root) = toml::from_str::<toml::Table>(text.trim_start_matches('\u{feff}')) else { return false };
    let has = |path: [&str; 2]| root.get(path[0]).is_some_and(|table| table.get(path[1]).is_some());
    has(["tool", "poetry"]) && !has(["project", "dependencies"])
}

fn egg_info(files: &SourceFiles, expected: Expected<'_>) -> Result<CoreMetadata, Obstacle> {
    let mut read = Vec::new();
    let mut refused = Obstacle::Absent(EGG_INFO);
    for folder in files.egg_infos() {
        match one_egg_info(files, folder, expected) {
            Ok(metadata) if read.contains(&metadata) => {}
            Ok(metadata) => read.push(metadata),
            // A second project's folder may lie beside; one of our own that cannot be read decides.
            Err(obstacle @ Obstacle::OtherName { .. }) => {
                if refused == Obstacle::Absent(EGG_INFO) {
                    refused = obstacle;
                }
            }
            Err(obstacle) => return Err(obstacle),
        }
    }
    match read.pop() {
        None => Err(refused),
        Some(metadata) if read.is_empty() => Ok(metadata),
        Some(_) => Err(Obstacle::Several(EGG_INFO)),
    }
}

fn one_egg_info(files: &SourceFiles, folder: &str, expected: Expected<'_>) -> Result<CoreMetadata, Obstacle> {
    // The folder is named after its project.
    let stem = folder.rsplit('/').next().and_then(|last| last.strip_suffix(".egg-info")).unwrap_or_default();
    let named = stem.parse::<PackageName>().ok();
    if let (Some(named), Some(wanted)) = (&named, expected.name)
        && named != wanted
    {
        return Err(Obstacle::OtherName { file: EGG_INFO, found: named.to_string() });
    }
    let bytes = files.get(&format!("{folder}/{PKG_INFO}")).or_else(|| files.get(PKG_INFO));
    let mut metadata = parse(EGG_INFO, bytes.ok_or(Obstacle::Absent("PKG-INFO in .egg-info"))?)?;
    expected.check(EGG_INFO, &metadata.name, &metadata.version)?;
    // setuptools writes none where nothing is required.
    let requires = files.get(&format!("{folder}/requires.txt")).unwrap_or_default();
    let requires = EggInfoRequires::parse(requires).map_err(|error| Obstacle::Unreadable {
        file: EGG_INFO,
        problem: format!("requires.txt: {error}"),
    })?;
    metadata.requires_dist = requires.requires_dist;
    metadata.provides_extra = requires.provides_extra;
    metadata.repairs = requires.repairs;
    Ok(metadata)
}

fn parse(file: &'static str, bytes: &[u8]) -> Result<CoreMetadata, Obstacle> {
    CoreMetadata::parse(bytes).map_err(|error| Obstacle::Unreadable { file, problem: error.to_string() })
}

impl MetadataOrigin {
    /// The word for it, as a lock records it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::PkgInfo => "pkg-info",
            Self::PyProject => "pyproject",
            Self::EggInfo => "egg-info",
            Self::Declared => "declared",
            Self::Built => "built",
        }
    }
}

impl fmt::Display for MetadataOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for NotStatic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, obstacle) in self.obstacles.iter().enumerate() {
            write!(formatter, "{}{obstacle}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for NotStatic {}

#[cfg(test)]
mod tests;
