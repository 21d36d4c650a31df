//! `requirements.txt` with includes: it ends, and what comes from an address sees no variable and no local file.
//!
//! The input is some files, divided by NUL: `0.txt`, which is read, then `1.txt` and so on. Each is on disk and at
//! `https://files.example/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::requirements_txt::{EntryKind, decode, parse_with_includes};

const ORIGIN: &str = "https://files.example/";
/// The value of every variable.
const SECRET: &str = "hunter2-canary";

fuzz_target!(|bytes: &[u8]| {
    let texts: Vec<String> = bytes.split(|byte| *byte == 0).filter_map(|file| decode(file).ok()).collect();
    if texts.iter().any(|text| text.contains(SECRET)) {
        return;
    }
    let mut load = |name: &str| {
        let name = name.strip_prefix(ORIGIN).unwrap_or(name);
        let number = name.strip_suffix(".txt").and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| texts.get(number).cloned()).ok_or_else(|| "no such file".to_owned())
    };
    let variables = |_: &str| Some(SECRET.to_owned());
    for first in ["0.txt", "https://files.example/0.txt"] {
        let Ok(file) = parse_with_includes(first, &mut load, &variables) else { continue };
        for entry in file.entries.iter().chain(&file.constraints) {
            assert!(entry.place.line > 0);
            if entry.place.file.starts_with(ORIGIN) {
                assert!(!format!("{:?}", entry.kind).contains(SECRET), "{entry:?} has a variable's value");
            }
            if let EntryKind::Requirement(requirement) = &entry.kind {
                let shown = requirement.to_string();
                assert_eq!(shown.parse().as_ref(), Ok(requirement), "{shown:?} reads differently");
            }
        }
        for include in file.includes.iter().filter(|_| first.starts_with(ORIGIN)) {
            let target = &include.value.target;
            assert!(target.contains("://") && !target.starts_with("file:"), "{target:?} is not on the web");
        }
    }
});
