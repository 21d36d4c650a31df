//! Which CUDA majors a package goes with, of which an environment has one.

use mlresolve_packaging::{PackageName, Version};

use crate::facts::{self, Source};
use crate::torch_abi::{CudaInLabel, cuda_in_label};

/// What a release of a package says of the CUDA beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaClaim {
    /// The majors that it goes with, in rising order; at least one.
    pub majors: Vec<u8>,
    /// Why, in words that go behind the name, such as `is for CUDA 12, as its name says`.
    pub because: String,
    /// Where this was read, unless it is said by the name or the version itself.
    pub source: Option<Source>,
    /// Whether it holds for every version of this name.
    pub name_wide: bool,
}

/// Which CUDA majors a release of a package goes with; `None` where it claims none, or where none is known.
///
/// The name says it (`nvidia-cudnn-cu12`, `cupy-cuda13x`), or the table of packages does by the version
/// (`cuda-toolkit 13.0.2`, `onnxruntime-gpu 1.26.0`), or the local version does (`+cu126`, `+cu12torch2.8cxx11abiTRUE`).
/// What the table of standalone packages names claims nothing by its name.
pub fn cuda_major(name: &PackageName, version: &Version) -> Option<CudaClaim> {
    local_claim(version).or_else(|| {
        if facts::standalone(name).is_some() {
            return None;
        }
        name_claim(name).or_else(|| table_claim(name, version))
    })
}

fn name_claim(name: &PackageName) -> Option<CudaClaim> {
    let mut majors: Vec<u8> = name.as_str().split('-').skip(1).filter_map(major_of_word).collect();
    majors.sort_unstable();
    majors.dedup();
    let because = format!("is for {}, as its name says", cuda(&majors));
    (!majors.is_empty()).then_some(CudaClaim { majors, because, source: None, name_wide: true })
}

fn table_claim(name: &PackageName, version: &Version) -> Option<CudaClaim> {
    let row = facts::cuda_packages().iter().find(|row| row.package == *name && row.contains(version))?;
    let (majors, because) = match &row.majors {
        Some(majors) => {
            let until = row.until.as_ref().map(|until| format!(", before {until}")).unwrap_or_default();
            let because = format!("is built for {} since {}{until}", cuda(majors), row.first);
            (majors.clone(), because)
        }
        None => {
            let majors = vec![version.release().first().and_then(|major| u8::try_from(*major).ok())?];
            let because = format!("is for {}, as its version says", cuda(&majors));
            (majors, because)
        }
    };
    Some(CudaClaim { majors, because, source: Some(row.source), name_wide: false })
}

fn local_claim(version: &Version) -> Option<CudaClaim> {
    let local = version.local();
    let label = local.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    let CudaInLabel { major, minor } = cuda_in_label(&label)?;
    let minor = minor.map(|minor| format!(".{minor}")).unwrap_or_default();
    let because = format!("is built for CUDA {major}{minor}, as +{label} says");
    Some(CudaClaim { majors: vec![major], because, source: None, name_wide: false })
}

/// `CUDA 12`, or `CUDA 11 or 12`.
fn cuda(majors: &[u8]) -> String {
    let majors: Vec<String> = majors.iter().map(ToString::to_string).collect();
    format!("CUDA {}", majors.join(" or "))
}

/// The major that a word of a name stands for: `cu12`, `cu128`, `cuda12x`, `cuda120`; the whole word, so that `cucim` and
/// `cu2qu` are not taken for one. Three digits are a release (11.8), and so are two that begin with 8 or 9 (9.2).
fn major_of_word(word: &str) -> Option<u8> {
    let digits = word.strip_prefix("cuda").or_else(|| word.strip_prefix("cu"))?;
    let digits = digits.strip_suffix('x').unwrap_or(digits);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let major = match (digits.len(), digits.as_bytes().first()?) {
        (2, b'8' | b'9') => digits.get(..1)?,
        (2..=4, b'1') => digits.get(..2)?,
        _ => return None,
    };
    major.parse().ok()
}

#[cfg(test)]
mod tests {
    use mlresolve_packaging::parse_version;

    use super::*;

    fn claim(name: &str, version: &str) -> Option<CudaClaim> {
        cuda_major(&name.parse().unwrap(), &parse_version(version).unwrap())
    }

    fn majors(name: &str, version: &str) -> Vec<u8> {
        claim(name, version).map(|claim| claim.majors).unwrap_or_default()
    }

