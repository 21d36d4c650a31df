//! Requests that are for no index, over the same proxies and with the same certificates.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Response;
use url::Url;

use crate::error::chain;
use crate::index_url::is_web;
use crate::{IndexClient, retry};

/// Why there is no answer. It names no address, which may be a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct WebError {
    /// The reason, for people.
    pub reason: String,
    /// Whether another try may help.
    pub is_transient: bool,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct WebAnswer(Response);

impl IndexClient {
    /// Sends one request. Nothing is added that says who asks, no redirect is followed, nothing is tried again, and the body
    /// comes as it was sent.
    ///
    /// # Errors
    /// When the address or a header is none, or there is no answer.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<WebAnswer, WebError> {
        let refused = |reason: &str| WebError { reason: reason.to_owned(), is_transient: false };
        let url: Url = url.parse().map_err(|_| refused("the address is not valid"))?;
        if !is_web(&url) {
            return Err(refused("the address is not one of http or https"));
        }
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().map_err(|_| refused("the name of a header is not valid"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| refused("a header is not valid"))?;
            value.set_sensitive(name == http::header::AUTHORIZATION);
            map.append(name, value);
        }
        let client = self.transport.raw_client(&url).map_err(|reason| refused(&reason))?;
        let sent = client.request(method, url).headers(map).body(body).send().await;
        sent.map(WebAnswer).map_err(WebError::of)
    }
}

impl WebAnswer {
    /// The status of HTTP.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The headers; those that are not text are left out.
    pub fn headers(&self) -> Vec<(String, String)> {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        self.0.headers().iter().filter_map(text).collect()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When the body breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, WebError> {
        let chunk = self.0.chunk().await.map_err(WebError::of)?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

impl WebError {
    fn of(error: reqwest::Error) -> Self {
        let is_transient = retry::is_transient_error(&error);
        Self { reason: chain(&error.without_url()), is_transient }
    }
}
