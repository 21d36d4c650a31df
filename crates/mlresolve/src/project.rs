//! A project's files become requests, one for each target.

mod config;
mod files;
mod own;
mod sources;

use std::path::{Path, PathBuf};

use mlresolve_packaging::FormatOption;
use mlresolve_packaging::pyproject::{Config, PyProject, UvSettings};

use self::files::Role;
use crate::error::Error;
use crate::request::{AlignmentRequest, LockRequest, RequestedRequirement, Upgrade};
use crate::settings::{
    IndexSettings, Merged, Said, merge, own_layer, project_layers, read_configuration, variable_layers,
};

/// What a user says on top of a project's files.
///
/// Has no `Debug`: index addresses may hold credentials.
#[derive(Clone, Default)]
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
    /// On top of what the files say: packages that may be old because others stand in the way.
    pub allow_held_back: Vec<String>,
    /// On top of what the files say: packages that may write files of others.
    pub allow_overlap: Vec<String>,
    /// On top of what the files say: packages that go with any CUDA, whichever they are built for.
    pub any_cuda: Vec<String>,
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
    /// Instead of what the target says, such as `cuda` or `cu128`.
    pub accelerator: Option<String>,
    /// Instead of what the target says, such as `550.54`.
    pub driver: Option<String>,
    /// Instead of what the target says, such as `sm_90` or `H100`; nothing where there is none.
    pub gpus: Vec<String>,
    /// Whether accelerator, driver and GPUs are all there is, so that the driver and GPUs of the target itself do not count.
    pub whole_equipment: bool,
    /// Instead of what the files say: whether targets share the public version of each package.
    pub align: Option<bool>,
    /// On top of what the files say: packages that may differ between targets.
    pub unaligned: Vec<String>,
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
    /// Where packages come from; what is said here counts before what any file or variable says.
    pub indexes: IndexSettings,
    /// Whether the configuration files of pip and uv outside the project are read too.
    pub configuration_files: bool,
}

/// What a project's files say.
///
/// Has no `Debug`: index addresses may hold credentials.
#[derive(Clone)]
pub struct ReadProject {
    /// One request for each target that is solved: where targets are aligned, all of them.
    pub requests: Vec<LockRequest>,
    /// The places in `requests` of the targets that the user wants.
    pub chosen: Vec<usize>,
    /// What the targets have in common.
    pub alignment: AlignmentRequest,
    /// Where packages come from, all that is said taken together.
    pub indexes: IndexSettings,
    /// The project's folder, where locks belong.
    pub dir: PathBuf,
    /// Whether the files declare targets; where they do not, a default is assumed.
    pub declares_targets: bool,
    /// Whether the files declare several targets, so that each lock is named after its own.
    pub declares_several: bool,
    /// What is worth reading.
    pub warnings: Vec<String>,
    /// What came from another tool's settings, and from where.
    pub notes: Vec<String>,
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
    no_index: bool,
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
    let (config, place) = read_config(&dir, pyproject.as_ref(), &mut gathered)?;
    let settings =
        read_settings(options, &config, &place, pyproject.as_ref(), &dir, variables, &mut gathered)?;
    for said in settings.constraints.iter().filter(|_| options.constraints.is_empty()) {
        for path in &said.value {
            if path.contains("://") {
                let problem =
                    "a constraints file at an address is not fetched; download it, and name it with -c";
                return Err(Error::input(&said.origin, problem));
            }
            files::read_file(Path::new(path), Role::Constraints, variables, &mut gathered)?;
        }
    }
    for path in &options.overrides {
        files::read_file(path, Role::Overrides, variables, &mut gathered)?;
    }
    if let Some(pyproject) = &pyproject {
        let foreign =
            pyproject.foreign.iter().map(|table| format!("pyproject.toml: [{table}] is not followed"));
        gathered.warnings.extend(foreign);
        gathered.warnings.extend(not_followed(pyproject));
        let own = !config.only_binary.is_empty() || !config.no_binary.is_empty();
        if let Some(uv) = pyproject.uv.as_ref().filter(|_| !own) {
            // Before what requirements files say, which is nearer to what is locked.
            gathered.formats.splice(0..0, uv_formats(uv));
        }
    }
    config::apply(options, &config, &place, pyproject.as_ref(), own, &gathered, settings, dir)
}

