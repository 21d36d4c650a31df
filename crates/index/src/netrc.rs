//! The netrc file: a password for each machine, as `ftp`, curl and pip read it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use thiserror::Error;
use url::Url;

use crate::credentials::Credentials;

/// The longest netrc file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// What a netrc file says.
#[derive(Default)]
pub(crate) struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Default)]
struct Entry {
    /// A host, or a host and a port; `None` is the `default` entry.
    machine: Option<String>,
    login: String,
    password: String,
}

/// What is wrong with a netrc file. It never shows what stands there.
#[derive(Debug, Error, PartialEq)]
pub(crate) enum NetrcError {
    #[error("it is over the limit of {LIMIT} bytes")]
    TooLong,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("line {0}: a word that means nothing there")]
    Unexpected(usize),
    #[error("line {line}: nothing comes after `{word}`")]
    NoValue { line: usize, word: &'static str },
}

impl Netrc {
    /// Reads a file. The outer error is the system's.
    pub(crate) fn read(path: &Path) -> io::Result<Result<Self, NetrcError>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LIMIT {
            return Ok(Err(NetrcError::TooLong));
        }
        Ok(std::str::from_utf8(&bytes).map_err(|_| NetrcError::NotUtf8).and_then(Self::parse))
    }

    fn parse(text: &str) -> Result<Self, NetrcError> {
        let mut words = Words { rest: text, line: 1 };
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(word) = words.next() {
            let line = words.line;
            let mut value = |word| words.next().ok_or(NetrcError::NoValue { line, word });
            match (word.as_str(), entries.last_mut()) {
                ("machine", _) => {
                    entries.push(Entry { machine: Some(value("machine")?), ..Entry::default() });
                }
                ("default", _) => entries.push(Entry::default()),
                ("login" | "user", Some(entry)) => entry.login = value("login")?,
                ("password", Some(entry)) => entry.password = value("password")?,
                ("account", Some(_)) => drop(value("account")?),
                ("macdef", _) => words.skip_macro(),
                (comment, _) if comment.starts_with('#') => words.skip_line(),
                _ => return Err(NetrcError::Unexpected(line)),
            }
        }
        Ok(Self { entries })
    }

    /// The credentials for an index at this address: of its host and port, else of its host, else of any machine; of
    /// this user if one is given.
    pub(crate) fn find(&self, url: &Url, user: Option<&str>) -> Option<Credentials> {
        let host = url.host_str()?;
        let port = url.port_or_known_default();
        let with_port = port.map(|port| format!("{host}:{port}"));
        let of = |wanted: Option<&str>| {
            self.entries.iter().find(|entry| {
                let same = match (&entry.machine, wanted) {
                    (Some(machine), Some(wanted)) => machine.eq_ignore_ascii_case(wanted),
                    (None, None) => true,
                    _ => false,
                };
                same && user.is_none_or(|user| user == entry.login)
            })
        };
        let found = with_port.as_deref().and_then(|machine| of(Some(machine)));
        let entry = found.or_else(|| of(Some(host))).or_else(|| of(None))?;
        Some(Credentials { user: entry.login.clone(), password: Some(entry.password.clone()) })
    }
}

/// The words of a netrc file: divided by white space, or in double quotes; `\` takes the next character as it is.
struct Words<'a> {
    rest: &'a str,
    line: usize,
}

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut characters = self.rest.chars();
        let mut first = characters.next()?;
        while first.is_whitespace() {
            self.line += usize::from(first == '\n');
            first = characters.next()?;
        }
        let quoted = first == '"';
        let mut word = String::new();
        let mut next = if quoted { characters.next() } else { Some(first) };
        while let Some(character) = next {
            let ends = if quoted { character == '"' } else { character.is_whitespace() };
            if ends {
                // A line end is counted, and seen by what skips to it.
                if !quoted {
                    self.rest =
                        &self.rest[self.rest.len() - characters.as_str().len() - character.len_utf8()..];
                    return Some(word);
                }
                break;
            }
            if character == '\\' {
                word.extend(characters.next());
            } else {
                word.push(character);
            }
            next = characters.next();
        }
        self.rest = characters.as_str();
        Some(word)
    }
}

impl Words<'_> {
    fn skip_line(&mut self) {
        self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
    }

    /// A macro ends with an empty line.
    fn skip_macro(&mut self) {
        let end = self.rest.find("\n\n").or_else(|| self.rest.find("\n\r\n"));
        let (skipped, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, url: &str, user: Option<&str>) -> Option<(String, String)> {
        let found = Netrc::parse(text).unwrap().find(&url.parse().unwrap(), user)?;
        Some((found.user, found.password.unwrap()))
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn a_machine_is_found_by_host_and_by_port_where_one_is_given() {
        let text = "machine Index.example login ann password one\n\
                    machine index.example:8443 login bob password two\n\
                    default login any password three";
        assert_eq!(find(text, "https://index.example/simple/", None), pair("ann", "one"));
        assert_eq!(find(text, "https://index.example:8443/simple/", None), pair("bob", "two"));
        assert_eq!(find(text, "https://index.example:9443/simple/", None), pair("ann", "one"));
        assert_eq!(find(text, "https://sub.index.example/simple/", None), pair("any", "three"));
        assert_eq!(find(text, "https://index.example/", Some("any")), pair("any", "three"));
        assert_eq!(find(text, "https://index.example/", Some("carl")), None);
        assert_eq!(find("machine other.example login a password b", "https://index.example/", None), None);
    }

    #[test]
    fn the_whole_syntax_is_read() {
        let text = "# machine index.example login wrong password wrong\n\
                    machine a.example\n\taccount x\n\tlogin \"ann lee\"\n\tpassword \"a \\\"b\\\" #c\"\n\
                    macdef init\n\tmachine index.example login wrong password wrong\n\n\
                    machine index.example user ann password p#\\ w # the real one\n";
        assert_eq!(find(text, "https://a.example/", None), pair("ann lee", "a \"b\" #c"));
        assert_eq!(find(text, "https://index.example/", None), pair("ann", "p# w"));
        assert_eq!(find("", "https://index.example/", None), None);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_never_shown() {
        let wrong = |text: &str| Netrc::parse(text).err();
        assert_eq!(wrong("machine a\nlogin b hunter2"), Some(NetrcError::Unexpected(2)));
        assert_eq!(wrong("login ann"), Some(NetrcError::Unexpected(1)));
        assert_eq!(
            wrong("machine a\n\nlogin a password"),
            Some(NetrcError::NoValue { line: 3, word: "password" })
        );
        assert_eq!(wrong("machine"), Some(NetrcError::NoValue { line: 1, word: "machine" }));
    }
}
