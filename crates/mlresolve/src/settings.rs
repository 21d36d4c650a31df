//! Where packages come from: what the user, the project and other tools' settings say, brought together.
//!
//! What is our own counts first: options and their variables, then the project's files. Then, key by key, the first of
//! these that says something: `[tool.uv]` and `[tool.poetry]`, uv's variables, pip's variables, `uv.toml`, pip's
//! configuration files. What comes from another tool is said in a note.

mod credentials;
mod files;
mod tables;
#[cfg(test)]
mod tests;
mod variables;

use std::path::{Path, PathBuf};

use mlresolve_index::IndexUrl;

use crate::error::Error;

pub(crate) use files::read_configuration;
pub(crate) use tables::{PYPI, own_layer, project_layers};
pub(crate) use variables::variable_layers;

/// Where packages come from and how their indexes are reached, all settings taken together. Its fields mean the same
/// as those of [`Access`](crate::Access).
///
/// Has no `Debug`: addresses may hold credentials.
#[derive(Clone, Default)]
pub struct IndexSettings {
    /// The index that is asked last, if any is named.
    pub index_url: Option<String>,
    /// Indexes that are asked before it, in order.
    pub extra_index_urls: Vec<String>,
    /// The indexes that sources can mean, by name.
    pub named_indexes: Vec<(String, String)>,
    /// Pages and folders of files.
    pub find_links: Vec<String>,
    /// The folder under which the indexes of PyTorch's builds lie, if one is named.
    pub torch_index_url: Option<String>,
    /// Whether no index is asked.
    pub no_index: bool,
    /// A file of certificates that are trusted instead of the system's.
    pub certificates: Option<PathBuf>,
    /// A file with the certificate and key that the client shows.
    pub client_certificate: Option<PathBuf>,
    /// The proxy that is used for every address.
    pub proxy: Option<String>,
    /// Hosts whose certificates are not checked, as `host` or `host:port`.
    pub trusted_hosts: Vec<String>,
}

/// A value, and where it was said.
#[derive(Clone)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) origin: String,
}

/// What one place says. `None` where it says nothing.
#[derive(Clone, Default)]
pub(crate) struct Layer {
    pub(crate) index_url: Option<Said<String>>,
    pub(crate) extra_index_urls: Option<Said<Vec<String>>>,
    pub(crate) named: Vec<(String, String)>,
    pub(crate) find_links: Option<Said<Vec<String>>>,
    pub(crate) torch_index_url: Option<Said<String>>,
    pub(crate) no_index: Option<Said<bool>>,
    pub(crate) certificates: Option<Said<String>>,
    pub(crate) client_certificate: Option<Said<String>>,
    pub(crate) proxy: Option<Said<String>>,
    pub(crate) trusted_hosts: Option<Said<Vec<String>>>,
    pub(crate) constraints: Option<Said<Vec<String>>>,
    pub(crate) exclude_newer: Option<Said<String>>,
    pub(crate) prerelease: Option<Said<String>>,
    pub(crate) resolution: Option<Said<String>>,
}

/// One of the things that a place can say.
type Field<T> = fn(&Layer) -> Option<&Said<T>>;

/// All settings taken together.
pub(crate) struct Merged {
    pub(crate) indexes: IndexSettings,
    /// Files of constraints that another tool is told of.
    pub(crate) constraints: Option<Said<Vec<String>>>,
    pub(crate) exclude_newer: Option<String>,
    pub(crate) prerelease: Option<String>,
    pub(crate) resolution: Option<String>,
    /// What came from another tool's settings, without secrets.
    pub(crate) notes: Vec<String>,
}

impl<T> Said<T> {
    pub(crate) fn new(value: T, origin: impl Into<String>) -> Self {
        Self { value, origin: origin.into() }
    }
}

impl<T> Said<Vec<T>> {
    /// A list that says something; an empty one says nothing.
    pub(crate) fn list(value: Vec<T>, origin: impl Into<String>) -> Option<Self> {
        (!value.is_empty()).then(|| Self::new(value, origin))
    }
}

