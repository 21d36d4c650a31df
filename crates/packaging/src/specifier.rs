//! Version specifiers (PEP 440), and the repair of those that older tools let pass.
//!
//! Source: [version specifiers](https://packaging.python.org/en/latest/specifications/version-specifiers/).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::range::{self, VersionPoint};
use crate::version::{VERSION_LIMIT, Version, parse_version};

mod repair;

pub use repair::Repair;

/// The most specifiers that one set may hold.
pub const SPECIFIER_COUNT_LIMIT: usize = 1_000;

/// Why a text is not a set of specifiers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecifierError {
    /// The text does not start with an operator of PEP 440.
    #[error("{0:?} does not start with a comparison such as '>=' or '=='")]
    Operator(String),
    /// The operator is there, but what follows is not a version it can take.
    #[error("{text:?} is not a version specifier: {reason}")]
    Version {
        /// The specifier as given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The set holds more than [`SPECIFIER_COUNT_LIMIT`].
    #[error("{0} specifiers are over the limit of {SPECIFIER_COUNT_LIMIT} (specifier count)")]
    TooMany(usize),
}

/// How a specifier compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `==1.2`
    Equal,
    /// `!=1.2`
    NotEqual,
    /// `==1.2.*`
    EqualPrefix,
    /// `!=1.2.*`
    NotEqualPrefix,
    /// `===1.2`, which compares text.
    Arbitrary,
    /// `>=1.2`
    GreaterOrEqual,
    /// `<=1.2`
    LessOrEqual,
    /// `>1.2`
    Greater,
    /// `<1.2`
    Less,
    /// `~=1.2`
    Compatible,
}

impl Operator {
    /// The operator's sign; a prefix match has its `.*` behind the version.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal | Self::EqualPrefix => "==",
            Self::NotEqual | Self::NotEqualPrefix => "!=",
            Self::Arbitrary => "===",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Compatible => "~=",
        }
    }
}

/// One comparison with a version, such as `>=1.2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Specifier {
    operator: Operator,
    operand: Operand,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Operand {
    Version(Version),
    /// The right side of `===`, with the version that it spells, if it spells one.
    Text(Arc<str>, Option<Version>),
}

impl Specifier {
    /// How it compares.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// What it compares with; `None` for a `===` whose text is no version.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match &self.operand {
            Operand::Version(version) => Some(version),
            Operand::Text(_, version) => version.as_ref(),
        }
    }

    /// Whether it takes a version, whatever the policy on pre-releases.
    #[must_use]
    pub fn contains(&self, candidate: &Version) -> bool {
        let bound = match &self.operand {
            Operand::Text(text, _) => return candidate.to_string().eq_ignore_ascii_case(text),
            Operand::Version(version) => version,
        };
        let at = |version: &Version| VersionPoint::at(version.clone());
        let below = |point: VersionPoint| at(candidate) < point;
        let equal = || {
            if bound.is_local() {
                candidate == bound
            } else {
                candidate >= bound && below(VersionPoint::after_locals(bound.clone()))
            }
        };
        let prefix =
            || *candidate >= bound.clone().with_dev(Some(0)) && *candidate < range::next_prefix(bound);
        match self.operator {
            Operator::Equal => equal(),
            Operator::NotEqual => !equal(),
            Operator::EqualPrefix => prefix(),
            Operator::NotEqualPrefix => !prefix(),
            Operator::Arbitrary => false,
            Operator::GreaterOrEqual => candidate >= bound,
            Operator::LessOrEqual => below(VersionPoint::after_locals(bound.clone())),
            Operator::Greater => at(candidate) >= range::lowest_greater(bound.clone()),
            Operator::Less => *candidate < range::highest_less(bound.clone()),
            Operator::Compatible => {
                candidate >= bound && *candidate < range::next_prefix(&range::prefix_of_compatible(bound))
            }
        }
    }

    /// Whether it names a pre-release, which PEP 440 takes as leave to use one.
    #[must_use]
    pub fn mentions_prerelease(&self) -> bool {
        !matches!(self.operator, Operator::NotEqual | Operator::NotEqualPrefix)
            && self.version().is_some_and(Version::any_prerelease)
    }
}

impl FromStr for Specifier {
    type Err = SpecifierError;

