//! `pyproject.toml`: the project, its dependency groups, the tool's own table, and what uv and Poetry
//! keep there; and `mlresolve.toml`, which is the tool's own table alone.
//!
//! Sources: PyPA's `pyproject.toml` specification (PEP 621) and dependency groups specification
//! (PEP 735).

mod build_system;
mod config;
mod declared;
mod groups;
mod poetry;
mod read;
mod sources;
#[cfg(test)]
mod tests;
mod uv;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::name::{ExtraName, GroupName, PackageName};
use crate::requirement::Requirement;
use crate::specifier::{Repair, SpecifierSet};
use crate::version::Version;

pub use build_system::BuildSystem;
pub use config::{Config, TargetConfig};
pub use declared::DeclaredMetadata;
pub use groups::{DependencyGroups, GroupItem};
pub use poetry::{Poetry, PoetryIndex, PoetryPriority};
pub use sources::{IndexEntry, PackageSource, SourcePlace, is_index_name};
pub use uv::UvSettings;

use read::{LenientRequirement, LenientSpecifiers, UniqueTable, VersionText, from_toml};

/// The longest `pyproject.toml` or `mlresolve.toml` that is read, in bytes (4 MiB).
pub const PYPROJECT_LIMIT: usize = 4 << 20;

/// What a `pyproject.toml` says, as far as it concerns dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PyProject {
    /// `[project]`; where that has no dependencies, `[tool.poetry]` in the same words.
    pub project: Option<Project>,
    /// `[dependency-groups]`, and the groups of uv and Poetry.
    pub groups: DependencyGroups,
    /// `[tool.mlresolve]`; `None` where there is no such table.
    pub config: Option<Config>,
    /// `[tool.uv]`; `None` where there is no such table.
    pub uv: Option<UvSettings>,
    /// What `[tool.poetry]` says beyond `project` and `groups`; `None` where there is no such table.
    pub poetry: Option<Poetry>,
    /// Tables of other tools that change what is installed and are not followed here, such as
    /// `tool.pixi`.
    pub foreign: Vec<&'static str>,
    /// The keys under `[tool.mlresolve]` that have no meaning, with dots between the levels.
    pub unknown_keys: Vec<String>,
    /// The legacy specifiers that were repaired.
    pub repairs: Vec<Repair>,
}

/// The `[project]` table (PEP 621).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// `name`.
    pub name: PackageName,
    /// `version`; `None` if it is dynamic.
    pub version: Option<Version>,
    /// `requires-python`.
    pub requires_python: Option<SpecifierSet>,
    /// `dependencies`.
    pub dependencies: Vec<Requirement>,
    /// `optional-dependencies`, by extra.
    pub optional_dependencies: BTreeMap<ExtraName, Vec<Requirement>>,
    /// `dynamic`: the fields that only a build would tell.
    pub dynamic: Vec<String>,
}

/// Why a `pyproject.toml` or `mlresolve.toml` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PyProjectError {
    /// It is longer than [`PYPROJECT_LIMIT`].
    #[error("a file of {0} bytes is over the limit of {PYPROJECT_LIMIT} (pyproject length)")]
    TooLong(usize),
    /// It is no TOML, or a value is not what its key asks for.
    #[error("line {line}: {message}")]
    Toml {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A dependency group includes one that does not exist.
    #[error("the dependency group `{group}` includes `{included}`, which does not exist")]
    UnknownGroup {
        /// The group that includes.
        group: GroupName,
        /// The group that is not there.
        included: GroupName,
    },
    /// A dependency group includes itself, directly or through others.
    #[error("the dependency group `{0}` includes itself, directly or through another group")]
    GroupCycle(GroupName),
    /// `build-backend` is neither a module nor an object in one.
    #[error("build-system.build-backend is {0:?}, which names no Python module")]
    BuildBackend(String),
}

