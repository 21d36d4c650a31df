//! One run on its own thread: solve for every target, write down what was chosen, or explain.

use std::collections::BTreeSet;
use std::path::Path;

use mlresolve_index::IndexError;
use mlresolve_lockfile::{Lock, diff, write};
use mlresolve_packaging::Requirement;
use mlresolve_solver::{
    Alignment, Failure, Joint, Matter, Policy, Resolution, SolveError, TargetProblem, explain_joint,
};

use crate::aligned::held_back_by_others;
use crate::antique::{Held, held_back};
use crate::assemble::assemble;
use crate::build::FetchedWheel;
use crate::digest::input_digest;
use crate::error::{Conflict, Error};
use crate::event::{Event, Watch};
use crate::hindered::{held_back_by_machine, unknown_to_tables, variant_line};
use crate::known_names::KNOWN_NAMES;
use crate::lock::{Job, Locked, WhyNot};
use crate::ownership::{Remarks, check_files, overwritten};
use crate::prepare::{Prepared, target_in_words};
use crate::replaced::refuse_replaced;
use crate::report::report;
use crate::trade_off::held_back_by_packages;
use crate::universe::{Universe, UniverseError};
use crate::wheels_first;

/// One run.
pub(crate) struct Run<'a> {
    pub(crate) targets: Vec<TargetRun<'a>>,
    pub(crate) watch: &'a Watch,
}

/// One target of a run.
#[derive(Clone, Copy)]
pub(crate) struct TargetRun<'a> {
    pub(crate) job: &'a Job,
    pub(crate) prepared: &'a Prepared,
    pub(crate) universe: &'a Universe,
}

impl<'a> Run<'a> {
    /// A lock for each target.
    pub(crate) fn lock(&self, alignment: &Alignment) -> Result<Vec<Locked>, Error> {
        let joint = self.joint(alignment);
        self.targets.iter().for_each(|target| target.universe.list_files());
        let resolutions = self.solve(&joint)?;
        let hindered = held_back_by_machine(self, &joint, &resolutions);
        let traded = held_back_by_packages(self, &joint, &resolutions)?;
        let mut remarks = check_files(self, &resolutions)?.into_iter();
        let compiled = wheels_first::held_back_by_wheels(self, &joint, &resolutions)?;
        let mut locked = Vec::with_capacity(self.targets.len());
        for (at, (target, resolution)) in self.targets.iter().zip(&resolutions).enumerate() {
            let digest = self.digest(at, alignment);
            let mut one = target.lock(resolution, digest, self.watch)?;
            let unknown = unknown_to_tables(target, resolution);
            one.report.variant = variant_line(target, resolution, !unknown.is_empty());
            one.report.warnings.extend(unknown);
            let Remarks { warnings, notes } = remarks.next().unwrap_or_default();
            one.report.warnings.extend(warnings);
            one.report.notes.extend(notes);
            one.report.held_back = hindered[at].iter().chain(&traded[at]).cloned().collect();
            for held in &compiled[at] {
                if one.report.held_back.iter().all(|said| said.name != held.name) {
                    one.report.held_back.push(held.clone());
                }
            }
            one.report.held_back.extend(held_back_by_others(&self.targets, resolution));
            locked.push(one);
        }
        Ok(locked)
    }

