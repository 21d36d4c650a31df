//! `requires.txt` in the `.egg-info` folder that setuptools puts into a source distribution: the requirements as they
//! were computed when it was made.
//!
//! Source: setuptools' "Internal structure of egg-info directories", and the sections that it writes.

use crate::marker::MarkerError;
use crate::metadata::{HEADER_COUNT_LIMIT, METADATA_LIMIT};
use crate::name::ExtraName;
use crate::requirement::{Requirement, RequirementError};
use crate::specifier::Repair;

/// What a `requires.txt` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EggInfoRequires {
    /// The requirements, in the order of the file, those of an extra under a marker that names it.
    pub requires_dist: Vec<Requirement>,
    /// The extras, each once, in the order of the file.
    pub provides_extra: Vec<ExtraName>,
    /// What was not valid and how it was read. A section whose extra nobody could ask for is left out, and appears here
    /// with an empty second half.
    pub repairs: Vec<Repair>,
}

/// Why a `requires.txt` cannot be read. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequiresTxtError {
    /// It is longer than [`METADATA_LIMIT`].
    #[error("{0} bytes are over the limit of {METADATA_LIMIT} (metadata length)")]
    TooLong(usize),
    /// It has more lines than [`HEADER_COUNT_LIMIT`].
    #[error("it has more lines than the limit of {HEADER_COUNT_LIMIT} (header count)")]
    TooManyLines,
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The conditions of its sections, which hold for each requirement below them, come to more than [`METADATA_LIMIT`].
    #[error(
        "its conditions, with each requirement, are over the limit of {METADATA_LIMIT} bytes (metadata length)"
    )]
    TooMuchRepeated,
    /// The head of a section does not end.
    #[error("line {0}: expected ']' at the end of a section's head")]
    Section(usize),
    /// A line is no requirement.
    #[error("line {line}: {problem}")]
    Requirement {
        /// The line.
        line: usize,
        /// What is wrong with it.
        problem: RequirementError,
    },
}

