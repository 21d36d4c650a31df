//! Group S: what a registry may do to the solver. S01 to S20.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use mlresolve::{Access, CancellationToken, Error, Event, LockRequest, Locked, Watch, lock_blocking};
use mlresolve_testkit::{IndexServer, PublishedFile, Universe, WheelBuilder};

use super::bounded;
use crate::support::{Project, locked_packages};

/// The tests elsewhere that hold a case, alone or together with those here, each by its number.
const HELD_ELSEWHERE: &[(&str, &str, &[&str])] = &[
    ("s01", "tests/packse.rs", &["scenarios_for_one_machine", "universal_scenarios_for_each_machine"]),
    (
        "s02",
        "crates/solver/src/tests/laws.rs",
        &["a_solution_is_found_exactly_when_there_is_one", "an_explanation_is_true"],
    ),
    (
        "s03",
        "crates/solver/src/tests/explanations.rs",
        &["a_thousand_versions_against_a_thousand_are_a_few_lines"],
    ),
    ("s04", "crates/solver/src/tests/explanations.rs", &["a_chain_of_five_thousand_does_not_overflow"]),
    ("s05", "crates/solver/src/tests/rules.rs", &["a_long_history_of_pairs_is_walked_back_quickly"]),
    ("s07", "crates/solver/src/tests/rules.rs", &["fifty_extras_of_fifty_extras_end"]),
    ("s16", "tests/promises.rs", &["a_wheel_that_is_not_there_costs_its_version_only"]),
    (
        "s17",
        "tests/determinism.rs",
        &["the_order_of_answers_does_not_matter", "the_order_of_requirements_does_not_matter"],
    ),
    ("s18", "crates/solver/src/tests/rules.rs", &["a_solve_can_be_stopped_at_every_step"]),
];

#[test]
fn every_case_is_held() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = std::fs::read_to_string(root.join(file!())).unwrap();
    for number in (1..=20).map(|number| format!("s{number:02}")) {
        let elsewhere = HELD_ELSEWHERE.iter().filter(|(case, _, _)| *case == number);
        let mut held = here.contains(&format!("fn {number}_"));
        for (_, path, tests) in elsewhere {
            let text = std::fs::read_to_string(root.join(path)).unwrap();
            let lacking = tests.iter().find(|test| !text.contains(&format!("fn {test}(")));
            assert_eq!(lacking, None, "{number} is said to be held in {path}");
            held = true;
        }
        assert!(held, "{number} is held nowhere");
    }
}

/// A project beside an index of these releases, which asks for these.
fn asking(releases: &str, requirements: &[&str]) -> Project {
    let project = Project::new(releases);
    project.write("requirements.txt", &format!("{}\n", requirements.join("\n")));
    project
}

/// What is locked, within the limits.
#[track_caller]
fn locked(project: &Project, options: &str) -> Vec<String> {
    let run = bounded(project, &format!("lock --upgrade {options}")).success();
    assert!(!run.stderr().contains("panicked"), "{}", run.stderr());
    locked_packages(&project.read("pylock.toml"))
}

/// Why nothing can be locked, within the limits: short, whatever the registry does.
#[track_caller]
fn refused(project: &Project, options: &str) -> String {
    let run = bounded(project, &format!("lock {options}"));
    let text = run.snapshot();
    assert_eq!(run.code(), 1, "{text}");
    assert!(text.len() <= 64_000 && text.lines().count() <= 30, "{} bytes", text.len());
    assert!(!project.path("pylock.toml").exists());
    let start = text.find("error: there is no solution").unwrap_or_else(|| panic!("{text}"));
    text[start..].to_owned()
}

