//! The builds of the torch family: PyPI's own beside those of PyTorch's index, for machines of every kind.

use insta::assert_snapshot;
use mlresolve_testkit::{IndexServer, PyTorchIndex, Universe};

use crate::support::{Project, Run, locked_packages};

/// A project beside a small PyPI and a small PyTorch index.
pub(crate) struct TorchProject {
    pub(crate) project: Project,
    pub(crate) torch: IndexServer,
}

impl TorchProject {
    pub(crate) fn new(pypi: Universe, torch: PyTorchIndex) -> Self {
        Self { project: Project::beside(IndexServer::start(pypi)), torch: IndexServer::pytorch(torch) }
    }

    /// A project beside what PyPI and PyTorch's index had on a day.
    pub(crate) fn recorded() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings");
        let torch = PyTorchIndex::load(format!("{folder}/pytorch.jsonl.zst")).unwrap();
        Self { project: Project::replaying("torch"), torch: IndexServer::pytorch(torch) }
    }

    /// Runs the program with these arguments, divided by spaces.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        self.run_with(arguments, &[])
    }

    /// Runs the program with these arguments, divided by spaces, and these variables.
    pub(crate) fn run_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Run {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let url = self.torch.torch_index_url();
        let variables = [&[("MLRESOLVE_TORCH_INDEX_URL", url.as_str())], variables].concat();
        self.project.run_with(&arguments, &variables)
    }

    /// Locks these requirements with these options; the locked packages, or what the run said.
    pub(crate) fn lock(&self, requirements: &str, options: &str) -> String {
        self.project.write("requirements.txt", &requirements.replace(' ', "\n"));
        let run = self.run(&format!("lock --upgrade {options}"));
        if run.code() != 0 {
            return self.filtered(&run.snapshot());
        }
        locked_packages(&self.project.read("pylock.toml")).join("\n")
    }

    /// What a run with these arguments prints.
    pub(crate) fn said(&self, arguments: &str) -> String {
        self.filtered(&self.run(arguments).snapshot())
    }

    /// A file of the project.
    pub(crate) fn read(&self, name: &str) -> String {
        self.filtered(&self.project.read(name))
    }

    pub(crate) fn filtered(&self, text: &str) -> String {
        text.replace(&self.torch.origin(), "[TORCH]")
    }
}

pub(crate) const X86: &str = "manylinux_2_28_x86_64";
const ARM: &str = "manylinux_2_28_aarch64";

pub(crate) fn torch_wheel(version: &str, platform: &str) -> String {
    format!("torch-{version}-cp312-cp312-{platform}.whl")
}

/// A PyPI with torch for CUDA 13 and, before that, for CUDA 12.8.
pub(crate) fn pypi() -> Universe {
    let torch = |cuda: &'static str| {
        move |release: mlresolve_testkit::Release| {
            release
                .wheel("cp312-cp312-manylinux_2_28_x86_64")
                .wheel("cp312-cp312-manylinux_2_28_aarch64")
                .wheel("cp312-cp312-macosx_14_0_arm64")
                .requires("filelock")
                .requires(cuda)
        }
    };
    Universe::new()
        .text("filelock 3.20.0\ncuda-toolkit 13.2.2\ncuda-toolkit 12.6.3\ncuda-toolkit 13.0.3\nnvidia-cuda-runtime-cu12 12.8.90\ntriton 3.8.0")
        .package("torch", "2.15.0", torch("cuda-toolkit==13.2.2; platform_system == 'Linux'"))
        .package("torch", "2.14.0", torch("cuda-toolkit==13.0.3; platform_system == 'Linux'"))
        .package("torch", "2.10.0", torch("nvidia-cuda-runtime-cu12==12.8.90; platform_machine == 'x86_64'"))
}

