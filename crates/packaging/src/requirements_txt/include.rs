//! Files and the files that they include.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::entry::{is_address, read_editable, read_entry};
use super::lines::{Line, expand, logical_lines};
use super::options::{LineOption, read_options, split_line};
use super::{
    Entry, EntryKind, INCLUDE_COUNT_LIMIT, INCLUDE_DEPTH_LIMIT, Include, Located, Place, Problem,
    REQUIREMENTS_LIMIT, RequirementsError, RequirementsFile, Variables, Warning,
};

/// Reads one file's text. Files that it includes are listed and not read.
///
/// `file` is the file's path or address, for messages and for what is relative to it.
///
/// # Errors
/// When a line cannot be read, or the text is beyond a limit.
pub fn parse(
    text: &str,
    file: &str,
    variables: Variables<'_>,
) -> Result<RequirementsFile, RequirementsError> {
    let mut reader = Reader::new(None, variables);
    reader.read_text(text, &Source { file: file.into(), constraint: false, parents: &[] })?;
    Ok(reader.output)
}

/// Reads a file and, in their places, the files that it includes.
///
/// `load` gives the text of a path or address, or the reason why it cannot; [`super::decode`] makes the
/// text from bytes. A file that is included again, but not by itself, is read once.
///
/// # Errors
/// When a file cannot be loaded, a line cannot be read, files include one another in a circle, or
/// there is more than the limits allow.
pub fn parse_with_includes(
    path: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    variables: Variables<'_>,
) -> Result<RequirementsFile, RequirementsError> {
    let mut reader = Reader::new(Some(load), variables);
    let place = Place { file: path.into(), line: 0 };
    reader.read_file(&Include { target: path.to_owned(), constraint: false }, &place, &[])?;
    Ok(reader.output)
}

type Load<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

struct Reader<'a> {
    load: Option<Load<'a>>,
    variables: Variables<'a>,
    output: RequirementsFile,
    /// The files read so far, and whether as constraints.
    seen: HashSet<(Arc<str>, bool)>,
    bytes: usize,
}

/// The file that is being read.
struct Source<'a> {
    file: Arc<str>,
    constraint: bool,
    /// The files through which it is included, outermost first.
    parents: &'a [Arc<str>],
}

impl<'a> Reader<'a> {
    fn new(load: Option<Load<'a>>, variables: Variables<'a>) -> Self {
        Self { load, variables, output: RequirementsFile::default(), seen: HashSet::new(), bytes: 0 }
    }

    fn read_file(
        &mut self,
        include: &Include,
        place: &Place,
        parents: &[Arc<str>],
    ) -> Result<(), RequirementsError> {
        let Some(load) = &mut self.load else {
            return Ok(());
        };
        let fail = |problem| RequirementsError { place: place.clone(), problem };
        let file: Arc<str> = include.target.as_str().into();
        if parents.contains(&file) {
            return Err(fail(Problem::Cycle(include.target.clone())));
        }
        if parents.len() > INCLUDE_DEPTH_LIMIT {
            return Err(fail(Problem::TooDeep));
        }
        if !self.seen.insert((file.clone(), include.constraint)) {
            return Ok(());
        }
        if self.seen.len() > INCLUDE_COUNT_LIMIT {
            return Err(fail(Problem::TooManyFiles));
        }
        let text = load(&include.target)
            .map_err(|reason| fail(Problem::Load { file: include.target.clone(), reason }))?;
        self.read_text(&text, &Source { file, constraint: include.constraint, parents })
    }

