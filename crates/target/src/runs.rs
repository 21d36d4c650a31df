//! Whether a build of the torch family runs on a target, and which of those that do is preferred.

mod choice;
mod refusal;

use mlresolve_packaging::Version;

pub use choice::{cuda_major_of, cuda_of, preference, variants};
pub use refusal::Refusal;

use crate::facts::{self, Code, KnownBuild};
use crate::{Accelerator, Capability, CudaVersion, Gpu, GpuKind, RocmVersion, Target, Variant};

/// A wheel of the torch family, as far as it matters on which machine it runs.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// Its version, if it is torch itself. What torch's companions are compiled for is not known.
    pub torch: Option<&'a Version>,
    /// Where it comes from, which for all but PyPI's own says what it is built for.
    pub variant: Variant,
    /// The CUDA that its requirements ask for ([`cuda_of`]).
    pub cuda: Option<CudaVersion>,
}

/// What stands between a build and a target, all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it does not run. Empty if nothing is known to be in the way.
    pub refusals: Vec<Refusal>,
    /// What could not be checked, as sentences without a full stop.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether nothing is known to be in the way.
    pub fn runs(&self) -> bool {
        self.refusals.is_empty()
    }
}

/// What a build is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeFor {
    /// Processors alone.
    Cpu,
    /// GPUs of NVIDIA, with this CUDA.
    Cuda(CudaVersion),
    /// GPUs of AMD, with this ROCm.
    Rocm(RocmVersion),
    /// GPUs of Intel.
    Xpu,
    /// PyPI's own build of a companion, or of a torch that is not in the tables: it may be anything.
    Unknown,
}

impl MadeFor {
    /// What a build is made for, as far as its variant, its requirements and the tables tell.
    pub fn of(target: &Target, build: &Build<'_>) -> Self {
        match build.variant {
            Variant::Cpu => Self::Cpu,
            Variant::Cuda(cuda) => Self::Cuda(cuda),
            Variant::Rocm(rocm) => Self::Rocm(rocm),
            Variant::Xpu => Self::Xpu,
            Variant::Pypi => {
                let known =
                    build.torch.and_then(|torch| facts::build(torch, Variant::Pypi, target.platform()));
                match (build.cuda, known) {
                    (Some(cuda), _) => Self::Cuda(cuda),
                    (None, Some(known)) => known.cuda.map_or(Self::Cpu, Self::Cuda),
                    (None, None) => Self::without_cuda(build),
                }
            }
        }
    }

    /// A wheel from PyPI that asks for no CUDA and is in no table. Since 2.2 torch asks for the CUDA that it uses;
    /// before, it could carry it along.
    fn without_cuda(build: &Build<'_>) -> Self {
        let mut pypi = facts::builds().iter().filter(|known| known.variant == Variant::Pypi);
        let is_new = |torch: &Version| pypi.all(|known| known.torch.first <= *torch);
        if build.torch.is_some_and(is_new) { Self::Cpu } else { Self::Unknown }
    }
}

/// Whether a build is for what the target computes on, whatever its driver and GPUs.
pub fn variant_allowed(target: &Target, build: &Build<'_>) -> Result<(), Refusal> {
    let Some(accelerator) = target.accelerator().filter(|_| target.platform().is_linux()) else {
        return Ok(());
    };
    let built_for = match MadeFor::of(target, build) {
        MadeFor::Unknown => return Ok(()),
        MadeFor::Cpu if accelerator == Accelerator::Cpu => return Ok(()),
        MadeFor::Cpu => return Err(Refusal::CpuBuild { accelerator }),
        MadeFor::Cuda(cuda) => match accelerator {
            Accelerator::Cuda(fixed) if fixed.is_none_or(|fixed| fixed == cuda) => return Ok(()),
            _ => format!("CUDA {cuda}"),
        },
        MadeFor::Rocm(rocm) => match accelerator {
            Accelerator::Rocm(fixed) if fixed.is_none_or(|fixed| fixed == rocm) => return Ok(()),
            _ => format!("ROCm {rocm}"),
        },
        MadeFor::Xpu if accelerator == Accelerator::Xpu => return Ok(()),
        MadeFor::Xpu => "Intel GPUs".to_owned(),
    };
    Err(Refusal::Accelerator { built_for, accelerator })
}

