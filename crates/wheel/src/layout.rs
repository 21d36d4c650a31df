use mlresolve_target::PythonVersion;

use crate::entry_name::{NameFault, check_name};

/// Where things are in a virtual environment: the scheme `posix_prefix` of Python's `sysconfig`, as it is for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    prefix: String,
    python: String,
}

/// Why a text cannot be the prefix of an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// It is not absolute, or is the root itself.
    #[error("the prefix {0:?} is no absolute path below the root, such as /opt/venv")]
    NotAbsolute(String),
    /// It has a part that a path must not have.
    #[error("the prefix {prefix:?} {fault}")]
    Name {
        /// The prefix.
        prefix: String,
        /// What is wrong with it.
        fault: NameFault,
    },
}

impl Layout {
    /// The environment below an absolute path, such as `/opt/venv`, for a version of Python. The patch number does not
    /// count.
    ///
    /// # Errors
    /// When the prefix is not an absolute path without empty parts, `.` and `..`.
    pub fn new(prefix: &str, python: PythonVersion) -> Result<Self, LayoutError> {
        let Some(below) = prefix.strip_prefix('/').filter(|below| !below.is_empty()) else {
            return Err(LayoutError::NotAbsolute(prefix.to_owned()));
        };
        check_name(below).map_err(|fault| LayoutError::Name { prefix: prefix.to_owned(), fault })?;
        let flag = if python.is_free_threaded() { "t" } else { "" };
        let python = format!("python{}.{}{flag}", python.major(), python.minor());
        Ok(Self { prefix: prefix.to_owned(), python })
    }

    /// The prefix, such as `/opt/venv`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The interpreter that scripts are run with, such as `/opt/venv/bin/python`.
    #[must_use]
    pub fn interpreter(&self) -> String {
        format!("{}/bin/python", self.prefix)
    }

    /// `purelib` and `platlib` below the prefix, which are one: `lib/python3.12/site-packages`.
    #[must_use]
    pub fn site_packages(&self) -> String {
        format!("lib/{}/site-packages", self.python)
    }

    /// `headers` of a distribution below the prefix, such as `include/site/python3.12/numpy`.
    #[must_use]
    pub fn headers(&self, distribution: &str) -> String {
        format!("include/site/{}/{distribution}", self.python)
    }

    /// The minor number of the version of Python with its flag, such as `12` or `13t`.
    pub(crate) fn minor(&self) -> &str {
        self.python.split_once('.').map_or("", |(_, minor)| minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_from_prefix_and_python() {
        let layout = Layout::new("/opt/venv", "3.13.2t".parse().unwrap());
        let layout = layout.unwrap();
        assert_eq!(layout.site_packages(), "lib/python3.13t/site-packages");
        assert_eq!(layout.headers("numpy"), "include/site/python3.13t/numpy");
        assert_eq!(layout.interpreter(), "/opt/venv/bin/python");
    }

    #[test]
    fn a_prefix_is_an_absolute_path() {
        for prefix in ["", "/", "opt", "/opt/", "//opt", "/opt/../etc", "/opt/./x", "/o\npt", "/opt\\x"] {
            assert!(Layout::new(prefix, "3.12".parse().unwrap()).is_err(), "{prefix:?}");
        }
    }
}