    fn from_str(text: &str) -> Result<Self, SpecifierError> {
        let text = text.trim();
        let wrong = |reason: &str| SpecifierError::Version {
            text: text.chars().take(VERSION_LIMIT).collect(),
            reason: reason.to_owned(),
        };
        let signs = [
            ("===", Operator::Arbitrary),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("~=", Operator::Compatible),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        let found = signs.into_iter().find_map(|(sign, operator)| Some((text.strip_prefix(sign)?, operator)));
        let Some((rest, operator)) = found else {
            return Err(SpecifierError::Operator(text.chars().take(VERSION_LIMIT).collect()));
        };
        let rest = rest.trim();
        if operator == Operator::Arbitrary {
            let ends = |character: char| {
                character.is_whitespace() || character.is_control() || matches!(character, ';' | ')')
            };
            if rest.is_empty() || rest.contains(ends) || rest.len() > VERSION_LIMIT {
                return Err(wrong("'===' takes one word"));
            }
            return Ok(Self { operator, operand: Operand::Text(Arc::from(rest), parse_version(rest).ok()) });
        }
        let (number, operator) = match (rest.strip_suffix(".*"), operator) {
            (None, operator) => (rest, operator),
            (Some(number), Operator::Equal) => (number, Operator::EqualPrefix),
            (Some(number), Operator::NotEqual) => (number, Operator::NotEqualPrefix),
            (Some(_), _) => return Err(wrong("'.*' goes only with '==' and '!='")),
        };
        if number.ends_with(char::is_whitespace) {
            return Err(wrong("'.*' stands right behind the version"));
        }
        let version = parse_version(number).map_err(|error| wrong(&error.to_string()))?;
        match operator {
            Operator::EqualPrefix | Operator::NotEqualPrefix
                if version.any_prerelease() || version.is_post() || version.is_local() =>
            {
                return Err(wrong("'.*' goes only behind a release such as 1.2"));
            }
            Operator::Equal | Operator::NotEqual | Operator::EqualPrefix | Operator::NotEqualPrefix => {}
            _ if version.is_local() => {
                return Err(wrong("a local version goes only with '==' and '!='"));
            }
            Operator::Compatible if version.release().len() < 2 => {
                return Err(wrong("'~=' needs two numbers or more, as in '~=1.4'"));
            }
            _ => {}
        }
        Ok(Self { operator, operand: Operand::Version(version) })
    }
}

impl fmt::Display for Specifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.operator.sign())?;
        match &self.operand {
            Operand::Version(version) => write!(formatter, "{version}")?,
            Operand::Text(text, _) => formatter.write_str(text)?,
        }
        match self.operator {
            Operator::EqualPrefix | Operator::NotEqualPrefix => formatter.write_str(".*"),
            _ => Ok(()),
        }
    }
}

/// Specifiers that a version must all satisfy, such as `>=1.2,<2`. The empty set takes every version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SpecifierSet(Vec<Specifier>);

impl SpecifierSet {
    /// Whether it takes every version.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its specifiers, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &Specifier> {
        self.0.iter()
    }

    /// Whether every specifier takes the version, whatever the policy on pre-releases.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|specifier| specifier.contains(version))
    }

    /// Whether one of them names a pre-release, which PEP 440 takes as leave to use one.
    #[must_use]
    pub fn mentions_prerelease(&self) -> bool {
        self.0.iter().any(Specifier::mentions_prerelease)
    }

    /// The version it is pinned to, if one of its specifiers is `==` or `===` without a prefix match.
    #[must_use]
    pub fn pinned(&self) -> Option<&Version> {
        let exact =
            |specifier: &&Specifier| matches!(specifier.operator, Operator::Equal | Operator::Arbitrary);
        self.0.iter().find(exact).and_then(Specifier::version)
    }

    /// Reads specifiers, repairing the legacy forms that are met in published metadata.
    ///
    /// # Errors
    /// When the text is no set of specifiers even after repair.
    pub fn parse_lenient(text: &str) -> Result<(Self, Option<Repair>), SpecifierError> {
        match text.parse() {
            Ok(set) => Ok((set, None)),
            Err(error) => match repair::repair(text) {
                Some(repaired) => {
                    let set: Self = repaired.parse().map_err(|_| error)?;
                    let repair = Repair { original: text.trim().to_owned(), repaired: set.to_string() };
                    Ok((set, Some(repair)))
                }
                None => Err(error),
            },
        }
    }
}

impl FromStr for SpecifierSet {
    type Err = SpecifierError;

    fn from_str(text: &str) -> Result<Self, SpecifierError> {
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let count = parts().count();
        if count > SPECIFIER_COUNT_LIMIT {
            return Err(SpecifierError::TooMany(count));
        }
        parts().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromIterator<Specifier> for SpecifierSet {
    fn from_iter<I: IntoIterator<Item = Specifier>>(specifiers: I) -> Self {
        Self(specifiers.into_iter().collect())
    }
}

impl fmt::Display for SpecifierSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, specifier) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(formatter, "{comma}{specifier}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pep_440_refuses_is_refused() {
        for text in [
            "1.0",
            "=1.0",
            ">=1.0.*",
            "~=1",
            ">1.0+cpu",
            "==1.0a1.*",
            ">=",
            "==1.0+x.*",
            "===",
            "===1.0\n2.0",
            "===1.0\u{2003}2.0",
            "===1.0\0",
            "=>1.0",
            ">=1.0 <2.0",
            "!=",
            "== 1.0 .*x",
            "==1.0 .*",
        ] {
            assert!(text.parse::<SpecifierSet>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn arbitrary_equality_compares_text() {
        let specifier: Specifier = "===FooBar".parse().unwrap();
        assert!(!specifier.contains(&"1.0".parse().unwrap()));
        let specifier: Specifier = "===1.0".parse().unwrap();
        assert!(specifier.contains(&"1.0".parse().unwrap()));
        assert!(!specifier.contains(&"1.0.0".parse().unwrap()));
    }

    #[test]
    fn too_many_specifiers_are_refused() {
        let text = vec![">=1"; SPECIFIER_COUNT_LIMIT + 1].join(",");
        assert_eq!(text.parse::<SpecifierSet>(), Err(SpecifierError::TooMany(SPECIFIER_COUNT_LIMIT + 1)));
    }

    #[test]
    fn display_gives_back_what_was_read() {
        for text in [">=1.0,<2", "==1.2.*", "!=1.2.*", "===foo", "~=1.4.5", ""] {
            assert_eq!(text.parse::<SpecifierSet>().unwrap().to_string(), text);
        }
    }
}
