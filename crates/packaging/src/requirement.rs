//! Requirements (PEP 508): a name, extras, versions or an address, and a marker.

use std::fmt;
use std::str::FromStr;

use crate::marker::{Marker, MarkerError};
use crate::name::{ExtraName, NameError, PackageName};
use crate::specifier::{Repair, SpecifierError, SpecifierSet};
use crate::without_secrets;

/// The longest requirement that is read, in bytes.
pub const REQUIREMENT_LIMIT: usize = 131_072;
/// The most extras that one requirement may ask for.
pub const EXTRA_COUNT_LIMIT: usize = 1_000;

/// Why a text is not a requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// The name is missing or malformed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The versions are malformed.
    #[error(transparent)]
    Specifier(#[from] SpecifierError),
    /// The marker is malformed or over a limit.
    #[error(transparent)]
    Marker(#[from] MarkerError),
    /// The parts do not make a requirement.
    #[error("{0}")]
    Syntax(&'static str),
    /// The text is longer than [`REQUIREMENT_LIMIT`].
    #[error("a requirement of {0} bytes is over the limit of {REQUIREMENT_LIMIT} (requirement length)")]
    TooLong(usize),
    /// More extras than [`EXTRA_COUNT_LIMIT`].
    #[error("{0} extras are over the limit of {EXTRA_COUNT_LIMIT} (extra count)")]
    TooManyExtras(usize),
}

/// What one package asks of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The package that is asked for.
    pub name: PackageName,
    /// The extras that are asked of it, sorted, each once.
    pub extras: Vec<ExtraName>,
    /// Which versions will do, or where the package is.
    pub source: RequirementSource,
    /// When the requirement holds; always, where there is none.
    pub marker: Option<Marker>,
}

/// Which versions will do, or where the package is. `Debug` leaves out the secrets of an address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum RequirementSource {
    /// Versions from an index.
    Specifiers(SpecifierSet),
    /// The text behind `@`, never expanded or followed here.
    Url(String),
}

impl fmt::Debug for RequirementSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Specifiers(specifiers) => formatter.debug_tuple("Specifiers").field(specifiers).finish(),
            Self::Url(url) => formatter.debug_tuple("Url").field(&without_secrets(url)).finish(),
        }
    }
}

impl Requirement {
    /// The version specifiers; `None` for a requirement by address.
    #[must_use]
    pub fn specifiers(&self) -> Option<&SpecifierSet> {
        match &self.source {
            RequirementSource::Specifiers(specifiers) => Some(specifiers),
            RequirementSource::Url(_) => None,
        }
    }

    /// Reads a requirement, repairing legacy specifiers.
    ///
    /// # Errors
    /// When the text is no requirement even after repair.
    pub fn parse_lenient(text: &str) -> Result<(Self, Option<Repair>), RequirementError> {
        let parts = Parts::split(text)?;
        let (source, repair) = match parts.source {
            Source::Url(url) => (RequirementSource::Url(url.to_owned()), None),
            Source::Specifiers(text) => {
                let (specifiers, repair) = SpecifierSet::parse_lenient(text)?;
                (RequirementSource::Specifiers(specifiers), repair)
            }
        };
        Ok((Self { name: parts.name, extras: parts.extras, source, marker: parts.marker }, repair))
    }

    /// The same requirement without its marker.
    #[must_use]
    pub fn without_marker(&self) -> Self {
        Self { marker: None, ..self.clone() }
    }
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        if text.contains(['\n', '\r']) {
            return Err(RequirementError::Syntax("a requirement is one line"));
        }
        let parts = Parts::split(text)?;
        let source = match parts.source {
            Source::Url(url) => RequirementSource::Url(url.to_owned()),
            Source::Specifiers(text) if has_gap(text) => {
                return Err(RequirementError::Syntax("expected a version specifier between two ','"));
            }
            Source::Specifiers(text) => RequirementSource::Specifiers(text.parse()?),
        };
        Ok(Self { name: parts.name, extras: parts.extras, source, marker: parts.marker })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.name)?;
        for (at, extra) in self.extras.iter().enumerate() {
            write!(formatter, "{}{extra}", if at == 0 { '[' } else { ',' })?;
        }
        if !self.extras.is_empty() {
            formatter.write_str("]")?;
        }
        match &self.source {
            RequirementSource::Specifiers(specifiers) => write!(formatter, "{specifiers}")?,
            RequirementSource::Url(url) => write!(formatter, " @ {url}")?,
        }
        if let Some(marker) = &self.marker {
            // Behind an address, only a space ends it.
            let space = if matches!(self.source, RequirementSource::Url(_)) { " " } else { "" };
            write!(formatter, "{space}; {marker}")?;
        }
        Ok(())
    }
}

/// A requirement taken apart, its versions still text.
struct Parts<'text> {
    name: PackageName,
    extras: Vec<ExtraName>,
    source: Source<'text>,
    marker: Option<Marker>,
}

