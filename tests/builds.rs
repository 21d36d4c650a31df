//! `--allow-build`: a source distribution that tells what it requires only when it is built.
//!
//! The backend is a wheel on the test's own index. Where this machine has no Python, a test says that it was skipped.

use std::io::Write as _;
use std::process::{Command, Stdio};

use mlresolve_testkit::{IndexServer, SdistBuilder, Universe, WheelBuilder};

use crate::support::{Project, locked_packages};

/// A backend that runs the tree's `setup.py`, as setuptools does, and takes `METADATA` from it.
const BACKEND: &str = "
import os
def prepare_metadata_for_build_wheel(folder, settings):
    scope = {}
    exec(open('setup.py').read(), scope)
    os.mkdir(os.path.join(folder, 'made.dist-info'))
    with open(os.path.join(folder, 'made.dist-info', 'METADATA'), 'w') as file:
        file.write(scope['METADATA'])
    return 'made.dist-info'
";
const SETUP: &str =
    "METADATA = 'Metadata-Version: 2.1\\nName: fast\\nVersion: 1.0\\nRequires-Dist: http>=1\\n'";
const PYPROJECT: &str = "[build-system]\nrequires = ['backend']\nbuild-backend = 'backend'\n";

/// A project that requires `fast`, of which there is a source distribution with this `setup.py` alone.
fn project(setup: &str) -> Project {
    let sdist = SdistBuilder::new("fast", "1.0").metadata_version("2.1").pyproject(Some(PYPROJECT));
    let sdist = sdist.file("setup.py", setup).build();
    let backend = WheelBuilder::new("backend", "2.0").file("backend.py", BACKEND).build();
    let universe =
        Universe::new().distribution("fast", sdist).distribution("backend", backend).text("http 1.0");
    let project = Project::beside(IndexServer::start(universe));
    project.write("requirements.txt", "fast\n");
    project
}

