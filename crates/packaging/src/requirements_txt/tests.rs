use std::collections::BTreeMap;

use super::*;

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";

fn variables(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("hunter2".to_owned()),
        "LOOP" => Some("${TOKEN}".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn read(text: &str) -> RequirementsFile {
    parse(text, "requirements.txt", &variables).unwrap()
}

fn error(text: &str) -> String {
    parse(text, "requirements.txt", &variables).unwrap_err().to_string()
}

/// Reads files that include one another, `r.txt` first.
fn read_all(files: &[(&str, &str)]) -> Result<RequirementsFile, RequirementsError> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let mut load =
        |path: &str| files.get(path).map(ToString::to_string).ok_or_else(|| "no such file".to_owned());
    parse_with_includes("r.txt", &mut load, &variables)
}

fn shown(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Requirement(requirement) => requirement.to_string(),
        EntryKind::Url { url, name, extras, marker } => format!(
            "url {url} {} {extras:?} {}",
            name.as_ref().map_or("?", PackageName::as_str),
            marker.as_ref().map_or("", Marker::as_str)
        ),
        EntryKind::Path { path, extras, marker } => {
            format!("path {path} {extras:?} {}", marker.as_ref().map_or("", Marker::as_str))
        }
    }
}

fn entries(file: &RequirementsFile) -> Vec<(usize, String)> {
    file.entries.iter().map(|entry| (entry.place.line, shown(entry))).collect()
}

fn entry(line: usize, text: &str) -> (usize, String) {
    (line, text.to_owned())
}

#[test]
fn comments_and_continuations_are_read_as_pip_does() {
    let file = read(
        "\u{feff}# first\n\n  torch >= 2.0  # why\r\nnumpy \\\n  >=1 ,\\\r\n <3\n\
         a==1 \\\n# a comment ends the line\nb @ https://e.example/b.zip#sha256=1\n   \nlast\\",
    );
    assert_eq!(
        entries(&file),
        [
            entry(3, "torch>=2.0"),
            entry(4, "numpy>=1,<3"),
            entry(7, "a==1"),
            entry(9, "b @ https://e.example/b.zip#sha256=1"),
            entry(11, "last"),
        ]
    );
    assert_eq!(file.warnings, []);
}

#[test]
fn hashes_and_build_options_belong_to_their_requirement() {
    let file = read(&format!(
        "a==1 ; os_name == 'nt' --hash=sha256:{DIGEST} \\\n  --hash 'sha512:{DIGEST}{DIGEST}' -C k=v --global-option=x\n"
    ));
    let [entry] = &file.entries[..] else { panic!() };
    assert_eq!(shown(entry), "a==1; os_name == 'nt'");
    let algorithms: Vec<&str> = entry.hashes.iter().map(|hash| hash.algorithm.as_str()).collect();
    assert_eq!(algorithms, ["sha256", "sha512"]);
    assert_eq!(entry.hashes[0].digest, DIGEST.to_lowercase());
    assert_eq!(entry.build_options, ["k=v", "x"]);
}

#[test]
fn every_option_form_is_read_in_order() {
    let file = read(
        "-i https://a.example/simple\n--index-url=https://b.example\n--pypi-url c\n--extra-index-url 'd e'\n\
         -fwheels\n--no-index --pre\n--prefer-binary\n--only-binary=:all:\n--no-binary x,y\n--require-hashes\n\
         --trusted-host h\n--use-feature fast-deps\n--all-releases=z\n--only-final z\n--no-require-hashes\n",
    );
    let text = |text: &str| text.to_owned();
    let options: Vec<FileOption> = file.options.iter().map(|option| option.value.clone()).collect();
    assert_eq!(
        options,
        [
            FileOption::IndexUrl(text("https://a.example/simple")),
            FileOption::IndexUrl(text("https://b.example")),
            FileOption::IndexUrl(text("c")),
            FileOption::ExtraIndexUrl(text("d e")),
            FileOption::FindLinks(text("wheels")),
            FileOption::NoIndex,
            FileOption::Pre,
            FileOption::PreferBinary,
            FileOption::OnlyBinary(text(":all:")),
            FileOption::NoBinary(text("x,y")),
            FileOption::RequireHashes,
            FileOption::TrustedHost(text("h")),
            FileOption::UseFeature(text("fast-deps")),
            FileOption::AllReleases(text("z")),
            FileOption::OnlyFinal(text("z")),
            FileOption::NoRequireHashes,
        ]
    );
    assert_eq!(file.options[6].place, Place { file: "requirements.txt".into(), line: 6 });
}

