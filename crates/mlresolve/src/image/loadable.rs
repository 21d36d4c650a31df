//! Whether what is in an image will load on its base: proven from the files, before anything is run.

use std::io::Read;
use std::sync::Arc;

use mlresolve_layers::Content;
use mlresolve_layers::listing::{EntryKind, FileTree};
use mlresolve_linkage::{
    Finding, Found, LibraryFacts, Machine, Options, Owner, Problem, Reader, Report, Severity, World, check,
    glibc_of,
};
use mlresolve_target::{Glibc, Platform, Target};

use super::base::Base;
use super::config::variable;
use super::contents::{Contents, newest_glibc};
use super::error::ImageError;
use super::interpreter::Interpreter;
use super::make::Made;

/// The largest library of a base that is held in memory to be read more than once, in bytes.
const LIBRARY_LIMIT: u64 = 64 * 1024 * 1024;

/// What stands for every library in `--allow-missing`.
const ALL: &str = ":all:";

/// The texts of a base that configure the loader, or say what the base is.
pub(crate) fn is_configuration(path: &str) -> bool {
    path == "etc/os-release"
        || path == "usr/lib/os-release"
        || path == "etc/ld.so.conf"
        || (path.starts_with("etc/ld.so.conf.d/") && path.ends_with(".conf"))
}

/// Whether a file of a base may be a library or a program that loads some, by its name.
pub(crate) fn may_be_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |name: &str| name.ends_with(".so") || name.contains(".so.");
    ends(name) || (name.starts_with("python3") && path.contains("bin/"))
}

/// What is known of a library of a base, as it is kept with the base's files.
pub(crate) fn noted(size: u64, content: &mut dyn Read) -> std::io::Result<Option<Vec<u8>>> {
    let facts = match size <= LIBRARY_LIMIT {
        true => {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            let mut reader = Reader::new();
            reader.feed(&bytes);
            let mut found = reader.finish();
            while let Found::Again(mut second) = found {
                second.feed(&bytes);
                found = second.finish();
            }
            found
        }
        false => {
            let mut reader = Reader::new();
            let mut chunk = vec![0; 256 * 1024];
            while !reader.is_finished() {
                match content.read(&mut chunk)? {
                    0 => break,
                    length => reader.feed(&chunk[..length]),
                }
            }
            reader.finish()
        }
    };
    Ok(match facts {
        Found::Facts(facts) => postcard::to_stdvec(&facts).ok(),
        Found::NotElf | Found::Again(_) => None,
    })
}

/// The files of an image as the dynamic loader sees them.
pub(crate) fn world(base: &FileTree, interpreter: Option<&Interpreter>, made: &[Made]) -> World {
    let mut world = World::new();
    for (path, entry) in base.iter() {
        match &entry.kind {
            EntryKind::File { note: Some(note), .. } if is_configuration(&path) => {
                world.add_text(&path, &String::from_utf8_lossy(note));
            }
            EntryKind::File { note: Some(note), .. } if may_be_library(&path) => {
                let facts: Option<LibraryFacts> = postcard::from_bytes(note).ok();
                world.add_file(&path, Owner::Base, facts.map(Arc::new));
            }
            EntryKind::File { .. } if may_be_library(&path) => world.add_file(&path, Owner::Base, None),
            EntryKind::Symlink { target } => world.add_symlink(&path, target),
            _ => {}
        }
    }
    for (path, facts) in interpreter.into_iter().flat_map(|interpreter| &interpreter.libraries) {
        world.add_file(path, Owner::Base, facts.clone().map(Arc::new));
    }
    let links = interpreter.into_iter().flat_map(|interpreter| &interpreter.files);
    for file in links {
        if let Content::Symlink(target) = &file.content {
            world.add_symlink(&file.path, target);
        }
    }
    for package in made.iter().flat_map(|made| &made.layer.packages) {
        let owner = Owner::package(&package.name);
        for file in &package.files {
            if file.library.is_some() || file.path.ends_with(".py") {
                let facts = file.library.as_deref().cloned().map(Arc::new);
                world.add_file(&file.path, owner.clone(), facts);
            }
        }
    }
    world
}

/// The processor of a target, as ELF files name it.
pub(crate) fn machine(target: &Target) -> Machine {
    match target.platform() {
        Platform::LinuxAarch64 => Machine::Aarch64,
        _ => Machine::X86_64,
    }
}

