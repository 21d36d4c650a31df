//! The main job: a request becomes a lock, or the reason why it cannot.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mlresolve_index::{IndexClient, IndexError};
use mlresolve_lockfile::{Lock, LockDiff, diff, write};
use mlresolve_packaging::Requirement;
use mlresolve_solver::{Explanation, Policy, Problem, Resolution, SolveError, explain, solve};
use tokio::runtime::Handle;

use crate::access::Access;
use crate::antique::{Held, held_back};
use crate::assemble::assemble;
use crate::build::FetchedWheel;
use crate::direct::Directs;
use crate::error::{Conflict, Error};
use crate::event::{CancellationToken, Event, Watch};
use crate::known_names::KNOWN_NAMES;
use crate::limits::RunLimits;
use crate::prepare::{Prepared, prepare, target_in_words};
use crate::replaced::refuse_replaced;
use crate::report::{LockReport, report};
use crate::request::LockRequest;
use crate::universe::{Universe, UniverseError};

/// The stack of the thread that solves: proofs are walked without recursion, and this is for what is left.
const SOLVER_STACK_BYTES: usize = 16 << 20;

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
    let (request, previous) = (request.clone(), previous.cloned());
    solving(request.clone(), previous.clone(), access, watch, move |run| {
        run.lock(&request, previous.as_ref())
    })
    .await
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

/// Says why the lock of a request does not satisfy one more requirement, such as `numpy>=2`, or what would change if
/// it did.
///
/// # Errors
/// When the request itself has no solution, or as [`lock`].
pub async fn why_not(
    request: &LockRequest,
    previous: Option<&Lock>,
    requirement: &str,
    access: &Access,
    watch: &Watch,
) -> Result<WhyNot, Error> {
    let wanted: Requirement =
        requirement.parse().map_err(|error| Error::input(format!("{requirement:?}"), error))?;
    let (request, previous) = (request.clone(), previous.cloned());
    solving(request.clone(), previous.clone(), access, watch, move |run| {
        run.why_not(&request, previous.as_ref(), &wanted)
    })
    .await
}

/// [`why_not`] for callers without an async runtime. Must not be called from within one.
///
/// # Errors
/// As [`why_not`].
pub fn why_not_blocking(
    request: &LockRequest,
    previous: Option<&Lock>,
    requirement: &str,
    access: &Access,
    watch: &Watch,
) -> Result<WhyNot, Error> {
    runtime()?.block_on(why_not(request, previous, requirement, access, watch))
}

