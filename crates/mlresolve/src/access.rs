//! How the indexes are reached. None of this changes what a lock holds, other than which indexes there are.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use mlresolve_index::{CacheMode, ClientOptions, IndexUrl};

use crate::settings::IndexSettings;

/// The address of PyPI's Simple API.
const DEFAULT_INDEX: &str = concat!("https://", "pypi", ".", "org", "/simple/");

/// How long a page is used without asking again, where its index does not say: as long as PyPI says of its own.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);

/// How the indexes are reached.
///
/// Has no `Debug`: index addresses may hold credentials.
#[derive(Clone)]
pub struct Access {
    /// The index that is asked last.
    pub index_url: String,
    /// Indexes that are asked before it, in order. The first that has a package is the only one for it.
    pub extra_index_urls: Vec<String>,
    /// Indexes that serve only the packages whose source names them: here for their credentials.
    pub named_index_urls: Vec<String>,
    /// Pages and folders of files, as pip's `--find-links`. Not used yet.
    pub find_links: Vec<String>,
    /// Whether no index is asked.
    pub no_index: bool,
    /// A file of certificates (PEM) that are trusted instead of the system's. Not used yet.
    pub certificates: Option<PathBuf>,
    /// A file with the certificate and key (PEM) that is shown to servers. Not used yet.
    pub client_certificate: Option<PathBuf>,
    /// The proxy for every address, instead of those that the environment names; it may hold credentials. Not used yet.
    pub proxy: Option<String>,
    /// Hosts whose certificates are not checked, as `host` or `host:port`. Not used yet.
    pub trusted_hosts: Vec<String>,
    /// Where answers are kept between runs; `None` keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// Whether the network may be used, and whether what is kept is trusted.
    pub mode: NetworkMode,
    /// How long a lock may take in all.
    pub time_limit: Duration,
    /// The most versions that one solve may try.
    pub step_limit: u64,
    /// From when ages such as `7 days` count: the moment at which this was made, so that all of a run means the same.
    pub now: Timestamp,
    /// How often a request is repeated after a failure that may pass.
    pub retries: u32,
}

/// Whether the network may be used, and whether what is kept is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetworkMode {
    /// What is kept is used while it is fresh.
    #[default]
    Normal,
    /// Only what is kept is used.
    Offline,
    /// The index is asked whether what is kept still holds.
    Refresh,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            index_url: default_index_url().to_owned(),
            extra_index_urls: Vec::new(),
            named_index_urls: Vec::new(),
            find_links: Vec::new(),
            no_index: false,
            certificates: None,
            client_certificate: None,
            proxy: None,
            trusted_hosts: Vec::new(),
            cache_dir: None,
            mode: NetworkMode::Normal,
            time_limit: Duration::from_secs(900),
            step_limit: 1_000_000,
            now: Timestamp::now(),
            retries: 3,
        }
    }
}

/// The address of PyPI's Simple API, the index where none is named.
#[must_use]
pub fn default_index_url() -> &'static str {
    DEFAULT_INDEX
}

/// An index as people know it.
pub(crate) fn index_label(index: &IndexUrl) -> String {
    let address = index.public_url().as_str();
    if address == DEFAULT_INDEX { "PyPI".to_owned() } else { address.to_owned() }
}

impl Access {
    /// The same, with the indexes of these settings.
    #[must_use]
    pub fn with_settings(self, settings: &IndexSettings) -> Self {
        let settings = settings.clone();
        Self {
            index_url: settings.index_url.unwrap_or_else(|| default_index_url().to_owned()),
            extra_index_urls: settings.extra_index_urls,
            named_index_urls: settings.named_indexes.into_iter().map(|(_, url)| url).collect(),
            find_links: settings.find_links,
            no_index: settings.no_index,
            certificates: settings.certificates,
            client_certificate: settings.client_certificate,
            proxy: settings.proxy,
            trusted_hosts: settings.trusted_hosts,
            ..self
        }
    }

    /// A line for what is set and has no effect yet.
    pub(crate) fn unused(&self) -> Option<String> {
        let set = [
            ("find-links", !self.find_links.is_empty()),
            ("cert", self.certificates.is_some()),
            ("client-cert", self.client_certificate.is_some()),
            ("proxy", self.proxy.is_some()),
            ("trusted-host", !self.trusted_hosts.is_empty()),
        ];
        let set: Vec<&str> = set.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect();
        (!set.is_empty()).then(|| format!("{}: read, but not used yet", set.join(", ")))
    }

    pub(crate) fn client_options(&self, indexes: Vec<IndexUrl>) -> ClientOptions {
        let mode = match self.mode {
            NetworkMode::Normal => CacheMode::Normal,
            NetworkMode::Offline => CacheMode::Offline,
            NetworkMode::Refresh => CacheMode::Refresh,
        };
        ClientOptions {
            indexes,
            cache_dir: self.cache_dir.clone(),
            mode,
            retries: self.retries,
            default_max_age: DEFAULT_MAX_AGE,
            ..ClientOptions::default()
        }
    }
}
