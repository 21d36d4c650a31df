//! Intel's GPUs: a driver that computes on them, and a device that it serves.

use super::Host;
use super::machine::Machine;

/// The kernel's drivers of Intel's GPUs.
const DRIVERS: [&str; 2] = ["i915", "xe"];
/// Where the kernel lists what draws and computes.
const DEVICES: &str = "sys/class/drm";
/// Intel's number among the makers of PCI devices.
const VENDOR: &str = "0x8086";
/// How the numbers of PCI devices begin that are GPUs: display controllers.
const DISPLAY_CLASS: &str = "0x03";
/// The place where Intel's processors have their own GPU.
const INTEGRATED: &str = "0000:00:02.0";
/// The most devices that are told of.
const DEVICES_LIMIT: usize = 16;

pub(super) fn look(machine: &mut Machine, host: &mut Host) {
    let loaded = |driver: &&str| machine.path("sys/module").join(driver).is_dir();
    let loaded: Vec<&str> = DRIVERS.into_iter().filter(loaded).collect();
    if loaded.is_empty() {
        return;
    }
    let loaded = loaded.join(" and ");
    // A device can be computed on where it has a render node.
    let nodes = machine.names(DEVICES).into_iter().filter(|name| name.starts_with("renderD"));
    let seen: Vec<Device> = nodes.filter_map(|node| describe(machine, &node)).take(DEVICES_LIMIT).collect();
    if seen.is_empty() {
        machine.note(&format!("the driver {loaded} is loaded, but it serves no Intel GPU"));
    }
    for Device { number, place, integrated } in &seen {
        let whose = if *integrated { ", likely the processor's own" } else { "" };
        machine.note(&format!("Intel GPU: device {number} at {place}{whose}, with the driver {loaded}"));
    }
    host.intel_gpu = !seen.is_empty();
    host.intel_discrete = seen.iter().any(|device| !device.integrated);
}

/// A GPU of Intel's.
struct Device {
    number: String,
    /// Where it is on the bus.
    place: String,
    /// Whether that is where processors have their own.
    integrated: bool,
}

/// What a render node's device is, if it is a GPU of Intel's.
fn describe(machine: &Machine, node: &str) -> Option<Device> {
    let folder = format!("{DEVICES}/{node}/device");
    let value = |file: &str| machine.read(&format!("{folder}/{file}")).map(|text| text.trim().to_owned());
    let is_gpu = value("vendor")? == VENDOR && value("class")?.starts_with(DISPLAY_CLASS);
    let number = value("device").unwrap_or_else(|| "of an unknown kind".to_owned());
    // The link ends in the device's place on the bus.
    let place = std::fs::canonicalize(machine.path(&folder)).ok()?;
    let place = place.file_name()?.to_string_lossy().into_owned();
    let integrated = place == INTEGRATED;
    is_gpu.then_some(Device { number, place, integrated })
}
