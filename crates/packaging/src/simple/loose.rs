//! A JSON value of any type, kept as far as an index page has use for it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// More keys than this in one table are not kept; no table of the specification comes near it.
const MAX_KEYS: usize = 64;
/// A file's table has tables in it (its hashes); nothing deeper has a meaning.
const MAX_DEPTH: usize = 2;

/// A value whose type is judged after reading, so that a wrong one is not an error of syntax.
pub(super) enum Loose<'a> {
    Null,
    Bool(bool),
    Number(u64),
    Decimal(f64),
    Text(Cow<'a, str>),
    List,
    Table(Vec<(Cow<'a, str>, Self)>),
}

impl Loose<'_> {
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The value's type, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) | Self::Decimal(_) => "a number",
            Self::Text(text) if text.is_empty() => "empty",
            Self::Text(_) => "a text",
            Self::List => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reader { depth: MAX_DEPTH }.deserialize(deserializer)
    }
}

/// Reads one value, keeping tables down to `depth`.
struct Reader {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Loose<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Loose<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Loose<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loose<'de>, E> {
        Ok(u64::try_from(value).map_or(Loose::Decimal(-1.0), Loose::Number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loose<'de>, E> {
        Ok(Loose::Decimal(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Loose<'de>, A::Error> {
        let mut pairs = Vec::new();
        while self.depth > 0 && pairs.len() < MAX_KEYS {
            let Some(Key(key)) = table.next_key()? else {
                return Ok(Loose::Table(pairs));
            };
            pairs.push((key, table.next_value_seed(Self { depth: self.depth - 1 })?));
        }
        while table.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Table(pairs))
    }
}

/// A key, borrowed where the page writes it without escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
