use std::collections::BTreeMap;

use proptest::prelude::*;

use super::write;
use crate::invalid::Problem;
use crate::model::{
    Archive, Dependency, Directory, Lock, OptionsSection, Package, PackageTool, Sdist, Table, TargetSection,
    ToolSection, Value, Vcs, Wheel,
};
use crate::{read, samples};

#[test]
fn the_canonical_form() {
    let zeros = "0".repeat(64);
    let mut lock = samples::lock();
    lock.packages[1].dependencies =
        vec![Dependency { name: "filelock".parse().unwrap(), version: None, extras: Vec::new() }];
    let expected = format!(
        r#"lock-version = "1.0"
environments = [
  "sys_platform == 'linux' and platform_machine == 'x86_64'",
]
requires-python = "==3.12.*"
created-by = "mlresolve"

[[packages]]
name = "filelock"
version = "3.20.0"
index = "https://index.example/simple/"
wheels = [
  {{ name = "filelock-3.20.0-py3-none-any.whl", upload-time = 2026-01-01T00:00:00Z, url = "https://files.example/filelock-3.20.0-py3-none-any.whl", size = 16000, hashes = {{ sha256 = "{ones}" }} }},
]

[packages.tool.mlresolve]
metadata = "wheel"

[[packages]]
name = "torch"
version = "2.9.1+cu128"
dependencies = [
  {{ name = "filelock" }},
]
index = "https://torch.example/whl/cu128/"
wheels = [
  {{ name = "torch-2.9.1+cu128-py3-none-any.whl", upload-time = 2026-01-01T00:00:00Z, url = "https://files.example/torch-2.9.1%2Bcu128-py3-none-any.whl", size = 899750000, hashes = {{ sha256 = "{twos}" }} }},
]

[packages.tool.mlresolve]
requires = [
  "filelock>=3",
]

[tool.mlresolve]
version = 1
input-digest = "{digest}"
requirements = [
  "torch>=2.9",
]

[tool.mlresolve.target]
name = "train"
python = "3.12"
platform = "linux-x86_64"
glibc = "2.35"
"#,
        ones = zeros.replace('0', "1"),
        twos = zeros.replace('0', "2"),
        digest = zeros.replace('0', "a"),
    );
    assert_eq!(write(&lock).unwrap(), expected);
    lock.packages.reverse();
    assert_eq!(write(&lock).unwrap(), expected);
}

#[test]
fn an_empty_lock_says_that_it_is_empty() {
    let expected = "lock-version = \"1.0\"\ncreated-by = \"mlresolve\"\npackages = []\n";
    assert_eq!(write(&Lock::new("mlresolve")).unwrap(), expected);
}

#[test]
fn secrets_are_not_written() {
    let mut places: Vec<Lock> = vec![samples::lock(); 4];
    places[0].packages[0].wheels[0].url = Some("https://u:canary@f.example/x.whl".into());
    places[1].packages[0].index = Some("https://canary@index.example/simple/".into());
    let tool = |lock: &mut Lock, text: &str| lock.tool.as_mut().unwrap().requirements.push(text.into());
    tool(&mut places[2], "x @ git+https://u:canary@f.example/x");
    let recorded = places[3].packages[1].tool.as_mut().unwrap();
    recorded.requires.push("x @ https://canary@f.example/x.whl".into());
    for lock in places {
        let error = write(&lock).unwrap_err();
        assert_eq!(error.problem, Problem::Credentials);
        assert!(!error.to_string().contains("canary"));
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let refused = |change: &dyn Fn(&mut Package)| {
        let mut lock = samples::lock();
        change(&mut lock.packages[0]);
        write(&lock).unwrap_err().problem
    };
    assert_eq!(refused(&|package| package.wheels.clear()), Problem::NoSource);
    assert_eq!(refused(&|package| package.wheels[0].size = Some(u64::MAX)), Problem::HugeSize(u64::MAX));
    let early = "-000001-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        refused(&|package| package.wheels[0].upload_time = Some(early)),
        Problem::TimeOutOfRange(early)
    );
    let unknown = |value: Value| {
        move |package: &mut Package| {
            package.tool.get_or_insert_default().unknown.insert("x".into(), value.clone());
        }
    };
    for text in ["1\n[evil]", "true", "\"x\"", "", "[1.5]", "1", " 1.5"] {
        let refused = refused(&unknown(Value::Array(vec![Value::Literal(text.into())])));
        assert_eq!(refused, Problem::BadLiteral(text.into()));
    }
}

