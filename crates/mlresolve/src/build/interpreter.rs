//! The Python that a build runs with: that of the target's minor version where there is one, else the nearest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mlresolve_target::PythonVersion;
use serde::Deserialize;

use super::error::BuildError;
use super::options::BuildOptions;
use super::process::{Patience, ProcessError, run};
use crate::request::TargetRequest;

/// How long a Python may take to say which it is.
const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// The newest minor version that is looked for.
const NEWEST_MINOR: u8 = 30;
/// The most folders of installed Pythons that are looked into.
const INSTALLATIONS_LIMIT: usize = 200;

const PROBE: &str = include_str!("probe.py");

/// A Python of this machine that was asked what it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Interpreter {
    pub(super) executable: PathBuf,
    implementation: String,
    version: (u8, u8, u8),
    free_threaded: bool,
    system: String,
    machine: String,
    libc: String,
}

impl Interpreter {
    /// The minor version, such as 12 of Python 3.12.4.
    pub(super) fn minor(&self) -> u8 {
        self.version.1
    }

    /// As people write it, such as `3.12`.
    pub(super) fn short(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }

    /// This machine, as a target for what builds require.
    pub(super) fn target(&self) -> Result<TargetRequest, BuildError> {
        let platform = match (self.system.as_str(), self.machine.as_str()) {
            ("linux", "x86_64") => "linux-x86_64",
            ("linux", "aarch64") => "linux-aarch64",
            ("darwin", "arm64") => "macos-arm64",
            (system, machine) => return Err(BuildError::Host(format!("{system} on {machine}"))),
        };
        let glibc = self.libc.strip_prefix("glibc ").map(str::to_owned);
        if self.system == "linux" && glibc.is_none() {
            return Err(BuildError::Host("a Linux without glibc".to_owned()));
        }
        let (major, minor, patch) = self.version;
        let threads = if self.free_threaded { "t" } else { "" };
        let python = format!("{major}.{minor}.{patch}{threads}");
        let (name, platform) = ("build".to_owned(), platform.to_owned());
        Ok(TargetRequest { name, python, platform, glibc, ..TargetRequest::default() })
    }

    fn is_usable(&self) -> bool {
        let (major, minor, _) = self.version;
        self.implementation == "cpython" && major == 3 && minor >= PythonVersion::OLDEST_MINOR
    }
}

/// Finds the Python for builds for a target of Python 3 with this minor version.
pub(super) fn find(options: &BuildOptions, minor: u8, patience: Patience) -> Result<Interpreter, BuildError> {
    find_by(options, minor, &|path| probe(path, options, patience))
}

fn find_by(
    options: &BuildOptions,
    minor: u8,
    probe: &dyn Fn(&Path) -> Result<Option<Interpreter>, BuildError>,
) -> Result<Interpreter, BuildError> {
    if let Some(path) = &options.python {
        return probe(path)?.ok_or_else(|| BuildError::NotAPython(path.clone()));
    }
    let named = |minor: u8| programs(options, &format!("python3.{minor}"));
    let first_of = |paths: Vec<PathBuf>, minor: u8| {
        let found = paths.iter().find_map(|path| match probe(path) {
            Ok(found) => found.filter(|python| python.minor() == minor).map(Ok),
            Err(error) => Some(Err(error)),
        });
        found.transpose()
    };
    if let Some(python) = first_of(named(minor), minor)? {
        return Ok(python);
    }
    let mut others = Vec::new();
    for path in ["python3", "python"].into_iter().flat_map(|name| programs(options, name)) {
        others.extend(probe(&path)?);
    }
    if let Some(python) = others.iter().find(|python| python.minor() == minor) {
        return Ok(python.clone());
    }
    let mut minors: Vec<u8> = (PythonVersion::OLDEST_MINOR..=NEWEST_MINOR).collect();
    // Of two that are as near, the newer has more of what a newer package asks for.
    minors.sort_by_key(|other| (other.abs_diff(minor), NEWEST_MINOR - other));
    for other in minors {
        if let Some(python) = others.iter().find(|python| python.minor() == other) {
            return Ok(python.clone());
        }
        if let Some(python) = first_of(named(other), other)? {
            return Ok(python);
        }
    }
    Err(BuildError::NoPython { minor })
}

