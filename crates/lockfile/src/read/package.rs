use mlresolve_packaging::{PackageName, Version, parse_version};

use super::section::Section;
use super::tool;
use crate::invalid::{InvalidLock, Problem};
use crate::model::{Archive, Dependency, Directory, Package, Sdist, Vcs, Wheel};
use crate::rules::Scheme;

/// Reads one entry of `packages`. `ours` says whether `tool.mlresolve` is of a known format.
pub(super) fn package(mut section: Section<'_>, ours: bool) -> Result<Package, InvalidLock> {
    let mut package = Package::new(name(&mut section)?);
    package.version = version(&mut section)?;
    package.marker = section.parsed("marker")?;
    package.requires_python = section.parsed("requires-python")?;
    for (position, entry) in section.tables("dependencies")?.into_iter().enumerate() {
        let key = format!("dependencies[{position}]");
        package.dependencies.push(dependency(section.inside(&key, entry))?);
    }
    package.vcs = section.section("vcs")?.map(vcs).transpose()?;
    package.directory = section.section("directory")?.map(directory).transpose()?;
    package.archive = section.section("archive")?.map(archive).transpose()?;
    package.index = section.address("index", Scheme::Web)?;
    package.sdist = section.section("sdist")?.map(sdist).transpose()?;
    for (position, entry) in section.tables("wheels")?.into_iter().enumerate() {
        package.wheels.push(wheel(section.inside(&format!("wheels[{position}]"), entry))?);
    }
    let identities = section.tables("attestation-identities")?;
    for (position, identity) in identities.iter().enumerate() {
        if !identity.contains_key("kind") {
            return Err(section.fault(&format!("attestation-identities[{position}].kind"), Problem::Missing));
        }
    }
    package.attestation_identities = identities;
    if let Some(tools) = section.section("tool")? {
        (package.tool, package.other_tools) = tool::of_package(tools, ours)?;
    }
    section.finish();
    Ok(package)
}

fn name(section: &mut Section<'_>) -> Result<PackageName, InvalidLock> {
    let text = section.string("name")?;
    let text = section.required("name", text)?;
    let name: PackageName = section.parse("name", &text)?;
    if name.as_str() == text {
        return Ok(name);
    }
    let normal = name.to_string();
    Err(section.fault("name", Problem::NotNormalized { found: text, normal }))
}

fn version(section: &mut Section<'_>) -> Result<Option<Version>, InvalidLock> {
    let Some(text) = section.string("version")? else { return Ok(None) };
    let version = parse_version(&text);
    version.map(Some).map_err(|error| section.fault("version", Problem::Malformed(error.to_string())))
}

/// A dependency names another entry by any of its keys (PEP 751); only name, version and extras are
/// of use, so that the rest is not even unknown.
fn dependency(mut section: Section<'_>) -> Result<Dependency, InvalidLock> {
    let name = name(&mut section)?;
    let version = version(&mut section)?;
    let extras = section.parsed_list("extras")?;
    Ok(Dependency { name, version, extras })
}

fn wheel(mut section: Section<'_>) -> Result<Wheel, InvalidLock> {
    let file = file(&mut section)?;
    section.finish();
    let File { name, upload_time, url, path, size, hashes } = file;
    Ok(Wheel { name, upload_time, url, path, size, hashes })
}

fn sdist(mut section: Section<'_>) -> Result<Sdist, InvalidLock> {
    let file = file(&mut section)?;
    section.finish();
    let File { name, upload_time, url, path, size, hashes } = file;
    Ok(Sdist { name, upload_time, url, path, size, hashes })
}

/// The keys that a wheel and an sdist share.
struct File {
    name: String,
    upload_time: Option<jiff::Timestamp>,
    url: Option<String>,
    path: Option<String>,
    size: Option<u64>,
    hashes: crate::model::HashTable,
}

fn file(section: &mut Section<'_>) -> Result<File, InvalidLock> {
    let name = section.string("name")?;
    let upload_time = section.time("upload-time")?;
    let url = section.address("url", Scheme::Web)?;
    let path = section.string("path")?;
    let size = section.size("size")?;
    let hashes = section.hashes("hashes")?;
    let inferred = || path.as_deref().and_then(path_name).or_else(|| url.as_deref().and_then(url_name));
    let name = section.required("name", name.or_else(inferred))?;
    Ok(File { name, upload_time, url, path, size, hashes })
}

fn archive(mut section: Section<'_>) -> Result<Archive, InvalidLock> {
    let archive = Archive {
        url: section.address("url", Scheme::Web)?,
        path: section.string("path")?,
        size: section.size("size")?,
        upload_time: section.time("upload-time")?,
        hashes: section.hashes("hashes")?,
        subdirectory: section.string("subdirectory")?,
    };
    section.finish();
    Ok(archive)
}

fn vcs(mut section: Section<'_>) -> Result<Vcs, InvalidLock> {
    let system = section.string("type")?;
    let commit_id = section.string("commit-id")?;
    let vcs = Vcs {
        system: section.required("type", system)?,
        url: section.address("url", Scheme::VersionControl)?,
        path: section.string("path")?,
        requested_revision: section.string("requested-revision")?,
        commit_id: section.required("commit-id", commit_id)?,
        subdirectory: section.string("subdirectory")?,
    };
    section.finish();
    Ok(vcs)
}

fn directory(mut section: Section<'_>) -> Result<Directory, InvalidLock> {
    let path = section.string("path")?;
    let directory = Directory {
        path: section.required("path", path)?,
        editable: section.boolean("editable")?,
        subdirectory: section.string("subdirectory")?,
    };
    section.finish();
    Ok(directory)
}

fn path_name(path: &str) -> Option<String> {
    path.rsplit(['/', '\\']).next().map(str::to_owned)
}

/// The last part of the address's path, its percent escapes undone (PEP 751, `packages.wheels.name`).
fn url_name(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let last = path.rsplit('/').next()?;
    let mut bytes = Vec::with_capacity(last.len());
    let mut rest = last.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| byte == b'%').and_then(|digits| str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty())
}