/// Solves a request, and downloads the wheels of its solution into a folder, each once.
pub(crate) async fn fetch_wheels(
    request: &LockRequest,
    access: &Access,
    watch: &Watch,
    into: &Path,
) -> Result<BTreeSet<FetchedWheel>, Error> {
    let into = into.to_owned();
    solving(request.clone(), None, access, watch, move |run| run.fetch_wheels(&into)).await
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
    request: LockRequest,
    previous: Option<Lock>,
    access: &Access,
    watch: &Watch,
    job: impl FnOnce(&Run) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let client = IndexClient::new(access.client_options()?);
    let deadline = Instant::now().checked_add(access.time_limit);
    let abandoned = CancellationToken::default();
    let _guard = CancelOnDrop(abandoned.clone());
    let limits = RunLimits { deadline, watch: watch.clone(), abandoned: abandoned.clone() };
    let directs = Directs::fetch(&request, previous.as_ref(), &client, access, &limits).await?;
    let prepared = Arc::new(prepare(&request, access, previous.as_ref(), directs, client.options())?);
    let (runtime, watch) = (Handle::current(), watch.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let access = access.clone();
    let work = move || {
        let universe = Universe::new(client, Arc::clone(&prepared), limits, runtime, &access);
        let outcome = job(&Run { prepared: &prepared, universe: &universe, watch: &watch });
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

/// One run, on its own thread.
struct Run<'a> {
    prepared: &'a Prepared,
    universe: &'a Universe,
    watch: &'a Watch,
}

impl Run<'_> {
    fn lock(&self, request: &LockRequest, previous: Option<&Lock>) -> Result<Locked, Error> {
        let resolution = self.solve(&self.prepared.problem, &self.prepared.policy)?;
        let held = match held_back(self.universe, &resolution)? {
            Held::Recent(warnings) => warnings,
            Held::Antique(explanation) => return Err(Error::Conflict(Box::new(self.conflict(explanation)))),
        };
        let lock = assemble(request, self.prepared, self.universe, &resolution, self.watch)?;
        if let Some(previous) = previous {
            refuse_replaced(previous, &request.upgrade, &lock)?;
        }
        let text = write(&lock)?;
        let mut report = report(self.prepared, self.universe, &resolution, &lock, previous);
        report.warnings.extend(held);
        Ok(Locked { lock, text, report })
    }

    fn why_not(
        &self,
        request: &LockRequest,
        previous: Option<&Lock>,
        wanted: &Requirement,
    ) -> Result<WhyNot, Error> {
        let mut problem = self.prepared.problem.clone();
        if wanted.marker.as_ref().is_some_and(|marker| !marker.evaluate(&self.prepared.environment, &[])) {
            let target = target_in_words(&self.prepared.target);
            return Err(Error::input(wanted.to_string(), format!("its marker does not hold for {target}")));
        }
        if let Some(decided) = self.prepared.overrides.decide(wanted) {
            return Ok(WhyNot::Conflict(Box::new(self.conflict(decided))));
        }
        let Some(dependency) = self.prepared.directs.dependency_of(wanted) else {
            return Err(Error::input(wanted.to_string(), "a requirement by address cannot be asked about"));
        };
        problem.requirements.push(dependency);
        match self.solve(&problem, &asking(&self.prepared.policy, wanted)) {
            Err(Error::Conflict(mut conflict)) => {
                // To give up the question is no answer to it.
                let question = wanted.without_marker().to_string();
                let answers = |change: &str| {
                    change != format!("relax {question}") && change != format!("leave out {question}")
                };
                conflict.explanation.suggestions.retain(|suggestion| answers(&suggestion.change));
                Ok(WhyNot::Conflict(conflict))
            }
            Err(error) => Err(error),
            Ok(resolution) => {
                let possible = assemble(request, self.prepared, self.universe, &resolution, self.watch)?;
                let now = match previous {
                    Some(previous) => previous.clone(),
                    None => {
                        let resolution = self.solve(&self.prepared.problem, &self.prepared.policy)?;
                        assemble(request, self.prepared, self.universe, &resolution, self.watch)?
                    }
                };
                Ok(WhyNot::Possible(Box::new(diff(&now, &possible))))
            }
        }
    }

    fn fetch_wheels(&self, into: &Path) -> Result<BTreeSet<FetchedWheel>, Error> {
        let resolution = self.solve(&self.prepared.problem, &self.prepared.policy)?;
        let mut wheels = BTreeSet::new();
        for (name, resolved) in &resolution.packages {
            let file = self.universe.file(name, &resolved.version).map_err(from_universe)?;
            let missing = || Error::Internal(format!("no file was chosen for {name} {}", resolved.version));
            let file = file.ok_or_else(missing)?;
            // A package is from one index in all of a run, so that a file name means one file.
            let path = into.join(&file.filename);
            if path.parent() != Some(into) {
                return Err(Error::Internal(format!("{:?} is no name of a file", file.filename)));
            }
            if !path.exists() {
                self.universe
                    .wait(self.universe.client().download(&file, &path))
                    .map_err(from_universe)??;
            }
            wheels.insert(FetchedWheel { filename: file.filename.clone(), path });
        }
        Ok(wheels)
    }

    fn conflict(&self, explanation: Explanation) -> Conflict {
        Conflict { target: target_in_words(&self.prepared.target), explanation }
    }

    fn solve(&self, problem: &Problem, policy: &Policy) -> Result<Resolution, Error> {
        let outcome = solve(self.universe, problem, policy);
        // Neither a solution nor its absence can be told from what the cache happens to hold.
        if let (Ok(_) | Err(SolveError::NoSolution(_)), Some(name)) = (&outcome, self.universe.lacking()) {
            return Err(Error::Index(IndexError::Offline { what: name.to_string() }));
        }
        match outcome {
            Ok(resolution) => Ok(resolution),
            Err(SolveError::NoSolution(failure)) => {
                self.watch.tell(Event::Explaining);
                let explanation = explain(self.universe, problem, policy, failure, KNOWN_NAMES);
                Err(Error::Conflict(Box::new(self.conflict(explanation))))
            }
            Err(SolveError::Provider(error)) => Err(from_universe(error)),
            Err(SolveError::Stopped(stop)) => Err(stop.into()),
            Err(error @ SolveError::TooManySteps(_)) => Err(Error::Limit(error.to_string())),
        }
    }
}

/// The policy under which a requirement is asked about: as if it stood among the user's own, and with no version
/// locked for its package.
fn asking(policy: &Policy, wanted: &Requirement) -> Policy {
    let mut policy = policy.clone();
    let specifiers = wanted.specifiers().cloned().unwrap_or_default();
    if specifiers.mentions_prerelease() {
        policy.prerelease_named.insert(wanted.name.clone());
    }
    if let Some(version) = specifiers.pinned() {
        policy.yanked_allowed.insert((wanted.name.clone(), version.clone()));
    }
    policy.direct.insert(wanted.name.clone());
    policy.preferences.remove(&wanted.name);
    policy
}

pub(crate) fn from_universe(error: UniverseError) -> Error {
    match error {
        UniverseError::Index(error) => Error::Index(error),
        UniverseError::Metadata(error) => Error::Metadata(error),
        UniverseError::Build { package, source } => Error::Build { package, source },
        UniverseError::Stopped(stop) => stop.into(),
    }
}
