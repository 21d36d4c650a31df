//! The outcome of a check, kept for the same wheels: a lock that is made again need not read the lists of hundreds of them.

use mlresolve_index::{File, IndexClient};
use mlresolve_packaging::{PackageName, Version};

use super::Overlaps;

/// To be counted up whenever the same wheels are judged otherwise.
const RULES: &str = "1";

/// The place of a check's outcome.
pub(super) struct Kept<'c> {
    client: &'c IndexClient,
    key: Vec<String>,
}

impl<'c> Kept<'c> {
    /// The place for these wheels; `None` where one of them may change: a file on disk, or one without a hash.
    pub(super) fn of(client: &'c IndexClient, wheels: &[&(PackageName, Version, File)]) -> Option<Self> {
        let mut key = vec!["overlaps".to_owned(), RULES.to_owned()];
        for (name, version, file) in wheels {
            let digest = file.sha256().filter(|_| file.local_path().is_none())?;
            key.push(format!("{name} {version} {digest}"));
        }
        Some(Self { client, key })
    }

    pub(super) fn read(&self) -> Option<Overlaps> {
        serde_json::from_slice(&self.client.finding(&self.key())?).ok()
    }

    /// Keeps an outcome, if nothing is missing from it.
    pub(super) fn write(&self, found: &Overlaps) {
        if found.unread.is_empty()
            && let Ok(bytes) = serde_json::to_vec(found)
        {
            self.client.keep_finding(&self.key(), &bytes);
        }
    }

    fn key(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).collect()
    }
}
