//! What follows from packages that overwrite each other's files: an error, a warning, or a note.

use std::collections::BTreeSet;
use std::fmt;

use futures::future::try_join_all;
use mlresolve_index::{File, IndexError};
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{Joint, Resolution, Stop};
use mlresolve_target::{cuda_major::cuda_major, facts};

use super::{Overlap, Overlaps, overlaps};
use crate::claims::one_provider;
use crate::dockerfile::LayerGroup;
use crate::error::Error;
use crate::prepare::target_in_words;
use crate::run::{Run, TargetRun, from_universe};
use crate::unhindered::without_claims;
use crate::universe::{Universe, UniverseError};

/// How many pairs of packages are named in an error.
const PAIRS_SHOWN: usize = 10;
/// How many pairs are named that are no reason to stop, and how many of those behind a conflict.
const REMARKS_SHOWN: usize = 3;

/// A wheel of a resolution.
type Chosen = (PackageName, Version, File);

/// Packages that would overwrite each other's files.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .targets.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Overwritten {
    /// Where.
    pub targets: Vec<TargetOverlaps>,
    /// What helps these packages in particular, in words.
    pub ways_out: BTreeSet<String>,
}

/// The pairs of packages that overwrite each other's files on one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetOverlaps {
    /// The target, in words.
    pub target: String,
    /// The pairs.
    pub pairs: Vec<Overlap>,
}

/// What is to be said of the files of a target that locks all the same.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// Looks which packages of each resolution write the same files.
///
/// # Errors
/// [`Error::Overwritten`] where one spoils another and neither is allowed to, or as [`super::check_ownership`].
pub(crate) fn check_files(run: &Run<'_>, resolutions: &[Resolution]) -> Result<Vec<Remarks>, Error> {
    let wheels = wheels_of(run, resolutions)?;
    let found = look(run, &wheels)?;
    let mut overwritten = Overwritten { targets: Vec::new(), ways_out: BTreeSet::new() };
    let mut remarks = Vec::with_capacity(found.len());
    for (target, (wheels, found)) in run.targets.iter().zip(wheels.iter().zip(found)) {
        let allowed = |overlap: &Overlap| {
            let names = &target.prepared.allow_overlap;
            names.contains(&overlap.first.0) || names.contains(&overlap.second.0)
        };
        let (allowed, refused): (Vec<_>, Vec<_>) = found.different.iter().cloned().partition(allowed);
        if !refused.is_empty() {
            overwritten.ways_out.extend(refused.iter().flat_map(|overlap| ways_out(target, overlap)));
            let target = target_in_words(&target.prepared.target);
            overwritten.targets.push(TargetOverlaps { target, pairs: refused });
        }
        remarks.push(remarks_on(&found, &allowed, wheels));
    }
    if overwritten.targets.is_empty() { Ok(remarks) } else { Err(Error::Overwritten(Box::new(overwritten))) }
}

/// What packages would overwrite if they did not have to agree on a matter, such as one CUDA: a line for each pair. Nothing
/// where that cannot be found out, since the conflict stands all the same.
pub(crate) fn overwritten<'a>(run: &Run<'a>, joint: &Joint<'a, Universe>) -> Vec<String> {
    let lines = || {
        let wheels = wheels_of(run, &without_claims(run, joint)?).ok()?;
        let found = look(run, &wheels).ok()?;
        let mut lines: Vec<String> = Vec::new();
        for overlap in found.iter().flat_map(|found| &found.different) {
            let line = overlap.to_string();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.truncate(REMARKS_SHOWN);
        Some(lines)
    };
    lines().unwrap_or_default()
}

/// The wheels of each resolution. What is required by address is left out.
fn wheels_of(run: &Run<'_>, resolutions: &[Resolution]) -> Result<Vec<Vec<Chosen>>, Error> {
    let of_one = |(target, resolution): (&TargetRun<'_>, &Resolution)| {
        let mut wheels = Vec::with_capacity(resolution.packages.len());
        for (name, resolved) in &resolution.packages {
            let file = target.universe.file(name, &resolved.version).map_err(from_universe)?;
            if let Some(file) = file.filter(|file| file.wheel.is_some()) {
                wheels.push((name.clone(), resolved.version.clone(), file));
            }
        }
        Ok(wheels)
    };
    run.targets.iter().zip(resolutions).map(of_one).collect()
}

