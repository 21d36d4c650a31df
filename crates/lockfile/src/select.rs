//! What a lock installs into one environment (PEP 751, "Installation").

use std::collections::BTreeMap;

use mlresolve_packaging::{
    ExtraName, GroupName, MarkerEnvironment, PackageName, SpecifierSet, Version, VersionError, parse_version,
};

use crate::model::{Lock, Package};

/// Why a lock cannot be installed into an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The environment's `python_full_version` is not a version.
    #[error("the environment's python version cannot be read: {0}")]
    Python(#[from] VersionError),
    /// The lock is for other Python versions.
    #[error("the lock is for python {required}, the environment has {found}")]
    RequiresPython {
        /// What the lock asks for.
        required: SpecifierSet,
        /// What the environment has.
        found: Version,
    },
    /// The lock is for other environments.
    #[error("the lock is for none of this environment's kind: it asks for {}", .required.join(" or "))]
    Environment {
        /// The markers, none of which holds.
        required: Vec<String>,
    },
    /// An extra was asked for that the lock does not offer.
    #[error("the lock does not offer the extra {0}")]
    UnknownExtra(ExtraName),
    /// A dependency group was asked for that the lock does not offer.
    #[error("the lock does not offer the dependency group {0}")]
    UnknownGroup(GroupName),
    /// A package is for other Python versions than the lock it stands in.
    #[error("the package {name} is for python {required}, the environment has {found}")]
    PackageRequiresPython {
        /// The package.
        name: PackageName,
        /// What it asks for.
        required: SpecifierSet,
        /// What the environment has.
        found: Version,
    },
    /// Two entries of one name would both be installed.
    #[error("packages[{first}] and packages[{second}] both install {name} into this environment")]
    Ambiguous {
        /// The package.
        name: PackageName,
        /// The position of the first entry.
        first: usize,
        /// The position of the second entry.
        second: usize,
    },
}

/// The packages that the lock installs into an environment, in the order of the lock.
///
/// `groups` is `None` for the lock's default groups. Which file of a package fits is not looked
/// at here: that needs the environment's wheel tags.
///
/// # Errors
/// When the lock is not for the environment, or names a package twice for it.
pub fn select<'lock>(
    lock: &'lock Lock,
    environment: &MarkerEnvironment,
    extras: &[ExtraName],
    groups: Option<&[GroupName]>,
) -> Result<Vec<&'lock Package>, SelectError> {
    let python = python_version(environment)?;
    if let Some(required) = lock.requires_python.as_ref().filter(|required| !required.contains(&python)) {
        return Err(SelectError::RequiresPython { required: required.clone(), found: python });
    }
    let fits = lock.environments.iter().any(|marker| marker.evaluate(environment, &[]));
    if !fits && !lock.environments.is_empty() {
        let required = lock.environments.iter().map(ToString::to_string).collect();
        return Err(SelectError::Environment { required });
    }
    if let Some(extra) = extras.iter().find(|extra| !lock.extras.contains(extra)) {
        return Err(SelectError::UnknownExtra(extra.clone()));
    }
    let offered =
        |group: &GroupName| lock.dependency_groups.contains(group) || lock.default_groups.contains(group);
    if let Some(group) = groups.unwrap_or_default().iter().find(|group| !offered(group)) {
        return Err(SelectError::UnknownGroup(group.clone()));
    }
    let groups = groups.unwrap_or(&lock.default_groups);

    let mut selected = Vec::with_capacity(lock.packages.len());
    let mut positions = BTreeMap::new();
    for (position, package) in lock.packages.iter().enumerate() {
        let active = |marker: &mlresolve_packaging::Marker| marker.evaluate_lock(environment, extras, groups);
        if !package.marker.as_ref().is_none_or(active) {
            continue;
        }
        if let Some(required) =
            package.requires_python.as_ref().filter(|required| !required.contains(&python))
        {
            let (name, required) = (package.name.clone(), required.clone());
            return Err(SelectError::PackageRequiresPython { name, required, found: python });
        }
        if let Some(first) = positions.insert(&package.name, position) {
            return Err(SelectError::Ambiguous { name: package.name.clone(), first, second: position });
        }
        selected.push(package);
    }
    Ok(selected)
}

