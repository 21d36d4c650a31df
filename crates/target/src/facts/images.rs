use std::sync::LazyLock;

use super::table::{self, Fact, Source};
use crate::Glibc;

/// The table of base images.
pub(crate) const TABLE: &str = include_str!("../../facts/images.tsv");

static IMAGES: LazyLock<Vec<ImagePattern>> = LazyLock::new(|| table::known(TABLE));

/// What follows from the name of a base image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its C library.
    pub glibc: Glibc,
    /// Its Python, such as `3.12`, where the name says it.
    pub python: Option<String>,
    /// Where this was read.
    pub source: Source,
}

/// A row of the table: a name with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImagePattern {
    pattern: &'static str,
    glibc: Glibc,
    python: Option<&'static str>,
    source: Source,
}

impl Fact for ImagePattern {
    const COLUMNS: &'static [&'static str] = &["image", "glibc", "python"];
    type Key = &'static str;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let python = (cells[2] != "-").then_some(cells[2]);
        let is_named = cells[0].contains('{') == (python == Some("name"));
        is_named.then_some(())?;
        Some(Self { pattern: cells[0], glibc: cells[1].parse().ok()?, python, source })
    }

    fn key(&self) -> &'static str {
        self.pattern
    }
}

/// What is known of a base image by its name, such as `python:3.12-slim` or `nvidia/cuda:12.8.1-base-ubuntu22.04`.
///
/// A registry before the name and a digest behind it are passed over. A name without a tag is the tag `latest`.
pub fn image(name: &str) -> Option<ImageFacts> {
    let name = name.split('@').next().unwrap_or_default();
    let name = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => name,
    };
    let name = name.strip_prefix("library/").unwrap_or(name);
    let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
    if repository.is_empty() || tag.is_empty() || name.len() > NAME_LIMIT {
        return None;
    }
    let mut fitting: Vec<(&ImagePattern, Option<&str>)> =
        IMAGES.iter().filter_map(|known| Some((known, fit(known.pattern, repository, tag)?))).collect();
    fitting.sort_by_key(|(known, _)| (!known.pattern.contains(['*', '{']), known.pattern.len()));
    let (known, version) = fitting.pop()?;
    let python = match known.python {
        Some("name") => version.map(str::to_owned),
        other => other.map(str::to_owned),
    };
    Some(ImageFacts { glibc: known.glibc, python, source: known.source })
}

/// The longest name of an image that is looked up, in bytes: more than a registry takes.
const NAME_LIMIT: usize = 512;

/// Whether a pattern fits a name; what fits is the version that stands in the place of `{minor}` or `{python}`.
fn fit<'a>(pattern: &str, repository: &str, tag: &'a str) -> Option<Option<&'a str>> {
    let Some((wanted, tags)) = pattern.split_once(':') else {
        return (pattern == repository).then_some(None);
    };
    if wanted != repository {
        return None;
    }
    for (place, numbers) in [("{minor}", 2..=2), ("{python}", 2..=3)] {
        if let Some((before, after)) = tags.split_once(place) {
            let version = tag.strip_prefix(before)?.strip_suffix(after)?;
            let parts: Vec<&str> = version.split('.').collect();
            let plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            return (numbers.contains(&parts.len()) && parts.iter().all(plain)).then_some(Some(version));
        }
    }
    match tags.split_once('*') {
        Some((before, after)) => {
            let fits =
                tag.len() >= before.len() + after.len() && tag.starts_with(before) && tag.ends_with(after);
            fits.then_some(None)
        }
        None => (tags == tag).then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str) -> Option<(String, Option<String>)> {
        image(name).map(|found| (found.glibc.to_string(), found.python))
    }

    #[test]
    fn glibc_and_python_follow_from_the_name() {
        for (name, glibc, python) in [
            ("python:3.12-slim", "2.41", Some("3.12")),
            ("python:3.12", "2.41", Some("3.12")),
            ("python:3.12-slim-bookworm", "2.36", Some("3.12")),
            ("python:3.12.4-bookworm", "2.36", Some("3.12.4")),
            ("python:3.11-slim-bullseye", "2.31", Some("3.11")),
            ("python:3.8-slim", "2.36", Some("3.8")),
            ("docker.io/library/python:3.13-slim-trixie@sha256:0a", "2.41", Some("3.13")),
            ("localhost:5000/python:3.13-slim-trixie", "2.41", Some("3.13")),
            ("debian:12", "2.36", None),
            ("debian:12-slim", "2.36", None),
            ("debian:12.5", "2.36", None),
            ("debian:bookworm-slim", "2.36", None),
            ("ubuntu:22.04", "2.35", None),
            ("ubuntu:noble", "2.39", None),
            ("nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04", "2.35", None),
            ("nvcr.io/nvidia/cuda:12.8.1-base-ubi9", "2.34", None),
            ("nvidia/cuda:13.0.1-devel-rockylinux8", "2.28", None),
            ("rocm/dev-ubuntu-24.04", "2.39", None),
            ("registry.access.redhat.com/ubi9/ubi-minimal:9.5", "2.34", None),
            ("registry.access.redhat.com/ubi9/python-312", "2.34", Some("3.12")),
            ("ubi8", "2.28", None),
            ("rockylinux:9", "2.34", None),
            ("rockylinux:9-minimal", "2.34", None),
            ("almalinux:8.10", "2.28", None),
            ("amazonlinux:2023", "2.34", None),
            ("public.ecr.aws/amazonlinux/amazonlinux:2023", "2.34", None),
            ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "2.36", Some("3.12")),
            ("gcr.io/distroless/python3-debian12", "2.36", None),
        ] {
            let expected = Some((glibc.to_owned(), python.map(str::to_owned)));
            assert_eq!(facts(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_does_not_say_it_says_nothing() {
        for name in [
            "",
            ":",
            "@",
            "/",
            "python",
            "python:latest",
            "python:3-slim",
            "python:3.12-alpine",
            "python:3.12.4-slim",
            "python:..-slim-bookworm",
            "ubuntu:latest",
            "ubuntu",
            "alpine:3.20",
            "company/python:3.12-slim",
            "nvidia/cuda:latest",
            "nvidia/cuda:ubuntu22.04",
            "debian:",
            "pytorch/pytorch:2.9.1-cuda12.8-cudnn9-runtime",
        ] {
            assert_eq!(facts(name), None, "{name:?}");
        }
        assert_eq!(facts(&"a".repeat(1_000_000)), None);
    }
}
