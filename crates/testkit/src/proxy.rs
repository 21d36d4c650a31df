//! An HTTP proxy that leads every request to one server, whatever host it is for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Credentials;
use crate::server::transport::Background;

/// The longest head of a request, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// A proxy on 127.0.0.1. It opens tunnels (`CONNECT`) and passes requests on (`GET http://…`), both to the one server that
/// it was started with, so that a test can use any host name.
pub struct ProxyServer {
    background: Background,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    /// Leads to `server`, for clients that know the credentials if there are any.
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn start(server: SocketAddr, credentials: Option<Credentials>) -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&requests);
        let wanted = credentials.map(|credentials| credentials.authorization());
        let background = Background::accepting(0, move |stream| {
            let (log, wanted) = (Arc::clone(&log), wanted.clone());
            async move {
                // A client that breaks off is no fault of the proxy.
                pass_on(stream, server, wanted.as_deref(), &log).await.ok();
            }
        });
        Self { background, requests }
    }

    /// Where the proxy listens, `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.background.address()
    }

    /// The first line of the first request on each connection, such as `CONNECT index.example:443`, without the version.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass_on(
    mut stream: TcpStream,
    server: SocketAddr,
    wanted: Option<&str>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_LIMIT {
        head.push(stream.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head);
    let request = text.lines().next().unwrap_or_default();
    let request = request.trim_end_matches(" HTTP/1.1").to_owned();
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let given = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim())
    });
    if wanted.is_some() && given != wanted {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"proxy\"\r\n\
                       content-length: 0\r\nconnection: close\r\n\r\n";
        return stream.write_all(refusal.as_bytes()).await;
    }
    let mut upstream = TcpStream::connect(server).await?;
    if request.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        upstream.write_all(&head).await?;
    }
    tokio::io::copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}
