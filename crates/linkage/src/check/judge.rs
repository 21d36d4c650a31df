use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::advice::Advice;
use super::process::{Object, Process};
use super::roots::{self, Library, Role};
use super::tables::{self, Optional};
use super::{Absent, Finding, Options, Problem, Report, Severity, Source, versions};
use crate::world::Loader;
use crate::{Fault, Machine, Owner, World};

/// The first glibc that loads no library which needs an executable stack.
const STRICT_STACKS: (u32, u32) = (2, 41);

/// Goes through all libraries of packages: first what Python loads, then what nothing of that asked for.
pub(super) fn judge(
    world: &World,
    loader: &Loader<'_>,
    options: &Options,
    glibc: Option<(u32, u32)>,
) -> Report {
    let libraries = roots::libraries(world, options);
    let mut start = Process::default();
    if let Some(program) = options.interpreter.as_ref().and_then(|path| loader.open(&world.real(path)?)) {
        start.load(loader, program);
    }
    let mut judge = Judge {
        world,
        loader,
        carriers: carriers(world, options.machine),
        glibc,
        start,
        groups: BTreeMap::new(),
        seen: HashSet::new(),
        from_driver: BTreeSet::new(),
    };
    for library in libraries.iter().filter(|library| library.role == Role::Root) {
        judge.library(library, options.machine, Severity::Error);
    }
    // What others need comes after them, since they may know where it is.
    let needed: HashSet<&str> =
        libraries.iter().flat_map(|library| &library.facts.needed).map(String::as_str).collect();
    let is_needed = |library: &&Library<'_>| {
        let name = library.path.rsplit('/').next();
        name.into_iter().chain(library.facts.soname.as_deref()).any(|name| needed.contains(name))
    };
    let (later, first): (Vec<_>, Vec<_>) =
        libraries.iter().filter(|library| library.role == Role::Other).partition(is_needed);
    for library in first.into_iter().chain(later) {
        if !judge.seen.contains(library.path) && library.facts.machine == options.machine {
            judge.library(library, options.machine, Severity::Note);
        }
    }
    judge.alternatives(&libraries);
    judge.asked();
    let roots = libraries.iter().filter(|library| library.role == Role::Root).count();
    Report {
        roots,
        libraries: libraries.len(),
        glibc: glibc.map(|(major, minor)| format!("{major}.{minor}")),
        from_driver: judge.from_driver.iter().cloned().collect(),
        findings: judge.findings(),
    }
}

/// Who has which library, by its name as a file and its soname, and whether it is there for others too.
type Carriers<'world> = BTreeMap<&'world str, BTreeMap<&'world Owner, bool>>;

struct Judge<'world> {
    world: &'world World,
    loader: &'world Loader<'world>,
    carriers: Carriers<'world>,
    glibc: Option<(u32, u32)>,
    /// The process before anything is imported.
    start: Process<'world>,
    groups: BTreeMap<(Severity, Owner, Cause), Group>,
    /// The libraries that something of Python asked for.
    seen: HashSet<String>,
    from_driver: BTreeSet<String>,
}

/// What makes findings of one owner the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Missing,
    Asked { source: Source },
    Version { library: String, of: Owner, newest: Option<String>, family: String },
    Machine { built_for: Machine, machine: Machine },
    ExecutableStack,
    NoneOf { purpose: String, fix: String, source: Source },
    Elsewhere,
    Optional { reason: String, source: Source },
    Unread { fault: Fault },
}

#[derive(Debug, Default)]
struct Group {
    names: BTreeSet<String>,
    libraries: BTreeSet<String>,
    imports: BTreeSet<String>,
}

/// What the lack of a library means.
enum Lack {
    FromDriver,
    /// A package has it, and loads it first.
    Lent,
    /// Another package has it for itself.
    Held,
    Real,
}

impl<'world> Judge<'world> {
    fn library(&mut self, library: &Library<'world>, machine: Machine, severity: Severity) {
        let owner = Owner::package(library.package);
        let known = tables::optional(library.package, library.path);
        if known.iter().any(|known| known.group.is_some()) {
            self.seen.insert(library.path.to_owned());
            return;
        }
        let Some(place) = self.loader.open(library.path) else {
            let built_for = library.facts.machine;
            self.add(severity, &owner, Cause::Machine { built_for, machine }, library.path, None);
            return;
        };
        let mut process = self.start.clone();
        for object in process.load(self.loader, place) {
            self.object(object, library, &known, severity);
        }
    }

