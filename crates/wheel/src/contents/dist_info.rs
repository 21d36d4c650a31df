//! Whose wheel it is: the file's name, the folder `.dist-info`, METADATA and WHEEL must agree.

use std::collections::BTreeSet;

use mlresolve_packaging::{PackageName, Version, WheelFilename, WheelMetadata, parse_version};

use crate::error::ContentsFault;
use crate::framing::Archive;
use crate::warning::Warning;

/// Finds the one `.dist-info` folder at the top of an archive and gives its name without the ending.
pub(super) fn find(archive: &Archive, filename: &WheelFilename) -> Result<String, ContentsFault> {
    let folders = archive.entries().iter().filter_map(|entry| match entry.name.split_once('/') {
        Some((folder, _)) => Some(folder),
        None => entry.is_folder.then_some(entry.name.as_str()),
    });
    let (mut infos, mut datas) = (BTreeSet::new(), BTreeSet::new());
    for folder in folders {
        let lowercase = folder.to_ascii_lowercase();
        if lowercase.ends_with(".dist-info") {
            infos.insert(folder);
        } else if lowercase.ends_with(".data") {
            datas.insert(folder);
        }
    }
    let mut infos = infos.into_iter();
    let info = infos.next().ok_or(ContentsFault::NoDistInfo)?;
    if let Some(second) = infos.next() {
        return Err(ContentsFault::TwoDistInfos(info.to_owned(), second.to_owned()));
    }
    let stem = info.strip_suffix(".dist-info").filter(|stem| {
        let identity = identity(stem);
        identity.is_some_and(|(name, version)| name == filename.name && is_version(&version, filename))
    });
    let Some(stem) = stem else {
        let (name, version) = (filename.name.clone(), filename.version.clone());
        return Err(ContentsFault::OtherDistInfo { folder: info.to_owned(), name, version });
    };
    // A folder that is no `{name}-{version}.data` is a package's own.
    let expected = format!("{stem}.data");
    let is_foreign = |folder: &&str| {
        let stem = &folder[..folder.len() - ".data".len()];
        **folder != expected && identity(stem).is_some()
    };
    if let Some(folder) = datas.into_iter().find(is_foreign) {
        return Err(ContentsFault::OtherData { folder: folder.to_owned(), expected });
    }
    Ok(stem.to_owned())
}

/// Whether what a wheel says is its version is the one of its name. Companions of torch are renamed after they were built,
/// to carry a local version that nothing in them has; uv takes these too.
fn is_version(found: &Version, filename: &WheelFilename) -> bool {
    *found == filename.version || *found == filename.version.clone().without_local()
}

fn identity(stem: &str) -> Option<(PackageName, Version)> {
    let (name, version) = stem.rsplit_once('-')?;
    Some((name.parse().ok()?, parse_version(version).ok()?))
}

/// More than any sound tag stands for, or all tags of a sound wheel.
const MOST: usize = 10_000;

/// Holds METADATA to be of the project and version of the file's name, and says whether its local version is in the name
/// alone.
pub(super) fn check_identity(
    (found_name, found_version): (PackageName, Version),
    filename: &WheelFilename,
) -> Result<Option<Warning>, ContentsFault> {
    let (name, version) = (filename.name.clone(), filename.version.clone());
    if found_name != name || !is_version(&found_version, filename) {
        return Err(ContentsFault::OtherMetadata { found_name, found_version, name, version });
    }
    let renamed = found_version != version;
    Ok(renamed.then_some(Warning::LocalVersion { in_name: version, in_metadata: found_version }))
}

/// What is odd about WHEEL.
pub(super) fn compare_wheel(metadata: &WheelMetadata, filename: &WheelFilename) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let (major, minor) = metadata.wheel_version;
    if (major, minor) > (1, 0) {
        warnings.push(Warning::FormatVersion(major, minor));
    }
    if metadata.root_is_purelib.is_none() {
        warnings.push(Warning::NoRootIsPurelib);
    }
    let in_name: BTreeSet<String> =
        filename.tags().map(|(python, abi, platform)| format!("{python}-{abi}-{platform}")).collect();
    let in_wheel: BTreeSet<String> = metadata.tags.iter().flat_map(|tag| expand(tag)).take(MOST).collect();
    if in_name != in_wheel {
        let only =
            |left: &BTreeSet<String>, right: &BTreeSet<String>| left.difference(right).cloned().collect();
        warnings.push(Warning::Tags {
            only_in_name: only(&in_name, &in_wheel),
            only_in_wheel: only(&in_wheel, &in_name),
        });
    }
    warnings
}

/// WHEEL should list every tag for itself, and some list compressed sets. What stands for too many is left as it is.
fn expand(tag: &str) -> Vec<String> {
    let parts: Vec<Vec<&str>> = tag.split('-').map(|part| part.split('.').collect()).collect();
    let [pythons, abis, platforms] = parts.as_slice() else { return vec![tag.to_owned()] };
    if pythons.len().saturating_mul(abis.len()).saturating_mul(platforms.len()) > MOST {
        return vec![tag.to_owned()];
    }
    let mut tags = Vec::new();
    for python in pythons {
        for abi in abis {
            tags.extend(platforms.iter().map(|platform| format!("{python}-{abi}-{platform}")));
        }
    }
    tags
}
