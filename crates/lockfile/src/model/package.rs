use std::collections::BTreeMap;
use std::fmt::Display;

use mlresolve_packaging::{ExtraName, Marker, PackageName, SpecifierSet, Version};
use serde::{Serialize, Serializer};

use super::{Archive, Directory, PackageTool, Sdist, Table, Vcs, Wheel};

/// One locked package (PEP 751, `[[packages]]`).
///
/// A valid package has either wheels, an sdist or both, or exactly one of `archive`, `vcs` and
/// `directory`; [`crate::read`] and [`crate::write`] hold that rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Package {
    /// The normalised name.
    pub name: PackageName,
    /// The version; absent when a source tree decides it.
    #[serde(serialize_with = "display_option")]
    pub version: Option<Version>,
    /// When the package is installed; absent means always.
    #[serde(serialize_with = "display_option")]
    pub marker: Option<Marker>,
    /// The Python versions that the package runs on.
    #[serde(serialize_with = "display_option")]
    pub requires_python: Option<SpecifierSet>,
    /// The entries of this lock that the package depends on. For explanations alone: installing
    /// never looks at them.
    pub dependencies: Vec<Dependency>,
    /// A version-control checkout.
    pub vcs: Option<Vcs>,
    /// A source tree on disk.
    pub directory: Option<Directory>,
    /// A wheel or source archive that is named by its address alone.
    pub archive: Option<Archive>,
    /// The base address of the index that the files came from.
    pub index: Option<String>,
    /// The source distribution.
    pub sdist: Option<Sdist>,
    /// The wheels; a lock for one target has the chosen one alone.
    pub wheels: Vec<Wheel>,
    /// Who is known to have published the files; every table has a `kind`.
    pub attestation_identities: Vec<Table>,
    /// What stands under `[packages.tool.mlresolve]`.
    pub tool: Option<PackageTool>,
    /// The tables of other tools under `[packages.tool]`, kept as they are.
    pub other_tools: BTreeMap<String, Table>,
}

impl Package {
    /// A package that has a name and nothing else yet.
    #[must_use]
    pub fn new(name: PackageName) -> Self {
        Self {
            name,
            version: None,
            marker: None,
            requires_python: None,
            dependencies: Vec::new(),
            vcs: None,
            directory: None,
            archive: None,
            index: None,
            sdist: None,
            wheels: Vec::new(),
            attestation_identities: Vec::new(),
            tool: None,
            other_tools: BTreeMap::new(),
        }
    }

    /// Where the package comes from, or `None` when the package breaks the rule of one source.
    #[must_use]
    pub fn source(&self) -> Option<Source<'_>> {
        let files = self.sdist.is_some() || !self.wheels.is_empty();
        match (files, &self.archive, &self.vcs, &self.directory) {
            (true, None, None, None) => Some(Source::Files),
            (false, Some(archive), None, None) => Some(Source::Archive(archive)),
            (false, None, Some(vcs), None) => Some(Source::Vcs(vcs)),
            (false, None, None, Some(directory)) => Some(Source::Directory(directory)),
            _ => None,
        }
    }

    /// The requirement texts that were active for the lock's target; empty in the lock of another
    /// tool.
    #[must_use]
    pub fn recorded_requirements(&self) -> &[String] {
        self.tool.as_ref().map_or(&[], |tool| &tool.requires)
    }

    pub(super) fn sort(&mut self) {
        for dependency in &mut self.dependencies {
            super::lock::sort_set(&mut dependency.extras);
        }
        self.dependencies
            .sort_by(|left, right| (&left.name, &left.version).cmp(&(&right.name, &right.version)));
        self.wheels.sort_by(|left, right| left.name.cmp(&right.name));
        if let Some(tool) = &mut self.tool {
            tool.sort();
        }
    }
}

/// Where a package comes from (PEP 751: the sources exclude each other).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'package> {
    /// Wheels, an sdist, or both.
    Files,
    /// An archive that is named by its address alone.
    Archive(&'package Archive),
    /// A version-control checkout.
    Vcs(&'package Vcs),
    /// A source tree on disk.
    Directory(&'package Directory),
}

/// What identifies another entry of the lock (PEP 751, `packages.dependencies`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dependency {
    /// The name of the entry.
    pub name: PackageName,
    /// Its version, where the name alone would not tell.
    #[serde(serialize_with = "display_option")]
    pub version: Option<Version>,
    /// The extras that were asked for.
    pub extras: Vec<ExtraName>,
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn display_option<T, S>(item: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Display,
    S: Serializer,
{
    match item {
        Some(item) => serializer.collect_str(item),
        None => serializer.serialize_none(),
    }
}

pub(super) fn display_list<T, S>(items: &[T], serializer: S) -> Result<S::Ok, S::Error>
where
    T: Display,
    S: Serializer,
{
    serializer.collect_seq(items.iter().map(ToString::to_string))
}
