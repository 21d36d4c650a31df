//! What the solve and the fetches ahead both ask for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mlresolve_index::{File, FileMetadata, IndexClient, IndexError, MetadataError, ProjectAnswer};
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::{ExtraName, MetadataOrigin, PackageName, Requirement};
use mlresolve_target::{Variant, facts};

use super::ahead::Common;
use crate::builds::BuildRoutes;
use crate::event::{Event, Watch};
use crate::prepare::Prepared;

/// What the solve and the fetches ahead both ask for.
pub(super) struct Shared {
    pub(super) client: Arc<IndexClient>,
    pub(super) prepared: Arc<Prepared>,
    /// What the targets of a run can have in common.
    pub(super) common: Arc<Common>,
    /// The packages that were looked at before the solver met them.
    pub(super) walked: Mutex<BTreeSet<PackageName>>,
    watch: Watch,
    met: AtomicUsize,
    known: AtomicUsize,
    read: AtomicUsize,
}

impl Shared {
    pub(super) fn new(
        client: Arc<IndexClient>,
        prepared: Arc<Prepared>,
        watch: Watch,
        common: Arc<Common>,
    ) -> Self {
        let zero = || AtomicUsize::new(0);
        let (met, known, read) = (zero(), zero(), zero());
        Self { client, prepared, common, walked: Mutex::default(), watch, met, known, read }
    }

    pub(super) fn tell(&self, event: Event) {
        self.watch.tell(event);
    }

    pub(super) fn tell_met(&self) {
        let met = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        self.tell(Event::PackageMet { met });
    }

    pub(super) fn tell_known(&self, name: &PackageName) {
        let known = self.known.fetch_add(1, Ordering::Relaxed) + 1;
        self.tell(Event::PackageKnown { name: name.to_string(), known });
    }

    pub(super) fn tell_read(&self) {
        let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        self.tell(Event::MetadataRead { read });
    }

    pub(super) async fn project(&self, name: &PackageName) -> Result<ProjectAnswer, IndexError> {
        match self.prepared.routes.get(name) {
            Some(indexes) => self.client.project_from(indexes, name).await,
            None => self.client.project(name).await,
        }
    }

    /// Where the builds of a package lie, if it is one of the torch family and no place of its own is named for it.
    pub(super) fn build_routes(&self, name: &PackageName) -> Option<&BuildRoutes> {
        let elsewhere = self.prepared.routes.contains_key(name) || self.prepared.directs.get(name).is_some();
        self.prepared.builds.as_ref().filter(|_| !elsewhere && facts::is_family(name))
    }

    /// The page of a package on the index of each variant, then on PyPI where that is not one of them.
    pub(super) async fn pages_of_builds(
        &self,
        routes: &BuildRoutes,
        name: &PackageName,
    ) -> Vec<(Variant, Result<ProjectAnswer, IndexError>)> {
        let own = (!routes.variants.contains(&Variant::Pypi)).then_some(Variant::Pypi);
        let variants = routes.variants.iter().copied().chain(own);
        let page = async |variant: Variant| {
            let answer = match routes.index(variant) {
                Ok(Some(index)) => self.client.project_from(&[index], name).await,
                // The index that stands for PyPI. What is asked before it has its own builds of the family only where a
                // source says so.
                Ok(None) => {
                    let last = self.prepared.indexes.last().map_or(&[][..], std::slice::from_ref);
                    self.client.project_from(last, name).await
                }
                Err(_) => Ok(ProjectAnswer::NotFound { asked: Vec::new() }),
            };
            (variant, answer)
        };
        futures::future::join_all(variants.map(page)).await
    }

    pub(super) async fn metadata(&self, file: &File) -> Result<Arc<FileMetadata>, MetadataError> {
        let wheel = file.wheel.as_ref().map(|wheel| &wheel.version);
        let version = wheel.or(file.sdist.as_ref().map(|sdist| &sdist.version));
        let declared = file.project().zip(version);
        if let Some(core) = declared.and_then(|(name, version)| self.prepared.declared.of(name, version)) {
            return Ok(Arc::new(FileMetadata { core, origin: MetadataOrigin::Declared }));
        }
        self.client.metadata(file).await
    }

    /// The requirements that hold for the target and these extras; without extras, those of the package itself. Overrides
    /// are applied.
    pub(super) fn active<'m>(
        &'m self,
        metadata: &'m CoreMetadata,
        extras: &'m [ExtraName],
    ) -> impl Iterator<Item = Requirement> + 'm {
        let active = self.holding(metadata, extras);
        active.filter_map(|requirement| self.prepared.overrides.apply(requirement.without_marker()))
    }

    /// The same as the metadata has them.
    pub(super) fn holding<'m>(
        &'m self,
        metadata: &'m CoreMetadata,
        extras: &'m [ExtraName],
    ) -> impl Iterator<Item = &'m Requirement> + 'm {
        let environment = &self.prepared.environment;
        let holds = move |requirement: &&'m Requirement| {
            requirement.marker.as_ref().is_none_or(|marker| {
                marker.evaluate(environment, &[])
                    || (!extras.is_empty() && marker.evaluate(environment, extras))
            })
        };
        metadata.requires_dist.iter().filter(holds)
    }
}