#[test]
fn s03_a_thousand_versions_against_a_thousand() {
    let mut releases = String::new();
    for n in 0..1_000 {
        releases.push_str(&format!("a 1.{n}: c==1.{n}\nb 1.{n}: c==2.{n}\nc 1.{n} 2.{n}\n"));
    }
    assert_snapshot!(refused(&asking(&releases, &["a", "b"]), ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - you require b
      - every version of a requires one of 1000 ranges of c, all within c>=1.0,<=1.999
      - every version of b requires one of 1000 ranges of c, all within c>=2.0,<=2.999
    Any one of these changes is enough:
      - leave out a: gives b 1.999
      - leave out b: gives a 1.999
    ");
}

#[test]
fn s04_a_chain_of_five_thousand() {
    let mut releases = String::from("p5000 1\n");
    for n in 0..5_000 {
        releases.push_str(&format!("p{n} 1: p{}\n", n + 1));
    }
    let project = asking(&releases, &["p0"]);
    assert_eq!(locked(&project, "--no-cache").len(), 5_001);
    // What is drawn from the lock is as deep.
    assert_eq!(bounded(&project, "tree --depth 6000").success().stdout().lines().count(), 5_001);
    bounded(&project, "tree --depth 6000 --invert p5000").success();
    let chain = bounded(&project, "why p5000").success().stdout();
    assert!(chain.contains("p4999"), "{chain}");
}

#[test]
fn s05_a_long_history_of_pairs_costs_few_requests() {
    let mut releases = String::from("root 1: boto, url>=2\nurl 1\nurl 2\n");
    for n in 0..400 {
        let url = if n == 3 { "url" } else { "url<2" };
        releases.push_str(&format!("boto 1.{n}: core==1.{n}\ncore 1.{n}: {url}\n"));
    }
    let project = asking(&releases, &["root"]);
    assert_eq!(locked(&project, ""), ["boto 1.3", "core 1.3", "root 1", "url 2"]);
    let asked = project.index.requests().len();
    assert!(asked <= 900, "each of the 803 metadata is asked for once at most, and few in vain: {asked}");
}

#[test]
fn s06_cycles() {
    let two = asking("a 1: b\nb 1: a\n", &["a"]);
    assert_eq!(locked(&two, ""), ["a 1", "b 1"]);
    bounded(&two, "tree").success();
    bounded(&two, "why b").success();
    let three = "a 1: b<2\na 2: b>=2\nb 1: c<2\nb 2: c>=2\nc 1: a<2\nc 2: a<2\n";
    assert_eq!(locked(&asking(three, &["c"]), ""), ["a 1", "b 1", "c 1"]);
    let never = "a 1: b<2\na 2: b>=2\nb 1: c<2\nb 2: c>=2\nc 1: a>=2\nc 2: a<2\n";
    assert_snapshot!(refused(&asking(never, &["a"]), ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - a 1 requires b<2
      - a 2 requires b>=2
      - b 1 requires c<2
      - b 2 requires c>=2
      - c 1 requires a>=2
      - c 2 requires a<2
    ");
}

#[test]
fn s07_fifty_extras_of_fifty_extras() {
    let name = |n: usize| format!("e{n}");
    let all: Vec<String> = (0..50).map(|n| format!("a[{}]", name(n))).collect();
    let extras = (0..50).map(|n| format!("; [{}] {}, b{n}", name(n), all.join(", "))).collect::<String>();
    let mut releases = format!("a 1 2 3{extras}\n");
    (0..50).for_each(|n| releases.push_str(&format!("b{n} 1\n")));
    assert_eq!(locked(&asking(&releases, &["a[e7]"]), "").len(), 51);
}

#[test]
fn s08_constraints_and_overrides_that_contradict_each_other() {
    let project = asking("a 1: b\na 2: b\nb 1\nb 2\n", &["a"]);
    project.write("constraints.txt", "a<2\na>=2\n");
    assert_snapshot!(refused(&project, "-c constraints.txt"), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - your constraint a<2 leaves out the rest of a
      - your constraint a>=2 leaves out the rest of a
    Any one of these changes is enough:
      - drop the constraint a<2: gives a 2
      - drop the constraint a>=2: gives a 1
    ");
    project.write("over.txt", "b==1\nb==2\n");
    let run = bounded(&project, "lock --override over.txt");
    assert_eq!(run.code(), 2, "{}", run.stderr());
    assert!(run.stderr().contains("b is overridden twice for this target"), "{}", run.stderr());
    project.write("over.txt", "b>2\n");
    assert_snapshot!(refused(&project, "--override over.txt"), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - your override b>2 replaces every requirement on b
      - every version of a requires b>2
      - there is no b>2; the newest is 2
    ");
    // An override whose marker never holds takes the package out.
    project.write("over.txt", "b ; python_version < '3'\n");
    assert_eq!(locked(&project, "--override over.txt"), ["a 2"]);
}

#[test]
fn s09_pre_releases_alone_and_asked_for_by_others() {
    assert_eq!(locked(&asking("a 1.0rc1 1.0rc2\n", &["a"]), ""), ["a 1.0rc2"]);
    let project = asking("a 1: b>=2.0b1\nb 1 2.0b1\n", &["a"]);
    assert_eq!(locked(&project, ""), ["a 1", "b 2.0b1"]);
    assert!(
        project.run("lock").stderr().contains("warning: b 2.0b1 is a pre-release; no final version will do")
    );
    let project = asking("a 1: b>1\nb 1 2.0b1\n", &["a"]);
    assert_snapshot!(refused(&project, ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - a 1 requires b>1
      - b 2.0b1 is a pre-release, and none was asked for
    Any one of these changes is enough:
      - allow pre-releases of b, by asking for b>=2.0b1: gives b 2.0b1, a 1
    ");
    assert_eq!(locked(&project, "--prerelease allow"), ["a 1", "b 2.0b1"]);
}

#[test]
fn s10_yanked_alone_and_pinned() {
    let project = asking("a 1; yanked broken\n", &["a"]);
    assert_snapshot!(refused(&project, ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - a 1 was yanked: broken
    Any one of these changes is enough:
      - take the yanked a 1, by asking for a==1: gives a 1
    ");
    project.write("requirements.txt", "a==1\n");
    let run = bounded(&project, "lock").success();
    assert!(run.stderr().contains("yanked"), "{}", run.stderr());
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["a 1"]);
}

#[test]
fn s11_local_versions() {
    let builds =
        "torch 2.4.1+cu118 2.4.1+cu121 2.4.1+cpu\nvision 1: torch==2.4.1\naudio 1: torch==2.4.1+cpu\n";
    assert_eq!(locked(&asking(builds, &["vision"]), ""), ["torch 2.4.1+cu121", "vision 1"]);
    assert_eq!(locked(&asking(builds, &["vision", "audio"]), ""), ["audio 1", "torch 2.4.1+cpu", "vision 1"]);
    assert_snapshot!(refused(&asking(builds, &["torch==2.4.1+cu121", "audio"]), ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require audio
      - you require torch==2.4.1+cu121
      - audio 1 requires torch==2.4.1+cpu
    Any one of these changes is enough:
      - relax torch==2.4.1+cu121: gives torch 2.4.1+cpu, audio 1
      - leave out audio: gives torch 2.4.1+cu121
    ");
    // A local version is after its public one, and not greater than it in the sense of `>`.
    assert_eq!(locked(&asking("a 1 1+b 1+a.2 1+10\n", &["a<=1"]), ""), ["a 1+10"]);
    refused(&asking("a 1 1+b\n", &["a>1"]), "");
}

#[test]
fn s12_nothing_for_the_target() {
    let other = asking("a 1 2; wheel cp312-cp312-win_amd64 cp312-cp312-macosx_14_0_arm64\n", &["a"]);
    assert_snapshot!(refused(&other, ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a
      - every version of a has no wheel for the target: they are for Windows and macOS
    ");
    let cuda = asking(
        "torch 2.4.1+cu118 2.4.1+cpu; wheel cp312-cp312-manylinux_2_17_x86_64\n",
        &["torch==2.4.1+cu121"],
    );
    assert_snapshot!(refused(&cuda, ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require torch==2.4.1+cu121
      - there is no torch==2.4.1+cu121; the newest is 2.4.1+cu118
    Any one of these changes is enough:
      - relax torch==2.4.1+cu121: gives torch 2.4.1+cu118
    ");
    // What a source distribution requires is only known after building it, which nobody allowed.
    let source = Universe::new().package("a", "1", |release| {
        release.sdist_with(|sdist| sdist.dynamic("Requires-Dist").pyproject(None))
    });
    let source = Project::beside(IndexServer::start(source));
    source.write("requirements.txt", "a\n");
    refused(&source, "");
}

/// One package comes from one index. That the builds of a family for different CUDA versions do not mix needs
/// knowledge of accelerators, which targets do not have yet.
#[test]
fn s13_indexes_do_not_mix() {
    let own = IndexServer::start(Universe::new().text("torch 2.4.0+cu124"));
    let project =
        asking("torch 2.4.1+cu121\nvision 1: torch==2.4.1\nvision 0.9: torch==2.4.0\n", &["vision"]);
    let extra = format!("--extra-index-url {}", own.index_url());
    assert_eq!(locked(&project, &extra), ["torch 2.4.0+cu124", "vision 0.9"]);
    project.write("requirements.txt", "vision>=1\n");
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    let text = refused(&project, &extra);
    assert!(text.contains("vision 1 requires torch==2.4.1"), "{text}");
}

/// Pins on the same library of the vendor are a conflict like any other. Which of them are for which CUDA is not known
/// yet.
#[test]
fn s14_frameworks_that_pin_one_library_differently() {
    let releases = "
        torch 2.4.1: nvidia-cudnn-cu12==9.1.0.70
        tensorflow 2.18.0; [and-cuda] nvidia-cudnn-cu12==9.3.0.75
        nvidia-cudnn-cu12 9.1.0.70 9.3.0.75";
    assert_snapshot!(refused(&asking(releases, &["torch", "tensorflow[and-cuda]"]), ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require tensorflow[and-cuda]
      - you require torch
      - torch 2.4.1 requires nvidia-cudnn-cu12==9.1.0.70
      - tensorflow[and-cuda] 2.18.0 requires nvidia-cudnn-cu12==9.3.0.75
    Any one of these changes is enough:
      - leave out torch: gives tensorflow 2.18.0
      - leave out tensorflow[and-cuda]: gives torch 2.4.1
    ");
}

#[test]
fn s15_gaps_in_requires_python() {
    let releases =
        "a 3; python >=3.8,!=3.12.*\na 2; python >=3.8,<3.12\na 2.5; python >=3.13\na 1; python >=3.8\n";
    assert_eq!(locked(&asking(releases, &["a"]), "--python-version 3.12"), ["a 1"]);
    assert_eq!(locked(&asking(releases, &["a"]), "--python-version 3.13"), ["a 3"]);
    assert_snapshot!(refused(&asking(releases, &["a>=2"]), "--python-version 3.12"), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require a>=2
      - a 3 needs Python >=3.8,!=3.12.*, and the target has 3.12.0
      - a 2.5 needs Python >=3.13, and the target has 3.12.0
      - a 2 needs Python >=3.8,<3.12, and the target has 3.12.0
    Any one of these changes is enough:
      - relax a>=2: gives a 1
    Hint: a has versions for Python 3.11: --python-version 3.11
    ");
}

#[test]
fn s16_versions_that_disappear_under_the_solve() {
    let project = asking("a 1 2 3\nb 1: a>=2\n", &["b"]);
    let gone = mlresolve_testkit::Fault::Status(404);
    project.index.fault("/files/a-3-py3-none-any.whl*", gone.clone());
    assert_eq!(locked(&project, ""), ["a 2", "b 1"]);
    project.index.fault("/files/a-2-py3-none-any.whl*", gone);
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    assert_snapshot!(refused(&project, "--no-cache"), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require b
      - b 1 requires a>=2
      - a 3 has unusable metadata: [INDEX]/files/a-3-py3-none-any.whl answered with HTTP status 404
      - a 2 has unusable metadata: [INDEX]/files/a-2-py3-none-any.whl answered with HTTP status 404
    ");
}

#[test]
fn s18_cancelled_at_every_event() {
    let releases = "a 1 2 3: b, c\nb 1 2: d<2\nc 1: d\nc 2: d>=2\nd 1 2\n";
    let index = IndexServer::start(Universe::new().text(releases));
    let folder = tempfile::TempDir::new().unwrap();
    let request = LockRequest::new(["a"]);
    let access = |cached: bool| Access {
        index_url: index.index_url(),
        cache_dir: cached.then(|| folder.path().to_owned()),
        ..Access::default()
    };
    let whole = lock_blocking(&request, None, &access(true), &Watch::default()).unwrap().text;
    for step in 0..16 {
        for cached in [true, false] {
            match cancelled_at(step, &request, &access(cached)) {
                Err(Error::Cancelled) => {}
                Ok(locked) => assert!(step > 0 && locked.text == whole, "event {step}"),
                Err(error) => panic!("event {step}: {error}"),
            }
        }
    }
    // What the cancelled runs left in the cache is whole.
    let again = lock_blocking(&request, None, &access(true), &Watch::default()).unwrap();
    assert_eq!(again.text, whole);
    // Nor does a run wait for an index that is silent.
    index.delay("/simple/*", Duration::from_secs(60));
    let started = Instant::now();
    assert!(matches!(cancelled_at(0, &request, &access(false)), Err(Error::Cancelled)));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

/// Locks, cancels at an event, and waits until nothing of the run is left.
fn cancelled_at(event: usize, request: &LockRequest, access: &Access) -> Result<Locked, Error> {
    let (cancellation, seen) = (CancellationToken::default(), AtomicUsize::new(0));
    let cancel = cancellation.clone();
    let observer: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |_| {
        if seen.fetch_add(1, Ordering::SeqCst) == event {
            cancel.cancel();
        }
    });
    let watch = Watch { observer: Some(Arc::clone(&observer)), cancellation };
    let outcome = lock_blocking(request, None, access, &watch);
    drop(watch);
    let deadline = Instant::now() + Duration::from_secs(30);
    while Arc::strong_count(&observer) > 1 {
        assert!(Instant::now() < deadline, "something of a run cancelled at event {event} is left");
        std::thread::sleep(Duration::from_millis(1));
    }
    outcome
}

#[test]
fn s19_nothing_asked_and_nothing_known() {
    assert_eq!(locked(&asking("", &[]), ""), [""; 0]);
    assert_snapshot!(refused(&asking("", &["nunpy"]), ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require nunpy
      - nunpy was not found on [INDEX]/simple/
    Hint: did you mean numpy?
    ");
}

#[test]
fn s20_twenty_thousand_versions() {
    let file = |version: u64| {
        let mut file = PublishedFile::new(WheelBuilder::new("a", &version.to_string()).build());
        file.content = None;
        file
    };
    let files = (0..20_000).map(file).collect();
    let universe = Universe::new()
        .insert(mlresolve_testkit::Project { name: "a".to_owned(), status: None, files })
        .text("b 1: a==0\nc 1: a>=19999, b\n");
    let project = Project::beside(IndexServer::start(universe));
    let ask = |requirement: &str| {
        project.write("requirements.txt", &format!("{requirement}\n"));
    };
    ask("a");
    assert_eq!(locked(&project, ""), ["a 19999"]);
    ask("b");
    assert_eq!(locked(&project, ""), ["a 0", "b 1"]);
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    ask("c");
    assert_snapshot!(refused(&project, ""), @"
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require c
      - c 1 requires a>=19999
      - c 1 requires b
      - b 1 requires a==0
    ");
}
