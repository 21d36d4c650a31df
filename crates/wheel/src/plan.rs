//! The files that the installation of one wheel is, as data: nothing is written here, and nothing is read.
//!
//! Source: "Installing a wheel" in the binary distribution format of PyPA (PEP 427), and the recording of installed
//! projects (PEP 376, PEP 627). What these leave open is as uv does it: modes, the text of launchers, the first lines of
//! scripts. `direct_url.json`, `REQUESTED` and compiled files are not made.

mod destination;
mod launcher;

use std::collections::BTreeMap;

use mlresolve_packaging::{RecordHash, RecordRow, ScriptEntryPoint, write_record};

use crate::check::sha256;
use crate::contents::Wheel;
use crate::error::PlanFault;
use crate::framing::{Entry, is_below};
use crate::layout::Layout;
use crate::warning::Warning;

use destination::{Destinations, Place, check_path};

/// The content of INSTALLER.
const INSTALLER: &str = "mlresolve\n";
/// The files of `.dist-info` that an installer writes; a wheel's own are not taken.
const INSTALLERS_OWN: [&str; 4] = ["RECORD", "INSTALLER", "REQUESTED", "direct_url.json"];
/// The modules that Python runs when it starts, besides `.pth` files.
const STARTUP_MODULES: [&str; 2] = ["sitecustomize.py", "usercustomize.py"];

/// What an installation of one wheel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// The files, sorted by the bytes of their paths, each path once.
    pub files: Vec<PlannedFile>,
    /// What is odd about the wheel, or was left out.
    pub warnings: Vec<Warning>,
}

/// One file of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its path below the prefix, divided by `/`.
    pub path: String,
    /// Whether everyone may execute it.
    pub executable: bool,
    /// Its length in bytes.
    pub size: u64,
    /// The CRC-32 of its content.
    pub crc32: u32,
    /// The hash of its content; SHA-256 unless the wheel's RECORD has another.
    pub hash: RecordHash,
    /// Where its content comes from.
    pub source: FileSource,
}

/// Where the content of an installed file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// It is the content of this entry of the archive, unchanged.
    Entry(Entry),
    /// It is made for the installation.
    Generated(Vec<u8>),
}

impl PlannedFile {
    /// The file's mode: 0755 or 0644.
    #[must_use]
    pub fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }

    fn generated(path: String, executable: bool, content: Vec<u8>) -> Self {
        Self {
            path,
            executable,
            size: content.len() as u64,
            crc32: crc32fast::hash(&content),
            hash: sha256(&content),
            source: FileSource::Generated(content),
        }
    }
}

/// Plans the installation of a wheel.
pub(crate) fn make(wheel: &Wheel, layout: &Layout) -> Result<InstallPlan, PlanFault> {
    let mut warnings = wheel.warnings.clone();
    let commands = commands(wheel, layout);
    let destinations = Destinations::new(wheel, layout);
    let own_info = format!("{}.dist-info/", wheel.stem);
    let mut files = Vec::new();
    let entries = wheel.archive.entries().iter().zip(&wheel.hashes).enumerate();
    for (at, (entry, hash)) in entries.filter(|(_, (entry, _))| !entry.is_folder) {
        let in_info = entry.name.strip_prefix(&own_info);
        if in_info.is_some_and(|name| INSTALLERS_OWN.contains(&name)) {
            if in_info != Some("RECORD") {
                warnings.push(Warning::InstallerFile(entry.name.clone()));
            }
            continue;
        }
        let place = destinations.of(&entry.name)?;
        // A launcher that older tools put into the wheel, besides the entry point that it is for.
        if let Place::Script { name, .. } = &place
            && commands.contains_key(launcher::command_of(name))
        {
            continue;
        }
        let is_script = matches!(place, Place::Script { .. });
        let path = place.path();
        let file = match (wheel.rewritten.get(&at), hash) {
            (Some(rest), _) => {
                let content = [launcher::first_line(layout).as_bytes(), b"\n", rest.as_slice()].concat();
                PlannedFile::generated(path, true, content)
            }
            (None, Some(hash)) => PlannedFile {
                path,
                executable: is_script || entry.executable,
                size: entry.size,
                crc32: entry.crc32,
                hash: hash.clone(),
                source: FileSource::Entry(entry.clone()),
            },
            // Only RECORD has none.
            (None, None) => continue,
        };
        files.push(file);
    }
    for (name, script) in &commands {
        let content = launcher::text(script, layout).into_bytes();
        files.push(PlannedFile::generated(format!("bin/{name}"), true, content));
    }
    let info = format!("{}/{}.dist-info", layout.site_packages(), wheel.stem);
    files.push(PlannedFile::generated(format!("{info}/INSTALLER"), false, INSTALLER.into()));
    let record = record(&files, &format!("{info}/RECORD"), layout).into_bytes();
    files.push(PlannedFile::generated(format!("{info}/RECORD"), false, record));

    files.sort_by(|left, right| left.path.cmp(&right.path));
    check_files(&files, layout, &own_info)?;
    warnings.extend(startup_files(&files, layout));
    Ok(InstallPlan { files, warnings })
}

