//! Conformance with PyPA's `packaging.tags`: the whole ordered list of tags for every pair of an interpreter and a
//! machine that `tools/vectors/generate.py` has written.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be read fails the test")]

use mlresolve_target::{Platform, PythonVersion, Target};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    /// A platform, its glibc or macOS, and its platform tags in order.
    platforms: Vec<(Platform, String, Vec<String>)>,
    /// A Python and its tags; one of two parts stands for one with each platform tag.
    interpreters: Vec<(PythonVersion, Vec<String>)>,
}

#[test]
fn tags_are_those_of_packaging_in_the_same_order() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/tags.json")).unwrap();
    let mut targets = 0;
    let mut wrong = Vec::new();
    for (platform, version, platform_tags) in &vectors.platforms {
        for (python, tags) in &vectors.interpreters {
            let target = target(*python, *platform, version);
            let expected: Vec<String> = tags.iter().flat_map(|tag| written_out(tag, platform_tags)).collect();
            let found: Vec<String> = target.tags().iter().map(|tag| tag.to_string()).collect();
            targets += 1;
            if found != expected {
                let at =
                    found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
                wrong.push(format!(
                    "python {python} on {platform} {version}: {} tags of {}, the first difference at {at}: {:?} for {:?}",
                    found.len(),
                    expected.len(),
                    found.get(at),
                    expected.get(at)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {targets} lists differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(targets, 130);
}

fn target(python: PythonVersion, platform: Platform, version: &str) -> Target {
    let target = Target::new("t", python, platform).unwrap();
    if platform.is_linux() {
        target.with_glibc(version.parse().unwrap()).unwrap()
    } else {
        target.with_macos(version.parse().unwrap()).unwrap()
    }
}

fn written_out(tag: &str, platform_tags: &[String]) -> Vec<String> {
    if tag.split('-').count() == 3 {
        return vec![tag.to_owned()];
    }
    platform_tags.iter().map(|platform| format!("{tag}-{platform}")).collect()
}
