//! What is known of accelerators, drivers, GPUs, PyTorch's builds, packages around them and base images: tables in `facts/`, read once.
//!
//! Every row says where it was read and when. What no table knows is unknown, and what is unknown refuses nothing.

mod abis;
mod builds;
mod companions;
mod cuda;
mod cuda_packages;
mod gpus;
mod images;
mod index;
mod providers;
mod table;
mod wheel_sources;

pub use abis::{Sourced, cxx11_abi};
pub use builds::{Code, KnownBuild, KnownRocmBuild, Releases, build, builds, rocm_build, rocm_builds};
pub use companions::{Companion, Otherwise, companion, companions};
pub use cuda::{
    CudaMajor, KnownCapability, Toolkit, capabilities, capability, cuda_major, cuda_majors,
    newest_cuda_major, toolkit, toolkits,
};
pub use cuda_packages::{CudaPackage, Standalone, cuda_packages, standalone};
pub(crate) use gpus::near;
pub use gpus::{KnownGpu, gpu, gpus};
pub use images::{ImageFacts, image};
pub use index::{
    Elsewhere, FamilyPackage, KnownVariant, elsewhere, family, is_family, known_variant, known_variants,
};
pub use providers::{ImportProvider, imports, provided, providers, stands_for};
pub use table::Source;
pub use wheel_sources::{WheelSource, wheel_source};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Variant;

    /// Reads a table and gives how many rows it has, or what is wrong in which line.
    fn rows<F: table::Fact>(text: &'static str) -> Result<usize, String> {
        table::read::<F>(text).map(|rows| rows.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_table_is_well_formed() {
        for (name, rows) in [
            ("abis", rows::<abis::KnownAbi>(abis::TABLE)),
            ("builds", rows::<KnownBuild>(builds::BUILDS_TABLE)),
            ("capabilities", rows::<KnownCapability>(cuda::CAPABILITIES_TABLE)),
            ("companions", rows::<Companion>(companions::TABLE)),
            ("cuda_packages", rows::<CudaPackage>(cuda_packages::PACKAGES_TABLE)),
            ("elsewhere", rows::<Elsewhere>(index::ELSEWHERE_TABLE)),
            ("family", rows::<FamilyPackage>(index::FAMILY_TABLE)),
            ("gpus", rows::<KnownGpu>(gpus::TABLE)),
            ("images", rows::<images::ImagePattern>(images::TABLE)),
            ("majors", rows::<CudaMajor>(cuda::MAJORS_TABLE)),
            ("providers", rows::<ImportProvider>(providers::TABLE)),
            ("rocm", rows::<KnownRocmBuild>(builds::ROCM_TABLE)),
            ("standalone", rows::<Standalone>(cuda_packages::STANDALONE_TABLE)),
            ("toolkits", rows::<Toolkit>(cuda::TOOLKITS_TABLE)),
            ("variants", rows::<KnownVariant>(index::VARIANTS_TABLE)),
            ("wheel_sources", rows::<WheelSource>(wheel_sources::TABLE)),
        ] {
            assert!(rows.as_ref().is_ok_and(|rows| *rows > 0), "{name}.tsv: {rows:?}");
        }
    }

    #[test]
    fn the_tables_agree_with_each_other() {
        for gpu in gpus() {
            if let crate::GpuKind::Nvidia(one) = gpu.kind {
                assert!(capability(one).is_some(), "{gpu:?}");
            }
        }
        for known in capabilities() {
            let compiled_by = |major: &&CudaMajor| major.capability <= known.capability;
            let newest = cuda_majors().iter().rev().find(compiled_by).map(|major| major.major);
            let last = known.last_major.or(cuda_majors().last().map(|major| major.major));
            assert!(newest == last || last < Some(11), "{known:?}");
        }
        for toolkit in toolkits() {
            let floor = cuda_major(toolkit.cuda.major).unwrap().driver;
            assert!(floor <= toolkit.driver, "{toolkit:?}");
        }
        for build in builds() {
            assert!(build.variant == Variant::Pypi || known_variant(build.variant).is_some(), "{build:?}");
            assert!(build.cuda.is_none_or(|cuda| toolkit(cuda).is_some()), "{build:?}");
        }
        for build in rocm_builds() {
            assert!(known_variant(Variant::Rocm(build.rocm)).is_some(), "{build:?}");
        }
    }

    #[test]
    fn the_family_has_what_differs_and_nothing_generic() {
        for name in ["torch", "torchvision", "torchaudio", "torchcodec", "xformers", "triton-rocm"] {
            assert!(is_family(&name.parse().unwrap()), "{name}");
        }
        for name in ["triton", "numpy", "pillow", "nvidia-nccl-cu12", "cuda-toolkit", "setuptools", "vllm"] {
            assert!(!is_family(&name.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn a_driver_runs_the_newest_major_whose_floor_it_reaches() {
        let newest = |driver: &str| newest_cuda_major(driver.parse().unwrap()).map(|major| major.major);
        assert_eq!(newest("450.80.01"), None);
        assert_eq!(newest("450.80.02"), Some(11));
        assert_eq!(newest("525.60.12"), Some(11));
        assert_eq!(newest("550.54"), Some(12));
        assert_eq!(newest("580"), Some(13));
        assert_eq!(newest("9999"), Some(13));
    }
}
