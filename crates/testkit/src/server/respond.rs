//! From a request to its answer.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT, ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HOST, IF_NONE_MATCH, LOCATION, RANGE, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::transport::{Handler, Reset};
use super::{Body, Fault, LoggedRequest, PageFormat, Ranges, Reply, ServerOptions, Shared, Sidecars};
use super::{lock, matches, negotiate};
use crate::encoding::sha256_hex;
use crate::page::{self, PageOptions};
use crate::pytorch::{self, Announcement, PyTorchIndex};
use crate::universe::{Sidecar, Universe};

impl Handler for Shared {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        let (request, _body) = request.into_parts();
        let logged = LoggedRequest::new(&request);
        let path = logged.path.clone();
        let number = lock(&self.log).arrived(logged.clone());
        let options = Arc::clone(&lock(&self.options));
        let fault = lock(&self.faults).take(&path);
        tokio::time::sleep(self.delay_of(&path, &options)).await;

        let response = self.answer(&logged, &request.method, &options, fault)?;
        lock(&self.log).answered(number, response.status().as_u16());
        Ok(response)
    }
}

impl Shared {
    fn delay_of(&self, path: &str, options: &ServerOptions) -> std::time::Duration {
        let delays = lock(&self.delays);
        let own = delays.iter().filter(|(pattern, _)| matches(pattern, path)).map(|&(_, delay)| delay).sum();
        options.latency.of(path).saturating_add(own)
    }

    fn answer(
        &self,
        request: &LoggedRequest,
        method: &Method,
        options: &ServerOptions,
        fault: Option<Fault>,
    ) -> Result<Response<Body>, Reset> {
        let wrong_hashes = fault == Some(Fault::WrongHashes);
        let usual = || self.usual(request, method, options, wrong_hashes);
        Ok(match fault {
            None | Some(Fault::WrongHashes) => usual().whole(),
            Some(Fault::Status(status)) => Reply::new(status_code(status)).whole(),
            Some(Fault::RetryAfter { status, seconds }) => {
                Reply::new(status_code(status)).header(RETRY_AFTER, seconds.to_string()).whole()
            }
            Some(Fault::Redirect { status, location }) => {
                Reply::new(status_code(status)).header(LOCATION, location).whole()
            }
            Some(Fault::Reset) => return Err(Reset),
            Some(Fault::Truncated { keep }) => usual().truncated(keep),
            Some(Fault::Slow { interval }) => usual().slow(interval),
            Some(Fault::Endless) => usual().endless(),
            Some(Fault::Corrupt) => {
                let mut reply = usual();
                let middle = reply.bytes.len() / 2;
                if let Some(byte) = reply.bytes.get_mut(middle) {
                    *byte ^= 1;
                }
                reply.whole()
            }
            Some(Fault::ContentType(content_type)) => usual().header(CONTENT_TYPE, content_type).whole(),
            Some(Fault::Body { content_type, bytes }) => Reply::with_bytes(&content_type, bytes).whole(),
            Some(Fault::Gzip) => {
                let mut reply = usual();
                reply.bytes = gzip(&mut reply.bytes.as_slice());
                reply.header(CONTENT_ENCODING, "gzip").whole()
            }
            Some(Fault::GzipBomb { inflated }) => {
                let bytes = gzip(&mut std::io::Read::take(std::io::repeat(0), inflated));
                Reply { bytes, ..usual() }.header(CONTENT_ENCODING, "gzip").whole()
            }
        })
    }

