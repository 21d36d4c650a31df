use super::*;
use proptest::prelude::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn takes(specifiers: &str, candidate: &str) -> bool {
    let specifiers: SpecifierSet = specifiers.parse().unwrap();
    let by_range = range_of(&specifiers).contains(&VersionPoint::at(version(candidate)));
    assert_eq!(by_range, specifiers.contains(&version(candidate)), "{specifiers} and {candidate}");
    by_range
}

#[test]
fn local_versions_belong_to_their_public_version() {
    assert!(takes("==2.5.1", "2.5.1+cu124"));
    assert!(takes("<=2.5.1", "2.5.1+cu124"));
    assert!(!takes("!=2.5.1", "2.5.1+cu124"));
    assert!(takes("==2.5.1+cu124", "2.5.1+cu124"));
    assert!(!takes("==2.5.1+cu124", "2.5.1+cpu"));
    assert!(!takes("==2.5.1+cu124", "2.5.1"));
    assert!(takes("==2.5.*", "2.5.1+cu124"));
    assert!(takes("~=2.5", "2.9.0+cu128"));
    assert!(!takes(">2.5.1", "2.5.1+cu124"));
}

#[test]
fn greater_and_less_leave_out_the_family_of_their_version() {
    assert!(!takes(">1.7", "1.7.post1"));
    assert!(takes(">1.7", "1.7.0.1"));
    assert!(takes(">1.7.post1", "1.7.post2"));
    assert!(!takes("<3.1", "3.1.dev0"));
    assert!(takes("<3.1rc1", "3.1b2"));
    assert!(takes("==1.1.*", "1.1.dev1"));
    assert!(!takes("==1.1.*", "1.2.dev0"));
}

#[test]
fn the_prefix_of_the_greatest_number_holds_nothing() {
    let greatest = u64::MAX;
    for specifiers in [format!("=={greatest}.*"), format!("~={greatest}.1"), format!("==1.{greatest}.*,<2")] {
        let set: SpecifierSet = specifiers.parse().unwrap();
        assert_eq!(range_of(&set), VersionRange::empty(), "{specifiers}");
        assert!(!takes(&specifiers, &format!("{greatest}.1")), "{specifiers}");
    }
    assert!(takes(&format!("!={greatest}.*"), &format!("{greatest}.1")));
}

#[test]
fn a_development_release_has_no_post_releases_to_lie_after() {
    let after = VersionPoint::after_posts(version("2.6.dev0"));
    assert!(after > VersionPoint::at(version("2.6.dev0+local")));
    assert!(after < VersionPoint::at(version("2.6.dev1")));
    assert!(after < VersionPoint::at(version("2.6.post1")));
    let after = VersionPoint::after_posts(version("2.6.post1"));
    assert!(after < VersionPoint::at(version("2.6.post2")));
}

fn any_version() -> impl Strategy<Value = Version> {
    let part = 0u64..3;
    (
        0u64..2,
        proptest::collection::vec(part, 1..4),
        proptest::option::of(prop_oneof![Just("a1"), Just("b1"), Just("rc2")]),
        proptest::option::of(0u64..2),
        proptest::option::of(0u64..2),
        proptest::option::of(prop_oneof![Just("cpu"), Just("cu128"), Just("1")]),
    )
        .prop_map(|(epoch, release, pre, post, dev, local)| {
            let release: Vec<String> = release.iter().map(u64::to_string).collect();
            let mut text = format!("{epoch}!{}", release.join("."));
            text.push_str(pre.unwrap_or(""));
            post.iter().for_each(|post| text.push_str(&format!(".post{post}")));
            dev.iter().for_each(|dev| text.push_str(&format!(".dev{dev}")));
            local.iter().for_each(|local| text.push_str(&format!("+{local}")));
            version(&text)
        })
}

fn any_point() -> impl Strategy<Value = VersionPoint> {
    (any_version(), 0..3).prop_map(|(version, place)| match place {
        0 => VersionPoint::at(version),
        1 => VersionPoint::after_locals(version),
        _ if version.dev().is_none() && version.post().is_none() => VersionPoint::after_posts(version),
        _ => VersionPoint::after_locals(version),
    })
}

proptest! {
    #[test]
    fn points_are_totally_ordered(a in any_point(), b in any_point(), c in any_point()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        if a <= b && b <= c {
            prop_assert!(a <= c, "{} <= {} <= {}", a, b, c);
        }
    }

    #[test]
    fn a_specifier_and_its_range_take_the_same_versions(
        operator in prop_oneof![
            Just("=="), Just("!="), Just(">="), Just("<="), Just(">"), Just("<"), Just("~=")
        ],
        bound in any_version(),
        candidate in any_version(),
    ) {
        let bound = if matches!(operator, "==" | "!=") { bound } else { bound.without_local() };
        prop_assume!(operator != "~=" || bound.release().len() > 1);
        takes(&format!("{operator}{bound}"), &candidate.to_string());
    }
}
