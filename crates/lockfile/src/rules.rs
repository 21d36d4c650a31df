//! The rules of a valid lock beyond the types of its keys, checked after reading and before writing.

mod file;
mod location;

use std::collections::BTreeMap;

use mlresolve_packaging::{Marker, PackageName, Requirement, RequirementError, RequirementSource};

use crate::invalid::{InvalidLock, PackagePlace, Place, Problem};
use crate::model::{Lock, Package, Source, Table, Value};

pub(crate) use location::{Scheme, has_credentials, without_credentials};

/// Checks everything that [`crate::read`] and [`crate::write`] promise of a lock.
///
/// # Errors
/// The first rule that is broken, with its place.
pub(crate) fn check(lock: &Lock) -> Result<(), InvalidLock> {
    let top = |key: &str, problem| InvalidLock { place: Place::top(key).into(), problem };
    if let Some(digest) = lock.tool.as_ref().and_then(|tool| tool.input_digest.as_deref()) {
        file::digest("sha256", digest).map_err(|problem| top("tool.mlresolve.input-digest", problem))?;
    }
    if let Some(tool) = &lock.tool {
        let texts = [
            ("requirements", &tool.requirements),
            ("constraints", &tool.constraints),
            ("overrides", &tool.overrides),
        ];
        for (key, texts) in texts {
            requirements(texts).map_err(|problem| top(&format!("tool.mlresolve.{key}"), problem))?;
        }
        let target = tool.target.iter().map(|target| &target.unknown);
        let options = tool.options.iter().map(|options| &options.unknown);
        for unknown in target.chain(options).chain([&tool.unknown]) {
            literals(unknown).map_err(|problem| top("tool.mlresolve", problem))?;
        }
    }
    for (name, table) in &lock.other_tools {
        literals(table).map_err(|problem| top(&format!("tool.{name}"), problem))?;
    }
    for (index, package) in lock.packages.iter().enumerate() {
        package_rules(package).map_err(|fault| fault.of(index, package))?;
    }
    unambiguous(&lock.packages)
}

/// A broken rule inside one package.
struct Fault {
    key: String,
    problem: Problem,
}

impl Fault {
    fn of(self, index: usize, package: &Package) -> InvalidLock {
        let name = Some(package.name.to_string());
        InvalidLock {
            place: Box::new(Place { package: Some(PackagePlace { index, name }), key: self.key }),
            problem: self.problem,
        }
    }
}

fn at(key: impl Into<String>) -> impl FnOnce(Problem) -> Fault {
    let key = key.into();
    move |problem| Fault { key, problem }
}

fn package_rules(package: &Package) -> Result<(), Fault> {
    if let Some(index) = &package.index {
        location::url(index, Scheme::Web).map_err(at("index"))?;
    }
    for (position, identity) in package.attestation_identities.iter().enumerate() {
        literals(identity).map_err(at(format!("attestation-identities[{position}]")))?;
    }
    if let Some(tool) = &package.tool {
        requirements(&tool.requires).map_err(at("tool.mlresolve.requires"))?;
        literals(&tool.unknown).map_err(at("tool.mlresolve"))?;
    }
    for (name, table) in &package.other_tools {
        literals(table).map_err(at(format!("tool.{name}")))?;
    }
    match package.source() {
        Some(Source::Files) => files(package),
        Some(Source::Archive(archive)) => {
            let location = (archive.url.as_deref(), archive.path.as_deref());
            file::check("archive", location, archive.size, archive.upload_time, &archive.hashes)?;
            subdirectory("archive", archive.subdirectory.as_deref())
        }
        Some(Source::Vcs(vcs)) => {
            location::either("vcs", (vcs.url.as_deref(), vcs.path.as_deref()), Scheme::VersionControl)?;
            subdirectory("vcs", vcs.subdirectory.as_deref())
        }
        Some(Source::Directory(directory)) => {
            location::path(&directory.path).map_err(at("directory.path"))?;
            subdirectory("directory", directory.subdirectory.as_deref())
        }
        None => Err(Fault { key: "wheels".to_owned(), problem: source_problem(package) }),
    }
}

