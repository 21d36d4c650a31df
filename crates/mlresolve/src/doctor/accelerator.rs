//! Whether the locked torch computes on a machine's GPUs.

use mlresolve_lockfile::Package;
use mlresolve_packaging::{Requirement, Version};
use mlresolve_target::runs::{Build, MadeFor, Verdict, cuda_major_of, cuda_of, judge_build};
use mlresolve_target::{Accelerator, CudaVersion, DriverVersion, Gpu, GpuKind, Target, Variant, facts};

use super::{Findings, Level, LockedFor};
use crate::host::Host;
use crate::machine::{TORCH, local_variant};

const ABOUT: &str = "accelerator";

/// What the machine lacks, and how sure that is.
struct Lacking {
    message: String,
    /// Whether it was seen to be absent, rather than not seen.
    certain: bool,
}

pub(super) fn judge(locked: &LockedFor<'_>, host: &Host, findings: &mut Findings) {
    if !locked.target.platform().is_linux() {
        return;
    }
    let torch = locked.packages.iter().find(|package| package.name.as_str() == TORCH);
    match torch.and_then(|package| Some((*package, package.version.as_ref()?))) {
        Some((package, version)) => judge_torch(locked, package, version, host, findings),
        None => judge_without_torch(locked, host, findings),
    }
}

fn judge_torch(
    locked: &LockedFor<'_>,
    package: &Package,
    version: &Version,
    host: &Host,
    findings: &mut Findings,
) {
    let name = format!("torch {version}");
    let is_local = version.to_string().contains('+');
    let variant = local_variant(version).or_else(|| locked.variant.filter(|_| !is_local));
    if is_local && variant.is_none() {
        let message = format!("what {name} is built for is not known from its local version");
        findings.note(ABOUT, message);
        return judge_declared(locked, host, findings);
    }
    let variant = variant.unwrap_or(Variant::Pypi);
    let build = Build { torch: Some(version), variant, cuda: required_cuda(locked, package) };
    let machine = Machine { locked, host, name: &name, build };
    match MadeFor::of(&locked.target, &build) {
        MadeFor::Cpu => machine.judge_cpu(findings),
        MadeFor::Cuda(cuda) => machine.judge_cuda(cuda, findings),
        MadeFor::Rocm(rocm) => machine.judge_rocm(&format!("ROCm {rocm}"), findings),
        MadeFor::Xpu => machine.judge_xpu(findings),
        MadeFor::Unknown => {
            findings.note(ABOUT, format!("no table knows what {name} from PyPI is built for"));
            judge_declared(locked, host, findings);
        }
    }
}

/// The CUDA that torch asks for: by the requirements that the lock records, or by what else is locked.
fn required_cuda(locked: &LockedFor<'_>, torch: &Package) -> Option<CudaVersion> {
    let recorded = torch.recorded_requirements().iter().filter_map(|text| text.parse().ok());
    let recorded: Vec<Requirement> = recorded.collect();
    let pins = locked.packages.iter().filter_map(|package| {
        let version = package.version.as_ref()?.clone().without_local();
        format!("{}=={version}", package.name).parse().ok()
    });
    cuda_of(&recorded).or_else(|| cuda_of(&pins.collect::<Vec<Requirement>>()))
}

/// A torch on a machine.
struct Machine<'a> {
    locked: &'a LockedFor<'a>,
    host: &'a Host,
    /// The torch, with its version.
    name: &'a str,
    build: Build<'a>,
}

