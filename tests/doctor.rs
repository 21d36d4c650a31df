//! `doctor`: what this machine is, and whether a lock runs on it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use insta::assert_snapshot;

use crate::machine::{H100, Machine, TWO_TARGETS, V100};

#[test]
fn a_machine_is_described_as_a_target_that_can_be_declared() {
    let machine = Machine::new().nvidia(&[H100, H100]).file("opt/rocm/.info/version", "6.4.1-83\n");
    assert_snapshot!(machine.said("doctor"), @r#"
    exit code 0
    --- stdout
    this machine
      platform     linux-x86_64
      glibc        2.35
      python       3.12.4
      computes on  cuda
                   NVIDIA driver 550.54.14
                   2 × NVIDIA H100 80GB HBM3 (sm_90)

    As a target, for pyproject.toml:

    [tool.mlresolve.targets.cuda]
    python = "3.12"
    platform = "linux-x86_64"
    glibc = "2.35"
    accelerator = "cuda"
    driver = "550.54.14"
    gpu = ["sm_90"]
    "#);
    let declaration = machine.run("doctor").stdout();
    let (_, declaration) = declaration.split_once("pyproject.toml:\n\n").unwrap();
    machine.torch.project.write(
        "pyproject.toml",
        &format!("[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"torch\"]\n{declaration}"),
    );
    assert_snapshot!(machine.said("lock"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   cuda (Python 3.12, linux-x86_64, glibc 2.35, cuda, driver 550.54.14, sm_90)
      variant  cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550.54.14 and sm_90, by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]
      held     torch 2.15.0 is held back to 2.14.0+cu126: it is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54.14, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(machine.doctor(), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   cuda (Python 3.12, linux-x86_64, glibc 2.35, cuda, driver 550.54.14, sm_90)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
}

#[test]
fn a_build_for_the_driver_and_the_gpus_runs() {
    let machine = Machine::new().nvidia(&[H100]);
    assert_snapshot!(machine.judged("--accelerator cu126"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu126)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
    let machine = Machine::new().nvidia(&[V100]);
    assert_snapshot!(machine.judged("--accelerator cu126 --gpu V100"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu126, V100 (sm_70))
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on Tesla V100-SXM2-16GB (sm_70)
    ");
}

#[test]
fn a_build_that_is_too_new_does_not_run() {
    let machine = Machine::new().nvidia(&[H100]);
    assert_snapshot!(machine.judged(""), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.15.0 is built for CUDA 13.2, which needs driver 580 or newer, and this machine has 550.54.14, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; lock for this machine with `mlresolve lock --accelerator cuda --driver 550.54.14 --gpu sm_90`
    ");
    let machine = Machine::new().nvidia(&["580.65.06, Tesla V100-SXM2-16GB, 7.0"]);
    assert_snapshot!(machine.judged("--accelerator cuda"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.15.0 is built for CUDA 13.2, and CUDA 13 cannot compile for Tesla V100-SXM2-16GB (sm_70), only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; lock for this machine with `mlresolve lock --accelerator cuda --driver 580.65.06 --gpu sm_70`
    ");
}

#[test]
fn a_machine_without_a_gpu_runs_what_does_not_need_one() {
    let machine = Machine::new();
    assert_snapshot!(machine.judged("--accelerator cpu"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cpu is a CPU build
    ");
    assert_snapshot!(machine.judged("--accelerator cuda"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.15.0 is built for CUDA 13.2, and no driver of NVIDIA was seen on this machine; without one it computes on the processor alone; install NVIDIA's driver 580 or newer, or lock for this machine with `mlresolve lock --accelerator cpu`
    ");
    assert_snapshot!(machine.judged("--accelerator rocm"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, rocm)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.12.1+rocm7.1 is built for ROCm 7.1, and no AMD GPU was seen on this machine; without one it computes on the processor alone; lock for this machine with `mlresolve lock --accelerator cpu`
    ");
    assert_snapshot!(machine.judged("--accelerator xpu"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, xpu)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.13.0+xpu is built for Intel GPUs, and no Intel GPU was seen on this machine; without one it computes on the processor alone; lock for this machine with `mlresolve lock --accelerator cpu`
    ");
    assert_snapshot!(machine.judged(""), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      warning  accelerator: torch 2.15.0 is built for CUDA 13.2, and no driver of NVIDIA was seen on this machine; without one it computes on the processor alone; install NVIDIA's driver 580 or newer, or lock for this machine with `mlresolve lock --accelerator cpu`
    ");
}

#[test]
fn a_cpu_lock_on_a_machine_with_a_gpu_is_worth_a_note() {
    let machine = Machine::new().nvidia(&[H100]);
    assert_snapshot!(machine.judged("--accelerator cpu"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      note     accelerator: torch 2.14.0+cpu is a CPU build, and the GPU of this machine is not used: NVIDIA driver 550.54.14, NVIDIA H100 80GB HBM3 (sm_90); lock for this machine with `mlresolve lock --accelerator cuda --driver 550.54.14 --gpu sm_90`
    ");
}

#[test]
fn of_several_gpus_one_that_runs_is_enough() {
    let machine = Machine::new()
        .nvidia(&["580.65.06, NVIDIA H100 80GB HBM3, 9.0", "580.65.06, Tesla V100-SXM2-16GB, 7.0"]);
    assert_snapshot!(machine.judged("--accelerator cu130"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu130)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      warning  accelerator: torch 2.14.0+cu130 has no code for Tesla V100-SXM2-16GB (sm_70): it is compiled for sm_75, sm_80, sm_86, sm_90, sm_100, sm_120 [pytorch/pytorch, build scripts of release 2.14, read 2026-11-21]; hide that GPU with CUDA_VISIBLE_DEVICES, or lock for this machine with `mlresolve lock --accelerator cuda --driver 580.65.06 --gpu sm_90 --gpu sm_70`
      ok       accelerator: torch 2.14.0+cu130 is built for CUDA 13.0, which driver 580 and newer run, and this machine has 580.65.06 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
    let machine =
        machine.file("sys/class/kfd/kfd/topology/nodes/1/properties", "gfx_target_version 110000\n");
    assert_snapshot!(machine.said("doctor"), @"
    exit code 0
    --- stdout
    this machine
      platform     linux-x86_64
      glibc        2.35
      python       3.12.4
      computes on  cuda
                   NVIDIA driver 580.65.06
                   NVIDIA H100 80GB HBM3 (sm_90)
                   Tesla V100-SXM2-16GB (sm_70)
                   AMD gfx1100
                   cuda comes before rocm, since no build runs on both

    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu130)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      warning  accelerator: torch 2.14.0+cu130 has no code for Tesla V100-SXM2-16GB (sm_70): it is compiled for sm_75, sm_80, sm_86, sm_90, sm_100, sm_120 [pytorch/pytorch, build scripts of release 2.14, read 2026-11-21]; hide that GPU with CUDA_VISIBLE_DEVICES, or lock for this machine with `mlresolve lock --accelerator cuda --driver 580.65.06 --gpu sm_90 --gpu sm_70`
      ok       accelerator: torch 2.14.0+cu130 is built for CUDA 13.0, which driver 580 and newer run, and this machine has 580.65.06 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
}

#[test]
fn amd_and_intel_are_judged_alike() {
    let amd = |version: &str| {
        Machine::new()
            .file("sys/class/kfd/kfd/topology/nodes/1/properties", &format!("gfx_target_version {version}\n"))
    };
    assert_snapshot!(amd("90402").judged("--accelerator rocm7.1"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, rocm7.1)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.12.1+rocm7.1 is built for ROCm 7.1; it runs on gfx942
    ");
    assert_snapshot!(amd("80003").judged("--accelerator rocm7.1"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, rocm7.1)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.12.1+rocm7.1 has no code for gfx803: it is compiled for gfx900, gfx906, gfx908, gfx90a, gfx942, gfx950, gfx1030, gfx1100, gfx1101, gfx1102, gfx1150, gfx1151, gfx1200, gfx1201 [PyTorch's index, sub-index rocm7.1, read 2026-11-21]; lock for this machine with `mlresolve lock --accelerator cpu`
    ");
    let device = "sys/class/drm/renderD128/device";
    let intel = Machine::new()
        .file("sys/module/xe/refcnt", "1")
        .file(&format!("{device}/vendor"), "0x8086\n")
        .file(&format!("{device}/class"), "0x030000\n");
    assert_snapshot!(intel.judged("--accelerator xpu"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, xpu)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.13.0+xpu is built for Intel GPUs, and this machine has one
    ");
}

#[test]
fn an_nvidia_smi_that_fails_is_quoted() {
    let fails =
        "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9";
    let machine = Machine::new().program("nvidia-smi", fails);
    assert_snapshot!(machine.judged("--accelerator cu126"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu126)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, and no driver of NVIDIA was seen on this machine; without one it computes on the processor alone; install NVIDIA's driver 525.60.13 or newer, or lock for this machine with `mlresolve lock --accelerator cpu`
    ");
    // The kernel knows its driver all the same.
    let machine = machine.file("sys/module/nvidia/version", "550.54.14\n");
    assert_snapshot!(machine.said("doctor"), @"
    exit code 0
    --- stdout
    this machine
      platform     linux-x86_64
      glibc        2.35
      python       3.12.4
      computes on  cuda
                   NVIDIA driver 550.54.14
      note         nvidia-smi failed: NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.
      note         an NVIDIA driver is there, but no GPU was seen

    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu126)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      note     accelerator: the GPUs of this machine are not known, so only its driver was checked
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
    ");
    // One that cannot even be run has said nothing, and what was not found out is no failure.
    let silent = Machine::new().program("nvidia-smi", "");
    std::fs::write(silent.place("programs/nvidia-smi"), "#!/nowhere/sh\n").unwrap();
    assert_snapshot!(silent.judged("--accelerator cu126"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cu126)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      warning  accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, and nvidia-smi did not answer, so it is not known whether this machine has a driver of NVIDIA; without one it computes on the processor alone; install NVIDIA's driver 525.60.13 or newer, or lock for this machine with `mlresolve lock --accelerator cpu`
    ");
}

#[test]
fn another_platform_c_library_or_python_is_said() {
    let machine = Machine::new();
    assert_snapshot!(machine.judged("--accelerator cpu --platform linux-aarch64"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-aarch64, glibc 2.28, cpu)
      failure  platform: the lock is for linux-aarch64, and this machine is linux-x86_64; lock for it with `mlresolve lock --platform linux-x86_64 --accelerator cpu`
    ");
    let old = Machine::new().program("getconf", "echo 'glibc 2.17'").program("python3.12", "exit 1");
    assert_snapshot!(old.judged("--accelerator cpu"), @"
    exit code 4
    pylock.toml does not run on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      ok       platform: linux-x86_64, as the lock asks for
      warning  python: no Python 3.12 is on PATH, there is none; a container brings its own; install Python 3.12
      failure  glibc: this machine has 2.17: torch 2.14.0+cpu needs glibc 2.28 or newer; lock for it with `mlresolve lock --glibc 2.17`
      ok       accelerator: torch 2.14.0+cpu is a CPU build
    ");
    let between =
        Machine::new().program("getconf", "echo 'glibc 2.31'").program("python3.11", "echo 'Python 3.11.2'");
    assert_snapshot!(between.judged("--accelerator cpu --glibc 2.36 --python-version 3.12"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.36, cpu)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      note     glibc: this machine has 2.31, and the lock is for 2.36; every wheel in it runs on 2.31 too
      ok       accelerator: torch 2.14.0+cpu is a CPU build
    ");
    let unknown = Machine::new().program("getconf", "exit 1").program("ldd", "exit 1");
    assert_snapshot!(unknown.judged("--accelerator cpu"), @"
    exit code 0
    pylock.toml runs on this machine
      locked for   default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      warning  glibc: the glibc of this machine is not known; the wheels were judged for 2.28
      ok       accelerator: torch 2.14.0+cpu is a CPU build
    ");
}

#[test]
fn of_the_locks_of_a_folder_one_has_to_run_and_each_that_is_chosen() {
    let machine = Machine::new().nvidia(&[H100]);
    let project = format!("[project]\nname = 'x'\nversion = '1'\ndependencies = ['torch']\n{TWO_TARGETS}");
    machine.torch.project.write("pyproject.toml", &project);
    machine.run("lock --no-align").success();
    assert_snapshot!(machine.doctor(), @"
    exit code 0
    pylock.laptop.toml does not run on this machine
      locked for   laptop (Python 3.12, macos-arm64, mps)
      failure  platform: the lock is for macos-arm64, and this machine is linux-x86_64; lock for it with `mlresolve lock --target laptop --platform linux-x86_64 --accelerator cuda --driver 550.54.14 --gpu sm_90`

    pylock.train.toml runs on this machine
      locked for   train (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54, H100 (sm_90))
      ok       platform: linux-x86_64, as the lock asks for
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
    assert_eq!(machine.run("doctor --target train").code(), 0);
    assert_eq!(machine.run("doctor --target laptop").code(), 4);
    assert_eq!(machine.run("doctor --target train --target laptop").code(), 4);
    assert_eq!(machine.run("doctor pylock.laptop.toml").code(), 4);
    assert_eq!(machine.run("doctor .").code(), 0);
}

#[test]
fn a_lock_that_is_not_there_or_cannot_be_read_is_bad_input() {
    let machine = Machine::new();
    machine.torch.project.write("empty/requirements.txt", "");
    machine.torch.project.write("broken/pylock.toml", "lock-version = \"1.0\"\n");
    let target = "lock-version = \"1.0\"\ncreated-by = \"mlresolve\"\npackages = []\n[tool.mlresolve]\nversion = 1\n\
                  [tool.mlresolve.target]\npython = \"3.12\"\nplatform = \"linux-x86_64\"\naccelerator = \"tpu\"\n";
    machine.torch.project.write("odd/pylock.toml", target);
    assert_snapshot!(machine.said("doctor empty"), @"
    exit code 2
    --- stderr
    error: empty: there is no lock in this folder; `mlresolve lock` makes one
    ");
    assert_snapshot!(machine.said("doctor --target train"), @"
    exit code 2
    --- stderr
    error: pylock.train.toml: there is no such lock; `mlresolve lock` makes one
    ");
    assert_snapshot!(machine.said("doctor broken"), @"
    exit code 2
    --- stderr
    error: broken/pylock.toml: key `created-by`: the key is required and absent
    hint: mend the file, or remove it and run `mlresolve lock`
    ");
    assert_snapshot!(machine.said("doctor odd"), @r#"
    exit code 2
    --- stderr
    error: odd/pylock.toml, tool.mlresolve.target: target default, accelerator: accelerator "tpu" is not known: choose one of cpu, cuda, cuNNN such as cu128, rocm, rocmX.Y such as rocm6.4, xpu, mps
    "#);
}

/// The lock of another tool, with this torch and these lines at its top.
fn foreign(top: &str, torch: &str, wheel: &str, more: &str) -> String {
    let hash = "0".repeat(64);
    let entry = |name: &str, version: &str, file: &str| {
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nwheels = [{{ name = \"{file}\", url = \
             \"https://files.example/{file}\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
        )
    };
    let more = more.split_whitespace().map(|name| {
        let (name, version) = name.split_once("==").unwrap();
        entry(name, version, &format!("{}-{version}-py3-none-any.whl", name.replace('-', "_")))
    });
    let more: String = more.collect();
    let torch = if torch.is_empty() { String::new() } else { entry("torch", torch, wheel) };
    format!("lock-version = \"1.0\"\ncreated-by = \"other\"\n{top}\n{torch}{more}")
}

#[test]
fn a_lock_of_another_tool_is_judged_as_far_as_it_tells() {
    let machine = Machine::new().nvidia(&[H100]);
    let said = |top: &str, torch: &str, tags: &str, more: &str| {
        let wheel = format!("torch-{torch}-{tags}.whl");
        machine.torch.project.write("pylock.toml", &foreign(top, torch, &wheel, more));
        machine.doctor()
    };
    let linux = "cp312-cp312-manylinux_2_28_x86_64";
    let any = "requires-python = \">=3.10\"";
    assert_snapshot!(said(any, "2.14.0+cu126", linux, ""), @"
    exit code 0
    pylock.toml runs on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.12
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
    assert_snapshot!(said(any, "2.15.0", linux, "cuda-toolkit==13.2.2"), @"
    exit code 4
    pylock.toml does not run on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.12
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  accelerator: torch 2.15.0 is built for CUDA 13.2, which needs driver 580 or newer, and this machine has 550.54.14, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; lock for this machine with `mlresolve lock --accelerator cuda --driver 550.54.14 --gpu sm_90`
    ");
    assert_snapshot!(said(any, "2.6.0a0+df5bbc09d1.nv24.12", linux, ""), @"
    exit code 0
    pylock.toml runs on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.12
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      note     accelerator: what torch 2.6.0a0+df5bbc09d1.nv24.12 is built for is not known from its local version
    ");
    assert_snapshot!(said(any, "2.14.0+cpu", "cp312-cp312-win_amd64", ""), @"
    exit code 4
    pylock.toml does not run on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.12
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      failure  wheels: the wheel of torch 2.14.0+cpu is for the platform win_amd64; lock for this machine with `mlresolve lock`
      note     accelerator: torch 2.14.0+cpu is a CPU build, and the GPU of this machine is not used: NVIDIA driver 550.54.14, NVIDIA H100 80GB HBM3 (sm_90); lock for this machine with `mlresolve lock --accelerator cuda --driver 550.54.14 --gpu sm_90`
    ");
    assert_snapshot!(said("environments = [\"sys_platform == 'win32'\"]", "2.14.0", linux, ""), @"
    exit code 4
    pylock.toml does not run on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      failure  platform: the lock is for none of this environment's kind: it asks for sys_platform == 'win32' (linux-x86_64); lock for this machine: `mlresolve lock --platform linux-x86_64`
    ");
    assert_snapshot!(said("requires-python = \"==3.13.*\"", "2.14.0+cu126", "cp313-cp313-manylinux_2_28_x86_64", ""), @"
    exit code 0
    pylock.toml runs on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.13
      warning  python: no Python 3.13 is on PATH, there is 3.12; a container brings its own; install Python 3.13, or lock with `mlresolve lock --python-version 3.12`
      ok       glibc: 2.35 is new enough
      ok       accelerator: torch 2.14.0+cu126 is built for CUDA 12.6, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it runs on NVIDIA H100 80GB HBM3 (sm_90)
    ");
    assert_snapshot!(said(any, "", "", "jax-cuda13-plugin==0.8.0 nvidia-cublas-cu12==12.8.4.1 nvidia-nccl-cu13==2.28.3"), @"
    exit code 4
    pylock.toml does not run on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.12
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: nvidia-cublas-cu12 is of CUDA 12, which driver 525.60.13 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      failure  accelerator: nvidia-nccl-cu13 is of CUDA 13, which driver 580 and newer run, and this machine has 550.54.14 [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; take a driver 580 or newer, or require packages for an older CUDA
    ");
    assert_snapshot!(said(any, "", "", "requests==2.32.5"), @"
    exit code 0
    pylock.toml runs on this machine
      note     lock: made by other, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and torch's version have to tell
      ok       platform: the lock's markers hold on linux-x86_64 with Python 3.12
      ok       python: Python 3.12 is on PATH
      ok       glibc: 2.35 is new enough
      ok       accelerator: nothing that is known here asks for a GPU
    ");
}

#[test]
fn the_answer_is_one_document_for_scripts() {
    let machine = Machine::new().nvidia(&[H100]);
    assert_snapshot!(machine.said("doctor --json"), @r#"
    exit code 0
    --- stdout
    {"declaration":"[tool.mlresolve.targets.cuda]\npython = \"3.12\"\nplatform = \"linux-x86_64\"\nglibc = \"2.35\"\naccelerator = \"cuda\"\ndriver = \"550.54.14\"\ngpu = [\"sm_90\"]\n","host":{"amd-gpus":[],"cuda-hint":null,"driver":"550.54.14","glibc":"2.35","gpus":[{"capability":"9.0","name":"NVIDIA H100 80GB HBM3"}],"intel-discrete":false,"intel-gpu":false,"mps":false,"notes":[],"nvidia-silent":false,"platform":"linux-x86_64","pythons":[{"executable":"[DIR]/project/../machine/programs/python3.12","version":"3.12.4"}],"rocm":null},"locks":[],"runs":null,"target":{"accelerator":"cuda","driver":"550.54.14","glibc":"2.35","gpu":["sm_90"],"lines":["NVIDIA driver 550.54.14","NVIDIA H100 80GB HBM3 (sm_90)"],"platform":"linux-x86_64","python":"3.12"}}
    "#);
    machine.run("lock --accelerator cpu").success();
    assert_snapshot!(machine.said("doctor --json"), @r#"
    exit code 0
    --- stdout
    {"declaration":"[tool.mlresolve.targets.cuda]\npython = \"3.12\"\nplatform = \"linux-x86_64\"\nglibc = \"2.35\"\naccelerator = \"cuda\"\ndriver = \"550.54.14\"\ngpu = [\"sm_90\"]\n","host":{"amd-gpus":[],"cuda-hint":null,"driver":"550.54.14","glibc":"2.35","gpus":[{"capability":"9.0","name":"NVIDIA H100 80GB HBM3"}],"intel-discrete":false,"intel-gpu":false,"mps":false,"notes":[],"nvidia-silent":false,"platform":"linux-x86_64","pythons":[{"executable":"[DIR]/project/../machine/programs/python3.12","version":"3.12.4"}],"rocm":null},"locks":[{"findings":[{"about":"platform","level":"ok","message":"linux-x86_64, as the lock asks for","way-out":null},{"about":"python","level":"ok","message":"Python 3.12 is on PATH","way-out":null},{"about":"glibc","level":"ok","message":"2.35 is new enough","way-out":null},{"about":"accelerator","level":"note","message":"torch 2.14.0+cpu is a CPU build, and the GPU of this machine is not used: NVIDIA driver 550.54.14, NVIDIA H100 80GB HBM3 (sm_90)","way-out":"lock for this machine with `mlresolve lock --accelerator cuda --driver 550.54.14 --gpu sm_90`"}],"lock":"pylock.toml","runs":true,"target":"default (Python 3.12, linux-x86_64, glibc 2.28, cpu)"}],"runs":true,"target":{"accelerator":"cuda","driver":"550.54.14","glibc":"2.35","gpu":["sm_90"],"lines":["NVIDIA driver 550.54.14","NVIDIA H100 80GB HBM3 (sm_90)"],"platform":"linux-x86_64","python":"3.12"}}
    "#);
    machine.run("lock --upgrade --accelerator cuda").success();
    let answer: serde_json::Value = serde_json::from_str(&machine.run("doctor --json").stdout()).unwrap();
    assert_eq!(answer["runs"], false);
}

#[test]
fn nothing_else_looks_at_the_machine() {
    let asked = "touch \"$(dirname \"$0\")/asked\"";
    let machine =
        Machine::new().program("nvidia-smi", asked).program("getconf", asked).program("python3.12", asked);
    for command in ["lock", "tree", "why torch", "why-not torch==2.14.0", "size", "export", "lock --check"] {
        machine.run(command);
        assert!(!machine.place("programs/asked").exists(), "{command}");
    }
    machine.run("doctor").success();
    assert!(machine.place("programs/asked").exists());
}
