//! The platform tags of a machine, best first: the last part of a wheel's tag.

use crate::target::System;
use crate::{Glibc, MacOsVersion, Platform};

/// The platform tags that wheels for this machine may carry, in the order of PyPA's `packaging.tags`.
pub(crate) fn platform_tags(platform: Platform, system: System) -> Vec<String> {
    match system {
        System::Linux(glibc) => linux(platform, glibc),
        System::MacOs(macos) => macos_arm64(macos),
    }
}

/// The name that manylinux had for a glibc before PEP 600 put the version into the tag.
pub(crate) fn legacy_manylinux(glibc: Glibc) -> Option<&'static str> {
    match (glibc.major, glibc.minor) {
        (2, 17) => Some("manylinux2014"), // PEP 599
        (2, 12) => Some("manylinux2010"), // PEP 571
        (2, 5) => Some("manylinux1"),     // PEP 513
        _ => None,
    }
}

/// A wheel built for this very system comes first (as in `packaging` since 26.3), then manylinux from the newest
/// glibc down, each legacy name behind its version.
fn linux(platform: Platform, glibc: Glibc) -> Vec<String> {
    let machine = platform.machine();
    let mut tags = vec![format!("linux_{machine}")];
    let Some(oldest) = platform.oldest_glibc() else { return tags };
    for minor in (oldest.minor..=glibc.minor).rev() {
        let version = Glibc { minor, ..glibc };
        tags.push(format!("manylinux_{}_{}_{machine}", version.major, version.minor));
        if let Some(name) = legacy_manylinux(version) {
            tags.push(format!("{name}_{machine}"));
        }
    }
    tags
}

/// Each yearly release down to 11, then the versions before arm64, whose `universal2` wheels hold arm64 code too.
fn macos_arm64(macos: MacOsVersion) -> Vec<String> {
    let arm = (MacOsVersion::OLDEST.major..=macos.major).rev();
    let before = (4..=16).rev();
    arm.flat_map(|major| ["arm64", "universal2"].map(|format| format!("macosx_{major}_0_{format}")))
        .chain(before.map(|minor| format!("macosx_10_{minor}_universal2")))
        .collect()
}