#[test]
fn addresses_and_paths_are_entries_of_their_own() {
    let file = read(
        "https://e.example/a/Foo_bar-1.0%2Bcu1-py3-none-any.whl#sha256=1 ; os_name == 'nt'\n\
         git+https://e.example/x.git@v1;y#egg=My_Name[b,a]&subdirectory=s\n\
         file:///w/x-1.zip\n./a.whl\n../b[dev, test] ; os_name == 'nt'\nx-1-py3-none-any.whl\n.\n\
         -e .[dev]\n--editable=git+ssh://git@e.example/x\n-e src/x\nname@file:///x\nC:\\w\\x",
    );
    let got: Vec<String> = file.entries.iter().map(shown).collect();
    assert_eq!(
        got,
        [
            "url https://e.example/a/Foo_bar-1.0%2Bcu1-py3-none-any.whl#sha256=1 foo-bar [] os_name == 'nt'",
            "url git+https://e.example/x.git@v1;y#egg=My_Name[b,a]&subdirectory=s my-name [\"a\", \"b\"] ",
            "url file:///w/x-1.zip ? [] ",
            "path ./a.whl [] ",
            "path ../b [\"dev\", \"test\"] os_name == 'nt'",
            "path x-1-py3-none-any.whl [] ",
            "path . [] ",
            "path . [\"dev\"] ",
            "url git+ssh://git@e.example/x ? [] ",
            "path src/x [] ",
            "name @ file:///x",
            "path C:\\w\\x [] ",
        ]
    );
    let editable: Vec<usize> =
        file.entries.iter().filter(|entry| entry.editable).map(|entry| entry.place.line).collect();
    assert_eq!(editable, [8, 9, 10]);
}

#[test]
fn variables_are_expanded_once_and_only_when_set() {
    let file = read("-i https://${TOKEN}@e.example/${UNSET}/${EMPTY}/${token}/$TOKEN/${LOOP}/${\n");
    let expected = "https://hunter2@e.example/${UNSET}/${EMPTY}/${token}/$TOKEN/${TOKEN}/${";
    assert_eq!(file.options[0].value, FileOption::IndexUrl(expected.to_owned()));
}

#[test]
fn an_address_neither_sees_the_environment_nor_local_files() {
    let parse = |text: &str| parse(text, "https://e.example/a/r.txt", &variables);
    let file = parse("-i https://e.example/${TOKEN}\n-r ../b.txt\n-c https://f.example/c.txt\n").unwrap();
    assert_eq!(file.options[0].value, FileOption::IndexUrl("https://e.example/${TOKEN}".to_owned()));
    assert_eq!(file.warnings[0].value, Warning::VariableIgnored);
    let targets: Vec<&str> = file.includes.iter().map(|include| include.value.target.as_str()).collect();
    assert_eq!(targets, ["https://e.example/b.txt", "https://f.example/c.txt"]);
    for text in ["-r file:///etc/passwd", "-c FILE:/etc/passwd", "-r 'data:,x'"] {
        assert!(matches!(parse(text).unwrap_err().problem, Problem::LocalInclude(_)), "{text}");
    }
}

#[test]
fn includes_are_read_in_place_and_relative_to_the_including_file() {
    let file = read_all(&[
        ("r.txt", "a\n-r sub/b.txt\n-c c.txt\nd\n--requirement=./sub/../sub/b.txt\n"),
        ("sub/b.txt", "b\n-rmore.txt\n--constraint ../c.txt"),
        ("sub/more.txt", "m"),
        ("c.txt", "c<2\n-r from-c.txt"),
        ("from-c.txt", "f"),
    ])
    .unwrap();
    let names = |entries: &[Entry]| entries.iter().map(shown).collect::<Vec<_>>();
    assert_eq!(names(&file.entries), ["a", "b", "m", "f", "d"]);
    assert_eq!(names(&file.constraints), ["c<2"]);
    assert_eq!(file.entries[2].place.to_string(), "sub/more.txt:1");
}

