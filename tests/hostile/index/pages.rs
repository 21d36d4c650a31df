//! What a page may say: hashes, types, forms, names.

use mlresolve_testkit::{Fault, Ranges, ServerOptions, Sidecars, Universe, sha256_hex};

use super::{
    APP, APP_PAGE, JSON, RELEASES, beside, entry, html, json, locks, page, project, raw, refused, refused_at,
    refused_page,
};

/// An index whose files are downloaded whole for their metadata.
fn whole_files() -> ServerOptions {
    ServerOptions { sidecars: Sidecars::Off, ranges: Ranges::Off, ..ServerOptions::default() }
}

#[test]
fn i05_hashes_that_do_not_hold() {
    let project = beside(whole_files());
    refused_page(&project, Fault::WrongHashes, 4, &[APP, "has the wrong hash", "nothing was locked"]);
    refused_at(&project, &format!("/files/{APP}"), Fault::Corrupt, 4, &[APP, "has the wrong hash"]);
    let (one, other) = ("a".repeat(64), "b".repeat(64));
    let two = format!(
        r#"{{"filename": "{APP}", "url": "/files/{APP}#sha256={one}", "hashes": {{"sha256": "{other}"}}}}"#
    );
    refused_page(&project, page(&two), 1, &[APP, "two different sha256"]);
    let short = r#", "hashes": {"sha256": "12"}"#;
    refused_page(&project, page(&entry(APP, short)), 1, &[APP, "64 hexadecimal digits"]);

    let beside_the_wheel = super::project();
    let metadata = format!("{APP}.metadata");
    let said = [metadata.as_str(), "has the wrong hash"];
    refused_at(&beside_the_wheel, &format!("/files/{metadata}"), Fault::Corrupt, 4, &said);
}

#[test]
fn i06_without_a_strong_hash_the_bytes_are_hashed() {
    let project = project();
    let universe = Universe::new().text(RELEASES);
    let digest = sha256_hex(universe.find(APP).unwrap().content.as_ref().unwrap());
    for hashes in ["", r#", "hashes": {}"#, r#", "hashes": {"md5": "00000000000000000000000000000000"}"#] {
        project.index.fault_times(APP_PAGE, 1, page(&entry(APP, hashes)));
        locks(&project, "", &["app 1.0", "web 2.0"]);
        assert!(project.raw("pylock.toml").contains(&format!("sha256 = \"{digest}\"")), "{hashes}");
    }
    // Where they cannot be had, there is no lock. The metadata is had from beside the wheel.
    let offered = r#", "core-metadata": true"#;
    project.index.fault(&format!("/files/{APP}"), Fault::Status(404));
    refused_page(&project, page(&entry(APP, offered)), 4, &[APP, "has no hash on its index", "404"]);
}

#[test]
fn i12_a_page_of_the_wrong_type() {
    let project = project();
    let log_in = "<!DOCTYPE html><title>Log in</title><form action=/login><input type=password></form>";
    refused_page(&project, html(log_in), 1, &["app has no file that can be used", "is it a page to log in?"]);
    let wrong = |kind: &str| Fault::ContentType(kind.to_owned());
    refused_page(&project, wrong("text/html"), 1, &["app has no file that can be used"]);
    for kind in
        ["application/vnd.pypi.simple.v2+json", "text/plain", "application/octet-stream", "nonsense", ""]
    {
        let named = format!("{APP_PAGE} is of type `{kind}`");
        refused_page(&project, wrong(kind), 5, &[&named]);
    }
    refused_page(&project, json(log_in), 5, &[APP_PAGE, "is not Simple API JSON"]);
    // Without a type it is HTML, as ever.
    let bare = raw::serve(|_| raw::answer(&["200 OK"], "<a href='/x'>nothing</a>"));
    refused(&project, &format!("-i {bare}"), 1, &["app has no file that can be used"]);
}

