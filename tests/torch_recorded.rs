//! Real stacks for machines of every kind, from recordings of PyPI and PyTorch's index.

use insta::assert_snapshot;

use crate::support::locked_packages;
use crate::torch::TorchProject;

const DAY: &str = "--python-version 3.12 --glibc 2.35 --exclude-newer 2026-11-15T00:00:00Z";

/// The locked packages of the torch family and how many of NVIDIA's there are.
fn family(torch: &TorchProject, requirements: &str, options: &str) -> String {
    let locked = torch.lock(requirements, &format!("{DAY} {options}"));
    let family = |line: &&str| line.contains("torch") || line.contains("triton");
    let nvidia = locked.lines().filter(|line| line.starts_with("nvidia-")).count();
    let lines: Vec<&str> = locked.lines().filter(family).collect();
    format!("{}, {nvidia} of nvidia, {} in all", lines.join(", "), locked.lines().count())
}

#[test]
fn an_old_gpu_gets_the_newest_torch_with_code_for_it() {
    let torch = TorchProject::recorded();
    assert_snapshot!(family(&torch, "torch torchvision", "--gpu sm_70 --driver 550.54"), @"torch 2.14.0+cu126, torchvision 0.29.0+cu126, triton 3.8.0, 15 of nvidia, 32 in all");
    let question = format!("why-not torch==2.15.0 {DAY} --gpu sm_70 --driver 550.54");
    assert_snapshot!(torch.said(&question), @"
    exit code 1
    --- stdout
    torch==2.15.0 is not possible for default (Python 3.12, linux-x86_64, glibc 2.35, cuda, driver 550.54, sm_70):
      - you require torch==2.15.0
      - torch 2.15.0 is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      - torch 2.15.0 is built for CUDA 13.2, and CUDA 13 cannot compile for sm_70, only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
    Hint: what can be had is torch 2.14.0+cu126
    ");
}

#[test]
fn a_new_gpu_gets_the_newest_that_its_driver_runs() {
    let torch = TorchProject::recorded();
    assert_snapshot!(family(&torch, "torch torchvision", "--gpu H100 --driver 580.65"), @"torch 2.15.0, torchvision 0.29.2, triton 3.9.0, 15 of nvidia, 32 in all");
    assert_snapshot!(family(&torch, "torch torchvision", "--gpu sm_120 --driver 570.26"), @"torch 2.11.0+cu128, torchvision 0.26.0+cu128, triton 3.6.0, 15 of nvidia, 32 in all");
}

#[test]
fn a_processor_gets_nothing_of_nvidia() {
    let torch = TorchProject::recorded();
    assert_snapshot!(family(&torch, "transformers[torch]", "--accelerator cpu"), @"torch 2.14.0+cpu, 0 of nvidia, 40 in all");
    assert_snapshot!(family(&torch, "transformers[torch]", "--accelerator cpu --platform linux-aarch64"), @"torch 2.14.0+cpu, 0 of nvidia, 40 in all");
}

#[test]
fn a_variant_that_ended_says_where_the_version_is() {
    let torch = TorchProject::recorded();
    assert_snapshot!(torch.lock("torch==2.13.0", &format!("{DAY} --accelerator cu124")), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35, cu124)
      - you require torch==2.13.0
      - there is no torch==2.13.0; the newest is 2.6.0+cu124
      - torch 2.13.0 is on cpu, cu126, cu130, xpu, not on cu124, which ended at torch 2.6.0
    ");
}

#[test]
fn gpus_of_amd_and_intel_get_their_builds() {
    let torch = TorchProject::recorded();
    assert_snapshot!(family(&torch, "torch torchvision", "--accelerator rocm7.1 --gpu gfx942"), @"torch 2.12.1+rocm7.1, torchvision 0.27.1+rocm7.1, triton-rocm 3.7.1, 0 of nvidia, 14 in all");
    assert_snapshot!(family(&torch, "torch", "--accelerator xpu"), @"torch 2.13.0+xpu, triton-xpu 3.7.2, 0 of nvidia, 33 in all");
}

const TARGETS: &str = r#"
[project]
name = "app"
version = "1"
dependencies = ["torch", "transformers[torch]"]

[tool.mlresolve]
exclude-newer = "2026-11-15T00:00:00Z"

[tool.mlresolve.targets.train]
python = "3.12"
glibc = "2.35"
gpu = ["H100"]
driver = "580.65"

[tool.mlresolve.targets.serve]
python = "3.12"
glibc = "2.35"
accelerator = "cpu"

[tool.mlresolve.targets.dev]
python = "3.12"
platform = "macos-arm64"
"#;

/// The packages that are in several of these locks, with every public version that they have there.
fn shared(torch: &TorchProject) -> Vec<String> {
    let mut versions: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for target in ["train", "serve", "dev"] {
        for package in locked_packages(&torch.read(&format!("pylock.{target}.toml"))) {
            let (name, version) = package.split_once(' ').unwrap();
            let public = version.split('+').next().unwrap().to_owned();
            versions.entry(name.to_owned()).or_default().push(public);
        }
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several
        .map(|(name, mut versions)| {
            versions.dedup();
            format!("{name} {}", versions.join(" "))
        })
        .collect()
}

#[test]
fn targets_of_a_project_share_every_public_version() {
    let torch = TorchProject::recorded();
    torch.project.write("pyproject.toml", TARGETS);
    assert_snapshot!(torch.said("lock"), @"
    exit code 0
    --- stderr
    wrote pylock.train.toml: 59 packages, 3.1 GB to download, [TIME] s
      target   train (Python 3.12, linux-x86_64, glibc 2.35, cuda, driver 580.65, H100 (sm_90))
      variant  PyPI's own build of torch 2.14.0, for CUDA 13.0: it runs on driver 580.65 and H100 (sm_90)
      held     torch 2.15.0 is held back to 2.14.0: serve cannot have it, and the targets are aligned
      note     not looked at for overwritten files, since their lists cannot be had: accelerate, annotated-doc, annotated-types, 56 more
      largest  torch 2.14.0 554.6 MB, nvidia-cudnn-cu13 9.24.0.43 553.1 MB, nvidia-cublas 13.1.1.3 423.1 MB, triton 3.8.0 248.0 MB, nvidia-nccl-cu13 2.30.7 216.0 MB
    warning: torch-2.14.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl has no hash on its index; it was downloaded to compute one, which the lock keeps
    warning: exclude-newer 2026-11-15T00:00:00Z could not be checked for torch: the index gives no upload time
    wrote pylock.serve.toml: 40 packages, 57.2 MB to download, [TIME] s
      target   serve (Python 3.12, linux-x86_64, glibc 2.35, cpu)
      variant  cpu of torch 2.14.0: as the target declares
      note     not looked at for overwritten files, since their lists cannot be had: accelerate, annotated-doc, annotated-types, 36 more
      largest  numpy 2.5.4 16.7 MB, transformers 5.23.0 13.3 MB, sympy 1.14.0 6.3 MB, hf-xet 1.8.0 4.3 MB, tokenizers 0.23.3 3.4 MB
    wrote pylock.dev.toml: 40 packages, 170.8 MB to download, [TIME] s
      target   dev (Python 3.12, macos-arm64)
      held     torch 2.15.0 is held back to 2.14.0: serve cannot have it, and the targets are aligned
      note     not looked at for overwritten files, since their lists cannot be had: accelerate, annotated-doc, annotated-types, 37 more
      largest  torch 2.14.0 127.3 MB, transformers 5.23.0 13.3 MB, sympy 1.14.0 6.3 MB, numpy 2.5.4 5.5 MB, hf-xet 1.8.0 3.6 MB
    ");
    let shared = shared(&torch);
    assert!(shared.len() == 40 && shared.iter().all(|package| package.split(' ').count() == 2), "{shared:?}");
    assert_snapshot!(shared.iter().find(|package| package.starts_with("torch ")).unwrap(), @"torch 2.14.0");
    assert_snapshot!(torch.said("lock --check"), @"
    exit code 0
    --- stderr
    pylock.train.toml is up to date
    pylock.serve.toml is up to date
    pylock.dev.toml is up to date
    ");
    // The lock of one target depends on the others.
    let other = TARGETS.replace("\"torch\", ", "\"torch<2.14\", ");
    torch.project.write("pyproject.toml", &other);
    assert_snapshot!(torch.said("lock --check --target dev"), @"
    exit code 3
    --- stderr
    error: pylock.dev.toml is out of date
      - the project requires torch<2.14, but 2.14.0 is locked
    hint: run `mlresolve lock` and commit the result
    ");
}
