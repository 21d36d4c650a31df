//! One piece of work per key: whoever asks while it is under way waits for it, whoever asks later gets its
//! result.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;

/// Results by key, kept for the life of the map. A failure is not kept: who asks next tries again.
pub(crate) struct OnceMap<K, V> {
    cells: Mutex<FxHashMap<K, Arc<OnceCell<Arc<V>>>>>,
}

impl<K: Eq + Hash, V> OnceMap<K, V> {
    pub(crate) fn new() -> Self {
        Self { cells: Mutex::default() }
    }

    /// The result for a key, by `work` if there is none yet.
    pub(crate) async fn get<E>(&self, key: K, work: impl AsyncFnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let cell = {
            // The lock is held for a look-up only, in which nothing can panic half-way.
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_try_init(async || work().await.map(Arc::new)).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_calls_share_one_piece_of_work_and_failures_are_tried_again() {
        let map: OnceMap<&str, u32> = OnceMap::new();
        let runs = AtomicU32::new(0);
        let work = async || {
            tokio::task::yield_now().await;
            let run = runs.fetch_add(1, Ordering::Relaxed);
            if run == 0 { Err("first") } else { Ok(run) }
        };
        assert_eq!(map.get("a", work).await, Err("first"));
        let (one, two) = tokio::join!(map.get("a", work), map.get("a", work));
        assert_eq!((one, two), (Ok(Arc::new(1)), Ok(Arc::new(1))));
        assert_eq!(map.get("b", work).await, Ok(Arc::new(2)));
    }
}
