//! Several targets in one solve, and the builds of one target.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::memory::{Registry, problem, shown};
use crate::{Alignment, Joint, Policy, SolveError, TargetProblem, explain_joint, solve_joint};

const NAMES: [&str; 3] = ["train", "serve", "dev"];

fn joint<'a>(
    registries: &'a [Registry],
    requirements: &[&[&str]],
    alignment: Alignment,
) -> Joint<'a, Registry> {
    let targets = registries.iter().zip(requirements).zip(NAMES).map(|((provider, requirements), name)| {
        let name = name.to_owned();
        TargetProblem { name, provider, problem: problem(requirements, &[]), policy: Policy::default() }
    });
    Joint { targets: targets.collect(), alignment }
}

fn aligned() -> Alignment {
    Alignment::AllBut([].into())
}

/// What each target gets, a line each, or the explanation.
fn chosen(worlds: &[&str], requirements: &[&[&str]], alignment: Alignment) -> String {
    let registries: Vec<Registry> = worlds.iter().map(|world| Registry::read(world)).collect();
    let joint = joint(&registries, requirements, alignment);
    match solve_joint(&joint) {
        Ok(resolutions) => {
            let lines = resolutions.iter().zip(NAMES).map(|(resolution, name)| {
                let variant = resolution.variant.as_ref().map(|label| format!(" ({label})"));
                let held = resolution.held_back.iter().map(|held| {
                    let by: Vec<&str> = held.by.iter().map(|at| NAMES[*at]).collect();
                    format!("; {} {} is held back by {}", held.name, held.version, by.join(" and "))
                });
                let held: String = held.collect();
                format!("{name}{}: {}{held}", variant.unwrap_or_default(), shown(resolution))
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Err(SolveError::NoSolution(failure)) => explain_joint(&joint, failure, &[]).to_string(),
        Err(error) => panic!("{error}"),
    }
}

const TRAIN: &str = "
    torch 2.15.0: numpy
    torch 2.14.0: numpy
    torch 2.14.0+cu126: numpy
    numpy 2.0
    numpy 1.0";
const SERVE: &str = "
    torch 2.14.0+cpu: numpy<2
    torch 2.13.0+cpu
    numpy 2.0
    numpy 1.0";

#[test]
fn targets_share_the_newest_public_version_that_all_can_have() {
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["torch"], &["torch"]], aligned()), @"
    train: numpy 1.0, torch 2.14.0+cu126; torch 2.15.0 is held back by serve
    serve: numpy 1.0, torch 2.14.0+cpu
    ");
}

#[test]
fn what_need_not_agree_does_not() {
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["torch"], &["torch"]], Alignment::None), @"
    train: numpy 2.0, torch 2.15.0
    serve: numpy 1.0, torch 2.14.0+cpu
    ");
    let but_numpy = Alignment::AllBut(["numpy".parse().unwrap()].into());
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["torch"], &["torch"]], but_numpy), @"
    train: numpy 2.0, torch 2.14.0+cu126; torch 2.15.0 is held back by serve
    serve: numpy 1.0, torch 2.14.0+cpu
    ");
}

#[test]
fn a_package_of_one_target_holds_no_other_back() {
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["torch"], &["numpy"]], aligned()), @"
    train: numpy 2.0, torch 2.15.0
    serve: numpy 2.0
    ");
}

#[test]
fn a_misfit_is_explained_with_what_each_target_can_have() {
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["torch>=2.15"], &["torch"]], aligned()), @r#"
      - for serve: you require torch
      - for train: you require torch>=2.15
      - for serve: the newest torch that can be had is 2.14.0
      - the targets are aligned: they share one public version of torch
    Any one of these changes is enough:
      - relax torch>=2.15: gives torch 2.14.0+cu126
      - leave out torch: gives torch 2.15.0
      - let torch differ between targets (unaligned = ["torch"]): gives torch 2.15.0 for train, torch 2.14.0+cpu for serve
    "#);
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["numpy>=2"], &["torch>=2.14"]], aligned()), @r#"
      - for train: you require numpy>=2
      - for serve: you require torch>=2.14
      - for serve: torch 2.14.0+cpu requires numpy<2
      - the targets are aligned: they share one public version of numpy
    Any one of these changes is enough:
      - relax numpy>=2: gives numpy 1.0, torch 2.14.0+cpu
      - relax torch>=2.14: gives torch 2.13.0+cpu, numpy 2.0
      - let numpy differ between targets (unaligned = ["numpy"]): gives numpy 2.0 for train, numpy 1.0 for serve
    "#);
    assert_snapshot!(chosen(&[TRAIN, SERVE], &[&["numpy>=3"], &["numpy>=3"]], aligned()), @"
      - you require numpy>=3
      - for train: there is no numpy>=3; the newest is 2.0
    Any one of these changes is enough:
      - relax numpy>=3: gives numpy 2.0
    ");
}