/// The path of programs; `None`, and a word about it, where there is no Python 3 that can make environments.
pub(crate) fn path() -> Option<String> {
    let mut python = Command::new("python3");
    let found = python.args(["-I", "-c", "import venv"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return std::env::var("PATH").ok();
    }
    // Not captured, as what is printed with a macro would be.
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    drop(writeln!(std::io::stderr(), "skipped: {name}: there is no python3"));
    None
}

/// What this machine's own `python3` says of itself.
pub(crate) fn python(code: &str) -> String {
    let output = Command::new("python3").args(["-I", "-c", code]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The minor version of the machine's own `python3`: locked for it, no other is asked for.
pub(crate) fn minor() -> String {
    python("import sys; print('3.%d' % sys.version_info[1])")
}

#[test]
fn what_is_not_allowed_is_never_built() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let project = project(&format!("open({:?}, 'w')\n{SETUP}", trace.display().to_string()));
    let path = std::env::var("PATH").unwrap_or_default();
    let refused = project.run_with(&["lock"], &[("PATH", &path)]);
    let text = refused.stderr();
    let expected = ["fast 1.0 has no wheel, and its source must be built", "--allow-build fast"];
    assert!(
        refused.code() == 1 && expected.iter().all(|words| text.contains(words)),
        "{}",
        refused.snapshot()
    );
    let other = project.run_with(&["lock", "--allow-build", "other"], &[("PATH", &path)]);
    assert_eq!(other.code(), 1, "{}", other.snapshot());
    assert!(!trace.exists(), "the code of a package was run that nobody allowed");
    // It would have left the trace.
    let Some(path) = self::path() else { return };
    let arguments = ["lock", "--allow-build", "fast", "--python-version", &minor()];
    project.run_with(&arguments, &[("PATH", &path)]).success();
    assert!(trace.exists());
}

#[test]
fn what_is_allowed_is_built_once_and_works_offline() {
    let Some(path) = path() else { return };
    let project = project(SETUP);
    let python = minor();
    let arguments = ["lock", "--allow-build", "Fast", "--python-version", &python];
    project.run_with(&arguments, &[("PATH", &path)]).success();
    let lock = project.raw("pylock.toml");
    assert_eq!(locked_packages(&lock), ["fast 1.0", "http 1.0"]);
    assert!(lock.contains("metadata = \"built\"") && lock.contains("allow-build = [\"fast\"]"), "{lock}");
    // Without a Python, from what was kept; and everything is as it was.
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    let offline = [&arguments[..], &["--offline"]].concat();
    project.run_with(&offline, &[]).success();
    assert_eq!(project.raw("pylock.toml"), lock);
    let check = [&arguments[..], &["--check"]].concat();
    project.run_with(&check, &[]).success();
}

#[test]
fn settings_and_variables_allow_builds_too() {
    let Some(path) = path() else { return };
    let python = minor();
    for (variable, settings) in [("x, fast", ""), ("", "allow-build = [\":all:\"]\n")] {
        let project = project(SETUP);
        project.write("mlresolve.toml", settings);
        let mut variables = vec![("PATH", path.as_str())];
        variables.extend((!variable.is_empty()).then_some(("MLRESOLVE_ALLOW_BUILD", variable)));
        project.run_with(&["lock", "--python-version", &python], &variables).success();
    }
}

#[test]
fn a_build_that_fails_ends_the_run_and_says_what_it_said() {
    let Some(path) = path() else { return };
    let python = minor();
    let told = |setup: &str, more: &[&str], variables: &[(&str, &str)]| {
        let project = project(setup);
        let arguments = [&["lock", "--allow-build", "fast", "--python-version", &python], more].concat();
        let run = project.run_with(&arguments, variables);
        assert!(run.stdout().is_empty() && !project.path("pylock.toml").exists(), "{}", run.snapshot());
        (run.code(), run.stderr())
    };
    let path = [("PATH", path.as_str())];
    let (code, text) = told("print('deep down')\nimport torch_of_nowhere", &[], &path);
    assert_eq!(code, 1, "{text}");
    let expected = ["fast 1.0 cannot be built", "uses torch_of_nowhere and does not say so", "  | deep down"];
    assert!(expected.iter().all(|words| text.contains(words)), "{text}");
    let (code, text) = told(&SETUP.replace("fast", "slow"), &[], &path);
    assert!(code == 1 && text.contains("the metadata of slow 1.0"), "{code} {text}");
    let (code, text) = told("import time\ntime.sleep(100)", &["--time-limit", "8"], &path);
    assert!(code == 1 && text.contains("within the time limit"), "{code} {text}");
    let (code, text) = told(SETUP, &[], &[("PATH", "")]);
    assert!(code == 2 && text.contains("no Python to build with"), "{code} {text}");
}

#[test]
fn folders_repositories_and_archives_at_an_address_are_built_where_it_is_allowed() {
    let Some(path) = path() else { return };
    let project = project(SETUP);
    let tree = |folder: &str| {
        project.write(&format!("{folder}/setup.py"), SETUP);
        project.write(&format!("{folder}/pyproject.toml"), PYPROJECT);
        project.path(folder).display().to_string()
    };
    let (folder, repository) = (tree("tree"), tree("repository"));
    let git = |arguments: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@a.example"];
        let mut git = Command::new("git");
        let done = git.args(who).args(arguments).current_dir(&repository).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let archive = project.index.url("/files/fast-1.0.tar.gz");
    let minor = minor();
    for (address, key) in [
        (format!("file://{folder}"), "directory = {"),
        (format!("git+file://{repository}"), "vcs = {"),
        (archive, "archive = {"),
    ] {
        project.write("requirements.txt", &format!("fast @ {address}\n"));
        std::fs::remove_file(project.path("pylock.toml")).ok();
        let refused = project.run_with(&["lock", "--python-version", &minor], &[("PATH", &path)]);
        assert_eq!(refused.code(), 2, "{}", refused.snapshot());
        assert!(refused.stderr().contains("--allow-build fast"), "{}", refused.snapshot());
        let arguments = ["lock", "--python-version", &minor, "--allow-build", "fast"];
        project.run_with(&arguments, &[("PATH", &path)]).success();
        let lock = project.raw("pylock.toml");
        assert!(lock.contains(key) && lock.contains("metadata = \"built\""), "{lock}");
        assert_eq!(locked_packages(&lock), ["fast 1.0", "http 1.0"]);
    }
}
