use std::sync::LazyLock;

use mlresolve_packaging::{Version, parse_version};

use super::table::{self, Fact, Source};
use crate::{Platform, Variant};

/// The table of the C++ ABIs of torch's builds.
pub(crate) const TABLE: &str = include_str!("../../facts/abis.tsv");

static ABIS: LazyLock<Vec<KnownAbi>> = LazyLock::new(|| table::known(TABLE));

/// Something known, and where it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sourced<T> {
    /// What is known.
    pub value: T,
    /// Where it was read.
    pub source: Source,
}

/// The C++ ABI of some releases of torch, in one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownAbi {
    first: Version,
    last: Option<Version>,
    variant: Builds,
    machine: &'static str,
    cxx11: bool,
    source: Source,
}

/// The builds that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Builds {
    One(Variant),
    EveryRocm,
    Every,
}

impl Builds {
    fn contains(self, variant: Variant) -> bool {
        match self {
            Self::One(one) => one == variant,
            Self::EveryRocm => matches!(variant, Variant::Rocm(_)),
            Self::Every => true,
        }
    }
}

impl KnownAbi {
    fn contains(&self, torch: &Version, variant: Variant, platform: Platform) -> bool {
        let public = torch.clone().without_local();
        let within = self.first <= public && self.last.as_ref().is_none_or(|last| public <= *last);
        within && platform.is_linux() && platform.machine() == self.machine && self.variant.contains(variant)
    }
}

impl Fact for KnownAbi {
    const COLUMNS: &'static [&'static str] = &["first", "last", "variant", "machine", "abi"];
    type Key = (&'static str, Builds, Version);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let first = parse_version(cells[0]).ok()?;
        let last = match cells[1] {
            "-" => None,
            text => Some(parse_version(text).ok().filter(|last| first <= *last)?),
        };
        let variant = match cells[2] {
            "*" => Builds::Every,
            "rocm" => Builds::EveryRocm,
            text => Builds::One(text.parse().ok()?),
        };
        let cxx11 = match cells[4] {
            "new" => true,
            "old" => false,
            _ => return None,
        };
        let machine = cells[3];
        let is_machine = Platform::ALL.iter().any(|one| one.is_linux() && one.machine() == machine);
        is_machine.then_some(Self { first, last, variant, machine, cxx11, source })
    }

    fn key(&self) -> Self::Key {
        (self.machine, self.variant, self.first.clone())
    }
}

/// Whether a build of torch for Linux has the C++11 ABI of GCC (`_GLIBCXX_USE_CXX11_ABI=1`), which an extension must share.
/// `None` where it is unknown, and on macOS, whose C++ library has no such choice.
pub fn cxx11_abi(torch: &Version, variant: Variant, platform: Platform) -> Option<Sourced<bool>> {
    let known = ABIS.iter().find(|known| known.contains(torch, variant, platform))?;
    Some(Sourced { value: known.cxx11, source: known.source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abi(torch: &str, variant: &str, platform: Platform) -> Option<bool> {
        let torch = parse_version(torch).unwrap();
        cxx11_abi(&torch, variant.parse().unwrap(), platform).map(|known| known.value)
    }

    #[test]
    fn pypis_build_has_the_new_abi_since_2_7() {
        let x86_64 = |torch: &str| abi(torch, "pypi", Platform::LinuxX86_64);
        assert_eq!(
            [x86_64("2.5.1"), x86_64("2.6.0"), x86_64("2.7.0")],
            [Some(false), Some(false), Some(true)]
        );
        assert_eq!([x86_64("2.15.0"), x86_64("3.0"), x86_64("1.13.1")], [Some(true), Some(true), None]);
        assert_eq!(x86_64("2.7.0rc1"), None);
    }

    #[test]
    fn the_builds_of_2_6_differ() {
        let x86_64 = |variant: &str| abi("2.6.0", variant, Platform::LinuxX86_64);
        assert_eq!([x86_64("cu124"), x86_64("cu126"), x86_64("cpu")], [Some(false), Some(true), Some(false)]);
        assert_eq!([x86_64("rocm6.2.4"), x86_64("xpu")], [Some(true), Some(true)]);
        assert_eq!(abi("2.6.0+cu126", "cu126", Platform::LinuxX86_64), Some(true));
        assert_eq!(abi("2.6.0", "pypi", Platform::LinuxAarch64), Some(true));
        assert_eq!(abi("2.5.1", "pypi", Platform::LinuxAarch64), None);
        assert_eq!(abi("2.9.1", "pypi", Platform::MacOsArm64), None);
    }

    #[test]
    fn no_build_has_two_rows() {
        for (at, row) in ABIS.iter().enumerate() {
            let alike = |other: &&KnownAbi| {
                (other.machine, other.variant) == (row.machine, row.variant)
                    || (other.machine == row.machine && other.variant == Builds::Every)
            };
            for other in ABIS.iter().skip(at + 1).filter(alike) {
                assert!(row.last.as_ref().is_some_and(|last| *last < other.first), "{row:?} {other:?}");
            }
        }
    }
}
