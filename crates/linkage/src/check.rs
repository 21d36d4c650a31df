//! What of an image would not load, and what to do about it.

mod advice;
mod finding;
mod judge;
mod process;
mod roots;
mod tables;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::world::Loader;
use crate::{Machine, World};

pub use finding::{Absent, Finding, Problem, Severity};
pub use tables::Source;

/// What is known of the image besides its files.
#[derive(Debug, Clone)]
pub struct Options {
    /// The processor that it is for.
    pub machine: Machine,
    /// The minor version of its Python 3. Extension modules that are built for another are passed over.
    pub python: Option<u8>,
    /// The path of its Python, whose libraries are loaded before all others.
    pub interpreter: Option<String>,
    /// The folders of `LD_LIBRARY_PATH` in its environment.
    pub library_path: Vec<String>,
}

impl Options {
    /// Options for a processor, of which nothing else is known.
    pub fn new(machine: Machine) -> Self {
        Self { machine, python: None, interpreter: None, library_path: Vec::new() }
    }
}

/// What came of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
    /// How many files were taken for what Python loads.
    pub roots: usize,
    /// How many libraries of packages were looked at.
    pub libraries: usize,
    /// The image's glibc, such as `2.36`.
    pub glibc: Option<String>,
    /// Libraries that are needed and that the GPU's driver brings into a container, sorted.
    pub from_driver: Vec<String>,
}

impl Report {
    /// Whether something would not load.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Looks at everything that Python loads of the packages in a world, and at all that this needs.
pub fn check(world: &World, options: &Options) -> Report {
    let loader = Loader::new(world, options.machine, &options.library_path);
    let glibc = glibc(world, &loader);
    judge::judge(world, &loader, options, glibc)
}

/// The release of glibc in a world, such as `2.36`, by what its `libc.so.6` says of itself, and not by what the base calls
/// itself. `None` where there is no glibc for this machine.
pub fn glibc_of(world: &World, machine: Machine) -> Option<String> {
    let (major, minor) = glibc(world, &Loader::new(world, machine, &[]))?;
    Some(format!("{major}.{minor}"))
}

fn glibc(world: &World, loader: &Loader<'_>) -> Option<(u32, u32)> {
    let named = |path: &str| path.rsplit('/').next() == Some("libc.so.6");
    // The one that is found without any package's folders, or else whatever there is.
    let found =
        ["/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib64", "/lib", "/usr/lib"]
            .iter()
            .find_map(|folder| loader.open(&format!("{folder}/libc.so.6")));
    let found = found.or_else(|| {
        let paths: BTreeSet<&str> = world.files().map(|(path, _)| path).filter(|path| named(path)).collect();
        paths.into_iter().find_map(|path| loader.open(path))
    })?;
    let release = found.facts.release.as_ref().and_then(|release| versions::numbers(release));
    release.or_else(|| found.facts.provides.iter().filter_map(|version| versions::glibc(version)).max())
}