    #[test]
    fn a_name_says_its_major() {
        for (name, major) in [
            ("nvidia-cudnn-cu12", 12),
            ("nvidia-nccl-cu13", 13),
            ("nvidia_cublas_cu11", 11),
            ("nvidia-cublas-cu116", 11),
            ("cudf-cu12", 12),
            ("cupy-cuda12x", 12),
            ("cupy-cuda117", 11),
            ("cupy-cuda92", 9),
            ("spam-cu118", 11),
            ("spam-cu130", 13),
            ("spam-cu1210", 12),
            ("jax-cuda12-plugin", 12),
            ("jax-cuda13-pjrt", 13),
            ("nvidia-dali-cuda120", 12),
            ("tensorrt-cu13-libs", 13),
            ("xgboost-cu12", 12),
        ] {
            let claim = claim(name, "1.0").unwrap_or_else(|| panic!("{name}"));
            assert_eq!(claim.majors, [major], "{name}");
            assert_eq!(claim.because, format!("is for CUDA {major}, as its name says"), "{name}");
            assert!(claim.name_wide && claim.source.is_none());
        }
    }

    #[test]
    fn a_word_that_only_looks_like_one_says_nothing() {
        for name in [
            "pycuda",
            "cucim",
            "cu2qu",
            "cuda-core",
            "numba-cuda",
            "spam-cu",
            "spam-cuda",
            "spam-cu1",
            "spam-cu20",
            "spam-cu12345",
            "spam-cu12a",
            "spamcu12",
            "cu12",
            "cuda12",
            "spam-cuda-12",
            "spam-cuda12xx",
            "torch",
            "tensorflow",
            "xgboost",
        ] {
            assert_eq!(claim(name, "13.0"), None, "{name}");
        }
    }

    #[test]
    fn a_name_for_two_majors_goes_with_both() {
        let claim = claim("spam-cu13-cu12", "1.0").unwrap();
        assert_eq!(
            (claim.majors, claim.because.as_str()),
            (vec![12, 13], "is for CUDA 12 or 13, as its name says")
        );
    }

    #[test]
    fn a_version_says_its_major() {
        assert_eq!(majors("cuda-toolkit", "12.8.1"), [12]);
        assert_eq!(majors("cuda-bindings", "13.0.3"), [13]);
        assert_eq!(majors("cuda-python", "11.8.7"), [11]);
        assert_eq!(majors("nvidia-cublas", "13.1.0.3"), [13]);
        assert_eq!(majors("nvidia-cufft", "12.0.0.61"), [13]);
        assert_eq!(majors("nvidia-cusparse", "12.6.3.3"), [13]);
        assert!(majors("nvidia-cublas", "0.0.1.dev5").is_empty());
        assert!(majors("nvidia-cufft", "99.0").is_empty());
        let claim = claim("cuda-toolkit", "13.0.2").unwrap();
        assert_eq!(claim.because, "is for CUDA 13, as its version says");
        assert!(claim.source.is_some() && !claim.name_wide);
    }

    #[test]
    fn onnxruntime_gpu_changes_its_major() {
        assert_eq!(majors("onnxruntime-gpu", "1.18.1"), [11]);
        assert_eq!(majors("onnxruntime-gpu", "1.19.0"), [12]);
        assert_eq!(majors("onnxruntime-gpu", "1.26.0"), [12]);
        assert_eq!(majors("onnxruntime-gpu", "1.27.0rc1"), [13]);
        assert!(majors("onnxruntime", "1.27.0").is_empty());
        let because = |version: &str| claim("onnxruntime-gpu", version).unwrap().because;
        assert_eq!(because("1.31.1"), "is built for CUDA 13 since 1.27");
        assert_eq!(because("1.26.0"), "is built for CUDA 12 since 1.19, before 1.27");
    }

    #[test]
    fn what_is_loaded_at_run_time_counts_though_no_metadata_says_so() {
        assert_eq!((majors("ctranslate2", "3.24.0"), majors("ctranslate2", "4.8.5")), (vec![11], vec![12]));
    }

    #[test]
    fn a_local_version_says_its_major() {
        for (version, major, because) in [
            ("2.6.0+cu126", 12, "is built for CUDA 12.6, as +cu126 says"),
            ("2.8.3+cu12torch2.8cxx11abiTRUE", 12, "is built for CUDA 12, as +cu12torch2.8cxx11abitrue says"),
            ("0.1+pt28cu128", 12, "is built for CUDA 12.8, as +pt28cu128 says"),
            ("0.1+cu.13.0.torch.2.11", 13, "is built for CUDA 13.0, as +cu.13.0.torch.2.11 says"),
        ] {
            let claim = claim("spam", version).unwrap_or_else(|| panic!("{version}"));
            assert_eq!((claim.majors, claim.because.as_str()), (vec![major], because));
        }
        for version in ["1.0", "1.0+cpu", "1.0+rocm6.4", "1.0+e437e35", "1.0+local", "1.0+12"] {
            assert_eq!(claim("spam", version), None, "{version}");
        }
    }

    #[test]
    fn what_stands_alone_claims_nothing_by_its_name() {
        for name in ["bitsandbytes", "jaxlib", "triton", "xgboost"] {
            assert_eq!(claim(name, "13.0"), None, "{name}");
        }
        assert_eq!(majors("triton", "3.0+cu128"), [12]);
    }
}
