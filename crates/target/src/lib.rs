//! The machine that a lock is for, as pure data: its interpreter, its platform, and what follows from them.
//!
//! This crate owns the description of a [`Target`], the wheel [`Tags`] that an interpreter on it accepts, in the
//! order in which it prefers them, and the marker environment that requirements are evaluated in. A target is
//! declared, never measured: the machine that locks is not the machine that runs.
//!
//! It must never know the solver, an index or a file, and it does no I/O: the same target gives the same tags
//! on every machine. The accelerator, the driver and the GPUs of a target belong here too and get their own
//! modules beside [`Platform`] when they come; nothing here stands in for them.

mod error;
mod mismatch;
mod platform;
mod platform_tags;
mod python;
mod tags;
mod target;

pub use error::TargetError;
pub use mismatch::Mismatch;
pub use platform::{Glibc, MacOsVersion, Platform};
pub use python::PythonVersion;
pub use tags::{Tag, Tags};
pub use target::Target;
