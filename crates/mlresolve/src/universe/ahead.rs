//! What is fetched before the solver asks. It changes when an answer is there, never what it is.
//!
//! A page is fetched as soon as its package is met, then the metadata of the version that is likely to be chosen, and so
//! on with what that requires: the solver, which asks for one thing after the other, mostly finds it there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _, join_all};
use mlresolve_index::{File, FileMetadata, Project, ProjectAnswer};
use mlresolve_packaging::{ExtraName, PackageName, Version, VersionPoint, VersionRange};
use mlresolve_solver::Dependency;
use mlresolve_target::facts;
use tokio::sync::Semaphore;

use super::shared::Shared;
use crate::builds::{BuildRoutes, Builds, Source};

/// How many versions are looked at for one that is likely to be chosen.
const LIKELY_SEARCH_LIMIT: usize = 50;
/// How many packages are looked at before the solver meets them.
const WALK_LIMIT: usize = 2_000;

/// How many lists of wheels' files are fetched ahead at once.
const LISTS_AHEAD: usize = 16;

/// What aligned targets can have of a package whose builds differ from target to target: the newest version that each of them
/// has is the likely one.
pub(crate) struct Common {
    targets: usize,
    seen: Mutex<BTreeMap<PackageName, BTreeMap<String, BTreeSet<Version>>>>,
    /// The digests and sizes of files whose index announces no hash, by their address.
    hashed: Mutex<BTreeMap<String, (String, u64)>>,
    /// How many lists of wheels' files are fetched ahead at once.
    listing: Semaphore,
}

impl Common {
    /// For so many targets that share the version of each package.
    pub(crate) fn of(targets: usize) -> Self {
        let listing = Semaphore::new(LISTS_AHEAD);
        Self { targets, seen: Mutex::default(), hashed: Mutex::default(), listing }
    }

    pub(super) fn hashed(&self, url: &str) -> Option<(String, u64)> {
        self.hashed.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }

    pub(super) fn note_hashed(&self, url: &str, sha256: &str, bytes: u64) {
        let mut hashed = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        hashed.insert(url.to_owned(), (sha256.to_owned(), bytes));
    }

    /// Notes the public versions that one target can have. A package can be met twice on the same target.
    fn note(&self, name: &PackageName, target: &str, versions: BTreeSet<Version>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(name.clone()).or_default().insert(target.to_owned(), versions);
    }

    /// The newest public version that all targets can have, once all of them are known.
    fn newest(&self, name: &PackageName) -> Option<Version> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.get(name).filter(|seen| seen.len() >= self.targets)?;
        let mut others = seen.values();
        let first = others.next()?;
        first.iter().rev().find(|version| others.clone().all(|other| other.contains(version))).cloned()
    }
}

impl Shared {
    /// Fetches the page of a package that was met, and what is likely to be asked after it.
    pub(super) async fn fetch_package(self: &Arc<Self>, wanted: Dependency) {
        let likely = self.likely_file(&wanted.name, &wanted.range).await;
        self.tell_known(&wanted.name);
        if let Some(file) = likely
            && let Ok(metadata) = self.metadata(&file).await
        {
            self.tell_read();
            self.walk(&metadata, &wanted.extras).await;
        }
    }

    /// Fetches metadata.
    pub(super) async fn fetch_metadata(&self, file: &File) {
        if self.metadata(file).await.is_ok() {
            self.tell_read();
        }
    }

    /// Fetches the list of a wheel's files, a few at a time so that what the solve waits for comes first.
    pub(super) async fn fetch_members(&self, file: &File) {
        let Ok(_permit) = self.common.listing.acquire().await else { return };
        // Who asks for it in earnest meets the error again.
        drop(self.client.members(file).await);
    }

    /// Goes on with what metadata requires, as far as that was not looked at yet.
    fn walk<'s>(
        self: &'s Arc<Self>,
        metadata: &'s Arc<FileMetadata>,
        extras: &'s [ExtraName],
    ) -> BoxFuture<'s, ()> {
        let steps = self.active(&metadata.core, extras).filter_map(|requirement| {
            let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
            let known = self.prepared.directs.get(&requirement.name).is_some()
                || walked.len() == WALK_LIMIT
                || !walked.insert(requirement.name.clone());
            let dependency = (!known).then(|| self.prepared.directs.dependency_of(&requirement))??;
            Some(async move {
                if let Some(file) = self.likely_file(&dependency.name, &dependency.range).await
                    && let Ok(metadata) = self.metadata(&file).await
                {
                    self.walk(&metadata, &dependency.extras).await;
                }
            })
        });
        let steps: Vec<_> = steps.collect();
        join_all(steps).map(|_| ()).boxed()
    }

    /// The file of a package that is likely to be chosen within a range.
    async fn likely_file(&self, name: &PackageName, range: &VersionRange) -> Option<File> {
        if let Some(routes) = self.build_routes(name) {
            return self.likely_build(routes, name, range).await;
        }
        let Ok(ProjectAnswer::Found(project)) = self.project(name).await else { return None };
        if self.common.targets > 1 && facts::is_family(name) {
            let usable = |(place, version): (usize, &Version)| {
                let release = project.release(place).ok()?;
                self.prepared.judge.judge(name, release).file.is_ok().then(|| version.clone().without_local())
            };
            let versions = project.versions().iter().enumerate();
            self.common.note(name, self.prepared.target.name(), versions.filter_map(usable).collect());
            let public = self.common.newest(name)?;
            return self.file_of(name, &project, |version| *version == public);
        }
        let preferred = self.prepared.policy.preferences.get(name);
        let in_range = |version: &Version| range.contains(&VersionPoint::at(version.clone()));
        let kept = preferred.filter(|version| in_range(version));
        let kept = kept.and_then(|kept| self.file_of(name, &project, |version| version == kept));
        kept.or_else(|| {
            self.file_of(name, &project, |version| !version.any_prerelease() && in_range(version))
        })
    }

    /// The newest usable file among the versions that fit.
    fn file_of(
        &self,
        name: &PackageName,
        project: &Project,
        fits: impl Fn(&Version) -> bool,
    ) -> Option<File> {
        let fitting = project.versions().iter().enumerate().rev().filter(|(_, version)| fits(version));
        for (place, _) in fitting.take(LIKELY_SEARCH_LIMIT) {
            if let Ok(file) = self.prepared.judge.judge(name, project.release(place).ok()?).file {
                return Some(file.clone());
            }
        }
        None
    }

    /// The same of a package with builds.
    async fn likely_build(
        &self,
        routes: &BuildRoutes,
        name: &PackageName,
        range: &VersionRange,
    ) -> Option<File> {
        let answers = self.pages_of_builds(routes, name).await;
        let found = answers.into_iter().filter_map(|(variant, answer)| match answer {
            Ok(ProjectAnswer::Found(project)) if routes.variants.contains(&variant) => {
                Some(Source { variant, project })
            }
            _ => None,
        });
        let builds = Builds::new(found.collect(), Vec::new());
        let (judge, target) = (&self.prepared.judge, &self.prepared.target);
        let in_range = |version: &Version| {
            !version.any_prerelease() && range.contains(&VersionPoint::at(version.clone()))
        };
        if self.common.targets == 1 {
            return builds.likely(name, judge, target, in_range);
        }
        self.common.note(name, target.name(), builds.usable(name, judge, target));
        let public = self.common.newest(name)?;
        builds.likely(name, judge, target, |version| version.clone().without_local() == public)
    }
}
