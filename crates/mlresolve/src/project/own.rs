//! What a `pyproject.toml` requires.

use std::collections::BTreeSet;

use mlresolve_packaging::pyproject::PyProject;
use mlresolve_packaging::{ExtraName, GroupName, Requirement};

use crate::error::Error;
use crate::request::RequestedRequirement;

const FILE: &str = "pyproject.toml";

/// Whether the file says anything about dependencies.
pub(super) fn is_usable(pyproject: &PyProject) -> bool {
    pyproject.project.is_some() || pyproject.groups.names().next().is_some()
}

/// The project's dependencies, with those of these extras and groups.
pub(super) fn requirements(
    pyproject: &PyProject,
    extras: &[ExtraName],
    groups: &[GroupName],
) -> Result<Vec<RequestedRequirement>, Error> {
    let mut found = Vec::new();
    let mut open: Vec<(String, Requirement)> = Vec::new();
    let mut wanted: BTreeSet<ExtraName> = extras.iter().cloned().collect();
    if let Some(project) = &pyproject.project {
        if project.dynamic.iter().any(|field| field == "dependencies") {
            let problem = "its dependencies are dynamic: only a build would tell them, and builds are not run; list \
                           them under [project], or name a requirements file with `-r FILE`";
            return Err(Error::input(FILE, problem));
        }
        let place = || "project.dependencies".to_owned();
        open.extend(project.dependencies.iter().map(|requirement| (place(), requirement.clone())));
    }
    for group in groups {
        let Some(requirements) = pyproject.groups.requirements(group) else {
            let names: Vec<String> = pyproject.groups.names().map(ToString::to_string).collect();
            return Err(Error::input(
                FILE,
                format!("there is no dependency group {group}; there is {}", some(&names)),
            ));
        };
        open.extend(
            requirements
                .into_iter()
                .map(|requirement| (format!("dependency-groups.{group}"), requirement.clone())),
        );
    }
    let mut done: BTreeSet<ExtraName> = BTreeSet::new();
    loop {
        // `name[extra]` inside the project's own lists means the project's own extra.
        for (place, requirement) in std::mem::take(&mut open) {
            let own = pyproject.project.as_ref().is_some_and(|project| project.name == requirement.name);
            if own {
                wanted.extend(requirement.extras.iter().cloned());
            } else {
                found.push(RequestedRequirement {
                    text: requirement.to_string(),
                    origin: Some(format!("{FILE}, {place}")),
                    hashes: Vec::new(),
                });
            }
        }
        let Some(extra) = wanted.difference(&done).next().cloned() else { return Ok(found) };
        let lists = pyproject.project.as_ref().map(|project| &project.optional_dependencies);
        let Some(list) = lists.and_then(|lists| lists.get(&extra)) else {
            let names: Vec<String> = lists.into_iter().flatten().map(|(name, _)| name.to_string()).collect();
            return Err(Error::input(FILE, format!("there is no extra {extra}; there is {}", some(&names))));
        };
        let place = format!("project.optional-dependencies.{extra}");
        open.extend(list.iter().map(|requirement| (place.clone(), requirement.clone())));
        done.insert(extra);
    }
}

fn some(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
