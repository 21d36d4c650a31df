//! How many bytes a lock downloads.

use mlresolve_packaging::{PackageName, Version};
use serde::Serialize;

use crate::model::{Lock, Package};

/// The download sizes of a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SizeReport {
    /// The packages in the order of the lock.
    pub packages: Vec<PackageSize>,
    /// The bytes of all files whose size is known.
    pub total_bytes: u64,
    /// How many packages have no known size, so that the total is too low.
    pub unknown: usize,
}

/// The download size of one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageSize {
    /// The package.
    pub name: PackageName,
    /// Its version.
    #[serde(serialize_with = "crate::model::display_option")]
    pub version: Option<Version>,
    /// The file that is counted; absent for an archive, a checkout or a source tree.
    pub file: Option<String>,
    /// The size in bytes; absent where the lock does not say.
    pub bytes: Option<u64>,
}

/// The download sizes of all packages of a lock: of the first wheel, else the sdist or archive.
#[must_use]
pub fn size(lock: &Lock) -> SizeReport {
    let mut report = SizeReport::default();
    for package in &lock.packages {
        let (file, bytes) = download(package);
        match bytes {
            Some(bytes) => report.total_bytes = report.total_bytes.saturating_add(bytes),
            None => report.unknown += 1,
        }
        let file = file.map(str::to_owned);
        let (name, version) = (package.name.clone(), package.version.clone());
        report.packages.push(PackageSize { name, version, file, bytes });
    }
    report
}

/// The file that stands for a package, and its size in bytes.
pub(crate) fn download(package: &Package) -> (Option<&str>, Option<u64>) {
    if let Some(wheel) = package.wheels.first() {
        return (Some(&wheel.name), wheel.size);
    }
    if let Some(sdist) = &package.sdist {
        return (Some(&sdist.name), sdist.size);
    }
    // A source tree on disk is not downloaded.
    if package.directory.is_some() {
        return (None, Some(0));
    }
    (None, package.archive.as_ref().and_then(|archive| archive.size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn unknown_sizes_are_counted_and_not_guessed() {
        let mut lock = samples::lock();
        let known = size(&lock);
        assert_eq!((known.total_bytes, known.unknown), (899_750_000 + 16_000, 0));
        lock.packages[0].wheels[0].size = None;
        let report = size(&lock);
        assert_eq!(report.unknown, 1);
        assert_eq!(report.total_bytes, known.total_bytes - known.packages[0].bytes.unwrap());
    }

    #[test]
    fn sizes_do_not_overflow() {
        let mut lock = samples::lock();
        for package in &mut lock.packages {
            package.wheels[0].size = Some(u64::MAX);
        }
        assert_eq!(size(&lock).total_bytes, u64::MAX);
    }
}
