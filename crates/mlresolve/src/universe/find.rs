//! Which versions there are of a package, and on which indexes.

use std::sync::Arc;

use mlresolve_index::{IndexError, Project, ProjectAnswer};
use mlresolve_packaging::simple::{ProjectStatus, SkippedFile};
use mlresolve_packaging::{PackageName, Version, VersionPoint, VersionRange};
use mlresolve_solver::Missing;
use mlresolve_target::Variant;
use mlresolve_target::facts::known_variant;

use super::{Found, Universe, UniverseError};
use crate::access::index_label;
use crate::builds::{BuildRoutes, Builds, Source};
use crate::machine::TORCH;
use crate::text::printable;

impl Universe {
    pub(super) fn find(&self, name: &PackageName) -> Result<Found, UniverseError> {
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
                    let nature = super::sources::nature_of(name, &versions);
                    Found::Project(project, versions, nature)
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
    pub(super) fn find_builds(
        &self,
        routes: &BuildRoutes,
        name: &PackageName,
    ) -> Result<Found, UniverseError> {
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
        // An index of PyTorch's that has no torch at all is none.
        let others = |variant: &&Variant| **variant != Variant::Pypi;
        if name.as_str() == TORCH
            && lacking.iter().filter(others).count() == routes.variants.iter().filter(others).count()
        {
            asked.truncate(routes.variants.len().min(2));
            return Ok(Found::Missing(Missing::NotFound(asked)));
        }
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
    pub(super) fn note_of_builds(
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
        let mut found: Vec<(Variant, Version)> = Vec::new();
        for (variant, answer) in answers {
            let Ok(ProjectAnswer::Found(project)) = answer else { continue };
            found.extend(wanted_of(&project).map(|version| (variant, version.without_local())));
        }
        let not = match routes.variants[..] {
            [only] => {
                let newest = own.iter().filter_map(|source| source.project.versions().last()).max();
                let ended = known_variant(only).is_some_and(|known| known.ended);
                let word = if ended { "ended at" } else { "goes up to" };
                let ends =
                    newest.map(|newest| format!(", which {word} {name} {}", newest.clone().without_local()));
                format!("not on {only}{}", ends.unwrap_or_default())
            }
            _ => "not on any index of PyTorch's for this target".to_owned(),
        };
        let Some(version) = found.iter().map(|(_, version)| version).max().cloned() else {
            return Some(format!("no variant has such a {name}"));
        };
        let having = found.iter().filter(|(_, other)| *other == version).map(|(variant, _)| match variant {
            Variant::Pypi => "PyPI".to_owned(),
            variant => variant.label(),
        });
        Some(format!("{name} {version} is on {}, {not}", having.collect::<Vec<_>>().join(", ")))
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
