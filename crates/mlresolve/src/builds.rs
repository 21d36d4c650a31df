//! The builds of a package of the torch family: one version from PyPI and from several of PyTorch's own indexes.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlresolve_index::{File, IndexUrl, Project};
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{Build, Standing, Unusable};
use mlresolve_target::{Target, Variant, facts, runs};

use crate::error::Error;
use crate::judge::Judge;
use crate::machine::{TORCH, refusal, version_cuda};
use crate::universe::UniverseError;

/// How many versions are looked at for one that is likely to be chosen.
const SEARCH_LIMIT: usize = 60;

/// Where the builds of the torch family are looked for.
#[derive(Debug, Clone)]
pub(crate) struct BuildRoutes {
    /// The variants that may do for the target, the preferred first.
    pub(crate) variants: Vec<Variant>,
    /// The folder under which the indexes of the variants lie.
    base: String,
}

impl BuildRoutes {
    /// The routes of a target; `None` where PyPI's own builds are taken as they come.
    pub(crate) fn of(target: &Target, base: &str) -> Result<Option<Self>, Error> {
        let variants = runs::variants(target);
        if variants.iter().all(|variant| *variant == Variant::Pypi) {
            return Ok(None);
        }
        let base = base.trim_end_matches('/');
        if let Some((folder, last)) = base.rsplit_once('/')
            && last.parse::<Variant>().is_ok()
        {
            let problem = format!("{base} is the index of one variant; name the folder above it, {folder}");
            return Err(Error::input("torch-index-url", problem));
        }
        let routes = Self { variants, base: base.to_owned() };
        routes.index(Variant::Cpu).map_err(|error| Error::input("torch-index-url", error))?;
        Ok(Some(routes))
    }

    /// The index of a variant; PyPI's own builds have none here.
    pub(crate) fn index(&self, variant: Variant) -> Result<Option<IndexUrl>, mlresolve_index::IndexUrlError> {
        let Some(sub_index) = variant.sub_index() else { return Ok(None) };
        let index: IndexUrl = format!("{}/{sub_index}/", self.base).parse()?;
        // A store of files answers so for what is not there.
        Ok(Some(index.forbidden_means_absent()))
    }

    /// The routes to the variants that are known and are not the target's.
    pub(crate) fn others(&self) -> Self {
        let known = facts::known_variants().iter().map(|known| known.variant);
        let variants = known.filter(|variant| !self.variants.contains(variant)).collect();
        Self { variants, base: self.base.clone() }
    }

    /// The folder under which the indexes lie, for people and digests.
    pub(crate) fn public_base(&self) -> String {
        let index = self.index(Variant::Cpu).ok().flatten();
        index.map(|index| index.public_url().to_string()).unwrap_or_default()
    }
}

/// The builds of one package.
pub(crate) struct Builds {
    /// The indexes that have it, the preferred variant first.
    sources: Vec<Source>,
    /// The variants whose index lacks it, for which PyPI's own build stands in.
    lacking: Vec<Variant>,
    versions: Arc<[Version]>,
}

pub(crate) struct Source {
    pub(crate) variant: Variant,
    pub(crate) project: Arc<Project>,
}

/// The build of a version that the target would use.
pub(crate) struct ChosenBuild<'b> {
    pub(crate) variant: Variant,
    /// The other variants whose index has the very same file.
    also: Vec<Variant>,
    /// Its place among the variants: the smaller, the rather.
    rank: usize,
    pub(crate) file: Result<&'b File, Unusable>,
    standing: Standing,
}

impl Builds {
    pub(crate) fn new(sources: Vec<Source>, lacking: Vec<Variant>) -> Self {
        let mut versions: Vec<Version> =
            sources.iter().flat_map(|source| source.project.versions().iter().cloned()).collect();
        versions.sort();
        versions.dedup();
        Self { sources, lacking, versions: versions.into() }
    }

