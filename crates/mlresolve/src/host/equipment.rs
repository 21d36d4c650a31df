//! The machine in the words of targets.

use std::collections::BTreeMap;

use mlresolve_target::facts;
use mlresolve_target::{
    Accelerator, Capability, DriverVersion, Glibc, Gpu, GpuKind, Platform, PythonVersion, RocmVersion,
    Variant,
};
use serde::Serialize;

use super::Host;

/// The keys of a target that describes a machine. All of it can be declared as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct HostTarget {
    /// The minor version of the first Python on the search path, such as `3.12`.
    pub python: Option<String>,
    /// The platform, such as `linux-x86_64`; absent where targets have no word for it.
    pub platform: Option<String>,
    /// The glibc, such as `2.35`.
    pub glibc: Option<String>,
    /// What it computes on: `cuda`, `rocm7.1`, `rocm`, `xpu`, `mps`, or `cpu` where nothing else was seen.
    pub accelerator: String,
    /// The version of NVIDIA's driver, where that is what it computes with.
    pub driver: Option<String>,
    /// What its GPUs are to a compiler, each once: `sm_90`, `gfx942`. A GPU of which that is not known is only in
    /// [`Self::lines`]: a target that named it would be refused.
    pub gpu: Vec<String>,
    /// What was seen of its equipment, for people.
    pub lines: Vec<String>,
}

impl HostTarget {
    /// The options of a lock for this equipment: `--accelerator cuda --driver 550.54.14 --gpu sm_90`.
    #[must_use]
    pub fn options(&self) -> String {
        let driver = self.driver.iter().map(|driver| format!(" --driver {driver}"));
        let gpus = self.gpu.iter().map(|gpu| match gpu.contains(' ') {
            true => format!(" --gpu \"{gpu}\""),
            false => format!(" --gpu {gpu}"),
        });
        format!("--accelerator {}{}", self.accelerator, driver.chain(gpus).collect::<String>())
    }

    /// The table that declares it, as it can stand in `pyproject.toml`.
    #[must_use]
    pub fn declaration(&self) -> String {
        let name = self.accelerator.trim_end_matches(|letter: char| !letter.is_ascii_alphabetic());
        let mut text = format!("[tool.mlresolve.targets.{name}]\n");
        let keys = [
            ("python", &self.python),
            ("platform", &self.platform),
            ("glibc", &self.glibc),
            ("accelerator", &Some(self.accelerator.clone())),
            ("driver", &self.driver),
        ];
        // Every value is digits, letters and points.
        for (key, value) in keys {
            text.extend(value.iter().map(|value| format!("{key} = \"{value}\"\n")));
        }
        if !self.gpu.is_empty() {
            let gpus: Vec<String> = self.gpu.iter().map(|gpu| format!("\"{gpu}\"")).collect();
            text.push_str(&format!("gpu = [{}]\n", gpus.join(", ")));
        }
        text
    }
}

impl Host {
    /// What a target would say of this machine.
    ///
    /// Of several kinds of GPU one is taken, since no build runs on two: NVIDIA's, then AMD's, then Intel's.
    #[must_use]
    pub fn as_target(&self) -> HostTarget {
        let mut lines = self.nvidia_lines();
        lines.extend(self.amd_lines());
        if self.intel_gpu {
            let whose = if self.intel_discrete { "" } else { ", the processor's own, which is not counted" };
            lines.push(format!("Intel GPU{whose}"));
        }
        if self.mps {
            lines.push("GPU of an Apple processor".to_owned());
        }
        let kinds = self.kinds();
        if lines.is_empty() {
            lines.push("no GPU was seen".to_owned());
        }
        if let [taken, others @ ..] = &kinds[..]
            && !others.is_empty()
        {
            let others: Vec<&str> = others.iter().map(|other| other.family()).collect();
            let (taken, others) = (taken.family(), others.join(" and "));
            lines.push(format!("{taken} comes before {others}, since no build runs on both"));
        }
        let accelerator = kinds.first().copied().unwrap_or(Accelerator::Cpu);
        let gpus = match accelerator {
            Accelerator::Cuda(_) => self.nvidia_gpus(),
            Accelerator::Rocm(_) => self.amd_gpus_with_builds(),
            _ => Vec::new(),
        };
        let driver = self.nvidia_driver().filter(|_| accelerator.family() == "cuda");
        HostTarget {
            python: self.python_minors().first().map(|minor| minor.short()),
            platform: self.platform.clone(),
            glibc: self.glibc_version().map(|glibc| glibc.to_string()),
            accelerator: accelerator.to_string(),
            driver: driver.map(|driver| driver.to_string()),
            gpu: gpus.iter().map(|gpu| gpu.kind.to_string()).collect(),
            lines,
        }
    }

