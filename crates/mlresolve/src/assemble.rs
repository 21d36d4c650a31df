//! A resolution becomes a lock.

use std::collections::BTreeMap;
use std::path::Path;

use mlresolve_index::{File, FileMetadata};
use mlresolve_lockfile::{
    Archive, Dependency, Directory, Lock, OptionsSection, Package, PackageTool, Sdist, TargetSection,
    ToolSection, Vcs, Wheel,
};
use mlresolve_packaging::{FormatOption, Marker, PackageName, Requirement};
use mlresolve_solver::{Resolution, Resolved};
use mlresolve_target::{Platform, Target};

use crate::digest::{DEFAULT_PRERELEASE, DEFAULT_RESOLUTION, canonical};
use crate::direct::{Address, DirectPackage, Place, relative};
use crate::error::{Error, TwoFiles};
use crate::event::{Event, Watch};
use crate::prepare::{Prepared, requires_python};
use crate::request::LockRequest;
use crate::run::from_universe;
use crate::stand_ins::stand_ins;
use crate::universe::Universe;

/// Makes the lock of a resolution: for each package the one file that the target would use.
pub(crate) fn assemble(
    request: &LockRequest,
    prepared: &Prepared,
    universe: &Universe,
    resolution: &Resolution,
    digest: String,
    previous: Option<&Lock>,
    watch: &Watch,
) -> Result<Lock, Error> {
    let mut lock = Lock::new("mlresolve");
    lock.requires_python = requires_python(&prepared.target);
    lock.environments.extend(environment(&prepared.target));
    for (name, resolved) in &resolution.packages {
        lock.packages.push(package(prepared, universe, resolution, name, resolved, previous, watch)?);
    }
    lock.tool = Some(ToolSection {
        input_digest: Some(digest),
        requirements: prepared.requirements.iter().map(canonical).collect(),
        constraints: prepared.constraints.iter().map(canonical).collect(),
        overrides: prepared.overrides.given.iter().map(canonical).collect(),
        target: Some(target_section(&prepared.target, resolution)),
        options: options_section(request, prepared),
        warnings: stand_ins(universe, resolution)?,
        ..ToolSection::default()
    });
    lock.sort();
    Ok(lock)
}

/// The options that differ from the defaults.
fn options_section(request: &LockRequest, prepared: &Prepared) -> Option<OptionsSection> {
    let options = OptionsSection {
        exclude_newer: request.exclude_newer.as_ref().map(|text| text.trim().to_owned()),
        resolution: request.resolution.clone().filter(|mode| mode != DEFAULT_RESOLUTION),
        prerelease: request.prerelease.clone().filter(|mode| mode != DEFAULT_PRERELEASE),
        only_binary: prepared.judge.formats.list(FormatOption::OnlyBinary),
        no_binary: prepared.judge.formats.list(FormatOption::NoBinary),
        allow_build: prepared.allow_build.list(),
        providers: request.providers.iter().map(|(import, name)| format!("{import} = {name}")).collect(),
        allow_held_back: prepared.allow_held_back.iter().map(ToString::to_string).collect(),
        allow_overlap: prepared.allow_overlap.iter().map(ToString::to_string).collect(),
        any_cuda: prepared.any_cuda.iter().map(ToString::to_string).collect(),
        extras: prepared.extras.clone(),
        groups: prepared.groups.clone(),
        ..OptionsSection::default()
    };
    (options != OptionsSection::default()).then_some(options)
}

fn texts(requirements: &[Requirement]) -> Vec<String> {
    requirements.iter().map(ToString::to_string).collect()
}

fn target_section(target: &Target, resolution: &Resolution) -> TargetSection {
    TargetSection {
        name: Some(target.name().to_owned()),
        python: target.python().to_string(),
        platform: target.platform().to_string(),
        glibc: target.glibc().map(|glibc| glibc.to_string()),
        accelerator: target.accelerator().map(|accelerator| accelerator.to_string()),
        driver: target.driver().map(|driver| driver.to_string()),
        gpu: target.gpus().iter().map(|gpu| gpu.name.clone()).collect(),
        variant: resolution.variant.clone(),
        ..TargetSection::default()
    }
}

/// The marker that holds on the target and on no other platform.
fn environment(target: &Target) -> Option<Marker> {
    let system = match target.platform() {
        Platform::LinuxX86_64 | Platform::LinuxAarch64 => "Linux",
        Platform::MacOsArm64 => "Darwin",
    };
    let machine = target.platform().machine();
    let python = target.python().short();
    let marker = format!(
        "platform_system == '{system}' and platform_machine == '{machine}' and python_version == '{python}'"
    );
    marker.parse().ok()
}

