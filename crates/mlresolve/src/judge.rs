//! Which file of a release a target would use, if any.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use mlresolve_index::{File, Release};
use mlresolve_packaging::simple::Yanked;
use mlresolve_packaging::{FormatControl, PackageName, SpecifierSet, Version, WheelFilename};
use mlresolve_solver::{Standing, Unusable};
use mlresolve_target::{Mismatch, Tags};

use crate::clock::TimeLimit;

/// The target's view of files.
pub(crate) struct Judge {
    pub(crate) tags: Tags,
    /// The full version, as markers have it.
    pub(crate) python: Version,
    /// A late release of the same minor, where the target names no patch: what asks for a later patch, or leaves the
    /// first ones out, is for that minor too.
    pub(crate) latest_python: Option<Version>,
    pub(crate) exclude_newer: Option<TimeLimit>,
    /// Where the user gave hashes, a file must have one of them.
    pub(crate) hashes: BTreeMap<PackageName, Vec<(String, String)>>,
    /// Of which packages wheels and sources may be used.
    pub(crate) formats: FormatControl,
}

/// What a target makes of a release.
pub(crate) struct Verdict<'release> {
    pub(crate) file: Result<&'release File, Unusable>,
    yanked: Option<Option<String>>,
}

impl Verdict<'_> {
    pub(crate) fn standing(self) -> Standing {
        Standing { yanked: self.yanked, unusable: self.file.err() }
    }
}

