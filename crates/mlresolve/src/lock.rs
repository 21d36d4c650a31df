//! The main job: requests become locks, or the reason why they cannot. What a run does is in `run.rs`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mlresolve_index::IndexClient;
use mlresolve_lockfile::{Lock, LockDiff};
use mlresolve_packaging::Requirement;
use tokio::runtime::Handle;

use crate::access::Access;
use crate::build::FetchedWheel;
use crate::direct::Directs;
use crate::error::{Conflict, Error};
use crate::event::{CancellationToken, Watch};
use crate::limits::RunLimits;
use crate::prepare::{Prepared, prepare};
use crate::report::LockReport;
use crate::request::{AlignmentRequest, LockRequest};
use crate::run::{Run, TargetRun};
use crate::universe::{Common, Universe};

/// The stack of the thread that solves: proofs are walked without recursion, and this is for what is left.
const SOLVER_STACK_BYTES: usize = 16 << 20;

/// One target's share of a run.
#[derive(Debug, Clone)]
pub struct Job {
    /// What is locked, and for which machine.
    pub request: LockRequest,
    /// The lock that is renewed: its versions stay as far as they will do.
    pub previous: Option<Lock>,
}

/// A lock that was made.
#[derive(Debug, Clone)]
pub struct Locked {
    /// The lock.
    pub lock: Lock,
    /// The lock as it is written to disk.
    pub text: String,
    /// What a person wants to see.
    pub report: LockReport,
}

/// Why a lock holds one version and not another.
#[derive(Debug, Clone)]
pub enum WhyNot {
    /// It could: this is what would change.
    Possible(Box<LockDiff>),
    /// It cannot.
    Conflict(Box<Conflict>),
}

/// Locks a request: finds versions, and writes down the one file of each that the target would use.
///
/// `previous` is the lock that is renewed: its versions stay as far as they will do.
///
/// # Errors
/// [`Error::Conflict`] when there is no solution; others when the request, an index or a limit stands in the way.
pub async fn lock(
    request: &LockRequest,
    previous: Option<&Lock>,
    access: &Access,
    watch: &Watch,
) -> Result<Locked, Error> {
    let jobs = vec![Job { request: request.clone(), previous: previous.cloned() }];
    let locked = lock_together(jobs, &AlignmentRequest::default(), access, watch).await?;
    locked.into_iter().next().ok_or_else(|| Error::Internal("one request gave no lock".to_owned()))
}

/// Locks the targets of a project: one lock for each job, in their order. Where they are aligned, each package has one
/// public version in all of them; where no version fits all, earlier targets come first.
///
/// # Errors
/// As [`lock`]. One target that cannot be locked fails them all.
pub async fn lock_together(
    jobs: Vec<Job>,
    alignment: &AlignmentRequest,
    access: &Access,
    watch: &Watch,
) -> Result<Vec<Locked>, Error> {
    let alignment = alignment.read()?;
    solving(jobs, access, watch, move |run| run.lock(&alignment)).await
}

/// [`lock_together`] for callers without an async runtime. Must not be called from within one.
///
/// # Errors
/// As [`lock_together`].
pub fn lock_together_blocking(
    jobs: Vec<Job>,
    alignment: &AlignmentRequest,
    access: &Access,
    watch: &Watch,
) -> Result<Vec<Locked>, Error> {
    runtime()?.block_on(lock_together(jobs, alignment, access, watch))
}

/// [`lock`] for callers without an async runtime. Must not be called from within one.
///
/// # Errors
/// As [`lock`].
pub fn lock_blocking(
    request: &LockRequest,
    previous: Option<&Lock>,
    access: &Access,
    watch: &Watch,
) -> Result<Locked, Error> {
    runtime()?.block_on(lock(request, previous, access, watch))
}

