//! The platform, its C library and its Pythons.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mlresolve_target::PythonVersion;

use super::machine::{Machine, is_program, is_version};
use super::{Host, HostPython};

/// The newest minor version of Python that is looked for.
const NEWEST_MINOR: u8 = 30;
/// The most Pythons that are asked which they are.
const PYTHONS_LIMIT: usize = 16;

pub(super) fn look(machine: &mut Machine, host: &mut Host) {
    let (system, processor) = (machine.view.system, machine.view.processor);
    let platform = match (system, processor) {
        ("linux", "x86_64") => Some("linux-x86_64"),
        ("linux", "aarch64") => Some("linux-aarch64"),
        ("macos", "aarch64") => Some("macos-arm64"),
        _ => None,
    };
    if platform.is_none() {
        machine.note(&format!("there are no targets for {system} on {processor}"));
    }
    host.platform = platform.map(str::to_owned);
    host.mps = platform == Some("macos-arm64");
    if system == "linux" {
        host.glibc = glibc(machine);
    }
    host.pythons = pythons(machine);
}

/// The version of glibc: `getconf` says `glibc 2.35`, `ldd` says `ldd (Debian GLIBC 2.36-9) 2.36`.
fn glibc(machine: &mut Machine) -> Option<String> {
    let asked: [(&str, &[&str]); 2] = [("getconf", &["GNU_LIBC_VERSION"]), ("ldd", &["--version"])];
    for (name, arguments) in asked {
        let Some(program) = machine.program(name, &["usr/bin", "bin"]) else { continue };
        let Some(answer) = machine.run(&program, arguments) else { continue };
        let line = answer.first_line();
        if line.to_lowercase().contains("musl") {
            machine.note("the C library is musl; targets are machines with glibc");
            return None;
        }
        // `getconf` and `ldd` of other makes do not name glibc.
        let version = line.split_whitespace().next_back().filter(|version| is_version(version));
        if answer.success
            && let Some(version) = version.filter(|_| line.to_lowercase().contains("libc"))
        {
            return Some(version.to_owned());
        }
    }
    machine.note("neither getconf nor ldd says which glibc this is");
    None
}

/// The Pythons of the search path. Several names may lead to one of them.
fn pythons(machine: &mut Machine) -> Vec<HostPython> {
    let minors = (PythonVersion::OLDEST_MINOR..=NEWEST_MINOR).rev();
    let names: Vec<String> = ["python3".to_owned(), "python".to_owned()]
        .into_iter()
        .chain(minors.flat_map(|minor| [format!("python3.{minor}"), format!("python3.{minor}t")]))
        .collect();
    let folders = machine.view.search.iter();
    let paths = folders.flat_map(|folder| names.iter().map(|name| folder.join(name)));
    let mut known = BTreeSet::new();
    let different = |path: &PathBuf| path.canonicalize().is_ok_and(|real| known.insert(real));
    let paths: Vec<PathBuf> =
        paths.filter(|path| is_program(path)).filter(different).take(PYTHONS_LIMIT).collect();
    paths.iter().filter_map(|path| ask_python(machine, path)).collect()
}

/// The version of a Python; nothing for what is none, such as the stand-in for one that is not installed.
fn ask_python(machine: &mut Machine, path: &Path) -> Option<HostPython> {
    let answer = machine.run(path, &["-V"]).filter(|answer| answer.success)?;
    let version = answer.first_line().strip_prefix("Python ")?.split_whitespace().next()?;
    let digit = |character: char| character.is_ascii_digit();
    let plausible = version.len() < 20
        && version.starts_with(digit)
        && version
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | '+'));
    // PyPy says `Python 3.10.14` too, and then its own name.
    (plausible && !answer.text.contains("PyPy"))
        .then(|| HostPython { executable: path.to_owned(), version: version.to_owned() })
}
