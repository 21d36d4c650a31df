//! C: secrets and output. `crate::private_index` has more of C01, for runs against an index that wants secrets.

use std::fmt::Debug;

use insta::assert_snapshot;
use mlresolve::index::{
    ClientOptions, CredentialSources, File, FindLinks, IndexUrl, Keyring, Proxies, Release,
};
use mlresolve::packaging::simple::{Hashes, IndexFile, MetadataOffer, Yanked};
use mlresolve::packaging::{Requirement, Version};
use mlresolve::{Access, LockRequest, ProjectOptions, Watch, lock_blocking, read_project};
use mlresolve_testkit::Fault;

use crate::support::Project;

const CANARY: &str = "canary-of-a-secret";

fn project() -> Project {
    let project = Project::new("app 1.0: web>=2\nweb 1.0 2.0");
    project.write("requirements.txt", "app\n");
    project
}

#[test]
fn c01_what_fails_quotes_no_secret() {
    let address = |host: &str| format!("https://reader:{CANARY}@{host}");
    let (nowhere, malformed) = (address("127.0.0.1:9/x"), address("host.example:port/x"));
    let no_host = address("");
    let token = format!("https://host.example/?token={CANARY}");
    let ambiguous = format!("https://reader/name:{CANARY}@host.example/");
    let proxy = format!("ftp://reader:{CANARY}@proxy.example");
    for bad in [&nowhere, &malformed, &no_host, &token, &ambiguous] {
        let line = |start: &str| format!("{start}{bad}\napp\n");
        for requirements in [
            line("--index-url "),
            line("--extra-index-url="),
            line("--find-links "),
            line("x @ "),
            line("x@"),
            line(""),
            line("git+"),
            line("x @ git+"),
            line("app "),
            line("-r "),
            line("-e "),
            line("--trusted-host "),
            line("--unknown-option "),
            format!("app --hash {bad}\n"),
            format!("app ; {bad}\n"),
            format!("x @ {bad} rest\n"),
        ] {
            let project = project();
            project.write("requirements.txt", &requirements);
            for arguments in [["lock", "-vv"], ["lock", "--json"]] {
                let run = project.run_with(&arguments, &[("MLRESOLVE_HTTP_RETRIES", "0")]);
                assert!(matches!(run.code(), 0 | 1 | 2 | 5), "{requirements}{}", run.snapshot());
                project.assert_hidden_in_output(&run, &[CANARY]);
            }
        }
        for option in [
            "--index-url",
            "--extra-index-url",
            "--find-links",
            "--proxy",
            "--trusted-host",
            "--python-version",
        ] {
            let project = project();
            let run = project.run_with(&["lock", "-vv", "--http-retries", "0", option, bad], &[]);
            assert!(matches!(run.code(), 0 | 1 | 2 | 5), "{option} {bad}: {}", run.snapshot());
            project.assert_hidden(&run, &[CANARY]);
        }
        for variable in [
            "PIP_INDEX_URL",
            "PIP_EXTRA_INDEX_URL",
            "PIP_PROXY",
            "PIP_TRUSTED_HOST",
            "PIP_FIND_LINKS",
            "UV_DEFAULT_INDEX",
            "UV_INDEX",
            "HTTPS_PROXY",
            "http_proxy",
        ] {
            let project = project();
            let variables = [("MLRESOLVE_HTTP_RETRIES", "0"), ("MLRESOLVE_INDEX_URL", ""), (variable, bad)];
            let run = project.run_with(&["lock", "-vv", "--no-index"], &variables);
            assert!(matches!(run.code(), 0 | 1 | 2 | 5), "{variable} {bad}: {}", run.snapshot());
            project.assert_hidden(&run, &[CANARY]);
        }
        for settings in [
            format!("index-url = {bad:?}"),
            format!("extra-index-urls = [{bad:?}]"),
            format!("x = {bad:?} y"),
        ] {
            let project = project();
            project.write("mlresolve.toml", &settings);
            let run =
                project.run_with(&["lock", "-vv", "--http-retries", "0"], &[("MLRESOLVE_INDEX_URL", "")]);
            assert!(matches!(run.code(), 1 | 2 | 5), "{settings}: {}", run.snapshot());
            project.assert_hidden_in_output(&run, &[CANARY]);
        }
    }
    let project = project();
    let run = project.run_with(&["lock", "-vv"], &[("HTTPS_PROXY", &proxy)]);
    project.assert_hidden(&run, &[CANARY]);
    assert_eq!(run.code(), 2, "{}", run.snapshot());
}