#[test]
fn hidden_characters_are_escaped() {
    let mut lock = Lock::new("a\"\\\n\u{0}\u{7f}\u{85}\u{202e}\u{feff}é😀");
    let written = write(&lock).unwrap();
    assert!(written.contains(r#"created-by = "a\"\\\n\u0000\u007F\u0085\u202E\uFEFFé😀""#), "{written}");
    assert_eq!(read(written.as_bytes()).unwrap().lock, lock);
    lock.other_tools.insert("a.b \"c\"".into(), Table::from([(String::new(), Value::Boolean(true))]));
    let written = write(&lock).unwrap();
    assert!(written.contains("[tool.\"a.b \\\"c\\\"\"]\n\"\" = true\n"), "{written}");
    assert_eq!(read(written.as_bytes()).unwrap().lock, lock);
}

#[test]
fn a_lock_is_plain_data() {
    let json = serde_json::to_value(samples::lock()).unwrap();
    assert_eq!(json["lock-version"], "1.0");
    assert_eq!(json["packages"][0]["wheels"][0]["upload-time"], "2026-01-01T00:00:00Z");
    assert_eq!(json["packages"][1]["version"], "2.9.1+cu128");
    assert_eq!(json["tool"]["target"]["glibc"], "2.35");
    assert_eq!(json["environments"][0], "sys_platform == 'linux' and platform_machine == 'x86_64'");
}

fn digest() -> impl Strategy<Value = BTreeMap<String, String>> {
    ("[0-9a-f]{64}", proptest::option::of("[0-9a-f]{32}")).prop_map(|(sha256, md5)| {
        let md5 = md5.map(|md5| ("md5".to_owned(), md5));
        [("sha256".to_owned(), sha256)].into_iter().chain(md5).collect()
    })
}

fn time() -> impl Strategy<Value = Option<jiff::Timestamp>> {
    proptest::option::of(
        (0_i64..4_000_000_000, 0_i32..1_000_000_000)
            .prop_map(|(second, nano)| jiff::Timestamp::new(second, nano).unwrap()),
    )
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Value::String),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
        proptest::sample::select(vec![
            "1.5",
            "-inf",
            "1e9",
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "12:00:00"
        ])
        .prop_map(|text| Value::Literal(text.to_owned())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..3).prop_map(Value::Table),
        ]
    })
}

/// Tables whose keys cannot be keys that are known.
fn table() -> impl Strategy<Value = Table> {
    proptest::collection::btree_map("[^a-z][ -~]{0,4}|\u{e9}.{0,2}", value(), 0..3)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z]{1,6}(>=[1-9])?(; os_name == 'nt')?", 0..3)
}