    /// Judges a library that was loaded with `root`, of which `known` is known.
    fn object(
        &mut self,
        object: &Object<'world>,
        root: &Library<'world>,
        known: &[Optional],
        severity: Severity,
    ) {
        let path = object.place.real.as_str();
        let Some(file) = self.world.file(path) else { return };
        let owner = &file.owner;
        self.seen.insert(path.to_owned());
        let import = (root.role == Role::Root && *owner == Owner::package(root.package)).then_some(root.path);
        let own = match owner {
            Owner::Package(package) => tables::optional(package, path),
            Owner::Base => Vec::new(),
        };
        for name in &object.missing {
            let optional = known.iter().chain(&own).find(|known| known.group.is_none() && known.covers(name));
            let (severity, cause) = match (self.lack(name, owner), optional) {
                (Lack::FromDriver, _) => {
                    self.from_driver.insert((*name).to_owned());
                    continue;
                }
                (Lack::Lent, _) => (Severity::Note, Cause::Elsewhere),
                (Lack::Held, None) => (severity.max(Severity::Warning), Cause::Elsewhere),
                (Lack::Held | Lack::Real, Some(known)) => {
                    let (reason, source) = (known.reason.to_owned(), known.source.clone());
                    (Severity::Note, Cause::Optional { reason, source })
                }
                (Lack::Real, None) => (severity, Cause::Missing),
            };
            let group = self.add(severity, owner, cause, path, Some(name));
            group.imports.extend(import.map(str::to_owned));
        }
        for outdated in &object.outdated {
            let of = self.world.file(&outdated.found.real).map_or(Owner::Base, |file| file.owner.clone());
            let family = versions::family(outdated.needed).to_owned();
            let provided = outdated.found.facts.provides.iter();
            let provided =
                provided.filter(|version| versions::family(version) == family && numbered(version));
            let newest = provided.max_by(|left, right| versions::compare(left, right)).cloned();
            let library = outdated.library.to_owned();
            let cause = Cause::Version { library, of, newest, family };
            let group = self.add(severity, owner, cause, path, Some(outdated.needed));
            group.imports.extend(import.map(str::to_owned));
        }
        let facts = object.place.facts;
        if facts.executable_stack && facts.fault.is_none() && self.glibc >= Some(STRICT_STACKS) {
            let group = self.add(severity, owner, Cause::ExecutableStack, path, None);
            group.imports.extend(import.map(str::to_owned));
        }
        if let (Some(fault), Owner::Package(_)) = (facts.fault, owner) {
            self.add(Severity::Note, owner, Cause::Unread { fault }, path, None);
        }
    }

    /// What it means that the loader does not find a library for a file of `owner`.
    fn lack(&self, name: &str, owner: &Owner) -> Lack {
        if tables::is_from_driver(name) {
            return Lack::FromDriver;
        }
        let Some(carriers) = self.carriers.get(name) else { return Lack::Real };
        let lent = |carrier: &&Owner| match carrier {
            Owner::Package(package) => *carrier == owner || tables::is_lender(package),
            Owner::Base => false,
        };
        if carriers.keys().copied().any(|carrier| lent(&carrier)) {
            return Lack::Lent;
        }
        // What all others have from the system is not what a foreign package has for itself.
        let held = tables::debian_package(name).is_none() && carriers.values().any(|shared| *shared);
        if held { Lack::Held } else { Lack::Real }
    }

    fn add(
        &mut self,
        severity: Severity,
        owner: &Owner,
        cause: Cause,
        path: &str,
        name: Option<&str>,
    ) -> &mut Group {
        let group = self.groups.entry((severity, owner.clone(), cause)).or_default();
        group.names.extend(name.map(str::to_owned));
        group.libraries.insert(path.to_owned());
        group
    }

