//! AMD's GPUs and ROCm: the kernel's topology, then `rocm_agent_enumerator`.

use super::Host;
use super::machine::{Machine, is_version};
use crate::text::printable;

/// Where the kernel lists what can compute, processors among them.
const NODES: &str = "sys/class/kfd/kfd/topology/nodes";
/// The most GPUs that are told of.
const GPUS_LIMIT: usize = 64;

pub(super) fn look(machine: &mut Machine, host: &mut Host) {
    // `6.4.1-83`
    let version = machine.read("opt/rocm/.info/version");
    let version = version.as_deref().and_then(|text| text.trim().split('-').next());
    host.rocm = version.filter(|version| is_version(version)).map(str::to_owned);

    let nodes = machine.names(NODES);
    let listed = nodes.iter().filter_map(|node| machine.read(&format!("{NODES}/{node}/properties")));
    host.amd_gpus = listed.filter_map(|properties| architecture(&properties)).take(GPUS_LIMIT).collect();
    if host.amd_gpus.is_empty() {
        host.amd_gpus = ask_enumerator(machine);
    }
}

/// The architecture in a node's properties; processors have the number 0. `gfx_target_version 90402` is `gfx942`: two
/// decimal digits each for the minor version and the stepping, which the name writes in one hexadecimal digit (Linux,
/// `kfd_topology.c`, read in August 2026).
fn architecture(properties: &str) -> Option<String> {
    let number = properties.lines().find_map(|line| line.strip_prefix("gfx_target_version "))?;
    let number: u32 = number.trim().parse().ok()?;
    let (major, minor, stepping) = (number / 10_000, number / 100 % 100, number % 100);
    let known = (1..100).contains(&major) && minor < 16 && stepping < 16;
    known.then(|| format!("gfx{major}{minor:x}{stepping:x}"))
}

/// The architectures that ROCm's own program lists; `gfx000` is the processor.
fn ask_enumerator(machine: &mut Machine) -> Vec<String> {
    let Some(program) = machine.program("rocm_agent_enumerator", &["opt/rocm/bin"]) else {
        return Vec::new();
    };
    let Some(answer) = machine.run(&program, &[]) else { return Vec::new() };
    if !answer.success {
        machine.note(&format!("rocm_agent_enumerator failed: {}", printable(answer.first_line())));
        return Vec::new();
    }
    // `gfx90a:sramecc+:xnack-` names features besides.
    let names = answer.text.lines().filter_map(|line| line.trim().split(':').next());
    names.filter(|name| is_architecture(name)).take(GPUS_LIMIT).map(str::to_owned).collect()
}

fn is_architecture(name: &str) -> bool {
    let digits = name.strip_prefix("gfx").unwrap_or_default();
    (3..=4).contains(&digits.len()) && digits != "000" && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
