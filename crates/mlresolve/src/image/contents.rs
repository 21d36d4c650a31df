//! What of a lock goes into an image: one file of each package, for one machine.

use std::path::{Path, PathBuf};

use mlresolve_index::{IndexUrl, LockedFile};
use mlresolve_layers::Digest;
use mlresolve_layers::plan::{Plan, PlanPackage, plan};
use mlresolve_lockfile::{Package, Wheel, select};
use mlresolve_packaging::{PackageName, Version, WheelFilename};
use mlresolve_target::Target;
use url::Url;

use super::error::ImageError;
use crate::dockerfile::{locked_machine, locked_python};
use crate::error::Error;
use crate::locks::OpenLock;
use crate::prepare::read_target;
use crate::request::TargetRequest;

/// The packages of an image, and the machine that they are for.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    pub(crate) target: Target,
    /// In the order of the lock.
    pub(crate) packages: Vec<LockedPackage>,
}

/// A package of an image.
#[derive(Debug, Clone)]
pub(crate) struct LockedPackage {
    pub(crate) name: PackageName,
    pub(crate) version: Option<Version>,
    /// Its wheel; `None` where it is still to be built from `package`.
    pub(crate) wheel: Option<LockedWheel>,
    /// Whether its wheel is one that is built here.
    pub(crate) is_built: bool,
    /// What the lock says of it.
    pub(crate) package: Package,
}

/// A wheel of a lock.
#[derive(Debug, Clone)]
pub(crate) struct LockedWheel {
    pub(crate) filename: String,
    pub(crate) place: Place,
    /// In bytes.
    pub(crate) size: Option<u64>,
    pub(crate) digest: Digest,
}

/// Where a file of a lock is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// On the web, with the index that it is of.
    Web { url: String, index: Option<String> },
    /// On this machine's disk.
    Disk(PathBuf),
}

impl Contents {
    /// What a lock installs on the machine that it is for.
    pub(crate) fn of(open: &OpenLock) -> Result<Self, Error> {
        let target = target_of(open)?;
        let refused = |problem: String| Error::input(open.path.display().to_string(), problem);
        let declares_target = open.lock.tool.as_ref().is_some_and(|tool| tool.target.is_some());
        let selected: Vec<&Package> = match declares_target {
            // Locked for this very machine: all of it, whichever release of the minor version a package asks for.
            true => open.lock.packages.iter().collect(),
            false => {
                let mut environment = target.marker_environment();
                // Which release of Python the base has is not known, so none is too old.
                environment.python_full_version =
                    format!("{}.99", target.python().short().trim_end_matches('t'));
                select(&open.lock, &environment, &[], None).map_err(|error| refused(error.to_string()))?
            }
        };
        let root = open.path.parent().unwrap_or(Path::new(""));
        let packages = selected.into_iter().map(|package| {
            let wheel = wheel_of(package, &target, root).map_err(refused)?;
            Ok(LockedPackage {
                name: package.name.clone(),
                version: package.version.clone(),
                is_built: wheel.is_none(),
                wheel,
                package: package.clone(),
            })
        });
        Ok(Self { packages: packages.collect::<Result<_, Error>>()?, target })
    }

    /// The version of Python as folders are named by it: `3.12` or `3.13t`.
    pub(crate) fn python(&self) -> String {
        let python = self.target.python();
        let flag = if python.is_free_threaded() { "t" } else { "" };
        format!("{}.{}{flag}", python.major(), python.minor())
    }

    /// Which package goes into which layer.
    pub(crate) fn plan(&self) -> Result<Plan, ImageError> {
        let packages: Vec<PlanPackage> = self.packages.iter().map(LockedPackage::planned).collect();
        Ok(plan(&packages)?)
    }
}

impl LockedPackage {
    fn planned(&self) -> PlanPackage {
        let source = || self.package.sdist.as_ref().and_then(|sdist| sdist.size);
        PlanPackage {
            name: self.name.to_string(),
            wheel_bytes: self.wheel.as_ref().map_or_else(source, |wheel| wheel.size).unwrap_or(0),
            // What is built has no digest before that.
            wheel: self.wheel.as_ref().map_or(Digest::of(b""), |wheel| wheel.digest),
            built: self.is_built,
        }
    }

    /// The package as people name it.
    pub(crate) fn named(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.to_string(),
        }
    }
}

impl LockedWheel {
    /// The wheel as the index side knows it, with the credentials of the index that it is of.
    pub(crate) fn locked_file(&self, indexes: &[IndexUrl]) -> Result<LockedFile, Error> {
        let (url, index) = match &self.place {
            Place::Web { url, index } => (url.clone(), Some(index_of(url, index.as_deref(), indexes)?)),
            Place::Disk(path) => (path.display().to_string(), None),
        };
        Ok(LockedFile {
            filename: self.filename.clone(),
            url,
            index,
            size: self.size,
            sha256: self.digest.hex(),
        })
    }
}

