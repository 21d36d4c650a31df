//! What changes between two locks.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use mlresolve_packaging::{PackageName, Version};
use serde::Serialize;

use crate::model::{HashTable, Lock, Package};
use crate::size::{PackageSize, download, size};

/// What changes from one lock to another; every list is sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LockDiff {
    /// Packages that the new lock alone has.
    pub added: Vec<PackageSize>,
    /// Packages that the old lock alone has.
    pub removed: Vec<PackageSize>,
    /// Packages whose version, build, files or source changes.
    pub changed: Vec<Change>,
    /// The download size of the old lock in bytes, as [`size`] counts it.
    pub bytes_before: u64,
    /// The download size of the new lock in bytes, as [`size`] counts it.
    pub bytes_after: u64,
}

impl LockDiff {
    /// Whether both locks install the same files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// A package that both locks have and that is not the same in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// The package.
    pub name: PackageName,
    /// Its version in the old lock.
    #[serde(serialize_with = "crate::model::display_option")]
    pub from: Option<Version>,
    /// Its version in the new lock.
    #[serde(serialize_with = "crate::model::display_option")]
    pub to: Option<Version>,
    /// Which way it goes.
    pub direction: Direction,
    /// How many files are in one of the locks alone, or have other digests in the other.
    pub files_changed: usize,
    /// Files of one name whose digests disagree, sorted. An index must never replace a file, so that
    /// each of these deserves a question.
    pub replaced_files: Vec<String>,
    /// The download size in the old lock in bytes.
    pub size_before: Option<u64>,
    /// The download size in the new lock in bytes.
    pub size_after: Option<u64>,
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To a later public version.
    Upgraded,
    /// To an earlier public version.
    Downgraded,
    /// To another build, file or source of the same public version.
    Rebuilt,
}

/// Compares what two locks install. The order of their entries means nothing.
#[must_use]
pub fn diff(old: &Lock, new: &Lock) -> LockDiff {
    let mut diff = LockDiff {
        bytes_before: size(old).total_bytes,
        bytes_after: size(new).total_bytes,
        ..LockDiff::default()
    };
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<&PackageName> = before.keys().chain(after.keys()).copied().collect();
    for name in names {
        let old = before.get(name).cloned().unwrap_or_default();
        let new = after.get(name).cloned().unwrap_or_default();
        compare(&mut diff, old, new);
    }
    diff
}

/// Compares the entries of one name: equal ones leave first, the others pair up in version order.
fn compare(diff: &mut LockDiff, mut before: Vec<&Package>, mut after: Vec<&Package>) {
    before.retain(|old| match after.iter().position(|new| same_files(old, new)) {
        Some(position) => {
            after.remove(position);
            false
        }
        None => true,
    });
    let pairs = before.len().min(after.len());
    diff.changed.extend(before.iter().zip(&after).map(|(old, new)| change(old, new)));
    diff.removed.extend(before[pairs..].iter().map(|package| described(package)));
    diff.added.extend(after[pairs..].iter().map(|package| described(package)));
}

fn same_files(old: &Package, new: &Package) -> bool {
    old.version == new.version
        && old.vcs == new.vcs
        && old.directory == new.directory
        && old.archive.as_ref().map(|archive| &archive.hashes)
            == new.archive.as_ref().map(|archive| &archive.hashes)
        && files(old).into_iter().eq(files(new))
}

fn change(old: &Package, new: &Package) -> Change {
    let (before, after) = (files(old), files(new));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let changed: Vec<&str> = names.into_iter().filter(|name| before.get(name) != after.get(name)).collect();
    let replaced = changed.iter().filter(
        |name| matches!((before.get(*name), after.get(*name)), (Some(old), Some(new)) if disagree(old, new)),
    );
    Change {
        name: new.name.clone(),
        from: old.version.clone(),
        to: new.version.clone(),
        direction: direction(old.version.as_ref(), new.version.as_ref()),
        files_changed: changed.len(),
        replaced_files: replaced.map(|name| (*name).to_owned()).collect(),
        size_before: download(old).1,
        size_after: download(new).1,
    }
}

