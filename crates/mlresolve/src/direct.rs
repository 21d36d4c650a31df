//! Packages that are required by address instead of by version: archives on the web and on disk, folders, and git
//! repositories.
//!
//! They are fetched and read before the solve, since an address tells neither version nor, often, name. What such a
//! package requires by address in turn is fetched as well: the user named the first of them, and nothing that comes
//! from an index may do so. Only what lies on this machine may lead to more on this machine.

mod address;
mod built;
mod git;
mod read;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use mlresolve_index::IndexClient;
use mlresolve_lockfile::Lock;
use mlresolve_packaging::metadata::CoreMetadata;
use mlresolve_packaging::sdist::MetadataOrigin;
use mlresolve_packaging::{
    ExtraName, Marker, MarkerEnvironment, PackageName, Requirement, RequirementSource, Version, WheelFilename,
};
use tokio::runtime::Handle;

pub(crate) use self::git::{GitError, Repository};
use crate::access::Access;
use crate::build::{AllowedBuilds, Builder};
use crate::declared::Declared;
use crate::error::Error;
use crate::limits::RunLimits;
use crate::prepare::{read_allowed, read_target};
use crate::request::{LockRequest, RequestedRequirement, Upgrade};

use self::sources::Sources;

pub(crate) use address::{Address, relative};

/// The most packages that may be required by address.
const COUNT_LIMIT: usize = 1_000;

/// A package that is required by address.
#[derive(Debug, Clone)]
pub(crate) struct DirectPackage {
    pub(crate) name: PackageName,
    /// `None` where only a build would tell.
    pub(crate) version: Option<Version>,
    pub(crate) metadata: CoreMetadata,
    /// How the metadata was read, as the lock records it.
    pub(crate) origin: MetadataOrigin,
    pub(crate) address: Address,
    pub(crate) place: Place,
    /// What its name says, if it is a wheel.
    pub(crate) wheel: Option<WheelFilename>,
}

/// What a lock says of where it is, beyond its address.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file, with its digests by algorithm and its size in bytes.
    File { hashes: BTreeMap<String, String>, size: u64 },
    /// A source tree as it is on disk.
    Folder,
    /// A commit of a repository.
    Commit(String),
}

/// All packages that are required by address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directs {
    by_name: BTreeMap<PackageName, Arc<DirectPackage>>,
    by_address: BTreeMap<Address, PackageName>,
    /// What relative paths in the lock count from.
    root: PathBuf,
}

/// What fetching needs to know.
struct Fetching<'a> {
    client: &'a IndexClient,
    previous: Option<&'a Lock>,
    upgrade: &'a Upgrade,
    environment: MarkerEnvironment,
    limits: &'a RunLimits,
    allowed: AllowedBuilds,
    declared: Declared,
    builder: Arc<Builder>,
}

/// A requirement by address, read as far as its text goes.
#[derive(Debug, Clone)]
struct Asked {
    /// `None` where the address alone was given.
    name: Option<PackageName>,
    extras: Vec<ExtraName>,
    marker: Option<Marker>,
    address: Address,
    /// Who asks, for messages.
    origin: String,
    role: Role,
}

/// What a package requires in turn.
#[derive(Default)]
struct Required {
    by_address: Vec<Asked>,
    by_name: Vec<Requirement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Override,
    Other,
}

