//! What PubGrub decides on.

use std::fmt;

use mlresolve_packaging::{ExtraName, PackageName};

/// A package as PubGrub sees it.
///
/// An extra is a package of its own, which depends on its base at the very same version and adds what the extra
/// requires.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SolverPackage {
    /// What the user asks for.
    Root,
    /// A package, or one extra of it.
    Package(PackageName, Option<ExtraName>),
}

impl SolverPackage {
    /// The name; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&PackageName> {
        match self {
            Self::Root => None,
            Self::Package(name, _) => Some(name),
        }
    }
}

impl fmt::Display for SolverPackage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => formatter.write_str("your requirements"),
            Self::Package(name, None) => write!(formatter, "{name}"),
            Self::Package(name, Some(extra)) => write!(formatter, "{name}[{extra}]"),
        }
    }
}
