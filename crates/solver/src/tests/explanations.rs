//! What a person reads when there is no solution.

use insta::assert_snapshot;

use super::memory::{Registry, problem};
use crate::{Policy, Problem, SolveError, explain, solve};

#[test]
fn two_requirements_that_exclude_each_other() {
    let registry = Registry::read(
        "numba 0.53: numpy>=1.15,<1.21\n numba 0.60: numpy<2.1\n numpy 1.20\n numpy 1.26\n numpy 2.0\n numpy 2.2",
    );
    assert_snapshot!(registry.explained(&["numba==0.53", "numpy>=2"], &[]), @"
      - you require numba==0.53
      - you require numpy>=2
      - numba 0.53 requires numpy>=1.15,<1.21
    Any one of these changes is enough:
      - relax numba==0.53: gives numba 0.60, numpy 2.0
      - relax numpy>=2: gives numpy 1.20, numba 0.53
    ");
}

#[test]
fn what_two_pinned_versions_disagree_on_is_all_said() {
    let registry = Registry::read(
        "vllm 1: torch==2, ray==1, xgrammar==1 | fast: tvm==1\n sglang 2: torch==3, ray==2, xgrammar==2, tvm==2\n torch 2\n \
         torch 3\n ray 1\n ray 2\n xgrammar 1\n xgrammar 2\n tvm 1\n tvm 2\n lone 1: gone>=2\n gone 1",
    );
    assert_snapshot!(registry.explained(&["vllm[fast]==1", "sglang==2"], &[]), @"
      - you require sglang==2
      - you require vllm[fast]==1
      - vllm 1 requires ray==1
      - sglang 2 requires ray==2
      - they disagree on torch, tvm and xgrammar too
    Any one of these changes is enough:
      - leave out vllm[fast]==1: gives sglang 2
      - leave out sglang==2: gives vllm 1
    ");
    // Where something else stands in the way already, they are said besides.
    let registry =
        Registry::read("vllm 1: torch==2, gone>=2\n sglang 2: torch==3\n torch 2\n torch 3\n gone 1");
    assert_snapshot!(registry.explained(&["vllm==1", "sglang==2"], &[]), @"
    - you require vllm==1
    - vllm 1 requires gone>=2
    - there is no gone>=2; the newest is 1
    - besides, vllm 1 requires torch==2, and sglang 2 requires torch==3
    ");
}

#[test]
fn a_misspelt_name() {
    let registry = Registry::read("numpy 1");
    assert_snapshot!(registry.explained(&["nunpy>=1"], &[]), @"
      - you require nunpy>=1
      - nunpy was not found on the index
    Hint: did you mean numpy?
    ");
}

#[test]
fn a_wall_of_python_versions() {
    let registry =
        Registry::read("a 1: b<1\n a 2: b>=2 | python>=3.13\n a 3: b>=2 | python>=3.13\n b 1\n b 2");
    assert_snapshot!(registry.explained(&["a>=2"], &[]), @"
      - you require a>=2
      - every a>=2 needs Python >=3.13, and the target has 3.12
    Hint: a has versions for Python 3.13: --python-version 3.13
    ");
}

#[test]
fn through_others() {
    let registry = Registry::read(
        "app 1: web>=3\n web 3: http==2.*\n web 3.1: http==2.*\n http 1\n http 2.0: tls>=4\n tls 4\n tls 3\n old 1: tls<4",
    );
    assert_snapshot!(registry.explained(&["app", "old"], &[]), @"
      - you require app
      - you require old
      - app 1 requires web>=3
      - old 1 requires tls<4
      - every version of web requires http==2.*
      - http 2.0 requires tls>=4
    Any one of these changes is enough:
      - leave out app: gives old 1
      - leave out old: gives app 1
    ");
}

#[test]
fn only_prereleases() {
    let registry = Registry::read("a 1\n a 2rc1\n a 2rc2");
    assert_snapshot!(registry.explained(&["a>=1.5"], &[]), @"
      - you require a>=1.5
      - every a>=1.5 is a pre-release, and none was asked for
    Any one of these changes is enough:
      - relax a>=1.5: gives a 1
      - allow pre-releases of a, by asking for a>=2rc2: gives a 2rc2
    ");
}

#[test]
fn a_yanked_pin_of_somebody_else() {
    let registry = Registry::read("a 1: b==1.1\n b 1.0\n b 1.1 | yanked\n b 1.2");
    assert_snapshot!(registry.explained(&["a"], &[]), @"
      - you require a
      - a 1 requires b==1.1
      - b 1.1 was yanked: broken
    Any one of these changes is enough:
      - take the yanked b 1.1, by asking for b==1.1: gives b 1.1, a 1
    ");
}

#[test]
fn a_constraint_in_the_way() {
    let registry = Registry::read("a 1: b>=2\n b 1\n b 2");
    assert_snapshot!(registry.explained(&["a"], &["b<2"]), @"
      - you require a
      - a 1 requires b>=2
      - your constraint b<2 leaves out the rest of b
    Any one of these changes is enough:
      - drop the constraint b<2: gives b 2, a 1
    ");
}

#[test]
fn an_extra_that_only_new_versions_have() {
    let registry = Registry::read(
        "jax 1\n jax 2 | cuda: plugin>=2\n jax 3 | cuda: plugin>=2\n plugin 2: np>=2\n np 1\n np 2",
    );
    assert_snapshot!(registry.explained(&["jax[cuda]", "np<2"], &[]), @"
      - you require jax[cuda]
      - you require np<2
      - every jax[cuda] from 2 to 3 (2 versions) requires plugin>=2
      - jax[cuda] 1 does not offer the extra [cuda]
      - plugin 2 requires np>=2
    Any one of these changes is enough:
      - leave out jax[cuda]: gives np 1
      - relax np<2: gives np 2, jax 3
    ");
}

#[test]
fn a_thousand_versions_against_a_thousand_are_a_few_lines() {
    let mut text = String::new();
    for n in 0..1_000 {
        text.push_str(&format!("a 1.{n}: c==1.{n}\n b 1.{n}: c==2.{n}\n c 1.{n}\n c 2.{n}\n"));
    }
    let explanation = Registry::read(&text).explained(&["a", "b"], &[]).to_string();
    assert!(explanation.lines().count() <= 30 && explanation.len() < 4_000, "{} bytes", explanation.len());
    assert_snapshot!(explanation, @"
      - you require a
      - you require b
      - every version of a requires one of 1000 ranges of c, all within c>=1.0,<=1.999
      - every version of b requires one of 1000 ranges of c, all within c>=2.0,<=2.999
    Any one of these changes is enough:
      - leave out a: gives b 1.999
      - leave out b: gives a 1.999
    ");
}

#[test]
fn a_chain_of_five_thousand_does_not_overflow() {
    let mut text = String::from("p5000 1: p0==9\n");
    for n in 0..5_000 {
        text.push_str(&format!("p{n} 1: p{}\n", n + 1));
    }
    let registry = Registry::read(&text);
    // The default stack of a test thread is two megabytes.
    let explanation = registry.explained(&["p0"], &[]).to_string();
    assert!(explanation.lines().count() <= 30, "{explanation}");
}

#[test]
fn an_override_in_the_way() {
    let registry = Registry::read("a 1: b>2\n b 1\n b 2\n c 1");
    let overrides = ["b>2", "c<1"].map(|text| (text[..1].parse().unwrap(), text.to_owned()));
    let problem = Problem { overrides: overrides.into(), ..problem(&["a"], &[]) };
    let policy = Policy::default();
    let Err(SolveError::NoSolution(failure)) = solve(&registry, &problem, &policy) else { panic!() };
    assert_snapshot!(explain(&registry, &problem, &policy, failure, &[]), @"
      - you require a
      - your override b>2 replaces every requirement on b
      - a 1 requires b>2
      - there is no b>2; the newest is 2
    ");
}
