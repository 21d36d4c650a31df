//! Builds with a Python of this machine and backends of our own. Where there is no Python, each test says that it was
//! skipped.

use std::io::Write as _;
use std::time::Duration;

use mlresolve_testkit::{IndexServer, Universe, WheelBuilder};

use super::*;
use crate::event::CancellationToken;

/// A backend whose hooks are the files of the tree.
const BACKEND: &str = "
def prepare_metadata_for_build_wheel(folder, settings):
    import os
    def answer(text):
        os.mkdir(os.path.join(folder, 'tree.dist-info'))
        with open(os.path.join(folder, 'tree.dist-info', 'METADATA'), 'w') as file:
            file.write(text)
        return 'tree.dist-info'
    scope = {'answer': answer, 'folder': folder}
    exec(open('hook.py').read(), scope)
    return scope.get('result', 'tree.dist-info')
";
const METADATA: &str = "'Metadata-Version: 2.1\\nName: tree\\nVersion: 1.0\\nRequires-Dist: numpy\\n'";
const PYPROJECT: &str = "[build-system]\nrequires = ['toy']\nbuild-backend = 'toy'\n";

/// The options for builds on this machine; `None`, and a word about it, where it has no Python that can.
fn options() -> Option<BuildOptions> {
    let mut options = BuildOptions::from_environment(&|name| std::env::var_os(name));
    let patience = Patience { until: None, stop: &|| None };
    match interpreter::find(&options, 12, patience) {
        Ok(python) => {
            options.python = Some(python.executable);
            Some(options)
        }
        Err(error) => {
            // Not captured, as what is printed with a macro would be.
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            drop(writeln!(std::io::stderr(), "skipped: {name}: {error}"));
            None
        }
    }
}

fn index() -> Universe {
    let toy = WheelBuilder::new("toy", "1.0").file("toy.py", BACKEND).build();
    let wheel = "
def get_requires_for_build_wheel(settings):
    return ['helper']
def build_wheel(folder, settings, metadata):
    import helper, os, subprocess, zipfile
    subprocess.run(['helper-tool'], check=True)
    name = 'tree-1.0-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as archive:
        archive.writestr('tree-1.0.dist-info/METADATA', helper.METADATA)
    return name
";
    let wheel = WheelBuilder::new("whole", "1.0").file("whole.py", wheel).build();
    let helper = WheelBuilder::new("helper", "1.0")
        .file("helper.py", format!("METADATA = {METADATA}\ndef main():\n    return 0\n"))
        .dist_info_file("entry_points.txt", "[console_scripts]\nhelper-tool = helper:main\n")
        .build();
    let legacy = "class Legacy:\n    def prepare_metadata_for_build_wheel(self, folder, settings):\n        \
                  import toy\n        return toy.prepare_metadata_for_build_wheel(folder, settings)\n\
                  __legacy__ = Legacy()\n";
    let setuptools = WheelBuilder::new("setuptools", "80.0").requires("toy");
    let setuptools = setuptools.file("setuptools/__init__.py", "").file("setuptools/build_meta.py", legacy);
    Universe::new()
        .distribution("toy", toy)
        .distribution("whole", wheel)
        .distribution("helper", helper)
        .distribution("setuptools", setuptools.build())
}

/// Builds a tree of these files.
fn built_with(options: BuildOptions, files: &[(&str, &str)]) -> Result<Built, BuildError> {
    let server = IndexServer::start(index());
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let runtime = crate::lock::runtime().unwrap();
    let access = Access { index_url: server.index_url(), build: options, ..Access::default() };
    let deadline = Some(Instant::now() + Duration::from_secs(120));
    let limits = RunLimits { deadline, watch: Watch::default(), abandoned: CancellationToken::default() };
    let builder = Builder::new(&access, None, 12, runtime.handle().clone(), limits);
    let expected = Expected { name: Some("tree".parse().unwrap()), version: Some("1.0".parse().unwrap()) };
    builder.metadata(folder.path(), &expected)
}

/// Builds a tree whose backend does this; `None` where there is no Python.
fn built(hook: &str) -> Option<Result<Built, BuildError>> {
    Some(built_with(options()?, &[("pyproject.toml", PYPROJECT), ("hook.py", hook)]))
}

