//! What builds may use of the machine they run on.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The variables that reach a build where they are set: where programs are, and which compiler is meant. Addresses and
/// passwords of indexes do not.
const PASSED_ON: &[&str] = &[
    "PATH",
    "CC",
    "CXX",
    "CPP",
    "AR",
    "LD",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "CUDA_HOME",
    "CUDA_PATH",
    "ROCM_PATH",
    "PKG_CONFIG_PATH",
    "SDKROOT",
    "MACOSX_DEPLOYMENT_TARGET",
    "SYSTEMROOT",
];

/// What builds may use of the machine they run on. The default finds no Python, so that nothing can be built.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The Python that builds run with, whatever the target's is; `None` looks for the target's.
    pub python: Option<PathBuf>,
    /// The folders in which programs such as `python3.12` are looked for, in order.
    pub search: Vec<PathBuf>,
    /// The folders whose sub-folders each hold a Python in `bin`, as pyenv and uv keep them.
    pub installations: Vec<PathBuf>,
    /// The environment variables of a build. None other reaches it, save those that make it a build of its own, such as
    /// `HOME`.
    pub variables: Vec<(String, OsString)>,
    /// How long one build may take.
    pub time_limit: Duration,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            python: None,
            search: Vec::new(),
            installations: Vec::new(),
            variables: Vec::new(),
            time_limit: Duration::from_secs(600),
        }
    }
}

impl BuildOptions {
    /// What the environment offers: the folders of `PATH`, the Pythons of pyenv and uv, `MLRESOLVE_PYTHON`, and the few
    /// variables that compilers are found by.
    #[must_use]
    pub fn from_environment(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let pyenv = folder("PYENV_ROOT").or_else(|| Some(folder("HOME")?.join(".pyenv")));
        let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")));
        let uv = folder("UV_PYTHON_INSTALL_DIR").or_else(|| Some(data?.join("uv/python")));
        let path = set("PATH").unwrap_or_default();
        Self {
            python: set("MLRESOLVE_PYTHON").map(PathBuf::from),
            search: std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect(),
            installations: pyenv.map(|root| root.join("versions")).into_iter().chain(uv).collect(),
            variables: PASSED_ON.iter().filter_map(|name| Some(((*name).to_owned(), set(name)?))).collect(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_compilers_need_reaches_a_build() {
        let variable = |name: &str| match name {
            "PATH" => Some("/bin:relative:/usr/bin".into()),
            "HOME" => Some("/home/me".into()),
            "CC" => Some("clang".into()),
            "CXX" => Some("".into()),
            "MLRESOLVE_INDEX_URL" | "AWS_SECRET_ACCESS_KEY" | "HTTPS_PROXY" => Some("secret".into()),
            _ => None,
        };
        let options = BuildOptions::from_environment(&variable);
        let names: Vec<&str> = options.variables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PATH", "CC"]);
        assert_eq!(options.search, [PathBuf::from("/bin"), PathBuf::from("/usr/bin")]);
        let found = ["/home/me/.pyenv/versions", "/home/me/.local/share/uv/python"].map(PathBuf::from);
        assert_eq!(options.installations, found);
        assert_eq!(options.python, None);
    }
}
