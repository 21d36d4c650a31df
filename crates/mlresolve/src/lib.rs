//! mlresolve as a library: from what a project needs to a lock that is right for a declared machine.
//!
//! Owns: the way from a [`LockRequest`] to a [`Lock`](lockfile::Lock) and on to an [`image`], one function a step, and the
//! reading of a project's files into a request. Plain data goes in and comes out; [`Event`]s tell how far it is; a
//! [`CancellationToken`] stops it. Every step has an async form and a blocking one.
//!
//! Must never know: the command line, terminals, progress bars, or how a result is shown.
//!
//! ```no_run
//! use mlresolve::{Access, LockRequest, Watch};
//!
//! let request = LockRequest::new(["torch>=2", "transformers"]);
//! let locked = mlresolve::lock_blocking(&request, None, &Access::default(), &Watch::default())?;
//! std::fs::write("pylock.toml", &locked.text)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod aligned;
mod antique;
mod assemble;
mod build;
mod builds;
mod check;
mod claims;
mod clock;
mod declared;
mod digest;
mod direct;
pub mod dockerfile;
mod doctor;
mod error;
mod event;
mod hindered;
pub mod host;
pub mod image;
mod judge;
mod known_names;
mod limits;
mod lock;
mod locks;
mod machine;
mod ownership;
mod prepare;
mod project;
mod replaced;
mod report;
mod request;
mod routes;
mod run;
mod settings;
mod stand_ins;
mod text;
mod trade_off;
mod unhindered;
mod universe;
mod wheels_first;

pub use access::{Access, KeyringProvider, NetworkMode, default_index_url};
pub use build::{BuildError, BuildOptions};
pub use check::{CheckOutcome, check, check_blocking};
pub use doctor::{Diagnosis, Finding, Level, examine};
pub use error::{Conflict, Error, ReplacedFile};
pub use event::{CancellationToken, Event, Watch};
pub use hindered::chosen_build;
pub use lock::{
    Job, Locked, WhyNot, lock, lock_blocking, lock_together, lock_together_blocking, why_not,
    why_not_blocking,
};
pub use locks::{OpenLock, open_lock, open_locks};
pub use ownership::{Overlap, Overlaps, Overwritten, TargetOverlaps, check_ownership};
pub use project::{ProjectOptions, ReadProject, read_index_settings, read_project};
pub use report::{HeldBack, LockReport, PackageSize, SourcePackage};
pub use request::{
    AlignmentRequest, LockRequest, MetadataRequest, RequestedRequirement, SourcePlace, SourceRequest,
    TargetRequest, Upgrade,
};
pub use settings::IndexSettings;
pub use text::{printable, similar_names};

pub use mlresolve_index as index;
pub use mlresolve_layers as layers;
pub use mlresolve_linkage as linkage;
pub use mlresolve_lockfile as lockfile;
pub use mlresolve_packaging as packaging;
pub use mlresolve_packaging::without_secrets;
pub use mlresolve_solver as solver;
pub use mlresolve_target as target;
