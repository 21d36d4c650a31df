//! From text to logical lines: decoding, continuation, comments and variables, in pip's order.

use super::Variables;

/// Decodes a requirements file: UTF-8 with or without a byte order mark, or UTF-16 with one, which is
/// what PowerShell's `>` writes.
///
/// # Errors
/// When the bytes are in another encoding; the text says so.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, odd) = rest.as_chunks::<2>();
        let text = char::decode_utf16(units.iter().copied().map(unit)).collect::<Result<String, _>>();
        text.ok()
            .filter(|_| odd.is_empty())
            .ok_or_else(|| "it is not valid UTF-16; save it as UTF-8".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => match str::from_utf8(rest) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(format!(
                "it is not UTF-8, from byte {} on; save it as UTF-8",
                error.valid_up_to() + bytes.len() - rest.len()
            )),
        },
    }
}

/// A line as it is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its first physical line, counted from 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// The logical lines of a text: joined, without comments, without empty ones.
pub(super) fn logical_lines(text: &str) -> Vec<Line> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    let mut joined: Option<Line> = None;
    for (index, physical) in physical_lines(text).enumerate() {
        let mut line = joined.take().unwrap_or(Line { number: index + 1, text: String::new() });
        let comment = physical.trim_start().starts_with('#');
        if comment {
            // So that it stays a comment behind the line that it continues.
            line.text.push(' ');
        }
        match physical.strip_suffix('\\').filter(|_| !comment) {
            Some(start) => {
                line.text.push_str(start);
                joined = Some(line);
            }
            None => {
                line.text.push_str(physical);
                lines.push(line);
            }
        }
    }
    lines.extend(joined);
    lines.retain_mut(|line| {
        line.text = without_comment(&line.text).trim().to_owned();
        !line.text.is_empty()
    });
    lines
}

fn physical_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// A comment starts at a `#` that begins the line or follows white space; any other is part of an
/// address.
fn without_comment(line: &str) -> &str {
    let begins_comment =
        |&(at, _): &(usize, &str)| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    match line.match_indices('#').find(begins_comment) {
        Some((at, _)) => &line[..at],
        None => line,
    }
}

/// Replaces each `${NAME}` of capitals, digits and `_` whose variable is set and not empty; what was
/// put in is not looked at again. `None` where there is nothing to replace.
pub(super) fn expand(line: &str, variables: Variables<'_>) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = line;
    let mut changed = false;
    while let Some(start) = rest.find("${") {
        let (before, behind) = rest.split_at(start);
        expanded.push_str(before);
        let value = variable_name(&behind[2..]).and_then(|(name, after)| {
            let value = variables(name).filter(|value| !value.is_empty())?;
            Some((value, after))
        });
        match value {
            Some((value, after)) => {
                expanded.push_str(&value);
                rest = after;
                changed = true;
            }
            None => {
                expanded.push_str("${");
                rest = &behind[2..];
            }
        }
    }
    expanded.push_str(rest);
    changed.then_some(expanded)
}

/// The name in front of the closing brace, and what follows the brace.
fn variable_name(text: &str) -> Option<(&str, &str)> {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let (name, rest) = text.split_at(text.find(|c| !allowed(c))?);
    Some((name, rest.strip_prefix('}')?)).filter(|_| !name.is_empty())
}