fn direction(from: Option<&Version>, to: Option<&Version>) -> Direction {
    let public = |version: &Version| version.clone().without_local();
    match from.map(public).cmp(&to.map(public)) {
        Ordering::Less => Direction::Upgraded,
        Ordering::Greater => Direction::Downgraded,
        Ordering::Equal => Direction::Rebuilt,
    }
}

/// Two digests of one file disagree when they are by one algorithm and differ. A digest that only
/// one lock has says nothing.
fn disagree(old: &HashTable, new: &HashTable) -> bool {
    old.iter().any(|(algorithm, digest)| new.get(algorithm).is_some_and(|other| other != digest))
}

fn files(package: &Package) -> BTreeMap<&str, &HashTable> {
    let wheels = package.wheels.iter().map(|wheel| (wheel.name.as_str(), &wheel.hashes));
    wheels.chain(package.sdist.iter().map(|sdist| (sdist.name.as_str(), &sdist.hashes))).collect()
}

fn by_name(lock: &Lock) -> BTreeMap<&PackageName, Vec<&Package>> {
    let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for package in &lock.packages {
        by_name.entry(&package.name).or_default().push(package);
    }
    for entries in by_name.values_mut() {
        entries.sort_by(|left, right| left.version.cmp(&right.version));
    }
    by_name
}

fn described(package: &Package) -> PackageSize {
    let (file, bytes) = download(package);
    let (name, version) = (package.name.clone(), package.version.clone());
    PackageSize { name, version, file: file.map(str::to_owned), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_lock_does_not_differ_from_itself_in_any_order() {
        let lock = samples::lock();
        let mut shuffled = lock.clone();
        shuffled.packages.reverse();
        assert!(diff(&lock, &shuffled).is_empty());
    }

    #[test]
    fn versions_go_up_and_down_and_builds_change() {
        let torch = |version| {
            let mut lock = samples::lock();
            lock.packages.retain(|package| package.name.as_str() != "torch");
            lock.packages.push(samples::package("torch", version));
            lock
        };
        let direction = |from, to| diff(&torch(from), &torch(to)).changed[0].direction;
        assert_eq!(direction("2.9.1", "2.10.0"), Direction::Upgraded);
        assert_eq!(direction("2.10.0+cu128", "2.9.1+cu130"), Direction::Downgraded);
        assert_eq!(direction("2.9.1+cu126", "2.9.1+cu128"), Direction::Rebuilt);
    }

    #[test]
    fn packages_come_and_go() {
        let lock = samples::lock();
        let mut smaller = lock.clone();
        let gone = smaller.packages.remove(0);
        let removed = diff(&lock, &smaller);
        assert_eq!(removed.removed[0].name, gone.name);
        assert_eq!(removed.bytes_before - removed.bytes_after, gone.wheels[0].size.unwrap());
        let added = diff(&smaller, &lock);
        assert_eq!((added.added.len(), added.removed.len(), added.changed.len()), (1, 0, 0));
    }

    #[test]
    fn a_replaced_file_is_named() {
        let lock = samples::lock();
        let mut tampered = lock.clone();
        tampered.packages[0].wheels[0].hashes.insert("sha256".into(), "f".repeat(64));
        let changed = diff(&lock, &tampered).changed;
        assert_eq!(changed[0].replaced_files, [lock.packages[0].wheels[0].name.clone()]);
        assert_eq!((changed[0].direction, changed[0].files_changed), (Direction::Rebuilt, 1));
    }

    #[test]
    fn entries_that_markers_keep_apart_pair_up_with_their_equals() {
        let mut lock = samples::lock();
        lock.packages.push(samples::package("numpy", "1.26.4"));
        lock.packages.push(samples::package("numpy", "2.1.0"));
        let mut newer = lock.clone();
        newer.packages.retain(|package| package.version != Some("1.26.4".parse().unwrap()));
        newer.packages.push(samples::package("numpy", "2.2.0"));
        let changed = diff(&lock, &newer).changed;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].from, Some("1.26.4".parse().unwrap()));
        assert_eq!(changed[0].to, Some("2.2.0".parse().unwrap()));
    }
}
