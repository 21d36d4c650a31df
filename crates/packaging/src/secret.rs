//! Addresses in text, as they may be shown.

/// Text in which no address shows a secret: what stands before the `@` of its host becomes `****`, and what follows its
/// `?`, which may be a signature, `…`.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let ends =
            |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '`' | '<' | '>');
        let (address, next) = after.split_at(after.find(ends).unwrap_or(after.len()));
        shown.push_str(before);
        push_without_secrets(address, &mut shown);
        rest = next;
    }
    shown + rest
}

/// The part of an address behind `://`, which need not be well-formed: a mistake must not uncover a secret.
fn push_without_secrets(address: &str, shown: &mut String) {
    let authority = address.split('/').next().unwrap_or_default();
    let host_and_port = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    // `user/name:password@host`: what stands before the first slash is no host.
    let in_path = |at: &usize| address[authority.len()..*at].contains(':') || host_and_port.contains(':');
    let bracketed = authority.starts_with('[');
    let end_of_secret = match authority.rfind('@') {
        Some(at) => Some(at),
        None if bracketed => None,
        None => address.rfind('@').filter(in_path),
    };
    let visible = end_of_secret.map_or(address, |at| &address[at..]);
    if end_of_secret.is_some() {
        shown.push_str("****");
    }
    let Some((place, query)) = visible.split_once('?') else { return shown.push_str(visible) };
    shown.push_str(place);
    shown.push_str("?…");
    shown.push_str(query.find('#').map_or("", |at| &query[at..]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_neither_userinfo_nor_query() {
        for (text, shown) in [
            (
                "see https://ann:hunter2@a.example/x and ssh://git@b.example",
                "see https://****@a.example/x and ssh://****@b.example",
            ),
            (
                "\"https://hunter2@a.example/?sig=hunter2#sha256=00\"",
                "\"https://****@a.example/?…#sha256=00\"",
            ),
            ("https://ann/b:hunter2@a.example/", "https://****@a.example/"),
            ("https://ann:hunt/er2@a.example/", "https://****@a.example/"),
            ("https://ann:hunt?er2@a.example/", "https://****@a.example/"),
            ("git+https://a.example:8080/x@v1", "git+https://a.example:8080/x@v1"),
            ("https://[::1]:8080/x@v1", "https://[::1]:8080/x@v1"),
            ("https://", "https://"),
            ("nothing @ all?", "nothing @ all?"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
