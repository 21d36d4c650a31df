//! How images are named: `[host[:port]/]name[:tag][@digest]`.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// The registry of names without a host, which people know as Docker Hub.
pub(crate) const DEFAULT_HOST: &str = concat!("docker", ".", "io");

/// The namespace of Docker Hub's names without one.
const DEFAULT_NAMESPACE: &str = "library/";

/// The most bytes of a repository's name (distribution specification, pull).
const NAME_BYTES_LIMIT: usize = 255;

/// The most bytes of a tag.
const TAG_BYTES_LIMIT: usize = 128;

/// The name of an image in a registry. Names that mean the same are equal: `python` is `library/python:latest` on
/// Docker Hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no image: {problem}; a name is [host[:port]/]name[:tag][@sha256:…]")]
pub struct ReferenceError {
    /// The text, or its beginning.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Reference {
    /// The registry's host, with its port if it is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository within the registry, such as `library/python`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where neither a tag nor a digest was written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if it is named by one.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same image by its digest; the tag stays for people to read.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// Whether it is on Docker Hub.
    #[must_use]
    pub fn is_on_docker_hub(&self) -> bool {
        self.host == DEFAULT_HOST
    }
}

impl fmt::Display for Reference {
    /// As short as it can be: without Docker Hub's host and namespace.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_on_docker_hub() {
            formatter
                .write_str(self.repository.strip_prefix(DEFAULT_NAMESPACE).unwrap_or(&self.repository))?;
        } else {
            write!(formatter, "{}/{}", self.host, self.repository)?;
        }
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(formatter, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let wrong = |problem| ReferenceError { text: text.chars().take(200).collect(), problem };
        if text.contains("://") {
            return Err(wrong("it is an address; leave out what is before the host"));
        }
        let (name, digest) = match text.split_once('@') {
            None => (text, None),
            Some((name, digest)) => {
                let digest = digest.parse().map_err(|_| {
                    wrong("after '@' comes a digest, 'sha256:' and 64 lowercase hexadecimal digits")
                })?;
                (name, Some(digest))
            }
        };
        let (name, tag) = match name.rsplit_once(':') {
            // A colon before a slash is a port's.
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if !tag.is_none_or(is_tag) {
            return Err(wrong("a tag has letters, digits, '_', '.' and '-', at most 128 of them"));
        }
        let (host, repository) = match name.split_once('/') {
            Some((first, rest)) if is_like_a_host(first) => {
                (if is_docker_hub(first) { DEFAULT_HOST } else { first }, rest.to_owned())
            }
            _ => (DEFAULT_HOST, name.to_owned()),
        };
        if !is_host(host) {
            return Err(wrong("its host is none"));
        }
        let repository = if host == DEFAULT_HOST && !repository.contains('/') {
            format!("{DEFAULT_NAMESPACE}{repository}")
        } else {
            repository
        };
        if repository.chars().any(|character| character.is_ascii_uppercase()) {
            return Err(wrong("the name of a repository is in lower case"));
        }
        if repository.len() > NAME_BYTES_LIMIT {
            return Err(wrong("the name of a repository has at most 255 bytes"));
        }
        if !repository.split('/').all(is_component) {
            return Err(wrong(
                "the parts of a repository's name have lowercase letters and digits, with '.', '_', '__' or '-' between",
            ));
        }
        let tag = tag.map(str::to_owned);
        let tag = if digest.is_none() { tag.or_else(|| Some("latest".to_owned())) } else { tag };
        Ok(Self { host: host.to_ascii_lowercase(), repository, tag, digest })
    }
}

/// Whether the first part of a name is a host: it has a dot or a port, or is this machine, or has capitals, which no
/// repository has.
fn is_like_a_host(part: &str) -> bool {
    part == "localhost"
        || part.contains(['.', ':'])
        || part.chars().any(|character| character.is_ascii_uppercase())
}