#[test]
fn c02_an_ambiguous_address_is_refused() {
    let project = project();
    let address = format!("https://reader/name:{CANARY}@host.example/simple/");
    assert_snapshot!(project.run_with(&["lock", "-i", &address], &[]).snapshot(), @"
    exit code 2
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: index-url: the URL has a `:` followed by `@` in its path; write a `/` in a user name as %2F
    ");
}

#[test]
fn c03_a_redirect_shows_no_secret_of_its_target() {
    for location in [
        format!("http://reader:{CANARY}@127.0.0.1:9/x?sig={CANARY}"),
        format!("file://reader:{CANARY}@host.example/x"),
        format!("http://reader:{CANARY}@127.0.0.1:port/"),
        format!("//reader:{CANARY}@127.0.0.1:9/"),
        format!("/simple/app/?sig={CANARY}"),
    ] {
        let project = project();
        project.index.fault("/simple/app/", Fault::Redirect { status: 302, location });
        let run = project.run_with(&["lock", "-vv", "--http-retries", "0"], &[]);
        assert_eq!(run.code(), 5, "{}", run.snapshot());
        project.assert_hidden(&run, &[CANARY]);
    }
}

#[test]
fn c04_debug_shows_no_secret() {
    let address = format!("https://reader:{CANARY}@host.example/x.whl?sig={CANARY}");
    let index: IndexUrl = format!("https://reader:{CANARY}@host.example/simple/").parse().unwrap();
    let links: FindLinks = format!("https://reader:{CANARY}@host.example/links").parse().unwrap();
    let proxy = || Some(format!("http://reader:{CANARY}@proxy.example:3128").parse().unwrap());
    let request = LockRequest::new([format!("x @ {address}")]);
    let file = File {
        filename: "x-1.0-py3-none-any.whl".to_owned(),
        url: address.clone(),
        hashes: Hashes::default(),
        requires_python: None,
        size: None,
        upload_time: None,
        yanked: Yanked::No,
        metadata_offer: MetadataOffer::Absent,
        wheel: None,
        sdist: None,
        index: index.clone(),
    };
    let version: Version = "1.0".parse().unwrap();
    let options = ClientOptions {
        indexes: vec![index.clone()],
        find_links: vec![links],
        credentials: CredentialSources { netrc: Vec::new(), keyring: Some(Keyring::default()) },
        proxies: Proxies { http: proxy(), https: proxy(), except: None },
        ..ClientOptions::default()
    };
    let requirement: Requirement = format!("x @ {address}").parse().unwrap();
    let index_file = IndexFile::at("x-1.0.tar.gz".to_owned(), address.clone());
    let release = Release { version, wheels: vec![file.clone()], sdists: Vec::new() };
    let shown: [&dyn Debug; 6] = [&request, &file, &release, &options, &requirement, &index_file];
    for value in shown {
        let text = format!("{value:?} {value:#?}");
        assert!(!text.contains(CANARY), "{text}");
        assert!(text.contains("host.example"), "it shows something: {text}");
    }
    // The types whose text may not be cut down have no `Debug`; what goes wrong with them does.
    let access =
        Access { index_url: format!("https://reader:{CANARY}@host.example:port/"), ..Access::default() };
    let error = lock_blocking(&LockRequest::new(["x"]), None, &access, &Watch::default()).err().unwrap();
    assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("requirements.txt"), format!("x @ {address} y\n")).unwrap();
    let options = ProjectOptions { dir: Some(folder.path().to_owned()), ..ProjectOptions::default() };
    if let Ok(read) = read_project(&options, &|_| None) {
        assert!(read.warnings.iter().all(|warning| !warning.contains(CANARY)), "{:?}", read.warnings);
        let access = Access { index_url: "http://127.0.0.1:9/".to_owned(), retries: 0, ..Access::default() };
        let error = lock_blocking(&read.requests[0], None, &access, &Watch::default()).err().unwrap();
        assert!(!format!("{error} {error:?} {:?}", read.requests).contains(CANARY), "{error:?}");
    }
}
