//! What PubGrub decides on.

use std::fmt;

use mlresolve_packaging::{ExtraName, PackageName};

/// A package as PubGrub sees it. A target is meant by its place in the list of [`Joint`](crate::Joint).
///
/// An extra is a package of its own, which depends on its base at the very same version and adds what the extra
/// requires.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SolverPackage {
    /// What the user asks for.
    Root,
    /// A package on a target, or one extra of it.
    Package(usize, PackageName, Option<ExtraName>),
    /// The public version of a package, which aligned targets share.
    Public(PackageName),
    /// The variant of a target, with which each build that is chosen for it must go.
    Variant(usize),
}

impl SolverPackage {
    /// The name; `None` for what is no package of an index.
    #[must_use]
    pub fn name(&self) -> Option<&PackageName> {
        match self {
            Self::Root | Self::Variant(_) => None,
            Self::Package(_, name, _) | Self::Public(name) => Some(name),
        }
    }

    /// The target that it is decided for; `None` for what several share.
    #[must_use]
    pub fn target(&self) -> Option<usize> {
        match self {
            Self::Root | Self::Public(_) => None,
            Self::Package(target, _, _) | Self::Variant(target) => Some(*target),
        }
    }
}

impl fmt::Display for SolverPackage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => formatter.write_str("your requirements"),
            Self::Package(_, name, None) | Self::Public(name) => write!(formatter, "{name}"),
            Self::Package(_, name, Some(extra)) => write!(formatter, "{name}[{extra}]"),
            Self::Variant(_) => formatter.write_str("the variant"),
        }
    }
}
