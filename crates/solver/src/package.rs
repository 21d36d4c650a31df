//! What PubGrub decides on.

use std::fmt;
use std::sync::Arc;

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
    /// Something that all packages that are chosen for a target must agree on.
    Shared(usize, Matter),
}

/// What packages can have to agree on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Matter {
    /// The variant that builds of one public version go with, such as `cu126`.
    Variant,
    /// The major version of CUDA.
    CudaMajor,
    /// The C++ ABI that torch and its extensions are compiled with.
    CxxAbi,
    /// The distribution that provides an import package, by the name of the latter.
    Import(Arc<str>),
}

impl SolverPackage {
    /// The name; `None` for what is no package of an index.
    #[must_use]
    pub fn name(&self) -> Option<&PackageName> {
        match self {
            Self::Root | Self::Shared(..) => None,
            Self::Package(_, name, _) | Self::Public(name) => Some(name),
        }
    }

    /// The target that it is decided for; `None` for what several share.
    #[must_use]
    pub fn target(&self) -> Option<usize> {
        match self {
            Self::Root | Self::Public(_) => None,
            Self::Package(target, _, _) | Self::Shared(target, _) => Some(*target),
        }
    }
}

impl fmt::Display for SolverPackage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => formatter.write_str("your requirements"),
            Self::Package(_, name, None) | Self::Public(name) => write!(formatter, "{name}"),
            Self::Package(_, name, Some(extra)) => write!(formatter, "{name}[{extra}]"),
            Self::Shared(_, matter) => matter.fmt(formatter),
        }
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variant => formatter.write_str("the variant"),
            Self::CudaMajor => formatter.write_str("the CUDA major"),
            Self::CxxAbi => formatter.write_str("the C++ ABI of torch"),
            Self::Import(name) => write!(formatter, "the provider of {name}"),
        }
    }
}

impl Matter {
    /// Why packages must agree on it, as a sentence.
    pub(crate) fn rule(&self) -> String {
        match self {
            Self::Variant => "the builds of one target go with one variant".to_owned(),
            Self::CudaMajor => {
                "one environment has one CUDA major: the libraries of two overwrite or miss each other"
                    .to_owned()
            }
            Self::CxxAbi => "extensions of torch are compiled with the C++ ABI that torch has".to_owned(),
            Self::Import(name) => {
                format!(
                    "only one package may provide {name}: they write the same files, and the last one wins"
                )
            }
        }
    }
}
