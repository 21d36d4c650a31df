//! An HTTP server that answers as a test says and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mlresolve_index::{ClientOptions, File, IndexClient, Project, ProjectAnswer};
use mlresolve_packaging::PackageName;

/// What a request asked for; header names are lowercase.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

/// What is answered.
pub(crate) struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Only so many bytes of the body are sent.
    cut: Option<usize>,
}

/// A server; it ends with the process.
pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server. The handler is given the request and how many came before it.
    pub(crate) fn start(handler: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, handler) = (Arc::clone(&requests), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                std::thread::spawn(move || serve(stream.unwrap(), &log, &*handler));
            }
        });
        Self { address, requests }
    }

    /// An address below this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The paths that were asked for so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.path).collect()
    }

    /// Options for a client of this server alone, without a cache, that does not wait long.
    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions {
            indexes: vec![self.url("/simple").parse().unwrap()],
            retry_delay: std::time::Duration::from_millis(1),
            ..ClientOptions::default()
        }
    }

    /// A client with these options.
    pub(crate) fn client(&self) -> IndexClient {
        IndexClient::new(self.options())
    }
}

impl Request {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Response {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), cut: None }
    }

    pub(crate) fn json(text: &str) -> Self {
        Self::new(200).header("content-type", "application/vnd.pypi.simple.v1+json").body(text)
    }

    pub(crate) fn html(text: &str) -> Self {
        Self::new(200).header("content-type", "text/html").body(text)
    }

    /// A redirect to an address.
    pub(crate) fn redirect(to: &str) -> Self {
        Self::new(302).header("location", to)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Breaks the connection after so many bytes of the body.
    pub(crate) fn cut(mut self, at: usize) -> Self {
        self.cut = Some(at);
        self
    }

    /// Serves the part of the body that the request asks for.
    pub(crate) fn range_of(request: &Request, body: &[u8]) -> Self {
        let Some(range) = request.header("range").and_then(|range| range.strip_prefix("bytes=")) else {
            return Self::new(200).body(body);
        };
        let (start, end) = match range.split_once('-').unwrap() {
            ("", count) => (body.len().saturating_sub(count.parse().unwrap()), body.len()),
            (start, end) => (start.parse().unwrap(), end.parse::<usize>().unwrap() + 1),
        };
        let content_range = format!("bytes {start}-{}/{}", end - 1, body.len());
        Self::new(206).header("content-range", &content_range).body(&body[start..end])
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    handler: &(dyn Fn(&Request, usize) -> Response + Send + Sync),
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let headers = lines.take_while(|line| !line.is_empty());
    let headers = headers.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    let request = Request { path, headers: headers.collect() };
    let before = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    let response = handler(&request, before);
    let mut head = format!("HTTP/1.1 {} Status\r\nconnection: close\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if response.status != 304 {
        head.push_str(&format!("content-length: {}\r\n", response.body.len()));
    }
    let sent = response.cut.unwrap_or(response.body.len());
    // The client may have left on purpose.
    drop(stream.write_all(format!("{head}\r\n").as_bytes()));
    drop(stream.write_all(&response.body[..sent]));
}

/// A name.
pub(crate) fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

/// The project, which must be found.
pub(crate) async fn found(client: &IndexClient, project: &str) -> Arc<Project> {
    match client.project(&name(project)).await.unwrap() {
        ProjectAnswer::Found(project) => project,
        other => panic!("not found: {other:?}"),
    }
}

/// The only file of a project's newest release.
pub(crate) async fn only_file(client: &IndexClient, project: &str) -> File {
    let project = found(client, project).await;
    let release = project.release(project.versions().len() - 1).unwrap();
    release.files().next().unwrap().clone()
}

/// A JSON page whose files are given as JSON objects.
pub(crate) fn page(project: &str, files: &[String]) -> String {
    format!(r#"{{"meta": {{"api-version": "1.1"}}, "name": "{project}", "files": [{}]}}"#, files.join(","))
}

/// A file of a JSON page, with more members given as JSON.
pub(crate) fn file(filename: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(r#"{{"filename": "{filename}", "url": "/files/{filename}", "hashes": {{}}{comma}{more}}}"#)
        .replace(r#""hashes": {},"hashes""#, r#""hashes""#)
}
