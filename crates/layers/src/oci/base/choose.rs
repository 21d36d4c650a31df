//! Which of several images is meant.

use std::collections::BTreeSet;

use super::documents::{Document, Listed};
use super::{BaseError, documents};
use crate::digest::Digest;
use crate::oci::model::{Descriptor, ImageConfig, Platform};
use crate::registry::Reference;

/// How deep lists of images may lie in each other.
const INDEX_DEPTH_LIMIT: usize = 4;

/// The most images that are looked at.
const IMAGES_LIMIT: usize = 1000;

/// How many images an error lists.
const SHOWN: usize = 12;

/// The remarks by which an image has its name in a layout.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// An image that could be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate<T> {
    /// Under which names it goes.
    pub(crate) names: Vec<String>,
    /// What it runs on.
    pub(crate) platform: Platform,
    /// The digest by which it is known.
    pub(crate) digest: Digest,
    /// Where it is.
    pub(crate) at: T,
}

/// The one image of some that has the platform.
///
/// # Errors
/// When there is none or there are several; both list what there is.
pub(crate) fn choose<T>(
    place: &str,
    reference: Option<&str>,
    wanted: &Platform,
    candidates: Vec<Candidate<T>>,
) -> Result<Candidate<T>, BaseError> {
    let listed = |candidates: &[Candidate<T>]| {
        let mut lines: Vec<String> = candidates.iter().take(SHOWN).map(Candidate::line).collect();
        if candidates.len() > SHOWN {
            lines.push(format!("and {} more", candidates.len() - SHOWN));
        }
        if lines.is_empty() { "none".to_owned() } else { lines.join("; ") }
    };
    let called = |candidate: &Candidate<T>| {
        reference.is_none_or(|reference| {
            candidate.digest.to_string() == reference
                || candidate.names.iter().any(|name| is_called(name, reference))
        })
    };
    let all = listed(&candidates);
    let mut seen = BTreeSet::new();
    let mut fitting: Vec<Candidate<T>> = candidates
        .into_iter()
        .filter(|candidate| called(candidate) && same_platform(&candidate.platform, wanted))
        .filter(|candidate| seen.insert(candidate.digest))
        .collect();
    let (place, wanted) = (place.to_owned(), platform_text(wanted));
    let named = reference.map(|name| format!(" named {name:?}")).unwrap_or_default();
    match fitting.pop() {
        Some(one) if fitting.is_empty() => Ok(one),
        Some(last) => {
            fitting.push(last);
            Err(BaseError::Several { place, wanted, named, found: listed(&fitting) })
        }
        None => Err(BaseError::NoImage { place, wanted, named, found: all }),
    }
}

/// The images of a list, and of the lists in it, with their manifests' descriptors.
///
/// `document` gives the bytes of a document, verified. Where a list says the platform of its images, only those that
/// fit are opened, since archives of several platforms often hold the blobs of one alone.
pub(crate) fn images<E: From<BaseError>>(
    entries: Vec<Listed>,
    document: &mut dyn FnMut(&Descriptor) -> Result<Vec<u8>, E>,
) -> Result<Vec<Candidate<Descriptor>>, E> {
    let mut found = Vec::new();
    let mut open: Vec<(Listed, Vec<String>, usize)> =
        entries.into_iter().rev().map(|entry| (entry, Vec::new(), 0)).collect();
    let mut seen = 0;
    while let Some((entry, mut names, depth)) = open.pop() {
        seen += 1;
        if seen > IMAGES_LIMIT || depth > INDEX_DEPTH_LIMIT {
            return Err(BaseError::Images.into());
        }
        names.extend(NAMES.iter().filter_map(|name| entry.annotations.get(*name).cloned()));
        if entry.is_index() {
            let descriptor = entry.descriptor()?;
            names.push(entry.digest.clone());
            let bytes = document(&descriptor)?;
            if let Document::Index(entries) = Document::read(&entry.digest, &bytes)? {
                open.extend(entries.into_iter().rev().map(|entry| (entry, names.clone(), depth + 1)));
            } else {
                let problem = "it is no list of images, as its type says".to_owned();
                return Err(BaseError::Document { name: entry.digest, problem }.into());
            }
        } else if entry.is_image() {
            let descriptor = entry.descriptor()?;
            let platform = match entry.platform {
                Some(platform) => Some(platform),
                None => platform_of(&descriptor, document)?,
            };
            let Some(platform) = platform else { continue };
            found.push(Candidate { names, platform, digest: descriptor.digest, at: descriptor });
        }
    }
    Ok(found)
}

/// What an image runs on, where its list does not say; nothing for what is no image, such as a signature.
fn platform_of<E: From<BaseError>>(
    manifest: &Descriptor,
    document: &mut dyn FnMut(&Descriptor) -> Result<Vec<u8>, E>,
) -> Result<Option<Platform>, E> {
    let name = manifest.digest.to_string();
    match Document::read(&name, &document(manifest)?)? {
        Document::Index(_) => Err(BaseError::Document {
            name,
            problem: "it is a list of images, and its type does not say so".to_owned(),
        }
        .into()),
        Document::Manifest { config, .. } if !documents::is_image_config(&config) => Ok(None),
        Document::Manifest { config, .. } => {
            let config_bytes = document(&config.descriptor()?)?;
            let config: ImageConfig = documents::parse(&config.digest, &config_bytes)?;
            Ok(Some(config.platform()))
        }
    }
}

impl<T> Candidate<T> {
    fn line(&self) -> String {
        let name = self.names.iter().find(|name| !name.starts_with("sha256:"));
        let mut line = name.cloned().unwrap_or_default();
        line.retain(|character| !character.is_control());
        format!("{line:.100} {} {}", platform_text(&self.platform), self.digest).trim_start().to_owned()
    }
}

/// `linux/arm64/v8`.
pub(crate) fn platform_text(platform: &Platform) -> String {
    let Platform { os, architecture, variant } = platform;
    let mut text = format!("{os:.40}/{architecture:.40}");
    if let Some(variant) = variant {
        text.push_str(&format!("/{variant:.40}"));
    }
    text.retain(|character| !character.is_control());
    text
}

/// Whether an image's platform is the wanted one. No variant is `v8` for arm64 and `v1` for amd64, as containerd has
/// it; images for a newer variant than the wanted would not start everywhere.
pub(crate) fn same_platform(found: &Platform, wanted: &Platform) -> bool {
    let variant = |platform: &Platform| {
        let variant = platform.variant.as_deref().filter(|variant| !variant.is_empty());
        match (platform.architecture.as_str(), variant) {
            ("arm64", Some("v8" | "8")) | ("amd64", Some("v1")) => None,
            (_, variant) => variant.map(str::to_owned),
        }
    };
    found.os == wanted.os && found.architecture == wanted.architecture && variant(found) == variant(wanted)
}

/// Whether an image goes by what the user calls it: its whole name in any spelling, its tag alone, or its digest.
fn is_called(name: &str, called: &str) -> bool {
    if name == called {
        return true;
    }
    match (name.parse::<Reference>(), called.parse::<Reference>()) {
        (Ok(name), Ok(wanted)) => name == wanted || name.tag() == Some(called),
        (Ok(name), Err(_)) => name.tag() == Some(called),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
