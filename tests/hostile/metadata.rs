//! Group M: metadata that is malformed or means harm. M01 to M34.
//!
//! In most cases `demo` 2.0 has the metadata in question and `demo` 1.0 asks for nothing: what cannot be understood
//! costs that version and says so, and what can be repaired is repaired and says so.

use mlresolve_testkit::{Fault, IndexServer, Sidecar, Universe, WheelBuilder};

use super::bounded;
use crate::support::{Project, Run, locked_packages};

const FILE: &str = "demo-2.0-py3-none-any.whl";
const HEAD: &str = "Metadata-Version: 2.1\nName: demo\nVersion: 2.0\n";
/// `demo` 1.0, and what `demo` 2.0 asks for.
const OTHERS: &str = "demo 1.0\nweb 1.0 2.0 7.2 8.0 9.0\n";

/// A project that asks for `demo`, whose version 2.0 has this metadata.
fn project(metadata: impl AsRef<[u8]>) -> Project {
    let wheel = WheelBuilder::new("demo", "2.0").raw_metadata(metadata).build();
    asking(Universe::new().text(OTHERS).distribution("demo", wheel), "demo")
}

/// A project that asks for this beside an index of these packages.
fn asking(universe: Universe, requirement: &str) -> Project {
    let project = Project::beside(IndexServer::start(universe));
    project.write("requirements.txt", &format!("{requirement}\n"));
    project
}

/// Metadata with these headers behind the first three.
fn with(headers: &str) -> String {
    format!("{HEAD}{headers}\n")
}

/// The packages that are locked, and the run.
#[track_caller]
fn lock(project: &Project) -> (Vec<String>, Run) {
    let run = bounded(project, "lock").success();
    (locked_packages(&project.read("pylock.toml")), run)
}

/// Holds that `demo` 2.0 is taken and leads to these other packages; gives what was said.
#[track_caller]
fn takes(metadata: impl AsRef<[u8]>, others: &[&str]) -> String {
    let (packages, run) = lock(&project(metadata));
    assert_eq!(packages, [&["demo 2.0"], others].concat(), "{}", run.snapshot());
    run.stderr()
}

/// Holds that a requirement is repaired to this, and that the file and the repair are named.
#[track_caller]
fn repairs(requirement: &str, to: &str, chosen: &str) {
    let said = takes(with(&format!("Requires-Dist: {requirement}")), &[chosen]);
    assert!(said.contains(&format!("warning: the metadata of {FILE} has ")), "{said}");
    assert!(said.contains(&format!("was read as \"{to}\"")), "{said}");
}

/// Holds that `demo` 2.0 is passed over for this reason, and cannot be had where it is asked for alone.
#[track_caller]
fn refuses(metadata: impl AsRef<[u8]>, reason: &str) {
    refuses_in(&project(metadata), reason);
}

#[track_caller]
fn refuses_in(project: &Project, reason: &str) {
    let (packages, run) = lock(project);
    assert_eq!(packages, ["demo 1.0"], "{}", run.snapshot());
    let warning = "warning: demo 1.0 is taken, since demo 2.0 has unusable metadata: ";
    let said = run.stderr();
    let told = said.lines().find_map(|line| line.strip_prefix(warning)).expect(&said);
    assert!(told.contains(reason), "{told}");
    assert!(told.len() < 1_000, "{} bytes are told", told.len());

    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    project.write("requirements.txt", "demo==2.0\n");
    let run = bounded(project, "lock");
    assert_eq!(run.code(), 1, "{}", run.snapshot());
    assert!(run.stderr().contains("demo 2.0 has unusable metadata: "), "{}", run.snapshot());
    assert!(run.stderr().contains(reason), "{}", run.snapshot());
    assert!(!project.path("pylock.toml").exists());
}

#[test]
fn m01_a_prefix_behind_an_ordering() {
    repairs("web (>=1.0.*)", ">=1.0", "web 9.0");
}

#[test]
fn m02_two_comparisons_without_a_comma() {
    repairs("web (>=7.2.0<8.0.0)", ">=7.2.0,<8.0.0", "web 7.2");
}

#[test]
fn m03_a_comma_at_the_end() {
    takes(with("Requires-Dist: web (<8.0,)"), &["web 7.2"]);
}

#[test]
fn m04_not_compatible() {
    repairs("web (!=~9.0)", "!=9.0.*", "web 8.0");
}

