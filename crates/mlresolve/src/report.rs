//! What a person wants to see after a lock.

use mlresolve_lockfile::{Lock, LockDiff, Package, diff, size};
use mlresolve_packaging::simple::ProjectStatus;
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::Resolution;
use serde::Serialize;

use crate::claims::several_cudas;
use crate::prepare::{Prepared, target_in_words};
use crate::text::{printable, some_of};
use crate::universe::Universe;
use crate::wheels_first::source_warning;

/// How many of the largest packages are named.
const LARGEST: usize = 5;

/// What a person wants to see after a lock.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LockReport {
    /// The target, in words.
    pub target: String,
    /// How many packages there are.
    pub packages: usize,
    /// What installing downloads, in bytes.
    pub download_bytes: u64,
    /// How many files have no size on their index, and so are not in `download_bytes`.
    pub unknown_sizes: usize,
    /// The largest packages, the largest first.
    pub largest: Vec<PackageSize>,
    /// The packages that are locked from source, since no wheel of them fits or none is wanted.
    pub sources: Vec<SourcePackage>,
    /// The variant that the builds of the torch family are for, and why it is this one; `None` where there is nothing to choose.
    pub variant: Option<String>,
    /// What would be newer, were it not for the target's own facts or for targets that it is aligned with.
    pub held_back: Vec<HeldBack>,
    /// What changed since the previous lock; `None` where there was none.
    pub changes: Option<LockDiff>,
    /// What is worth reading.
    pub warnings: Vec<String>,
    /// What is worth knowing and asks for nothing.
    pub notes: Vec<String>,
    /// Versions that were tried.
    pub steps: u64,
    /// Conflicts that were met.
    pub conflicts: u64,
}

/// A package of which a newer version was held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldBack {
    /// Its name.
    pub name: String,
    /// The newer version.
    pub version: String,
    /// The version that was chosen.
    pub chosen: String,
    /// What holds it back.
    pub because: String,
}

/// What one package weighs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageSize {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The size of its file, in bytes.
    pub bytes: u64,
}

/// A package that is locked from source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its metadata was read, in the lock's word.
    pub metadata: String,
}

pub(crate) fn report(
    prepared: &Prepared,
    universe: &Universe,
    resolution: &Resolution,
    lock: &Lock,
    previous: Option<&Lock>,
) -> LockReport {
    let sizes = size(lock);
    let mut largest: Vec<PackageSize> = lock
        .packages
        .iter()
        .filter_map(|package| {
            Some(PackageSize {
                name: package.name.to_string(),
                version: package.version.as_ref()?.to_string(),
                bytes: file_size(package)?,
            })
        })
        .collect();
    largest.sort_by(|left, right| (right.bytes, &left.name).cmp(&(left.bytes, &right.name)));
    largest.truncate(LARGEST);
    let mut warnings = prepared.warnings.clone();
    warnings.extend(warnings_of(prepared, universe, resolution, lock));
    LockReport {
        target: target_in_words(&prepared.target),
        packages: lock.packages.len(),
        download_bytes: sizes.total_bytes,
        unknown_sizes: sizes.unknown,
        largest,
        sources: sources(lock),
        variant: None,
        held_back: Vec::new(),
        changes: previous.map(|previous| diff(previous, lock)),
        warnings,
        notes: Vec::new(),
        steps: resolution.statistics.steps,
        conflicts: resolution.statistics.conflicts,
    }
}

fn file_size(package: &Package) -> Option<u64> {
    package.wheels.first().map_or_else(|| package.sdist.as_ref()?.size, |wheel| wheel.size)
}

fn sources(lock: &Lock) -> Vec<SourcePackage> {
    let sources = lock.packages.iter().filter(|package| package.sdist.is_some() && package.wheels.is_empty());
    let described = sources.map(|package| SourcePackage {
        name: package.name.to_string(),
        version: package.version.as_ref().map(ToString::to_string).unwrap_or_default(),
        metadata: package.tool.as_ref().and_then(|tool| tool.metadata.clone()).unwrap_or_default(),
    });
    described.collect()
}

