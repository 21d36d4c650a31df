//! The address of an index, and how addresses are shown without their secrets.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use url::{Host, Url};

use crate::credentials::{Credentials, take_userinfo};

/// The address of a package index (the Simple repository API, PEP 503 and PEP 691), with the credentials
/// that were written into it.
///
/// `Display` and `Debug` never show the user or the password: some indexes take a token as the user.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct IndexUrl(Arc<Parts>);

#[derive(Eq, Hash, PartialEq)]
struct Parts {
    /// Without userinfo; its path ends in a slash.
    url: Url,
    credentials: Option<Credentials>,
    forbidden_is_absent: bool,
    /// Whether this is an index by project, and not a page or folder of files.
    by_project: bool,
}

/// Why a text is not the address of an index. The text itself is not shown: it may hold a password.
#[derive(Debug, Error)]
pub enum IndexUrlError {
    /// Not a URL.
    #[error("not a URL ({0}); an index is given as https://host/simple/")]
    Malformed(#[from] url::ParseError),
    /// A scheme other than http and https.
    #[error("`{0}:` is not a scheme that an index can have; use https")]
    Scheme(String),
    /// A query, which would be lost when project names are appended and may hold a token.
    #[error("the URL has a query (`?…`), which cannot be kept when project names are appended")]
    Query,
    /// `https://user/name:password@host`: the part before the slash would be taken for the host.
    #[error("the URL has a `:` followed by `@` in its path; write a `/` in a user name as %2F")]
    AmbiguousCredentials,
}

impl IndexUrl {
    /// The same address, for an index that says 403 (forbidden) for a project that it does not have, as
    /// object stores do when listing is off. Without this, 403 is an error: taking it for "not there"
    /// would let a wrong password hand a private name to the next index.
    #[must_use]
    pub fn forbidden_means_absent(&self) -> Self {
        Self(Arc::new(Parts {
            url: self.0.url.clone(),
            credentials: self.0.credentials.clone(),
            forbidden_is_absent: true,
            by_project: self.0.by_project,
        }))
    }

    /// A page or a folder that lists files of any project. A query is left out: it cannot be told from a secret.
    pub(crate) fn links(mut url: Url) -> Result<Self, IndexUrlError> {
        if !is_web(&url) && url.scheme() != "file" {
            return Err(IndexUrlError::Scheme(url.scheme().to_owned()));
        }
        let credentials = take_credentials(&mut url)?;
        url.set_query(None);
        Ok(Self(Arc::new(Parts { url, credentials, forbidden_is_absent: false, by_project: false })))
    }

    /// Whether this is an index by project (PEP 503), and not a page or folder of files (`--find-links`).
    pub fn is_by_project(&self) -> bool {
        self.0.by_project
    }

    /// Whether files that are offered here may lie on this machine's disk: the user named a place there.
    pub(crate) fn is_local(&self) -> bool {
        self.0.url.scheme() == "file"
    }

    /// The address without its credentials, as a lock may hold it. Its path ends in a slash.
    pub fn public_url(&self) -> &Url {
        &self.0.url
    }

    /// Whether 403 says that the project is not there.
    pub(crate) fn forbidden_is_absent(&self) -> bool {
        self.0.forbidden_is_absent
    }

    /// The page of a project, without credentials.
    pub(crate) fn project_url(&self, name: &str) -> Url {
        let mut url = self.0.url.clone();
        url.set_path(&format!("{}{name}/", self.0.url.path()));
        url
    }

    /// What tells this index from others in the cache: address and user, never the password, which changes
    /// while the index stays the same.
    pub(crate) fn identity(&self) -> String {
        let mut user = self.0.url.clone();
        if let Some(credentials) = &self.0.credentials {
            // Fails only for a URL without a host, which no index has.
            let _ = user.set_username(&credentials.user);
        }
        format!("{}@{}", user.username(), self.0.url)
    }

    /// The credentials that were written into the address.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.0.credentials.as_ref()
    }

    /// Whether a URL lies on the index's origin: scheme, host and port. Only there do its credentials go.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        url.origin() == self.0.url.origin()
    }
}

impl FromStr for IndexUrl {
    type Err = IndexUrlError;

    fn from_str(text: &str) -> Result<Self, IndexUrlError> {
        let mut url = Url::parse(text.trim())?;
        if !is_web(&url) {
            return Err(IndexUrlError::Scheme(url.scheme().to_owned()));
        }
        if url.query().is_some() {
            return Err(IndexUrlError::Query);
        }
        let credentials = take_credentials(&mut url)?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self(Arc::new(Parts { url, credentials, forbidden_is_absent: false, by_project: true })))
    }
}

