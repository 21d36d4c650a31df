//! Where packages are for different CUDAs: the same requirement for the other one, as its name or its extra says.

use std::collections::BTreeSet;

use mlresolve_packaging::{ExtraName, PackageName, VersionRange};
use pubgrub::External;

use super::suggest::{NAMED, STEPS, requirements, with_requirements};
use super::{Leaf, Suggestion};
use crate::align::Agreements;
use crate::joint::Joint;
use crate::package::{Matter, SolverPackage};
use crate::provider::{Dependency, Provider};
use crate::solve::solve_joint;

/// The same requirement for another CUDA, where that is what packages do not agree on.
pub(super) fn suggestions<P: Provider>(
    joint: &Joint<'_, P>,
    core: &Joint<'_, P>,
    leaves: &[Leaf<'_>],
    agreements: &Agreements,
) -> Vec<Suggestion> {
    let joint = &joint.with_step_limit(STEPS);
    let mut majors = BTreeSet::new();
    for leaf in leaves {
        if let External::FromDependencyOf(_, _, SolverPackage::Shared(_, Matter::CudaMajor), range) = leaf {
            majors.extend(agreements.values_in(&Matter::CudaMajor, range));
        }
    }
    let pairs: Vec<(&String, &String)> =
        majors.iter().flat_map(|from| majors.iter().map(move |to| (from, to))).collect();
    let mut found: Vec<Suggestion> = Vec::new();
    for requirement in requirements(core) {
        found.extend(pairs.iter().filter_map(|(from, to)| {
            with_other_cuda(joint, core, &|one| {
                (one == requirement).then(|| for_other_cuda(one, from, to)).flatten()
            })
        }));
    }
    // One alone may not be enough.
    if found.is_empty() {
        let all = pairs
            .iter()
            .filter_map(|(from, to)| with_other_cuda(joint, core, &|one| for_other_cuda(one, from, to)));
        found.extend(all);
    }
    found.dedup();
    found
}

/// What is chosen with these requirements in the place of others, if there is a solution.
fn with_other_cuda<P: Provider>(
    joint: &Joint<'_, P>,
    core: &Joint<'_, P>,
    other: &dyn Fn(&Dependency) -> Option<Dependency>,
) -> Option<Suggestion> {
    let mut replaced: Vec<(Dependency, Dependency)> = Vec::new();
    for one in requirements(joint) {
        if let Some(new) = other(one).filter(|_| !replaced.iter().any(|(old, _)| old == one)) {
            replaced.push((one.clone(), new));
        }
    }
    if replaced.is_empty() {
        return None;
    }
    let changed = with_requirements(joint, |one| Some(other(one).unwrap_or_else(|| one.clone())));
    let resolutions = solve_joint(&changed).ok()?;
    // An extra that nothing offers is no other CUDA.
    let is_new = |name: &PackageName| replaced.iter().any(|(_, new)| new.name == *name);
    if resolutions.iter().flat_map(|one| &one.unknown_extras).any(|unknown| is_new(&unknown.name)) {
        return None;
    }
    let kept = requirements(core).filter(|one| !replaced.iter().any(|(old, _)| old == *one));
    let names = replaced.iter().map(|(_, new)| &new.name).chain(kept.map(|one| &one.name));
    let version = |name| resolutions.iter().find_map(|one| Some(&one.packages.get(name)?.version));
    let chosen = names.filter_map(|name| Some(format!("{name} {}", version(name)?))).take(NAMED).collect();
    let list = |texts: Vec<&str>| texts.join(" and ");
    let new = list(replaced.iter().map(|(_, new)| &*new.text).collect());
    let old = list(replaced.iter().map(|(old, _)| &*old.text).collect());
    Some(Suggestion { change: format!("ask for {new} instead of {old}"), chosen })
}

/// A requirement such as `jax[cuda13]` or `cupy-cuda12x` for another CUDA major: `jax[cuda12]`, `cupy-cuda13x`. `None` where
/// it says no such major. Whether there is such a package or extra is not known.
fn for_other_cuda(requirement: &Dependency, from: &str, to: &str) -> Option<Dependency> {
    let name = replace_major(requirement.name.as_str(), from, to).and_then(|name| name.parse().ok());
    let extra = |extra: &ExtraName| {
        let other = replace_major(extra.as_str(), from, to).and_then(|other| other.parse().ok());
        (other.is_some(), other.unwrap_or_else(|| extra.clone()))
    };
    let (changed, extras): (Vec<bool>, Vec<ExtraName>) = requirement.extras.iter().map(extra).unzip();
    if name.is_none() && !changed.contains(&true) {
        return None;
    }
    // Another package has versions of its own.
    let range = if name.is_some() { VersionRange::full() } else { requirement.range.clone() };
    let name = name.unwrap_or_else(|| requirement.name.clone());
    let list = extras.iter().map(ExtraName::as_str).collect::<Vec<_>>().join(",");
    let text = if list.is_empty() { name.to_string() } else { format!("{name}[{list}]") };
    Some(Dependency { name, extras, range, text: text.into() })
}

/// A name in which `cu12` or `cuda12x` becomes the same of another major; `None` where no word of it is one.
fn replace_major(text: &str, from: &str, to: &str) -> Option<String> {
    let words: Vec<String> = text
        .split('-')
        .map(|word| {
            let is_major = ["cu", "cuda"].iter().any(|stem| {
                let rest = word.strip_prefix(stem).and_then(|rest| rest.strip_prefix(from));
                rest.is_some_and(|rest| matches!(rest, "" | "x"))
            });
            if is_major { word.replacen(from, to, 1) } else { word.to_owned() }
        })
        .collect();
    let replaced = words.join("-");
    (replaced != text).then_some(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_word_is_a_cuda() {
        let to_13 = |text: &str| replace_major(text, "12", "13");
        assert_eq!(to_13("cuda12").as_deref(), Some("cuda13"));
        assert_eq!(to_13("cupy-cuda12x").as_deref(), Some("cupy-cuda13x"));
        assert_eq!(to_13("nvidia-nccl-cu12").as_deref(), Some("nvidia-nccl-cu13"));
        for other in ["cu128", "cu11", "cucim12", "torch", "and-cuda", "x12"] {
            assert_eq!(to_13(other), None, "{other}");
        }
    }
}
