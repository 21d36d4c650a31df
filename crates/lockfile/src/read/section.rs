//! A table that is taken apart key by key, so that what nobody asked for is left over and reported.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::warning::{Warning, WarningKind};
use crate::invalid::{InvalidLock, Place, Problem};
use crate::model::{HashTable, Table, Value};
use crate::rules::{Scheme, has_credentials, without_credentials};

pub(super) struct Section<'notes> {
    prefix: String,
    entries: Table,
    warnings: &'notes mut Vec<Warning>,
}

impl<'notes> Section<'notes> {
    /// `prefix` stands before every key in messages: empty, or ending in a dot.
    pub(super) fn new(prefix: impl Into<String>, entries: Table, warnings: &'notes mut Vec<Warning>) -> Self {
        Self { prefix: prefix.into(), entries, warnings }
    }

    pub(super) fn fault(&self, key: &str, problem: Problem) -> InvalidLock {
        InvalidLock { place: self.place(key).into(), problem }
    }

    pub(super) fn warn(&mut self, key: &str, kind: WarningKind) {
        let place = self.place(key);
        self.warnings.push(Warning { place, kind });
    }

    pub(super) fn string(&mut self, key: &str) -> Result<Option<String>, InvalidLock> {
        match self.entries.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(key, "a string", &other)),
        }
    }

    pub(super) fn strings(&mut self, key: &str) -> Result<Vec<String>, InvalidLock> {
        let values = self.array(key)?;
        let mut texts = Vec::with_capacity(values.len());
        for (position, value) in values.into_iter().enumerate() {
            match value {
                Value::String(text) => texts.push(text),
                other => return Err(self.wrong_type(&format!("{key}[{position}]"), "a string", &other)),
            }
        }
        Ok(texts)
    }

    pub(super) fn parsed<T>(&mut self, key: &str) -> Result<Option<T>, InvalidLock>
    where
        T: FromStr<Err: Display>,
    {
        self.string(key)?.map(|text| self.parse(key, &text)).transpose()
    }

    pub(super) fn parsed_list<T>(&mut self, key: &str) -> Result<Vec<T>, InvalidLock>
    where
        T: FromStr<Err: Display>,
    {
        let texts = self.strings(key)?;
        let parse = |(position, text): (usize, &String)| self.parse(&format!("{key}[{position}]"), text);
        texts.iter().enumerate().map(parse).collect()
    }

    pub(super) fn boolean(&mut self, key: &str) -> Result<Option<bool>, InvalidLock> {
        match self.entries.remove(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong_type(key, "a boolean", &other)),
        }
    }

    pub(super) fn integer(&mut self, key: &str) -> Result<Option<i64>, InvalidLock> {
        match self.entries.remove(key) {
            None => Ok(None),
            Some(Value::Integer(integer)) => Ok(Some(integer)),
            Some(other) => Err(self.wrong_type(key, "an integer", &other)),
        }
    }

    pub(super) fn size(&mut self, key: &str) -> Result<Option<u64>, InvalidLock> {
        let integer = self.integer(key)?;
        let size =
            |integer| u64::try_from(integer).map_err(|_| self.fault(key, Problem::NegativeSize(integer)));
        integer.map(size).transpose()
    }

    pub(super) fn time(&mut self, key: &str) -> Result<Option<Timestamp>, InvalidLock> {
        let text = match self.entries.remove(key) {
            None => return Ok(None),
            Some(Value::Literal(text)) => text,
            Some(other) => return Err(self.wrong_type(key, "a date and time", &other)),
        };
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Some(time));
        }
        let without_offset = text.contains('T').then(|| text.parse::<DateTime>().ok()).flatten();
        match without_offset.and_then(|time| Offset::UTC.to_timestamp(time).ok()) {
            Some(time) => {
                self.warn(key, WarningKind::TimeWithoutOffset);
                Ok(Some(time))
            }
            None => Err(self.fault(key, Problem::Malformed(format!("{text} is not a date and time")))),
        }
    }

    /// An address, without its credentials.
    pub(super) fn address(&mut self, key: &str, scheme: Scheme) -> Result<Option<String>, InvalidLock> {
        let Some(address) = self.string(key)? else { return Ok(None) };
        if !has_credentials(&address, scheme) {
            return Ok(Some(address));
        }
        self.warn(key, WarningKind::CredentialsDropped);
        Ok(Some(without_credentials(&address)))
    }

    /// Digests, with algorithm and digits in lower case.
    pub(super) fn hashes(&mut self, key: &str) -> Result<HashTable, InvalidLock> {
        let entries = self.table(key)?.ok_or_else(|| self.fault(key, Problem::Missing))?;
        let mut hashes = HashTable::new();
        for (algorithm, value) in entries {
            let key = format!("{key}.{algorithm}");
            let Value::String(digest) = value else {
                return Err(self.wrong_type(&key, "a string", &value));
            };
            let digest = digest.to_ascii_lowercase();
            let earlier = hashes.insert(algorithm.to_ascii_lowercase(), digest.clone());
            if earlier.is_some_and(|earlier| earlier != digest) {
                let problem = Problem::Malformed("two digests by one algorithm disagree".to_owned());
                return Err(self.fault(&key, problem));
            }
        }
        Ok(hashes)
    }

    pub(super) fn table(&mut self, key: &str) -> Result<Option<Table>, InvalidLock> {
        match self.entries.remove(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong_type(key, "a table", &other)),
        }
    }

    pub(super) fn tables(&mut self, key: &str) -> Result<Vec<Table>, InvalidLock> {
        let values = self.array(key)?;
        let mut tables = Vec::with_capacity(values.len());
        for (position, value) in values.into_iter().enumerate() {
            match value {
                Value::Table(table) => tables.push(table),
                other => return Err(self.wrong_type(&format!("{key}[{position}]"), "a table", &other)),
            }
        }
        Ok(tables)
    }

    pub(super) fn section(&mut self, key: &str) -> Result<Option<Section<'_>>, InvalidLock> {
        let Some(entries) = self.table(key)? else { return Ok(None) };
        Ok(Some(self.inside(key, entries)))
    }

    pub(super) fn inside(&mut self, key: &str, entries: Table) -> Section<'_> {
        Section { prefix: format!("{}{key}.", self.prefix), entries, warnings: self.warnings }
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Reports the keys that are left as unknown.
    pub(super) fn finish(mut self) {
        for key in std::mem::take(&mut self.entries).into_keys() {
            self.warn(&key, WarningKind::UnknownKey);
        }
    }

    /// Reports the keys that are left and hands them over to be kept.
    pub(super) fn keep(mut self) -> Table {
        let entries = std::mem::take(&mut self.entries);
        for key in entries.keys() {
            self.warn(key, WarningKind::UnknownToolKey);
        }
        entries
    }

    /// Takes the keys that are left, without a word.
    pub(super) fn into_rest(self) -> Table {
        self.entries
    }

    /// Takes the keys that are left, each of which must be a table.
    pub(super) fn into_tables(mut self) -> Result<BTreeMap<String, Table>, InvalidLock> {
        let entries = std::mem::take(&mut self.entries);
        let tables = entries.into_iter().map(|(key, value)| match value {
            Value::Table(table) => Ok((key, table)),
            other => Err(self.wrong_type(&key, "a table", &other)),
        });
        tables.collect()
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, InvalidLock> {
        value.ok_or_else(|| self.fault(key, Problem::Missing))
    }

    pub(super) fn parse<T>(&self, key: &str, text: &str) -> Result<T, InvalidLock>
    where
        T: FromStr<Err: Display>,
    {
        text.parse().map_err(|error: T::Err| self.fault(key, Problem::Malformed(error.to_string())))
    }

    fn array(&mut self, key: &str) -> Result<Vec<Value>, InvalidLock> {
        match self.entries.remove(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(self.wrong_type(key, "an array", &other)),
        }
    }

    fn wrong_type(&self, key: &str, expected: &'static str, found: &Value) -> InvalidLock {
        let found = match found {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::Literal(_) => "a float, date or time",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        };
        self.fault(key, Problem::WrongType { expected, found })
    }

    fn place(&self, key: &str) -> Place {
        Place::top(format!("{}{key}", self.prefix))
    }
}
