//! A request, read and checked: everything that can be said to be wrong before an index is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlresolve_index::{ClientOptions, FindLinks, IndexUrl};
use mlresolve_lockfile::Lock;
use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{
    ExtraName, FormatControl, GroupName, MarkerEnvironment, PackageName, Requirement, RequirementSource,
    SpecifierSet, Version, VersionRange, parse_version,
};
use mlresolve_solver::{Constraint, Dependency, Explanation, Policy, Prerelease, Problem, ResolutionMode};
use mlresolve_target::{Glibc, Gpu, Target, facts};

use crate::access::Access;
use crate::build::AllowedBuilds;
use crate::builds::BuildRoutes;
use crate::clock::TimeLimit;
use crate::declared::Declared;
use crate::direct::{Directs, is_bare_address};
use crate::error::Error;
use crate::judge::Judge;
use crate::request::{LockRequest, RequestedRequirement, TargetRequest, Upgrade};
use crate::routes::{Routes, read_routes};

/// A request, read and checked.
pub(crate) struct Prepared {
    pub(crate) target: Target,
    pub(crate) environment: MarkerEnvironment,
    pub(crate) judge: Judge,
    pub(crate) indexes: Vec<IndexUrl>,
    pub(crate) find_links: Vec<FindLinks>,
    /// Where the builds of the torch family lie, where the target leaves a choice.
    pub(crate) builds: Option<BuildRoutes>,
    /// The packages for which other indexes are asked than these.
    pub(crate) routes: Routes,
    /// Those that hold for the target, overrides applied.
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) constraints: Vec<Requirement>,
    pub(crate) overrides: Overrides,
    /// The packages that are required by address.
    pub(crate) directs: Directs,
    pub(crate) problem: Problem,
    pub(crate) policy: Policy,
    /// What may be built.
    pub(crate) allow_build: AllowedBuilds,
    pub(crate) declared: Declared,
    pub(crate) extras: Vec<ExtraName>,
    pub(crate) groups: Vec<GroupName>,
    /// Packages that may be old because of what must be agreed on.
    pub(crate) allow_held_back: Vec<PackageName>,
    /// Packages that may write files of others.
    pub(crate) allow_overlap: Vec<PackageName>,
    /// Packages that go with any CUDA, whichever they are built for.
    pub(crate) any_cuda: Vec<PackageName>,
    pub(crate) warnings: Vec<String>,
}

/// What replaces every requirement on a package.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    /// All of them, as they were given.
    pub(crate) given: Vec<Requirement>,
    by_name: BTreeMap<PackageName, Option<Requirement>>,
    /// The provider that stands for another of the same import package.
    stand_ins: BTreeMap<PackageName, PackageName>,
}

impl Overrides {
    /// What a requirement becomes: itself, its replacement, or nothing, where the override's marker does not hold.
    pub(crate) fn apply(&self, mut requirement: Requirement) -> Option<Requirement> {
        if let Some(stand_in) = self.stand_ins.get(&requirement.name) {
            requirement.name = stand_in.clone();
        }
        let Some(replacement) = self.by_name.get(&requirement.name) else { return Some(requirement) };
        let replacement = replacement.as_ref()?;
        let mut extras = requirement.extras;
        extras.extend(replacement.extras.iter().cloned());
        extras.sort();
        extras.dedup();
        Some(Requirement { extras, marker: None, ..replacement.clone() })
    }
}

impl Overrides {
    /// The provider that stands for a package.
    pub(crate) fn stand_in(&self, name: &PackageName) -> Option<&PackageName> {
        self.stand_ins.get(name)
    }

    /// Whether any provider stands for others.
    pub(crate) fn has_stand_ins(&self) -> bool {
        !self.stand_ins.is_empty()
    }

    /// Those whose markers hold for the target.
    fn active(&self) -> impl Iterator<Item = &Requirement> {
        self.by_name.values().flatten()
    }

    /// Whether the user decides about a package.
    pub(crate) fn replaces(&self, name: &PackageName) -> bool {
        self.by_name.contains_key(name)
    }

