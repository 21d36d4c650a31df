//! No old version in silence: where newer ones must be built to tell what they require, an older one with a wheel stands
//! in only if it is recent.

use jiff::{SignedDuration, Timestamp};
use mlresolve_packaging::{PackageName, Version};
use mlresolve_solver::{Explanation, Resolution};

use crate::error::Error;
use crate::run::from_universe;
use crate::universe::Universe;

/// How much older than the newest a version may be, if it is not of the minor release before.
const RECENT: SignedDuration = SignedDuration::from_hours(180 * 24);

/// What was held back by sources that must be built.
pub(crate) enum Held {
    /// Recent versions stand in; a line for each.
    Recent(Vec<String>),
    /// An old version would stand in.
    Antique(Explanation),
}

/// Looks at what a resolution chose in place of versions that must be built.
pub(crate) fn held_back(universe: &Universe, resolution: &Resolution) -> Result<Held, Error> {
    let mut recent = Vec::new();
    for (name, resolved) in &resolution.packages {
        let chosen = &resolved.version;
        let Some(newest) = universe.unread(name).into_iter().rfind(|version| version > chosen) else {
            continue;
        };
        if is_recent(universe, name, chosen, &newest)? {
            recent.push(format!(
                "{name} {chosen} is taken and not {newest}, whose source must be built to tell what it requires: \
                 --allow-build {name}"
            ));
            continue;
        }
        let uploaded =
            uploaded(universe, name, chosen)?.map(|time| format!(", of {}", time.strftime("%Y-%m-%d")));
        return Ok(Held::Antique(Explanation {
            facts: vec![
                format!(
                    "{name} {newest} has no wheel for the target, and its source must be built to tell what it requires"
                ),
                format!(
                    "the newest {name} that can be read and fits is {chosen}{}, too old to be taken in silence",
                    uploaded.unwrap_or_default()
                ),
            ],
            hints: vec![
                format!("{name} can be built to see what it requires: --allow-build {name}"),
                format!("or say yourself what it requires, under [tool.mlresolve.metadata.{name}]"),
                format!("or require {name}<={chosen}, if the old version will do"),
            ]
            .into_iter()
            .chain(mlresolve_solver::Provider::elsewhere(universe, name))
            .collect(),
            ..Explanation::default()
        }));
    }
    Ok(Held::Recent(recent))
}

/// Whether a version is of the newest one's minor release or the one before, or not much older.
pub(crate) fn is_recent(
    universe: &Universe,
    name: &PackageName,
    chosen: &Version,
    newest: &Version,
) -> Result<bool, Error> {
    let part = |version: &Version, at: usize| version.release().get(at).copied().unwrap_or_default();
    let same_major = chosen.epoch() == newest.epoch() && part(chosen, 0) == part(newest, 0);
    if same_major && part(newest, 1).saturating_sub(part(chosen, 1)) <= 1 {
        return Ok(true);
    }
    let (old, new) = (uploaded(universe, name, chosen)?, uploaded(universe, name, newest)?);
    Ok(old.zip(new).is_some_and(|(old, new)| new.duration_since(old) <= RECENT))
}

/// When a version is from, if it is old beside the newest final one.
pub(crate) fn since(universe: &Universe, name: &PackageName, version: &Version) -> Option<String> {
    let project = universe.project(name).ok()??;
    let newest = project.versions().iter().filter(|one| !one.any_prerelease()).max()?.clone();
    if newest <= *version || is_recent(universe, name, version, &newest).ok()? {
        return None;
    }
    Some(format!("of {}", uploaded(universe, name, version).ok()??.strftime("%Y-%m-%d")))
}

/// When the first file of a version was uploaded.
pub(crate) fn uploaded(
    universe: &Universe,
    name: &PackageName,
    version: &Version,
) -> Result<Option<Timestamp>, Error> {
    let Some(project) = universe.project(name).map_err(from_universe)? else { return Ok(None) };
    let Some(place) = project.position(version) else { return Ok(None) };
    let release = project.release(place)?;
    Ok(release.files().filter_map(|file| file.upload_time).min())
}
