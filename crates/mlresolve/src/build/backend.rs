//! The build backend of a source tree, and its hooks (PEP 517).

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlresolve_packaging::Requirement;
use mlresolve_packaging::pyproject::{BuildSystem, PYPROJECT_LIMIT};
use serde::Deserialize;
use serde_json::json;

use super::environment::Environment;
use super::error::{BuildError, failed};
use super::options::BuildOptions;
use super::process::{Patience, ProcessError, run, shown};
use crate::text::printable;

/// The largest METADATA or answer of a hook that is read, in bytes.
const ANSWER_LIMIT: u64 = 16 << 20;

const HOOKS: &str = include_str!("hooks.py");

/// A source tree, with what calling its backend takes.
pub(super) struct Backend<'a> {
    source: &'a Path,
    system: &'a BuildSystem,
    environment: &'a Environment,
    options: &'a BuildOptions,
    /// A folder for what a build makes besides.
    own: &'a Path,
    backend_path: Vec<PathBuf>,
}

/// What a hook answered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
enum Answer {
    Requires {
        requires: Vec<String>,
    },
    /// The name of the `.dist-info` folder in the folder that it was given.
    Metadata {
        name: String,
    },
    /// The name of the wheel in the folder that it was given.
    Wheel {
        name: String,
    },
    /// The backend is not installed.
    Missing {
        reason: String,
    },
    /// The backend raised an exception.
    Raised {
        reason: String,
        module: Option<String>,
    },
}

/// Reads how a source tree is built.
pub(super) fn read_build_system(source: &Path) -> Result<BuildSystem, BuildError> {
    let path = source.join("pyproject.toml");
    if !path.is_file() {
        // PEP 517 has a default for trees without it, as long as there is something that the default can call.
        let buildable = source.join("setup.py").is_file() || source.join("setup.cfg").is_file();
        return if buildable { Ok(BuildSystem::default()) } else { Err(BuildError::NothingToBuild) };
    }
    let mut text = String::new();
    let file = File::open(&path).map_err(failed("cannot read pyproject.toml"))?;
    file.take(PYPROJECT_LIMIT as u64 + 1)
        .read_to_string(&mut text)
        .map_err(failed("cannot read pyproject.toml"))?;
    BuildSystem::parse(&text).map_err(|error| BuildError::BuildSystem(error.to_string()))
}

impl<'a> Backend<'a> {
    /// The backend of a tree, in an environment with what it requires.
    pub(super) fn new(
        source: &'a Path,
        system: &'a BuildSystem,
        environment: &'a Environment,
        options: &'a BuildOptions,
        own: &'a Path,
    ) -> Result<Self, BuildError> {
        let root = source.canonicalize().map_err(failed("cannot find the source tree"))?;
        let inside = |folder: &String| {
            let path = root.join(folder).canonicalize().ok().filter(|path| path.starts_with(&root));
            path.ok_or_else(|| {
                BuildError::BuildSystem(format!("backend-path {folder:?} is no folder of the tree"))
            })
        };
        let backend_path = system.backend_path.iter().map(inside).collect::<Result<_, _>>()?;
        Ok(Self { source, system, environment, options, own, backend_path })
    }

    /// What it requires for a wheel, on top of what the tree says.
    pub(super) fn requires(&self, patience: Patience) -> Result<Vec<Requirement>, BuildError> {
        match self.call("requires", patience)? {
            Answer::Requires { requires } => {
                let read = requires.iter().map(|text| {
                    Requirement::parse_lenient(text).map(|(requirement, _)| requirement).map_err(|error| {
                        BuildError::NoMetadata(format!("it requires {:?}, but {error}", printable(text)))
                    })
                });
                read.collect()
            }
            _ => Err(BuildError::NoMetadata("it gave another answer than it was asked for".to_owned())),
        }
    }

    /// The METADATA of the tree.
    pub(super) fn metadata(&self, patience: Patience) -> Result<Vec<u8>, BuildError> {
        let answer = self.call("metadata", patience)?;
        let (Answer::Metadata { name } | Answer::Wheel { name }) = &answer else {
            return Err(BuildError::NoMetadata("it gave another answer than it was asked for".to_owned()));
        };
        let refuse = |reason: String| BuildError::NoMetadata(format!("{:?} {reason}", printable(name)));
        if let Answer::Metadata { .. } = answer {
            let path = self.made_file(name)?;
            return read_file(&path.join("METADATA")).ok_or_else(|| refuse("holds no METADATA".to_owned()));
        }
        self.read_wheel(name).map(|(_, metadata)| metadata)
    }

