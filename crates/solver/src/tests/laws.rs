//! Laws that hold for every registry, checked against trying every combination.

use std::collections::BTreeMap;

use mlresolve_packaging::{PackageName, Version, VersionPoint};
use proptest::prelude::*;

use super::memory::{Registry, Release, dependency, problem};
use crate::{Policy, Resolution, SolveError, explain, solve};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

type Row = (usize, u64, Vec<(usize, u8, u64, bool)>, Vec<(usize, u8, u64, bool)>);

fn any_row() -> impl Strategy<Value = Row> {
    let needs = |most| {
        proptest::collection::vec((0..NAMES.len(), 0u8..5, 1u64..4, prop::bool::weighted(0.3)), 0..most)
    };
    (0..NAMES.len(), 1u64..4, needs(3), needs(2))
}

fn text_of((name, operator, version, extra): &(usize, u8, u64, bool)) -> String {
    let extra = if *extra { "[x]" } else { "" };
    let operator = ["", "==", ">=", "<", "!="][usize::from(*operator)];
    let version = if operator.is_empty() { String::new() } else { version.to_string() };
    format!("{}{extra}{operator}{version}", NAMES[*name])
}

fn registry_of(rows: &[Row]) -> Registry {
    let mut registry = Registry::default();
    for name in NAMES {
        registry.packages.entry(name.parse().unwrap()).or_default();
    }
    for (name, version, requires, extra) in rows {
        let name: PackageName = NAMES[*name].parse().unwrap();
        let list = |needs: &[(usize, u8, u64, bool)]| {
            needs.iter().map(text_of).map(|text| dependency(&text)).filter(|need| need.name != name).collect()
        };
        // Every version offers the extra: whether one lacks it is a rule of its own.
        let extras = BTreeMap::from([("x".parse().unwrap(), list(extra))]);
        let release = Release { requires: list(requires), extras, ..Release::default() };
        registry.packages.get_mut(&name).unwrap().insert(Version::new([*version]), release);
    }
    registry
}

/// Whether chosen versions satisfy everything that is asked, extras included, and nothing is there unasked.
fn is_valid(
    registry: &Registry,
    roots: &[String],
    chosen: &BTreeMap<PackageName, Version>,
) -> Result<(), String> {
    let mut reached = BTreeMap::new();
    let mut open: Vec<_> = roots.iter().map(|text| dependency(text)).collect();
    while let Some(need) = open.pop() {
        let Some(version) = chosen.get(&need.name) else { return Err(format!("{} is missing", need.text)) };
        if !need.range.contains(&VersionPoint::at(version.clone())) {
            return Err(format!("{} is not satisfied by {version}", need.text));
        }
        let release = &registry.packages[&need.name][version];
        for extra in std::iter::once(None).chain(need.extras.iter().map(Some)) {
            if reached.insert((need.name.clone(), extra.cloned()), ()).is_none() {
                open.extend(extra.map_or(&release.requires, |extra| &release.extras[extra]).iter().cloned());
            }
        }
    }
    match chosen.keys().find(|name| !reached.contains_key(&((*name).clone(), None))) {
        Some(name) => Err(format!("{name} was not asked for")),
        None => Ok(()),
    }
}

/// Tries every combination of versions.
fn has_solution(registry: &Registry, roots: &[String]) -> bool {
    let names: Vec<&PackageName> = registry.packages.keys().collect();
    let mut counts: Vec<usize> = Vec::new();
    for name in &names {
        counts.push(registry.packages[*name].len() + 1);
    }
    let total: usize = counts.iter().product();
    (0..total).any(|mut index| {
        let mut chosen = BTreeMap::new();
        for (name, count) in names.iter().zip(&counts) {
            if let Some(version) = registry.packages[*name].keys().nth(index % count) {
                chosen.insert((*name).clone(), version.clone());
            }
            index /= count;
        }
        is_valid(registry, roots, &chosen).is_ok()
    })
}

