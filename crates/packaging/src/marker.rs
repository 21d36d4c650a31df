//! Environment markers (PEP 508), evaluated for one environment.
//!
//! A lock is made for declared machines, so a marker is only ever *evaluated*. Nothing here combines or simplifies
//! markers, whose cost can be exponential; reading and evaluating are linear in the text.
//!
//! Source: [dependency specifiers](https://packaging.python.org/en/latest/specifications/dependency-specifiers/),
//! and for `extras` and `dependency_groups` PEP 751.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::name::{ExtraName, GroupName};
use crate::specifier::Specifier;

mod evaluate;
mod parse;

/// The longest marker that is read, in bytes.
pub const MARKER_LIMIT: usize = 65_536;
/// How deep parentheses may nest.
pub const MARKER_DEPTH_LIMIT: usize = 64;

/// Why a text is not a marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// The text does not follow PEP 508.
    #[error("not a valid marker: {reason}, at byte {at} of {marker:?}")]
    Syntax {
        /// What was expected there.
        reason: &'static str,
        /// Where, in bytes from the start of the marker.
        at: usize,
        /// The marker, shortened.
        marker: String,
    },
    /// The text is longer than [`MARKER_LIMIT`].
    #[error("a marker of {0} bytes is over the limit of {MARKER_LIMIT} (marker length)")]
    TooLong(usize),
    /// Parentheses nest deeper than [`MARKER_DEPTH_LIMIT`].
    #[error("a marker nests deeper than the limit of {MARKER_DEPTH_LIMIT} (marker depth)")]
    TooDeep,
}

/// The values that markers ask about, for one machine.
///
/// Source: the table of environment markers in the dependency specifiers specification.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MarkerEnvironment {
    /// `sys.implementation.name`, such as `cpython`.
    pub implementation_name: String,
    /// The implementation's version, such as `3.12.0`.
    pub implementation_version: String,
    /// `os.name`, such as `posix`.
    pub os_name: String,
    /// `platform.machine()`, such as `x86_64`.
    pub platform_machine: String,
    /// `platform.python_implementation()`, such as `CPython`.
    pub platform_python_implementation: String,
    /// `platform.release()`; empty where the target does not say.
    pub platform_release: String,
    /// `platform.system()`, such as `Linux`.
    pub platform_system: String,
    /// `platform.version()`; empty where the target does not say.
    pub platform_version: String,
    /// `platform.python_version()`, such as `3.12.0`.
    pub python_full_version: String,
    /// The first two parts of the former, such as `3.12`.
    pub python_version: String,
    /// `sys.platform`, such as `linux`.
    pub sys_platform: String,
}

/// A condition on the environment, with the text that it was read from.
#[derive(Clone)]
pub struct Marker {
    source: Arc<str>,
    root: Arc<Node>,
}

/// A node of a marker. Depth is bounded by [`MARKER_DEPTH_LIMIT`], so that recursion over it is safe.
#[derive(Debug)]
enum Node {
    Any(Vec<Self>),
    All(Vec<Self>),
    Compare(Comparison),
}

#[derive(Debug)]
struct Comparison {
    variable: Variable,
    operator: MarkerOperator,
    value: Box<str>,
    /// Whether the variable stands on the right: `'linux' in sys_platform`.
    reversed: bool,
    /// The comparison as a version specifier, where variable, operator and value make one.
    specifier: Option<Specifier>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    ImplementationName,
    ImplementationVersion,
    OsName,
    PlatformMachine,
    PlatformPythonImplementation,
    PlatformRelease,
    PlatformSystem,
    PlatformVersion,
    PythonFullVersion,
    PythonVersion,
    SysPlatform,
    Extra,
    Extras,
    DependencyGroups,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MarkerOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Compatible,
    Arbitrary,
    In,
    NotIn,
}

impl Marker {
    /// Whether the marker holds, as the metadata of a package means it.
    ///
    /// `extras` are those asked of the package that the marker belongs to: the marker holds if it does so for one
    /// of them, or, where there are none, without any.
    #[must_use]
    pub fn evaluate(&self, environment: &MarkerEnvironment, extras: &[ExtraName]) -> bool {
        if extras.is_empty() {
            return evaluate::metadata(&self.root, environment, "");
        }
        extras.iter().any(|extra| evaluate::metadata(&self.root, environment, extra.as_str()))
    }

    /// Whether the marker holds, as a lock file means it (PEP 751): `extras` and `dependency_groups` are sets.
    #[must_use]
    pub fn evaluate_lock(
        &self,
        environment: &MarkerEnvironment,
        extras: &[ExtraName],
        groups: &[GroupName],
    ) -> bool {
        evaluate::lock(&self.root, environment, extras, groups)
    }

    /// Whether the marker asks about `extra`, so that it can hold for one extra and not for another.
    #[must_use]
    pub fn mentions_extra(&self) -> bool {
        self.root.any(&|comparison| comparison.variable == Variable::Extra)
    }

    /// The text that the marker was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl Node {
    fn any(&self, test: &dyn Fn(&Comparison) -> bool) -> bool {
        match self {
            Self::Any(nodes) | Self::All(nodes) => nodes.iter().any(|node| node.any(test)),
            Self::Compare(comparison) => test(comparison),
        }
    }
}

impl FromStr for Marker {
    type Err = MarkerError;

    fn from_str(text: &str) -> Result<Self, MarkerError> {
        if text.len() > MARKER_LIMIT {
            return Err(MarkerError::TooLong(text.len()));
        }
        let root = parse::parse(text)?;
        Ok(Self { source: Arc::from(text.trim()), root: Arc::new(root) })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)
    }
}

impl fmt::Debug for Marker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Marker({:?})", &*self.source)
    }
}

/// Two markers are equal when their texts are: that is all a lock needs.
impl PartialEq for Marker {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Marker {}

impl std::hash::Hash for Marker {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

#[cfg(test)]
mod tests;
