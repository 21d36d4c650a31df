//! uv's settings: `[tool.uv]`, or a `uv.toml` of the same keys, as far as they have a counterpart here. The rest is
//! listed by name, so that a caller can say that it is not followed.

use serde::Deserialize;

use crate::name::PackageName;
use crate::requirement::Requirement;
use crate::specifier::Repair;

use super::PyProjectError;
use super::config::TextOrDate;
use super::declared::{self, DeclaredMetadata, RawNamed};
use super::read::{LenientRequirement, from_toml};
use super::sources::{self, IndexEntry, PackageSource, RawSources};

/// What uv is told. Absent keys are `None` or empty; addresses may hold credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UvSettings {
    /// `sources`: where single packages come from.
    pub sources: Vec<(PackageName, Vec<PackageSource>)>,
    /// `[[index]]`, in the order in which they are asked.
    pub indexes: Vec<IndexEntry>,
    /// `index-url`.
    pub index_url: Option<String>,
    /// `extra-index-url`, asked after `indexes`.
    pub extra_index_urls: Vec<String>,
    /// `find-links`.
    pub find_links: Vec<String>,
    /// `no-index`.
    pub no_index: Option<bool>,
    /// `allow-insecure-host`.
    pub trusted_hosts: Vec<String>,
    /// `dependency-metadata`: what packages require that do not tell it themselves.
    pub metadata: Vec<DeclaredMetadata>,
    /// `constraint-dependencies`.
    pub constraints: Vec<Requirement>,
    /// `override-dependencies`.
    pub overrides: Vec<Requirement>,
    /// `dev-dependencies`, which uv takes for part of the dependency group `dev`.
    pub dev_dependencies: Vec<Requirement>,
    /// `exclude-newer`: a time, a date or an age, not yet parsed.
    pub exclude_newer: Option<String>,
    /// `prerelease`, in uv's words.
    pub prerelease: Option<String>,
    /// `resolution`.
    pub resolution: Option<String>,
    /// `no-build`.
    pub no_build: Option<bool>,
    /// `no-build-package`.
    pub no_build_packages: Vec<PackageName>,
    /// `no-binary`.
    pub no_binary: Option<bool>,
    /// `no-binary-package`.
    pub no_binary_packages: Vec<PackageName>,
    /// The keys that can change what is installed and are not among the above, with dots between the levels.
    pub not_followed: Vec<String>,
    /// The legacy specifiers that were repaired in the above.
    pub repairs: Vec<Repair>,
}

impl UvSettings {
    /// Reads a `uv.toml`.
    ///
    /// # Errors
    /// When it is no TOML, or a value is not what its key asks for.
    pub fn parse(text: &str) -> Result<Self, PyProjectError> {
        let (raw, ignored): (RawUv, _) = from_toml(text)?;
        Ok(raw.finish(ignored))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, expecting = "a table")]
pub(super) struct RawUv {
    sources: RawSources,
    index: Vec<IndexEntry>,
    index_url: Option<String>,
    extra_index_url: Vec<String>,
    find_links: Vec<String>,
    no_index: Option<bool>,
    allow_insecure_host: Vec<String>,
    dependency_metadata: Vec<RawNamed>,
    constraint_dependencies: Vec<LenientRequirement>,
    override_dependencies: Vec<LenientRequirement>,
    dev_dependencies: Vec<LenientRequirement>,
    exclude_newer: Option<TextOrDate>,
    prerelease: Option<String>,
    resolution: Option<String>,
    index_strategy: Option<String>,
    no_build: Option<bool>,
    no_build_package: Vec<PackageName>,
    no_binary: Option<bool>,
    no_binary_package: Vec<PackageName>,
}

impl RawUv {
    /// `ignored` are the keys that nothing asked for, without what leads to the table.
    pub(super) fn finish(self, ignored: Vec<String>) -> UvSettings {
        let mut repairs = Vec::new();
        let metadata = declared::finish_named(self.dependency_metadata, &mut repairs);
        let mut list = |requirements: Vec<LenientRequirement>| -> Vec<Requirement> {
            requirements.into_iter().map(|requirement| requirement.finish(&mut repairs)).collect()
        };
        let first = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
        let mut not_followed: Vec<String> =
            ignored.into_iter().filter(|key| !HARMLESS.contains(&first(key).as_str())).collect();
        // The first index that has a package is the only one asked for it: anything else is another choice.
        if self.index_strategy.is_some_and(|strategy| strategy != "first-index") {
            not_followed.push("index-strategy".to_owned());
        }
        UvSettings {
            sources: sources::finish(self.sources),
            indexes: self.index,
            index_url: self.index_url,
            extra_index_urls: self.extra_index_url,
            find_links: self.find_links,
            no_index: self.no_index,
            trusted_hosts: self.allow_insecure_host,
            metadata,
            constraints: list(self.constraint_dependencies),
            overrides: list(self.override_dependencies),
            dev_dependencies: list(self.dev_dependencies),
            exclude_newer: self.exclude_newer.map(|text| text.0),
            prerelease: self.prerelease,
            resolution: self.resolution,
            no_build: self.no_build,
            no_build_packages: self.no_build_package,
            no_binary: self.no_binary,
            no_binary_packages: self.no_binary_package,
            not_followed,
            repairs,
        }
    }
}

