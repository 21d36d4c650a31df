//! The index that is recorded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::wheel_metadata;
use crate::{RecordedFile, RecordedProject};

/// Most bytes of a page or of metadata.
const MAXIMUM_BODY: usize = 64 << 20;

/// Why the upstream index does not answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The address on the command line is none.
    #[error("`{text}` is no address of an index; give one such as https://index.example/simple")]
    Address {
        /// What was given.
        text: String,
    },
    /// The request failed.
    #[error("the upstream index does not answer: {0}")]
    Request(#[from] reqwest::Error),
    /// The answer was neither a page nor 404.
    #[error("the upstream index answers with status {0}")]
    Status(StatusCode),
    /// The answer is larger than anything we know.
    #[error("the upstream index answers with more than {MAXIMUM_BODY} bytes (MAXIMUM_BODY)")]
    TooLarge,
    /// The wheel is not one.
    #[error("the metadata cannot be read out of the wheel: {0}")]
    Wheel(#[from] zip::result::ZipError),
    /// The directory of the wheel is larger than anything we know.
    #[error("the metadata of the wheel takes more than {limit} range requests (MAXIMUM_RANGES)")]
    TooManyRanges {
        /// The most that are made.
        limit: usize,
    },
    /// The page is not JSON as PEP 691 has it.
    #[error("the upstream index does not answer with a page in JSON (PEP 691): {0}")]
    Page(#[from] serde_json::Error),
}

pub(super) struct Upstream {
    client: Client,
    index: Url,
}

/// Where a file is upstream.
#[derive(Clone)]
pub(super) struct Location {
    url: String,
    /// Whether upstream offers the metadata beside it.
    sidecar: bool,
}

#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PageFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    requires_python: Option<String>,
    size: Option<u64>,
    upload_time: Option<String>,
    #[serde(default)]
    yanked: Value,
    #[serde(default)]
    core_metadata: Value,
    #[serde(default)]
    dist_info_metadata: Value,
}

impl Upstream {
    pub(super) fn new(index: &str) -> Result<Self, UpstreamError> {
        // It fails only if a provider is installed already, which does as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let text = format!("{}/", index.trim_end_matches('/'));
        let index = Url::parse(&text).map_err(|_| UpstreamError::Address { text })?;
        let client = Client::builder().user_agent("mlresolve-testkit").build()?;
        Ok(Self { client, index })
    }

    /// The page of a project and where its files are; `None` if there is no such project.
    pub(super) async fn project(
        &self,
        name: &str,
        exclude_newer: Option<Timestamp>,
    ) -> Result<Option<(RecordedProject, BTreeMap<String, Location>)>, UpstreamError> {
        let address = self
            .index
            .join(&format!("{name}/"))
            .map_err(|_| UpstreamError::Address { text: name.to_owned() })?;
        let Some(body) = self.get(address.clone(), "application/vnd.pypi.simple.v1+json").await? else {
            return Ok(None);
        };
        let page: Page = serde_json::from_slice(&body)?;
        let mut files = Vec::new();
        let mut locations = BTreeMap::new();
        for file in page.files {
            if exclude_newer.is_some_and(|limit| is_newer(&file, limit)) {
                continue;
            }
            if let Ok(url) = address.join(&file.url) {
                let offers = |offer: &Value| matches!(offer, Value::Bool(true) | Value::Object(_));
                let sidecar = offers(&file.core_metadata) || offers(&file.dist_info_metadata);
                locations.insert(file.filename.clone(), Location { url: url.into(), sidecar });
            }
            files.push(file.record());
        }
        Ok(Some((RecordedProject { project: name.to_owned(), files }, locations)))
    }

    /// The metadata beside a wheel, or else in it; `None` if there is neither.
    pub(super) async fn metadata(
        &self,
        location: &Location,
        size: Option<u64>,
    ) -> Result<Option<String>, UpstreamError> {
        let Location { url, sidecar } = location;
        if *sidecar {
            let text = format!("{url}.metadata");
            let address = Url::parse(&text).map_err(|_| UpstreamError::Address { text })?;
            let body = self.get(address, "*/*").await?;
            return Ok(body.map(|body| String::from_utf8_lossy(&body).into_owned()));
        }
        match size {
            Some(size) => {
                wheel_metadata::read(size, |start, end| self.range(url, start, end)).await.map(Some)
            }
            None => Ok(None),
        }
    }

    async fn range(&self, url: &str, start: u64, end: u64) -> Result<Vec<u8>, UpstreamError> {
        let last = end.saturating_sub(1);
        let request = self.client.get(url).header(http::header::RANGE, format!("bytes={start}-{last}"));
        let response = request.send().await?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(UpstreamError::Status(response.status()));
        }
        body_of(response).await
    }

    async fn get(&self, address: Url, accept: &str) -> Result<Option<Vec<u8>>, UpstreamError> {
        let response = self.client.get(address).header(http::header::ACCEPT, accept).send().await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(UpstreamError::Status(status)),
        }
        body_of(response).await.map(Some)
    }
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, UpstreamError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAXIMUM_BODY {
            return Err(UpstreamError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl PageFile {
    fn record(self) -> RecordedFile {
        RecordedFile {
            core_metadata: self.filename.ends_with(".whl"),
            yanked: matches!(self.yanked, Value::Bool(true) | Value::String(_)),
            yanked_reason: self.yanked.as_str().map(without_addresses),
            sha256: self.hashes.get("sha256").cloned(),
            metadata: None,
            filename: self.filename,
            upload_time: self.upload_time,
            requires_python: self.requires_python,
            size: self.size,
        }
    }
}

/// Whether a file was uploaded at the limit or later; one without a time is kept.
fn is_newer(file: &PageFile, limit: Timestamp) -> bool {
    file.upload_time
        .as_deref()
        .and_then(|time| time.parse::<Timestamp>().ok())
        .is_some_and(|time| time >= limit)
}

/// The text without words that are addresses: a recording names no hosts.
fn without_addresses(text: &str) -> String {
    let is_address = |word: &&str| word.contains("://") || word.contains("www.") || word.contains(".org/");
    let words = text.split_whitespace();
    words.map(|word| if is_address(&word) { "(address)" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_words_and_lose_addresses() {
        assert_eq!(
            without_addresses("broken, see https://issues.example/1 or 2.0.1"),
            "broken, see (address) or 2.0.1"
        );
    }
}
