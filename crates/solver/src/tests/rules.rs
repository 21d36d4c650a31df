//! Which version is chosen: one test a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::{Registry, shown};
use crate::{Policy, Prerelease, ResolutionMode, SolveError, Stop};

#[test]
fn the_newest_is_chosen_and_conflicts_are_walked_back() {
    let registry = Registry::read("a 1\n a 2: b<2\n b 1\n b 2\n c 1: b>=2\n c 0.9: b");
    assert_eq!(registry.chosen(&["a", "b"]), "a 2, b 1");
    assert_eq!(registry.chosen(&["a", "b>=2"]), "a 1, b 2");
    assert_eq!(registry.chosen(&["a>=2", "c"]), "a 2, b 1, c 0.9");
}

#[test]
fn cycles_are_fine() {
    let registry = Registry::read("a 1: b\n b 1: c\n c 1: a>=1\n c 2: a>=2");
    assert_eq!(registry.chosen(&["a"]), "a 1, b 1, c 1");
}

#[test]
fn extras_bring_their_requirements() {
    let registry = Registry::read("a 1: b | gpu: c>=2 | all: a[gpu], d\n b 1\n c 1\n c 2\n d 1");
    assert_eq!(registry.chosen(&["a"]), "a 1, b 1");
    assert_eq!(registry.chosen(&["a[gpu]"]), "a[gpu] 1, b 1, c 2");
    assert_eq!(registry.chosen(&["a[all]"]), "a[all][gpu] 1, b 1, c 2, d 1");
}

#[test]
fn extras_that_ask_for_each_other_end() {
    let registry = Registry::read("a 1 | all: a[x], a[y] | x: a[all] | y: b\n b 1");
    assert_eq!(registry.chosen(&["a[all]"]), "a[all][x][y] 1, b 1");
}

#[test]
fn fifty_extras_of_fifty_extras_end() {
    let names: Vec<String> = (0..50).map(|n| format!("e{n}")).collect();
    let all = names.iter().map(|name| format!("a[{name}]")).collect::<Vec<_>>().join(", ");
    let extras: String = names.iter().map(|name| format!(" | {name}: {all}")).collect();
    let registry = Registry::read(&format!("a 1{extras}\na 2{extras}"));
    let resolution = registry.solve(&["a[e7]"]).unwrap();
    assert_eq!(resolution.packages.values().next().unwrap().extras.len(), 50);
}

#[test]
fn a_version_without_the_extra_is_no_candidate() {
    let registry = Registry::read("a 1\n a 2 | cuda: b\n a 3 | cuda: b>=2\n b 1\n b 2\n c 1: b<2\n d 1: b<1");
    assert_eq!(registry.chosen(&["a[cuda]"]), "a[cuda] 3, b 2");
    assert_eq!(registry.chosen(&["a[cuda]", "c"]), "a[cuda] 2, b 1, c 1");
    // The oldest has no such extra, and no conflict: an ancient version is no answer to a conflict.
    assert!(registry.solve(&["a[cuda]", "d"]).is_err());
}

#[test]
fn a_dropped_extra_does_not_hold_back_what_others_need() {
    let registry = Registry::read("a 1 | fast: b\n a 2\n a 3\n b 1\n c 1: a>=2");
    assert_eq!(registry.chosen(&["a[fast]"]), "a[fast] 1, b 1");
    let resolution = registry.solve(&["a[fast]", "c"]).unwrap();
    assert_eq!(shown(&resolution), "a[fast] 3, c 1");
    assert_eq!(resolution.unknown_extras[0].extra.as_str(), "fast");
}

#[test]
fn an_extra_that_nothing_offers_is_reported_and_ignored() {
    let registry = Registry::read("a 1\n a 2: b\n b 1");
    let resolution = registry.solve(&["a[typo]"]).unwrap();
    assert_eq!(shown(&resolution), "a[typo] 2, b 1");
    assert_eq!(resolution.unknown_extras.len(), 1);
}

