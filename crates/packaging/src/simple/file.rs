//! What the JSON and the HTML form have in common: how one file's facts are judged.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{Hashes, MetadataOffer, SkippedFile};
use crate::filename::check_component;

/// Sizes beyond this (1 TiB) are nonsense and treated as not given.
const MAX_SIZE: u64 = 1 << 40;
/// More hashes than this on one file are not read.
const MAX_HASHES: usize = 16;
/// No algorithm in use has a longer name or a longer digest.
const MAX_ALGORITHM_BYTES: usize = 32;
/// MD5, the shortest one that indexes give.
const MIN_DIGEST_BYTES: usize = 32;
const MAX_DIGEST_BYTES: usize = 256;
/// The longest name that a skipped entry keeps, in characters.
const MAX_SKIPPED_CHARS: usize = 120;

/// Joins the URLs of a page's files to the page's own.
pub(super) struct Joiner {
    base: Url,
    file_allowed: bool,
}

impl Joiner {
    pub(super) fn new(page: &Url) -> Self {
        let mut joiner = Self { base: page.clone(), file_allowed: page.scheme() == "file" };
        remove_credentials(&mut joiner.base);
        joiner
    }

    /// Follows `<base href>`; a base that cannot be joined is as good as none.
    pub(super) fn rebase(&mut self, href: &str) {
        if let Ok(mut base) = self.base.join(href) {
            remove_credentials(&mut base);
            self.base = base;
        }
    }

    /// The absolute URL of a file without its fragment, and the fragment.
    pub(super) fn join<'a>(&self, href: &'a str) -> Result<(Url, Option<&'a str>), String> {
        let mut url =
            self.base.join(href.trim()).map_err(|error| format!("its URL is not valid: {error}"))?;
        match url.scheme() {
            "http" | "https" => {}
            "file" if self.file_allowed => {}
            other => return Err(format!("its URL has the scheme `{other}`, which a page may not use")),
        }
        url.set_fragment(None);
        remove_credentials(&mut url);
        Ok((url, href.split_once('#').map(|(_, fragment)| fragment)))
    }
}

fn remove_credentials(url: &mut Url) {
    if !url.username().is_empty() || url.password().is_some() {
        // Fails only for URLs that cannot have credentials in the first place.
        url.set_username("").and_then(|()| url.set_password(None)).unwrap_or_default();
    }
}

/// The decoded last segment of a URL's path.
pub(super) fn name_in_path(path: &str) -> Cow<'_, str> {
    let segment = path.rsplit('/').next().unwrap_or_default();
    percent_decode_str(segment).decode_utf8_lossy()
}

/// A file name must be one path component and nothing that a path or a shell would take apart.
pub(super) fn check_filename(filename: &str) -> Result<(), String> {
    check_component(filename).map_err(|problem| format!("its file name {problem}"))
}

/// A fragment or attribute of the form `sha256=0123…`, perhaps among others.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter_map(|pair| pair.split_once('='))
}

/// Reads hashes given as pairs; a SHA-256 that is none is an error, since nothing else would notice
/// that a file had lost its protection.
pub(super) fn hashes<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Hashes, String> {
    let mut hashes = Hashes::default();
    for (algorithm, digest) in pairs.into_iter().take(MAX_HASHES) {
        let hexadecimal = digest.len() >= MIN_DIGEST_BYTES
            && digest.len() <= MAX_DIGEST_BYTES
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let algorithm = algorithm.to_ascii_lowercase();
        if algorithm == "sha256" {
            if !hexadecimal || digest.len() != 64 {
                return Err("its sha256 is not 64 hexadecimal digits".to_owned());
            }
            let digest = digest.to_ascii_lowercase();
            if hashes.sha256.as_ref().is_some_and(|earlier| *earlier != digest) {
                return Err("it has two different sha256".to_owned());
            }
            hashes.sha256 = Some(digest);
        } else if hexadecimal && is_algorithm(&algorithm) {
            hashes.others.insert(algorithm, digest.to_ascii_lowercase());
        }
    }
    Ok(hashes)
}

fn is_algorithm(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_ALGORITHM_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Without a usable hash the offer stands: the wheel itself is still verified.
pub(super) fn hashed_offer<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> MetadataOffer {
    match hashes(pairs) {
        Ok(hashes) if !hashes.is_empty() => MetadataOffer::Hashed(hashes),
        _ => MetadataOffer::Present,
    }
}

pub(super) fn size(size: u64) -> Option<u64> {
    (size <= MAX_SIZE).then_some(size)
}

pub(super) fn skipped(name: &str, reason: String) -> SkippedFile {
    SkippedFile { filename: name.chars().take(MAX_SKIPPED_CHARS).collect(), reason }
}
