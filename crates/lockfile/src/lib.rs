//! Lock files by PEP 751 (`pylock.toml`): the model, strict reading, canonical writing, and what can be
//! told from a lock alone.
//!
//! Owns: the types of a lock and of its `[tool.mlresolve]` sections, the rules that a lock must keep,
//! the selection of what to install, the differences between two locks, exports, and the graph of
//! dependencies that a lock records.
//!
//! Must never know: the disk, the network, the clock, environment variables, how versions were chosen,
//! or how anything is shown to people. Bytes go in, bytes and plain data come out.

mod diff;
mod export;
mod file_name;
mod graph;
mod invalid;
mod model;
mod read;
mod rules;
#[cfg(test)]
mod samples;
mod satisfies;
mod select;
mod size;
mod write;

pub use diff::{Change, Direction, LockDiff, diff};
pub use export::{ExportError, RequirementsOptions, requirements};
pub use file_name::{FileNameError, file_name, validate_file_name};
pub use graph::{DependencyGraph, Step, TreeItem, TreeOptions};
pub use invalid::{InvalidLock, PackagePlace, Place, Problem};
pub use model::{
    Archive, Dependency, Directory, Lock, LockVersion, OptionsSection, Package, PackageTool, Sdist, Source,
    TOOL_FORMAT_VERSION, Table, TargetSection, ToolSection, Value, Vcs, Wheel,
};
pub use read::{FILE_SIZE_LIMIT, NESTING_LIMIT, ReadError, ReadLock, Warning, WarningKind, read};
pub use satisfies::{Violation, satisfies};
pub use select::{SelectError, select};
pub use size::{PackageSize, SizeReport, size};
pub use write::write;
