//! TLS in front of a server that has none, with certificates of an authority that nobody knows.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::server::transport::Background;

/// A new certificate authority with one server and one client, all in PEM form.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's own certificate.
    pub authority: String,
    /// The server's certificate and private key.
    pub server: String,
    /// The client's certificate and private key.
    pub client: String,
}

/// A port that speaks TLS and hands what it hears to another that does not.
pub struct TlsFront {
    background: Background,
}

impl Certificates {
    /// Makes certificates for a server by these names, which may be IP addresses.
    ///
    /// # Panics
    /// If a name is none.
    #[must_use]
    pub fn for_server(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    /// Makes certificates of which the server's is no longer valid.
    ///
    /// # Panics
    /// If a name is none.
    #[must_use]
    pub fn expired(names: &[&str]) -> Self {
        Self::with(names, |server| {
            server.not_before = rcgen::date_time_ymd(2020, 1, 1);
            server.not_after = rcgen::date_time_ymd(2020, 2, 1);
        })
    }

    fn with(names: &[&str], change: impl Fn(&mut CertificateParams)) -> Self {
        let params = |names: &[&str]| {
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .expect("the names are names of hosts")
        };
        let key = || KeyPair::generate().expect("a key can be made");
        let mut own = params(&[]);
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(own, key()).expect("a certificate can be signed");
        let signed =
            |names: &[&str], usage: ExtendedKeyUsagePurpose, change: &dyn Fn(&mut CertificateParams)| {
                let (mut params, key) = (params(names), key());
                params.extended_key_usages = vec![usage];
                change(&mut params);
                let certificate = params.signed_by(&key, &authority).expect("a certificate can be signed");
                certificate.pem() + &key.serialize_pem()
            };
        Self {
            server: signed(names, ExtendedKeyUsagePurpose::ServerAuth, &change),
            client: signed(&["client.example"], ExtendedKeyUsagePurpose::ClientAuth, &|_| {}),
            authority: authority.pem(),
        }
    }
}

impl TlsFront {
    /// Listens in front of `server`. With `asks_for_certificate`, only clients that show one of the authority are let in.
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn start(server: SocketAddr, certificates: &Certificates, asks_for_certificate: bool) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config(certificates, asks_for_certificate)));
        let background = Background::accepting(0, move |stream| {
            let acceptor = acceptor.clone();
            async move {
                // Whatever goes wrong is the client's to tell.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Ok(mut upstream) = TcpStream::connect(server).await else { return };
                tokio::io::copy_bidirectional(&mut stream, &mut upstream).await.ok();
            }
        });
        Self { background }
    }

    /// Where the front listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.background.address()
    }
}

fn config(certificates: &Certificates, asks_for_certificate: bool) -> ServerConfig {
    // Another test may have installed it before.
    rustls::crypto::ring::default_provider().install_default().ok();
    let authority = CertificateDer::from_pem_slice(certificates.authority.as_bytes()).expect("a certificate");
    let chain = CertificateDer::pem_slice_iter(certificates.server.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(certificates.server.as_bytes()).expect("a private key");
    let builder = ServerConfig::builder();
    let builder = if asks_for_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(authority).expect("an authority");
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key).expect("the key is the certificate's")
}
