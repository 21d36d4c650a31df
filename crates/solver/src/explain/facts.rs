//! The facts of a proof, as lines.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use mlresolve_packaging::{PackageName, VersionPoint, VersionRange};
use pubgrub::External;

use super::{ClaimedFact, Leaf, show_range};
use crate::align::Agreements;
use crate::joint::Joint;
use crate::package::{Matter, SolverPackage};
use crate::provider::{Provider, Unusable, Versions};

/// So many different ranges that versions of one package ask of another are listed one by one.
const SEPARATE_RANGES: usize = 2;
/// The most lines on why versions of one package are of no use.
const LINES_OF_REFUSALS: usize = 4;

/// The lines, from the user's requirements down to what stands in the way; and of these, the claims with their values.
pub(super) fn list<P: Provider>(
    joint: &Joint<'_, P>,
    core: &Joint<'_, P>,
    leaves: &[Leaf<'_>],
    agreements: &Agreements,
) -> (Vec<String>, Vec<ClaimedFact>) {
    let proof = Proof::read(joint, leaves);
    let mut lines = Lines::default();
    let mut required = BTreeSet::new();
    for target in &core.targets {
        required.extend(target.problem.requirements.iter().map(|requirement| &requirement.text));
    }
    for text in required {
        for (at, target) in joint.targets.iter().enumerate() {
            if target.problem.requirements.iter().any(|requirement| requirement.text == *text) {
                lines.add(Some(at), format!("you require {text}"));
            }
        }
    }
    for (at, target) in core.targets.iter().enumerate() {
        let overrides = target.problem.overrides.iter().filter(|(name, _)| proof.asks_for(name));
        for (name, text) in overrides {
            lines.add(Some(at), format!("your override {text} replaces every requirement on {name}"));
        }
    }
    for package in proof.order() {
        let (said, target) = (lines.said.len(), package.target());
        let wanting = proof.add_lines(joint, package, agreements, &mut lines);
        if let (Some(name), Some(at)) = (package.name(), target)
            && wanting
            && lines.said.len() > said
            && let Some(note) = joint.targets[at].provider.note(name, &proof.demanded(package))
        {
            lines.add(None, note);
        }
    }
    proof.add_what_must_agree(&mut lines);
    let claims = std::mem::take(&mut lines.claims);
    (lines.shown(joint), claims)
}

/// Lines, each with the targets of which it is true.
#[derive(Default)]
struct Lines {
    said: Vec<(String, BTreeSet<usize>)>,
    claims: Vec<ClaimedFact>,
}

impl Lines {
    /// Adds a line about a target; without one, about all of them.
    fn add(&mut self, target: Option<usize>, line: String) {
        match self.said.iter_mut().find(|(known, _)| *known == line) {
            Some((_, targets)) => targets.extend(target),
            None => self.said.push((line, target.into_iter().collect())),
        }
    }

    fn shown<P: Provider>(self, joint: &Joint<'_, P>) -> Vec<String> {
        let all = joint.targets.len();
        let shown = self.said.into_iter().map(|(line, targets)| {
            if targets.is_empty() || targets.len() == all {
                return line;
            }
            let names: Vec<&str> = targets.iter().map(|at| joint.targets[*at].name.as_str()).collect();
            format!("for {}: {line}", names.join(" and "))
        });
        shown.collect()
    }
}

/// The facts of a proof by what they speak of.
struct Proof {
    /// What there is of a package on a target.
    versions: BTreeMap<(usize, PackageName), Vec<VersionPoint>>,
    /// What is asked of a package, by whom.
    needs: BTreeMap<SolverPackage, BTreeMap<SolverPackage, Vec<(VersionRange, VersionRange)>>>,
    refused: BTreeMap<SolverPackage, Vec<(Unusable, VersionRange)>>,
    absent: BTreeMap<SolverPackage, VersionRange>,
}

impl Proof {
    fn read<P: Provider>(joint: &Joint<'_, P>, leaves: &[Leaf<'_>]) -> Self {
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
        let about = proof.refused.keys().chain(proof.absent.keys()).chain(proof.needs.keys());
        let about: BTreeSet<(usize, PackageName)> =
            about.filter_map(|package| Some((package.target()?, package.name()?.clone()))).collect();
        for (target, name) in about {
            let points = match joint.targets[target].provider.versions(&name) {
                Ok(Versions::Found(versions)) => versions.iter().cloned().map(VersionPoint::at).collect(),
                _ => Vec::new(),
            };
            proof.versions.insert((target, name), points);
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
    fn add_lines<P: Provider>(
        &self,
        joint: &Joint<'_, P>,
        package: &SolverPackage,
        agreements: &Agreements,
        lines: &mut Lines,
    ) -> bool {
        let Some(name) = package.name() else { return false };
        let target = package.target();
        for (dependency, needs) in self.needs.get(package).into_iter().flatten() {
            if let SolverPackage::Shared(_, matter) = dependency {
                for (versions, range) in needs {
                    let reason = agreements.reason(name, matter, range);
                    let subject = match *versions == VersionRange::full() {
                        true => package.to_string(),
                        false => self.subject(package, versions),
                    };
                    let line = format!("{subject} {reason}");
                    if *matter != Matter::Variant {
                        let (package, fact) = (name.clone(), line.clone());
                        let values = agreements.values_in(matter, range);
                        lines.claims.push(ClaimedFact { package, matter: matter.clone(), values, fact });
                    }
                    lines.add(target, line);
                }
                continue;
            }
            // That an extra goes with its base at one version goes without saying.
            if dependency.name() == Some(name) {
                self.add_limit(package, needs, lines);
                continue;
            }
            if needs.len() <= SEPARATE_RANGES {
                for (versions, range) in needs {
                    let who = self.subject(package, versions);
                    let cited = self.cited(joint, package, versions, dependency, range);
                    lines.add(target, format!("{who} requires {dependency}{}{cited}", show_range(range)));
                }
                continue;
            }
            let versions = needs.iter().fold(VersionRange::empty(), |all, (versions, _)| all.union(versions));
            let ranges = needs.iter().fold(VersionRange::empty(), |all, (_, range)| all.union(range));
            let who = self.subject(package, &versions);
            let count = needs.len();
            let within = show_range(&outline(&ranges));
            lines.add(
                target,
                format!(
                    "{who} requires one of {count} ranges of {dependency}, all within {dependency}{within}"
                ),
            );
        }
        let mut refused: Vec<_> = self.refused.get(package).into_iter().flatten().collect();
        // What keeps the newest versions out matters most.
        refused.sort_by_cached_key(|(_, versions)| Reverse(self.newest(package, versions).cloned()));
        let others = self.needs.contains_key(package) || refused.len() > 1;
        let mut said = Vec::new();
        for (reason, versions) in &refused {
            // Beside what keeps the stable versions out, pre-releases are a distraction; where they would help, it
            // is a suggestion.
            if others && *reason == Unusable::Prerelease {
                continue;
            }
            // So are the few that were yanked, beside what is wrong with the many.
            if matches!(reason, Unusable::Yanked(_)) && self.needs.contains_key(package) {
                continue;
            }
            if let Unusable::Machine(what) = reason {
                let subject = self.subject(package, versions);
                said.extend(what.iter().map(|one| format!("{subject} {one}")));
                continue;
            }
            let line = match reason {
                Unusable::Missing(_) => format!("{name} {reason}"),
                Unusable::Constraint(text) => format!("your constraint {text} leaves out the rest of {name}"),
                _ => format!("{} {reason}", self.subject(package, versions)),
            };
            said.push(line);
        }
        let more = said.len().saturating_sub(LINES_OF_REFUSALS);
        let shown = if more > 1 { LINES_OF_REFUSALS } else { said.len() };
        said.drain(..shown).for_each(|line| lines.add(target, line));
        if !said.is_empty() {
            lines.add(target, format!("{} more reasons keep out other versions of {name}", said.len()));
        }
        let mut wanting = refused.iter().any(|(reason, _)| !matches!(reason, Unusable::Constraint(_)));
        if let Some(range) = self.absent.get(package) {
            let said = lines.said.len();
            self.add_absence(package, name, range, lines);
            wanting |= lines.said.len() > said;
        }
        wanting
    }

    fn add_absence(
        &self,
        package: &SolverPackage,
        name: &PackageName,
        range: &VersionRange,
        lines: &mut Lines,
    ) {
        let Some(points) = self.points(package) else { return };
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
        let line = format!("there is no {name}{}{}", show_range(&wanted), newest.unwrap_or_default());
        lines.add(package.target(), line);
    }

    /// Where it is known from that these versions require another package, if not from their metadata; to be appended.
    fn cited<P: Provider>(
        &self,
        joint: &Joint<'_, P>,
        package: &SolverPackage,
        versions: &VersionRange,
        dependency: &SolverPackage,
        range: &VersionRange,
    ) -> String {
        let cited = || {
            let point = self.points(package)?.iter().rev().find(|point| versions.contains(*point))?;
            let provider = joint.targets[package.target()?].provider;
            provider.cited(package.name()?, point.version(), dependency.name()?, range)
        };
        cited().map(|cited| format!(" {cited}")).unwrap_or_default()
    }

    /// Adds how far the versions go that a target can have of a package, where that is what keeps targets apart.
    fn add_limit(&self, package: &SolverPackage, needs: &[(VersionRange, VersionRange)], lines: &mut Lines) {
        for (_, public) in needs {
            // A list of versions has two ends; what ties a target to a version that was tried has none.
            let Some((Bound::Included(_), Bound::Included(newest))) = public.bounding_range() else {
                continue;
            };
            if self.alone(package, newest) {
                continue;
            }
            let asked = show_range(&outline(&self.demanded(package)));
            lines.add(package.target(), format!("the newest {package}{asked} that can be had is {newest}"));
        }
    }

    /// Whether a version is the only one that a package has.
    fn alone(&self, package: &SolverPackage, version: &VersionPoint) -> bool {
        self.points(package).is_some_and(|points| matches!(points, [only] if only == version))
    }

    /// Adds what must agree: public versions across targets, matters within one.
    fn add_what_must_agree(&self, lines: &mut Lines) {
        let mut shared: BTreeSet<&PackageName> = BTreeSet::new();
        let mut matters: BTreeSet<&Matter> = BTreeSet::new();
        for (dependent, dependencies) in &self.needs {
            for dependency in dependencies.keys() {
                match dependency {
                    SolverPackage::Public(name) if *dependent != SolverPackage::Root => {
                        shared.insert(name);
                    }
                    SolverPackage::Shared(_, matter) => {
                        matters.insert(matter);
                    }
                    _ => {}
                }
            }
        }
        for name in shared {
            lines.add(None, format!("the targets are aligned: they share one public version of {name}"));
        }
        for matter in matters {
            lines.add(None, matter.rule());
        }
    }

    /// The versions that there are of a package.
    fn points(&self, package: &SolverPackage) -> Option<&[VersionPoint]> {
        self.versions.get(&(package.target()?, package.name()?.clone())).map(Vec::as_slice)
    }

    /// The newest version of a package in a range.
    fn newest(&self, package: &SolverPackage, range: &VersionRange) -> Option<&VersionPoint> {
        self.points(package)?.iter().rev().find(|point| range.contains(*point))
    }

    /// All that is asked of a package in the proof.
    fn demanded(&self, package: &SolverPackage) -> VersionRange {
        let asked = self.needs.values().filter_map(|needs| needs.get(package)).flatten();
        asked.fold(VersionRange::empty(), |all, (_, range)| all.union(range))
    }

    /// The versions of a package that a fact is about, as far as anybody asks for them.
    fn subject(&self, package: &SolverPackage, versions: &VersionRange) -> String {
        let points = self.points(package).unwrap_or_default();
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
