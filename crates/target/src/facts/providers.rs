use std::sync::LazyLock;

use mlresolve_packaging::PackageName;

use super::table::{self, Fact, Source};

/// The table of distributions that install the same import package.
pub(crate) const TABLE: &str = include_str!("../../facts/providers.tsv");

static PROVIDERS: LazyLock<Vec<ImportProvider>> = LazyLock::new(|| table::known(TABLE));

/// A distribution that installs an import package which others install too, so that an environment holds one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportProvider {
    /// The import package, such as `cv2`.
    pub import: &'static str,
    /// The distribution, such as `opencv-python-headless`.
    pub distribution: PackageName,
    /// Those that it can take the place of at the same version.
    pub stands_for: Vec<PackageName>,
    /// Where this was read.
    pub source: Source,
}

impl Fact for ImportProvider {
    const COLUMNS: &'static [&'static str] = &["import", "distribution", "stands_for"];
    type Key = (&'static str, PackageName);

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let stands_for = match cells[2] {
            "-" => Vec::new(),
            list => list.split(' ').map(table::name).collect::<Option<_>>()?,
        };
        let distribution = table::name(cells[1])?;
        Some(Self { import: cells[0], distribution, stands_for, source })
    }

    fn key(&self) -> Self::Key {
        (self.import, self.distribution.clone())
    }
}

/// The import packages of which a distribution is one of several providers. Empty for all but a few distributions.
pub fn provided(distribution: &PackageName) -> Vec<&'static str> {
    let rows = PROVIDERS.iter().filter(|row| row.distribution == *distribution);
    rows.map(|row| row.import).collect()
}

/// The import packages that have several providers, sorted.
pub fn imports() -> Vec<&'static str> {
    let mut imports: Vec<_> = PROVIDERS.iter().map(|row| row.import).collect();
    imports.sort_unstable();
    imports.dedup();
    imports
}

/// The distributions that install an import package, in the order of their names. Empty where one at most is known.
pub fn providers(import: &str) -> Vec<&'static ImportProvider> {
    PROVIDERS.iter().filter(|row| row.import == import).collect()
}

/// Whether one distribution can be installed in the place of another, at the same version: all that imports the other
/// finds what it needs. It is not so the other way round for all: `onnxruntime-gpu` stands for `onnxruntime`, but
/// `onnxruntime` leaves the GPU idle.
pub fn stands_for(distribution: &PackageName, other: &PackageName) -> bool {
    PROVIDERS.iter().any(|row| row.distribution == *distribution && row.stands_for.contains(other))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn name(text: &str) -> PackageName {
        text.parse().unwrap()
    }

    #[test]
    fn every_import_has_several_providers_and_they_stand_for_each_other_alone() {
        let imports: BTreeSet<_> = PROVIDERS.iter().map(|row| row.import).collect();
        for import in imports {
            assert!(providers(import).len() > 1, "{import}");
        }
        for row in PROVIDERS.iter() {
            for other in &row.stands_for {
                assert!(*other != row.distribution && provided(other).contains(&row.import), "{row:?}");
            }
        }
    }

    #[test]
    fn a_distribution_knows_what_it_provides() {
        assert_eq!(provided(&name("opencv-python")), ["cv2"]);
        assert_eq!(provided(&name("cupy-cuda12x")), ["cupy"]);
        assert_eq!(provided(&name("nvidia-nccl-cu13")), ["nvidia.nccl"]);
        assert!(provided(&name("nvidia-cublas-cu12")).is_empty() && provided(&name("numpy")).is_empty());
        let triton: Vec<_> = providers("triton").into_iter().map(|row| row.distribution.as_str()).collect();
        assert!(triton.contains(&"triton") && triton.contains(&"triton-rocm"), "{triton:?}");
        assert!(providers("numpy").is_empty());
    }

    #[test]
    fn what_has_more_stands_for_what_has_less() {
        let stands = |a: &str, b: &str| stands_for(&name(a), &name(b));
        assert!(stands("onnxruntime-gpu", "onnxruntime") && !stands("onnxruntime", "onnxruntime-gpu"));
        assert!(stands("opencv-contrib-python", "opencv-python-headless"));
        assert!(!stands("opencv-python", "opencv-contrib-python"));
        assert!(!stands("onnxruntime", "onnxruntime") && !stands("cupy-cuda12x", "cupy-cuda13x"));
    }
}
