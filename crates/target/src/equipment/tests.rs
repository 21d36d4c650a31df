use super::*;
use crate::{Target, TargetError};

/// A target from words: an accelerator, a driver, GPUs between commas; `-` is none.
fn checked(platform: Platform, words: &str) -> Result<Target, TargetError> {
    let [accelerator, driver, gpus] = words.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let mut target = Target::new("train", "3.12".parse().unwrap(), platform).unwrap();
    if accelerator != "-" {
        target = target.with_accelerator(accelerator.parse().unwrap());
    }
    if driver != "-" {
        target = target.with_driver(driver.parse().unwrap());
    }
    if gpus != "-" {
        target = target.with_gpus(gpus.split(',').map(|gpu| gpu.parse().unwrap()).collect());
    }
    target.checked()
}

fn refused(platform: Platform, words: &str) -> String {
    checked(platform, words).unwrap_err().to_string()
}

#[test]
fn the_accelerator_follows_from_what_is_there() {
    for (words, expected) in [
        ("- - -", None),
        ("- 550.54 -", Some(Accelerator::Cuda(None))),
        ("- - H100", Some(Accelerator::Cuda(None))),
        ("- - gfx942", Some(Accelerator::Rocm(None))),
        ("- - ArcB580", Some(Accelerator::Xpu)),
    ] {
        let target = checked(Platform::LinuxX86_64, words).unwrap();
        assert_eq!((target.accelerator(), target.inferred_accelerator()), (expected, expected), "{words}");
    }
    let declared = checked(Platform::LinuxX86_64, "cu128 550.54 H100").unwrap();
    assert_eq!(declared.inferred_accelerator(), None);
    assert_eq!(declared.accelerator().unwrap().to_string(), "cu128");
}

#[test]
fn machines_that_there_are_pass() {
    for words in [
        "cuda 535 H100,A100",
        "cuda 580.65.06 V100,H100",
        "cu126 550.54 V100",
        "cu118 450.80.02 V100",
        "cu999 550 H100",
        "cuda 9999 sm_150",
        "rocm6.4 - MI300X",
        "xpu - ArcB580",
        "cpu 550.54 H100",
        "cpu 450 RTX5090,gfx942",
    ] {
        assert!(checked(Platform::LinuxX86_64, words).is_ok(), "{words}");
    }
    assert!(checked(Platform::LinuxAarch64, "cuda 580 GH200").is_ok());
    assert!(checked(Platform::LinuxAarch64, "cuda 540.4 JetsonAGXOrin").is_ok());
    assert!(checked(Platform::MacOsArm64, "mps - -").is_ok());
    assert!(checked(Platform::MacOsArm64, "cpu - -").is_ok());
}

#[test]
fn what_no_machine_can_be_is_refused_with_fact_source_and_way_out() {
    assert_eq!(
        refused(Platform::LinuxX86_64, "cuda 535 RTX5090"),
        "driver 535 does not know RTX5090 (sm_120): the first that does is 570 [PTX ISA, Release History, read \
         2026-11-22]; take that or a newer one"
    );
    assert_eq!(
        refused(Platform::LinuxX86_64, "cuda 590.44.01 V100"),
        "driver 590.44.01 no longer knows V100 (sm_70): the last branch for Volta is 580 [NVIDIA CUDA Toolkit, \
         Driver, and Architecture Matrix; PTX ISA, Release History, read 2026-11-22]; take a driver 580, or leave \
         the GPU out"
    );
    assert!(refused(Platform::LinuxX86_64, "cuda 550 K80").contains("the last branch for Kepler is 470"));
    assert_eq!(
        refused(Platform::LinuxX86_64, "cu130 550 -"),
        "accelerator cu130 does not go with driver 550: CUDA 13 needs 580 or newer [NVIDIA CUDA Compatibility, \
         minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]; take \
         `cuda`, or a newer driver"
    );
    assert_eq!(
        refused(Platform::LinuxX86_64, "cu130 - sm_70"),
        "accelerator cu130 does not go with sm_70: CUDA 13 compiles for sm_75 and newer alone [NVIDIA CUDA \
         Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read \
         2026-11-22]; take `cuda`, or an older CUDA"
    );
    assert_eq!(
        refused(Platform::LinuxX86_64, "rocm - H100"),
        "GPU H100 (sm_90) does not go with accelerator rocm: it computes with `cuda`; take that, or leave one of \
         the two out"
    );
    assert!(refused(Platform::LinuxX86_64, "cuda - gfx942").starts_with("GPU gfx942 does not go with"));
    assert_eq!(
        refused(Platform::LinuxX86_64, "- - H100,MI300X"),
        "GPUs H100 (sm_90) and MI300X (gfx942) do not go together: no build runs on both; declare a target for \
         each, or the accelerator `cpu`"
    );
    for accelerator in ["rocm", "xpu"] {
        assert_eq!(
            refused(Platform::LinuxX86_64, &format!("{accelerator} 550.54 -")),
            format!(
                "driver 550.54 does not go with accelerator {accelerator}: a driver version is that of NVIDIA's; \
                 leave it out, or take the accelerator `cuda`"
            )
        );
    }
    assert!(refused(Platform::LinuxX86_64, "- 550 gfx942").starts_with("driver 550 does not go with"));
    assert!(refused(Platform::MacOsArm64, "mps 550 -").starts_with("driver 550 does not go with"));
}

#[test]
fn an_accelerator_on_a_platform_without_it_is_refused() {
    assert_eq!(
        refused(Platform::MacOsArm64, "cuda - -"),
        "accelerator cuda does not go with macos-arm64: no CUDA runs on macOS since 10.2 [NVIDIA, CUDA Toolkit 11.8 \
         downloads; jonathanfly/bark#60, read 2026-11-21]; take `mps` or `cpu`, or a linux platform"
    );
    assert!(refused(Platform::MacOsArm64, "cu128 - -").contains("accelerator cu128 does not go with"));
    assert!(refused(Platform::MacOsArm64, "- - H100").contains("accelerator cuda does not go with"));
    assert!(refused(Platform::MacOsArm64, "rocm6.4 - -").contains("ROCm runs on Linux and Windows alone"));
    assert!(refused(Platform::MacOsArm64, "xpu - -").contains("take `mps` or `cpu`"));
    for platform in [Platform::LinuxX86_64, Platform::LinuxAarch64] {
        assert!(refused(platform, "mps - -").contains("or the platform macos-arm64"));
    }
    for words in ["rocm - -", "rocm6.4 - -", "xpu - -", "- - MI300X"] {
        assert!(refused(Platform::LinuxAarch64, words).contains("take the platform linux-x86_64"), "{words}");
    }
}