/// PyTorch's index with the newest torch for several kinds of machine.
pub(crate) fn torch_index() -> PyTorchIndex {
    let mut index = PyTorchIndex::new();
    for (sub_index, version) in [
        ("cpu", "2.14.0+cpu"),
        ("cu126", "2.14.0+cu126"),
        ("cu128", "2.11.0+cu128"),
        ("cu130", "2.14.0+cu130"),
        ("rocm7.1", "2.12.1+rocm7.1"),
        ("xpu", "2.13.0+xpu"),
    ] {
        let requires: &[&str] = match sub_index {
            "rocm7.1" => &["filelock", "triton-rocm==3.7.1"],
            "xpu" => &["filelock", "triton-xpu==3.7.2"],
            _ => &["filelock"],
        };
        index = index.wheel(sub_index, &torch_wheel(version, X86), Some(">=3.10"), requires);
    }
    index
        .wheel("cpu", &torch_wheel("2.14.0+cpu", ARM), Some(">=3.10"), &["filelock"])
        .wheel("rocm7.1", "triton_rocm-3.7.1-cp312-cp312-linux_x86_64.whl", None, &[])
        .wheel("xpu", &format!("triton_xpu-3.7.2-cp312-cp312-{X86}.whl"), None, &[])
}

#[test]
fn a_machine_gets_the_newest_torch_with_a_build_that_it_runs() {
    let torch = TorchProject::new(pypi(), torch_index());
    let torch_of = |options: &str| {
        let packages = torch.lock("torch", options);
        packages.lines().filter(|line| !line.starts_with("filelock")).collect::<Vec<_>>().join(", ")
    };
    assert_snapshot!(torch_of("--gpu sm_70 --driver 550.54"), @"torch 2.14.0+cu126");
    assert_snapshot!(torch_of("--gpu H100 --driver 580.65"), @"cuda-toolkit 13.2.2, torch 2.15.0");
    assert_snapshot!(torch_of("--gpu H100 --driver 550.54"), @"torch 2.14.0+cu126");
    assert_snapshot!(torch_of("--gpu sm_120 --driver 570.26"), @"torch 2.11.0+cu128");
    assert_snapshot!(torch_of("--accelerator cuda"), @"cuda-toolkit 13.2.2, torch 2.15.0");
    assert_snapshot!(torch_of("--accelerator cpu"), @"torch 2.14.0+cpu");
    assert_snapshot!(torch_of("--accelerator cpu --platform linux-aarch64"), @"torch 2.14.0+cpu");
    assert_snapshot!(torch_of("--accelerator cpu --platform macos-arm64"), @"torch 2.15.0");
    assert_snapshot!(torch_of("--accelerator mps --platform macos-arm64"), @"torch 2.15.0");
    assert_snapshot!(torch_of("--accelerator rocm7.1 --gpu gfx942"), @"torch 2.12.1+rocm7.1, triton-rocm 3.7.1");
    assert_snapshot!(torch_of("--accelerator rocm"), @"torch 2.12.1+rocm7.1, triton-rocm 3.7.1");
    assert_snapshot!(torch_of("--accelerator xpu"), @"torch 2.13.0+xpu, triton-xpu 3.7.2");
    assert_snapshot!(torch_of(""), @"cuda-toolkit 13.2.2, torch 2.15.0");
}

