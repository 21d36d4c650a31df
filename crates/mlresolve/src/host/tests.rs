use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::*;

/// A machine of files and shell scripts.
struct Fake {
    folder: TempDir,
    driver_variable: Option<&'static str>,
    system: (&'static str, &'static str),
    program_limit: Duration,
}

impl Fake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("programs")).unwrap();
        Self {
            folder,
            driver_variable: None,
            system: ("linux", "x86_64"),
            program_limit: Duration::from_secs(20),
        }
        .program("getconf", "echo 'glibc 2.35'")
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join("root").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// A script is written by another process: one that this process holds open for writing, and a fork of another test
    /// with it, cannot be run.
    fn program(self, name: &str, script: &str) -> Self {
        let path = self.folder.path().join("programs").join(name);
        let write = "printf '#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = Command::new("/bin/sh").args(["-c", write, "sh"]).arg(path).arg(script).status();
        assert!(status.unwrap().success());
        self
    }

    fn look(&self) -> Host {
        let variables = |name: &str| {
            (name == DRIVER_VARIABLE).then(|| self.driver_variable.map(OsString::from)).flatten()
        };
        std::fs::create_dir_all(self.folder.path().join("root")).unwrap();
        let mut host = look(&HostView {
            root: self.folder.path().join("root"),
            search: vec![PathBuf::from("relative"), self.folder.path().join("programs")],
            variables: &variables,
            system: self.system.0,
            processor: self.system.1,
            program_limit: self.program_limit,
        });
        let place = self.folder.path().to_str().unwrap();
        host.notes.iter_mut().for_each(|note| *note = note.replace(place, "[DIR]"));
        host
    }
}

fn gpu(name: &str, capability: Option<&str>) -> HostGpu {
    HostGpu { name: name.to_owned(), capability: capability.map(str::to_owned) }
}

#[test]
fn a_machine_without_anything_has_nothing_and_says_nothing() {
    let host = Fake::new().look();
    let expected =
        Host { glibc: Some("2.35".to_owned()), platform: Some("linux-x86_64".to_owned()), ..Host::default() };
    assert_eq!(host, expected);
}

#[test]
fn several_gpus_are_named_with_their_capabilities() {
    let host = Fake::new()
        .program(
            "nvidia-smi",
            "[ \"$*\" = '--query-gpu=driver_version,name,compute_cap --format=csv,noheader' ] || exit 2
             echo '570.124.06, NVIDIA H100 80GB HBM3, 9.0'
             echo '570.124.06, NVIDIA A100-SXM4-40GB, [N/A]'
             echo '  MIG 1g.10gb     Device  0: (UUID: MIG-b5b0)'",
        )
        .file("usr/local/cuda/version.json", r#"{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}"#)
        .look();
    assert_eq!(host.driver.as_deref(), Some("570.124.06"));
    assert_eq!(host.gpus, [gpu("NVIDIA H100 80GB HBM3", Some("9.0")), gpu("NVIDIA A100-SXM4-40GB", None)]);
    assert_eq!(host.cuda_hint.as_deref(), Some("12.4.1"));
    assert_eq!(
        host.notes,
        ["nvidia-smi says `MIG 1g.10gb     Device  0: (UUID: MIG-b5b0)`, which names no GPU"]
    );
}

#[test]
fn the_driver_is_that_of_the_variable_then_the_kernel_then_the_program() {
    const PROC: &str = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.05  Release Build\n\
                        GCC version:  gcc version 13.2.0\n";
    let fake = Fake::new().program("nvidia-smi", "echo '550.54.14, Tesla V100-SXM2-16GB, 7.0'");
    assert_eq!(fake.look().driver.as_deref(), Some("550.54.14"));
    let fake = fake.file("proc/driver/nvidia/version", PROC);
    assert_eq!(fake.look().driver.as_deref(), Some("560.35.05"));
    let fake = fake.file("sys/module/nvidia/version", "570.124.06\n");
    assert_eq!(fake.look().driver.as_deref(), Some("570.124.06"));

    let told = |driver| Fake { driver_variable: Some(driver), ..Fake::new() };
    let fake = told("525.60.13").file("sys/module/nvidia/version", "570.124.06\n");
    let host = fake.program("nvidia-smi", "echo '570.124.06, Tesla T4, 7.5'").look();
    assert_eq!(host.driver.as_deref(), Some("525.60.13"));
    assert_eq!(
        host.notes,
        ["MLRESOLVE_CUDA_DRIVER_VERSION says 525.60.13, the machine has the NVIDIA driver 570.124.06"]
    );
    assert_eq!(told("570").look().driver.as_deref(), Some("570"));
    let host = told("newest\u{1b}[2J").look();
    assert_eq!(host.driver, None);
    assert_eq!(
        host.notes,
        ["MLRESOLVE_CUDA_DRIVER_VERSION is passed over: `newest[2J` is no version such as 570.124.06"]
    );
    assert_eq!(told(" ").look(), Fake::new().look());
}

#[test]
fn an_old_nvidia_smi_is_asked_again_without_the_capability() {
    let host = Fake::new()
        .program(
            "nvidia-smi",
            "case $1 in
             *compute_cap*) echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2;;
             *) echo '470.82.01, Tesla K80';;
             esac",
        )
        .look();
    assert_eq!((host.driver.as_deref(), host.gpus), (Some("470.82.01"), vec![gpu("Tesla K80", None)]));
    assert_eq!(host.notes, [""; 0]);
}

