use super::*;
use crate::invalid::Problem;
use crate::samples;

const HEAD: &str = "lock-version = \"1.0\"\ncreated-by = \"someone\"\n";

fn digest() -> String {
    "0".repeat(64)
}

/// A lock with one package `torch 2.9.1`, whose keys behind the version are given.
fn with_keys(keys: &str) -> String {
    format!("{HEAD}[[packages]]\nname = \"torch\"\nversion = \"2.9.1\"\n{keys}\n")
}

/// A lock with one wheel, whose keys are given.
fn with_wheel(keys: &str) -> String {
    with_keys(&format!("wheels = [{{ {keys} }}]"))
}

fn problem(text: &str) -> (String, Problem) {
    match read(text.as_bytes()) {
        Err(ReadError::Invalid(error)) => (error.place.key, error.problem),
        other => panic!("expected a broken rule, got {other:?} for\n{text}"),
    }
}

fn wheel_problem(keys: &str) -> (String, Problem) {
    problem(&with_wheel(keys))
}

fn warnings(text: &str) -> Vec<(String, WarningKind)> {
    let read = read(text.as_bytes()).unwrap();
    read.warnings.into_iter().map(|warning| (warning.place.key, warning.kind)).collect()
}

const NAME: &str = "name = \"torch-2.9.1-py3-none-any.whl\"";
const URL: &str = "url = \"https://f.example/torch-2.9.1-py3-none-any.whl\"";

fn hashes() -> String {
    format!("hashes = {{ sha256 = \"{}\" }}", digest())
}

#[test]
fn the_smallest_lock_is_read() {
    let read = read(format!("{HEAD}packages = []\n").as_bytes()).unwrap();
    assert_eq!(read.lock, Lock::new("someone"));
    assert_eq!(read.warnings, []);
}

#[test]
fn a_lock_without_packages_is_refused() {
    // Taken as an empty list, it would mean to uninstall everything.
    assert_eq!(problem(HEAD), ("packages".into(), Problem::Missing));
}

#[test]
fn versions_of_the_format() {
    let lock = |version: &str| format!("lock-version = {version}\ncreated-by = \"x\"\npackages = []\n");
    assert_eq!(warnings(&lock("\"1.9\"")), [("lock-version".into(), WarningKind::NewerFormat)]);
    assert_eq!(warnings(&lock("\"1\"")), []);
    let error = read(lock("\"2.0\"").as_bytes()).unwrap_err();
    assert_eq!(error, ReadError::UnsupportedVersion { found: "2.0".into() });
    assert!(matches!(problem(&lock("1.0")).1, Problem::WrongType { .. }));
    for version in ["\"\"", "\"1.x\"", "\"1.0.0\"", "\"-1\"", "\"+1\"", "\"1.99999999999\""] {
        assert!(matches!(problem(&lock(version)).1, Problem::Malformed(_)), "{version}");
    }
    assert_eq!(problem("created-by = \"x\"\npackages = []\n"), ("lock-version".into(), Problem::Missing));
}

#[test]
fn errors_name_the_package_and_the_key() {
    let text = with_wheel(&format!("{NAME}, {URL}, size = -1, {}", hashes()));
    let error = read(text.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "package \"torch\" (packages[0]), key `wheels[0].size`: the size -1 is negative"
    );
}

#[test]
fn keys_do_not_steer_the_terminal() {
    let text = format!("{HEAD}packages = []\n\"\\u001b[2J\" = 1\n");
    let read = read(text.as_bytes()).unwrap();
    assert_eq!(read.warnings[0].to_string(), "key `\\u{1b}[2J`: the key is unknown and was ignored");
}

