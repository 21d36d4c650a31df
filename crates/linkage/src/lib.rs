//! What shared libraries need, and whether the file system of an image has it.
//!
//! Owns: [`LibraryFacts`], which a [`Reader`] takes from the bytes of an ELF file while they come by; the [`World`], an image's
//! file system as the dynamic loader sees it; and [`check`], which says what would not load.
//!
//! Must never know: wheels, layers, registries, how versions were chosen, or the machine that it runs on. It opens no file:
//! whoever walks an image hands over paths and facts.

mod check;
mod facts;
mod glob;
mod reader;
mod world;

pub use check::{Absent, Finding, Options, Problem, Report, Severity, Source, check, glibc_of};
pub use facts::{Class, Fault, Kind, LibraryFacts, Machine, RequiredVersion, RequiredVersions};
pub use reader::{
    ENTRY_LIMIT, Found, HEAD_BYTES, KEPT_BYTES_LIMIT, NAME_BYTES_LIMIT, PASS_LIMIT, Reader, Second,
};
pub use world::{Owner, World};
