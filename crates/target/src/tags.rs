use std::fmt;

use mlresolve_packaging::filename::WheelFilename;
use rustc_hash::FxHashMap;

use crate::mismatch::Mismatch;
use crate::platform_tags::platform_tags;
use crate::target::System;
use crate::{Platform, PythonVersion};

/// One tag of a wheel (PEP 425).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag<'a> {
    /// The interpreter, such as `cp312` or `py3`.
    pub python: &'a str,
    /// The binary interface, such as `cp312`, `abi3` or `none`.
    pub abi: &'a str,
    /// The platform, such as `manylinux_2_28_x86_64` or `any`.
    pub platform: &'a str,
}

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// The wheel tags that a target's interpreter accepts, best first.
///
/// The list is that of PyPA's `packaging.tags` for the same interpreter: nearly a thousand tags. It is kept as what
/// it is made of, a short list of interpreters and interfaces, each with the same list of platforms, so that it is
/// cheap to build and answers with a few look-ups.
#[derive(Debug, Clone)]
pub struct Tags {
    pub(crate) platform: Platform,
    pub(crate) interpreter: String,
    platforms: Vec<String>,
    platform_ranks: FxHashMap<String, u32>,
    runs: Vec<Run>,
    /// Indices into `runs`, by their interpreter.
    runs_by_python: FxHashMap<String, Vec<usize>>,
}

/// The tags in a row that share an interpreter and an interface.
#[derive(Debug, Clone)]
struct Run {
    python: String,
    abi: String,
    scope: Scope,
    /// The rank of the first tag.
    start: u32,
}

/// Which platforms the tags of a run have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Each of the target's, in their order.
    Each,
    /// The one word `any`.
    Any,
}

impl Tags {
    pub(crate) fn new(python: PythonVersion, platform: Platform, system: System) -> Self {
        let platforms = platform_tags(platform, system);
        let platform_ranks = platforms.iter().cloned().zip(0..).collect();
        let interpreter = format!("cp{}{}", python.major(), python.minor());
        let mut tags = Self {
            platform,
            interpreter,
            platforms,
            platform_ranks,
            runs: Vec::new(),
            runs_by_python: FxHashMap::default(),
        };
        tags.add_cpython(python);
        tags.add_compatible(python);
        tags
    }

    /// The rank of the best tag of a wheel, from 0 for the best there is; none if the target cannot use the wheel.
    ///
    /// Only the tags are looked at: which of the wheel's variants fits, if it has any, they do not say.
    pub fn priority(&self, wheel: &WheelFilename) -> Option<u32> {
        self.set_priority(&wheel.python, &wheel.abi, &wheel.platform)
    }

    /// Which part of a wheel's tags keeps the target from using it; none if nothing does.
    ///
    /// The platform is named before the interpreter, since another Python is easier to come by than another
    /// operating system.
    pub fn explain(&self, wheel: &WheelFilename) -> Option<Mismatch> {
        self.explain_set(&wheel.python, &wheel.abi, &wheel.platform)
    }

    /// The rank of the best tag of a compressed tag set, as in [`Tags::priority`].
    ///
    /// The three lists are the parts of a compressed tag set (PEP 425), which stands for every combination.
    pub fn set_priority<S: AsRef<str>>(&self, pythons: &[S], abis: &[S], platforms: &[S]) -> Option<u32> {
        let own = platforms.iter().filter_map(|platform| self.platform_ranks.get(platform.as_ref())).min();
        let any = platforms.iter().any(|platform| platform.as_ref() == "any");
        pythons
            .iter()
            .flat_map(|python| self.runs_of(python.as_ref()))
            .filter(|run| abis.iter().any(|abi| abi.as_ref() == run.abi))
            .filter_map(|run| match run.scope {
                Scope::Each => own.map(|rank| run.start + rank),
                Scope::Any => any.then_some(run.start),
            })
            .min()
    }

    /// Which part of a compressed tag set keeps the target from using the wheel, as in [`Tags::explain`].
    pub fn explain_set<S: AsRef<str>>(&self, pythons: &[S], abis: &[S], platforms: &[S]) -> Option<Mismatch> {
        match self.set_priority(pythons, abis, platforms) {
            Some(_) => None,
            None => Some(Mismatch::find(self, pythons, abis, platforms)),
        }
    }

    /// Every tag, best first.
    pub fn iter(&self) -> impl Iterator<Item = Tag<'_>> {
        self.runs.iter().flat_map(|run| {
            let (each, any) = match run.scope {
                Scope::Each => (self.platforms.as_slice(), None),
                Scope::Any => (&[][..], Some("any")),
            };
            let platforms = each.iter().map(String::as_str).chain(any);
            platforms.map(|platform| Tag { python: &run.python, abi: &run.abi, platform })
        })
    }

    /// The binary interfaces that go with an interpreter's tag on this target.
    pub(crate) fn abis_of(&self, python: &str) -> impl Iterator<Item = &str> {
        self.runs_of(python).map(|run| run.abi.as_str())
    }

    /// Whether wheels for this platform are for this target.
    pub(crate) fn has_platform(&self, platform: &str) -> bool {
        self.platform_ranks.contains_key(platform)
    }

    fn runs_of(&self, python: &str) -> impl Iterator<Item = &Run> {
        self.runs_by_python.get(python).into_iter().flatten().filter_map(|&index| self.runs.get(index))
    }

    /// The tags of CPython itself: its own interface, the stable one (`abi3`, PEP 384; `abi3t` where it is
    /// free-threaded, PEP 803), none, and the stable one of every Python since 3.2.
    fn add_cpython(&mut self, python: PythonVersion) {
        let (flag, stable) = if python.is_free_threaded() { ("t", "abi3t") } else { ("", "abi3") };
        let interpreter = self.interpreter.clone();
        let own = format!("{interpreter}{flag}");
        for abi in [own.as_str(), stable, "none"] {
            self.add(&interpreter, abi, Scope::Each);
        }
        for minor in (2..python.minor()).rev() {
            self.add(&format!("cp{}{minor}", python.major()), stable, Scope::Each);
        }
    }

    /// The tags of wheels without an interface: those with files for a platform, then those for any.
    fn add_compatible(&mut self, python: PythonVersion) {
        let major = python.major();
        let mut pythons = vec![format!("py{major}{}", python.minor()), format!("py{major}")];
        pythons.extend((0..python.minor()).rev().map(|minor| format!("py{major}{minor}")));
        for python in &pythons {
            self.add(python, "none", Scope::Each);
        }
        self.add(&self.interpreter.clone(), "none", Scope::Any);
        for python in &pythons {
            self.add(python, "none", Scope::Any);
        }
    }

    fn add(&mut self, python: &str, abi: &str, scope: Scope) {
        let length = |run: &Run| match run.scope {
            Scope::Each => self.platform_ranks.len() as u32,
            Scope::Any => 1,
        };
        let start = self.runs.last().map_or(0, |run| run.start + length(run));
        self.runs_by_python.entry(python.to_owned()).or_default().push(self.runs.len());
        self.runs.push(Run { python: python.to_owned(), abi: abi.to_owned(), scope, start });
    }
}

#[cfg(test)]
mod tests;
