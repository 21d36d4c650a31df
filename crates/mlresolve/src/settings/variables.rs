//! The environment variables of uv and pip.

use mlresolve_packaging::pip_config::switch;
use mlresolve_packaging::pyproject::is_index_name;

use super::credentials::with_credentials;
use super::{Layer, Said};
use crate::error::Error;

/// Gives an environment variable.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What uv's variables say, then what pip's do.
pub(crate) fn variable_layers(variables: Lookup<'_>) -> Result<[Layer; 2], Error> {
    Ok([uv(variables)?, pip(variables)?])
}

fn uv(variables: Lookup<'_>) -> Result<Layer, Error> {
    let mut layer = Layer::default();
    for name in ["UV_DEFAULT_INDEX", "UV_INDEX_URL"] {
        if layer.index_url.is_none()
            && let Some(said) = text(variables, name)
        {
            let (name, url) = named(&said.value, variables);
            layer.named.extend(name.map(|name| (name, url.clone())));
            layer.index_url = Some(Said::new(url, said.origin));
        }
    }
    let mut extra = Vec::new();
    let mut origins = Vec::new();
    for name in ["UV_INDEX", "UV_EXTRA_INDEX_URL"] {
        let Some(said) = words(variables, name) else { continue };
        for word in said.value {
            let (name, url) = named(&word, variables);
            layer.named.extend(name.map(|name| (name, url.clone())));
            extra.push(url);
        }
        origins.push(name);
    }
    layer.extra_index_urls = Said::list(extra, origins.join(" and "));
    layer.find_links = text(variables, "UV_FIND_LINKS").and_then(|said| {
        let places = said.value.split(',').map(str::trim).filter(|place| !place.is_empty());
        Said::list(places.map(str::to_owned).collect(), said.origin)
    });
    layer.no_index = flag(variables, "UV_NO_INDEX")?;
    layer.trusted_hosts = words(variables, "UV_INSECURE_HOST");
    layer.exclude_newer = text(variables, "UV_EXCLUDE_NEWER");
    Ok(layer)
}

fn pip(variables: Lookup<'_>) -> Result<Layer, Error> {
    Ok(Layer {
        index_url: text(variables, "PIP_INDEX_URL"),
        extra_index_urls: words(variables, "PIP_EXTRA_INDEX_URL"),
        find_links: words(variables, "PIP_FIND_LINKS"),
        no_index: flag(variables, "PIP_NO_INDEX")?,
        certificates: text(variables, "PIP_CERT"),
        client_certificate: text(variables, "PIP_CLIENT_CERT"),
        proxy: text(variables, "PIP_PROXY"),
        trusted_hosts: words(variables, "PIP_TRUSTED_HOST"),
        constraints: words(variables, "PIP_CONSTRAINT"),
        ..Layer::default()
    })
}

/// uv's `NAME=URL`, or a URL alone; with the credentials that the environment gives for the name.
fn named(text: &str, variables: Lookup<'_>) -> (Option<String>, String) {
    match text.split_once('=').filter(|(name, _)| is_index_name(name)) {
        Some((name, url)) => (Some(name.to_owned()), with_credentials(name, url, variables)),
        None => (None, text.to_owned()),
    }
}

/// A variable that is set and not empty.
fn text(variables: Lookup<'_>, name: &str) -> Option<Said<String>> {
    let value = variables(name)?.trim().to_owned();
    (!value.is_empty()).then(|| Said::new(value, name))
}

fn words(variables: Lookup<'_>, name: &str) -> Option<Said<Vec<String>>> {
    let said = text(variables, name)?;
    Said::list(said.value.split_whitespace().map(str::to_owned).collect(), said.origin)
}

fn flag(variables: Lookup<'_>, name: &str) -> Result<Option<Said<bool>>, Error> {
    text(variables, name).map(|said| read_flag(&said.value, name)).transpose()
}

/// A switch of another tool's.
pub(super) fn read_flag(text: &str, origin: &str) -> Result<Said<bool>, Error> {
    match switch(text) {
        Some(value) => Ok(Said::new(value, origin)),
        None => Err(Error::input(origin, format!("{text:?} is neither yes nor no"))),
    }
}
