use std::sync::LazyLock;

use mlresolve_packaging::PackageName;

use super::table::{self, Fact, Source};

/// The table of packages without wheels on PyPI.
pub(crate) const TABLE: &str = include_str!("../../facts/wheel_sources.tsv");

static SOURCES: LazyLock<Vec<WheelSource>> = LazyLock::new(|| table::known(TABLE));

/// Where there are wheels of a package that PyPI has as source only, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelSource {
    /// The package.
    pub package: PackageName,
    /// Where, as a clause without a full stop.
    pub hint: &'static str,
    /// Where this was read.
    pub source: Source,
}

impl Fact for WheelSource {
    const COLUMNS: &'static [&'static str] = &["package", "hint"];
    type Key = PackageName;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        (!cells[1].ends_with('.')).then_some(Self { package: table::name(cells[0])?, hint: cells[1], source })
    }

    fn key(&self) -> PackageName {
        self.package.clone()
    }
}

/// Where there are wheels of a package for GPUs that PyPI has as source only, if that is known.
pub fn wheel_source(package: &PackageName) -> Option<&'static WheelSource> {
    SOURCES.iter().find(|known| known.package == *package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_wheels_has_a_place_for_them() {
        let hint = |name: &str| wheel_source(&name.parse().unwrap()).map(|known| known.hint);
        assert!(hint("flash-attn").is_some_and(|hint| hint.contains("GitHub")));
        assert!(hint("torch_scatter").is_some_and(|hint| hint.contains("find-links")));
        assert_eq!(hint("numpy"), None);
    }
}
