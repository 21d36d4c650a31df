//! Whether a lock still is what a request would give.

use std::time::Instant;

use mlresolve_index::IndexClient;
use mlresolve_lockfile::{Lock, Violation, satisfies};

use crate::access::Access;
use crate::digest::input_digest;
use crate::direct::Directs;
use crate::error::Error;
use crate::event::{CancellationToken, Watch};
use crate::limits::RunLimits;
use crate::lock::{lock, runtime};
use crate::prepare::prepare;
use crate::request::LockRequest;

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

/// Checks a lock against a request. Indexes are asked only where lock and request alone cannot tell.
///
/// # Errors
/// As [`lock`](fn@crate::lock).
pub async fn check(
    request: &LockRequest,
    locked: &Lock,
    access: &Access,
    watch: &Watch,
) -> Result<CheckOutcome, Error> {
    let client = IndexClient::new(access.client_options()?);
    let abandoned = CancellationToken::default();
    let limits = RunLimits {
        deadline: Instant::now().checked_add(access.time_limit),
        watch: watch.clone(),
        abandoned,
    };
    let directs = Directs::fetch(request, Some(locked), &client, access, &limits).await?;
    let prepared = prepare(request, access, Some(locked), directs, client.options())?;
    let digest = locked.tool.as_ref().and_then(|tool| tool.input_digest.as_deref());
    let violations = satisfies(locked, &prepared.requirements, &prepared.environment);
    if !violations.is_empty() {
        return Ok(CheckOutcome::Violated(violations));
    }
    if digest == Some(input_digest(request, &prepared).as_str()) {
        return Ok(CheckOutcome::UpToDate);
    }
    let renewed = lock(request, Some(locked), access, watch).await?;
    Ok(CheckOutcome::Outdated(Box::new(renewed.lock)))
}

/// [`check`] for callers without an async runtime. Must not be called from within one.
///
/// # Errors
/// As [`check`].
pub fn check_blocking(
    request: &LockRequest,
    locked: &Lock,
    access: &Access,
    watch: &Watch,
) -> Result<CheckOutcome, Error> {
    runtime()?.block_on(check(request, locked, access, watch))
}
