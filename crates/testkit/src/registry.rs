//! A registry of images on loopback: the pull side of the OCI distribution protocol (specification 1.1).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{AUTHORIZATION, HOST, HeaderName, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::server::transport::{Background, Handler, Reset};
use crate::server::{Body, Reply};
use crate::{Credentials, LoggedRequest};

/// The token that the registry's token service gives out.
pub const REGISTRY_TOKEN: &str = "a-token-of-the-registry";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Who may pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryLogin {
    /// Who knows these, sent with every request.
    Basic(Credentials),
    /// Who has a token, which is for those who know these.
    Token(Credentials),
}

/// A registry with one image, the first of an OCI layout's folder, under one name and one tag. It is served from a thread of
/// its own until it is dropped.
pub struct RegistryServer {
    shared: Arc<Shared>,
    background: Background,
}

struct Shared {
    repository: String,
    tag: String,
    layout: PathBuf,
    login: Option<RegistryLogin>,
    /// Blobs that are sent with one bit wrong, by their digests.
    changed: Mutex<Vec<String>>,
    log: Mutex<Vec<LoggedRequest>>,
}

impl RegistryServer {
    /// Serves the layout as `REPOSITORY:TAG`, to everybody or to those who can log in.
    ///
    /// # Panics
    /// If no loopback port can be had, or the name has no tag.
    #[must_use]
    pub fn start(name: &str, layout: impl Into<PathBuf>, login: Option<RegistryLogin>) -> Self {
        let (repository, tag) = name.split_once(':').expect("the name has a tag");
        let shared = Arc::new(Shared {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            layout: layout.into(),
            login,
            changed: Mutex::default(),
            log: Mutex::default(),
        });
        Self { background: Background::start(0, Arc::clone(&shared)), shared }
    }

    /// The registry as references name it, `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        self.background.address().to_string()
    }

    /// The digest that the tag stands for.
    ///
    /// # Panics
    /// If the layout has no image.
    #[must_use]
    pub fn digest(&self) -> String {
        self.shared.tagged()
    }

    /// Sends a blob or manifest with one bit wrong, in the middle, from now on.
    pub fn change(&self, digest: &str) {
        lock(&self.shared.changed).push(digest.to_owned());
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        lock(&self.shared.log).clone()
    }
}

impl Handler for Shared {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        let (request, _body) = request.into_parts();
        let header = |name: HeaderName| {
            let value = request.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut logged = LoggedRequest::new(&request);
        let reply = self.answer(&logged.path, &header(HOST), &header(AUTHORIZATION));
        logged.status = Some(reply.status.as_u16());
        lock(&self.log).push(logged);
        Ok(reply.whole())
    }
}

impl Shared {
    fn answer(&self, path: &str, host: &str, authorization: &str) -> Reply {
        let wanted = match &self.login {
            None => String::new(),
            Some(RegistryLogin::Basic(credentials)) => credentials.authorization(),
            Some(RegistryLogin::Token(credentials)) if path == "/token" => {
                if authorization != credentials.authorization() {
                    return refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "these are not yours");
                }
                let token = json!({"token": REGISTRY_TOKEN, "expires_in": 300});
                return Reply::with_bytes("application/json", token.to_string().into_bytes());
            }
            Some(RegistryLogin::Token(_)) => format!("Bearer {REGISTRY_TOKEN}"),
        };
        if !wanted.is_empty() && authorization != wanted {
            let challenge = match &self.login {
                Some(RegistryLogin::Token(_)) => format!(
                    "Bearer realm=\"http://{host}/token\",service=\"registry.example\",scope=\"repository:{}:pull\"",
                    self.repository
                ),
                _ => "Basic realm=\"registry.example\"".to_owned(),
            };
            let refusal = refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required");
            return refusal.header(WWW_AUTHENTICATE, challenge);
        }
        let inside = path.strip_prefix(&format!("/v2/{}/", self.repository)).unwrap_or_default();
        let (kind, name) = inside.split_once('/').unwrap_or_default();
        let digest = if kind == "manifests" && name == self.tag { self.tagged() } else { name.to_owned() };
        let bytes = digest
            .strip_prefix("sha256:")
            .and_then(|hex| std::fs::read(self.layout.join("blobs/sha256").join(hex)).ok());
        let Some(mut bytes) = bytes else {
            return refusal(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown");
        };
        if lock(&self.changed).contains(&digest) {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        let content_type = if kind == "manifests" { MANIFEST } else { "application/octet-stream" };
        let digest_header = HeaderName::from_static("docker-content-digest");
        Reply::with_bytes(content_type, bytes).header(digest_header, digest)
    }

    /// What the tag stands for: the first image of the layout.
    fn tagged(&self) -> String {
        let index = std::fs::read(self.layout.join("index.json")).expect("the layout has an index");
        let index: Value = serde_json::from_slice(&index).expect("the index is JSON");
        index["manifests"][0]["digest"].as_str().expect("the layout has an image").to_owned()
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Reply {
    let errors = json!({"errors": [{"code": code, "message": message}]});
    Reply { bytes: errors.to_string().into_bytes(), ..Reply::new(status) }
}

/// Locks even after a panic elsewhere, so that the first failure of a test is the one that is seen.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
