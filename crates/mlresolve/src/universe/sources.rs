//! Sources of compiled packages: to build one takes a compiler and hours, so a wheel is taken where there is one.

use std::collections::BTreeSet;

use mlresolve_packaging::{PackageName, Version};
use mlresolve_target::facts::wheel_source;

use super::{Found, Nature, Universe, UniverseError};
use crate::claims::names_torch;

/// What becomes of the sources of compiled packages in a solve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Sources {
    /// They are tried after every wheel.
    #[default]
    Last,
    /// They are refused where there is a wheel for the target, but for these packages.
    RefusedBut(BTreeSet<PackageName>),
    /// They are as good as wheels.
    Equal,
}

/// A package is compiled if the table of wheel sources says so, or if it has a version for one torch.
pub(super) fn nature_of(name: &PackageName, versions: &[Version]) -> Nature {
    match wheel_source(name).is_some() || versions.iter().any(names_torch) {
        true => Nature::Compiled,
        false => Nature::Ordinary,
    }
}

impl Universe {
    /// Sets what becomes of sources, from the next solve on.
    pub(crate) fn treat_sources(&self, sources: Sources) {
        *self.sources.borrow_mut() = sources;
        self.refused.borrow_mut().clear();
    }

    /// The packages of which a source was refused since that was set.
    pub(crate) fn refused_sources(&self) -> BTreeSet<PackageName> {
        self.refused.borrow().clone()
    }

    /// Whether a package that was found has code for GPUs that is compiled.
    pub(crate) fn is_compiled(&self, name: &PackageName) -> bool {
        matches!(self.projects.borrow().get(name), Some(Found::Project(_, _, Nature::Compiled)))
    }

    /// Whether the target would have to build a version of a package that it finds.
    pub(crate) fn is_source(&self, name: &PackageName, version: &Version) -> Result<bool, UniverseError> {
        Ok(self.file(name, version)?.is_some_and(|file| file.wheel.is_none()))
    }

    /// The versions of a compiled package that have a wheel for the target, ascending.
    pub(crate) fn wheels_of(&self, name: &PackageName) -> Result<Vec<Version>, UniverseError> {
        let Some(project) = self.project(name)? else { return Ok(Vec::new()) };
        let mut wheels = Vec::new();
        for version in project.versions() {
            if self.file(name, version)?.is_some_and(|file| file.wheel.is_some()) {
                wheels.push(version.clone());
            }
        }
        Ok(wheels)
    }

    /// The newest stable version of a package that the target would have to build.
    pub(crate) fn newest_source(&self, name: &PackageName) -> Result<Option<Version>, UniverseError> {
        let Some(project) = self.project(name)? else { return Ok(None) };
        for version in project.versions().iter().rev().filter(|version| !version.any_prerelease()) {
            if self.is_source(name, version)? {
                return Ok(Some(version.clone()));
            }
        }
        Ok(None)
    }

    pub(super) fn is_last(&self, name: &PackageName, version: &Version) -> Result<bool, UniverseError> {
        Ok(*self.sources.borrow() != Sources::Equal && self.is_source(name, version)?)
    }

    /// Whether a source may not be used now. What is locked stays.
    pub(super) fn refuses_source(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<bool, UniverseError> {
        let refused = match &*self.sources.borrow() {
            Sources::RefusedBut(allowed) => !allowed.contains(name),
            _ => false,
        };
        let locked = self.shared.prepared.policy.preferences.get(name) == Some(version);
        if !refused || locked || self.newest_wheel(Some(name))?.is_none() {
            return Ok(false);
        }
        self.refused.borrow_mut().insert(name.clone());
        Ok(true)
    }
}
