use super::*;
use url::Url;

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";

fn base() -> Url {
    "https://user:hunter2@index.example/simple/foo/".parse().unwrap()
}

fn json(text: &str) -> ProjectPage {
    parse_json(text.as_bytes(), &base()).unwrap()
}

fn html(text: &str) -> ProjectPage {
    parse_html(text.as_bytes(), &base()).unwrap()
}

/// A JSON page whose only file has these fields beside its name and URL.
fn json_file(fields: &str) -> IndexFile {
    let mut page = json(&format!(r#"{{"files":[{{"filename":"foo-1.zip","url":"foo-1.zip",{fields}}}]}}"#));
    assert_eq!(page.skipped, []);
    page.files.remove(0)
}

fn reasons(page: &ProjectPage) -> Vec<(&str, &str)> {
    page.skipped.iter().map(|skipped| (skipped.filename.as_str(), skipped.reason.as_str())).collect()
}

#[test]
fn a_json_page_is_read_with_all_it_says() {
    let page = json(&format!(
        r#"{{
            "meta": {{"api-version": "1.4", "_last-serial": 7}},
            "name": "foo",
            "alternate-locations": [],
            "project-status": {{"status": "archived", "reason": "see bar"}},
            "versions": ["1.0"],
            "files": [{{
                "filename": "foo-1.0-py3-none-any.whl",
                "url": "../../files/foo-1.0-py3-none-any.whl#egg=foo",
                "hashes": {{"sha256": "{DIGEST}", "md5": "0123456789ABCDEF0123456789ABCDEF", "x": "no"}},
                "requires-python": ">=3.8",
                "size": 1234,
                "upload-time": "2024-01-02T03:04:05.678901Z",
                "yanked": "broken \u00e9",
                "core-metadata": {{"sha256": "{DIGEST}"}},
                "provenance": {{"a": [{{"b": null}}]}}
            }}]
        }}"#
    ));
    assert_eq!(page.name.as_deref(), Some("foo"));
    assert_eq!(page.status, ProjectStatus::Archived);
    assert_eq!(page.status_reason.as_deref(), Some("see bar"));
    let [file] = &page.files[..] else { panic!("{:?}", page.skipped) };
    assert_eq!(file.url, "https://index.example/files/foo-1.0-py3-none-any.whl");
    assert_eq!(file.hashes.sha256, Some(DIGEST.to_lowercase()));
    assert_eq!(file.hashes.others.len(), 1);
    assert_eq!(file.hashes.others["md5"], "0123456789abcdef0123456789abcdef");
    assert_eq!(file.requires_python.as_deref(), Some(">=3.8"));
    assert_eq!(file.size, Some(1234));
    assert_eq!(file.upload_time.unwrap().to_string(), "2024-01-02T03:04:05.678901Z");
    assert_eq!(file.yanked, Yanked::Yes(Some("broken é".into())));
    assert_eq!(
        file.core_metadata,
        MetadataOffer::Hashed(Hashes { others: BTreeMap::new(), ..file.hashes.clone() })
    );
}

#[test]
fn one_broken_entry_does_not_lose_the_page() {
    let page = json(
        &r#"{"files": [
            5, null, [1], "x",
            {"url": "a-1.zip"},
            {"filename": 7, "url": "a-1.zip"},
            {"filename": "b-1.zip"},
            {"filename": "c-1.zip", "url": "data:text/plain,x"},
            {"filename": "d-1.zip", "url": "file:///etc/passwd"},
            {"filename": "../e-1.zip", "url": "e-1.zip"},
            {"filename": "f%2Fg-1.zip", "url": "e-1.zip"},
            {"filename": "g-1.zip", "url": "g-1.zip", "hashes": {"sha256": "12"}},
            {"filename": "h-1.zip", "url": "h-1.zip", "url": "https://other.example/"},
            {"filename": "i-1.zip", "url": "https://[broken"},
            {"filename": "j-1.zip", "url": "j-1.zip#sha256=HASH_A", "hashes": {"sha256": "HASH_B"}},
            {"filename": "good-1.zip", "url": "good-1.zip"},
            {"filename": "fair-1.zip", "url": "fair-1.zip#sha256=HASH_A", "hashes": {"sha256": "HASH_A"}}
        ]}"#
        .replace("HASH_A", &"a".repeat(64))
        .replace("HASH_B", &"b".repeat(64)),
    );
    assert_eq!(page.files.len(), 2);
    assert_eq!(
        reasons(&page),
        [
            ("", "it is a number, not a table"),
            ("", "it is null, not a table"),
            ("", "it is a list, not a table"),
            ("", "it is a text, not a table"),
            ("", "it has no `filename`"),
            ("", "its `filename` is a number, not a text"),
            ("b-1.zip", "it has no `url`"),
            ("c-1.zip", "its URL has the scheme `data`, which a page may not use"),
            ("d-1.zip", "its URL has the scheme `file`, which a page may not use"),
            ("../e-1.zip", "its file name is empty or starts with a dot or a space"),
            ("f%2Fg-1.zip", "its file name has the character '%', which is not allowed in it"),
            ("g-1.zip", "its sha256 is not 64 hexadecimal digits"),
            ("h-1.zip", "it has `url` twice"),
            ("i-1.zip", "its URL is not valid: invalid IPv6 address"),
            ("j-1.zip", "it has two different sha256"),
        ]
    );
}