fn versions(resolution: &Resolution) -> BTreeMap<PackageName, Version> {
    resolution.packages.iter().map(|(name, resolved)| (name.clone(), resolved.version.clone())).collect()
}

fn solved(registry: &Registry, roots: &[String]) -> Option<Resolution> {
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    registry.solve(&roots).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_solution_is_found_exactly_when_there_is_one(
        rows in proptest::collection::vec(any_row(), 1..14),
        roots in proptest::collection::vec((0..NAMES.len(), 0u8..5, 1u64..4, prop::bool::weighted(0.3)), 1..4),
    ) {
        let registry = registry_of(&rows);
        let roots: Vec<String> = roots.iter().map(text_of).collect();
        match solved(&registry, &roots) {
            Some(resolution) => {
                prop_assert_eq!(is_valid(&registry, &roots, &versions(&resolution)), Ok(()));
            }
            None => prop_assert!(!has_solution(&registry, &roots)),
        }
    }

    #[test]
    fn the_order_of_requirements_does_not_matter(
        rows in proptest::collection::vec(any_row(), 1..14),
        roots in proptest::collection::vec((0..NAMES.len(), 0u8..5, 1u64..4, prop::bool::weighted(0.3)), 1..5),
    ) {
        let registry = registry_of(&rows);
        let roots: Vec<String> = roots.iter().map(text_of).collect();
        let reversed: Vec<String> = roots.iter().rev().cloned().collect();
        let first = solved(&registry, &roots).map(|resolution| resolution.packages);
        prop_assert_eq!(first, solved(&registry, &reversed).map(|resolution| resolution.packages));
    }

    #[test]
    fn leaving_out_a_dependency_never_breaks_a_solution(
        rows in proptest::collection::vec(any_row(), 1..14),
        roots in proptest::collection::vec((0..NAMES.len(), 0u8..5, 1u64..4, prop::bool::weighted(0.3)), 1..4),
        which in any::<prop::sample::Index>(),
    ) {
        let roots: Vec<String> = roots.iter().map(text_of).collect();
        prop_assume!(solved(&registry_of(&rows), &roots).is_some());
        let mut fewer = rows.clone();
        let row = which.index(fewer.len());
        fewer[row].2.pop();
        prop_assert!(solved(&registry_of(&fewer), &roots).is_some());
    }

    #[test]
    fn an_explanation_is_true(
        rows in proptest::collection::vec(any_row(), 1..14),
        roots in proptest::collection::vec((0..NAMES.len(), 1u8..5, 1u64..4, prop::bool::weighted(0.3)), 1..5),
    ) {
        let registry = registry_of(&rows);
        let roots: Vec<String> = roots.iter().map(text_of).collect();
        let texts: Vec<&str> = roots.iter().map(String::as_str).collect();
        let problem = problem(&texts, &[]);
        let Err(SolveError::NoSolution(failure)) = solve(&registry, &problem, &Policy::default()) else { return Ok(()) };
        let explanation = explain(&registry, &problem, &Policy::default(), failure, &[]);
        let named: Vec<String> = explanation
            .facts
            .iter()
            .filter_map(|fact| fact.strip_prefix("you require "))
            .map(str::to_owned)
            .collect();
        prop_assert!(!has_solution(&registry, &named), "{}", explanation);
        for suggestion in &explanation.suggestions {
            // What stands there twice is changed in both places.
            let changed: Vec<String> = if let Some(text) = suggestion.change.strip_prefix("relax ") {
                let bare = text.split(['=', '<', '>', '!']).next().unwrap();
                let relaxed = roots.iter().map(|root| if root == text { bare } else { root });
                relaxed.map(str::to_owned).collect()
            } else {
                let text = suggestion.change.strip_prefix("leave out ").unwrap();
                roots.iter().filter(|root| *root != text).cloned().collect()
            };
            prop_assert!(has_solution(&registry, &changed), "{}", explanation);
        }
    }
}
