//! Version specifiers (PEP 440): a set of specifiers and the range made of it take the same versions, and the points
//! that bound ranges are in one order.
//!
//! The first line is the set of specifiers; each word behind it is a version.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{Operator, SpecifierSet, Version, VersionPoint, parse_version};

/// More versions than this are not compared with one another, which takes the cube of their number.
const MOST_COMPARED: usize = 6;
/// More versions than this are not looked up.
const MOST_LOOKED_UP: usize = 200;

fuzz_target!(|text: &str| {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut versions: Vec<Version> =
        rest.split_whitespace().take(MOST_LOOKED_UP).filter_map(|word| parse_version(word).ok()).collect();
    points_are_in_one_order(&versions);

    let Ok((set, repair)) = SpecifierSet::parse_lenient(first) else { return };
    if let Ok(strict) = first.parse::<SpecifierSet>() {
        assert_eq!((&strict, &repair), (&set, &None), "the lenient reader differs");
    }
    let shown = set.to_string();
    assert_eq!(shown.parse().as_ref(), Ok(&set), "{shown:?} reads differently");

    // `===` compares text, which no range can.
    if set.iter().any(|specifier| specifier.operator() == Operator::Arbitrary) {
        return;
    }
    let named = set.iter().filter_map(|specifier| specifier.version().cloned());
    versions.extend(named.take(MOST_COMPARED).flat_map(neighbours).collect::<Vec<_>>());
    let range = range_of(&set);
    let complement = range.complement();
    for version in versions {
        let point = VersionPoint::at(version.clone());
        assert_eq!(range.contains(&point), set.contains(&version), "{shown:?} and {version}");
        assert_ne!(
            range.contains(&point),
            complement.contains(&point),
            "{shown:?}, turned around, and {version}"
        );
    }
});

/// A version and those close by, where specifiers are cut.
fn neighbours(version: Version) -> Vec<Version> {
    let bare = version.clone().without_local();
    let release = bare.clone().with_pre(None).with_post(None).with_dev(None);
    let made = [
        release.clone().with_dev(Some(0)),
        release.clone().with_post(Some(0)),
        release.clone().with_post(Some(0)).with_dev(Some(0)),
        bare.clone().with_post(Some(u64::MAX)),
        bare.clone().with_dev(Some(0)),
        bare.clone().with_dev(Some(u64::MAX - 1)),
        release,
        bare,
        version.clone(),
    ];
    let local = ["+0", "+a.1"].into_iter().flat_map(|local| {
        made.iter()
            .filter(|version| !version.is_local())
            .filter_map(move |base| parse_version(&format!("{base}{local}")).ok())
    });
    let local: Vec<Version> = local.collect();
    made.into_iter().chain(local).collect()
}

fn points_are_in_one_order(versions: &[Version]) {
    let kinds = [VersionPoint::at, VersionPoint::after_locals, VersionPoint::after_posts];
    let versions = versions.iter().take(MOST_COMPARED);
    let points: Vec<VersionPoint> =
        versions.flat_map(|version| kinds.map(|kind| kind(version.clone()))).collect();
    for a in &points {
        for b in &points {
            let order = a.cmp(b);
            assert_eq!(order, b.cmp(a).reverse(), "{a} and {b}");
            assert_eq!(order == Ordering::Equal, a == b, "{a} and {b}");
            for c in points.iter().filter(|_| order != Ordering::Greater) {
                if b <= c {
                    assert!(a <= c, "{a} <= {b} <= {c}");
                }
            }
        }
    }
}
