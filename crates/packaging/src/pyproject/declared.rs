//! Metadata that a user declares for packages that do not tell their own: `[tool.mlresolve.metadata]`, and uv's
//! `dependency-metadata`, whose keys are the same.

use serde::Deserialize;

use crate::metadata::CoreMetadata;
use crate::name::{ExtraName, PackageName};
use crate::requirement::Requirement;
use crate::specifier::{Repair, SpecifierSet};
use crate::version::Version;

use super::read::{LenientRequirement, LenientSpecifiers, OneOrMany, UniqueTable, VersionText};

/// What a user says of a package's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredMetadata {
    /// The package.
    pub name: PackageName,
    /// `version`: the version that it holds for; every one where there is none.
    pub version: Option<Version>,
    /// `requires-dist`.
    pub requires_dist: Vec<Requirement>,
    /// `requires-python`.
    pub requires_python: Option<SpecifierSet>,
    /// `provides-extra`.
    pub provides_extra: Vec<ExtraName>,
}

impl DeclaredMetadata {
    /// The metadata of one version, as the package itself would tell it.
    #[must_use]
    pub fn of_version(&self, version: Version) -> CoreMetadata {
        CoreMetadata {
            metadata_version: (2, 2),
            name: self.name.clone(),
            version,
            requires_dist: self.requires_dist.clone(),
            requires_python: self.requires_python.clone(),
            provides_extra: self.provides_extra.clone(),
            dynamic: Vec::new(),
            import_names: Vec::new(),
            import_namespaces: Vec::new(),
            repairs: Vec::new(),
        }
    }
}

/// By package: one table, or one for each version.
pub(super) type RawMetadata = UniqueTable<PackageName, OneOrMany<RawDeclared>>;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawDeclared {
    version: Option<VersionText>,
    #[serde(default)]
    requires_dist: Vec<LenientRequirement>,
    requires_python: Option<LenientSpecifiers>,
    #[serde(default, alias = "provides-extras")]
    provides_extra: Vec<ExtraName>,
}

/// uv's form: the package stands in the table. Unknown keys are left to the caller, who names them.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawNamed {
    name: PackageName,
    version: Option<VersionText>,
    #[serde(default)]
    requires_dist: Vec<LenientRequirement>,
    requires_python: Option<LenientSpecifiers>,
    #[serde(default, alias = "provides-extras")]
    provides_extra: Vec<ExtraName>,
}

pub(super) fn finish(raw: RawMetadata, repairs: &mut Vec<Repair>) -> Vec<DeclaredMetadata> {
    let mut all = Vec::new();
    for (name, declared) in raw.0 {
        all.extend(declared.0.into_iter().map(|one| one.finish(name.clone(), repairs)));
    }
    all
}

pub(super) fn finish_named(raw: Vec<RawNamed>, repairs: &mut Vec<Repair>) -> Vec<DeclaredMetadata> {
    let one = |raw: RawNamed| {
        let RawNamed { name, version, requires_dist, requires_python, provides_extra } = raw;
        RawDeclared { version, requires_dist, requires_python, provides_extra }.finish(name, repairs)
    };
    raw.into_iter().map(one).collect()
}

impl RawDeclared {
    fn finish(self, name: PackageName, repairs: &mut Vec<Repair>) -> DeclaredMetadata {
        DeclaredMetadata {
            name,
            version: self.version.map(|version| version.0),
            requires_dist: self.requires_dist.into_iter().map(|one| one.finish(repairs)).collect(),
            requires_python: self.requires_python.map(|specifiers| {
                repairs.extend(specifiers.repair);
                specifiers.set
            }),
            provides_extra: self.provides_extra,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::pyproject::{Config, PyProject};

    #[test]
    fn metadata_is_declared_for_every_version_or_for_single_ones() {
        let text = "[metadata.flash-attn]\nrequires-dist = [\"torch\", \"einops; extra == 'x'\"]\n\
                    provides-extra = [\"x\"]\n\
                    [[metadata.chumpy]]\nversion = \"0.70\"\nrequires-dist = [\"numpy\"]\nrequires-python = \">=3\"\n\
                    [[metadata.chumpy]]\nversion = \"0.69\"\n";
        let (config, unknown) = Config::parse(text).unwrap();
        assert_eq!(unknown, [""; 0]);
        let shown: Vec<String> = config
            .metadata
            .iter()
            .map(|one| {
                format!(
                    "{} {:?} {}",
                    one.name,
                    one.version.as_ref().map(ToString::to_string),
                    one.requires_dist.len()
                )
            })
            .collect();
        assert_eq!(shown, ["flash-attn None 2", "chumpy Some(\"0.70\") 1", "chumpy Some(\"0.69\") 0"]);
        let core = config.metadata[0].of_version("2.8".parse().unwrap());
        assert_eq!((core.name.as_str(), core.version.to_string().as_str()), ("flash-attn", "2.8"));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for text in [
            "metadata = 1",
            "[metadata.a]\nrequires = []",
            "[metadata.a]\nversion = \"x\"",
            "[metadata.\"!\"]",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn uv_s_form_is_read_as_well() {
        let text = "[tool.uv]\ndependency-metadata = [{ name = \"chumpy\", version = \"0.70\", requires-dist = [\"numpy\"] }]\n";
        let uv = PyProject::parse(text).unwrap().uv.unwrap();
        assert_eq!(uv.metadata[0].requires_dist.len(), 1);
        assert_eq!(uv.not_followed, [""; 0]);
    }
}