#[test]
fn prereleases_need_leave() {
    let registry = Registry::read("a 1\n a 2rc1\n b 1a1\n b 1a2\n c 1: a>1");
    assert_eq!(registry.chosen(&["a"]), "a 1");
    assert_eq!(registry.chosen(&["b"]), "b 1a2");
    assert!(registry.solve(&["c"]).is_err());
    let named = Policy { prerelease_named: BTreeSet::from(["a".parse().unwrap()]), ..Policy::default() };
    assert_eq!(shown(&registry.solve_with(&["c"], &named).unwrap()), "a 2rc1, c 1");
    // Who names one asks for the newest, as uv and pip read it.
    assert_eq!(shown(&registry.solve_with(&["a>=1rc1"], &named).unwrap()), "a 2rc1");
    let allow = Policy { prerelease: Prerelease::Allow, ..Policy::default() };
    assert_eq!(shown(&registry.solve_with(&["a"], &allow).unwrap()), "a 2rc1");
    let disallow = Policy { prerelease: Prerelease::Disallow, ..Policy::default() };
    assert!(registry.solve_with(&["b"], &disallow).is_err());
}

#[test]
fn a_prerelease_that_a_package_requires_by_name_is_taken_where_no_final_version_will_do() {
    let registry = Registry::read(
        "a 1\n a 2rc1\n a 2rc2\n b 1: a>=2rc1\n b 0.5: a\n c 1: a>=1rc1\n d 1: a>1\n e 1: a>=1, b>=1\n f 1: a==2.*\n \
         g 1: h==1\n g 2rc1: h==2\n h 1\n h 2",
    );
    let resolution = registry.solve(&["b"]).unwrap();
    assert_eq!(shown(&resolution), "a 2rc2, b 1");
    assert_eq!(resolution.prereleases, ["a".parse().unwrap()]);
    assert_eq!(registry.chosen(&["e"]), "a 2rc2, b 1, e 1");
    // A final version comes first, and what names no pre-release gets none.
    let final_one = registry.solve(&["c"]).unwrap();
    assert_eq!((shown(&final_one).as_str(), &final_one.prereleases[..]), ("a 1, c 1", &[][..]));
    assert!(registry.solve(&["d"]).is_err() && registry.solve(&["f"]).is_err());
    // Nor is one a way out of a conflict.
    assert!(registry.solve(&["g", "h==2"]).is_err());
    let disallow = Policy { prerelease: Prerelease::Disallow, ..Policy::default() };
    assert_eq!(shown(&registry.solve_with(&["b"], &disallow).unwrap()), "a 1, b 0.5");
}

#[test]
fn yanked_versions_need_a_pin() {
    let registry = Registry::read("a 1\n a 2 | yanked\n b 1 | yanked");
    assert_eq!(registry.chosen(&["a"]), "a 1");
    assert!(registry.solve(&["b"]).is_err());
    let key = ("a".parse().unwrap(), "2".parse().unwrap());
    let pinned = Policy { yanked_allowed: BTreeSet::from([key]), ..Policy::default() };
    assert_eq!(shown(&registry.solve_with(&["a==2"], &pinned).unwrap()), "a 2");
}

#[test]
fn the_locked_version_is_kept_while_it_will_do() {
    let registry = Registry::read("a 1\n a 2 | yanked\n a 3\n b 1: a>=3");
    let locked = |version: &str| Policy {
        preferences: BTreeMap::from([("a".parse().unwrap(), version.parse().unwrap())]),
        ..Policy::default()
    };
    assert_eq!(shown(&registry.solve_with(&["a"], &locked("1")).unwrap()), "a 1");
    assert_eq!(shown(&registry.solve_with(&["a"], &locked("2")).unwrap()), "a 2");
    assert_eq!(shown(&registry.solve_with(&["a", "b"], &locked("1")).unwrap()), "a 3, b 1");
}

#[test]
fn the_lowest_can_be_asked_for() {
    let registry = Registry::read("a 1: b\n a 2: b\n b 1\n b 2");
    let lowest = Policy { mode: ResolutionMode::Lowest, ..Policy::default() };
    assert_eq!(shown(&registry.solve_with(&["a"], &lowest).unwrap()), "a 1, b 1");
    let direct = BTreeSet::from(["a".parse().unwrap()]);
    let lowest = Policy { mode: ResolutionMode::LowestDirect, direct, ..Policy::default() };
    assert_eq!(shown(&registry.solve_with(&["a"], &lowest).unwrap()), "a 1, b 2");
}

#[test]
fn local_versions_satisfy_their_public_version() {
    let registry = Registry::read("torch 2.5.1+cu124\n torch 2.5.1+cpu\n vision 0.20: torch==2.5.1");
    assert_eq!(registry.chosen(&["vision"]), "torch 2.5.1+cu124, vision 0.20");
    assert_eq!(registry.chosen(&["vision", "torch==2.5.1+cpu"]), "torch 2.5.1+cpu, vision 0.20");
}

