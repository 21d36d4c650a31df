//! Why a source tree could not be built.

use std::path::PathBuf;

use mlresolve_index::IndexError;
use mlresolve_packaging::metadata::MetadataError;
use mlresolve_solver::Stop;

use crate::error::Error;

/// Why the metadata of a source tree could not be learned by a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no Python to build with.
    #[error(
        "there is no Python to build with: install Python 3.{minor}, which the target has, or name another with \
         MLRESOLVE_PYTHON"
    )]
    NoPython {
        /// The target's minor version.
        minor: u8,
    },
    /// The program that the user named is no Python that can build.
    #[error("{} is no CPython 3.8 or newer that can be run", .0.display())]
    NotAPython(PathBuf),
    /// Build requirements cannot be chosen for the machine that builds.
    #[error("nothing can be built on {0}: wheels are chosen for Linux with glibc and for macOS on ARM")]
    Host(String),
    /// The source distribution cannot be fetched.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The source distribution cannot be unpacked.
    #[error("it cannot be unpacked: {0}")]
    Unpack(String),
    /// What the source tree says of its build cannot be understood.
    #[error("pyproject.toml: {0}")]
    BuildSystem(String),
    /// The tree holds nothing that can be built.
    #[error("there is neither a pyproject.toml nor a setup.py in it")]
    NothingToBuild,
    /// What the build requires cannot be had.
    #[error("what its build requires ({requirements}) cannot be had for Python {python} of this machine")]
    Requirements {
        /// The requirements.
        requirements: String,
        /// The Python that builds.
        python: String,
        /// Why.
        source: Box<Error>,
    },
    /// A wheel that the build requires cannot be installed.
    #[error("{wheel}, which its build requires, cannot be installed: {reason}")]
    Wheel {
        /// The file.
        wheel: String,
        /// Why.
        reason: String,
    },
    /// The environment of the build cannot be made.
    #[error("no environment can be made with {}: {reason}", python.display())]
    Environment {
        /// The Python.
        python: PathBuf,
        /// Why.
        reason: String,
    },
    /// The build backend is not there.
    #[error("its build backend {backend} is not there: {reason}; its build-system.requires lacks it")]
    NoBackend {
        /// The backend, as `build-backend` names it.
        backend: String,
        /// What Python said.
        reason: String,
    },
    /// The build backend failed.
    #[error("its build failed: {reason}{}", with_output(.output))]
    Failed {
        /// What the backend raised, or how it ended.
        reason: String,
        /// The last lines of what it printed.
        output: String,
    },
    /// The build took too long.
    #[error("its build was ended after {seconds} s{}", with_output(.output))]
    OutOfTime {
        /// How long it took, in seconds.
        seconds: u64,
        /// The last lines of what it printed.
        output: String,
    },
    /// What the backend made is no metadata.
    #[error("its build backend made no metadata: {0}")]
    NoMetadata(String),
    /// The metadata that the backend made cannot be read.
    #[error("the metadata that its build backend made cannot be read")]
    Metadata(#[from] MetadataError),
    /// The metadata that the backend made is another's.
    #[error("its build backend made the metadata of {found}")]
    OfAnother {
        /// Name and version in it.
        found: String,
    },
    /// A file of the build cannot be written or read.
    #[error("{what}: {source}")]
    File {
        /// What was to be done.
        what: String,
        /// Why it could not.
        source: std::io::Error,
    },
    /// The run was stopped from outside.
    #[error("it was stopped")]
    Stopped(Stop),
}

fn with_output(output: &str) -> String {
    if output.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = output.lines().map(|line| format!("  | {line}")).collect();
    format!("\n{}", lines.join("\n"))
}

/// An error of the file system, with what was to be done.
pub(super) fn failed(what: &str) -> impl FnOnce(std::io::Error) -> BuildError {
    let what = what.to_owned();
    move |source| BuildError::File { what, source }
}