#[test]
fn circles_depth_and_missing_files_are_errors_that_name_the_place() {
    let circle = read_all(&[("r.txt", "\n-r b.txt"), ("b.txt", "a\n\n-c ./x/../r.txt")]).unwrap_err();
    assert_eq!(
        circle.to_string(),
        "b.txt:3: \"r.txt\" is included by itself; remove one of the lines of the circle"
    );
    let missing = read_all(&[("r.txt", "-r b.txt")]).unwrap_err();
    assert_eq!(missing.to_string(), "r.txt:1: cannot read \"b.txt\": no such file");

    let endless = |fan: usize| {
        let mut count = 0;
        let mut load = move |_: &str| {
            Ok((0..fan)
                .map(|_| {
                    count += 1;
                    format!("-r {count}.txt\n")
                })
                .collect::<String>())
        };
        parse_with_includes("r.txt", &mut load, &variables).unwrap_err().problem
    };
    assert_eq!(endless(1), Problem::TooDeep);
    let wide: String = (0..=INCLUDE_COUNT_LIMIT).map(|at| format!("-r {at}.txt\n")).collect();
    let mut load = |path: &str| Ok(if path == "r.txt" { wide.clone() } else { String::new() });
    let error = parse_with_includes("r.txt", &mut load, &variables).unwrap_err();
    assert_eq!(error.problem, Problem::TooManyFiles);
}

#[test]
fn a_file_included_twice_at_every_level_is_read_once() {
    let mut loads = 0;
    let mut load = |path: &str| {
        loads += 1;
        let level: usize = path.trim_end_matches(".txt").parse().unwrap();
        Ok(if level < 30 { format!("-r {0}.txt\n-r {0}.txt\n", level + 1) } else { "x".to_owned() })
    };
    let file = parse_with_includes("0.txt", &mut load, &variables).unwrap();
    assert_eq!((loads, file.entries.len()), (31, 1));
}

#[test]
fn what_cannot_be_read_names_the_line_and_never_a_value() {
    assert!(error("a\n\nb c").starts_with("requirements.txt:3: "));
    assert_eq!(
        error("--token=${TOKEN}"),
        "requirements.txt:1: the option \"--token\" is not known in a requirements file; give it on the \
         command line or remove it"
    );
    assert_eq!(error("-i"), "requirements.txt:1: the option --index-url needs a value");
    assert_eq!(error("-r ''"), "requirements.txt:1: the option --requirement needs a value");
    assert_eq!(error("--pre=yes"), "requirements.txt:1: the option --pre takes no value");
    assert_eq!(error("-e 'x"), "requirements.txt:1: a quote is not closed");
    assert!(error("a --hash=md5:0123456789abcdef0123456789abcdef").contains("--hash must be sha256"));
    assert!(error("a --hash=sha256:12").contains("--hash must be sha256"));
    assert!(error(&format!("a --hash=sha256:{DIGEST} ; os_name=='nt'")).contains("before all options"));
    assert!(error("-e . ; os_name == 'nt'").contains("before all options"));
    assert!(error("./x[dev").contains("expected ']'"));
    assert!(error("-é").contains("is not known"));
    assert!(error("https://e.example/x#egg=-").contains("not a valid name"));
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let file = read(
        "a>=1.0.* --pre -r b.txt\n--hash sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
    );
    let warnings: Vec<String> = file.warnings.iter().map(|warning| warning.value.to_string()).collect();
    assert_eq!(
        warnings,
        [
            "\">=1.0.*\" is no valid version specifier and was read as \">=1.0\"",
            "--pre behind a requirement has no effect; give it a line of its own",
            "--requirement behind a requirement has no effect; give it a line of its own",
            "--hash without a requirement has no effect",
        ]
    );
    assert_eq!((file.options, file.includes), (vec![], vec![]));
}

#[test]
fn encodings_are_told_by_their_marks() {
    let utf16 = |to: fn(u16) -> [u8; 2]| "\u{feff}torch é".encode_utf16().flat_map(to).collect::<Vec<u8>>();
    assert_eq!(decode(&utf16(u16::to_le_bytes)).unwrap(), "torch é");
    assert_eq!(decode(&utf16(u16::to_be_bytes)).unwrap(), "torch é");
    assert_eq!(decode("\u{feff}torch é".as_bytes()).unwrap(), "torch é");
    assert_eq!(decode(b"ab\xff").unwrap_err(), "it is not UTF-8, from byte 2 on; save it as UTF-8");
    assert!(decode(b"\xff\xfea").is_err());
}

#[test]
fn long_input_ends_at_its_limit() {
    let long = "\n".repeat(REQUIREMENTS_LIMIT + 1);
    assert!(error(&long).contains("over the limit of 16777216 bytes (requirements length)"));
    assert_eq!(entries(&read(&"\\\n".repeat(1_000_000))), []);
    assert_eq!(entries(&read(&"#".repeat(1_000_000))), []);
    assert!(parse(&"${".repeat(500_000), "r", &variables).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "([-a-z=<>.;@#\\[\\]'\"\\\\ \n\r$\\{\\}/:é]|--hash |-r ){0,60}") {
        drop(parse(&text, "r.txt", &variables));
        drop(parse(&text, "https://e.example/r.txt", &variables));
    }
}
