//! What an image is to be, as plain data.

use std::path::PathBuf;

use jiff::Timestamp;
use mlresolve_layers::Compression;

use super::engine::Engine;
use crate::dockerfile::DEFAULT_USER;
use crate::error::Error;
use crate::locks::OpenLock;

/// The folder of the environment in an image.
pub const DEFAULT_PREFIX: &str = "/opt/venv";

/// What an image is to be.
#[derive(Debug, Clone)]
pub struct ImageRequest {
    /// The locks that it holds: one image for each, and a list of them where there are several.
    pub locks: Vec<OpenLock>,
    /// What it stands on: the path of an image layout or of an archive, or a reference in a registry. Without one, its
    /// layers stand alone.
    pub base: Option<String>,
    /// Files with logins for registries, as docker and podman keep them: see [`auth_files`](super::auth_files).
    pub auth_files: Vec<PathBuf>,
    /// A standalone build of Python, for a base that has none.
    pub interpreter: Option<PathBuf>,
    /// The folder of the environment in the image.
    pub prefix: String,
    /// The folder of the application, which goes to `/app`.
    pub app: Option<PathBuf>,
    /// What the container starts, as a list of arguments; Python when absent.
    pub entrypoint: Option<Vec<String>>,
    /// The numeric user that the container runs as; its group is always 0.
    pub user: u32,
    /// The name of the image, such as `registry.example/team/app:1.0`.
    pub tag: Option<String>,
    /// Where it is written: a folder, which becomes an image layout, or a file whose name ends in `.tar`.
    pub output: Option<PathBuf>,
    /// A container engine that it is handed to.
    pub load: Option<Engine>,
    /// How layers are compressed.
    pub compression: Compression,
    /// Whether compiled bytecode goes in.
    pub bytecode: bool,
    /// When the image says that it was made; the newest upload among the packages when absent.
    pub created: Option<Timestamp>,
    /// Packages without a wheel that may be built, which runs code of theirs; or `:all:`.
    pub allow_build: Vec<String>,
    /// Libraries whose lack is no failure, such as `libGL.so.1`; or `:all:`.
    pub allow_missing: Vec<String>,
    /// How many layers are made at a time; as many as there are processors when absent.
    pub threads: Option<usize>,
}

impl ImageRequest {
    /// The image of these locks, with everything else as it is by default.
    #[must_use]
    pub fn new(locks: Vec<OpenLock>) -> Self {
        Self {
            locks,
            base: None,
            auth_files: Vec::new(),
            interpreter: None,
            prefix: DEFAULT_PREFIX.to_owned(),
            app: None,
            entrypoint: None,
            user: DEFAULT_USER,
            tag: None,
            output: None,
            load: None,
            compression: Compression::Gzip,
            bytecode: false,
            created: None,
            allow_build: Vec::new(),
            allow_missing: Vec::new(),
            threads: None,
        }
    }
}

/// The time that `SOURCE_DATE_EPOCH` names, in seconds since 1970 (the Reproducible Builds project's specification).
///
/// # Errors
/// When it is set and no such number.
pub fn created(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Timestamp>, Error> {
    let Some(text) = variable("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else { return Ok(None) };
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let problem = "is to be a number of seconds since 1970, and is not";
    time.map(Some).ok_or_else(|| Error::input("SOURCE_DATE_EPOCH", problem))
}
