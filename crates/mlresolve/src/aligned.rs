//! What aligned targets hold back from each other.

use mlresolve_solver::Resolution;

use crate::report::HeldBack;
use crate::run::TargetRun;

/// The packages of a target of which it would have a newer public version if it were locked alone.
pub(crate) fn held_back_by_others(targets: &[TargetRun<'_>], resolution: &Resolution) -> Vec<HeldBack> {
    let held = resolution.held_back.iter().filter_map(|held| {
        let chosen = resolution.packages.get(&held.name)?.version.to_string();
        let by = held.by.iter().filter_map(|at| Some(targets.get(*at)?.prepared.target.name()));
        let by: Vec<&str> = by.collect();
        Some(HeldBack {
            name: held.name.to_string(),
            version: held.version.to_string(),
            chosen,
            because: format!("{} cannot have it, and the targets are aligned", by.join(" and ")),
        })
    });
    held.collect()
}