    /// The answer when nothing is to go wrong.
    fn usual(
        &self,
        request: &LoggedRequest,
        method: &Method,
        options: &ServerOptions,
        wrong_hashes: bool,
    ) -> Reply {
        if method != Method::GET && method != Method::HEAD {
            return Reply::new(StatusCode::METHOD_NOT_ALLOWED);
        }
        if let Some(credentials) = &options.credentials
            && request.header(AUTHORIZATION.as_str()) != Some(credentials.authorization().as_str())
        {
            return Reply::new(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, "Basic realm=\"index\"");
        }
        let universe = Arc::clone(&lock(&self.universe));
        if let Some(rest) = request.path.strip_prefix("/simple/") {
            return page_reply(&universe, rest, request, options, wrong_hashes);
        }
        if let Some(rest) = request.path.strip_prefix("/files/") {
            return self.file_reply(
                &universe,
                &rest.replace("%2B", "+").replace("%21", "!"),
                request,
                options,
            );
        }
        if let Some(rest) = request.path.strip_prefix("/whl/") {
            let index = Arc::clone(&lock(&self.pytorch));
            return pytorch_reply(&index, &rest.replace("%2B", "+"), request, options, wrong_hashes);
        }
        Reply::new(StatusCode::NOT_FOUND)
    }

    fn file_reply(
        &self,
        universe: &Universe,
        name: &str,
        request: &LoggedRequest,
        options: &ServerOptions,
    ) -> Reply {
        let known = |filename: &str| universe.find(filename);
        let bytes = match (known(name), name.strip_suffix(".metadata").and_then(known)) {
            (Some(file), _) => file.content.clone(),
            (None, Some(file)) => match &file.sidecar {
                Sidecar::Present(metadata) if options.sidecars != Sidecars::Off => Some(metadata.clone()),
                Sidecar::Unrecorded => None,
                Sidecar::Present(_) | Sidecar::Absent => return Reply::new(StatusCode::NOT_FOUND),
            },
            (None, None) => return Reply::new(StatusCode::NOT_FOUND),
        };
        let Some(bytes) = bytes else {
            self.complain_of_unrecorded(&request.path);
            return Reply::new(StatusCode::NOT_FOUND);
        };
        stored_reply(bytes, request, options)
    }

    #[expect(
        clippy::print_stderr,
        reason = "a test that asks for what was not recorded has to see why it fails"
    )]
    fn complain_of_unrecorded(&self, path: &str) {
        eprintln!("testkit: {path} is not in the recording; record it again with what asks for this file");
        lock(&self.log).unrecorded.push(path.to_owned());
    }
}

/// A page of a project, or the list of projects.
fn page_reply(
    universe: &Universe,
    rest: &str,
    request: &LoggedRequest,
    options: &ServerOptions,
    wrong_hashes: bool,
) -> Reply {
    let Some(format) = negotiate(request.header(ACCEPT.as_str()), options.json) else {
        return Reply::new(StatusCode::NOT_ACCEPTABLE);
    };
    let bytes = if rest.is_empty() {
        let names = universe.projects().map(|project| project.name.as_str());
        if format == PageFormat::Json { page::json_list(names) } else { page::html_list(names) }
    } else {
        let Some(project) = universe.project(rest.trim_end_matches('/')) else {
            return Reply::new(StatusCode::NOT_FOUND);
        };
        // PEP 503: the normalized name with a slash at its end is the address, the others lead to it.
        if rest.strip_suffix('/') != Some(project.name.as_str()) {
            let location = format!("/simple/{}/", project.name);
            return Reply::new(StatusCode::MOVED_PERMANENTLY).header(LOCATION, location);
        }
        let options = PageOptions {
            files_url: &options.files_url,
            files_query: &options.files_query,
            sidecars: options.sidecars,
            upload_times: options.upload_times,
            sizes: options.sizes,
            wrong_hashes,
        };
        if format == PageFormat::Json { page::json(project, &options) } else { page::html(project, &options) }
    };
    let reply = Reply::with_bytes(format.content_type(), bytes).header(VARY, "Accept");
    cached(reply, request, options.cache_control.as_deref(), options.etags)
}

