use mlresolve_packaging::Requirement;

use super::*;
use crate::Platform;

fn target(words: &str) -> Target {
    let [platform, accelerator, driver, gpus] = words.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let mut target = Target::new("train", "3.12".parse().unwrap(), platform.parse().unwrap()).unwrap();
    if accelerator != "-" {
        target = target.with_accelerator(accelerator.parse().unwrap());
    }
    if driver != "-" {
        target = target.with_driver(driver.parse().unwrap());
    }
    if gpus != "-" {
        target = target.with_gpus(gpus.split(',').map(|gpu| gpu.parse().unwrap()).collect());
    }
    target.checked().unwrap()
}

/// The refusals, then the notes, of a build of torch; `-` is no version.
fn judged(words: &str, torch: &str, variant: &str, cuda: Option<&str>) -> Vec<String> {
    let torch = (torch != "-").then(|| torch.parse().unwrap());
    let cuda = cuda.map(|cuda| cuda.parse().unwrap());
    let build = Build { torch: torch.as_ref(), variant: variant.parse().unwrap(), cuda };
    let verdict = judge_build(&target(words), &build);
    verdict.refusals.iter().map(ToString::to_string).chain(verdict.notes).collect()
}

const FLOOR: &str = "[NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and \
                     Architecture Matrix, read 2026-11-22]";

#[test]
fn the_driver_and_every_gpu_are_named() {
    assert_eq!(
        judged("linux-x86_64 cuda 550.54 V100,H100,P100", "2.14.0", "cu132", None),
        [
            format!(
                "is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x \
                 {FLOOR}"
            ),
            "has no code for V100 (sm_70): it is compiled for sm_75, sm_80, sm_86, sm_90, sm_100, sm_120 \
             [pytorch/pytorch, build scripts of release 2.14, read 2026-11-21]"
                .to_owned(),
            "has no code for P100 (sm_60): it is compiled for sm_75, sm_80, sm_86, sm_90, sm_100, sm_120 \
             [pytorch/pytorch, build scripts of release 2.14, read 2026-11-21]"
                .to_owned(),
        ]
    );
}

#[test]
fn a_build_that_the_tables_do_not_know_is_refused_by_its_toolkit_alone() {
    assert_eq!(
        judged("linux-x86_64 cuda 580 V100,H100", "2.15.0", "pypi", Some("13.2")),
        [
            format!(
                "is built for CUDA 13.2, and CUDA 13 cannot compile for V100 (sm_70), only for sm_75 and newer {FLOOR}"
            ),
            "the tables do not know what torch 2.15.0 for CUDA 13.2 is compiled for".to_owned(),
        ]
    );
    assert_eq!(
        judged("linux-x86_64 cuda 580 H100", "9.9.0+cu999", "cu999", None),
        [
            "the tables do not know CUDA 99: driver and GPUs were held against what CUDA 13 needs, and it may need more",
            "the tables do not know what torch 9.9.0+cu999 for CUDA 99.9 is compiled for",
        ]
    );
    assert_eq!(judged("linux-x86_64 cuda 580 -", "9.9.0+cu130", "cu130", None), [""; 0]);
    assert_eq!(
        judged("linux-x86_64 cuda - H100", "1.13.1", "cu118", None),
        ["the tables do not know what torch 1.13.1 for CUDA 11.8 is compiled for"]
    );
    // What PyPI's own build says of itself counts more than the table.
    assert_eq!(
        judged("linux-x86_64 cuda - H100", "2.14.0", "pypi", Some("13.1")),
        ["the tables do not know what torch 2.14.0 for CUDA 13.1 is compiled for"]
    );
}

#[test]
fn machine_code_runs_on_higher_minors_and_ptx_on_newer_gpus_with_the_toolkits_driver() {
    for gpus in ["sm_89", "sm_86", "sm_87", "sm_121", "sm_103"] {
        assert_eq!(
            judged(&format!("linux-x86_64 cuda 590 {gpus}"), "2.11.0", "cu128", None),
            [""; 0],
            "{gpus}"
        );
    }
    let list = "it is compiled for sm_75, sm_80, sm_86, sm_90, sm_100, sm_120 [pytorch/pytorch#175253, read 2026-11-21]";
    for gpus in ["sm_72", "sm_110", "sm_150"] {
        assert_eq!(
            judged(&format!("linux-x86_64 cuda 590 {gpus}"), "2.11.0", "cu128", None),
            [format!("has no code for {gpus}: {list}")]
        );
    }
    let ptx = |driver: &str| judged(&format!("linux-x86_64 cuda {driver} sm_150"), "2.10.0", "cu129", None);
    assert_eq!(ptx("-"), [""; 0]);
    assert_eq!(ptx("575.51.03"), [""; 0]);
    assert_eq!(
        ptx("575.51.02"),
        [
            "has code for sm_150 as PTX alone, which needs driver 575.51.03 or newer to be compiled, and the target has \
             575.51.02 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]"
        ]
    );
    // No PTX helps a GPU that is older than it.
    assert!(
        judged("linux-x86_64 cuda 580 V100", "2.11.0", "cu129", None)[0].starts_with("has no code for V100")
    );
}

