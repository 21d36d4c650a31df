//! What `docker save` writes (Docker image specification 1.2, `manifest.json`), and others after it.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::choose::{Candidate, choose};
use super::documents::{self, LAYER_GZIP, LAYER_TAR, LAYER_ZSTD};
use super::store::{Archive, Place};
use super::{BaseError, BaseImage};
use crate::digest::Digest;
use crate::oci::layout::ImageLayer;
use crate::oci::model::{Descriptor, ImageConfig, Platform, nullable};

/// An image in the list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default, deserialize_with = "nullable")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    layers: Vec<String>,
}

/// Opens the image that is meant.
pub(super) fn open(
    path: &Path,
    archive: &Archive,
    list: &Place,
    reference: Option<&str>,
    platform: &Platform,
) -> Result<BaseImage, BaseError> {
    let name = path.display().to_string();
    let images: Vec<Saved> = documents::parse("manifest.json", &list.bytes("manifest.json")?)?;
    let mut candidates = Vec::new();
    for image in images {
        let bytes = member(archive, path, &image.config)?.bytes(&image.config)?;
        let digest = Digest::of(&bytes);
        if stated_digest(&image.config).is_some_and(|stated| stated != digest) {
            return Err(BaseError::Damaged { name: shown(&image.config), path: path.to_owned() });
        }
        let config: ImageConfig = documents::parse(&shown(&image.config), &bytes)?;
        let platform = config.platform();
        let names = image.repo_tags.clone();
        candidates.push(Candidate { names, platform, digest, at: (image, config) });
    }
    let Candidate { digest, at: (image, config), .. } = choose(&name, reference, platform, candidates)?;
    documents::check_layers(&name, image.layers.len(), &config)?;
    let (mut layers, mut places) = (Vec::new(), Vec::new());
    for (layer, diff_id) in image.layers.iter().zip(&config.rootfs.diff_ids) {
        let place = member(archive, path, layer)?;
        layers.push(ImageLayer { descriptor: described(&place, *diff_id)?, diff_id: *diff_id });
        places.push(place);
    }
    Ok(BaseImage { name, digest, pinned: None, config, layers, places })
}

/// Layers are archives as they are, whose digest is their `diff_id`. Some tools put compressed ones there; those are
/// read once for their digest.
fn described(place: &Place, diff_id: Digest) -> Result<Descriptor, BaseError> {
    let (mut section, size) = place.open()?;
    let mut magic = [0; 4];
    let cannot = |error| BaseError::Io { path: place.path().to_owned(), error };
    let read = section.read(&mut magic).map_err(cannot)?;
    Ok(match &magic[..read] {
        [0x1f, 0x8b, ..] => Descriptor::new(LAYER_GZIP, place.digest()?, size),
        [0x28, 0xb5, 0x2f, 0xfd] => Descriptor::new(LAYER_ZSTD, place.digest()?, size),
        _ => Descriptor::new(LAYER_TAR, diff_id, size),
    })
}

fn member(archive: &Archive, path: &Path, name: &str) -> Result<Place, BaseError> {
    archive.place(name).ok_or_else(|| BaseError::Missing { name: shown(name), path: path.to_owned() })
}

/// The digest in the name of a configuration: `HEX.json`, `sha256:HEX` or `blobs/sha256/HEX`.
fn stated_digest(name: &str) -> Option<Digest> {
    let last = name.rsplit(['/', ':']).next()?;
    format!("sha256:{}", last.trim_end_matches(".json")).parse().ok()
}

/// A name for an error.
fn shown(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(200).collect()
}