    /// The path of the wheel of the tree, and its METADATA.
    pub(super) fn wheel(&self, patience: Patience) -> Result<(PathBuf, Vec<u8>), BuildError> {
        match self.call("wheel", patience)? {
            Answer::Wheel { name } => self.read_wheel(&name),
            _ => Err(BuildError::NoMetadata("it gave another answer than it was asked for".to_owned())),
        }
    }

    fn read_wheel(&self, name: &str) -> Result<(PathBuf, Vec<u8>), BuildError> {
        let refuse = |reason: String| BuildError::NoMetadata(format!("{:?} {reason}", printable(name)));
        let path = self.made_file(name)?;
        let filename = name.parse().map_err(|error| refuse(format!("is no wheel: {error}")))?;
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let wheel = is_file.then(|| File::open(&path).ok()).flatten();
        let wheel = wheel.ok_or_else(|| refuse("is no file".to_owned()))?;
        let metadata = mlresolve_index::metadata_in_wheel(wheel, &filename, ANSWER_LIMIT).map_err(refuse)?;
        Ok((path, metadata))
    }

    /// What it made under a name.
    fn made_file(&self, name: &str) -> Result<PathBuf, BuildError> {
        if name.contains(['/', '\\', '\0']) || name.starts_with('.') {
            return Err(BuildError::NoMetadata(format!("{:?} is no name of a file", printable(name))));
        }
        Ok(self.made().join(name))
    }

    /// The folder in which the backend puts what it makes.
    fn made(&self) -> PathBuf {
        self.own.join("made")
    }

    fn call(&self, hook: &str, patience: Patience) -> Result<Answer, BuildError> {
        let write =
            |path: &Path, text: &str| fs::write(path, text).map_err(failed("cannot write for a build"));
        let (program, job, answer) =
            (self.own.join("hooks.py"), self.own.join("job.json"), self.own.join("answer.json"));
        fs::create_dir_all(self.made()).map_err(failed("cannot make the folders of a build"))?;
        write(&program, HOOKS)?;
        let text = json!({
            "hook": hook,
            "backend": self.system.backend,
            "backend-path": self.backend_path,
            "folder": self.made(),
            "answer": answer,
        });
        write(&job, &text.to_string())?;
        drop(fs::remove_file(&answer));
        let mut command = self.environment.command(self.source, self.own, self.options)?;
        command.arg(&program).arg(&job);
        let start = Instant::now();
        let ended = match run(command, patience) {
            Ok(ended) => ended,
            Err(ProcessError::OutOfTime(output)) => {
                let seconds = whole_seconds(start.elapsed());
                return Err(BuildError::OutOfTime { seconds, output: shown(&output) });
            }
            Err(ProcessError::Stopped(stop)) => return Err(BuildError::Stopped(stop)),
            Err(ProcessError::Io(source)) => {
                return Err(BuildError::File { what: "cannot run the build".to_owned(), source });
            }
        };
        let answer = read_file(&answer).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match answer {
            Some(Answer::Missing { reason }) => Err(BuildError::NoBackend {
                backend: self.system.backend.clone(),
                reason: printable(&reason),
            }),
            Some(Answer::Raised { reason, module }) => {
                let undeclared = module.map(|module| {
                    let module = printable(&module);
                    format!("; it uses {module} and does not say so in its build-system.requires")
                });
                let reason = format!("{}{}", printable(&reason), undeclared.unwrap_or_default());
                Err(BuildError::Failed { reason, output: shown(&ended.output) })
            }
            Some(answer) => Ok(answer),
            None => {
                let reason = format!("its backend ended without an answer ({})", ended.status);
                Err(BuildError::Failed { reason, output: shown(&ended.output) })
            }
        }
    }
}

/// A regular file that a build made, if it is not too long.
fn read_file(path: &Path) -> Option<Vec<u8>> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let file = is_file.then(|| File::open(path).ok()).flatten()?;
    let mut bytes = Vec::new();
    file.take(ANSWER_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= ANSWER_LIMIT).then_some(bytes)
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs_f64().round() as u64
}
