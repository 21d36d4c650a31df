//! Why there is no solution, in a form that a person can act on.
//!
//! PubGrub's proof is complete and unreadable: it names every version that was ruled out on the way. What is shown
//! is made in three steps. First the requirements that matter are found, by leaving out one after the other as
//! long as there is still no solution. Then the facts of that smaller proof are listed, those of many versions
//! as one line. Last, each requirement that matters is relaxed in turn, and what would then be chosen is solved for,
//! so that a suggestion is known to work.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use mlresolve_packaging::{PackageName, VersionRange};
use pubgrub::{DerivationTree, External};

use crate::joint::Joint;
use crate::package::{Matter, SolverPackage};
use crate::policy::Policy;
use crate::provider::{Provider, Unusable};
use crate::solve::{Failure, Problem, Tree};

mod core;
mod facts;
mod other_cuda;
mod pins;
mod ranges;
mod suggest;

pub use ranges::show_range;

/// The most lines of facts that are shown.
const FACT_LIMIT: usize = 16;
/// The most disagreements that are shown beside an explanation of something else.
const BESIDES_LIMIT: usize = 2;
/// The most suggestions that are shown.
const SUGGESTION_LIMIT: usize = 6;

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// What is true and cannot hold together, from the user's requirements down.
    pub facts: Vec<String>,
    /// How many more facts there are.
    pub facts_left_out: usize,
    /// Changes that are known to lead to a solution.
    pub suggestions: Vec<Suggestion>,
    /// Hints that no solve has confirmed.
    pub hints: Vec<String>,
}

/// A change that is known to lead to a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What to change.
    pub change: String,
    /// What would then be chosen, as `name version`, the changed package first.
    pub chosen: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fact in &self.facts {
            writeln!(formatter, "  - {fact}")?;
        }
        if self.facts_left_out > 0 {
            writeln!(formatter, "  - and {} more", self.facts_left_out)?;
        }
        if !self.suggestions.is_empty() {
            writeln!(formatter, "Any one of these changes is enough:")?;
        }
        for suggestion in &self.suggestions {
            writeln!(formatter, "  - {}: gives {}", suggestion.change, suggestion.chosen.join(", "))?;
        }
        for hint in &self.hints {
            writeln!(formatter, "Hint: {hint}")?;
        }
        Ok(())
    }
}

/// A fact about what versions of a package claim on a matter that all must agree on, the variant aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedFact {
    /// The package.
    pub package: PackageName,
    /// The matter.
    pub matter: Matter,
    /// The values that its versions go with.
    pub values: BTreeSet<String>,
    /// The fact in words.
    pub fact: String,
}

/// The claims that a proof speaks of. It solves nothing again, so the proof is not the shortest.
pub fn claimed_facts<P: Provider>(joint: &Joint<'_, P>, failure: &Failure) -> Vec<ClaimedFact> {
    facts::list(joint, joint, &leaves(&failure.tree), &failure.agreements).1
}

/// Explains why a problem of one target has no solution.
///
/// It solves variants of the problem with the same provider, so it can take several times as long as the solve that
/// failed. `known_names` are names of packages, to recognise a misspelt one.
pub fn explain<P: Provider>(
    provider: &P,
    problem: &Problem,
    policy: &Policy,
    failure: Failure,
    known_names: &[&str],
) -> Explanation {
    explain_joint(&Joint::single(provider, problem, policy), failure, known_names)
}

/// Explains why the problems of several targets have no solution together, as [`explain`] does.
pub fn explain_joint<P: Provider>(
    joint: &Joint<'_, P>,
    failure: Failure,
    known_names: &[&str],
) -> Explanation {
    let (core, failure) = core::minimize(joint, failure);
    let leaves = leaves(&failure.tree);
    let disagreements = pins::disagreements(joint);
    let plain = disagreements.iter().find_map(|one| one.explains(&core));
    let besides = if plain.is_some() { &[] } else { &disagreements[..] };
    let mut facts = plain.unwrap_or_else(|| facts::list(joint, &core, &leaves, &failure.agreements).0);
    let facts_left_out = facts.len().saturating_sub(FACT_LIMIT);
    facts.truncate(FACT_LIMIT);
    facts.extend(besides.iter().filter_map(|one| one.besides(joint)).take(BESIDES_LIMIT));
    let mut suggestions = other_cuda::suggestions(joint, &core, &leaves, &failure.agreements);
    suggestions.extend(suggest::suggestions(joint, &core, &leaves));
    suggestions.truncate(SUGGESTION_LIMIT);
    let mut hints = suggest::hints(&leaves, known_names);
    hints.extend(suggest::elsewhere(joint, &leaves));
    hints.extend(suggest::overruled(joint, &leaves));
    hints.extend(suggest::ways_out(joint, &leaves, &failure.agreements));
    Explanation { facts, facts_left_out, suggestions, hints }
}

pub(crate) type Leaf<'tree> = &'tree External<SolverPackage, VersionRange, Unusable>;

/// The facts at the bottom of a proof, each once, in the order in which the proof uses them.
pub(crate) fn leaves(tree: &Tree) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut trees = vec![tree];
    while let Some(tree) = trees.pop() {
        match tree {
            DerivationTree::External(external) => found.push(external),
            // Parts of the proof are shared, up to exponentially often.
            DerivationTree::Derived(derived) => {
                for cause in [&derived.cause2, &derived.cause1] {
                    if seen.insert(Arc::as_ptr(cause)) {
                        trees.push(cause.as_ref());
                    }
                }
            }
        }
    }
    found
}