#[test]
fn digests_must_be_strong_and_whole() {
    let hashes = |hashes: &str| format!("{NAME}, {URL}, hashes = {{ {hashes} }}");
    let zeros = digest();
    assert_eq!(wheel_problem(&format!("{NAME}, {URL}")), ("wheels[0].hashes".into(), Problem::Missing));
    assert_eq!(wheel_problem(&hashes("")).1, Problem::WeakHashes("none".into()));
    let md5 = format!("md5 = \"{}\"", "0".repeat(32));
    assert_eq!(wheel_problem(&hashes(&md5)).1, Problem::WeakHashes("md5".into()));
    for wrong in [&zeros[1..], &format!("{zeros}0"), &format!("g{}", &zeros[1..]), "", "ü"] {
        let (key, problem) = wheel_problem(&hashes(&format!("sha256 = \"{wrong}\"")));
        assert_eq!(key, "wheels[0].hashes.sha256");
        assert!(matches!(problem, Problem::BadDigest { .. }), "{wrong}");
    }
    assert!(matches!(wheel_problem(&hashes("sha256 = 0")).1, Problem::WrongType { .. }));
    let disagree = format!("sha256 = \"{zeros}\", SHA256 = \"{}\"", "1".repeat(64));
    assert!(matches!(wheel_problem(&hashes(&disagree)).1, Problem::Malformed(_)));
    let upper = read(with_wheel(&hashes(&format!("SHA256 = \"{}\"", "AB".repeat(32)))).as_bytes()).unwrap();
    assert_eq!(upper.lock.packages[0].wheels[0].hashes["sha256"], "ab".repeat(32));
}

#[test]
fn file_names_must_belong_to_the_package() {
    let name = |name: &str| wheel_problem(&format!("name = \"{name}\", {URL}, {}", hashes())).1;
    assert!(matches!(name("torch.whl"), Problem::Malformed(_)));
    assert!(matches!(name("../torch-2.9.1-py3-none-any.whl"), Problem::Malformed(_)));
    assert!(matches!(name("torch-2.9.2-py3-none-any.whl"), Problem::WrongFile { .. }));
    assert!(matches!(name("torch-2.9.1+cpu-py3-none-any.whl"), Problem::WrongFile { .. }));
    assert!(matches!(name("evil-2.9.1-py3-none-any.whl"), Problem::WrongFile { .. }));
    let inferred = |url: &str| read(with_wheel(&format!("url = \"{url}\", {}", hashes())).as_bytes());
    let read = inferred("https://f.example/a/torch-2.9.1-py3%2Dnone-any.whl?x=/y#z").unwrap();
    assert_eq!(read.lock.packages[0].wheels[0].name, "torch-2.9.1-py3-none-any.whl");
    assert!(inferred("https://f.example/download/12").is_err());
    assert!(inferred("https://f.example/..%2ftorch-2.9.1-py3-none-any.whl").is_err());
    assert!(inferred("https://f.example/%").is_err());
    assert!(inferred("https://f.example/%ff%é").is_err());
    assert_eq!(wheel_problem(&format!("{NAME}, {}", hashes())).1, Problem::NoLocation);
    let sdist = |file: &str| {
        with_keys(&format!("sdist = {{ name = \"{file}\", url = \"https://f.example/x\", {} }}", hashes()))
    };
    assert!(super::read(sdist("torch-2.9.1.tar.gz").as_bytes()).is_ok());
    assert!(matches!(problem(&sdist("torch-2.9.2.tar.gz")).1, Problem::WrongFile { .. }));
    assert!(matches!(problem(&sdist("other-2.9.1.tar.gz")).1, Problem::Malformed(_)));
}

#[test]
fn a_wheel_stands_once() {
    let wheel = format!("{{ {NAME}, {URL}, {} }}", hashes());
    let (key, problem) = problem(&with_keys(&format!("wheels = [{wheel}, {wheel}]")));
    assert_eq!(key, "wheels[1]");
    assert!(matches!(problem, Problem::DuplicateWheel(_)));
}

