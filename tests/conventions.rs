//! The rules of the tree that can be checked, held by a test each.
//!
//! A failure here says which rule was broken and where. `ARCHITECTURE.md` says why the rules are there.

#![expect(clippy::unwrap_used, reason = "a tree that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each crate with the crates of this workspace that it may depend on. A new crate gets its line here first.
const DOWNWARD: &[(&str, &[&str])] = &[
    ("packaging", &[]),
    ("target", &["mlresolve-packaging"]),
    ("solver", &["mlresolve-packaging", "mlresolve-target"]),
    ("index", &["mlresolve-packaging", "mlresolve-target"]),
    ("lockfile", &["mlresolve-packaging", "mlresolve-target"]),
    ("wheel", &["mlresolve-packaging", "mlresolve-target"]),
    ("layers", &[]),
    ("linkage", &[]),
    (
        "mlresolve",
        &[
            "mlresolve-packaging",
            "mlresolve-target",
            "mlresolve-solver",
            "mlresolve-index",
            "mlresolve-lockfile",
            "mlresolve-wheel",
            "mlresolve-layers",
            "mlresolve-linkage",
        ],
    ),
    ("testkit", &[]),
];

/// The crates that do no I/O.
const PURE: &[&str] = &["packaging", "target", "solver", "lockfile", "linkage"];

/// What a crate without I/O may depend on besides its neighbours: parsers, data and arithmetic.
const PURE_DEPENDENCIES: &[&str] = &[
    "data-encoding",
    "html5gum",
    "jiff",
    "pep440_rs",
    "percent-encoding",
    "pubgrub",
    "rustc-hash",
    "serde",
    "serde_ignored",
    "serde_json",
    "sha2",
    "smallvec",
    "thiserror",
    "toml",
    "toml_edit",
    "tracing",
    "url",
    "version-ranges",
];

/// What the sources of a crate without I/O may not name. `std::{` is here because it could hide any of the others.
const IMPURE: &[&str] = &[
    "std::{",
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "stdin",
    "tokio",
    "reqwest",
];

/// Folders that are not part of the tree.
const NOT_OURS: &[&str] = &[".git", "target", ".venv", "__pycache__", "corpus", "artifacts"];

/// The longest Rust file, in lines.
const LINE_LIMIT: usize = 700;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn rust_files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_below(folder);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(!files.is_empty(), "no Rust file below {}", folder.display());
    files
}

/// The names of the folders in `crates/` that hold a crate.
fn crates() -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join("crates")).unwrap().map(Result::unwrap);
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    crates.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Fails with the list of what breaks the rule.
#[track_caller]
fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// The lines of a source with their numbers, without comments and `#[cfg(test)]` modules, which end at a brace in the
/// first column.
fn product_lines(source: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let (mut after_cfg_test, mut inside_tests) = (false, false);
    for (at, line) in source.lines().enumerate() {
        if inside_tests {
            inside_tests = line != "}";
        } else if after_cfg_test && line.starts_with("mod ") && line.ends_with('{') {
            inside_tests = true;
        } else if !line.trim_start().starts_with("//") {
            lines.push((at + 1, line));
        }
        after_cfg_test = line == "#[cfg(test)]";
    }
    lines
}

/// The modules that are declared for tests alone and live in files of their own.
fn test_modules(source: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    declared.filter_map(|pair| Some(pair[1].strip_prefix("mod ")?.strip_suffix(';')?.to_owned())).collect()
}

/// Whether `word` stands in `line` with no letter before or after it.
fn names(line: &str, word: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let cut_short = !word.ends_with('{') && after.is_some_and(part_of_word);
        !(cut_short || before.is_some_and(part_of_word))
    })
}

/// The dependencies in a manifest: whether they are for development alone, and their names.
fn dependencies(manifest: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && !section.starts_with("[workspace")
            && line.starts_with(|first: char| first.is_ascii_alphabetic())
        {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            found.push((section.contains("dev-dependencies"), name.to_owned()));
        }
    }
    found
}

