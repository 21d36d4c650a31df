//! TOML data that this crate keeps without knowing what it means.

use std::collections::BTreeMap;

use serde::Serialize;

/// A TOML table whose keys mean nothing to this crate, in the order of its keys.
pub type Table = BTreeMap<String, Value>;

/// A TOML value that this crate keeps without knowing what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A string.
    String(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A float or a date and time, kept as the TOML text that stands for it, so that
    /// reading and writing change nothing and equality is exact.
    Literal(String),
    /// An array.
    Array(Vec<Self>),
    /// A table.
    Table(Table),
}