/// The names of Docker Hub.
pub(crate) fn is_docker_hub(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(DEFAULT_HOST).is_some_and(|before| matches!(before, "" | "index." | "registry-1."))
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    port.is_none_or(is_port)
        && match address {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => name.len() <= 253 && name.split('.').all(is_label),
        }
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES_LIMIT
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// A part of a repository's name: words with one separator between them.
fn is_component(part: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separator = String::new();
    let (Some(first), Some(last)) = (part.bytes().next(), part.bytes().last()) else { return false };
    if !is_word(first) || !is_word(last) {
        return false;
    }
    for character in part.chars() {
        if character.is_ascii() && is_word(character as u8) {
            separator.clear();
            continue;
        }
        separator.push(character);
        let dashes = separator.bytes().all(|byte| byte == b'-');
        if !(dashes || matches!(separator.as_str(), "." | "_" | "__")) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host, repository, tag and digest.
    type Parts = (String, String, Option<String>, Option<Digest>);

    fn read(text: &str) -> Result<Parts, &'static str> {
        let reference: Reference = text.parse().map_err(|error: ReferenceError| error.problem)?;
        Ok((reference.host, reference.repository, reference.tag, reference.digest))
    }

    #[test]
    fn names_mean_what_docker_takes_them_for() {
        let digest = Digest::of(b"");
        let hub = DEFAULT_HOST;
        for (text, host, repository, tag, pin) in [
            ("python".to_owned(), hub, "library/python", Some("latest"), None),
            ("python:3.12-slim".to_owned(), hub, "library/python", Some("3.12-slim"), None),
            ("nvidia/cuda:12.8.1-base".to_owned(), hub, "nvidia/cuda", Some("12.8.1-base"), None),
            (format!("index.{hub}/python"), hub, "library/python", Some("latest"), None),
            (
                "registry.example/a/b__c-d--e.f".to_owned(),
                "registry.example",
                "a/b__c-d--e.f",
                Some("latest"),
                None,
            ),
            ("registry.example:5000/a:b".to_owned(), "registry.example:5000", "a", Some("b"), None),
            ("localhost/a".to_owned(), "localhost", "a", Some("latest"), None),
            ("127.0.0.1:5055/team/base".to_owned(), "127.0.0.1:5055", "team/base", Some("latest"), None),
            ("[::1]:5000/a".to_owned(), "[::1]:5000", "a", Some("latest"), None),
            (format!("python:3.12@{digest}"), hub, "library/python", Some("3.12"), Some(digest)),
            (format!("registry.example/a@{digest}"), "registry.example", "a", None, Some(digest)),
        ] {
            let expected = (host.to_owned(), repository.to_owned(), tag.map(str::to_owned), pin);
            assert_eq!(read(&text), Ok(expected), "{text}");
            // What is shown is read as the same.
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string().parse(), Ok(reference));
        }
        assert_eq!("python".parse::<Reference>().unwrap().to_string(), "python:latest");
    }

    #[test]
    fn what_names_no_image_is_refused() {
        let long = format!("registry.example/{}", "a".repeat(256));
        let tag = format!("a:{}", "b".repeat(129));
        for (text, problem) in [
            ("", "the parts of a repository's name"),
            ("https://registry.example/a", "it is an address"),
            ("Python", "the name of a repository is in lower case"),
            ("registry.example/", "the parts of a repository's name"),
            ("registry.example/a/../b", "the parts of a repository's name"),
            ("registry.example/a b", "the parts of a repository's name"),
            ("registry.example/a\r\nb", "the parts of a repository's name"),
            ("registry.example:99999/a", "its host is none"),
            ("user:pass@registry.example/a", "after '@' comes a digest"),
            ("registry.example/a@sha512:00", "after '@' comes a digest"),
            ("a:", "a tag has"),
            ("a:.b", "a tag has"),
            ("-.example/a", "its host is none"),
            ("a/b._c", "the parts of a repository's name"),
            ("a-/b", "the parts of a repository's name"),
            (&long, "the name of a repository has at most"),
            (&tag, "a tag has"),
        ] {
            let found = read(text);
            assert!(matches!(found, Err(found) if found.starts_with(problem)), "{text:?}: {found:?}");
        }
    }
}
