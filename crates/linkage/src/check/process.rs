use std::collections::HashMap;
use std::rc::Rc;

use crate::world::{Loader, Place};

/// What a process has loaded, and what it would miss.
#[derive(Debug, Clone, Default)]
pub(super) struct Process<'world> {
    objects: Vec<Object<'world>>,
    /// The objects by every name that they are known by: sonames, and names by which they were found.
    names: HashMap<String, usize>,
    real: HashMap<String, usize>,
}

/// A library that a process has loaded.
#[derive(Debug, Clone)]
pub(super) struct Object<'world> {
    pub(super) place: Rc<Place<'world>>,
    /// What it was loaded for.
    parent: Option<usize>,
    /// Names of what it needs that was not found.
    pub(super) missing: Vec<&'world str>,
    /// What it needs a newer one of.
    pub(super) outdated: Vec<Outdated<'world>>,
}

/// A version that is needed of a library that does not have it.
#[derive(Debug, Clone)]
pub(super) struct Outdated<'world> {
    pub(super) library: &'world str,
    pub(super) found: Rc<Place<'world>>,
    pub(super) needed: &'world str,
}

impl<'world> Process<'world> {
    /// Loads a library with all that it needs, each before what it needs itself, and says what came of each that was not
    /// loaded before.
    pub(super) fn load(&mut self, loader: &Loader<'world>, place: Place<'world>) -> &[Object<'world>] {
        let first = self.objects.len();
        if self.real.contains_key(&place.real) {
            return &[];
        }
        self.push(place, None);
        let mut at = first;
        while at < self.objects.len() {
            self.load_needed(loader, at);
            at += 1;
        }
        for at in first..self.objects.len() {
            self.objects[at].outdated = self.outdated(at);
        }
        &self.objects[first..]
    }

    fn push(&mut self, place: Place<'world>, parent: Option<usize>) -> usize {
        let at = self.objects.len();
        if let Some(soname) = &place.facts.soname {
            self.names.entry(soname.clone()).or_insert(at);
        }
        self.real.insert(place.real.clone(), at);
        self.objects.push(Object {
            place: Rc::new(place),
            parent,
            missing: Vec::new(),
            outdated: Vec::new(),
        });
        at
    }

    fn load_needed(&mut self, loader: &Loader<'world>, at: usize) {
        let asking = self.objects[at].place.facts;
        for name in &asking.needed {
            if self.names.contains_key(name) {
                continue;
            }
            let chain: Vec<Rc<Place<'world>>> = self.chain(at);
            let chain: Vec<&Place<'world>> = chain.iter().map(Rc::as_ref).collect();
            let Some(found) = loader.find(name, &chain) else {
                self.objects[at].missing.push(name);
                continue;
            };
            let known = self.real.get(&found.real).copied();
            let found = known.unwrap_or_else(|| self.push(found, Some(at)));
            self.names.insert(name.clone(), found);
        }
    }

    /// An object, what it was loaded for, and so on up to the program.
    fn chain(&self, at: usize) -> Vec<Rc<Place<'world>>> {
        let mut chain = Vec::new();
        let mut next = Some(at);
        while let Some(at) = next {
            chain.push(Rc::clone(&self.objects[at].place));
            next = self.objects[at].parent;
        }
        if let Some(program) = self.objects.first().filter(|_| chain.len() < self.objects.len()) {
            chain.push(Rc::clone(&program.place));
        }
        chain
    }

    fn outdated(&self, at: usize) -> Vec<Outdated<'world>> {
        let mut outdated = Vec::new();
        for required in &self.objects[at].place.facts.requires {
            let Some(found) = self.names.get(&required.library) else { continue };
            let found = &self.objects[*found].place;
            // Without any version the loader warns and goes on.
            if found.facts.provides.is_empty() || found.facts.fault.is_some() {
                continue;
            }
            let lacking = required
                .versions
                .iter()
                .filter(|version| !version.weak && !found.facts.provides.contains(&version.name));
            outdated.extend(lacking.map(|version| Outdated {
                library: &required.library,
                found: Rc::clone(found),
                needed: &version.name,
            }));
        }
        outdated
    }
}
