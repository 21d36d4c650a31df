//! TOML 1.0 text: strings, keys, inline tables and lines.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use crate::model::{Table, Value};

/// Collects the lines of a document.
pub(super) struct Writer {
    out: String,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes) }
    }

    /// Starts a table, with an empty line before it.
    pub(super) fn header(&mut self, header: &str) {
        self.out.push('\n');
        self.out.push_str(header);
        self.out.push('\n');
    }

    /// A key with a value that is TOML already.
    pub(super) fn raw(&mut self, key: &str, value: &str) {
        self.out.push_str(key);
        self.out.push_str(" = ");
        self.out.push_str(value);
        self.out.push('\n');
    }

    pub(super) fn string(&mut self, key: &str, value: &impl Display) {
        self.raw(key, &quoted(value));
    }

    pub(super) fn optional(&mut self, key: &str, value: Option<&impl Display>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    /// An array of strings on one line; nothing when it is empty.
    pub(super) fn list<T: Display>(&mut self, key: &str, items: &[T]) {
        if !items.is_empty() {
            self.raw(key, &array(items));
        }
    }

    /// An array with one item on each line; nothing when it is empty.
    pub(super) fn lines(&mut self, key: &str, items: impl Iterator<Item = String>) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return;
        }
        self.out.push_str(key);
        self.out.push_str(" = [\n");
        for item in items {
            self.out.push_str("  ");
            self.out.push_str(&item);
            self.out.push_str(",\n");
        }
        self.out.push_str("]\n");
    }

    /// The keys of a table that is kept as it is, nested tables inline.
    pub(super) fn table(&mut self, table: &Table) {
        for (name, item) in table {
            self.raw(&key(name), &value(item));
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// An inline table, its keys in the order in which they are added.
#[derive(Default)]
pub(super) struct Inline {
    out: String,
}

impl Inline {
    pub(super) fn raw(mut self, name: &str, value: impl Display) -> Self {
        let comma = if self.out.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{comma}{name} = {value}");
        self
    }

    pub(super) fn string(self, name: &str, value: &impl Display) -> Self {
        self.raw(name, quoted(value))
    }

    pub(super) fn optional(self, name: &str, value: Option<&impl Display>) -> Self {
        match value {
            Some(value) => self.string(name, value),
            None => self,
        }
    }

    pub(super) fn optional_raw(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.raw(name, value),
            None => self,
        }
    }

    pub(super) fn finish(self) -> String {
        if self.out.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", self.out) }
    }
}

/// A TOML string.
///
/// Characters that a reader of a diff would not see, or that would reorder the line, are escaped
/// although TOML does not ask for it.
pub(super) fn quoted(text: &impl Display) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            hidden if is_hidden(hidden) => {
                let _ = write!(out, "\\u{:04X}", u32::from(hidden));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

/// Control characters, zero-width and bidirectional marks, and line and paragraph separators.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A TOML key, in quotes only where it needs them.
pub(super) fn key(name: &str) -> Cow<'_, str> {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(bare) { Cow::Borrowed(name) } else { Cow::Owned(quoted(&name)) }
}

pub(super) fn array<T: Display>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}

pub(super) fn inline_table(table: &Table) -> String {
    table.iter().fold(Inline::default(), |inline, (name, item)| inline.raw(&key(name), value(item))).finish()
}

fn value(item: &Value) -> String {
    match item {
        Value::String(text) => quoted(text),
        Value::Integer(integer) => integer.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Literal(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => inline_table(table),
    }
}
