//! Packages that are compiled against one torch: their wheels decide which torch it is, and their sources come last.

use insta::assert_snapshot;
use mlresolve_testkit::{PyTorchIndex, Release, Universe, WheelBuilder};

use crate::torch::{TorchProject, X86, torch_wheel};

const LINUX: &str = "cp312-cp312-linux_x86_64";

/// A PyPI that has flash-attn and its kind as source only.
fn pypi() -> Universe {
    let torch = |requires: &'static str| {
        move |release: Release| release.wheel("cp312-cp312-manylinux_2_28_x86_64").requires(requires)
    };
    let source = |day: &'static str| {
        move |release: Release| release.sdist().requires("torch").requires("einops").upload_time(day)
    };
    Universe::new()
        .text(
            "
            cuda-toolkit 13.2.2
            nvidia-nccl-cu12 2.32
            einops 0.8.1
            server 2.0: torch==2.15.0
            server 1.9: torch
            trainer 9.0: torch==2.15.0
            ",
        )
        .package("trainer", "1.0", |release| {
            release.wheel("py3-none-any").upload_time("2020-01-01T00:00:00Z")
        })
        .package("torch", "2.15.0", torch("cuda-toolkit==13.2.2"))
        .package("torch", "2.8.0", torch("nvidia-nccl-cu12"))
        .package("torch", "2.6.0", torch("nvidia-nccl-cu12"))
        .package("flash-attn", "2.8.3.post2", source("2026-05-01T00:00:00Z"))
        .package("flash-attn", "2.8.3", source("2025-08-15T00:00:00Z"))
        .package("torch-scatter", "2.1.2", source("2023-10-01T00:00:00Z"))
        .package("mamba-ssm", "2.3.0", |release| release.sdist_with(|sdist| sdist.dynamic("Requires-Dist")))
}

fn project() -> TorchProject {
    let cuda = ["nvidia-nccl-cu12"];
    let index = PyTorchIndex::new()
        .wheel("cpu", &torch_wheel("2.14.0+cpu", X86), None, &[])
        .wheel("cpu", &torch_wheel("2.8.0+cpu", X86), None, &[])
        .wheel("cu126", &torch_wheel("2.8.0+cu126", X86), None, &cuda)
        .wheel("cu126", &torch_wheel("2.7.1+cu126", X86), None, &cuda)
        .wheel("cu130", &torch_wheel("2.14.0+cu130", X86), None, &["cuda-toolkit==13.2.2"]);
    TorchProject::new(pypi(), index)
}

/// Puts a wheel into the folder `wheels` as its makers put it on their pages: renamed, with the version inside as it was.
fn put(torch: &TorchProject, name: &str, version: &str, local: &str, tag: &str) {
    let wheel = WheelBuilder::new(name, version).requires("torch").requires("einops").tag(tag).build();
    let folder = torch.project.path("wheels");
    std::fs::create_dir_all(&folder).unwrap();
    let renamed = wheel.filename.replacen(version, &format!("{version}+{local}"), 1);
    std::fs::write(folder.join(renamed), wheel.bytes).unwrap();
}

/// A folder of flash-attn as upstream releases it.
fn with_flash_attn() -> TorchProject {
    let torch = project();
    for of_torch in ["2.6", "2.7", "2.8"] {
        for abi in ["TRUE", "FALSE"] {
            let local = format!("cu12torch{of_torch}cxx11abi{abi}");
            for tag in [LINUX, "cp311-cp311-linux_x86_64"] {
                put(&torch, "flash-attn", "2.8.3", &local, tag);
            }
        }
    }
    torch
}

const CUDA: &str = "--accelerator cuda --find-links wheels";

