use mlresolve_packaging::{PackageName, Requirement};

use crate::{Accelerator, CudaVersion, Target, Variant, facts};

/// The builds that may be looked at for a target, the preferred ones first.
pub fn variants(target: &Target) -> Vec<Variant> {
    let known = |wanted: fn(&Variant) -> bool| {
        facts::known_variants().iter().map(|known| known.variant).filter(wanted).collect::<Vec<_>>()
    };
    let mut variants = match target.accelerator().filter(|_| target.platform().is_linux()) {
        None | Some(Accelerator::Mps) => vec![Variant::Pypi],
        Some(Accelerator::Cpu) => vec![Variant::Cpu],
        Some(Accelerator::Xpu) => vec![Variant::Xpu],
        Some(Accelerator::Cuda(Some(cuda))) => vec![Variant::Cuda(cuda)],
        Some(Accelerator::Rocm(Some(rocm))) => vec![Variant::Rocm(rocm)],
        Some(Accelerator::Cuda(None)) => {
            let mut all = known(|variant| matches!(variant, Variant::Cuda(_)));
            all.push(Variant::Pypi);
            all
        }
        Some(Accelerator::Rocm(None)) => known(|variant| matches!(variant, Variant::Rocm(_))),
    };
    variants.sort_by_key(|variant| preference(target, *variant));
    variants
}

/// How much a build is preferred among those that run on the target and have the same public version: smaller is better.
///
/// PyPI's own build comes first; then the newest CUDA whose own driver the target has, or the newest at all where no
/// driver was declared; then the newest that runs by minor-version compatibility. Of ROCm, the newest.
pub fn preference(target: &Target, variant: Variant) -> u32 {
    const BY_COMPATIBILITY: u32 = 1 << 24;
    let newest_first =
        |major: u8, minor: u8, patch: u8| 0x00ff_ffff - u32::from_be_bytes([0, major, minor, patch]);
    match variant {
        Variant::Pypi => 0,
        Variant::Cuda(cuda) => {
            let own = facts::toolkit(cuda).map(|toolkit| toolkit.driver);
            let has_own = target.driver().is_none_or(|driver| own.is_some_and(|own| driver.reaches(own)));
            newest_first(cuda.major, cuda.minor, 0) + if has_own { 0 } else { BY_COMPATIBILITY }
        }
        Variant::Rocm(rocm) => newest_first(rocm.major, rocm.minor, rocm.patch.unwrap_or(0)),
        Variant::Xpu => BY_COMPATIBILITY,
        Variant::Cpu => u32::MAX,
    }
}

/// The CUDA that requirements ask for: the version that `cuda-toolkit` is pinned to, or else `nvidia-cuda-runtime` in
/// its old or new name. Requirements whose markers do not hold on the target are not to be among them.
pub fn cuda_of(requirements: &[Requirement]) -> Option<CudaVersion> {
    let pinned = |wanted: fn(&str) -> bool| {
        let mut found = requirements.iter().filter(|requirement| wanted(requirement.name.as_str()));
        let release = found.find_map(|requirement| requirement.specifiers()?.pinned())?.release();
        let number = |at: usize| release.get(at).and_then(|number| u8::try_from(*number).ok());
        Some(CudaVersion { major: number(0)?, minor: number(1)? })
    };
    pinned(|name| name == "cuda-toolkit").or_else(|| {
        pinned(|name| {
            let rest = name.strip_prefix("nvidia-cuda-runtime");
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("-cu"))
        })
    })
}

/// The CUDA major that the name of a package is for: 12 for `nvidia-cudnn-cu12`. It says what [`cuda_of`] cannot where
/// only libraries without a version of CUDA are asked for.
pub fn cuda_major_of(name: &PackageName) -> Option<u8> {
    let name = name.as_str().strip_prefix("nvidia-")?;
    let (_, major) = name.rsplit_once("-cu")?;
    let plain = major.len() == 2 && major.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| major.parse().ok())?
}
