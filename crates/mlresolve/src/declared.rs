//! What the user says of packages' metadata, in place of what they say themselves.

use std::collections::BTreeMap;
use std::str::FromStr;

use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::pyproject::DeclaredMetadata;
use mlresolve_packaging::{PackageName, Version, parse_version};

use crate::error::Error;
use crate::request::{LockRequest, MetadataRequest};

/// What the user says of packages' metadata, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared(BTreeMap<PackageName, Vec<DeclaredMetadata>>);

impl Declared {
    /// Reads what a request says.
    pub(crate) fn read(request: &LockRequest) -> Result<Self, Error> {
        let mut by_name: BTreeMap<PackageName, Vec<DeclaredMetadata>> = BTreeMap::new();
        for requested in &request.metadata {
            let declared = read_one(requested)?;
            let list = by_name.entry(declared.name.clone()).or_default();
            if list.iter().any(|other| other.version == declared.version) {
                let problem = "its metadata is declared twice for the same version";
                return Err(Error::input(format!("the metadata of {}", declared.name), problem));
            }
            list.push(declared);
        }
        Ok(Self(by_name))
    }

    /// What is declared of a version: for it alone, or else for every version.
    pub(crate) fn of(&self, name: &PackageName, version: &Version) -> Option<CoreMetadata> {
        let list = self.0.get(name)?;
        let own = list.iter().find(|one| one.version.as_ref() == Some(version));
        let every = || list.iter().find(|one| one.version.is_none());
        own.or_else(every).map(|declared| declared.of_version(version.clone()))
    }

    /// What is declared of a package whose version is not known, and the version if the declaration names one.
    pub(crate) fn of_any(&self, name: &PackageName) -> Option<(&DeclaredMetadata, Option<&Version>)> {
        let declared = self.0.get(name)?.first()?;
        Some((declared, declared.version.as_ref()))
    }
}

fn read_one(requested: &MetadataRequest) -> Result<DeclaredMetadata, Error> {
    let place = format!("the metadata of {}", requested.name);
    fn list<T: FromStr<Err: std::fmt::Display>>(texts: &[String], place: &str) -> Result<Vec<T>, Error> {
        texts.iter().map(|text| text.parse().map_err(|error| Error::input(place, error))).collect()
    }
    let version = requested.version.as_deref().map(parse_version).transpose();
    let requires_python = requested.requires_python.as_deref().map(str::parse).transpose();
    Ok(DeclaredMetadata {
        name: requested.name.parse().map_err(|error| Error::input(&place, error))?,
        version: version.map_err(|error| Error::input(&place, error))?,
        requires_dist: list(&requested.requires_dist, &place)?,
        requires_python: requires_python.map_err(|error| Error::input(&place, error))?,
        provides_extra: list(&requested.provides_extra, &place)?,
    })
}

/// A declaration as a request holds it.
pub(crate) fn requested(declared: &DeclaredMetadata) -> MetadataRequest {
    MetadataRequest {
        name: declared.name.to_string(),
        version: declared.version.as_ref().map(ToString::to_string),
        requires_dist: declared.requires_dist.iter().map(ToString::to_string).collect(),
        requires_python: declared.requires_python.as_ref().map(ToString::to_string),
        provides_extra: declared.provides_extra.iter().map(ToString::to_string).collect(),
    }
}