impl Machine<'_> {
    fn judge_cpu(&self, findings: &mut Findings) {
        let name = self.name;
        let here = self.host.as_target();
        if here.accelerator == "cpu" {
            return findings.ok(ABOUT, format!("{name} is a CPU build"));
        }
        let message = format!(
            "{name} is a CPU build, and the GPU of this machine is not used: {}",
            here.lines.join(", ")
        );
        findings.add(Level::Note, ABOUT, message, Some(relock(self.locked, self.host)));
    }

    fn judge_cuda(&self, cuda: CudaVersion, findings: &mut Findings) {
        let made_for = format!("CUDA {cuda}");
        if let Some(lacking) = lacking_nvidia(self.host) {
            return self.lacks(&made_for, Accelerator::Cuda(None), &lacking, findings);
        }
        let driver = self.host.nvidia_driver();
        if driver.is_none() {
            let message = "the version of NVIDIA's driver is not known, so it was not checked";
            findings.add(Level::Warning, ABOUT, message, None);
        }
        let gpus = self.host.nvidia_gpus();
        if gpus.is_empty() {
            findings.note(ABOUT, "the GPUs of this machine are not known, so only its driver was checked");
        }
        let target = self.locked.target.clone().with_accelerator(Accelerator::Cuda(None));
        let target = match driver {
            Some(driver) => target.with_driver(driver),
            None => target,
        };
        let passed = match (facts::cuda_major(cuda.major), driver) {
            (Some(major), Some(driver)) => format!(
                ", which driver {} and newer run, and this machine has {driver} {}",
                major.driver, major.source
            ),
            _ => String::new(),
        };
        self.judge_each(&target, gpus, &format!("{made_for}{passed}"), "CUDA_VISIBLE_DEVICES", findings);
    }

    fn judge_rocm(&self, made_for: &str, findings: &mut Findings) {
        if self.host.amd_gpus.is_empty() {
            let lacking =
                Lacking { message: "no AMD GPU was seen on this machine".to_owned(), certain: true };
            return self.lacks(made_for, Accelerator::Rocm(None), &lacking, findings);
        }
        // A processor's own GPU beside a real one is in nobody's way.
        let mut gpus = self.host.amd_gpus_with_builds();
        if gpus.is_empty() {
            let gpu = |name: &String| Gpu { name: name.clone(), kind: GpuKind::Amd(name.clone()) };
            gpus.extend(self.host.amd_gpus.first().map(gpu));
        }
        let target = self.locked.target.clone().with_accelerator(Accelerator::Rocm(None));
        self.judge_each(&target, gpus, made_for, "HIP_VISIBLE_DEVICES", findings);
    }

    fn judge_xpu(&self, findings: &mut Findings) {
        let made_for = "Intel GPUs";
        if !self.host.intel_gpu {
            let lacking =
                Lacking { message: "no Intel GPU was seen on this machine".to_owned(), certain: true };
            return self.lacks(made_for, Accelerator::Xpu, &lacking, findings);
        }
        if self.host.intel_discrete {
            return findings
                .ok(ABOUT, format!("{} is built for {made_for}, and this machine has one", self.name));
        }
        let message = format!(
            "{} is built for {made_for}, and the one of this machine is the processor's own, which may be too small",
            self.name
        );
        findings.add(Level::Warning, ABOUT, message, None);
    }

    /// The machine has nothing that the build is for. It would run on the processor alone, which whoever asked for such a
    /// build did not mean; where nobody asked, it may do.
    fn lacks(&self, made_for: &str, family: Accelerator, lacking: &Lacking, findings: &mut Findings) {
        let declared = self.locked.declared.is_some_and(|declared| declared.family() == family.family());
        let asked_for = declared || (self.locked.declared.is_none() && self.build.variant != Variant::Pypi);
        let level = if asked_for && lacking.certain { Level::Failure } else { Level::Warning };
        let (name, lacking) = (self.name, &lacking.message);
        let message = format!(
            "{name} is built for {made_for}, and {lacking}; without one it computes on the processor alone"
        );
        let relock = relock(self.locked, self.host);
        let known = match MadeFor::of(&self.locked.target, &self.build) {
            MadeFor::Cuda(cuda) => facts::cuda_major(cuda.major),
            _ => None,
        };
        let way_out = match known {
            Some(known) => format!("install NVIDIA's driver {} or newer, or {relock}", known.driver),
            None => relock,
        };
        findings.add(level, ABOUT, message, Some(way_out));
    }

    /// Judges each GPU by itself: a lock runs where it runs on one of them.
    fn judge_each(
        &self,
        target: &Target,
        gpus: Vec<Gpu>,
        made_for: &str,
        hide: &str,
        findings: &mut Findings,
    ) {
        let one_by_one = |gpu: Gpu| (Some(gpu.clone()), self.verdict(target, vec![gpu]));
        let mut verdicts: Vec<(Option<Gpu>, Verdict)> = gpus.into_iter().map(one_by_one).collect();
        if verdicts.is_empty() {
            verdicts.push((None, self.verdict(target, Vec::new())));
        }
        let (good, bad): (Vec<_>, Vec<_>) = verdicts.into_iter().partition(|(_, verdict)| verdict.runs());
        let mut notes: Vec<String> = good.iter().flat_map(|(_, verdict)| verdict.notes.clone()).collect();
        let mut refusals: Vec<String> = Vec::new();
        for refusal in bad.iter().flat_map(|(_, verdict)| &verdict.refusals) {
            // The target of this judgement is the machine itself.
            let refusal = refusal.to_string().replace("the target", "this machine");
            if !refusals.contains(&refusal) {
                refusals.push(refusal);
            }
        }
        let name = self.name;
        let level = if good.is_empty() { Level::Failure } else { Level::Warning };
        for refusal in refusals {
            let way_out = match level {
                Level::Failure => relock(self.locked, self.host),
                _ => format!("hide that GPU with {hide}, or {}", relock(self.locked, self.host)),
            };
            findings.add(level, ABOUT, format!("{name} {refusal}"), Some(way_out));
        }
        if !good.is_empty() {
            let gpus: Vec<String> =
                good.iter().filter_map(|(gpu, _)| Some(gpu.as_ref()?.described())).collect();
            let runs =
                if gpus.is_empty() { String::new() } else { format!("; it runs on {}", gpus.join(", ")) };
            findings.ok(ABOUT, format!("{name} is built for {made_for}{runs}"));
        }
        notes.dedup();
        for note in notes {
            findings.note(ABOUT, note);
        }
    }

    fn verdict(&self, target: &Target, gpus: Vec<Gpu>) -> Verdict {
        judge_build(&target.clone().with_gpus(gpus), &self.build)
    }
}

