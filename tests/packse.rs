//! The scenarios of packse, which uv is tested with: every one is locked, and what has to come of it compared.
//!
//! `tests/packse/README.md` says where they come from. Where mlresolve answers otherwise on purpose, the tables here say
//! what it answers and why; an answer that is neither packse's nor the table's fails, and so does a line of a table
//! that is no longer needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use insta::assert_snapshot;
use mlresolve::packaging::SpecifierSet;
use mlresolve::{Access, Error, LockRequest, TargetRequest, Watch, lock_blocking};
use mlresolve_testkit::{IndexServer, Scenario};

/// Scenarios for one machine, with what is locked here instead (`None`: nothing can be) and why.
const OTHERWISE: &[(&str, Option<&str>, &str)] = &[
    (
        "extra-does-not-exist-backtrack",
        Some("a 1.0.0, b 1.0.0"),
        "a newer version without the extra does not stand in for the one that has it",
    ),
    ("python-less-than-current", None, "Requires-Python counts on both sides: <=3.8 leaves 3.9 out"),
    (
        "python-patch-override-no-patch",
        Some("a 1.0.0"),
        "a target that names no patch, 3.9, stands for any release of that minor, and 3.9.4 is one",
    ),
    (
        "transitive-prerelease-and-stable-dependency",
        Some("a 1.0.0, b 1.0.0, c 2.0.0b1"),
        "a package requires a pre-release by name, and PEP 440 takes one where no final version meets a requirement",
    ),
    (
        "transitive-prerelease-and-stable-dependency-many-versions",
        Some("a 1.0.0, b 1.0.0, c 2.0.0b9"),
        "a package requires a pre-release by name, and PEP 440 takes one where no final version meets a requirement",
    ),
];

/// Universal scenarios and the machines (by a part of their name) for which the answer is the other one, and why. A lock
/// is for one machine, so what contradicts itself only across machines does not contradict itself here.
const ELSEWHERE: &[(&str, &[&str], &str)] = &[
    ("conflict-in-fork", &[""], "the systems os1 and os2 are no target's, so nothing is required"),
    ("fork-marker-disjoint", &["macos"], "the contradiction is under sys_platform == 'linux'"),
    ("fork-non-local-fork-marker-direct", &[""], "one half is required on Linux, the other on macOS"),
    ("fork-non-local-fork-marker-transitive", &[""], "one half is required on Linux, the other on macOS"),
    (
        "preferences-dependent-forking-conflicting",
        &[""],
        "cleaver 1 requires foo==1 on Linux alone and bar==1 elsewhere alone, and each has a solution",
    ),
    (
        "specific-architecture",
        &["3.12 linux", "3.14 linux", "linux-aarch64"],
        "there is no source, the wheels are for 3.13, and manylinux2010 (PEP 571) is for x86",
    ),
];

/// The machines that a universal scenario is stated for, as far as its project's requires-python goes.
const PYTHONS: [&str; 5] = ["3.10", "3.11", "3.12", "3.13", "3.14"];
const PLATFORMS: [&str; 3] = ["linux-x86_64", "linux-aarch64", "macos-arm64"];

#[derive(Clone, Copy)]
struct Machine<'a> {
    python: &'a str,
    platform: &'a str,
    glibc: Option<&'a str>,
}

impl fmt::Display for Machine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.python, self.platform)
    }
}

/// The versions by name, or `None` where there is no solution.
type Answer = Option<BTreeMap<String, String>>;

fn scenarios(universal: bool) -> BTreeMap<String, Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packse/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scenarios = BTreeMap::new();
    for path in files {
        scenarios.extend(Scenario::read(&std::fs::read_to_string(path).unwrap()));
    }
    assert_eq!(scenarios.len(), 147);
    scenarios.retain(|_, scenario| scenario.resolver_options.universal == universal);
    scenarios
}

