//! Markers (PEP 508): evaluation ends, and what is shown means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::{ExtraName, GroupName, Marker, MarkerEnvironment};

fuzz_target!(|text: &str| {
    let Ok(marker) = text.parse::<Marker>() else { return };
    let shown = marker.to_string();
    let again: Marker = shown.parse().expect("a marker that is shown can be read");
    assert_eq!(again, marker);
    assert_eq!(results(&again), results(&marker), "{shown:?} means something else");
    if !marker.mentions_extra() {
        let environment = environment();
        let extras = ["a".parse().expect("a name")];
        assert_eq!(marker.evaluate(&environment, &[]), marker.evaluate(&environment, &extras));
    }
});

/// Whether the marker holds, in each way to ask.
fn results(marker: &Marker) -> [bool; 4] {
    let environment = environment();
    let extras: [ExtraName; 2] = ["a", "gpu"].map(|name| name.parse().expect("a name"));
    let groups: [GroupName; 1] = ["dev".parse().expect("a name")];
    [
        marker.evaluate(&environment, &[]),
        marker.evaluate(&environment, &extras),
        marker.evaluate_lock(&environment, &[], &[]),
        marker.evaluate_lock(&environment, &extras, &groups),
    ]
}

fn environment() -> MarkerEnvironment {
    let text = str::to_owned;
    MarkerEnvironment {
        implementation_name: text("cpython"),
        implementation_version: text("3.12.0"),
        os_name: text("posix"),
        platform_machine: text("x86_64"),
        platform_python_implementation: text("CPython"),
        platform_release: text("6.8.0-45-generic"),
        platform_system: text("Linux"),
        platform_version: text("#45-Ubuntu SMP"),
        python_full_version: text("3.12.0"),
        python_version: text("3.12"),
        sys_platform: text("linux"),
    }
}