impl Directs {
    /// Fetches and reads every package that a request requires by address.
    pub(crate) async fn fetch(
        request: &LockRequest,
        previous: Option<&Lock>,
        client: &IndexClient,
        access: &Access,
        limits: &RunLimits,
    ) -> Result<Self, Error> {
        let target = read_target(&request.target)?;
        let (exclude_newer, minor) = (request.exclude_newer.clone(), target.python().minor());
        let fetching = &Fetching {
            client,
            previous,
            upgrade: &request.upgrade,
            environment: target.marker_environment(),
            limits,
            allowed: read_allowed(request)?,
            declared: Declared::read(request)?,
            builder: Arc::new(Builder::new(access, exclude_newer, minor, Handle::current(), limits.clone())),
        };
        let mut directs = Self { root: request.root.clone(), ..Self::default() };
        let mut overridden: BTreeSet<PackageName> = BTreeSet::new();
        let mut open: Vec<Asked> = Vec::new();
        for (list, role) in [
            (&request.overrides, Role::Override),
            (&request.constraints, Role::Other),
            (&request.requirements, Role::Other),
        ] {
            for requested in list {
                match asked(requested, role)? {
                    Some(asked) => open.push(asked),
                    None if role == Role::Override => {
                        overridden.extend(requested.text.parse::<Requirement>().map(|one| one.name));
                    }
                    None => {}
                }
            }
        }
        let sources = Sources::read(&request.sources, &fetching.environment)?;
        let mut asked_sources: BTreeSet<PackageName> = BTreeSet::new();
        let active = |text: &str| {
            let (requirement, _) = Requirement::parse_lenient(text).ok()?;
            let marker = requirement.marker.as_ref();
            let holds = marker.is_none_or(|marker| marker.evaluate(&fetching.environment, &[]));
            (holds && requirement.specifiers().is_some()).then_some(requirement)
        };
        let named: Vec<Requirement> =
            request.requirements.iter().filter_map(|requested| active(&requested.text)).collect();
        for requirement in &named {
            open.extend(sources.of(requirement, &mut asked_sources));
        }
        let mut taken: BTreeMap<PackageName, (String, BTreeSet<ExtraName>)> = BTreeMap::new();
        while !open.is_empty() {
            let holds = |asked: &Asked| {
                asked.marker.as_ref().is_none_or(|marker| marker.evaluate(&fetching.environment, &[]))
            };
            let wave: Vec<Asked> = std::mem::take(&mut open).into_iter().filter(holds).collect();
            let read = wave.iter().map(|asked| directs.read(asked, fetching));
            let read = limits.hold(futures::future::try_join_all(read)).await??;
            for (asked, package) in wave.into_iter().zip(read) {
                if asked.role == Role::Override {
                    overridden.insert(package.name.clone());
                } else if overridden.contains(&package.name) {
                    // The address of the override is taken, or versions from an index.
                    directs.by_address.entry(asked.address).or_insert(package.name.clone());
                    continue;
                }
                let required = directs.take(asked, package, &mut taken, &fetching.environment)?;
                for requirement in &required.by_name {
                    open.extend(sources.of(requirement, &mut asked_sources));
                }
                open.extend(required.by_address);
            }
            if directs.by_address.len() > COUNT_LIMIT {
                let limit = format!(
                    "more than {COUNT_LIMIT} packages are required by address (the limit `address count`)"
                );
                return Err(Error::Limit(limit));
            }
        }
        Ok(directs)
    }

    /// Notes a package, and gives what it requires in turn.
    fn take(
        &mut self,
        asked: Asked,
        package: Arc<DirectPackage>,
        taken: &mut BTreeMap<PackageName, (String, BTreeSet<ExtraName>)>,
        environment: &MarkerEnvironment,
    ) -> Result<Required, Error> {
        if let Some(other) = self.by_name.get(&package.name)
            && !same_place(&other.address, &package.address)
        {
            let (first, second) = (other.address.public(&self.root), package.address.public(&self.root));
            let first_origin = taken.get(&package.name).map_or("", |(origin, _)| origin.as_str());
            let problem = format!(
                "{} is required from two addresses, {first} ({first_origin}) and {second}; keep one of them",
                package.name
            );
            return Err(Error::input(asked.origin, problem));
        }
        self.by_address.insert(asked.address, package.name.clone());
        let package = Arc::clone(self.by_name.entry(package.name.clone()).or_insert(package));
        let slot = taken.entry(package.name.clone());
        let seen = matches!(slot, std::collections::btree_map::Entry::Occupied(_));
        let (_, extras) = slot.or_insert_with(|| (asked.origin.clone(), BTreeSet::new()));
        let before = extras.len();
        extras.extend(asked.extras);
        if seen && extras.len() == before {
            return Ok(Required::default());
        }
        let mut found = Required::default();
        // `name[extra]` inside its own requirements asks for more of its own extras.
        loop {
            let wanted: Vec<ExtraName> = extras.iter().cloned().collect();
            let active = |requirement: &&Requirement| {
                requirement.marker.as_ref().is_none_or(|marker| {
                    marker.evaluate(environment, &[]) || marker.evaluate(environment, &wanted)
                })
            };
            let active: Vec<&Requirement> = package.metadata.requires_dist.iter().filter(active).collect();
            let own = active.iter().filter(|one| one.name == package.name).flat_map(|one| one.extras.clone());
            let before = extras.len();
            extras.extend(own);
            if extras.len() > before {
                continue;
            }
            for requirement in active {
                let RequirementSource::Url(url) = &requirement.source else {
                    found.by_name.push(requirement.clone());
                    continue;
                };
                let origin = format!(
                    "{}, which is required from {}",
                    package.name,
                    package.address.public(&self.root)
                );
                let address = Address::read_foreign(url, package.address.is_local())
                    .map_err(|problem| Error::input(&origin, format!("{}: {problem}", requirement.name)))?;
                found.by_address.push(Asked {
                    name: Some(requirement.name.clone()),
                    extras: requirement.extras.clone(),
                    marker: None,
                    address,
                    origin,
                    role: Role::Other,
                });
            }
            return Ok(found);
        }
    }

