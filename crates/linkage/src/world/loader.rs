use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::World;
use crate::{Class, LibraryFacts, Machine};

/// Finds libraries as the dynamic loader of glibc does (`ld.so(8)`). Folders for single kinds of processors
/// (`glibc-hwcaps`) are not looked at: what lies there lies in their parents too.
pub(crate) struct Loader<'world> {
    world: &'world World,
    machine: Machine,
    library_path: Vec<String>,
    system: Vec<String>,
    /// Where folders lead to.
    real: RefCell<HashMap<String, Option<String>>>,
}

/// A library at the place where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Place<'world> {
    /// The path by which it is opened, from which `$ORIGIN` follows.
    pub(crate) opened: String,
    /// The path without symlinks.
    pub(crate) real: String,
    pub(crate) facts: &'world Arc<LibraryFacts>,
}

impl Place<'_> {
    fn origin(&self) -> &str {
        self.opened.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

impl<'world> Loader<'world> {
    pub(crate) fn new(world: &'world World, machine: Machine, library_path: &[String]) -> Self {
        let triplet = match machine {
            Machine::Aarch64 => "aarch64-linux-gnu",
            Machine::X86_64 | Machine::Other(_) => "x86_64-linux-gnu",
        };
        let mut system = world.configured_folders();
        system.extend([format!("/lib/{triplet}"), format!("/usr/lib/{triplet}")]);
        system.extend(["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(str::to_owned));
        // Empty parts stand for the working folder, which is unknown.
        let library_path =
            library_path.iter().filter(|folder| folder.starts_with(['/', '$'])).cloned().collect();
        Self { world, machine, library_path, system, real: RefCell::default() }
    }

    /// The library at a path, if it is for the machine.
    pub(crate) fn open(&self, path: &str) -> Option<Place<'world>> {
        let (folder, name) = path.rsplit_once('/')?;
        let mut known = self.real.borrow_mut();
        let folder = match known.get(folder) {
            Some(folder) => folder.clone(),
            None => known.entry(folder.to_owned()).or_insert(self.world.real(folder)).clone(),
        };
        let inside = format!("{}/{name}", folder?);
        let real = match self.world.file(&inside) {
            Some(_) => inside,
            None => self.world.real(&inside)?,
        };
        let facts = self.world.file(&real)?.facts.as_ref()?;
        let fits = facts.class == Class::Bits64 && facts.machine == self.machine;
        fits.then(|| Place { opened: path.to_owned(), real, facts })
    }

    /// Finds a library that the first of `chain` needs. The others are what that one was loaded for, up to the program.
    pub(crate) fn find(&self, name: &str, chain: &[&Place<'world>]) -> Option<Place<'world>> {
        if name.starts_with('/') {
            return self.open(name);
        }
        let asking = chain.first()?;
        if name.contains('/') {
            // Relative to the working folder, unless it begins with `$ORIGIN`.
            return self.expanded(name, asking).find_map(|path| self.open(&path));
        }
        let inherits = asking.facts.runpath.is_empty();
        let ancestors = chain.iter().filter(|place| inherits && place.facts.runpath.is_empty());
        let inherited =
            ancestors.flat_map(|place| place.facts.rpath.iter().map(move |folder| (*place, folder)));
        let library_path = self.library_path.iter().map(|folder| (*asking, folder));
        let own = asking.facts.runpath.iter().map(|folder| (*asking, folder));
        let system = self.system.iter().map(|folder| (*asking, folder));
        let folders = inherited.chain(library_path).chain(own).chain(system);
        folders
            .flat_map(|(place, folder)| self.expanded(folder, place))
            .find_map(|folder| self.open(&format!("{}/{name}", folder.trim_end_matches('/'))))
    }

    /// Finds a library that a program asks for by name.
    pub(crate) fn find_by_name(&self, name: &str) -> Option<Place<'world>> {
        let folders = self.library_path.iter().chain(&self.system);
        folders.into_iter().find_map(|folder| self.open(&format!("{}/{name}", folder.trim_end_matches('/'))))
    }

    /// A folder as `place` means it; none where it is relative to the working folder. Which of two folders `$LIB` stands for
    /// was settled when glibc was built, so both are given.
    fn expanded(&self, folder: &str, place: &Place<'world>) -> impl Iterator<Item = String> + use<> {
        let triplet = if self.machine == Machine::Aarch64 { "aarch64" } else { "x86_64" };
        let expand = |folder: &str, token: &str, value: &str| {
            let (braces, plain) = (format!("${{{token}}}"), format!("${token}"));
            folder.replace(&braces, value).replace(&plain, value)
        };
        let folder = expand(folder, "ORIGIN", place.origin());
        let folder = expand(&folder, "PLATFORM", triplet);
        let libraries = [format!("lib/{triplet}-linux-gnu"), "lib64".to_owned()];
        let mut folders: Vec<String> = libraries.map(|value| expand(&folder, "LIB", &value)).into();
        folders.dedup();
        folders.into_iter().filter(|folder| folder.starts_with('/'))
    }
}
