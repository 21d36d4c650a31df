//! A package index on loopback that can be told how to behave, and to misbehave.

mod body;
mod fault;
mod log;
mod negotiate;
mod options;
mod respond;
#[cfg(test)]
mod tests;
pub(crate) mod transport;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use self::body::{Body, Reply};
pub use self::fault::Fault;
use self::fault::FaultRules;
pub use self::log::LoggedRequest;
use self::log::RequestLog;
pub(crate) use self::negotiate::{PageFormat, negotiate};
pub use self::options::{Credentials, Latency, Ranges, ServerOptions, Sidecars};
use self::transport::Background;
use crate::{PyTorchIndex, Recording, Universe};

/// A package index served over HTTP on 127.0.0.1, from a thread of its own, until it is dropped.
///
/// | path | answer |
/// |---|---|
/// | `/simple/` | all projects |
/// | `/simple/NAME/` | the page of a project, in JSON or HTML as the client prefers |
/// | `/files/FILENAME` | a file |
/// | `/files/FILENAME.metadata` | its metadata (PEP 658) |
/// | `/whl/SUB-INDEX/NAME/` | a page of the [`PyTorchIndex`], in HTML |
/// | `/whl/SUB-INDEX/FILENAME`, `/whl/FILENAME` | a wheel of it, and its metadata beside it |
///
/// ```
/// # use mlresolve_testkit::{Fault, IndexServer, ServerOptions, Universe};
/// let universe = Universe::new().text("a 1.0: b\nb 1.0");
/// let server = IndexServer::start_with(universe, ServerOptions { json: false, ..ServerOptions::default() });
/// server.fault_times("/simple/a/", 2, Fault::Status(500));
/// // … resolve against `server.index_url()` …
/// assert_eq!(server.requests().len(), 0);
/// ```
pub struct IndexServer {
    shared: Arc<Shared>,
    background: Background,
}

/// What requests are answered from.
pub(crate) struct Shared {
    universe: Mutex<Arc<Universe>>,
    pytorch: Mutex<Arc<PyTorchIndex>>,
    options: Mutex<Arc<ServerOptions>>,
    delays: Mutex<Vec<(String, Duration)>>,
    faults: Mutex<FaultRules>,
    log: Mutex<RequestLog>,
}

impl IndexServer {
    /// Serves `universe` as a modern index does.
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn start(universe: Universe) -> Self {
        Self::start_with(universe, ServerOptions::default())
    }

    /// Serves `universe` as the options say.
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn start_with(universe: Universe, options: ServerOptions) -> Self {
        Self::start_on(0, universe, options)
    }

    /// Serves on a given port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Panics
    /// If the port cannot be had.
    #[must_use]
    pub fn start_on(port: u16, universe: Universe, options: ServerOptions) -> Self {
        let shared = Arc::new(Shared {
            universe: Mutex::new(Arc::new(universe)),
            pytorch: Mutex::default(),
            options: Mutex::new(Arc::new(options)),
            delays: Mutex::default(),
            faults: Mutex::default(),
            log: Mutex::default(),
        });
        let background = Background::start(port, Arc::clone(&shared));
        Self { shared, background }
    }

    /// Serves a recorded slice of a real index. A project that was not recorded answers 404, as one that does not exist;
    /// metadata that was not recorded answers 404 too, with a line on standard error and an entry in
    /// [`Self::unrecorded`].
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn replay(recording: &Recording) -> Self {
        Self::start(recording.universe())
    }

    /// Serves PyTorch's index and no other, as the real one does.
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn pytorch(index: PyTorchIndex) -> Self {
        let server = Self::start_with(Universe::new(), ServerOptions::pytorch());
        server.set_pytorch(index);
        server
    }

    /// The origin, `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.background.address())
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.background.address()
    }

    /// The address to give to a resolver as its index.
    #[must_use]
    pub fn index_url(&self) -> String {
        format!("{}/simple/", self.origin())
    }

    /// The folder under which the sub-indexes of the [`PyTorchIndex`] lie, such as `cu128`, without a slash at the end.
    #[must_use]
    pub fn torch_index_url(&self) -> String {
        self.url("/whl")
    }

    /// The address of the index with a user name and password in it.
    #[must_use]
    pub fn index_url_with(&self, credentials: &Credentials) -> String {
        let Credentials { user, password } = credentials;
        format!("http://{user}:{password}@{}/simple/", self.background.address())
    }

    /// The address of a path on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// Publishes another universe from now on.
    pub fn set_universe(&self, universe: Universe) {
        *lock(&self.shared.universe) = Arc::new(universe);
    }

    /// Publishes another PyTorch index from now on, beside whatever else is served.
    pub fn set_pytorch(&self, index: PyTorchIndex) {
        *lock(&self.shared.pytorch) = Arc::new(index);
    }

    /// Changes how requests are answered from now on.
    pub fn set_options(&self, options: ServerOptions) {
        *lock(&self.shared.options) = Arc::new(options);
    }

    /// Answers requests for `path` with a fault for ever. A path that ends in `*` stands for all that begin so. Where
    /// several faults are set for a path, the first still in force is taken.
    pub fn fault(&self, path: &str, fault: Fault) {
        lock(&self.shared.faults).add(path, None, fault);
    }

    /// Answers the next `times` requests for `path` with a fault, then as usual.
    pub fn fault_times(&self, path: &str, times: u32, fault: Fault) {
        lock(&self.shared.faults).add(path, Some(times), fault);
    }

    /// Ends every fault, whether it wore off or not.
    pub fn clear_faults(&self) {
        *lock(&self.shared.faults) = FaultRules::default();
    }

    /// Lets requests for `path` (which may end in `*`) wait, on top of [`ServerOptions::latency`].
    pub fn delay(&self, path: &str, delay: Duration) {
        lock(&self.shared.delays).push((path.to_owned(), delay));
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        lock(&self.shared.log).requests().cloned().collect()
    }

    /// How many requests there were for exactly this path.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        lock(&self.shared.log).requests().filter(|request| request.path == path).count()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.shared.log).clear();
    }

    /// The paths that were asked for and that the recording lacks. A replayed test asserts that there are none.
    #[must_use]
    pub fn unrecorded(&self) -> Vec<String> {
        lock(&self.shared.log).unrecorded.clone()
    }
}

/// Whether a pattern, which may end in `*`, stands for a path.
fn matches(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |prefix| path.starts_with(prefix))
}

/// Locks even after a panic elsewhere, so that the first failure of a test is the one that is seen.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
