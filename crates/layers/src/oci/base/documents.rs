//! The documents of images that others made: OCI's and Docker's (image manifest version 2, schema 2), read leniently
//! where it does no harm.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::BaseError;
use crate::digest::Digest;
use crate::oci::layout::ImageLayer;
use crate::oci::model::{
    Descriptor, ImageConfig, MEDIA_TYPE_CONFIG, MEDIA_TYPE_INDEX, MEDIA_TYPE_MANIFEST, Platform, nullable,
};

/// The most bytes of a document of an image; registries take 4 MiB.
pub const DOCUMENT_BYTES_LIMIT: u64 = 4 * 1024 * 1024;

/// The most layers of an image; engines mount hardly more.
pub const LAYERS_LIMIT: usize = 127;

pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

pub(crate) const LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// An index or a manifest.
pub(crate) enum Document {
    Index(Vec<Listed>),
    Manifest { config: Listed, layers: Vec<Listed> },
}

/// A descriptor as others write it: a digest of another kind does no harm before it is followed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) platform: Option<Platform>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Both kinds of documents in one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u32>,
    manifests: Option<Vec<Listed>>,
    config: Option<Listed>,
    layers: Option<Vec<Listed>>,
}

impl Document {
    /// Reads an index or a manifest; `name` is for errors.
    ///
    /// What it is follows from what it has. One that has both is refused, since two readers could see two images in it
    /// (OCI image specification 1.1, manifest, `mediaType`).
    pub(crate) fn read(name: &str, bytes: &[u8]) -> Result<Self, BaseError> {
        let wrong =
            |problem: &str| BaseError::Document { name: name.to_owned(), problem: problem.to_owned() };
        let raw: Raw = parse(name, bytes)?;
        if raw.schema_version == Some(1) {
            return Err(wrong("it is of Docker's schema 1, which is given up; push the image anew"));
        }
        match raw {
            Raw { manifests: Some(manifests), config: None, layers: None, .. } => Ok(Self::Index(manifests)),
            Raw { manifests: None, config: Some(config), layers: Some(layers), .. } => {
                Ok(Self::Manifest { config, layers })
            }
            Raw { manifests: Some(_), .. } => Err(wrong("it is a list of images and an image in one")),
            _ => Err(wrong("it is neither an image nor a list of images")),
        }
    }
}

impl Listed {
    /// With a digest that we can follow.
    pub(crate) fn descriptor(&self) -> Result<Descriptor, BaseError> {
        let digest = self.digest.parse().map_err(|_| BaseError::Document {
            name: format!("{:.100}", self.digest),
            problem: "only digests of SHA-256 are known here".to_owned(),
        })?;
        Ok(Descriptor {
            platform: self.platform.clone(),
            annotations: self.annotations.clone(),
            ..Descriptor::new(&self.media_type, digest, self.size)
        })
    }

    /// Whether it may be a list of images.
    pub(crate) fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), MEDIA_TYPE_INDEX | DOCKER_LIST)
    }

    /// Whether it may be an image: not the provenance of one, a signature, or another artifact.
    pub(crate) fn is_image(&self) -> bool {
        matches!(self.media_type.as_str(), "" | MEDIA_TYPE_MANIFEST | DOCKER_MANIFEST)
            && !self.annotations.contains_key("vnd.docker.reference.type")
    }
}

/// Reads a JSON document.
pub(crate) fn parse<'a, T: Deserialize<'a>>(name: &str, bytes: &'a [u8]) -> Result<T, BaseError> {
    if bytes.len() as u64 > DOCUMENT_BYTES_LIMIT {
        return Err(BaseError::Large { name: name.to_owned() });
    }
    serde_json::from_slice(bytes)
        .map_err(|error| BaseError::Document { name: name.to_owned(), problem: error.to_string() })
}

/// Whether a manifest with this configuration is an image's; others hold charts, models or signatures.
pub(crate) fn is_image_config(config: &Listed) -> bool {
    matches!(config.media_type.as_str(), "" | MEDIA_TYPE_CONFIG | DOCKER_CONFIG)
}

/// What a manifest and the configuration that it names say together.
pub(crate) fn image(
    name: &str,
    config: &Listed,
    layers: &[Listed],
    config_bytes: &[u8],
) -> Result<(ImageConfig, Vec<ImageLayer>), BaseError> {
    let wrong = |problem: String| BaseError::Document { name: name.to_owned(), problem };
    if !is_image_config(config) {
        return Err(wrong(format!("it holds {:?} and no image", config.media_type)));
    }
    let parsed: ImageConfig = parse(name, config_bytes)?;
    check_layers(name, layers.len(), &parsed)?;
    let layer = |(listed, diff_id): (&Listed, &Digest)| {
        let descriptor = listed.descriptor()?;
        let media_type = layer_type(&listed.media_type).ok_or_else(|| {
            wrong(format!("its layer {} is {:?}, which cannot be used", descriptor.digest, listed.media_type))
        })?;
        // What an index says of an image has no place with a layer.
        let descriptor = Descriptor { media_type: media_type.to_owned(), platform: None, ..descriptor };
        Ok(ImageLayer { descriptor, diff_id: *diff_id })
    };
    let layers = layers.iter().zip(&parsed.rootfs.diff_ids).map(layer).collect::<Result<_, BaseError>>()?;
    Ok((parsed, layers))
}

/// Holds an image to the limit of layers and to one `diff_id` for each.
pub(crate) fn check_layers(name: &str, count: usize, config: &ImageConfig) -> Result<(), BaseError> {
    if count > LAYERS_LIMIT {
        return Err(BaseError::Layers { name: name.to_owned(), count });
    }
    if config.rootfs.diff_ids.len() == count {
        return Ok(());
    }
    let problem = format!("it has {count} layers, and its configuration {}", config.rootfs.diff_ids.len());
    Err(BaseError::Document { name: name.to_owned(), problem })
}

/// OCI's name of a layer's type: the bytes are the same under Docker's. Layers that may not be handed on have none.
fn layer_type(media_type: &str) -> Option<&'static str> {
    match media_type {
        LAYER_TAR | "application/vnd.docker.image.rootfs.diff.tar" => Some(LAYER_TAR),
        LAYER_GZIP | "application/vnd.docker.image.rootfs.diff.tar.gzip" => Some(LAYER_GZIP),
        LAYER_ZSTD | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Some(LAYER_ZSTD),
        _ => None,
    }
}
