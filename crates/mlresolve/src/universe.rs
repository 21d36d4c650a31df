//! What the indexes offer, as the solver asks for it.
//!
//! The solver asks one question after the other from a thread of its own and waits for the answer. So that it seldom
//! waits long, each hint starts a fetch: the page of a package as soon as it is met, then the metadata of the version
//! that is likely to be chosen. Hints change when an answer is there, never what it is.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mlresolve_index::{File, FileMetadata, IndexClient, IndexError, MetadataError, Project, ProjectAnswer};
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::simple::{ProjectStatus, SkippedFile};
use mlresolve_packaging::{
    ExtraName, MetadataOrigin, PackageName, Requirement, Version, VersionPoint, VersionRange,
};
use mlresolve_solver::{Answer, Build, Dependency, Missing, Provider, Standing, Stop, Unusable, Versions};
use mlresolve_target::Variant;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::access::{Access, index_label};
use crate::build::{BuildError, Builder};
use crate::builds::{BuildRoutes, Builds, ChosenBuild, Source};
use crate::direct::DirectPackage;
use crate::event::{Event, Watch};
use crate::limits::RunLimits;
use crate::machine::{TORCH, local_variant, refusal_by_metadata};
use crate::prepare::Prepared;
use crate::text::printable;

/// How many versions are looked at for one that is likely to be chosen.
const LIKELY_SEARCH_LIMIT: usize = 50;

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
    /// Whether anything was refused because it does not run on the target's machine.
    hindered: Cell<bool>,
    /// What builds told of files, by their address, with the minor version of the Python that built them.
    built: RefCell<FxHashMap<String, (Arc<FileMetadata>, u8)>>,
}

/// A version, or one extra of it.
type Question = (PackageName, Version, Option<ExtraName>);

/// What the fetches ahead need as well.
struct Shared {
    client: Arc<IndexClient>,
    prepared: Arc<Prepared>,
    watch: Watch,
    met: AtomicUsize,
    known: AtomicUsize,
    read: AtomicUsize,
}

#[derive(Clone)]
enum Found {
    Project(Arc<Project>, Arc<[Version]>),
    /// One of the torch family, whose builds lie on several indexes.
    Builds(Arc<Builds>),
    /// One that is required by address; it has one version.
    Direct(Arc<DirectPackage>),
    Missing(Missing),
}