#[test]
fn m05_greater_than_dev() {
    repairs("web (>dev)", ">0.dev0", "web 9.0");
}

#[test]
fn m06_stray_quotes() {
    repairs("web (<= '7.2')", "<=7.2", "web 7.2");
}

#[test]
fn m07_a_number_behind_a_pre_release() {
    repairs("web (>=9.0.0a1.0)", ">=9.0.0a1", "web 9.0");
}

#[test]
fn m08_a_star_without_its_dot() {
    repairs("web (!=9.0*)", "!=9.0.*", "web 8.0");
}

#[test]
fn m09_a_specifier_that_nobody_can_read() {
    refuses(with("Requires-Dist: web (>=one)"), "line 4: Requires-Dist cannot be read: \">=one\"");
}

#[test]
fn m10_arbitrary_equality_with_a_word() {
    takes(with("Requires-Dist: web===2.0"), &["web 2.0"]);
    let (packages, run) = lock(&project(with("Requires-Dist: web===foobar")));
    assert_eq!(packages, ["demo 1.0"]);
    assert!(
        !run.stderr().contains("unusable"),
        "it is legal, and no version has that text: {}",
        run.stderr()
    );
}

#[test]
fn m11_a_marker_variable_that_is_none() {
    refuses(with("Requires-Dist: web; python_versio > '3'"), "expected a marker variable");
}

#[test]
fn m12_markers_that_compare_as_text() {
    takes(with("Requires-Dist: web; python_version in '2.7, 3.0'"), &[]);
    takes(with("Requires-Dist: web; python_version in '2.7, 3.12'"), &["web 9.0"]);
    takes(with("Requires-Dist: web; python_version >= 'three'"), &[]);
}

#[test]
fn m13_ten_thousand_parentheses() {
    let (open, close) = ("(".repeat(10_000), ")".repeat(10_000));
    refuses(with(&format!("Requires-Dist: web; {open}os_name == 'posix'{close}")), "(marker depth)");
    let (open, close) = ("(".repeat(64), ")".repeat(64));
    takes(with(&format!("Requires-Dist: web; {open}os_name == 'posix'{close}")), &["web 9.0"]);
}

#[test]
fn m14_markers_that_blow_up_an_algebra() {
    let any: Vec<String> = (0..200).map(|number| format!("extra == 'e{number}'")).collect();
    takes(with(&format!("Requires-Dist: web; {}", any.join(" or "))), &[]);
    let pairs: Vec<String> =
        (10..40).map(|number| format!("(extra == 'a{number}' and extra == 'z{number}')")).collect();
    takes(with(&format!("Requires-Dist: web; {}", pairs.join(" or "))), &[]);
    let all: Vec<String> =
        (100..1_600).map(|number| format!("python_full_version != '3.{number}'")).collect();
    takes(with(&format!("Requires-Dist: web; {}", all.join(" and "))), &["web 9.0"]);
    let long: Vec<String> = (0..10_000).map(|number| format!("os_name != '{number}'")).collect();
    refuses(with(&format!("Requires-Dist: web; {}", long.join(" and "))), "(requirement length)");
}

#[test]
fn m15_a_hundred_thousand_extras() {
    let extras = |count| vec!["e"; count].join(",");
    refuses(with(&format!("Requires-Dist: web[{}]", extras(100_000))), "(requirement length)");
    refuses(with(&format!("Requires-Dist: web[{}]", extras(50_000))), "(extra count)");
}

#[test]
fn m16_a_package_that_requires_itself() {
    let other = project(with("Requires-Dist: demo==1.0"));
    assert_eq!(lock(&other).0, ["demo 1.0"]);
    let run = bounded(other.write("requirements.txt", "demo==2.0\n"), "lock");
    assert_eq!(run.code(), 1, "{}", run.snapshot());
    assert!(run.stderr().contains("demo 2.0 has unusable metadata: it requires another version of itself"));
    let circle = "Provides-Extra: all\nProvides-Extra: a\nRequires-Dist: demo[a]; extra == 'all'\n\
                  Requires-Dist: demo[all]; extra == 'a'\nRequires-Dist: web; extra == 'a'";
    let project = project(with(circle));
    project.write("requirements.txt", "demo[all]\n");
    assert_eq!(lock(&project).0, ["demo 2.0", "web 9.0"]);
}