#[test]
fn i13_json_that_is_no_page() {
    let project = project();
    let deep = |before: &str, open: &str| format!("{before}{}", open.repeat(100_000));
    for text in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "\u{feff}{}".to_owned(),
        r#"{"files": {}}"#.to_owned(),
        r#"{"files": null}"#.to_owned(),
        r#"{"files": [], "files": []}"#.to_owned(),
        r#"{"files": [{"filename": "x}]}"#.to_owned(),
        deep("", "["),
        deep(r#"{"meta": "#, "["),
        deep(r#"{"files": "#, "["),
        deep(r#"{"files": [{"hashes": "#, r#"{"a": "#),
    ] {
        refused_page(&project, json(text), 5, &[APP_PAGE, "is not Simple API JSON"]);
    }
    refused_page(&project, json(b"{\"files\": [], \"name\": \"\xff\"}".to_vec()), 5, &[APP_PAGE]);
    let version = |version: &str| json(format!(r#"{{"meta": {{"api-version": {version}}}, "files": []}}"#));
    refused_page(&project, version(r#""2.0""#), 5, &[APP_PAGE, "API version `2.0`"]);
    refused_page(&project, version("[]"), 5, &[APP_PAGE, "API version"]);
    let endless_by_its_word = raw::serve(|_| {
        raw::answer(&["200 OK", &format!("Content-Type: {JSON}"), "Content-Length: 2147483648"], "{")
    });
    let arguments = format!("-i {endless_by_its_word}");
    refused(&project, &arguments, 5, &[APP_PAGE, "more than 67108864 bytes", "`page`"]);

    // What is odd in one entry costs that entry alone, and what is odd around them nothing.
    let closed = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for odd in [
        format!(r#"{{"filename": "{APP}", "url": "/files/{APP}", "url": "/files/other.whl"}}"#),
        format!(r#"{{"x": {closed}}}"#),
        "null".to_owned(),
        entry("app-9.0-py3-none-any.whl", r#", "yanked": true"#),
        entry("app-9.0-py3-none-any.whl", r#", "yanked": "broken""#),
    ] {
        project.index.fault_times(
            APP_PAGE,
            1,
            page(&format!("{odd}, {}", entry(APP, r#", "yanked": null"#))),
        );
        locks(&project, "", &["app 1.0", "web 2.0"]);
    }
    let around = format!(
        r#"{{"meta": {{"api-version": "1.9"}}, "x": {closed}, "name": {closed}, "files": [{}]}}"#,
        entry(APP, "")
    );
    project.index.fault_times(APP_PAGE, 1, json(around));
    locks(&project, "", &["app 1.0", "web 2.0"]);
}

#[test]
fn i14_html_as_people_write_it() {
    let project = project();
    for text in [
        format!("<a href=/files/{APP}>no doctype, no quotes</a>"),
        format!("<base href='/files/'><a href='{APP}'>a base</a>"),
        format!("<a href='../../&#102;iles/{APP}#egg=app'>an entity</a>"),
        format!(
            "<a href='javascript:alert(1)//{APP}'>x</a><a href='../'>up</a><a>none</a><a href='/files/{APP}'>"
        ),
        format!(
            "<a href='/files/app-1.1-py3-none-any.whl' data-yanked=''>yanked</a><a href='/files/{APP}'>x</a>"
        ),
        format!("<a href='/files/{APP}' data-requires-python='&gt;=3'>x"),
        format!("<html><body><a href=\"/files/{APP}\" data-core-metadata=\"true\">{APP}</a></html>"),
    ] {
        project.index.fault_times(APP_PAGE, 1, html(&text));
        locks(&project, "", &["app 1.0", "web 2.0"]);
    }
    for text in [
        "<a href='javascript:app-1.0-py3-none-any.whl'>x</a>",
        "<a href='file:///app-1.0-py3-none-any.whl'>x",
    ] {
        refused_page(&project, html(text), 1, &["app has no file that can be used", "scheme"]);
    }
}

#[test]
fn i15_names_that_could_be_another_s() {
    let project = project();
    let files =
        |names: &[&str]| page(&names.iter().map(|name| entry(name, "")).collect::<Vec<_>>().join(","));
    // A file of another project on the page costs nothing, and is never taken.
    let evil = "evil-9.0-py3-none-any.whl";
    project.index.fault_times(APP_PAGE, 1, files(&[evil, "app_evil-9.0-py3-none-any.whl", APP]));
    locks(&project, "", &["app 1.0", "web 2.0"]);
    refused_page(&project, files(&[evil]), 1, &["app has no file that can be used", evil]);
    let of_another = json(format!(r#"{{"name": "evil", "files": [{}]}}"#, entry(evil, "")));
    refused_page(&project, of_another, 1, &["app has no file that can be used", evil]);
    // The metadata has to be that of the file's own name.
    let posing = entry("app-3.0-py3-none-any.whl", "");
    refused_page(&project, page(&posing), 1, &["app 3.0", "app-3.0-py3-none-any.whl"]);

    project.index.set_universe(Universe::new().text("foo-bar 1.0"));
    project.write("requirements.txt", "Foo_Bar\nfoo.bar\nfoo--bar\n");
    locks(&project, "", &["foo-bar 1.0"]);
    assert_eq!(project.index.count("/simple/foo-bar/"), 1);
}

#[test]
fn i16_file_names_that_lead_elsewhere() {
    let project = project();
    let long = format!("app-1.{}-py3-none-any.whl", "0".repeat(300));
    for name in [
        "app-1.0+cu118-..%2F..%2Fx.whl",
        "app-1.0-py3-none-any.whl:stream",
        "C:app-1.0-py3-none-any.whl",
        "../app-1.0-py3-none-any.whl",
        "/etc/app-1.0-py3-none-any.whl",
        "app-1.0-py3-none-any.whl/../../x.whl",
        r"..\\app-1.0-py3-none-any.whl",
        r"app-1.0-py3-none-any\u0000.whl",
        r"app-1.0-py3-none-any\u001b[2J.whl",
        r"\u0430pp-1.0-py3-none-any.whl",
        ".app-1.0-py3-none-any.whl",
        &long,
        "",
    ] {
        let run = refused_page(&project, page(&entry(name, "")), 1, &["app has no file that can be used"]);
        assert!(!run.stderr().contains('\u{1b}'), "{}", run.snapshot());
    }
}
