//! Pages of the Simple API, as JSON and as HTML: no file leads off the web, out of its folder or to a credential.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::simple::{ProjectPage, parse_html, parse_json};
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let base = Url::parse("https://user:password@index.example/simple/demo/").expect("an address");
    for page in [parse_json(bytes, &base).ok(), parse_html(bytes, &base).ok()].into_iter().flatten() {
        check(&page);
    }
});

fn check(page: &ProjectPage) {
    for file in &page.files {
        let url = Url::parse(&file.url).expect("a file's address is one");
        assert!(matches!(url.scheme(), "http" | "https"), "{url}");
        assert!(url.username().is_empty() && url.password().is_none(), "{url} holds a credential");
        assert!(url.fragment().is_none(), "{url} holds a fragment");
        assert_eq!(url.as_str(), file.url);
        let name = &file.filename;
        assert!(!name.is_empty() && !name.contains(['/', '\\']), "{name:?} is no file name");
        assert!(!name.contains(char::is_control), "{name:?} has control characters");
        if let Some(digest) = &file.hashes.sha256 {
            assert!(
                digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            );
        }
    }
}
