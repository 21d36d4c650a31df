//! `requirements.txt` with includes: it ends, and what comes from an address sees no variable and no local file.
//!
//! The input is some files, divided by NUL: `0.txt`, which is read, then `1.txt` and so on. Each is on disk and at
//! `https://files.example/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::requirements_txt::{EntryKind, decode, parse_with_includes};

const ORIGIN: &str = "https://files.example/";

fuzz_target!(|bytes: &[u8]| {
    let texts: Vec<String> = bytes.split(|byte| *byte == 0).filter_map(|file| decode(file).ok()).collect();
    let load = |name: &str| {
        let name = name.strip_prefix(ORIGIN).unwrap_or(name);
        let number = name.strip_suffix(".txt").and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| texts.get(number).cloned()).ok_or_else(|| "no such file".to_owned())
    };
    let read =
        |first: &str, value: &str| parse_with_includes(first, &mut { load }, &|_| Some(value.to_owned()));
    let at_address = |value| read(&format!("{ORIGIN}0.txt"), value);
    let (remote, other) = (at_address("one"), at_address("2.txt"));
    assert_eq!(remote, other, "the value of a variable counts");
    for file in [read("0.txt", "one"), read("0.txt", "1.txt"), remote].into_iter().flatten() {
        for entry in file.entries.iter().chain(&file.constraints) {
            assert!(entry.place.line > 0);
            if let EntryKind::Requirement(requirement) = &entry.kind {
                let shown = requirement.to_string();
                assert_eq!(shown.parse().as_ref(), Ok(requirement), "{shown:?} reads differently");
            }
        }
        for include in file.includes.iter().filter(|include| include.place.file.starts_with(ORIGIN)) {
            let target = &include.value.target;
            assert!(target.contains("://") && !target.starts_with("file:"), "{target:?} is not on the web");
        }
    }
});