impl PyProject {
    /// Reads a `pyproject.toml`.
    ///
    /// # Errors
    /// When it is no TOML, or says something about dependencies that cannot be understood.
    pub fn parse(text: &str) -> Result<Self, PyProjectError> {
        let (raw, ignored): (RawPyProject, _) = from_toml(text)?;
        let below = |table: &str| -> Vec<String> {
            ignored.iter().filter_map(|key| Some(key.strip_prefix(table)?.to_owned())).collect()
        };
        let mut repairs = Vec::new();
        let mut project = raw.project.map(|project| project.finish(&mut repairs));
        let mut groups = DependencyGroups::new(raw.dependency_groups, &mut repairs)?;
        let mut config = raw.tool.mlresolve;
        if let Some(config) = &mut config {
            repairs.append(&mut config.repairs);
        }
        let poetry = raw.tool.poetry.map(|raw| {
            let table = raw.finish(below("tool.poetry."));
            take_project(table.project, &mut project);
            groups.extend(table.groups);
            table.rest
        });
        let mut uv = raw.tool.uv.map(|raw| raw.finish(below("tool.uv.")));
        if let Some(uv) = &mut uv {
            repairs.append(&mut uv.repairs);
            groups.extend("dev".parse().ok().map(|name| (name, uv.dev_dependencies.clone())));
        }
        let (foreign, unknown_keys) = (foreign_tables(text), below("tool.mlresolve."));
        Ok(Self { project, groups, config, uv, poetry, foreign, unknown_keys, repairs })
    }
}

impl Project {
    /// Reads the `[project]` table alone, and nothing else of the file: what the sources of a
    /// dependency are asked for. `None` where there is no such table.
    ///
    /// # Errors
    /// When the file is no TOML or the table cannot be understood.
    pub fn parse(text: &str) -> Result<Option<(Self, Vec<Repair>)>, PyProjectError> {
        let (raw, _): (OnlyProject, _) = from_toml(text)?;
        let mut repairs = Vec::new();
        Ok(raw.project.map(|project| project.finish(&mut repairs)).map(|project| (project, repairs)))
    }
}

/// Fills what `[project]` leaves to Poetry.
fn take_project(poetry: Option<Project>, project: &mut Option<Project>) {
    let Some(poetry) = poetry else { return };
    let Some(project) = project else {
        *project = Some(poetry);
        return;
    };
    if project.dependencies.is_empty() {
        project.dependencies = poetry.dependencies;
        project.dynamic.retain(|field| field != "dependencies");
    }
    if project.optional_dependencies.is_empty() {
        project.optional_dependencies = poetry.optional_dependencies;
        project.dynamic.retain(|field| field != "optional-dependencies");
    }
    if project.requires_python.is_none() {
        project.requires_python = poetry.requires_python;
    }
}

#[derive(Deserialize)]
struct OnlyProject {
    project: Option<RawProject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawPyProject {
    project: Option<RawProject>,
    #[serde(default)]
    dependency_groups: UniqueTable<GroupName, Vec<groups::RawItem>>,
    #[serde(default)]
    tool: RawTool,
}

#[derive(Default, Deserialize)]
struct RawTool {
    mlresolve: Option<Config>,
    uv: Option<uv::RawUv>,
    poetry: Option<poetry::RawPoetry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawProject {
    name: PackageName,
    version: Option<VersionText>,
    requires_python: Option<LenientSpecifiers>,
    #[serde(default)]
    dependencies: Vec<LenientRequirement>,
    #[serde(default)]
    optional_dependencies: UniqueTable<ExtraName, Vec<LenientRequirement>>,
    #[serde(default)]
    dynamic: Vec<String>,
}

impl RawProject {
    fn finish(self, repairs: &mut Vec<Repair>) -> Project {
        let mut list = |requirements: Vec<LenientRequirement>| -> Vec<Requirement> {
            requirements.into_iter().map(|requirement| requirement.finish(repairs)).collect()
        };
        let dependencies = list(self.dependencies);
        let extras = self.optional_dependencies.0.into_iter();
        let optional_dependencies = extras.map(|(extra, requirements)| (extra, list(requirements))).collect();
        let requires_python = self.requires_python.map(|specifiers| {
            repairs.extend(specifiers.repair);
            specifiers.set
        });
        Project {
            name: self.name,
            version: self.version.map(|version| version.0),
            requires_python: requires_python.filter(|specifiers| !specifiers.is_empty()),
            dependencies,
            optional_dependencies,
            dynamic: self.dynamic,
        }
    }
}

/// The tables and keys of other tools by which a project says what is to be installed, or from where.
const FOREIGN: [&str; 8] = [
    "tool.conda-lock",
    "tool.hatch.envs",
    "tool.pdm.dev-dependencies",
    "tool.pdm.resolution",
    "tool.pdm.source",
    "tool.pixi",
    "tool.rye.dev-dependencies",
    "tool.rye.sources",
];

fn foreign_tables(text: &str) -> Vec<&'static str> {
    let Ok(root) = toml::from_str::<toml::Value>(text) else {
        return Vec::new();
    };
    let exists = |path: &&str| path.split('.').try_fold(&root, |table, key| table.get(key)).is_some();
    FOREIGN.into_iter().filter(exists).collect()
}
