//! Scenarios: a small index, what is asked of it and for which machine, and what has to come of it.
//!
//! The form is that of packse, without its sentences; several scenarios stand in one file, each as a table under its name.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Universe;
use crate::universe::Release;

/// The `Requires-Python` of a release or a project that gives none, and the Python of a machine that names none.
const USUAL_REQUIRES_PYTHON: &str = ">=3.12";
const USUAL_PYTHON: &str = "3.12";
/// When every file of a scenario was uploaded.
const UPLOAD_TIME: &str = "2024-03-24T00:00:00Z";

/// A small index, what is asked of it, and what has to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What is asked for.
    pub root: ScenarioRoot,
    /// What the index has, by name.
    #[serde(default)]
    pub packages: BTreeMap<String, ScenarioPackage>,
    /// What has to come of it.
    pub expected: Expected,
    /// What the resolver is told.
    #[serde(default)]
    pub resolver_options: ResolverOptions,
    /// The machine.
    #[serde(default)]
    pub environment: ScenarioEnvironment,
}

/// What is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRoot {
    /// The `requires-python` of the project that asks, if the scenario gives one.
    pub requires_python: Option<String>,
    /// The requirements (PEP 508).
    #[serde(default)]
    pub requires: Vec<String>,
}

/// One package of the index.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioPackage {
    /// Its releases, by version.
    pub versions: BTreeMap<String, ScenarioRelease>,
}

/// One release: a source distribution and a wheel for every machine, unless it says otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScenarioRelease {
    /// Its `Requires-Dist`.
    pub requires: Vec<String>,
    /// What it requires for each of its extras.
    pub extras: BTreeMap<String, Vec<String>>,
    /// Its `Requires-Python`.
    pub requires_python: String,
    /// Whether there is a source distribution.
    pub sdist: bool,
    /// Whether there are wheels.
    pub wheel: bool,
    /// The tags of the wheels; one for every machine where none is named.
    pub wheel_tags: Vec<String>,
    /// Whether it was withdrawn.
    pub yanked: bool,
}

/// What has to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Whether there is a solution.
    pub satisfiable: bool,
    /// The versions in it, where the scenario tells them all.
    #[serde(default)]
    pub packages: BTreeMap<String, String>,
}

/// What the resolver is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResolverOptions {
    /// The Python to resolve for, where it is not that of the machine.
    pub python: Option<String>,
    /// Whether pre-releases of every package are candidates.
    pub prereleases: bool,
    /// Packages that may not be built from source.
    pub no_build: Vec<String>,
    /// Packages of which no wheel may be used.
    pub no_binary: Vec<String>,
    /// Whether the answer has to hold for every machine at once.
    pub universal: bool,
    /// The platform to resolve for, such as `x86_64-manylinux2014`.
    pub python_platform: Option<String>,
    /// Markers of the machines that must have a wheel where there is no source.
    pub required_environments: Vec<String>,
}

/// The machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScenarioEnvironment {
    /// Its Python.
    pub python: String,
    /// Other Pythons on it.
    pub additional_python: Vec<String>,
}

impl Scenario {
    /// Reads the scenarios of one file, by name.
    ///
    /// # Panics
    /// If the text is not of the form; the message has the line.
    #[must_use]
    pub fn read(text: &str) -> BTreeMap<String, Self> {
        toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The index of the scenario. Every release that has a source distribution has its requirements in `PKG-INFO`, for
    /// good (PEP 643).
    pub fn universe(&self) -> Universe {
        let releases = self.packages.iter().flat_map(|(name, package)| {
            package.versions.iter().map(move |(version, release)| (name, version, release))
        });
        releases.filter(|(_, _, release)| release.sdist || release.wheel).fold(
            Universe::new(),
            |universe, (name, version, release)| {
                universe.package(name, version, |described| release.describe(described))
            },
        )
    }
}

impl ScenarioRelease {
    fn describe(&self, mut release: Release) -> Release {
        release = release.requires_python(&self.requires_python).upload_time(UPLOAD_TIME);
        release = self.requires.iter().fold(release, |release, requirement| release.requires(requirement));
        for (extra, requirements) in &self.extras {
            release = release.extra(extra);
            release = requirements
                .iter()
                .fold(release, |release, requirement| release.extra_requires(extra, requirement));
        }
        if self.wheel && self.wheel_tags.is_empty() {
            release = release.wheel("py3-none-any");
        } else if self.wheel {
            release = self.wheel_tags.iter().fold(release, |release, tag| release.wheel(tag));
        }
        if self.sdist {
            release = release.sdist();
        }
        if self.yanked { release.yanked("") } else { release }
    }
}

impl Default for ScenarioRelease {
    fn default() -> Self {
        Self {
            requires: Vec::new(),
            extras: BTreeMap::new(),
            requires_python: USUAL_REQUIRES_PYTHON.to_owned(),
            sdist: true,
            wheel: true,
            wheel_tags: Vec::new(),
            yanked: false,
        }
    }
}

impl Default for ScenarioEnvironment {
    fn default() -> Self {
        Self { python: USUAL_PYTHON.to_owned(), additional_python: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Yanked;

    const TEXT: &str = r#"
[one]
root.requires = ["a[x]>=1"]
expected = { satisfiable = true, packages = { a = "1.0+cpu" } }
environment.python = "3.11"
resolver_options.no_build = ["a"]
packages.a.versions."1.0+cpu" = { requires = ["b"], extras = { x = ["c>1"] }, sdist = false, yanked = true }
packages.a.versions."2.0" = { requires_python = ">=3.9", wheel_tags = ["cp311-cp311-any", "py3-none-win32"] }
packages.a.versions."3.0" = { wheel = false }

[two]
root.requires = ["nothing"]
expected.satisfiable = false
"#;

    #[test]
    fn a_scenario_becomes_an_index() {
        let scenarios = Scenario::read(TEXT);
        let one = &scenarios["one"];
        assert_eq!(one.root.requires, ["a[x]>=1"]);
        assert_eq!(one.expected.packages["a"], "1.0+cpu");
        assert_eq!((one.environment.python.as_str(), one.resolver_options.no_build.len()), ("3.11", 1));
        let universe = one.universe();
        let files = &universe.project("a").unwrap().files;
        let names: Vec<&str> = files.iter().map(|file| file.filename.as_str()).collect();
        assert_eq!(
            names,
            [
                "a-1.0+cpu-py3-none-any.whl",
                "a-2.0-cp311-cp311-any.whl",
                "a-2.0-py3-none-win32.whl",
                "a-2.0.tar.gz",
                "a-3.0.tar.gz"
            ]
        );
        let pythons: Vec<Option<&str>> = files.iter().map(|file| file.requires_python.as_deref()).collect();
        assert_eq!(pythons[0..2], [Some(">=3.12"), Some(">=3.9")]);
        assert_eq!(files[0].yanked, Yanked::Yes(None));
        assert_eq!(files[0].upload_time.as_deref(), Some(UPLOAD_TIME));
        let two = &scenarios["two"];
        assert_eq!((two.environment.python.as_str(), two.expected.satisfiable), ("3.12", false));
        assert_eq!(two.universe().projects().count(), 0);
    }

    #[test]
    #[should_panic(expected = "unknown field `descrption`")]
    fn a_misspelt_key_is_named() {
        let _scenarios =
            Scenario::read("[one]\nroot.requires = []\ndescrption = \"\"\nexpected.satisfiable = true");
    }
}
