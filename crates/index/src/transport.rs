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

use crate::credentials::{Login, Logins, take_userinfo};
use crate::error::chain;
use crate::index_url::{is_link_local, is_web, redacted};
use crate::names::Names;
use crate::tls::UnusableFile;
use crate::{ClientOptions, IndexError, IndexUrl, retry};

const MAX_REDIRECTS: usize = 10;

/// The network side of a client. Nothing is set up until the first request, since a run that is served by
/// the cache should not pay for reading root certificates.
pub(crate) struct Transport {
    options: ClientOptions,
    clients: OnceLock<Result<Clients, NoClient>>,
    /// For the hosts whose certificates are not verified.
    trusting_clients: OnceLock<Result<Clients, NoClient>>,
    logins: Logins,
    permits: Semaphore,
}

/// One client may decompress and the other must not: a wheel's hash is of the bytes as they were sent.
struct Clients {
    text: Client,
    raw: Client,
}

/// Why no connection can be made at all.
#[derive(Clone)]
enum NoClient {
    Certificates(UnusableFile),
    Library(String),
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
    /// As whom the index was asked.
    pub(crate) login: Arc<Login>,
}

/// Where a body goes. A retry starts it over, or goes on after what was received.
pub(crate) trait Sink {
    /// How many bytes of the body are there already, and need not be sent again.
    fn received(&self) -> u64 {
        0
    }
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
    /// The proxy wants other credentials.
    Proxy,
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
            trusting_clients: OnceLock::new(),
            logins: Logins::new(options.credentials.clone()),
            permits: Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Asks, and again while that may help. The body of a 2xx answer goes to `sink`; any other status is
    /// returned without its body, 5xx after the last retry.
    pub(crate) async fn get(&self, get: &Get<'_>, sink: &mut impl Sink) -> Result<Answer, GetError> {
        let shown = redacted(&get.url);
        let mut failures = 0;
        let mut login = self.logins.of(get.index).await;
        loop {
            let outcome = {
                let _permit = self.permits.acquire().await;
                let attempt = tokio::time::timeout(get.deadline, self.attempt(get, &login, sink));
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
            if let Ok(answer) = &outcome
                && matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
                && get.index.is_origin_of(&answer.url)
            {
                if let Some(other) = self.logins.instead_of(get.index, &login).await {
                    login = other;
                    continue;
                }
                login = self.logins.of(get.index).await;
                return outcome
                    .map(|answer| Answer { login, ..answer })
                    .map_err(|failure| failure.into_error(&shown, failures + 1));
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
    async fn attempt(
        &self,
        get: &Get<'_>,
        login: &Arc<Login>,
        sink: &mut impl Sink,
    ) -> Result<Answer, Failure> {
        let mut url = get.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            // Those in the address of one hop are for this hop alone.
            let own = take_userinfo(&mut url);
            let clients = self.clients(&url).map_err(NoClient::failure)?;
            let client = if get.compression { &clients.text } else { &clients.raw };
            let mut request = client.get(url.clone()).headers(get.headers.clone());
            let ours = login.credentials.as_ref().filter(|_| get.index.is_origin_of(&url));
            if let Some(credentials) = own.as_ref().or(ours) {
                // The library marks the header as a secret, so that no `Debug` shows it.
                request = request.basic_auth(&credentials.user, credentials.password.as_ref());
            }
            let received = sink.received();
            if received > 0 {
                request = request.header(header::RANGE, format!("bytes={received}-"));
            }
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
            let (status, headers) = (response.status(), response.headers().clone());
            let login = if get.index.is_origin_of(&url) { Arc::clone(login) } else { Login::withheld() };
            let answer = Answer { status, headers, url, login };
            if received > 0 && answer.status == StatusCode::RANGE_NOT_SATISFIABLE {
                // What is there is no beginning of what is offered.
                sink.restart().map_err(Failure::Sink)?;
                return Err(Failure::Transient("the rest of it is not offered".to_owned()));
            }
            if answer.status.is_success() {
                let goes_on = received > 0 && begins_at(&answer, received);
                receive(response, get, sink, if goes_on { received } else { 0 }).await?;
            }
            return Ok(answer);
        }
        let problem = format!("more than {MAX_REDIRECTS} times");
        Err(Failure::Final(IndexError::Redirect { url: redacted(&get.url), problem }))
    }

    /// The client that hands bodies on as they were sent.
    pub(crate) fn raw_client(&self, url: &Url) -> Result<&Client, String> {
        self.clients(url).map(|clients| &clients.raw).map_err(|problem| match problem {
            NoClient::Certificates(UnusableFile { path, problem }) => {
                format!("the certificates in {} cannot be used: {problem}", path.display())
            }
            NoClient::Library(reason) => reason,
        })
    }

    fn clients(&self, url: &Url) -> Result<&Clients, NoClient> {
        let trusting = self.options.tls.trusts(url);
        let cell = if trusting { &self.trusting_clients } else { &self.clients };
        cell.get_or_init(|| Clients::new(&self.options, trusting)).as_ref().map_err(Clone::clone)
    }
}

impl Clients {
    fn new(options: &ClientOptions, trusting: bool) -> Result<Self, NoClient> {
        // An error means that a provider was installed before, which then is the one to use.
        drop(rustls::crypto::ring::default_provider().install_default());
        let names = Arc::new(Names::new());
        let proxies = options.proxies.for_client()?;
        let builder = || {
            let mut builder = Client::builder()
                .dns_resolver(Arc::clone(&names))
                .user_agent(options.user_agent.as_str())
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .connect_timeout(options.timeouts.connect)
                .read_timeout(options.timeouts.read)
                .http2_adaptive_window(true)
                .no_proxy();
            for proxy in &proxies {
                builder = builder.proxy(proxy.clone());
            }
            options
                .tls
                .apply(builder.tls_danger_accept_invalid_certs(trusting))
                .map_err(NoClient::Certificates)
        };
        Ok(Self { text: builder()?.build()?, raw: builder()?.no_gzip().build()? })
    }
}

impl From<reqwest::Error> for NoClient {
    fn from(error: reqwest::Error) -> Self {
        Self::Library(chain(&error))
    }
}

impl NoClient {
    fn failure(self) -> Failure {
        match self {
            Self::Certificates(UnusableFile { path, problem }) => {
                Failure::Final(IndexError::Certificates { path, problem })
            }
            Self::Library(reason) => Failure::Untrusted(reason),
        }
    }
}

impl Failure {
    fn from_request(error: reqwest::Error) -> Self {
        let transient = retry::is_transient_error(&error);
        let reason = chain(&error.without_url());
        // What the library says of a tunnel that was answered with 407; it has no type to ask for.
        if reason.contains("proxy authorization required") {
            return Self::Proxy;
        }
        if transient { Self::Transient(reason) } else { Self::Untrusted(reason) }
    }

    fn into_error(self, url: &str, tries: u32) -> GetError {
        match self {
            Self::Final(error) => GetError::Index(error),
            Self::Untrusted(reason) => GetError::Index(IndexError::Tls { url: url.to_owned(), reason }),
            Self::Proxy => GetError::Index(IndexError::Proxy { url: url.to_owned() }),
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

/// Whether an answer is the rest of a body from this byte on (RFC 9110, 14.4).
fn begins_at(answer: &Answer, byte: u64) -> bool {
    let range = answer.headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok());
    answer.status == StatusCode::PARTIAL_CONTENT && first == Some(byte)
}

/// Hands a body on; `from` is where in it the answer begins.
async fn receive(
    mut response: Response,
    get: &Get<'_>,
    sink: &mut impl Sink,
    from: u64,
) -> Result<(), Failure> {
    let too_large = || {
        let Limit { name: limit, bytes } = get.limit;
        Failure::Final(IndexError::TooLarge { url: redacted(&get.url), limit, bytes })
    };
    // Without compression the length is known to be too much before a byte of it is read.
    if response.content_length().is_some_and(|length| from.saturating_add(length) > get.limit.bytes) {
        return Err(too_large());
    }
    if from == 0 {
        sink.restart().map_err(Failure::Sink)?;
    }
    let mut received = from;
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
    if is_link_local(&target) && !is_link_local(from) {
        return Err(format!("to the link-local address {}, which an index may not do", redacted(&target)));
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
                .into_iter()
                .chain(["https://169.254.169.254/latest/"])
        {
            assert!(target(from, refused).is_err(), "{refused}");
        }
        assert!(redirect_target(&from.parse().unwrap(), None).is_err());
    }
}