/// Brings together what our own settings say and, where they say nothing, what others do, the first of them first.
pub(crate) fn merge(own: Layer, others: &[Layer]) -> Result<Merged, Error> {
    let mut notes = Vec::new();
    for layer in others {
        let urls = layer.index_url.iter().map(|said| (&said.value, &said.origin));
        let extra = layer.extra_index_urls.iter();
        let extra = extra.flat_map(|said| said.value.iter().map(|url| (url, &said.origin)));
        for (url, origin) in urls.chain(extra) {
            url.parse::<IndexUrl>().map_err(|error| Error::input(origin, error))?;
        }
    }
    let mut say = |key: &str, shown: Option<String>, origin: &str| {
        let shown = shown.map(|shown| format!(" {shown}")).unwrap_or_default();
        notes.push(format!("{key}{shown} is from {origin}"));
    };
    let first = |field: Field<String>| others.iter().find_map(field).cloned();
    let first_list = |field: Field<Vec<String>>| others.iter().find_map(field).cloned();
    // Each key: our own, or the first other with a note.
    let mut text = |own: Option<Said<String>>, field: Field<String>, key: &str, open: bool| {
        own.map(|said| said.value).or_else(|| {
            let said = first(field)?;
            say(key, open.then(|| masked(&said.value)), &said.origin);
            Some(said.value)
        })
    };
    let index_url = text(own.index_url, |layer| layer.index_url.as_ref(), "index-url", true);
    let exclude_newer = text(own.exclude_newer, |layer| layer.exclude_newer.as_ref(), "exclude-newer", true);
    let prerelease = text(own.prerelease, |layer| layer.prerelease.as_ref(), "prerelease", true);
    let resolution = text(own.resolution, |layer| layer.resolution.as_ref(), "resolution", true);
    let certificates = text(own.certificates, |layer| layer.certificates.as_ref(), "cert", true);
    let client_certificate =
        text(own.client_certificate, |layer| layer.client_certificate.as_ref(), "client-cert", true);
    let proxy = text(own.proxy, |layer| layer.proxy.as_ref(), "proxy", false);
    let mut list = |own: Option<Said<Vec<String>>>, field: Field<Vec<String>>, key: &str| {
        own.map(|said| said.value).or_else(|| {
            let said = first_list(field)?;
            let shown: Vec<String> = said.value.iter().map(|value| masked(value)).collect();
            say(key, Some(shown.join(" ")), &said.origin);
            Some(said.value)
        })
    };
    let extra_index_urls =
        list(own.extra_index_urls, |layer| layer.extra_index_urls.as_ref(), "extra-index-url");
    let find_links = list(own.find_links, |layer| layer.find_links.as_ref(), "find-links");
    let trusted_hosts = list(own.trusted_hosts, |layer| layer.trusted_hosts.as_ref(), "trusted-host");
    let no_index = own.no_index.map(|said| said.value).unwrap_or_else(|| {
        let said = others.iter().find_map(|layer| layer.no_index.as_ref());
        said.is_some_and(|said| {
            if said.value {
                say("no-index", None, &said.origin);
            }
            said.value
        })
    });
    let constraints = own.constraints.or_else(|| {
        let said = first_list(|layer| layer.constraints.as_ref())?;
        say("constraint", Some(said.value.join(" ")), &said.origin);
        Some(said)
    });
    let mut named_indexes: Vec<(String, String)> = own.named;
    named_indexes.extend(others.iter().flat_map(|layer| layer.named.iter().cloned()));
    let indexes = IndexSettings {
        index_url,
        extra_index_urls: extra_index_urls.unwrap_or_default(),
        named_indexes,
        find_links: find_links.unwrap_or_default(),
        // No other tool has such a setting.
        torch_index_url: own.torch_index_url.map(|said| said.value),
        no_index,
        certificates: certificates.map(PathBuf::from),
        client_certificate: client_certificate.map(PathBuf::from),
        proxy,
        trusted_hosts: trusted_hosts.unwrap_or_default(),
    };
    Ok(Merged { indexes, constraints, exclude_newer, prerelease, resolution, notes })
}

/// A setting as it may be shown: an address without what stands before its host or in its query.
fn masked(text: &str) -> String {
    match text.split_once("://") {
        None => crate::text::printable(text),
        Some(_) => match url::Url::parse(text) {
            Err(_) => "****".to_owned(),
            Ok(mut url) => {
                let secret = !url.username().is_empty() || url.password().is_some();
                // Both fail only for an address without a host, which can have neither.
                let _ = url.set_password(None);
                let _ = url.set_username("");
                if url.query().is_some() {
                    url.set_query(Some("****"));
                }
                let shown = url.to_string();
                if secret { shown.replacen("://", "://****@", 1) } else { shown }
            }
        },
    }
}

/// A local path that stands in a file, as it is from here; addresses stay as they are.
pub(crate) fn beside(dir: &Path, place: &str) -> String {
    if place.contains("://") || dir == Path::new(".") || dir == Path::new("") {
        return place.to_owned();
    }
    dir.join(place).to_string_lossy().into_owned()
}
