//! W24 to W33: what is in the archive.

use mlresolve_wheel::{FileSource, Warning};

use crate::raw::{Member, Zip, assert_refused, assert_taken, install_as, row, wheel, with};

const RECORD: &str = "demo-1.0.dist-info/RECORD";

/// A wheel with a file `a.py` and a change to the text of RECORD.
fn recorded(change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut zip = wheel(&[("a.py", b"x = 1\n")]);
    let mut text = row("a.py", b"x = 1\n");
    for member in ["METADATA", "WHEEL"] {
        let name = format!("demo-1.0.dist-info/{member}");
        text.push_str(&row(&name, &inflate(zip.member(&name))));
    }
    text.push_str("demo-1.0.dist-info/RECORD,,\n");
    *zip.member(RECORD) = Member::stored(RECORD, change(text).as_bytes());
    zip.build()
}

fn inflate(member: &Member) -> Vec<u8> {
    use std::io::Read as _;
    let mut content = Vec::new();
    flate2::read::DeflateDecoder::new(member.data.as_slice()).read_to_end(&mut content).unwrap();
    content
}

fn with_file(name: &str, content: &[u8]) -> Zip {
    wheel(&[(&format!("demo-1.0.dist-info/{name}"), content)])
}

fn scripts(text: &str) -> Vec<u8> {
    with_file("entry_points.txt", format!("[console_scripts]\n{text}\n").as_bytes()).build()
}

#[test]
fn w24_no_dist_info_or_another() {
    let mut zip = Zip::default();
    zip.members.push(Member::stored("a.py", b""));
    assert_refused(zip.build(), "has no .dist-info folder");
    let two = wheel(&[("other-1.0.dist-info/METADATA", b"")]).build();
    assert_refused(two, "has the .dist-info folders \"demo-1.0.dist-info\" and \"other-1.0.dist-info\"");
    let case = wheel(&[("Demo-1.0.DIST-INFO/METADATA", b"")]).build();
    assert_refused(case, "there must be one");
    for file in ["other-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl", "demo-1.1+cpu-py3-none-any.whl"] {
        let error = install_as(wheel(&[]).build(), file, &mlresolve_wheel::Limits::default()).unwrap_err();
        assert!(error.contains("has the folder \"demo-1.0.dist-info\", which is not of"), "{error}");
    }
    assert_taken(wheel(&[("demo/_vendor/other-1.0.dist-info/METADATA", b"")]).build());
}

#[test]
fn w24_a_local_version_in_the_name_alone_is_told() {
    let file = "demo-1.0+cu12torch2.8-py3-none-any.whl";
    let plan = install_as(wheel(&[]).build(), file, &mlresolve_wheel::Limits::default()).unwrap();
    let [warning] = plan.warnings.as_slice() else { panic!("{:?}", plan.warnings) };
    assert_eq!(warning.to_string(), "it is 1.0+cu12torch2.8 by its name and 1.0 by its METADATA");
}

#[test]
fn w24_metadata_of_another_project() {
    let zip = with_file("METADATA", b"Metadata-Version: 2.1\nName: other\nVersion: 1.0\n");
    assert_refused(zip.build(), "has the METADATA of other 1.0, and its name says demo 1.0");
    let zip = with_file("METADATA", b"Metadata-Version: 2.1\nName: demo\nVersion: 2\n");
    assert_refused(zip.build(), "has the METADATA of demo 2, and its name says demo 1.0");
    for name in ["METADATA", "WHEEL", "RECORD"] {
        let name = format!("demo-1.0.dist-info/{name}");
        let mut zip = wheel(&[]);
        zip.members.retain(|member| member.name != name.as_bytes());
        let zip = if name == RECORD { zip } else { zip.recorded() };
        assert_refused(zip.build(), &format!("has no {name}"));
    }
}

#[test]
fn w25_record_and_archive_hold_the_same_files() {
    assert_taken(recorded(|text| text));
    let without = |text: String| text.lines().skip(1).map(|line| format!("{line}\n")).collect();
    assert_refused(recorded(without), "has the file \"a.py\", which is not in RECORD");
    for path in ["gone.py", "/a.py", "../a.py", "A.py", "a.py/"] {
        let reason = format!("lists {path:?} in RECORD, which is no file in it");
        assert_refused(recorded(|text| text + &row(path, b"x")), &reason);
    }
    assert_refused(recorded(|text| text + &row("a.py", b"x = 1\n")), "lists \"a.py\" in RECORD twice");
}

