//! The tool's own table: `[tool.mlresolve]`, or a `mlresolve.toml` of the same keys.
//!
//! Values are kept as they are written where another part of the program judges them: what a platform
//! or an accelerator can be is not for this crate to know.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::name::{ExtraName, GroupName, PackageName};
use crate::requirement::Requirement;
use crate::specifier::Repair;

use super::PyProjectError;
use super::declared::{self, DeclaredMetadata, RawMetadata};
use super::read::{LenientRequirement, UniqueTable, from_toml};
use super::sources::{self, IndexEntry, PackageSource, RawSources};

/// The settings of a project. What is absent is left to the caller's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "RawConfig")]
pub struct Config {
    /// `exclude-newer`: a time, a date or an age, not yet parsed.
    pub exclude_newer: Option<String>,
    /// `index-url`.
    pub index_url: Option<String>,
    /// `extra-index-urls`, in the order in which they are asked.
    pub extra_index_urls: Vec<String>,
    /// `[[index]]`: indexes with names, in the order in which they are asked, after `extra-index-urls`.
    pub indexes: Vec<IndexEntry>,
    /// `sources`: where single packages come from.
    pub sources: Vec<(PackageName, Vec<PackageSource>)>,
    /// `find-links`: pages and folders of files.
    pub find_links: Vec<String>,
    /// `no-index`: whether no index is asked.
    pub no_index: Option<bool>,
    /// `torch-index-url`: the folder under which the indexes of PyTorch's builds lie.
    pub torch_index_url: Option<String>,
    /// `align`: whether targets share the public version of each package.
    pub align: Option<bool>,
    /// `unaligned`: the packages that may differ nonetheless.
    pub unaligned: Vec<PackageName>,
    /// `providers`: the distribution that provides an import package, by the name of the latter.
    pub providers: Vec<(String, PackageName)>,
    /// `allow-held-back`: packages that may be old because others stand in the way.
    pub allow_held_back: Vec<PackageName>,
    /// `allow-overlap`: packages that may write files of others.
    pub allow_overlap: Vec<PackageName>,
    /// `any-cuda`: packages that go with any CUDA, whichever they are built for.
    pub any_cuda: Vec<PackageName>,
    /// `prerelease`: how pre-releases are treated.
    pub prerelease: Option<String>,
    /// `resolution`: which versions are preferred.
    pub resolution: Option<String>,
    /// `only-binary`: packages of which no source distribution is used, or `:all:`.
    pub only_binary: Vec<String>,
    /// `no-binary`: packages of which no wheel is used, or `:all:`.
    pub no_binary: Vec<String>,
    /// `allow-build`: packages that may be built to see what they require, or `:all:`.
    pub allow_build: Vec<String>,
    /// `metadata`: what packages require that do not tell it themselves.
    pub metadata: Vec<DeclaredMetadata>,
    /// `constraints`: bounds on packages that something else requires.
    pub constraints: Vec<Requirement>,
    /// `overrides`: what replaces every requirement of the same package.
    pub overrides: Vec<Requirement>,
    /// `targets`, by name, in the order of the file: earlier ones win ties.
    pub targets: Vec<(String, TargetConfig)>,
    /// The legacy specifiers that were repaired in the above.
    pub repairs: Vec<Repair>,
}

/// One declared machine: a table `[tool.mlresolve.targets.<name>]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct TargetConfig {
    /// `python`, such as `3.12`.
    pub python: Option<String>,
    /// `platform`, such as `linux-x86_64`.
    pub platform: Option<String>,
    /// `glibc`, such as `2.35`.
    pub glibc: Option<String>,
    /// `image`: the image from which glibc and Python follow.
    pub image: Option<String>,
    /// `accelerator`, such as `cuda`, `cu128` or `cpu`.
    pub accelerator: Option<String>,
    /// `driver`: the oldest driver of the fleet, such as `570.124`.
    #[serde(deserialize_with = "text_or_branch")]
    pub driver: Option<String>,
    /// `gpu`: capabilities or names.
    #[serde(deserialize_with = "one_or_several")]
    pub gpu: Vec<String>,
    /// `groups`: the dependency groups that go in.
    pub groups: Vec<GroupName>,
    /// `extras`: the project's extras that go in.
    pub extras: Vec<ExtraName>,
}