#[test]
fn m17_an_extra_that_nobody_declared() {
    let said = takes(with("Requires-Dist: web[nope]"), &["web 9.0"]);
    assert!(said.contains("warning: web 9.0 has no extra [nope]; nothing was added for it"), "{said}");
}

#[test]
fn m18_metadata_without_end() {
    let sidecar = format!("/files/{FILE}.metadata");
    for fault in [Fault::Endless, Fault::GzipBomb { inflated: 200_000_000 }] {
        let project = project(HEAD);
        project.index.fault(&sidecar, fault);
        refuses_in(&project, "16777216");
    }
    refuses(with(&format!("Summary: {}", "x".repeat(17 << 20))), "16777216");
    refuses(with(&format!("Requires-Dist: {}", "x".repeat(15 << 20))), "(requirement length)");
    refuses(with(&"A: b\n".repeat(1_000_000)), "(header count)");
}

#[test]
fn m19_text_that_is_not_utf_8() {
    let body = [with("Requires-Dist: web\n").as_bytes(), b"Gr\xfc\xdfe aus M\xfcnchen\n"].concat();
    takes(body, &["web 9.0"]);
    let summary = [HEAD.as_bytes(), b"Summary: M\xfcnchen\nRequires-Dist: web\n"].concat();
    takes(summary, &["web 9.0"]);
    refuses(b"Metadata-Version: 2.1\nName: d\xe9mo\nVersion: 2.0\n", "line 2: Name is not UTF-8");
}

#[test]
fn m20_line_ends_of_every_kind() {
    let folded = "\u{feff}Metadata-Version: 2.1\r\nName: demo\r\nVersion: 2.0\r\n\
                  Requires-Dist: web\r\n >=1,\r\n\t<3\r\n\r\nRequires-Dist: not-this\r\n";
    takes(folded, &["web 2.0"]);
    takes("Metadata-Version: 2.1\rName: demo\rVersion: 2.0\rRequires-Dist: web\r\rbody", &["web 9.0"]);
    refuses(with("Requires-Dist: web>=1\0"), "line 4: Requires-Dist cannot be read");
}

#[test]
fn m21_fields_that_are_missing_and_a_version_from_the_future() {
    refuses("Metadata-Version: 2.1\nVersion: 2.0\n", "the metadata has no Name");
    refuses("Metadata-Version: 2.1\nName: demo\n", "the metadata has no Version");
    refuses("Name: demo\nVersion: 2.0\n", "the metadata has no Metadata-Version");
    refuses("Metadata-Version: 99.0\nName: demo\nVersion: 2.0\n", "the metadata is of version \"99.0\"");
    refuses("", "the metadata has no Metadata-Version");
}

#[test]
fn m22_a_field_twice_or_in_the_body_only() {
    refuses(with("Name: other"), "line 4: the metadata has Name twice");
    refuses(with("Version: 2.0"), "line 4: the metadata has Version twice");
    refuses("Metadata-Version: 2.1\nVersion: 2.0\n\nName: demo\n", "the metadata has no Name");
}

#[test]
fn m23_metadata_of_another_package_or_version() {
    let other = "Metadata-Version: 2.1\nName: torch\nVersion: 2.0\n";
    refuses(other, "is for name `torch`, but the filename says `demo`");
    let other = "Metadata-Version: 2.1\nName: demo\nVersion: 2.0+evil\n";
    refuses(other, "is for version `2.0+evil`, but the filename says `2.0`");
}

#[test]
fn m24_metadata_that_was_changed_on_the_way() {
    let project = project(with("Requires-Dist: web"));
    let bytes = with("Requires-Dist: evil").into_bytes();
    let content_type = "application/octet-stream".to_owned();
    project.index.fault(&format!("/files/{FILE}.metadata"), Fault::Body { content_type, bytes });
    let run = bounded(&project, "lock");
    assert_eq!(run.code(), 4, "{}", run.snapshot());
    assert!(run.stderr().contains(&format!("{FILE}.metadata has the wrong hash")), "{}", run.snapshot());
    assert!(!project.path("pylock.toml").exists());
}

