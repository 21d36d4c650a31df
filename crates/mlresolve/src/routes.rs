//! Which indexes are asked for a package that has a source of its own.

use std::collections::BTreeMap;

use mlresolve_index::IndexUrl;
use mlresolve_packaging::{Marker, MarkerEnvironment, PackageName};

use crate::access::Access;
use crate::direct::Directs;
use crate::error::Error;
use crate::request::{SourcePlace, SourceRequest};

/// The indexes that are asked for a package, instead of all of them in order.
pub(crate) type Routes = BTreeMap<PackageName, Vec<IndexUrl>>;

/// The sources that hold for the target.
pub(crate) fn read_routes(
    sources: &[SourceRequest],
    access: &Access,
    environment: &MarkerEnvironment,
    directs: &Directs,
) -> Result<Routes, Error> {
    let mut chosen: BTreeMap<PackageName, &SourcePlace> = BTreeMap::new();
    for source in sources {
        let place = format!("the source of {}", source.name);
        let name: PackageName = source.name.parse().map_err(|error| Error::input(&place, error))?;
        let marker = source.marker.as_deref().map(str::parse::<Marker>).transpose();
        let marker = marker.map_err(|error| Error::input(&place, error))?;
        if marker.is_some_and(|marker| !marker.evaluate(environment, &[])) {
            continue;
        }
        if chosen.insert(name, &source.place).is_some_and(|other| *other != source.place) {
            let problem = "two of its places are for this target; give each a marker, so that one is left";
            return Err(Error::input(place, problem));
        }
    }
    let mut routes = Routes::new();
    for (name, source) in chosen {
        let place = format!("the source of {name}");
        let indexes = match source {
            SourcePlace::Index { .. } if access.no_index => Vec::new(),
            SourcePlace::Index { url } => {
                let index: IndexUrl = url.parse().map_err(|error| Error::input(&place, error))?;
                vec![with_credentials(index, access)]
            }
            _ if directs.get(&name).is_some() => continue,
            // An index may have another package under this name, so none is asked where something else requires it.
            _ => Vec::new(),
        };
        routes.insert(name, indexes);
    }
    Ok(routes)
}

/// The index as it is reached: with the credentials that it has elsewhere, since a request holds none.
fn with_credentials(index: IndexUrl, access: &Access) -> IndexUrl {
    let named = access.named_index_urls.iter().chain(&access.extra_index_urls);
    let known =
        named.chain(std::iter::once(&access.index_url)).filter_map(|url| url.parse::<IndexUrl>().ok());
    let mut same = known.filter(|known| known.public_url() == index.public_url());
    same.next().unwrap_or(index)
}