impl Config {
    /// Reads a `mlresolve.toml`: the settings, and the keys that have no meaning, with dots between
    /// the levels.
    ///
    /// # Errors
    /// When it is no TOML, or a value is not what its key asks for.
    pub fn parse(text: &str) -> Result<(Self, Vec<String>), PyProjectError> {
        from_toml(text)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct RawConfig {
    exclude_newer: Option<TextOrDate>,
    index_url: Option<String>,
    extra_index_urls: Vec<String>,
    index: Vec<IndexEntry>,
    sources: RawSources,
    find_links: Vec<String>,
    no_index: Option<bool>,
    torch_index_url: Option<String>,
    align: Option<bool>,
    unaligned: Vec<PackageName>,
    providers: BTreeMap<String, PackageName>,
    allow_held_back: Vec<PackageName>,
    allow_overlap: Vec<PackageName>,
    any_cuda: Vec<PackageName>,
    prerelease: Option<String>,
    resolution: Option<String>,
    only_binary: Vec<String>,
    no_binary: Vec<String>,
    allow_build: Vec<String>,
    metadata: RawMetadata,
    constraints: Vec<LenientRequirement>,
    overrides: Vec<LenientRequirement>,
    targets: UniqueTable<TargetName, TargetConfig>,
}

impl From<RawConfig> for Config {
    fn from(raw: RawConfig) -> Self {
        let mut repairs = Vec::new();
        let metadata = declared::finish(raw.metadata, &mut repairs);
        let mut list = |requirements: Vec<LenientRequirement>| -> Vec<Requirement> {
            requirements.into_iter().map(|requirement| requirement.finish(&mut repairs)).collect()
        };
        Self {
            exclude_newer: raw.exclude_newer.map(|text| text.0),
            index_url: raw.index_url,
            extra_index_urls: raw.extra_index_urls,
            indexes: raw.index,
            sources: sources::finish(raw.sources),
            find_links: raw.find_links,
            no_index: raw.no_index,
            torch_index_url: raw.torch_index_url,
            align: raw.align,
            unaligned: raw.unaligned,
            providers: raw.providers.into_iter().collect(),
            allow_held_back: raw.allow_held_back,
            allow_overlap: raw.allow_overlap,
            any_cuda: raw.any_cuda,
            prerelease: raw.prerelease,
            resolution: raw.resolution,
            only_binary: raw.only_binary,
            no_binary: raw.no_binary,
            allow_build: raw.allow_build,
            metadata,
            constraints: list(raw.constraints),
            overrides: list(raw.overrides),
            targets: raw.targets.0.into_iter().map(|(name, target)| (name.0, target)).collect(),
            repairs,
        }
    }
}

/// A version of a driver, whose branch alone may stand there without quotes.
fn text_or_branch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => Ok(Some(text)),
        toml::Value::Integer(branch) => Ok(Some(branch.to_string())),
        // 550.10 would be 550.1.
        toml::Value::Float(_) => Err(D::Error::custom("driver: put the version in quotes, as in \"550.54\"")),
        other => Err(D::Error::custom(format!(
            "driver: invalid type: {}, expected a version such as \"550.54\"",
            other.type_str()
        ))),
    }
}

/// A list of texts, or one text alone.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let wrong = |value: &toml::Value| {
        D::Error::custom(format!("gpu: invalid type: {}, expected a name such as \"H100\"", value.type_str()))
    };
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => Ok(vec![text]),
        toml::Value::Array(list) => {
            let text = |value: &toml::Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(value));
            list.iter().map(text).collect()
        }
        other => Err(wrong(&other)),
    }
}

/// A text, or a date or time as TOML writes it, without quotes.
pub(super) struct TextOrDate(pub(super) String);

impl<'de> Deserialize<'de> for TextOrDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Datetime(time) => Ok(Self(time.to_string())),
            other => Err(D::Error::custom(format!(
                "invalid type: {}, expected a time, a date or an age such as \"7 days\"",
                other.type_str()
            ))),
        }
    }
}

/// A target's name becomes part of a file's name.
#[derive(Clone, PartialEq, Eq, Hash)]
struct TargetName(String);

impl<'de> Deserialize<'de> for TargetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            return Err(D::Error::custom(format!(
                "{name:?} is not the name of a target: use up to 64 lowercase letters, digits, '_' and '-'"
            )));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
