//! What the machine is that the program runs on: GPUs, drivers, C library, Pythons. A lock is for a declared machine and
//! never asks this one; it is looked at on request alone, and nowhere else.
//!
//! [`look`] only looks; [`Host::as_target`] then says the same in the words of targets. What follows from it for a lock is
//! for others to say.

mod amd;
mod equipment;
mod intel;
mod machine;
mod nvidia;
mod system;
#[cfg(unix)]
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

pub use self::equipment::HostTarget;
use self::machine::Machine;

/// The variable that says which NVIDIA driver there is, before the machine is asked: `570.124.06`.
pub const DRIVER_VARIABLE: &str = "MLRESOLVE_CUDA_DRIVER_VERSION";

/// How long each program may take to answer, unless a view says otherwise.
const PROGRAM_LIMIT: Duration = Duration::from_secs(5);

/// What was seen of a machine. Absent is what was not seen, which need not mean that it is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Host {
    /// The version of the NVIDIA kernel driver, such as `570.124.06`.
    pub driver: Option<String>,
    /// Whether `nvidia-smi` is there and gave no answer at all, so that a driver that was not seen may be there. One that
    /// answers that it has no driver to talk to has answered.
    pub nvidia_silent: bool,
    /// The NVIDIA GPUs, in the order of the driver.
    pub gpus: Vec<HostGpu>,
    /// The version of the CUDA toolkit in `/usr/local/cuda`, such as `12.4.1`. A hint at what this machine is used for and
    /// no more: wheels bring their own.
    pub cuda_hint: Option<String>,
    /// The version of ROCm in `/opt/rocm`, such as `6.4.1`.
    pub rocm: Option<String>,
    /// The AMD GPUs by their architecture, such as `gfx942`, one entry for each.
    pub amd_gpus: Vec<String>,
    /// Whether there is an Intel GPU with a driver to compute on it; [`Self::notes`] say which, and whether it is likely the
    /// processor's own.
    pub intel_gpu: bool,
    /// Whether one of them is not the processor's own.
    pub intel_discrete: bool,
    /// Whether the GPU is one of Apple's, which PyTorch calls `mps`.
    pub mps: bool,
    /// The version of glibc, such as `2.35`; absent where the C library is another.
    pub glibc: Option<String>,
    /// The platform in the words of targets, such as `linux-x86_64`; absent where they have none for it.
    pub platform: Option<String>,
    /// The Pythons that are found by name, in the order in which a shell would take them.
    pub pythons: Vec<HostPython>,
    /// What a person should know of the looking: what failed, and what contradicts what. Fit to be shown.
    pub notes: Vec<String>,
}

/// An NVIDIA GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct HostGpu {
    /// Its name, such as `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Its compute capability, such as `9.0`; older drivers do not tell.
    pub capability: Option<String>,
}

/// A CPython.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct HostPython {
    /// The program.
    pub executable: PathBuf,
    /// Its version, such as `3.12.4`.
    pub version: String,
}

/// A machine as it can be looked at.
pub struct HostView<'a> {
    /// Where its files begin: `/`.
    pub root: PathBuf,
    /// The folders in which programs are looked for, as in `PATH`. Those that are not absolute are passed over: what lies in
    /// the current folder is not asked what this machine is.
    pub search: Vec<PathBuf>,
    /// The environment variables.
    pub variables: &'a dyn Fn(&str) -> Option<OsString>,
    /// The operating system as [`std::env::consts::OS`] names it.
    pub system: &'a str,
    /// The processor as [`std::env::consts::ARCH`] names it.
    pub processor: &'a str,
    /// How long each program may take to answer.
    pub program_limit: Duration,
}

impl<'a> HostView<'a> {
    /// The machine that this runs on, with these environment variables, of which `PATH` says where programs are.
    #[must_use]
    pub fn of_this_machine(variables: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        let path = variables("PATH").unwrap_or_default();
        Self {
            root: PathBuf::from("/"),
            search: std::env::split_paths(&path).collect(),
            variables,
            system: std::env::consts::OS,
            processor: std::env::consts::ARCH,
            program_limit: PROGRAM_LIMIT,
        }
    }
}

/// Looks at a machine. Takes as long as its programs do, of which each has a limit; what they say and what its files hold is
/// read up to a limit too, and rubbish in it is noted or passed over.
#[must_use]
pub fn look(view: &HostView) -> Host {
    let mut machine = Machine::new(view);
    let mut host = Host::default();
    system::look(&mut machine, &mut host);
    nvidia::look(&mut machine, &mut host);
    amd::look(&mut machine, &mut host);
    intel::look(&mut machine, &mut host);
    host.notes = machine.notes();
    host
}
