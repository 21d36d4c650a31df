//! Answers, and the bodies of those that go wrong on the way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

/// An answer before it is sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) bytes: Vec<u8>,
}

/// The body of a response: all at once, or as a task sends it.
pub(crate) enum Body {
    Whole(Option<Bytes>),
    Streamed(mpsc::Receiver<io::Result<Bytes>>),
}

impl Reply {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), bytes: Vec::new() }
    }

    pub(crate) fn with_bytes(content_type: &str, bytes: Vec<u8>) -> Self {
        let headers = vec![(http::header::CONTENT_TYPE, content_type.to_owned())];
        Self { status: StatusCode::OK, headers, bytes }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.set_header(name, value);
        self
    }

    pub(crate) fn set_header(&mut self, name: HeaderName, value: impl Into<String>) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    /// The response that sends these bytes all at once.
    pub(crate) fn whole(mut self) -> Response<Body> {
        let length = self.bytes.len();
        // A 304 has no body, and the length it could state is that of the page it stands for.
        if self.status != StatusCode::NOT_MODIFIED {
            self.set_header(CONTENT_LENGTH, length.to_string());
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.response(Body::Whole(Some(bytes.into())))
    }

    /// The response that promises all bytes, sends the first `keep`, and breaks off.
    pub(crate) fn truncated(mut self, keep: usize) -> Response<Body> {
        self.set_header(CONTENT_LENGTH, self.bytes.len().to_string());
        let mut kept = std::mem::take(&mut self.bytes);
        kept.truncate(keep);
        self.streamed(async move |sender| {
            sender.send(Ok(kept.into())).await.ok();
            // What is kept has to leave before the connection breaks.
            tokio::time::sleep(Duration::from_millis(50)).await;
            sender.send(Err(io::Error::other("broken off as told"))).await.ok();
        })
    }

    /// The response that sends one byte, waits, and so on.
    pub(crate) fn slow(mut self, interval: Duration) -> Response<Body> {
        self.set_header(CONTENT_LENGTH, self.bytes.len().to_string());
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        self.streamed(async move |sender| {
            for position in 0..bytes.len() {
                if sender.send(Ok(bytes.slice(position..=position))).await.is_err() {
                    return;
                }
                tokio::time::sleep(interval).await;
            }
        })
    }

    /// The response that sends its bytes, then spaces until the client has had enough.
    pub(crate) fn endless(mut self) -> Response<Body> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        self.streamed(async move |sender| {
            let mut next = bytes;
            while sender.send(Ok(next)).await.is_ok() {
                next = Bytes::from_static(&[b' '; 16 * 1024]);
            }
        })
    }

    fn streamed<F>(self, send: impl FnOnce(mpsc::Sender<io::Result<Bytes>>) -> F) -> Response<Body>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(1);
        drop(tokio::spawn(send(sender)));
        self.response(Body::Streamed(receiver))
    }

    fn response(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value)
                .unwrap_or_else(|_| panic!("`{value}` cannot be the value of the header {name}"));
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Streamed(receiver) => {
                receiver.poll_recv(context).map(|received| Some(received?.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}