#[test]
fn a_folder_of_wheels_decides_which_torch_it_is() {
    let torch = with_flash_attn();
    torch.project.write("requirements.txt", "flash-attn\ntorch\n");
    assert_snapshot!(torch.said(&format!("lock {CUDA}")), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 4 packages, 3.0 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.8.0, for CUDA 12.8: neither driver nor GPU is declared, so nothing is ruled out
      held     flash-attn 2.8.3.post2 is held back to 2.8.3+cu12torch2.8cxx11abitrue: it has no wheel for the target, and what has one comes first
      held     torch 2.15.0 is held back to 2.8.0: beside it, flash-attn 2.8.3+cu12torch2.8cxx11abitrue could not be had as a wheel
      largest  nvidia-nccl-cu12 2.32 776 B, torch 2.8.0 753 B, einops 0.8.1 709 B
    ");
    // An old torch of PyPI has the other ABI; that for CUDA 12.6 does not.
    assert_snapshot!(torch.lock("flash-attn torch==2.6.*", CUDA), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.6cxx11abifalse
    nvidia-nccl-cu12 2.32
    torch 2.6.0
    ");
    assert_snapshot!(torch.lock("torch==2.7.* flash-attn", CUDA), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.7cxx11abitrue
    nvidia-nccl-cu12 2.32
    torch 2.7.1+cu126
    ");
    assert_snapshot!(torch.lock("torch flash-attn", "--gpu H100 --driver 525.60.13 --find-links wheels"), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.8cxx11abitrue
    nvidia-nccl-cu12 2.32
    torch 2.8.0
    ");
    // Nothing declared means PyPI's own torch, and its extensions are for that all the same.
    assert_snapshot!(torch.lock("torch==2.6.* flash-attn", "--find-links wheels"), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.6cxx11abifalse
    nvidia-nccl-cu12 2.32
    torch 2.6.0
    ");
    assert_snapshot!(torch.lock("flash-attn torch", "--find-links wheels"), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.8cxx11abitrue
    nvidia-nccl-cu12 2.32
    torch 2.8.0
    ");
}

#[test]
fn a_renamed_wheel_is_locked_by_its_address() {
    let torch = with_flash_attn();
    torch.lock("flash-attn", CUDA);
    let lock = torch.project.read("pylock.toml");
    let entry = lock.split("[[packages]]").find(|entry| entry.contains("flash-attn")).unwrap().to_owned();
    let wheel = format!("wheels/flash_attn-2.8.3+cu12torch2.8cxx11abiTRUE-{LINUX}.whl");
    assert!(entry.contains("version = \"2.8.3+cu12torch2.8cxx11abitrue\""), "{entry}");
    assert!(entry.contains(&format!("archive = {{ path = {wheel:?}")), "{entry}");
    torch.run(&format!("lock --check {CUDA}")).success();
}

#[test]
fn an_extension_that_does_not_say_so_requires_its_torch_in_the_lock() {
    let torch = project();
    let wheel = WheelBuilder::new("torch-scatter", "2.1.2+pt28cu128").tag(LINUX).build();
    std::fs::create_dir_all(torch.project.path("wheels")).unwrap();
    std::fs::write(torch.project.path("wheels").join(&wheel.filename), wheel.bytes).unwrap();
    assert_snapshot!(torch.lock("torch-scatter", CUDA), @"
    nvidia-nccl-cu12 2.32
    torch 2.8.0
    torch-scatter 2.1.2+pt28cu128
    ");
    assert!(torch.project.read("pylock.toml").contains("torch==2.8.*"));
    torch.run(&format!("lock --check {CUDA}")).success();
}

#[test]
fn a_wheel_at_an_address_goes_with_its_torch_too() {
    let torch = with_flash_attn();
    let wheel = format!("./wheels/flash_attn-2.8.3+cu12torch2.7cxx11abiTRUE-{LINUX}.whl");
    assert_snapshot!(torch.lock(&format!("torch {wheel}"), "--accelerator cuda"), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.7cxx11abitrue
    nvidia-nccl-cu12 2.32
    torch 2.7.1+cu126
    ");
}

#[test]
fn a_source_comes_last_and_says_what_it_takes() {
    let torch = with_flash_attn();
    torch.project.write("requirements.txt", "flash-attn\ntorch>=2.9\n");
    assert_snapshot!(torch.said(&format!("lock {CUDA}")), @"
    exit code 0
    --- stderr
    warning: flash-attn 2.8.3.post2 is locked as source, since none of its wheels for the target goes with torch 2.15.0: they require torch==2.6.* or torch==2.7.* or torch==2.8.*; it must be built where it is installed, which can take a compiler for GPU code, torch and much time; its GitHub releases have wheels by torch, CUDA, Python and C++ ABI, such as flash_attn-2.8.3+cu12torch2.8cxx11abiTRUE; Astral's GPU indexes have more; --find-links takes a folder or a page of wheels
    wrote pylock.toml: 4 packages, 2.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.15.0, for CUDA 13.2: neither driver nor GPU is declared, so nothing is ruled out
      largest  cuda-toolkit 13.2.2 763 B, torch 2.15.0 763 B, einops 0.8.1 709 B, flash-attn 2.8.3.post2 256 B
      source   built when installed, metadata read without that: flash-attn 2.8.3.post2 (pkg-info)
    ");
    torch.project.write("requirements.txt", "flash-attn\n");
    assert_snapshot!(torch.said("lock --upgrade --accelerator cuda"), @"
    exit code 0
    --- stderr
    warning: flash-attn 2.8.3.post2 is locked as source, since it has no wheel for the target; it must be built where it is installed, which can take a compiler for GPU code, torch and much time; its GitHub releases have wheels by torch, CUDA, Python and C++ ABI, such as flash_attn-2.8.3+cu12torch2.8cxx11abiTRUE; Astral's GPU indexes have more; --find-links takes a folder or a page of wheels
    wrote pylock.toml: 4 packages, 2.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.15.0, for CUDA 13.2: neither driver nor GPU is declared, so nothing is ruled out
      largest  cuda-toolkit 13.2.2 763 B, torch 2.15.0 763 B, einops 0.8.1 709 B, flash-attn 2.8.3.post2 256 B
      source   built when installed, metadata read without that: flash-attn 2.8.3.post2 (pkg-info)
      no package changed since the last lock
    ");
    assert_snapshot!(torch.lock("mamba-ssm", "--accelerator cuda"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      - you require mamba-ssm
      - mamba-ssm 2.3.0 has no wheel, and its source must be built to tell what it requires: PKG-INFO leaves Requires-Dist to the build; pyproject.toml has no [project] table; there is no .egg-info
    Hint: mamba-ssm can be built to see what it requires: --allow-build mamba-ssm; or say yourself what it requires, under [tool.mlresolve.metadata]; or leave it out, since no version of it has a wheel
    Hint: mamba-ssm: its GitHub releases have wheels by torch, CUDA, Python and C++ ABI; Astral's GPU indexes have wheels by CUDA and torch; --find-links takes a folder or a page of them [state-spaces/mamba, setup.py; astral-sh-build/build-mamba, read 2026-11-22]
    ");
    // Whoever wants sources gets them.
    assert_snapshot!(torch.lock("flash-attn", &format!("{CUDA} --no-binary flash-attn")), @"
    cuda-toolkit 13.2.2
    einops 0.8.1
    flash-attn 2.8.3.post2
    torch 2.15.0
    ");
}

#[test]
fn what_is_locked_stays_where_a_wheel_appears() {
    let torch = project();
    torch.lock("flash-attn", "--accelerator cuda");
    put(&torch, "flash-attn", "2.8.3", "cu12torch2.8cxx11abiTRUE", LINUX);
    torch.run(&format!("lock {CUDA}")).success();
    assert!(torch.project.read("pylock.toml").contains("2.8.3.post2"));
}

#[test]
fn wheels_hold_others_back_a_little_and_never_to_antiques() {
    let torch = with_flash_attn();
    torch.project.write("requirements.txt", "flash-attn\nserver\n");
    assert_snapshot!(torch.said(&format!("lock {CUDA}")), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 5 packages, 3.7 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.8.0, for CUDA 12.8: neither driver nor GPU is declared, so nothing is ruled out
      held     flash-attn 2.8.3.post2 is held back to 2.8.3+cu12torch2.8cxx11abitrue: it has no wheel for the target, and what has one comes first
      held     server 2.0 is held back to 1.9: beside it, flash-attn 2.8.3+cu12torch2.8cxx11abitrue could not be had as a wheel
      held     torch 2.15.0 is held back to 2.8.0: beside it, flash-attn 2.8.3+cu12torch2.8cxx11abitrue could not be had as a wheel
      largest  nvidia-nccl-cu12 2.32 776 B, torch 2.8.0 753 B, server 1.9 714 B, einops 0.8.1 709 B
    ");
    assert_snapshot!(torch.lock("flash-attn trainer", CUDA), @"
    cuda-toolkit 13.2.2
    einops 0.8.1
    flash-attn 2.8.3.post2
    torch 2.15.0
    trainer 9.0
    ");
    assert_snapshot!(torch.lock("flash-attn trainer", &format!("{CUDA} --allow-held-back trainer")), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.8cxx11abitrue
    nvidia-nccl-cu12 2.32
    torch 2.8.0
    trainer 1.0
    ");
}

#[test]
fn where_not_all_have_wheels_that_go_together_most_have() {
    let torch = with_flash_attn();
    put(&torch, "torch-scatter", "2.1.2", "pt26cu124", LINUX);
    assert_snapshot!(torch.lock("flash-attn torch-scatter", CUDA), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.6cxx11abifalse
    nvidia-nccl-cu12 2.32
    torch 2.6.0
    torch-scatter 2.1.2+pt26cu124
    ");
    assert_snapshot!(torch.lock("flash-attn torch-scatter torch>=2.8", CUDA), @"
    einops 0.8.1
    flash-attn 2.8.3+cu12torch2.8cxx11abitrue
    nvidia-nccl-cu12 2.32
    torch 2.8.0
    torch-scatter 2.1.2
    ");
}

#[test]
fn an_extension_for_cuda_is_for_targets_with_cuda() {
    let torch = project();
    for local in ["pt28cu128", "pt28cpu"] {
        put(&torch, "torch-scatter", "2.1.2", local, LINUX);
    }
    assert_snapshot!(torch.lock("torch-scatter", CUDA), @"
    einops 0.8.1
    nvidia-nccl-cu12 2.32
    torch 2.8.0
    torch-scatter 2.1.2+pt28cu128
    ");
    assert_snapshot!(torch.lock("torch-scatter", "--accelerator cpu --find-links wheels"), @"
    einops 0.8.1
    torch 2.8.0+cpu
    torch-scatter 2.1.2+pt28cpu
    ");
    std::fs::remove_file(torch.project.path(&format!("wheels/torch_scatter-2.1.2+pt28cpu-{LINUX}.whl")))
        .unwrap();
    let only = "--accelerator cpu --find-links wheels --only-binary torch-scatter";
    assert_snapshot!(torch.lock("torch-scatter", only), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      - you require torch-scatter
      - torch-scatter 2.1.2+pt28cu128 is built for CUDA 12, and the target is for cpu
      - torch-scatter 2.1.2 has no wheel, only source
    Hint: --only-binary leaves out sources: ask for a version of torch-scatter that has a wheel, or say --no-binary torch-scatter
    Hint: torch-scatter: PyG's find-links page for the torch and CUDA, such as torch-2.8.0+cu128.html, has wheels; --find-links takes a folder or a page of them [PyG documentation, Installation, read 2026-11-21]
    ");
}

#[test]
fn what_is_known_of_torch_can_be_overruled() {
    let torch = with_flash_attn();
    torch.project.write("torch.txt", "torch==2.14.*\n");
    let cuda13 = "cu13torch2.8cxx11abiTRUE";
    put(&torch, "torch-scatter", "2.1.2", cuda13, LINUX);
    let only = format!("{CUDA} --only-binary :all:");
    assert_snapshot!(torch.lock("torch-scatter torch==2.14.*", &only), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      - you require torch-scatter
      - torch-scatter 2.1.2+cu13torch2.8cxx11abitrue requires torch==2.8.* (as its local version says)
      - torch-scatter 2.1.2+cu13torch2.8cxx11abitrue is built for CUDA 13, as +cu13torch2.8cxx11abitrue says
      - torch-scatter 2.1.2 has no wheel, only source
      - torch 2.8.0 requires nvidia-nccl-cu12
      - torch 2.8.0+cu126 is built for CUDA 12.6, as +cu126 says
      - nvidia-nccl-cu12 is for CUDA 12, as its name says
      - one environment has one CUDA major: the libraries of two overwrite or miss each other
    Hint: --only-binary leaves out sources: ask for a version of torch-scatter that has a wheel, or say --no-binary torch-scatter
    Hint: torch-scatter: PyG's find-links page for the torch and CUDA, such as torch-2.8.0+cu128.html, has wheels; --find-links takes a folder or a page of them [PyG documentation, Installation, read 2026-11-21]
    Hint: if torch-scatter goes with another torch, say what it requires under [tool.mlresolve.metadata.torch-scatter]
    ");
    assert_snapshot!(torch.lock("torch-scatter", &format!("{only} --override torch.txt")), @"
    cuda-toolkit 13.2.2
    einops 0.8.1
    torch 2.14.0+cu130
    torch-scatter 2.1.2+cu13torch2.8cxx11abitrue
    ");
    let own = "[metadata.torch-scatter]\nrequires-dist = ['torch']\n";
    torch.project.write("mlresolve.toml", own);
    assert_snapshot!(torch.lock("torch-scatter torch==2.14.*", &only), @"
    cuda-toolkit 13.2.2
    torch 2.14.0+cu130
    torch-scatter 2.1.2+cu13torch2.8cxx11abitrue
    ");
}
