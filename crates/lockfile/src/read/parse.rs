//! From bytes to tables, within limits.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{FILE_SIZE_LIMIT, NESTING_LIMIT, ReadError};
use crate::invalid::{InvalidLock, Place, Problem};
use crate::model::{Table, Value};

pub(super) fn parse(bytes: &[u8]) -> Result<Table, ReadError> {
    if bytes.len() > FILE_SIZE_LIMIT {
        return Err(ReadError::TooLarge { size: bytes.len() });
    }
    let text = str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 { offset: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = DeTable::parse(text).map_err(|error| syntax_error(text, &error))?;
    convert_table(table.into_inner(), 0)
}

/// The parser bounds its own recursion, so that converting what it gives is safe; the limit here is
/// lower and has a name.
fn convert_table(table: DeTable<'_>, depth: usize) -> Result<Table, ReadError> {
    let entries = table.into_iter();
    entries
        .map(|(key, value)| {
            let key = key.into_inner().into_owned();
            let value = convert_value(value, &key, depth + 1)?;
            Ok((key, value))
        })
        .collect()
}

fn convert_value(value: Spanned<DeValue<'_>>, key: &str, depth: usize) -> Result<Value, ReadError> {
    if depth > NESTING_LIMIT {
        return Err(ReadError::TooDeep);
    }
    Ok(match value.into_inner() {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(digits) => {
            let integer = i64::from_str_radix(digits.as_str(), digits.radix());
            Value::Integer(integer.map_err(|error| {
                let problem = Problem::Malformed(format!("the integer {digits} cannot be read: {error}"));
                InvalidLock { place: Place::top(key).into(), problem }
            })?)
        }
        DeValue::Float(digits) => Value::Literal(digits.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(time) => Value::Literal(time.to_string()),
        DeValue::Array(values) => {
            let values = values.into_iter().map(|value| convert_value(value, key, depth + 1));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Table(convert_table(table, depth)?),
    })
}

fn syntax_error(text: &str, error: &toml::de::Error) -> ReadError {
    // The parser has no kind for its own limit, only these words.
    if error.message().contains("recurs") {
        return ReadError::TooDeep;
    }
    if let Some(line) = conflict_marker(text) {
        return ReadError::ConflictMarkers { line };
    }
    let offset = error.span().map_or(0, |span| span.start);
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ReadError::Syntax {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: error.message().to_owned(),
    }
}

fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker = |line: &str| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>");
    text.lines().position(is_marker).map(|position| position + 1)
}