#[test]
fn files_outside_the_folder_cannot_be_reached() {
    for path in ["/etc/passwd", "a/../../b", "..//etc/passwd", "C:/x", "file:///etc/passwd"] {
        let (key, problem) = wheel_problem(&format!("{NAME}, path = \"{path}\", {}", hashes()));
        assert_eq!((key.as_str(), problem), ("wheels[0].path", Problem::UnsafePath(path.into())));
    }
    let (key, wrong) = wheel_problem(&format!("{NAME}, url = \"file:///etc/passwd\", {}", hashes()));
    assert_eq!(key, "wheels[0].url");
    assert!(matches!(wrong, Problem::BadUrl { .. }));
    let directory =
        |keys: &str| problem(&format!("{HEAD}[[packages]]\nname = \"a\"\ndirectory = {{ {keys} }}\n"));
    assert_eq!(directory("path = \"x/..\"").1, Problem::UnsafePath("x/..".into()));
    assert_eq!(directory("path = \".\", subdirectory = \"../b\"").0, "directory.subdirectory");
}

#[test]
fn a_package_has_one_kind_of_source() {
    assert_eq!(problem(&with_keys("")).1, Problem::NoSource);
    assert_eq!(problem(&with_keys("wheels = []")).1, Problem::NoSource);
    let both = format!("directory = {{ path = \".\" }}\nwheels = [{{ {NAME}, {URL}, {} }}]", hashes());
    assert_eq!(problem(&with_keys(&both)).1, Problem::ManySources("wheels, directory".into()));
    let two = "directory = { path = \".\" }\nvcs = { type = \"git\", path = \"x\", commit-id = \"1\" }";
    assert_eq!(problem(&with_keys(two)).1, Problem::ManySources("vcs, directory".into()));
}

#[test]
fn names_and_versions_are_checked() {
    let named = |name: &str| problem(&format!("{HEAD}[[packages]]\nname = \"{name}\"\n"));
    let expected = Problem::NotNormalized { found: "Foo_Bar".into(), normal: "foo-bar".into() };
    assert_eq!(named("Foo_Bar"), ("name".into(), expected));
    assert!(matches!(named("-").1, Problem::Malformed(_)));
    assert_eq!(problem(&format!("{HEAD}[[packages]]\nversion = \"1\"\n")), ("name".into(), Problem::Missing));
    let versioned = |key: &str| problem(&format!("{HEAD}[[packages]]\nname = \"a\"\n{key}\n"));
    assert_eq!(versioned("version = \"one\"").0, "version");
    assert_eq!(versioned("marker = \"nonsense\"").0, "marker");
    assert_eq!(versioned("requires-python = \"3\"").0, "requires-python");
    assert_eq!(versioned(&format!("marker = '{}'", "(".repeat(100_000))).0, "marker");
}

#[test]
fn entries_that_nothing_keeps_apart_are_refused() {
    let entry =
        |marker: &str| format!("[[packages]]\nname = \"a\"\n{marker}\ndirectory = {{ path = \".\" }}\n");
    let linux = "marker = \"sys_platform == 'linux'\"";
    let windows = "marker = \"sys_platform == 'win32'\"";
    let two = |first: &str, second: &str| format!("{HEAD}{}{}", entry(first), entry(second));
    for text in [two("", ""), two(linux, linux), two("", linux), two(linux, "")] {
        assert_eq!(problem(&text), ("name".into(), Problem::DuplicatePackage { other: 0 }));
    }
    assert!(read(two(linux, windows).as_bytes()).is_ok());
}

#[test]
fn unknown_keys_are_reported_and_those_of_tools_are_kept() {
    let text = format!(
        "{HEAD}new = 1\n[[packages]]\nname = \"torch\"\nfresh = true\ndirectory = {{ path = \".\", x = 1 }}\n\
         [packages.tool.mlresolve]\nlater = [1.5, 2026-01-01]\n[packages.tool.other]\na = 1\n\
         [tool.mlresolve]\nversion = 1\nplan = {{ a = 1 }}\n[tool.mlresolve.target]\npython = \"3.12\"\n\
         platform = \"linux-x86_64\"\nnpu = true\n[tool.uv]\nx = \"y\"\n"
    );
    let ignored = |key: &str| (key.to_owned(), WarningKind::UnknownKey);
    let kept = |key: &str| (key.to_owned(), WarningKind::UnknownToolKey);
    assert_eq!(
        warnings(&text),
        [
            ignored("new"),
            kept("tool.mlresolve.target.npu"),
            kept("tool.mlresolve.plan"),
            ignored("directory.x"),
            kept("tool.mlresolve.later"),
            ignored("fresh"),
        ]
    );
    let written = crate::write(&read(text.as_bytes()).unwrap().lock).unwrap();
    for line in
        ["later = [1.5, 2026-01-01]", "plan = { a = 1 }", "npu = true", "[tool.uv]", "[packages.tool.other]"]
    {
        assert!(written.lines().any(|written| written == line), "{line} in\n{written}");
    }
}

