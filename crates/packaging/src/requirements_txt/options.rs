//! The options of a line, taken apart as a POSIX shell and pip's option parser do.

use super::{FileHash, FileOption, Problem};

/// One option of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineOption {
    Requirement(String),
    Constraint(String),
    Editable(String),
    Hash(FileHash),
    /// `--config-settings` or `--global-option`.
    Build(String),
    /// An option for the whole run, and its name.
    File(FileOption, &'static str),
}

/// How an option is written.
struct Form {
    long: &'static str,
    /// One dash and one letter, or another long name.
    alias: &'static str,
    takes_value: bool,
}

const fn valued(long: &'static str, alias: &'static str) -> Form {
    Form { long, alias, takes_value: true }
}

const fn flag(long: &'static str) -> Form {
    Form { long, alias: "", takes_value: false }
}

const FORMS: [Form; 22] = [
    valued("--requirement", "-r"),
    valued("--constraint", "-c"),
    valued("--editable", "-e"),
    valued("--hash", ""),
    valued("--config-settings", "-C"),
    valued("--config-setting", ""),
    valued("--global-option", ""),
    valued("--index-url", "-i"),
    valued("--pypi-url", ""),
    valued("--extra-index-url", ""),
    valued("--find-links", "-f"),
    valued("--all-releases", ""),
    valued("--only-final", ""),
    valued("--only-binary", ""),
    valued("--no-binary", ""),
    valued("--trusted-host", ""),
    valued("--use-feature", ""),
    flag("--no-index"),
    flag("--pre"),
    flag("--prefer-binary"),
    flag("--require-hashes"),
    flag("--no-require-hashes"),
];

/// Splits a line where its first option starts: what is before may hold markers, whose quotes are not
/// a shell's.
pub(super) fn split_line(line: &str) -> (&str, &str) {
    let mut behind_space = true;
    for (at, character) in line.char_indices() {
        if behind_space && character == '-' {
            return (line[..at].trim_end(), &line[at..]);
        }
        behind_space = character.is_whitespace();
    }
    (line, "")
}

/// Reads the options of a line.
pub(super) fn read_options(text: &str) -> Result<Vec<LineOption>, Problem> {
    let mut words = split_words(text)?.into_iter();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let (form, attached) = split_option(&word)?;
        let value = match (form.takes_value, attached) {
            (true, Some(value)) => value.to_owned(),
            (true, None) => words.next().unwrap_or_default(),
            (false, None) => String::new(),
            (false, Some(_)) => return Err(Problem::UnexpectedValue(form.long)),
        };
        if form.takes_value && value.is_empty() {
            return Err(Problem::MissingValue(form.long));
        }
        options.push(make_option(form.long, value)?);
    }
    Ok(options)
}

/// The option that a word stands for, and the value that is attached to it: `--opt=value`, `-ovalue`.
fn split_option(word: &str) -> Result<(&'static Form, Option<&str>), Problem> {
    let forms = || FORMS.iter();
    // The value may be a secret and has no place in a message.
    let unknown = |name: &str| Problem::UnknownOption(name.to_owned());
    if word.starts_with("--") {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let form = forms().find(|form| form.long == name).ok_or_else(|| unknown(name))?;
        return Ok((form, value));
    }
    if !word.starts_with('-') {
        return Err(Problem::TextBehindOption(word.to_owned()));
    }
    let (name, value) = word.split_at(word.char_indices().nth(2).map_or(word.len(), |(at, _)| at));
    let form = forms().find(|form| form.alias == name).ok_or_else(|| unknown(name))?;
    Ok((form, Some(value).filter(|value| !value.is_empty())))
}

fn make_option(long: &'static str, value: String) -> Result<LineOption, Problem> {
    let option = match long {
        "--requirement" => return Ok(LineOption::Requirement(value)),
        "--constraint" => return Ok(LineOption::Constraint(value)),
        "--editable" => return Ok(LineOption::Editable(value)),
        "--hash" => return read_hash(&value).map(LineOption::Hash).ok_or(Problem::Hash),
        "--config-settings" | "--config-setting" | "--global-option" => return Ok(LineOption::Build(value)),
        "--index-url" | "--pypi-url" => FileOption::IndexUrl(value),
        "--extra-index-url" => FileOption::ExtraIndexUrl(value),
        "--find-links" => FileOption::FindLinks(value),
        "--all-releases" => FileOption::AllReleases(value),
        "--only-final" => FileOption::OnlyFinal(value),
        "--only-binary" => FileOption::OnlyBinary(value),
        "--no-binary" => FileOption::NoBinary(value),
        "--trusted-host" => FileOption::TrustedHost(value),
        "--use-feature" => FileOption::UseFeature(value),
        "--no-index" => FileOption::NoIndex,
        "--pre" => FileOption::Pre,
        "--prefer-binary" => FileOption::PreferBinary,
        "--require-hashes" => FileOption::RequireHashes,
        "--no-require-hashes" => FileOption::NoRequireHashes,
        _ => return Err(Problem::UnknownOption(long.to_owned())),
    };
    Ok(LineOption::File(option, long))
}

/// Weaker algorithms protect against nothing, and pip takes none.
fn read_hash(text: &str) -> Option<FileHash> {
    let (algorithm, digest) = text.split_once(':')?;
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return None,
    };
    let valid = digest.len() == digits && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| FileHash { algorithm: algorithm.to_owned(), digest: digest.to_ascii_lowercase() })
}

/// Splits into words with a POSIX shell's quoting.
fn split_words(text: &str) -> Result<Vec<String>, Problem> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(Problem::Quote)? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(Problem::Quote)? {
                        '"' => break,
                        '\\' => match characters.next().ok_or(Problem::Quote)? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next().ok_or(Problem::Quote)?),
            space if space.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}
