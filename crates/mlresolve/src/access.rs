//! How the indexes are reached. None of this changes what a lock holds, other than which indexes there are.

mod variables;

use std::path::PathBuf;
use std::time::Duration;

use crate::build::BuildOptions;
use jiff::Timestamp;
use mlresolve_index::{
    CacheMode, ClientOptions, CredentialSources, FindLinks, IndexUrl, IndexUrlError, Keyring, Timeouts,
    TlsOptions,
};

use self::variables::proxies;
use crate::error::Error;
use crate::prepare::read_indexes;

use crate::settings::IndexSettings;

/// The address of PyPI's Simple API.
const DEFAULT_INDEX: &str = concat!("https://", "pypi", ".", "org", "/simple/");

/// The folder under which PyTorch's own indexes lie: `cpu`, `cu128`, `rocm7.1` and so on.
const DEFAULT_TORCH_INDEX: &str = concat!("https://", "download", ".", "pytorch", ".", "org", "/whl/");

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
    /// The folder under which the indexes of PyTorch's builds lie: `cpu`, `cu128`, `rocm7.1` and so on.
    pub torch_index_url: String,
    /// Whether no index is asked.
    pub no_index: bool,
    /// Pages and folders of files that join those of the indexes, each an address or a path.
    pub find_links: Vec<String>,
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
    /// What builds may use of this machine.
    pub build: BuildOptions,
    /// How often a request is repeated after a failure that may pass.
    pub retries: u32,
    /// How long a server may be silent. A page may take ten times as long in all, a download a hundred and twenty times.
    pub http_timeout: Duration,
    /// Files in netrc format; the first that is there is used, for indexes whose address has no password.
    pub netrc: Vec<PathBuf>,
    /// Whether the `keyring` program is asked for passwords that are nowhere else.
    pub keyring: KeyringProvider,
    /// A file of certificates in PEM form, or a folder of such files, to trust instead of the system's.
    pub certificates: Option<PathBuf>,
    /// Folders of such files, to trust as well as that.
    pub certificate_dirs: Vec<PathBuf>,
    /// A file with the client's own certificate and its private key, both in PEM form.
    pub client_certificate: Option<PathBuf>,
    /// Hosts, as `host` or `host:port`, whose certificates are not verified.
    pub trusted_hosts: Vec<String>,
    /// The proxy for every index, as `http://user:password@host:port`.
    pub proxy: Option<String>,
    /// The variables that name proxies, with their values: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in
    /// upper or lower case. The first of a kind counts.
    pub proxy_variables: Vec<(String, String)>,
}

/// Whether the `keyring` program is asked for passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyringProvider {
    /// It is not.
    #[default]
    Disabled,
    /// It is run.
    Subprocess,
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
            torch_index_url: DEFAULT_TORCH_INDEX.to_owned(),
            find_links: Vec::new(),
            named_index_urls: Vec::new(),
            no_index: false,
            cache_dir: None,
            mode: NetworkMode::Normal,
            time_limit: Duration::from_secs(900),
            step_limit: 1_000_000,
            now: Timestamp::now(),
            build: BuildOptions::default(),
            retries: 3,
            http_timeout: Duration::from_secs(30),
            netrc: Vec::new(),
            keyring: KeyringProvider::Disabled,
            certificates: None,
            certificate_dirs: Vec::new(),
            client_certificate: None,
            trusted_hosts: Vec::new(),
            proxy: None,
            proxy_variables: Vec::new(),
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
    if address == DEFAULT_INDEX {
        return "PyPI".to_owned();
    }
    match address.strip_prefix(DEFAULT_TORCH_INDEX) {
        Some(variant) => format!("PyTorch's index {}", variant.trim_end_matches('/')),
        None => address.to_owned(),
    }
}

impl Access {
    /// The same, with the indexes of these settings, and what they say of certificates where nothing was said yet.
    #[must_use]
    pub fn with_settings(self, settings: &IndexSettings) -> Self {
        let settings = settings.clone();
        Self {
            index_url: settings.index_url.unwrap_or_else(|| default_index_url().to_owned()),
            extra_index_urls: settings.extra_index_urls,
            named_index_urls: settings.named_indexes.into_iter().map(|(_, url)| url).collect(),
            find_links: settings.find_links,
            torch_index_url: settings.torch_index_url.unwrap_or_else(|| DEFAULT_TORCH_INDEX.to_owned()),
            no_index: settings.no_index,
            certificates: self.certificates.or(settings.certificates),
            client_certificate: self.client_certificate.or(settings.client_certificate),
            proxy: settings.proxy,
            trusted_hosts: settings.trusted_hosts,
            ..self
        }
    }

    pub(crate) fn client_options(&self) -> Result<ClientOptions, Error> {
        let indexes = read_indexes(self)?;
        let find_links =
            self.find_links.iter().map(|text| read_find_links(text)).collect::<Result<_, _>>()?;
        let mode = match self.mode {
            NetworkMode::Normal => CacheMode::Normal,
            NetworkMode::Offline => CacheMode::Offline,
            NetworkMode::Refresh => CacheMode::Refresh,
        };
        let trusted_hosts = self.trusted_hosts.iter().map(|host| {
            // The text may be an address with a password.
            let shown = if host.contains('@') { "****" } else { host };
            host.parse().map_err(|error| Error::input("allow-insecure-host", format!("{shown:?}: {error}")))
        });
        let keyring = match self.keyring {
            KeyringProvider::Disabled => None,
            KeyringProvider::Subprocess => Some(Keyring::default()),
        };
        Ok(ClientOptions {
            indexes,
            find_links,
            cache_dir: self.cache_dir.clone(),
            mode,
            retries: self.retries,
            default_max_age: DEFAULT_MAX_AGE,
            timeouts: Timeouts::around(self.http_timeout),
            credentials: CredentialSources { netrc: self.netrc.clone(), keyring },
            proxies: proxies(self)?,
            tls: TlsOptions {
                certificates: self.certificates.clone(),
                certificate_dirs: self.certificate_dirs.clone(),
                client_certificate: self.client_certificate.clone(),
                trusted_hosts: trusted_hosts.collect::<Result<_, _>>()?,
            },
            ..ClientOptions::default()
        })
    }
}

/// A page or a folder of files: an address, or a path that counts from the current folder.
fn read_find_links(text: &str) -> Result<FindLinks, Error> {
    let refused = |problem: String| Error::input("find-links", problem);
    if text.contains("://") || text.starts_with("file:") {
        return text.parse().map_err(|error: IndexUrlError| refused(error.to_string()));
    }
    let path = std::path::absolute(text).map_err(|error| refused(error.to_string()))?;
    if !path.exists() {
        return Err(refused(format!("there is no file or folder {}", path.display())));
    }
    FindLinks::at_path(&path).map_err(|error| refused(error.to_string()))
}