#[test]
fn what_one_target_cannot_run_is_said_of_that_target() {
    let serve = "
        torch 2.15.0 | machine needs driver 580
        torch 2.14.1 | machine needs driver 580
        torch 2.13.0";
    assert_snapshot!(chosen(&[TRAIN, serve], &[&["torch"], &["torch>=2.14"]], aligned()), @"
    - for serve: you require torch>=2.14
    - for serve: every torch>=2.14 needs driver 580
    ");
    assert_snapshot!(chosen(&[TRAIN, serve], &[&["torch"], &["torch"]], aligned()), @r#"
      - you require torch
      - for train: the newest torch that can be had is 2.15.0
      - for serve: the newest torch that can be had is 2.13.0
      - for serve: every torch from 2.14.1 to 2.15.0 (2 versions) needs driver 580
      - the targets are aligned: they share one public version of torch
    Any one of these changes is enough:
      - let torch differ between targets (unaligned = ["torch"]): gives torch 2.15.0 for train, torch 2.13.0 for serve
    "#);
}

const BUILDS: &str = "
    torch 2.15.0 | machine is built for CUDA 13.2, which needs driver 580
    torch 2.14.0 | build 0 for pypi | machine is built for CUDA 13.0, which needs driver 580
    torch 2.14.0+cu130 | build 1 for cu130 | machine is built for CUDA 13.0, which needs driver 580
    torch 2.14.0+cu128 | build 2 for cu128
    torch 2.14.0+cu126 | build 3 for cu126
    torch 2.13.0 | build 0 for pypi
    vision 0.30.0 | build 0 for pypi
    vision 0.29.0+cu126: torch==2.14.0 | build 3 for cu126
    vision 0.28.0: torch==2.13.0 | build 0 for pypi
    audio 2.11.0 | build 0 for pypi or cu128";

#[test]
fn the_newest_public_version_comes_first_and_then_the_preferred_build() {
    assert_snapshot!(chosen(&[BUILDS], &[&["torch"]], Alignment::None), @"train (cu128): torch 2.14.0+cu128");
    assert_snapshot!(chosen(&[BUILDS], &[&["torch<2.14"]], Alignment::None), @"train (pypi): torch 2.13.0");
    assert_snapshot!(chosen(&[BUILDS], &[&["torch==2.14.0+cu126"]], Alignment::None), @"train (cu126): torch 2.14.0+cu126");
}

#[test]
fn all_builds_of_a_target_go_with_one_variant() {
    assert_snapshot!(chosen(&[BUILDS], &[&["torch", "vision"]], Alignment::None), @"train (cu126): torch 2.14.0+cu126, vision 0.29.0+cu126");
    assert_snapshot!(chosen(&[BUILDS], &[&["torch", "audio"]], Alignment::None), @"train (cu128): audio 2.11.0, torch 2.14.0+cu128");
    assert_snapshot!(chosen(&[BUILDS], &[&["torch==2.14.0", "vision==0.30.0"]], Alignment::None), @"
      - you require torch==2.14.0
      - you require vision==0.30.0
      - torch 2.14.0+cu126 is built for cu126
      - torch 2.14.0+cu128 is built for cu128
      - each of 2 versions of torch from 2.14.0 to 2.14.0+cu130 is built for CUDA 13.0, which needs driver 580
      - vision 0.30.0 is built for pypi
      - the builds of one target go with one variant
    Any one of these changes is enough:
      - relax torch==2.14.0: gives torch 2.13.0, vision 0.30.0
      - relax vision==0.30.0: gives vision 0.29.0+cu126, torch 2.14.0+cu126
    ");
}

/// Every choice of one version, or none, for each name on each target.
fn has_joint_solution(worlds: &[Vec<Row>], roots: &[Vec<(usize, u64)>]) -> bool {
    let choices = worlds.iter().zip(roots).map(|(rows, roots)| valid_choices(rows, roots));
    let choices: Vec<Vec<[Option<u64>; 3]>> = choices.collect();
    let agree = |left: &[Option<u64>; 3], right: &[Option<u64>; 3]| {
        left.iter().zip(right).all(|(left, right)| left.is_none() || right.is_none() || left == right)
    };
    choices[0].iter().any(|left| choices[1].iter().any(|right| agree(left, right)))
}

/// A version of a package, with at least which version it requires of another.
type Row = (usize, u64, Option<(usize, u64)>);

fn valid_choices(rows: &[Row], roots: &[(usize, u64)]) -> Vec<[Option<u64>; 3]> {
    let mut valid = Vec::new();
    for code in 0..64_u64 {
        let pick = |at: u64| Some(code / 4_u64.pow(at as u32) % 4).filter(|version| *version > 0);
        let choice = [pick(0), pick(1), pick(2)];
        let exists = choice.iter().enumerate().all(|(name, version)| {
            version.is_none_or(|version| rows.iter().any(|row| (row.0, row.1) == (name, version)))
        });
        let met = |(name, least): &(usize, u64)| choice[*name].is_some_and(|version| version <= *least);
        let required =
            rows.iter().filter(|row| choice[row.0] == Some(row.1)).filter_map(|row| row.2.as_ref());
        if exists && roots.iter().all(met) && required.clone().all(met) {
            valid.push(choice);
        }
    }
    valid
}

fn any_world() -> impl Strategy<Value = (Vec<Row>, Vec<(usize, u64)>)> {
    let row = (0..3_usize, 1..4_u64, proptest::option::of((0..3_usize, 1..4_u64)));
    let rows = proptest::collection::vec(row, 1..8).prop_map(|rows| {
        let mut seen = std::collections::BTreeSet::new();
        let fresh = rows.into_iter().filter(|row| seen.insert((row.0, row.1)));
        // A version that requires another one of itself is another rule's business.
        fresh.map(|(name, version, other)| (name, version, other.filter(|other| other.0 != name))).collect()
    });
    (rows, proptest::collection::vec((0..3_usize, 1..4_u64), 1..3))
}

fn world_of(rows: &[Row]) -> String {
    let names = ["a", "b", "c"];
    let line = |(name, version, other): &Row| {
        let requires = other.map(|(name, most)| format!(": {}<={most}", names[name])).unwrap_or_default();
        format!("{} {version}{requires}", names[*name])
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aligned_targets_have_a_solution_exactly_when_there_is_one(left in any_world(), right in any_world()) {
        let worlds = [left.0, right.0];
        let roots = [left.1, right.1];
        let registries: Vec<Registry> = worlds.iter().map(|rows| Registry::read(&world_of(rows))).collect();
        let names = ["a", "b", "c"];
        let texts: Vec<Vec<String>> = roots
            .iter()
            .map(|roots| roots.iter().map(|(name, most)| format!("{}<={most}", names[*name])).collect())
            .collect();
        let texts: Vec<Vec<&str>> = texts.iter().map(|list| list.iter().map(String::as_str).collect()).collect();
        let texts: Vec<&[&str]> = texts.iter().map(Vec::as_slice).collect();
        match solve_joint(&joint(&registries, &texts, aligned())) {
            Ok(resolutions) => {
                prop_assert!(has_joint_solution(&worlds, &roots));
                for (name, resolved) in &resolutions[0].packages {
                    let other = resolutions[1].packages.get(name);
                    prop_assert!(other.is_none_or(|other| other.version == resolved.version));
                }
            }
            Err(_) => prop_assert!(!has_joint_solution(&worlds, &roots)),
        }
    }
}
