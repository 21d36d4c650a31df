//! Which lock a command is about.

use std::path::{Path, PathBuf};

use clap::Args;
use mlresolve::lockfile::{DependencyGraph, Lock};
use mlresolve::packaging::{NameError, PackageName, Version};
use mlresolve::{OpenLock, open_lock, printable, similar_names};

use crate::failure::Failure;
use crate::output::Output;

/// The options that choose a lock.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChosenLock {
    /// Read this lock, or the lock in this folder; `-` is standard input [default: pylock.toml]
    #[arg(long, value_name = "FILE", env = "MLRESOLVE_LOCK")]
    lock: Option<PathBuf>,
    /// Read the lock of this target, pylock.NAME.toml
    #[arg(long, value_name = "NAME", env = "MLRESOLVE_TARGET")]
    target: Option<String>,
}

impl ChosenLock {
    /// Reads the lock.
    pub(super) fn open(&self, output: Output) -> Result<OpenLock, Failure> {
        self.open_or(None, output)
    }

    /// Reads the lock; the one given as an argument comes before the options.
    pub(super) fn open_or(&self, argument: Option<&Path>, output: Output) -> Result<OpenLock, Failure> {
        open(argument.or(self.lock.as_deref()), self.target.as_deref(), output)
    }
}

/// Reads a lock and passes on what is odd about it.
pub(super) fn open(place: Option<&Path>, target: Option<&str>, output: Output) -> Result<OpenLock, Failure> {
    let open = open_lock(place, target)?;
    for warning in &open.warnings {
        output.warn(&printable(warning));
    }
    Ok(open)
}

/// Finds a package by the name that a user typed.
pub(super) fn locked_name(typed: &str, open: &OpenLock) -> Result<PackageName, Failure> {
    let name: PackageName =
        typed.parse().map_err(|error: NameError| Failure::bad_input(error.to_string()))?;
    if open.lock.packages_named(&name).next().is_some() {
        return Ok(name);
    }
    let known = open.lock.packages.iter().map(|package| package.name.as_str());
    let similar = similar_names(name.as_str(), known);
    let failure = Failure::not_locked(format!("{name} is not in {}", open.path.display()));
    Err(match &similar[..] {
        [] => failure,
        similar => failure.with_hint(format!("did you mean {}?", similar.join(" or "))),
    })
}

/// A package as people name it.
pub(super) fn named(name: &PackageName, version: Option<&Version>) -> String {
    match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_string(),
    }
}

/// The graph of a lock; says so where the lock tells nothing about who needs whom.
pub(super) fn graph(lock: &Lock, output: Output) -> DependencyGraph<'_> {
    let silent = |package: &mlresolve::lockfile::Package| {
        package.dependencies.is_empty() && package.recorded_requirements().is_empty()
    };
    if lock.tool.is_none() && lock.packages.len() > 1 && lock.packages.iter().all(silent) {
        output.warn("the lock was made by another tool and does not record which package needs which");
    }
    DependencyGraph::of(lock)
}
