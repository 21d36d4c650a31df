//! What layers a lock makes, without making them: what they weigh, what a change costs, and what could be saved.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve_index::Cache;
use mlresolve_layers::Compression;
use mlresolve_layers::plan::{Class, PlanLayer};
use serde::Serialize;

use super::advice;
use super::contents::{Contents, LockedPackage};
use super::package_layer::{InstalledPackage, PackageLayer};
use super::request::DEFAULT_PREFIX;
use super::store::{Recipe, Store};
use crate::error::Error;
use crate::locks::OpenLock;

/// The layers of the packages of a lock.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PlannedLayers {
    /// The version of the rule by which packages are put into layers.
    pub rule: u32,
    /// From how many bytes on a wheel has a layer of its own.
    pub bound: u64,
    /// Whether the bound was raised to keep within the most layers there may be: then one package may move others.
    pub is_raised: bool,
    /// The layers, the lowest first.
    pub layers: Vec<PlannedLayer>,
    /// What could make the image smaller, in sentences.
    pub savings: Vec<String>,
}

/// A layer of packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PlannedLayer {
    /// What it is for.
    pub class: Class,
    /// Which of the layers for small packages it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<u8>,
    /// The digest of its blob, if it was made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What everybody who has the image fetches again when a package in it changes, in bytes: those of its blob, or, until it
    /// was made, those of its wheels.
    pub bytes: u64,
    /// Whether these are the bytes of the blob.
    pub is_exact: bool,
    /// The packages, in the order of their names.
    pub packages: Vec<PlannedPackage>,
}

/// A package in a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PlannedPackage {
    /// Its normalised name.
    pub name: String,
    /// Its version, where the lock has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The bytes of its wheel, where the lock says them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wheel_bytes: Option<u64>,
    /// The bytes that its files take compressed, once its layer was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed_bytes: Option<u64>,
    /// The bytes of its files, once its layer was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_bytes: Option<u64>,
    #[serde(skip)]
    wheel: String,
}

/// What an image costs those who have another one.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LayerChanges {
    /// The layers that the other image does not have.
    pub changed: Vec<PlannedLayer>,
    /// Their bytes: what is fetched.
    pub bytes: u64,
    /// Whether these are the bytes of their blobs, since all were made.
    pub is_exact: bool,
    /// How many layers are the same.
    pub kept: usize,
    /// The bytes of those.
    pub kept_bytes: u64,
    /// Packages that moved to another layer without a change of their own, since a bound was crossed or raised.
    pub moved: Vec<String>,
}

impl PlannedLayers {
    /// The bytes of all layers.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }

    /// What those fetch who have the image of `old` and want this one.
    #[must_use]
    pub fn changes_since(&self, old: &Self) -> LayerChanges {
        let identity = |layer: &PlannedLayer| -> Vec<String> {
            layer.packages.iter().map(|package| package.wheel.clone()).collect()
        };
        let known: BTreeSet<Vec<String>> = old.layers.iter().map(identity).collect();
        let (kept, changed): (Vec<&PlannedLayer>, Vec<&PlannedLayer>) =
            self.layers.iter().partition(|layer| known.contains(&identity(layer)));
        let place = |layers: &[PlannedLayer]| -> BTreeMap<String, (String, Class, Option<u8>)> {
            let packages = layers.iter().flat_map(|layer| {
                let at = (layer.class, layer.bucket);
                layer
                    .packages
                    .iter()
                    .map(move |package| (package.name.clone(), (package.wheel.clone(), at.0, at.1)))
            });
            packages.collect()
        };
        let (before, after) = (place(&old.layers), place(&self.layers));
        let has_moved = |(name, (wheel, class, bucket)): (&String, &(String, Class, Option<u8>))| {
            let (old_wheel, old_class, old_bucket) = before.get(name)?;
            let is_same = (old_class, old_bucket) == (class, bucket);
            // A package whose own size crosses the bound changes as well, and that is worth a word too.
            (!is_same).then(|| match old_wheel == wheel {
                true => name.clone(),
                false => format!("{name}, whose size crossed the bound"),
            })
        };
        LayerChanges {
            bytes: changed.iter().map(|layer| layer.bytes).sum(),
            is_exact: changed.iter().all(|layer| layer.is_exact),
            kept: kept.len(),
            kept_bytes: kept.iter().map(|layer| layer.bytes).sum(),
            moved: after.iter().filter_map(has_moved).collect(),
            changed: changed.into_iter().cloned().collect(),
        }
    }
}

/// Says what layers a lock makes. `cache` is where layers that were made are known from.
///
/// # Errors
/// When the lock is not for one machine on which containers run, or names a package twice.
pub fn planned_layers(
    open: &OpenLock,
    cache: Option<&Cache>,
    compression: Compression,
) -> Result<PlannedLayers, Error> {
    let contents = Contents::of(open)?;
    let plan = contents.plan()?;
    let store =
        cache.filter(|cache| cache.layers().is_dir()).map(|cache| Store::open(Some(cache))).transpose()?;
    let python = contents.python();
    let by_name: BTreeMap<&str, &LockedPackage> =
        contents.packages.iter().map(|package| (package.name.as_str(), package)).collect();
    let layers = plan.layers.iter().map(|layer| {
        let recipe = Recipe { prefix: DEFAULT_PREFIX, python: &python, compression, wheels: &layer.wheels };
        // What is built here has a digest only then.
        let made =
            store.as_ref().filter(|_| layer.class != Class::Built).and_then(|store| store.get(&recipe));
        planned(layer, &by_name, made.as_ref())
    });
    Ok(PlannedLayers {
        rule: plan.rule,
        bound: plan.bound,
        is_raised: plan.is_raised(),
        layers: layers.collect(),
        savings: advice::savings(&contents),
    })
}

fn planned(
    layer: &PlanLayer,
    by_name: &BTreeMap<&str, &LockedPackage>,
    made: Option<&PackageLayer>,
) -> PlannedLayer {
    let installed = |name: &str| -> Option<&InstalledPackage> {
        made?.packages.iter().find(|package| package.name == name)
    };
    let packages = layer.packages.iter().zip(&layer.wheels).map(|(name, wheel)| {
        let package = by_name.get(name.as_str());
        PlannedPackage {
            name: name.clone(),
            version: package.and_then(|package| package.version.as_ref()).map(ToString::to_string),
            wheel_bytes: package.and_then(|package| package.wheel.as_ref()?.size),
            compressed_bytes: installed(name).map(|package| package.compressed_bytes),
            installed_bytes: installed(name).map(|package| package.installed_bytes),
            wheel: wheel.to_string(),
        }
    });
    PlannedLayer {
        class: layer.class,
        bucket: layer.bucket,
        digest: made.map(|made| made.layer.digest.to_string()),
        bytes: made.map_or(layer.wheel_bytes, |made| made.layer.size),
        is_exact: made.is_some(),
        packages: packages.collect(),
    }
}
