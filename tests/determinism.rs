//! Same inputs, same bytes: however late answers come, however the index speaks, whatever was asked before.

use std::process::Stdio;
use std::time::Duration;

use mlresolve_testkit::{Fault, IndexServer, Latency, Ranges, ServerOptions, Sidecars, Universe};

use crate::replay::{TARGET, TRANSFORMERS};
use crate::support::{Project, locked_packages};

/// How many orders of arrival are tried.
const ORDERS: u64 = 20;
/// The longest that an answer is held back.
const LONGEST: Duration = Duration::from_millis(5);

#[test]
fn the_order_of_answers_does_not_matter() {
    let project = Project::replaying("transformers-torch");
    project.write("requirements.txt", TRANSFORMERS);
    let mut first = None;
    for seed in 0..ORDERS {
        let latency = Latency::Shuffled { seed, longest: LONGEST };
        project.index.set_options(ServerOptions { latency, ..ServerOptions::default() });
        let lock = project.run(&format!("lock {TARGET} --no-cache -o -")).success().stdout();
        let first = first.get_or_insert_with(|| lock.clone());
        assert!(lock == *first, "the lock of order {seed} differs from that of order 0");
    }
}

#[test]
fn the_order_of_requirements_does_not_matter() {
    let project = Project::replaying("transformers-torch");
    let lock = |requirements: &str| {
        project.write("requirements.txt", requirements);
        project.run(&format!("lock {TARGET} -o -")).success().stdout()
    };
    let mut lines: Vec<&str> = TRANSFORMERS.lines().collect();
    let first = lock(TRANSFORMERS);
    lines.reverse();
    assert_eq!(lock(&lines.join("\n")), first);
    lines.swap(0, 2);
    lines.push("peft");
    assert_eq!(lock(&lines.join("\n")), first, "a requirement that is there twice is one");
}

#[test]
fn what_is_in_the_cache_is_enough() {
    let project = Project::replaying("transformers-torch");
    project.write("requirements.txt", TRANSFORMERS);
    let first = project.run(&format!("lock {TARGET} -o -")).success().stdout();
    project.index.clear_requests();
    let second = project.run(&format!("lock {TARGET} -o - --offline")).success().stdout();
    assert_eq!(second, first);
    assert_eq!(project.index.requests(), []);
}

#[test]
fn processes_share_a_cache() {
    let project = Project::replaying("transformers-torch");
    project.write("requirements.txt", TRANSFORMERS);
    let arguments = format!("lock {TARGET} -o -");
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let start = || {
        let mut command = project.command(&arguments, &[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running = [start(), start(), start()];
    let outputs = running.map(|process| process.wait_with_output().unwrap());
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == outputs[0].stdout, "two processes made different locks");
    }
    // What they left behind is whole.
    let offline = project.run(&format!("lock {TARGET} -o - --offline")).success().stdout();
    assert!(offline.as_bytes() == outputs[0].stdout, "the cache they left gives another lock");
}

/// Versions whose metadata matters: the newest `web` does not go with `app`, and wheels differ in what they require.
fn stack() -> Universe {
    Universe::new()
        .text(
            "
            app 1.0 1.1: web<3, tools[fast]>=1; python>=3.9
            web 2.0 2.1: http>=1.1
            web 3.0: http>=9
            http 1.0 1.1 1.2
            tools 1.0 1.1: http<1.2; [fast] speedups
            tools 0.9; [fast] speedups
            speedups 0.9 1.0; wheel cp311-cp311-manylinux_2_17_x86_64 cp312-cp312-manylinux_2_17_x86_64
            ",
        )
        .package("native", "1.0", |release| {
            release
                .wheel("cp311-cp311-manylinux_2_17_x86_64")
                .wheel_with("cp312-cp312-manylinux_2_17_x86_64", |wheel| wheel.requires("speedups<1"))
        })
}

#[test]
fn how_the_index_speaks_does_not_matter() {
    let modern = ServerOptions::default;
    let no_sidecars = || ServerOptions { sidecars: Sidecars::Off, ..modern() };
    let ways = [
        ("modern", modern()),
        ("HTML pages", ServerOptions { json: false, ..modern() }),
        ("sidecars without a hash", ServerOptions { sidecars: Sidecars::Unhashed, ..modern() }),
        ("range reads", no_sidecars()),
        ("range reads but from the end", ServerOptions { ranges: Ranges::NoSuffix, ..no_sidecars() }),
        ("whole wheels", ServerOptions { ranges: Ranges::Off, ..no_sidecars() }),
        ("HTML pages, whole wheels", ServerOptions { json: false, ranges: Ranges::Off, ..no_sidecars() }),
        ("no sizes", ServerOptions { sizes: false, ..modern() }),
        ("no sizes, range reads", ServerOptions { sizes: false, ..no_sidecars() }),
        ("no upload times", ServerOptions { upload_times: false, ..modern() }),
        ("nothing to validate with", ServerOptions { etags: false, cache_control: None, ..modern() }),
    ];
    for (way, options) in ways {
        assert_eq!(versions(&project_beside(options)), EXPECTED, "{way}");
    }
    let zipped = project_beside(modern());
    zipped.index.fault("/simple/*", Fault::Gzip);
    assert_eq!(versions(&zipped), EXPECTED, "gzip");
}

const EXPECTED: [&str; 6] = ["app 1.1", "http 1.1", "native 1.0", "speedups 0.9", "tools 1.1", "web 2.1"];

fn project_beside(options: ServerOptions) -> Project {
    Project::beside(IndexServer::start_with(stack(), options))
}

fn versions(project: &Project) -> Vec<String> {
    project.write("requirements.txt", "app\nnative\n").run("lock --python-version 3.12").success();
    locked_packages(&project.read("pylock.toml"))
}