impl Universe {
    /// The indexes as a target sees them. Fetches run on `runtime`; questions may not be asked from its threads.
    pub(crate) fn new(
        client: Arc<IndexClient>,
        prepared: Arc<Prepared>,
        limits: RunLimits,
        runtime: Handle,
        access: &Access,
    ) -> Self {
        let minor = prepared.target.python().minor();
        let exclude_newer = prepared.judge.exclude_newer.as_ref().map(|limit| limit.text.clone());
        let builder = Builder::new(access, exclude_newer, minor, runtime.clone(), limits.clone());
        let zero = || AtomicUsize::new(0);
        let watch = limits.watch.clone();
        let shared = Shared { client, prepared, watch, met: zero(), known: zero(), read: zero() };
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
            hindered: Cell::new(false),
            built: RefCell::default(),
        }
    }

    /// The same indexes as a machine would see them that runs everything.
    pub(crate) fn without_facts(&self) -> Self {
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
            facts: false,
            hindered: Cell::new(false),
            built: RefCell::new(self.built.borrow().clone()),
        }
    }

    /// Whether anything was refused because it does not run on the target's machine.
    pub(crate) fn is_hindered(&self) -> bool {
        self.hindered.get()
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
            Found::Project(project, _) => Ok(Some(project)),
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

    /// The requirements of a version that hold for the target, for itself and for these extras, overrides applied.
    pub(crate) fn requirements<'e>(
        &self,
        name: &PackageName,
        version: &Version,
        extras: impl IntoIterator<Item = &'e ExtraName>,
    ) -> Result<Vec<Requirement>, UniverseError> {
        let extras: Vec<ExtraName> = extras.into_iter().cloned().collect();
        if let Some(package) = self.shared.prepared.directs.get(name) {
            return Ok(self.shared.active(&package.metadata, &extras).collect());
        }
        let Some(file) = self.file(name, version)? else { return Ok(Vec::new()) };
        let Ok(metadata) = self.metadata(&file)? else { return Ok(Vec::new()) };
        Ok(self.shared.active(&metadata.core, &extras).collect())
    }

    /// The metadata of a file; the inner error says why the file is of no use, with the rest of the world intact.
    pub(crate) fn metadata(&self, file: &File) -> Result<Result<Arc<FileMetadata>, Unusable>, UniverseError> {
        if let Some((metadata, _)) = self.built.borrow().get(&file.url) {
            return Ok(Ok(Arc::clone(metadata)));
        }
        match self.wait(self.shared.metadata(file))? {
            Ok(metadata) => Ok(Ok(metadata)),
            Err(MetadataError::Index(error @ IndexError::HashMismatch { .. })) => {
                Err(UniverseError::Metadata(MetadataError::Index(error)))
            }
            Err(MetadataError::Index(IndexError::Offline { .. })) => {
                if let Some(name) = file.project() {
                    self.lacking.borrow_mut().get_or_insert_with(|| name.clone());
                }
                Ok(Err(Unusable::Missing(Missing::Offline)))
            }
            Err(MetadataError::NeedsBuild { .. })
                if file.project().is_some_and(|name| self.shared.prepared.allow_build.contains(name)) =>
            {
                self.build(file)
            }
            Err(MetadataError::NeedsBuild { why, .. }) => {
                let newest_wheel = self.newest_wheel(file.project())?;
                Ok(Err(Unusable::NeedsBuild { why: printable(&why.to_string()), newest_wheel }))
            }
            // What is wrong with one file is no reason to give up on the others.
            Err(MetadataError::Index(
                error @ (IndexError::Status { status: 404 | 410, .. } | IndexError::TooLarge { .. }),
            )) => Ok(Err(Unusable::Metadata(with_causes(&error)))),
            Err(MetadataError::Index(error)) => Err(UniverseError::Index(error)),
            Err(error) => Ok(Err(Unusable::Metadata(with_causes(&error)))),
        }
    }

    /// The versions of a package that were asked about in vain, since only a build would tell what they require.
    pub(crate) fn unread(&self, name: &PackageName) -> Vec<Version> {
        let needs_build = |answer: &Answer| matches!(answer, Answer::Unusable(Unusable::NeedsBuild { .. }));
        let answers = self.dependencies.borrow();
        let unread = answers
            .iter()
            .filter(|((of, _, extra), answer)| of == name && extra.is_none() && needs_build(answer));
        let mut versions: Vec<Version> = unread.map(|((_, version, _), _)| version.clone()).collect();
        versions.sort();
        versions
    }

    /// Builds the metadata of a source distribution whose build the user allowed. That it fails ends the run: to take an
    /// older version in its place would be a silent answer to what the user asked for by name.
    fn build(&self, file: &File) -> Result<Result<Arc<FileMetadata>, Unusable>, UniverseError> {
        let package = file.sdist.as_ref().map(|sdist| format!("{} {}", sdist.name, sdist.version));
        let package = package.unwrap_or_else(|| file.filename.clone());
        self.shared.watch.tell(Event::Building { package: package.clone() });
        let failed =
            |source: BuildError| UniverseError::Build { package: package.clone(), source: Box::new(source) };
        let built = match self.builder.sdist(&self.shared.client, file) {
            Ok(built) => built,
            Err(BuildError::Index(IndexError::Offline { .. })) => {
                if let Some(name) = file.project() {
                    self.lacking.borrow_mut().get_or_insert_with(|| name.clone());
                }
                return Ok(Err(Unusable::Missing(Missing::Offline)));
            }
            Err(BuildError::Index(error)) => return Err(UniverseError::Index(error)),
            Err(BuildError::Stopped(stop)) => return Err(UniverseError::Stopped(stop)),
            Err(error) => return Err(failed(error)),
        };
        let core = CoreMetadata::parse(&built.metadata).map_err(|error| failed(error.into()))?;
        let metadata = Arc::new(FileMetadata { core, origin: MetadataOrigin::Built });
        self.built.borrow_mut().insert(file.url.clone(), (Arc::clone(&metadata), built.minor));
        Ok(Ok(metadata))
    }

    /// The minor version of the Python with which a file was built to tell its metadata.
    pub(crate) fn built_with(&self, file: &File) -> Option<u8> {
        self.built.borrow().get(&file.url).map(|(_, minor)| *minor)
    }

    /// The newest version of a package that has a wheel for the target.
    fn newest_wheel(&self, name: Option<&PackageName>) -> Result<Option<Version>, UniverseError> {
        let Some(name) = name else { return Ok(None) };
        if let Some(newest) = self.newest_wheels.borrow().get(name) {
            return Ok(newest.clone());
        }
        let mut newest = None;
        if let Some(project) = self.project(name)? {
            let stable = project.versions().iter().enumerate().rev();
            for (place, version) in stable.filter(|(_, version)| !version.any_prerelease()) {
                let verdict = self.shared.prepared.judge.judge(name, project.release(place)?);
                if verdict.file.is_ok_and(|file| file.wheel.is_some()) {
                    newest = Some(version.clone());
                    break;
                }
            }
        }
        self.newest_wheels.borrow_mut().insert(name.clone(), newest.clone());
        Ok(newest)
    }

    fn find(&self, name: &PackageName) -> Result<Found, UniverseError> {
        if let Some(package) = self.shared.prepared.directs.get(name) {
            return Ok(Found::Direct(Arc::clone(package)));
        }
        if let Some(found) = self.projects.borrow().get(name) {
            return Ok(found.clone());
        }
        if let Some(routes) = self.shared.build_routes(name) {
            let found = self.find_builds(routes, name)?;
            self.projects.borrow_mut().insert(name.clone(), found.clone());
            return Ok(found);
        }
        let found = match self.wait(self.shared.project(name))?? {
            ProjectAnswer::Found(project) => match project.status() {
                ProjectStatus::Quarantined => {
                    let reason = project.status_reason().unwrap_or("it is quarantined");
                    Found::Missing(Missing::Withheld(printable(reason)))
                }
                _ if project.versions().is_empty() => Found::Missing(unreadable(&project)?),
                _ => {
                    let versions: Arc<[Version]> = Arc::from(project.versions());
                    let index = index_label(project.index());
                    let skipped = || project.skipped().map_or(0, |files| files.len());
                    tracing::info!(package = %name, versions = versions.len(), skipped = skipped(), index, "found");
                    Found::Project(project, versions)
                }
            },
            ProjectAnswer::NotFound { asked } => {
                tracing::info!(package = %name, "not found on any index");
                let mut asked: Vec<String> = asked.iter().map(index_label).collect();
                if asked.is_empty() {
                    asked.push("any index, since none is asked for it".to_owned());
                }
                Found::Missing(Missing::NotFound(asked))
            }
            ProjectAnswer::Offline { .. } => {
                self.lacking.borrow_mut().get_or_insert_with(|| name.clone());
                Found::Missing(Missing::Offline)
            }
        };
        self.projects.borrow_mut().insert(name.clone(), found.clone());
        Ok(found)
    }

    /// Looks for the builds of a package on every index that may have one for the target.
    fn find_builds(&self, routes: &BuildRoutes, name: &PackageName) -> Result<Found, UniverseError> {
        let answers = self.wait(self.shared.pages_of_builds(routes, name))?;
        let (mut sources, mut lacking, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for (variant, answer) in answers {
            match answer? {
                ProjectAnswer::Found(project) if project.versions().is_empty() => lacking.push(variant),
                ProjectAnswer::Found(project) => sources.push(Source { variant, project }),
                ProjectAnswer::NotFound { asked: indexes } => {
                    asked.extend(indexes.iter().map(index_label));
                    lacking.push(variant);
                }
                ProjectAnswer::Offline { .. } => {
                    self.lacking.borrow_mut().get_or_insert_with(|| name.clone());
                    return Ok(Found::Missing(Missing::Offline));
                }
            }
        }
        lacking.retain(|variant| routes.variants.contains(variant));
        // Torch itself is of the variant or is not at all; PyPI's stands in for what the variant's index lacks.
        if !routes.variants.contains(&Variant::Pypi) && (lacking.is_empty() || name.as_str() == TORCH) {
            sources.retain(|source| source.variant != Variant::Pypi);
        }
        if sources.is_empty() {
            return Ok(Found::Missing(Missing::NotFound(asked)));
        }
        let labels: Vec<String> = sources.iter().map(|source| source.variant.label()).collect();
        tracing::info!(package = %name, builds = labels.join(" "), "found");
        Ok(Found::Builds(Arc::new(Builds::new(sources, lacking))))
    }

    /// Which other variants have what is wanted and those of the target do not.
    fn note_of_builds(
        &self,
        routes: &BuildRoutes,
        name: &PackageName,
        wanted: &VersionRange,
    ) -> Option<String> {
        let wanted_of = |project: &Project| {
            let mut points = project.versions().iter().rev().map(|version| VersionPoint::at(version.clone()));
            points.find(|point| wanted.contains(point)).map(|point| point.version().clone())
        };
        let own = self.builds(name).ok()?;
        let own = own.as_ref().map_or(&[][..], |builds| builds.sources());
        if own.iter().any(|source| wanted_of(&source.project).is_some()) {
            return None;
        }
        let others = routes.others();
        let answers = self.wait(self.shared.pages_of_builds(&others, name)).ok()?;
        let (mut having, mut version) = (Vec::new(), None);
        for (variant, answer) in answers {
            let Ok(ProjectAnswer::Found(project)) = answer else { continue };
            if let Some(found) = wanted_of(&project) {
                having.push(if variant == Variant::Pypi { "PyPI".to_owned() } else { variant.label() });
                version = version.max(Some(found.without_local()));
            }
        }
        let here: Vec<String> = routes.variants.iter().map(|variant| variant.label()).collect();
        let newest = own.iter().filter_map(|source| source.project.versions().last()).max();
        let ends = newest.map(|newest| format!(", which ends at {name} {}", newest.clone().without_local()));
        let not = format!("not on {}{}", here.join(", "), ends.unwrap_or_default());
        Some(match version {
            Some(version) => format!("{name} {version} is on {}, {not}", having.join(", ")),
            None => format!("no variant has such a {name}"),
        })
    }

    fn answer(
        &self,
        name: &PackageName,
        version: &Version,
        extra: Option<&ExtraName>,
    ) -> Result<Answer, UniverseError> {
        if let Some(package) = self.shared.prepared.directs.get(name) {
            return Ok(self.answer_from(&package.metadata, extra));
        }
        let Some(file) = self.file(name, version)? else {
            return Ok(Answer::Unusable(Unusable::SourceOnly));
        };
        let metadata = match self.metadata(&file)? {
            Ok(metadata) => metadata,
            Err(unusable) => return Ok(Answer::Unusable(unusable)),
        };
        if self.facts
            && let Some(variant) = self.variant(name, version)?.or_else(|| local_variant(version))
        {
            let requirements: Vec<Requirement> = self.shared.active(&metadata.core, &[]).collect();
            let target = &self.shared.prepared.target;
            if let Some(refusal) = refusal_by_metadata(target, name, version, variant, &requirements) {
                self.hindered.set(true);
                return Ok(Answer::Unusable(refusal));
            }
        }
        Ok(self.answer_from(&metadata.core, extra))
    }

    /// What metadata says to the solver's question.
    fn answer_from(&self, metadata: &CoreMetadata, extra: Option<&ExtraName>) -> Answer {
        let refused = metadata.requires_python.as_ref().map(ToString::to_string);
        if let Some(required) = refused.filter(|required| self.shared.prepared.judge.refuses_python(required))
        {
            let python = self.shared.prepared.judge.python.to_string();
            return Answer::Unusable(Unusable::RequiresPython { required, python });
        }
        let base: Vec<Requirement> = self.shared.active(metadata, &[]).collect();
        let requirements = match extra {
            None => base,
            Some(extra) => {
                let all = self.shared.active(metadata, std::slice::from_ref(extra));
                let more: Vec<Requirement> = all.filter(|requirement| !base.contains(requirement)).collect();
                // Old metadata uses extras in markers without declaring them.
                if more.is_empty() && !metadata.provides_extra.contains(extra) {
                    return Answer::NoSuchExtra;
                }
                more
            }
        };
        let mut dependencies: Vec<Dependency> = Vec::with_capacity(requirements.len());
        for requirement in &requirements {
            match self.shared.prepared.directs.dependency_of(requirement) {
                Some(dependency) => dependencies.push(dependency),
                None => {
                    let what = format!(
                        "it requires {} by address, which only your own requirements may do",
                        requirement.name
                    );
                    return Answer::Unusable(Unusable::Metadata(what));
                }
            }
        }
        Answer::Known(dependencies.into())
    }

    fn fetch_ahead(&self, fetch: impl Future<Output = ()> + Send + 'static) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.spawn_on(fetch, &self.runtime);
        // Finished ones would otherwise pile up.
        while ahead.try_join_next().is_some() {}
    }
}

