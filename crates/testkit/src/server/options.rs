//! How an index behaves when it behaves.

use std::time::Duration;

use crate::encoding::{base64, sha256_hex};

/// How the index answers; the default is a modern index with everything on and nobody to authenticate.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Whether pages are to be had in JSON (PEP 691); HTML always is.
    pub json: bool,
    /// How metadata beside wheels is offered (PEP 658).
    pub sidecars: Sidecars,
    /// How range requests for files are answered.
    pub ranges: Ranges,
    /// Whether JSON pages give upload times (PEP 700).
    pub upload_times: bool,
    /// Whether JSON pages give sizes (PEP 700).
    pub sizes: bool,
    /// Who may ask; everybody else gets 401.
    pub credentials: Option<Credentials>,
    /// `Cache-Control` of pages.
    pub cache_control: Option<String>,
    /// `Cache-Control` of files and of the metadata beside them.
    pub file_cache_control: Option<String>,
    /// Whether answers have an `ETag`, and 304 is given for a known one.
    pub etags: bool,
    /// What file names are appended to in pages: `../../files/` as it is, or the address of another server.
    pub files_url: String,
    /// What file names are followed by in pages: nothing, or a signature such as `?sig=…`.
    pub files_query: String,
    /// How long answers take.
    pub latency: Latency,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            json: true,
            sidecars: Sidecars::Hashed,
            ranges: Ranges::On,
            upload_times: true,
            sizes: true,
            credentials: None,
            cache_control: Some("max-age=600, public".to_owned()),
            file_cache_control: Some("max-age=365000000, immutable, public".to_owned()),
            etags: true,
            files_url: "../../files/".to_owned(),
            files_query: String::new(),
            latency: Latency::None,
        }
    }
}

impl ServerOptions {
    /// As PyTorch's index answers. Its pages are HTML and without sizes whatever the options say.
    #[must_use]
    pub fn pytorch() -> Self {
        Self {
            json: false,
            cache_control: Some("max-age=600, must-revalidate".to_owned()),
            ..Self::default()
        }
    }
}

/// How metadata beside wheels is offered (PEP 658).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sidecars {
    /// It is neither offered nor to be had.
    Off,
    /// It is offered without a hash.
    Unhashed,
    /// It is offered with its SHA-256.
    Hashed,
}

/// How range requests for files are answered (RFC 9110 section 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// As if they asked for the whole file: 200.
    Off,
    /// As they should be: 206, or 416.
    On,
    /// Those that count from the end of the file (`bytes=-100`) answer 501, the others 206.
    NoSuffix,
}

/// A user name and password of the Basic scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// A user name and password.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }

    /// The value of `Authorization` (RFC 7617).
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Basic {}", base64(format!("{}:{}", self.user, self.password).as_bytes()))
    }
}

/// How long answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// As long as they take.
    None,
    /// Each this much longer.
    Fixed(Duration),
    /// Each longer by up to `longest`, by a number made of the seed and the path: one seed always gives the same order of
    /// arrival, another seed another. For tests that a result does not depend on it.
    Shuffled {
        /// Names the order.
        seed: u64,
        /// The longest wait.
        longest: Duration,
    },
}

impl Latency {
    /// The wait for a path.
    pub(crate) fn of(self, path: &str) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(wait) => wait,
            Self::Shuffled { seed, longest } => {
                let digest = sha256_hex(format!("{seed} {path}").as_bytes());
                let fraction = u32::from_str_radix(&digest[..8], 16).unwrap_or(0);
                longest.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
            }
        }
    }
}