    /// What it can compute on besides its processor, the preferred first.
    fn kinds(&self) -> Vec<Accelerator> {
        let mut kinds = Vec::new();
        if self.has_nvidia() {
            kinds.push(Accelerator::Cuda(None));
        }
        if !self.amd_gpus_with_builds().is_empty() {
            kinds.push(Accelerator::Rocm(self.rocm_with_builds()));
        }
        if self.intel_discrete {
            kinds.push(Accelerator::Xpu);
        }
        if self.mps {
            kinds.push(Accelerator::Mps);
        }
        let platform: Option<Platform> = self.platform.as_deref().and_then(|platform| platform.parse().ok());
        let elsewhere = |kind: &Accelerator| platform.and_then(|platform| facts::elsewhere(*kind, platform));
        kinds.retain(|kind| elsewhere(kind).is_none());
        kinds
    }

    /// Whether a driver or GPU of NVIDIA was seen.
    pub(crate) fn has_nvidia(&self) -> bool {
        self.driver.is_some() || !self.gpus.is_empty()
    }

    /// NVIDIA's driver, if it is one that there can be.
    pub(crate) fn nvidia_driver(&self) -> Option<DriverVersion> {
        self.driver.as_ref()?.parse().ok()
    }

    /// The GPUs of NVIDIA whose capability is known, each kind once, in the order of the driver.
    pub(crate) fn nvidia_gpus(&self) -> Vec<Gpu> {
        let mut gpus: Vec<Gpu> = Vec::new();
        for seen in &self.gpus {
            let known = kind_of(&seen.name, seen.capability.as_deref());
            if let Some(kind) = known.filter(|kind| gpus.iter().all(|gpu| gpu.kind != *kind)) {
                gpus.push(Gpu { name: seen.name.clone(), kind });
            }
        }
        gpus
    }

    /// The GPUs of AMD that some build is for, each kind once. What a processor has of its own mostly is not among them.
    pub(crate) fn amd_gpus_with_builds(&self) -> Vec<Gpu> {
        let mut names: Vec<&String> = Vec::new();
        for name in self.amd_gpus.iter().filter(|name| has_builds(name)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().map(|name| Gpu { name: name.clone(), kind: GpuKind::Amd(name.clone()) }).collect()
    }

    /// The ROCm that is installed, as far as PyTorch's index has builds for it: `6.4.1` stands for `rocm6.4`.
    fn rocm_with_builds(&self) -> Option<RocmVersion> {
        let installed: RocmVersion = self.rocm.as_ref()?.parse().ok()?;
        let candidates = [installed, RocmVersion { patch: None, ..installed }];
        candidates.into_iter().find(|rocm| facts::known_variant(Variant::Rocm(*rocm)).is_some())
    }

    pub(crate) fn glibc_version(&self) -> Option<Glibc> {
        self.glibc.as_ref()?.parse().ok()
    }

    /// The minor versions of the Pythons that a target can have, in the order of the search path.
    pub(crate) fn python_minors(&self) -> Vec<PythonVersion> {
        let minor = |version: &str| {
            let parts: Vec<&str> = version.split('.').take(2).collect();
            parts.join(".").parse::<PythonVersion>().ok()
        };
        self.pythons.iter().filter_map(|python| minor(&python.version)).collect()
    }

    fn nvidia_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(driver) = &self.driver {
            let odd = if self.nvidia_driver().is_none() {
                ", which is no version of a driver for Linux"
            } else {
                ""
            };
            lines.push(format!("NVIDIA driver {driver}{odd}"));
        }
        let described = self.gpus.iter().map(|gpu| match kind_of(&gpu.name, gpu.capability.as_deref()) {
            Some(kind) => format!("{} ({kind})", gpu.name),
            None => format!(
                "{}, whose compute capability is not known here and which is not counted; say it with --gpu",
                gpu.name
            ),
        });
        lines.extend(counted(described));
        lines
    }