fn files(package: &Package) -> Result<(), Fault> {
    if let Some(sdist) = &package.sdist {
        let location = (sdist.url.as_deref(), sdist.path.as_deref());
        file::check("sdist", location, sdist.size, sdist.upload_time, &sdist.hashes)?;
        file::sdist_name(&sdist.name, package).map_err(at("sdist.name"))?;
    }
    let mut seen = BTreeMap::new();
    for (position, wheel) in package.wheels.iter().enumerate() {
        let key = format!("wheels[{position}]");
        let location = (wheel.url.as_deref(), wheel.path.as_deref());
        file::check(&key, location, wheel.size, wheel.upload_time, &wheel.hashes)?;
        file::wheel_name(&wheel.name, package).map_err(at(format!("{key}.name")))?;
        if seen.insert(&wheel.name, position).is_some() {
            return Err(Fault { key, problem: Problem::DuplicateWheel(wheel.name.clone()) });
        }
    }
    Ok(())
}

/// Requirement texts must be readable, so that explanations can rely on them, and hold no secret.
fn requirements(texts: &[String]) -> Result<(), Problem> {
    for text in texts {
        let requirement: Requirement =
            text.parse().map_err(|error: RequirementError| Problem::Malformed(error.to_string()))?;
        if let RequirementSource::Url(url) = &requirement.source
            && has_credentials(url, Scheme::VersionControl)
        {
            return Err(Problem::Credentials);
        }
    }
    Ok(())
}

fn subdirectory(source: &str, subdirectory: Option<&str>) -> Result<(), Fault> {
    subdirectory.map_or(Ok(()), |path| location::below(path).map_err(at(format!("{source}.subdirectory"))))
}

fn source_problem(package: &Package) -> Problem {
    let given: Vec<&str> = [
        ("wheels", !package.wheels.is_empty()),
        ("sdist", package.sdist.is_some()),
        ("archive", package.archive.is_some()),
        ("vcs", package.vcs.is_some()),
        ("directory", package.directory.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect();
    if given.is_empty() { Problem::NoSource } else { Problem::ManySources(given.join(", ")) }
}

/// PEP 751 lets one name stand twice when markers keep the entries apart. Whether two markers
/// exclude each other is for [`crate::select`] to find out; equal or absent ones never do.
fn unambiguous(packages: &[Package]) -> Result<(), InvalidLock> {
    let mut by_name: BTreeMap<&PackageName, Vec<usize>> = BTreeMap::new();
    for (index, package) in packages.iter().enumerate() {
        by_name.entry(&package.name).or_default().push(index);
    }
    for entries in by_name.into_values().filter(|entries| entries.len() > 1) {
        if let Some(unmarked) = entries.iter().copied().find(|index| packages[*index].marker.is_none()) {
            let other = if unmarked == entries[0] { entries[1] } else { entries[0] };
            return Err(duplicate(packages, unmarked.max(other), unmarked.min(other)));
        }
        let mut markers = BTreeMap::new();
        for index in entries {
            let marker = packages[index].marker.as_ref().map(Marker::as_str);
            if let Some(other) = markers.insert(marker, index) {
                return Err(duplicate(packages, index, other));
            }
        }
    }
    Ok(())
}

fn duplicate(packages: &[Package], index: usize, other: usize) -> InvalidLock {
    let fault = Fault { key: "name".to_owned(), problem: Problem::DuplicatePackage { other } };
    fault.of(index, &packages[index])
}

fn literals(table: &Table) -> Result<(), Problem> {
    table.values().try_for_each(literal)
}

/// Recursion ends: [`crate::read`] bounds the depth, and a caller built the value by hand otherwise.
fn literal(value: &Value) -> Result<(), Problem> {
    match value {
        Value::Literal(text) => {
            use toml::de::DeValue;
            let parsed = DeValue::parse(text).map(toml::Spanned::into_inner);
            match parsed {
                Ok(DeValue::Float(_) | DeValue::Datetime(_)) if text.trim() == text => Ok(()),
                _ => Err(Problem::BadLiteral(text.clone())),
            }
        }
        Value::Array(values) => values.iter().try_for_each(literal),
        Value::Table(table) => literals(table),
        Value::String(_) | Value::Integer(_) | Value::Boolean(_) => Ok(()),
    }
}