#[test]
fn w25_hashes_and_sizes_are_held() {
    let other = |text: String| text.replace(&row("a.py", b"x = 1\n"), &row("a.py", b"x = 2\n"));
    assert_refused(recorded(other), "entry \"a.py\" has content with another hash than RECORD says");
    let size = |text: String| text.replacen(",6\n", ",7\n", 1);
    assert_refused(recorded(size), "lists \"a.py\" in RECORD with 7 bytes, and it has 6");
    let no_size = |text: String| text.replacen(",6\n", ",\n", 1);
    assert_taken(recorded(no_size));
    let no_hash = |text: String| text.replace(&row("a.py", b"x = 1\n"), "a.py,,6\n");
    assert_refused(recorded(no_hash), "lists \"a.py\" in RECORD without a hash");
    for algorithm in ["md5", "sha1"] {
        let weak = |text: String| text.replacen("sha256=", &format!("{algorithm}="), 1);
        assert_refused(recorded(weak), "it must be sha256, sha384 or sha512");
    }
    let metadata = |text: String| {
        let found = text.lines().find(|line| line.contains("METADATA")).unwrap().to_owned();
        text.replace(&found, row("demo-1.0.dist-info/METADATA", &[b'x'; 46]).trim_end())
    };
    assert_refused(recorded(metadata), "METADATA");
}

#[test]
fn w25_signatures_need_no_row() {
    let mut zip = wheel(&[("a.py", b"")]);
    for name in ["RECORD.jws", "RECORD.p7s"] {
        zip.members.push(Member::stored(&format!("demo-1.0.dist-info/{name}"), b"signature"));
    }
    let plan = assert_taken(zip.build());
    assert_eq!(plan.files.iter().filter(|file| file.path.contains("RECORD.")).count(), 2);
    zip.members.push(Member::stored("demo-1.0.dist-info/RECORD.txt", b""));
    assert_refused(zip.build(), "RECORD.txt\", which is not in RECORD");
}

#[test]
fn w25_a_record_that_cannot_be_read() {
    assert_refused(recorded(|text| text + "\"a,,\n"), "has a quote that readers take in different ways");
    assert_refused(recorded(|text| text + "a\n"), "row 5 of RECORD has 1 fields instead of 3");
    assert_refused(recorded(|_| "a,,\n".repeat(200_001)), "than the limit of 200000 (RECORD rows)");
    let mut zip = wheel(&[]);
    *zip.member(RECORD) = Member::stored(RECORD, b"\xff,,\n");
    assert_refused(zip.build(), "RECORD is not UTF-8");
}