/// Locks a scenario for a machine. What is no answer, such as an index that fails, is an `Err`.
fn lock(scenario: &Scenario, index: &IndexServer, machine: Machine) -> Result<Answer, String> {
    let options = &scenario.resolver_options;
    let request = LockRequest {
        target: TargetRequest {
            name: "default".to_owned(),
            python: machine.python.to_owned(),
            platform: machine.platform.to_owned(),
            glibc: machine.glibc.map(str::to_owned),
            ..TargetRequest::default()
        },
        prerelease: options.prereleases.then(|| "allow".to_owned()),
        only_binary: options.no_build.clone(),
        no_binary: options.no_binary.clone(),
        ..LockRequest::new(&scenario.root.requires)
    };
    let access = Access { index_url: index.index_url(), ..Access::default() };
    match lock_blocking(&request, None, &access, &Watch::default()) {
        Ok(locked) => {
            let version =
                |package: &mlresolve::lockfile::Package| package.version.as_ref().unwrap().to_string();
            let packages = locked.lock.packages.iter();
            Ok(Some(packages.map(|package| (package.name.to_string(), version(package))).collect()))
        }
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn show(answer: &Answer) -> String {
    let Some(packages) = answer else { return "no solution".to_owned() };
    let packages: Vec<String> = packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
    if packages.is_empty() { "nothing".to_owned() } else { packages.join(", ") }
}

/// Whether an answer is the one that packse expects.
fn is_expected(scenario: &Scenario, answer: &Answer) -> bool {
    let expected = &scenario.expected;
    match answer {
        None => !expected.satisfiable,
        Some(_) if expected.packages.is_empty() => expected.satisfiable,
        Some(packages) => expected.satisfiable && *packages == expected.packages,
    }
}

#[track_caller]
fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "{} differ:\n  {}", failures.len(), failures.join("\n  "));
}