#[track_caller]
fn assert_fails(outcome: Option<Result<Built, BuildError>>, words: &[&str]) {
    let Some(outcome) = outcome else { return };
    let mut told = String::new();
    let error = outcome.unwrap_err();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        told.push_str(&format!("{error}\n"));
        cause = error.source();
    }
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn a_backend_tells_the_metadata_in_an_environment_of_its_own() {
    let hook = format!(
        "
import os, sys
print('garbage', flush=True)
assert os.environ.get('SECRET') is None and 'MLRESOLVE_INDEX_URL' not in os.environ
assert 'mlresolve-build-' in os.environ['HOME'] and 'mlresolve-build-' in sys.prefix, os.environ['HOME']
assert sys.stdin.read() == ''
assert not any('site-packages' in path and sys.prefix not in path for path in sys.path), sys.path
answer({METADATA})"
    );
    let Some(built) = built(&hook) else { return };
    let built = built.unwrap();
    assert!(built.metadata.ends_with(b"Requires-Dist: numpy\n"), "{built:?}");
}

#[test]
fn a_backend_that_makes_wheels_only_makes_one_with_what_it_asks_for() {
    let Some(options) = options() else { return };
    let pyproject = "[build-system]\nrequires = ['whole']\nbuild-backend = 'whole'\n";
    let built = built_with(options, &[("pyproject.toml", pyproject)]).unwrap();
    assert!(built.metadata.ends_with(b"Requires-Dist: numpy\n"), "{built:?}");
}

#[test]
fn a_tree_without_pyproject_is_for_setuptools() {
    let Some(options) = options() else { return };
    let hook = format!("answer({METADATA})");
    built_with(options.clone(), &[("setup.py", ""), ("hook.py", &hook)]).unwrap();
    let nothing = built_with(options, &[("README", "")]).unwrap_err();
    assert!(matches!(nothing, BuildError::NothingToBuild), "{nothing}");
}

#[test]
fn a_backend_in_the_tree_is_found_by_its_path_and_no_other_is() {
    let Some(options) = options() else { return };
    let tree = |path: &str| format!("[build-system]\nrequires=[]\nbuild-backend='own'\n{path}");
    let hook = format!("answer({METADATA})");
    let built = |path: &str| {
        let files =
            [("pyproject.toml", tree(path)), ("own.py", BACKEND.to_owned()), ("hook.py", hook.clone())];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        built_with(options.clone(), &files)
    };
    built("backend-path=['.']").unwrap();
    assert_fails(Some(built("")), &["build backend own is not there", "No module named 'own'"]);
    assert_fails(Some(built("backend-path=['..']")), &["backend-path", "no folder of the tree"]);
}

#[test]
fn what_a_backend_raises_is_told_with_what_it_printed() {
    let hook = "print('last \\x1b[31mwords')\nraise ValueError('bad tree')";
    assert_fails(built(hook), &["ValueError: bad tree", "  | last [31mwords", "  | Traceback"]);
    assert_fails(built("import torch_of_nowhere"), &["it uses torch_of_nowhere and does not say so"]);
    assert_fails(built("raise SystemExit(3)"), &["SystemExit: 3"]);
}

#[test]
fn a_backend_that_ends_the_process_gave_no_answer() {
    assert_fails(built("import os\nos._exit(7)"), &["ended without an answer", "7"]);
}

#[test]
fn a_backend_that_hangs_is_ended_with_what_it_started() {
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("late");
    let hook = format!(
        "import subprocess, time\nprint('waiting', flush=True)\n\
         subprocess.Popen(['sh', '-c', 'sleep 6; touch {}'])\ntime.sleep(600)",
        late.display()
    );
    let options = BuildOptions { time_limit: Duration::from_secs(5), ..options };
    let start = Instant::now();
    let outcome = built_with(options, &[("pyproject.toml", PYPROJECT), ("hook.py", &hook)]);
    assert_fails(Some(outcome), &["was ended after"]);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    std::thread::sleep(Duration::from_secs(7));
    assert!(!late.exists(), "what the backend started went on");
}

#[test]
fn metadata_of_something_else_is_refused() {
    let other = METADATA.replace("Name: tree", "Name: branch");
    assert_fails(built(&format!("answer({other})")), &["the metadata of branch 1.0"]);
    let other = METADATA.replace("1.0", "1.1");
    assert_fails(built(&format!("answer({other})")), &["the metadata of tree 1.1"]);
    assert_fails(built("answer('garbage')"), &["cannot be read"]);
    assert_fails(built("result = '../../x'"), &["made no metadata", "is no name of a file"]);
    let link = "import os\nos.mkdir(folder + '/tree.dist-info')\n\
                os.symlink('/etc/passwd', folder + '/tree.dist-info/METADATA')";
    assert_fails(built(link), &["holds no METADATA"]);
}

#[test]
fn what_a_build_requires_must_be_on_an_index() {
    let Some(options) = options() else { return };
    let pyproject = "[build-system]\nrequires = ['nowhere>=2']\nbuild-backend = 'nowhere'\n";
    let outcome = built_with(options, &[("pyproject.toml", pyproject)]);
    assert_fails(Some(outcome), &["what its build requires (nowhere>=2) cannot be had", "nowhere"]);
}