/// The programs of a name, in the order in which they are tried.
fn programs(options: &BuildOptions, name: &str) -> Vec<PathBuf> {
    let mut folders = options.search.clone();
    for root in &options.installations {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten().take(INSTALLATIONS_LIMIT);
        let mut installed: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
        installed.sort();
        // Mostly the newest patch release first.
        folders.extend(installed.into_iter().rev());
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in folders.iter().map(|folder| folder.join(name)).filter(|path| path.is_file()) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Asks a program what it is; `None` where it is no Python that can build.
fn probe(path: &Path, options: &BuildOptions, patience: Patience) -> Result<Option<Interpreter>, BuildError> {
    let mut command = Command::new(path);
    command.args(["-I", "-S", "-c", PROBE]).env_clear();
    command.envs(options.variables.iter().map(|(name, value)| (name, value)));
    let until = Instant::now().checked_add(PROBE_LIMIT);
    match run(command, Patience { until, ..patience }) {
        Ok(ended) if ended.status.success() => {
            let found: Option<Interpreter> = serde_json::from_slice(&ended.output).ok();
            Ok(found.filter(Interpreter::is_usable).filter(|python| python.executable.is_absolute()))
        }
        Err(ProcessError::Stopped(stop)) => Err(BuildError::Stopped(stop)),
        outcome => {
            tracing::debug!(path = %path.display(), ?outcome, "no Python that can build");
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(path: &Path, minor: u8) -> Interpreter {
        Interpreter {
            executable: path.to_owned(),
            implementation: "cpython".to_owned(),
            version: (3, minor, 4),
            free_threaded: false,
            system: "linux".to_owned(),
            machine: "x86_64".to_owned(),
            libc: "glibc 2.36".to_owned(),
        }
    }

    /// Which of these programs is found for a minor version. A file holds its own minor version, or nothing where it is
    /// a program that cannot be run.
    fn found(programs: &[(&str, &str)], minor: u8) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, holds) in programs {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, holds).unwrap();
        }
        let options = BuildOptions {
            search: vec![folder.path().join("a"), folder.path().join("b")],
            installations: vec![folder.path().join("versions")],
            ..BuildOptions::default()
        };
        let probe = |path: &Path| {
            let minor = std::fs::read_to_string(path).unwrap().parse().ok();
            Ok(minor.map(|minor| python(path, minor)))
        };
        let python = find_by(&options, minor, &probe).ok()?;
        Some(python.executable.strip_prefix(folder.path()).unwrap().display().to_string())
    }

    #[test]
    fn the_target_s_minor_comes_first() {
        let programs = [("a/python3", "11"), ("b/python3.12", "12"), ("b/python3.11", "11")];
        assert_eq!(found(&programs, 12).unwrap(), "b/python3.12");
        assert_eq!(found(&programs, 11).unwrap(), "b/python3.11");
        assert_eq!(found(&[("a/python3", "12"), ("a/python3.13", "13")], 12).unwrap(), "a/python3");
        assert_eq!(found(&[("a/python3", "11"), ("b/python", "12")], 12).unwrap(), "b/python");
    }

    #[test]
    fn one_that_cannot_be_run_or_lies_about_its_name_is_passed_over() {
        let programs =
            [("a/python3.12", ""), ("b/python3.12", "9"), ("versions/3.12.1/bin/python3.12", "12")];
        assert_eq!(found(&programs, 12).unwrap(), "versions/3.12.1/bin/python3.12");
    }

    #[test]
    fn else_the_nearest_is_taken_and_of_two_the_newer() {
        assert_eq!(found(&[("a/python3.9", "9"), ("a/python3.11", "11")], 12).unwrap(), "a/python3.11");
        assert_eq!(found(&[("a/python3.11", "11"), ("a/python3.13", "13")], 12).unwrap(), "a/python3.13");
        assert_eq!(found(&[("a/python3", "10"), ("a/python3.9", "9")], 12).unwrap(), "a/python3");
        assert_eq!(found(&[("a/python3", ""), ("a/other", "12")], 12), None);
    }

    #[test]
    fn the_one_that_the_user_names_is_the_only_one() {
        let options = BuildOptions { python: Some("/own/python".into()), ..BuildOptions::default() };
        let taken = find_by(&options, 12, &|path| Ok(Some(python(path, 9)))).unwrap();
        assert_eq!(taken.executable, Path::new("/own/python"));
        let refused = find_by(&options, 12, &|_| Ok(None)).unwrap_err();
        assert!(refused.to_string().contains("/own/python"), "{refused}");
    }

    #[test]
    fn a_machine_is_described_as_a_target() {
        let target = python(Path::new("/bin/python3"), 12).target().unwrap();
        assert_eq!((target.python.as_str(), target.platform.as_str()), ("3.12.4", "linux-x86_64"));
        assert_eq!(target.glibc.as_deref(), Some("2.36"));
        let musl = Interpreter { libc: String::new(), ..python(Path::new("/bin/python3"), 12) };
        assert!(musl.target().unwrap_err().to_string().contains("without glibc"));
        assert!(!Interpreter { implementation: "pypy".to_owned(), ..musl }.is_usable());
    }
}