#[test]
fn scenarios_for_one_machine() {
    let scenarios = scenarios(false);
    assert_eq!(scenarios.len(), 106);
    let mut otherwise: BTreeMap<_, _> = OTHERWISE.iter().map(|(name, answer, _)| (*name, *answer)).collect();
    let mut failures = Vec::new();
    for (name, scenario) in &scenarios {
        let options = &scenario.resolver_options;
        let machine = Machine {
            python: options.python.as_deref().unwrap_or(&scenario.environment.python),
            platform: "linux-x86_64",
            glibc: options.python_platform.as_deref().map(|platform| match platform {
                "x86_64-manylinux2014" => "2.17",
                other => panic!("{name}: the platform {other} is not known here"),
            }),
        };
        let index = IndexServer::start(scenario.universe());
        let answer = match lock(scenario, &index, machine) {
            Ok(answer) => answer,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let expected = is_expected(scenario, &answer);
        match otherwise.remove(name.as_str()) {
            None if expected => {}
            None => failures.push(format!("{name}: {}", show(&answer))),
            Some(_) if expected => failures.push(format!("{name}: is as expected, and no exception")),
            Some(ours) if show(&answer) == ours.unwrap_or("no solution") => {}
            Some(_) => failures.push(format!("{name}: {}, which is nobody's answer", show(&answer))),
        }
    }
    failures.extend(otherwise.keys().map(|name| format!("{name}: there is no such scenario")));
    assert_none(&failures);
}

#[test]
fn universal_scenarios_for_each_machine() {
    let scenarios = scenarios(true);
    assert_eq!(scenarios.len(), 41);
    let mut elsewhere: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (name, machines, _) in ELSEWHERE {
        elsewhere.extend(machines.iter().map(|part| (*name, *part)));
    }
    let mut unneeded = elsewhere.clone();
    let (mut failures, mut shown) = (Vec::new(), String::new());
    for (name, scenario) in &scenarios {
        let index = IndexServer::start(scenario.universe());
        let mut answers: BTreeMap<String, Vec<Machine>> = BTreeMap::new();
        for machine in machines_of(scenario) {
            let exceptions = elsewhere
                .iter()
                .filter(|(scenario, part)| scenario == name && machine.to_string().contains(part));
            let exceptions: Vec<_> = exceptions.copied().collect();
            match lock(scenario, &index, machine) {
                Ok(answer) => {
                    let expected = is_expected(scenario, &answer);
                    if expected != exceptions.is_empty() {
                        failures.push(format!("{name}, {machine}: {}", show(&answer)));
                    }
                    if !expected {
                        unneeded.retain(|exception| !exceptions.contains(exception));
                    }
                    answers.entry(show(&answer)).or_default().push(machine);
                }
                Err(error) => failures.push(format!("{name}, {machine}: {error}")),
            }
        }
        shown.push_str(&format!("{name}\n"));
        for (answer, machines) in answers {
            shown.push_str(&format!("  {}: {answer}\n", in_words(&machines, &machines_of(scenario))));
        }
    }
    failures.extend(
        unneeded.iter().map(|(name, part)| format!("{name}, {part:?}: is as expected, and no exception")),
    );
    assert_none(&failures);
    assert_snapshot!(shown, @"
    conflict-in-fork
      each: nothing
    fork-allows-non-conflicting-non-overlapping-dependencies
      macos-arm64: a 1.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-allows-non-conflicting-repeated-dependencies
      each: a 1.0.0
    fork-basic
      macos-arm64: a 1.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-conflict-unsatisfiable
      each: no solution
    fork-filter-sibling-dependencies
      macos-arm64: a 4.3.0, c 1.0.0, d 2.0.0
      linux-x86_64, linux-aarch64: a 4.4.0, b 1.0.0, d 1.0.0
    fork-incomplete-markers
      3.12: a 1.0.0, b 1.0.0
      3.14: a 2.0.0, b 1.0.0
      3.13: b 1.0.0, c 1.0.0
    fork-marker-accrue
      macos-arm64: a 1.0.0
      linux-x86_64, linux-aarch64: a 1.0.0, c 1.0.0
    fork-marker-disjoint
      linux-x86_64, linux-aarch64: no solution
      macos-arm64: nothing
    fork-marker-inherit
      macos-arm64: a 1.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-marker-inherit-combined
      macos-arm64: a 1.0.0, b 2.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-marker-inherit-combined-allowed
      macos-arm64: a 1.0.0, b 2.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-marker-inherit-combined-disallowed
      macos-arm64: a 1.0.0, b 2.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-marker-inherit-isolated
      macos-arm64: a 1.0.0
      linux-x86_64, linux-aarch64: a 2.0.0, b 1.0.0
    fork-marker-inherit-transitive
      macos-arm64: a 1.0.0, b 1.0.0, c 1.0.0
      linux-x86_64, linux-aarch64: a 2.0.0
    fork-marker-limited-inherit
      macos-arm64: a 1.0.0, b 1.0.0
      linux-x86_64, linux-aarch64: a 2.0.0, b 1.0.0, c 1.0.0
    fork-marker-selection
      macos-arm64: a 0.1.0, b 1.0.0
      linux-x86_64, linux-aarch64: a 0.2.0, b 2.0.0
    fork-marker-track
      macos-arm64: a 1.3.1, b 2.7
      linux-x86_64, linux-aarch64: a 4.3.0, b 2.8
    fork-non-fork-marker-transitive
      each: a 1.0.0, b 1.0.0, c 2.0.0
    fork-non-local-fork-marker-direct
      linux-x86_64, linux-aarch64: a 1.0.0, c 1.0.0
      macos-arm64: b 1.0.0, c 2.0.0
    fork-non-local-fork-marker-transitive
      linux-x86_64, linux-aarch64: a 1.0.0, b 1.0.0, c 1.0.0
      macos-arm64: a 1.0.0, b 1.0.0, c 2.0.0
    fork-overlapping-markers-basic
      each: a 1.2.0
    fork-remaining-universe-partitioning
      each: nothing
    fork-requires-python
      each: nothing
    fork-requires-python-full
      each: nothing
    fork-requires-python-full-prerelease
      each: nothing
    fork-requires-python-patch-overlap
      3.10: a 1.0.0
      3.11, 3.12, 3.13, 3.14: nothing
    fork-upgrade
      each: bar 2.0.0, foo 2.0.0
    marker-variants-have-different-extras
      each: psycopg 1.0.0, psycopg-binary 1.0.0
    preferences-dependent-forking
      macos-arm64: bar 1.0.0, cleaver 1.0.0, foo 2.0.0
      linux-x86_64, linux-aarch64: bar 2.0.0, cleaver 1.0.0, foo 1.0.0
    preferences-dependent-forking-bistable
      linux-x86_64, linux-aarch64: cleaver 2.0.0, fork-sys-platform 1.0.0, reject-cleaver2 1.0.0, reject-cleaver2-proxy 1.0.0
      macos-arm64: cleaver 2.0.0, fork-sys-platform 2.0.0, reject-cleaver2 1.0.0, reject-cleaver2-proxy 1.0.0
    preferences-dependent-forking-conflicting
      macos-arm64: bar 1.0.0, cleaver 1.0.0, foo 2.0.0
      linux-x86_64, linux-aarch64: bar 2.0.0, cleaver 1.0.0, foo 1.0.0
    preferences-dependent-forking-tristable
      linux-x86_64, linux-aarch64: a 1.0.0, b 1.0.0, bar 2.0.0, cleaver 2.0.0, foo 2.0.0, unrelated-dep 1.0.0, unrelated-dep3 1.0.0
      macos-arm64: a 1.0.0, b 1.0.0, bar 2.0.0, cleaver 2.0.0, foo 2.0.0, unrelated-dep 2.0.0, unrelated-dep3 1.0.0
    requires-python-subset
      each: nothing
    requires-python-wheels
      each: a 1.0.0
    specific-architecture
      macos-arm64: a 1.0.0
      3.13 linux-x86_64: a 1.0.0, b 1.0.0
      linux-aarch64, 3.12 linux-x86_64, 3.14 linux-x86_64: no solution
    unreachable-package
      each: nothing
    unreachable-wheels
      linux-x86_64, linux-aarch64: b 1.0.0
      macos-arm64: c 1.0.0
    virtual-package-extra-priorities
      each: a 1.0.0, b 1.0.0
    wrong-backtracking-basic
      each: a 1.0.0, b 2.0.9
    wrong-backtracking-indirect
      each: a 1.0.0, b 1.0.0, b-inner 2.0.9
    ");
}

/// The machines that a scenario's project is for.
fn machines_of(scenario: &Scenario) -> Vec<Machine<'static>> {
    let requires: SpecifierSet =
        scenario.root.requires_python.as_deref().unwrap_or(">=3.12").parse().unwrap();
    // A target of a minor version stands for any of its releases.
    let takes = |python: &&str| requires.contains(&format!("{python}.99").parse().unwrap());
    let pythons = PYTHONS.into_iter().filter(takes);
    let machine = |python, platform| Machine { python, platform, glibc: None };
    pythons.flat_map(|python| PLATFORMS.into_iter().map(move |platform| machine(python, platform))).collect()
}

/// Some of all machines: by platform or by Python, where that says it.
fn in_words(some: &[Machine], all: &[Machine]) -> String {
    let covers = |part: &dyn Fn(&Machine) -> bool| {
        let count = |machines: &[Machine]| machines.iter().filter(|machine| part(machine)).count();
        count(some) > 0 && count(some) == count(all)
    };
    if some.len() == all.len() {
        return "each".to_owned();
    }
    let platforms: Vec<&str> =
        PLATFORMS.into_iter().filter(|platform| covers(&|machine| machine.platform == *platform)).collect();
    let rest: Vec<Machine> =
        some.iter().copied().filter(|machine| !platforms.contains(&machine.platform)).collect();
    let pythons: Vec<&str> =
        PYTHONS.into_iter().filter(|python| covers(&|machine| machine.python == *python)).collect();
    let rest = rest.iter().filter(|machine| !pythons.contains(&machine.python));
    let words = platforms.iter().map(ToString::to_string);
    let words = words.chain(pythons.iter().map(ToString::to_string)).chain(rest.map(ToString::to_string));
    words.collect::<Vec<_>>().join(", ")
}
