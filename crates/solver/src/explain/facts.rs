//! The facts of a proof, as lines.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mlresolve_packaging::{PackageName, VersionPoint, VersionRange};
use pubgrub::External;

use super::{Leaf, show_range};
use crate::package::SolverPackage;
use crate::provider::{Provider, Unusable, Versions};
use crate::solve::Problem;

/// So many different ranges that versions of one package ask of another are listed one by one.
const SEPARATE_RANGES: usize = 2;

/// The lines, from the user's requirements down to what stands in the way.
pub(super) fn list<P: Provider>(provider: &P, core: &Problem, leaves: &[Leaf<'_>]) -> Vec<String> {
    let proof = Proof::read(provider, leaves);
    let mut lines: Vec<String> =
        core.requirements.iter().map(|requirement| format!("you require {}", requirement.text)).collect();
    lines.sort();
    lines.dedup();
    let overrides = core.overrides.iter().filter(|(name, _)| proof.asks_for(name));
    lines.extend(
        overrides.map(|(name, text)| format!("your override {text} replaces every requirement on {name}")),
    );
    for package in proof.order() {
        let said = lines.len();
        let wanting = proof.add_lines(package, &mut lines);
        if let Some(note) =
            package.name().filter(|_| wanting && lines.len() > said).and_then(|name| provider.note(name))
            && !lines.contains(&note)
        {
            lines.push(note);
        }
    }
    lines
}

/// The facts of a proof by what they speak of.
struct Proof {
    versions: BTreeMap<PackageName, Vec<VersionPoint>>,
    /// What is asked of a package, by whom.
    needs: BTreeMap<SolverPackage, BTreeMap<SolverPackage, Vec<(VersionRange, VersionRange)>>>,
    refused: BTreeMap<SolverPackage, Vec<(Unusable, VersionRange)>>,
    absent: BTreeMap<SolverPackage, VersionRange>,
}

impl Proof {
    fn read<P: Provider>(provider: &P, leaves: &[Leaf<'_>]) -> Self {
        let mut proof = Self {
            versions: BTreeMap::new(),
            needs: BTreeMap::new(),
            refused: BTreeMap::new(),
            absent: BTreeMap::new(),
        };
        for leaf in leaves {
            match leaf {
                External::NotRoot(..) => {}
                External::NoVersions(package, range) => {
                    let absent = proof.absent.entry(package.clone()).or_insert_with(VersionRange::empty);
                    *absent = absent.union(range);
                }
                External::Custom(package, range, reason) => {
                    let refused = proof.refused.entry(package.clone()).or_default();
                    match refused.iter_mut().find(|(known, _)| known == reason) {
                        Some((_, known)) => *known = known.union(range),
                        None => refused.push((reason.clone(), range.clone())),
                    }
                }
                External::FromDependencyOf(dependent, versions, dependency, range) => {
                    let needs = proof.needs.entry(dependent.clone()).or_default();
                    let needs = needs.entry(dependency.clone()).or_default();
                    match needs.iter_mut().find(|(_, known)| known == range) {
                        Some((known, _)) => *known = known.union(versions),
                        None => needs.push((versions.clone(), range.clone())),
                    }
                }
            }
        }
        let mut names: BTreeSet<PackageName> =
            proof.refused.keys().chain(proof.absent.keys()).filter_map(|p| p.name().cloned()).collect();
        names.extend(proof.needs.keys().filter_map(|package| package.name().cloned()));
        for name in names {
            let points = match provider.versions(&name) {
                Ok(Versions::Found(versions)) => versions.iter().cloned().map(VersionPoint::at).collect(),
                _ => Vec::new(),
            };
            proof.versions.insert(name, points);
        }
        proof
    }

    /// Whether anything in the proof requires a package.
    fn asks_for(&self, name: &PackageName) -> bool {
        self.needs.values().flat_map(BTreeMap::keys).any(|package| package.name() == Some(name))
    }

    /// The packages of the proof, nearest to the user's requirements first.
    fn order(&self) -> Vec<&SolverPackage> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = VecDeque::from([&SolverPackage::Root]);
        while let Some(package) = next.pop_front() {
            if seen.insert(package) {
                order.push(package);
                next.extend(self.needs.get(package).into_iter().flat_map(BTreeMap::keys));
            }
        }
        let rest = self.needs.keys().chain(self.refused.keys()).chain(self.absent.keys());
        let mut rest: Vec<&SolverPackage> = rest.filter(|package| !seen.contains(package)).collect();
        rest.sort();
        rest.dedup();
        order.extend(rest);
        order
    }

    /// Adds the lines about a package. Whether they speak of versions that are not there or cannot be used.
    fn add_lines(&self, package: &SolverPackage, lines: &mut Vec<String>) -> bool {
        let Some(name) = package.name() else { return false };
        for (dependency, needs) in self.needs.get(package).into_iter().flatten() {
            // That an extra goes with its base at one version goes without saying.
            if dependency.name() == Some(name) {
                continue;
            }
            if needs.len() <= SEPARATE_RANGES {
                for (versions, range) in needs {
                    let who = self.subject(package, versions);
                    lines.push(format!("{who} requires {dependency}{}", show_range(range)));
                }
                continue;
            }
            let versions = needs.iter().fold(VersionRange::empty(), |all, (versions, _)| all.union(versions));
            let ranges = needs.iter().fold(VersionRange::empty(), |all, (_, range)| all.union(range));
            let who = self.subject(package, &versions);
            lines.push(format!(
                "{who} requires one of {} ranges of {dependency}, all within {dependency}{}",
                needs.len(),
                show_range(&outline(&ranges)),
            ));
        }
        let refused = self.refused.get(package).map_or(&[][..], Vec::as_slice);
        let others = self.needs.contains_key(package) || refused.len() > 1;
        for (reason, versions) in refused {
            // Beside what keeps the stable versions out, pre-releases are a distraction; where they would help, it
            // is a suggestion.
            if others && *reason == Unusable::Prerelease {
                continue;
            }
            lines.push(match reason {
                Unusable::Missing(_) => format!("{name} {reason}"),
                Unusable::Constraint(text) => format!("your constraint {text} leaves out the rest of {name}"),
                _ => format!("{} {reason}", self.subject(package, versions)),
            });
        }
        let mut wanting = refused.iter().any(|(reason, _)| !matches!(reason, Unusable::Constraint(_)));
        if let Some(range) = self.absent.get(package) {
            let said = lines.len();
            self.add_absence(package, name, range, lines);
            wanting |= lines.len() > said;
        }
        wanting
    }

    fn add_absence(
        &self,
        package: &SolverPackage,
        name: &PackageName,
        range: &VersionRange,
        lines: &mut Vec<String>,
    ) {
        let Some(points) = self.versions.get(name) else { return };
        // Only what somebody asks for is worth a word.
        let wanted = range.intersection(&self.demanded(package));
        if wanted.is_empty() || points.iter().any(|point| wanted.contains(point)) {
            return;
        }
        // Where a reason speaks of the versions, their absence beyond them says nothing new.
        if self.refused.contains_key(package) {
            return;
        }
        let newest = points.last().map(|point| format!("; the newest is {point}"));
        lines.push(format!("there is no {name}{}{}", show_range(&wanted), newest.unwrap_or_default()));
    }

    /// All that is asked of a package in the proof.
    fn demanded(&self, package: &SolverPackage) -> VersionRange {
        let asked = self.needs.values().filter_map(|needs| needs.get(package)).flatten();
        asked.fold(VersionRange::empty(), |all, (_, range)| all.union(range))
    }

    /// The versions of a package that a fact is about, as far as anybody asks for them.
    fn subject(&self, package: &SolverPackage, versions: &VersionRange) -> String {
        let points = package.name().and_then(|name| self.versions.get(name)).map_or(&[][..], Vec::as_slice);
        let demanded = self.demanded(package);
        let asked: Vec<&VersionPoint> = points.iter().filter(|point| demanded.contains(*point)).collect();
        let about: Vec<&VersionPoint> =
            asked.iter().copied().filter(|point| versions.contains(*point)).collect();
        match about[..] {
            [] => format!("{package}{}", show_range(versions)),
            [only] => format!("{package} {only}"),
            [..] if about.len() == points.len() => format!("every version of {package}"),
            [..] if about.len() == asked.len() => {
                format!("every {package}{}", show_range(&outline(&demanded)))
            }
            [first, .., last] => {
                let between = asked.iter().filter(|point| **point >= first && **point <= last).count();
                if between == about.len() {
                    format!("every {package} from {first} to {last} ({} versions)", about.len())
                } else {
                    format!("each of {} versions of {package} from {first} to {last}", about.len())
                }
            }
        }
    }
}

/// The range without its holes, where it has more of them than a line can show.
fn outline(range: &VersionRange) -> VersionRange {
    match range.bounding_range() {
        Some((low, high)) if range.iter().count() > 2 => {
            VersionRange::from_range_bounds((low.cloned(), high.cloned()))
        }
        _ => range.clone(),
    }
}
