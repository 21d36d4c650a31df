//! What was asked.

use std::collections::BTreeMap;

use http::request::Parts;

/// A request that the server saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// The path, as it was sent, without the query.
    pub path: String,
    /// The headers, their names in lowercase; values that are not text are left out.
    pub headers: BTreeMap<String, String>,
    /// The status of the answer: `None` while it is being made, and for a connection that was reset.
    pub status: Option<u16>,
}

impl LoggedRequest {
    /// The value of a header, whose name is given in lowercase.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// The requests so far, and what they asked for in vain.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: Vec<(u64, LoggedRequest)>,
    next: u64,
    pub(crate) unrecorded: Vec<String>,
}

impl RequestLog {
    /// Enters a request and gives the number under which its answer is to be told.
    pub(crate) fn arrived(&mut self, request: LoggedRequest) -> u64 {
        self.next += 1;
        self.entries.push((self.next, request));
        self.next
    }

    pub(crate) fn answered(&mut self, number: u64, status: u16) {
        if let Some((_, request)) = self.entries.iter_mut().find(|(known, _)| *known == number) {
            request.status = Some(status);
        }
    }

    pub(crate) fn requests(&self) -> impl Iterator<Item = &LoggedRequest> {
        self.entries.iter().map(|(_, request)| request)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

impl LoggedRequest {
    pub(crate) fn new(request: &Parts) -> Self {
        let headers = request
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        Self {
            method: request.method.to_string(),
            path: request.uri.path().to_owned(),
            headers,
            status: None,
        }
    }
}