fn warnings_of(
    prepared: &Prepared,
    universe: &Universe,
    resolution: &Resolution,
    lock: &Lock,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for unknown in &resolution.unknown_extras {
        let (name, version, extra) = (&unknown.name, &unknown.version, &unknown.extra);
        warnings.push(format!("{name} {version} has no extra [{extra}]; nothing was added for it"));
    }
    warnings.extend(lock.tool.iter().flat_map(|tool| &tool.warnings).cloned());
    for name in &resolution.prereleases {
        if let Some(resolved) = resolution.packages.get(name) {
            let version = &resolved.version;
            warnings.push(format!(
                "{name} {version} is a pre-release; no final version will do for what requires it"
            ));
        }
    }
    for (name, resolved) in &resolution.packages {
        warnings.extend(metadata_warnings(universe, name, &resolved.version));
        warnings.extend(source_warning(prepared, universe, resolution, name, &resolved.version));
    }
    let versions = resolution.packages.iter().map(|(name, resolved)| (name, &resolved.version));
    warnings.extend(
        several_cudas(&prepared.target, versions).filter(|_| prepared.target.accelerator().is_none()),
    );
    let statuses = universe.statuses();
    for (name, resolved) in &resolution.packages {
        let standing = mlresolve_solver::Provider::standing(universe, name, &resolved.version);
        if let Ok(Some(reason)) = standing.map(|standing| standing.yanked) {
            let reason = reason.map(|reason| format!(": {}", printable(&reason))).unwrap_or_default();
            warnings.push(format!("{name} {} was yanked{reason}", resolved.version));
        }
        let file = universe.file(name, &resolved.version).ok().flatten();
        let target = prepared.target.python();
        if let Some(minor) = file.as_ref().and_then(|file| universe.built_with(file))
            && minor != target.minor()
        {
            warnings.push(format!(
                "{name} {} was built with Python 3.{minor} to see what it requires, since there is no Python {} here; \
                 for that it may require something else",
                resolved.version,
                target.short()
            ));
        }
        if let Some(file) =
            file.as_ref().filter(|file| universe.hashed(file).is_some() && file.local_path().is_none())
        {
            warnings.push(format!(
                "{} has no hash on its index; it was downloaded to compute one, which the lock keeps",
                file.filename
            ));
        }
        if let Some(file) = file
            && file.url.contains('?')
        {
            warnings.push(format!(
                "the address of {} has a query, which may be a secret and is left out of the lock",
                file.filename
            ));
        }
        if let Some((status @ (ProjectStatus::Archived | ProjectStatus::Deprecated), reason)) =
            statuses.get(name)
        {
            let word = if matches!(status, ProjectStatus::Archived) { "archived" } else { "deprecated" };
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            warnings.push(format!("{name} is {word} by its maintainers{reason}"));
        }
    }
    let unhashed =
        lock.packages.iter().filter(|package| package.vcs.is_some() || package.directory.is_some());
    let unhashed: Vec<&str> = unhashed.map(|package| package.name.as_str()).collect();
    if !unhashed.is_empty() {
        warnings.push(format!(
            "folders and checkouts have no hash, without which pip installs nothing from a lock: {}; uv installs them",
            some_of(&unhashed)
        ));
    }
    if let Some(limit) = &prepared.judge.exclude_newer {
        let undated: Vec<&str> = lock
            .packages
            .iter()
            .filter(|package| {
                package.wheels.iter().any(|wheel| wheel.upload_time.is_none())
                    || package.sdist.as_ref().is_some_and(|sdist| sdist.upload_time.is_none())
            })
            .map(|package| package.name.as_str())
            .collect();
        if !undated.is_empty() {
            warnings.push(format!(
                "exclude-newer {} could not be checked for {}: the index gives no upload time",
                limit.text,
                some_of(&undated)
            ));
        }
    }
    warnings
}

/// What of a package's metadata was not taken as it stands.
fn metadata_warnings(universe: &Universe, name: &PackageName, version: &Version) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some((reason, count)) = universe.passed_over(name, version) {
        let more =
            if count > 1 { format!("; {} others were given up too", count - 1) } else { String::new() };
        warnings.push(format!("{name} {version} is taken, since {reason}{more}"));
    }
    let Ok(Some(file)) = universe.file(name, version) else { return warnings };
    let Ok(Ok(metadata)) = universe.metadata(&file) else { return warnings };
    let mut repairs = metadata.core.repairs.iter().filter(|repair| !repair.repaired.is_empty());
    if let Some(repair) = repairs.next() {
        let (original, repaired) = (printable(&repair.original), printable(&repair.repaired));
        let more = match repairs.count() {
            0 => String::new(),
            count => format!("; {count} more were read so"),
        };
        warnings.push(format!(
            "the metadata of {} has {original:?}, which is no valid version specifier and was read as {repaired:?}{more}",
            file.filename
        ));
    }
    warnings
}