impl Shared {
    async fn project(&self, name: &PackageName) -> Result<ProjectAnswer, IndexError> {
        match self.prepared.routes.get(name) {
            Some(indexes) => self.client.project_from(indexes, name).await,
            None => self.client.project(name).await,
        }
    }

    /// Where the builds of a package lie, if it is one of the torch family and no place of its own is named for it.
    fn build_routes(&self, name: &PackageName) -> Option<&BuildRoutes> {
        let elsewhere = self.prepared.routes.contains_key(name) || self.prepared.directs.get(name).is_some();
        self.prepared.builds.as_ref().filter(|_| !elsewhere && mlresolve_target::facts::is_family(name))
    }

    /// The page of a package on the index of each variant, then on PyPI where that is not one of them.
    async fn pages_of_builds(
        &self,
        routes: &BuildRoutes,
        name: &PackageName,
    ) -> Vec<(Variant, Result<ProjectAnswer, IndexError>)> {
        let own = (!routes.variants.contains(&Variant::Pypi)).then_some(Variant::Pypi);
        let variants = routes.variants.iter().copied().chain(own);
        let page = async |variant: Variant| {
            let answer = match routes.index(variant) {
                Ok(Some(index)) => self.client.project_from(&[index], name).await,
                Ok(None) => self.client.project(name).await,
                Err(_) => Ok(ProjectAnswer::NotFound { asked: Vec::new() }),
            };
            (variant, answer)
        };
        futures::future::join_all(variants.map(page)).await
    }

