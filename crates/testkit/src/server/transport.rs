//! A loopback HTTP/1.1 server in a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::body::Body;

/// Answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The answer, or a reset of the connection.
    fn handle(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Reset>> + Send;
}

/// The connection is to be reset instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset as told")]
pub(crate) struct Reset;

/// A running server; dropping it stops it.
pub(crate) struct Background {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Serves on a port of 127.0.0.1; 0 takes a free one.
    pub(crate) fn start<H: Handler>(port: u16, handler: Arc<H>) -> Self {
        Self::accepting(port, move |stream| serve(stream, Arc::clone(&handler)))
    }

    /// Hands each connection to a port of 127.0.0.1 to `serve`; 0 takes a free port.
    pub(crate) fn accepting<F>(port: u16, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .unwrap_or_else(|error| panic!("port {port} of 127.0.0.1 cannot be had: {error}"));
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a tokio runtime can be made");
            runtime.block_on(async move {
                tokio::select! {
                    _ = stopped => {}
                    error = accept(listener, serve) => panic!("the server cannot accept connections: {error}"),
                }
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Accepts connections until that fails.
async fn accept<F>(listener: std::net::TcpListener, serve: impl Fn(TcpStream) -> F) -> io::Error
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream))),
            // The client gave up between connecting and being accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return error,
        }
    }
}

async fn serve<H: Handler>(stream: TcpStream, handler: Arc<H>) {
    stream.set_nodelay(true).ok();
    // Keeping the connection at hand to reset it takes a future that can be moved.
    let service = service_fn(|request| Box::pin(handler.handle(request)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let result = std::future::poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let reset = result.is_err_and(|error| is_reset(&error));
    let stream = connection.into_parts().io.into_inner();
    if reset {
        // Without lingering, closing the socket sends RST instead of FIN.
        stream.set_zero_linger().ok();
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<Reset>)
}
