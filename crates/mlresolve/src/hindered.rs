//! What the target's own machine holds back, and which variant it got.

use mlresolve_lockfile::Lock;
use mlresolve_packaging::Version;
use mlresolve_solver::{Joint, Resolution};
use mlresolve_target::runs::{Build, cuda_of, judge_build};
use mlresolve_target::{Accelerator, Gpu, Target, Variant, facts};

use crate::machine::{TORCH, local_variant, version_cuda};
use crate::prepare::read_target;
use crate::report::HeldBack;
use crate::request::TargetRequest;
use crate::run::{Run, TargetRun};
use crate::unhindered::{newer_in, without_facts};
use crate::universe::Universe;

/// For each target, the packages that it would have in a newer public version if its machine ran everything.
///
/// Nothing is said where that cannot be found out: the lock is right all the same.
pub(crate) fn held_back_by_machine<'a>(
    run: &Run<'a>,
    joint: &Joint<'a, Universe>,
    chosen: &[Resolution],
) -> Vec<Vec<HeldBack>> {
    let nothing = vec![Vec::new(); chosen.len()];
    if !run.targets.iter().any(|target| target.universe.is_hindered()) {
        return nothing;
    }
    let Some(unhindered) = without_facts(run, joint) else { return nothing };
    let targets = run.targets.iter().zip(unhindered.iter().zip(chosen));
    targets.map(|(target, (unhindered, chosen))| held_back(target, unhindered, chosen)).collect()
}

fn held_back(target: &TargetRun<'_>, unhindered: &Resolution, chosen: &Resolution) -> Vec<HeldBack> {
    let mut held = Vec::new();
    for (name, resolved) in &chosen.packages {
        let Some(free) = unhindered.packages.get(name) else { continue };
        if newer_in(unhindered, name, &resolved.version).is_none() {
            continue;
        }
        // What only follows from another package is not worth a line.
        if let Some(because) = target.universe.hindrance(name, &free.version) {
            held.push(HeldBack {
                name: name.to_string(),
                version: free.version.to_string(),
                chosen: resolved.version.to_string(),
                because: format!("it {because}"),
            });
        }
    }
    held
}

/// Which variant was chosen, and why, in one line; `None` where the target left no choice and says nothing.
pub(crate) fn variant_line(target: &TargetRun<'_>, resolution: &Resolution, unknown: bool) -> Option<String> {
    let variant: Variant = resolution.variant.as_ref()?.parse().ok()?;
    let torch = resolution.packages.iter().find(|(name, _)| name.as_str() == TORCH);
    let torch = torch.map(|(_, torch)| &torch.version);
    Some(build_in_words(&target.prepared.target, torch, variant, unknown))
}

/// Which variant the builds of the torch family in a lock are for, and why it is this one; `None` where the lock records none, or
/// not the machine that it is for.
#[must_use]
pub fn chosen_build(lock: &Lock) -> Option<String> {
    let section = lock.tool.as_ref()?.target.as_ref()?;
    let variant: Variant = section.variant.as_ref()?.parse().ok()?;
    let target = read_target(&TargetRequest::recorded(section)).ok()?;
    let torch = lock.packages.iter().find(|package| package.name.as_str() == TORCH)?.version.as_ref()?;
    let known = judge_build(&target, &Build { torch: Some(torch), variant, cuda: None }).notes.is_empty();
    Some(build_in_words(&target, Some(torch), variant, !known))
}

fn build_in_words(machine: &Target, torch: Option<&Version>, variant: Variant, unknown: bool) -> String {
    let of = torch.map(|torch| format!(" of torch {}", torch.clone().without_local())).unwrap_or_default();
    let cuda = torch.and_then(|torch| version_cuda(machine, torch, variant));
    let build = match (variant, cuda) {
        (Variant::Pypi, Some(cuda)) => format!("PyPI's own build{of}, for CUDA {cuda}"),
        (Variant::Pypi, None) => format!("PyPI's own build{of}"),
        (Variant::Cuda(cuda), _) => format!("{variant}{of}, for CUDA {cuda}"),
        _ => format!("{variant}{of}"),
    };
    format!("{build}: {}", why(machine, variant, unknown))
}

/// What the tables do not tell of the torch that was chosen.
pub(crate) fn unknown_to_tables(target: &TargetRun<'_>, resolution: &Resolution) -> Vec<String> {
    let machine = &target.prepared.target;
    let Some((name, torch)) = resolution.packages.iter().find(|(name, _)| name.as_str() == TORCH) else {
        return Vec::new();
    };
    let variant = target.universe.variant(name, &torch.version).ok().flatten();
    let Some(variant) = variant.or_else(|| local_variant(&torch.version)) else { return Vec::new() };
    let requirements = target.universe.requirements(name, &torch.version, []).unwrap_or_default();
    let cuda = cuda_of(&requirements).or_else(|| version_cuda(machine, &torch.version, variant));
    judge_build(machine, &Build { torch: Some(&torch.version), variant, cuda }).notes
}

fn why(target: &Target, variant: Variant, unknown: bool) -> String {
    let open = matches!(target.accelerator(), Some(Accelerator::Cuda(None) | Accelerator::Rocm(None)));
    if !open {
        return "as the target declares".to_owned();
    }
    let mut machine: Vec<String> =
        target.driver().map(|driver| format!("driver {driver}")).into_iter().collect();
    machine.extend(target.gpus().iter().map(Gpu::described));
    let which = match unknown {
        true => "nothing that is known keeps it from running",
        false => "it runs",
    };
    if machine.is_empty() {
        return "neither driver nor GPU is declared, so nothing is ruled out".to_owned();
    }
    let by_minor = match (variant, target.driver()) {
        (Variant::Cuda(cuda), Some(driver)) => {
            facts::toolkit(cuda).filter(|toolkit| !driver.reaches(toolkit.driver))
        }
        _ => None,
    };
    let by_minor = by_minor.map(|toolkit| {
        let own = toolkit.driver;
        format!(", by minor-version compatibility: CUDA {} came with {own} {}", toolkit.cuda, toolkit.source)
    });
    format!("{which} on {}{}", machine.join(" and "), by_minor.unwrap_or_default())
}