#[test]
fn a_failing_nvidia_smi_is_quoted_and_the_kernel_names_the_gpus() {
    let failing =
        "echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\"; exit 9";
    let host = Fake::new().program("nvidia-smi", failing).look();
    assert_eq!((host.driver, host.gpus.len()), (None, 0));
    let failed =
        "nvidia-smi failed: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
    assert_eq!(host.notes, [failed]);

    let information = "Model: \t\t NVIDIA L4\nIRQ:   \t\t 99\n";
    let fake = Fake::new().program("nvidia-smi", failing).file("sys/module/nvidia/version", "550.54.14\n");
    assert_eq!(fake.look().notes, [failed, "an NVIDIA driver is there, but no GPU was seen"]);
    let host = fake.file("proc/driver/nvidia/gpus/0000:65:00.0/information", information).look();
    assert_eq!((host.driver.as_deref(), host.gpus), (Some("550.54.14"), vec![gpu("NVIDIA L4", None)]));
}

#[test]
fn what_hangs_is_given_up() {
    let hanging = Fake { program_limit: Duration::from_millis(300), ..Fake::new() };
    let start = Instant::now();
    let host = hanging.program("nvidia-smi", "echo '570.1.2, Tesla T4, 7.5'; sleep 60").look();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!((host.driver, host.gpus.len(), host.nvidia_silent), (None, 0, true));
    assert_eq!(host.notes.last().unwrap(), "[DIR]/programs/nvidia-smi did not answer within 0.3 s");
}

#[test]
fn rubbish_is_passed_over() {
    let rubbish = [0xff, 0x00, b'\n', 0x1b, b'[', b'2', b'J', b','].repeat(20_000);
    let mut fake = Fake::new();
    for path in [
        "sys/module/nvidia/version",
        "proc/driver/nvidia/version",
        "proc/driver/nvidia/gpus/a/information",
        "usr/local/cuda/version.json",
        "sys/class/kfd/kfd/topology/nodes/0/properties",
        "opt/rocm/.info/version",
        "sys/module/xe/version",
        "sys/class/drm/renderD128/device/vendor",
    ] {
        fake = fake.file(path, &rubbish);
    }
    for program in ["nvidia-smi", "rocm_agent_enumerator", "getconf", "ldd", "python3"] {
        fake = fake
            .program(program, "head -c 300000 /dev/zero | tr '\\0' ','; printf '\\n\\377, \\033[2J, 9.0\\n'");
    }
    let host = fake.look();
    let expected =
        Host { platform: Some("linux-x86_64".to_owned()), notes: host.notes.clone(), ..Host::default() };
    assert_eq!(host, expected);
    assert!(host.notes.iter().all(|note| note.len() < 1000 && !note.contains('\u{1b}')), "{:?}", host.notes);
    assert!(host.notes.contains(&"neither getconf nor ldd says which glibc this is".to_owned()));
}

#[test]
fn amd_gpus_are_decoded_from_the_kernels_topology() {
    let mut fake = Fake::new().file("opt/rocm/.info/version", "6.4.1-83\n");
    let nodes =
        [(0, 0), (1, 90_402), (2, 90_010), (10, 110_001), (3, 100_300), (4, 120_000), (5, 2_000_000_000)];
    for (node, version) in nodes {
        let path = format!("sys/class/kfd/kfd/topology/nodes/{node}/properties");
        fake = fake.file(&path, format!("cpu_cores_count 0\ngfx_target_version {version}\nvendor_id 4098\n"));
    }
    // What the kernel says is enough.
    let host = fake.program("rocm_agent_enumerator", "echo gfx906").look();
    assert_eq!(host.rocm.as_deref(), Some("6.4.1"));
    assert_eq!(host.amd_gpus, ["gfx942", "gfx90a", "gfx1030", "gfx1200", "gfx1101"]);
}

#[test]
fn amd_gpus_are_asked_of_rocm_where_the_kernel_lists_none() {
    let listing = "echo gfx000; echo gfx90a:sramecc+:xnack-; echo gfx1100; echo gfx11-generic; echo failed";
    let host = Fake::new().program("rocm_agent_enumerator", listing).look();
    assert_eq!(host.amd_gpus, ["gfx90a", "gfx1100"]);
    let host = Fake::new().program("rocm_agent_enumerator", "echo 'no module named rocm' >&2; exit 1").look();
    assert_eq!(host.notes, ["rocm_agent_enumerator failed: no module named rocm"]);
}

