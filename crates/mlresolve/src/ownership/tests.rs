use std::path::Path;

use mlresolve_index::{CacheMode, ClientOptions, ProjectAnswer};
use mlresolve_testkit::{IndexServer, Ranges, Release, ServerOptions, Universe, WheelBuilder};

use super::*;

fn wheel(name: &str, version: &str, files: &[(&str, &str)]) -> WheelBuilder {
    let wheel = WheelBuilder::new(name, version);
    files.iter().fold(wheel, |wheel, (path, bytes)| wheel.file(path, bytes))
}

fn universe(wheels: Vec<(&str, WheelBuilder)>) -> Universe {
    let wheels = wheels.into_iter();
    wheels.fold(Universe::new(), |universe, (name, wheel)| universe.distribution(name, wheel.build()))
}

fn client(server: &IndexServer, cache: Option<&Path>, mode: CacheMode) -> IndexClient {
    IndexClient::new(ClientOptions {
        indexes: vec![server.index_url().parse().unwrap()],
        cache_dir: cache.map(Path::to_owned),
        mode,
        ..ClientOptions::default()
    })
}

/// The newest file of each project.
async fn files(client: &IndexClient, names: &[&str]) -> Vec<(PackageName, Version, File)> {
    let mut found = Vec::new();
    for name in names {
        let name: PackageName = name.parse().unwrap();
        let ProjectAnswer::Found(project) = client.project(&name).await.unwrap() else { panic!("{name}") };
        let release = project.release(project.versions().len() - 1).unwrap();
        found.push((name, release.version.clone(), release.files().next().unwrap().clone()));
    }
    found
}

/// What is said of all newest files of an index, in the given order.
async fn lines(universe: Universe, options: ServerOptions, names: &[&str]) -> (Vec<String>, Overlaps) {
    let server = IndexServer::start_with(universe, options);
    let client = client(&server, None, CacheMode::Normal);
    let found = overlaps(&client, &files(&client, names).await).await.unwrap();
    let pairs = found.different.iter().chain(&found.harmless).chain(&found.equal);
    (pairs.map(ToString::to_string).collect(), found)
}

fn nccl(name: &str, bytes: &str) -> WheelBuilder {
    let (library, header) = (format!("library of {bytes}"), format!("of {bytes}"));
    let files = [
        ("nvidia/__init__.py", ""),
        ("nvidia/nccl/include/nccl.h", header.as_str()),
        ("nvidia/nccl/lib/libnccl.so.2", library.as_str()),
    ];
    wheel(name, "2.32.3", &files)
}

#[tokio::test]
async fn packages_that_write_the_same_files_are_found_with_ranges_and_without() {
    for ranges in [Ranges::On, Ranges::Off, Ranges::NoSuffix] {
        let universe = universe(vec![
            ("nvidia-nccl-cu13", nccl("nvidia-nccl-cu13", "cu13")),
            ("nvidia-nccl-cu12", nccl("nvidia-nccl-cu12", "cu12")),
            ("nvidia-cublas", wheel("nvidia-cublas", "13.1", &[("nvidia/__init__.py", "")])),
            ("torch", wheel("torch", "2.15.0", &[("torch/__init__.py", "import nvidia")])),
        ]);
        let options = ServerOptions { ranges, ..ServerOptions::default() };
        let names = ["torch", "nvidia-nccl-cu13", "nvidia-cublas", "nvidia-nccl-cu12"];
        let (lines, found) = lines(universe, options, &names).await;
        assert_eq!(
            lines,
            [
                "nvidia-nccl-cu12 2.32.3 and nvidia-nccl-cu13 2.32.3 both write 3 files, 2 of them different: \
                 nvidia/nccl/lib/libnccl.so.2 …",
                "nvidia-cublas 13.1 and nvidia-nccl-cu12 2.32.3 both write 1 file, with the same bytes: \
                 nvidia/__init__.py",
                "nvidia-cublas 13.1 and nvidia-nccl-cu13 2.32.3 both write 1 file, with the same bytes: \
                 nvidia/__init__.py",
            ],
            "{ranges:?}"
        );
        assert_eq!((found.different.len(), found.unread.len(), found.unreadable.len()), (1, 0, 0));
    }
}

