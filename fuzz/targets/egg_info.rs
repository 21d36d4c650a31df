//! The metadata of a source tree: its requirements can be shown and read again, and are of what was asked for.
//!
//! The input is up to four files, divided by NUL: `requires.txt` and `PKG-INFO` of `demo.egg-info`, `PKG-INFO`,
//! `pyproject.toml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::egg_info::EggInfoRequires;
use mlresolve_packaging::sdist::{Expected, SourceFiles, static_metadata};
use mlresolve_packaging::{PackageName, Requirement, Version};

const PLACES: [&str; 4] =
    ["demo.egg-info/requires.txt", "demo.egg-info/PKG-INFO", "PKG-INFO", "pyproject.toml"];

fuzz_target!(|bytes: &[u8]| {
    let pieces = || bytes.split(|byte| *byte == 0);
    for piece in pieces().take(1) {
        let Ok(read) = EggInfoRequires::parse(piece) else { continue };
        can_be_read_again(&read.requires_dist);
    }
    let mut files = SourceFiles::default();
    for (place, piece) in PLACES.into_iter().zip(pieces()).filter(|(_, piece)| !piece.is_empty()) {
        assert!(SourceFiles::wants(place), "{place} is looked at");
        files.insert(place, piece);
    }
    let name: PackageName = "demo".parse().expect("a name");
    let version: Version = "1.0".parse().expect("a version");
    let expected = Expected { name: Some(&name), version: Some(&version) };
    if let Ok((metadata, _)) = static_metadata(&files, expected) {
        assert_eq!((&metadata.name, &metadata.version), (&name, &version), "it is of what was asked for");
        can_be_read_again(&metadata.requires_dist);
    }
});

fn can_be_read_again(requirements: &[Requirement]) {
    for requirement in requirements {
        let shown = requirement.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(requirement), "{shown:?} reads differently");
    }
}
