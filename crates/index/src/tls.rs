//! Whom we trust to be an index, and as whom we show ourselves: certificates that the caller names.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use thiserror::Error;
use url::Url;

/// The longest file of certificates that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// Certificates. Where none are named, the system's are trusted.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// A file of certificates in PEM form, or a folder of such files, to trust instead of the system's.
    pub certificates: Option<PathBuf>,
    /// Folders of such files, to trust as well as that.
    pub certificate_dirs: Vec<PathBuf>,
    /// A file with our own certificate and its private key, both in PEM form, for indexes that ask for one.
    pub client_certificate: Option<PathBuf>,
    /// Hosts whose certificates are not verified.
    pub trusted_hosts: Vec<TrustedHost>,
}

/// A host whose certificate is not verified: `host`, or `host:port`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedHost {
    /// As URLs write it: lowercase, IPv6 addresses in brackets.
    host: String,
    /// `None` stands for every port.
    port: Option<u16>,
}

/// A text is not a host.
#[derive(Debug, Error)]
#[error("not a host; one is given as `host` or `host:port`")]
pub struct TrustedHostError;

/// A file of certificates that cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct UnusableFile {
    pub(crate) path: PathBuf,
    pub(crate) problem: String,
}

impl TlsOptions {
    /// Whether the certificate of an address's host is taken as it is.
    pub(crate) fn trusts(&self, url: &Url) -> bool {
        self.trusted_hosts.iter().any(|trusted| trusted.is_of(url))
    }

    /// Tells the HTTP library what the options say.
    pub(crate) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, UnusableFile> {
        if self.certificates.is_some() || !self.certificate_dirs.is_empty() {
            builder = builder.tls_certs_only(self.roots()?);
        }
        if let Some(path) = &self.client_certificate {
            let unusable = |problem: String| UnusableFile { path: path.clone(), problem };
            let bytes = read(path).map_err(|error| unusable(error.to_string()))?;
            let identity = Identity::from_pem(&bytes).map_err(|_| {
                unusable(
                    "it does not hold a certificate and its private key, both in PEM form and not encrypted"
                        .to_owned(),
                )
            })?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }

    /// Every certificate that is to be trusted. There is at least one: to trust others instead would be a silent change
    /// of mind.
    fn roots(&self) -> Result<Vec<Certificate>, UnusableFile> {
        let mut roots = Vec::new();
        if let Some(path) = &self.certificates {
            roots = certificates_in(path)?;
        }
        for folder in &self.certificate_dirs {
            match certificates_in(folder) {
                Ok(found) => roots.extend(found),
                Err(error) => {
                    tracing::warn!(path = %error.path.display(), error.problem, "certificates not used");
                }
            }
        }
        if roots.is_empty() {
            let path = self.certificate_dirs.first().cloned().unwrap_or_default();
            return Err(UnusableFile { path, problem: "there is no certificate in PEM form".to_owned() });
        }
        Ok(roots)
    }
}

/// The certificates of a file or of the files in a folder.
fn certificates_in(path: &Path) -> Result<Vec<Certificate>, UnusableFile> {
    let unusable = |problem: String| UnusableFile { path: path.to_owned(), problem };
    let mut found = Vec::new();
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| unusable(error.to_string()))?;
        // Such folders hold other things too.
        for file in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            found.extend(read(&file).map(|bytes| usable_certificates(&bytes)).unwrap_or_default());
        }
    } else {
        found = usable_certificates(&read(path).map_err(|error| unusable(error.to_string()))?);
    }
    if found.is_empty() {
        return Err(unusable("there is no certificate in PEM form".to_owned()));
    }
    Ok(found)
}

/// The certificates that can be trusted; bundles of systems hold a few that cannot be read.
fn usable_certificates(bytes: &[u8]) -> Vec<Certificate> {
    let mut store = RootCertStore::empty();
    CertificateDer::pem_slice_iter(bytes)
        .filter_map(Result::ok)
        .filter(|certificate| store.add(certificate.clone()).is_ok())
        .filter_map(|certificate| Certificate::from_der(&certificate).ok())
        .collect()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::other(format!("the file is over the limit of {LIMIT} bytes")));
    }
    Ok(bytes)
}

impl TrustedHost {
    fn is_of(&self, url: &Url) -> bool {
        url.host_str() == Some(self.host.as_str())
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

impl FromStr for TrustedHost {
    type Err = TrustedHostError;

    /// Reads `host` or `host:port`; a scheme before it and a path after it are passed over.
    fn from_str(text: &str) -> Result<Self, TrustedHostError> {
        let text = text.trim();
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        // With a scheme that has no port of its own, whichever is written is kept.
        let url = Url::parse(&format!("http://{authority}/")).map_err(|_| TrustedHostError)?;
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        match url.host_str() {
            Some(host) if url.username().is_empty() && url.password().is_none() && !host.contains('*') => {
                Ok(Self { host: host.to_owned(), port: port.filter(|_| !authority.ends_with(']')) })
            }
            _ => Err(TrustedHostError),
        }
    }
}

impl fmt::Display for TrustedHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => formatter.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_host_is_one_host_and_one_port_where_one_is_given() {
        let trusts =
            |host: &str, url: &str| host.parse::<TrustedHost>().unwrap().is_of(&url.parse().unwrap());
        assert!(trusts("Index.example", "https://index.example:8443/simple/"));
        assert!(trusts("index.example:443", "https://index.example/simple/"));
        assert!(trusts("https://index.example/simple/", "https://index.example/"));
        assert!(trusts("[::1]:8443", "https://[::1]:8443/"));
        assert!(trusts("[::1]", "https://[::1]:8443/"));
        assert!(!trusts("index.example:8443", "https://index.example/"));
        assert!(!trusts("index.example", "https://sub.index.example/"));
        assert!(!trusts("example", "https://index.example/"));
        for wrong in ["", "*", "*.example", "ann@index.example", "a b", "index.example:port"] {
            assert!(wrong.parse::<TrustedHost>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn certificates_that_are_not_there_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        let garbage = folder.path().join("garbage.pem");
        fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        for path in [&folder.path().join("missing.pem"), &empty, &garbage, &folder.path().to_owned()] {
            let as_file = TlsOptions { certificates: Some(path.clone()), ..TlsOptions::default() };
            assert_eq!(&as_file.roots().unwrap_err().path, path);
            let as_folder = TlsOptions { certificate_dirs: vec![path.clone()], ..TlsOptions::default() };
            assert_eq!(&as_folder.roots().unwrap_err().path, path);
        }
        let own = TlsOptions { client_certificate: Some(empty.clone()), ..TlsOptions::default() };
        assert_eq!(own.apply(reqwest::Client::builder()).err().unwrap().path, empty);
    }
}
