//! What the indexes offer, as the solver asks for it.
//!
//! The solver asks one question after the other from a thread of its own and waits for the answer. So that it seldom
//! waits long, each hint starts a fetch: the page of a package as soon as it is met, then the metadata of the version
//! that is likely to be chosen. Hints change when an answer is there, never what it is.

mod ahead;
mod answers;
mod find;
mod provider;
mod shared;
mod sources;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mlresolve_index::{File, FileMetadata, IndexClient, IndexError, MetadataError, Project};
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::simple::ProjectStatus;
use mlresolve_packaging::{ExtraName, PackageName, Requirement, Version};
use mlresolve_solver::{Answer, Missing, Provider, Stop, Unusable};
use mlresolve_target::Variant;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

pub(crate) use self::ahead::Common;
use self::shared::Shared;
pub(crate) use self::sources::Sources;
use crate::access::Access;
use crate::build::{BuildError, Builder};
use crate::builds::{Builds, ChosenBuild};
use crate::direct::DirectPackage;
use crate::limits::RunLimits;
use crate::prepare::Prepared;
use crate::text::printable;

/// Why no answer can be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UniverseError {
    /// The index, or the way to it.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file whose bytes are not what the index announced.
    #[error(transparent)]
    Metadata(MetadataError),
    /// A build that the user allowed.
    #[error("{package} cannot be built")]
    Build {
        /// Name and version.
        package: String,
        /// Why.
        source: Box<BuildError>,
    },
    /// The run was given up from outside while it waited.
    #[error("the run was given up")]
    Stopped(Stop),
}

/// Of how many versions of a package the list of files is fetched before one is chosen.
const LISTED_VERSIONS: usize = 2;

/// The indexes as one target sees them.
pub(crate) struct Universe {
    shared: Arc<Shared>,
    runtime: Handle,
    limits: RunLimits,
    ahead: Mutex<JoinSet<()>>,
    projects: RefCell<FxHashMap<PackageName, Found>>,
    /// The first package that the cache lacked while the network was off.
    lacking: RefCell<Option<PackageName>>,
    dependencies: RefCell<FxHashMap<Question, Answer>>,
    newest_wheels: RefCell<FxHashMap<PackageName, Option<Version>>>,
    builder: Arc<Builder>,
    /// Whether what the target's machine can run counts.
    facts: bool,
    /// Whether what packages must agree on counts.
    agreements: bool,
    /// Whether anything was refused because it does not run on the target's machine.
    hindered: Cell<bool>,
    /// Whether anything was met that requires a torch without saying so.
    companions: Cell<bool>,
    /// Whether the lists of files of the wheels that are met will be asked for.
    listing: Cell<bool>,
    /// Of how many versions of each package it was fetched ahead.
    listed: RefCell<FxHashMap<PackageName, usize>>,
    /// What becomes of the sources of compiled packages.
    sources: RefCell<Sources>,
    /// The packages of which a source was refused since that was set.
    refused: RefCell<BTreeSet<PackageName>>,
    /// What builds told of files, by their address, with the minor version of the Python that built them.
    built: RefCell<FxHashMap<String, (Arc<FileMetadata>, u8)>>,
}

/// A version, or one extra of it.
type Question = (PackageName, Version, Option<ExtraName>);

#[derive(Clone)]
enum Found {
    Project(Arc<Project>, Arc<[Version]>, Nature),
    /// One of the torch family, whose builds lie on several indexes.
    Builds(Arc<Builds>),
    /// One that is required by address; it has one version.
    Direct(Arc<DirectPackage>),
    Missing(Missing),
}

/// What kind of code a package has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// Of any kind.
    Ordinary,
    /// Code for GPUs that is compiled, mostly against one torch, and that PyPI has as source.
    Compiled,
}

impl Universe {
    /// The indexes as a target sees them. Fetches run on `runtime`; questions may not be asked from its threads.
    pub(crate) fn new(
        client: Arc<IndexClient>,
        prepared: Arc<Prepared>,
        limits: RunLimits,
        runtime: Handle,
        access: &Access,
        common: Arc<Common>,
    ) -> Self {
        let minor = prepared.target.python().minor();
        let exclude_newer = prepared.judge.exclude_newer.as_ref().map(|limit| limit.text.clone());
        let builder = Builder::new(access, exclude_newer, minor, runtime.clone(), limits.clone());
        let shared = Shared::new(client, prepared, limits.watch.clone(), common);
        Self {
            shared: Arc::new(shared),
            runtime,
            limits,
            ahead: Mutex::new(JoinSet::new()),
            projects: RefCell::default(),
            lacking: RefCell::default(),
            dependencies: RefCell::default(),
            newest_wheels: RefCell::default(),
            builder: Arc::new(builder),
            facts: true,
            agreements: true,
            hindered: Cell::new(false),
            companions: Cell::new(false),
            listing: Cell::new(false),
            listed: RefCell::default(),
            sources: RefCell::default(),
            refused: RefCell::default(),
            built: RefCell::default(),
        }
    }

