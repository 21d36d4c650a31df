//! Every build of the tables on many machines: what `judge_build` says is what a plain reading of the tables' text says.
//!
//! Nothing here uses the crate's reader of tables, so that a mistake in it cannot hide.

#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test")]

use mlresolve_packaging::parse_version;
use mlresolve_target::runs::{Build, Refusal, judge_build};
use mlresolve_target::{Platform, Target};

const BUILDS: &str = include_str!("../facts/builds.tsv");
const MAJORS: &str = include_str!("../facts/majors.tsv");
const TOOLKITS: &str = include_str!("../facts/toolkits.tsv");

/// Names with the capability that each is known by.
const GPUS: [(&str, &str); 11] = [
    ("sm_50", "5.0"),
    ("P100", "6.0"),
    ("Tesla V100-SXM2-16GB", "7.0"),
    ("T4", "7.5"),
    ("NVIDIA A100-SXM4-40GB", "8.0"),
    ("RTX 4090", "8.9"),
    ("NVIDIA H100 80GB HBM3", "9.0"),
    ("B300", "10.3"),
    ("Thor", "11.0"),
    ("12.1", "12.1"),
    // Not made yet: PTX alone can run on it.
    ("sm_150", "15.0"),
];

const DRIVERS: [Option<&str>; 6] =
    [None, Some("470.256.02"), Some("535.54.03"), Some("570.26"), Some("580"), Some("595.71.05")];

/// The cells of a table's rows.
fn rows(table: &'static str) -> Vec<Vec<&'static str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split('\t').collect()).collect()
}

fn numbers(text: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = text.split('.').map(|part| part.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

/// The rows' second cell for a key in the first.
fn look_up(table: &'static str, key: &str) -> Vec<u32> {
    numbers(rows(table).into_iter().find(|row| row[0] == key).unwrap()[1])
}

/// Whether a driver is as new as another. A bare branch is some release of that branch.
fn reaches(driver: &str, other: &[u32]) -> bool {
    if driver.contains('.') { numbers(driver).as_slice() >= other } else { numbers(driver)[0] >= other[0] }
}

/// What stands in the way, as the tables' text has it.
fn expected(cuda: &str, compiled: &str, driver: Option<&str>, capability: &str) -> Vec<&'static str> {
    if cuda == "-" {
        return vec!["cpu"];
    }
    let mut found = Vec::new();
    let major = cuda.split('.').next().unwrap();
    if driver.is_some_and(|driver| !reaches(driver, &look_up(MAJORS, major))) {
        found.push("driver");
    }
    let gpu = numbers(capability);
    if compiled == "?" {
        let oldest = rows(MAJORS).into_iter().find(|row| row[0] == major).unwrap()[2];
        if gpu < numbers(oldest) {
            found.push("toolkit");
        }
        return found;
    }
    let mut by_machine_code = false;
    let mut by_ptx = false;
    for code in compiled.split(' ') {
        let plain = numbers(code.trim_end_matches("+PTX"));
        by_machine_code |= plain[0] == gpu[0] && plain[1] <= gpu[1];
        by_ptx |= code.ends_with("+PTX") && plain <= gpu;
    }
    let compiles = driver.is_none_or(|driver| reaches(driver, &look_up(TOOLKITS, cuda)));
    if !by_machine_code && !by_ptx {
        found.push("gpu");
    } else if !by_machine_code && !compiles {
        found.push("ptx");
    }
    found
}

#[test]
fn every_build_on_every_machine_is_judged_as_the_tables_say() {
    let (mut cases, mut refused) = (0, 0);
    for row in rows(BUILDS) {
        let &[first, last, variant, machine, cuda, compiled, ..] = row.as_slice() else { panic!("{row:?}") };
        let platform = match machine {
            "x86_64" => Platform::LinuxX86_64,
            "aarch64" => Platform::LinuxAarch64,
            other => panic!("{other}"),
        };
        for release in [first, last] {
            let torch = parse_version(release).unwrap();
            // PyPI's own build is told by what its metadata asks for, all others by where they come from.
            let asked = (variant == "pypi" && cuda != "-").then(|| cuda.parse().unwrap());
            let build = Build { torch: Some(&torch), variant: variant.parse().unwrap(), cuda: asked };
            for (name, capability) in GPUS {
                for driver in DRIVERS {
                    // Not `checked`: whether there is such a machine is another matter.
                    let mut target = Target::new("case", "3.12".parse().unwrap(), platform)
                        .unwrap()
                        .with_gpus(vec![name.parse().unwrap()]);
                    if let Some(driver) = driver {
                        target = target.with_driver(driver.parse().unwrap());
                    }
                    let verdict = judge_build(&target, &build);
                    let kinds: Vec<&str> = verdict.refusals.iter().map(kind).collect();
                    let case = format!("torch {release} {variant} {machine} on {name}, driver {driver:?}");
                    assert_eq!(kinds, expected(cuda, compiled, driver, capability), "{case}");
                    assert_eq!(verdict.notes.is_empty(), compiled != "?", "{case}: {:?}", verdict.notes);
                    for refusal in &verdict.refusals {
                        let text = refusal.to_string();
                        let is_cited = text.ends_with(']') && text.contains(", read 20");
                        assert!(is_cited || matches!(refusal, Refusal::CpuBuild { .. }), "{case}: {text}");
                    }
                    cases += 1;
                    refused += usize::from(!kinds.is_empty());
                }
            }
        }
    }
    // Both answers are there, so that neither stands for all.
    assert!(cases > 10_000 && refused > cases / 10 && refused < cases * 9 / 10, "{refused} of {cases}");
}

fn kind(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::CpuBuild { .. } => "cpu",
        Refusal::Driver { .. } => "driver",
        Refusal::Gpu { .. } => "gpu",
        Refusal::Ptx { .. } => "ptx",
        Refusal::Toolkit { .. } => "toolkit",
        _ => "another",
    }
}
