//! What is said where there is no solution: conflicts of real packages, from a recording of what the index said.
//!
//! Each explanation is short, and every change that it offers is made, to see that it does lead to what it promises.

use insta::assert_snapshot;

use crate::support::{Project, locked_packages};

/// An explanation fits a terminal without scrolling.
const MOST_LINES: usize = 30;

/// Locks these requirements for a target with this Python, which has to fail, and gives what is printed, after trying
/// each change that it offers.
#[track_caller]
fn explain(python: &str, requirements: &[&str]) -> String {
    let project = Project::replaying("conflicts");
    let lock = |requirements: &[String]| {
        project.write("requirements.txt", &format!("{}\n", requirements.join("\n")));
        project.run(&format!("lock --python-version {python} --platform linux-x86_64 --glibc 2.35"))
    };
    let requirements: Vec<String> = requirements.iter().map(ToString::to_string).collect();
    let explained = lock(&requirements).snapshot();
    assert!(explained.starts_with("exit code 1\n"), "{explained}");
    assert!(explained.lines().count() <= MOST_LINES, "{explained}");
    assert!(!project.path("pylock.toml").exists());
    for line in explained.lines() {
        let Some((change, gives)) = line.split_once(": gives ") else { continue };
        lock(&changed(&requirements, change)).success();
        let locked = locked_packages(&project.read("pylock.toml"));
        for promised in gives.split(", ") {
            let promised = promised.split(" (").next().unwrap_or_default();
            assert!(locked.iter().any(|package| package == promised), "{line}: {locked:?}");
        }
    }
    explained
}

/// The requirements after a change as an explanation words it.
#[track_caller]
fn changed(requirements: &[String], change: &str) -> Vec<String> {
    let name =
        |requirement: &str| requirement.split(['=', '<', '>', '!', '~', ' ']).next().unwrap().to_owned();
    let (old, new) = if let Some(requirement) = change.strip_prefix("  - relax ") {
        (requirement.to_owned(), name(requirement))
    } else if let Some((_, requirement)) = change.split_once(", by asking for ") {
        let same = |line: &&String| name(line) == name(requirement);
        (requirements.iter().find(same).unwrap().clone(), requirement.to_owned())
    } else {
        panic!("no test knows how to make the change `{change}`");
    };
    assert!(requirements.contains(&old), "{change}");
    requirements.iter().map(|line| if *line == old { new.clone() } else { line.clone() }).collect()
}

#[test]
fn a_compiled_package_of_before_numpy_2() {
    assert_snapshot!(explain("3.12", &["numpy>=2", "numba==0.59.1"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require numba==0.59.1
      - you require numpy>=2
      - numba 0.59.1 requires numpy>=1.22,<1.27
    Any one of these changes is enough:
      - relax numpy>=2: gives numpy 1.26.4 (of 2024-02-05), numba 0.59.1
      - relax numba==0.59.1: gives numba 0.68.1, numpy 2.5.4
    ");
}

#[test]
fn a_framework_of_before_protobuf_5() {
    assert_snapshot!(explain("3.11", &["tensorflow==2.12.*", "protobuf>=5"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.11, linux-x86_64, glibc 2.35)
      - you require protobuf>=5
      - you require tensorflow==2.12.*
      - every tensorflow from 2.12.0 to 2.12.1 (2 versions) requires protobuf>=3.20.3,<5.0.0,!=4.21.0,!=4.21.1,!=4.21.2,!=4.21.3,!=4.21.4,!=4.21.5
    Any one of these changes is enough:
      - relax tensorflow==2.12.*: gives tensorflow 2.21.0, protobuf 7.36.2
      - relax protobuf>=5: gives protobuf 4.25.9, tensorflow 2.12.1
    ");
}

#[test]
fn a_library_that_holds_its_own_companion_back() {
    assert_snapshot!(explain("3.12", &["transformers==4.46.*", "huggingface-hub>=1.0"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require huggingface-hub>=1.0
      - you require transformers==4.46.*
      - every transformers from 4.46.1 to 4.46.3 (3 versions) requires huggingface-hub>=0.23.2,<1.0
    Any one of these changes is enough:
      - relax transformers==4.46.*: gives transformers 5.23.0, huggingface-hub 2.4.0
      - relax huggingface-hub>=1.0: gives huggingface-hub 0.36.2 (of 2026-02-06), transformers 4.46.3
    ");
}

#[test]
fn a_pin_that_another_package_has_outgrown() {
    assert_snapshot!(explain("3.12", &["albumentations==2.0.8", "opencv-python-headless==4.8.*"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require albumentations==2.0.8
      - you require opencv-python-headless==4.8.*
      - albumentations 2.0.8 requires opencv-python-headless>=4.9.0.80
    Any one of these changes is enough:
      - relax albumentations==2.0.8: gives albumentations 1.3.1 (of 2023-06-10), opencv-python-headless 4.8.1.78
      - relax opencv-python-headless==4.8.*: gives opencv-python-headless 5.0.0.93, albumentations 2.0.8
    ");
}

#[test]
fn a_misspelt_name() {
    assert_snapshot!(explain("3.12", &["trasformers", "huggingface-hub"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require trasformers
      - trasformers was not found on [INDEX]/simple/
    Hint: did you mean transformers?
    ");
}

#[test]
fn a_name_that_nobody_has_taken() {
    assert_snapshot!(explain("3.12", &["pytorch-flash-attention-utils", "numpy"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require pytorch-flash-attention-utils
      - pytorch-flash-attention-utils was not found on [INDEX]/simple/
    Hint: if pytorch-flash-attention-utils is on an index of its own, name that with --extra-index-url
    ");
}

#[test]
fn a_range_whose_only_version_was_withdrawn() {
    assert_snapshot!(explain("3.12", &["transformers>4.45.2,<4.46.1", "tokenizers"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require transformers>4.45.2,<4.46.1
      - transformers 4.46.0 was yanked: This version unfortunately does not work with 3.8 but we did not drop the support yet
    Any one of these changes is enough:
      - relax transformers>4.45.2,<4.46.1: gives transformers 5.23.0
      - take the yanked transformers 4.46.0, by asking for transformers==4.46.0: gives transformers 4.46.0
    ");
}

#[test]
fn a_python_that_is_too_old() {
    assert_snapshot!(explain("3.10", &["numpy>=2.3", "scipy"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.10, linux-x86_64, glibc 2.35)
      - you require numpy>=2.3
      - every numpy from 2.5.0 to 2.5.4 (5 versions) needs Python >=3.12, and the target has 3.10.0
      - every numpy from 2.4.1 to 2.4.6 (6 versions) needs Python >=3.11, and the target has 3.10.0
    Any one of these changes is enough:
      - relax numpy>=2.3: gives numpy 2.2.6 (of 2025-05-17)
    Hint: numpy has versions for Python 3.11: --python-version 3.11
    ");
}

#[test]
fn a_version_that_is_not_released_yet() {
    assert_snapshot!(explain("3.12", &["tokenizers>=0.24", "safetensors"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require tokenizers>=0.24
      - every tokenizers>=0.24 is a pre-release, and none was asked for
    Any one of these changes is enough:
      - relax tokenizers>=0.24: gives tokenizers 0.23.3
      - allow pre-releases of tokenizers, by asking for tokenizers>=1.0.0rc3: gives tokenizers 1.0.0rc3
    ");
}

#[test]
fn a_package_for_another_platform() {
    assert_snapshot!(explain("3.12", &["triton-windows", "numpy"]), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.35)
      - you require triton-windows
      - every version of triton-windows has no wheel for the target: they are for Windows
    ");
}
