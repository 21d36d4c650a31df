//! How far a run is, and how to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that happened on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A package was met for the first time; its page is being fetched.
    PackageMet {
        /// How many have been met so far.
        met: usize,
    },
    /// The versions of a package are known.
    PackageKnown {
        /// Its name.
        name: String,
        /// How many packages are known so far.
        known: usize,
    },
    /// Metadata was read.
    MetadataRead {
        /// How many so far.
        read: usize,
    },
    /// A package is built to see what it requires, which runs its code; the user allowed it.
    Building {
        /// Name and version.
        package: String,
    },
    /// There is no solution; the explanation is being worked out.
    Explaining,
    /// Files of a lock are being fetched.
    Fetched {
        /// How many of their bytes are there.
        bytes: u64,
        /// How many there will be, as far as the lock says.
        total: u64,
    },
    /// A layer of an image was made.
    LayerMade {
        /// How many so far.
        made: usize,
        /// How many there will be.
        count: usize,
    },
    /// A file is downloaded because its index announces no hash.
    Hashing {
        /// The file.
        file: String,
    },
}

/// Stops a run from another thread.
#[derive(Debug, Clone, Default)]
pub struct CancellationToken(Arc<AtomicBool>);

impl CancellationToken {
    /// Asks every run that holds this token to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The caller's side of a run.
#[derive(Clone, Default)]
pub struct Watch {
    /// Told what happens, from whichever thread it happens on.
    pub observer: Option<Arc<dyn Fn(Event) + Send + Sync>>,
    /// Stops the run.
    pub cancellation: CancellationToken,
}

impl Watch {
    pub(crate) fn tell(&self, event: Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}
