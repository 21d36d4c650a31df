//! A registry on loopback, one request a connection, and a client of a few lines that speaks to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mlresolve_layers::registry::{Request, Response, Transport, TransportError};

/// No wait in a test is longer.
const BOUND: Duration = Duration::from_secs(10);

/// A request as the registry saw it. Names of headers are in lower case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// How many bytes of the body are sent before the connection ends.
    pub(crate) cut: Option<usize>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A server that answers each request as the function says, which gets the number of the request too.
    pub(crate) fn start(answer: impl Fn(&Seen, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self { address, seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(BOUND)).unwrap();
                let Ok(request) = read_request(&mut stream) else { continue };
                if request.method == "END" {
                    return;
                }
                let number = seen.lock().unwrap().len();
                let answer = answer(&request, number);
                seen.lock().unwrap().push(request);
                // Whoever asked may have gone.
                let _gone = write_answer(&mut stream, &answer);
            }
        });
        server
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The paths that were asked for, without queries.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path.split('?').next().unwrap().to_owned()).collect()
    }

    pub(crate) fn image(&self, name: &str) -> mlresolve_layers::registry::Reference {
        format!("{}/{name}", self.address).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect_timeout(&self.address, BOUND) {
            let _gone = stream.write_all(b"END / HTTP/1.1\r\n\r\n");
        }
    }
}

fn read_request(stream: &mut TcpStream) -> io::Result<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = read_headers(&mut reader)?.into_iter().collect::<BTreeMap<_, _>>();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Seen { method, path, headers, body: String::from_utf8(body).unwrap() })
}

fn read_headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(headers) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn write_answer(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {} x\r\nConnection: close\r\n", answer.status)?;
    if !answer.headers.iter().any(|(name, _)| *name == "Content-Length") {
        write!(stream, "Content-Length: {}\r\n", answer.body.len())?;
    }
    for (name, value) in &answer.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body[..answer.cut.unwrap_or(answer.body.len())])
}

/// Speaks plain HTTP and notes how long it was to wait, without waiting.
#[derive(Default)]
pub(crate) struct Plain {
    pub(crate) waits: RefCell<Vec<Duration>>,
}

impl Transport for Plain {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        exchange(request).map_err(|error| TransportError { problem: error.to_string(), again: true })
    }

    fn wait(&self, time: Duration) -> Result<(), TransportError> {
        self.waits.borrow_mut().push(time);
        Ok(())
    }
}

fn exchange(request: &Request) -> io::Result<Response> {
    let rest = request.url.strip_prefix("http://").ok_or(io::ErrorKind::Unsupported)?;
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect_timeout(&host.parse().unwrap(), BOUND)?;
    stream.set_read_timeout(Some(BOUND))?;
    let mut text =
        format!("{} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", request.method.as_str());
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    stream.write_all(text.as_bytes())?;
    stream.write_all(&request.body)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let headers = read_headers(&mut reader)?;
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let left = length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0);
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Response { status, headers, body: Box::new(Body { reader, left }) })
}

/// A body whose length is known: an early end is an error.
struct Body {
    reader: BufReader<TcpStream>,
    left: u64,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.left as usize);
        if most == 0 {
            return Ok(0);
        }
        let length = self.reader.read(&mut buffer[..most])?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= length as u64;
        Ok(length)
    }
}

/// What a registry answers that has the blobs of a layout, and one tag.
pub(crate) fn stored(root: &Path, tagged: &str, seen: &Seen) -> Answer {
    let path = seen.path.strip_prefix("/v2/team/base/").unwrap_or_default();
    let (kind, name) = path.split_once('/').unwrap_or_default();
    let digest = if name == "1" { tagged } else { name };
    let Some(hex) = digest.strip_prefix("sha256:") else {
        return Answer::new(
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown\u001b[31m"}]}"#,
        );
    };
    let Ok(bytes) = std::fs::read(root.join("blobs/sha256").join(hex)) else { return Answer::new(404, "") };
    if kind == "manifests" {
        return Answer::new(200, bytes).with("Docker-Content-Digest", digest);
    }
    let range = seen.header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
    match range.and_then(|from| from.parse::<usize>().ok()) {
        None => Answer::new(200, bytes),
        Some(from) => {
            let stated = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Answer::new(206, &bytes[from..]).with("Content-Range", stated)
        }
    }
}
