//! Whether a lock still answers the requirements of a project, told without an index.

use std::collections::BTreeMap;

use mlresolve_packaging::{MarkerEnvironment, PackageName, Requirement, RequirementSource, Version};
use serde::Serialize;

use crate::graph::DependencyGraph;
use crate::model::{Lock, Package, Source};
use crate::select::{SelectError, select};

/// Something that a lock does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Violation {
    /// The lock cannot be installed into the environment at all.
    #[error("{reason}")]
    NotInstallable {
        /// What [`select`] said.
        reason: String,
    },
    /// A recorded requirement cannot be read.
    #[error("{package} records {text:?}, which is no requirement")]
    Unreadable {
        /// The package that records it.
        package: PackageName,
        /// The text.
        text: String,
    },
    /// A required package is not in the lock.
    #[error("{} requires {requirement}, which is not in the lock", by(.required_by.as_ref()))]
    Missing {
        /// The requirement.
        requirement: String,
        /// Who requires it; absent for the project itself.
        required_by: Option<PackageName>,
    },
    /// A required package is locked at a version that does not do.
    #[error("{} requires {requirement}, but {locked} is locked", by(.required_by.as_ref()))]
    WrongVersion {
        /// The requirement.
        requirement: String,
        /// Who requires it; absent for the project itself.
        required_by: Option<PackageName>,
        /// The version in the lock.
        #[serde(serialize_with = "display")]
        locked: Version,
    },
    /// A package is required from an address that is not the one in the lock.
    #[error("{} requires {requirement}, but another source is locked", by(.required_by.as_ref()))]
    WrongSource {
        /// The requirement.
        requirement: String,
        /// Who requires it; absent for the project itself.
        required_by: Option<PackageName>,
    },
    /// An extra is required that the lock did not take in.
    #[error("{} requires {requirement}, but the extra {extra} is not locked", by(.required_by.as_ref()))]
    MissingExtra {
        /// The requirement.
        requirement: String,
        /// Who requires it; absent for the project itself.
        required_by: Option<PackageName>,
        /// The extra.
        extra: mlresolve_packaging::ExtraName,
    },
    /// Nothing requires a package of the lock.
    #[error("{package} is in the lock, but nothing requires it")]
    Unneeded {
        /// The package.
        package: PackageName,
    },
}

/// What the lock does not answer, in a stable order; empty when it answers everything.
///
/// `roots` are the requirements of the project for the lock's target; those whose marker does not
/// hold in `environment` are left out. Recorded requirements are taken as they stand: they are what
/// the solver saw, after overrides. A lock of another tool records none, so only its roots are
/// looked at.
#[must_use]
pub fn satisfies(lock: &Lock, roots: &[Requirement], environment: &MarkerEnvironment) -> Vec<Violation> {
    let groups = lock.default_groups.as_slice();
    let packages = match select(lock, environment, &[], Some(groups)) {
        Ok(packages) => packages,
        Err(error) => return vec![not_installable(&error)],
    };
    let locked: BTreeMap<&PackageName, &Package> =
        packages.iter().map(|package| (&package.name, *package)).collect();
    let mut violations = Vec::new();
    let holds =
        |root: &&Requirement| root.marker.as_ref().is_none_or(|marker| marker.evaluate(environment, &[]));
    let roots: Vec<Requirement> = roots.iter().filter(holds).map(Requirement::without_marker).collect();
    for root in &roots {
        violations.extend(violation(&locked, root, None));
    }
    for package in &packages {
        for text in package.recorded_requirements() {
            let Ok(requirement) = text.parse::<Requirement>() else {
                let (package, text) = (package.name.clone(), text.clone());
                violations.push(Violation::Unreadable { package, text });
                continue;
            };
            violations.extend(violation(&locked, &requirement, Some(&package.name)));
        }
    }
    if lock.tool.is_some() {
        let graph = DependencyGraph::of_packages(lock, packages);
        let unneeded = graph.unreachable_from(roots.iter().map(|root| &root.name));
        violations.extend(unneeded.map(|package| Violation::Unneeded { package: package.name.clone() }));
    }
    violations
}

fn violation(
    locked: &BTreeMap<&PackageName, &Package>,
    requirement: &Requirement,
    required_by: Option<&PackageName>,
) -> Option<Violation> {
    let required_by = required_by.cloned();
    let text = requirement.to_string();
    let Some(package) = locked.get(&requirement.name) else {
        return Some(Violation::Missing { requirement: text, required_by });
    };
    match (&requirement.source, &package.version) {
        (RequirementSource::Specifiers(specifiers), Some(version)) if !specifiers.contains(version) => {
            let locked = version.clone();
            return Some(Violation::WrongVersion { requirement: text, required_by, locked });
        }
        (RequirementSource::Url(url), _) if !comes_from(package, url) => {
            return Some(Violation::WrongSource { requirement: text, required_by });
        }
        _ => {}
    }
    let recorded = package.tool.as_ref()?;
    let extra = requirement.extras.iter().find(|extra| !recorded.extras.contains(extra))?.clone();
    Some(Violation::MissingExtra { requirement: text, required_by, extra })
}

