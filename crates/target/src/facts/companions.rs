use std::sync::LazyLock;

use mlresolve_packaging::{PackageName, SpecifierSet, Version};

use super::builds::Releases;
use super::table::{self, Fact, Source};

/// The table of packages that are built for a torch and do not say so.
pub(crate) const TABLE: &str = include_str!("../../facts/companions.tsv");

static COMPANIONS: LazyLock<Vec<Companion>> = LazyLock::new(|| table::known(TABLE));

/// Releases of a package that are built for a torch which their metadata does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// The package.
    pub package: PackageName,
    /// Its releases.
    pub releases: Releases,
    /// The torch that they are built for, as a requirement such as `torch==2.9.*`.
    pub requirement: String,
    /// What happens beside another torch.
    pub otherwise: Otherwise,
    /// Where this was read.
    pub source: Source,
}

/// What a companion does beside a torch that it is not built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// It fails when it is imported or used.
    Fails,
    /// It works, without the parts of it that are compiled.
    Slower,
    /// Its makers say which torch a release belongs to, and nothing of others: a reason to prefer, not to refuse.
    Untested,
}

impl Fact for Companion {
    const COLUMNS: &'static [&'static str] = &["package", "first", "last", "torch", "otherwise"];
    type Key = (PackageName, Releases);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let torch: SpecifierSet = cells[3].parse().ok()?;
        let otherwise = match cells[4] {
            "fails" => Otherwise::Fails,
            "slower" => Otherwise::Slower,
            "untested" => Otherwise::Untested,
            _ => return None,
        };
        (!torch.is_empty()).then_some(Self {
            package: table::name(cells[0])?,
            releases: Releases::read(cells[1], cells[2])?,
            requirement: format!("torch{}", cells[3]),
            otherwise,
            source,
        })
    }

    fn key(&self) -> Self::Key {
        (self.package.clone(), self.releases.clone())
    }
}

/// Every companion of the table.
pub fn companions() -> &'static [Companion] {
    &COMPANIONS
}

/// The torch that a release of a package needs although its metadata does not say so, if that is known.
pub fn companion(package: &PackageName, version: &Version) -> Option<&'static Companion> {
    COMPANIONS.iter().find(|known| known.package == *package && known.releases.contains(version))
}

#[cfg(test)]
mod tests {
    use mlresolve_packaging::{Requirement, parse_version};

    use super::*;

    fn requirement(package: &str, version: &str) -> Option<&'static str> {
        let found = companion(&package.parse().unwrap(), &parse_version(version).unwrap());
        found.map(|known| known.requirement.as_str())
    }

    #[test]
    fn rows_are_requirements_on_torch_and_do_not_overlap() {
        for known in companions() {
            assert!(known.requirement.parse::<Requirement>().is_ok_and(|one| one.name.as_str() == "torch"));
        }
        for pair in companions().windows(2) {
            let apart = pair[0].releases.last < pair[1].releases.first;
            assert!(pair[0].package != pair[1].package || apart, "{pair:?}");
        }
    }

    #[test]
    fn a_release_goes_with_its_torch() {
        assert_eq!(requirement("torchaudio", "2.11.0"), Some("torch>=2.11"));
        assert_eq!(requirement("torchcodec", "0.5"), Some("torch==2.7.*"));
        assert_eq!(requirement("torchcodec", "0.9.1+cpu"), Some("torch==2.9.*"));
        assert_eq!(requirement("torchcodec", "0.11.1"), Some("torch==2.11.*"));
        assert_eq!(requirement("torchcodec", "0.17.0"), Some("torch>=2.11"));
        assert_eq!(requirement("torchao", "0.15.0"), Some("torch==2.9.1"));
    }

    #[test]
    fn what_is_in_no_row_is_unknown() {
        for (package, version) in
            [("torchaudio", "2.10.0"), ("torchcodec", "0.99.0"), ("torchao", "0.11.0"), ("numpy", "2.0.0")]
        {
            assert_eq!(requirement(package, version), None, "{package} {version}");
        }
    }
}
