//! The environment of one build: a virtual environment, a home and a temporary folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::error::{BuildError, failed};
use super::interpreter::Interpreter;
use super::options::BuildOptions;
use super::process::{Ended, Patience, ProcessError, run, shown};

/// Prints where the environment that runs it has its packages and scripts.
const PLACES: &str = "import json, sysconfig; paths = sysconfig.get_paths(); \
                      print(json.dumps([paths['purelib'], paths['scripts']]))";

/// A virtual environment.
pub(super) struct Environment {
    pub(super) root: PathBuf,
    /// Its interpreter.
    pub(super) python: PathBuf,
    /// The folder of its packages, below the root.
    pub(super) packages: Vec<String>,
    /// The folder of its programs, below the root.
    pub(super) scripts: Vec<String>,
}

#[derive(Deserialize)]
struct Places(PathBuf, PathBuf);

impl Environment {
    /// Makes an empty environment, without pip, in a folder that need not exist.
    pub(super) fn create(
        root: &Path,
        interpreter: &Interpreter,
        options: &BuildOptions,
        patience: Patience,
    ) -> Result<Self, BuildError> {
        let refuse =
            |reason: String| BuildError::Environment { python: interpreter.executable.clone(), reason };
        let checked = |outcome: Result<Ended, ProcessError>| match outcome {
            Ok(ended) if ended.status.success() => Ok(ended.output),
            Ok(ended) => Err(refuse(shown(&ended.output).lines().last().unwrap_or("it failed").to_owned())),
            Err(ProcessError::Stopped(stop)) => Err(BuildError::Stopped(stop)),
            Err(error) => Err(refuse(error.to_string())),
        };
        let variables = options.variables.iter().map(|(name, value)| (name, value));
        let mut command = Command::new(&interpreter.executable);
        command.args(["-I", "-m", "venv", "--without-pip"]).arg(root).env_clear().envs(variables.clone());
        checked(run(command, patience))?;
        let root = root.canonicalize().map_err(|error| refuse(error.to_string()))?;
        let programs = if cfg!(windows) { "Scripts" } else { "bin" };
        let python = root.join(programs).join(if cfg!(windows) { "python.exe" } else { "python" });
        let mut command = Command::new(&python);
        command.args(["-I", "-c", PLACES]).env_clear().envs(variables);
        let places: Option<Places> = serde_json::from_slice(&checked(run(command, patience))?).ok();
        let below = |path: &Path| -> Option<Vec<String>> {
            let path = path.strip_prefix(&root).ok()?;
            path.iter().map(|part| part.to_str().map(str::to_owned)).collect()
        };
        let places = places.and_then(|Places(packages, scripts)| Some((below(&packages)?, below(&scripts)?)));
        let (packages, scripts) = places.ok_or_else(|| refuse("its folders lie outside of it".to_owned()))?;
        Ok(Self { root, python, packages, scripts })
    }

    /// A command that runs the environment's Python in `folder`, with no more of this process's environment than the
    /// options pass on. `own` is where its home and its temporary files are.
    pub(super) fn command(
        &self,
        folder: &Path,
        own: &Path,
        options: &BuildOptions,
    ) -> Result<Command, BuildError> {
        let (home, temporary) = (own.join("home"), own.join("tmp"));
        for folder in [&home, &temporary] {
            std::fs::create_dir_all(folder).map_err(failed("cannot make the folders of a build"))?;
        }
        let programs = self.scripts.iter().fold(self.root.clone(), |path, part| path.join(part));
        let outside = options.variables.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value);
        let folders = outside.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs).chain(folders)).unwrap_or_default();
        let mut command = Command::new(&self.python);
        command
            .current_dir(folder)
            .env_clear()
            .envs(options.variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", path)
            .env("VIRTUAL_ENV", &self.root)
            .env("HOME", &home)
            .env("TMPDIR", &temporary)
            .env("TEMP", &temporary)
            .env("TMP", &temporary)
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONNOUSERSITE", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8:backslashreplace")
            // Two builds of the same tree are to say the same: sets in the same order, time stamps that are none.
            .env("PYTHONHASHSEED", "0")
            .env("SOURCE_DATE_EPOCH", "315532800");
        Ok(command)
    }
}
