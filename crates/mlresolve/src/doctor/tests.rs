use mlresolve_lockfile::read;

use super::*;
use crate::host::HostGpu;

/// A lock of ours with this target and these packages, written `name version tags`.
fn lock(target: &str, packages: &[&str]) -> Lock {
    let none = if packages.is_empty() { "packages = []\n" } else { "" };
    let mut text = format!("lock-version = \"1.0\"\ncreated-by = \"mlresolve\"\n{none}");
    for package in packages {
        let [name, version, tags] = package.split(' ').collect::<Vec<_>>()[..] else { panic!("{package}") };
        let file = format!("{}-{version}-{tags}.whl", name.replace('-', "_"));
        text += &format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nwheels = [{{ name = \"{file}\", url = \
             \"https://files.example/{file}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
            "0".repeat(64)
        );
    }
    text += &format!("[tool.mlresolve]\nversion = 1\n[tool.mlresolve.target]\npython = \"3.12\"\n{target}");
    read(text.as_bytes()).unwrap().lock
}

const LINUX: &str = "platform = \"linux-x86_64\"\nglibc = \"2.28\"\n";

fn linux() -> Host {
    Host { platform: Some("linux-x86_64".to_owned()), glibc: Some("2.35".to_owned()), ..Host::default() }
}

/// What is found of the accelerator, by level and beginning.
fn found(lock: &Lock, host: &Host) -> Vec<(Level, String)> {
    let findings = examine(lock, host).unwrap().findings.into_iter();
    let accelerator = findings.filter(|finding| finding.about == "accelerator");
    accelerator.map(|finding| (finding.level, finding.message)).collect()
}

#[test]
fn a_mac_runs_what_is_for_macs() {
    let target = "platform = \"macos-arm64\"\naccelerator = \"mps\"\n";
    let mac = Host { platform: Some("macos-arm64".to_owned()), mps: true, ..Host::default() };
    let wheel = lock(target, &["torch 2.15.0 cp312-cp312-macosx_14_0_arm64"]);
    assert!(examine(&wheel, &mac).unwrap().runs);
    let newer = lock(target, &["torch 2.15.0 cp312-cp312-macosx_26_0_arm64"]);
    let diagnosis = examine(&newer, &mac).unwrap();
    assert_eq!(diagnosis.findings.last().unwrap().about, "wheels");
    assert!(!examine(&wheel, &linux()).unwrap().runs);
}

#[test]
fn a_machine_that_is_no_target_runs_no_lock() {
    let diagnosis = examine(&lock(LINUX, &[]), &Host::default()).unwrap();
    let expected = "the lock is for linux-x86_64, and this machine is none that a lock can be for";
    assert_eq!(diagnosis.findings[0].message, expected);
    assert_eq!((diagnosis.runs, diagnosis.findings.len()), (false, 1));
}

#[test]
fn a_gpu_and_a_driver_that_are_not_known_are_no_failure() {
    let torch = lock(LINUX, &["torch 2.15.0 cp312-cp312-manylinux_2_28_x86_64"]);
    let odd = Host { driver: Some("12.4".to_owned()), ..linux() };
    assert!(examine(&torch, &odd).unwrap().runs);
    assert!(found(&torch, &odd).contains(&(
        Level::Warning,
        "the version of NVIDIA's driver is not known, so it was not checked".to_owned()
    )));
    let gpu = HostGpu { name: "Voodoo 2".to_owned(), capability: None };
    let odd = Host { driver: Some("580.65".to_owned()), gpus: vec![gpu], ..linux() };
    assert!(examine(&torch, &odd).unwrap().runs);
}

#[test]
fn without_torch_the_lock_and_its_libraries_tell() {
    let driver = |driver: &str| Host { driver: Some(driver.to_owned()), ..linux() };
    let jax = lock(LINUX, &["nvidia-cublas-cu13 13.0 py3-none-any", "jax 0.8.0 py3-none-any"]);
    assert!(examine(&jax, &driver("580.65")).unwrap().runs);
    assert!(!examine(&jax, &driver("550.54")).unwrap().runs);
    assert_eq!(found(&jax, &linux())[0].0, Level::Warning);
    let cuda = |packages: &[&str]| lock(&format!("{LINUX}accelerator = \"cuda\"\n"), packages);
    assert_eq!(found(&cuda(&["nvidia-cublas-cu13 13.0 py3-none-any"]), &linux())[0].0, Level::Failure);
    let empty = cuda(&[]);
    assert_eq!(
        found(&empty, &linux()),
        [(
            Level::Failure,
            "the lock is for cuda, and no driver of NVIDIA was seen on this machine".to_owned()
        )]
    );
    assert_eq!(found(&empty, &driver("550.54"))[0].0, Level::Ok);
    assert_eq!(found(&empty, &Host { nvidia_silent: true, ..linux() })[0].0, Level::Warning);
}

#[test]
fn a_processors_own_gpu_may_do_and_may_not() {
    let intel =
        lock(&format!("{LINUX}accelerator = \"xpu\"\n"), &["torch 2.13.0+xpu cp312-cp312-linux_x86_64"]);
    let own = Host { intel_gpu: true, ..linux() };
    assert_eq!(found(&intel, &own)[0].0, Level::Warning);
    let amd = lock(LINUX, &["torch 2.13.0+rocm7.1 cp312-cp312-linux_x86_64"]);
    let both = Host { amd_gpus: vec!["gfx1036".to_owned(), "gfx1100".to_owned()], ..linux() };
    assert_eq!(found(&amd, &both)[0].1, "torch 2.13.0+rocm7.1 is built for ROCm 7.1; it runs on gfx1100");
}