/// Reads where the packages of a project come from, and nothing else of it; with notes on what other tools' settings say.
///
/// # Errors
/// When a file with settings cannot be read, or something in it cannot be understood.
pub fn read_index_settings(
    options: &ProjectOptions,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<(IndexSettings, Vec<String>), Error> {
    let dir = options.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let pyproject = read_pyproject(&dir)?;
    let mut gathered = Gathered::default();
    let (config, place) = read_config(&dir, pyproject.as_ref(), &mut gathered)?;
    let settings =
        read_settings(options, &config, &place, pyproject.as_ref(), &dir, variables, &mut gathered)?;
    Ok((settings.indexes, settings.notes))
}

/// Where packages come from: options, the project's files, and the settings of other tools.
fn read_settings(
    options: &ProjectOptions,
    config: &Config,
    place: &str,
    pyproject: Option<&PyProject>,
    dir: &Path,
    variables: &dyn Fn(&str) -> Option<String>,
    gathered: &mut Gathered,
) -> Result<Merged, Error> {
    let mut own = own_layer(config, place, dir, variables)?;
    let given = &options.indexes;
    let before = |own: Option<Said<Vec<String>>>, given: &[String], gathered: &[String]| {
        let own = own.map(|said| said.value).unwrap_or_default();
        Said::list([given.to_vec(), gathered.to_vec(), own].concat(), place)
    };
    let index_url = given.index_url.clone().or_else(|| gathered.index_url.clone());
    own.index_url = index_url.map(|url| Said::new(url, place)).or(own.index_url);
    own.extra_index_urls = before(own.extra_index_urls, &given.extra_index_urls, &gathered.extra_index_urls);
    own.find_links = before(own.find_links, &given.find_links, &gathered.find_links);
    own.trusted_hosts = before(own.trusted_hosts, &given.trusted_hosts, &gathered.trusted_hosts);
    let path = |path: &Option<PathBuf>| {
        path.as_ref().map(|path| Said::new(path.to_string_lossy().into_owned(), place))
    };
    own.certificates = path(&given.certificates);
    own.client_certificate = path(&given.client_certificate);
    let torch = given.torch_index_url.clone().map(|url| Said::new(url, place));
    own.torch_index_url = torch.or(own.torch_index_url);
    own.proxy = given.proxy.clone().map(|proxy| Said::new(proxy, place));
    if given.no_index || gathered.no_index {
        own.no_index = Some(Said::new(true, place));
    }
    if !options.constraints.is_empty() {
        own.constraints = Some(Said::new(Vec::new(), place));
    }
    let prerelease = options.prerelease.clone().or_else(|| gathered.prereleases.then(|| "allow".to_owned()));
    let own_choice = |given: Option<String>, own: &Option<String>| {
        given.or_else(|| own.clone()).map(|text| Said::new(text, place))
    };
    own.exclude_newer = own_choice(options.exclude_newer.clone(), &config.exclude_newer);
    own.prerelease = own_choice(prerelease, &config.prerelease);
    own.resolution = own_choice(options.resolution.clone(), &config.resolution);
    let warnings = &mut gathered.warnings;
    let mut others = project_layers(pyproject, dir, variables, warnings)?;
    others.extend(variable_layers(variables)?);
    let read = |path: &Path| match files::read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(Error::File { source, .. })
            if matches!(
                source.kind(),
                std::io::ErrorKind::NotFound
                    | std::io::ErrorKind::NotADirectory
                    | std::io::ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    others.extend(read_configuration(dir, options.configuration_files, variables, &read, warnings)?);
    merge(own, &others)
}

/// uv's `no-build` and `no-binary`, as pip's options of the same meaning.
fn uv_formats(uv: &UvSettings) -> Vec<(FormatOption, String, String)> {
    let keys = [
        ("no-build", FormatOption::OnlyBinary, uv.no_build == Some(true), &uv.no_build_packages),
        ("no-binary", FormatOption::NoBinary, uv.no_binary == Some(true), &uv.no_binary_packages),
    ];
    let mut formats = Vec::new();
    for (key, option, all, packages) in keys {
        let all = all.then(|| ":all:".to_owned());
        let values = all.into_iter().chain(packages.iter().map(ToString::to_string));
        formats.extend(values.map(|value| (option, value, format!("pyproject.toml, tool.uv.{key}"))));
    }
    formats
}

/// What other tools' tables say and is not followed.
fn not_followed(pyproject: &PyProject) -> Vec<String> {
    let line = |table: &str, key: &str| format!("pyproject.toml: {table}.{key} is not followed");
    let mut lines = Vec::new();
    if let Some(uv) = &pyproject.uv {
        lines.extend(uv.not_followed.iter().map(|key| line("tool.uv", key)));
    }
    let poetry = pyproject.poetry.iter().flat_map(|poetry| &poetry.not_followed);
    lines.extend(poetry.map(|key| line("tool.poetry", key)));
    lines
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
