//! NVIDIA's driver and GPUs: what the user says, the kernel, then `nvidia-smi`.

use serde::Deserialize;

use super::machine::{Machine, is_version};
use super::{DRIVER_VARIABLE, Host, HostGpu};
use crate::text::printable;

/// Where Windows puts `nvidia-smi` for the Linux that runs in it.
const WINDOWS_SUBSYSTEM: &str = "usr/lib/wsl/lib";
/// The most GPUs that are told of; the largest machines have 16.
const GPUS_LIMIT: usize = 64;
/// The most lines of `nvidia-smi` that are noted as not understood.
const STRANGE_LINES: usize = 3;

pub(super) fn look(machine: &mut Machine, host: &mut Host) {
    let told = told_driver(machine);
    let loaded = loaded_driver(machine);
    let answer = ask_nvidia_smi(machine);
    let seen = loaded.or(answer.driver);
    if let (Some(told), Some(seen)) = (&told, &seen)
        && told != seen
    {
        machine.note(&format!("{DRIVER_VARIABLE} says {told}, the machine has the NVIDIA driver {seen}"));
    }
    host.gpus = if answer.gpus.is_empty() { gpus_of_the_kernel(machine) } else { answer.gpus };
    host.gpus.truncate(GPUS_LIMIT);
    if seen.is_some() && host.gpus.is_empty() {
        machine.note("an NVIDIA driver is there, but no GPU was seen");
    }
    host.nvidia_silent = answer.silent;
    host.driver = told.or(seen);
    host.cuda_hint = toolkit(machine);
}

/// The driver that the user names.
fn told_driver(machine: &mut Machine) -> Option<String> {
    let told = (machine.view.variables)(DRIVER_VARIABLE)?;
    let told = told.to_string_lossy().trim().to_owned();
    if told.is_empty() {
        return None;
    }
    // `570` alone is a branch, and enough to go by.
    if is_version(&told) || is_version(&format!("{told}.0")) {
        return Some(told);
    }
    machine.note(&format!(
        "{DRIVER_VARIABLE} is passed over: `{}` is no version such as 570.124.06",
        printable(&told)
    ));
    None
}

/// The driver that the kernel has loaded.
fn loaded_driver(machine: &Machine) -> Option<String> {
    let module = machine.read("sys/module/nvidia/version");
    let module = module.map(|text| text.trim().to_owned()).filter(|text| is_version(text));
    module.or_else(|| {
        // `NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.124.06  Wed Feb 26 …`
        let text = machine.read("proc/driver/nvidia/version")?;
        let line = text.lines().find(|line| line.starts_with("NVRM version:"))?;
        line.split_whitespace().find(|word| is_version(word)).map(str::to_owned)
    })
}

/// What `nvidia-smi` says.
#[derive(Default)]
struct Answer {
    driver: Option<String>,
    gpus: Vec<HostGpu>,
    /// Whether it said nothing: it took too long, or could not be run.
    silent: bool,
}

fn ask_nvidia_smi(machine: &mut Machine) -> Answer {
    let Some(program) = machine.program("nvidia-smi", &[WINDOWS_SUBSYSTEM]) else {
        return Answer::default();
    };
    for fields in ["driver_version,name,compute_cap", "driver_version,name"] {
        let query = format!("--query-gpu={fields}");
        let Some(answer) = machine.run(&program, &[&query, "--format=csv,noheader"]) else {
            return Answer { silent: true, ..Answer::default() };
        };
        if answer.success {
            return read_table(machine, &answer.text);
        }
        // Before driver 510 it knew nothing of `compute_cap`.
        if !answer.text.contains("is not a valid field") {
            machine.note(&format!("nvidia-smi failed: {}", printable(answer.first_line())));
            break;
        }
    }
    Answer::default()
}

/// Reads lines such as `570.124.06, NVIDIA H100 80GB HBM3, 9.0`.
fn read_table(machine: &mut Machine, text: &str) -> Answer {
    let mut answer = Answer::default();
    let mut strange = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((driver, gpu)) = read_line(line) else {
            strange += 1;
            if strange <= STRANGE_LINES {
                machine.note(&format!("nvidia-smi says `{}`, which names no GPU", printable(line)));
            }
            continue;
        };
        answer.driver.get_or_insert_with(|| driver.to_owned());
        if answer.gpus.len() < GPUS_LIMIT {
            answer.gpus.push(gpu);
        }
    }
    answer
}

fn read_line(line: &str) -> Option<(&str, HostGpu)> {
    let (driver, rest) = line.split_once(", ")?;
    // What is not known is `[N/A]` or `[Not Supported]`.
    let (name, capability) = match rest.rsplit_once(", ") {
        Some((name, last)) if is_version(last) => (name, Some(last.to_owned())),
        Some((name, last)) if last.starts_with('[') => (name, None),
        _ => (rest, None),
    };
    let name = printable(name.trim());
    (is_version(driver) && !name.is_empty()).then_some((driver, HostGpu { name, capability }))
}

/// The GPUs by name, from the driver's own files: `Model: NVIDIA H100 80GB HBM3`.
fn gpus_of_the_kernel(machine: &Machine) -> Vec<HostGpu> {
    let folders = machine.names("proc/driver/nvidia/gpus").into_iter().take(GPUS_LIMIT);
    let names = folders.filter_map(|folder| {
        let text = machine.read(&format!("proc/driver/nvidia/gpus/{folder}/information"))?;
        let name = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(printable(name.trim())).filter(|name| !name.is_empty())
    });
    names.map(|name| HostGpu { name, capability: None }).collect()
}

/// The toolkit's own description of itself, `version.json`.
fn toolkit(machine: &Machine) -> Option<String> {
    #[derive(Deserialize)]
    struct Description {
        cuda: Component,
    }
    #[derive(Deserialize)]
    struct Component {
        version: String,
    }
    let text = machine.read("usr/local/cuda/version.json")?;
    let described: Description = serde_json::from_str(&text).ok()?;
    Some(described.cuda.version).filter(|version| is_version(version))
}