#[test]
fn the_choice_and_what_it_holds_back_are_said() {
    let torch = TorchProject::new(pypi(), torch_index());
    torch.project.write("requirements.txt", "torch\n");
    assert_snapshot!(torch.said("lock --gpu V100 --driver 550.54"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 2 packages, 732 B and 1 of unknown size to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54, V100 (sm_70))
      variant  cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550.54 and V100 (sm_70), by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]
      held     torch 2.15.0 is held back to 2.14.0+cu126: it is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; it is built for CUDA 13.2, and CUDA 13 cannot compile for V100 (sm_70), only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      largest  filelock 3.20.0 732 B
    ");
    assert_snapshot!(torch.read("pylock.toml"), @r#"
    lock-version = "1.0"
    environments = [
      "platform_system == 'Linux' and platform_machine == 'x86_64' and python_version == '3.12'",
    ]
    requires-python = "==3.12.*"
    created-by = "mlresolve"

    [[packages]]
    name = "filelock"
    version = "3.20.0"
    index = "[INDEX]/simple/"
    wheels = [
      { name = "filelock-3.20.0-py3-none-any.whl", upload-time = 2024-01-01T00:00:00Z, url = "[INDEX]/files/filelock-3.20.0-py3-none-any.whl", size = 732, hashes = { sha256 = "7af5c59e853a2e5039be0d3caf9ea2c0c5482d6cb04463df0f25c2904eca9ec2" } },
    ]

    [packages.tool.mlresolve]
    metadata = "wheel"

    [[packages]]
    name = "torch"
    version = "2.14.0+cu126"
    requires-python = ">=3.10"
    dependencies = [
      { name = "filelock", version = "3.20.0" },
    ]
    index = "[TORCH]/whl/cu126/"
    wheels = [
      { name = "torch-2.14.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl", url = "[TORCH]/whl/cu126/torch-2.14.0%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl", hashes = { sha256 = "b23e96facb3aac723bb60bb87db67ba580d6a83ca94963a7e56bbf23292f92b3" } },
    ]

    [packages.tool.mlresolve]
    requires = [
      "filelock",
    ]
    metadata = "wheel"

    [tool.mlresolve]
    version = 1
    input-digest = "[DIGEST]"
    requirements = [
      "torch",
    ]

    [tool.mlresolve.target]
    name = "default"
    python = "3.12"
    platform = "linux-x86_64"
    glibc = "2.28"
    accelerator = "cuda"
    driver = "550.54"
    gpu = ["V100"]
    variant = "cu126"
    "#);
    assert_snapshot!(torch.said("why-not torch==2.15.0 --gpu V100 --driver 550.54"), @"
    exit code 1
    --- stdout
    torch==2.15.0 is not possible for default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54, V100 (sm_70)):
      - you require torch==2.15.0
      - torch 2.15.0 is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      - torch 2.15.0 is built for CUDA 13.2, and CUDA 13 cannot compile for V100 (sm_70), only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
    Hint: what can be had is torch 2.14.0+cu126
    ");
    assert_snapshot!(torch.said("lock --check --gpu V100 --driver 550.54"), @"
    exit code 0
    --- stderr
    pylock.toml is up to date
    ");
    assert_snapshot!(torch.said("lock --check --gpu V100 --driver 580.65"), @"
    exit code 3
    --- stderr
    error: pylock.toml is out of date
      its packages stay, its inputs changed
    hint: run `mlresolve lock` and commit the result
    ");
}

#[test]
fn a_fixed_variant_is_honoured_or_explained() {
    let torch = TorchProject::new(pypi(), torch_index());
    assert_snapshot!(torch.lock("torch", "--accelerator cu128"), @"
    filelock 3.20.0
    torch 2.11.0+cu128
    ");
    assert_snapshot!(torch.lock("torch==2.14.0", "--accelerator cu128"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cu128)
      - you require torch==2.14.0
      - there is no torch==2.14.0; the newest is 2.11.0+cu128
      - torch 2.14.0 is on cpu, cu126, cu130, PyPI, not on cu128, which ended at torch 2.11.0
    Any one of these changes is enough:
      - relax torch==2.14.0: gives torch 2.11.0+cu128
    ");
    assert_snapshot!(torch.lock("torch", "--accelerator cu134"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cu134)
      - you require torch
      - torch was not found on [TORCH]/whl/cu134/
      - torch 2.15.0 is on PyPI, not on cu134
    Hint: if torch is on an index of its own, name that with --extra-index-url
    ");
    assert_snapshot!(torch.lock("torch==2.15.0", "--driver 550.54"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54)
      - you require torch==2.15.0
      - torch 2.15.0 is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
    Any one of these changes is enough:
      - relax torch==2.15.0: gives torch 2.14.0+cu126
    ");
}

#[test]
fn a_target_that_no_machine_can_be_is_bad_input() {
    let torch = TorchProject::new(pypi(), torch_index());
    let refused = |options: &str| torch.lock("torch", options);
    assert_snapshot!(refused("--gpu sm_120 --driver 535.54"), @"
    exit code 2
    --- stderr
    error: target default: driver 535.54 does not know sm_120: the first that does is 570 [PTX ISA, Release History, read 2026-11-22]; take that or a newer one
    ");
    assert_snapshot!(refused("--gpu V100 --driver 590.44"), @"
    exit code 2
    --- stderr
    error: target default: driver 590.44 no longer knows V100 (sm_70): the last branch for Volta is 580 [NVIDIA CUDA Toolkit, Driver, and Architecture Matrix; PTX ISA, Release History, read 2026-11-22]; take a driver 580, or leave the GPU out
    ");
    assert_snapshot!(refused("--accelerator cu130 --driver 550.54"), @"
    exit code 2
    --- stderr
    error: target default: accelerator cu130 does not go with driver 550.54: CUDA 13 needs 580 or newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; take `cuda`, or a newer driver
    ");
    assert_snapshot!(refused("--accelerator cuda --platform macos-arm64"), @"
    exit code 2
    --- stderr
    error: target default: accelerator cuda does not go with macos-arm64: no CUDA runs on macOS since 10.2 [NVIDIA, CUDA Toolkit 11.8 downloads; jonathanfly/bark#60, read 2026-11-21]; take `mps` or `cpu`, or a linux platform
    ");
    assert_snapshot!(refused("--gpu H10"), @r#"
    exit code 2
    --- stderr
    error: target default, gpu: GPU "H10" is not known; did you mean A10, H100 or H20? A compute capability such as sm_90 will do, as `nvidia-smi --query-gpu=compute_cap --format=csv` prints it, and so will AMD's gfx942
    "#);
    assert_snapshot!(refused("--driver 12.4"), @"
    exit code 2
    --- stderr
    error: target default, driver: driver 12.4 is not a version of NVIDIA's driver, which begin at 100: take the one that `nvidia-smi` calls `Driver Version`, such as 550.54.14, and not the `CUDA Version` beside it
    ");
}

#[test]
fn the_metadata_of_the_very_wheel_counts() {
    // As of 2.6.0+cu126: the wheel for x86_64 forgot what the one for aarch64 requires.
    let index =
        PyTorchIndex::new().wheel("cu126", &torch_wheel("2.6.0+cu126", X86), None, &["filelock"]).wheel(
            "cu126",
            &torch_wheel("2.6.0+cu126", ARM),
            None,
            &["filelock", "nvidia-cuda-runtime-cu12==12.8.90"],
        );
    let torch = TorchProject::new(pypi(), index);
    assert_snapshot!(torch.lock("torch", "--accelerator cu126"), @"
    filelock 3.20.0
    torch 2.6.0+cu126
    ");
    assert_snapshot!(torch.lock("torch", "--accelerator cu126 --platform linux-aarch64"), @"
    filelock 3.20.0
    nvidia-cuda-runtime-cu12 12.8.90
    torch 2.6.0+cu126
    ");
}

#[test]
fn a_local_version_is_no_newer_version_and_may_be_a_hash() {
    let index = PyTorchIndex::new()
        .wheel("cpu", "torchvision-0.24.0+e437e35-cp312-cp312-manylinux_2_28_x86_64.whl", None, &[])
        .wheel("cpu", "torchvision-0.24.0-cp312-cp312-manylinux_2_28_aarch64.whl", None, &[])
        .wheel("cpu", "torchvision-0.24.0-cp312-cp312-macosx_11_0_arm64.whl", None, &[])
        .wheel("cpu", "torchvision-0.23.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl", None, &[])
        .wheel("cpu", &torch_wheel("2.14.0+cpu", X86), None, &[])
        .wheel("cpu", &torch_wheel("2.14.0", "macosx_14_0_arm64"), None, &[]);
    let torch = TorchProject::new(Universe::new().text("other 1.0"), index);
    assert_snapshot!(torch.lock("torchvision", "--accelerator cpu"), @"torchvision 0.24.0+e437e35");
    assert_snapshot!(torch.lock("torchvision", "--accelerator cpu --platform linux-aarch64"), @"torchvision 0.24.0");
    // The page as an index of its own, where 2.14.0+cpu sorts above 2.14.0 and has no wheel for macOS.
    let page = format!("--extra-index-url {}/cpu --platform macos-arm64", torch.torch.torch_index_url());
    assert_snapshot!(torch.lock("torch torchvision", &page), @"
    torch 2.14.0
    torchvision 0.24.0
    ");
}

#[test]
fn the_highest_build_number_wins() {
    let torch = |release: mlresolve_testkit::Release| {
        release
            .wheel("cp312-cp312-manylinux_2_28_x86_64")
            .wheel_with("cp312-cp312-manylinux_2_28_x86_64", |wheel| wheel.build_tag("3"))
            .wheel_with("cp312-cp312-manylinux_2_28_x86_64", |wheel| wheel.build_tag("2"))
    };
    let pypi = Universe::new().package("torch", "2.10.0", torch).text("filelock 3.20.0");
    let index = PyTorchIndex::new().wheel("cu128", &torch_wheel("2.10.0+cu128", X86), None, &[]).wheel(
        "cu128",
        "torch-2.10.0+cu128-1-cp312-cp312-manylinux_2_28_x86_64.whl",
        None,
        &[],
    );
    let torch = TorchProject::new(pypi, index);
    let file = |options: &str| {
        torch.lock("torch", options);
        let lock = torch.read("pylock.toml");
        lock.lines()
            .find_map(|line| line.trim().strip_prefix("{ name = \"")?.split('"').next())
            .map(str::to_owned)
    };
    assert_snapshot!(file("--accelerator cuda").unwrap(), @"torch-2.10.0-3-cp312-cp312-manylinux_2_28_x86_64.whl");
    assert_snapshot!(file("--accelerator cu128").unwrap(), @"torch-2.10.0+cu128-1-cp312-cp312-manylinux_2_28_x86_64.whl");
}

#[test]
fn a_missing_hash_is_computed_once_and_said() {
    let wheel = torch_wheel("2.14.0+cu126", X86);
    let index = PyTorchIndex::new().wheel("cu126", &wheel, None, &["filelock"]).without_hash();
    let torch = TorchProject::new(pypi(), index);
    torch.project.write("requirements.txt", "torch\n");
    assert_snapshot!(torch.said("lock --accelerator cu126"), @"
    exit code 0
    --- stderr
    warning: torch-2.14.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl has no hash on its index; it was downloaded to compute one, which the lock keeps
    wrote pylock.toml: 2 packages, 1.7 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cu126)
      variant  cu126 of torch 2.14.0, for CUDA 12.6: as the target declares
      largest  torch 2.14.0+cu126 990 B, filelock 3.20.0 732 B
    ");
    let downloads = || torch.torch.count(&format!("/whl/cu126/{}", wheel.replace('+', "%2B")));
    let before = downloads();
    assert!(before > 0, "{:?}", torch.torch.requests());
    assert_snapshot!(torch.said("lock --upgrade --accelerator cu126 --refresh"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 2 packages, 1.7 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cu126)
      variant  cu126 of torch 2.14.0, for CUDA 12.6: as the target declares
      largest  torch 2.14.0+cu126 990 B, filelock 3.20.0 732 B
      no package changed since the last lock
    ");
    assert_eq!(downloads(), before, "the lock knows the digest");
}

#[test]
fn one_file_name_with_two_digests_is_refused() {
    let wheel = torch_wheel("2.5.1", "manylinux_2_28_aarch64");
    let index = PyTorchIndex::new()
        .wheel("cu124", &wheel, None, &["filelock"])
        .wheel("cu126", &wheel, None, &["filelock"])
        .sha256(&"ab".repeat(32));
    let torch = TorchProject::new(Universe::new().text("filelock 3.20.0"), index);
    torch.project.write("requirements.txt", "torch\n");
    let run = torch.said("lock --accelerator cuda --platform linux-aarch64");
    assert_snapshot!(without_digest(&run), @"
    exit code 4
    --- stderr
    error: torch-2.5.1-cp312-cp312-manylinux_2_28_aarch64.whl is not the same file everywhere: [TORCH]/whl/cu126/ has sha256 abababababababababababababababababababababababababababababababab, [TORCH]/whl/cu124/ has [DIGEST]
    hint: two different files may not share a name: find out which is the real one, and name its index under [tool.mlresolve.sources]
    ");
}

/// The text with the digest of the stand-in taken out: its bytes are nobody's business.
fn without_digest(text: &str) -> String {
    let part = |part: &str| {
        let end = part.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(part.len());
        if end == 64 && !part.starts_with("abab") {
            format!("[DIGEST]{}", &part[end..])
        } else {
            part.to_owned()
        }
    };
    text.split_inclusive(|letter: char| !letter.is_ascii_hexdigit()).map(part).collect()
}

#[test]
fn a_torch_that_the_tables_do_not_know_is_judged_by_its_metadata() {
    let future = |cuda: &'static str| {
        move |release: mlresolve_testkit::Release| {
            release.wheel("cp312-cp312-manylinux_2_28_x86_64").requires(cuda)
        }
    };
    let pypi = Universe::new()
        .text("cuda-toolkit 13.4.0\ncuda-toolkit 14.0.0")
        .package("torch", "2.30.0", future("cuda-toolkit==14.0.0"))
        .package("torch", "2.29.0", future("cuda-toolkit==13.4.0"));
    let torch = TorchProject::new(
        pypi,
        PyTorchIndex::new().wheel("cu128", &torch_wheel("2.11.0+cu128", X86), None, &[]),
    );
    torch.project.write("requirements.txt", "torch\n");
    assert_snapshot!(torch.said("lock --dry-run --gpu H100 --driver 580.65"), @"
    exit code 0
    --- stderr
    warning: the tables do not know CUDA 14: driver and GPUs were held against what CUDA 13 needs, and it may need more
    warning: the tables do not know what torch 2.30.0 for CUDA 14.0 is compiled for
    would write pylock.toml: 2 packages, 1.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 580.65, H100 (sm_90))
      variant  PyPI's own build of torch 2.30.0: nothing that is known keeps it from running on driver 580.65 and H100 (sm_90)
      largest  cuda-toolkit 14.0.0 763 B, torch 2.30.0 761 B
    ");
    torch.project.write("requirements.txt", "torch==2.29.0\n");
    assert_snapshot!(torch.said("lock --dry-run --gpu H100 --driver 580.65"), @"
    exit code 0
    --- stderr
    warning: the tables do not know what torch 2.29.0 for CUDA 13.4 is compiled for
    would write pylock.toml: 2 packages, 1.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 580.65, H100 (sm_90))
      variant  PyPI's own build of torch 2.29.0: nothing that is known keeps it from running on driver 580.65 and H100 (sm_90)
      largest  torch 2.29.0 764 B, cuda-toolkit 13.4.0 763 B
    ");
    assert_snapshot!(torch.said("lock --dry-run --gpu V100 --driver 550.54"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54, V100 (sm_70))
      - you require torch==2.29.0
      - torch 2.29.0 is built for CUDA 13.4, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      - torch 2.29.0 is built for CUDA 13.4, and CUDA 13 cannot compile for V100 (sm_70), only for sm_75 and newer [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
    ");
}

#[test]
fn what_the_index_of_a_variant_lacks_comes_from_pypi() {
    let audio = |release: mlresolve_testkit::Release| release.wheel("cp312-cp312-manylinux_2_28_x86_64");
    let pypi = pypi()
        .package("torchaudio", "2.11.0", audio)
        .package("torchdata", "0.11.0", |release| release.wheel("py3-none-any"));
    let torch = TorchProject::new(pypi, torch_index());
    assert_snapshot!(torch.lock("torch torchaudio torchdata", "--accelerator cu126"), @"
    filelock 3.20.0
    torch 2.14.0+cu126
    torchaudio 2.11.0
    torchdata 0.11.0
    ");
    assert_snapshot!(torch.lock("torch torchaudio torchdata", "--accelerator cpu"), @"
    filelock 3.20.0
    torch 2.14.0+cpu
    torchaudio 2.11.0
    torchdata 0.11.0
    ");
}

#[test]
fn a_pytorch_index_that_fails_is_named() {
    let torch = TorchProject::new(pypi(), torch_index());
    torch.torch.fault("/whl/cpu/torch/", mlresolve_testkit::Fault::Status(500));
    assert_snapshot!(torch.lock("torch", "--accelerator cpu --http-retries 0"), @"
    exit code 5
    --- stderr
    error: [TORCH]/whl/cpu/torch/ answered with HTTP status 500
    hint: the index is in trouble; try again later, or use what is in the cache with --offline
    ");
    torch.torch.clear_faults();
    // A store of files answers so for what it does not have.
    torch.torch.fault("/whl/cu129/torch/", mlresolve_testkit::Fault::Status(403));
    assert_snapshot!(torch.lock("torch==2.14.0", "--driver 550.54"), @"
    filelock 3.20.0
    torch 2.14.0+cu126
    ");
    torch.project.write(
        "pyproject.toml",
        "[project]\nname = 'a'\nversion = '1'\n[tool.mlresolve]\ntorch-index-url = 'ftp://x.example/whl'",
    );
    assert_snapshot!(torch.said("lock --accelerator cpu --torch-index-url nowhere"), @"
    exit code 2
    --- stderr
    error: torch-index-url: not a URL (relative URL without a base); an index is given as https://host/simple/
    ");
}

#[test]
fn a_place_that_the_user_names_comes_before_the_family_rules() {
    let torch = TorchProject::new(pypi(), torch_index());
    let index = format!("{}/cu128", torch.torch.torch_index_url());
    let file = format!(
        "[[index]]\nname = 'mine'\nurl = '{index}'\nexplicit = true\n[sources]\ntorch = {{ index = 'mine' }}\n"
    );
    torch.project.write("mlresolve.toml", &file);
    assert_snapshot!(torch.lock("torch", "--accelerator cpu"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cpu)
      - you require torch
      - torch 2.11.0+cu128 is built for CUDA 12.8, and the target computes on cpu
      - only [TORCH]/whl/cu128/ was asked for torch, as its source says
    ");
}

#[test]
fn why_says_which_build_it_is_and_cites_what_it_rests_on() {
    let torch = TorchProject::new(pypi(), torch_index());
    torch.lock("torch", "--driver 550.54 --gpu V100");
    assert_snapshot!(torch.said("why torch"), @"
    exit code 0
    --- stdout
    torch 2.14.0+cu126 is locked because

      the project  needs torch

    Its build is cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550.54 and V100 (sm_70), by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]
    ");
    assert_snapshot!(torch.said("why filelock"), @"
    exit code 0
    --- stdout
    filelock 3.20.0 is locked because

      the project         needs torch
      torch 2.14.0+cu126  needs filelock
    ");
    assert_snapshot!(torch.said("why torch --json"), @r#"
    exit code 0
    --- stdout
    {"build":"cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550.54 and V100 (sm_70), by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]","lock":"pylock.toml","more":0,"name":"torch","paths":[[{"name":"torch","requirement":"torch","version":"2.14.0+cu126"}]],"versions":["2.14.0+cu126"]}
    "#);
}