    /// Why a target does not satisfy one more requirement, or what would change if it did.
    pub(crate) fn why_not(
        &self,
        asked: usize,
        alignment: &Alignment,
        wanted: &Requirement,
    ) -> Result<WhyNot, Error> {
        let target = self.target(asked)?;
        let prepared = target.prepared;
        if wanted.marker.as_ref().is_some_and(|marker| !marker.evaluate(&prepared.environment, &[])) {
            let target = target_in_words(&prepared.target);
            return Err(Error::input(wanted.to_string(), format!("its marker does not hold for {target}")));
        }
        if let Some(explanation) = prepared.overrides.decide(wanted) {
            let target = target_in_words(&prepared.target);
            return Ok(WhyNot::Conflict(Box::new(Conflict { target, explanation })));
        }
        let Some(dependency) = prepared.directs.dependency_of(wanted) else {
            return Err(Error::input(wanted.to_string(), "a requirement by address cannot be asked about"));
        };
        let mut joint = self.joint(alignment);
        joint.targets[asked].problem.requirements.push(dependency);
        joint.targets[asked].policy = asking(&prepared.policy, wanted);
        match self.solve(&joint) {
            Err(Error::Conflict(mut conflict)) => {
                // To give up the question is no answer to it.
                let question = wanted.without_marker().to_string();
                let answers = |change: &str| {
                    change != format!("relax {question}") && change != format!("leave out {question}")
                };
                let (kept, given_up): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut conflict.explanation.suggestions)
                        .into_iter()
                        .partition(|suggestion| answers(&suggestion.change));
                conflict.explanation.suggestions = kept;
                if let Some(without) = given_up.first() {
                    let hint = format!("what can be had is {}", without.chosen.join(", "));
                    conflict.explanation.hints.push(hint);
                }
                Ok(WhyNot::Conflict(conflict))
            }
            Err(error) => Err(error),
            Ok(resolutions) => {
                let assembled = |resolutions: &[Resolution]| {
                    let digest = self.digest(asked, alignment);
                    target.assemble(&resolutions[asked], digest, self.watch)
                };
                let possible = assembled(&resolutions)?;
                let now = match &target.job.previous {
                    Some(previous) => previous.clone(),
                    None => assembled(&self.solve(&self.joint(alignment))?)?,
                };
                Ok(WhyNot::Possible(Box::new(diff(&now, &possible))))
            }
        }
    }

    /// Downloads the wheels of the first target's solution into a folder, each once.
    pub(crate) fn fetch_wheels(&self, into: &Path) -> Result<BTreeSet<FetchedWheel>, Error> {
        let target = self.target(0)?;
        let resolutions = self.solve(&self.joint(&Alignment::None))?;
        let mut wheels = BTreeSet::new();
        for (name, resolved) in resolutions.iter().flat_map(|resolution| &resolution.packages) {
            let file = target.universe.file(name, &resolved.version).map_err(from_universe)?;
            let missing = || Error::Internal(format!("no file was chosen for {name} {}", resolved.version));
            let file = file.ok_or_else(missing)?;
            // A package is from one index in all of a run, so that a file name means one file.
            let path = into.join(&file.filename);
            if path.parent() != Some(into) {
                return Err(Error::Internal(format!("{:?} is no name of a file", file.filename)));
            }
            if !path.exists() {
                let universe = target.universe;
                universe.wait(universe.client().download(&file, &path)).map_err(from_universe)??;
            }
            wheels.insert(FetchedWheel { filename: file.filename.clone(), path });
        }
        Ok(wheels)
    }

    fn target(&self, at: usize) -> Result<TargetRun<'a>, Error> {
        let missing = || Error::Internal(format!("there is no target at place {at}"));
        self.targets.get(at).copied().ok_or_else(missing)
    }

    /// What all targets ask for, under an alignment.
    pub(crate) fn joint(&self, alignment: &Alignment) -> Joint<'a, Universe> {
        let targets = self.targets.iter().map(TargetRun::problem).collect();
        Joint { targets, alignment: alignment.clone() }
    }

    /// What decided the lock of a target: its own input and, where targets are aligned, that of the others.
    fn digest(&self, at: usize, alignment: &Alignment) -> String {
        let targets: Vec<_> =
            self.targets.iter().map(|target| (&target.job.request, target.prepared)).collect();
        input_digest(&targets, at, alignment)
    }

    /// Solves, or explains why there is no solution: that of a single target where one has none by itself.
    pub(crate) fn solve(&self, joint: &Joint<'a, Universe>) -> Result<Vec<Resolution>, Error> {
        if joint.alignment == Alignment::None && joint.targets.len() > 1 {
            let alone = joint.targets.iter().enumerate();
            let solved = alone.map(|(at, problem)| self.solve_alone(at, problem));
            return solved.collect();
        }
        let failure = match self.attempt(joint)? {
            Ok(resolutions) => return Ok(resolutions),
            Err(failure) => failure,
        };
        if joint.targets.len() > 1 {
            for (at, problem) in joint.targets.iter().enumerate() {
                self.solve_alone(at, problem)?;
            }
        }
        self.watch.tell(Event::Explaining);
        let disagree = failure.disagrees_on(|matter| matches!(matter, Matter::CudaMajor | Matter::Import(_)));
        let mut explanation = explain_joint(joint, failure, KNOWN_NAMES);
        if disagree {
            explanation.facts.extend(overwritten(self, joint));
        }
        let targets = self.targets.iter().map(|target| target_in_words(&target.prepared.target));
        let target = targets.collect::<Vec<_>>().join(", ");
        Err(Error::Conflict(Box::new(Conflict { target, explanation })))
    }

    pub(crate) fn solve_alone(
        &self,
        at: usize,
        problem: &TargetProblem<'a, Universe>,
    ) -> Result<Resolution, Error> {
        let run = Run { targets: vec![self.target(at)?], watch: self.watch };
        let joint = Joint { targets: vec![problem.clone()], alignment: Alignment::None };
        Ok(run.solve(&joint)?.into_iter().next().unwrap_or_default())
    }

    /// Solves; the inner error says that there is no solution.
    fn attempt(&self, joint: &Joint<'a, Universe>) -> Result<Result<Vec<Resolution>, Failure>, Error> {
        let outcome = wheels_first::solve(self, joint)?;
        // Neither a solution nor its absence can be told from what the cache happens to hold.
        if let Ok(_) | Err(SolveError::NoSolution(_)) = &outcome {
            for target in &self.targets {
                if let Some(name) = target.universe.lacking() {
                    return Err(Error::Index(IndexError::Offline { what: name.to_string() }));
                }
            }
        }
        match outcome {
            Ok(resolutions) => Ok(Ok(resolutions)),
            Err(SolveError::NoSolution(failure)) => Ok(Err(failure)),
            Err(SolveError::Provider(error)) => Err(from_universe(error)),
            Err(SolveError::Stopped(stop)) => Err(stop.into()),
            Err(error @ SolveError::TooManySteps(_)) => Err(Error::Limit(error.to_string())),
        }
    }
}

