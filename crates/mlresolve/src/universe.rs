//! What the indexes offer, as the solver asks for it.
//!
//! The solver asks one question after the other from a thread of its own and waits for the answer. So that it seldom
//! waits long, each hint starts a fetch: the page of a package as soon as it is met, then the metadata of the version
//! that is likely to be chosen. Hints change when an answer is there, never what it is.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mlresolve_index::{File, IndexClient, IndexError, MetadataError, Project, ProjectAnswer};
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::simple::ProjectStatus;
use mlresolve_packaging::{
    ExtraName, PackageName, Requirement, RequirementSource, Version, VersionPoint, VersionRange,
};
use mlresolve_solver::{Answer, Dependency, Missing, Provider, Standing, Stop, Unusable, Versions};
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::access::index_label;
use crate::event::{CancellationToken, Event, Watch};
use crate::prepare::{Prepared, dependency_of};
use crate::text::printable;

/// How many versions are looked at for one that is likely to be chosen.
const LIKELY_SEARCH_LIMIT: usize = 50;

/// How often a wait looks whether the run was given up.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// Why no answer can be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UniverseError {
    /// The index, or the way to it.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file whose bytes are not what the index announced.
    #[error(transparent)]
    Metadata(MetadataError),
    /// The run was given up from outside while it waited.
    #[error("the run was given up")]
    Stopped(Stop),
}

/// The indexes as one target sees them.
pub(crate) struct Universe {
    shared: Arc<Shared>,
    runtime: Handle,
    /// `None` where the limit is beyond what a clock can tell.
    deadline: Option<Instant>,
    /// Cancelled when nobody waits for the run any more.
    abandoned: CancellationToken,
    ahead: Mutex<JoinSet<()>>,
    projects: RefCell<FxHashMap<PackageName, Found>>,
    /// The first package that the cache lacked while the network was off.
    lacking: RefCell<Option<PackageName>>,
    dependencies: RefCell<FxHashMap<Question, Answer>>,
}

/// A version, or one extra of it.
type Question = (PackageName, Version, Option<ExtraName>);

/// What the fetches ahead need as well.
struct Shared {
    client: IndexClient,
    prepared: Arc<Prepared>,
    watch: Watch,
    met: AtomicUsize,
    known: AtomicUsize,
    read: AtomicUsize,
}

#[derive(Clone)]
enum Found {
    Project(Arc<Project>, Arc<[Version]>),
    Missing(Missing),
}

impl Universe {
    /// The indexes as a target sees them. Fetches run on `runtime`; questions may not be asked from its threads.
    pub(crate) fn new(
        client: IndexClient,
        prepared: Arc<Prepared>,
        watch: Watch,
        runtime: Handle,
        deadline: Option<Instant>,
        abandoned: CancellationToken,
    ) -> Self {
        let zero = || AtomicUsize::new(0);
        let shared = Shared { client, prepared, watch, met: zero(), known: zero(), read: zero() };
        Self {
            shared: Arc::new(shared),
            runtime,
            deadline,
            abandoned,
            ahead: Mutex::new(JoinSet::new()),
            projects: RefCell::default(),
            lacking: RefCell::default(),
            dependencies: RefCell::default(),
        }
    }

    /// The project of a package that was found before.
    pub(crate) fn project(&self, name: &PackageName) -> Result<Option<Arc<Project>>, UniverseError> {
        match self.find(name)? {
            Found::Project(project, _) => Ok(Some(project)),
            Found::Missing(_) => Ok(None),
        }
    }

    /// The wheel that the target would use of a version.
    pub(crate) fn wheel(&self, name: &PackageName, version: &Version) -> Result<Option<File>, UniverseError> {
        let Some(project) = self.project(name)? else { return Ok(None) };
        let Some(place) = project.position(version) else { return Ok(None) };
        let verdict = self.shared.prepared.judge.judge(name, project.release(place)?);
        Ok(verdict.wheel.ok().cloned())
    }