#[test]
fn a_section_of_a_newer_mlresolve_is_left_alone() {
    let text = format!(
        "{HEAD}[[packages]]\nname = \"a\"\ndirectory = {{ path = \".\" }}\n[packages.tool.mlresolve]\n\
         requires = 7\n[tool.mlresolve]\nversion = 2\nrequirements = 7\n"
    );
    assert_eq!(warnings(&text), [("tool.mlresolve".into(), WarningKind::NewerToolFormat)]);
    let lock = read(text.as_bytes()).unwrap().lock;
    assert_eq!(lock.tool, None);
    assert!(crate::write(&lock).unwrap().ends_with("[tool.mlresolve]\nrequirements = 7\nversion = 2\n"));
    let older = text.replace("version = 2", "version = 1");
    assert_eq!(problem(&older).0, "tool.mlresolve.requirements");
}

#[test]
fn credentials_are_dropped_and_said() {
    let url = "url = \"https://user:canary@f.example/torch-2.9.1-py3-none-any.whl\"";
    let text = with_wheel(&format!("{NAME}, {url}, {}", hashes()));
    assert_eq!(warnings(&text), [("wheels[0].url".into(), WarningKind::CredentialsDropped)]);
    assert!(!format!("{:?}", read(text.as_bytes())).contains("canary"));
    let recorded = "[tool.mlresolve]\nversion = 1\nrequirements = [\"a @ https://u:canary@f.example/a.whl\"]";
    let error = read(format!("{HEAD}packages = []\n{recorded}\n").as_bytes()).unwrap_err();
    assert!(!error.to_string().contains("canary"));
}

