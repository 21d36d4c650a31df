//! A project's files become requests, one for each target.

mod config;
mod files;
mod own;

use std::path::{Path, PathBuf};

use mlresolve_packaging::FormatOption;
use mlresolve_packaging::pyproject::{Config, PyProject};

use self::files::Role;
use crate::error::Error;
use crate::request::{LockRequest, RequestedRequirement, Upgrade};

/// What a user says on top of a project's files.
#[derive(Debug, Clone, Default)]
pub struct ProjectOptions {
    /// The project's folder; the current one where none is named.
    pub dir: Option<PathBuf>,
    /// Requirements files, which then stand instead of the project's own; `-` is standard input.
    pub requirements: Vec<PathBuf>,
    /// Files of constraints.
    pub constraints: Vec<PathBuf>,
    /// Files of overrides.
    pub overrides: Vec<PathBuf>,
    /// Packages that may be built to see what they require, or `:all:`.
    pub allow_build: Vec<String>,
    /// Extras of the project that go in.
    pub extras: Vec<String>,
    /// Dependency groups that go in.
    pub groups: Vec<String>,
    /// The declared targets to take; all of them where none is named.
    pub targets: Vec<String>,
    /// Instead of what the target says, such as `3.12`.
    pub python: Option<String>,
    /// Instead of what the target says, such as `linux-x86_64`.
    pub platform: Option<String>,
    /// Instead of what the target says, such as `2.35`.
    pub glibc: Option<String>,
    /// Instead of what the files say.
    pub exclude_newer: Option<String>,
    /// Instead of what the files say.
    pub prerelease: Option<String>,
    /// Instead of what the files say.
    pub resolution: Option<String>,
    /// On top of what the files say: packages of which no source distribution is used, or `:all:`.
    pub only_binary: Vec<String>,
    /// On top of what the files say: packages of which no wheel is used, or `:all:`.
    pub no_binary: Vec<String>,
    /// What of the previous lock is given up.
    pub upgrade: Upgrade,
}

/// What a project's files say.
///
/// Has no `Debug`: index addresses may hold credentials.
#[derive(Clone)]
pub struct ReadProject {
    /// One request for each target.
    pub requests: Vec<LockRequest>,
    /// The index that the files name.
    pub index_url: Option<String>,
    /// Further indexes that the files name, in order.
    pub extra_index_urls: Vec<String>,
    /// Pages and folders of files that the files name.
    pub find_links: Vec<String>,
    /// Hosts that the files trust whatever their certificates say (`--trusted-host`).
    pub trusted_hosts: Vec<String>,
    /// The project's folder, where locks belong.
    pub dir: PathBuf,
    /// Whether the files declare targets; where they do not, a default is assumed.
    pub declares_targets: bool,
    /// Whether the files declare several targets, so that each lock is named after its own.
    pub declares_several: bool,
    /// What is worth reading.
    pub warnings: Vec<String>,
}

/// What requirements files contribute, before targets are applied.
#[derive(Default)]
struct Gathered {
    requirements: Vec<RequestedRequirement>,
    constraints: Vec<RequestedRequirement>,
    overrides: Vec<RequestedRequirement>,
    index_url: Option<String>,
    extra_index_urls: Vec<String>,
    find_links: Vec<String>,
    trusted_hosts: Vec<String>,
    prereleases: bool,
    /// `--only-binary` and `--no-binary`, in order, with their places.
    formats: Vec<(FormatOption, String, String)>,
    warnings: Vec<String>,
}

/// Reads a project. `variables` gives the environment variables that requirements files may use.
///
/// # Errors
/// When a file cannot be read, or something in it cannot be understood.
pub fn read_project(
    options: &ProjectOptions,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<ReadProject, Error> {
    let dir = options.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    if dir.is_file() {
        let problem = format!("is a file; to lock what it lists, say `-r {}`", dir.display());
        return Err(Error::input(dir.display().to_string(), problem));
    }
    if options.dir.is_some() && !dir.is_dir() {
        return Err(Error::input(dir.display().to_string(), "there is no such folder"));
    }
    let pyproject = read_pyproject(&dir)?;
    let mut gathered = Gathered::default();
    let mut listed = options.requirements.clone();
    let own = pyproject.as_ref().filter(|_| listed.is_empty()).filter(|file| own::is_usable(file));
    if listed.is_empty() && own.is_none() {
        listed.extend(
            ["requirements.in", "requirements.txt"]
                .map(|name| dir.join(name))
                .into_iter()
                .find(|path| path.is_file()),
        );
        if listed.is_empty() {
            return Err(nothing_found(&dir, pyproject.is_some()));
        }
    }
    for path in &listed {
        files::read_file(path, Role::Requirements, variables, &mut gathered)?;
    }
    for path in &options.constraints {
        files::read_file(path, Role::Constraints, variables, &mut gathered)?;
    }
    for path in &options.overrides {
        files::read_file(path, Role::Overrides, variables, &mut gathered)?;
    }
    if let Some(pyproject) = &pyproject {
        let foreign =
            pyproject.foreign.iter().map(|table| format!("pyproject.toml: [{table}] is not followed"));
        gathered.warnings.extend(foreign);
    }
    let (config, place) = read_config(&dir, pyproject.as_ref(), &mut gathered)?;
    config::apply(options, &config, &place, own, gathered, dir)
}

/// The settings: `mlresolve.toml`, or else `[tool.mlresolve]` in `pyproject.toml`.
fn read_config(
    dir: &Path,
    pyproject: Option<&PyProject>,
    gathered: &mut Gathered,
) -> Result<(Config, String), Error> {
    let beside = dir.join("mlresolve.toml");
    let table = pyproject.and_then(|file| file.config.clone());
    if !beside.is_file() {
        let unknown = pyproject.map_or(&[][..], |file| &file.unknown_keys);
        gathered
            .warnings
            .extend(unknown.iter().map(|key| format!("pyproject.toml: tool.mlresolve.{key} means nothing")));
        return Ok((table.unwrap_or_default(), "pyproject.toml, tool.mlresolve".to_owned()));
    }
    if table.is_some() {
        let problem =
            "both mlresolve.toml and [tool.mlresolve] in pyproject.toml hold settings; keep one of them";
        return Err(Error::input(beside.display().to_string(), problem));
    }
    let (config, unknown) = Config::parse(&files::read_text(&beside)?)
        .map_err(|error| Error::input(beside.display().to_string(), error))?;
    gathered.warnings.extend(unknown.iter().map(|key| format!("mlresolve.toml: {key} means nothing")));
    Ok((config, "mlresolve.toml".to_owned()))
}

fn read_pyproject(dir: &Path) -> Result<Option<PyProject>, Error> {
    let path = dir.join("pyproject.toml");
    if !path.is_file() {
        return Ok(None);
    }
    let text = files::read_text(&path)?;
    PyProject::parse(&text).map(Some).map_err(|error| Error::input(path.display().to_string(), error))
}

fn nothing_found(dir: &Path, has_pyproject: bool) -> Error {
    let problem = if has_pyproject {
        "pyproject.toml has neither [project] nor [dependency-groups], and there is no requirements.in or \
         requirements.txt beside it; name a requirements file with `-r FILE`"
    } else {
        "there is no pyproject.toml, requirements.in or requirements.txt here; name a requirements file with `-r FILE`, \
         or another folder"
    };
    Error::input(dir.display().to_string(), problem)
}
