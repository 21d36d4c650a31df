//! A registry in memory, written as text.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{ExtraName, PackageName, Requirement, RequirementSource, Version};

use crate::{
    Answer, Build, Claim, Constraint, Dependency, Explanation, Matter, Missing, Policy, Problem, Provider,
    Resolution, SolveError, Standing, Stop, Unusable, Versions, explain, solve,
};

#[derive(Debug, Clone, Default)]
pub(super) struct Release {
    pub(super) requires: Vec<Dependency>,
    pub(super) extras: BTreeMap<ExtraName, Vec<Dependency>>,
    pub(super) standing: Standing,
    pub(super) build: Option<Build>,
    pub(super) claims: Vec<Claim>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    pub(super) packages: BTreeMap<PackageName, BTreeMap<Version, Release>>,
    pub(super) questions: Cell<u64>,
    /// How often the solver may still go on before it is told to stop.
    pub(super) stops_after: Cell<Option<u64>>,
}

pub(super) fn dependency(text: &str) -> Dependency {
    let requirement: Requirement = text.parse().unwrap();
    let RequirementSource::Specifiers(specifiers) = &requirement.source else { panic!("an address: {text}") };
    Dependency {
        range: range_of(specifiers),
        name: requirement.name.clone(),
        extras: requirement.extras.clone(),
        text: Arc::from(text),
    }
}

impl Registry {
    /// Reads lines such as `a 1.0: b>=1, c | gpu: d | yanked` into a registry.
    ///
    /// Behind `|` comes an extra with what it requires, `yanked`, `source`, `last`, `python>=3.13`, `machine needs a GPU`, `build 2 for
    /// cu126 or cu128`, where 2 is the rank, `claims cuda 12` or `claims import:cv2 a always`.
    pub(super) fn read(text: &str) -> Self {
        let mut registry = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut parts = line.split('|').map(str::trim);
            let head = parts.next().unwrap();
            let (head, requires) = head.split_once(':').unwrap_or((head, ""));
            let (name, version) = head.split_once(' ').unwrap();
            let mut release = Release { requires: list(requires), ..Release::default() };
            for part in parts {
                if part == "yanked" {
                    release.standing.yanked = Some(Some("broken".to_owned()));
                } else if part == "last" {
                    release.build = Some(Build { last: true, ..Build::default() });
                } else if part == "source" {
                    release.standing.unusable = Some(Unusable::SourceOnly);
                } else if let Some(required) = part.strip_prefix("python") {
                    let (required, python) = (required.to_owned(), "3.12".to_owned());
                    release.standing.unusable = Some(Unusable::RequiresPython { required, python });
                } else if let Some(what) = part.strip_prefix("machine ") {
                    release.standing.unusable = Some(Unusable::Machine(vec![what.to_owned()]));
                } else if let Some(claim) = part.strip_prefix("claims ") {
                    let (matter, value) = claim.split_once(' ').unwrap();
                    let matter = match matter.strip_prefix("import:") {
                        Some(import) => Matter::Import(import.into()),
                        None => Matter::CudaMajor,
                    };
                    let (value, always) = match value.strip_suffix(" always") {
                        Some(value) => (value, true),
                        None => (value, false),
                    };
                    let because = format!("is for {value}").into();
                    let values = [value.to_owned()].into();
                    release.claims.push(Claim { matter, values, because, always });
                } else if let Some(build) = part.strip_prefix("build ") {
                    let (rank, variants) = build.split_once(" for ").unwrap();
                    let variants = Some(variants.split(" or ").map(str::to_owned).collect());
                    release.build = Some(Build { rank: rank.parse().unwrap(), variants, last: false });
                } else {
                    let (extra, requires) = part.split_once(':').unwrap();
                    release.extras.insert(extra.parse().unwrap(), list(requires));
                }
            }
            let versions = registry.packages.entry(name.parse().unwrap()).or_default();
            versions.insert(version.trim().parse().unwrap(), release);
        }
        registry
    }

    pub(super) fn solve(&self, requirements: &[&str]) -> Result<Resolution, SolveError<Infallible>> {
        self.solve_with(requirements, &Policy::default())
    }

    pub(super) fn solve_with(
        &self,
        requirements: &[&str],
        policy: &Policy,
    ) -> Result<Resolution, SolveError<Infallible>> {
        solve(self, &problem(requirements, &[]), policy)
    }

    /// The chosen versions as one line, or the explanation.
    pub(super) fn chosen(&self, requirements: &[&str]) -> String {
        match self.solve(requirements) {
            Ok(resolution) => shown(&resolution),
            Err(_) => self.explained(requirements, &[]).to_string(),
        }
    }

    pub(super) fn explained(&self, requirements: &[&str], constraints: &[&str]) -> Explanation {
        let problem = problem(requirements, constraints);
        let policy = Policy::default();
        match solve(self, &problem, &policy) {
            Err(SolveError::NoSolution(failure)) => {
                explain(self, &problem, &policy, failure, &["numpy", "torch"])
            }
            other => panic!("not a conflict: {other:?}"),
        }
    }
}

