use std::time::Instant;

use super::*;

fn linux() -> MarkerEnvironment {
    MarkerEnvironment {
        implementation_name: "cpython".into(),
        implementation_version: "3.12.0".into(),
        os_name: "posix".into(),
        platform_machine: "x86_64".into(),
        platform_python_implementation: "CPython".into(),
        platform_release: String::new(),
        platform_system: "Linux".into(),
        platform_version: String::new(),
        python_full_version: "3.12.0".into(),
        python_version: "3.12".into(),
        sys_platform: "linux".into(),
    }
}

fn holds(marker: &str) -> bool {
    marker.parse::<Marker>().unwrap().evaluate(&linux(), &[])
}

#[test]
fn versions_are_compared_as_versions_and_text_as_text() {
    assert!(holds("python_version >= '3.9'"));
    assert!(holds("'3.9' <= python_version"));
    assert!(!holds("python_version < '3.9'"));
    assert!(holds("python_version == '3.12.*'"));
    assert!(holds("platform_system == 'Linux' and (sys_platform != 'win32' or os_name == 'nt')"));
    assert!(holds("'linux' in sys_platform"));
    assert!(holds("python_version not in '2.7, 3.0'"));
    assert!(!holds("python_version in '2.7, 3.0'"));
    assert!(!holds("python_version >= 'three'"));
    assert!(holds("os.name == 'posix' and python_implementation == 'CPython'"));
}

#[test]
fn extras_are_normalised_and_asked_one_by_one() {
    let marker: Marker = "extra == 'Foo_Bar' and python_version > '3'".parse().unwrap();
    assert!(marker.evaluate(&linux(), &["foo-bar".parse().unwrap()]));
    assert!(marker.evaluate(&linux(), &["other".parse().unwrap(), "foo.bar".parse().unwrap()]));
    assert!(!marker.evaluate(&linux(), &[]));
    assert!(marker.mentions_extra());
}

#[test]
fn lock_files_ask_about_sets() {
    let marker: Marker = "'dev' in dependency_groups and 'gpu' not in extras".parse().unwrap();
    assert!(marker.evaluate_lock(&linux(), &[], &["Dev".parse().unwrap()]));
    assert!(!marker.evaluate_lock(&linux(), &["gpu".parse().unwrap()], &["dev".parse().unwrap()]));
    assert!(!marker.evaluate(&linux(), &[]));
}

#[test]
fn bad_markers_say_where() {
    insta::assert_snapshot!("python_versio >= '3'".parse::<Marker>().unwrap_err(), @r#"not a valid marker: expected a marker variable or a quoted text, at byte 0 of "python_versio >= '3'""#);
    for text in [
        "",
        "os_name",
        "os_name ==",
        "os_name == 'a' or",
        "'a' == 'b'",
        "os_name == 'a' xor os_name == 'b'",
        "(os_name == 'a'",
        "os_name == 'a')",
        "os_name == \"a'",
        "os_name notin 'a'",
        "os_name == 'a'and",
    ] {
        assert!(text.parse::<Marker>().is_err(), "{text:?}");
    }
}

#[test]
fn nested_parentheses_are_refused_and_do_not_abort() {
    let text = format!("{}os_name == 'a'{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(text.parse::<Marker>().unwrap_err(), MarkerError::TooDeep);
}

#[test]
fn many_terms_are_read_and_shown_in_no_time() {
    let started = Instant::now();
    let terms: Vec<String> = (0..900).map(|n| format!("(extra == 'a{n}' and extra == 'z{n}')")).collect();
    let marker: Marker = terms.join(" or ").parse().unwrap();
    assert!(!marker.evaluate(&linux(), &["a1".parse().unwrap()]));
    assert!(marker.to_string().len() > 20_000);
    // The bound is a thousand times what it takes: it guards against a change of order, not of speed.
    assert!(started.elapsed().as_secs() < 5);
    assert_eq!("x".repeat(70_000).parse::<Marker>().unwrap_err(), MarkerError::TooLong(70_000));
}
