//! What a client is told at its start: where to ask, how patiently, and how much to accept.

use std::path::PathBuf;
use std::time::Duration;

use crate::{CredentialSources, FindLinks, IndexUrl, Proxies, SdistLimits, TlsOptions};

/// Everything an [`IndexClient`](crate::IndexClient) needs to know. Start from `ClientOptions::default()`.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The indexes in the order in which they are asked; the first that has a project is the only one
    /// that the project comes from.
    pub indexes: Vec<IndexUrl>,
    /// Pages and folders whose files join those of the indexes.
    pub find_links: Vec<FindLinks>,
    /// The folder of the cache; `None` keeps nothing between runs.
    pub cache_dir: Option<PathBuf>,
    /// How the cache is trusted.
    pub mode: CacheMode,
    /// How long a page is used without asking again when the index promises nothing, as some mirrors do
    /// that drop `Cache-Control`. Zero asks every time.
    pub default_max_age: Duration,
    /// The most requests under way at once.
    pub concurrency: usize,
    /// How long one request may take.
    pub timeouts: Timeouts,
    /// How often a failed request is tried again.
    pub retries: u32,
    /// The wait before the first retry; it doubles each time. A `Retry-After` of the server replaces it.
    pub retry_delay: Duration,
    /// How much one answer may hold.
    pub limits: Limits,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Where a password comes from when an index's address holds none.
    pub credentials: CredentialSources,
    /// The proxies on the way to an index.
    pub proxies: Proxies,
    /// Whom we trust to be an index, and as whom we show ourselves.
    pub tls: TlsOptions,
}

/// How far the cache is trusted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CacheMode {
    /// A page is used without asking for as long as the index said that it stays fresh.
    #[default]
    Normal,
    /// Nothing is asked; what is cached is used whatever its age.
    Offline,
    /// Every page is asked for again; what has not changed is still not sent twice.
    Refresh,
}

/// How long one request may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// For the whole of a page or of metadata, so that a server cannot trickle for ever.
    pub total: Duration,
    /// For the whole of a downloaded file.
    pub download: Duration,
}

/// How many bytes one answer may hold, after decompression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// A project's page.
    pub page: u64,
    /// A METADATA file.
    pub metadata: u64,
    /// All pieces of a wheel that is read by ranges: its central directory, mostly.
    pub wheel_directory: u64,
    /// A wheel that is downloaded for the list of its files alone, where a server knows no range requests.
    pub whole_wheel: u64,
    /// A downloaded file.
    pub download: u64,
    /// A source distribution that is read for its metadata.
    pub sdist: SdistLimits,
}

const MIB: u64 = 1024 * 1024;

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            indexes: Vec::new(),
            find_links: Vec::new(),
            cache_dir: None,
            mode: CacheMode::Normal,
            default_max_age: Duration::ZERO,
            concurrency: 50,
            timeouts: Timeouts::default(),
            retries: 3,
            retry_delay: Duration::from_millis(250),
            limits: Limits::default(),
            user_agent: concat!("mlresolve/", env!("CARGO_PKG_VERSION")).to_owned(),
            credentials: CredentialSources::default(),
            proxies: Proxies::default(),
            tls: TlsOptions::default(),
        }
    }
}

impl Timeouts {
    /// The usual proportions around one number, the longest silence of a server.
    #[must_use]
    pub fn around(read: Duration) -> Self {
        Self { connect: read / 3, read, total: read.saturating_mul(10), download: read.saturating_mul(120) }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::around(Duration::from_secs(30))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page: 64 * MIB,
            metadata: 16 * MIB,
            wheel_directory: 64 * MIB,
            whole_wheel: MIB,
            download: 8192 * MIB,
            sdist: SdistLimits::default(),
        }
    }
}
