//! The places that settings give single packages, as far as they are no indexes.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve_packaging::{Marker, MarkerEnvironment, PackageName, Requirement};
use url::Url;

use super::address::Address;
use super::{Asked, Role};
use crate::error::Error;
use crate::request::{SourcePlace, SourceRequest};

/// The places that hold for the target, by package.
pub(super) struct Sources(BTreeMap<PackageName, Address>);

impl Sources {
    /// Reads them. What leads to an index is left to those who ask indexes.
    pub(super) fn read(requests: &[SourceRequest], environment: &MarkerEnvironment) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for request in requests {
            let origin = format!("the source of {}", request.name);
            let refused = |problem: String| Error::input(&origin, problem);
            let name: PackageName = request.name.parse().map_err(|error| Error::input(&origin, error))?;
            let marker = request.marker.as_deref().map(str::parse::<Marker>).transpose();
            let marker = marker.map_err(|error| Error::input(&origin, error))?;
            if marker.is_some_and(|marker| !marker.evaluate(environment, &[])) {
                continue;
            }
            if let Some((text, editable)) = written(&request.place).map_err(refused)? {
                found.insert(name, Address::read(&text, editable).map_err(refused)?);
            }
        }
        Ok(Self(found))
    }

    /// Where the package of a requirement comes from, the first time that it is asked for with these extras.
    pub(super) fn of(&self, requirement: &Requirement, asked: &mut BTreeSet<PackageName>) -> Option<Asked> {
        let address = self.0.get(&requirement.name)?.clone();
        if !asked.insert(requirement.name.clone()) && requirement.extras.is_empty() {
            return None;
        }
        Some(Asked {
            name: Some(requirement.name.clone()),
            extras: requirement.extras.clone(),
            marker: None,
            address,
            origin: format!("the source of {}", requirement.name),
            role: Role::Other,
        })
    }
}

/// A place as an address is written, and whether it is editable; `None` for an index.
fn written(place: &SourcePlace) -> Result<Option<(String, bool)>, String> {
    let within = |address: String, subdirectory: &Option<String>| match subdirectory {
        Some(folder) if address.contains('#') => format!("{address}&subdirectory={folder}"),
        Some(folder) => format!("{address}#subdirectory={folder}"),
        None => address,
    };
    Ok(match place {
        SourcePlace::Index { .. } => None,
        SourcePlace::Url { url, subdirectory } => Some((within(url.clone(), subdirectory), false)),
        SourcePlace::Path { path, editable, subdirectory } => {
            let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
            let url = Url::from_file_path(&absolute).map_err(|()| "it is no path".to_owned())?;
            Some((within(url.into(), subdirectory), *editable))
        }
        SourcePlace::Git { url, revision, subdirectory } => {
            let scheme = if url.starts_with("git+") { "" } else { "git+" };
            let revision = revision.as_ref().map(|revision| format!("@{revision}")).unwrap_or_default();
            Some((within(format!("{scheme}{url}{revision}"), subdirectory), false))
        }
    })
}
