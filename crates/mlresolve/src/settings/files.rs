//! The configuration files of uv and pip: where they are, and what they say.

use std::path::{Path, PathBuf};

use mlresolve_packaging::pip_config::{PipConfig, switch};
use mlresolve_packaging::pyproject::UvSettings;

use super::tables::uv_layer;
use super::variables::{Lookup, read_flag};
use super::{Layer, Said};
use crate::error::Error;

/// Reads a text file; `None` where there is none.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&Path) -> Result<Option<String>, Error>;

/// What `uv.toml` says, the project's before the user's before the system's, and then what pip's files say. Without
/// `outside`, only files of the project's folder are looked at.
pub(crate) fn read_configuration(
    dir: &Path,
    outside: bool,
    variables: Lookup<'_>,
    read: ReadFile<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Layer>, Error> {
    let mut layers = Vec::new();
    for path in uv_files(dir, outside, variables) {
        let Some(text) = read(&path)? else { continue };
        let place = path.display().to_string();
        let settings = UvSettings::parse(&text).map_err(|error| Error::input(&place, error))?;
        let folder = path.parent().unwrap_or(dir);
        layers.push(uv_layer(&settings, &place, folder, variables, warnings)?);
        let unused = [
            ("constraint-dependencies", !settings.constraints.is_empty()),
            ("override-dependencies", !settings.overrides.is_empty()),
            ("no-binary", settings.no_binary == Some(true)),
            ("no-binary-package", !settings.no_binary_packages.is_empty()),
            ("no-build-package", !settings.no_build_packages.is_empty()),
        ];
        let unused = unused.into_iter().filter(|(_, there)| *there).map(|(key, _)| key.to_owned());
        let keys = settings.not_followed.iter().cloned().chain(unused);
        warnings.extend(keys.map(|key| format!("{place}: {key} is not followed")));
    }
    if outside {
        let mut config = PipConfig::default();
        for path in pip_files(variables) {
            let Some(text) = read(&path)? else { continue };
            let place = path.display().to_string();
            config.read(&text, &place).map_err(|error| Error::input(&place, error))?;
        }
        layers.push(pip_layer(&config)?);
    }
    Ok(layers)
}

fn pip_layer(config: &PipConfig) -> Result<Layer, Error> {
    let text = |key: &str| config.get(key).map(|(value, origin)| Said::new(value.to_owned(), origin));
    let list = |key: &str| {
        let (value, origin) = config.get(key)?;
        Said::list(value.split_whitespace().map(str::to_owned).collect(), origin)
    };
    let no_index = config.get("no-index").map(|(value, origin)| read_flag(value, origin)).transpose()?;
    Ok(Layer {
        index_url: text("index-url"),
        extra_index_urls: list("extra-index-url"),
        find_links: list("find-links"),
        no_index,
        certificates: text("cert"),
        client_certificate: text("client-cert"),
        proxy: text("proxy"),
        trusted_hosts: list("trusted-host"),
        constraints: list("constraint"),
        ..Layer::default()
    })
}

/// The places of `uv.toml`, the strongest first (uv's documentation, *Configuration files*, read 2026-11-22).
fn uv_files(dir: &Path, outside: bool, variables: Lookup<'_>) -> Vec<PathBuf> {
    if set(variables, "UV_NO_CONFIG").is_some_and(|value| switch(&value) == Some(true)) {
        return Vec::new();
    }
    if let Some(only) = set(variables, "UV_CONFIG_FILE") {
        return vec![PathBuf::from(only)];
    }
    let mut files = vec![if dir == Path::new(".") { "uv.toml".into() } else { dir.join("uv.toml") }];
    if outside {
        files.extend(config_home(variables).map(|home| home.join("uv/uv.toml")));
        files.extend(config_dirs(variables).into_iter().map(|dir| dir.join("uv/uv.toml")));
        files.push(PathBuf::from("/etc/uv/uv.toml"));
    }
    files
}

/// The places of pip's files, the weakest first (pip's documentation, *Configuration*, read 2026-11-22).
fn pip_files(variables: Lookup<'_>) -> Vec<PathBuf> {
    let named = set(variables, "PIP_CONFIG_FILE");
    // By this, pip is told to read none.
    if named.as_deref() == Some("/dev/null") {
        return Vec::new();
    }
    let mut files = Vec::new();
    if cfg!(target_os = "macos") {
        files.push(PathBuf::from("/Library/Application Support/pip/pip.conf"));
    } else {
        files.extend(config_dirs(variables).into_iter().map(|dir| dir.join("pip/pip.conf")));
        files.push(PathBuf::from("/etc/pip.conf"));
    }
    let home = set(variables, "HOME").map(PathBuf::from);
    files.extend(home.as_ref().map(|home| home.join(".pip/pip.conf")));
    files.extend(config_home(variables).map(|home| home.join("pip/pip.conf")));
    if cfg!(target_os = "macos") {
        files.extend(home.map(|home| home.join("Library/Application Support/pip/pip.conf")));
    }
    files.extend(set(variables, "VIRTUAL_ENV").map(|dir| Path::new(&dir).join("pip.conf")));
    files.extend(named.map(PathBuf::from));
    files
}

fn set(variables: Lookup<'_>, name: &str) -> Option<String> {
    variables(name).filter(|value| !value.is_empty())
}

/// The user's folder of configuration (XDG Base Directory Specification).
fn config_home(variables: Lookup<'_>) -> Option<PathBuf> {
    let absolute = set(variables, "XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    absolute.or_else(|| Some(Path::new(&set(variables, "HOME")?).join(".config")))
}

/// The system's folders of configuration.
fn config_dirs(variables: Lookup<'_>) -> Vec<PathBuf> {
    let listed = set(variables, "XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".to_owned());
    listed.split(':').filter(|dir| !dir.is_empty()).map(PathBuf::from).collect()
}
