//! One GET over HTTP: redirects, retries, credentials, deadlines and size limits. It knows nothing of
//! indexes beyond whose credentials to send.

use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use reqwest::{Client, Response};
use tokio::sync::Semaphore;
use url::Url;

use crate::error::chain;
use crate::index_url::{is_web, redacted, remove_userinfo};
use crate::names::Names;
use crate::{ClientOptions, IndexError, IndexUrl, retry};

const MAX_REDIRECTS: usize = 10;

/// The network side of a client. Nothing is set up until the first request, since a run that is served by
/// the cache should not pay for reading root certificates.
pub(crate) struct Transport {
    options: ClientOptions,
    clients: OnceLock<Result<Clients, String>>,
    permits: Semaphore,
}

/// One client may decompress and the other must not: a wheel's hash is of the bytes as they were sent.
struct Clients {
    text: Client,
    raw: Client,
}

/// What to ask for.
pub(crate) struct Get<'a> {
    pub(crate) url: Url,
    /// The index whose credentials are sent to its own origin.
    pub(crate) index: &'a IndexUrl,
    pub(crate) headers: HeaderMap,
    /// Whether the answer may be compressed on its way.
    pub(crate) compression: bool,
    pub(crate) limit: Limit,
    pub(crate) deadline: Duration,
}

/// The most bytes that an answer may hold, and what an error calls that.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
}

/// The head of an answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where the answer came from in the end, without userinfo: what its relative links are relative to.
    pub(crate) url: Url,
}

/// Where a body goes. A retry starts it over.
pub(crate) trait Sink {
    fn restart(&mut self) -> io::Result<()>;
    fn write(&mut self, chunk: &[u8]) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.extend_from_slice(chunk);
        Ok(())
    }
}

/// Why one try failed.
enum Failure {
    /// Not worth another try.
    Final(IndexError),
    /// No secure connection; another try would not change that.
    Untrusted(String),
    /// Worth another try.
    Transient(String),
    /// The sink is full or broken.
    Sink(io::Error),
}

/// Why a request failed: in between, or where its body was to go.
pub(crate) enum GetError {
    Index(IndexError),
    Sink(io::Error),
}

