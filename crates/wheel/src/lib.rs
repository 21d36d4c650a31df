//! One wheel, from its bytes to the list of files that its installation is.
//!
//! Owns: the gate for hostile archives ([`Archive`]), the verification of every file against CRC-32, size and RECORD
//! ([`Wheel`]), and the install plan ([`InstallPlan`]): paths, modes, launchers and the new RECORD.
//!
//! Must never know: container images and layers, the resolver, the network. It writes no file: a plan is data, and content
//! is handed out piece by piece as it is verified.
//!
//! The way through: [`Wheel::read`] judges the archive and what `.dist-info` says, without inflating what is large.
//! [`Wheel::plan`] is pure. Content is trusted once it was inflated under its check: all of it with [`Wheel::verify`], or
//! file by file with [`Wheel::stream`], or by a caller's own inflating through a [`ContentCheck`].

mod check;
mod contents;
mod entry_name;
mod error;
mod framing;
mod inflate;
mod layout;
mod limits;
mod plan;
mod source;
mod warning;

pub use check::ContentCheck;
pub use contents::Wheel;
pub use entry_name::NameFault;
pub use error::{ArchiveFault, ContentsFault, EntryFault, PlanFault, WheelError, WheelProblem};
pub use framing::{Archive, Entry, Method};
pub use inflate::Inflater;
pub use layout::{Layout, LayoutError};
pub use limits::Limits;
pub use plan::{FileSource, InstallPlan, PlannedFile};
pub use warning::Warning;
