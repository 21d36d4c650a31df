//! What a registry wants to see (`WWW-Authenticate`, RFC 9110, section 11).

use std::collections::BTreeMap;

/// A way to say who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token of a service.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
    /// A user and a password.
    Basic,
}

/// The best of the ways that are offered.
pub(crate) fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut found = None;
    for (scheme, mut parameters) in headers.flat_map(read) {
        if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = parameters.remove("realm")
        {
            let (service, scope) = (parameters.remove("service"), parameters.remove("scope"));
            return Some(Challenge::Bearer { realm, service, scope });
        }
        if scheme.eq_ignore_ascii_case("basic") {
            found = Some(Challenge::Basic);
        }
    }
    found
}

/// The schemes of a header with their parameters, whose names are in lower case.
fn read(header: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',', '\t']);
    while !rest.is_empty() {
        let end = rest.find(|character: char| !is_token(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let Some((value, after)) = read_value(value.trim_start()) else { break };
            if let Some((_, parameters)) = found.last_mut() {
                parameters.entry(word.to_ascii_lowercase()).or_insert(value);
            }
            rest = after;
        } else {
            found.push((word.to_owned(), BTreeMap::new()));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
    found
}

/// A word, or a text in quotes, and what follows.
fn read_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let owned = |text: &str| text.to_owned();
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(owned),
            scope: scope.map(owned),
        })
    }

    #[test]
    fn challenges_as_registries_write_them() {
        for (headers, expected) in [
            (
                &[
                    r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
                ][..],
                bearer(
                    "https://auth.example/token",
                    Some("registry.example"),
                    Some("repository:a/b:pull,push"),
                ),
            ),
            (&[r#"bearer Realm = "a\"b" , service=plain"#], bearer("a\"b", Some("plain"), None)),
            (&[r#"Basic realm="x", Bearer realm="y""#], bearer("y", None, None)),
            (&["Basic realm=\"x\"", "Bearer realm=\"y\""], bearer("y", None, None)),
            (&[r#"Basic realm="Registry Realm""#], Some(Challenge::Basic)),
            (&["Negotiate"], None),
            (&[r#"Bearer service="no realm""#], None),
            (&[r#"Bearer realm="no end"#], None),
            (&["", ",,,", "=", "\u{e9}"], None),
        ] {
            assert_eq!(best(headers.iter().copied()), expected, "{headers:?}");
        }
    }
}
