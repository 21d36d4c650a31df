//! Group I: what an index may answer. I01 to I26.
//!
//! Tests elsewhere hold more of some of these, where no program need be run for it:
//! - I01, I02: `crates/index/src/transport.rs`, `crates/index/tests/it/transport.rs`
//! - I03, I04: `credentials_are_for_the_same_origin_only` in `crates/index/src/index_url.rs`,
//!   `credentials_go_to_their_origin_only_and_into_no_message` in `crates/index/tests/it/transport.rs`, c03 here
//! - I05, I06, I13, I14, I16: `crates/packaging/src/simple/tests.rs`
//! - I07, I11: `crates/index/tests/it/downloads.rs`, `tests/index_trouble.rs`
//! - I12: `crates/index/src/pages.rs`
//! - I17: `crates/index/src/retry.rs` (every form of `Retry-After`), `an_error_that_goes_away` in `tests/index_trouble.rs`
//! - I19: `a_server_without_sound_ranges_sends_the_whole_wheel` in `crates/index/tests/it/metadata.rs`
//! - I20: `crates/mlresolve/src/replaced.rs`
//! - I25, I26: `tests/private_index.rs`, `crates/index/src/proxy.rs`

mod changes;
mod pages;
mod raw;
mod transport;

use mlresolve_testkit::{Fault, IndexServer, ServerOptions, Universe};

use super::bounded;
use crate::support::{Project, Run, locked_packages};

const RELEASES: &str = "app 1.0: web>=2\nweb 1.0 2.0";
const JSON: &str = "application/vnd.pypi.simple.v1+json";
const APP: &str = "app-1.0-py3-none-any.whl";
const APP_PAGE: &str = "/simple/app/";

#[test]
fn every_case_is_held() {
    let tests = [
        include_str!("index/transport.rs"),
        include_str!("index/pages.rs"),
        include_str!("index/changes.rs"),
    ];
    let lacking = (1..=26).filter(|number| !tests.concat().contains(&format!("fn i{number:02}_")));
    assert_eq!(lacking.collect::<Vec<_>>(), Vec::<i32>::new());
}

/// A project that has locked `web`, and now needs `app`, of which it has not asked yet.
fn project() -> Project {
    beside(ServerOptions::default())
}

fn beside(options: ServerOptions) -> Project {
    let project = Project::beside(IndexServer::start_with(Universe::new().text(RELEASES), options));
    project.write("requirements.txt", "web\n").run("lock --no-cache").success();
    project.write("requirements.txt", "app\n");
    project
}

/// Locks within the limits, with nothing kept and, unless it is said, nothing tried again.
#[track_caller]
fn lock(project: &Project, arguments: &str) -> Run {
    let retries = if arguments.contains("--http-retries") { "" } else { "--http-retries 0" };
    let run = bounded(project, &format!("lock --no-cache {retries} {arguments}"));
    assert!(!run.stderr().contains("panicked"), "{}", run.snapshot());
    run
}

/// Checks that a lock ends with this exit code, says all of this, and leaves the old lock as it was.
#[track_caller]
fn refused(project: &Project, arguments: &str, code: i32, said: &[&str]) -> Run {
    let before = project.raw("pylock.toml");
    let run = lock(project, arguments);
    assert_eq!(run.code(), code, "{}", run.snapshot());
    for words in said {
        assert!(run.snapshot().contains(words), "not said: {words}\n{}", run.snapshot());
    }
    assert_eq!(project.raw("pylock.toml"), before, "the old lock stays");
    run
}

/// [`refused`] with this page of `app`; ends every fault.
#[track_caller]
fn refused_page(project: &Project, fault: Fault, code: i32, said: &[&str]) -> Run {
    refused_at(project, APP_PAGE, fault, code, said)
}

/// [`refused`] with a fault at this path, which may end in `*`; ends every fault. What fails may be asked for twice.
#[track_caller]
fn refused_at(project: &Project, path: &str, fault: Fault, code: i32, said: &[&str]) -> Run {
    project.index.fault(path, fault);
    let run = refused(project, "", code, said);
    project.index.clear_faults();
    run
}

/// Checks that a lock is made, of these packages.
#[track_caller]
fn locks(project: &Project, arguments: &str, packages: &[&str]) -> Run {
    let run = lock(project, arguments).success();
    assert_eq!(locked_packages(&project.raw("pylock.toml")), packages, "{}", run.snapshot());
    run
}

fn json(text: impl Into<Vec<u8>>) -> Fault {
    Fault::Body { content_type: JSON.to_owned(), bytes: text.into() }
}

fn html(text: &str) -> Fault {
    Fault::Body { content_type: "text/html".to_owned(), bytes: text.as_bytes().to_vec() }
}

/// A page of `app` with these entries.
fn page(files: &str) -> Fault {
    json(format!(r#"{{"meta": {{"api-version": "1.1"}}, "name": "app", "files": [{files}]}}"#))
}

/// An entry of a file of `app` that is where the index has it, with more keys.
fn entry(filename: &str, more: &str) -> String {
    format!(r#"{{"filename": "{filename}", "url": "/files/{APP}"{more}}}"#)
}
