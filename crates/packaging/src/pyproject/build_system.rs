//! `[build-system]`: how a source tree is built.
//!
//! Source: PyPA's `pyproject.toml` specification (PEP 518), and PEP 517 for the defaults.

use serde::Deserialize;

use crate::requirement::Requirement;

use super::PyProjectError;
use super::read::{LenientRequirement, from_toml};

/// How a source tree is built. The default is that of trees from before PEP 517.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildSystem {
    /// `requires`: what is installed before the backend is called.
    pub requires: Vec<Requirement>,
    /// `build-backend`: a module, and after a colon an object in it.
    pub backend: String,
    /// `backend-path`: the folders of the tree in which the backend is looked for first, as they are written.
    pub backend_path: Vec<String>,
}

impl Default for BuildSystem {
    fn default() -> Self {
        Self {
            requires: "setuptools>=40.8.0".parse().into_iter().collect(),
            backend: "setuptools.build_meta:__legacy__".to_owned(),
            backend_path: Vec::new(),
        }
    }
}

impl BuildSystem {
    /// Reads the `[build-system]` table of a `pyproject.toml`, and nothing else of it.
    ///
    /// # Errors
    /// When the file is no TOML, the table cannot be understood, or it names a backend that can be none.
    pub fn parse(text: &str) -> Result<Self, PyProjectError> {
        let (raw, _): (Raw, _) = from_toml(text)?;
        let Some(raw) = raw.build_system else { return Ok(Self::default()) };
        let default = Self::default();
        let backend = raw.build_backend.unwrap_or(default.backend);
        if !is_object_reference(&backend) {
            return Err(PyProjectError::BuildBackend(backend));
        }
        let mut repairs = Vec::new();
        let requires =
            raw.requires.map(|list| list.into_iter().map(|one| one.finish(&mut repairs)).collect());
        Ok(Self { requires: requires.unwrap_or(default.requires), backend, backend_path: raw.backend_path })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Raw {
    build_system: Option<RawBuildSystem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawBuildSystem {
    requires: Option<Vec<LenientRequirement>>,
    build_backend: Option<String>,
    #[serde(default)]
    backend_path: Vec<String>,
}

/// `module.path` or `module.path:object.path`.
fn is_object_reference(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    let is_path = |path: &str| path.split('.').all(is_name);
    let (module, object) = text.split_once(':').unwrap_or((text, "object"));
    is_path(module) && is_path(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_says_nothing_is_built_by_setuptools() {
        let default = BuildSystem::parse("[project]\nname = \"a\"").unwrap();
        assert_eq!(default, BuildSystem::default());
        assert_eq!(default.requires[0].to_string(), "setuptools>=40.8.0");
        let requires = BuildSystem::parse("[build-system]\nrequires = [\"wheel\"]").unwrap();
        assert_eq!(requires.backend, "setuptools.build_meta:__legacy__");
        assert_eq!(requires.requires[0].to_string(), "wheel");
    }

    #[test]
    fn a_backend_is_a_module_and_perhaps_an_object_in_it() {
        let read = |backend: &str| {
            BuildSystem::parse(&format!("[build-system]\nrequires = []\nbuild-backend = '{backend}'"))
        };
        for backend in ["flit_core.buildapi", "own:backend", "a.b:c.d"] {
            assert_eq!(read(backend).unwrap().backend, backend);
        }
        for hostile in ["", "a;b", "a b", "../a", "a:", ":b", "a:b:c", "1a", "a..b"] {
            assert!(matches!(read(hostile), Err(PyProjectError::BuildBackend(_))), "{hostile}");
        }
        let tree = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['.', 'tools']";
        assert_eq!(BuildSystem::parse(tree).unwrap().backend_path, [".", "tools"]);
    }
}
