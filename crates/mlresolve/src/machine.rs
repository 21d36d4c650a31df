//! Whether a build runs on the target's machine, in the solver's words.

use mlresolve_packaging::{PackageName, Requirement, Version};
use mlresolve_solver::Unusable;
use mlresolve_target::runs::{Build, cuda_of, judge_build};
use mlresolve_target::{CudaVersion, Target, Variant, facts};

/// The package of which the tables tell how it is built.
pub(crate) const TORCH: &str = "torch";

/// Why a build of the torch family does not run on the target, if so. `torch` is the version where it is torch itself, `cuda` what
/// is known of the CUDA that PyPI's own build is for.
pub(crate) fn refusal(
    target: &Target,
    torch: Option<&Version>,
    variant: Variant,
    cuda: Option<CudaVersion>,
) -> Option<Unusable> {
    let verdict = judge_build(target, &Build { torch, variant, cuda });
    let refusals: Vec<String> = verdict.refusals.iter().map(ToString::to_string).collect();
    (!refusals.is_empty()).then_some(Unusable::Machine(refusals))
}

/// The CUDA that PyPI's own build of a torch is for, as the tables know it.
pub(crate) fn version_cuda(target: &Target, torch: &Version, variant: Variant) -> Option<CudaVersion> {
    match variant {
        Variant::Pypi => facts::build(torch, variant, target.platform())?.cuda,
        Variant::Cuda(cuda) => Some(cuda),
        _ => None,
    }
}

/// The variant that a local version names, such as the `cu126` of `2.14.0+cu126`.
pub(crate) fn local_variant(version: &Version) -> Option<Variant> {
    let local = version.to_string();
    let (_, label) = local.split_once('+')?;
    label.parse().ok().filter(|variant| *variant != Variant::Pypi)
}

/// Why torch as its metadata describes it does not run on the target.
pub(crate) fn refusal_by_metadata(
    target: &Target,
    name: &PackageName,
    version: &Version,
    variant: Variant,
    requirements: &[Requirement],
) -> Option<Unusable> {
    if name.as_str() != TORCH || target.accelerator().is_none() {
        return None;
    }
    let cuda = cuda_of(requirements).or_else(|| version_cuda(target, version, variant));
    refusal(target, Some(version), variant, cuda)
}

/// How the names of packages begin that are libraries of CUDA, ROCm or Intel's GPUs: each build of torch pins its own. The
/// names are those that torch's metadata has required since 2.2.
const LIBRARIES: [&str; 12] = [
    "nvidia-",
    "cuda-",
    "rocm-",
    "intel-",
    "onemkl-",
    "oneccl",
    "dpcpp-cpp-rt",
    "impi-rt",
    "pytorch-triton",
    "triton",
    "tcmlib",
    "umf",
];

/// Whether a package is a part of the builds of one variant, and differs from variant to variant.
pub(crate) fn is_part_of_a_build(name: &PackageName) -> bool {
    LIBRARIES.iter().any(|start| name.as_str().starts_with(start))
}
