use std::sync::LazyLock;

use mlresolve_packaging::{PackageName, Version, parse_version};

use super::table::{self, Fact, Source};

/// The table of packages whose version says their CUDA.
pub(crate) const PACKAGES_TABLE: &str = include_str!("../../facts/cuda_packages.tsv");
/// The table of packages that go with any CUDA.
pub(crate) const STANDALONE_TABLE: &str = include_str!("../../facts/standalone.tsv");

static PACKAGES: LazyLock<Vec<CudaPackage>> = LazyLock::new(|| table::known(PACKAGES_TABLE));
static STANDALONE: LazyLock<Vec<Standalone>> = LazyLock::new(|| table::known(STANDALONE_TABLE));

/// Releases of a package that go with some CUDA majors and with no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaPackage {
    /// The package.
    pub package: PackageName,
    /// The oldest of the releases.
    pub first: Version,
    /// The first release that is no longer one of them, where it is known.
    pub until: Option<Version>,
    /// The majors; `None` where a version begins with its CUDA major.
    pub majors: Option<Vec<u8>>,
    /// Where this was read.
    pub source: Source,
}

/// A package that goes with several CUDA majors, although its name or content suggests one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standalone {
    /// The package.
    pub package: PackageName,
    /// Why, as a clause.
    pub why: &'static str,
    /// Where this was read.
    pub source: Source,
}

impl CudaPackage {
    /// Whether a version is one of these. A pre-release counts as the release that it leads to.
    pub fn contains(&self, version: &Version) -> bool {
        let release = version.only_release();
        self.first <= release && self.until.as_ref().is_none_or(|until| release < *until)
    }
}

impl Fact for CudaPackage {
    const COLUMNS: &'static [&'static str] = &["package", "first", "until", "majors"];
    type Key = (PackageName, Version);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let first = parse_version(cells[1]).ok()?;
        let until = match cells[2] {
            "-" => None,
            text => Some(parse_version(text).ok().filter(|until| first < *until)?),
        };
        let majors = match cells[3] {
            "=" => None,
            list => Some(list.split(' ').map(|major| major.parse().ok()).collect::<Option<Vec<_>>>()?),
        };
        Some(Self { package: table::name(cells[0])?, first, until, majors, source })
    }

    fn key(&self) -> Self::Key {
        (self.package.clone(), self.first.clone())
    }
}

impl Fact for Standalone {
    const COLUMNS: &'static [&'static str] = &["package", "why"];
    type Key = PackageName;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        Some(Self { package: table::name(cells[0])?, why: cells[1], source })
    }

    fn key(&self) -> PackageName {
        self.package.clone()
    }
}

/// Every row on packages whose version says their CUDA.
pub fn cuda_packages() -> &'static [CudaPackage] {
    &PACKAGES
}

/// Why a package goes with any CUDA, if it is known to.
pub fn standalone(package: &PackageName) -> Option<&'static Standalone> {
    STANDALONE.iter().find(|known| known.package == *package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_on_one_package_do_not_overlap() {
        for pair in cuda_packages().windows(2) {
            let apart = pair[0].until.as_ref().is_some_and(|until| *until <= pair[1].first);
            assert!(pair[0].package != pair[1].package || apart, "{pair:?}");
        }
    }

    #[test]
    fn what_stands_alone_claims_nothing() {
        for known in STANDALONE.iter() {
            assert!(cuda_packages().iter().all(|row| row.package != known.package), "{known:?}");
        }
    }
}