fn package(
    prepared: &Prepared,
    universe: &Universe,
    resolution: &Resolution,
    name: &PackageName,
    resolved: &Resolved,
    previous: Option<&Lock>,
    watch: &Watch,
) -> Result<Package, Error> {
    if let Some(direct) = prepared.directs.get(name) {
        return direct_package(prepared, universe, resolution, direct, resolved);
    }
    let missing = || Error::Internal(format!("no file was chosen for {name} {}", resolved.version));
    let file = universe.file(name, &resolved.version).map_err(from_universe)?.ok_or_else(missing)?;
    let builds = universe.builds(name).map_err(from_universe)?;
    if let Some(builds) = &builds
        && let Some(other) = builds.disagreement(&resolved.version, &file).map_err(from_universe)?
    {
        return Err(Error::TwoFiles(Box::new(TwoFiles::new(&file, &other))));
    }
    let requirements =
        universe.requirements(name, &resolved.version, &resolved.extras).map_err(from_universe)?;
    let mut package = Package::new(name.clone());
    package.version = Some(resolved.version.clone());
    package.index = file.index.is_by_project().then(|| file.index.public_url().to_string());
    let metadata = universe.metadata(&file).map_err(from_universe)?.ok();
    package.requires_python = metadata.as_ref().and_then(|metadata| metadata.core.requires_python.clone());
    package.dependencies = dependencies(resolution, prepared, name, &requirements);
    // PyTorch's index announces no hash of many large files, which are not downloaded again for that. Any other index that
    // hides a hash is asked for the bytes.
    let known = || {
        let kept = universe.hashed_before(&file).map(|(digest, bytes)| (digest, Some(bytes)));
        kept.or_else(|| previous.and_then(|previous| locked_digest(previous, name, &file)))
    };
    let locked = builds.is_some().then(known).flatten();
    let wheel = wheel(universe, &file, locked, prepared.directs.root(), watch)?;
    if is_renamed(&file, metadata.as_deref()) {
        let Wheel { upload_time, url, path, size, hashes, .. } = wheel;
        package.index = None;
        package.archive = Some(Archive { url, path, size, upload_time, hashes, subdirectory: None });
    } else if file.wheel.is_some() {
        package.wheels.push(wheel);
    } else {
        let Wheel { name, upload_time, url, path, size, hashes } = wheel;
        package.sdist = Some(Sdist { name, upload_time, url, path, size, hashes });
    }
    package.tool = Some(PackageTool {
        requires: texts(&requirements),
        extras: resolved.extras.iter().cloned().collect(),
        metadata: metadata.map(|metadata| metadata.origin.to_string()),
        ..PackageTool::default()
    });
    Ok(package)
}

/// Whether a wheel has another version in its name than inside. pip installs such a wheel by its address alone.
fn is_renamed(file: &File, metadata: Option<&FileMetadata>) -> bool {
    let wheel = file.wheel.as_ref();
    wheel.zip(metadata).is_some_and(|(wheel, metadata)| wheel.version != metadata.core.version)
}

/// The entry of a package that is required by address: an archive, a folder or a commit.
fn direct_package(
    prepared: &Prepared,
    universe: &Universe,
    resolution: &Resolution,
    direct: &DirectPackage,
    resolved: &Resolved,
) -> Result<Package, Error> {
    let requirements =
        universe.requirements(&direct.name, &resolved.version, &resolved.extras).map_err(from_universe)?;
    let mut package = Package::new(direct.name.clone());
    package.version = direct.version.clone();
    package.requires_python = direct.metadata.requires_python.clone();
    package.dependencies = dependencies(resolution, prepared, &direct.name, &requirements);
    let path = |path: &Path| relative(path, prepared.directs.root());
    let subdirectory = direct.address.fragment().subdirectory.clone();
    match (&direct.address, &direct.place) {
        (Address::Git { url, revision, .. }, Place::Commit(commit)) => {
            let local = url.local_path();
            package.vcs = Some(Vcs {
                system: "git".to_owned(),
                url: local.is_none().then(|| url.public().to_string()),
                path: local.as_deref().map(path),
                requested_revision: revision.clone(),
                commit_id: commit.clone(),
                subdirectory,
            });
        }
        (Address::Folder { path: folder, editable, .. }, Place::Folder) => {
            package.directory =
                Some(Directory { path: path(folder), editable: editable.then_some(true), subdirectory });
        }
        (Address::Web { .. } | Address::File { .. }, Place::File { hashes, size }) => {
            let (url, file) = match &direct.address {
                Address::Web { url, .. } => (Some(url.public().to_string()), None),
                Address::File { path: file, .. } => (None, Some(path(file))),
                _ => (None, None),
            };
            package.archive = Some(Archive {
                url,
                path: file,
                size: Some(*size),
                upload_time: None,
                hashes: hashes.clone(),
                subdirectory,
            });
        }
        _ => return Err(Error::Internal(format!("{} was not fetched as it was asked for", direct.name))),
    }
    package.tool = Some(PackageTool {
        requires: texts(&requirements),
        extras: resolved.extras.iter().cloned().collect(),
        metadata: Some(direct.origin.as_str().to_owned()),
        ..PackageTool::default()
    });
    Ok(package)
}