    fn read_text(&mut self, text: &str, source: &Source<'_>) -> Result<(), RequirementsError> {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > REQUIREMENTS_LIMIT {
            let place = Place { file: source.file.clone(), line: 0 };
            return Err(RequirementsError { place, problem: Problem::TooLong });
        }
        for line in logical_lines(text) {
            self.read_line(&line, source)?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &Line, source: &Source<'_>) -> Result<(), RequirementsError> {
        let place = Place { file: source.file.clone(), line: line.number };
        let fail = |problem| RequirementsError { place: place.clone(), problem };
        let mut expanded = expand(&line.text, self.variables);
        if expanded.is_some() && is_remote(&source.file) {
            // An address must not be able to ask for what is in the environment.
            expanded = None;
            self.warn(Warning::VariableIgnored, &place);
        }
        let text = expanded.as_deref().unwrap_or(&line.text);
        let (requirement, options) = split_line(text);
        let options = read_options(options).map_err(fail)?;

        let mut entry = None;
        if !requirement.is_empty() {
            let (kind, repair) = read_entry(requirement).map_err(fail)?;
            if let Some(repair) = repair {
                self.warn(Warning::Repaired(repair), &place);
            }
            entry = Some(new_entry(kind, false, &place));
        }
        let required = entry.is_some();
        for option in options {
            match (option, &mut entry) {
                (LineOption::Hash(hash), Some(entry)) => entry.hashes.push(hash),
                (LineOption::Build(value), Some(entry)) => entry.build_options.push(value),
                (LineOption::Hash(_), None) => self.warn(Warning::HashIgnored, &place),
                (LineOption::Build(_), None) => {
                    self.warn(Warning::OptionIgnored("--config-settings"), &place);
                }
                (LineOption::Editable(_), _) if required => {
                    self.warn(Warning::OptionIgnored("--editable"), &place);
                }
                (LineOption::Requirement(_), _) if required => {
                    self.warn(Warning::OptionIgnored("--requirement"), &place);
                }
                (LineOption::Constraint(_), _) if required => {
                    self.warn(Warning::OptionIgnored("--constraint"), &place);
                }
                (LineOption::File(_, name), _) if required => {
                    self.warn(Warning::OptionIgnored(name), &place);
                }
                (LineOption::Editable(target), _) => {
                    let earlier =
                        entry.replace(new_entry(read_editable(&target).map_err(fail)?, true, &place));
                    self.push(earlier, source);
                }
                (LineOption::Requirement(target), _) => self.include(&target, false, source, &place)?,
                (LineOption::Constraint(target), _) => self.include(&target, true, source, &place)?,
                (LineOption::File(value, _), _) => {
                    self.output.options.push(Located { value, place: place.clone() });
                }
            }
        }
        self.push(entry, source);
        Ok(())
    }

    fn include(
        &mut self,
        target: &str,
        constraint: bool,
        source: &Source<'_>,
        place: &Place,
    ) -> Result<(), RequirementsError> {
        let target = resolve(target, &source.file)
            .map_err(|problem| RequirementsError { place: place.clone(), problem })?;
        let include = Include { target, constraint };
        self.output.includes.push(Located { value: include.clone(), place: place.clone() });
        let parents: Vec<Arc<str>> = source.parents.iter().chain([&source.file]).cloned().collect();
        self.read_file(&include, place, &parents)
    }

    fn push(&mut self, entry: Option<Entry>, source: &Source<'_>) {
        if source.constraint { &mut self.output.constraints } else { &mut self.output.entries }.extend(entry);
    }

    fn warn(&mut self, value: Warning, place: &Place) {
        self.output.warnings.push(Located { value, place: place.clone() });
    }
}

fn new_entry(kind: EntryKind, editable: bool, place: &Place) -> Entry {
    Entry { kind, editable, hashes: Vec::new(), build_options: Vec::new(), place: place.clone() }
}

fn is_remote(file: &str) -> bool {
    is_address(file) && !file.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}

/// What an included path means: relative to the file that includes it.
fn resolve(target: &str, file: &str) -> Result<String, Problem> {
    if is_remote(file) {
        let joined = Url::parse(file).and_then(|base| base.join(target));
        let joined = joined.map(String::from).unwrap_or_default();
        return if is_remote(&joined) { Ok(joined) } else { Err(Problem::LocalInclude(target.to_owned())) };
    }
    if is_address(target) {
        return Ok(target.to_owned());
    }
    if is_address(file) {
        let joined = Url::parse(file).and_then(|base| base.join(target));
        return Ok(joined.map_or_else(|_| target.to_owned(), String::from));
    }
    if target.starts_with('/') {
        return Ok(normalize(target));
    }
    let folder = file.rfind('/').map_or("", |slash| &file[..=slash]);
    Ok(normalize(&format!("{folder}{target}")))
}

/// Takes `.` and `..` out of a path, so that one file has one name.
fn normalize(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if root == "/" => {}
            part => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}
