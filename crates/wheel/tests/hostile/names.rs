//! W01 to W09: names, modes and attributes of entries.

use mlresolve_wheel::Warning;

use crate::raw::{Member, REGULAR, assert_refused, assert_taken, wheel, with};

#[track_caller]
fn name_is_refused(name: &str, reason: &str) {
    assert_refused(with(Member::stored(name, b"x")).build(), reason);
}

#[test]
fn w01_names_that_lead_up() {
    for name in ["../x", "a/../../x", "a/..", "./x", "a/./x", ".."] {
        name_is_refused(name, "has a name that leads out of its folder or to itself");
    }
}

#[test]
fn w02_absolute_names_are_refused_and_not_made_relative() {
    for name in ["/etc/x", "C:/x", "c:x", "//srv/x"] {
        name_is_refused(name, "has an absolute name");
    }
}

#[test]
fn w03_backslashes() {
    for name in ["a\\..\\..\\x", "a\\b", "\\\\srv\\x"] {
        name_is_refused(name, "has a backslash in its name");
    }
}

#[test]
fn w04_a_neighbour_with_the_same_beginning_is_not_reached() {
    name_is_refused("../site-packages-evil/x", "leads out of its folder");
    name_is_refused("demo-1.0.data/purelib/../../site-packages-evil/x", "leads out of its folder");
    let plan =
        assert_taken(wheel(&[("demo-1.0.data/data/lib/python3.12/site-packages-evil/x", b"")]).build());
    assert!(plan.files.iter().any(|file| file.path == "lib/python3.12/site-packages-evil/x"));
}

#[test]
fn w05_characters_that_nobody_sees_and_empty_names() {
    for name in ["a\0b", "a\nb", "a\u{7f}", "\u{202e}gpj.x", "a\u{200b}", "\u{feff}a", "a\u{e000}"] {
        name_is_refused(name, "which nobody can see");
    }
    for name in ["", "/", "a//b", "a//"] {
        name_is_refused(name, "has a name with an empty part");
    }
    let mut latin = with(Member::stored("x", b"x"));
    latin.member("x").name = b"caf\xe9".to_vec();
    assert_refused(latin.build(), "has a name that is not UTF-8");
    let mut unmarked = with(Member::stored("é", b"x"));
    unmarked.member("é").flags = 0;
    assert_refused(unmarked.build(), "is not ASCII, without the flag for UTF-8");
    assert_taken(with(Member::stored("é", b"x")).build());
}

#[test]
fn w05_names_that_are_too_long() {
    name_is_refused(&"x".repeat(256), "over the limit of 255 (name part)");
    name_is_refused(&"x/".repeat(513), "over the limit of 1024 (entry name)");
}

#[test]
fn w06_links_and_devices() {
    for mode in [0o120_777, 0o010_644, 0o020_644, 0o060_644, 0o140_644] {
        let mut zip = with(Member::stored("link", b"/etc/passwd"));
        zip.member("link").attributes = mode << 16;
        assert_refused(zip.build(), "entry \"link\" is no regular file or folder");
    }
}

#[test]
fn w06_modes_become_one_of_two() {
    for (mode, planned) in [(0o4755, 0o755), (0o777, 0o755), (0o610, 0o755), (0o666, 0o644), (0, 0o644)] {
        let mut zip = with(Member::stored("x", b""));
        zip.member("x").attributes = (0o100_000 | mode) << 16;
        let plan = assert_taken(zip.build());
        let file = plan.files.iter().find(|file| file.path.ends_with("/x")).unwrap();
        assert_eq!(file.mode(), planned, "{mode:o}");
    }
}

#[test]
fn w07_the_same_name_twice() {
    for content in [b"x", b"y"] {
        let mut zip = with(Member::stored("a", b"x"));
        let mut second = Member::stored("a", content);
        second.attributes = REGULAR | 0o111 << 16;
        zip.members.push(second);
        assert_refused(zip.build(), "entry \"a\" is in the archive twice");
    }
}

#[test]
fn w08_names_that_clash_or_cannot_be_held_elsewhere_are_told() {
    let plan = assert_taken(wheel(&[("Foo.py", b"1"), ("foo.py", b"2"), ("a", b"")]).build());
    let clash = Warning::CaseClash { entry: "Foo.py".into(), other: "foo.py".into(), count: 1 };
    assert_eq!(plan.warnings, [clash]);
    for name in ["CON", "dir/a:ads", "aux.txt", "x./y", "x ", "e\u{301}.py"] {
        let plan = assert_taken(with(Member::stored(name, b"")).build());
        assert_eq!(plan.warnings, [Warning::NotPortable { entry: name.into(), count: 1 }]);
    }
}

#[test]
fn w09_a_file_where_a_folder_must_be() {
    assert_refused(
        wheel(&[("a", b""), ("a-b", b""), ("a/b", b"")]).build(),
        "\"a/b\" is below \"a\", which is a file",
    );
    let mut zip = wheel(&[("a", b"")]);
    zip.members.push(Member::folder("a/"));
    assert_refused(zip.build(), "is below \"a\", which is a file");
}

#[test]
fn w09_folders_that_are_none() {
    let mut zip = wheel(&[]);
    zip.members.push(Member::folder("a"));
    assert_refused(zip.build(), "is a folder by its attributes or its name");
    let mut zip = wheel(&[]);
    let mut folder = Member::folder("a/");
    folder.attributes = REGULAR;
    zip.members.push(folder);
    assert_refused(zip.build(), "is a folder by its attributes or its name");
    let mut zip = wheel(&[]);
    let mut full = Member::stored("a/", b"content");
    full.attributes = Member::folder("a/").attributes;
    zip.members.push(full);
    assert_refused(zip.build(), "is a folder and has content");
}

#[test]
fn whiteouts_of_container_images() {
    for name in [".wh.x", "a/.wh.x", "a/.wh..wh..opq", ".wh.a/b", "demo-1.0.data/scripts/.wh.python"] {
        name_is_refused(name, "starts with .wh., which deletes files in container images");
    }
    let entry_points = b"[console_scripts]\n.wh.python = m:f\n";
    let zip = wheel(&[("demo-1.0.dist-info/entry_points.txt", entry_points)]);
    assert_refused(zip.build(), "starts with .wh.");
}
