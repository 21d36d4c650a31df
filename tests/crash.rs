//! Runs that are killed, and runs without the network: what is left is whole, and what is there is enough.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use mlresolve_testkit::{IndexServer, Latency, ServerOptions, Universe};

use crate::support::{Project, Random};

/// Enough packages for a run to be cut in any of its parts.
const RELEASES: &str = "
app 1.0 2.0: web>=2, tools[fast], data
web 1.0 2.0: http
web 2.1: http>=1.1, text
http 1.0 1.1
text 1.0 2.0: http
data 1.0 1.1: text, store>=1
store 0.9 1.0 1.2: http
tools 1.0: http; [fast] speedups
speedups 0.9: store
";
/// How often a run is killed.
const KILLS: u32 = 50;
/// Names the sequence of delays.
const SEED: u64 = 20_261_122;
/// What every answer of the index takes.
const LATENCY: Duration = Duration::from_millis(5);
/// When a run counts as hanging.
const HANGS: Duration = Duration::from_secs(60);

#[test]
fn a_run_that_is_killed_anywhere_leaves_the_old_lock_or_the_new_one() {
    let options = || ServerOptions { latency: Latency::Fixed(LATENCY), ..ServerOptions::default() };
    let project = Project::beside(IndexServer::start_with(Universe::new().text(RELEASES), options()));
    project.write("requirements.txt", "app==1.0\n").run("lock").success();
    let old = project.raw("pylock.toml");
    project.write("requirements.txt", "app\n");
    let started = Instant::now();
    let new = project.run("lock --upgrade --no-cache -o -").success().stdout();
    let whole = started.elapsed();
    assert_ne!(old, new);

    let mut random = Random(SEED);
    let mut killed = 0;
    for kill in 0..KILLS {
        // Half of the runs start without a cache, the others with what the killed ones left of it.
        if kill % 2 == 0 && project.cache().exists() {
            std::fs::remove_dir_all(project.cache()).unwrap();
        }
        project.write("pylock.toml", &old);
        let mut command = project.command(&["lock", "--upgrade"], &[]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(random.fraction()));
        killed += u32::from(process.try_wait().unwrap().is_none());
        process.kill().unwrap();
        wait(&mut process);
        let left = project.raw("pylock.toml");
        assert!(left == old || left == new, "kill {kill} left a lock that nobody made:\n{left}");
        // The next run works with what is there, and is as good as one that starts anew.
        if kill % 5 == 0 {
            project.run("lock --upgrade").success();
            assert_eq!(project.raw("pylock.toml"), new, "after kill {kill}");
            assert_eq!(files_in(&project.path("")), ["pylock.toml", "requirements.txt"], "after kill {kill}");
        }
    }
    assert!(killed > KILLS / 2, "only {killed} runs were still there to be killed");
    project.run("lock --upgrade").success();
    assert_eq!(project.raw("pylock.toml"), new);
    assert_eq!(files_in(&project.path("")), ["pylock.toml", "requirements.txt"]);
    // What lies unfinished in the cache goes with the rest of it.
    project.run("cache clean").success();
    assert_eq!(project.run("cache size --json").success().stdout().matches("\"entries\":0").count(), 1);
}

#[test]
fn what_a_killed_run_left_beside_the_lock_goes_with_the_next_one() {
    let project = Project::new(RELEASES);
    project.write("requirements.txt", "app\n").write(".mlresolve-AbCdEf", "lock-version = ");
    project.run("lock").success();
    assert_eq!(files_in(&project.path("")), ["pylock.toml", "requirements.txt"]);
}

/// Waits for a process, but not for ever.
fn wait(process: &mut Child) {
    let started = Instant::now();
    while process.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < HANGS, "a killed process ends");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Locks, then locks again without the network where there is nothing but the requirements and the cache.
#[track_caller]
fn locks_alike_offline(project: &Project, arguments: &str) {
    project.run(&format!("lock {arguments}")).success();
    let first = std::fs::read(project.path("pylock.toml")).unwrap();
    let asked = project.index.requests().len();
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    project.run(&format!("lock {arguments} --offline")).success();
    assert_eq!(std::fs::read(project.path("pylock.toml")).unwrap(), first);
    assert_eq!(project.index.requests().len(), asked, "the index is not asked");
}

#[test]
fn offline_gives_the_same_bytes_from_the_cache() {
    let project = Project::new(RELEASES);
    locks_alike_offline(project.write("requirements.txt", "app\n"), "");
}

#[test]
fn offline_gives_the_same_bytes_for_a_source_distribution() {
    let universe = Universe::new()
        .text(RELEASES)
        .package("sourced", "1.0", |release| release.requires("text").sdist())
        .package("sourced", "0.9", |release| release);
    let project = Project::beside(IndexServer::start(universe));
    locks_alike_offline(project.write("requirements.txt", "app\nsourced==1.0\n"), "");
    assert!(project.raw("pylock.toml").contains("sourced-1.0.tar.gz"));
}

#[test]
fn offline_gives_the_same_bytes_for_two_indexes() {
    let project = Project::new(RELEASES);
    let other = IndexServer::start(Universe::new().text("extra-thing 1.0 2.0: text\nweb 2.0.5\n"));
    project.write("requirements.txt", "app\nextra-thing\n");
    locks_alike_offline(&project, &format!("--extra-index-url {}", other.index_url()));
    let asked = other.requests().len();
    assert!(asked > 0);
    locks_alike_offline(&project, &format!("--extra-index-url {} --upgrade", other.index_url()));
    assert!(project.raw("pylock.toml").contains(&other.index_url()));
}
