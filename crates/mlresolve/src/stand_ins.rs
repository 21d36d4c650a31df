//! What a lock owes its reader where a provider of an import package stands for another that packages require.

use std::collections::BTreeMap;

use mlresolve_packaging::{ExtraName, PackageName};
use mlresolve_solver::Resolution;

use crate::error::Error;
use crate::run::from_universe;
use crate::text::some_of;
use crate::universe::Universe;

/// One sentence for each package that another stands for.
pub(crate) fn stand_ins(universe: &Universe, resolution: &Resolution) -> Result<Vec<String>, Error> {
    let mut requiring: BTreeMap<(PackageName, PackageName), Vec<String>> = BTreeMap::new();
    for (name, resolved) in &resolution.packages {
        let extras: Vec<ExtraName> = resolved.extras.iter().cloned().collect();
        let pairs = universe.stood_for(name, &resolved.version, &extras).map_err(from_universe)?;
        for (required, provider) in pairs {
            let names = requiring.entry((provider, required)).or_default();
            names.push(format!("{name} {}", resolved.version));
            names.dedup();
        }
    }
    let sentences = requiring.into_iter().map(|((provider, required), by)| {
        let by: Vec<&str> = by.iter().map(String::as_str).collect();
        let verb = if by.len() == 1 { "requires" } else { "require" };
        format!(
            "{provider} stands for {required}, which {} {verb}: `pip check` will say that {required} is missing",
            some_of(&by)
        )
    });
    Ok(sentences.collect())
}
