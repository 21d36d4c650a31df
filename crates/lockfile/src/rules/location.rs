//! Rules of addresses and paths: nothing in a lock may read a local file outside its folder, and no
//! address may carry a secret.

use url::Url;

use super::{Fault, at};
use crate::invalid::Problem;

/// What an address may be used for, which decides its schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// A download: `https` and `http`.
    Web,
    /// A repository: also `ssh` and `git`.
    VersionControl,
}

impl Scheme {
    fn names(self) -> &'static str {
        match self {
            Self::Web => "https or http",
            Self::VersionControl => "https, http, ssh or git",
        }
    }

    fn takes(self, scheme: &str) -> bool {
        match self {
            Self::Web => matches!(scheme, "https" | "http"),
            Self::VersionControl => matches!(scheme, "https" | "http" | "ssh" | "git"),
        }
    }
}

/// Checks the address and the path of a file or checkout, one of which must be there.
pub(super) fn either(
    key: &str,
    (address, relative): (Option<&str>, Option<&str>),
    scheme: Scheme,
) -> Result<(), Fault> {
    if let Some(address) = address {
        url(address, scheme).map_err(at(format!("{key}.url")))?;
    }
    if let Some(relative) = relative {
        path(relative).map_err(at(format!("{key}.path")))?;
    }
    if address.is_none() && relative.is_none() {
        return Err(at(key)(Problem::NoLocation));
    }
    Ok(())
}

pub(super) fn url(text: &str, scheme: Scheme) -> Result<(), Problem> {
    if has_credentials(text, scheme) {
        return Err(Problem::Credentials);
    }
    // The parser drops tabs and line ends and trims spaces, so that the text would not be the address.
    let plain = !text.chars().any(|character| character.is_control() || character.is_whitespace());
    match Url::parse(text) {
        Ok(url) if plain && scheme.takes(url.scheme()) && url.has_host() => Ok(()),
        // Whatever stands before an `@` may be a secret, even where the text is no address.
        _ => {
            let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
            Err(Problem::BadUrl { url: shown.to_owned(), schemes: scheme.names() })
        }
    }
}

/// Whether an address carries a user name or a password. The user name of an `ssh` address is
/// how such an address is written and no secret.
pub(crate) fn has_credentials(text: &str, scheme: Scheme) -> bool {
    let by_ssh = scheme == Scheme::VersionControl
        && text.split_once("://").is_some_and(|(scheme, _)| matches!(scheme, "ssh" | "git+ssh"));
    match Url::parse(text) {
        Ok(url) => url.password().is_some() || (!url.username().is_empty() && !by_ssh),
        Err(_) => authority(text).is_some_and(|(_, authority, _)| authority.contains('@')),
    }
}

/// The address without what stands before the `@` of its host.
pub(crate) fn without_credentials(text: &str) -> String {
    match authority(text) {
        Some((before, authority, after)) => {
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{before}{host}{after}")
        }
        None => text.to_owned(),
    }
}

/// Splits an address around its authority: `https://`, `user@host`, `/path`.
fn authority(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find("://")? + 3;
    let end = text[start..].find(['/', '\\', '?', '#']).map_or(text.len(), |length| start + length);
    Some((&text[..start], &text[start..end], &text[end..]))
}

/// Checks that a path is relative, on every platform. It may climb, since a project may use what lies beside it; the
/// digest of a file says whether it is the right one.
pub(super) fn path(text: &str) -> Result<(), Problem> {
    // What climbs must not come back down behind a name that could be a link.
    let mut parts = text.split('/').skip_while(|part| *part == "..");
    if parts.any(|part| part == "..") || text.contains("..\\") || text.contains("\\..") {
        return Err(Problem::UnsafePath(text.to_owned()));
    }
    let down = text.trim_start_matches("../");
    below(if matches!(down, "" | "..") && text.starts_with("..") { "." } else { down })
        .map_err(|_| Problem::UnsafePath(text.to_owned()))
}

/// Checks that a path is relative and stays below the folder that it counts from, on every platform.
pub(super) fn below(text: &str) -> Result<(), Problem> {
    let absolute = text.starts_with(['/', '\\', '~']);
    let drive = text.as_bytes().get(1) == Some(&b':');
    let address = text.contains("://") || text.starts_with("file:");
    let climbs = text.split(['/', '\\']).any(|part| part == "..");
    let control = text.chars().any(char::is_control);
    if text.is_empty() || absolute || drive || address || climbs || control {
        return Err(Problem::UnsafePath(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for text in
            ["", "/etc/passwd", "a/../../x", "a\\..\\x", "C:\\x", "c:x", "\\\\host\\share", "~/x", "..\\x"]
        {
            assert_eq!(path(text), Err(Problem::UnsafePath(text.to_owned())), "{text}");
            assert_eq!(below(text), Err(Problem::UnsafePath(text.to_owned())), "{text}");
        }
        for text in ["../x", "../../lib/x.whl", ".."] {
            assert!(below(text).is_err(), "{text}");
            assert_eq!(path(text), Ok(()), "{text}");
        }
        assert!(path("..//etc/passwd").is_err());
        for text in ["file:///etc/passwd", "file:x", "https://h.example/x", "a\nb", "a\0"] {
            assert!(path(text).is_err(), "{text:?}");
        }
        for text in ["x.whl", "./x.whl", ".", "wheels/x.whl", "a..b/x"] {
            assert_eq!(path(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn addresses_that_are_no_downloads_are_refused() {
        for text in [
            "file:///etc/passwd",
            "ftp://h.example/x",
            "x.whl",
            "//h.example/x",
            "https://",
            "data:,x",
            "https://h.example/a b",
        ] {
            assert!(matches!(url(text, Scheme::Web), Err(Problem::BadUrl { .. })), "{text}");
        }
        assert_eq!(url("https://h.example/x?y#z", Scheme::Web), Ok(()));
        assert_eq!(url("ssh://git@h.example/x", Scheme::VersionControl), Ok(()));
        assert!(url("file:///x", Scheme::VersionControl).is_err());
    }

    #[test]
    fn credentials_are_seen_and_never_repeated() {
        let cases = [
            "https://user:canary@h.example/x",
            "https://canary@h.example/x",
            "https://:canary@h.example/x",
            "https://canary@",
            "https://a@canary@h.example/x",
            "ssh://git:canary@h.example/x",
        ];
        for text in cases {
            let problem = url(text, Scheme::VersionControl).unwrap_err();
            assert_eq!(problem, Problem::Credentials, "{text}");
            assert!(!problem.to_string().contains("canary"));
            assert!(!without_credentials(text).contains("canary"), "{text}");
        }
        assert_eq!(without_credentials("https://u:p@h.example/@x"), "https://h.example/@x");
        assert_eq!(without_credentials("https://h.example/@x"), "https://h.example/@x");
    }
}
