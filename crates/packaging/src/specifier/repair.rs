//! Legacy specifiers that older tools let pass, and what they mean.
//!
//! Each form was met in metadata published on PyPI. A repair never makes a specifier mean less than it says; what
//! no rule covers stays an error.

use serde::Serialize;

/// A specifier that was not valid, and how it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The text as published.
    pub original: String,
    /// The text as it was read.
    pub repaired: String,
}

/// The longest text that is worth repairing, in bytes.
const REPAIR_LIMIT: usize = 4_096;

/// A repaired text for a set of specifiers that did not parse; it may still not parse.
pub(super) fn repair(text: &str) -> Option<String> {
    if text.len() > REPAIR_LIMIT {
        return None;
    }
    let bare: String = text.chars().filter(|character| !matches!(character, '"' | '\'')).collect();
    let parts: Vec<String> =
        split_before_operators(&bare).iter().filter_map(|part| repair_one(part)).collect();
    let repaired = parts.join(",");
    (repaired != text).then_some(repaired)
}

/// Splits at commas, and where a new comparison starts without one: `>=7.2.0<8.0.0`, `>=1.0 <2.0`.
fn split_before_operators(text: &str) -> Vec<String> {
    let is_sign = |character: char| matches!(character, '<' | '>' | '=' | '!' | '~');
    let mut parts = vec![String::new()];
    let mut in_version = false;
    for character in text.chars() {
        let starts_comparison = is_sign(character) && in_version;
        if character == ',' || starts_comparison {
            parts.push(String::new());
            in_version = false;
        }
        if character != ',' {
            in_version |= !is_sign(character) && !character.is_whitespace();
            if let Some(part) = parts.last_mut() {
                part.push(character);
            }
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// Repairs one comparison; `None` where nothing is left of it.
fn repair_one(part: &str) -> Option<String> {
    if part.is_empty() {
        return None;
    }
    let Some(version_at) = part.find(|character: char| !matches!(character, '<' | '>' | '=' | '!' | '~'))
    else {
        return Some(part.to_owned());
    };
    let (sign, version) = part.split_at(version_at);
    let version = version.trim();
    // `!=~5.0` was meant as "not compatible with 5.0", that is, not of that series.
    if sign == "!=~" {
        return Some(format!("!={}.*", version.trim_end_matches(".*")));
    }
    let sign = match sign {
        "=>" => ">=",
        "=<" => "<=",
        other => other,
    };
    // `>dev` has no number: every version is greater.
    if version == "dev" {
        return Some(format!("{sign}0.dev0"));
    }
    let equality = matches!(sign, "==" | "!=");
    let version = match (version.strip_suffix(".*"), version.strip_suffix('*')) {
        (Some(_), _) if equality => version.to_owned(),
        (Some(number), _) => number.to_owned(),
        // `!=3.0*` lacks the dot of `!=3.0.*`.
        (None, Some(number)) if equality => format!("{}.*", number.trim_end_matches('.')),
        (None, Some(number)) => number.trim_end_matches('.').to_owned(),
        (None, None) => without_tail(version),
    };
    Some(format!("{sign}{version}"))
}

/// `9.0.0a1.0` has a number behind the pre-release, which says nothing.
fn without_tail(version: &str) -> String {
    if crate::version::parse_version(version).is_ok() {
        return version.to_owned();
    }
    let mut shorter = version;
    while let Some((head, tail)) = shorter.rsplit_once('.') {
        if tail.is_empty() || !tail.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
        shorter = head;
        if crate::version::parse_version(shorter).is_ok() {
            return shorter.to_owned();
        }
    }
    version.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use crate::specifier::SpecifierSet;

    #[test]
    fn legacy_forms_are_repaired() {
        for (text, expected) in [
            (">=1.0.*", ">=1.0"),
            (">=7.2.0<8.0.0", ">=7.2.0,<8.0.0"),
            (">=1.0 <2.0", ">=1.0,<2.0"),
            ("!=~5.0", "!=5.0.*"),
            (">dev", ">0.dev0"),
            (">= '2.7'", ">=2.7"),
            (">=\"3.6\"", ">=3.6"),
            (">=9.0.0a1.0", ">=9.0.0a1"),
            ("!=3.0*", "!=3.0.*"),
            (">=2.7,!=3.0*,!=3.1*", ">=2.7,!=3.0.*,!=3.1.*"),
            (">=3.", ">=3"),
            ("<4.0.*", "<4.0"),
        ] {
            let (set, repair) = SpecifierSet::parse_lenient(text).unwrap();
            assert_eq!(set.to_string(), expected, "{text:?}");
            assert_eq!(repair.unwrap().original, text);
        }
    }

    #[test]
    fn what_is_valid_is_left_alone() {
        for text in [">=1.0,", "==1.2.*", "===foobar", "", ">=1!2.0rc1"] {
            assert_eq!(SpecifierSet::parse_lenient(text).unwrap().1, None, "{text:?}");
        }
    }

    #[test]
    fn what_no_rule_covers_stays_an_error() {
        for text in ["latest", ">=one", "@@", "==", ">=1.x", "=1.0"] {
            assert!(SpecifierSet::parse_lenient(text).is_err(), "{text:?}");
        }
    }
}