    /// Why a requirement would not be listened to: an override decides about its package.
    pub(crate) fn decide(&self, requirement: &Requirement) -> Option<Explanation> {
        let replacement = self.by_name.get(&requirement.name)?;
        let name = &requirement.name;
        let fact = match replacement {
            Some(replacement) if replacement.source == requirement.source => return None,
            Some(replacement) => format!("your override {replacement} replaces every requirement on {name}"),
            None => format!("your override takes {name} out for this target"),
        };
        Some(Explanation { facts: vec![fact], ..Explanation::default() })
    }
}

/// Reads and checks a request.
pub(crate) fn prepare(
    request: &LockRequest,
    access: &Access,
    previous: Option<&Lock>,
    directs: Directs,
    options: &ClientOptions,
) -> Result<Prepared, Error> {
    let target = read_target(&request.target)?;
    let environment = target.marker_environment();
    let mut warnings = Vec::new();
    let holds = |requirement: &Requirement| {
        requirement.marker.as_ref().is_none_or(|marker| marker.evaluate(&environment, &[]))
    };
    let mut overrides = read_overrides(&request.overrides, &directs, &holds, &mut warnings)?;
    overrides.stand_ins = read_providers(&request.providers)?;
    let given = read_list(&request.requirements, "a requirement", &directs, &mut warnings)?;
    let own = given.iter().map(|(_, requirement)| requirement).filter(|requirement| holds(requirement));
    let stood_for: BTreeSet<&PackageName> =
        own.map(|requirement| &requirement.name).filter(|name| overrides.stand_in(name).is_some()).collect();
    warnings.extend(stood_for.into_iter().filter_map(|name| {
        Some(format!("{} stands for {name}, which you require, as providers say", overrides.stand_in(name)?))
    }));
    let mut hashes = BTreeMap::new();
    read_hashes(&given, &holds, &mut hashes)?;
    let requirements: Vec<Requirement> = given
        .into_iter()
        .map(|(_, requirement)| requirement)
        .filter(holds)
        .filter_map(|requirement| overrides.apply(requirement))
        .collect();
    let constraints = read_list(&request.constraints, "a constraint", &directs, &mut warnings)?;
    read_hashes(&constraints, &holds, &mut hashes)?;
    let constraints: Vec<Requirement> = constraints.into_iter().map(|(_, requirement)| requirement).collect();
    let active_constraints: Vec<Requirement> = constraints.iter().filter(|one| holds(one)).cloned().collect();
    // Constraints and overrides are the user's words as much as requirements are.
    let bounds: Vec<Requirement> = active_constraints.iter().chain(overrides.active()).cloned().collect();
    let mut policy = read_policy(request, access, &requirements, &bounds, previous)?;
    // Whoever names an address has chosen the version, and a pre-release is as good as any.
    policy.prerelease_named.extend(directs.iter().map(|package| package.name.clone()));
    if let (Upgrade::Packages(names), Some(previous)) = (&request.upgrade, previous) {
        let locked =
            |name: &&String| name.parse().is_ok_and(|name| previous.packages_named(&name).next().is_some());
        let unknown = names.iter().filter(|name| !locked(name));
        warnings.extend(
            unknown.map(|name| format!("{name} is not in the lock, so there is nothing of it to upgrade")),
        );
    }
    let exclude_newer =
        request.exclude_newer.as_deref().map(|text| TimeLimit::parse(text, access.now)).transpose();
    let exclude_newer = exclude_newer.map_err(|problem| Error::input("exclude-newer", problem))?;
    let mut formats = FormatControl::default();
    formats
        .follow_both(&request.only_binary, &request.no_binary)
        .map_err(|error| Error::input("only-binary and no-binary", error))?;
    let problem = Problem {
        requirements: requirements.iter().filter_map(|one| directs.dependency_of(one)).collect(),
        constraints: active_constraints.iter().filter_map(|one| constraint_of(one, &directs)).collect(),
        overrides: overrides
            .active()
            .map(|one| (one.name.clone(), one.without_marker().to_string()))
            .collect(),
    };
    let python =
        parse_version(&target.python().full()).map_err(|error| Error::Internal(error.to_string()))?;
    let latest_python = match target.python().patch() {
        None => parse_version(&format!("{}.{}.99", target.python().major(), target.python().minor())).ok(),
        Some(_) => None,
    };
    Ok(Prepared {
        routes: read_routes(&request.sources, access, &environment, &directs)?,
        judge: Judge { tags: target.tags(), python, latest_python, exclude_newer, hashes, formats },
        indexes: options.indexes.clone(),
        find_links: options.find_links.clone(),
        builds: if access.no_index { None } else { BuildRoutes::of(&target, &access.torch_index_url)? },
        allow_build: read_allowed(request)?,
        declared: Declared::read(request)?,
        allow_held_back: read_names(&request.allow_held_back, "allow-held-back")?,
        allow_overlap: read_names(&request.allow_overlap, "allow-overlap")?,
        any_cuda: read_names(&request.any_cuda, "any-cuda")?,
        extras: read_names(&request.extras, "an extra")?,
        groups: read_names(&request.groups, "a dependency group")?,
        target,
        environment,
        requirements,
        constraints,
        overrides,
        directs,
        problem,
        policy,
        warnings,
    })
}