    pub(crate) fn versions(&self) -> &Arc<[Version]> {
        &self.versions
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The build of a version that the target would use: that of the preferred variant among those of use. Where none is, the
    /// preferred one says why. `by_facts` tells whether what the target can run counts.
    pub(crate) fn choose(
        &self,
        name: &PackageName,
        version: &Version,
        judge: &Judge,
        target: &Target,
        by_facts: bool,
    ) -> Result<Option<ChosenBuild<'_>>, UniverseError> {
        let mut first: Option<ChosenBuild<'_>> = None;
        for (rank, source) in self.sources.iter().enumerate() {
            let Some(place) = source.project.position(version) else { continue };
            let verdict = judge.judge(name, source.project.release(place)?);
            let mut file = verdict.file.clone();
            let torch = (name.as_str() == TORCH).then_some(version);
            // Of a torch that the tables do not know, PyPI's own build is judged by its metadata.
            let told = source.variant != Variant::Pypi
                || torch.is_none_or(|torch| facts::build(torch, source.variant, target.platform()).is_some());
            if let (Ok(_), true) = (&file, by_facts && told) {
                let cuda = torch.and_then(|version| version_cuda(target, version, source.variant));
                if let Some(refusal) = refusal(target, torch, source.variant, cuda) {
                    file = Err(refusal);
                }
            }
            let mut standing = verdict.standing();
            standing.unusable = file.clone().err();
            match &mut first {
                Some(first) => match (&first.file, &file) {
                    (Ok(own), Ok(other)) if own.filename == other.filename => first.also.push(source.variant),
                    (Err(_), Ok(_)) => {
                        *first =
                            ChosenBuild { variant: source.variant, also: Vec::new(), rank, file, standing };
                    }
                    _ => {}
                },
                None => {
                    let also = Vec::new();
                    first = Some(ChosenBuild { variant: source.variant, also, rank, file, standing });
                }
            }
        }
        Ok(first)
    }

    /// The public versions of which the target would use a build, as far as that can be told without metadata.
    pub(crate) fn usable(&self, name: &PackageName, judge: &Judge, target: &Target) -> BTreeSet<Version> {
        let usable = self.versions.iter().filter(|version| {
            self.choose(name, version, judge, target, true)
                .is_ok_and(|chosen| chosen.is_some_and(|chosen| chosen.file.is_ok()))
        });
        usable.map(|version| version.clone().without_local()).collect()
    }

    /// The file of the build that comes first among the versions that fit, as far as that can be told without metadata.
    pub(crate) fn likely(
        &self,
        name: &PackageName,
        judge: &Judge,
        target: &Target,
        fits: impl Fn(&Version) -> bool,
    ) -> Option<File> {
        let mut newest: Option<Version> = None;
        let mut best: Option<(usize, File)> = None;
        for version in self.versions.iter().rev().filter(|version| fits(version)).take(SEARCH_LIMIT) {
            let public = version.clone().without_local();
            if newest.as_ref().is_some_and(|newest| public < *newest) {
                break;
            }
            let Ok(Some(chosen)) = self.choose(name, version, judge, target, true) else { continue };
            if let Ok(file) = chosen.file
                && best.as_ref().is_none_or(|(rank, _)| chosen.rank < *rank)
            {
                best = Some((chosen.rank, file.clone()));
                newest = Some(public);
            }
        }
        best.map(|(_, file)| file)
    }

    /// With which variants a build goes: all of them where it is the same for every machine.
    pub(crate) fn build(&self, chosen: &ChosenBuild<'_>) -> Build {
        let anywhere = |file: &File| match &file.wheel {
            Some(wheel) => wheel.platform.iter().all(|tag| tag == "any"),
            None => true,
        };
        let rank = u32::try_from(chosen.rank).unwrap_or(u32::MAX);
        if chosen.file.as_ref().is_ok_and(|file| anywhere(file)) {
            return Build { rank, variants: None, last: false };
        }
        let stands_in = self.lacking.iter().filter(|_| chosen.variant == Variant::Pypi);
        let variants = std::iter::once(&chosen.variant).chain(&chosen.also).chain(stands_in);
        let variants: BTreeSet<Variant> = variants.copied().collect();
        let variants = variants.iter().map(|variant| variant.label());
        Build { rank, variants: Some(variants.collect()), last: false }
    }

    /// Another file of the same name and version with another digest, and the indexes of both.
    pub(crate) fn disagreement(&self, version: &Version, file: &File) -> Result<Option<File>, UniverseError> {
        for source in &self.sources {
            let Some(place) = source.project.position(version) else { continue };
            let same = source.project.release(place)?.files().find(|other| other.filename == file.filename);
            let differs = |other: &&File| match (other.sha256(), file.sha256()) {
                (Some(theirs), Some(ours)) => !theirs.eq_ignore_ascii_case(ours),
                _ => false,
            };
            if let Some(other) = same.filter(differs) {
                return Ok(Some(other.clone()));
            }
        }
        Ok(None)
    }
}

impl ChosenBuild<'_> {
    pub(crate) fn standing(self) -> Standing {
        self.standing
    }
}
