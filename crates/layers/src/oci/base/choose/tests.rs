//! Names and platforms.

use super::*;

fn platform(text: &str) -> Platform {
    let mut parts = text.split('/').map(str::to_owned);
    Platform { os: parts.next().unwrap(), architecture: parts.next().unwrap(), variant: parts.next() }
}

fn chosen(reference: Option<&str>, wanted: &str, images: &[(&str, &str)]) -> Result<usize, String> {
    let candidate = |(at, (name, on)): (usize, &(&str, &str))| Candidate {
        names: vec![(*name).to_owned()],
        platform: platform(on),
        digest: Digest::of(name.as_bytes()),
        at,
    };
    let candidates = images.iter().enumerate().map(candidate).collect();
    choose("base.tar", reference, &platform(wanted), candidates)
        .map(|candidate| candidate.at)
        .map_err(|error| error.to_string())
}

#[test]
fn variants_that_are_the_same() {
    for (found, wanted, same) in [
        ("linux/amd64", "linux/amd64", true),
        ("linux/arm64/v8", "linux/arm64", true),
        ("linux/arm64", "linux/arm64/v8", true),
        ("linux/amd64/v3", "linux/amd64", false),
        ("linux/arm/v7", "linux/arm64", false),
        ("windows/amd64", "linux/amd64", false),
        ("unknown/unknown", "linux/amd64", false),
    ] {
        assert_eq!(same_platform(&platform(found), &platform(wanted)), same, "{found} for {wanted}");
    }
}

#[test]
fn an_image_is_called_by_its_name_its_tag_or_its_digest() {
    let images =
        [("registry.example/a:1", "linux/amd64"), ("b:2", "linux/amd64"), ("nightly", "linux/amd64")];
    let digest = Digest::of(b"b:2").to_string();
    for (called, at) in
        [("registry.example/a:1", 0), ("1", 0), ("b:2", 1), ("library/b:2", 1), (&digest, 1), ("nightly", 2)]
    {
        assert_eq!(chosen(Some(called), "linux/amd64", &images), Ok(at), "{called}");
    }
}

#[test]
fn errors_say_what_there_is() {
    let images = [("a:1", "linux/amd64"), ("a:2", "linux/amd64"), ("b\u{1b}[31m:1", "linux/arm64")];
    let none = chosen(Some("a:3"), "linux/amd64", &images).unwrap_err();
    assert!(
        none.starts_with(
            "base.tar has no image named \"a:3\" for linux/amd64; it has: a:1 linux/amd64 sha256:"
        )
    );
    assert!(!none.contains('\u{1b}'), "{none}");
    let several = chosen(None, "linux/amd64", &images).unwrap_err();
    assert!(several.starts_with("base.tar has several images for linux/amd64; say which"), "{several}");
    assert!(!several.contains("arm64"), "{several}");
    assert_eq!(chosen(None, "linux/arm64", &images), Ok(2));
    assert!(chosen(None, "linux/amd64", &[]).unwrap_err().ends_with("it has: none"));
}
