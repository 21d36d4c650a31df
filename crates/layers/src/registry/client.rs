//! Asking a registry: addresses, who asks, redirects, and trying again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use data_encoding::BASE64;
use serde::Deserialize;
use url::{Host, Url};

use super::RegistryError;
use super::challenge::{self, Challenge};
use super::credentials::{Credentials, Secret};
use super::reference::{DEFAULT_HOST, Reference};
use super::transport::{Method, Request, Response, Transport, TransportError};

/// How often something is tried before it counts as failed.
pub const ATTEMPTS: u32 = 5;

/// How many redirects are followed.
pub const REDIRECTS_LIMIT: usize = 10;

/// The longest wait between two attempts, whatever a registry wishes.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// The most bytes of a token, of what comes with it, and of the body of an error.
const ANSWER_BYTES_LIMIT: u64 = 1024 * 1024;

/// How much of a registry's own words is shown.
const MESSAGE_LIMIT: usize = 200;

/// Where credentials come from.
pub type FindCredentials<'a> = dyn Fn(&Reference) -> Option<Credentials> + 'a;

/// Asks registries for images.
pub struct Client<'a> {
    pub(super) transport: &'a dyn Transport,
    credentials: &'a FindCredentials<'a>,
    insecure: Vec<String>,
    /// What a repository's requests were answered for, so that not each is refused first.
    authorizations: RefCell<HashMap<(String, String), Secret>>,
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("insecure", &self.insecure).finish_non_exhaustive()
    }
}

/// A failure, and whether it may pass.
pub(super) struct Failure {
    pub(super) error: Box<RegistryError>,
    pub(super) again: bool,
    /// What the registry wishes.
    after: Option<Duration>,
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self { error: Box::new(error), again: false, after: None }
    }
}

/// A failure that may pass.
pub(super) fn passing(error: RegistryError) -> Failure {
    Failure { error: Box::new(error), again: true, after: None }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Reported>,
}

#[derive(Deserialize)]
struct Reported {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl<'a> Client<'a> {
    /// A client. `credentials` is asked when a registry wants to know who asks.
    #[must_use]
    pub fn new(transport: &'a dyn Transport, credentials: &'a FindCredentials<'a>) -> Self {
        Self { transport, credentials, insecure: Vec::new(), authorizations: RefCell::default() }
    }

    /// Hosts (with their ports, or without for all of them) to speak to over plain HTTP, beside this machine. Secrets
    /// go there as well.
    #[must_use]
    pub fn insecure(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.insecure.extend(hosts);
        self
    }

