//! The file `entry_points.txt` of a `.dist-info`, as far as it makes commands: `console_scripts` and `gui_scripts`.
//!
//! Source: the entry points specification of PyPA. Names are held to what the specification recommends and PyPI asks for:
//! letters, digits, `_`, `.` and `-`, since a name becomes a file's name, and modules and attributes become text of a
//! program.

/// The longest `entry_points.txt` that is read, in bytes (4 MiB).
pub const ENTRY_POINTS_LIMIT: usize = 4 << 20;
/// The longest line that is a script's, in bytes.
pub const SCRIPT_LENGTH_LIMIT: usize = 1024;
/// The most scripts of one section.
pub const SCRIPT_COUNT_LIMIT: usize = 10_000;

/// The commands that a distribution has, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptEntryPoints {
    /// `[console_scripts]`
    pub console: Vec<ScriptEntryPoint>,
    /// `[gui_scripts]`, which differ from the others on Windows alone.
    pub gui: Vec<ScriptEntryPoint>,
}

/// A command: the function that it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptEntryPoint {
    /// The name of the command: one path component that is not `.` or `..`.
    pub name: String,
    /// The dotted name of the module.
    pub module: String,
    /// The function in it, dotted where it is in a class.
    pub attribute: String,
}

/// Why `entry_points.txt` cannot be read. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryPointsError {
    /// It is longer than [`ENTRY_POINTS_LIMIT`].
    #[error(
        "entry_points.txt of {0} bytes is over the limit of {ENTRY_POINTS_LIMIT} (entry_points.txt length)"
    )]
    TooLong(usize),
    /// One section has more scripts than [`SCRIPT_COUNT_LIMIT`].
    #[error("entry_points.txt has more scripts than the limit of {SCRIPT_COUNT_LIMIT} (script count)")]
    TooManyScripts,
    /// It is not UTF-8.
    #[error("entry_points.txt is not UTF-8")]
    NotUtf8,
    /// A line of one of the two sections cannot be read.
    #[error("line {line} of entry_points.txt {problem}")]
    Line {
        /// The line.
        line: usize,
        /// What is wrong with it.
        problem: EntryPointProblem,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryPointProblem {
    /// It is longer than [`SCRIPT_LENGTH_LIMIT`].
    #[error("is over the limit of {SCRIPT_LENGTH_LIMIT} bytes (script length)")]
    TooLong,
    /// It has no `=`.
    #[error("has no '='")]
    NoValue,
    /// The name would be no file in the folder of scripts.
    #[error("names the script {0:?}: use letters, digits, '.', '_' and '-'")]
    Name(String),
    /// The value is not of the form `module:function`.
    #[error("has {0:?} instead of 'module:function'")]
    Value(String),
    /// The name is there before with another value.
    #[error("has the script {0:?} again, with another value")]
    Repeated(String),
}

impl ScriptEntryPoints {
    /// Reads the two sections of scripts; others are passed over. Extras in brackets mean nothing, as they do for other
    /// installers.
    ///
    /// # Errors
    /// When it is beyond a limit, or a script has a name or a value that cannot be made a command of.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryPointsError> {
        if bytes.len() > ENTRY_POINTS_LIMIT {
            return Err(EntryPointsError::TooLong(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|_| EntryPointsError::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut found = Self::default();
        let mut section = "";
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name.trim();
                continue;
            }
            let scripts = match section {
                "console_scripts" => &mut found.console,
                "gui_scripts" => &mut found.gui,
                _ => continue,
            };
            let error = |problem| EntryPointsError::Line { line: at + 1, problem };
            let script = read_script(line).map_err(error)?;
            match scripts.iter().find(|other| other.name == script.name) {
                Some(other) if *other == script => {}
                Some(_) => return Err(error(EntryPointProblem::Repeated(script.name))),
                None if scripts.len() == SCRIPT_COUNT_LIMIT => return Err(EntryPointsError::TooManyScripts),
                None => scripts.push(script),
            }
        }
        Ok(found)
    }
}

fn read_script(line: &str) -> Result<ScriptEntryPoint, EntryPointProblem> {
    if line.len() > SCRIPT_LENGTH_LIMIT {
        return Err(EntryPointProblem::TooLong);
    }
    let (name, value) = line.split_once('=').ok_or(EntryPointProblem::NoValue)?;
    let (name, value) = (name.trim(), value.trim());
    if !is_word(name) || matches!(name, "." | "..") {
        return Err(EntryPointProblem::Name(name.to_owned()));
    }
    let (module, attribute) =
        read_reference(value).ok_or_else(|| EntryPointProblem::Value(value.to_owned()))?;
    Ok(ScriptEntryPoint { name: name.to_owned(), module, attribute })
}

/// Takes `module:attribute [extras]` apart.
fn read_reference(value: &str) -> Option<(String, String)> {
    let reference = match value.strip_suffix(']') {
        Some(before) => {
            let (reference, extras) = before.split_once('[')?;
            let is_extra = |extra: &str| is_word(extra.trim()) || extra.trim().is_empty();
            extras.split(',').all(is_extra).then_some(reference)?
        }
        None => value,
    };
    let (module, attribute) = reference.split_once(':')?;
    let (module, attribute) = (module.trim(), attribute.trim());
    (is_word(module) && is_word(attribute)).then(|| (module.to_owned(), attribute.to_owned()))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let found = ScriptEntryPoints::parse(text.as_bytes()).unwrap();
        let all = found.console.iter().chain(&found.gui);
        all.map(|script| format!("{}={}:{}", script.name, script.module, script.attribute)).collect()
    }

    fn problem(line: &str) -> EntryPointProblem {
        match ScriptEntryPoints::parse(format!("[console_scripts]\n{line}\n").as_bytes()) {
            Err(EntryPointsError::Line { line: 2, problem }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scripts_of_both_sections_are_read_and_others_passed_over() {
        let text = "\u{feff}# comment\n[other]\nno value\n[console_scripts]\r\n  foo = a.b : Main.run [x, y]\n; c\n\n\
                    foo = a.b:Main.run\n[ gui_scripts ]\nbar-1.2=m:f\n";
        assert_eq!(shown(text), ["foo=a.b:Main.run", "bar-1.2=m:f"]);
        assert_eq!(shown(""), <[&str; 0]>::default());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["../../x", "/abs", ".", "..", "a/b", "a\\b", "a b", "", "a:b", "$x"] {
            assert_eq!(problem(&format!("{name} = m:f")), EntryPointProblem::Name(name.to_owned()));
        }
    }

    #[test]
    fn values_that_are_no_reference_are_refused() {
        let values = [
            "",
            "m",
            "m:",
            ":f",
            "m:f(); import os",
            "m:f\u{b}g",
            "m:f [x",
            "m:f ; x",
            "m:f [$]",
            "m;import os:f",
        ];
        for value in values {
            assert_eq!(problem(&format!("x = {value}")), EntryPointProblem::Value(value.to_owned()));
        }
        assert_eq!(problem("just words"), EntryPointProblem::NoValue);
        assert_eq!(problem("x: m:f"), EntryPointProblem::NoValue);
    }

    #[test]
    fn one_name_is_one_command() {
        let error = ScriptEntryPoints::parse(b"[gui_scripts]\nx=m:f\nx=m:g\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 3 of entry_points.txt has the script \"x\" again, with another value"
        );
    }

    #[test]
    fn limits_have_their_names() {
        assert_eq!(problem(&format!("{}=m:f", "x".repeat(SCRIPT_LENGTH_LIMIT))), EntryPointProblem::TooLong);
        let long = vec![b'\n'; ENTRY_POINTS_LIMIT + 1];
        assert_eq!(ScriptEntryPoints::parse(&long), Err(EntryPointsError::TooLong(long.len())));
        let many: String = (0..=SCRIPT_COUNT_LIMIT).map(|at| format!("s{at}=m:f\n")).collect();
        let many = ScriptEntryPoints::parse(format!("[gui_scripts]\n{many}").as_bytes());
        assert_eq!(many, Err(EntryPointsError::TooManyScripts));
        assert_eq!(ScriptEntryPoints::parse(b"\xff"), Err(EntryPointsError::NotUtf8));
    }
}
