//! Reading TOML into types, so that an error in a requirement names the line that it is on.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::requirement::Requirement;
use crate::specifier::{Repair, SpecifierSet};
use crate::version::{Version, parse_version};

use super::{PYPROJECT_LIMIT, PyProjectError};

/// Reads a document, and lists the keys that nothing asked for.
pub(super) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<(T, Vec<String>), PyProjectError> {
    if text.len() > PYPROJECT_LIMIT {
        return Err(PyProjectError::TooLong(text.len()));
    }
    let mut ignored = Vec::new();
    let document = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = toml::Deserializer::parse(document)
        .and_then(|document| {
            serde_ignored::deserialize(document, |path| ignored.push(path.to_string().replace("?.", "")))
        })
        .map_err(|error| describe(&error, document))?;
    Ok((value, ignored))
}

fn describe(error: &toml::de::Error, text: &str) -> PyProjectError {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    PyProjectError::Toml { line, message: without_text(error.message()) }
}

/// The message about a value of the wrong type repeats the value, which may be an address with a
/// password in it.
fn without_text(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}string{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}

/// A table in the file's order, whose keys are all different even after normalisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UniqueTable<K, V>(pub(super) Vec<(K, V)>);

impl<K, V> Default for UniqueTable<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K, V> Deserialize<'de> for UniqueTable<K, V>
where
    K: Deserialize<'de> + Clone + Eq + Hash + fmt::Display,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

struct TableVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for TableVisitor<K, V>
where
    K: Deserialize<'de> + Clone + Eq + Hash + fmt::Display,
    V: Deserialize<'de>,
{
    type Value = UniqueTable<K, V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Vec<(K, V)> = Vec::new();
        let mut seen = FxHashSet::default();
        while let Some((key, value)) = map.next_entry::<K, V>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!(
                    "`{key}` is there twice, written differently; names that differ in case, '-', '_' and '.' only are one"
                )));
            }
            pairs.push((key, value));
        }
        Ok(UniqueTable(pairs))
    }
}

/// One value, or an array of such values.
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one value or an array of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = sequence.next_element()? {
            all.push(one);
        }
        Ok(OneOrMany(all))
    }
}

/// Parses a text while it is read: only then does an error know its place in an array.
pub(super) fn from_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    struct TextVisitor<F>(F);
    impl<T, F: FnOnce(&str) -> Result<T, String>> Visitor<'_> for TextVisitor<F> {
        type Value = T;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a string")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            self.0(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(TextVisitor(parse))
}

/// A requirement, its legacy specifiers repaired.
pub(super) struct LenientRequirement {
    requirement: Requirement,
    repair: Option<Repair>,
}

impl LenientRequirement {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (requirement, repair) =
            Requirement::parse_lenient(text).map_err(|error| format!("this is no requirement: {error}"))?;
        Ok(Self { requirement, repair })
    }

    pub(super) fn finish(self, repairs: &mut Vec<Repair>) -> Requirement {
        repairs.extend(self.repair);
        self.requirement
    }
}

impl<'de> Deserialize<'de> for LenientRequirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, Self::parse)
    }
}

/// Specifiers, repaired.
pub(super) struct LenientSpecifiers {
    pub(super) set: SpecifierSet,
    pub(super) repair: Option<Repair>,
}

impl<'de> Deserialize<'de> for LenientSpecifiers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| {
            let (set, repair) = SpecifierSet::parse_lenient(text).map_err(|error| error.to_string())?;
            Ok(Self { set, repair })
        })
    }
}

/// A version written as text.
pub(super) struct VersionText(pub(super) Version);

impl<'de> Deserialize<'de> for VersionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| parse_version(text).map(Self).map_err(|error| error.to_string()))
    }
}