#[test]
fn companions_of_torch_are_judged_by_their_toolkit() {
    assert_eq!(judged("linux-x86_64 cuda 550 H100", "-", "cu128", None), [""; 0]);
    assert!(judged("linux-x86_64 cuda 550 H100", "-", "cu130", None)[0].contains("needs driver 580"));
    assert!(judged("linux-x86_64 cuda - V100", "-", "cu130", None)[0].contains("cannot compile for V100"));
    assert_eq!(judged("linux-x86_64 cuda 550 H100", "-", "pypi", None), [""; 0]);
}

#[test]
fn a_cpu_build_is_for_cpu_targets_and_no_other_build_is() {
    assert_eq!(
        judged("linux-x86_64 cuda - -", "2.9.1", "cpu", None),
        ["is a CPU build, and the target computes on cuda"]
    );
    assert_eq!(
        judged("linux-aarch64 cuda 580 GH200", "2.10.0", "pypi", None),
        ["is a CPU build, and the target computes on cuda"]
    );
    assert_eq!(judged("linux-aarch64 cuda 580 GH200", "2.11.0", "pypi", Some("13.0")), [""; 0]);
    for accelerator in ["rocm", "xpu"] {
        let words = format!("linux-x86_64 {accelerator} - -");
        assert!(judged(&words, "2.9.1", "cpu", None)[0].starts_with("is a CPU build"));
        assert_eq!(
            judged(&words, "2.9.1", "pypi", Some("12.8")),
            [format!("is built for CUDA 12.8, and the target computes on {accelerator}")]
        );
    }
    assert_eq!(judged("linux-x86_64 cpu 450 V100", "2.9.1", "cpu", None), [""; 0]);
    assert_eq!(judged("linux-aarch64 cpu - -", "2.10.0", "pypi", None), [""; 0]);
    assert_eq!(
        judged("linux-x86_64 cpu 550 H100", "2.9.1", "pypi", Some("12.8")),
        ["is built for CUDA 12.8, and the target computes on cpu"]
    );
    assert_eq!(judged("linux-x86_64 cpu - -", "2.9.1", "xpu", None).len(), 1);
}

#[test]
fn a_fixed_version_holds_to_its_builds() {
    assert_eq!(
        judged("linux-x86_64 cu128 - -", "2.9.1", "cu126", None),
        ["is built for CUDA 12.6, and the target computes on cu128"]
    );
    assert_eq!(judged("linux-x86_64 cu128 - -", "2.9.1", "pypi", Some("12.8")), [""; 0]);
    assert_eq!(
        judged("linux-x86_64 rocm6.4 - -", "2.9.1", "rocm6.3", None),
        ["is built for ROCm 6.3, and the target computes on rocm6.4"]
    );
}

#[test]
fn rocm_has_code_for_what_is_listed_alone() {
    assert_eq!(judged("linux-x86_64 rocm - MI300X,gfx1100", "2.10.0", "rocm7.1", None), [""; 0]);
    assert_eq!(
        judged("linux-x86_64 rocm - RX6700XT", "2.9.1", "rocm6.4", None),
        [
            "has no code for RX6700XT (gfx1031): it is compiled for gfx900, gfx906, gfx908, gfx90a, gfx942, gfx1030, \
             gfx1100, gfx1101, gfx1102, gfx1200, gfx1201 [PyTorch's index, sub-index rocm6.4, read 2026-11-21]"
        ]
    );
    assert_eq!(
        judged("linux-x86_64 rocm - MI300X", "2.7.1", "rocm6.3", None),
        ["the tables do not know what torch 2.7.1 for ROCm 6.3 is compiled for"]
    );
}

#[test]
fn nothing_declared_and_macos_refuse_nothing() {
    for variant in ["pypi", "cpu", "cu118", "cu132", "rocm7.2", "xpu"] {
        assert_eq!(judged("linux-x86_64 - - -", "2.14.0", variant, None), [""; 0]);
        assert_eq!(judged("macos-arm64 mps - -", "2.14.0", variant, None), [""; 0]);
    }
}