impl EggInfoRequires {
    /// Reads a `requires.txt`: requirements, one a line, in sections `[extra]`, `[extra:marker]` and `[:marker]`.
    ///
    /// # Errors
    /// When it is beyond a limit or a line cannot be understood. The error names the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequiresTxtError> {
        if bytes.len() > METADATA_LIMIT {
            return Err(RequiresTxtError::TooLong(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|_| RequiresTxtError::NotUtf8)?;
        let mut read = Self::default();
        let mut section = Some(Section::default());
        let mut repeated = 0;
        // A lone CR ends a line too, as in Python.
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        for (at, line) in text.split(['\n', '\r']).enumerate() {
            if at == HEADER_COUNT_LIMIT {
                return Err(RequiresTxtError::TooManyLines);
            }
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(head) = line.strip_prefix('[') {
                let head = head.strip_suffix(']').ok_or(RequiresTxtError::Section(at + 1))?;
                section = read.open(head);
                continue;
            }
            let Some(section) = &section else { continue };
            // Each requirement has its own text of the condition: few bytes here could be many there.
            repeated += section.marker.as_ref().map_or(0, String::len);
            if repeated > METADATA_LIMIT {
                return Err(RequiresTxtError::TooMuchRepeated);
            }
            let problem = |problem| RequiresTxtError::Requirement { line: at + 1, problem };
            let (requirement, repair) = Requirement::parse_lenient(line).map_err(problem)?;
            read.repairs.extend(repair);
            let requirement = under(requirement, section.marker.as_deref(), section.extra.as_ref());
            read.requires_dist.push(requirement.map_err(|error| problem(error.into()))?);
        }
        Ok(read)
    }

    /// The section under a head; `None` if nobody could ask for its extra.
    fn open(&mut self, head: &str) -> Option<Section> {
        let (extra, marker) = head.split_once(':').unwrap_or((head, ""));
        let marker = Some(marker.trim().to_owned()).filter(|marker| !marker.is_empty());
        if extra.trim().is_empty() {
            return Some(Section { extra: None, marker });
        }
        let Ok(extra) = extra.trim().parse::<ExtraName>() else {
            self.repairs.push(Repair { original: format!("[{head}]"), repaired: String::new() });
            return None;
        };
        if !self.provides_extra.contains(&extra) {
            self.provides_extra.push(extra.clone());
        }
        Some(Section { extra: Some(extra), marker })
    }
}

#[derive(Default)]
struct Section {
    extra: Option<ExtraName>,
    marker: Option<String>,
}

/// A requirement under one more condition and for one extra only.
pub(crate) fn under(
    requirement: Requirement,
    condition: Option<&str>,
    extra: Option<&ExtraName>,
) -> Result<Requirement, MarkerError> {
    if condition.is_none() && extra.is_none() {
        return Ok(requirement);
    }
    let own = requirement.marker.as_ref().map(|marker| format!("({marker})"));
    let condition = condition.map(|condition| format!("({condition})"));
    let extra = extra.map(|extra| format!("extra == '{extra}'"));
    let all: Vec<String> = [own, condition, extra].into_iter().flatten().collect();
    Ok(Requirement { marker: Some(all.join(" and ").parse()?), ..requirement })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_condition_over_many_requirements_is_refused_in_time() {
        let condition = vec!["os_name == 'posix'"; 1_500].join(" and ");
        let text = format!("[:{condition}]\n{}", "a\n".repeat(18_000));
        assert!(text.len() < 80_000, "a small file");
        assert_eq!(EggInfoRequires::parse(text.as_bytes()), Err(RequiresTxtError::TooMuchRepeated));
    }

    #[test]
    fn a_line_end_of_any_kind_ends_a_section_head() {
        assert!(EggInfoRequires::parse(b"[:python_version < '3\r.9']\nbackport").is_err());
        let read = EggInfoRequires::parse(b"a\r[:os_name == 'nt']\r\nb\r").unwrap();
        assert_eq!(read.requires_dist.len(), 2);
        assert_eq!(read.requires_dist[1].to_string(), "b; (os_name == 'nt')");
    }

    fn shown(text: &str) -> Vec<String> {
        let read = EggInfoRequires::parse(text.as_bytes()).unwrap();
        read.requires_dist.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn plain_lines_and_every_kind_of_section_are_read() {
        let text = "six\r\nrequests[socks]>=2,<3\n\n# a comment\n[:python_version < '3']\nfutures\n\
                    [dev]\n[Test_All]\npytest; os_name == 'nt' # why\n[test-all:sys_platform=='win32' or os_name=='nt']\n\
                    pywin32>=1.0.*\ndirect @ https://e.example/d.zip#egg=d\n";
        assert_eq!(
            shown(text),
            [
                "six",
                "requests[socks]>=2,<3",
                "futures; (python_version < '3')",
                "pytest; (os_name == 'nt') and extra == 'test-all'",
                "pywin32>=1.0; (sys_platform=='win32' or os_name=='nt') and extra == 'test-all'",
                "direct @ https://e.example/d.zip#egg=d ; (sys_platform=='win32' or os_name=='nt') and extra == 'test-all'",
            ]
        );
        let read = EggInfoRequires::parse(text.as_bytes()).unwrap();
        let extras: Vec<&str> = read.provides_extra.iter().map(ExtraName::as_str).collect();
        assert_eq!(extras, ["dev", "test-all"]);
        assert_eq!(read.repairs[0].original, ">=1.0.*");
    }

    #[test]
    fn an_empty_file_requires_nothing() {
        assert_eq!(EggInfoRequires::parse(b"").unwrap(), EggInfoRequires::default());
        assert_eq!(EggInfoRequires::parse(b"\n\n").unwrap(), EggInfoRequires::default());
    }

    #[test]
    fn a_section_that_nobody_could_ask_for_is_left_out_and_reported() {
        let read = EggInfoRequires::parse(b"six\n[!:os_name=='nt']\nattrs\n[ok]\nb\n").unwrap();
        assert_eq!(read.requires_dist.len(), 2);
        assert_eq!(read.repairs, [Repair { original: "[!:os_name=='nt']".into(), repaired: String::new() }]);
    }

    #[test]
    fn what_cannot_be_understood_names_its_line() {
        let error = |text: &str| EggInfoRequires::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("six\n[dev\n"), "line 2: expected ']' at the end of a section's head");
        assert!(error("six\n\n-e .\n").starts_with("line 3: "));
        assert!(error("[:no marker]\nsix\n").starts_with("line 2: not a valid marker"));
        assert_eq!(EggInfoRequires::parse(b"six\xff"), Err(RequiresTxtError::NotUtf8));
    }

    #[test]
    fn limits_hold() {
        let many = "\n".repeat(HEADER_COUNT_LIMIT + 1);
        assert_eq!(EggInfoRequires::parse(many.as_bytes()), Err(RequiresTxtError::TooManyLines));
        let long = vec![b'#'; METADATA_LIMIT + 1];
        assert_eq!(EggInfoRequires::parse(&long), Err(RequiresTxtError::TooLong(METADATA_LIMIT + 1)));
        let deep = format!("[:{}os_name=='nt'{}]\nsix\n", "(".repeat(1000), ")".repeat(1000));
        assert!(EggInfoRequires::parse(deep.as_bytes()).is_err());
        let joined =
            format!("[:os_name=='{}']\nsix; os_name=='{}'\n", "a".repeat(40_000), "a".repeat(40_000));
        assert!(EggInfoRequires::parse(joined.as_bytes()).is_err());
    }
}
