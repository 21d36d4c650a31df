//! Builds: the metadata of a source tree, learned by running its build backend (PEP 517).
//!
//! **This runs foreign code**, with the rights of whoever runs this program: it happens for packages alone that the user
//! named, and for nothing ahead of time. A build has an environment, a home and a temporary folder of its own, sees a
//! short list of environment variables, gets no credential of an index, and ends with all that it started when its time
//! is over. What it does to files outside of its folders, or on the network, is not prevented.
//!
//! What the build requires is chosen by this program's own solver for this machine's Python, from the same indexes and
//! under the same `exclude-newer`; it is taken from wheels alone, so that one build never leads to another.

mod allowed;
mod backend;
mod environment;
mod error;
mod gate;
mod interpreter;
mod options;
pub(crate) mod process;
mod sdist;
mod unpack;
mod wheel;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::{PackageName, Requirement, RequirementSource, Version};
use tempfile::TempDir;
use tokio::runtime::Handle;

pub(crate) use allowed::AllowedBuilds;
pub use error::BuildError;
pub use options::BuildOptions;

use self::backend::{Backend, read_build_system};
use self::environment::Environment;
use self::error::failed;
use self::interpreter::Interpreter;
use self::process::Patience;
pub(crate) use self::unpack::unpack;
use crate::access::Access;
use crate::event::Watch;
use crate::limits::RunLimits;
use crate::lock::fetch_wheels;
use crate::request::{LockRequest, RequestedRequirement};

/// Builds for one target within one run. Its methods block: they may not be called from a thread of the runtime.
pub(crate) struct Builder {
    access: Access,
    exclude_newer: Option<String>,
    /// The minor version of the target's Python.
    minor: u8,
    runtime: Handle,
    limits: RunLimits,
    interpreter: OnceLock<Interpreter>,
    /// The wheels that builds of this run needed so far.
    wheels: OnceLock<TempDir>,
}

/// What a source tree must turn out to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    pub(crate) name: Option<PackageName>,
    pub(crate) version: Option<Version>,
}

/// What a build told.
#[derive(Debug)]
pub(crate) struct Built {
    /// The METADATA, which was read and is that of the package that was expected.
    pub(crate) metadata: Vec<u8>,
    /// The minor version of the Python that built it, which is not always the target's.
    pub(crate) minor: u8,
}

/// A wheel on this disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FetchedWheel {
    pub(crate) filename: String,
    pub(crate) path: PathBuf,
}

/// The Python that compiles bytecode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BytecodePython {
    pub(crate) executable: PathBuf,
    /// The whole version, such as `3.12.4`.
    pub(crate) version: String,
}

/// Finds a Python 3 of exactly this minor version, whose bytecode is that of every other one of it.
///
/// # Errors
/// [`BuildError::NoPython`] when this machine has none.
pub(crate) fn find_python(
    options: &BuildOptions,
    minor: u8,
    limits: &RunLimits,
) -> Result<BytecodePython, BuildError> {
    let stop = || limits.should_stop();
    let found = interpreter::find(options, minor, Patience { until: None, stop: &stop })?;
    if found.minor() != minor {
        return Err(BuildError::NoPython { minor });
    }
    let version = found.target()?.python;
    Ok(BytecodePython { executable: found.executable, version })
}

impl Builder {
    /// A builder for a target of Python 3 with this minor version. Nothing is looked for yet.
    pub(crate) fn new(
        access: &Access,
        exclude_newer: Option<String>,
        minor: u8,
        runtime: Handle,
        limits: RunLimits,
    ) -> Self {
        Self {
            access: access.clone(),
            exclude_newer,
            minor,
            runtime,
            limits,
            interpreter: OnceLock::new(),
            wheels: OnceLock::new(),
        }
    }

    /// Builds the metadata of a source tree. The build may write into the tree.
    ///
    /// # Errors
    /// When there is no Python, what the build requires cannot be had, or its backend fails, takes too long, or makes the
    /// metadata of something else.
    pub(crate) fn metadata(&self, source: &Path, expected: &Expected) -> Result<Built, BuildError> {
        let interpreter = self.interpreter()?;
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is for one lifetime")]
        let metadata =
            self.with_backend(source, interpreter, |backend, patience| backend.metadata(patience))?;
        check(&metadata, expected)?;
        Ok(Built { metadata, minor: interpreter.minor() })
    }

    /// Builds the wheel of a source tree with the target's own version of Python, and puts it into a folder under its name.
    /// The build may write into the tree.
    ///
    /// # Errors
    /// As [`Self::metadata`], and when this machine has no such Python or is another kind of machine than the target.
    pub(crate) fn wheel(
        &self,
        source: &Path,
        expected: &Expected,
        platform: &str,
        into: &Path,
    ) -> Result<FetchedWheel, BuildError> {
        let interpreter = self.interpreter()?;
        if interpreter.minor() != self.minor {
            return Err(BuildError::NoPython { minor: self.minor });
        }
        let here = interpreter.target()?.platform;
        if here != platform {
            return Err(BuildError::Host(format!("{here} for {platform}")));
        }
        let (filename, path, metadata) = self.with_backend(source, interpreter, |backend, patience| {
            let (made, metadata) = backend.wheel(patience)?;
            let filename = made.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let path = into.join(&filename);
            std::fs::copy(&made, &path).map_err(failed("cannot keep the wheel that was built"))?;
            Ok((filename, path, metadata))
        })?;
        check(&metadata, expected)?;
        Ok(FetchedWheel { filename, path })
    }

