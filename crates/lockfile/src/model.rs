//! The lock as data: what PEP 751 has words for, and what stands under `[tool.mlresolve]`.

mod artifact;
mod lock;
mod package;
mod tool;
mod value;

pub use artifact::{Archive, Directory, Sdist, Vcs, Wheel};
pub use lock::{Lock, LockVersion};
pub use package::{Dependency, Package, Source};
pub use tool::{OptionsSection, PackageTool, TOOL_FORMAT_VERSION, TargetSection, ToolSection};
pub use value::{Table, Value};

pub(crate) use artifact::HashTable;
pub(crate) use package::display_option;
