//! Core metadata: what is kept of it reads as the whole does, and its requirements can be shown and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::metadata::{CoreMetadata, relevant_headers};

fuzz_target!(|bytes: &[u8]| {
    let whole = CoreMetadata::parse(bytes).ok();
    let kept = relevant_headers(bytes);
    assert!(kept.len() <= bytes.len());
    assert_eq!(CoreMetadata::parse(&kept).ok(), whole, "what is kept reads differently");
    assert_eq!(relevant_headers(&kept), kept, "what is kept is kept again");
    for requirement in whole.iter().flat_map(|metadata| &metadata.requires_dist) {
        let shown = requirement.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(requirement), "{shown:?} reads differently");
    }
});