    /// Calls the backend of a source tree in an environment with what it requires.
    fn with_backend<T>(
        &self,
        source: &Path,
        interpreter: &Interpreter,
        call: impl FnOnce(&Backend<'_>, Patience) -> Result<T, BuildError>,
    ) -> Result<T, BuildError> {
        let system = read_build_system(source)?;
        let stop = || self.limits.should_stop();
        let until = Instant::now().checked_add(self.access.build.time_limit);
        let patience = Patience { until, stop: &stop };
        let own = tempfile::Builder::new()
            .prefix("mlresolve-build-")
            .tempdir()
            .map_err(failed("cannot make a temporary folder"))?;
        let options = &self.access.build;
        tracing::info!(source = %source.display(), backend = system.backend, "building");

        let mut wheels = self.fetch(&system.requires, interpreter)?;
        let mut environment =
            self.environment(&own.path().join("environment"), &wheels, interpreter, patience)?;
        let more = Backend::new(source, &system, &environment, options, own.path())?.requires(patience)?;
        let more: Vec<Requirement> = more.into_iter().filter(|one| !system.requires.contains(one)).collect();
        if !more.is_empty() {
            let together = self.fetch(&[system.requires.clone(), more].concat(), interpreter)?;
            // Both lists together may choose other versions, which are not to be laid over the first ones.
            if together != wheels {
                wheels = together;
                environment =
                    self.environment(&own.path().join("environment-2"), &wheels, interpreter, patience)?;
            }
        }
        call(&Backend::new(source, &system, &environment, options, own.path())?, patience)
    }

    fn interpreter(&self) -> Result<&Interpreter, BuildError> {
        if let Some(found) = self.interpreter.get() {
            return Ok(found);
        }
        let stop = || self.limits.should_stop();
        let patience = Patience { until: None, stop: &stop };
        let found = interpreter::find(&self.access.build, self.minor, patience)?;
        tracing::info!(python = %found.executable.display(), version = found.short(), "builds run with");
        Ok(self.interpreter.get_or_init(|| found))
    }

    fn environment(
        &self,
        root: &Path,
        wheels: &BTreeSet<FetchedWheel>,
        interpreter: &Interpreter,
        patience: Patience,
    ) -> Result<Environment, BuildError> {
        let environment = Environment::create(root, interpreter, &self.access.build, patience)?;
        for wheel in wheels {
            wheel::install(&wheel.path, &wheel.filename, &environment)?;
        }
        Ok(environment)
    }

    /// Chooses and fetches the wheels of a build's requirements.
    fn fetch(
        &self,
        requires: &[Requirement],
        interpreter: &Interpreter,
    ) -> Result<BTreeSet<FetchedWheel>, BuildError> {
        if requires.is_empty() {
            return Ok(BTreeSet::new());
        }
        if let Some(foreign) = requires.iter().find(|one| matches!(one.source, RequirementSource::Url(_))) {
            let problem = format!("its build requires {} by address, which is not followed", foreign.name);
            return Err(BuildError::BuildSystem(problem));
        }
        let texts: Vec<String> = requires.iter().map(ToString::to_string).collect();
        let request = LockRequest {
            requirements: texts.iter().map(RequestedRequirement::new).collect(),
            target: interpreter.target()?,
            exclude_newer: self.exclude_newer.clone(),
            only_binary: vec![":all:".to_owned()],
            ..LockRequest::default()
        };
        let folder = match self.wheels.get() {
            Some(folder) => folder,
            None => {
                let folder = tempfile::Builder::new().prefix("mlresolve-wheels-").tempdir();
                let folder = folder.map_err(failed("cannot make a temporary folder"))?;
                self.wheels.get_or_init(|| folder)
            }
        };
        let time_limit =
            self.limits.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let access =
            Access { time_limit: time_limit.unwrap_or(self.access.time_limit), ..self.access.clone() };
        // The outer run's counts are not this one's.
        let watch = Watch { observer: None, cancellation: self.limits.watch.cancellation.clone() };
        let fetching = fetch_wheels(&request, &access, &watch, folder.path());
        let fetched = self.runtime.block_on(self.limits.hold(fetching)).map_err(BuildError::Stopped)?;
        fetched.map_err(|source| BuildError::Requirements {
            requirements: texts.join(", "),
            python: interpreter.short(),
            source: Box::new(source),
        })
    }
}

fn check(metadata: &[u8], expected: &Expected) -> Result<(), BuildError> {
    let read = CoreMetadata::parse(metadata)?;
    let other_name = expected.name.as_ref().is_some_and(|name| *name != read.name);
    let other_version = expected.version.as_ref().is_some_and(|version| *version != read.version);
    if other_name || other_version {
        return Err(BuildError::OfAnother { found: format!("{} {}", read.name, read.version) });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
