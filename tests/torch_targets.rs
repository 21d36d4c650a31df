//! Targets that are aligned, images, and what else is declared of a machine, with small indexes made by hand.

use insta::assert_snapshot;
use mlresolve_testkit::{PyTorchIndex, Universe};

use crate::support::locked_packages;
use crate::torch::{TorchProject, X86, pypi, torch_index, torch_wheel};

const MISFIT: &str = r#"
[project]
name = "app"
version = "1"
dependencies = ["torch"]
[dependency-groups]
newest = ["torch>=2.15"]

[tool.mlresolve.targets.train]
accelerator = "cuda"
groups = ["newest"]

[tool.mlresolve.targets.serve]
accelerator = "cpu"
"#;

#[test]
fn targets_that_cannot_be_aligned_are_told_apart() {
    let torch = TorchProject::new(pypi(), torch_index());
    torch.project.write("pyproject.toml", MISFIT);
    assert_snapshot!(torch.said("lock"), @r#"
    exit code 1
    --- stderr
    error: there is no solution for train (Python 3.12, linux-x86_64, glibc 2.28, cuda), serve (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      - you require torch
      - for train: you require torch>=2.15
      - for serve: the newest torch that can be had is 2.14.0
      - the targets are aligned: they share one public version of torch
    Any one of these changes is enough:
      - leave out torch: gives torch 2.15.0
      - relax torch>=2.15: gives torch 2.14.0
      - let torch differ between targets (unaligned = ["torch"]): gives torch 2.15.0 for train, torch 2.14.0+cpu for serve
    "#);
    assert!(!torch.project.path("pylock.train.toml").exists(), "one target that fails leaves nothing behind");
    assert_snapshot!(torch.said("lock --unaligned torch"), @"
    exit code 0
    --- stderr
    wrote pylock.train.toml: 3 packages, 2.3 kB to download, [TIME] s
      target   train (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.15.0, for CUDA 13.2: neither driver nor GPU is declared, so nothing is ruled out
      largest  torch 2.15.0 798 B, cuda-toolkit 13.2.2 763 B, filelock 3.20.0 732 B
    wrote pylock.serve.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   serve (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(torch.said("lock --check --unaligned torch"), @"
    exit code 0
    --- stderr
    pylock.train.toml is up to date
    pylock.serve.toml is up to date
    ");
    torch.project.write("pyproject.toml", &format!("{MISFIT}\n[tool.mlresolve]\nalign = false\n"));
    assert_snapshot!(torch.said("lock"), @"
    exit code 0
    --- stderr
    wrote pylock.train.toml: 3 packages, 2.3 kB to download, [TIME] s
      target   train (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.15.0, for CUDA 13.2: neither driver nor GPU is declared, so nothing is ruled out
      largest  torch 2.15.0 798 B, cuda-toolkit 13.2.2 763 B, filelock 3.20.0 732 B
      no package changed since the last lock
    wrote pylock.serve.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   serve (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      largest  filelock 3.20.0 732 B
      no package changed since the last lock
    ");
    torch.project.write("pyproject.toml", &format!("{MISFIT}\n[tool.mlresolve]\nunaligned = ['torch']\n"));
    assert_snapshot!(torch.said("lock --target serve --dry-run"), @"
    exit code 0
    --- stderr
    would write pylock.serve.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   serve (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      largest  filelock 3.20.0 732 B
      no package changed since the last lock
    ");
    assert_snapshot!(torch.said("why-not torch>=2.15 --target serve"), @"
    exit code 1
    --- stdout
    torch>=2.15 is not possible for serve (Python 3.12, linux-x86_64, glibc 2.28, cpu):
      - you require torch>=2.15
      - there is no torch>=2.15; the newest is 2.14.0+cpu
      - torch 2.15.0 is on PyPI, not on cpu, which goes up to torch 2.14.0
    Hint: what can be had is torch 2.14.0+cpu
    ");
    assert_snapshot!(torch.said("lock --driver 550.54"), @"
    exit code 2
    --- stderr
    error: --driver: it is for one target, and several are declared; choose one with --target NAME
    ");
}

#[test]
fn an_image_says_its_glibc_and_its_python() {
    let torch = TorchProject::new(pypi(), torch_index());
    let target = |image: &str| {
        let file = format!("[targets.serve]\nimage = '{image}'\naccelerator = 'cpu'\n");
        torch.project.write("mlresolve.toml", &file).write("requirements.txt", "torch\n");
        torch.said("lock --dry-run")
    };
    assert_snapshot!(target("python:3.12-slim-bookworm"), @"
    exit code 0
    --- stderr
    would write pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   serve (Python 3.12, linux-x86_64, glibc 2.36, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(target("docker.io/nvidia/cuda:12.8.0-runtime-ubuntu22.04"), @"
    exit code 0
    --- stderr
    would write pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   serve (Python 3.12, linux-x86_64, glibc 2.35, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(target("registry.example/team/base:1"), @"
    exit code 2
    --- stderr
    error: target serve, image: the image registry.example/team/base:1 is not known; say its glibc instead, which `ldd --version` prints in it, and its python
    ");
}

const FLEET: &str = r#"
[project]
name = "app"
version = "1"
dependencies = ["torch"]

[tool.mlresolve.targets.old]
gpu = ["V100"]

[tool.mlresolve.targets.new]
gpu = ["H100"]
driver = "580"
"#;

#[test]
fn aligned_targets_may_have_different_variants_and_their_libraries() {
    let torch = TorchProject::new(pypi(), torch_index_with_libraries());
    torch.project.write("pyproject.toml", FLEET);
    torch.run("lock").success();
    let locked = |target: &str| locked_packages(&torch.read(&format!("pylock.{target}.toml"))).join(", ");
    assert_snapshot!(locked("old"), @"cuda-toolkit 12.6.3, filelock 3.20.0, torch 2.14.0+cu126");
    assert_snapshot!(locked("new"), @"cuda-toolkit 13.0.3, filelock 3.20.0, torch 2.14.0");
}

/// A build for CUDA 12.6 that asks for another `cuda-toolkit` than PyPI's does.
fn torch_index_with_libraries() -> PyTorchIndex {
    let requires = ["filelock", "cuda-toolkit==12.6.3"];
    PyTorchIndex::new().wheel("cu126", &torch_wheel("2.14.0+cu126", X86), None, &requires)
}

#[test]
fn a_file_that_several_variants_list_goes_with_each_of_them() {
    let triton = "triton_rocm-3.6.0-cp312-cp312-linux_x86_64.whl";
    let index = PyTorchIndex::new()
        .wheel("rocm7.1", &torch_wheel("2.10.0+rocm7.1", X86), None, &["triton-rocm==3.6.0"])
        .shared_wheel(&["rocm7.1", "rocm7.2"], triton, None, &[])
        .wheel("rocm7.2", &torch_wheel("2.11.0+rocm7.2", X86), None, &["triton-rocm==3.6.0"]);
    let torch = TorchProject::new(Universe::new().text("other 1.0"), index);
    assert_snapshot!(torch.lock("torch", "--accelerator rocm"), @"
    torch 2.11.0+rocm7.2
    triton-rocm 3.6.0
    ");
    assert_snapshot!(torch.lock("torch==2.10.0", "--accelerator rocm"), @"
    torch 2.10.0+rocm7.1
    triton-rocm 3.6.0
    ");
}

#[test]
fn an_index_that_is_asked_before_pypi_does_not_pass_for_it() {
    let torch = TorchProject::new(pypi(), torch_index());
    let extra = format!("--extra-index-url {}/cu130 --gpu V100", torch.torch.torch_index_url());
    assert_snapshot!(torch.lock("torch", &extra), @"
    filelock 3.20.0
    torch 2.14.0+cu126
    ");
}

#[test]
fn a_place_for_torch_alone_still_decides_for_its_family() {
    let vision = |release: mlresolve_testkit::Release| release.wheel("cp312-cp312-manylinux_2_28_x86_64");
    let pypi = pypi().package("torchvision", "0.30.0", vision);
    let index =
        torch_index().wheel("cu126", &format!("torchvision-0.29.0+cu126-cp312-cp312-{X86}.whl"), None, &[]);
    let torch = TorchProject::new(pypi, index);
    let mine = format!("{}/cu126", torch.torch.torch_index_url());
    let file = format!(
        "[[index]]\nname = 'mine'\nurl = '{mine}'\nexplicit = true\n[sources]\ntorch = {{ index = 'mine' }}\n"
    );
    torch.project.write("mlresolve.toml", &file);
    assert_snapshot!(torch.lock("torch torchvision", "--gpu V100"), @"
    filelock 3.20.0
    torch 2.14.0+cu126
    torchvision 0.29.0+cu126
    ");
}

#[test]
fn a_folder_that_is_none_of_pytorchs_is_refused() {
    let torch = TorchProject::new(pypi(), torch_index());
    torch.project.write("requirements.txt", "torch\n");
    let base = torch.torch.torch_index_url();
    assert_snapshot!(torch.said(&format!("lock --gpu V100 --torch-index-url {base}/nothere")), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda, V100 (sm_70))
      - you require torch
      - torch was not found on [TORCH]/whl/nothere/cu132/ or [TORCH]/whl/nothere/cu130/
      - torch 2.15.0 is on PyPI, not on any index of PyTorch's for this target
    Hint: if torch is on an index of its own, name that with --extra-index-url
    ");
    assert_snapshot!(torch.said(&format!("lock --gpu V100 --torch-index-url {base}/cpu")), @"
    exit code 2
    --- stderr
    error: torch-index-url: [TORCH]/whl/cpu is the index of one variant; name the folder above it, [TORCH]/whl
    ");
}

#[test]
fn a_bare_branch_is_some_driver_of_that_branch() {
    let torch = TorchProject::new(pypi(), torch_index());
    assert_snapshot!(torch.lock("torch", "--driver 525"), @"
    filelock 3.20.0
    torch 2.14.0+cu126
    ");
    assert_snapshot!(torch.lock("torch", "--driver 580"), @"
    cuda-toolkit 13.2.2
    filelock 3.20.0
    torch 2.15.0
    ");
}

#[test]
fn a_computed_digest_outlives_the_lock() {
    let wheel = torch_wheel("2.14.0+cu126", X86);
    let index = PyTorchIndex::new().wheel("cu126", &wheel, None, &["filelock"]).without_hash();
    let torch = TorchProject::new(pypi(), index);
    torch.lock("torch", "--accelerator cu126");
    let lock = torch.project.raw("pylock.toml");
    std::fs::remove_file(torch.project.path("pylock.toml")).unwrap();
    torch.run("lock --accelerator cu126 --offline").success();
    assert_eq!(torch.project.raw("pylock.toml"), lock);
}

#[test]
fn a_gpu_alone_and_a_bare_branch_need_no_list_and_no_quotes() {
    let torch = TorchProject::new(pypi(), torch_index());
    torch.project.write("requirements.txt", "torch\n");
    let target = |keys: &str| {
        torch.project.write("mlresolve.toml", &format!("[targets.train]\n{keys}\n"));
        torch.said("lock --dry-run")
    };
    assert_snapshot!(target("gpu = 'V100'\ndriver = 550"), @"
    exit code 0
    --- stderr
    would write pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   train (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550, V100 (sm_70))
      variant  cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550 and V100 (sm_70), by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]
      held     torch 2.15.0 is held back to 2.14.0+cu126: it is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it is built for CUDA 13.2, and CUDA 13 cannot compile for V100 (sm_70), only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(target("driver = 550.54"), @r#"
    exit code 2
    --- stderr
    error: ./mlresolve.toml: line 2: driver: put the version in quotes, as in "550.54"
    "#);
    assert_snapshot!(target("gpu = [90]"), @r#"
    exit code 2
    --- stderr
    error: ./mlresolve.toml: line 2: gpu: invalid type: integer, expected a name such as "H100"
    "#);
    torch.project.write("mlresolve.toml", "targets.train.driver = 580");
    assert_snapshot!(torch.said("lock --dry-run --gpu V100,H100"), @"
    exit code 0
    --- stderr
    would write pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   train (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 580, V100 (sm_70), H100 (sm_90))
      variant  cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 580 and V100 (sm_70) and H100 (sm_90)
      held     torch 2.15.0 is held back to 2.14.0+cu126: it is built for CUDA 13.2, and CUDA 13 cannot compile for V100 (sm_70), only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      largest  filelock 3.20.0 732 B
    ");
}