/// What would not load of an image, and how much that matters.
pub(crate) fn examine(base: &Base, contents: &Contents, made: &[Made]) -> Report {
    let library_path = variable(&base.image.config, "LD_LIBRARY_PATH").unwrap_or_default();
    let options = Options {
        python: Some(contents.target.python().minor()),
        interpreter: Some(base.python.executable.clone()),
        library_path: library_path
            .split(':')
            .filter(|folder| !folder.is_empty())
            .map(str::to_owned)
            .collect(),
        ..Options::new(machine(&contents.target))
    };
    check(&world(&base.files, base.interpreter.as_ref(), made), &options)
}

/// Refuses a base whose glibc is older than what the wheels of a lock are built for.
pub(crate) fn refuse_old_glibc(base: &Base, contents: &Contents) -> Result<(), ImageError> {
    let found = glibc_of(&world(&base.files, base.interpreter.as_ref(), &[]), machine(&contents.target));
    let packages: Vec<_> = contents.packages.iter().map(|package| package.package.clone()).collect();
    let needed: Option<Glibc> = newest_glibc(&packages).and_then(|text| text.parse().ok());
    let refused = |problem: String| {
        ImageError::Refused(format!("the base {} cannot be used: {problem}", base.image.name))
    };
    let Some(found) = found.and_then(|text| text.parse::<Glibc>().ok()) else {
        // Without one, nothing that is compiled loads; Alpine and its like are built on another C library.
        return match needed {
            None => Ok(()),
            Some(needed) => Err(refused(format!(
                "it has no glibc, and the lock's wheels need {needed} or newer; take a base with one, such as one made from \
                 Debian"
            ))),
        };
    };
    if let Some(needed) = needed.filter(|needed| *needed > found) {
        let names: Vec<String> = contents
            .packages
            .iter()
            .filter(|package| {
                let needs = newest_glibc(std::slice::from_ref(&package.package));
                needs.and_then(|text| text.parse::<Glibc>().ok()).is_some_and(|needs| needs > found)
            })
            .map(super::contents::LockedPackage::named)
            .collect();
        return Err(refused(format!(
            "its glibc is {found}, and {} needs {needed} or newer; take a newer base, or lock for it with --glibc {found}",
            names.join(", ")
        )));
    }
    Ok(())
}

/// Refuses wheels that were built here and need a newer glibc than the lock's target has: they are what this machine made.
pub(crate) fn refuse_newer_than_target(contents: &Contents, made: &[Made]) -> Result<(), ImageError> {
    let Some(target) = contents.target.glibc() else { return Ok(()) };
    let is_built = |name: &str| {
        contents.packages.iter().any(|package| package.is_built && package.name.as_str() == name)
    };
    for package in made.iter().flat_map(|made| &made.layer.packages).filter(|package| is_built(&package.name))
    {
        for file in &package.files {
            let requires = file.library.iter().flat_map(|facts| &facts.requires);
            let versions = requires.flat_map(|required| &required.versions).filter(|version| !version.weak);
            let needed = versions
                .filter_map(|version| version.name.strip_prefix("GLIBC_")?.parse::<Glibc>().ok())
                .max();
            if let Some(needed) = needed.filter(|needed| *needed > target) {
                return Err(ImageError::Mismatch(format!(
                    "{} was built here and needs glibc {needed} ({}), and the lock is for {target}; build it on a system as old \
                     as that, or lock with --glibc {needed}",
                    package.name, file.path
                )));
            }
        }
    }
    Ok(())
}

/// The findings that keep an image from being written: what does not load and is not allowed to be missing.
pub(crate) fn failures<'r>(report: &'r Report, allowed: &[String]) -> Vec<&'r Finding> {
    let is_allowed = |finding: &Finding| {
        let names: Vec<&String> = match &finding.problem {
            Problem::Missing { names } | Problem::NoneOf { names, .. } => names.iter().collect(),
            Problem::Version { library, .. } => vec![library],
            _ => Vec::new(),
        };
        allowed.iter().any(|name| name == ALL)
            || (!names.is_empty() && names.iter().all(|name| allowed.contains(name)))
    };
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.filter(|finding| !is_allowed(finding)).collect()
}