#[test]
fn the_checks_see_what_they_look_for() {
    let source = "use std::fs;\n// tokio\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\nfn after() {}";
    assert_eq!(product_lines(source), [(1, "use std::fs;"), (3, "#[cfg(test)]"), (7, "fn after() {}")]);
    assert_eq!(test_modules("mod a;\n#[cfg(test)]\nmod samples;\n"), ["samples"]);
    assert!(names("use std::fs::File;", "std::fs") && names("use std::{fs, io};", "std::{"));
    assert!(names("Instant::now()", "Instant") && !names("Instantly", "Instant"));
    let manifest = "[workspace.dependencies]\nx = \"1\"\n[dependencies]\na.workspace = true\n[dev-dependencies]\nb = { }\n";
    assert_eq!(dependencies(manifest), [(false, "a".to_owned()), (true, "b".to_owned())]);
    assert_eq!(code_of("see `a\nb`\n```sh\nc\n```\n"), ["c", "a b"]);
    assert!(names_option("  -o, --output <PATH>", "--output") && !names_option("--output", "--out"));
}

#[test]
fn crates_depend_only_downward() {
    let known: BTreeSet<String> = DOWNWARD.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(crates(), known, "every crate has its place in the order");
    let mut broken = Vec::new();
    let mut check = |place: &str, manifest: &Path, allowed: &[&str]| {
        let found = dependencies(&read(manifest));
        assert!(!found.is_empty(), "{place} has dependencies");
        for (for_tests, name) in found.into_iter().filter(|(_, name)| name.starts_with("mlresolve")) {
            let testkit = for_tests && place != "testkit" && name == "mlresolve-testkit";
            if !testkit && !allowed.contains(&name.as_str()) {
                broken.push(format!("{place} depends on {name}"));
            }
        }
    };
    for (name, allowed) in DOWNWARD {
        check(name, &root().join("crates").join(name).join("Cargo.toml"), allowed);
    }
    check("the command line", &root().join("Cargo.toml"), &["mlresolve"]);
    assert_none("a crate depends only on those below it", &broken);
}

#[test]
fn pure_crates_depend_on_nothing_that_does_io() {
    let mut broken = Vec::new();
    for name in PURE {
        let manifest = read(root().join("crates").join(name).join("Cargo.toml"));
        let ours = dependencies(&manifest).into_iter().filter(|(for_tests, _)| !for_tests);
        broken.extend(
            ours.map(|(_, dependency)| dependency)
                .filter(|one| !one.starts_with("mlresolve-") && !PURE_DEPENDENCIES.contains(&one.as_str()))
                .map(|dependency| format!("{name} depends on {dependency}")),
        );
    }
    assert_none(
        "packaging, target, solver, lockfile and linkage depend on parsers, data and arithmetic alone",
        &broken,
    );
}

#[test]
fn pure_crates_do_no_io_and_read_no_clock() {
    let mut broken = Vec::new();
    for name in PURE {
        let folder = root().join("crates").join(name).join("src");
        let files = rust_files_below(&folder);
        let for_tests: BTreeSet<String> = files.iter().flat_map(|path| test_modules(&read(path))).collect();
        for path in files {
            let inside = path.strip_prefix(&folder).unwrap().with_extension("");
            if inside.iter().any(|part| for_tests.contains(part.to_str().unwrap())) {
                continue;
            }
            for (number, line) in product_lines(&read(&path)) {
                let found = IMPURE.iter().filter(|word| names(line, word));
                broken.extend(found.map(|word| format!("{}:{number}: {word}", path.display())));
            }
        }
    }
    assert_none(
        "packaging, target, solver, lockfile and linkage know no disk, network, clock or environment",
        &broken,
    );
}

#[test]
fn no_file_names_the_host_of_a_registry() {
    // Put together here, so that this file does not name them either.
    let hosts =
        [["pypi", "org"], ["pythonhosted", "org"], ["crates", "io"], ["deb.debian", "org"], ["npmjs", "org"]]
            .map(|parts| parts.join("."));
    let mut broken = Vec::new();
    let files = files_below(&root());
    assert!(files.len() > 100, "the whole tree is read");
    // A lock says where its files come from.
    let is_lock =
        |name: &str| name == "Cargo.lock" || (name.starts_with("pylock.") && name.ends_with(".toml"));
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    for path in files.iter().filter(|path| !is_lock(&name(path))) {
        let bytes = std::fs::read(path).unwrap();
        let found = hosts.iter().filter(|host| bytes.windows(host.len()).any(|at| at == host.as_bytes()));
        broken.extend(found.map(|host| format!("{}: {host}", path.display())));
    }
    assert_none("registries go by their name, such as PyPI; tests use hosts that end in .example", &broken);
}