    /// Looks for libraries of which one has to load, and none does.
    fn alternatives(&mut self, libraries: &[Library<'world>]) {
        let mut groups: BTreeMap<(&str, &str), Vec<(&Library<'world>, Optional)>> = BTreeMap::new();
        for library in libraries {
            let known = tables::optional(library.package, library.path).into_iter();
            for known in known.filter(|known| known.group.is_some()) {
                let group = groups.entry((library.package, known.group.unwrap_or_default())).or_default();
                group.push((library, known));
            }
        }
        for ((package, purpose), members) in groups {
            let owner = Owner::package(package);
            let lacking = |library: &Library<'world>| -> BTreeSet<String> {
                let Some(place) = self.loader.open(library.path) else {
                    return BTreeSet::from([library.path.to_owned()]);
                };
                let mut process = self.start.clone();
                let missing = process.load(self.loader, place).iter().flat_map(|object| &object.missing);
                let missing =
                    missing.filter(|name| matches!(self.lack(name, &owner), Lack::Held | Lack::Real));
                missing.map(|name| (*name).to_owned()).collect()
            };
            let lacks: Vec<_> = members.iter().map(|(library, _)| lacking(library)).collect();
            let least = lacks.into_iter().min_by_key(BTreeSet::len).unwrap_or_default();
            let Some((_, known)) = members.first().filter(|_| !least.is_empty()) else { continue };
            let (fix, source) = (known.reason.to_owned(), known.source.clone());
            let cause = Cause::NoneOf { purpose: purpose.to_owned(), fix, source };
            let libraries = members.iter().map(|(library, _)| library.path.to_owned()).collect();
            self.groups.insert(
                (Severity::Warning, owner, cause),
                Group { names: least, libraries, imports: BTreeSet::new() },
            );
        }
    }

    /// Looks for what packages load by name, without a file that says so.
    fn asked(&mut self) {
        let owners: BTreeSet<&Owner> = self.world.files().map(|(_, file)| &file.owner).collect();
        for owner in owners {
            let Owner::Package(package) = owner else { continue };
            let Some((names, source)) = tables::asked(package) else { continue };
            let lacking = |name: &&str| {
                self.loader.find_by_name(name).is_none()
                    && matches!(self.lack(name, owner), Lack::Held | Lack::Real)
            };
            let names: BTreeSet<String> = names.filter(lacking).map(str::to_owned).collect();
            if !names.is_empty() {
                let group = Group { names, ..Group::default() };
                self.groups.insert((Severity::Error, owner.clone(), Cause::Asked { source }), group);
            }
        }
    }

    fn findings(self) -> Vec<Finding> {
        let advice = Advice::new(self.world);
        let carrier = |name: &str, owner: &Owner| {
            let carriers = self.carriers.get(name)?;
            let own = carriers.keys().find(|carrier| **carrier == owner);
            let lender = carriers.keys().find(|owner| tables::is_lender(&owner.to_string()));
            let others = carriers.iter().find(|(_, shared)| **shared).map(|(owner, _)| owner);
            own.or(lender).or(others).map(|owner| (*owner).clone())
        };
        let glibc = self.glibc.map(|(major, minor)| format!("{major}.{minor}")).unwrap_or_default();
        let mut findings: Vec<Finding> = Vec::new();
        for ((severity, owner, cause), group) in self.groups {
            let names: Vec<String> = group.names.into_iter().collect();
            let (mut fixes, mut source) = (Vec::new(), None);
            let problem = match cause {
                Cause::Missing => {
                    fixes = advice.missing(&owner, &names);
                    Problem::Missing { names }
                }
                Cause::Asked { source: place } => {
                    fixes = advice.missing(&owner, &names);
                    source = Some(place);
                    Problem::Missing { names }
                }
                Cause::Version { library, of, newest, .. } => {
                    let needed = names.iter().max_by(|left, right| versions::compare(left, right));
                    let needed = needed.cloned().unwrap_or_default();
                    fixes = advice.version(&needed, &of);
                    Problem::Version { library, of, needed, newest }
                }
                Cause::Machine { built_for, machine } => {
                    fixes.push(format!("take a wheel for {machine}"));
                    Problem::Machine { built_for, machine }
                }
                Cause::ExecutableStack => {
                    fixes = advice.executable_stack(&owner);
                    Problem::ExecutableStack { glibc: glibc.clone() }
                }
                Cause::NoneOf { purpose, fix, source: place } => {
                    fixes.push(fix);
                    source = Some(place);
                    Problem::NoneOf { purpose, names }
                }
                Cause::Elsewhere => {
                    let absent = |name: String| Some(Absent { owner: carrier(&name, &owner)?, name });
                    Problem::Elsewhere { names: names.into_iter().filter_map(absent).collect() }
                }
                Cause::Optional { reason, source: place } => {
                    source = Some(place);
                    Problem::Optional { names, reason }
                }
                Cause::Unread { fault } => Problem::Unread { fault },
            };
            let libraries = group.libraries.into_iter().collect();
            let imports = group.imports.into_iter().collect();
            findings.push(Finding { severity, owner, problem, libraries, imports, fixes, source });
        }
        findings.sort();
        findings
    }
}

/// Whether a version has a number, which `GLIBC_PRIVATE` and `GLIBC_ABI_DT_RELR` have not.
fn numbered(version: &str) -> bool {
    version.rsplit('_').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()))
}

/// The libraries for this machine that packages have. Those in a folder `NAME.libs` were put there for one package alone.
fn carriers(world: &World, machine: Machine) -> Carriers<'_> {
    let mut carriers = Carriers::new();
    for (path, file) in world.files().filter(|(_, file)| file.owner != Owner::Base) {
        let Some(facts) = file.facts.as_ref().filter(|facts| facts.machine == machine) else { continue };
        let shared = !path.contains(".libs/");
        let name = path.rsplit('/').next();
        for name in name.into_iter().chain(facts.soname.as_deref()) {
            *carriers.entry(name).or_default().entry(&file.owner).or_default() |= shared;
        }
    }
    carriers
}
