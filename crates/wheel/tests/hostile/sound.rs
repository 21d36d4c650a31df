//! What must pass: every archive that the `zip` crate writes, and a wheel with everything in it.

use std::io::{Cursor, Write as _};

use mlresolve_wheel::{Archive, FileSource, Inflater, Limits, Wheel};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::raw::{FILE, Member, layout, wheel};

const ALL: &[(&str, &[u8])] = &[
    ("demo/__init__.py", b""),
    ("demo/tool.sh", b"#!/bin/sh\n"),
    ("demo-1.0.data/scripts/run", b"#!python -E\r\nprint(1)\n"),
    ("demo-1.0.data/scripts/sh", b"#!/bin/sh\n"),
    ("demo-1.0.data/data/share/demo/x", b"1"),
    ("demo-1.0.data/headers/demo.h", b"2"),
    ("demo-1.0.data/platlib/demo/plat.py", b"3"),
    (
        "demo-1.0.dist-info/entry_points.txt",
        b"[console_scripts]\nmain = demo.a : Main.run [x]\n[gui_scripts]\nwin=demo:f\n",
    ),
];

#[test]
fn a_wheel_with_everything_is_planned() {
    let mut zip = wheel(ALL);
    zip.members.insert(0, Member::folder("demo/"));
    zip.member("demo/tool.sh").attributes |= 0o010 << 16;
    let bytes = zip.build();
    let mut reader = Cursor::new(&bytes);
    let wheel = Wheel::read(&mut reader, FILE, &Limits::default()).unwrap();
    wheel.verify(&mut reader).unwrap();
    let plan = wheel.plan(&layout()).unwrap();
    let shown: Vec<String> =
        plan.files.iter().map(|file| format!("{:o} {:>3} {}", file.mode(), file.size, file.path)).collect();
    assert_eq!(
        shown,
        [
            "755 296 bin/main",
            "755  32 bin/run",
            "755  10 bin/sh",
            "755 284 bin/win",
            "644   1 include/site/python3.12/demo/demo.h",
            "644  10 lib/python3.12/site-packages/demo-1.0.dist-info/INSTALLER",
            "644  46 lib/python3.12/site-packages/demo-1.0.dist-info/METADATA",
            "644 1024 lib/python3.12/site-packages/demo-1.0.dist-info/RECORD",
            "644  59 lib/python3.12/site-packages/demo-1.0.dist-info/WHEEL",
            "644  72 lib/python3.12/site-packages/demo-1.0.dist-info/entry_points.txt",
            "644   0 lib/python3.12/site-packages/demo/__init__.py",
            "644   1 lib/python3.12/site-packages/demo/plat.py",
            "755  10 lib/python3.12/site-packages/demo/tool.sh",
            "644   1 share/demo/x",
        ]
    );
    let content = |path: &str| {
        let file = plan.files.iter().find(|file| file.path == path).unwrap();
        let mut content = Vec::new();
        wheel
            .stream(&mut Cursor::new(&bytes), &mut Inflater::default(), file, |piece| content.extend(piece))
            .unwrap();
        assert_eq!(content.len() as u64, file.size);
        assert_eq!(crc32fast::hash(&content), file.crc32);
        String::from_utf8(content).unwrap()
    };
    assert_eq!(content("bin/run"), "#!/opt/venv/bin/python\nprint(1)\n");
    assert!(content("bin/main").contains("from demo.a import Main\n"));
    let record = content("lib/python3.12/site-packages/demo-1.0.dist-info/RECORD");
    let paths: Vec<_> = record.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert!(paths.is_sorted());
    assert!(paths.contains(&"../../../bin/main") && paths.contains(&"../../../share/demo/x"));
    assert_eq!(paths.len(), plan.files.len());
    assert!(record.contains("demo-1.0.dist-info/RECORD,,\n"));
}

#[test]
fn where_the_data_of_an_entry_is_can_be_copied_from() {
    let bytes = wheel(ALL).build();
    let wheel = Wheel::read(&mut Cursor::new(&bytes), FILE, &Limits::default()).unwrap();
    let plan = wheel.plan(&layout()).unwrap();
    let mut copied = 0;
    for file in &plan.files {
        let FileSource::Entry(entry) = &file.source else { continue };
        let start = usize::try_from(entry.data_offset).unwrap();
        let data = &bytes[start..start + usize::try_from(entry.compressed_size).unwrap()];
        let mut content = Vec::new();
        flate2::write::DeflateDecoder::new(&mut content).write_all(data).unwrap();
        assert_eq!(crc32fast::hash(&content), file.crc32, "{}", file.path);
        copied += 1;
    }
    assert!(copied > 5);
}

proptest! {
    #[test]
    fn what_the_zip_crate_writes_passes(
        files in proptest::collection::btree_map("[a-z]{1,8}", proptest::collection::vec(any::<u8>(), 0..3000), 0..20),
        stored in any::<bool>(),
        large in any::<bool>(),
        level in proptest::option::of(1..=9_i64),
    ) {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let method = if stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let level = level.filter(|_| !stored);
        let options = SimpleFileOptions::default().compression_method(method).large_file(large).compression_level(level);
        writer.add_directory("folder/", SimpleFileOptions::default()).unwrap();
        for (name, content) in &files {
            writer.start_file(format!("folder/{name}.é"), options).unwrap();
            writer.write_all(content).unwrap();
        }
        let mut reader = writer.finish().unwrap();
        let archive = Archive::read(&mut reader, &Limits::default());
        let archive = archive.map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        prop_assert_eq!(archive.entries().len(), files.len() + 1);
    }

    #[test]
    fn no_change_of_one_byte_changes_what_is_installed(at in 0_usize..1000, value in any::<u8>()) {
        let bytes = wheel(&[("a.py", b"print(1)\n"), ("demo-1.0.data/scripts/x", b"#!python\n")]).build();
        let contents = |bytes: &[u8]| -> Option<Vec<(String, Vec<u8>)>> {
            let mut reader = Cursor::new(bytes);
            let wheel = Wheel::read(&mut reader, FILE, &Limits::default()).ok()?;
            wheel.verify(&mut reader).ok()?;
            let plan = wheel.plan(&layout()).ok()?;
            let mut found = Vec::new();
            for file in &plan.files {
                let mut content = Vec::new();
                let each = |piece: &[u8]| content.extend_from_slice(piece);
                wheel.stream(&mut reader, &mut Inflater::default(), file, each).ok()?;
                found.push((file.path.clone(), content));
            }
            Some(found)
        };
        let mut changed = bytes.clone();
        let at = at % bytes.len();
        changed[at] = value;
        if let Some(found) = contents(&changed) {
            prop_assert_eq!(Some(found), contents(&bytes));
        }
    }
}