#[tokio::test]
async fn places_are_compared_and_not_members() {
    let universe = universe(vec![
        ("a", wheel("a", "1", &[("a-1.data/scripts/tool", "of a"), ("a-1.data/purelib/lib/x.py", "of a")])),
        ("b", wheel("b", "1", &[("b-1.data/data/bin/tool", "of b"), ("b-1.data/headers/x.h", "of b")])),
        ("c", wheel("c", "1", &[("lib/x.py", "of a"), ("c-1.data/headers/x.h", "of c")])),
        ("d", wheel("d", "1", &[("bin/tool", "of d"), ("lib/y.py", "of d")])),
    ]);
    let (lines, _) = lines(universe, ServerOptions::default(), &["a", "b", "c", "d"]).await;
    assert_eq!(
        lines,
        [
            "a 1 and b 1 both write 1 file, with different bytes: {prefix}/bin/tool",
            "a 1 and c 1 both write 1 file, with the same bytes: lib/x.py",
        ]
    );
}

#[tokio::test]
async fn sources_say_nothing_and_an_archive_that_leads_out_is_named() {
    let universe = universe(vec![
        ("bad", wheel("bad", "1", &[("../x.py", "")])),
        ("good", wheel("good", "1", &[("good.py", "")])),
    ])
    .package("source", "1", Release::sdist);
    let (lines, found) = lines(universe, ServerOptions::default(), &["good", "bad", "source"]).await;
    assert_eq!(lines, [""; 0]);
    let [(name, reason)] = found.unreadable.as_slice() else { panic!("{found:?}") };
    assert_eq!(name.to_string(), "bad");
    assert_eq!(
        reason,
        "bad-1-py3-none-any.whl cannot be read: the path \"../x.py\" leads out of the place where the wheel is \
         installed"
    );
    assert!(found.unread.is_empty());
}

#[tokio::test]
async fn a_second_run_asks_nothing_and_offline_says_what_it_does_not_know() {
    let server = IndexServer::start(universe(vec![
        ("nvidia-nccl-cu12", nccl("nvidia-nccl-cu12", "cu12")),
        ("nvidia-nccl-cu13", nccl("nvidia-nccl-cu13", "cu13")),
        ("torch", wheel("torch", "2.15.0", &[("torch/__init__.py", "")])),
    ]));
    let cache = tempfile::tempdir().unwrap();
    let online = client(&server, Some(cache.path()), CacheMode::Normal);
    let all = files(&online, &["torch", "nvidia-nccl-cu12", "nvidia-nccl-cu13"]).await;
    let first = overlaps(&online, &all[1..]).await.unwrap();
    server.clear_requests();

    let offline = client(&server, Some(cache.path()), CacheMode::Offline);
    let second = overlaps(&offline, &all).await.unwrap();
    assert_eq!(second.different, first.different);
    assert_eq!(second.unread, ["torch".parse().unwrap()]);
    assert_eq!(server.requests().len(), 0);

    let third = check_ownership(&client(&server, Some(cache.path()), CacheMode::Normal), &all).await.unwrap();
    assert_eq!((third.different, third.unread), (first.different, Vec::new()));
    assert_eq!(server.requests().len(), 1, "the one wheel that was not known");
}

#[tokio::test]
async fn an_index_that_fails_leaves_its_packages_unread() {
    let server = IndexServer::start(universe(vec![("a", wheel("a", "1", &[("a.py", "")]))]));
    let client = client(&server, None, CacheMode::Normal);
    let all = files(&client, &["a"]).await;
    server.fault("/files/*", mlresolve_testkit::Fault::Status(404));
    let found = overlaps(&client, &all).await.unwrap();
    assert_eq!((found.unread, found.unreadable), (vec!["a".parse().unwrap()], Vec::new()));
}