/// Says for each of the targets at `asked` why its lock does not satisfy one more requirement, such as `numpy>=2`, or what
/// would change in it if it did.
///
/// # Errors
/// When the request itself has no solution, or as [`lock`].
pub async fn why_not(
    jobs: Vec<Job>,
    asked: Vec<usize>,
    alignment: &AlignmentRequest,
    requirement: &str,
    access: &Access,
    watch: &Watch,
) -> Result<Vec<WhyNot>, Error> {
    let wanted: Requirement =
        requirement.parse().map_err(|error| Error::input(format!("{requirement:?}"), error))?;
    let alignment = alignment.read()?;
    let job = move |run: &Run<'_>| {
        asked.iter().map(|target| run.why_not(*target, &alignment, &wanted)).collect::<Result<Vec<_>, _>>()
    };
    solving(jobs, access, watch, job).await
}

/// [`why_not`] for callers without an async runtime. Must not be called from within one.
///
/// # Errors
/// As [`why_not`].
pub fn why_not_blocking(
    jobs: Vec<Job>,
    asked: Vec<usize>,
    alignment: &AlignmentRequest,
    requirement: &str,
    access: &Access,
    watch: &Watch,
) -> Result<Vec<WhyNot>, Error> {
    runtime()?.block_on(why_not(jobs, asked, alignment, requirement, access, watch))
}

/// Solves a request, and downloads the wheels of its solution into a folder, each once.
pub(crate) async fn fetch_wheels(
    request: &LockRequest,
    access: &Access,
    watch: &Watch,
    into: &Path,
) -> Result<BTreeSet<FetchedWheel>, Error> {
    let into = into.to_owned();
    let jobs = vec![Job { request: request.clone(), previous: None }];
    solving(jobs, access, watch, move |run| run.fetch_wheels(&into)).await
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("cannot start the runtime: {error}")))
}

/// Runs a job on a thread of its own, where it may wait for the network.
async fn solving<T: Send + 'static>(
    jobs: Vec<Job>,
    access: &Access,
    watch: &Watch,
    work: impl FnOnce(&Run<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let client = Arc::new(IndexClient::new(access.client_options()?));
    let deadline = Instant::now().checked_add(access.time_limit);
    let abandoned = CancellationToken::default();
    let _guard = CancelOnDrop(abandoned.clone());
    let limits = RunLimits { deadline, watch: watch.clone(), abandoned: abandoned.clone() };
    let mut prepared = Vec::with_capacity(jobs.len());
    for Job { request, previous } in &jobs {
        let directs = Directs::fetch(request, previous.as_ref(), &client, access, &limits).await?;
        prepared.push(Arc::new(prepare(request, access, previous.as_ref(), directs, client.options())?));
    }
    let (runtime, watch) = (Handle::current(), watch.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let access = access.clone();
    let work = move || {
        let common = Arc::new(Common::of(jobs.len()));
        let universe = |prepared: &Arc<Prepared>| {
            let (client, prepared) = (Arc::clone(&client), Arc::clone(prepared));
            Universe::new(client, prepared, limits.clone(), runtime.clone(), &access, Arc::clone(&common))
        };
        let universes: Vec<Universe> = prepared.iter().map(universe).collect();
        let targets = jobs.iter().zip(&prepared).zip(&universes);
        let targets = targets.map(|((job, prepared), universe)| TargetRun { job, prepared, universe });
        let outcome = work(&Run { targets: targets.collect(), watch: &watch });
        // The receiver is gone when the caller gave up waiting.
        drop(sender.send(outcome));
    };
    std::thread::Builder::new()
        .name("solver".to_owned())
        .stack_size(SOLVER_STACK_BYTES)
        .spawn(work)
        .map_err(|error| Error::Internal(format!("cannot start the solver: {error}")))?;
    receiver.await.unwrap_or_else(|_| Err(Error::Internal("the solver ended without an answer".to_owned())))
}

/// Ends a run whose caller gave up waiting.
struct CancelOnDrop(CancellationToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