pub(super) fn problem(requirements: &[&str], constraints: &[&str]) -> Problem {
    let constraint = |text: &&str| {
        let Dependency { name, range, .. } = dependency(text);
        Constraint { name, range, text: (*text).to_owned() }
    };
    Problem {
        requirements: requirements.iter().map(|text| dependency(text)).collect(),
        constraints: constraints.iter().map(constraint).collect(),
        ..Problem::default()
    }
}

pub(super) fn shown(resolution: &Resolution) -> String {
    let packages = resolution.packages.iter().map(|(name, resolved)| {
        let extras: Vec<String> = resolved.extras.iter().map(|extra| format!("[{extra}]")).collect();
        format!("{name}{} {}", extras.concat(), resolved.version)
    });
    packages.collect::<Vec<_>>().join(", ")
}

fn list(text: &str) -> Vec<Dependency> {
    text.split(", ").map(str::trim).filter(|part| !part.is_empty()).map(dependency).collect()
}

impl Provider for Registry {
    type Error = Infallible;

    fn should_stop(&self) -> Option<Stop> {
        let left = self.stops_after.get()?;
        self.stops_after.set(Some(left.saturating_sub(1)));
        (left == 0).then_some(Stop::Cancelled)
    }

    fn versions(&self, name: &PackageName) -> Result<Versions, Infallible> {
        self.questions.set(self.questions.get() + 1);
        Ok(match self.packages.get(name) {
            Some(versions) => Versions::Found(versions.keys().cloned().collect()),
            None => Versions::Missing(Missing::NotFound(vec!["the index".to_owned()])),
        })
    }

    fn standing(&self, name: &PackageName, version: &Version) -> Result<Standing, Infallible> {
        Ok(self.packages[name][version].standing.clone())
    }

    fn has_builds(&self, name: &PackageName) -> bool {
        self.packages.get(name).is_some_and(|versions| versions.values().any(|one| one.build.is_some()))
    }

    fn build(&self, name: &PackageName, version: &Version) -> Result<Build, Infallible> {
        Ok(self.packages[name][version].build.clone().unwrap_or_default())
    }

    fn claims(&self, name: &PackageName, version: &Version) -> Result<Vec<Claim>, Infallible> {
        Ok(self.packages[name][version].claims.clone())
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        extra: Option<&ExtraName>,
    ) -> Result<Answer, Infallible> {
        self.questions.set(self.questions.get() + 1);
        let release = &self.packages[name][version];
        Ok(match extra {
            None => Answer::Known(release.requires.clone().into()),
            Some(extra) => match release.extras.get(extra) {
                Some(requires) => Answer::Known(requires.clone().into()),
                None => Answer::NoSuchExtra,
            },
        })
    }
}