/// Whether a build runs on a target: all that is known to be in the way.
///
/// Nothing is in the way on macOS, where there is one build, nor where neither an accelerator nor a driver or GPU was
/// declared.
pub fn judge_build(target: &Target, build: &Build<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Err(refusal) = variant_allowed(target, build) {
        verdict.refusals.push(refusal);
        return verdict;
    }
    if !target.platform().is_linux() {
        return verdict;
    }
    match (target.accelerator(), MadeFor::of(target, build)) {
        (Some(Accelerator::Cuda(_)), MadeFor::Cuda(cuda)) => judge_cuda(target, build, cuda, &mut verdict),
        (Some(Accelerator::Rocm(_)), MadeFor::Rocm(rocm)) => judge_rocm(target, build, rocm, &mut verdict),
        _ => {}
    }
    verdict
}

fn judge_cuda(target: &Target, build: &Build<'_>, cuda: CudaVersion, verdict: &mut Verdict) {
    let own = facts::cuda_major(cuda.major);
    // A newer major needs no older driver and compiles for no older GPU than the newest that is known.
    let newest = facts::cuda_majors().last().filter(|newest| newest.major < cuda.major);
    let major = own.or(newest);
    if let (Some(driver), Some(major)) = (target.driver(), major)
        && !driver.reaches(major.driver)
    {
        verdict.refusals.push(Refusal::Driver { cuda, driver, major });
    }
    match (own, newest) {
        (None, Some(newest)) => verdict.notes.push(format!(
            "the tables do not know CUDA {}: driver and GPUs were held against what CUDA {} needs, and it may need more",
            cuda.major, newest.major
        )),
        (None, None) => {
            verdict.notes.push(format!("the tables do not know CUDA {}: its driver was not checked", cuda.major));
        }
        (Some(_), _) => {}
    }
    let known = build.torch.and_then(|torch| facts::build(torch, build.variant, target.platform()));
    let compiled = known
        .filter(|known| known.cuda == Some(cuda))
        .and_then(|known| known.compiled.as_deref().map(|compiled| (known, compiled)));
    if let (None, Some(torch), false) = (compiled, build.torch, target.gpus().is_empty()) {
        verdict.notes.push(unknown_list(torch, &format!("CUDA {cuda}")));
    }
    for gpu in target.gpus() {
        let Some(capability) = gpu.capability() else { continue };
        let refusal = match compiled {
            Some((known, compiled)) => without_code(target, gpu, capability, known, compiled),
            None => major.filter(|major| capability < major.capability).map(|major| Refusal::Toolkit {
                gpu: gpu.described(),
                cuda,
                oldest: major.capability,
                cited: major.source,
            }),
        };
        verdict.refusals.extend(refusal);
    }
}

/// Why a build has no code that runs on a GPU, if it has none: machine code runs on the same major with the same or a
/// higher minor, PTX on any newer capability if the driver can compile it.
fn without_code(
    target: &Target,
    gpu: &Gpu,
    capability: Capability,
    known: &'static KnownBuild,
    compiled: &'static [Code],
) -> Option<Refusal> {
    let runs = |code: &Code| code.capability.major == capability.major && code.capability <= capability;
    if compiled.iter().any(runs) {
        return None;
    }
    if compiled.iter().any(|code| code.ptx && code.capability <= capability) {
        let toolkit = known.cuda.and_then(facts::toolkit)?;
        let driver = target.driver().filter(|driver| !driver.reaches(toolkit.driver))?;
        let cited = toolkit.source;
        return Some(Refusal::Ptx { gpu: gpu.described(), driver, first: toolkit.driver, cited });
    }
    Some(Refusal::Gpu { gpu: gpu.described(), compiled, cited: known.source })
}

fn judge_rocm(target: &Target, build: &Build<'_>, rocm: RocmVersion, verdict: &mut Verdict) {
    let Some(torch) = build.torch.filter(|_| !target.gpus().is_empty()) else { return };
    let Some(known) = facts::rocm_build(torch, rocm) else {
        verdict.notes.push(unknown_list(torch, &format!("ROCm {rocm}")));
        return;
    };
    for gpu in target.gpus() {
        if let GpuKind::Amd(gfx) = &gpu.kind
            && !known.gfx.contains(&gfx.as_str())
        {
            let gpu = gpu.described();
            verdict.refusals.push(Refusal::Gfx { gpu, compiled: &known.gfx, cited: known.source });
        }
    }
}

fn unknown_list(torch: &Version, toolkit: &str) -> String {
    format!("the tables do not know what torch {torch} for {toolkit} is compiled for")
}

#[cfg(test)]
mod tests;