/// Whether a package was locked from an address, whose fragment says nothing about where it leads.
fn comes_from(package: &Package, address: &str) -> bool {
    let address = address.split_once('#').map_or(address, |(address, _)| address);
    let is_it = |url: &Option<String>| url.as_deref() == Some(address);
    // A path is written as in a URL.
    let path = percent_encoding::percent_decode_str(address.strip_prefix("./").unwrap_or(address));
    let is_path = |own: &str| path.clone().decode_utf8().is_ok_and(|path| path == own);
    match package.source() {
        Some(Source::Archive(archive)) => is_it(&archive.url) || archive.path.as_deref().is_some_and(is_path),
        Some(Source::Files) => {
            package.wheels.iter().any(|wheel| is_it(&wheel.url))
                || package.sdist.as_ref().is_some_and(|sdist| is_it(&sdist.url))
        }
        Some(Source::Vcs(vcs)) => {
            let repository = address.split_once('+').map_or(address, |(_, repository)| repository);
            // A repository on disk is named by its path, which the address does not show.
            let Some(url) = &vcs.url else { return vcs.path.is_some() };
            let revision = repository.strip_prefix(url.as_str());
            revision.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
        }
        Some(Source::Directory(tree)) => is_path(&tree.path),
        None => false,
    }
}

fn not_installable(error: &SelectError) -> Violation {
    Violation::NotInstallable { reason: error.to_string() }
}

fn by(required_by: Option<&PackageName>) -> String {
    required_by.map_or_else(|| "the project".to_owned(), ToString::to_string)
}

fn display<S: serde::Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PackageTool, Vcs};
    use crate::samples::{self, environment};

    fn violations(lock: &Lock, roots: &[&str]) -> Vec<String> {
        let roots: Vec<Requirement> = roots.iter().map(|root| root.parse().unwrap()).collect();
        satisfies(lock, &roots, &environment()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_lock_answers_what_it_was_made_for() {
        let lock = samples::lock();
        assert_eq!(violations(&lock, &["torch>=2.9"]), [""; 0]);
        assert_eq!(violations(&lock, &["torch==2.9.1", "absent; sys_platform == 'win32'"]), [""; 0]);
    }

    #[test]
    fn new_and_tighter_requirements_are_not_answered() {
        let lock = samples::lock();
        assert_eq!(
            violations(&lock, &["torch>=2.10", "numpy"]),
            [
                "the project requires torch>=2.10, but 2.9.1+cu128 is locked",
                "the project requires numpy, which is not in the lock",
            ]
        );
    }

    #[test]
    fn recorded_requirements_are_followed() {
        let mut lock = samples::lock();
        lock.packages[0].version = Some("2.0".parse().unwrap());
        let expected = "torch requires filelock>=3, but 2.0 is locked";
        assert_eq!(violations(&lock, &["torch"]), [expected]);
        lock.packages.remove(0);
        assert_eq!(violations(&lock, &["torch"]), ["torch requires filelock>=3, which is not in the lock"]);
        lock.packages[0].tool = Some(PackageTool { requires: vec!["!".into()], ..PackageTool::default() });
        assert_eq!(violations(&lock, &["torch"]), ["torch records \"!\", which is no requirement"]);
    }

    #[test]
    fn what_nothing_requires_is_named() {
        let mut lock = samples::lock();
        let expected = "torch is in the lock, but nothing requires it";
        assert_eq!(violations(&lock, &["filelock"]), [expected]);
        lock.tool = None;
        assert_eq!(violations(&lock, &["filelock"]), [""; 0]);
    }

    #[test]
    fn extras_must_have_been_taken_in() {
        let mut lock = samples::lock();
        let expected = "the project requires torch[opt], but the extra opt is not locked";
        assert_eq!(violations(&lock, &["torch[opt]"]), [expected]);
        lock.packages[1].tool.as_mut().unwrap().extras = vec!["opt".parse().unwrap()];
        assert_eq!(violations(&lock, &["torch[opt]"]), [""; 0]);
    }

    #[test]
    fn addresses_must_be_the_locked_ones() {
        let mut lock = samples::lock();
        let url = lock.packages[1].wheels[0].url.clone().unwrap();
        assert_eq!(violations(&lock, &[&format!("torch @ {url}#sha256=00")]), [""; 0]);
        let other = "torch @ https://evil.example/torch.whl";
        let expected = format!("the project requires {other}, but another source is locked");
        assert_eq!(violations(&lock, &[other]), [expected]);
        lock.packages[1].wheels.clear();
        lock.packages[1].vcs = Some(Vcs {
            system: "git".into(),
            url: Some("https://git.example/torch".into()),
            path: None,
            requested_revision: Some("main".into()),
            commit_id: "0".repeat(40),
            subdirectory: None,
        });
        assert_eq!(violations(&lock, &["torch @ git+https://git.example/torch@main"]), [""; 0]);
        assert_eq!(violations(&lock, &["torch @ git+https://git.example/torch-evil@main"]).len(), 1);
    }

    #[test]
    fn a_lock_for_another_machine_answers_nothing() {
        let mut lock = samples::lock();
        lock.requires_python = Some("==3.11.*".parse().unwrap());
        let expected = "the lock is for python ==3.11.*, the environment has 3.12.0";
        assert_eq!(violations(&lock, &["torch"]), [expected]);
    }
}