#[test]
fn an_intel_gpu_is_claimed_for_a_driver_with_a_render_node() {
    let fake = Fake::new().file("sys/module/xe/refcnt", "1");
    let host = fake.look();
    assert!(!host.intel_gpu);
    assert_eq!(host.notes, ["the driver xe is loaded, but it serves no Intel GPU"]);

    let device = |fake: Fake, node: &str, place: &str, vendor: &str| {
        let folder = format!("sys/devices/pci0000:00/{place}");
        let fake = fake
            .file(&format!("{folder}/vendor"), vendor)
            .file(&format!("{folder}/class"), "0x030000\n")
            .file(&format!("{folder}/device"), "0x56a0\n")
            .file(&format!("sys/class/drm/{node}/dev"), "226:128");
        let root = fake.folder.path().join("root");
        let link = root.join(format!("sys/class/drm/{node}/device"));
        std::os::unix::fs::symlink(root.join(folder), link).unwrap();
        fake
    };
    let fake = device(fake, "renderD128", "0000:00:02.0", "0x8086\n");
    let host = fake.look();
    assert!(host.intel_gpu && !host.intel_discrete);
    let fake = device(fake, "renderD129", "0000:03:00.0", "0x8086\n");
    let fake = device(fake, "renderD130", "0000:04:00.0", "0x10de\n");
    let host = fake.look();
    assert!(host.intel_gpu && host.intel_discrete);
    assert_eq!(
        host.notes,
        [
            "Intel GPU: device 0x56a0 at 0000:00:02.0, likely the processor's own, with the driver xe",
            "Intel GPU: device 0x56a0 at 0000:03:00.0, with the driver xe",
        ]
    );
}

#[test]
fn the_c_library_is_asked_of_getconf_then_of_ldd() {
    let unknowing = || Fake::new().program("getconf", "echo 'getconf: unknown variable' >&2; exit 1");
    let ldd = |line: &str| unknowing().program("ldd", &format!("echo '{line}'; echo Copyright")).look();
    assert_eq!(ldd("ldd (Debian GLIBC 2.36-9+deb12u7) 2.36").glibc.as_deref(), Some("2.36"));
    assert_eq!(ldd("ldd (GNU libc) 2.34").glibc.as_deref(), Some("2.34"));
    assert_eq!(ldd("ldd 1.0").glibc, None);
    let musl =
        unknowing().program("ldd", "echo 'musl libc (x86_64)' >&2; echo 'Version 1.2.5' >&2; exit 1").look();
    assert_eq!(musl.glibc, None);
    assert_eq!(musl.notes, ["the C library is musl; targets are machines with glibc"]);
}

#[test]
fn pythons_are_found_by_name_and_each_is_told_once() {
    let fake = Fake::new()
        .program("python3.12", "echo Python 3.12.4")
        .program("python3.13", "echo Python 3.13.0rc1")
        .program("python3.11", "echo 'not installed' >&2; exit 127")
        .program("python3.10", "echo 'Python 3.10.14 (39dc8d3c85a7)'; echo '[PyPy 7.3.17]'");
    let programs = fake.folder.path().join("programs");
    std::os::unix::fs::symlink("python3.12", programs.join("python3")).unwrap();
    let python = |name: &str, version: &str| HostPython {
        executable: programs.join(name),
        version: version.to_owned(),
    };
    assert_eq!(fake.look().pythons, [python("python3", "3.12.4"), python("python3.13", "3.13.0rc1")]);
}

#[test]
fn platforms_are_those_of_targets() {
    let on = |system| Fake { system, ..Fake::new() }.look();
    let mac = on(("macos", "aarch64"));
    assert_eq!((mac.platform.as_deref(), mac.mps, mac.glibc), (Some("macos-arm64"), true, None));
    let arm = on(("linux", "aarch64"));
    assert_eq!((arm.platform.as_deref(), arm.mps), (Some("linux-aarch64"), false));
    let windows = on(("windows", "x86_64"));
    assert_eq!(
        (windows.platform, windows.notes),
        (None, vec!["there are no targets for windows on x86_64".to_owned()])
    );
}

#[test]
fn this_machine_can_be_looked_at() {
    let variables = |name: &str| (name == "PATH").then(|| OsString::from("relative:/usr/bin:/bin"));
    let host = look(&HostView::of_this_machine(&variables));
    assert!(host.pythons.iter().all(|python| python.executable.is_absolute()), "{host:?}");
    assert_eq!(host.mps, host.platform.as_deref() == Some("macos-arm64"));
    let json = serde_json::to_value(&host).unwrap();
    assert!(json.get("amd-gpus").is_some());
}
