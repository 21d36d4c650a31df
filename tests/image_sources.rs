//! Images of packages that are built from their sources: only where that is allowed, once, and as the lock has them.
//!
//! The backend is a wheel on the test's own index. Where this machine has no Python, a test says that it was skipped.

use std::process::Command;

use insta::assert_snapshot;
use mlresolve_testkit::{IndexServer, SdistBuilder, Universe, WheelBuilder};
use serde_json::Value;

use crate::bases::{layer_of, read, report};
use crate::builds::{minor, path, python};
use crate::support::{Project, Run};

/// A backend that runs the tree's `setup.py`, as setuptools does, and puts the `METADATA` from it into a wheel. Each wheel
/// leaves a line in the file that `setup.py` names.
const BACKEND: &str = r#"
import base64, hashlib, os, zipfile

def told():
    scope = {"TAG": "py3-none-any", "FILES": {"fast.py": "pass\n"}}
    exec(open("setup.py").read(), scope)
    return scope

def prepare_metadata_for_build_wheel(folder, settings):
    os.mkdir(os.path.join(folder, "made.dist-info"))
    with open(os.path.join(folder, "made.dist-info", "METADATA"), "w") as file:
        file.write(told()["METADATA"])
    return "made.dist-info"

def build_wheel(folder, settings, metadata):
    scope = told()
    with open(scope["MARK"], "a") as mark:
        mark.write("built\n")
    files = dict(scope["FILES"])
    files["fast-1.0.dist-info/METADATA"] = scope.get("OTHER_METADATA", scope["METADATA"])
    files["fast-1.0.dist-info/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: %s\n" % scope["TAG"]
    record = ""
    name = "fast-1.0-%s.whl" % scope["TAG"]
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(zipfile.ZipInfo(path), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += "%s,sha256=%s,%d\n" % (path, digest, len(text.encode()))
        record += "fast-1.0.dist-info/RECORD,,\n"
        wheel.writestr(zipfile.ZipInfo("fast-1.0.dist-info/RECORD"), record)
    return name
"#;
const PYPROJECT: &str = "[build-system]\nrequires = ['backend']\nbuild-backend = 'backend'\n";

/// A project that requires `fast`, of which there is a source distribution alone, and this machine's Python.
struct Setting {
    project: Project,
    path: String,
    python: String,
}

impl Setting {
    /// None, and a word about it, where there is no Python 3 that can make environments. `more` ends `setup.py`.
    fn new(more: &str) -> Option<Self> {
        let path = path()?;
        let project = Project::beside(IndexServer::start(Universe::new()));
        let setup = setup(&project, more);
        project.index.set_universe(universe(|sdist| sdist.metadata_version("2.1").file("setup.py", &setup)));
        project.write("requirements.txt", "fast\n");
        Some(Self { project, path, python: minor() })
    }

    fn run(&self, arguments: &str) -> Run {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.project.run_with(&arguments, &[("PATH", &self.path)])
    }

    fn lock(&self) -> &Self {
        self.run(&format!("lock --allow-build fast --python-version {}", self.python)).success();
        self
    }

    fn build(&self, output: &str) -> Value {
        report(self.run(&format!("build --layers-only --allow-build fast --json -o {output}")))
    }

    /// How many wheels were built.
    fn built(&self) -> usize {
        std::fs::read_to_string(self.project.path("mark")).map_or(0, |text| text.lines().count())
    }
}

/// The text of a `setup.py`.
fn setup(project: &Project, more: &str) -> String {
    let mark = project.path("mark").display().to_string();
    let metadata = "Metadata-Version: 2.1\\nName: fast\\nVersion: 1.0\\nRequires-Dist: http>=1\\n";
    format!("METADATA = '{metadata}'\nMARK = {mark:?}\n{more}\n")
}

fn universe(change: impl FnOnce(SdistBuilder) -> SdistBuilder) -> Universe {
    let sdist = change(SdistBuilder::new("fast", "1.0").requires("http>=1").pyproject(Some(PYPROJECT)));
    let backend = WheelBuilder::new("backend", "2.0").file("backend.py", BACKEND).build();
    Universe::new().distribution("fast", sdist.build()).distribution("backend", backend).text("http 1.0")
}

#[test]
fn what_is_not_allowed_is_not_built_into_an_image() {
    let Some(setting) = Setting::new("") else { return };
    setting.lock();
    let run = setting.run("build --layers-only");
    assert_snapshot!(run.snapshot(), @"
    exit code 2
    --- stderr
    error: the lock has no wheel of fast, and to build one runs code of the package; allow it with --allow-build fast, or lock a version that has a wheel
    ");
    let other = setting.run("build --layers-only --allow-build other");
    assert_eq!((other.code(), other.stderr()), (2, run.stderr()));
    assert!(setting.built() == 0 && !setting.project.path("image/index.json").exists());
}

#[test]
fn a_source_distribution_is_built_once() {
    let Some(setting) = Setting::new("") else { return };
    let first = setting.lock().build("first");
    let layer = layer_of(&first, "fast");
    assert_eq!((layer["class"].as_str(), setting.built()), (Some("built"), 1));
    assert_eq!(layer["packages"].as_array().unwrap().len(), 1, "what is built stands alone");
    assert_ne!(layer_of(&first, "http")["class"], "built");
    // From the cache, even without the network and a Python.
    let arguments = ["build", "--layers-only", "--allow-build", ":all:", "--offline", "-o", "second"];
    setting.project.run_with(&arguments, &[]).success();
    assert_eq!(setting.built(), 1);
    let image = read(&setting.project.path("first"));
    assert_eq!(read(&setting.project.path("second")).digest, image.digest);
    // A wheel that was damaged in the cache is built again, and the same.
    let files = setting.project.cache().join("files-v1");
    for entry in std::fs::read_dir(files).unwrap() {
        std::fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    setting.build("third");
    assert_eq!((setting.built(), read(&setting.project.path("third")).digest), (2, image.digest));
}

#[test]
fn folders_repositories_and_archives_are_built() {
    let Some(setting) = Setting::new("") else { return };
    let project = &setting.project;
    let tree = |folder: &str| {
        project.write(&format!("{folder}/setup.py"), &setup(project, ""));
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
    let mut layers = Vec::new();
    // What a folder holds is told by nothing, so it is built every time.
    for (address, key, builds) in [
        (format!("file://{folder}"), "directory = {", 2),
        (format!("git+file://{repository}"), "vcs = {", 1),
        (archive, "archive = {", 1),
    ] {
        project.write("requirements.txt", &format!("fast @ {address}\n"));
        std::fs::remove_file(project.path("pylock.toml")).ok();
        std::fs::remove_file(project.path("mark")).ok();
        setting.lock();
        assert!(project.raw("pylock.toml").contains(key));
        let refused = setting.run("build --layers-only");
        assert!(
            refused.code() == 2 && refused.stderr().contains("--allow-build fast"),
            "{}",
            refused.snapshot()
        );
        let first = setting.build("first");
        let second = setting.build("second");
        assert_eq!(setting.built(), builds, "{key}");
        assert_eq!(first["digest"], second["digest"]);
        assert_eq!(layer_of(&first, "fast")["class"], "built");
        layers.push(layer_of(&first, "fast")["digest"].clone());
    }
    layers.dedup();
    assert_eq!(layers.len(), 1, "one source, one layer");
}

#[test]
fn a_wheel_that_is_not_what_was_locked_is_refused() {
    let mut told = Vec::new();
    for more in [
        "OTHER_METADATA = METADATA + 'Requires-Dist: torch>=2\\n'",
        "OTHER_METADATA = METADATA.replace('http>=1', 'http>=2')",
        "OTHER_METADATA = METADATA.split('Requires-Dist')[0]",
        "OTHER_METADATA = METADATA.replace('1.0', '1.1')",
        "TAG = 'py3-none-win_amd64'",
        "FILES = {'../fast.py': ''}",
    ] {
        let Some(setting) = Setting::new(more) else { return };
        let run = setting.lock().run("build --layers-only --allow-build fast");
        assert!(!setting.project.path("image/index.json").exists());
        told.push(format!("{more}\n{}", run.snapshot()));
    }
    assert_snapshot!(told.join("\n"));
}

#[test]
fn another_python_than_the_locks_builds_nothing() {
    let Some(setting) = Setting::new("") else { return };
    let project = &setting.project;
    let other = if setting.python == "3.11" { "3.12" } else { "3.11" };
    // Metadata that needs no build, so that the lock can be for a Python that is not here.
    project.index.set_universe(universe(|sdist| sdist.file("setup.py", setup(project, ""))));
    project.run(&format!("lock --python-version {other}")).success();
    // This machine's own Python alone.
    let executable = python("import os, sys; print(os.path.realpath(sys.executable))");
    std::fs::create_dir_all(project.path("bin")).unwrap();
    std::os::unix::fs::symlink(executable, project.path("bin/python3")).unwrap();
    let path = project.path("bin").display().to_string();
    let run = project.run_with(&["build", "--layers-only", "--allow-build", "fast"], &[("PATH", &path)]);
    let text = run.stderr();
    assert_eq!(run.code(), 2, "{}", run.snapshot());
    assert!(text.contains(other) && text.contains("Python"), "{}", run.snapshot());
    assert!(setting.built() == 0 && !project.path("image/index.json").exists());
}