impl Judge {
    /// The file that the target would use: the wheel with the best tag, then the highest build number; where none fits,
    /// the source distribution; and no yanked file where there is another.
    pub(crate) fn judge<'r>(&self, name: &PackageName, release: &'r Release) -> Verdict<'r> {
        let seen = |files: &'r [File]| -> Vec<&'r File> {
            files.iter().filter(|file| self.is_old_enough(file)).collect()
        };
        let (wheels, sdists) = (seen(&release.wheels), seen(&release.sdists));
        let wheel = self.wheel(name, &wheels);
        let sdist = self.sdist(name, &sdists);
        let file = match (wheel, sdist) {
            (Ok(wheel), Ok(sdist)) if wheel.yanked.is_yanked() && !sdist.yanked.is_yanked() => Ok(sdist),
            (Ok(file), _) | (Err(_), Ok(file)) => Ok(file),
            (Err(None), Err(None)) => Err(match &self.exclude_newer {
                Some(limit) => Unusable::TooNew(limit.text.clone()),
                None => Unusable::NoWheel("they are for tools that choose among variants".to_owned()),
            }),
            (Err(Some(Unusable::BinaryOnly)), Err(Some(refusal))) => Err(refusal),
            (Err(Some(refusal)), Err(_)) | (Err(None), Err(Some(refusal))) => Err(refusal),
        };
        let yanked = match file.as_ref().map(|file| &file.yanked) {
            Ok(Yanked::Yes(reason)) => Some(reason.clone()),
            _ => None,
        };
        Verdict { file, yanked }
    }

    /// The wheel that the target would use, or why none will do; nothing is said where there is none.
    fn wheel<'r>(&self, name: &PackageName, wheels: &[&'r File]) -> Result<&'r File, Option<Unusable>> {
        if wheels.is_empty() {
            return Err(None);
        }
        if !self.formats.allows_wheels(name) {
            return Err(Some(Unusable::BinaryOnly));
        }
        let fits =
            |file: &&&File| file.wheel.as_ref().is_some_and(|wheel| self.tags.priority(wheel).is_some());
        let fitting: Vec<&File> = wheels.iter().filter(fits).copied().collect();
        if fitting.is_empty() {
            let python = wheels.iter().map(|file| self.python_refusal(file)).collect::<Option<Vec<_>>>();
            let python = python.and_then(|refusals| refusals.into_iter().next());
            return Err(Some(python.unwrap_or_else(|| Unusable::NoWheel(self.mismatch(wheels)))));
        }
        self.best(name, &fitting, |file| {
            let wheel = file.wheel.as_ref();
            let tag = wheel.and_then(|wheel| self.tags.priority(wheel)).unwrap_or(u32::MAX);
            let build = wheel.and_then(|wheel| wheel.build.clone());
            (tag, Reverse(build))
        })
    }

    /// The source distribution that would be used, or why none will do; nothing is said where there is none.
    fn sdist<'r>(&self, name: &PackageName, sdists: &[&'r File]) -> Result<&'r File, Option<Unusable>> {
        if sdists.is_empty() {
            return Err(None);
        }
        if !self.formats.allows_sources(name) {
            let refusal = sdists.iter().find_map(|file| self.python_refusal(file));
            return Err(Some(refusal.unwrap_or(Unusable::SourceOnly)));
        }
        self.best(name, sdists, |file| file.sdist.as_ref().map(|sdist| sdist.extension))
    }

    /// The file of least rank among those that Python and hashes allow; a yanked one only where there is no other.
    fn best<'r, R: Ord>(
        &self,
        name: &PackageName,
        files: &[&'r File],
        rank: impl Fn(&File) -> R,
    ) -> Result<&'r File, Option<Unusable>> {
        let mut usable = files.to_vec();
        usable.retain(|file| self.python_refusal(file).is_none());
        if usable.is_empty() {
            return Err(files.first().and_then(|file| self.python_refusal(file)));
        }
        if let Some(hashes) = self.hashes.get(name) {
            usable.retain(|file| hashes.iter().any(|(algorithm, digest)| has_hash(file, algorithm, digest)));
        }
        usable
            .into_iter()
            .min_by(|left, right| {
                let key = |file: &File| (file.yanked.is_yanked(), rank(file));
                key(left).cmp(&key(right)).then_with(|| left.filename.cmp(&right.filename))
            })
            .ok_or_else(|| Some(Unusable::NoWheel("none has a hash that your requirement gives".to_owned())))
    }

    /// Why a wheel that is named by its address does not fit the target, if it does not.
    pub(crate) fn refuses(&self, wheel: &WheelFilename) -> Option<Unusable> {
        if self.tags.priority(wheel).is_some() {
            return None;
        }
        let mismatch = self.tags.explain(wheel).map(|mismatch| mismatch.to_string());
        Some(Unusable::NoWheel(mismatch.unwrap_or_else(|| "it is for other platforms".to_owned())))
    }

    /// A file without an upload time is kept; the report says so.
    fn is_old_enough(&self, file: &File) -> bool {
        // A variant wheel (PEP 825) is for tools that can choose among variants.
        let variant = file.wheel.as_ref().is_some_and(|wheel| wheel.variant.is_some());
        let new = match (&self.exclude_newer, file.upload_time) {
            (Some(limit), Some(uploaded)) => uploaded >= limit.instant,
            _ => false,
        };
        !variant && !new
    }

    fn python_refusal(&self, file: &File) -> Option<Unusable> {
        let required = file.requires_python.as_ref()?;
        self.refuses_python(required)
            .then(|| Unusable::RequiresPython { required: required.clone(), python: self.python.to_string() })
    }

    /// Whether a Requires-Python leaves the target's Python out. One that cannot be read leaves nothing out.
    pub(crate) fn refuses_python(&self, required: &str) -> bool {
        SpecifierSet::parse_lenient(required).is_ok_and(|(specifiers, _)| {
            let mut pythons = std::iter::once(&self.python).chain(&self.latest_python);
            !pythons.any(|python| specifiers.contains(python))
        })
    }

    /// Why no wheel fits, in words that many versions share, so that they can be told in one line.
    fn mismatch(&self, wheels: &[&File]) -> String {
        let mismatches = wheels.iter().filter_map(|file| self.tags.explain(file.wheel.as_ref()?));
        let nearest = mismatches.min_by_key(|mismatch| match mismatch {
            Mismatch::Glibc(_) | Mismatch::MacOs(_) => 0,
            Mismatch::Abi(_) | Mismatch::Python(_) => 1,
            _ => 2,
        });
        match nearest {
            Some(mismatch @ (Mismatch::Glibc(_) | Mismatch::MacOs(_))) => format!("the nearest {mismatch}"),
            Some(Mismatch::Abi(_) | Mismatch::Python(_)) => {
                "they are for other versions of Python".to_owned()
            }
            _ => {
                let platforms: BTreeSet<&str> = wheels.iter().flat_map(|file| platforms_of(file)).collect();
                format!("they are for {}", Vec::from_iter(platforms).join(" and "))
            }
        }
    }
}

/// The operating systems that a wheel is for, in a person's words.
fn platforms_of(file: &File) -> impl Iterator<Item = &'static str> {
    let tags = file.wheel.iter().flat_map(|wheel| &wheel.platform);
    tags.map(|tag| match tag {
        tag if tag.starts_with("win") => "Windows",
        tag if tag.starts_with("macosx_") => "macOS",
        tag if tag.starts_with("musllinux_") => "Linux with musl",
        tag if tag.starts_with("manylinux") || tag.starts_with("linux_") => "Linux on other processors",
        _ => "other platforms",
    })
}

fn has_hash(file: &File, algorithm: &str, digest: &str) -> bool {
    match algorithm {
        "sha256" => file.sha256() == Some(digest),
        other => file.hashes.others.get(other).map(String::as_str) == Some(digest),
    }
}