/// A page, a wheel or a wheel's metadata of PyTorch's index.
fn pytorch_reply(
    index: &PyTorchIndex,
    path: &str,
    request: &LoggedRequest,
    options: &ServerOptions,
    wrong_hashes: bool,
) -> Reply {
    if let Some(folder) = path.strip_suffix('/') {
        let announcement = Announcement {
            host: request.header(HOST.as_str()).unwrap_or_default(),
            sidecars: options.sidecars,
            upload_times: options.upload_times,
            wrong_hashes,
        };
        let page = match folder.split_once('/') {
            Some((sub_index, project)) => pytorch::project_page(index, sub_index, project, announcement),
            None => pytorch::projects_page(index, folder),
        };
        let Some(bytes) = page else { return Reply::new(StatusCode::NOT_FOUND) };
        let reply = Reply::with_bytes("text/html", bytes);
        return cached(reply, request, options.cache_control.as_deref(), options.etags);
    }
    let beside = path.strip_suffix(".metadata").and_then(|path| index.find(path));
    match (index.find(path), beside) {
        (Some(wheel), _) => stored_reply(wheel.distribution().bytes.clone(), request, options),
        (None, Some(wheel)) if wheel.sidecar && options.sidecars != Sidecars::Off => {
            stored_reply(wheel.distribution().metadata.clone(), request, options)
        }
        _ => Reply::new(StatusCode::NOT_FOUND),
    }
}

/// A file, or a part of it.
fn stored_reply(bytes: Vec<u8>, request: &LoggedRequest, options: &ServerOptions) -> Reply {
    let reply = Reply::with_bytes("application/octet-stream", bytes);
    let reply = cached(reply, request, options.file_cache_control.as_deref(), options.etags);
    ranged(reply, request.header(RANGE.as_str()), options.ranges)
}

/// Adds what caches need, and answers 304 to a client that has these bytes.
fn cached(mut reply: Reply, request: &LoggedRequest, cache_control: Option<&str>, etags: bool) -> Reply {
    if let Some(cache_control) = cache_control {
        reply.set_header(CACHE_CONTROL, cache_control);
    }
    if etags {
        let etag = format!("\"{}\"", &sha256_hex(&reply.bytes)[..16]);
        let known = request.header(IF_NONE_MATCH.as_str()).unwrap_or_default();
        if known.split(',').any(|known| matches!(known.trim(), "*") || known.trim() == etag) {
            reply.status = StatusCode::NOT_MODIFIED;
            reply.bytes.clear();
        }
        reply.set_header(ETAG, etag);
    }
    reply
}

/// Answers a request for one range of bytes (RFC 9110 section 14); one for several gets the whole file, as it may.
fn ranged(mut reply: Reply, range: Option<&str>, ranges: Ranges) -> Reply {
    if ranges == Ranges::Off || reply.status != StatusCode::OK {
        return reply;
    }
    reply.set_header(ACCEPT_RANGES, "bytes");
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return reply;
    };
    let length = reply.bytes.len();
    let bounds = if first.is_empty() {
        if ranges == Ranges::NoSuffix {
            return Reply::new(StatusCode::NOT_IMPLEMENTED);
        }
        last.parse().ok().map(|count: usize| (length.saturating_sub(count), length))
    } else {
        let end = if last.is_empty() {
            Some(length)
        } else {
            last.parse().ok().map(|last: usize| last.saturating_add(1))
        };
        first.parse().ok().zip(end.map(|end| end.min(length)))
    };
    let Some((start, end)) = bounds else {
        return reply;
    };
    if start >= end {
        return Reply::new(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(CONTENT_RANGE, format!("bytes */{length}"));
    }
    reply.status = StatusCode::PARTIAL_CONTENT;
    reply.bytes = reply.bytes[start..end].to_vec();
    reply.header(CONTENT_RANGE, format!("bytes {start}-{}/{length}", end - 1))
}

fn gzip(source: &mut impl std::io::Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    std::io::copy(source, &mut encoder)
        .and_then(|_| encoder.flush())
        .and_then(|()| encoder.finish())
        .expect("gzip into memory does not fail")
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is no HTTP status"))
}
