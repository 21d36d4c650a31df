//! What aligned targets hold back from each other.

use mlresolve_solver::{Alignment, Joint, Resolution};

use crate::error::Error;
use crate::report::HeldBack;
use crate::run::Run;
use crate::universe::Universe;

/// For each target, the packages that it would have in a newer public version if it were locked alone.
pub(crate) fn held_back_by_others<'a>(
    run: &Run<'a>,
    joint: &Joint<'a, Universe>,
    together: &[Resolution],
) -> Result<Vec<Vec<HeldBack>>, Error> {
    if joint.targets.len() < 2 || joint.alignment == Alignment::None {
        return Ok(vec![Vec::new(); together.len()]);
    }
    let alone = joint.targets.iter().enumerate().map(|(at, problem)| run.solve_alone(at, problem));
    let alone = alone.collect::<Result<Vec<_>, _>>()?;
    let mut held = Vec::with_capacity(together.len());
    for (own, resolution) in alone.iter().zip(together) {
        let mut list = Vec::new();
        for (name, resolved) in &resolution.packages {
            let public = resolved.version.clone().without_local();
            let Some(newer) = own.packages.get(name).map(|own| own.version.clone().without_local()) else {
                continue;
            };
            if newer <= public || !joint.alignment.holds_for(name) {
                continue;
            }
            let holds = |other: &&Resolution| {
                let version = other.packages.get(name).map(|other| other.version.clone().without_local());
                version.is_some_and(|version| version < newer)
            };
            let holders = joint.targets.iter().zip(&alone).filter(|(_, other)| holds(other));
            let holders: Vec<&str> = holders.map(|(target, _)| target.name.as_str()).collect();
            let because = match holders[..] {
                [] => "the targets are aligned".to_owned(),
                [one] => format!("{one} cannot have it, and the targets are aligned"),
                _ => format!("{} cannot have it, and the targets are aligned", holders.join(" and ")),
            };
            list.push(HeldBack {
                name: name.to_string(),
                version: newer.to_string(),
                chosen: public.to_string(),
                because,
            });
        }
        held.push(list);
    }
    Ok(held)
}