/// The index that a file is of: the one that the lock names, or one on the file's own host, as they are known here, with their
/// credentials.
fn index_of(url: &str, locked: Option<&str>, indexes: &[IndexUrl]) -> Result<IndexUrl, Error> {
    let of_origin =
        |index: &&IndexUrl| Url::parse(url).is_ok_and(|url| url.origin() == index.public_url().origin());
    let of_lock = |text: &str| indexes.iter().find(|index| index.public_url().as_str() == text);
    match locked.and_then(of_lock).or_else(|| indexes.iter().find(of_origin)) {
        Some(index) => Ok(index.clone()),
        None => locked.unwrap_or(url).parse().map_err(|error| Error::input("the lock", error)),
    }
}

/// The machine that a lock is for: the declared one, or in the lock of another tool what its markers and wheels leave.
fn target_of(open: &OpenLock) -> Result<Target, Error> {
    let refused = |problem: String| Error::input(open.path.display().to_string(), problem);
    let section = open.lock.tool.as_ref().and_then(|tool| tool.target.as_ref());
    let machine = locked_machine(&open.lock).map_err(|error| refused(error.to_string()))?;
    if let Some(section) = section {
        return read_target(&TargetRequest::recorded(section));
    }
    let (major, minor) = locked_python(&open.lock).map_err(|error| refused(error.to_string()))?;
    let python = format!("{major}.{minor}");
    // The lock of another tool says nothing of glibc: the newest that its wheels ask for is the least that will do.
    let request = TargetRequest {
        python,
        platform: format!("linux-{machine}"),
        glibc: newest_glibc(&open.lock.packages),
        ..TargetRequest::default()
    };
    read_target(&request)
}

/// The newest glibc that is the oldest one for some package.
pub(crate) fn newest_glibc(packages: &[Package]) -> Option<String> {
    let of_wheel = |wheel: &Wheel| {
        let name = wheel.name.parse::<WheelFilename>().ok()?;
        let versions = name.platform.iter().map(|tag| {
            let (major, rest) = tag.strip_prefix("manylinux_")?.split_once('_')?;
            let minor: u32 = rest.split_once('_')?.0.parse().ok()?;
            Some((major.parse::<u32>().ok()?, minor))
        });
        // A wheel with an older tag, or one for any platform, runs on any glibc.
        versions.collect::<Option<Vec<_>>>()?.into_iter().min()
    };
    let of_package = |package: &Package| {
        let versions: Option<Vec<(u32, u32)>> = package.wheels.iter().map(of_wheel).collect();
        versions?.into_iter().min()
    };
    let (major, minor) = packages.iter().filter_map(of_package).max()?;
    Some(format!("{major}.{minor}"))
}

/// The wheel of a package that is best for a machine; `None` where only a source will do.
fn wheel_of(package: &Package, target: &Target, root: &Path) -> Result<Option<LockedWheel>, String> {
    if let Some(archive) = &package.archive {
        let address = archive.url.as_deref().or(archive.path.as_deref()).unwrap_or_default();
        let filename = file_name(address);
        if !filename.ends_with(".whl") {
            return Ok(None);
        }
        let wheel = Wheel {
            name: filename,
            upload_time: archive.upload_time,
            url: archive.url.clone(),
            path: archive.path.clone(),
            size: archive.size,
            hashes: archive.hashes.clone(),
        };
        return locked(&wheel, package, root).map(Some);
    }
    let tags = target.tags();
    let mut best: Option<(u32, &Wheel)> = None;
    let mut mismatch = None;
    for wheel in &package.wheels {
        let name: WheelFilename = wheel.name.parse().map_err(|error| format!("{}: {error}", wheel.name))?;
        match tags.priority(&name) {
            Some(priority) if best.is_none_or(|(other, _)| priority < other) => {
                best = Some((priority, wheel));
            }
            Some(_) => {}
            None => mismatch = mismatch.or_else(|| tags.explain(&name)),
        }
    }
    match (best, mismatch) {
        (Some((_, wheel)), _) => locked(wheel, package, root).map(Some),
        (None, Some(mismatch)) if package.sdist.is_none() => {
            Err(format!("no wheel of {} fits the machine that the lock is for: it {mismatch}", package.name))
        }
        (None, _) => Ok(None),
    }
}

/// The name of the file at an address or a path.
pub(crate) fn file_name(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned()
}

fn locked(wheel: &Wheel, package: &Package, root: &Path) -> Result<LockedWheel, String> {
    let digest = wheel.hashes.get("sha256").and_then(|digits| format!("sha256:{digits}").parse().ok());
    let digest = digest.ok_or_else(|| {
        format!(
            "{} has no sha256 in the lock, by which layers are named; lock it anew with `mlresolve lock`",
            wheel.name
        )
    })?;
    let local = wheel.path.as_deref().map(|path| root.join(path)).or_else(|| {
        let url = wheel.url.as_deref().filter(|url| url.starts_with("file:"))?;
        Url::parse(url).ok()?.to_file_path().ok()
    });
    let place = match (local, &wheel.url) {
        (Some(path), _) => Place::Disk(path),
        (None, Some(url)) => Place::Web { url: url.clone(), index: package.index.clone() },
        (None, None) => return Err(format!("the lock does not say where {} is", wheel.name)),
    };
    Ok(LockedWheel { filename: wheel.name.clone(), place, size: wheel.size, digest })
}