/// Reads the lists of all targets' wheels at once; a wheel that several have is read once.
fn look(run: &Run<'_>, wheels: &[Vec<Chosen>]) -> Result<Vec<Overlaps>, Error> {
    let Some(first) = run.targets.first() else { return Ok(Vec::new()) };
    let client = first.universe.client();
    let all = try_join_all(wheels.iter().map(|wheels| overlaps(client, wheels)));
    match first.universe.wait(all) {
        // The lock is there, and need not be given up for a slow index.
        Err(UniverseError::Stopped(Stop::OutOfTime)) => {
            let names = |wheels: &Vec<Chosen>| wheels.iter().map(|(name, ..)| name.clone()).collect();
            let unread = |wheels| Overlaps { unread: names(wheels), ..Overlaps::default() };
            Ok(wheels.iter().map(unread).collect())
        }
        Err(error) => Err(from_universe(error)),
        Ok(found) => found.map_err(|error: IndexError| Error::Index(error)),
    }
}

fn remarks_on(found: &Overlaps, allowed: &[Overlap], wheels: &[Chosen]) -> Remarks {
    let mut remarks = Remarks::default();
    let lines = allowed.iter().map(|overlap| format!("{overlap}; {}", winner(overlap, wheels)));
    remarks.warnings.extend(lines);
    let harmless = found.harmless.iter();
    let lines = harmless.map(|overlap| {
        format!("{overlap}; the one that is installed last wins, which should matter to neither")
    });
    remarks.warnings.extend(some_of(
        lines.collect(),
        "pairs of packages write different files to one place, without harm",
    ));
    let unreadable = found.unreadable.iter();
    let lines = unreadable.map(|(name, reason)| {
        format!("whether {name} overwrites files is not known: {}", super::printable(reason))
    });
    remarks.warnings.extend(some_of(lines.collect(), "wheels cannot be looked into"));
    let equal = found.equal.iter().filter(|overlap| overlap.substantial);
    remarks.notes.extend(some_of(
        equal.map(ToString::to_string).collect(),
        "pairs of packages write the same bytes to the same places",
    ));
    remarks.notes.extend(unread(&found.unread));
    remarks
}

/// The first lines, and how many more there are.
fn some_of(mut lines: Vec<String>, what: &str) -> Vec<String> {
    let more = lines.len().saturating_sub(REMARKS_SHOWN);
    if more > 1 {
        lines.truncate(REMARKS_SHOWN);
        lines.push(format!("{more} more {what}"));
    }
    lines
}

fn unread(names: &[PackageName]) -> Option<String> {
    let more = names.len().saturating_sub(REMARKS_SHOWN);
    let mut named: Vec<String> = names.iter().take(REMARKS_SHOWN).map(ToString::to_string).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let named = named.join(", ");
    (!names.is_empty())
        .then(|| format!("not looked at for overwritten files, since their lists cannot be had: {named}"))
}

/// Whose files stay where two packages were allowed to overwrite each other's.
fn winner(overlap: &Overlap, wheels: &[Chosen]) -> String {
    let (first, second) = (&overlap.first.0, &overlap.second.0);
    let layer = |name: &PackageName| {
        let wheel = wheels.iter().find(|(other, ..)| other == name);
        LayerGroup::of(name.as_str(), wheel.and_then(|(.., file)| file.size))
    };
    let later = match layer(first).cmp(&layer(second)) {
        std::cmp::Ordering::Less => second,
        std::cmp::Ordering::Greater => first,
        std::cmp::Ordering::Equal => {
            return "that is allowed, and the one that is installed last wins".to_owned();
        }
    };
    format!("that is allowed, and in an image {later} wins, whose layer is the later")
}

/// What helps a pair in particular.
fn ways_out(target: &TargetRun<'_>, overlap: &Overlap) -> Vec<String> {
    let (first, second) = (&overlap.first, &overlap.second);
    let both = BTreeSet::from([first.0.to_string(), second.0.to_string()]);
    let imports =
        facts::provided(&first.0).into_iter().filter(|import| facts::provided(&second.0).contains(import));
    let mut ways: Vec<String> = imports.filter_map(|import| one_provider(import, &both)).collect();
    let majors =
        |(name, version): &(PackageName, Version)| cuda_major(name, version).map(|claim| claim.majors);
    if let (None, Some(one), Some(other)) =
        (target.prepared.target.accelerator(), majors(first), majors(second))
        && !one.iter().any(|major| other.contains(major))
    {
        ways.push(
            "with an accelerator, such as --accelerator cuda, versions for one CUDA are chosen".to_owned(),
        );
    }
    ways
}

impl fmt::Display for TargetOverlaps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "packages for {} would overwrite each other's files", self.target)?;
        for pair in self.pairs.iter().take(PAIRS_SHOWN) {
            write!(formatter, "\n  - {pair}")?;
        }
        match self.pairs.len().saturating_sub(PAIRS_SHOWN) {
            0 => Ok(()),
            more => write!(formatter, "\n  - and {more} more pairs"),
        }
    }
}
