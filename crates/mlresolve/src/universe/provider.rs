//! The solver's questions, and who answers them.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlresolve_packaging::{ExtraName, PackageName, Version, VersionRange};
use mlresolve_solver::{
    Answer, Build, Claim, Dependency, Matter, Provider, Standing, Stop, Unusable, Versions,
};
use mlresolve_target::facts::{is_family, wheel_source};

use super::{Found, Universe, UniverseError};
use crate::access::index_label;
use crate::antique::since;
use crate::claims::{any_cuda, claims_of, extension_rank, foreign, one_provider};
use crate::machine::{is_part_of_a_build, local_variant};

impl Provider for Universe {
    type Error = UniverseError;

    fn versions(&self, name: &PackageName) -> Result<Versions, UniverseError> {
        Ok(match self.find(name)? {
            Found::Project(_, versions, _) => Versions::Found(versions),
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
        let verdict = self.shared.prepared.judge.judge(name, project.release(place)?);
        let source = verdict.file.as_ref().is_ok_and(|file| file.wheel.is_none());
        let mut standing = verdict.standing();
        if standing.unusable.is_none() && self.is_compiled(name) {
            if source && self.refuses_source(name, version)? {
                standing.unusable = Some(Unusable::SourceOnly);
            } else if self.facts {
                standing.unusable = foreign(&self.shared.prepared.target, version);
            }
        }
        Ok(standing)
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
        self.shared.prepared.builds.is_some() && is_family(name) || self.is_compiled(name)
    }

    fn build(&self, name: &PackageName, version: &Version) -> Result<Build, UniverseError> {
        if let Some(build) = self.choose(name, version, |builds, chosen| builds.build(&chosen))? {
            return Ok(build);
        }
        if self.is_compiled(name) {
            let last = self.is_last(name, version)?;
            return Ok(Build {
                rank: extension_rank(&self.shared.prepared.target, version),
                variants: None,
                last,
            });
        }
        // Where it comes from a place of its own, its local version tells.
        let variants = local_variant(version).map(|variant| [variant.label()].into());
        Ok(Build { variants, ..Build::default() })
    }

    fn follows_build(&self, name: &PackageName) -> bool {
        is_part_of_a_build(name)
    }

    fn claims(&self, name: &PackageName, version: &Version) -> Result<Vec<Claim>, UniverseError> {
        if !self.agreements {
            return Ok(Vec::new());
        }
        let variant = self.variant(name, version)?;
        let prepared = &self.shared.prepared;
        let mut claims = claims_of(&prepared.target, name, version, variant);
        if prepared.any_cuda.contains(name) {
            claims.retain(|claim| claim.matter != Matter::CudaMajor);
        }
        Ok(claims)
    }

    fn cited(
        &self,
        name: &PackageName,
        version: &Version,
        on: &PackageName,
        range: &VersionRange,
    ) -> Option<String> {
        let (dependency, cited) = self.unsaid(name, version)?;
        (dependency.name == *on && dependency.range == *range).then_some(cited)
    }

    fn way_out(
        &self,
        matter: &Matter,
        values: &BTreeSet<String>,
        packages: &BTreeSet<PackageName>,
    ) -> Option<String> {
        match matter {
            Matter::Import(import) => one_provider(import, values),
            Matter::CudaMajor => any_cuda(packages),
            Matter::Variant | Matter::CxxAbi => None,
        }
    }

    fn is_prominent(&self, name: &PackageName) -> bool {
        is_family(name)
    }

    fn old_since(&self, name: &PackageName, version: &Version) -> Option<String> {
        since(self, name, version)
    }

    fn elsewhere(&self, name: &PackageName) -> Option<String> {
        let known = wheel_source(name)?;
        Some(format!(
            "{name}: {}; --find-links takes a folder or a page of them {}",
            known.hint, known.source
        ))
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

    fn expect_package(&self, wanted: &Dependency) {
        if self.shared.prepared.directs.get(&wanted.name).is_some() {
            return;
        }
        self.shared.tell_met();
        let (shared, wanted) = (Arc::clone(&self.shared), wanted.clone());
        self.fetch_ahead(async move { shared.fetch_package(wanted).await });
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
