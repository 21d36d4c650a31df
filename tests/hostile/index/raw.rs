//! A server that says anything at all, byte for byte.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

/// Answers each connection's one request with what `answer` gives for its path, then closes the connection. It ends with
/// the tests. Gives the address of its index.
pub(super) fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> String {
    serve_streams(move |mut stream| {
        let path = path(&stream);
        // A client may hang up before it has read all.
        drop(stream.write_all(&answer(&path)));
    })
}

/// Hands each connection to `answer`, one after the other.
pub(super) fn serve_streams(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    format!("http://{address}/simple/")
}

/// Reads the head of a request for its path.
fn path(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned()
}

/// An answer with these lines of its head and this body, whose length is not told.
pub(super) fn answer(head: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = head.join("\r\n");
    [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body.as_ref()].concat()
}
