//! The client: what the rest of the program asks.

use std::sync::Arc;

use mlresolve_packaging::PackageName;
use mlresolve_packaging::simple::ProjectPage;

use crate::cache::{Cache, Key};
use crate::metadata::{FileMetadata, MetadataOutcome};
use crate::once::OnceMap;
use crate::pages::PageAnswer;
use crate::transport::Transport;
use crate::{
    ClientOptions, File, IndexError, IndexUrl, MetadataError, ProjectAnswer, WheelMembers, metadata,
};

/// A client of package indexes. It answers from memory, from the cache, and from the network, in this
/// order, and fetches nothing twice. Cheap to make: the network side is set up by the first request.
///
/// Share it by reference or in an `Arc`; its methods may be called concurrently, from within a tokio
/// runtime that has I/O and time enabled.
pub struct IndexClient {
    pub(crate) options: ClientOptions,
    pub(crate) cache: Option<Cache>,
    pub(crate) transport: Transport,
    pages: OnceMap<(IndexUrl, PackageName), PageAnswer>,
    metadata: OnceMap<Key, MetadataOutcome>,
    pub(crate) members: OnceMap<Key, WheelMembers>,
    pub(crate) links: OnceMap<IndexUrl, ProjectPage>,
    joined: OnceMap<(Vec<IndexUrl>, PackageName), ProjectAnswer>,
}

impl IndexClient {
    /// A client for these options. Nothing is asked yet.
    pub fn new(options: ClientOptions) -> Self {
        Self {
            cache: options.cache_dir.as_ref().map(Cache::at),
            transport: Transport::new(&options),
            options,
            pages: OnceMap::new(),
            metadata: OnceMap::new(),
            members: OnceMap::new(),
            links: OnceMap::new(),
            joined: OnceMap::new(),
        }
    }

    /// What the client was told at its start.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// The project from the first of the client's indexes that has it.
    ///
    /// # Errors
    /// Any [`IndexError`] of an index that had to be asked. A failing index is not passed over: the project
    /// might then come from another than the user meant.
    pub async fn project(&self, name: &PackageName) -> Result<ProjectAnswer, IndexError> {
        self.project_from(&self.options.indexes, name).await
    }

    /// The project from the first of these indexes that has it, whatever the client's own indexes are. Files that
    /// the find-links places list of it join those of the index.
    ///
    /// # Errors
    /// As [`Self::project`].
    pub async fn project_from(
        &self,
        indexes: &[IndexUrl],
        name: &PackageName,
    ) -> Result<ProjectAnswer, IndexError> {
        if self.options.find_links.is_empty() {
            return self.project_of_index(indexes, name).await;
        }
        let key = (indexes.to_vec(), name.clone());
        let join = async || {
            let (base, otherwise) = match self.project_of_index(indexes, name).await? {
                ProjectAnswer::Found(project) => (Some(project), None),
                other => (None, Some(other)),
            };
            let joined = self.with_links(name, base).await?;
            Ok(match (joined, otherwise) {
                // An index that cannot be asked might have a newer version.
                (_, Some(unknown @ ProjectAnswer::Offline { .. })) => unknown,
                (Some(project), _) => ProjectAnswer::Found(project),
                (None, Some(ProjectAnswer::NotFound { mut asked })) => {
                    asked.extend(self.options.find_links.iter().map(|links| links.index().clone()));
                    ProjectAnswer::NotFound { asked }
                }
                (None, _) => ProjectAnswer::NotFound { asked: indexes.to_vec() },
            })
        };
        self.joined.get(key, join).await.map(|answer| (*answer).clone())
    }

    async fn project_of_index(
        &self,
        indexes: &[IndexUrl],
        name: &PackageName,
    ) -> Result<ProjectAnswer, IndexError> {
        for index in indexes {
            let key = (index.clone(), name.clone());
            match &*self.pages.get(key, async || self.page(index, name).await).await? {
                PageAnswer::Found(project) => return Ok(ProjectAnswer::Found(Arc::clone(project))),
                PageAnswer::Absent => {}
                PageAnswer::Unknown => return Ok(ProjectAnswer::Offline { unknown: index.clone() }),
            }
        }
        Ok(ProjectAnswer::NotFound { asked: indexes.to_vec() })
    }

    /// The metadata of a file, by the cheapest way that the index offers. Of a wheel: the METADATA file alone (PEP
    /// 658), the end of the wheel by range requests, or the whole wheel. Of a source distribution: what its archive
    /// tells without being built.
    ///
    /// # Errors
    /// [`MetadataError::Index`] if it cannot be fetched; [`MetadataError::NeedsBuild`] if only a build would tell it;
    /// any other [`MetadataError`] if the file is of no use.
    pub async fn metadata(&self, file: &File) -> Result<Arc<FileMetadata>, MetadataError> {
        let key = metadata::key(file);
        match &*self.metadata.get(key, async || self.read_metadata(file, &key).await).await? {
            MetadataOutcome::Known(metadata) => Ok(Arc::clone(metadata)),
            MetadataOutcome::NeedsBuild(why) => {
                Err(MetadataError::NeedsBuild { file: file.filename.clone(), why: why.clone() })
            }
        }
    }
}
