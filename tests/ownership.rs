//! Packages that write the same files: what is refused, what is allowed, and what is only said.

use insta::assert_snapshot;
use mlresolve_testkit::{Fault, IndexServer, PyTorchIndex, Ranges, ServerOptions, Universe, WheelBuilder};

use crate::support::Project;
use crate::torch::{TorchProject, X86, torch_wheel};

/// Publishes a wheel of a package with these files, each `path` or `path=content`.
fn package(universe: Universe, name: &str, version: &str, files: &str) -> Universe {
    let wheel = files.split_whitespace().fold(WheelBuilder::new(name, version), |wheel, file| {
        let (path, content) = file.split_once('=').unwrap_or((file, ""));
        wheel.file(path, content)
    });
    universe.distribution(name, wheel.build())
}

/// Every kind of overlap there is.
fn universe() -> Universe {
    let nccl = |of: &str| {
        format!(
            "nvidia/__init__.py nvidia/nccl/include/nccl.h={of} nvidia/nccl/lib/libnccl.so.2=library-of-{of}"
        )
    };
    let packages = [
        ("nvidia-nccl-cu12", "2.32.3", nccl("cu12")),
        ("nvidia-nccl-cu13", "2.30.7", nccl("cu13")),
        ("nvidia-cublas", "13.1", "nvidia/__init__.py nvidia/cublas/lib/libcublas.so.13=cublas".to_owned()),
        ("mlflow", "3.1", "mlflow/__init__.py=init mlflow/server/app.py=app".to_owned()),
        ("mlflow-skinny", "3.1", "mlflow/__init__.py=init".to_owned()),
        ("jwt", "1.4", "jwt/__init__.py=jwt jwt/utils.py=jwt".to_owned()),
        ("pyjwt", "2.10", "jwt/__init__.py=pyjwt jwt/utils.py=pyjwt jwt/api.py".to_owned()),
        (
            "google-one",
            "1.0",
            "google/__init__.py=one google/one/__init__.py=1 tests/test_all.py=one README.md=one".to_owned(),
        ),
        (
            "google-two",
            "1.0",
            "google/__init__.py=two google/two/__init__.py=2 tests/test_all.py=two README.md=two".to_owned(),
        ),
    ];
    packages
        .iter()
        .fold(Universe::new(), |universe, (name, version, files)| package(universe, name, version, files))
}

fn project() -> Project {
    Project::beside(IndexServer::start(universe()))
}

/// What a lock of these requirements, divided by spaces, says for a declared target.
fn lock(project: &Project, requirements: &str, options: &str) -> String {
    project.write("requirements.txt", &requirements.replace(' ', "\n"));
    project.run(&format!("lock --python-version 3.12 --upgrade {options}")).snapshot()
}

/// How often a wheel was asked for, in whole or in part.
fn wheels_asked(project: &Project) -> usize {
    project.index.requests().iter().filter(|request| request.path.ends_with(".whl")).count()
}

