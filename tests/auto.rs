//! `--accelerator auto`: the target computes on what this machine has.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use insta::assert_snapshot;

use crate::machine::{H100, Machine, TWO_TARGETS, V100};

#[test]
fn auto_takes_what_this_machine_has_unless_the_user_says_otherwise() {
    let machine = Machine::new().nvidia(&[V100, V100]);
    assert_snapshot!(machine.said("lock --accelerator auto"), @"
    exit code 0
    --- stderr
    this machine: NVIDIA driver 550.54.14, 2 × Tesla V100-SXM2-16GB (sm_70); taken: --accelerator cuda --driver 550.54.14 --gpu sm_70
    wrote pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54.14, sm_70)
      variant  cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550.54.14 and sm_70, by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]
      held     torch 2.15.0 is held back to 2.14.0+cu126: it is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54.14, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it is built for CUDA 13.2, and CUDA 13 cannot compile for sm_70, only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      largest  filelock 3.20.0 732 B
    ");
    assert!(machine.torch.project.read("pylock.toml").contains("gpu = [\"sm_70\"]\nvariant = \"cu126\""));
    assert_snapshot!(machine.said("why-not torch==2.15.0 --accelerator auto --driver 580.65 --gpu H100"), @"
    exit code 0
    --- stdout
    torch==2.15.0 is possible; this would change:
    ↑ torch         2.14.0+cu126 → 2.15.0  unknown → 798 B
    + cuda-toolkit  13.2.2                 763 B
    1 changed, 1 added; 732 B → 2.3 kB to download
    --- stderr
    this machine: NVIDIA driver 550.54.14, 2 × Tesla V100-SXM2-16GB (sm_70); taken: --accelerator cuda --driver 580.65 --gpu H100
    ");
    let bare = Machine::new();
    assert_snapshot!(bare.said("lock --accelerator auto"), @"
    exit code 0
    --- stderr
    this machine: no GPU was seen; taken: --accelerator cpu
    wrote pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      largest  filelock 3.20.0 732 B
    ");
    let mac = bare.said("lock --accelerator auto --platform macos-arm64");
    assert!(
        mac.contains("warning: the target default is macos-arm64, and `auto` looked at linux-x86_64"),
        "{mac}"
    );
}

#[test]
fn auto_stands_in_place_of_all_that_a_target_declares() {
    let machine =
        Machine::new().file("sys/class/kfd/kfd/topology/nodes/1/properties", "gfx_target_version 90402\n");
    let project = format!("[project]\nname = 'x'\nversion = '1'\ndependencies = ['torch']\n{TWO_TARGETS}");
    machine.torch.project.write("pyproject.toml", &project);
    assert_snapshot!(machine.said("lock --no-align --target train --accelerator auto"), @"
    exit code 0
    --- stderr
    this machine: AMD gfx942; taken: --accelerator rocm --gpu gfx942
    wrote pylock.train.toml: 3 packages, 732 B and 2 of unknown size to download, [TIME] s
      target   train (Python 3.12, linux-x86_64, glibc 2.28, rocm, gfx942)
      variant  rocm7.1 of torch 2.12.1: it runs on gfx942
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(machine.said("lock --accelerator auto"), @"
    exit code 2
    --- stderr
    this machine: AMD gfx942; taken: --accelerator rocm --gpu gfx942
    error: --accelerator: it is for one target, and several are declared; choose one with --target NAME
    ");
}

#[test]
fn a_declared_target_is_never_auto() {
    let machine = Machine::new().nvidia(&[H100]);
    machine.torch.project.write("mlresolve.toml", "[targets.here]\naccelerator = 'auto'\n");
    assert_snapshot!(machine.said("lock"), @"
    exit code 2
    --- stderr
    error: target here, accelerator: `auto` would be another machine wherever it is read; give --accelerator auto on the command line, or declare what `mlresolve doctor` prints
    ");
    assert_eq!(machine.run("lock --accelerator auto").code(), 2);
}