fn source() -> impl Strategy<Value = Package> {
    let path = || proptest::option::of("[a-z]{1,5}(/[a-z .]{1,5}[a-z])?");
    let location = (0_u8..3, digest(), time(), proptest::option::of(0_u64..1 << 40), path());
    (0_u8..5, proptest::collection::vec(location, 1..3), any::<String>()).prop_map(|(kind, files, text)| {
        let mut package = Package::new("x".parse().unwrap());
        package.version = Some("1.0.post1+cu128".parse().unwrap());
        let url = |file: &str| Some(format!("https://f.example/{file}?q=%22\"#é"));
        let (_, hashes, upload_time, size, path) = files[0].clone();
        match kind {
            0 => {
                package.directory = Some(Directory {
                    path: "a/b".into(),
                    editable: Some(size.is_some()),
                    subdirectory: path,
                });
            }
            1 => {
                package.archive = Some(Archive {
                    url: url("y"),
                    path: None,
                    size,
                    upload_time,
                    hashes,
                    subdirectory: path,
                });
            }
            2 => {
                let (system, commit_id) = ("git".into(), text.clone());
                package.vcs = Some(Vcs {
                    system,
                    url: url("y"),
                    path,
                    requested_revision: Some(text),
                    commit_id,
                    subdirectory: None,
                });
            }
            _ => {
                for (position, (_, hashes, upload_time, size, path)) in files.into_iter().enumerate() {
                    let name = format!("x-1.0.post1+cu128-{}-none-any.whl", ["py3", "cp312"][position]);
                    let url = url(&name);
                    package.wheels.push(Wheel { name, upload_time, url, path, size, hashes });
                }
                let name = "x-1.0.post1+cu128.tar.gz".to_owned();
                let url = url(&name);
                package.sdist = (kind == 3).then_some(Sdist { name, upload_time, url, path, size, hashes });
            }
        }
        package
    })
}

fn package() -> impl Strategy<Value = Package> {
    let tool = (texts(), table(), proptest::option::of(any::<String>())).prop_map(
        |(requires, unknown, metadata)| PackageTool { requires, unknown, metadata, ..PackageTool::default() },
    );
    let others = proptest::collection::btree_map("[a-l.\" ]{1,5}", table(), 0..2);
    let dependencies = proptest::collection::vec("[a-z]{1,3}", 0..3);
    (source(), proptest::option::of(tool), others, table(), dependencies).prop_map(
        |(mut package, tool, others, mut identity, dependencies)| {
            package.tool = tool;
            package.other_tools = others;
            identity.insert("kind".into(), Value::String("k".into()));
            package.attestation_identities.push(identity);
            let dependency = |name: &String| Dependency {
                name: name.parse().unwrap(),
                version: "1.0".parse().ok(),
                extras: vec!["e".parse().unwrap()],
            };
            package.dependencies = dependencies.iter().map(dependency).collect();
            package
        },
    )
}

prop_compose! {
    fn lock()(
        created_by in any::<String>(),
        packages in proptest::collection::vec(package(), 0..4),
        tool in proptest::option::of((texts(), texts(), table(), table())),
        others in proptest::collection::btree_map("[a-l.\" ]{1,5}", table(), 0..2),
    ) -> Lock {
        let mut lock = samples::lock();
        lock.created_by = created_by;
        lock.other_tools = others;
        lock.extras = vec!["b".parse().unwrap(), "a".parse().unwrap()];
        lock.tool = tool.map(|(requirements, overrides, unknown, target)| ToolSection {
            requirements,
            overrides,
            unknown,
            target: Some(TargetSection { gpu: vec!["sm_90".into()], unknown: target, ..TargetSection::default() }),
            options: Some(OptionsSection { groups: vec!["dev".parse().unwrap()], ..OptionsSection::default() }),
            ..ToolSection::default()
        });
        for (position, mut package) in packages.into_iter().enumerate() {
            package.marker = Some(format!("python_version < '3.{position}'").parse().unwrap());
            lock.packages.insert(0, package);
        }
        lock
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_written_reads_as_the_same_lock(lock in lock()) {
        let written = write(&lock).unwrap();
        let mut sorted = lock;
        sorted.sort();
        let read = read(written.as_bytes()).unwrap();
        prop_assert_eq!(&read.lock, &sorted);
        prop_assert_eq!(write(&read.lock).unwrap(), written);
    }

    #[test]
    fn reading_never_panics(text in any::<String>(), cut in 0_usize..1_000, byte in any::<u8>()) {
        let _ = read(text.as_bytes()).is_ok();
        let mut bytes = write(&samples::lock()).unwrap().into_bytes();
        let position = cut % bytes.len();
        bytes[position] = byte;
        if let Ok(damaged) = read(&bytes) {
            // Whatever was read keeps the rules, and so can be written.
            prop_assert!(write(&damaged.lock).is_ok());
        }
    }
}
