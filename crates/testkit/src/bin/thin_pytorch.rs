//! Makes `tests/recordings/pytorch.jsonl.zst` from a list of the wheels on PyTorch's index:
//! `thin_pytorch WHEELS.json RECORDING`.
//!
//! The list is a JSON array of objects with `index` (an address that ends in `/whl/SUB-INDEX`), `project`, `filename`,
//! `sha256`, `upload_time`, `requires_python` and `requires_dist`, where null stands for what is not known. Kept are
//! the wheels of torch and its companions whose requirements are known, for CPython 3.12 and the platforms that a target
//! can have. Triton's are taken to require nothing where that is not known, and stand in the channel's root for every
//! sub-index of their kind, as the real ones do.
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

use mlresolve_testkit::{PyTorchIndex, normalize};
use serde::Deserialize;

/// The projects that are kept, each from the release on that goes with torch 2.4.
const PROJECTS: &[(&str, &[u32])] = &[
    ("torch", &[2, 4]),
    ("torchvision", &[0, 19]),
    ("torchaudio", &[2, 4]),
    ("triton", &[3]),
    ("triton-rocm", &[3]),
    ("triton-xpu", &[3]),
    ("pytorch-triton", &[3]),
    ("pytorch-triton-rocm", &[3]),
    ("pytorch-triton-xpu", &[3]),
    ("xformers", &[0, 0, 27]),
];

/// A wheel in the list.
#[derive(Deserialize)]
struct Listed {
    index: String,
    project: String,
    filename: String,
    sha256: Option<String>,
    upload_time: Option<String>,
    requires_python: Option<String>,
    requires_dist: Option<Vec<String>>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, recording] = arguments.as_slice() else {
        eprintln!("usage: thin_pytorch WHEELS.json RECORDING");
        return ExitCode::from(2);
    };
    match thin(list, recording) {
        Ok(kept) => {
            eprintln!("{kept} wheels written to {recording}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("thin_pytorch: {error}");
            ExitCode::FAILURE
        }
    }
}

fn thin(list: &str, recording: &str) -> Result<usize, Box<dyn Error>> {
    let mut wheels: Vec<Listed> = serde_json::from_slice(&std::fs::read(list)?)?;
    let all: BTreeSet<String> = wheels.iter().map(|wheel| sub_index(wheel).to_owned()).collect();
    // What is alike stands together, which makes the file half as large. Of two entries for a file the first is kept.
    wheels.sort_by(|one, other| (&one.project, &one.filename).cmp(&(&other.project, &other.filename)));
    let mut index = PyTorchIndex::new();
    let mut seen = BTreeSet::new();
    for wheel in wheels.iter().filter(|wheel| is_kept(wheel)) {
        let project = normalize(&wheel.project);
        let shared = project.contains("triton");
        let place = if shared { "" } else { sub_index(wheel) };
        if !seen.insert((place, wheel.filename.as_str())) {
            continue;
        }
        let requires_dist: Vec<&str> = wheel.requires_dist.iter().flatten().map(String::as_str).collect();
        // Poetry's locks, from which some of the list is, say `*` where the wheel says nothing.
        let requires_python = wheel.requires_python.as_deref().filter(|&python| python != "*");
        index = if shared {
            let kind = kind_of_project(&project);
            let places: Vec<&str> =
                all.iter().map(String::as_str).filter(|name| kind_of_sub_index(name) == kind).collect();
            index.shared_wheel(&places, &wheel.filename, requires_python, &requires_dist)
        } else {
            index.wheel(place, &wheel.filename, requires_python, &requires_dist)
        };
        if wheel.sha256.is_none() {
            index = index.without_hash();
        }
        if let Some(upload_time) = &wheel.upload_time {
            index = index.upload_time(upload_time);
        }
    }
    index.write(recording)?;
    Ok(index.len())
}

fn sub_index(wheel: &Listed) -> &str {
    wheel.index.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Whose GPUs a sub-index is for: `rocm`, `xpu`, or nothing for those of CUDA and for `cpu`.
fn kind_of_sub_index(name: &str) -> &str {
    ["rocm", "xpu"].into_iter().find(|kind| name.starts_with(kind)).unwrap_or_default()
}

/// Whose GPUs a triton is for, in the same words.
fn kind_of_project(name: &str) -> &str {
    ["rocm", "xpu"].into_iter().find(|kind| name.ends_with(kind)).unwrap_or_default()
}

fn is_kept(wheel: &Listed) -> bool {
    let project = normalize(&wheel.project);
    let Some((_, oldest)) = PROJECTS.iter().find(|(name, _)| *name == project) else { return false };
    let parts: Vec<&str> = wheel.filename.trim_end_matches(".whl").split('-').collect();
    let (Some(version), [.., python, abi, platform]) = (parts.get(1), parts.as_slice()) else {
        return false;
    };
    (wheel.requires_dist.is_some() || project.contains("triton"))
        && release(version).as_slice() >= *oldest
        && runs_on_python_3_12(python, abi)
        && is_a_platform_of_targets(platform)
}

/// The numbers before the first part that is not one: `[0, 0, 27]` of `0.0.27.post2`.
fn release(version: &str) -> Vec<u32> {
    let public = version.split('+').next().unwrap_or_default();
    public.split('.').map_while(|part| part.parse().ok()).collect()
}

fn runs_on_python_3_12(python: &str, abi: &str) -> bool {
    let minor = python.strip_prefix("cp3").and_then(|minor| minor.parse::<u32>().ok());
    match (abi, minor) {
        ("cp312", _) => true,
        ("abi3", Some(minor)) => minor <= 12,
        // macOS has `cp312-none` up to torch 2.10, xformers `py39-none`.
        ("none", _) => matches!(python, "cp312" | "py3" | "py39"),
        _ => false,
    }
}

fn is_a_platform_of_targets(platform: &str) -> bool {
    let linux = platform.contains("linux") && (platform.ends_with("x86_64") || platform.ends_with("aarch64"));
    linux || (platform.starts_with("macosx") && platform.ends_with("arm64"))
}
