//! What others found out about files and want to find again: bytes under a key of theirs, which this crate does not read.

use crate::cache::{Bucket, Key};
use crate::{CacheMode, IndexClient};

impl IndexClient {
    /// What was kept under a key, which says all that it depends on.
    pub fn finding(&self, key: &[&str]) -> Option<Vec<u8>> {
        if self.options.mode == CacheMode::Refresh {
            return None;
        }
        Some(self.cache.as_ref()?.read(Bucket::Findings, &Key::of(key))?.to_vec())
    }

    /// Keeps what was found out.
    pub fn keep_finding(&self, key: &[&str], found: &[u8]) {
        if let Some(cache) = &self.cache {
            cache.write(Bucket::Findings, &Key::of(key), found);
        }
    }
}