impl Directs {
    /// A requirement as the solver takes it; `None` for one by an address that was not fetched.
    pub(crate) fn dependency_of(&self, requirement: &Requirement) -> Option<Dependency> {
        let version = self.get(&requirement.name).map(|package| &package.version);
        let range = match requirement.specifiers() {
            // A version that only a build would tell cannot be held against a range.
            Some(_) if matches!(version, Some(None)) => VersionRange::full(),
            Some(specifiers) => range_of(specifiers),
            None if self.is_fetched(requirement) => VersionRange::full(),
            None => return None,
        };
        Some(Dependency {
            name: requirement.name.clone(),
            extras: requirement.extras.clone(),
            range,
            text: Arc::from(requirement.without_marker().to_string()),
        })
    }
}

fn constraint_of(requirement: &Requirement, directs: &Directs) -> Option<Constraint> {
    if directs.get(&requirement.name).is_some_and(|package| package.version.is_none()) {
        return None;
    }
    Some(Constraint {
        name: requirement.name.clone(),
        range: range_of(requirement.specifiers()?),
        text: requirement.without_marker().to_string(),
    })
}

/// The packages whose builds may run.
pub(crate) fn read_allowed(request: &LockRequest) -> Result<AllowedBuilds, Error> {
    AllowedBuilds::read(&request.allow_build)
        .map_err(|error| Error::input("allow-build", format!("{error}; or say :all:")))
}

/// A target in words.
pub(crate) fn target_in_words(target: &Target) -> String {
    let mut parts = vec![format!("Python {}", target.python()), target.platform().to_string()];
    parts.extend(target.glibc().map(|glibc| format!("glibc {glibc}")));
    parts.extend(target.accelerator().map(|accelerator| accelerator.to_string()));
    parts.extend(target.driver().map(|driver| format!("driver {driver}")));
    parts.extend(target.gpus().iter().map(Gpu::described));
    format!("{} ({})", target.name(), parts.join(", "))
}

pub(crate) fn read_target(request: &TargetRequest) -> Result<Target, Error> {
    let place = |key: &str| format!("target {}, {key}", request.name);
    let python = request.python.parse().map_err(|error| Error::input(place("python"), error))?;
    let platform = request.platform.parse().map_err(|error| Error::input(place("platform"), error))?;
    let mut target =
        Target::new(&request.name, python, platform).map_err(|error| Error::input(place("name"), error))?;
    if let Some(text) = &request.glibc {
        let glibc: Glibc = text.parse().map_err(|error| Error::input(place("glibc"), error))?;
        target = target.with_glibc(glibc).map_err(|error| Error::input(place("glibc"), error))?;
    }
    if let Some(text) = &request.accelerator {
        refuse_auto(text, &place("accelerator"))?;
        let accelerator = text.parse().map_err(|error| Error::input(place("accelerator"), error))?;
        target = target.with_accelerator(accelerator);
    }
    if let Some(text) = &request.driver {
        let driver = text.parse().map_err(|error| Error::input(place("driver"), error))?;
        target = target.with_driver(driver);
    }
    let gpus = request.gpu.iter().map(|text| text.parse());
    let gpus = gpus.collect::<Result<Vec<_>, _>>().map_err(|error| Error::input(place("gpu"), error))?;
    target = target.with_gpus(gpus);
    target.checked().map_err(|error| Error::input(format!("target {}", request.name), error))
}

