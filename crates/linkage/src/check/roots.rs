use std::collections::BTreeSet;

use super::{Options, tables};
use crate::world::FileNode;
use crate::{Kind, LibraryFacts, Owner, World};

/// What a library of a package is to Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// An extension module by its name, or a library that its package is known to load.
    Root,
    /// Something that is loaded for others, by other means, or never.
    Other,
    /// An extension module for another Python.
    Foreign,
}

/// A library of a package.
pub(super) struct Library<'world> {
    pub(super) path: &'world str,
    pub(super) package: &'world str,
    pub(super) facts: &'world LibraryFacts,
    pub(super) role: Role,
}

/// The libraries of packages, in the order of their paths.
pub(super) fn libraries<'world>(world: &'world World, options: &Options) -> Vec<Library<'world>> {
    let python_folders: BTreeSet<&str> = world
        .files()
        .filter(|(path, _)| path.ends_with(".py"))
        .filter_map(|(path, _)| Some(path.rsplit_once('/')?.0))
        .collect();
    let library = |(path, file): (&'world str, &'world FileNode)| {
        let (Owner::Package(package), Some(facts)) = (&file.owner, &file.facts) else { return None };
        let (folder, name) = path.rsplit_once('/')?;
        let beside_python = python_folders.contains(folder);
        let mut role = role(name, facts, beside_python, options.python);
        if role == Role::Other && tables::is_loaded(package, path) {
            role = Role::Root;
        }
        (facts.kind == Kind::Library).then_some(Library { path, package, facts, role })
    };
    world.files().filter_map(library).collect()
}

/// By the names that Python's import system looks for. A plain `NAME.so` may be any library, so it has to have the entry of
/// a module of this name, or, where its names are too many to be looked through, lie beside Python's own files.
fn role(name: &str, facts: &LibraryFacts, beside_python: bool, python: Option<u8>) -> Role {
    let Some(stem) = name.strip_suffix(".so") else { return Role::Other };
    match stem.split_once('.') {
        Some((_, "abi3" | "abi3t")) => Role::Root,
        Some((_, tag)) if tag.starts_with("cpython-") => {
            let version = tag["cpython-".len()..].split(['-', '.']).next().unwrap_or_default();
            let minor = version.strip_prefix('3').map(|minor| minor.trim_end_matches('t'));
            match (python, minor.and_then(|minor| minor.parse::<u8>().ok())) {
                (Some(python), Some(minor)) if python != minor => Role::Foreign,
                _ => Role::Root,
            }
        }
        Some((_, tag)) if tag.starts_with("pypy") || tag.starts_with("graalpy") => Role::Foreign,
        Some(_) => Role::Other,
        None => match &facts.modules {
            Some(modules) if modules.iter().any(|module| module == stem) => Role::Root,
            None if beside_python && !stem.starts_with("lib") => Role::Root,
            _ => Role::Other,
        },
    }
}
