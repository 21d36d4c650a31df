use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use mlresolve_packaging::{ExtraName, GroupName, Marker, PackageName, SpecifierSet};
use serde::{Serialize, Serializer};

use super::{Package, Table, ToolSection};

/// A lock file: what to install, from where, and with which hashes (PEP 751, "File format").
///
/// An empty list stands for a key that is absent: PEP 751 gives both the same meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lock {
    /// The version of the file format, `1.0` for what this crate writes.
    pub lock_version: LockVersion,
    /// The environments that the lock is for; one of them must hold where it is installed.
    #[serde(serialize_with = "super::package::display_list")]
    pub environments: Vec<Marker>,
    /// The Python versions that the lock is for.
    #[serde(serialize_with = "super::package::display_option")]
    pub requires_python: Option<SpecifierSet>,
    /// The extras that markers of this lock may ask for.
    pub extras: Vec<ExtraName>,
    /// The dependency groups that markers of this lock may ask for.
    pub dependency_groups: Vec<GroupName>,
    /// The groups that are installed when none is asked for.
    pub default_groups: Vec<GroupName>,
    /// The name of the tool that wrote the lock.
    pub created_by: String,
    /// The packages, in canonical order after [`Lock::sort`].
    pub packages: Vec<Package>,
    /// What stands under `[tool.mlresolve]`; absent in the lock of another tool.
    pub tool: Option<ToolSection>,
    /// The tables of other tools under `[tool]`, kept as they are.
    pub other_tools: BTreeMap<String, Table>,
}

impl Lock {
    /// An empty lock of format 1.0.
    #[must_use]
    pub fn new(created_by: impl Into<String>) -> Self {
        Self {
            lock_version: LockVersion::default(),
            environments: Vec::new(),
            requires_python: None,
            extras: Vec::new(),
            dependency_groups: Vec::new(),
            default_groups: Vec::new(),
            created_by: created_by.into(),
            packages: Vec::new(),
            tool: None,
            other_tools: BTreeMap::new(),
        }
    }

    /// The entries of one package; several when their markers tell them apart.
    pub fn packages_named(&self, name: &PackageName) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |package| package.name == *name)
    }

    /// Puts everything whose order has no meaning into the order that [`crate::write`] writes:
    /// packages by name, version and marker, dependencies by name and version, wheels by file
    /// name, and names and requirement texts alphabetically without repetition.
    ///
    /// `environments` stays as it is: PEP 751 does not say that its order means nothing.
    pub fn sort(&mut self) {
        sort_set(&mut self.extras);
        sort_set(&mut self.dependency_groups);
        sort_set(&mut self.default_groups);
        if let Some(tool) = &mut self.tool {
            tool.sort();
        }
        for package in &mut self.packages {
            package.sort();
        }
        self.packages.sort_by(canonical_order);
    }
}

/// The version of the lock file format: `major.minor` (PEP 751, `lock-version`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockVersion {
    /// A reader must refuse a major version that it does not know.
    pub major: u32,
    /// A reader may read a minor version that it does not know, and says so.
    pub minor: u32,
}

impl Default for LockVersion {
    fn default() -> Self {
        Self { major: 1, minor: 0 }
    }
}

impl fmt::Display for LockVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for LockVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Sorts what is a set in meaning and a list in the file.
pub(super) fn sort_set<T: Ord>(items: &mut Vec<T>) {
    items.sort();
    items.dedup();
}

fn canonical_order(left: &Package, right: &Package) -> Ordering {
    let marker = |package: &Package| package.marker.as_ref().map(ToString::to_string);
    left.name
        .cmp(&right.name)
        .then_with(|| left.version.cmp(&right.version))
        .then_with(|| marker(left).cmp(&marker(right)))
}