#[test]
fn every_library_says_what_it_must_never_know() {
    let mut broken = Vec::new();
    for name in crates() {
        let path = root().join("crates").join(&name).join("src/lib.rs");
        let source = read(&path);
        let opening: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let opening = opening.concat().to_lowercase();
        if !opening.contains("must never know") {
            broken.push(path.display().to_string());
        }
    }
    assert_none("lib.rs opens with `//!`: what the crate owns, and what it must never know", &broken);
}

#[test]
fn every_crate_inherits_the_lints() {
    let manifests = crates().into_iter().map(|name| root().join("crates").join(name).join("Cargo.toml"));
    let manifests = manifests.chain(std::iter::once(root().join("Cargo.toml")));
    let broken: Vec<String> = manifests
        .filter(|path| !read(path).contains("[lints]\nworkspace = true\n"))
        .map(|path| path.display().to_string())
        .collect();
    assert_none("a manifest has `[lints]` with `workspace = true`", &broken);
}

#[test]
fn every_end_to_end_test_is_run() {
    let main = read(root().join("tests/main.rs"));
    let entries = std::fs::read_dir(root().join("tests")).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.filter_map(|name| Some(name.to_str()?.strip_suffix(".rs")?.to_owned()));
    let broken: Vec<String> = names
        .filter(|name| name != "main" && !main.lines().any(|line| line == format!("mod {name};")))
        .collect();
    assert_none("tests/main.rs has a `mod` line for every file beside it", &broken);
}

#[test]
fn no_rust_file_is_too_long() {
    let files = rust_files_below(&root());
    let lengths = files.iter().map(|path| (path, read(path).lines().count()));
    let broken: Vec<String> = lengths
        .filter(|(_, lines)| *lines > LINE_LIMIT)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none(&format!("a Rust file has at most {LINE_LIMIT} lines"), &broken);
}

/// The pages for people, which name commands, options and files.
const PAGES: &[&str] =
    &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/finetune/README.md"];

/// What a page shows in blocks and spans of code.
fn code_of(page: &str) -> Vec<String> {
    let (mut code, mut prose, mut inside) = (Vec::new(), String::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            code.push(line.trim().to_owned());
        } else {
            // A span may go on in the next line.
            prose.push_str(line);
            prose.push(' ');
        }
    }
    code.extend(prose.split('`').skip(1).step_by(2).map(str::to_owned));
    code
}

#[test]
fn the_pages_name_commands_and_options_that_exist() {
    let help = |command: &str| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_mlresolve")).args([command, "--help"]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    };
    let (mut broken, mut seen) = (Vec::new(), 0);
    for page in PAGES {
        for line in code_of(&read(root().join(page))) {
            let shown = line.split(" # ").next().unwrap_or_default();
            let mut words = shown.split_whitespace();
            let (Some("mlresolve"), Some(command)) = (words.next(), words.next()) else { continue };
            let Some(text) = help(command) else {
                broken.push(format!("{page}: mlresolve {command}"));
                continue;
            };
            seen += 1;
            let options = words.filter(|word| word.starts_with('-') && *word != "-");
            let unknown = options.filter(|option| !names_option(&text, option));
            broken.extend(unknown.map(|option| format!("{page}: mlresolve {command} {option}")));
        }
    }
    assert!(seen > 5, "the pages show the program");
    assert_none("the pages show commands and options that exist", &broken);
}

/// Whether a help text explains an option.
fn names_option(help: &str, option: &str) -> bool {
    let mut words =
        help.split(|character: char| character.is_whitespace() || matches!(character, ',' | '[' | ']'));
    words.any(|word| word == option)
}

#[test]
fn the_pages_link_to_files_that_exist() {
    let mut broken = Vec::new();
    for page in PAGES {
        let path = root().join(page);
        let text = read(&path);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or_default();
            if !path.parent().unwrap().join(file).exists() {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert_none("a link in a page leads to a file of the tree", &broken);
}
