//! A recording proxy: a resolver that is pointed at it sees the upstream index, and what it asks for is recorded.
//!
//! The proxy asks upstream only for what its client asks for, each page and each metadata once. What it passes on is
//! what it records (thinned metadata, no hash of it in the page), so a client sees the same in the recording as it
//! saw live. Every wheel is said to have its metadata beside it; where upstream has none (a mirror may not), it is
//! read out of the wheel by range requests.

#[cfg(test)]
mod tests;
mod thinning;
mod upstream;
mod wheel_metadata;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;

pub use self::upstream::UpstreamError;
use self::upstream::{Location, Upstream};
use crate::page::{self, PageOptions};
use crate::server::transport::{Background, Handler, Reset};
use crate::server::{Body, PageFormat, Reply, negotiate};
use crate::{RecordedProject, Recording, Sidecars, normalize, thin_metadata};

/// What a recorder is to do.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// The index to record, such as `https://index.example/simple`.
    pub upstream: String,
    /// The port of 127.0.0.1 to listen on; 0 takes a free one.
    pub port: u16,
    /// Files uploaded at this time or later do not exist.
    pub exclude_newer: Option<Timestamp>,
    /// A recording to add to: what is in it is not asked for again.
    pub extend: Recording,
}

/// A running recording proxy.
pub struct Recorder {
    session: Arc<Session>,
    background: Background,
}

struct Session {
    upstream: Upstream,
    exclude_newer: Option<Timestamp>,
    captured: Mutex<BTreeMap<String, Captured>>,
}

/// What was seen of a project so far.
#[derive(Clone)]
struct Captured {
    recorded: RecordedProject,
    /// Where the files are upstream, by file name; empty for a project of an extended recording.
    locations: BTreeMap<String, Location>,
}

impl Recorder {
    /// Starts to record.
    ///
    /// # Errors
    /// If the upstream address is none, or TLS cannot be set up.
    ///
    /// # Panics
    /// If the port cannot be had.
    pub fn start(options: RecorderOptions) -> Result<Self, UpstreamError> {
        let known = options.extend.projects.into_iter();
        let captured =
            known.map(|(name, recorded)| (name, Captured { recorded, locations: BTreeMap::new() })).collect();
        let session = Arc::new(Session {
            upstream: Upstream::new(&options.upstream)?,
            exclude_newer: options.exclude_newer,
            captured: Mutex::new(captured),
        });
        let background = Background::start(options.port, Arc::clone(&session));
        Ok(Self { session, background })
    }

    /// The address to give to a resolver as its index.
    #[must_use]
    pub fn index_url(&self) -> String {
        format!("http://{}/simple/", self.background.address())
    }

    /// Stops, and gives what was recorded.
    #[must_use]
    pub fn finish(self) -> Recording {
        drop(self.background);
        let captured = self.session.captured.lock().unwrap_or_else(PoisonError::into_inner);
        let projects =
            captured.iter().map(|(name, captured)| (name.clone(), captured.recorded.clone())).collect();
        Recording { projects }
    }
}

impl Handler for Session {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        let path = request.uri().path().to_owned();
        let accept = request.headers().get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let answer = match (request.method(), path.strip_prefix("/simple/"), path.strip_prefix("/files/")) {
            (&Method::GET, Some(name), _) => {
                self.page(name.trim_end_matches('/'), negotiate(accept, true)).await
            }
            (&Method::GET, _, Some(file)) => self.metadata(file).await,
            _ => Ok(Reply::new(StatusCode::NOT_FOUND)),
        };
        Ok(answer.unwrap_or_else(|error| failure(&path, &error)).whole())
    }
}

impl Session {
    async fn page(&self, name: &str, format: Option<PageFormat>) -> Result<Reply, UpstreamError> {
        let name = normalize(name);
        let Some(format) = format else {
            return Ok(Reply::new(StatusCode::NOT_ACCEPTABLE));
        };
        let Some(captured) = self.project(&name, false).await? else {
            return Ok(Reply::new(StatusCode::NOT_FOUND));
        };
        let files_url = format!("../../files/{name}/");
        let options = PageOptions {
            files_url: &files_url,
            sidecars: Sidecars::Unhashed,
            upload_times: true,
            sizes: true,
            wrong_hashes: false,
        };
        let project = captured.recorded.publish();
        let bytes = match format {
            PageFormat::Json => page::json(&project, &options),
            PageFormat::VersionedHtml | PageFormat::PlainHtml => page::html(&project, &options),
        };
        Ok(Reply::with_bytes(format.content_type(), bytes))
    }

    /// The thinned metadata of `PROJECT/FILENAME.metadata`; of the files themselves nothing is passed on.
    async fn metadata(&self, path: &str) -> Result<Reply, UpstreamError> {
        let path = path.replace("%2B", "+").replace("%21", "!");
        let not_found = || Ok(Reply::new(StatusCode::NOT_FOUND));
        let Some((name, filename)) = path.strip_suffix(".metadata").and_then(|path| path.split_once('/'))
        else {
            return not_found();
        };
        let Some(captured) = self.project(name, false).await? else {
            return not_found();
        };
        let Some(file) = captured.recorded.files.iter().find(|file| file.filename == filename) else {
            return not_found();
        };
        if let Some(metadata) = &file.metadata {
            return Ok(Reply::with_bytes("application/octet-stream", metadata.clone().into_bytes()));
        }
        let size = file.size;
        let location = match captured.locations.get(filename) {
            Some(location) => Some(location.clone()),
            // The project is of an extended recording, which has no locations.
            None => {
                self.project(name, true).await?.and_then(|captured| captured.locations.get(filename).cloned())
            }
        };
        let Some(location) = location else {
            return not_found();
        };
        let Some(metadata) = self.upstream.metadata(&location, size).await? else {
            return not_found();
        };
        let thinned = thin_metadata(&metadata);
        self.keep(name, |captured| {
            if let Some(file) = captured.recorded.files.iter_mut().find(|file| file.filename == filename) {
                file.metadata = Some(thinned.clone());
            }
        });
        Ok(Reply::with_bytes("application/octet-stream", thinned.into_bytes()))
    }

    /// The project, asked for upstream if it has not been, or if its locations are wanted and unknown.
    async fn project(&self, name: &str, with_locations: bool) -> Result<Option<Captured>, UpstreamError> {
        let known = self.captured.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(captured) = known.filter(|captured| !with_locations || !captured.locations.is_empty()) {
            return Ok(Some(captured));
        }
        let Some((recorded, locations)) = self.upstream.project(name, self.exclude_newer).await? else {
            return Ok(None);
        };
        let mut captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        let entry =
            captured.entry(name.to_owned()).or_insert(Captured { recorded, locations: BTreeMap::new() });
        entry.locations = locations;
        Ok(Some(entry.clone()))
    }

    fn keep(&self, name: &str, change: impl FnOnce(&mut Captured)) {
        if let Some(captured) = self.captured.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name) {
            change(captured);
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a recording with a gap is of no use, so whoever records has to see it"
)]
fn failure(path: &str, error: &UpstreamError) -> Reply {
    eprintln!("recorder: {path}: {error}");
    Reply::new(StatusCode::BAD_GATEWAY)
}