/// Refuses the word that stands for whatever machine it is read on: a declared target means the same everywhere.
pub(crate) fn refuse_auto(accelerator: &str, place: &str) -> Result<(), Error> {
    if accelerator != "auto" {
        return Ok(());
    }
    let problem = "`auto` would be another machine wherever it is read; give --accelerator auto on the command line, or \
                   declare what `mlresolve doctor` prints";
    Err(Error::input(place, problem))
}

fn place_of(requested: &RequestedRequirement, what: &str) -> String {
    requested.origin.clone().unwrap_or_else(|| what.to_owned())
}

fn read_list(
    list: &[RequestedRequirement],
    what: &str,
    directs: &Directs,
    warnings: &mut Vec<String>,
) -> Result<Vec<(RequestedRequirement, Requirement)>, Error> {
    let mut requirements = Vec::with_capacity(list.len());
    for requested in list {
        let place = place_of(requested, what);
        if is_bare_address(&requested.text) {
            // Its hashes were held against the very file.
            let requested = RequestedRequirement { hashes: Vec::new(), ..requested.clone() };
            requirements.extend(directs.requirement(&requested)?.map(|requirement| (requested, requirement)));
            continue;
        }
        let (requirement, repair) = Requirement::parse_lenient(&requested.text).map_err(|error| {
            Error::input(&place, format!("{:?} is no requirement: {error}", requested.text))
        })?;
        if let Some(repair) = repair {
            let (original, repaired) = (&repair.original, &repair.repaired);
            warnings.push(format!(
                "{place}: {original:?} is no valid version specifier; it was read as {repaired:?}"
            ));
        }
        if let RequirementSource::Url(_) = requirement.source {
            let requested = RequestedRequirement { hashes: Vec::new(), ..requested.clone() };
            requirements.extend(directs.requirement(&requested)?.map(|requirement| (requested, requirement)));
            continue;
        }
        requirements.push((requested.clone(), requirement));
    }
    Ok(requirements)
}

fn read_overrides(
    list: &[RequestedRequirement],
    directs: &Directs,
    holds: &dyn Fn(&Requirement) -> bool,
    warnings: &mut Vec<String>,
) -> Result<Overrides, Error> {
    let given = read_list(list, "an override", directs, warnings)?;
    let given: Vec<Requirement> = given.into_iter().map(|(_, requirement)| requirement).collect();
    let mut by_name: BTreeMap<PackageName, Option<Requirement>> = BTreeMap::new();
    for requirement in &given {
        let slot = by_name.entry(requirement.name.clone()).or_default();
        if holds(requirement) {
            if slot.is_some() {
                let problem =
                    format!("{} is overridden twice for this target; leave one override", requirement.name);
                return Err(Error::input("an override", problem));
            }
            *slot = Some(requirement.clone());
        }
    }
    Ok(Overrides { given, by_name, stand_ins: BTreeMap::new() })
}

/// Which provider of an import package stands for which others.
fn read_providers(providers: &BTreeMap<String, String>) -> Result<BTreeMap<PackageName, PackageName>, Error> {
    let mut stand_ins = BTreeMap::new();
    for (import, name) in providers {
        let place = format!("providers, {import}");
        let chosen: PackageName = name.parse().map_err(|error| Error::input(&place, error))?;
        let known: Vec<&PackageName> =
            facts::providers(import).iter().map(|known| &known.distribution).collect();
        if known.is_empty() {
            let known = facts::imports().join(", ");
            let problem =
                format!("no such import package with several providers is known; there are {known}");
            return Err(Error::input(place, problem));
        }
        if !known.contains(&&chosen) {
            let known: Vec<&str> = known.iter().map(|known| known.as_str()).collect();
            let problem = format!("{chosen} does not provide it; choose one of {}", known.join(", "));
            return Err(Error::input(place, problem));
        }
        for other in known.into_iter().filter(|other| **other != chosen) {
            if facts::stands_for(&chosen, other) {
                stand_ins.insert(other.clone(), chosen.clone());
            }
        }
    }
    Ok(stand_ins)
}

/// The hashes that the user gave, by package. Each line speaks for the machines that its marker holds on.
type Hashes = BTreeMap<PackageName, Vec<(String, String)>>;