    async fn metadata(&self, file: &File) -> Result<Arc<FileMetadata>, MetadataError> {
        let wheel = file.wheel.as_ref().map(|wheel| &wheel.version);
        let version = wheel.or(file.sdist.as_ref().map(|sdist| &sdist.version));
        let declared = file.project().zip(version);
        if let Some(core) = declared.and_then(|(name, version)| self.prepared.declared.of(name, version)) {
            return Ok(Arc::new(FileMetadata { core, origin: MetadataOrigin::Declared }));
        }
        self.client.metadata(file).await
    }

    /// The requirements that hold for the target and these extras; without extras, those of the package itself.
    fn active<'m>(
        &'m self,
        metadata: &'m CoreMetadata,
        extras: &'m [ExtraName],
    ) -> impl Iterator<Item = Requirement> + 'm {
        let environment = &self.prepared.environment;
        let holds = move |requirement: &&Requirement| {
            requirement.marker.as_ref().is_none_or(|marker| {
                marker.evaluate(environment, &[])
                    || (!extras.is_empty() && marker.evaluate(environment, extras))
            })
        };
        let active = metadata.requires_dist.iter().filter(holds);
        active.filter_map(|requirement| self.prepared.overrides.apply(requirement.without_marker()))
    }

    /// Fetches a page, then the metadata of the version that is likely to be chosen.
    async fn fetch_package(&self, name: &PackageName, range: &VersionRange) {
        let Ok(ProjectAnswer::Found(project)) = self.project(name).await else { return };
        let known = self.known.fetch_add(1, Ordering::Relaxed) + 1;
        self.watch.tell(Event::PackageKnown { name: name.to_string(), known });
        let preferred = self.prepared.policy.preferences.get(name);
        let versions = project.versions().iter().enumerate().rev();
        let preferred = versions.clone().filter(|(_, version)| preferred == Some(*version));
        let newest = versions.filter(|(_, version)| !version.any_prerelease());
        let in_range = preferred
            .chain(newest)
            .filter(|(_, version)| range.contains(&VersionPoint::at((*version).clone())))
            .take(LIKELY_SEARCH_LIMIT);
        for (place, _) in in_range {
            let Ok(release) = project.release(place) else { return };
            if let Ok(file) = self.prepared.judge.judge(name, release).file {
                self.fetch_metadata(file).await;
                return;
            }
        }
    }

    async fn fetch_metadata(&self, file: &File) {
        if self.metadata(file).await.is_ok() {
            let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
            self.watch.tell(Event::MetadataRead { read });
        }
    }
}

