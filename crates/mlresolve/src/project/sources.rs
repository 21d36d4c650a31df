//! The sources that a project's files give packages, as a request holds them.

use std::path::Path;

use mlresolve_index::IndexUrl;
use mlresolve_packaging::pyproject::{Config, PackageSource, PyProject, SourcePlace as Written};
use mlresolve_packaging::{ExtraName, GroupName, PackageName};

use crate::access::default_index_url;
use crate::error::Error;
use crate::request::{RequestedRequirement, SourcePlace, SourceRequest};
use crate::settings::{PYPI, beside};

/// The sources of a project: what of `[tool.mlresolve]`, else of `[tool.uv]`, else of `[tool.poetry]` names a package.
#[derive(Default)]
pub(super) struct Sources {
    /// With the table that they stand in.
    packages: Vec<(&'static str, PackageName, Vec<PackageSource>)>,
    /// The indexes that they can mean, by name.
    indexes: Vec<(String, String)>,
}

impl Sources {
    pub(super) fn new(
        config: &Config,
        pyproject: Option<&PyProject>,
        indexes: Vec<(String, String)>,
    ) -> Self {
        let none: &[(PackageName, Vec<PackageSource>)] = &[];
        let tables = [
            ("tool.mlresolve.sources", &config.sources[..]),
            ("tool.uv.sources", pyproject.and_then(|file| file.uv.as_ref()).map_or(none, |uv| &uv.sources)),
            ("tool.poetry", pyproject.and_then(|file| file.poetry.as_ref()).map_or(none, |all| &all.sources)),
        ];
        let mut packages: Vec<(&'static str, PackageName, Vec<PackageSource>)> = Vec::new();
        for (table, sources) in tables {
            for (name, places) in sources {
                if !packages.iter().any(|(other, known, _)| known == name && *other != table) {
                    packages.push((table, name.clone(), places.clone()));
                }
            }
        }
        Self { packages, indexes }
    }

    /// Those that count for these extras and groups. `requirements` are what the request names itself.
    pub(super) fn requests(
        &self,
        dir: &Path,
        extras: &[ExtraName],
        groups: &[GroupName],
        requirements: &[RequestedRequirement],
    ) -> Result<Vec<SourceRequest>, Error> {
        let mut requests = Vec::new();
        for (table, name, places) in &self.packages {
            let place = format!("{table}.{name}");
            let counts = |source: &&PackageSource| {
                source.extra.as_ref().is_none_or(|extra| extras.contains(extra))
                    && source.group.as_ref().is_none_or(|group| groups.contains(group))
            };
            for source in places.iter().filter(counts) {
                let found = match &source.place {
                    Written::Index(index) => SourcePlace::Index { url: self.index(index, &place)? },
                    Written::Url { url, subdirectory } => {
                        SourcePlace::Url { url: url.clone(), subdirectory: subdirectory.clone() }
                    }
                    Written::Path { path, editable, subdirectory } => SourcePlace::Path {
                        path: beside(dir, path).into(),
                        editable: *editable,
                        subdirectory: subdirectory.clone(),
                    },
                    Written::Git { url, revision, subdirectory } => SourcePlace::Git {
                        url: url.clone(),
                        revision: revision.clone(),
                        subdirectory: subdirectory.clone(),
                    },
                    Written::Workspace if names(requirements, name) => {
                        let problem = format!(
                            "workspaces are not supported, and an index may have another package named {name}; name \
                             its folder with `path`, or list what it requires"
                        );
                        return Err(Error::input(place, problem));
                    }
                    // Nothing in this request asks for it.
                    Written::Workspace => continue,
                };
                let marker = source.marker.as_ref().map(ToString::to_string);
                requests.push(SourceRequest { name: name.to_string(), marker, place: found });
            }
        }
        Ok(requests)
    }

    /// The public address of an index with this name.
    fn index(&self, name: &str, place: &str) -> Result<String, Error> {
        let found = self.indexes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let url = match found {
            Some((_, url)) => url,
            None if name.eq_ignore_ascii_case(PYPI) => default_index_url(),
            None => {
                let names: Vec<&str> = self.indexes.iter().map(|(name, _)| name.as_str()).collect();
                let there = match names.is_empty() {
                    true => "no index has a name".to_owned(),
                    false => format!("there is {}", names.join(", ")),
                };
                let problem = format!("there is no index named {name:?}; {there}");
                return Err(Error::input(place, problem));
            }
        };
        let index: IndexUrl =
            url.parse().map_err(|error| Error::input(format!("the index {name}"), error))?;
        Ok(index.public_url().to_string())
    }
}

/// Whether one of the requirements is on this package.
fn names(requirements: &[RequestedRequirement], name: &PackageName) -> bool {
    let of = |one: &RequestedRequirement| {
        let end = one.text.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
        one.text[..end.unwrap_or(one.text.len())].parse::<PackageName>().ok()
    };
    requirements.iter().any(|one| of(one).as_ref() == Some(name))
}