    /// The same indexes as a machine would see them that runs everything.
    pub(crate) fn without_facts(&self) -> Self {
        Self { facts: false, ..self.again() }
    }

    /// The same indexes where packages need not agree on anything.
    pub(crate) fn without_claims(&self) -> Self {
        Self { agreements: false, ..self.again() }
    }

    /// The same indexes, asked anew.
    fn again(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            runtime: self.runtime.clone(),
            limits: self.limits.clone(),
            ahead: Mutex::new(JoinSet::new()),
            projects: RefCell::new(self.projects.borrow().clone()),
            lacking: RefCell::default(),
            dependencies: RefCell::default(),
            newest_wheels: RefCell::default(),
            builder: Arc::clone(&self.builder),
            facts: self.facts,
            agreements: self.agreements,
            hindered: Cell::new(false),
            companions: Cell::new(false),
            listing: Cell::new(false),
            listed: RefCell::default(),
            sources: RefCell::new(self.sources.borrow().clone()),
            refused: RefCell::default(),
            built: RefCell::new(self.built.borrow().clone()),
        }
    }

    /// The digest and the size of a file that was downloaded because its index announces no hash.
    pub(crate) fn hashed(&self, file: &File) -> Option<(String, u64)> {
        self.shared.common.hashed(&file.url)
    }

    /// The same of an earlier run.
    pub(crate) fn hashed_before(&self, file: &File) -> Option<(String, u64)> {
        self.client().computed_digest(file)
    }

    /// Keeps the digest and the size of a file, so that it is downloaded once for all targets.
    pub(crate) fn note_hashed(&self, file: &File, sha256: &str, bytes: u64) {
        self.shared.common.note_hashed(&file.url, sha256, bytes);
        self.client().keep_computed_digest(file, sha256, bytes);
    }

    /// Whether anything was refused because it does not run on the target's machine.
    pub(crate) fn is_hindered(&self) -> bool {
        self.hindered.get()
    }

    /// Whether anything was met that requires a torch without saying so.
    pub(crate) fn has_companions(&self) -> bool {
        self.companions.get()
    }

    /// Why a version does not run on the target's machine, as far as the solver asked.
    pub(crate) fn hindrance(&self, name: &PackageName, version: &Version) -> Option<String> {
        let standing = self.standing(name, version).ok()?.unusable;
        let answer = || match self.dependencies.borrow().get(&(name.clone(), version.clone(), None)) {
            Some(Answer::Unusable(reason)) => Some(reason.clone()),
            _ => None,
        };
        match standing.or_else(answer)? {
            reason @ Unusable::Machine(_) => Some(reason.to_string()),
            _ => None,
        }
    }

    /// The builds of a package, if it has several.
    pub(crate) fn builds(&self, name: &PackageName) -> Result<Option<Arc<Builds>>, UniverseError> {
        match self.find(name)? {
            Found::Builds(builds) => Ok(Some(builds)),
            _ => Ok(None),
        }
    }

    /// The build of a version that the target would use; `None` where the package has no builds.
    fn choose<T>(
        &self,
        name: &PackageName,
        version: &Version,
        then: impl FnOnce(&Builds, ChosenBuild<'_>) -> T,
    ) -> Result<Option<T>, UniverseError> {
        let Some(builds) = self.builds(name)? else { return Ok(None) };
        let prepared = &self.shared.prepared;
        let chosen = builds.choose(name, version, &prepared.judge, &prepared.target, self.facts)?;
        Ok(chosen.map(|chosen| then(&builds, chosen)))
    }

    /// The variant of the build that the target would use of a version.
    pub(crate) fn variant(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<Variant>, UniverseError> {
        self.choose(name, version, |_, chosen| chosen.variant)
    }

    /// The project of a package that was found before.
    pub(crate) fn project(&self, name: &PackageName) -> Result<Option<Arc<Project>>, UniverseError> {
        match self.find(name)? {
            Found::Project(project, ..) => Ok(Some(project)),
            Found::Builds(builds) => Ok(builds.sources().first().map(|source| Arc::clone(&source.project))),
            Found::Direct(_) | Found::Missing(_) => Ok(None),
        }
    }

    /// The file that the target would use of a version.
    pub(crate) fn file(&self, name: &PackageName, version: &Version) -> Result<Option<File>, UniverseError> {
        if self.builds(name)?.is_some() {
            let file = self.choose(name, version, |_, chosen| chosen.file.ok().cloned())?;
            return Ok(file.flatten());
        }
        let Some(project) = self.project(name)? else { return Ok(None) };
        let Some(place) = project.position(version) else { return Ok(None) };
        let verdict = self.shared.prepared.judge.judge(name, project.release(place)?);
        Ok(verdict.file.ok().cloned())
    }

    /// The requirements of a version that hold for the target, for itself and for these extras, overrides applied. One on torch
    /// that is known from elsewhere is among them where the metadata has none.
    pub(crate) fn requirements<'e>(
        &self,
        name: &PackageName,
        version: &Version,
        extras: impl IntoIterator<Item = &'e ExtraName>,
    ) -> Result<Vec<Requirement>, UniverseError> {
        let extras: Vec<ExtraName> = extras.into_iter().cloned().collect();
        let mut requirements: Vec<Requirement> = match self.shared.prepared.directs.get(name) {
            Some(package) => self.shared.active(&package.metadata, &extras).collect(),
            None => {
                let Some(file) = self.file(name, version)? else { return Ok(Vec::new()) };
                let Ok(metadata) = self.metadata(&file)? else { return Ok(Vec::new()) };
                self.shared.active(&metadata.core, &extras).collect()
            }
        };
        if let Some((needed, _)) = self.unsaid(name, version)
            && requirements.iter().all(|requirement| requirement.name != needed.name)
        {
            requirements.extend(needed.text.parse::<Requirement>());
        }
        Ok(requirements)
    }

    /// What a version requires, with these extras, that another provider stands for; as it was required, with the provider.
    pub(crate) fn stood_for(
        &self,
        name: &PackageName,
        version: &Version,
        extras: &[ExtraName],
    ) -> Result<Vec<(PackageName, PackageName)>, UniverseError> {
        let prepared = &self.shared.prepared;
        if !prepared.overrides.has_stand_ins() {
            return Ok(Vec::new());
        }
        let stood_for = |metadata: &CoreMetadata| {
            let required = self.shared.holding(metadata, extras).map(|requirement| &requirement.name);
            let pairs =
                required.filter_map(|one| Some((one.clone(), prepared.overrides.stand_in(one)?.clone())));
            pairs.collect()
        };
        if let Some(package) = prepared.directs.get(name) {
            return Ok(stood_for(&package.metadata));
        }
        let Some(file) = self.file(name, version)? else { return Ok(Vec::new()) };
        Ok(self.metadata(&file)?.map(|metadata| stood_for(&metadata.core)).unwrap_or_default())
    }

    /// From now on, the list of files of each wheel that may be chosen is fetched ahead.
    pub(crate) fn list_files(&self) {
        self.listing.set(true);
    }

    /// Fetches the list of a wheel's files while the solve goes on. What is tried in many versions will be in one of the
    /// later ones, which is fetched when it is known.
    fn list_ahead(&self, name: &PackageName, file: &File) {
        if !self.listing.get() || file.wheel.is_none() || self.client().has_members(file) {
            return;
        }
        let mut listed = self.listed.borrow_mut();
        let count = listed.entry(name.clone()).or_default();
        *count += 1;
        if *count <= LISTED_VERSIONS {
            let (shared, file) = (Arc::clone(&self.shared), file.clone());
            self.fetch_ahead(async move { shared.fetch_members(&file).await });
        }
    }

    fn fetch_ahead(&self, fetch: impl Future<Output = ()> + Send + 'static) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.spawn_on(fetch, &self.runtime);
        // Finished ones would otherwise pile up.
        while ahead.try_join_next().is_some() {}
    }
}

/// What the fetches ahead and the solve found in the cache or fetched, for the caller's other steps.
impl Universe {
    pub(crate) fn client(&self) -> &IndexClient {
        &self.shared.client
    }

    /// The first package that the cache lacked while the network was off.
    pub(crate) fn lacking(&self) -> Option<PackageName> {
        self.lacking.borrow().clone()
    }

    /// Waits for an answer, but no longer than the run may take.
    pub(crate) fn wait<T>(&self, answer: impl Future<Output = T>) -> Result<T, UniverseError> {
        self.runtime.block_on(self.limits.hold(answer)).map_err(UniverseError::Stopped)
    }

    pub(crate) fn statuses(&self) -> BTreeMap<PackageName, (ProjectStatus, Option<String>)> {
        let projects = self.projects.borrow();
        let found = projects.iter().filter_map(|(name, found)| match found {
            Found::Project(project, ..) => {
                let reason = project.status_reason().map(printable);
                Some((name.clone(), (project.status().clone(), reason)))
            }
            Found::Builds(_) | Found::Direct(_) | Found::Missing(_) => None,
        });
        found.collect()
    }
}