#[test]
fn the_builds_to_look_at_follow_from_the_accelerator() {
    let labels =
        |words: &str| variants(&target(words)).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(labels("linux-x86_64 - - -"), "pypi");
    assert_eq!(labels("macos-arm64 - - -"), "pypi");
    assert_eq!(labels("macos-arm64 mps - -"), "pypi");
    assert_eq!(labels("macos-arm64 cpu - -"), "pypi");
    assert_eq!(labels("linux-x86_64 cpu 550 H100"), "cpu");
    assert_eq!(labels("linux-x86_64 cu128 - -"), "cu128");
    assert_eq!(labels("linux-x86_64 cu999 - -"), "cu999");
    assert_eq!(labels("linux-x86_64 xpu - -"), "xpu");
    assert_eq!(labels("linux-x86_64 rocm6.2.4 - -"), "rocm6.2.4");
    assert_eq!(
        labels("linux-x86_64 - - MI300X"),
        "rocm7.2 rocm7.1 rocm7.0 rocm6.4 rocm6.3 rocm6.2.4 rocm6.2 rocm6.1 rocm6.0"
    );
    assert_eq!(labels("linux-x86_64 cuda - -"), "pypi cu132 cu130 cu129 cu128 cu126 cu124 cu121 cu118");
    // The driver of CUDA 12.4 has 12.4 and older as its own; newer 12.x run by compatibility.
    assert_eq!(labels("linux-x86_64 - 550.54.14 -"), "pypi cu124 cu121 cu118 cu132 cu130 cu129 cu128 cu126");
}

#[test]
fn metadata_tells_the_cuda_that_it_asks_for() {
    let cuda = |texts: &[&str]| {
        let requirements: Vec<Requirement> = texts.iter().map(|text| text.parse().unwrap()).collect();
        cuda_of(&requirements).map(|cuda| cuda.to_string())
    };
    let found = |text: &str| Some(text.to_owned());
    assert_eq!(cuda(&["cuda-toolkit[cublas,cudart]==13.0.2", "cuda-bindings<14,>=13.0.3"]), found("13.0"));
    assert_eq!(cuda(&["nvidia-cublas-cu12==12.8.4.1", "nvidia-cuda-runtime-cu12==12.8.90"]), found("12.8"));
    assert_eq!(cuda(&["nvidia-cuda-runtime-cu11==11.8.89"]), found("11.8"));
    assert_eq!(cuda(&["nvidia-cuda-runtime==13.0.96"]), found("13.0"));
    assert_eq!(cuda(&["nvidia-cuda-runtime-cu12==12.8.90", "cuda-toolkit==12.9.1"]), found("12.9"));
    assert_eq!(cuda(&["cuda-toolkit==12.*", "nvidia-cuda-runtime-cu12==12.8.90"]), found("12.8"));
    assert_eq!(cuda(&["nvidia-cudnn-cu12==9.10.2.21", "numpy==2.0.0", "cuda-toolkit>=12"]), None);
    assert_eq!(cuda(&["cuda-toolkit==999.0"]), None);
    assert_eq!(cuda(&[]), None);
    let major = |name: &str| cuda_major_of(&name.parse().unwrap());
    assert_eq!((major("nvidia-cudnn-cu12"), major("nvidia-nccl-cu13")), (Some(12), Some(13)));
    assert_eq!(
        (major("nvidia-cublas"), major("cupy-cuda12x"), major("nvidia-x-cu"), major("nvidia-x-cu1a")),
        NONE
    );
}

const NONE: (Option<u8>, Option<u8>, Option<u8>, Option<u8>) = (None, None, None, None);

/// Every row of the tables on many machines.
fn every_case(mut check: impl FnMut(&KnownBuild, &Version, Platform, &str)) {
    let mut cases = 0;
    for known in facts::builds().iter().filter(|known| known.cuda.is_some()) {
        let platform =
            Platform::ALL.into_iter().find(|platform| platform.machine() == known.machine).unwrap();
        for gpu in ["sm_50", "V100", "T4", "A100", "RTX4090", "H100", "B200", "sm_110", "RTX5090", "sm_150"] {
            check(known, &known.torch.first, platform, gpu);
            cases += 1;
        }
    }
    assert!(cases > 500);
}

#[test]
fn a_newer_driver_never_refuses_more() {
    every_case(|known, torch, platform, gpu| {
        let mut before = usize::MAX;
        for driver in ["450.80.02", "520", "530", "550.54", "570.26", "580", "595.45.04"] {
            // Whether the driver knows the GPU is not for the build to say.
            let target = Target::new("law", "3.12".parse().unwrap(), platform)
                .unwrap()
                .with_driver(driver.parse().unwrap())
                .with_gpus(vec![gpu.parse().unwrap()]);
            let build = Build { torch: Some(torch), variant: known.variant, cuda: known.cuda };
            let refusals = judge_build(&target, &build).refusals.len();
            assert!(refusals <= before, "{known:?} {gpu} {driver}");
            before = refusals;
        }
    });
}

#[test]
fn more_gpus_never_refuse_less() {
    every_case(|known, torch, platform, gpu| {
        let refusals = |gpus: Vec<Gpu>| {
            let target = Target::new("law", "3.12".parse().unwrap(), platform).unwrap().with_gpus(gpus);
            judge_build(&target, &Build { torch: Some(torch), variant: known.variant, cuda: known.cuda })
                .refusals
        };
        let (one, other): (Gpu, Gpu) = (gpu.parse().unwrap(), "sm_61".parse().unwrap());
        let both = refusals(vec![one.clone(), other.clone()]);
        assert_eq!(both, [refusals(vec![one]), refusals(vec![other])].concat());
    });
}
