//! One request and its answer.

use std::fmt;
use std::io::Read;
use std::time::Duration;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`, for tokens.
    Post,
}

impl Method {
    /// As HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The headers. They can hold secrets.
    pub headers: Vec<(String, String)>,
    /// The body of a `POST`. It can hold secrets.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    /// Without query, headers and body, which can hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        write!(formatter, "{} {url}", self.method.as_str())
    }
}

/// An answer.
pub struct Response {
    /// The status of HTTP.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body. One that breaks off is an error and not an end, as far as the transport can tell.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// The first header of a name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }

    /// All headers of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TransportError {
    /// The reason for people, without addresses: those of blobs can be secrets.
    pub problem: String,
    /// Whether it may be another time.
    pub again: bool,
}

/// Something that sends requests.
pub trait Transport {
    /// Sends a request, within a limit of time, for each part of the body too. Redirects are not followed, nothing is added that says who asks, and the body of the answer is not
    /// decompressed.
    ///
    /// # Errors
    /// When there is no answer.
    fn send(&self, request: &Request) -> Result<Response, TransportError>;

    /// Waits before something is tried again.
    ///
    /// # Errors
    /// When the user does not want to wait.
    fn wait(&self, time: Duration) -> Result<(), TransportError> {
        std::thread::sleep(time);
        Ok(())
    }
}