impl Transport {
    pub(crate) fn new(options: &ClientOptions) -> Self {
        Self {
            options: options.clone(),
            clients: OnceLock::new(),
            permits: Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Asks, and again while that may help. The body of a 2xx answer goes to `sink`; any other status is
    /// returned without its body, 5xx after the last retry.
    pub(crate) async fn get(&self, get: &Get<'_>, sink: &mut impl Sink) -> Result<Answer, GetError> {
        let shown = redacted(&get.url);
        let mut failures = 0;
        loop {
            let outcome = {
                let _permit = self.permits.acquire().await;
                let attempt = tokio::time::timeout(get.deadline, self.attempt(get, sink));
                attempt.await.unwrap_or_else(|_| {
                    Err(Failure::Final(network(
                        &shown,
                        failures + 1,
                        format!("not complete within {} s", get.deadline.as_secs_f32()),
                    )))
                })
            };
            if let Ok(answer) = &outcome {
                tracing::debug!(url = shown, status = answer.status.as_u16(), "answered");
            }
            failures += 1;
            let wait = match &outcome {
                Ok(answer) if retry::is_transient_status(answer.status) => {
                    retry::retry_after(&answer.headers, Timestamp::now())
                }
                Err(Failure::Transient(_)) => None,
                _ => return outcome.map_err(|failure| failure.into_error(&shown, failures)),
            };
            if failures > self.options.retries {
                return outcome.map_err(|failure| failure.into_error(&shown, failures));
            }
            let wait = wait.unwrap_or_else(|| retry::backoff(self.options.retry_delay, failures));
            tracing::debug!(url = shown, failures, ?wait, "retrying");
            tokio::time::sleep(wait).await;
        }
    }

    /// One try, redirects included.
    async fn attempt(&self, get: &Get<'_>, sink: &mut impl Sink) -> Result<Answer, Failure> {
        let clients = self.clients().map_err(Failure::Untrusted)?;
        let client = if get.compression { &clients.text } else { &clients.raw };
        let mut url = get.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = client.get(get.index.authorize(url.clone())).headers(get.headers.clone());
            if !get.compression {
                request = request.header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            let response = request.send().await.map_err(Failure::from_request)?;
            if is_redirect(response.status()) {
                let location = response.headers().get(header::LOCATION);
                url = redirect_target(&url, location).map_err(|problem| {
                    Failure::Final(IndexError::Redirect { url: redacted(&get.url), problem })
                })?;
                continue;
            }
            remove_userinfo(&mut url);
            let answer = Answer { status: response.status(), headers: response.headers().clone(), url };
            if answer.status.is_success() {
                receive(response, get, sink).await?;
            }
            return Ok(answer);
        }
        let problem = format!("more than {MAX_REDIRECTS} times");
        Err(Failure::Final(IndexError::Redirect { url: redacted(&get.url), problem }))
    }

    fn clients(&self) -> Result<&Clients, String> {
        let clients = self.clients.get_or_init(|| Clients::new(&self.options).map_err(|error| chain(&error)));
        clients.as_ref().map_err(Clone::clone)
    }
}

impl Clients {
    fn new(options: &ClientOptions) -> reqwest::Result<Self> {
        // An error means that a provider was installed before, which then is the one to use.
        drop(rustls::crypto::ring::default_provider().install_default());
        let names = Arc::new(Names::new());
        let builder = || {
            let builder = Client::builder()
                .dns_resolver(Arc::clone(&names))
                .user_agent(options.user_agent.as_str())
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .connect_timeout(options.timeouts.connect)
                .read_timeout(options.timeouts.read)
                .http2_adaptive_window(true);
            if options.system_proxy { builder } else { builder.no_proxy() }
        };
        Ok(Self { text: builder().build()?, raw: builder().no_gzip().build()? })
    }
}

impl Failure {
    fn from_request(error: reqwest::Error) -> Self {
        let transient = retry::is_transient_error(&error);
        let reason = chain(&error.without_url());
        if transient { Self::Transient(reason) } else { Self::Untrusted(reason) }
    }

    fn into_error(self, url: &str, tries: u32) -> GetError {
        match self {
            Self::Final(error) => GetError::Index(error),
            Self::Untrusted(reason) => GetError::Index(IndexError::Tls { url: url.to_owned(), reason }),
            Self::Transient(reason) => GetError::Index(network(url, tries, reason)),
            Self::Sink(error) => GetError::Sink(error),
        }
    }
}

impl GetError {
    /// For a sink that is memory, and so cannot fail.
    pub(crate) fn into_index_error(self, url: &Url) -> IndexError {
        match self {
            Self::Index(error) => error,
            Self::Sink(error) => network(&redacted(url), 1, error.to_string()),
        }
    }
}

fn network(url: &str, tries: u32, reason: String) -> IndexError {
    let tries = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    IndexError::Network { url: url.to_owned(), tries, reason }
}

async fn receive(mut response: Response, get: &Get<'_>, sink: &mut impl Sink) -> Result<(), Failure> {
    let too_large = || {
        let Limit { name: limit, bytes } = get.limit;
        Failure::Final(IndexError::TooLarge { url: redacted(&get.url), limit, bytes })
    };
    // Without compression the length is known to be too much before a byte of it is read.
    if response.content_length().is_some_and(|length| length > get.limit.bytes) {
        return Err(too_large());
    }
    sink.restart().map_err(Failure::Sink)?;
    let mut received: u64 = 0;
    while let Some(chunk) = response.chunk().await.map_err(Failure::from_request)? {
        received += chunk.len() as u64;
        if received > get.limit.bytes {
            return Err(too_large());
        }
        sink.write(&chunk).map_err(Failure::Sink)?;
    }
    Ok(())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads, or why it is not followed.
fn redirect_target(from: &Url, location: Option<&HeaderValue>) -> Result<Url, String> {
    let location = location.ok_or("without saying where to")?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| "to an address that is not UTF-8")?;
    let target = from.join(location).map_err(|error| format!("to an address that is no URL ({error})"))?;
    if !is_web(&target) {
        return Err(format!("to a `{}:` address, which an index may not do", target.scheme()));
    }
    if from.scheme() == "https" && target.scheme() == "http" {
        return Err(format!("from https to http, {}", redacted(&target)));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(from: &str, location: &str) -> Result<String, String> {
        let location = HeaderValue::from_bytes(location.as_bytes()).unwrap();
        redirect_target(&from.parse().unwrap(), Some(&location)).map(String::from)
    }

    #[test]
    fn redirects_lead_to_http_and_never_down_from_https() {
        let from = "https://index.example/simple/numpy/";
        assert_eq!(target(from, "../torch/").unwrap(), "https://index.example/simple/torch/");
        assert_eq!(target(from, "https://other.example/").unwrap(), "https://other.example/");
        assert_eq!(target("http://index.example/", "https://a.example/").unwrap(), "https://a.example/");
        for refused in
            ["file:///etc/passwd", "ftp://a.example/", "data:,x", "http://index.example/", "https://[", "//"]
        {
            assert!(target(from, refused).is_err(), "{refused}");
        }
        assert!(redirect_target(&from.parse().unwrap(), None).is_err());
    }
}
