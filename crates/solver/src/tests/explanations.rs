//! What a person reads when there is no solution.

use insta::assert_snapshot;

use super::memory::Registry;

#[test]
fn two_requirements_that_exclude_each_other() {
    let registry = Registry::read(
        "numba 0.53: numpy>=1.15,<1.21\n numba 0.60: numpy<2.1\n numpy 1.20\n numpy 1.26\n numpy 2.0\n numpy 2.2",
    );
    assert_snapshot!(registry.explained(&["numba==0.53", "numpy>=2"], &[]), @"");
}

#[test]
fn a_misspelt_name() {
    let registry = Registry::read("numpy 1");
    assert_snapshot!(registry.explained(&["nunpy>=1"], &[]), @"");
}

#[test]
fn a_wall_of_python_versions() {
    let registry =
        Registry::read("a 1: b<1\n a 2: b>=2 | python>=3.13\n a 3: b>=2 | python>=3.13\n b 1\n b 2");
    assert_snapshot!(registry.explained(&["a>=2"], &[]), @"");
}

#[test]
fn through_others() {
    let registry = Registry::read(
        "app 1: web>=3\n web 3: http==2.*\n web 3.1: http==2.*\n http 1\n http 2.0: tls>=4\n tls 4\n tls 3\n old 1: tls<4",
    );
    assert_snapshot!(registry.explained(&["app", "old"], &[]), @"");
}

#[test]
fn only_prereleases() {
    let registry = Registry::read("a 1\n a 2rc1\n a 2rc2");
    assert_snapshot!(registry.explained(&["a>=1.5"], &[]), @"");
}

#[test]
fn a_yanked_pin_of_somebody_else() {
    let registry = Registry::read("a 1: b==1.1\n b 1.0\n b 1.1 | yanked\n b 1.2");
    assert_snapshot!(registry.explained(&["a"], &[]), @"");
}

#[test]
fn a_constraint_in_the_way() {
    let registry = Registry::read("a 1: b>=2\n b 1\n b 2");
    assert_snapshot!(registry.explained(&["a"], &["b<2"]), @"");
}

#[test]
fn an_extra_that_only_new_versions_have() {
    let registry = Registry::read(
        "jax 1\n jax 2 | cuda: plugin>=2\n jax 3 | cuda: plugin>=2\n plugin 2: np>=2\n np 1\n np 2",
    );
    assert_snapshot!(registry.explained(&["jax[cuda]", "np<2"], &[]), @"");
}

#[test]
fn a_thousand_versions_against_a_thousand_are_a_few_lines() {
    let mut text = String::new();
    for n in 0..1_000 {
        text.push_str(&format!("a 1.{n}: c==1.{n}\n b 1.{n}: c==2.{n}\n c 1.{n}\n c 2.{n}\n"));
    }
    let explanation = Registry::read(&text).explained(&["a", "b"], &[]).to_string();
    assert!(explanation.lines().count() <= 30 && explanation.len() < 4_000, "{} bytes", explanation.len());
    assert_snapshot!(explanation, @"");
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
