//! Archives: the entries of what is taken fill the file without a gap, another reader sees the same ones, and a wheel in it
//! installs each file at one place below its prefix.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use mlresolve_wheel::{Archive, Layout, Limits, Wheel};

fuzz_target!(|bytes: &[u8]| {
    // What inflates to more is refused, so that a run takes little time.
    let limits = Limits { unpacked: 8 << 20, ..Limits::default() };
    let mut reader = Cursor::new(bytes);
    let Ok(archive) = Archive::read(&mut reader, &limits) else { return };
    let mut at = 0;
    for entry in archive.entries() {
        assert_eq!(entry.header_offset, at, "a gap in front of {:?}", entry.name);
        at = entry.data_offset + entry.compressed_size;
        assert!(entry.name.split('/').all(|part| !matches!(part, "" | "." | "..")), "{:?}", entry.name);
    }
    let mut other = zip::ZipArchive::new(Cursor::new(bytes)).expect("another reader takes it as well");
    assert_eq!(other.len(), archive.entries().len());
    for entry in archive.entries() {
        let name = if entry.is_folder { format!("{}/", entry.name) } else { entry.name.clone() };
        let found = other.by_name(&name).expect("another reader sees the same names");
        assert_eq!((found.size(), found.compressed_size()), (entry.size, entry.compressed_size), "{name:?}");
    }
    let Ok(wheel) = Wheel::read(&mut reader, "demo-1.0-py3-none-any.whl", &limits) else { return };
    let layout = Layout::new("/opt/venv", "3.12".parse().expect("a version")).expect("a prefix");
    if let (Ok(()), Ok(plan)) = (wheel.verify(&mut reader), wheel.plan(&layout)) {
        assert!(plan.files.is_sorted_by(|left, right| left.path < right.path));
        assert!(plan.files.iter().all(|file| !file.path.starts_with('/') && !file.path.contains("../")));
    }
});