    /// Gets something of a repository, trying again where that may help: `path` is what follows the repository's name.
    pub(super) fn get<T>(
        &self,
        reference: &Reference,
        path: &str,
        headers: &[(&str, String)],
        mut read: impl FnMut(Response) -> Result<T, Failure>,
    ) -> Result<T, RegistryError> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.once(reference, path, headers).and_then(&mut read) {
                Ok(found) => return Ok(found),
                Err(failure) if failure.again && tried < ATTEMPTS => {
                    self.pause(reference, tried, &failure)?;
                }
                Err(failure) => return Err(*failure.error),
            }
        }
    }

    /// Waits before the next attempt: as long as the registry wishes, or each time twice as long.
    pub(super) fn pause(
        &self,
        reference: &Reference,
        tried: u32,
        failure: &Failure,
    ) -> Result<(), RegistryError> {
        let ours = Duration::from_millis(500) * 2_u32.saturating_pow(tried.min(10));
        let time = failure.after.unwrap_or(ours).min(WAIT_LIMIT);
        self.transport.wait(time).map_err(|error| unreachable_host(reference.host(), error))
    }

    /// Gets something of a repository once, and once more when it becomes known who asks.
    pub(super) fn once(
        &self,
        reference: &Reference,
        path: &str,
        headers: &[(&str, String)],
    ) -> Result<Response, Failure> {
        let url = self.address(reference, path)?;
        let key = (reference.host().to_owned(), reference.repository().to_owned());
        let known = self.authorizations.borrow().get(&key).cloned();
        let (mut response, mut host) = self.follow(&url, headers, known.as_ref())?;
        if response.status == 401 && host == host_of(&url) {
            self.authorizations.borrow_mut().remove(&key);
            let Some(authorization) = self.authorize(reference, &url, &response)? else {
                return Err(self.refusal(reference, &host, response));
            };
            (response, host) = self.follow(&url, headers, Some(&authorization))?;
            if response.status < 400 {
                self.authorizations.borrow_mut().insert(key, authorization);
            }
        }
        match response.status {
            200..=299 | 416 => Ok(response),
            _ => Err(self.refusal(reference, &host, response)),
        }
    }

    fn address(&self, reference: &Reference, path: &str) -> Result<Url, RegistryError> {
        let host = if reference.is_on_docker_hub() {
            format!("registry-1.{DEFAULT_HOST}")
        } else {
            reference.host().to_owned()
        };
        let scheme = if self.is_insecure(&host) { "http" } else { "https" };
        let text = format!("{scheme}://{host}/v2/{}/{path}", reference.repository());
        Url::parse(&text).map_err(|error| RegistryError::Protocol {
            host,
            problem: format!("its address is none: {error}"),
        })
    }

    fn is_insecure(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => name,
            _ => host,
        };
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name == "localhost"
            || address.is_ok_and(|address| address.is_loopback())
            || self.insecure.iter().any(|insecure| insecure == host || insecure == name)
    }

    /// Sends a request and follows redirects. Who asks is told to the first host alone.
    fn follow(
        &self,
        url: &Url,
        headers: &[(&str, String)],
        authorization: Option<&Secret>,
    ) -> Result<(Response, String), Failure> {
        let mut at = url.clone();
        for _ in 0..=REDIRECTS_LIMIT {
            let mut sent: Vec<(String, String)> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            // Digests are those of the bytes as they are.
            sent.push(("Accept-Encoding".to_owned(), "identity".to_owned()));
            if at.origin() == url.origin()
                && let Some(authorization) = authorization
            {
                sent.push(("Authorization".to_owned(), authorization.expose().to_owned()));
            }
            let request =
                Request { method: Method::Get, url: at.to_string(), headers: sent, body: Vec::new() };
            let response = self.send(&at, &request)?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((response, host_of(&at)));
            }
            let host = host_of(&at);
            let wrong =
                |problem: &str| RegistryError::Protocol { host: host.clone(), problem: problem.to_owned() };
            let location = response.header("Location").and_then(|location| at.join(location).ok());
            let next = location.ok_or_else(|| wrong("it redirects to nowhere"))?;
            if !is_like(&next, url) {
                return Err(wrong("it redirects to what is not HTTPS").into());
            }
            at = next;
        }
        let problem = format!("it redirects more than REDIRECTS_LIMIT = {REDIRECTS_LIMIT} times");
        Err(RegistryError::Protocol { host: host_of(url), problem }.into())
    }

    fn send(&self, url: &Url, request: &Request) -> Result<Response, Failure> {
        self.transport.send(request).map_err(|error| {
            let again = error.again;
            Failure { error: Box::new(unreachable_host(&host_of(url), error)), again, after: None }
        })
    }

    /// The value of `Authorization` that a registry wants; none if it cannot be had without credentials.
    fn authorize(
        &self,
        reference: &Reference,
        url: &Url,
        response: &Response,
    ) -> Result<Option<Secret>, Failure> {
        let wrong =
            |problem: &str| RegistryError::Protocol { host: host_of(url), problem: problem.to_owned() };
        let challenge = challenge::best(response.all("WWW-Authenticate"))
            .ok_or_else(|| wrong("it wants to know who asks, and not how that is said"))?;
        let credentials = (self.credentials)(reference);
        match (challenge, credentials) {
            (_, Some(Credentials::RegistryToken(token))) => bearer(url, token.expose()).map(Some),
            (Challenge::Basic, Some(Credentials::Password { user, password })) => {
                Ok(Some(basic(&user, &password)))
            }
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer { realm, service, scope }, credentials) => {
                let realm = Url::parse(&realm).ok().filter(|realm| is_like(realm, url));
                let realm = realm
                    .ok_or_else(|| wrong("it names a service for tokens that is not reached by HTTPS"))?;
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", reference.repository()));
                let token = self.token(reference, realm, service.as_deref(), &scope, credentials.as_ref())?;
                bearer(url, &token).map(Some)
            }
        }
    }

    /// A token for a scope (Docker registry, token authentication).
    fn token(
        &self,
        reference: &Reference,
        mut realm: Url,
        service: Option<&str>,
        scope: &str,
        credentials: Option<&Credentials>,
    ) -> Result<String, Failure> {
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        let mut body = Vec::new();
        let mut asked: Vec<(&str, &str)> = service.map(|service| ("service", service)).into_iter().collect();
        asked.push(("scope", scope));
        let method = if let Some(Credentials::IdentityToken(token)) = credentials {
            asked.extend([
                ("grant_type", "refresh_token"),
                ("client_id", "mlresolve"),
                ("refresh_token", token.expose()),
            ]);
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
            body = form.into_bytes();
            headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            Method::Post
        } else {
            realm.query_pairs_mut().extend_pairs(asked);
            if let Some(Credentials::Password { user, password }) = credentials {
                headers.push(("Authorization".to_owned(), basic(user, password).expose().to_owned()));
            }
            Method::Get
        };
        let request = Request { method, url: realm.to_string(), headers, body };
        let response = self.send(&realm, &request)?;
        let host = host_of(&realm);
        if response.status != 200 {
            return Err(self.refusal(reference, &host, response));
        }
        let mut bytes = Vec::new();
        let read = response.body.take(ANSWER_BYTES_LIMIT).read_to_end(&mut bytes);
        read.map_err(|error| {
            let (image, what) = (reference.to_string(), "a token".to_owned());
            passing(RegistryError::Broken { image, what, error })
        })?;
        let token = serde_json::from_slice(&bytes).ok();
        let token = token.and_then(|token: Token| token.token.or(token.access_token));
        let problem = "its service for tokens gives none".to_owned();
        token.ok_or_else(|| RegistryError::Protocol { host, problem }.into())
    }

    /// What an answer that is none means.
    fn refusal(&self, reference: &Reference, host: &str, response: Response) -> Failure {
        let (host, image, status) = (host.to_owned(), reference.to_string(), response.status);
        let after = response.header("Retry-After").and_then(|after| after.parse().ok());
        let message = message(response);
        let again = matches!(status, 408 | 429 | 500..=599);
        let error = match status {
            401 | 403 => {
                let hint = if (self.credentials)(reference).is_some() {
                    "it is not there, or the credentials are not good for it; log in anew"
                } else {
                    "it is not there, or is not for everyone; log in with `docker login` or `podman login`"
                };
                RegistryError::Denied { host, image, message, hint }
            }
            404 => RegistryError::NotFound { host, image, message },
            429 => RegistryError::Busy { host, message },
            _ => RegistryError::Status { host, status, message },
        };
        Failure { error: Box::new(error), again, after: after.map(Duration::from_secs) }
    }
}

