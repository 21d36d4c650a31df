//! What was built, as data.

use mlresolve_layers::oci::Descriptor;
use mlresolve_layers::plan::{Class, Plan};
use mlresolve_layers::{Digest, Layer};
use mlresolve_linkage::Finding;
use mlresolve_target::Target;
use serde::Serialize;

use super::base::Base;
use super::package_layer::InstalledPackage;

/// An image that was built.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BuiltImage {
    /// The digest of its manifest, or of the list of manifests where it is for several platforms.
    pub digest: Digest,
    /// What it is for each target.
    pub targets: Vec<BuiltTarget>,
}

/// The image of one target.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BuiltTarget {
    /// The target's name.
    pub target: String,
    /// As OCI names it, such as `linux/amd64`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BuiltBase>,
    /// The version of the rule by which packages were put into layers.
    pub rule: u32,
    /// From how many bytes on a wheel has a layer of its own.
    pub bound: u64,
    /// Its layers above the base, the lowest first.
    pub layers: Vec<BuiltLayer>,
    /// What is odd, in sentences.
    pub warnings: Vec<String>,
    /// What may not load; what is known not to load keeps an image from being written, unless it is allowed.
    pub findings: Vec<Finding>,
}

/// The image below.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BuiltBase {
    /// As the user wrote it.
    pub name: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// How many layers it has.
    pub layers: usize,
    /// Their bytes as they are stored.
    pub bytes: u64,
}

/// A layer that was built or taken from the cache.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BuiltLayer {
    /// What it is for.
    pub class: Class,
    /// Which of the layers for small packages it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<u8>,
    /// The digest of its blob.
    pub digest: Digest,
    /// The digest of the archive in it.
    pub diff_id: Digest,
    /// The bytes of its blob.
    pub bytes: u64,
    /// The bytes of the archive in it.
    pub unpacked_bytes: u64,
    /// Whether it was made before, and taken from the cache.
    pub cached: bool,
    /// What is installed in it, in the order of the names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<BuiltPackage>,
}

/// A package in a layer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BuiltPackage {
    /// Its normalised name.
    pub name: String,
    /// Its version, where the lock has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The bytes of its files, installed.
    pub installed_bytes: u64,
    /// The bytes that they take compressed.
    pub compressed_bytes: u64,
    /// How many files it has.
    pub files: usize,
}

impl BuiltTarget {
    pub(super) fn new(
        target: &Target,
        manifest: &Descriptor,
        plan: &Plan,
        base: Option<&Base>,
        layers: Vec<BuiltLayer>,
    ) -> Self {
        let platform = super::config::platform(target);
        Self {
            target: target.name().to_owned(),
            platform: format!("{}/{}", platform.os, platform.architecture),
            digest: manifest.digest,
            base: base.map(|base| BuiltBase {
                name: base.image.name.clone(),
                digest: base.image.digest,
                layers: base.layers.len(),
                bytes: base.layers.iter().map(|layer| layer.descriptor.size).sum(),
            }),
            rule: plan.rule,
            bound: plan.bound,
            layers,
            warnings: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The bytes of the layers above the base, as they are stored.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }

    /// The bytes of the layers above the base, unpacked.
    #[must_use]
    pub fn unpacked_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.unpacked_bytes).sum()
    }
}

impl BuiltLayer {
    pub(super) fn new(
        class: Class,
        bucket: Option<u8>,
        layer: &Layer,
        cached: bool,
        packages: Vec<BuiltPackage>,
    ) -> Self {
        Self {
            class,
            bucket,
            digest: layer.digest,
            diff_id: layer.diff_id,
            bytes: layer.size,
            unpacked_bytes: layer.uncompressed_size,
            cached,
            packages,
        }
    }
}

impl BuiltPackage {
    pub(super) fn new(package: &InstalledPackage, version: Option<String>) -> Self {
        Self {
            name: package.name.clone(),
            version,
            installed_bytes: package.installed_bytes,
            compressed_bytes: package.compressed_bytes,
            files: package.files.len(),
        }
    }

    /// The package as people name it.
    #[must_use]
    pub fn named(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }
}
