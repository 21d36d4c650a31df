//! A base in a registry: the network, and who asks.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use mlresolve_index::{IndexClient, WebAnswer};
use mlresolve_layers::oci::{BaseImage, Platform};
use mlresolve_layers::registry::credentials::{AuthFile, CREDENTIALS_BYTES_LIMIT, Source, parse_answer};
use mlresolve_layers::registry::{
    Client, Credentials, Method, Reference, Request, Response, Transport, TransportError,
};
use tokio::runtime::{Handle, Runtime};

use super::error::ImageError;
use super::store::Store;
use crate::access::Access;
use crate::error::Error;
use crate::event::{CancellationToken, Watch};
use crate::lock::runtime;

/// Pulls a base, whose parts are kept in the cache.
pub(crate) fn pull(
    name: &str,
    platform: &Platform,
    access: &Access,
    auth_files: &[PathBuf],
    store: &Store,
    watch: &Watch,
) -> Result<BaseImage, Error> {
    let reference: Reference = name
        .parse()
        .map_err(|error| Error::input("--base", format!("{error}; and there is no such path here")))?;
    let web = Web {
        client: IndexClient::new(access.client_options()?),
        runtime: runtime()?,
        is_offline: access.mode == crate::access::NetworkMode::Offline,
        cancellation: watch.cancellation.clone(),
    };
    let found = |reference: &Reference| credentials(reference, auth_files);
    let client = Client::new(&web, &found).insecure(access.trusted_hosts.iter().cloned());
    client.pull(&reference, platform, &store.blobs).map_err(|error| match watch.cancellation.is_cancelled() {
        true => Error::Cancelled,
        false => ImageError::from(error).into(),
    })
}

/// The files in which docker and podman keep logins, the first that is there counting first.
#[must_use]
pub fn auth_files(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME");
    let places = [
        set("REGISTRY_AUTH_FILE"),
        set("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        set("XDG_CONFIG_HOME")
            .or_else(|| Some(home()?.join(".config")))
            .map(|folder| folder.join("containers/auth.json")),
        set("DOCKER_CONFIG")
            .or_else(|| Some(home()?.join(".docker")))
            .map(|folder| folder.join("config.json")),
    ];
    places.into_iter().flatten().collect()
}

/// The first credentials that one of the files, or a program that it names, has for an image.
fn credentials(reference: &Reference, files: &[PathBuf]) -> Option<Credentials> {
    for path in files {
        let Ok(file) = std::fs::File::open(path) else { continue };
        let mut text = String::new();
        if file.take(CREDENTIALS_BYTES_LIMIT as u64 + 1).read_to_string(&mut text).is_err() {
            tracing::warn!(path = %path.display(), "logins cannot be read");
            continue;
        }
        let file = match AuthFile::parse(&text) {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "logins cannot be read");
                continue;
            }
        };
        for source in file.sources(reference) {
            match source {
                Source::Known(credentials) => return Some(credentials),
                Source::Program { program, server } => match ask(&program, &server) {
                    Some(credentials) => return Some(credentials),
                    None => tracing::debug!(program, "has no login"),
                },
            }
        }
    }
    None
}

/// Asks a credential helper (docker-credential-helpers, "get").
fn ask(program: &str, server: &str) -> Option<Credentials> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(server.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| parse_answer(&String::from_utf8_lossy(&output.stdout)).ok())?
}

/// Sends requests as those to indexes are sent.
struct Web {
    client: IndexClient,
    runtime: Runtime,
    is_offline: bool,
    cancellation: CancellationToken,
}

impl Transport for Web {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        if self.is_offline {
            let problem = "the network is off (--offline); name the image by a digest that was pulled before"
                .to_owned();
            return Err(TransportError { problem, again: false });
        }
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        let sending = self.client.send(method, &request.url, &request.headers, request.body.clone());
        let answer = self
            .runtime
            .block_on(sending)
            .map_err(|error| TransportError { problem: error.reason, again: error.is_transient })?;
        let (status, headers) = (answer.status(), answer.headers());
        let body = Body {
            answer,
            runtime: self.runtime.handle().clone(),
            ready: VecDeque::new(),
            cancellation: self.cancellation.clone(),
        };
        Ok(Response { status, headers, body: Box::new(body) })
    }

    fn wait(&self, time: Duration) -> Result<(), TransportError> {
        let mut left = time;
        while left > Duration::ZERO {
            if self.cancellation.is_cancelled() {
                return Err(TransportError { problem: "cancelled".to_owned(), again: false });
            }
            let step = left.min(Duration::from_millis(50));
            std::thread::sleep(step);
            left -= step;
        }
        Ok(())
    }
}

/// The body of an answer, read piece by piece.
struct Body {
    answer: WebAnswer,
    runtime: Handle,
    ready: VecDeque<u8>,
    cancellation: CancellationToken,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            if self.cancellation.is_cancelled() {
                return Err(io::Error::other("cancelled"));
            }
            match self.runtime.block_on(self.answer.chunk()) {
                Ok(Some(chunk)) => self.ready = chunk.into(),
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error.reason)),
            }
        }
        self.ready.read(buffer)
    }
}