enum Source<'text> {
    Specifiers(&'text str),
    Url(&'text str),
}

/// Whether a comma has nothing before it. At the end of the specifiers a comma is fine.
fn has_gap(specifiers: &str) -> bool {
    specifiers.split(',').rev().skip(1).any(|part| part.trim_matches(SPACE).is_empty())
}

const SPACE: [char; 2] = [' ', '\t'];

impl<'text> Parts<'text> {
    fn split(text: &'text str) -> Result<Self, RequirementError> {
        if text.len() > REQUIREMENT_LIMIT {
            return Err(RequirementError::TooLong(text.len()));
        }
        let text = text.trim();
        if text.contains(['\n', '\r']) {
            return Err(RequirementError::Syntax("a requirement is one line"));
        }
        let is_name =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
        let name_end = text.find(|character| !is_name(character)).unwrap_or(text.len());
        let (name, rest) = text.split_at(name_end);
        let name = name.parse()?;
        let (extras, rest) = split_extras(rest.trim_start_matches(SPACE))?;
        let rest = rest.trim_start_matches(SPACE);
        let (source, marker) = match rest.strip_prefix('@') {
            Some(address) => split_address(address)?,
            None => split_specifiers(rest)?,
        };
        let marker = marker.map(str::parse).transpose()?;
        Ok(Self { name, extras, source, marker })
    }
}

fn split_extras(text: &str) -> Result<(Vec<ExtraName>, &str), RequirementError> {
    let Some(inner) = text.strip_prefix('[') else { return Ok((Vec::new(), text)) };
    let Some((list, rest)) = inner.split_once(']') else {
        return Err(RequirementError::Syntax("expected ']' behind the extras"));
    };
    if list.trim_matches(SPACE).is_empty() {
        return Ok((Vec::new(), rest));
    }
    let count = list.split(',').count();
    if count > EXTRA_COUNT_LIMIT {
        return Err(RequirementError::TooManyExtras(count));
    }
    let names = list.split(',').map(|name| name.trim_matches(SPACE).parse());
    let mut extras: Vec<ExtraName> = names.collect::<Result<_, _>>()?;
    extras.sort_unstable();
    extras.dedup();
    Ok((extras, rest))
}

fn split_address(text: &str) -> Result<(Source<'_>, Option<&str>), RequirementError> {
    let text = text.trim_start_matches(SPACE);
    let end = text.find(SPACE).unwrap_or(text.len());
    let (url, rest) = text.split_at(end);
    if url.is_empty() {
        return Err(RequirementError::Syntax("expected an address behind '@'"));
    }
    let rest = rest.trim_start_matches(SPACE);
    match rest.strip_prefix(';') {
        Some(marker) => Ok((Source::Url(url), Some(marker))),
        None if rest.is_empty() => Ok((Source::Url(url), None)),
        None => Err(RequirementError::Syntax("expected ';' and a marker behind the address")),
    }
}

fn split_specifiers(text: &str) -> Result<(Source<'_>, Option<&str>), RequirementError> {
    let (versions, marker) = match text.split_once(';') {
        Some((versions, marker)) => (versions, Some(marker)),
        None => (text, None),
    };
    let versions = versions.trim_matches(SPACE);
    let versions = match versions.strip_prefix('(') {
        None => versions,
        Some(inner) => match inner.strip_suffix(')') {
            Some(inner) => inner.trim_matches(SPACE),
            None => return Err(RequirementError::Syntax("expected ')' behind the versions")),
        },
    };
    if versions.starts_with(',') {
        return Err(RequirementError::Syntax("expected a version specifier before ','"));
    }
    Ok((Source::Specifiers(versions), marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Requirement>().unwrap().to_string()
    }

    #[test]
    fn requirements_are_read_and_shown() {
        assert_eq!(shown("torch"), "torch");
        assert_eq!(
            shown(" Torch [b, A ,b] >= 2.0 , <3 ; os_name == 'nt' "),
            "torch[a,b]>=2.0,<3; os_name == 'nt'"
        );
        assert_eq!(shown("x (>=1)"), "x>=1");
        assert_eq!(shown("x>=1,"), "x>=1");
        assert_eq!(
            shown("x @ https://e.example/x.whl ; os_name=='nt'"),
            "x @ https://e.example/x.whl ; os_name=='nt'"
        );
        assert_eq!(shown("x[]"), "x");
    }

    #[test]
    fn an_address_keeps_its_variables_and_its_semicolons() {
        let requirement: Requirement =
            "x @ https://e.example/${HOME}/a.whl;python_version>'3'".parse().unwrap();
        let expected = "https://e.example/${HOME}/a.whl;python_version>'3'";
        assert_eq!(requirement.source, RequirementSource::Url(expected.to_owned()));
    }

    #[test]
    fn malformed_requirements_are_refused() {
        for text in [
            "",
            ">=1",
            "x[",
            "x[a b]",
            "x[a,]",
            "x >",
            "x 1.0",
            "x (>=1",
            "x @",
            "x @ u v",
            "x;",
            "x,>=1",
            "x ,",
            "-e .",
            "x[-a]",
            "x>=1 foo",
            "x>=1;os_name",
            "x>=1,,<2",
            "x>=1\n",
        ] {
            assert!(text.parse::<Requirement>().is_err(), "{text:?}");
        }
        let extras = format!("x[{}]", vec!["e"; 100_000].join(","));
        assert!(matches!(extras.parse::<Requirement>(), Err(RequirementError::TooLong(_))));
        let extras = format!("x[{}]", vec!["e"; 50_000].join(","));
        assert_eq!(extras.parse::<Requirement>(), Err(RequirementError::TooManyExtras(50_000)));
    }

    #[test]
    fn legacy_specifiers_are_repaired_in_place() {
        let (requirement, repair) =
            Requirement::parse_lenient("torch (>=1.0.*); python_version > '3'").unwrap();
        assert_eq!(requirement.to_string(), "torch>=1.0; python_version > '3'");
        assert_eq!(repair.unwrap().original, ">=1.0.*");
    }

    #[test]
    fn a_line_end_inside_is_refused_however_lenient() {
        for text in ["x===1\n2", "x @ https://e.example/a\r\nb", "x; os_name == 'a\nb'", "x>=1\n,<2"] {
            assert!(Requirement::parse_lenient(text).is_err(), "{text:?}");
        }
        assert!(Requirement::parse_lenient("x>=1\n").is_ok());
    }
}