/// The locked packages that a package requires, each once.
fn dependencies(
    resolution: &Resolution,
    prepared: &Prepared,
    name: &PackageName,
    requirements: &[Requirement],
) -> Vec<Dependency> {
    let mut found: BTreeMap<PackageName, Dependency> = BTreeMap::new();
    for requirement in requirements.iter().filter(|requirement| requirement.name != *name) {
        let Some(resolved) = resolution.packages.get(&requirement.name) else { continue };
        let dependency = found.entry(requirement.name.clone()).or_insert_with(|| {
            let direct = prepared.directs.get(&requirement.name);
            let version =
                direct.map_or_else(|| Some(resolved.version.clone()), |direct| direct.version.clone());
            Dependency { name: requirement.name.clone(), version, extras: Vec::new() }
        });
        dependency.extras.extend(requirement.extras.iter().cloned());
    }
    found.into_values().collect()
}

/// The digest and the size of a file that a lock holds already.
fn locked_digest(lock: &Lock, name: &PackageName, file: &File) -> Option<(String, Option<u64>)> {
    let files = lock.packages_named(name).flat_map(|package| {
        let wheels = package.wheels.iter().map(|wheel| (&wheel.name, &wheel.url, &wheel.hashes, wheel.size));
        let sdist = package.sdist.iter().map(|sdist| (&sdist.name, &sdist.url, &sdist.hashes, sdist.size));
        wheels.chain(sdist)
    });
    let mut same =
        files.filter(|(name, url, _, _)| **name == file.filename && url.as_deref() == Some(&file.url));
    same.find_map(|(_, _, hashes, size)| Some((hashes.get("sha256")?.clone(), size)))
}

/// The entry of a wheel; `locked` is what is known of its bytes from the lock that is renewed.
fn wheel(
    universe: &Universe,
    file: &File,
    locked: Option<(String, Option<u64>)>,
    root: &Path,
    watch: &Watch,
) -> Result<Wheel, Error> {
    let mut hashes = BTreeMap::new();
    for (algorithm, digest) in &file.hashes.others {
        if matches!(algorithm.as_str(), "sha384" | "sha512") {
            hashes.insert(algorithm.clone(), digest.clone());
        }
    }
    let mut size = file.size;
    match file.sha256() {
        Some(digest) => drop(hashes.insert("sha256".to_owned(), digest.to_owned())),
        None if hashes.is_empty() => {
            let (digest, bytes) = match locked {
                Some(locked) => locked,
                None => hash_by_download(universe, file, watch)?,
            };
            hashes.insert("sha256".to_owned(), digest);
            size = size.or(bytes);
        }
        None => {}
    }
    let local = file.local_path();
    Ok(Wheel {
        name: file.filename.clone(),
        upload_time: file.upload_time,
        // A query can be a signature or a token, which a lock must not hold.
        url: file.url.split('?').next().filter(|_| local.is_none()).map(str::to_owned),
        path: local.map(|path| relative(&path, root)),
        size,
        hashes,
    })
}

/// Some indexes announce no hash. A lock must hold one, so the file is fetched once and hashed.
fn hash_by_download(universe: &Universe, file: &File, watch: &Watch) -> Result<(String, Option<u64>), Error> {
    if let Some((digest, bytes)) = universe.hashed(file) {
        return Ok((digest, Some(bytes)));
    }
    watch.tell(Event::Hashing { file: file.filename.clone() });
    let failed = |reason: String| Error::NoHash { file: file.filename.clone(), reason };
    let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let path = folder.path().join("download");
    let downloaded = universe.wait(universe.client().download(file, &path)).map_err(from_universe)?;
    let downloaded = downloaded.map_err(|error| failed(error.to_string()))?;
    universe.note_hashed(file, &downloaded.sha256, downloaded.bytes);
    Ok((downloaded.sha256, Some(downloaded.bytes)))
}