/// A Python that was built from a checkout ends its version in a bare `+`, which is no version.
fn python_version(environment: &MarkerEnvironment) -> Result<Version, VersionError> {
    let text = &environment.python_full_version;
    match text.strip_suffix('+') {
        Some(release) => parse_version(&format!("{release}+local")),
        None => parse_version(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, environment};

    fn names(packages: &[&Package]) -> Vec<String> {
        packages.iter().map(|package| package.name.to_string()).collect()
    }

    #[test]
    fn a_lock_for_the_environment_is_selected_whole() {
        let lock = samples::lock();
        let selected = select(&lock, &environment(), &[], None).unwrap();
        assert_eq!(names(&selected), ["filelock", "torch"]);
    }

    #[test]
    fn another_environment_is_refused() {
        let lock = samples::lock();
        let other = MarkerEnvironment { sys_platform: "win32".into(), ..environment() };
        assert!(matches!(select(&lock, &other, &[], None), Err(SelectError::Environment { .. })));
        let older = MarkerEnvironment { python_full_version: "3.11.9".into(), ..environment() };
        assert!(matches!(select(&lock, &older, &[], None), Err(SelectError::RequiresPython { .. })));
        let broken = MarkerEnvironment { python_full_version: "three".into(), ..environment() };
        assert!(matches!(select(&lock, &broken, &[], None), Err(SelectError::Python(_))));
        let checkout = MarkerEnvironment { python_full_version: "3.12.4+".into(), ..environment() };
        assert!(select(&lock, &checkout, &[], None).is_ok());
    }

    #[test]
    fn a_package_for_another_python_is_an_error_only_when_it_is_active() {
        let mut lock = samples::lock();
        lock.packages[0].requires_python = Some("<3".parse().unwrap());
        let error = select(&lock, &environment(), &[], None).unwrap_err();
        assert!(matches!(error, SelectError::PackageRequiresPython { .. }));
        lock.packages[0].marker = Some("sys_platform == 'win32'".parse().unwrap());
        assert_eq!(names(&select(&lock, &environment(), &[], None).unwrap()), ["torch"]);
    }

    #[test]
    fn markers_tell_entries_of_one_name_apart() {
        let mut lock = samples::lock();
        let entry = |version: &str, marker: &str| {
            let mut package = samples::package("numpy", version);
            package.marker = Some(marker.parse().unwrap());
            package
        };
        lock.packages =
            vec![entry("1.26.4", "python_version < '3.12'"), entry("2.1.0", "python_version >= '3.12'")];
        let selected = select(&lock, &environment(), &[], None).unwrap();
        assert_eq!(selected[0].version, Some("2.1.0".parse().unwrap()));
        lock.packages[0].marker = Some("python_version >= '3.9'".parse().unwrap());
        let name = "numpy".parse().unwrap();
        let expected = SelectError::Ambiguous { name, first: 0, second: 1 };
        assert_eq!(select(&lock, &environment(), &[], None), Err(expected));
    }

    #[test]
    fn extras_and_groups_decide_and_must_be_offered() {
        let mut lock = samples::lock();
        let (gui, dev): (ExtraName, GroupName) = ("gui".parse().unwrap(), "dev".parse().unwrap());
        lock.packages[0].marker = Some("'gui' in extras".parse().unwrap());
        lock.packages[1].marker = Some("'dev' in dependency_groups".parse().unwrap());
        let extras = [gui.clone()];
        let refused = select(&lock, &environment(), &extras, None);
        assert_eq!(refused, Err(SelectError::UnknownExtra(gui.clone())));
        let refused = select(&lock, &environment(), &[], Some(std::slice::from_ref(&dev)));
        assert_eq!(refused, Err(SelectError::UnknownGroup(dev.clone())));
        lock.extras = vec![gui];
        lock.default_groups = vec![dev];
        let selected = |extras, groups| names(&select(&lock, &environment(), extras, groups).unwrap());
        assert_eq!(selected(&extras, None), ["filelock", "torch"]);
        assert_eq!(selected(&extras, Some(&[])), ["filelock"]);
        assert_eq!(selected(&[], None), ["torch"]);
    }
}