#[tokio::test]
async fn harm_is_done_to_what_a_program_imports_loads_or_runs() {
    let cases = [
        // Code.
        ("tool.py", "", true),
        ("startup.pth", "", true),
        ("bin/tool", "", false),
        ("a-1.data/scripts/tool", "", true),
        ("lib/libx.so.1.2", "", true),
        ("lib/x.cpython-312-x86_64-linux-gnu.so", "", true),
        ("pkg/__init__.py", "", true),
        // A short __init__.py where either package has more below it is a namespace, a long one is code.
        ("pkg/__init__.py", "pkg/own.py", false),
        ("pkg/sub/__init__.py", "pkg/own.py", true),
        ("tests/__init__.py", "", false),
        ("tests/test_x.py", "", false),
        ("pkg/tests/test_x.py", "", false),
        ("examples/demo.py", "", false),
        ("setup.py", "", false),
        ("pkg/setup.py", "", true),
        ("pkg/data.json", "", false),
        ("pkg/so.so.txt", "", false),
        ("LICENSE", "", false),
        (".gitignore", "", false),
    ];
    for (path, own, harmful) in cases {
        let with = |name: &str| {
            let own = own.replace("own", name);
            let files: Vec<(&str, &str)> =
                [(path, name), (own.as_str(), "")].into_iter().filter(|file| !file.0.is_empty()).collect();
            let path = path.replace("a-1", &format!("{name}-1"));
            files.into_iter().fold(WheelBuilder::new(name, "1"), |wheel, (at, bytes)| {
                wheel.file(if at.starts_with("a-1") { &path } else { at }, bytes)
            })
        };
        let both = universe(vec![("a", with("a")), ("b", with("b"))]);
        let (_, found) = lines(both, ServerOptions::default(), &["a", "b"]).await;
        assert_eq!(
            (found.different.len(), found.harmless.len()),
            (usize::from(harmful), usize::from(!harmful)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_module_that_is_carried_along_is_harmless_where_each_has_its_own() {
    let with = |name: &str, own: &str, shared: &str| wheel(name, "1", &[(own, ""), (shared, name)]);
    for (one, other, shared, harmful) in [
        ("a/x.py", "b.py", "build_backend.py", false),
        ("a/x.py", "b.cpython-312-x86_64-linux-gnu.so", "build/backend.py", false),
        // A library is loaded by its name alone.
        ("a/x.py", "b/x.py", "build/libx.so", true),
        // What only one of them has, or what is no import package, says nothing.
        ("a/x.py", "cv2/y.py", "cv2/x.py", true),
        ("a.libs/x.so", "b.libs/x.so", "cv2/x.py", true),
        ("tests/a.py", "docs/b.py", "cv2/x.py", true),
    ] {
        let both = universe(vec![("a", with("a", one, shared)), ("b", with("b", other, shared))]);
        let (_, found) = lines(both, ServerOptions::default(), &["a", "b"]).await;
        assert_eq!(
            (found.different.len(), found.harmless.len()),
            (usize::from(harmful), usize::from(!harmful)),
            "{one} {other}"
        );
    }
}

#[tokio::test]
async fn a_long_init_is_no_namespace() {
    let with = |name: &str| {
        let code = format!("{name} = 1\n").repeat(500);
        wheel(name, "1", &[("pkg/__init__.py", code.as_str()), (&format!("pkg/{name}.py"), "")])
    };
    let (lines, found) =
        lines(universe(vec![("a", with("a")), ("b", with("b"))]), ServerOptions::default(), &["a", "b"])
            .await;
    assert_eq!(lines, ["a 1 and b 1 both write 1 file, with different bytes: pkg/__init__.py"]);
    assert_eq!(found.different.len(), 1);
}