impl<'a> TargetRun<'a> {
    fn problem(&self) -> TargetProblem<'a, Universe> {
        TargetProblem {
            name: self.prepared.target.name().to_owned(),
            provider: self.universe,
            problem: self.prepared.problem.clone(),
            policy: self.prepared.policy.clone(),
        }
    }

    fn assemble(&self, resolution: &Resolution, digest: String, watch: &Watch) -> Result<Lock, Error> {
        let previous = self.job.previous.as_ref();
        assemble(&self.job.request, self.prepared, self.universe, resolution, digest, previous, watch)
    }

    fn lock(&self, resolution: &Resolution, digest: String, watch: &Watch) -> Result<Locked, Error> {
        let held = match held_back(self.universe, resolution)? {
            Held::Recent(warnings) => warnings,
            Held::Antique(explanation) => {
                let target = target_in_words(&self.prepared.target);
                return Err(Error::Conflict(Box::new(Conflict { target, explanation })));
            }
        };
        let lock = self.assemble(resolution, digest, watch)?;
        let previous = self.job.previous.as_ref();
        if let Some(previous) = previous {
            refuse_replaced(previous, &self.job.request.upgrade, &lock)?;
        }
        let text = write(&lock)?;
        let mut report = report(self.prepared, self.universe, resolution, &lock, previous);
        report.warnings.extend(held);
        Ok(Locked { lock, text, report })
    }
}

/// The policy under which a requirement is asked about: as if it stood among the user's own, and with no version
/// locked for its package.
fn asking(policy: &Policy, wanted: &Requirement) -> Policy {
    let mut policy = policy.clone();
    let specifiers = wanted.specifiers().cloned().unwrap_or_default();
    if specifiers.mentions_prerelease() {
        policy.prerelease_named.insert(wanted.name.clone());
    }
    if let Some(version) = specifiers.pinned() {
        policy.yanked_allowed.insert((wanted.name.clone(), version.clone()));
    }
    policy.direct.insert(wanted.name.clone());
    policy.preferences.remove(&wanted.name);
    policy
}

pub(crate) fn from_universe(error: UniverseError) -> Error {
    match error {
        UniverseError::Index(error) => Error::Index(error),
        UniverseError::Metadata(error) => Error::Metadata(error),
        UniverseError::Build { package, source } => Error::Build { package, source },
        UniverseError::Stopped(stop) => stop.into(),
    }
}
