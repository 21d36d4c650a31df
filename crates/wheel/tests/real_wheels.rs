//! Real wheels against uv: what a plan says is what `uv pip install` does, file by file.
//!
//! It is opt-in, since it needs wheels, uv and an interpreter:
//!
//! ```sh
//! MLRESOLVE_WHEELS=folder MLRESOLVE_UV=uv MLRESOLVE_PYTHON=python3.12 \
//!     cargo test -p mlresolve-wheel --test real_wheels -- --ignored --nocapture
//! ```
//!
//! The folder has wheels for that interpreter; those for others are verified and not installed. Different on purpose are
//! the files of `NOT_OURS`, the content of INSTALLER, the mode of RECORD (always 0644 here), and the rows of RECORD for these and
//! for the launchers in wheels that nobody installs.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]
#![expect(clippy::print_stderr, reason = "what was seen is what the test is for")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mlresolve_packaging::parse_record;
use mlresolve_wheel::{Inflater, Layout, Limits, PlannedFile, Wheel};

/// What uv writes into `.dist-info` and a plan leaves out.
const NOT_OURS: [&str; 3] = ["REQUESTED", "direct_url.json", "uv_cache.json"];
/// What uv locks an environment with.
const UV_LOCK: &str = ".lock";

#[test]
#[ignore = "needs wheels: see above"]
fn wheels_pass_the_gate() {
    let (mut seen, mut refused) = (0, Vec::new());
    for path in wheels() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut file = File::open(&path).unwrap();
        let layout = Layout::new("/opt/venv", "3.12".parse().unwrap()).unwrap();
        let read = Wheel::read(&mut file, name, &Limits::default()).and_then(|wheel| {
            wheel.verify(&mut file)?;
            wheel.plan(&layout)
        });
        seen += 1;
        match read {
            Ok(plan) => plan.warnings.iter().for_each(|warning| eprintln!("{name}: {warning}")),
            Err(error) => refused.push(error.to_string()),
        }
    }
    eprintln!("{seen} wheels");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
#[ignore = "needs wheels, uv and an interpreter: see above"]
fn plans_are_what_uv_installs() {
    let (uv, python) = (variable("MLRESOLVE_UV"), variable("MLRESOLVE_PYTHON"));
    let wheels = wheels();
    let place = std::env::temp_dir().join(format!("mlresolve-real-wheels-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let prefix = place.join("venv");
    run(Command::new(&uv).args(["venv", "-q", "--python", &python]).arg(&prefix));
    let interpreter = prefix.join("bin/python");
    let show = ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"];
    let version = Command::new(&interpreter).args(show).output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let layout = Layout::new(prefix.to_str().unwrap(), version.trim().parse().unwrap()).unwrap();

    let (mut differences, mut refused, mut compared) = (Vec::new(), 0, 0);
    for path in &wheels {
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut file = File::open(path).unwrap();
        let read = Wheel::read(&mut file, name, &Limits::default()).and_then(|wheel| {
            wheel.verify(&mut file)?;
            let plan = wheel.plan(&layout)?;
            Ok((wheel, plan))
        });
        let (wheel, plan) = match read {
            Ok(read) => read,
            Err(error) => {
                eprintln!("refused: {error}");
                refused += 1;
                continue;
            }
        };
        plan.warnings.iter().for_each(|warning| eprintln!("{name}: {warning}"));
        let before = tree(&prefix);
        let install =
            ["pip", "install", "-q", "--no-cache", "--no-deps", "--no-index", "--link-mode", "copy"];
        let mut install_command = Command::new(&uv);
        install_command.args(install).arg("--python").arg(&interpreter).arg(path);
        let output = install_command.output().unwrap();
        if !output.status.success() {
            eprintln!("{name}: not installed by uv: {}", String::from_utf8_lossy(&output.stderr).trim());
            continue;
        }
        let after = tree(&prefix);
        let installed = after.into_iter().filter(|(path, _)| !before.contains_key(path)).collect();
        let found = compare(&wheel, &mut file, &plan.files, installed, &prefix);
        differences.extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
        compared += 1;
    }
    fs::remove_dir_all(&place).unwrap();
    eprintln!("{} wheels: {compared} compared, {refused} refused", wheels.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(refused, 0);
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn wheels() -> Vec<PathBuf> {
    let entries = fs::read_dir(variable("MLRESOLVE_WHEELS")).unwrap();
    let mut wheels: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    wheels.retain(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheels.sort();
    assert!(!wheels.is_empty(), "the folder has wheels");
    wheels
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// The regular files below a folder, with whether they may be executed.
fn tree(root: &Path) -> BTreeMap<String, u32> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(path, entry.metadata().unwrap().permissions().mode() & 0o7777);
            }
        }
    }
    found
}

fn compare(
    wheel: &Wheel,
    reader: &mut File,
    files: &[PlannedFile],
    mut installed: BTreeMap<String, u32>,
    prefix: &Path,
) -> Vec<String> {
    let mut differences = Vec::new();
    let mut inflater = Inflater::default();
    for file in files {
        let Some(mode) = installed.remove(&file.path) else {
            differences.push(format!("{} is planned and was not installed", file.path));
            continue;
        };
        // uv writes RECORD over the wheel's own, and keeps the mode that this had.
        if mode != file.mode() && !file.path.ends_with(".dist-info/RECORD") {
            differences.push(format!("{} is planned with {:o} and has {mode:o}", file.path, file.mode()));
        }
        let mut content = Vec::new();
        wheel.stream(reader, &mut inflater, file, |piece| content.extend_from_slice(piece)).unwrap();
        let there = fs::read(prefix.join(&file.path)).unwrap();
        let same = if file.path.ends_with(".dist-info/RECORD") {
            rows(&content) == rows(&there)
        } else {
            content == there || file.path.ends_with(".dist-info/INSTALLER")
        };
        if !same {
            differences.push(format!("{} has other content", file.path));
        }
    }
    let is_ours = |path: &&String| {
        let name = path.rsplit('/').next().unwrap_or(path);
        !(path.contains(".dist-info/") && NOT_OURS.contains(&name)) && path.as_str() != UV_LOCK
    };
    let more = installed.keys().filter(is_ours);
    differences.extend(more.map(|path| format!("{path} was installed and is not planned")));
    differences
}

/// The rows of a RECORD that both write, sorted.
fn rows(record: &[u8]) -> Vec<String> {
    let is_shared = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let of_installer = NOT_OURS.contains(&name) || name == "INSTALLER";
        let not_installed = path.contains(".data/scripts/");
        !(not_installed || of_installer && path.contains(".dist-info/"))
    };
    let rows = parse_record(record).unwrap();
    let mut shown: Vec<String> = rows
        .into_iter()
        .filter(|row| is_shared(&row.path))
        .map(|row| format!("{} {:?} {:?}", row.path, row.hash.map(|hash| hash.to_string()), row.size))
        .collect();
    shown.sort();
    shown
}
