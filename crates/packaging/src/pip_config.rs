//! pip's configuration files.
//!
//! Source: pip's documentation, *Configuration*, and Python's `configparser`, whose `RawConfigParser` pip reads them
//! with; both read 2026-11-22.

use std::collections::BTreeMap;

/// The longest configuration file that is read, in bytes (1 MiB).
pub const PIP_CONFIG_LIMIT: usize = 1 << 20;

/// The sections that concern a lock, the strongest first: those of pip's commands, then the one for all of them.
const SECTIONS: [&str; 3] = ["lock", "install", "global"];

/// What configuration files say, with where each value stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipConfig(BTreeMap<(String, String), (String, String)>);

/// Why a text is no configuration file. Its text is not shown: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PipConfigError {
    /// It is longer than [`PIP_CONFIG_LIMIT`].
    #[error("a file of {0} bytes is over the limit of {PIP_CONFIG_LIMIT} (pip configuration length)")]
    TooLong(usize),
    /// A line is no section, no `key = value` and no continuation of one.
    #[error("line {0} is neither a `[section]` nor `key = value`")]
    Line(usize),
}

impl PipConfig {
    /// Reads a file on top of what was read: what it says counts, section by section and key by key. `origin` is the
    /// file, for messages.
    ///
    /// # Errors
    /// When a line cannot be understood, or the file is too long.
    pub fn read(&mut self, text: &str, origin: &str) -> Result<(), PipConfigError> {
        if text.len() > PIP_CONFIG_LIMIT {
            return Err(PipConfigError::TooLong(text.len()));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut section: Option<String> = None;
        let mut open: Option<(String, String)> = None;
        for (at, line) in text.lines().enumerate() {
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with(char::is_whitespace)
                && let Some(value) = open.as_ref().and_then(|key| self.0.get_mut(key))
            {
                value.0.push('\n');
                value.0.push_str(content);
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = Some(name.to_owned());
                open = None;
                continue;
            }
            let (Some(section), Some((key, value))) = (&section, content.split_once(['=', ':'])) else {
                return Err(PipConfigError::Line(at + 1));
            };
            let key = key.trim().to_lowercase().replace('_', "-").trim_start_matches('-').to_owned();
            let key = (section.clone(), key);
            self.0.insert(key.clone(), (value.trim().to_owned(), origin.to_owned()));
            open = Some(key);
        }
        Ok(())
    }

    /// The value of a key, such as `index-url`, and the file that it stands in. An empty value says nothing.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<(&str, &str)> {
        let found =
            SECTIONS.iter().filter_map(|section| self.0.get(&((*section).to_owned(), key.to_owned())));
        let mut found = found.map(|(value, origin)| (value.trim(), origin.as_str()));
        found.find(|(value, _)| !value.is_empty())
    }
}

/// Whether a word switches something on, as pip reads it; `None` for a word that says neither.
#[must_use]
pub fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> PipConfig {
        let mut config = PipConfig::default();
        for (at, text) in texts.iter().enumerate() {
            config.read(text, &format!("file {at}")).unwrap();
        }
        config
    }

    #[test]
    fn values_may_go_over_lines_and_keys_may_be_spelt_in_three_ways() {
        let config = read(&[
            "# c\n[global]\nIndex_URL = https://a.example\nextra-index-url =\n  https://b.example\n\n  ; no\n\t\
                             https://c.example\n--find-links: x\n[list]\nno-index = yes\n",
        ]);
        assert_eq!(config.get("index-url"), Some(("https://a.example", "file 0")));
        assert_eq!(config.get("extra-index-url").unwrap().0, "https://b.example\nhttps://c.example");
        assert_eq!(config.get("find-links").unwrap().0, "x");
        assert_eq!(config.get("no-index"), None);
    }

    #[test]
    fn a_command_comes_before_global_and_a_later_file_before_an_earlier() {
        let config = read(&[
            "[global]\nindex-url = a\nproxy = p\ncert = c\n[install]\nindex-url = b\n",
            "[global]\nindex-url = c\nproxy =\n[lock]\ncert = d\n",
        ]);
        assert_eq!(config.get("index-url"), Some(("b", "file 0")));
        assert_eq!(config.get("proxy"), None);
        assert_eq!(config.get("cert"), Some(("d", "file 1")));
    }

    #[test]
    fn what_is_no_configuration_is_refused_without_showing_it() {
        let error = |text: &str| PipConfig::default().read(text, "x").unwrap_err().to_string();
        assert_eq!(error("[global]\n\nhunter2\n"), "line 3 is neither a `[section]` nor `key = value`");
        assert_eq!(error("a = b\n"), "line 1 is neither a `[section]` nor `key = value`");
        assert!(error(&" ".repeat(PIP_CONFIG_LIMIT + 1)).contains("pip configuration length"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "([\\[\\]=:# \ta-z\n]|global){0,40}") {
            drop(PipConfig::default().read(&text, "x"));
        }
    }
}
