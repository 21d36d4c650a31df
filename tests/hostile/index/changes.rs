//! What an index may change between two runs, or within one, and who may speak for whom.

use mlresolve_testkit::{Fault, IndexServer, PublishedFile, ServerOptions, Universe, WheelBuilder};

use super::{RELEASES, lock, locks, project, refused};
use crate::support::{Project, locked_packages};

const WEB: &str = "web-2.0-py3-none-any.whl";

/// A project that has locked `app` and `web`.
fn locked() -> Project {
    let project = project();
    locks(&project, "", &["app 1.0", "web 2.0"]);
    project
}

/// The releases, with another `web` 2.0 under the same file name.
fn replaced() -> Universe {
    let wheel = WheelBuilder::new("web", "2.0").file("web/evil.py", "evil = True\n").build();
    Universe::new().text("app 1.0: web>=2\nweb 1.0").distribution("web", wheel)
}

#[test]
fn i20_a_replaced_file_is_refused_until_it_is_wanted() {
    let project = locked();
    project.index.set_universe(replaced());
    let hash = |universe: Universe| universe.find(WEB).unwrap().sha256.clone().unwrap();
    let (then, now) = (hash(Universe::new().text(RELEASES)), hash(replaced()));
    let said = [WEB, "web 2.0", then.as_str(), now.as_str(), "--upgrade-package web"];
    refused(&project, "", 4, &said);
    refused(&project, "--upgrade-package app", 4, &said);
    refused(&project, "--dry-run", 4, &said);
    // An index that hides the hash is asked for the bytes.
    let hashless = Universe::new()
        .text("app 1.0: web>=2\nweb 1.0")
        .file("web", PublishedFile { sha256: None, ..replaced().find(WEB).unwrap().clone() });
    project.index.set_universe(hashless);
    refused(&project, "", 4, &said);
    project.index.set_universe(replaced());
    let run = locks(&project, "--upgrade-package web", &["app 1.0", "web 2.0"]);
    assert!(run.stderr().contains("web 2.0, other files"), "{}", run.snapshot());
    assert!(project.raw("pylock.toml").contains(&now));
    locks(&project, "", &["app 1.0", "web 2.0"]);
}

#[test]
fn i20_a_file_that_goes_while_it_is_looked_at_costs_its_version() {
    let project = project();
    project.index.set_universe(Universe::new().text("app 1.0: web>=2\nweb 2.0 2.1"));
    project.write("requirements.txt", "app\nweb>2\n");
    project.index.fault("/files/web-2.1-py3-none-any.whl*", Fault::Status(404));
    refused(&project, "", 1, &["web 2.1"]);
    project.write("requirements.txt", "app\n");
    locks(&project, "--upgrade", &["app 1.0", "web 2.0"]);
}

#[test]
fn i21_a_new_file_of_a_locked_version_is_shown() {
    let project = locked();
    let more = "app 1.0: web>=2\nweb 1.0\nweb 2.0; wheel py3-none-any cp312-cp312-manylinux_2_28_x86_64";
    project.index.set_universe(Universe::new().text(more));
    let before = project.raw("pylock.toml");
    let dry = lock(&project, "--dry-run").success();
    assert!(dry.stderr().contains("~ web 2.0, other files"), "{}", dry.snapshot());
    assert_eq!(project.raw("pylock.toml"), before);
    let run = locks(&project, "", &["app 1.0", "web 2.0"]);
    assert!(run.stderr().contains("~ web 2.0, other files"), "{}", run.snapshot());
    assert!(project.raw("pylock.toml").contains("web-2.0-cp312-cp312-manylinux_2_28_x86_64.whl"));
    // The other way round: what was locked is gone, and what is left is taken, in plain sight.
    project.index.set_universe(Universe::new().text(RELEASES));
    let run = locks(&project, "", &["app 1.0", "web 2.0"]);
    assert!(run.stderr().contains("~ web 2.0, other files"), "{}", run.snapshot());
}

#[test]
fn i22_what_is_withdrawn_after_it_was_locked() {
    let releases = || Universe::new().text(RELEASES);
    let project = locked();
    project.index.set_universe(releases().status("web", "quarantined", Some("malware")));
    refused(&project, "", 1, &["web", "held back", "malware"]);
    project.index.set_universe(Universe::new().text("app 1.0: web>=2"));
    refused(&project, "", 1, &["web was not found on [INDEX]/simple/"]);
    project.index.set_universe(releases().status("web", "archived", Some("no longer needed")));
    let run = locks(&project, "", &["app 1.0", "web 2.0"]);
    assert!(
        run.stderr().contains("web is archived by its maintainers: no longer needed"),
        "{}",
        run.snapshot()
    );
    project.index.set_universe(Universe::new().text("app 1.0: web>=2\nweb 1.0 2.1"));
    let run = locks(&project, "", &["app 1.0", "web 2.1"]);
    assert!(run.stderr().contains("web 2.0 → 2.1"), "{}", run.snapshot());
    project.index.set_universe(Universe::new().text("app 1.0: web>=2\nweb 1.0"));
    refused(&project, "", 1, &["app 1.0 requires web>=2", "the newest is 1.0"]);
}

#[test]
fn i23_a_package_is_from_one_index_whatever_others_have() {
    let own = IndexServer::start(Universe::new().text("app 1.0: torch\ntorch 2.0+cu118"));
    let project = Project::new("app 9.0\ntorch 2.0 2.1");
    project.write("requirements.txt", "app\n");
    let arguments = format!("--extra-index-url {}", own.index_url());
    locks(&project, &arguments, &["app 1.0", "torch 2.0+cu118"]);
    assert!(project.index.requests().is_empty(), "nobody else is told of a private name");
    // An index that fails is not passed over.
    for fault in [Fault::Status(503), Fault::Status(403), Fault::Status(401), Fault::Reset] {
        own.fault("/simple/app/", fault);
        refused(&project, &arguments, 5, &["/simple/app/"]);
        own.clear_faults();
    }
    assert!(project.index.requests().is_empty());
    // The order is the user's word: reversed, the other index speaks for the name, and replaces what was locked in sight.
    let reversed = format!("-i {} --extra-index-url {}", own.index_url(), project.index.index_url());
    let run = locks(&project, &reversed, &["app 9.0"]);
    assert!(run.stderr().contains("app 1.0 → 9.0"), "{}", run.snapshot());
}

#[test]
fn i24_what_has_no_upload_time_is_named_where_time_counts() {
    let project = project();
    let late = "app 1.0: web>=2; time 2025-06-01T00:00:00Z\nweb 2.0";
    project.index.set_universe(Universe::new().text(late));
    refused(&project, "--exclude-newer 2025-01-01", 1, &["app", "was uploaded after 2025-01-01"]);
    project.index.set_options(ServerOptions { upload_times: false, ..ServerOptions::default() });
    let run = locks(&project, "--exclude-newer 2025-01-01", &["app 1.0", "web 2.0"]);
    let said = "exclude-newer 2025-01-01 could not be checked for app, web: the index gives no upload time";
    assert!(run.stderr().contains(said), "{}", run.snapshot());
    // A time that is none is as good as no time, and is said too.
    project.index.set_options(ServerOptions::default());
    let garbage = super::entry(super::APP, r#", "upload-time": "yesterday""#);
    project.index.fault_times(super::APP_PAGE, 1, super::page(&garbage));
    let run = lock(&project, "--exclude-newer 2025-01-01").success();
    assert_eq!(locked_packages(&project.raw("pylock.toml")), ["app 1.0", "web 2.0"]);
    assert!(run.stderr().contains("could not be checked for app:"), "{}", run.snapshot());
}