    /// The package of this name, if it is required by address.
    pub(crate) fn get(&self, name: &PackageName) -> Option<&Arc<DirectPackage>> {
        self.by_name.get(name)
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<DirectPackage>> {
        self.by_name.values()
    }

    /// What relative paths in the lock count from.
    pub(crate) fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// The requirement that a requested one by address stands for, with its address as a lock may hold it; `None` for
    /// one that was not fetched, since its marker does not hold.
    pub(crate) fn requirement(&self, requested: &RequestedRequirement) -> Result<Option<Requirement>, Error> {
        let Some(asked) = asked(requested, Role::Other)? else { return Ok(None) };
        let Some(name) = asked.name.or_else(|| self.by_address.get(&asked.address).cloned()) else {
            return Ok(None);
        };
        let source = RequirementSource::Url(asked.address.public(&self.root));
        Ok(Some(Requirement { name, extras: asked.extras, source, marker: asked.marker }))
    }

    /// Whether a requirement by address is one for the package that was fetched under its name.
    pub(crate) fn is_fetched(&self, requirement: &Requirement) -> bool {
        let RequirementSource::Url(url) = &requirement.source else { return false };
        let Some(package) = self.by_name.get(&requirement.name) else { return false };
        let public = package.address.public(&self.root);
        let same = |address: Address| same_place(&address, &package.address);
        *url == public || Address::read_foreign(url, true).is_ok_and(same)
    }
}

/// Whether two addresses lead to the same thing; hashes and credentials say nothing about that.
fn same_place(left: &Address, right: &Address) -> bool {
    let root = std::path::Path::new("/");
    left.public(root) == right.public(root)
}

/// Whether a requirement's text is an address or a path alone.
pub(crate) fn is_bare_address(text: &str) -> bool {
    let text = text.trim();
    let scheme_end =
        text.find(|character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character)));
    text.starts_with(['.', '/', '~'])
        || scheme_end.is_some_and(|at| text[at..].starts_with("://"))
        || text.starts_with("file:")
}

fn asked(requested: &RequestedRequirement, role: Role) -> Result<Option<Asked>, Error> {
    let origin = requested.origin.clone().unwrap_or_else(|| "a requirement".to_owned());
    let text = requested.text.trim();
    let (name, extras, marker, address) = if is_bare_address(text) {
        let extras = requested.extras.iter().map(|extra| extra.parse());
        let extras: Vec<ExtraName> =
            extras.collect::<Result<_, _>>().map_err(|error| Error::input(&origin, error))?;
        let marker = requested.marker.as_deref().map(str::parse).transpose();
        (None, extras, marker.map_err(|error| Error::input(&origin, error))?, text.to_owned())
    } else {
        // What cannot be read is said where the list as a whole is read.
        let Ok((requirement, _)) = Requirement::parse_lenient(text) else { return Ok(None) };
        let RequirementSource::Url(address) = requirement.source else { return Ok(None) };
        (Some(requirement.name), requirement.extras, requirement.marker, address)
    };
    let named = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let address = Address::read(&address, requested.editable)
        .map_err(|problem| Error::input(&origin, format!("{named}{problem}")))?;
    let address = address.with_hashes(&requested.hashes);
    Ok(Some(Asked { name, extras, marker, address, origin, role }))
}

impl DirectPackage {
    /// The version as the solver sees it: where only a build would tell, one that stands for it and is never shown.
    pub(crate) fn solved_version(&self) -> Version {
        self.version.clone().unwrap_or_else(unknown_version)
    }
}

/// Stands for a version that only a build would tell.
fn unknown_version() -> Version {
    Version::new([0])
}
