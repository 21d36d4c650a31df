//! Which packages of a resolution write the same files, so that one overwrites what the other installed. Seen by the
//! lists of files of the chosen wheels alone, so that no table has to know the packages.
//!
//! Not every overwritten file does harm: `harm.rs` says which do. `verdict.rs` makes an error, warnings or notes of what was
//! found.
//!
//! Not seen are scripts that installers make from entry points, and what a source distribution would install.

mod harm;
mod kept;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::future::try_join_all;
use mlresolve_index::{File, IndexClient, IndexError, MetadataError, WheelMember, WheelMembers};
use mlresolve_packaging::{PackageName, Version};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use self::harm::{Kind, are_apart, imports, kind};
use self::kept::Kept;
use crate::error::Error;
use crate::text::printable;

pub use self::verdict::{Overwritten, TargetOverlaps};
pub(crate) use self::verdict::{Remarks, check_files, overwritten};

/// Two packages that write the same files. `Display` is one line for a person.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// The package whose name comes first.
    pub first: (PackageName, Version),
    /// The other one.
    pub second: (PackageName, Version),
    /// How many paths both write.
    pub paths_in_common: usize,
    /// At how many of these they write different bytes.
    pub different: usize,
    /// At how many of these what a program imports, loads or runs is another file than its package brought.
    pub harmful: usize,
    /// Whether any of the files is more than the by-catch of packaging: code or data of some length.
    pub substantial: bool,
    /// The path of the largest file that both write, of those that do harm or else of those that differ if there are any.
    pub example: String,
}

/// What the lists of files of a resolution's wheels tell, each list sorted.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Overlaps {
    /// Pairs of packages of which one spoils the other.
    pub different: Vec<Overlap>,
    /// Pairs that write different bytes to the same paths, none of which matters to a program: the tests of both, say.
    pub harmless: Vec<Overlap>,
    /// Pairs that write the same bytes where they write the same paths, such as the empty `__init__.py` of a namespace:
    /// worth a note at most.
    pub equal: Vec<Overlap>,
    /// Packages whose files are not known: their list is not in the cache while the network is off, the index fails, or
    /// it could be had only by downloading too much.
    pub unread: Vec<PackageName>,
    /// Packages whose wheel cannot be read, with the reason.
    pub unreadable: Vec<(PackageName, String)>,
}

/// Finds the packages that write the same files, among wheels that are to be installed together. Files that are no wheels
/// are left out: what they install is not known before they are built.
///
/// # Errors
/// When a wheel that was downloaded for its list is not the one that the index announced.
pub async fn check_ownership(
    client: &IndexClient,
    wheels: &[(PackageName, Version, File)],
) -> Result<Overlaps, Error> {
    Ok(overlaps(client, wheels).await?)
}

/// [`check_ownership`], for callers that tell an index's failures from others.
pub(crate) async fn overlaps(
    client: &IndexClient,
    wheels: &[(PackageName, Version, File)],
) -> Result<Overlaps, IndexError> {
    let wheels: Vec<_> = wheels.iter().filter(|(_, _, file)| file.wheel.is_some()).collect();
    let kept = Kept::of(client, &wheels);
    if let Some(found) = kept.as_ref().and_then(Kept::read) {
        return Ok(found);
    }
    let read = wheels.into_iter().map(async |(name, version, file)| match client.members(file).await {
        Ok(members) => Ok((name, Ok((version, members)))),
        Err(MetadataError::Index(error @ IndexError::HashMismatch { .. })) => Err(error),
        // The lock was fine without: what cannot be looked at now is no reason to have none.
        Err(MetadataError::Index(error)) => {
            tracing::info!(file = file.filename, %error, "the list of its files cannot be had");
            Ok((name, Err(None)))
        }
        Err(error) => Ok((name, Err(Some(error.to_string())))),
    });
    let mut found = Overlaps::default();
    let mut lists = Vec::new();
    for (name, outcome) in try_join_all(read).await? {
        match outcome {
            Ok((version, members)) => lists.push((name, version, members)),
            Err(None) => found.unread.push(name.clone()),
            Err(Some(reason)) => found.unreadable.push((name.clone(), reason)),
        }
    }
    found.unread.sort();
    found.unreadable.sort();
    for overlap in compare(lists) {
        let pairs = match overlap {
            Overlap { harmful: 1.., .. } => &mut found.different,
            Overlap { different: 1.., .. } => &mut found.harmless,
            _ => &mut found.equal,
        };
        pairs.push(overlap);
    }
    if let Some(kept) = kept {
        kept.write(&found);
    }
    Ok(found)
}

/// A package with the files of its wheel.
type Listed<'a> = (&'a PackageName, &'a Version, Arc<WheelMembers>);

