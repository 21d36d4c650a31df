use super::text::{self, Inline, Writer};
use super::tool;
use crate::model::{Archive, Dependency, Directory, HashTable, Package, Sdist, Vcs, Wheel};

pub(super) fn write(out: &mut Writer, package: &Package) {
    out.string("name", &package.name);
    out.optional("version", package.version.as_ref());
    out.optional("marker", package.marker.as_ref());
    out.optional("requires-python", package.requires_python.as_ref());
    out.lines("dependencies", package.dependencies.iter().map(dependency));
    if let Some(vcs_source) = &package.vcs {
        out.raw("vcs", &vcs(vcs_source));
    }
    if let Some(tree) = &package.directory {
        out.raw("directory", &directory(tree));
    }
    if let Some(file) = &package.archive {
        out.raw("archive", &archive(file));
    }
    out.optional("index", package.index.as_ref());
    if let Some(file) = &package.sdist {
        out.raw("sdist", &sdist(file));
    }
    out.lines("wheels", package.wheels.iter().map(wheel));
    out.lines("attestation-identities", package.attestation_identities.iter().map(text::inline_table));
    if let Some(section) = &package.tool {
        tool::of_package(out, section);
    }
    for (name, table) in &package.other_tools {
        out.header(&format!("[packages.tool.{}]", text::key(name)));
        out.table(table);
    }
}

fn dependency(dependency: &Dependency) -> String {
    let extras = (!dependency.extras.is_empty()).then(|| text::array(&dependency.extras));
    Inline::default()
        .string("name", &dependency.name)
        .optional("version", dependency.version.as_ref())
        .optional_raw("extras", extras)
        .finish()
}

fn wheel(wheel: &Wheel) -> String {
    Inline::default()
        .string("name", &wheel.name)
        .optional_raw("upload-time", wheel.upload_time)
        .optional("url", wheel.url.as_ref())
        .optional("path", wheel.path.as_ref())
        .optional_raw("size", wheel.size)
        .raw("hashes", hashes(&wheel.hashes))
        .finish()
}

fn sdist(sdist: &Sdist) -> String {
    Inline::default()
        .string("name", &sdist.name)
        .optional_raw("upload-time", sdist.upload_time)
        .optional("url", sdist.url.as_ref())
        .optional("path", sdist.path.as_ref())
        .optional_raw("size", sdist.size)
        .raw("hashes", hashes(&sdist.hashes))
        .finish()
}

fn archive(archive: &Archive) -> String {
    Inline::default()
        .optional("url", archive.url.as_ref())
        .optional("path", archive.path.as_ref())
        .optional_raw("size", archive.size)
        .optional_raw("upload-time", archive.upload_time)
        .raw("hashes", hashes(&archive.hashes))
        .optional("subdirectory", archive.subdirectory.as_ref())
        .finish()
}

fn vcs(vcs: &Vcs) -> String {
    Inline::default()
        .string("type", &vcs.system)
        .optional("url", vcs.url.as_ref())
        .optional("path", vcs.path.as_ref())
        .optional("requested-revision", vcs.requested_revision.as_ref())
        .string("commit-id", &vcs.commit_id)
        .optional("subdirectory", vcs.subdirectory.as_ref())
        .finish()
}

fn directory(directory: &Directory) -> String {
    Inline::default()
        .string("path", &directory.path)
        .optional_raw("editable", directory.editable)
        .optional("subdirectory", directory.subdirectory.as_ref())
        .finish()
}

fn hashes(hashes: &HashTable) -> String {
    let table = hashes
        .iter()
        .fold(Inline::default(), |table, (algorithm, digest)| table.string(&text::key(algorithm), digest));
    table.finish()
}
