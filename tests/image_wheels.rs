//! Layers of real wheels: their bytes are pinned, since an image of yesterday has to share them with one of tomorrow.
//!
//! The wheels are in `tests/wheels`, whose NOTICE says whose they are.

use std::path::PathBuf;

use insta::assert_snapshot;
use mlresolve::layers::plan::bucket;
use mlresolve_testkit::{IndexServer, Universe, WheelBuilder, sha256_hex};

use crate::bases::{layer_of, layers, noise, read, report};
use crate::support::Project;

/// The wheels, by the names of their packages.
const WHEELS: [&str; 10] =
    ["click", "colorama", "h11", "idna", "iniconfig", "markupsafe", "packaging", "six", "sniffio", "tomli"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wheels")
}

/// A project with a lock of these of the wheels, and of a large one that is made here.
fn locked(packages: &[&str]) -> Project {
    let large = WheelBuilder::new("large", "1.0").file("large.bin", noise(7, 11_000_000)).build();
    let project = Project::beside(IndexServer::start(Universe::new().distribution("large", large)));
    project.write("requirements.txt", &packages.join("\n"));
    let folder = folder().display().to_string();
    project.run_with(&["lock", "--find-links", &folder], &[]).success();
    project
}

#[test]
fn layers_of_real_wheels_have_the_bytes_that_they_always_had() {
    let mut lines = Vec::new();
    for name in WHEELS {
        // Alone, since small packages may share a layer.
        let project = locked(&[name]);
        let of = |codec: &str| {
            report(project.run(&format!("build --layers-only --compression {codec} -o {codec} --json")))
        };
        let (gzip, zstd) = (of("gzip"), of("zstd"));
        let field = |layer: &serde_json::Value, name: &str| layer[name].to_string().replace('"', "");
        let (gzip, zstd) = (&layers(&gzip)[0], &layers(&zstd)[0]);
        assert_eq!(field(gzip, "diff-id"), field(zstd, "diff-id"));
        let package = &gzip["packages"][0];
        lines.push(format!("{} {}", field(package, "name"), field(package, "version")));
        lines.push(format!("    tar   {} {}", field(gzip, "diff-id"), field(gzip, "unpacked-bytes")));
        for (codec, layer) in [("gzip", gzip), ("zstd", zstd)] {
            lines.push(format!("    {codec}  {} {}", field(layer, "digest"), field(layer, "bytes")));
            assert_eq!(read(&project.path(codec)).layers.len(), 1);
        }
    }
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_wheel_in_two_locks_is_one_layer() {
    let apart = |name: &&&str| bucket(name) != bucket("six");
    let others: Vec<&str> = WHEELS.iter().filter(apart).copied().collect();
    let build = |packages: &[&str]| {
        let project = locked(packages);
        report(project.run("build --layers-only --json"))
    };
    let first = build(&["six", "large", others[0]]);
    let second = build(&["large", others[1], "six", others[2]]);
    for package in ["six", "large"] {
        let [first, second] = [&first, &second].map(|report| layer_of(report, package));
        assert_eq!(first["digest"], second["digest"], "{package}");
        assert_eq!(first["packages"], second["packages"]);
    }
    assert_ne!(first["digest"], second["digest"]);
}

#[test]
fn the_notice_names_every_wheel() {
    let notice = std::fs::read_to_string(folder().join("NOTICE")).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "whl") {
            continue;
        }
        let digest = sha256_hex(&std::fs::read(&path).unwrap());
        let line = notice.lines().find(|line| line.contains(&digest));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(line.is_some_and(|line| line.ends_with(&name)), "{name} {digest}");
        count += 1;
    }
    assert_eq!(count, WHEELS.len());
}
