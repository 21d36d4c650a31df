//! Small promises about what counts as the user's word, what one bad file may spoil, and what a lock may hold.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use mlresolve_testkit::Fault;

use crate::support::{Project, locked_packages};

const GONE: &str = "
gone 1.0
gone 2.0
";

#[test]
fn a_wheel_that_is_not_there_costs_its_version_only() {
    let project = Project::new(GONE);
    project.write("requirements.txt", "gone\n");
    project.index.fault("/files/gone-2.0-py3-none-any.whl*", Fault::Status(404));
    project.run("lock").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["gone 1.0"]);
}

#[test]
fn a_half_filled_cache_decides_nothing() {
    let project = Project::new(GONE);
    project.write("requirements.txt", "gone<2\n").run("lock").success();
    project.write("requirements.txt", "gone\n");
    assert_snapshot!(project.run("lock --offline --upgrade").snapshot(), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: gone is not in the cache, and the network is off
    hint: run once without --offline
    ");
    project.write("requirements.txt", "gone>=2\n");
    assert_eq!(project.run("lock --offline").code(), 5);
    project.write("requirements.txt", "gone<2\n").run("lock --offline").success();
}

#[test]
fn an_override_may_name_a_pre_release_or_a_yanked_version() {
    let project = Project::new("a 1.0: b, c\nb 1.0\nb 2.0rc1\nc 1.0\nc 2.0; yanked broken\n");
    project.write("requirements.txt", "a\n").write("over.txt", "b==2.0rc1\nc==2.0\n");
    project.run("lock --override over.txt").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["a 1.0", "b 2.0rc1", "c 2.0"]);
}

#[test]
fn why_not_asks_as_the_user_would() {
    let project = Project::new("a 1.0: b\nb 1.0\nb 2.0rc1\n");
    project.write("requirements.txt", "a\n").run("lock").success();
    assert_snapshot!(project.run("why-not b==2.0rc1").snapshot(), @"
    exit code 0
    --- stdout
    b==2.0rc1 is possible; this would change:
    ↑ b  1.0 → 2.0rc1  654 B → 676 B
    1 changed; 1.3 kB to download
    ");
}

#[test]
fn a_hash_holds_where_its_line_does() {
    let zeros = "0".repeat(64);
    let project = Project::new(GONE);
    let line = format!("gone==2.0 ; sys_platform == 'win32' --hash=sha256:{zeros}\ngone==2.0\n");
    project.write("requirements.txt", &line).run("lock").success();
    project.write("requirements.txt", "gone==2.0\n");
    project.write("constraints.txt", &format!("gone==2.0 --hash=sha256:{zeros}\n"));
    assert_snapshot!(project.run("lock -c constraints.txt").snapshot(), @"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require gone==2.0
      - gone 2.0 has no wheel for the target: none has a hash that your requirement gives
    ");
}

#[test]
fn another_spelling_is_the_same_input() {
    let project = Project::new(GONE);
    project.write("requirements.txt", "gone>=1,<3\n").run("lock").success();
    let first = project.read("pylock.toml");
    project.write("requirements.txt", "gone<3,>=1\n");
    project.index.clear_requests();
    project.run("lock --check --prerelease if-necessary --no-cache").success();
    assert!(project.index.requests().is_empty());
    project.run("lock --prerelease if-necessary").success();
    assert_eq!(project.read("pylock.toml"), first);
}

#[test]
fn a_signature_in_an_address_stays_out_of_the_lock() {
    let project = Project::new(GONE);
    let hash = "72339177a7d04199be57d1f4bcb0190a6ff78c633892ef0851bdde7f3e948e9a";
    let page = format!(
        "<!DOCTYPE html><a href=\"../../files/gone-1.0-py3-none-any.whl?token=hunter2#sha256={hash}\">gone-1.0-py3-none-any.whl</a>"
    );
    project.index.fault(
        "/simple/gone/",
        Fault::Body { content_type: "text/html".to_owned(), bytes: page.into_bytes() },
    );
    project.write("requirements.txt", "gone\n");
    let run = project.run("lock").success();
    assert!(run.stderr().contains("has a query"), "{}", run.stderr());
    assert!(!project.read("pylock.toml").contains("hunter2"));
    assert!(!run.stderr().contains("hunter2"), "{}", run.stderr());
}

#[test]
fn a_time_limit_is_kept_while_an_index_is_silent() {
    let project = Project::new(GONE);
    project.index.delay("/simple/gone/", Duration::from_secs(20));
    project.write("requirements.txt", "gone\n");
    let started = Instant::now();
    assert_snapshot!(project.run("lock --time-limit 1").snapshot(), @"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: no lock was made within the time limit
    hint: pin some of the packages more closely, or raise the limit with --time-limit
    ");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_minor_takes_what_leaves_only_its_first_patches_out() {
    let project = Project::new("a 1.0\na 2.0; python !=3.9.0,!=3.9.1,>=3.8\n");
    project.write("requirements.txt", "a\n");
    project.run("lock --python-version 3.9").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["a 2.0"]);
    project.run("lock --python-version 3.9.1 --upgrade").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["a 1.0"]);
}
