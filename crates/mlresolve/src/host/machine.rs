//! Files and programs of a machine, each asked within limits.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::HostView;
use crate::build::process::{Patience, ProcessError, run};
use crate::text::printable;

/// The most bytes of a file that are read.
const FILE_LIMIT: u64 = 64 << 10;
/// The most entries of a folder that are looked at.
const ENTRIES_LIMIT: usize = 1000;
/// The most notes that are kept.
const NOTES_LIMIT: usize = 30;
/// How much longer than its limit a program is waited for: one that hangs in a driver cannot even be killed.
const GRACE: Duration = Duration::from_secs(1);
/// The variables that programs are given, besides `PATH`. `LD_LIBRARY_PATH` leads some of them to their driver's libraries,
/// and pyenv's stand-ins need the others.
const PASSED_ON: [&str; 3] = ["HOME", "LD_LIBRARY_PATH", "PYENV_ROOT"];

/// A machine while it is looked at.
pub(super) struct Machine<'a> {
    pub(super) view: &'a HostView<'a>,
    notes: Vec<String>,
}

/// What a program answered.
pub(super) struct Answer {
    pub(super) success: bool,
    /// What it printed, to standard output and standard error.
    pub(super) text: String,
}

impl Answer {
    /// The first line with something in it.
    pub(super) fn first_line(&self) -> &str {
        self.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing")
    }
}

impl<'a> Machine<'a> {
    pub(super) fn new(view: &'a HostView<'a>) -> Self {
        Self { view, notes: Vec::new() }
    }

    pub(super) fn notes(self) -> Vec<String> {
        self.notes
    }

    /// Keeps a note for the person who asked.
    pub(super) fn note(&mut self, note: &str) {
        if self.notes.len() < NOTES_LIMIT {
            self.notes.push(printable(note));
        }
    }

    /// A path of the machine, given without the slash at its beginning.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.view.root.join(path)
    }

    /// The text of a file; nothing where there is no plain file that can be read.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let path = self.path(path);
        // A pipe or a device would be waited for.
        let file = path.is_file().then(|| std::fs::File::open(&path).ok()).flatten()?;
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a folder, sorted, numbers by their value.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let names = entries.take(ENTRIES_LIMIT).filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort_by_cached_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), name.clone()));
        names
    }

    /// The program of that name; `elsewhere` are folders of the machine that count after the search path.
    pub(super) fn program(&self, name: &str, elsewhere: &[&str]) -> Option<PathBuf> {
        let elsewhere = elsewhere.iter().map(|folder| self.path(folder));
        let folders = self.view.search.iter().cloned().chain(elsewhere);
        folders.map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// Runs a program. Nothing comes of one that cannot be run or does not answer in time, which is noted.
    pub(super) fn run(&mut self, program: &Path, arguments: &[&str]) -> Option<Answer> {
        let limit = self.view.program_limit;
        let (answered, answer) = channel();
        let command = self.command(program, arguments);
        // On a thread of its own, since waiting for the end of one that cannot be killed has no end either.
        std::thread::spawn(move || {
            let until = Instant::now().checked_add(limit);
            answered.send(run(command, Patience { until, stop: &|| None })).ok();
        });
        match answer.recv_timeout(limit.saturating_add(GRACE)) {
            Ok(Ok(ended)) => {
                let text = String::from_utf8_lossy(&ended.output).into_owned();
                return Some(Answer { success: ended.status.success(), text });
            }
            Ok(Err(ProcessError::Io(error))) => {
                self.note(&format!("{} cannot be run: {error}", program.display()));
            }
            Ok(Err(ProcessError::OutOfTime(_) | ProcessError::Stopped(_))) | Err(_) => {
                let seconds = limit.as_secs_f64();
                self.note(&format!("{} did not answer within {seconds} s", program.display()));
            }
        }
        None
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("LC_ALL", "C").current_dir(&self.view.root);
        if let Ok(path) = std::env::join_paths(&self.view.search) {
            command.env("PATH", path);
        }
        let passed_on = PASSED_ON.iter().filter_map(|name| Some((name, (self.view.variables)(name)?)));
        command.envs(passed_on);
        command
    }
}

/// Whether a path leads to a program from wherever it is called.
pub(super) fn is_program(path: &Path) -> bool {
    path.is_absolute() && path.metadata().is_ok_and(|metadata| metadata.is_file() && may_run(&metadata))
}

#[cfg(unix)]
fn may_run(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn may_run(_metadata: &std::fs::Metadata) -> bool {
    true
}

/// Whether a text is a version of two to four numbers, such as `570.124.06`.
pub(super) fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let number =
        |part: &&str| (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=4).contains(&parts.len()) && parts.iter().all(number)
}