/// The keys that say how uv works, and not what it installs (uv's settings reference, read 2026-11-22).
const HARMLESS: [&str; 40] = [
    "add-bounds",
    "audit",
    "build-backend",
    "cache-dir",
    "cache-keys",
    "check-url",
    "compile-bytecode",
    "concurrent-builds",
    "concurrent-downloads",
    "concurrent-installs",
    "fork-strategy",
    "http-proxy",
    "https-proxy",
    "link-mode",
    "managed",
    "native-tls",
    "no-cache",
    "no-proxy",
    "no-sync",
    "offline",
    "package",
    "preview",
    "preview-features",
    "publish-url",
    "pypy-install-mirror",
    "python-downloads",
    "python-downloads-json-url",
    "python-install-mirror",
    "python-preference",
    "refresh",
    "refresh-package",
    "reinstall",
    "reinstall-package",
    "require-hashes",
    "required-version",
    "system-certs",
    "trusted-publishing",
    "upgrade",
    "upgrade-package",
    "verify-hashes",
];

#[cfg(test)]
mod tests {
    use super::super::sources::SourcePlace;
    use super::*;

    #[test]
    fn what_has_a_counterpart_is_taken_and_the_rest_is_named() {
        let settings = UvSettings::parse(
            r#"
            index-url = "https://a.example/simple"
            extra-index-url = ["https://b.example/simple"]
            find-links = ["wheels"]
            no-index = false
            constraint-dependencies = ["numpy<2"]
            override-dependencies = ["protobuf>=5"]
            exclude-newer = 2026-11-15
            prerelease = "allow"
            resolution = "lowest"
            index-strategy = "unsafe-best-match"
            environments = ["sys_platform == 'linux'"]
            conflicts = [[{extra = "a"}, {extra = "b"}]]
            cache-dir = "/tmp/x"
            no-build-package = ["Numpy"]
            dependency-metadata = [{name = "x"}]
            [[index]]
            name = "pytorch"
            url = "https://t.example/whl/cu128"
            explicit = true
            authenticate = "always"
            [pip]
            torch-backend = "auto"
            "#,
        )
        .unwrap();
        assert_eq!(settings.exclude_newer.as_deref(), Some("2026-11-15"));
        assert_eq!(settings.constraints[0].to_string(), "numpy<2");
        assert_eq!(settings.no_build_packages[0].as_str(), "numpy");
        assert!(settings.indexes[0].explicit && !settings.indexes[0].default);
        let expected = ["conflicts", "environments", "index-strategy", "index.0.authenticate", "pip"];
        let mut named = settings.not_followed;
        named.sort();
        assert_eq!(named, expected);
    }

    #[test]
    fn what_a_source_cannot_be_is_refused_with_its_line() {
        let error = |text: &str| UvSettings::parse(text).unwrap_err().to_string();
        let cases = [
            ("{index = 'a', url = 'b'}", "a source has one of"),
            ("{}", "a source has one of"),
            ("{workspace = false}", "a source has one of"),
            ("{git = 'a', tag = 'b', rev = 'c'}", "a repository is taken at one of"),
            ("{index = 'a', rev = 'c'}", "go only with `git`"),
            ("{url = 'a', editable = true}", "`editable` goes only with `path`"),
            ("{index = 'a', marker = 'x'}", "`marker` is no marker"),
            ("'pytorch'", "expected a table such as {index"),
            ("7", "expected one value or an array"),
        ];
        for (source, expected) in cases {
            let text = error(&format!("\n[sources]\nx = {source}\n"));
            assert!(text.starts_with("line 3: ") && text.contains(expected), "{source}: {text}");
        }
        assert!(error("[[index]]\nurl = 'a'\nname = 'x y'").contains("the name of an index"));
        assert!(error("[[index]]\nurl = 'a'\nexplicit = true").contains("needs a `name`"));
        assert!(
            error("[[index]]\nurl = 'a'\nname = 'b'\nexplicit = true\ndefault = true").contains("not both")
        );
        assert!(error("[[index]]\nname = 'a'").contains("missing field `url`"));
        assert!(error("[sources]\na-b = {index = 'x'}\na_b = {index = 'x'}").contains("twice"));
    }

    #[test]
    fn a_package_may_come_from_several_places() {
        let settings = UvSettings::parse(
            "[sources]\ntorch = [{index = 'cu', marker = \"sys_platform == 'linux'\", extra = 'cu'}, {index = 'cpu', \
             group = 'dev'}]\nx = {git = 'https://g.example/x', branch = 'main', subdirectory = 'py'}\ny = {path = '../y', \
             editable = true}\nz = {workspace = true}\n",
        )
        .unwrap();
        let places: Vec<&SourcePlace> =
            settings.sources.iter().flat_map(|(_, sources)| sources).map(|source| &source.place).collect();
        let expected = [
            SourcePlace::Index("cu".to_owned()),
            SourcePlace::Index("cpu".to_owned()),
            SourcePlace::Git {
                url: "https://g.example/x".to_owned(),
                revision: Some("main".to_owned()),
                subdirectory: Some("py".to_owned()),
            },
            SourcePlace::Path { path: "../y".to_owned(), editable: true, subdirectory: None },
            SourcePlace::Workspace,
        ];
        assert_eq!(places, expected.iter().collect::<Vec<_>>());
        let torch = &settings.sources[0].1;
        assert_eq!(torch[0].marker.as_ref().unwrap().as_str(), "sys_platform == 'linux'");
        assert_eq!(torch[0].extra.as_ref().unwrap().as_str(), "cu");
        assert_eq!(torch[1].group.as_ref().unwrap().as_str(), "dev");
    }
}
