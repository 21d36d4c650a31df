//! What a version requires: its metadata, read or built, as the solver takes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlresolve_index::{File, FileMetadata, IndexError, MetadataError};
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::{ExtraName, MetadataOrigin, PackageName, Requirement, Version};
use mlresolve_solver::{Answer, Dependency, Missing, Unusable};

use super::{Universe, UniverseError};
use crate::build::BuildError;
use crate::claims::needs_of_torch;
use crate::event::Event;
use crate::machine::{local_variant, refusal_by_metadata};
use crate::text::printable;

impl Universe {
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
    pub(super) fn build(&self, file: &File) -> Result<Result<Arc<FileMetadata>, Unusable>, UniverseError> {
        let package = file.sdist.as_ref().map(|sdist| format!("{} {}", sdist.name, sdist.version));
        let package = package.unwrap_or_else(|| file.filename.clone());
        self.shared.tell(Event::Building { package: package.clone() });
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
    pub(super) fn newest_wheel(&self, name: Option<&PackageName>) -> Result<Option<Version>, UniverseError> {
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

    pub(super) fn answer(
        &self,
        name: &PackageName,
        version: &Version,
        extra: Option<&ExtraName>,
    ) -> Result<Answer, UniverseError> {
        if let Some(package) = self.shared.prepared.directs.get(name) {
            return Ok(self.answer_from(name, version, &package.metadata, extra));
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
        let answer = self.answer_from(name, version, &metadata.core, extra);
        if extra.is_none() && matches!(answer, Answer::Known(_)) {
            self.list_ahead(name, &file);
        }
        Ok(answer)
    }

    /// What metadata says to the solver's question.
    pub(super) fn answer_from(
        &self,
        name: &PackageName,
        version: &Version,
        metadata: &CoreMetadata,
        extra: Option<&ExtraName>,
    ) -> Answer {
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
        if extra.is_none()
            && self.agreements
            && let Some((needed, _)) = self.unsaid(name, version)
        {
            dependencies.push(needed);
            self.companions.set(true);
        }
        Answer::Known(dependencies.into())
    }

    /// What a version requires of torch without saying so, and where that is known from. What the user says of either counts more.
    pub(super) fn unsaid(&self, name: &PackageName, version: &Version) -> Option<(Dependency, String)> {
        let prepared = &self.shared.prepared;
        if prepared.declared.of(name, version).is_some() {
            return None;
        }
        needs_of_torch(name, version).filter(|(needed, _)| !prepared.overrides.replaces(&needed.name))
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