    /// The requirements of a version that hold for the target, for itself and for these extras, overrides applied.
    pub(crate) fn requirements<'e>(
        &self,
        name: &PackageName,
        version: &Version,
        extras: impl IntoIterator<Item = &'e ExtraName>,
    ) -> Result<Vec<Requirement>, UniverseError> {
        let Some(file) = self.wheel(name, version)? else { return Ok(Vec::new()) };
        let Ok(metadata) = self.metadata(&file)? else { return Ok(Vec::new()) };
        let extras: Vec<ExtraName> = extras.into_iter().cloned().collect();
        Ok(self.shared.active(&metadata, &extras).collect())
    }

    /// The metadata of a file; the inner error says why the file is of no use, with the rest of the world intact.
    pub(crate) fn metadata(&self, file: &File) -> Result<Result<Arc<CoreMetadata>, Unusable>, UniverseError> {
        match self.wait(self.shared.metadata(file))? {
            Ok(metadata) => Ok(Ok(metadata)),
            Err(MetadataError::Index(error @ IndexError::HashMismatch { .. })) => {
                Err(UniverseError::Metadata(MetadataError::Index(error)))
            }
            Err(MetadataError::Index(IndexError::Offline { .. })) => {
                if let Some(wheel) = &file.wheel {
                    self.lacking.borrow_mut().get_or_insert_with(|| wheel.name.clone());
                }
                Ok(Err(Unusable::Missing(Missing::Offline)))
            }
            // What is wrong with one file is no reason to give up on the others.
            Err(MetadataError::Index(
                error @ (IndexError::Status { status: 404 | 410, .. } | IndexError::TooLarge { .. }),
            )) => Ok(Err(Unusable::Metadata(with_causes(&error)))),
            Err(MetadataError::Index(error)) => Err(UniverseError::Index(error)),
            Err(error) => Ok(Err(Unusable::Metadata(with_causes(&error)))),
        }
    }

    fn find(&self, name: &PackageName) -> Result<Found, UniverseError> {
        if let Some(found) = self.projects.borrow().get(name) {
            return Ok(found.clone());
        }
        let found = match self.wait(self.shared.project(name))?? {
            ProjectAnswer::Found(project) => match project.status() {
                ProjectStatus::Quarantined => {
                    let reason = project.status_reason().unwrap_or("it is quarantined");
                    Found::Missing(Missing::Withheld(printable(reason)))
                }
                _ => {
                    let versions: Arc<[Version]> = Arc::from(project.versions());
                    let index = index_label(project.index());
                    tracing::info!(package = %name, versions = versions.len(), index, "found");
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

    fn answer(
        &self,
        name: &PackageName,
        version: &Version,
        extra: Option<&ExtraName>,
    ) -> Result<Answer, UniverseError> {
        let Some(file) = self.wheel(name, version)? else {
            return Ok(Answer::Unusable(Unusable::SourceOnly));
        };
        let metadata = match self.metadata(&file)? {
            Ok(metadata) => metadata,
            Err(unusable) => return Ok(Answer::Unusable(unusable)),
        };
        let refused = metadata.requires_python.as_ref().map(ToString::to_string);
        if let Some(required) = refused.filter(|required| self.shared.prepared.judge.refuses_python(required))
        {
            let python = self.shared.prepared.judge.python.to_string();
            return Ok(Answer::Unusable(Unusable::RequiresPython { required, python }));
        }
        let base: Vec<Requirement> = self.shared.active(&metadata, &[]).collect();
        let requirements = match extra {
            None => base,
            Some(extra) => {
                let all = self.shared.active(&metadata, std::slice::from_ref(extra));
                let more: Vec<Requirement> = all.filter(|requirement| !base.contains(requirement)).collect();
                // Old metadata uses extras in markers without declaring them.
                if more.is_empty() && !metadata.provides_extra.contains(extra) {
                    return Ok(Answer::NoSuchExtra);
                }
                more
            }
        };
        let mut dependencies: Vec<Dependency> = Vec::with_capacity(requirements.len());
        for requirement in &requirements {
            match &requirement.source {
                RequirementSource::Specifiers(_) => dependencies.extend(dependency_of(requirement)),
                RequirementSource::Url(_) => {
                    let what =
                        format!("it requires {} by address, which an index may not do", requirement.name);
                    return Ok(Answer::Unusable(Unusable::Metadata(what)));
                }
            }
        }
        Ok(Answer::Known(dependencies.into()))
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

    async fn metadata(&self, file: &File) -> Result<Arc<CoreMetadata>, MetadataError> {
        let metadata = self.client.metadata(file).await?;
        Ok(metadata)
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
            if let Ok(file) = self.prepared.judge.judge(name, release).wheel {
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
            Found::Missing(missing) => Versions::Missing(missing),
        })
    }

    fn standing(&self, name: &PackageName, version: &Version) -> Result<Standing, UniverseError> {
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

    /// Which indexes were not asked for a package, because another has it.
    fn note(&self, name: &PackageName) -> Option<String> {
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
        let met = self.shared.met.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.watch.tell(Event::PackageMet { met });
        let (shared, name, range) = (Arc::clone(&self.shared), name.clone(), range.clone());
        self.fetch_ahead(async move { shared.fetch_package(&name, &range).await });
    }

    fn expect_dependencies(&self, name: &PackageName, versions: &[Version]) {
        for version in versions {
            if let Ok(Some(file)) = self.wheel(name, version) {
                let shared = Arc::clone(&self.shared);
                self.fetch_ahead(async move { shared.fetch_metadata(&file).await });
            }
        }
    }

    fn should_stop(&self) -> Option<Stop> {
        if self.shared.watch.cancellation.is_cancelled() || self.abandoned.is_cancelled() {
            return Some(Stop::Cancelled);
        }
        self.deadline.is_some_and(|deadline| Instant::now() > deadline).then_some(Stop::OutOfTime)
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
        let stopped = async {
            loop {
                tokio::time::sleep(STOP_CHECK).await;
                if let Some(stop) = self.should_stop() {
                    return stop;
                }
            }
        };
        self.runtime.block_on(async {
            // An answer that is there is taken before a timer is set up.
            tokio::select! {
                biased;
                answer = answer => Ok(answer),
                stop = stopped => Err(UniverseError::Stopped(stop)),
            }
        })
    }

    pub(crate) fn statuses(&self) -> BTreeMap<PackageName, (ProjectStatus, Option<String>)> {
        let projects = self.projects.borrow();
        let found = projects.iter().filter_map(|(name, found)| match found {
            Found::Project(project, _) => {
                let reason = project.status_reason().map(printable);
                Some((name.clone(), (project.status().clone(), reason)))
            }
            Found::Missing(_) => None,
        });
        found.collect()
    }
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