#[test]
fn w26_versions_of_the_wheel_format() {
    let of = |version: &str| {
        let text = format!("Wheel-Version: {version}\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
        with_file("WHEEL", text.as_bytes()).build()
    };
    assert_refused(of("2.0"), "WHEEL is of version \"2.0\", and only 1.x is understood");
    assert_refused(of("x"), "WHEEL is of version \"x\"");
    assert_eq!(assert_taken(of("1.9")).warnings, [Warning::FormatVersion(1, 9)]);
}

#[test]
fn w27_tags_that_contradict_the_name() {
    let of = |text: &str| assert_taken(with_file("WHEEL", text.as_bytes()).build()).warnings;
    let warnings = of("Wheel-Version: 1.0\nTag: cp312-cp312-linux_x86_64\n");
    let tags = Warning::Tags {
        only_in_name: vec!["py3-none-any".into()],
        only_in_wheel: vec!["cp312-cp312-linux_x86_64".into()],
    };
    assert_eq!(
        tags.to_string(),
        "its WHEEL file contradicts its name: the name alone has py3-none-any, WHEEL alone has cp312-cp312-linux_x86_64"
    );
    assert_eq!(warnings, [Warning::NoRootIsPurelib, tags]);
}

#[test]
fn w28_data_that_has_no_place_or_another_packages() {
    let taken = |name: &str| wheel(&[(name, b"")]).build();
    assert_refused(
        taken("demo-1.0.data/evil/x"),
        "may hold only purelib, platlib, headers, scripts and data",
    );
    assert_refused(taken("demo-1.0.data/x"), "may hold only purelib, platlib, headers, scripts and data");
    assert_refused(taken("other-1.0.data/scripts/x"), "has the folder \"other-1.0.data\"");
    assert_refused(taken("Demo-1.0.data/scripts/x"), "the data of this wheel must be in \"demo-1.0.data\"");
    assert_refused(taken("demo-1.0.data/scripts/a/b"), "scripts may not be in folders");
    for name in [
        "scripts/python",
        "scripts/Python3",
        "scripts/python3.12t",
        "data/bin/python",
        "data/BIN/pythonw",
        "data/bin/python3/x",
        "data/pyvenv.cfg",
        "data/bin",
    ] {
        assert_refused(taken(&format!("demo-1.0.data/{name}")), "which belongs to the interpreter");
    }
    assert_refused(
        taken("demo-1.0.data/purelib/other-2.dist-info/METADATA"),
        "belongs to another distribution",
    );
    let again = wheel(&[("a.py", b"1"), ("demo-1.0.data/purelib/a.py", b"1")]).build();
    assert_refused(again, "would install two files as \"lib/python3.12/site-packages/a.py\"");
    let below = wheel(&[("a", b"1"), ("demo-1.0.data/platlib/a/b", b"1")]).build();
    assert_refused(below, "as a file, and \"lib/python3.12/site-packages/a/b\" below it");
    assert_refused(
        wheel(&[("demo-1.0.data/purelib/demo-1.0.dist-info/RECORD", b"")]).build(),
        "would install two files as",
    );
}

#[test]
fn w29_entry_points_that_lead_elsewhere() {
    for name in ["../../x", "/abs", ".", "..", "a b"] {
        assert_refused(scripts(&format!("{name} = m:f")), &format!("names the script {name:?}"));
    }
    for name in ["Python", "python", "python3.12t"] {
        assert_refused(scripts(&format!("{name} = m:f")), "which belongs to the interpreter");
    }
    assert_refused(scripts("x = m:f(); import os"), "instead of 'module:function'");
    assert_refused(scripts("x = m"), "instead of 'module:function'");
    assert_refused(scripts("x = m:f\nx = m:g"), "has the script \"x\" again, with another value");
}

#[test]
fn w29_a_launcher_in_the_wheel_gives_way_to_the_entry_point() {
    let files: &[(&str, &[u8])] = &[
        ("demo-1.0.dist-info/entry_points.txt", b"[console_scripts]\nx = m:f\n"),
        ("demo-1.0.data/scripts/x", b"#!python\n"),
        ("demo-1.0.data/scripts/x-script.py", b"#!python\n"),
        ("demo-1.0.data/scripts/y", b"#!python\n"),
    ];
    let plan = assert_taken(wheel(files).build());
    let commands: Vec<_> = plan.files.iter().filter(|file| file.path.starts_with("bin/")).collect();
    assert_eq!(commands.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["bin/x", "bin/y"]);
    assert_eq!(commands[1].source, FileSource::Generated(b"#!/opt/venv/bin/python\n".to_vec()));
}

#[test]
fn w31_files_that_run_at_every_start_are_told() {
    let files: &[(&str, &[u8])] =
        &[("evil.pth", b"import os"), ("demo/x.pth", b""), ("demo-1.0.data/purelib/sitecustomize.py", b"")];
    let plan = assert_taken(wheel(files).build());
    let told = ["evil.pth", "sitecustomize.py"].map(|name| Warning::StartupFile(name.to_owned()));
    assert_eq!(plan.warnings, told);
}

#[test]
fn w31_files_of_installers_are_made_anew() {
    let files: &[(&str, &[u8])] =
        &[("demo-1.0.dist-info/INSTALLER", b"evil"), ("demo-1.0.dist-info/direct_url.json", b"{}")];
    let plan = assert_taken(wheel(files).build());
    assert_eq!(plan.warnings.len(), 2);
    let installer = plan.files.iter().find(|file| file.path.ends_with("/INSTALLER")).unwrap();
    assert_eq!(installer.source, FileSource::Generated(b"mlresolve\n".to_vec()));
    assert!(!plan.files.iter().any(|file| file.path.ends_with("direct_url.json")));
}

#[test]
fn w32_as_many_files_as_the_largest_wheels_have() {
    let names: Vec<String> = (0..20_000).map(|at| format!("demo/part{}/file{at}.py", at % 100)).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    assert_eq!(assert_taken(wheel(&files).build()).files.len(), 20_004);
}

#[test]
fn w33_times_mean_nothing() {
    let zip = with(Member::stored("a", b""));
    let plan = assert_taken(zip.build());
    let mut bytes = zip.build();
    // The time and date of the first entry, in its header and in the directory.
    bytes[10..14].fill(0xff);
    assert_eq!(assert_taken(bytes), plan);
}
