//! Lock files (PEP 751): what is read can be written, and reads and writes the same from then on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_lockfile::{DependencyGraph, RequirementsOptions, diff, read, requirements, size, write};

fuzz_target!(|bytes: &[u8]| {
    let Ok(first) = read(bytes) else { return };
    let text = write(&first.lock).expect("a lock that was read can be written");
    let second = read(text.as_bytes()).expect("a lock that was written can be read");
    let mut sorted = first.lock;
    sorted.sort();
    assert_eq!(second.lock, sorted, "reading what was written gives another lock");
    assert_eq!(write(&second.lock).as_ref(), Ok(&text), "writing again gives another text");

    assert!(diff(&sorted, &second.lock).is_empty(), "a lock differs from itself");
    drop(size(&sorted));
    let _ = requirements(&sorted, &RequirementsOptions::default());
    assert!(DependencyGraph::of(&sorted).tree().count() < 4 * bytes.len());
});
