//! `pyproject.toml`: the project, its dependency groups, and the tool's own table; and
//! `mlresolve.toml`, which is that table alone.
//!
//! Sources: PyPA's `pyproject.toml` specification (PEP 621) and dependency groups specification
//! (PEP 735).

mod build_system;
mod config;
mod groups;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::name::{ExtraName, GroupName, PackageName};
use crate::requirement::Requirement;
use crate::specifier::{Repair, SpecifierSet};
use crate::version::Version;

pub use build_system::BuildSystem;
pub use config::{Config, TargetConfig};
pub use groups::{DependencyGroups, GroupItem};

use read::{LenientRequirement, LenientSpecifiers, UniqueTable, VersionText, from_toml};

/// The longest `pyproject.toml` or `mlresolve.toml` that is read, in bytes (4 MiB).
pub const PYPROJECT_LIMIT: usize = 4 << 20;

/// What a `pyproject.toml` says, as far as it concerns dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PyProject {
    /// `[project]`.
    pub project: Option<Project>,
    /// `[dependency-groups]`.
    pub groups: DependencyGroups,
    /// `[tool.mlresolve]`; `None` where there is no such table.
    pub config: Option<Config>,
    /// Tables of other tools that change what is installed and are not followed here, such as
    /// `tool.uv.sources`.
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
        let unknown_keys =
            ignored.into_iter().filter_map(|key| Some(key.strip_prefix("tool.mlresolve.")?.to_owned()));
        let mut repairs = Vec::new();
        let project = raw.project.map(|project| project.finish(&mut repairs));
        let groups = DependencyGroups::new(raw.dependency_groups, &mut repairs)?;
        let mut config = raw.tool.mlresolve;
        if let Some(config) = &mut config {
            repairs.append(&mut config.repairs);
        }
        let foreign = foreign_tables(text);
        Ok(Self { project, groups, config, foreign, unknown_keys: unknown_keys.collect(), repairs })
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
const FOREIGN: [&str; 17] = [
    "tool.conda-lock",
    "tool.hatch.envs",
    "tool.pdm.dev-dependencies",
    "tool.pdm.resolution",
    "tool.pdm.source",
    "tool.pixi",
    "tool.poetry.dependencies",
    "tool.poetry.dev-dependencies",
    "tool.poetry.group",
    "tool.poetry.source",
    "tool.rye.dev-dependencies",
    "tool.rye.sources",
    "tool.uv.constraint-dependencies",
    "tool.uv.dev-dependencies",
    "tool.uv.index",
    "tool.uv.override-dependencies",
    "tool.uv.sources",
];

fn foreign_tables(text: &str) -> Vec<&'static str> {
    let Ok(root) = toml::from_str::<toml::Value>(text) else {
        return Vec::new();
    };
    let exists = |path: &&str| path.split('.').try_fold(&root, |table, key| table.get(key)).is_some();
    FOREIGN.into_iter().filter(exists).collect()
}