/// Moves the credentials out of a URL, and drops its fragment.
fn take_credentials(url: &mut Url) -> Result<Option<Credentials>, IndexUrlError> {
    if url.path().split_once(':').is_some_and(|(_, rest)| rest.contains('@')) && is_web(url) {
        return Err(IndexUrlError::AmbiguousCredentials);
    }
    url.set_fragment(None);
    Ok(take_userinfo(url))
}

impl fmt::Display for IndexUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.credentials.is_none() {
            return write!(formatter, "{}", self.0.url);
        }
        let rest = self.0.url.as_str().split_once("://").map_or("", |(_, rest)| rest);
        write!(formatter, "{}://****@{rest}", self.0.url.scheme())
    }
}

impl fmt::Debug for IndexUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IndexUrl({self})")
    }
}

/// A URL as a message may show it: without userinfo, and without the query, which may be a signature.
pub(crate) fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    remove_userinfo(&mut url);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    url.set_fragment(None);
    url.to_string()
}

/// Whether a URL is fetched over HTTP: nothing an index says may make us read local files.
pub(crate) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Whether a URL names a link-local address (RFC 3927, RFC 4291): the host beside us, where cloud machines are told their
/// secrets. No index may send us there unless it is there itself.
pub(crate) fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            address.is_unicast_link_local()
                || address.to_ipv4_mapped().is_some_and(|address| address.is_link_local())
        }
        Some(Host::Domain(_)) | None => false,
    }
}

/// Drops user and password from a URL.
pub(crate) fn remove_userinfo(url: &mut Url) {
    // Both fail only for a URL that cannot have userinfo.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "hunter2";

    #[test]
    fn the_page_of_a_project_is_below_the_index_with_or_without_a_final_slash() {
        for text in ["https://index.example/simple", "https://index.example/simple/"] {
            let index: IndexUrl = text.parse().unwrap();
            assert_eq!(index.project_url("numpy").as_str(), "https://index.example/simple/numpy/");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        let index: IndexUrl = format!("https://{CANARY}:{CANARY}@index.example/simple").parse().unwrap();
        let shown = format!(
            "{index} {index:?} {:?}",
            crate::ClientOptions { indexes: vec![index.clone()], ..Default::default() }
        );
        assert!(!shown.contains(CANARY), "{shown}");
        assert_eq!(index.to_string(), "https://****@index.example/simple/");
        assert_eq!(index.public_url().as_str(), "https://index.example/simple/");
        let malformed = format!("https://{CANARY}@host:port/").parse::<IndexUrl>().unwrap_err();
        assert!(!malformed.to_string().contains(CANARY));
    }

    #[test]
    fn the_password_is_no_part_of_the_identity_but_the_user_is() {
        let identity = |text: &str| text.parse::<IndexUrl>().unwrap().identity();
        assert_eq!(identity("https://ann:one@index.example/"), identity("https://ann:two@index.example/"));
        assert_ne!(identity("https://ann@index.example/"), identity("https://bob@index.example/"));
    }

    #[test]
    fn credentials_are_for_the_same_origin_only() {
        let index: IndexUrl = format!("https://ann:{CANARY}@index.example/simple/").parse().unwrap();
        assert_eq!(index.credentials().unwrap().password.as_deref(), Some(CANARY));
        let is_ours = |text: &str| index.is_origin_of(&text.parse().unwrap());
        assert!(is_ours("https://index.example/files/a.whl"));
        assert!(is_ours("https://INDEX.example:443/files/a.whl"));
        for other in [
            "https://index.example:444/a.whl",
            "http://index.example/a.whl",
            "https://files.index.example/a.whl",
            "https://index.example.evil.example/a.whl",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn addresses_that_cannot_be_an_index_are_refused() {
        for text in [
            "simple",
            "file:///srv/simple",
            "https://host.example/?token=x",
            "https://user/name:pw@host.example/",
        ] {
            assert!(text.parse::<IndexUrl>().is_err(), "{text}");
        }
        assert!("https://host.example/org/feed@view/simple/".parse::<IndexUrl>().is_ok());
    }

    #[test]
    fn the_addresses_of_the_host_beside_us_are_known_in_every_spelling() {
        let is_beside = |host: &str| is_link_local(&format!("http://{host}/").parse().unwrap());
        for host in ["169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1]", "[::ffff:169.254.169.254]"] {
            assert!(is_beside(host), "{host}");
        }
        for host in ["127.0.0.1", "169.253.0.1", "[::1]", "host.example"] {
            assert!(!is_beside(host), "{host}");
        }
    }

    #[test]
    fn a_signed_file_url_is_shown_without_its_signature() {
        let url = "https://ann:pw@files.example/a.whl?sig=hunter2#sha256=00".parse().unwrap();
        assert_eq!(redacted(&url), "https://files.example/a.whl?%E2%80%A6");
    }
}
