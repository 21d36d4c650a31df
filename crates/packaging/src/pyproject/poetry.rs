//! `[tool.poetry]`, read into the words of the standards: requirements, extras, groups, sources and indexes.
//!
//! Source: Poetry's documentation, *The pyproject.toml file* and *Dependency specification*, read 2026-11-22.

mod constraint;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::marker::Marker;
use crate::name::{ExtraName, GroupName, PackageName};
use crate::requirement::{Requirement, RequirementSource};
use crate::specifier::SpecifierSet;
use crate::version::parse_version;

use super::Project;
use super::read::{OneOrMany, UniqueTable, from_text};
use super::sources::{PackageSource, SourcePlace, is_index_name, one_revision};

use constraint::Constraint;

/// The name of a project that gives none, which is no package's.
const NAMELESS: &str = "poetry-project-without-a-name";

/// What `[tool.poetry]` says beyond what a [`Project`] and dependency groups hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Poetry {
    /// `[[tool.poetry.source]]`, in the order of the file.
    pub indexes: Vec<PoetryIndex>,
    /// The places that dependencies name with `source`, `git`, `url` and `path`.
    pub sources: Vec<(PackageName, Vec<PackageSource>)>,
    /// The keys that can change what is installed and are not followed, with dots between the levels.
    pub not_followed: Vec<String>,
}

/// An index of Poetry's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoetryIndex {
    /// `name`, by which dependencies mean it.
    pub name: String,
    /// `url`, which may hold credentials; `None` for PyPI.
    pub url: Option<String>,
    /// `priority`.
    pub priority: PoetryPriority,
}

/// When an index of Poetry's is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoetryPriority {
    /// In the order of the file; PyPI is no longer asked unless it is named.
    #[default]
    #[serde(alias = "default")]
    Primary,
    /// After the others.
    #[serde(alias = "secondary")]
    Supplemental,
    /// Only for the packages whose `source` names it.
    Explicit,
}

/// `[tool.poetry]`, taken apart.
pub(super) struct PoetryTable {
    /// The project; `None` where the table has no dependencies.
    pub(super) project: Option<Project>,
    pub(super) groups: Vec<(GroupName, Vec<Requirement>)>,
    pub(super) rest: Poetry,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, expecting = "a table")]
pub(super) struct RawPoetry {
    name: Option<String>,
    version: Option<String>,
    dependencies: Option<RawDependencies>,
    dev_dependencies: RawDependencies,
    group: UniqueTable<GroupName, RawGroup>,
    extras: UniqueTable<ExtraName, Vec<PackageName>>,
    source: Vec<RawIndex>,
}

type RawDependencies = UniqueTable<PackageName, OneOrMany<Dependency>>;

#[derive(Default, Deserialize)]
#[serde(default, expecting = "a table with `dependencies`")]
struct RawGroup {
    dependencies: RawDependencies,
    #[serde(rename = "optional")]
    _optional: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "a table such as {name = \"x\", url = \"https://…\"}")]
struct RawIndex {
    name: IndexName,
    url: Option<String>,
    #[serde(default)]
    priority: PoetryPriority,
}

struct IndexName(String);

impl<'de> Deserialize<'de> for IndexName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| {
            let error = || "the name of a source has letters, digits, '_', '-' and '.'".to_owned();
            if is_index_name(text) { Ok(Self(text.to_owned())) } else { Err(error()) }
        })
    }
}

/// One entry of a package, in the words of the standards.
#[derive(Clone, Default)]
struct Dependency {
    specifiers: SpecifierSet,
    extras: Vec<ExtraName>,
    marker: Option<Marker>,
    optional: bool,
    place: Option<SourcePlace>,
}

struct VersionText(SpecifierSet);

impl<'de> Deserialize<'de> for VersionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| Constraint::parse(text)?.specifiers().map(Self))
    }
}

struct PythonText(Option<String>);

impl<'de> Deserialize<'de> for PythonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| Ok(Self(Constraint::parse(text)?.python_marker())))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, expecting = "a table such as {version = \"^1.2\"}")]
struct RawDependency {
    version: Option<VersionText>,
    extras: Vec<ExtraName>,
    markers: Option<String>,
    python: Option<PythonText>,
    platform: Option<String>,
    optional: bool,
    source: Option<String>,
    git: Option<String>,
    branch: Option<String>,
    tag: Option<String>,
    rev: Option<String>,
    url: Option<String>,
    path: Option<String>,
    subdirectory: Option<String>,
    #[serde(alias = "editable")]
    develop: bool,
}

impl<'de> Deserialize<'de> for Dependency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DependencyVisitor)
    }
}

struct DependencyVisitor;

impl<'de> serde::de::Visitor<'de> for DependencyVisitor {
    type Value = Dependency;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a constraint such as \"^1.2\", or a table such as {version = \"^1.2\"}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Dependency, E> {
        let specifiers = Constraint::parse(text).and_then(|constraint| constraint.specifiers());
        Ok(Dependency { specifiers: specifiers.map_err(E::custom)?, ..Dependency::default() })
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Dependency, A::Error> {
        let raw = RawDependency::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        raw.finish().map_err(A::Error::custom)
    }
}