fn read_hashes(
    read: &[(RequestedRequirement, Requirement)],
    holds: &dyn Fn(&Requirement) -> bool,
    hashes: &mut Hashes,
) -> Result<(), Error> {
    for (requested, requirement) in read.iter().filter(|(_, requirement)| holds(requirement)) {
        for hash in &requested.hashes {
            let Some((algorithm, digest)) = hash.split_once(':') else {
                let problem = format!("{hash:?} is no hash; write it as sha256:…");
                return Err(Error::input(place_of(requested, "a requirement"), problem));
            };
            let hashes = hashes.entry(requirement.name.clone()).or_default();
            hashes.push((algorithm.to_ascii_lowercase(), digest.to_ascii_lowercase()));
        }
    }
    Ok(())
}

pub(crate) fn read_indexes(access: &Access) -> Result<Vec<IndexUrl>, Error> {
    let urls = access.extra_index_urls.iter().chain(std::iter::once(&access.index_url));
    let mut indexes: Vec<IndexUrl> = Vec::new();
    if access.no_index {
        return Ok(indexes);
    }
    for (at, url) in urls.enumerate() {
        let option = if at < access.extra_index_urls.len() { "extra-index-url" } else { "index-url" };
        let index = url.parse().map_err(|error| Error::input(option, error))?;
        if !indexes.contains(&index) {
            indexes.push(index);
        }
    }
    Ok(indexes)
}

fn read_names<T: std::str::FromStr<Err = mlresolve_packaging::NameError>>(
    names: &[String],
    what: &str,
) -> Result<Vec<T>, Error> {
    names.iter().map(|name| name.parse().map_err(|error| Error::input(what, error))).collect()
}

fn read_policy(
    request: &LockRequest,
    access: &Access,
    requirements: &[Requirement],
    bounds: &[Requirement],
    previous: Option<&Lock>,
) -> Result<Policy, Error> {
    let prerelease = match request.prerelease.as_deref() {
        None | Some("if-necessary") => Prerelease::IfNecessary,
        Some("allow") => Prerelease::Allow,
        Some("disallow") => Prerelease::Disallow,
        Some(other) => {
            let problem = format!("{other:?} is not one of disallow, allow and if-necessary");
            return Err(Error::input("prerelease", problem));
        }
    };
    let mode = match request.resolution.as_deref() {
        None | Some("highest") => ResolutionMode::Highest,
        Some("lowest") => ResolutionMode::Lowest,
        Some("lowest-direct") => ResolutionMode::LowestDirect,
        Some(other) => {
            let problem = format!("{other:?} is not one of highest, lowest and lowest-direct");
            return Err(Error::input("resolution", problem));
        }
    };
    let own = || requirements.iter().chain(bounds);
    let specifiers = |one: &Requirement| one.specifiers().cloned().unwrap_or_default();
    let named = own().filter(|one| specifiers(one).mentions_prerelease()).map(|one| one.name.clone());
    let pins = own().filter_map(|one| Some((one.name.clone(), one.specifiers()?.pinned()?.clone())));
    Ok(Policy {
        prerelease,
        mode,
        prerelease_named: named.collect(),
        prerelease_required: BTreeSet::new(),
        direct: requirements.iter().map(|requirement| requirement.name.clone()).collect(),
        yanked_allowed: pins.collect(),
        preferences: read_preferences(&request.upgrade, previous)?,
        step_limit: access.step_limit,
    })
}

fn read_preferences(
    upgrade: &Upgrade,
    previous: Option<&Lock>,
) -> Result<BTreeMap<PackageName, Version>, Error> {
    let mut given_up = BTreeSet::new();
    match upgrade {
        Upgrade::Nothing => {}
        Upgrade::Everything => return Ok(BTreeMap::new()),
        Upgrade::Packages(names) => {
            for name in names {
                let name: PackageName =
                    name.parse().map_err(|error| Error::input("upgrade-package", error))?;
                given_up.insert(name);
            }
        }
    }
    let packages = previous.map_or(&[][..], |lock| &lock.packages);
    let locked = packages.iter().filter(|package| !given_up.contains(&package.name));
    Ok(locked.filter_map(|package| Some((package.name.clone(), package.version.clone()?))).collect())
}

/// The Python minors that a lock for a target may be installed with.
pub(crate) fn requires_python(target: &Target) -> Option<SpecifierSet> {
    format!("=={}.{}.*", target.python().major(), target.python().minor()).parse().ok()
}
