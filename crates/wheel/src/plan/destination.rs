//! Where an entry of a wheel goes, and where nothing may go.

use crate::contents::Wheel;
use crate::entry_name::check_name;
use crate::error::PlanFault;
use crate::layout::Layout;

/// Where the entries of one wheel go.
pub(super) struct Destinations {
    /// Such as `numpy-1.0.data/`.
    data: String,
    site_packages: String,
    headers: String,
}

/// The place of an entry.
pub(super) enum Place {
    /// A command, with its name.
    Script {
        /// The name in the folder of scripts.
        name: String,
    },
    /// A path below the prefix.
    File(String),
}

impl Place {
    /// The path below the prefix.
    pub(super) fn path(self) -> String {
        match self {
            Self::Script { name } => format!("bin/{name}"),
            Self::File(path) => path,
        }
    }
}

impl Destinations {
    pub(super) fn new(wheel: &Wheel, layout: &Layout) -> Self {
        Self {
            data: format!("{}.data/", wheel.stem),
            site_packages: layout.site_packages(),
            headers: layout.headers(wheel.filename.name.as_str()),
        }
    }

    /// Where an entry goes.
    pub(super) fn of(&self, name: &str) -> Result<Place, PlanFault> {
        let below = |folder: &str, name: &str| Ok(Place::File(format!("{folder}/{name}")));
        let Some(in_data) = name.strip_prefix(&self.data) else { return below(&self.site_packages, name) };
        match in_data.split_once('/') {
            Some(("purelib" | "platlib", rest)) => below(&self.site_packages, rest),
            Some(("headers", rest)) => below(&self.headers, rest),
            Some(("data", rest)) => Ok(Place::File(rest.to_owned())),
            Some(("scripts", rest)) if rest.contains('/') => Err(PlanFault::ScriptFolder(name.to_owned())),
            Some(("scripts", rest)) => Ok(Place::Script { name: rest.to_owned() }),
            _ => Err(PlanFault::Scheme(name.to_owned())),
        }
    }
}

/// Holds a path below the prefix to be one that a wheel may install.
pub(super) fn check_path(path: &str, layout: &Layout, own_info: &str) -> Result<(), PlanFault> {
    check_name(path).map_err(|fault| PlanFault::Path { path: path.to_owned(), fault })?;
    // File systems without regard to case have one file for all spellings.
    let lowercase = path.to_ascii_lowercase();
    let interpreter = lowercase.strip_prefix("bin/").is_some_and(|name| {
        // A folder of that name would be in its place as well.
        is_interpreter(name.split('/').next().unwrap_or(name))
    });
    if interpreter || matches!(lowercase.as_str(), "bin" | "lib" | "pyvenv.cfg") {
        return Err(PlanFault::Interpreter(path.to_owned()));
    }
    let below = path.strip_prefix(layout.site_packages().as_str()).and_then(|rest| rest.strip_prefix('/'));
    let is_info = |folder: &str| {
        folder.len() > ".dist-info".len() && folder.to_ascii_lowercase().ends_with(".dist-info")
    };
    if below.is_some_and(|below| {
        !below.starts_with(own_info) && is_info(below.split('/').next().unwrap_or(below))
    }) {
        return Err(PlanFault::OtherDistInfo(path.to_owned()));
    }
    Ok(())
}

/// Whether a lowercase name is one of an interpreter: `python`, `python3`, `python3.13t`, `pythonw.exe`.
fn is_interpreter(name: &str) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let Some(rest) = name.strip_prefix("python") else { return false };
    let rest = rest.strip_prefix('w').unwrap_or(rest);
    let rest = rest.strip_suffix('t').unwrap_or(rest);
    rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::is_interpreter;

    #[test]
    fn the_names_of_interpreters_are_known() {
        for name in ["python", "pythonw", "python3", "python3.12", "python3.13t", "python.exe"] {
            assert!(is_interpreter(name), "{name}");
        }
        for name in ["python3-config", "ipython", "pythonic", "pydoc3", "python-argcomplete"] {
            assert!(!is_interpreter(name), "{name}");
        }
    }
}
