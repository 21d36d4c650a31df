//! The proxies on the way to an index. They are told by the caller; no variable is read here.

use std::fmt;
use std::str::FromStr;

use reqwest::NoProxy;
use thiserror::Error;
use url::Url;

use crate::index_url::redacted;

/// Which proxy is used for which index.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For addresses that begin with `http:`.
    pub http: Option<ProxyUrl>,
    /// For addresses that begin with `https:`.
    pub https: Option<ProxyUrl>,
    /// Hosts, domains and networks that are reached without a proxy, divided by commas, as `NO_PROXY` lists them; `*`
    /// stands for all.
    pub except: Option<String>,
}

/// The address of a proxy. `Display` and `Debug` show neither its user nor its password.
#[derive(Clone, Eq, PartialEq)]
pub struct ProxyUrl(Url);

/// Why a text is not the address of a proxy. The text itself is not shown: it may hold a password.
#[derive(Debug, Error)]
pub enum ProxyUrlError {
    /// Not a URL.
    #[error("not the address of a proxy ({0}); one is given as http://host:port")]
    Malformed(#[from] url::ParseError),
    /// A scheme that no proxy has.
    #[error("`{0}:` is not a scheme that a proxy can have; use http, https, socks5 or socks5h")]
    Scheme(String),
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    /// Reads `http://user:password@host:port`; without a scheme, `http` is meant, as with curl.
    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let url =
            if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) }?;
        if !matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") {
            return Err(ProxyUrlError::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(url::ParseError::EmptyHost.into());
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ProxyUrl({self})")
    }
}

impl Proxies {
    /// The proxies as the HTTP library takes them.
    pub(crate) fn for_client(&self) -> reqwest::Result<Vec<reqwest::Proxy>> {
        let except = || self.except.as_deref().and_then(NoProxy::from_string);
        let http = self.http.iter().map(|proxy| reqwest::Proxy::http(proxy.0.as_str()));
        let https = self.https.iter().map(|proxy| reqwest::Proxy::https(proxy.0.as_str()));
        http.chain(https).map(|proxy| Ok(proxy?.no_proxy(except()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_no_scheme_and_shows_no_password() {
        for text in ["proxy.example:3128", "http://ann:hunter2@proxy.example:3128"] {
            let proxy: ProxyUrl = text.parse().unwrap();
            assert_eq!(
                format!("{proxy} {proxy:?}"),
                "http://proxy.example:3128/ ProxyUrl(http://proxy.example:3128/)"
            );
        }
        for wrong in
            ["", "http://", "ann:hunter2@:3128", "http://ann:hunter2@proxy.example:port", "ftp://hunter2@a"]
        {
            let error = wrong.parse::<ProxyUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
