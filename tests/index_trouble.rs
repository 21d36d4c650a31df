//! An index that misbehaves, and runs that are cut short: what is said, and what is left behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;
use mlresolve_testkit::{Credentials, Fault, IndexServer, Latency, ServerOptions, Sidecars, Universe};

use crate::replay::{TARGET, TRANSFORMERS};
use crate::support::Project;

const SMALL: &str = "app 1.0: web>=2\nweb 1.0 2.0";
const PASSWORD: &str = "correct-horse";

/// A project that needs `app`, which needs `web`.
fn small() -> Project {
    beside(ServerOptions::default())
}

fn beside(options: ServerOptions) -> Project {
    let project = Project::beside(IndexServer::start_with(Universe::new().text(SMALL), options));
    project.write("requirements.txt", "app\n");
    project
}

/// What a run prints with this fault at this path; it may not leave a lock.
fn failure(path: &str, fault: Fault) -> String {
    let project = small();
    project.index.fault(path, fault);
    let run = project.run("lock");
    assert!(!project.path("pylock.toml").exists());
    run.snapshot()
}

#[test]
fn a_dependency_that_is_not_there() {
    assert_snapshot!(failure("/simple/web/", Fault::Status(404)), @"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require app
      - app 1.0 requires web>=2
      - web was not found on [INDEX]/simple/
    Hint: if web is on an index of its own, name that with --extra-index-url
    ");
}

#[test]
fn an_error_that_goes_away() {
    let project = small();
    project.index.fault_times("/simple/web/", 2, Fault::Status(500));
    project.index.fault_times("/files/*", 1, Fault::Reset);
    project.index.fault_times("/simple/app/", 1, Fault::RetryAfter { status: 429, seconds: 0 });
    project.run("lock").success();
    assert_eq!(project.index.count("/simple/web/"), 3);
}

#[test]
fn an_error_that_stays() {
    assert_snapshot!(failure("/simple/web/", Fault::Status(500)), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: [INDEX]/simple/web/ answered with HTTP status 500
    hint: the index is in trouble; try again later, or use what is in the cache with --offline
    ");
}

#[test]
fn a_page_that_breaks_off() {
    assert_snapshot!(failure("/simple/web/", Fault::Truncated { keep: 40 }), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: no answer from [INDEX]/simple/web/ after 4 tries: error decoding response body: request or response body error: error reading a body from connection: end of file before message length reached
    hint: check the network, or use what is in the cache with --offline
    ");
}

#[test]
fn a_page_that_is_none() {
    let page = Fault::Body { content_type: "text/plain".to_owned(), bytes: b"log in first".to_vec() };
    assert_snapshot!(failure("/simple/web/", page), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: the page [INDEX]/simple/web/ is of type `text/plain`, which is no index page (PEP 503, PEP 691)
    ");
    let json = "application/vnd.pypi.simple.v1+json".to_owned();
    let page = Fault::Body { content_type: json, bytes: b"<!DOCTYPE html><title>Log in</title>".to_vec() };
    assert_snapshot!(failure("/simple/web/", page), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: cannot read the page [INDEX]/simple/web/: the page is not Simple API JSON: expected value at line 1 column 1
    ");
}

#[test]
fn metadata_that_is_not_what_was_announced() {
    let project = small();
    project.write("requirements.txt", "web\n").run("lock").success();
    let before = std::fs::read(project.path("pylock.toml")).unwrap();
    project.write("requirements.txt", "app\n");
    project.index.fault("/files/app-1.0-py3-none-any.whl.metadata", Fault::Corrupt);
    assert_snapshot!(project.run("lock").snapshot(), @"
    exit code 4
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: app-1.0-py3-none-any.whl.metadata has the wrong hash: the index announced sha256 222eae39484dd37d1ba40e168f4efb3472bf9dc256b3d27547d0d4c6e3be2cc3, the bytes have 6e2f8e29c5c6d4b0869d11bbd83b348c973a72d7881218d504e04758f9eb7352
    hint: the index or something on the way to it changed the file; nothing was locked
    ");
    assert_eq!(std::fs::read(project.path("pylock.toml")).unwrap(), before, "the old lock stays");
}

#[test]
fn no_network_and_nothing_in_the_cache() {
    assert_snapshot!(small().run("lock --offline").snapshot(), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: app is not in the cache, and the network is off
    hint: run once without --offline
    ");
}

#[test]
fn nobody_listens() {
    let project = small();
    let nobody = [("MLRESOLVE_INDEX_URL", "http://127.0.0.1:9/simple/")];
    assert_snapshot!(project.run_with(&["lock"], &nobody).snapshot(), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: no answer from http://127.0.0.1:9/simple/app/ after 4 tries: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
    hint: check the network, or use what is in the cache with --offline
    ");
}

#[test]
fn an_index_that_wants_credentials() {
    let encoded = |password: &str| {
        let header = Credentials::new("reader", password).authorization();
        header.trim_start_matches("Basic ").trim_end_matches('=').to_owned()
    };
    let credentials = Credentials::new("reader", PASSWORD);
    let options = || ServerOptions { credentials: Some(credentials.clone()), ..ServerOptions::default() };
    assert_snapshot!(beside(options()).run("lock").snapshot(), @"
    exit code 5
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: index [INDEX]/simple/ refused access to [INDEX]/simple/app/ (HTTP status 401): it was asked without credentials
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");

    let wrong = beside(options());
    let address = wrong.index.index_url_with(&Credentials::new("reader", "wrong-secret"));
    let refused = wrong.run_with(&["lock", "-vv"], &[("MLRESOLVE_INDEX_URL", &address)]);
    assert_eq!(refused.code(), 5, "{}", refused.snapshot());
    wrong.assert_hidden(&refused, &["wrong-secret", &encoded("wrong-secret")]);

    let right = beside(ServerOptions { sidecars: Sidecars::Off, ..options() });
    let address = right.index.index_url_with(&credentials);
    let run = right.run_with(&["lock", "-vv"], &[("MLRESOLVE_INDEX_URL", &address)]).success();
    right.assert_hidden(&run, &[PASSWORD, &encoded(PASSWORD)]);
    let json = right.run_with(&["lock", "--json", "-i", &address], &[]).success();
    right.assert_hidden(&json, &[PASSWORD, &encoded(PASSWORD)]);
    right.index.fault("/simple/*", Fault::Status(403));
    let failed = right.run_with(&["lock", "--refresh", "-vv", "-i", &address], &[]);
    assert_eq!(failed.code(), 5, "{}", failed.snapshot());
    right.assert_hidden(&failed, &[PASSWORD, &encoded(PASSWORD)]);
}

#[test]
fn a_run_that_is_cut_short_leaves_a_cache_that_works() {
    let project = Project::replaying("transformers-torch");
    project.write("requirements.txt", TRANSFORMERS);
    let expected = project.run(&format!("lock {TARGET} --no-cache -o -")).success().stdout();
    let latency = Latency::Fixed(Duration::from_millis(3));
    project.index.set_options(ServerOptions { latency, ..ServerOptions::default() });
    let arguments = format!("lock {TARGET}");
    let arguments: Vec<&str> = arguments.split(' ').collect();
    for (signal, after) in
        [("KILL", 30), ("INT", 60), ("KILL", 90), ("KILL", 120), ("INT", 150), ("KILL", 180)]
    {
        let mut command = project.command(&arguments, &[]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        let id = process.id().to_string();
        Command::new("kill").args([&format!("-{signal}"), &id]).stderr(Stdio::null()).status().unwrap();
        let status = process.wait().unwrap();
        // A run that was done before the signal, or all but done, has written the lock, whole.
        let written = project.path("pylock.toml");
        assert!(written.exists() || !status.success());
        if written.exists() {
            assert_eq!(std::fs::read_to_string(&written).unwrap(), expected);
            std::fs::remove_file(written).unwrap();
        }
        if signal == "INT" && !status.success() {
            assert!(matches!(status.code(), Some(130) | None), "{status}");
        }
    }
    assert_eq!(project.run(&format!("lock {TARGET} -o -")).success().stdout(), expected);
    assert_eq!(files_in(&project.path("")), ["requirements.txt"], "nothing half-written is left");
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