/// Whether a place may be gone to from an address: by HTTPS, or by HTTP from where HTTP is spoken, and with no user in it.
fn is_like(next: &Url, first: &Url) -> bool {
    let scheme = next.scheme() == "https" || (next.scheme() == "http" && first.scheme() == "http");
    scheme && next.has_host() && next.username().is_empty() && next.password().is_none()
}

fn host_of(url: &Url) -> String {
    let host = url.host().map(|host: Host<&str>| host.to_string()).unwrap_or_default();
    url.port().map_or(host.clone(), |port| format!("{host}:{port}"))
}

fn basic(user: &str, password: &Secret) -> Secret {
    Secret::new(format!("Basic {}", BASE64.encode(format!("{user}:{}", password.expose()).as_bytes())))
}

/// A token as a header; one that would be more than a header is refused.
fn bearer(url: &Url, token: &str) -> Result<Secret, Failure> {
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(format!("Bearer {token}")));
    }
    let problem = "the token for it has characters that no token has".to_owned();
    Err(RegistryError::Protocol { host: host_of(url), problem }.into())
}

fn unreachable_host(host: &str, error: TransportError) -> RegistryError {
    RegistryError::Transport { host: host.to_owned(), problem: error.problem }
}

/// What a registry says of an error, fit to be shown.
fn message(response: Response) -> String {
    let mut bytes = Vec::new();
    // What it says is a help and no more: a body that breaks off is one without words.
    let _ = response.body.take(ANSWER_BYTES_LIMIT).read_to_end(&mut bytes).is_ok();
    let said = serde_json::from_slice::<Errors>(&bytes).ok().and_then(|said| said.errors.into_iter().next());
    let text = said.map(|said| if said.message.is_empty() { said.code } else { said.message });
    let text = text.unwrap_or_default();
    text.chars().filter(|character| !character.is_control()).take(MESSAGE_LIMIT).collect()
}