/// The commands that get launchers, by their names.
fn commands<'a>(wheel: &'a Wheel, layout: &Layout) -> BTreeMap<String, &'a ScriptEntryPoint> {
    // The name that is in both sections is a console's.
    let all = wheel.scripts.gui.iter().chain(&wheel.scripts.console);
    let mut commands: BTreeMap<String, &ScriptEntryPoint> =
        all.map(|script| (script.name.clone(), script)).collect();
    // pip's own wheel names the Python that it was built with, or leaves the command out: installers make it anew.
    commands.retain(|name, _| {
        name.strip_prefix("pip3.")
            .is_none_or(|minor| minor.is_empty() || !minor.bytes().all(|b| b.is_ascii_digit()))
    });
    if let Some(pip) = commands.get("pip3").copied() {
        let minor = layout.minor().trim_end_matches('t');
        commands.insert(format!("pip3.{minor}"), pip);
    }
    commands
}

/// The text of RECORD, with a row for itself: sorted by the bytes of the paths that stand in it.
fn record(files: &[PlannedFile], record: &str, layout: &Layout) -> String {
    let folder = layout.site_packages();
    let row = |path: &str, listed: Option<&PlannedFile>| RecordRow {
        path: relative(path, &folder),
        hash: listed.map(|file| file.hash.clone()),
        size: listed.map(|file| file.size),
    };
    let mut rows: Vec<RecordRow> = files.iter().map(|file| row(&file.path, Some(file))).collect();
    rows.push(row(record, None));
    rows.sort_by(|left, right| left.path.cmp(&right.path));
    write_record(&rows)
}

/// The way from a folder to a path, both below the prefix.
fn relative(path: &str, folder: &str) -> String {
    let (parts, folders): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), folder.split('/').collect());
    let shared = parts.iter().zip(&folders).take_while(|(part, folder)| part == folder).count();
    let up = std::iter::repeat_n("..", folders.len() - shared);
    up.chain(parts.into_iter().skip(shared)).collect::<Vec<_>>().join("/")
}

/// Holds the plan as a whole to what no file of it can say alone.
fn check_files(files: &[PlannedFile], layout: &Layout, own_info: &str) -> Result<(), PlanFault> {
    for file in files {
        check_path(&file.path, layout, own_info)?;
    }
    // As in an archive: what is below a path comes right after it.
    let key =
        |path: &&str| -> Vec<u8> { path.bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect() };
    let mut paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_by_cached_key(key);
    for pair in paths.windows(2) {
        let (first, second) = (pair[0].to_owned(), pair[1].to_owned());
        if first == second {
            return Err(PlanFault::SamePath(first));
        }
        if is_below(&second, &first) {
            return Err(PlanFault::FileAndFolder(first, second));
        }
    }
    Ok(())
}

/// The files that Python runs whenever it starts.
fn startup_files(files: &[PlannedFile], layout: &Layout) -> Vec<Warning> {
    let folder = format!("{}/", layout.site_packages());
    let runs =
        |name: &&str| !name.contains('/') && (name.ends_with(".pth") || STARTUP_MODULES.contains(name));
    let names = files.iter().filter_map(|file| file.path.strip_prefix(&folder));
    names.filter(runs).map(|name| Warning::StartupFile(name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn record_has_the_shortest_way() {
        let from = |path| relative(path, "lib/python3.12/site-packages");
        assert_eq!(from("lib/python3.12/site-packages/a/b.py"), "a/b.py");
        assert_eq!(from("bin/x"), "../../../bin/x");
        assert_eq!(from("lib/libx.so"), "../../libx.so");
        assert_eq!(from("lib/python3.12/x"), "../x");
    }
}
