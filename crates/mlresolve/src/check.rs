//! Whether locks still are what the requests would give.

use std::time::Instant;

use mlresolve_index::IndexClient;
use mlresolve_lockfile::{Lock, Violation, satisfies};

use crate::access::Access;
use crate::digest::input_digest;
use crate::direct::Directs;
use crate::error::Error;
use crate::event::{CancellationToken, Watch};
use crate::limits::RunLimits;
use crate::lock::{Job, lock_together, runtime};
use crate::prepare::prepare;
use crate::request::AlignmentRequest;

/// Whether a lock is up to date.
#[derive(Debug, Clone)]
pub enum CheckOutcome {
    /// It is: it was made from this very input. No index was asked.
    UpToDate,
    /// It is not: what it lacks can be told from the lock alone. No index was asked.
    Violated(Vec<Violation>),
    /// It is not: a new lock would differ. The new one is inside.
    Outdated(Box<Lock>),
}

/// Checks locks against the requests that they were made from: a lock for each job, as
/// [`lock_together`] makes them; `previous` is the lock that is checked. Indexes are asked only where locks and
/// requests alone cannot tell. The outcomes are those of the targets at `asked`.
///
/// # Errors
/// As [`lock_together`]; [`Error::Internal`] where a job that is asked about has no lock.
pub async fn check(
    jobs: Vec<Job>,
    asked: Vec<usize>,
    alignment: &AlignmentRequest,
    access: &Access,
    watch: &Watch,
) -> Result<Vec<CheckOutcome>, Error> {
    let aligned = alignment.read()?;
    let client = IndexClient::new(access.client_options()?);
    let abandoned = CancellationToken::default();
    let limits = RunLimits {
        deadline: Instant::now().checked_add(access.time_limit),
        watch: watch.clone(),
        abandoned,
    };
    let mut prepared = Vec::with_capacity(jobs.len());
    for Job { request, previous } in &jobs {
        let directs = Directs::fetch(request, previous.as_ref(), &client, access, &limits).await?;
        prepared.push(prepare(request, access, previous.as_ref(), directs, client.options())?);
    }
    let inputs: Vec<_> = jobs.iter().map(|job| &job.request).zip(&prepared).collect();
    let mut outcomes = Vec::with_capacity(asked.len());
    for &at in &asked {
        let job = jobs.get(at).zip(jobs.get(at).and_then(|job| job.previous.as_ref()));
        let Some(((_, locked), prepared)) = job.zip(prepared.get(at)) else {
            return Err(Error::Internal(format!("there is no lock to check at place {at}")));
        };
        let digest = locked.tool.as_ref().and_then(|tool| tool.input_digest.as_deref());
        let violations = satisfies(locked, &prepared.requirements, &prepared.environment);
        outcomes.push(if !violations.is_empty() {
            Some(CheckOutcome::Violated(violations))
        } else if digest == Some(input_digest(&inputs, at, &aligned).as_str()) {
            Some(CheckOutcome::UpToDate)
        } else {
            None
        });
    }
    if outcomes.iter().all(Option::is_some) {
        return Ok(outcomes.into_iter().flatten().collect());
    }
    let renewed = lock_together(jobs, alignment, access, watch).await?;
    let outcomes = outcomes.into_iter().zip(asked);
    let outdated = |at: usize| CheckOutcome::Outdated(Box::new(renewed[at].lock.clone()));
    Ok(outcomes.map(|(outcome, at)| outcome.unwrap_or_else(|| outdated(at))).collect())
}

/// [`check`] for callers without an async runtime. Must not be called from within one.
///
/// # Errors
/// As [`check`].
pub fn check_blocking(
    jobs: Vec<Job>,
    asked: Vec<usize>,
    alignment: &AlignmentRequest,
    access: &Access,
    watch: &Watch,
) -> Result<Vec<CheckOutcome>, Error> {
    runtime()?.block_on(check(jobs, asked, alignment, access, watch))
}