/// What is known so far of two packages.
#[derive(Default)]
struct Tally<'a> {
    paths: usize,
    different: usize,
    harmful: usize,
    substantial: bool,
    /// Whether it does harm, whether it differs, its size, and its path.
    example: Option<(bool, bool, u64, &'a str)>,
}

/// Every pair of packages that share a path, sorted by their names.
fn compare(mut lists: Vec<Listed<'_>>) -> Vec<Overlap> {
    lists.sort_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
    let mut pairs: BTreeMap<(usize, usize), Tally<'_>> = BTreeMap::new();
    let shared = shared_tops(&lists);
    let mut owners: FxHashMap<&str, (usize, WheelMember<'_>)> = FxHashMap::default();
    // Few paths have more than one owner; they are gathered apart, so that the large map holds no lists.
    let mut contested: BTreeMap<&str, Vec<(usize, WheelMember<'_>)>> = BTreeMap::new();
    for (number, (.., members)) in lists.iter().enumerate() {
        for member in members.iter().filter(|member| shared.get(top(member.path)) == Some(&SEVERAL)) {
            let first = *owners.entry(member.path).or_insert((number, member));
            if first.0 != number {
                contested.entry(member.path).or_insert_with(|| vec![first]).push((number, member));
            }
        }
    }
    // What pairs and wheels offer for import, found when it is needed.
    let (mut imported, mut apart) = (BTreeMap::new(), BTreeMap::new());
    for (path, owners) in &contested {
        for (at, (first, one)) in owners.iter().enumerate() {
            for (second, other) in &owners[at + 1..] {
                let differs = (one.crc32, one.bytes) != (other.crc32, other.bytes);
                let both = [(&*lists[*first].2, one), (&*lists[*second].2, other)];
                let apart = *apart.entry((*first, *second)).or_insert_with(|| {
                    let mut imports_of =
                        |at: usize| imported.entry(at).or_insert_with(|| imports(&lists[at].2)).clone();
                    are_apart(&imports_of(*first), &imports_of(*second))
                });
                let kind = kind(path, both, apart);
                let harms = differs && kind == Kind::Code;
                let tally = pairs.entry((*first, *second)).or_default();
                tally.paths += 1;
                tally.different += usize::from(differs);
                tally.harmful += usize::from(harms);
                let size = one.bytes.max(other.bytes);
                tally.substantial |= kind != Kind::ByCatch && size > 0;
                // Paths come in order: of two that are alike, the first stays.
                let known = tally.example.map(|(harms, differs, size, _)| (harms, differs, size));
                if known.is_none_or(|known| known < (harms, differs, size)) {
                    tally.example = Some((harms, differs, size, path));
                }
            }
        }
    }
    let package =
        |number: usize| lists.get(number).map(|(name, version, _)| ((*name).clone(), (*version).clone()));
    let overlaps = pairs.into_iter().filter_map(|((first, second), tally)| {
        Some(Overlap {
            first: package(first)?,
            second: package(second)?,
            paths_in_common: tally.paths,
            different: tally.different,
            harmful: tally.harmful,
            substantial: tally.substantial,
            example: tally.example?.3.to_owned(),
        })
    });
    overlaps.filter(|overlap| overlap.first.0 != overlap.second.0).collect()
}

/// Stands for several wheels where else the number of one is.
const SEVERAL: usize = usize::MAX;

/// The names at the top of the wheels with the number of the wheel that has it. Most have one wheel only, whose paths
/// then need not be looked at one by one.
fn shared_tops<'a>(lists: &'a [Listed<'_>]) -> FxHashMap<&'a str, usize> {
    let mut tops = FxHashMap::default();
    for (number, (.., members)) in lists.iter().enumerate() {
        let mut last = "";
        for member in members.iter() {
            let name = top(member.path);
            if name != last {
                let owner = tops.entry(name).or_insert(number);
                if *owner != number {
                    *owner = SEVERAL;
                }
                last = name;
            }
        }
    }
    tops
}

/// The first part of a path.
fn top(path: &str) -> &str {
    path.split_once('/').map_or(path, |(first, _)| first)
}

impl fmt::Display for Overlap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((first, first_version), (second, second_version)) = (&self.first, &self.second);
        write!(formatter, "{first} {first_version} and {second} {second_version} both write ")?;
        match (self.paths_in_common, self.different) {
            (1, 0) => write!(formatter, "1 file, with the same bytes")?,
            (1, _) => write!(formatter, "1 file, with different bytes")?,
            (files, 0) => write!(formatter, "{files} files, with the same bytes")?,
            (files, different) => write!(formatter, "{files} files, {different} of them different")?,
        }
        let more = if self.paths_in_common > 1 { " …" } else { "" };
        write!(formatter, ": {}{more}", printable(&self.example))
    }
}
