//! RECORD and the other small files of `.dist-info`: what is written of a RECORD reads the same, and a script's name is one
//! harmless path component.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::{ScriptEntryPoints, WheelMetadata, parse_record, write_record};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(rows) = parse_record(bytes) {
        let written = write_record(&rows);
        assert_eq!(parse_record(written.as_bytes()), Ok(rows), "what is written reads differently");
    }
    drop(WheelMetadata::parse(bytes));
    if let Ok(scripts) = ScriptEntryPoints::parse(bytes) {
        for script in scripts.console.iter().chain(&scripts.gui) {
            assert!(
                !script.name.contains(['/', '\\', '\0', '\n'])
                    && !matches!(script.name.as_str(), "" | "." | "..")
            );
            assert!(
                !script.module.contains([';', '(', ' ', '\n'])
                    && !script.attribute.contains([';', '(', ' ', '\n'])
            );
        }
    }
});