#[test]
fn packages_that_overwrite_each_other_are_refused() {
    let project = project();
    assert_snapshot!(lock(&project, "nvidia-nccl-cu13 nvidia-nccl-cu12 nvidia-cublas jwt pyjwt", ""), @"
    exit code 4
    --- stderr
    error: packages for default (Python 3.12, linux-x86_64, glibc 2.28) would overwrite each other's files
      - jwt 1.4 and pyjwt 2.10 both write 2 files, 2 of them different: jwt/utils.py …
      - nvidia-nccl-cu12 2.32.3 and nvidia-nccl-cu13 2.30.7 both write 3 files, 2 of them different: nvidia/nccl/lib/libnccl.so.2 …
    hint: with an accelerator, such as --accelerator cuda, versions for one CUDA are chosen; or leave one of the two out; or take both with --allow-overlap NAME, and whichever is installed last wins
    ");
    assert!(!project.path("pylock.toml").exists());
    assert_snapshot!(lock(&project, "jwt pyjwt", "--json"), @r#"
    exit code 4
    --- stdout
    {"error":{"exit-code":4,"hint":"leave one of the two out; or take both with --allow-overlap NAME, and whichever is installed last wins","kind":"overwritten-files","message":"packages for default (Python 3.12, linux-x86_64, glibc 2.28) would overwrite each other's files\n  - jwt 1.4 and pyjwt 2.10 both write 2 files, 2 of them different: jwt/utils.py …"}}
    "#);
}

#[test]
fn an_overlap_is_allowed_by_the_name_of_either_and_the_winner_is_named() {
    let project = project();
    assert_snapshot!(lock(&project, "jwt pyjwt", "--allow-overlap pyjwt"), @"
    exit code 0
    --- stderr
    warning: jwt 1.4 and pyjwt 2.10 both write 2 files, 2 of them different: jwt/utils.py …; that is allowed, and the one that is installed last wins
    wrote pylock.toml: 2 packages, 2.1 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  pyjwt 2.10 1.1 kB, jwt 1.4 942 B
    ");
    project.write(
        "pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"nvidia-nccl-cu12\", \"nvidia-nccl-cu13\"]\n\
         [tool.mlresolve]\nallow-overlap = [\"nvidia-nccl-cu12\"]\n",
    );
    std::fs::remove_file(project.path("requirements.txt")).unwrap();
    assert_snapshot!(project.run("lock --python-version 3.12 --upgrade").snapshot(), @"
    exit code 0
    --- stderr
    warning: this environment has libraries of CUDA 12 (nvidia-nccl-cu12 2.32.3) and of CUDA 13 (nvidia-nccl-cu13 2.30.7), which overwrite or miss each other; declare an accelerator, such as `cuda`, to have one
    warning: nvidia-nccl-cu12 2.32.3 and nvidia-nccl-cu13 2.30.7 both write 3 files, 2 of them different: nvidia/nccl/lib/libnccl.so.2 …; that is allowed, and the one that is installed last wins
    wrote pylock.toml: 2 packages, 2.7 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  nvidia-nccl-cu12 2.32.3 1.3 kB, nvidia-nccl-cu13 2.30.7 1.3 kB
      since the last lock:
      + nvidia-nccl-cu12 2.32.3
      + nvidia-nccl-cu13 2.30.7
      - jwt 1.4
      - pyjwt 2.10
    ");
    assert!(project.read("pylock.toml").contains("allow-overlap = [\"nvidia-nccl-cu12\"]"));
}

#[test]
fn in_an_image_the_later_layer_wins() {
    let universe = package(Universe::new(), "triton", "3.8", "triton/__init__.py=triton");
    let project = Project::beside(IndexServer::start(package(
        universe,
        "triton-fork",
        "1.0",
        "triton/__init__.py=fork",
    )));
    assert_snapshot!(lock(&project, "triton triton-fork", "--allow-overlap triton"), @"
    exit code 0
    --- stderr
    warning: triton 3.8 and triton-fork 1.0 both write 1 file, with different bytes: triton/__init__.py; that is allowed, and in an image triton-fork wins, whose layer is the later
    wrote pylock.toml: 2 packages, 1.8 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  triton-fork 1.0 900 B, triton 3.8 864 B
    ");
}

#[test]
fn the_same_bytes_are_a_note_and_what_no_program_uses_is_a_warning() {
    let project = project();
    assert_snapshot!(lock(&project, "mlflow mlflow-skinny nvidia-cublas nvidia-nccl-cu13 google-one google-two", ""), @"
    exit code 0
    --- stderr
    warning: google-one 1.0 and google-two 1.0 both write 3 files, 3 of them different: README.md …; the one that is installed last wins, which should matter to neither
    wrote pylock.toml: 6 packages, 7.0 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      note     mlflow 3.1 and mlflow-skinny 3.1 both write 1 file, with the same bytes: mlflow/__init__.py
      largest  nvidia-nccl-cu13 2.30.7 1.3 kB, google-two 1.0 1.3 kB, google-one 1.0 1.3 kB, nvidia-cublas 13.1 1.1 kB, mlflow 3.1 1.0 kB
    ");
}

#[test]
fn a_second_run_asks_for_no_file_again() {
    let project = project();
    lock(&project, "mlflow mlflow-skinny nvidia-cublas", "");
    assert_eq!(wheels_asked(&project), 3);
    project.index.clear_requests();
    let second = lock(&project, "mlflow mlflow-skinny nvidia-cublas", "");
    assert!(second.contains("with the same bytes"), "{second}");
    assert_eq!(project.index.count("/files/*"), 0);
    project.run("lock --python-version 3.12 --check").success();
    assert_eq!(project.index.count("/files/*"), 0);
}

#[test]
fn what_was_found_is_kept_for_the_same_wheels() {
    let project = project();
    lock(&project, "mlflow mlflow-skinny", "");
    let lists = project.cache().join("members-v1");
    std::fs::remove_dir_all(&lists).unwrap();
    let second = lock(&project, "mlflow mlflow-skinny", "--offline");
    assert!(second.contains("with the same bytes") && !lists.exists(), "{second}");
    // Other wheels are another question.
    assert!(lock(&project, "mlflow mlflow-skinny jwt pyjwt", "").starts_with("exit code 4"));
}

#[test]
fn what_cannot_be_looked_at_is_said_and_no_error() {
    let project = project();
    for wheel in ["jwt-1.4", "pyjwt-2.10", "mlflow-3.1", "nvidia_cublas-13.1", "google_one-1.0"] {
        project.index.fault(&format!("/files/{wheel}-py3-none-any.whl"), Fault::Status(404));
    }
    assert_snapshot!(lock(&project, "jwt pyjwt mlflow nvidia-cublas google-one", ""), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 5 packages, 5.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      note     not looked at for overwritten files, since their lists cannot be had: google-one, jwt, mlflow, 2 more
      largest  google-one 1.0 1.3 kB, nvidia-cublas 13.1 1.1 kB, pyjwt 2.10 1.1 kB, mlflow 3.1 1.0 kB, jwt 1.4 942 B
    ");
    // Offline, with the metadata in the cache.
    project.index.clear_faults();
    assert_snapshot!(lock(&project, "jwt pyjwt", "--offline"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 2 packages, 2.1 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      note     not looked at for overwritten files, since their lists cannot be had: jwt, pyjwt
      largest  pyjwt 2.10 1.1 kB, jwt 1.4 942 B
      since the last lock:
      - google-one 1.0
      - mlflow 3.1
      - nvidia-cublas 13.1
    ");
    assert!(lock(&project, "jwt pyjwt", "").starts_with("exit code 4"));
    assert!(lock(&project, "jwt pyjwt", "--offline").starts_with("exit code 4"));
}

#[test]
fn no_large_wheel_is_downloaded_for_the_list_of_its_files() {
    let large = |name: &str| {
        // What does not compress, so that the wheel is as large.
        let mut state: u32 = 1;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(2 << 20)
        .collect();
        WheelBuilder::new(name, "1.0").file("shared/lib.so", [name.as_bytes(), &bytes].concat()).build()
    };
    let universe = Universe::new().distribution("one", large("one")).distribution("two", large("two"));
    let options = ServerOptions { ranges: Ranges::Off, ..ServerOptions::default() };
    let project = Project::beside(IndexServer::start_with(universe, options));
    assert_snapshot!(lock(&project, "one two", ""), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 2 packages, 4.2 MB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      note     not looked at for overwritten files, since their lists cannot be had: one, two
      largest  one 1.0 2.1 MB, two 1.0 2.1 MB
    ");
    project.index.clear_requests();
    assert!(lock(&project, "one two", "").contains("not looked at"));
    assert_eq!(project.index.count("/files/*"), 0, "what could not be had is not asked for again");
}

#[test]
fn each_target_has_its_own_verdict_and_a_wheel_is_read_once() {
    let project = project();
    project.write(
        "pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"jwt\", \"pyjwt; sys_platform == 'linux'\", \"mlflow\"]\n\
         [tool.mlresolve.targets.server]\nplatform = \"linux-x86_64\"\n[tool.mlresolve.targets.laptop]\nplatform = \"macos-arm64\"\n",
    );
    assert_snapshot!(project.run("lock").snapshot(), @"
    exit code 4
    --- stderr
    error: packages for server (Python 3.12, linux-x86_64, glibc 2.28) would overwrite each other's files
      - jwt 1.4 and pyjwt 2.10 both write 2 files, 2 of them different: jwt/utils.py …
    hint: leave one of the two out; or take both with --allow-overlap NAME, and whichever is installed last wins
    ");
    assert_eq!(wheels_asked(&project), 3);
}

#[test]
fn a_conflict_names_what_would_be_overwritten() {
    let pytorch =
        PyTorchIndex::new().wheel("cu130", &torch_wheel("2.14.0+cu130", X86), None, &["nvidia-nccl-cu13"]);
    let torch = TorchProject::new(universe(), pytorch);
    assert_snapshot!(torch.lock("torch>=2.11 nvidia-nccl-cu12", "--accelerator cu130"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cu130)
      - you require nvidia-nccl-cu12
      - you require torch>=2.11
      - nvidia-nccl-cu12 is for CUDA 12, as its name says
      - torch is built for CUDA 13.0, as +cu130 says
      - one environment has one CUDA major: the libraries of two overwrite or miss each other
      - nvidia-nccl-cu12 2.32.3 and nvidia-nccl-cu13 2.30.7 both write 3 files, 2 of them different: nvidia/nccl/lib/libnccl.so.2 …
    Any one of these changes is enough:
      - ask for nvidia-nccl-cu13 instead of nvidia-nccl-cu12: gives nvidia-nccl-cu13 2.30.7, torch 2.14.0+cu130
      - leave out torch>=2.11: gives nvidia-nccl-cu12 2.32.3
      - leave out nvidia-nccl-cu12: gives torch 2.14.0+cu130
    ");
}