impl RawDependency {
    fn finish(self) -> Result<Dependency, String> {
        let platform = self.platform.map(|platform| {
            // A quote would end the text in the marker; no platform has one.
            format!("sys_platform == \"{}\"", platform.replace('"', ""))
        });
        let conditions = [self.markers, self.python.and_then(|python| python.0), platform];
        let conditions: Vec<String> = conditions.into_iter().flatten().collect();
        let marker = match &conditions[..] {
            [] => None,
            [only] => Some(only.clone()),
            several => Some(several.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" and ")),
        };
        let marker = marker.map(|text| text.parse::<Marker>()).transpose();
        let marker = marker.map_err(|error| format!("the markers cannot be read: {error}"))?;
        let revision = one_revision([self.rev, self.tag, self.branch])?;
        let subdirectory = self.subdirectory;
        let place = match (self.source, self.git, self.url, self.path) {
            (None, None, None, None) => None,
            (Some(name), None, None, None) => Some(SourcePlace::Index(name)),
            (None, Some(url), None, None) => Some(SourcePlace::Git { url, revision, subdirectory }),
            (None, None, Some(url), None) => Some(SourcePlace::Url { url, subdirectory }),
            (None, None, None, Some(path)) => {
                Some(SourcePlace::Path { path, editable: self.develop, subdirectory })
            }
            _ => return Err("a dependency has one of `source`, `git`, `url` and `path`".to_owned()),
        };
        let specifiers = self.version.map(|version| version.0).unwrap_or_default();
        let mut extras = self.extras;
        extras.sort();
        extras.dedup();
        Ok(Dependency { specifiers, extras, marker, optional: self.optional, place })
    }
}

impl RawPoetry {
    /// `ignored` are the keys that nothing asked for, without what leads to the table.
    pub(super) fn finish(self, ignored: Vec<String>) -> PoetryTable {
        let mut sources: Vec<(PackageName, Vec<PackageSource>)> = Vec::new();
        let mut groups = Vec::new();
        let development = "dev".parse().ok().map(|name| (name, self.dev_dependencies));
        let raw_groups = self.group.0.into_iter().map(|(name, group)| (name, group.dependencies));
        for (name, dependencies) in development.into_iter().chain(raw_groups) {
            let mut requirements = Vec::new();
            for (package, entries) in dependencies.0 {
                requirements.extend(entries.0.iter().map(|one| one.requirement(&package)));
                one_source(package, &entries.0, Some(&name), &mut sources);
            }
            if !requirements.is_empty() {
                groups.push((name, requirements));
            }
        }
        let project = self.dependencies.map(|dependencies| {
            let mut project = Project {
                name: self.name.as_deref().and_then(|name| name.parse().ok()).unwrap_or_else(nameless),
                version: self.version.as_deref().and_then(|version| parse_version(version).ok()),
                requires_python: None,
                dependencies: Vec::new(),
                optional_dependencies: BTreeMap::new(),
                dynamic: Vec::new(),
            };
            let mut all: BTreeMap<PackageName, Vec<Requirement>> = BTreeMap::new();
            for (package, entries) in dependencies.0 {
                if package.as_str() == "python" {
                    let specifiers = entries.0.first().map(|entry| entry.specifiers.clone());
                    project.requires_python = specifiers.filter(|specifiers| !specifiers.is_empty());
                    continue;
                }
                for entry in &entries.0 {
                    let requirement = entry.requirement(&package);
                    if !entry.optional {
                        project.dependencies.push(requirement.clone());
                    }
                    all.entry(package.clone()).or_default().push(requirement);
                }
                one_source(package, &entries.0, None, &mut sources);
            }
            for (extra, packages) in self.extras.0 {
                let named = packages.iter().filter_map(|package| all.get(package)).flatten().cloned();
                project.optional_dependencies.insert(extra, named.collect());
            }
            project
        });
        let first = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
        let matters = ["dependencies", "dev-dependencies", "group", "extras", "source"];
        let not_followed = ignored.into_iter().filter(|key| matters.contains(&first(key).as_str())).collect();
        let indexes = self.source.into_iter().map(|raw| PoetryIndex {
            name: raw.name.0,
            url: raw.url,
            priority: raw.priority,
        });
        PoetryTable { project, groups, rest: Poetry { indexes: indexes.collect(), sources, not_followed } }
    }
}

impl Dependency {
    fn requirement(&self, name: &PackageName) -> Requirement {
        Requirement {
            name: name.clone(),
            extras: self.extras.clone(),
            source: RequirementSource::Specifiers(self.specifiers.clone()),
            marker: self.marker.clone(),
        }
    }
}

fn one_source(
    package: PackageName,
    entries: &[Dependency],
    group: Option<&GroupName>,
    sources: &mut Vec<(PackageName, Vec<PackageSource>)>,
) {
    let found = entries.iter().filter_map(|entry| {
        let (place, marker) = (entry.place.clone()?, entry.marker.clone());
        Some(PackageSource { place, marker, extra: None, group: group.cloned() })
    });
    let found: Vec<PackageSource> = found.collect();
    if found.is_empty() {
        return;
    }
    match sources.iter_mut().find(|(known, _)| *known == package) {
        Some((_, known)) => known.extend(found),
        None => sources.push((package, found)),
    }
}

#[expect(clippy::expect_used, reason = "the name is a constant, and a test parses it")]
fn nameless() -> PackageName {
    NAMELESS.parse().expect("a valid name")
}