impl Provider for Universe {
    type Error = UniverseError;

    fn versions(&self, name: &PackageName) -> Result<Versions, UniverseError> {
        Ok(match self.find(name)? {
            Found::Project(_, versions) => Versions::Found(versions),
            Found::Builds(builds) => Versions::Found(Arc::clone(builds.versions())),
            Found::Direct(package) => Versions::Found(Arc::from([package.solved_version()])),
            Found::Missing(missing) => Versions::Missing(missing),
        })
    }

    fn standing(&self, name: &PackageName, version: &Version) -> Result<Standing, UniverseError> {
        if let Some(package) = self.shared.prepared.directs.get(name) {
            let unusable = package.wheel.as_ref().and_then(|wheel| self.shared.prepared.judge.refuses(wheel));
            return Ok(Standing { yanked: None, unusable });
        }
        if self.builds(name)?.is_some() {
            let standing = self.choose(name, version, |_, chosen| chosen.standing())?.unwrap_or_default();
            if let Some(Unusable::Machine(_)) = standing.unusable {
                self.hindered.set(true);
            }
            return Ok(standing);
        }
        let Some(project) = self.project(name)? else { return Ok(Standing::default()) };
        let Some(place) = project.position(version) else { return Ok(Standing::default()) };
        Ok(self.shared.prepared.judge.judge(name, project.release(place)?).standing())
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        extra: Option<&ExtraName>,
    ) -> Result<Answer, UniverseError> {
        let key = (name.clone(), version.clone(), extra.cloned());
        if let Some(answer) = self.dependencies.borrow().get(&key) {
            return Ok(answer.clone());
        }
        let answer = self.answer(name, version, extra)?;
        self.dependencies.borrow_mut().insert(key, answer.clone());
        Ok(answer)
    }