    fn amd_lines(&self) -> Vec<String> {
        let described = self.amd_gpus.iter().map(|name| {
            let odd = if has_builds(name) { "" } else { ", for which no build of torch is known" };
            format!("AMD {name}{odd}")
        });
        let mut lines = counted(described);
        if let Some(rocm) = self.rocm.as_ref().filter(|_| !lines.is_empty()) {
            lines.push(format!("ROCm {rocm}"));
        }
        lines
    }
}

/// What a GPU of NVIDIA is to a compiler: its capability, or that of its name.
fn kind_of(name: &str, capability: Option<&str>) -> Option<GpuKind> {
    let told = capability.and_then(|capability| capability.parse::<Capability>().ok());
    let known = || facts::gpu(name).map(|known| known.kind.clone());
    told.map(GpuKind::Nvidia).or_else(known).filter(|kind| matches!(kind, GpuKind::Nvidia(_)))
}

fn has_builds(gfx: &str) -> bool {
    facts::rocm_builds().iter().any(|build| build.gfx.contains(&gfx))
}

/// Each line once, with how often it came, in the order in which they came first.
fn counted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (at, line) in lines.enumerate() {
        counts.entry(line).or_insert((at, 0)).1 += 1;
    }
    let mut counts: Vec<(String, (usize, usize))> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (at, _))| *at);
    let shown = |(line, (_, count)): (String, (usize, usize))| match count {
        1 => line,
        count => format!("{count} × {line}"),
    };
    counts.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{HostGpu, HostPython};
    use super::*;

    fn linux() -> Host {
        Host { platform: Some("linux-x86_64".to_owned()), glibc: Some("2.35".to_owned()), ..Host::default() }
    }

    fn nvidia(driver: &str, gpus: &[(&str, Option<&str>)]) -> Host {
        let gpu = |(name, capability): &(&str, Option<&str>)| HostGpu {
            name: (*name).to_owned(),
            capability: capability.map(str::to_owned),
        };
        Host { driver: Some(driver.to_owned()), gpus: gpus.iter().map(gpu).collect(), ..linux() }
    }

    #[test]
    fn gpus_are_named_once_by_what_they_are_to_a_compiler() {
        let h100 = ("NVIDIA H100 80GB HBM3", Some("9.0"));
        let target = nvidia("550.54.14", &[h100, ("NVIDIA A100-SXM4-40GB", None), h100, ("Voodoo 2", None)]);
        let target = target.as_target();
        assert_eq!(target.options(), "--accelerator cuda --driver 550.54.14 --gpu sm_90 --gpu sm_80");
        let expected = [
            "NVIDIA driver 550.54.14",
            "2 × NVIDIA H100 80GB HBM3 (sm_90)",
            "NVIDIA A100-SXM4-40GB (sm_80)",
            "Voodoo 2, whose compute capability is not known here and which is not counted; say it with --gpu",
        ];
        assert_eq!(target.lines, expected);
    }

    #[test]
    fn a_driver_that_there_cannot_be_is_said_and_left_out() {
        let target = nvidia("12.4", &[]).as_target();
        assert_eq!(target.options(), "--accelerator cuda");
        assert_eq!(target.lines, ["NVIDIA driver 12.4, which is no version of a driver for Linux"]);
    }

    #[test]
    fn rocm_is_fixed_where_there_are_builds_for_the_one_that_is_installed() {
        let amd = |rocm: Option<&str>, gpus: &[&str]| {
            let amd_gpus = gpus.iter().map(|gpu| (*gpu).to_owned()).collect();
            Host { rocm: rocm.map(str::to_owned), amd_gpus, ..linux() }.as_target()
        };
        assert_eq!(amd(Some("6.4.1"), &["gfx942", "gfx942"]).options(), "--accelerator rocm6.4 --gpu gfx942");
        assert_eq!(amd(Some("6.2.4"), &["gfx942"]).accelerator, "rocm6.2.4");
        assert_eq!(amd(Some("5.1.0"), &["gfx942"]).accelerator, "rocm");
        assert_eq!(amd(None, &["gfx1100", "gfx1036"]).options(), "--accelerator rocm --gpu gfx1100");
        let own = amd(None, &["gfx1036"]);
        assert_eq!((own.options().as_str(), own.lines.len()), ("--accelerator cpu", 1));
        assert_eq!(own.lines, ["AMD gfx1036, for which no build of torch is known"]);
    }

    #[test]
    fn of_several_kinds_one_is_taken_and_that_is_said() {
        let both = Host {
            amd_gpus: vec!["gfx1100".to_owned()],
            intel_gpu: true,
            intel_discrete: true,
            ..nvidia("570.26", &[("NVIDIA GeForce RTX 5090", Some("12.0"))])
        };
        let target = both.as_target();
        assert_eq!(target.options(), "--accelerator cuda --driver 570.26 --gpu sm_120");
        assert_eq!(
            target.lines.last().unwrap(),
            "cuda comes before rocm and xpu, since no build runs on both"
        );
    }

    #[test]
    fn a_gpu_counts_where_its_platform_has_builds_for_it() {
        let accelerator = |host: Host| host.as_target().accelerator;
        let intel = Host { intel_gpu: true, intel_discrete: true, ..linux() };
        assert_eq!(accelerator(intel.clone()), "xpu");
        assert_eq!(accelerator(Host { intel_discrete: false, ..intel.clone() }), "cpu");
        assert_eq!(accelerator(Host { platform: Some("linux-aarch64".to_owned()), ..intel }), "cpu");
        let apple = Host { platform: Some("macos-arm64".to_owned()), mps: true, ..Host::default() };
        assert_eq!(accelerator(apple), "mps");
        assert_eq!(accelerator(linux()), "cpu");
        assert_eq!(linux().as_target().lines, ["no GPU was seen"]);
    }

    #[test]
    fn a_declaration_has_what_is_known_and_nothing_else() {
        let python = |version: &str| HostPython { executable: "python".into(), version: version.to_owned() };
        let host = Host {
            pythons: vec![python("2.7.18"), python("3.13.0rc1"), python("3.12.4")],
            ..nvidia("550.54.14", &[("NVIDIA H100", Some("9.0"))])
        };
        assert_eq!(
            host.as_target().declaration(),
            "[tool.mlresolve.targets.cuda]\npython = \"3.13\"\nplatform = \"linux-x86_64\"\nglibc = \"2.35\"\n\
             accelerator = \"cuda\"\ndriver = \"550.54.14\"\ngpu = [\"sm_90\"]\n"
        );
        let bare = Host::default().as_target().declaration();
        assert_eq!(bare, "[tool.mlresolve.targets.cpu]\naccelerator = \"cpu\"\n");
        let rocm = Host { rocm: Some("7.1.0".to_owned()), amd_gpus: vec!["gfx942".to_owned()], ..linux() };
        assert!(rocm.as_target().declaration().starts_with("[tool.mlresolve.targets.rocm]\n"));
    }
}