#[test]
fn a_package_that_requires_another_version_of_itself_is_unusable() {
    let registry = Registry::read("a 1\n a 2: a==1\n a 3: a>=3");
    assert_eq!(registry.chosen(&["a"]), "a 3");
    assert_eq!(registry.chosen(&["a<3"]), "a 1");
}

#[test]
fn nothing_asked_is_nothing_chosen() {
    assert_eq!(Registry::read("a 1").chosen(&[]), "");
}

#[test]
fn a_long_history_of_pairs_is_walked_back_quickly() {
    // Each version of one pins one version of the other, and the newest of all is out of reach.
    let mut text = String::from("root 1: boto, url>=2\nurl 1\nurl 2\n");
    for n in 0..600 {
        let url = if n == 3 { "url" } else { "url<2" };
        text.push_str(&format!("boto 1.{n}: core==1.{n}\ncore 1.{n}: {url}\n"));
    }
    let registry = Registry::read(&text);
    let resolution = registry.solve(&["root"]).unwrap();
    assert_eq!(shown(&resolution), "boto 1.3, core 1.3, root 1, url 2");
    assert!(resolution.statistics.steps < 3_000, "{:?}", resolution.statistics);
}

#[test]
fn a_solve_can_be_stopped_at_every_step() {
    let registry = Registry::read(
        "a 1: b\n a 2: b, c\n a 3: b<2, c\n b 1: d>=2\n b 2\n c 1: d<2\n c 0.9: b>=2\n d 1\n d 2",
    );
    let whole = registry.chosen(&["a"]);
    for asked in 0.. {
        registry.stops_after.set(Some(asked));
        match registry.solve(&["a"]) {
            Err(SolveError::Stopped(stop)) => assert_eq!(stop, Stop::Cancelled),
            Err(error) => panic!("{error}"),
            Ok(resolution) => {
                assert_eq!(shown(&resolution), whole);
                assert!(asked > 5, "the solve had steps to stop at");
                break;
            }
        }
    }
}

#[test]
fn a_step_limit_ends_the_search() {
    let registry = Registry::read("a 1: b\n b 1: c\n c 1");
    let policy = Policy { step_limit: 2, ..Policy::default() };
    let error = registry.solve_with(&["a"], &policy).unwrap_err();
    assert_eq!(error.to_string(), "no solution was found within 2 steps (step limit)");
}

#[test]
fn the_lowest_of_what_is_named_is_not_given_up_for_the_highest_of_the_rest() {
    let mut text = String::from("data 1: frames\nnum 1\nnum 2\nframes 0.1: num\n");
    (1..30).for_each(|minor| text.push_str(&format!("frames 3.{minor}: num>=2\n")));
    let registry = Registry::read(&text);
    let direct = ["data", "num"].map(|name| name.parse().unwrap());
    let policy =
        Policy { mode: ResolutionMode::LowestDirect, direct: BTreeSet::from(direct), ..Policy::default() };
    assert_eq!(
        shown(&registry.solve_with(&["data", "num>=1"], &policy).unwrap()),
        "data 1, frames 0.1, num 1"
    );
}

#[test]
fn leniency_for_one_extra_costs_no_other() {
    let registry = Registry::read("p 1 | x: c\n p 2\n b 1: p>=2\n q 1 | y: d\n q 2\n c 1\n d 1");
    assert_eq!(registry.chosen(&["q[y]", "b"]), "b 1, d 1, p 2, q[y] 1");
    assert_eq!(registry.chosen(&["q[y]", "b", "p[x]"]), "b 1, d 1, p[x] 2, q[y] 1");
}

#[test]
fn an_extra_is_searched_in_the_range_that_is_asked_for() {
    let mut text = String::from("a 1.4 | x: c\n a 1.5\n c 1\n");
    (0..60).for_each(|minor| text.push_str(&format!("a 2.{minor}\n")));
    assert_eq!(Registry::read(&text).chosen(&["a[x]<2"]), "a[x] 1.4, c 1");
}

#[test]
fn a_version_that_is_last_is_tried_after_every_other() {
    let registry = Registry::read(
        "
        flash 2.8.4: torch | last
        flash 2.8.3: torch==2.8
        torch 2.15
        torch 2.8",
    );
    assert_eq!(registry.chosen(&["flash"]), "flash 2.8.3, torch 2.8");
    assert_eq!(registry.chosen(&["flash", "torch>=2.9"]), "flash 2.8.4, torch 2.15");
}