    fn has_builds(&self, name: &PackageName) -> bool {
        self.shared.build_routes(name).is_some()
    }

    fn build(&self, name: &PackageName, version: &Version) -> Result<Build, UniverseError> {
        let build = self.choose(name, version, |builds, chosen| builds.build(&chosen))?;
        Ok(build.unwrap_or_default())
    }

    /// Which indexes were not asked for a package, because another has it or an address names it.
    fn note(&self, name: &PackageName, wanted: &VersionRange) -> Option<String> {
        if let Some(routes) = self.shared.build_routes(name) {
            return self.note_of_builds(routes, name, wanted);
        }
        let directs = &self.shared.prepared.directs;
        if let Some(package) = directs.get(name) {
            return Some(format!(
                "{name} comes from {} and nowhere else",
                package.address.public(directs.root())
            ));
        }
        let project = self.project(name).ok()??;
        let found = index_label(project.index());
        if self.shared.prepared.routes.contains_key(name) {
            return Some(format!("only {found} was asked for {name}, as its source says"));
        }
        let indexes = self.shared.prepared.indexes.iter();
        let behind = indexes.skip_while(|index| *index != project.index()).skip(1);
        let not_asked: Vec<String> = behind.map(index_label).collect();
        let verb = if not_asked.len() == 1 { "was" } else { "were" };
        (!not_asked.is_empty())
            .then(|| format!("{} {verb} not asked: {found} has {name}", not_asked.join(" and ")))
    }

