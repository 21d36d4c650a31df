//! Evaluating a marker.
//!
//! Variables that hold versions are compared as versions where the comparison is a valid specifier; everything else
//! is compared as text, where `<` and `>` never hold and `<=` and `>=` mean equality (the specification leaves them
//! undefined; this is what PyPA's `packaging` does).

use super::{Comparison, MarkerEnvironment, MarkerOperator, Node, Variable};
use crate::name::{ExtraName, GroupName};
use crate::specifier::Specifier;
use crate::version::parse_version;

/// With `extra` holding one name, or nothing.
pub(super) fn metadata(node: &Node, environment: &MarkerEnvironment, extra: &str) -> bool {
    walk(node, &|comparison| match comparison.variable {
        Variable::Extra => comparison.holds(extra),
        // No such variables in metadata: what asks about them does not hold.
        Variable::Extras | Variable::DependencyGroups => false,
        _ => comparison.holds(environment.value(comparison.variable)),
    })
}

/// With `extras` and `dependency_groups` holding sets.
pub(super) fn lock(
    node: &Node,
    environment: &MarkerEnvironment,
    extras: &[ExtraName],
    groups: &[GroupName],
) -> bool {
    let member = |comparison: &Comparison, found: bool| {
        comparison.reversed
            && match comparison.operator {
                MarkerOperator::In => found,
                MarkerOperator::NotIn => !found,
                _ => false,
            }
    };
    walk(node, &|comparison| {
        let value = &*comparison.value;
        match comparison.variable {
            Variable::Extra => comparison.holds(""),
            Variable::Extras => member(comparison, extras.iter().any(|extra| extra.as_str() == value)),
            Variable::DependencyGroups => {
                member(comparison, groups.iter().any(|group| group.as_str() == value))
            }
            _ => comparison.holds(environment.value(comparison.variable)),
        }
    })
}

fn walk(node: &Node, holds: &dyn Fn(&Comparison) -> bool) -> bool {
    match node {
        Node::Any(nodes) => nodes.iter().any(|node| walk(node, holds)),
        Node::All(nodes) => nodes.iter().all(|node| walk(node, holds)),
        Node::Compare(comparison) => holds(comparison),
    }
}

impl Comparison {
    fn holds(&self, actual: &str) -> bool {
        // `===` compares text, and only its right side may have space around it.
        if self.variable.is_version() && self.operator == MarkerOperator::Arbitrary {
            let (left, right) = if self.reversed { (&*self.value, actual) } else { (actual, &*self.value) };
            return left.eq_ignore_ascii_case(right.trim());
        }
        if let Some(specifier) = &self.specifier {
            return specifier_takes(specifier, actual);
        }
        if self.reversed {
            if self.variable.is_version()
                && let Ok(specifier) = format!("{}{actual}", self.operator.sign()).parse()
            {
                return specifier_takes(&specifier, &self.value);
            }
            return self.operator.holds_for_text(&self.value, actual);
        }
        self.operator.holds_for_text(actual, &self.value)
    }
}

fn specifier_takes(specifier: &Specifier, version: &str) -> bool {
    parse_version(version).is_ok_and(|version| specifier.contains(&version))
}

impl MarkerOperator {
    /// The operator's sign, as a specifier would have it.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Compatible => "~=",
            Self::Arbitrary => "===",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }

    fn holds_for_text(self, left: &str, right: &str) -> bool {
        match self {
            Self::Equal | Self::LessOrEqual | Self::GreaterOrEqual => left == right,
            Self::NotEqual => left != right,
            Self::In => right.contains(left),
            Self::NotIn => !right.contains(left),
            // `~=` and `===` mean nothing for text, and `<` and `>` are not defined for it.
            Self::Less | Self::Greater | Self::Compatible | Self::Arbitrary => false,
        }
    }
}

impl Variable {
    /// Whether its values are versions, to be compared as such.
    pub(super) fn is_version(self) -> bool {
        matches!(
            self,
            Self::ImplementationVersion
                | Self::PlatformRelease
                | Self::PythonFullVersion
                | Self::PythonVersion
        )
    }
}

impl MarkerEnvironment {
    fn value(&self, variable: Variable) -> &str {
        match variable {
            Variable::ImplementationName => &self.implementation_name,
            Variable::ImplementationVersion => &self.implementation_version,
            Variable::OsName => &self.os_name,
            Variable::PlatformMachine => &self.platform_machine,
            Variable::PlatformPythonImplementation => &self.platform_python_implementation,
            Variable::PlatformRelease => &self.platform_release,
            Variable::PlatformSystem => &self.platform_system,
            Variable::PlatformVersion => &self.platform_version,
            Variable::PythonFullVersion => &self.python_full_version,
            Variable::PythonVersion => &self.python_version,
            Variable::SysPlatform => &self.sys_platform,
            Variable::Extra | Variable::Extras | Variable::DependencyGroups => "",
        }
    }
}