#[test]
fn times_are_taken_as_utc() {
    let time = |time: &str| {
        let text = with_wheel(&format!("{NAME}, upload-time = {time}, {URL}, {}", hashes()));
        read(text.as_bytes()).map(|read| {
            let time = read.lock.packages[0].wheels[0].upload_time.map(|time| time.to_string());
            (time.unwrap_or_default(), read.warnings.len())
        })
    };
    assert_eq!(time("2026-01-01T00:00:00Z"), Ok(("2026-01-01T00:00:00Z".into(), 0)));
    assert_eq!(time("2026-01-01T02:00:00.123456+02:00"), Ok(("2026-01-01T00:00:00.123456Z".into(), 0)));
    assert_eq!(time("2026-01-01T00:00:00"), Ok(("2026-01-01T00:00:00Z".into(), 1)));
    for wrong in ["2026-01-01", "12:00:00", "1.5", "\"2026-01-01T00:00:00Z\"", "2026-13-01T00:00:00Z"] {
        assert!(time(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn line_ends_and_byte_order_marks_change_nothing() {
    let text = crate::write(&samples::lock()).unwrap();
    let expected = read(text.as_bytes()).unwrap();
    let changed = format!("\u{feff}# a comment\r\n{}", text.replace('\n', "\r\n"));
    assert_eq!(read(changed.as_bytes()).unwrap(), expected);
}

#[test]
fn merge_conflicts_are_named() {
    let text = format!("{HEAD}<<<<<<< ours\npackages = []\n=======\npackages = []\n>>>>>>> theirs\n");
    let error = read(text.as_bytes()).unwrap_err();
    assert_eq!(error, ReadError::ConflictMarkers { line: 3 });
    assert_eq!(
        error.to_string(),
        "the lock holds merge conflict markers at line 3; `mlresolve lock` makes it anew"
    );
}

#[test]
fn what_is_no_toml_is_located() {
    let error = read(format!("{HEAD}packages = [\n").as_bytes()).unwrap_err();
    assert!(matches!(error, ReadError::Syntax { line: 3 | 4, .. }), "{error:?}");
    assert_eq!(read(b"a = \xff"), Err(ReadError::NotUtf8 { offset: 4 }));
    assert!(matches!(read(b""), Err(ReadError::Invalid(_))));
    for text in ["a = 1\na = 2", "a = 99999999999999999999", "packages = 1", "[[packages]]\n[packages]"] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn bombs_are_refused() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{HEAD}packages = []\nx = {}{}", open.repeat(depth), close.repeat(depth))
    };
    let header = |depth: usize| format!("{HEAD}packages = []\n[tool{}]\n", ".a".repeat(depth));
    let dotted = |depth: usize| format!("{HEAD}packages = []\ntool{} = 1\n", ".a".repeat(depth));
    for depth in [NESTING_LIMIT, 200, 100_000] {
        for text in
            [nested("[", "]", depth + 1), nested("{a=", "}", depth), header(depth + 1), dotted(depth + 1)]
        {
            let error = read(text.as_bytes()).unwrap_err();
            // An inline table without a value is no TOML either way.
            assert!(matches!(error, ReadError::TooDeep | ReadError::Syntax { .. }), "{depth}: {error:?}");
        }
    }
    assert_eq!(read(nested("[", "]", 100_000).as_bytes()), Err(ReadError::TooDeep));
    assert_eq!(read(header(100_000).as_bytes()), Err(ReadError::TooDeep));
    assert_eq!(read(header(NESTING_LIMIT + 1).as_bytes()), Err(ReadError::TooDeep));
    assert!(read(header(NESTING_LIMIT - 2).as_bytes()).is_ok());
    let large = vec![b'#'; FILE_SIZE_LIMIT + 1];
    assert_eq!(read(&large), Err(ReadError::TooLarge { size: FILE_SIZE_LIMIT + 1 }));
}

#[test]
fn a_foreign_lock_is_read_whole() {
    let text = format!(
        r#"lock-version = '1.0'
requires-python = '>=3.9'
extras = ["gui"]
dependency-groups = ["dev"]
default-groups = ["dev"]
created-by = 'elsewhere'

[[packages]]
name = 'attrs'
version = '25.1.0'
requires-python = '>=3.8'
wheels = [
  {{name = 'attrs-25.1.0-py3-none-any.whl', upload-time = 2025-01-25T11:30:10.164985+00:00, url = 'https://f.example/attrs-25.1.0-py3-none-any.whl', size = 63152, hashes = {{sha256 = '{digest}'}}}},
]
[[packages.attestation-identities]]
environment = 'release'
kind = 'GitHub'

[[packages]]
name = 'mine'
marker = "'gui' in extras or 'dev' in dependency_groups"
[[packages.dependencies]]
name = 'attrs'
version = '25.1.0'
[packages.vcs]
type = 'git'
url = 'ssh://git@git.example/mine'
requested-revision = 'main'
commit-id = 'abc'
subdirectory = 'python'

[[packages]]
name = 'blob'
version = '1.0'
[packages.archive]
url = 'https://f.example/blob.zip'
size = 3
upload-time = 2025-01-25 11:30:10Z
hashes = {{sha512 = '{digest}{digest}'}}
"#,
        digest = digest()
    );
    let first = read(text.as_bytes()).unwrap();
    assert_eq!(first.warnings, []);
    assert_eq!(first.lock.packages.len(), 3);
    assert_eq!(first.lock.packages[0].attestation_identities[0].len(), 2);
    let mut sorted = first.lock;
    sorted.sort();
    let written = crate::write(&sorted).unwrap();
    assert_eq!(read(written.as_bytes()).unwrap().lock, sorted);
}