    fn expect_package(&self, name: &PackageName, range: &VersionRange) {
        if self.shared.prepared.directs.get(name).is_some() {
            return;
        }
        let met = self.shared.met.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.watch.tell(Event::PackageMet { met });
        let (shared, name, range) = (Arc::clone(&self.shared), name.clone(), range.clone());
        self.fetch_ahead(async move { shared.fetch_package(&name, &range).await });
    }

    fn expect_dependencies(&self, name: &PackageName, versions: &[Version]) {
        for version in versions {
            // Only the likeliest source distribution is fetched ahead: an archive is large beside metadata.
            if let Ok(Some(file)) = self.file(name, version)
                && file.wheel.is_some()
            {
                let shared = Arc::clone(&self.shared);
                self.fetch_ahead(async move { shared.fetch_metadata(&file).await });
            }
        }
    }

    fn should_stop(&self) -> Option<Stop> {
        self.limits.should_stop()
    }
}

/// What the fetches ahead and the solve found in the cache or fetched, for the caller's other steps.
impl Universe {
    pub(crate) fn client(&self) -> &IndexClient {
        &self.shared.client
    }

    /// The newest version above `chosen` that was tried and given up for its metadata, in words, and how many there are.
    pub(crate) fn passed_over(&self, name: &PackageName, chosen: &Version) -> Option<(String, usize)> {
        let answers = self.dependencies.borrow();
        let given_up: BTreeMap<&Version, &Unusable> = answers
            .iter()
            .filter_map(|((other, version, _), answer)| match answer {
                Answer::Unusable(reason @ Unusable::Metadata(_)) if other == name && version > chosen => {
                    Some((version, reason))
                }
                _ => None,
            })
            .collect();
        let (version, reason) = given_up.last_key_value()?;
        Some((format!("{name} {version} {reason}"), given_up.len()))
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
            Found::Project(project, _) => {
                let reason = project.status_reason().map(printable);
                Some((name.clone(), (project.status().clone(), reason)))
            }
            Found::Builds(_) | Found::Direct(_) | Found::Missing(_) => None,
        });
        found.collect()
    }
}

/// What a page has instead of a file of its project that can be used.
fn unreadable(project: &Project) -> Result<Missing, IndexError> {
    let skipped = project.skipped()?;
    let what = match skipped.first() {
        None => "its page lists none; is it a page to log in?".to_owned(),
        Some(SkippedFile { filename, reason }) => {
            let files = if skipped.len() == 1 { "file" } else { "files" };
            format!("its page lists {} {files}; {filename}: {reason}", skipped.len())
        }
    };
    Ok(Missing::Unreadable(printable(&what)))
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    printable(&text)
}
