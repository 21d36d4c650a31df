//! When a run ends before it is done.

use std::time::{Duration, Instant};

use mlresolve_solver::Stop;

use crate::error::Error;
use crate::event::{CancellationToken, Watch};

/// How often a wait looks whether the run was given up.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// When a run ends before it is done. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RunLimits {
    /// `None` where the limit is beyond what a clock can tell.
    pub(crate) deadline: Option<Instant>,
    /// The caller's side, who may cancel.
    pub(crate) watch: Watch,
    /// Cancelled when nobody waits for the run any more.
    pub(crate) abandoned: CancellationToken,
}

impl RunLimits {
    /// Whether the run is to stop, and why.
    pub(crate) fn should_stop(&self) -> Option<Stop> {
        if self.watch.cancellation.is_cancelled() || self.abandoned.is_cancelled() {
            return Some(Stop::Cancelled);
        }
        self.deadline.is_some_and(|deadline| Instant::now() > deadline).then_some(Stop::OutOfTime)
    }

    /// Waits for an answer, but no longer than the run may take.
    pub(crate) async fn hold<T>(&self, answer: impl Future<Output = T>) -> Result<T, Stop> {
        let stopped = async {
            loop {
                tokio::time::sleep(STOP_CHECK).await;
                if let Some(stop) = self.should_stop() {
                    return stop;
                }
            }
        };
        // An answer that is there is taken before a timer is set up.
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            stop = stopped => Err(stop),
        }
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Cancelled,
            Stop::OutOfTime => Self::Limit("no lock was made within the time limit".to_owned()),
        }
    }
}
