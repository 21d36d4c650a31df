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
    let mut open: Vec<(String, Requirement, Conditions)> = Vec::new();
    let mut wanted: BTreeSet<(ExtraName, Conditions)> =
        extras.iter().map(|extra| (extra.clone(), Conditions::new())).collect();
    if let Some(project) = &pyproject.project {
        if project.dynamic.iter().any(|field| field == "dependencies") {
            let problem = "its dependencies are dynamic: only a build would tell them, and builds are not run; list \
                           them under [project], or name a requirements file with `-r FILE`";
            return Err(Error::input(FILE, problem));
        }
        let of_project = |requirement: &Requirement| {
            ("project.dependencies".to_owned(), requirement.clone(), Conditions::new())
        };
        open.extend(project.dependencies.iter().map(of_project));
    }
    for group in groups {
        let Some(requirements) = pyproject.groups.requirements(group) else {
            let names: Vec<String> = pyproject.groups.names().map(ToString::to_string).collect();
            let problem = format!("there is no dependency group {group}; there is {}", some(&names));
            return Err(Error::input(FILE, problem));
        };
        let place = format!("dependency-groups.{group}");
        open.extend(requirements.into_iter().map(|one| (place.clone(), one.clone(), Conditions::new())));
    }
    let mut done: BTreeSet<(ExtraName, Conditions)> = BTreeSet::new();
    loop {
        // `name[extra]` inside the project's own lists means the project's own extra.
        for (place, requirement, mut conditions) in std::mem::take(&mut open) {
            let own = pyproject.project.as_ref().is_some_and(|project| project.name == requirement.name);
            conditions.extend(requirement.marker.iter().map(ToString::to_string));
            if own {
                let extras = requirement.extras.iter();
                wanted.extend(extras.map(|extra| (extra.clone(), conditions.clone())));
            } else {
                found.push(RequestedRequirement {
                    text: under(&requirement, &conditions),
                    origin: Some(format!("{FILE}, {place}")),
                    ..RequestedRequirement::default()
                });
            }
        }
        let Some(next) = wanted.difference(&done).next().cloned() else { return Ok(found) };
        let (extra, conditions) = &next;
        let lists = pyproject.project.as_ref().map(|project| &project.optional_dependencies);
        let Some(list) = lists.and_then(|lists| lists.get(extra)) else {
            let names: Vec<String> = lists.into_iter().flatten().map(|(name, _)| name.to_string()).collect();
            return Err(Error::input(FILE, format!("there is no extra {extra}; there is {}", some(&names))));
        };
        let place = format!("project.optional-dependencies.{extra}");
        open.extend(list.iter().map(|one| (place.clone(), one.clone(), conditions.clone())));
        done.insert(next);
    }
}

/// The markers on the way to a requirement, all of which must hold. A set, so that extras which name each other
/// come to an end.
type Conditions = BTreeSet<String>;

/// A requirement under all the markers on the way to it.
fn under(requirement: &Requirement, conditions: &Conditions) -> String {
    let bare = requirement.without_marker();
    match conditions.len() {
        0 => bare.to_string(),
        _ => {
            let conditions: Vec<String> = conditions.iter().map(|marker| format!("({marker})")).collect();
            format!("{bare} ; {}", conditions.join(" and "))
        }
    }
}

fn some(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_that_names_another_passes_its_marker_on() {
        let text = "[project]\nname = \"My.Proj\"\nversion = \"1\"\n[project.optional-dependencies]\n\
                    a = [\"my_proj[b]; sys_platform == 'win32'\", \"six\"]\n\
                    b = [\"attrs\", \"my-proj[a]; os_name == 'nt'\"]\n";
        let pyproject = PyProject::parse(text).unwrap();
        let found = requirements(&pyproject, &["a".parse().unwrap()], &[]).unwrap();
        let mut texts: Vec<&str> = found.iter().map(|one| one.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        let expected = [
            "attrs ; (os_name == 'nt') and (sys_platform == 'win32')",
            "attrs ; (sys_platform == 'win32')",
            "six",
            "six ; (os_name == 'nt') and (sys_platform == 'win32')",
        ];
        assert_eq!(texts, expected);
    }
}