#[test]
fn optional_facts_of_a_wrong_type_are_as_good_as_absent() {
    let file = json_file(
        r#""size": -1, "upload-time": "yesterday", "requires-python": 3, "yanked": null,
           "core-metadata": 7, "hashes": "none""#,
    );
    assert_eq!(
        (file.size, file.upload_time, file.requires_python, file.yanked, file.core_metadata),
        (None, None, None, Yanked::No, MetadataOffer::Absent)
    );
    assert!(file.hashes.is_empty());
    for size in ["18446744073709551615", "1e400000", "1.5", "\"7\"", "[]"] {
        if let Ok(page) = parse_json(
            format!(r#"{{"files":[{{"filename":"a-1.zip","url":"a-1.zip","size":{size}}}]}}"#).as_bytes(),
            &base(),
        ) {
            assert_eq!(page.files[0].size, None, "{size}");
        }
    }
}

#[test]
fn yanked_and_the_metadata_offer_take_all_their_forms() {
    assert_eq!(json_file(r#""yanked": true"#).yanked, Yanked::Yes(None));
    assert_eq!(json_file(r#""yanked": false"#).yanked, Yanked::No);
    assert_eq!(json_file(r#""yanked": """#).yanked, Yanked::No);
    let offer = |fields: &str| json_file(fields).core_metadata;
    assert_eq!(offer(r#""core-metadata": true"#), MetadataOffer::Present);
    assert_eq!(offer(r#""dist-info-metadata": {}"#), MetadataOffer::Present);
    assert_eq!(offer(r#""core-metadata": {"sha256": "short"}"#), MetadataOffer::Present);
    assert_eq!(offer(r#""core-metadata": false, "dist-info-metadata": true"#), MetadataOffer::Absent);
    assert_eq!(offer(r#""core-metadata": null, "dist-info-metadata": true"#), MetadataOffer::Present);
}

#[test]
fn api_versions_of_another_major_are_refused() {
    let read = |version: &str| {
        parse_json(format!(r#"{{"meta":{{"api-version":{version}}},"files":[]}}"#).as_bytes(), &base())
    };
    for version in [r#""1.0""#, r#""1.99""#, "1.0", "null"] {
        assert!(read(version).is_ok(), "{version}");
    }
    for version in [r#""2.0""#, r#""1""#, r#""v1.0""#, r#""1.x""#, "2.0", "[]", r#""""#] {
        assert!(matches!(read(version), Err(PageError::ApiVersion(_))), "{version}");
    }
    assert!(matches!(
        parse_html(br#"<meta name="pypi:repository-version" content="2.0">"#, &base()),
        Err(PageError::ApiVersion(version)) if version == "2.0"
    ));
}

#[test]
fn what_is_no_project_page_is_an_error() {
    for text in
        ["", "[]", "{}", "null", r#"{"files": {}}"#, r#"{"files": [] "#, "<!doctype html>", "\u{feff}{}"]
    {
        assert!(matches!(parse_json(text.as_bytes(), &base()), Err(PageError::Json(_))), "{text:?}");
    }
    assert!(matches!(parse_json(b"{\"files\":[],\"name\":\"\xff\"}", &base()), Err(PageError::Json(_))));
}

#[test]
fn nesting_neither_overflows_the_stack_nor_is_kept() {
    let deep = |open: &str, close: &str| {
        format!(r#"{{"files":[{{"x":{}1{}}}]}}"#, open.repeat(100_000), close.repeat(100_000))
    };
    for text in [deep("[", "]"), deep("{\"a\":", "}")] {
        assert_eq!(reasons(&json(&text)), [("", "it has no `filename`")]);
    }
    assert!(json_file(r#""hashes": {"sha256": {"a": {"b": 1}}}"#).hashes.is_empty());
}

#[test]
fn limits_hold_and_name_themselves() {
    let long = vec![b' '; PAGE_BYTES_LIMIT + 1];
    let error = parse_json(&long, &base()).unwrap_err().to_string();
    assert_eq!(error, "a page of 67108865 bytes is over the limit of 67108864 (page length)");
    assert!(matches!(parse_html(&long, &base()), Err(PageError::TooLong { .. })));

    let many = format!(r#"{{"files":[{}{{}}]}}"#, "{},".repeat(PAGE_FILE_COUNT_LIMIT));
    assert!(matches!(parse_json(many.as_bytes(), &base()), Err(PageError::TooManyFiles)));
    let many = "<a href=x.whl>".repeat(PAGE_FILE_COUNT_LIMIT + 1);
    let error = parse_html(many.as_bytes(), &base()).unwrap_err().to_string();
    assert_eq!(error, "the page lists more files than the limit of 200000 (page file count)");
}

#[test]
fn credentials_never_come_through() {
    let page = json(r#"{"files":[{"filename":"a-1.zip","url":"https://me:secret@files.example/a-1.zip"}]}"#);
    assert_eq!(page.files[0].url, "https://files.example/a-1.zip");
    let page = html("<base href='//u:p@b.example/x/'><a href='a-1.zip'>");
    assert_eq!(page.files[0].url, "https://b.example/x/a-1.zip");
}

#[test]
fn an_html_page_is_read_with_all_it_says() {
    let page = html(&format!(
        r##"<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
        <meta name="pypi:project-status" content="deprecated">
        <meta name=pypi:project-status-reason content="use &lt;bar&gt;">
        <script>"<a href='no-1.whl'>"</script></head><body><h1>Links</h1>
        <a href="/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-linux_x86_64.whl#sha256={DIGEST}"
           data-requires-python="&gt;=3.10" data-dist-info-metadata="sha256={DIGEST}"
           data-core-metadata="true" data-upload-time="2025-11-12T15:19:24Z">torch &amp; co</a><br>
        <A HREF=foo-1.tar.gz?a=1&amp;b=2 DATA-YANKED>x</A>
        <a data-yanked="why &quot;not&quot;" href="foo-2.zip">y</a>
        <a href="../">up</a> <a name="x">none</a> <a href="javascript:alert(1)">js</a>
        <a href="mailto:x">m</a>"##
    ));
    assert_eq!(page.status, ProjectStatus::Deprecated);
    assert_eq!(page.status_reason.as_deref(), Some("use <bar>"));
    assert_eq!(page.skipped, []);
    let [torch, one, two] = &page.files[..] else { panic!("{:?}", page.files) };
    assert_eq!(torch.filename, "torch-2.9.1+cu128-cp312-cp312-linux_x86_64.whl");
    assert_eq!(torch.url, "https://index.example/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-linux_x86_64.whl");
    assert_eq!(torch.hashes.sha256, Some(DIGEST.to_lowercase()));
    assert_eq!(torch.requires_python.as_deref(), Some(">=3.10"));
    assert_eq!(torch.core_metadata, MetadataOffer::Present);
    assert_eq!(torch.upload_time.unwrap().to_string(), "2025-11-12T15:19:24Z");
    assert_eq!(one.filename, "foo-1.tar.gz");
    assert_eq!(one.url, "https://index.example/simple/foo/foo-1.tar.gz?a=1&b=2");
    assert_eq!(one.yanked, Yanked::Yes(None));
    assert_eq!(two.yanked, Yanked::Yes(Some("why \"not\"".into())));
}

#[test]
fn hostile_anchors_are_skipped_with_a_reason() {
    let page = html(
        "<a href='x/..%2f..%2fetc-1.whl'><a href='javascript:x-1.whl'><a href='file:///x-1.whl'>\
         <a href='a%00b-1.whl'><a href='x-1.whl#sha256=zz'><a href='https://[/x-1.whl'>\
         <a href='ok-1.whl' href='bad-1.whl'><a href='a%252fb-1.whl'>",
    );
    assert_eq!(page.files.iter().map(|file| file.filename.as_str()).collect::<Vec<_>>(), ["ok-1.whl"]);
    let skipped = reasons(&page);
    assert_eq!(skipped.len(), 7, "{skipped:?}");
    assert_eq!(skipped[0].0, "../../etc-1.whl");
    assert!(skipped[1].1.contains("scheme `javascript`"), "{skipped:?}");
    assert!(skipped[2].1.contains("scheme `file`"), "{skipped:?}");
}

#[test]
fn tag_soup_does_not_panic() {
    for text in [
        "<a",
        "<a href",
        "<a href=",
        "<a href='",
        "</a href='x-1.whl'>",
        "<base href><a href=x-1.whl>",
        "\0<\u{fffd}>",
    ] {
        html(text);
    }
    assert!(parse_html(b"\xff\xfe<a href='\xff-1.whl'>", &base()).unwrap().files.is_empty());
}

#[test]
fn a_folder_of_files_may_use_the_file_scheme() {
    let base: Url = "file:///wheels/index.html".parse().unwrap();
    let page = parse_html(b"<a href='foo-1-py3-none-any.whl'>", &base).unwrap();
    assert_eq!(page.files[0].url, "file:///wheels/foo-1-py3-none-any.whl");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_page_panic(bytes: Vec<u8>, text in "[<a hrefmtn='\"{}\\[\\]:,/#&;%.]{0,200}") {
        drop(parse_json(&bytes, &base()));
        drop(parse_html(&bytes, &base()));
        drop(parse_json(text.as_bytes(), &base()));
        drop(parse_html(text.as_bytes(), &base()));
    }
}