/// A lock is made without the wheels, so that what is beside them counts; the lock holds the hash by which an
/// installer finds out which wheel was meant.
#[test]
fn m25_metadata_beside_the_wheel_that_is_not_in_it() {
    let wheel = WheelBuilder::new("demo", "2.0").raw_metadata(with("Requires-Dist: evil")).build();
    let mut file = mlresolve_testkit::PublishedFile::new(wheel);
    file.sidecar = Sidecar::Present(with("Requires-Dist: web").into_bytes());
    let hash = file.sha256.clone().unwrap();
    let project = asking(Universe::new().text(OTHERS).file("demo", file), "demo");
    let (packages, run) = lock(&project);
    assert_eq!(packages, ["demo 2.0", "web 9.0"], "{}", run.snapshot());
    let written = project.raw("pylock.toml");
    assert!(written.contains(&hash) && !written.contains("evil"), "{written}");
}

#[test]
fn m26_addresses_that_an_index_may_not_give() {
    for address in
        ["file:///etc/passwd", "git+ssh://git@e.example/x.git", "../x-1.0-py3-none-any.whl", "x.whl"]
    {
        let project = project(with(&format!("Requires-Dist: x @ {address}")));
        refuses_in(&project, "it requires x by address, which only your own requirements may do");
        assert!(
            project
                .index
                .requests()
                .iter()
                .all(|request| !request.path.contains('x') || request.path.contains("demo"))
        );
    }
}

#[test]
fn m27_a_variable_in_an_address() {
    let project = project(with("Requires-Dist: x @ https://e.example/${MLRESOLVE_TEST_CANARY}/a.whl"));
    let canary = [("MLRESOLVE_TEST_CANARY", "hunter2-canary")];
    let run = project.run_with(&["lock", "-vv"], &canary).success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["demo 1.0"]);
    assert!(!run.stderr().contains("hunter2-canary"), "{}", run.stderr());
    assert!(!project.raw("pylock.toml").contains("hunter2-canary"));
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    refuses_in(&project, "it requires x by address, which only your own requirements may do");
}

#[test]
fn m28_requires_python_of_every_kind() {
    for fine in ["Requires-Python: >=3", "Requires-Python: ", "Requires-Python: >=3.5,"] {
        takes(with(fine), &[]);
    }
    let said = takes(with("Requires-Python: >= 3.5.*"), &[]);
    assert!(said.contains("was read as \">=3.5\""), "{said}");
    refuses(with("Requires-Python: snake"), "line 4: Requires-Python cannot be read: \"snake\"");
    let (packages, _) = lock(&project(with("Requires-Python: <3.5.*")));
    assert_eq!(packages, ["demo 1.0"], "a repaired one still leaves out");
}

