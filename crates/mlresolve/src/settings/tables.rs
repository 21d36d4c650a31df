//! What a project's files and `uv.toml` say of indexes.

use std::path::Path;

use mlresolve_packaging::pyproject::{
    Config, IndexEntry, Poetry, PoetryIndex, PoetryPriority, PyProject, UvSettings,
};

use super::credentials::with_credentials;
use super::variables::Lookup;
use super::{Layer, Said, beside};
use crate::access::default_index_url;
use crate::error::Error;

/// The name by which sources mean PyPI.
pub(crate) const PYPI: &str = "pypi";

/// What the project's own settings say.
pub(crate) fn own_layer(
    config: &Config,
    place: &str,
    dir: &Path,
    variables: Lookup<'_>,
) -> Result<Layer, Error> {
    let mut layer = Layer {
        index_url: config.index_url.clone().map(|url| Said::new(url, place)),
        no_index: config.no_index.map(|value| Said::new(value, place)),
        torch_index_url: config.torch_index_url.clone().map(|url| Said::new(url, place)),
        ..Layer::default()
    };
    let find_links = config.find_links.iter().map(|link| beside(dir, link)).collect();
    let entries = Entries::read(&config.indexes, place, dir, variables)?;
    // Our own list of addresses comes before the indexes with names.
    entries.apply(&mut layer, place, Place::Before(config.extra_index_urls.clone()), find_links)?;
    Ok(layer)
}

/// What other tools' tables in `pyproject.toml` say.
pub(crate) fn project_layers(
    pyproject: Option<&PyProject>,
    dir: &Path,
    variables: Lookup<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Layer>, Error> {
    let mut layers = Vec::new();
    if let Some(uv) = pyproject.and_then(|file| file.uv.as_ref()) {
        layers.push(uv_layer(uv, "pyproject.toml, tool.uv", dir, variables, warnings)?);
    }
    if let Some(poetry) = pyproject.and_then(|file| file.poetry.as_ref()) {
        layers.push(poetry_layer(poetry, variables)?);
    }
    Ok(layers)
}

/// What `[tool.uv]` or a `uv.toml` says of indexes and of the choice of versions.
pub(super) fn uv_layer(
    uv: &UvSettings,
    place: &str,
    dir: &Path,
    variables: Lookup<'_>,
    warnings: &mut Vec<String>,
) -> Result<Layer, Error> {
    // uv takes pre-releases where it must and where one is named, which is what `if-necessary` means here.
    let prerelease = match uv.prerelease.as_deref() {
        Some("if-necessary-or-explicit") => Some("if-necessary".to_owned()),
        Some("explicit") => {
            warnings.push(format!("{place}: prerelease = \"explicit\" is not followed"));
            None
        }
        other => other.map(str::to_owned),
    };
    let mut layer = Layer {
        index_url: uv.index_url.clone().map(|url| Said::new(url, place)),
        no_index: uv.no_index.map(|value| Said::new(value, place)),
        trusted_hosts: Said::list(uv.trusted_hosts.clone(), place),
        exclude_newer: uv.exclude_newer.clone().map(|text| Said::new(text, place)),
        prerelease: prerelease.map(|text| Said::new(text, place)),
        resolution: uv.resolution.clone().map(|text| Said::new(text, place)),
        ..Layer::default()
    };
    let find_links = uv.find_links.iter().map(|link| beside(dir, link)).collect();
    let entries = Entries::read(&uv.indexes, place, dir, variables)?;
    entries.apply(&mut layer, place, Place::Behind(uv.extra_index_urls.clone()), find_links)?;
    Ok(layer)
}

/// Poetry's sources: the primary ones in order, or PyPI where there is none, then the supplemental ones.
fn poetry_layer(poetry: &Poetry, variables: Lookup<'_>) -> Result<Layer, Error> {
    let place = "pyproject.toml, tool.poetry";
    let mut layer = Layer::default();
    let address = |index: &PoetryIndex| match &index.url {
        Some(url) => Ok(with_credentials(&index.name, url, variables)),
        None if index.name.eq_ignore_ascii_case(PYPI) => Ok(default_index_url().to_owned()),
        None => Err(Error::input(format!("{place}.source"), format!("{} has no `url`", index.name))),
    };
    let (mut primary, mut supplemental) = (Vec::new(), Vec::new());
    for index in &poetry.indexes {
        let url = address(index)?;
        layer.named.push((index.name.clone(), url.clone()));
        match index.priority {
            PoetryPriority::Primary => primary.push(url),
            PoetryPriority::Supplemental => supplemental.push(url),
            PoetryPriority::Explicit => {}
        }
    }
    if primary.is_empty() && !supplemental.is_empty() {
        primary.push(default_index_url().to_owned());
    }
    let mut order = [primary, supplemental].concat();
    layer.index_url = order.pop().map(|url| Said::new(url, place));
    layer.extra_index_urls = Said::list(order, place);
    Ok(layer)
}

/// A list of addresses that stands before or behind the indexes of the tables.
enum Place {
    Before(Vec<String>),
    Behind(Vec<String>),
}

/// The tables `[[index]]` of one file, sorted by what they are for.
#[derive(Default)]
struct Entries {
    default: Option<String>,
    in_order: Vec<String>,
    named: Vec<(String, String)>,
    flat: Vec<String>,
}

impl Entries {
    fn read(entries: &[IndexEntry], place: &str, dir: &Path, variables: Lookup<'_>) -> Result<Self, Error> {
        let mut sorted = Self::default();
        for entry in entries {
            if entry.flat {
                sorted.flat.push(beside(dir, &entry.url));
                continue;
            }
            let url = match &entry.name {
                Some(name) => with_credentials(name, &entry.url, variables),
                None => entry.url.clone(),
            };
            if let Some(name) = &entry.name {
                if sorted.named.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                    let problem = format!("two indexes have the name {name}");
                    return Err(Error::input(format!("{place}.index"), problem));
                }
                sorted.named.push((name.clone(), url.clone()));
            }
            match (entry.default, entry.explicit) {
                (true, _) if sorted.default.is_some() => {
                    let problem = "two indexes are the `default`; leave one";
                    return Err(Error::input(format!("{place}.index"), problem));
                }
                (true, _) => sorted.default = Some(url),
                (false, true) => {}
                (false, false) => sorted.in_order.push(url),
            }
        }
        Ok(sorted)
    }

    fn apply(
        self,
        layer: &mut Layer,
        place: &str,
        list: Place,
        mut find_links: Vec<String>,
    ) -> Result<(), Error> {
        if layer.index_url.is_some() && self.default.is_some() {
            let problem =
                "both `index-url` and an index with `default = true` say which is asked last; leave one";
            return Err(Error::input(format!("{place}.index-url"), problem));
        }
        if let Some(url) = self.default {
            layer.index_url = Some(Said::new(url, place));
        }
        let extra = match list {
            Place::Before(list) => [list, self.in_order].concat(),
            Place::Behind(list) => [self.in_order, list].concat(),
        };
        layer.extra_index_urls = Said::list(extra, place);
        layer.named = self.named;
        find_links.extend(self.flat);
        layer.find_links = Said::list(find_links, place);
        Ok(())
    }
}