/// What NVIDIA has on this machine, if not a driver.
fn lacking_nvidia(host: &Host) -> Option<Lacking> {
    if host.has_nvidia() {
        return None;
    }
    let message = if host.nvidia_silent {
        "nvidia-smi did not answer, so it is not known whether this machine has a driver of NVIDIA"
    } else {
        "no driver of NVIDIA was seen on this machine"
    };
    Some(Lacking { message: message.to_owned(), certain: !host.nvidia_silent })
}

/// A lock without torch: what it says itself, and which CUDA its libraries are of.
fn judge_without_torch(locked: &LockedFor<'_>, host: &Host, findings: &mut Findings) {
    let major = |package: &&&Package| Some((cuda_major_of(&package.name)?, package.name.to_string()));
    let mut majors: Vec<(u8, String)> =
        locked.packages.iter().filter_map(|package| major(&package)).collect();
    majors.sort();
    majors.dedup_by_key(|(major, _)| *major);
    if majors.is_empty() {
        if locked.declared.is_none() {
            findings.ok(ABOUT, "nothing that is known here asks for a GPU");
        }
        return judge_declared(locked, host, findings);
    }
    if let Some(lacking) = lacking_nvidia(host) {
        let asked_for = locked.declared.is_some_and(|declared| declared.family() == "cuda");
        let level = if asked_for && lacking.certain { Level::Failure } else { Level::Warning };
        let message = format!("{} is a library of CUDA, and {}", majors[0].1, lacking.message);
        return findings.add(level, ABOUT, message, Some(relock(locked, host)));
    }
    let Some(driver) = host.nvidia_driver() else {
        let message = "the version of NVIDIA's driver is not known, so it was not checked";
        return findings.add(Level::Warning, ABOUT, message, None);
    };
    for (major, library) in majors {
        judge_library(driver, major, &library, findings);
    }
}

/// Whether the driver runs the CUDA of a library.
fn judge_library(driver: DriverVersion, major: u8, library: &str, findings: &mut Findings) {
    let Some(known) = facts::cuda_major(major) else {
        let message = format!("the tables do not know CUDA {major} of {library}: its driver was not checked");
        return findings.note(ABOUT, message);
    };
    let (first, source) = (known.driver, known.source);
    let message = format!(
        "{library} is of CUDA {major}, which driver {first} and newer run, and this machine has {driver} {source}"
    );
    if driver < first {
        let way_out = format!("take a driver {first} or newer, or require packages for an older CUDA");
        findings.add(Level::Failure, ABOUT, message, Some(way_out));
    } else {
        findings.ok(ABOUT, message);
    }
}

/// Whether the machine has what the lock says that it computes on, where no build tells more.
fn judge_declared(locked: &LockedFor<'_>, host: &Host, findings: &mut Findings) {
    let Some(declared) = locked.declared else { return };
    let lacking = match declared {
        Accelerator::Cuda(_) => lacking_nvidia(host),
        Accelerator::Rocm(_) if host.amd_gpus.is_empty() => {
            Some(Lacking { message: "no AMD GPU was seen on this machine".to_owned(), certain: true })
        }
        Accelerator::Xpu if !host.intel_gpu => {
            Some(Lacking { message: "no Intel GPU was seen on this machine".to_owned(), certain: true })
        }
        _ => None,
    };
    match lacking {
        None => findings.ok(ABOUT, format!("the lock is for {declared}, which this machine has")),
        Some(Lacking { message, certain }) => {
            let level = if certain { Level::Failure } else { Level::Warning };
            let message = format!("the lock is for {declared}, and {message}");
            findings.add(level, ABOUT, message, Some(relock(locked, host)));
        }
    }
}

/// The command that locks for this machine.
fn relock(locked: &LockedFor<'_>, host: &Host) -> String {
    format!("lock for this machine with `{} {}`", locked.command, host.as_target().options())
}