/// A project that asks for `demo`, whose page lists the file of `demo` 1.0 under these names.
fn listing(names: &[String]) -> Project {
    let project = asking(Universe::new().text(OTHERS), "demo");
    let files = names.iter().map(|name| {
        let address = "../../files/demo-1.0-py3-none-any.whl";
        format!(
            r#"{{"filename": "{name}", "url": "{address}", "hashes": {{"sha256": "{}"}}}}"#,
            "0".repeat(64)
        )
    });
    let files: Vec<String> = files.collect();
    let page =
        format!(r#"{{"meta": {{"api-version": "1.0"}}, "name": "demo", "files": [{}]}}"#, files.join(","));
    let content_type = "application/vnd.pypi.simple.v1+json".to_owned();
    project.index.fault("/simple/demo/", Fault::Body { content_type, bytes: page.into_bytes() });
    project
}

#[test]
fn m29_versions_at_the_edge() {
    let wheel = |version: &str| format!("demo-{version}-py3-none-any.whl");
    let refused = ["18446744073709551616", "1.\u{0660}", &"1.".repeat(1_000_000), "1.0.", "", "1..0"];
    let names: Vec<String> = refused.into_iter().chain(["1.0"]).map(wheel).collect();
    let project = listing(&names);
    assert_eq!(lock(&project).0, ["demo 1.0"]);
    // What is read is read as PEP 440 says; there is no such wheel behind the name, and so its version is named.
    for (version, shown) in
        [("1!0.1", "1!0.1"), ("v1.5", "1.5"), ("18446744073709551615", "18446744073709551615")]
    {
        let project = listing(&[wheel("0.9"), wheel(version)]);
        project.write("requirements.txt", &format!("demo=={shown}\n"));
        let run = bounded(&project, "lock");
        assert_eq!(run.code(), 1, "{}", run.snapshot());
        let told =
            format!("demo {shown} has unusable metadata: demo-{version}-py3-none-any.whl cannot be read");
        assert!(run.stderr().contains(&told), "{version}: {}", run.snapshot());
    }
    // A build tag is no post-release.
    assert_eq!(lock(&listing(&["demo-1.0-1-py3-none-any.whl".to_owned()])).0, ["demo 1.0"]);
}

#[test]
fn m30_a_version_that_is_none() {
    let names = ["demo-2010i-py3-none-any.whl", "demo-1.0-py3-none-any.whl"].map(str::to_owned);
    let project = listing(&names);
    assert_eq!(lock(&project).0, ["demo 1.0"]);
    let run = bounded(&project, "lock --upgrade --refresh -v").success();
    assert!(run.stderr().contains("versions=1 skipped=1"), "{}", run.snapshot());
    let run = bounded(&listing(&names[..1]), "lock");
    assert_eq!(run.code(), 1, "{}", run.snapshot());
    insta::assert_snapshot!(run.snapshot(), @r#"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require demo
      - demo has no file that can be used: its page lists 1 file; demo-2010i-py3-none-any.whl: "demo-2010i-py3-none-any.whl" is not the name of a wheel: "2010i" is not a version: after parsing `2010`, found `i`, which is not part of a valid version
    "#);
}

#[test]
fn m31_characters_that_rewrite_a_terminal() {
    const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}dlrow\u{2066}\u{200b}\u{8}\r";
    let yanked = format!("broken {HOSTILE}");
    let metadata = with(&format!("Summary: {HOSTILE}\nRequires-Dist: web; os_name == '{HOSTILE}' garbage"));
    let wheel = WheelBuilder::new("demo", "2.0").raw_metadata(metadata).build();
    let universe = Universe::new()
        .text(OTHERS)
        .distribution("demo", wheel)
        .package("gone", "1.0", |release| release.yanked(&yanked))
        .status("web", "archived", Some(HOSTILE))
        .package("held", "1.0", |release| release)
        .status("held", "quarantined", Some(HOSTILE));
    let project = asking(universe, "demo\nweb\ngone==1.0");
    let shows = |arguments: &str, code: i32| {
        let run = bounded(&project, arguments);
        assert_eq!(run.code(), code, "{}", run.snapshot());
        for text in [run.stdout(), run.stderr()] {
            let hostile = |character: &char| {
                (character.is_control() && *character != '\n')
                    || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert_eq!(text.chars().find(hostile), None, "{arguments}: {text:?}");
        }
        run
    };
    let said = shows("lock", 0).stderr();
    assert!(said.contains("gone 1.0 was yanked: broken") && said.contains("web is archived"), "{said}");
    shows("lock --upgrade -vv --refresh", 0);
    shows("lock --upgrade --json", 0);
    shows("why-not demo==2.0", 1);
    shows("why-not held", 1);
    shows("why-not held --json", 1);
    project.write("requirements.txt", &format!("demo; os_name == '{HOSTILE}' garbage\n"));
    shows("lock", 2);
    project.write("requirements.txt", "nope @ file:///\u{1b}[2J\n");
    shows("lock", 2);
}

#[test]
fn m32_a_name_of_look_alike_letters() {
    refuses(with("Requires-Dist: w\u{435}b"), "line 4: Requires-Dist cannot be read");
    let project = project(HEAD);
    project.write("requirements.txt", "w\u{435}b\n");
    let run = bounded(&project, "lock");
    assert_eq!(run.code(), 2, "{}", run.snapshot());
    assert_eq!(project.index.requests().len(), 0);
}

#[test]
fn m33_wheels_of_one_version_that_disagree() {
    let universe = Universe::new().text("web 1.0\nmetal 1.0\n").package("demo", "1.0", |release| {
        release
            .wheel_with("cp312-cp312-manylinux_2_17_x86_64", |wheel| wheel.requires("web"))
            .wheel_with("cp312-cp312-macosx_11_0_arm64", |wheel| wheel.requires("metal"))
    });
    let project = asking(universe, "demo");
    assert_eq!(lock(&project).0, ["demo 1.0", "web 1.0"]);
    bounded(&project, "lock --platform macos-arm64").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["demo 1.0", "metal 1.0"]);
}

/// In a wheel, what is dynamic was decided when it was built.
#[test]
fn m34_dynamic_requirements_of_a_wheel() {
    let dynamic =
        "Metadata-Version: 2.2\nName: demo\nVersion: 2.0\nDynamic: Requires-Dist\nRequires-Dist: web\n";
    takes(dynamic, &["web 9.0"]);
}
