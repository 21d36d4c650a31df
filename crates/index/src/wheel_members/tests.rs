use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use super::*;

/// The directory of an archive with these members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn members_of(archive: Vec<u8>) -> Result<WheelMembers, String> {
    WheelMembers::of_directory(&*read_directory(Cursor::new(archive), 1 << 20)?)
}

fn paths(members: &WheelMembers) -> Vec<&str> {
    members.iter().map(|member| member.path).collect()
}

#[test]
fn files_are_listed_where_they_are_installed() {
    let empty: &[u8] = b"";
    let members = members_of(archive(&[
        ("demo/__init__.py", b"pass"),
        ("demo/lib/", empty),
        ("demo/__pycache__/__init__.cpython-312.pyc", empty),
        ("demo-1.0.data/purelib/demo/pure.py", empty),
        ("demo-1.0.data/platlib/demo/native.so", empty),
        ("demo-1.0.data/scripts/demo", empty),
        ("demo-1.0.data/data/share/demo.txt", empty),
        ("demo-1.0.data/data/bin/tool", empty),
        ("demo-1.0.data/headers/demo.h", empty),
        ("demo-1.0.data/unknown/x", empty),
        ("demo-1.0.dist-info/METADATA", empty),
        ("demo-1.0.dist-info/licenses/LICENSE", empty),
        ("some.data/scripts/x", empty),
    ]))
    .unwrap();
    assert_eq!(
        paths(&members),
        [
            "demo-1.0.data/unknown/x",
            "demo/__init__.py",
            "demo/native.so",
            "demo/pure.py",
            "some.data/scripts/x",
            "{headers}/demo/demo.h",
            "{prefix}/bin/demo",
            "{prefix}/bin/tool",
            "{prefix}/share/demo.txt",
        ]
    );
    let first = members.iter().nth(1).unwrap();
    assert_eq!((first.crc32, first.bytes), (crc32fast::hash(b"pass"), 4));
}

#[test]
fn a_path_that_leads_out_is_refused() {
    for path in
        ["/etc/passwd", "../x", "demo/../../x", "demo/..", "demo-1.data/data/../x", "a\0b", ".", "./", "//"]
    {
        let refused = install_path(path).unwrap_err();
        assert!(refused.contains("leads out"), "{path:?}: {refused}");
    }
    let error = members_of(archive(&[("demo/x.py", b""), ("demo/../../evil.py", b"")])).unwrap_err();
    assert_eq!(error, "the path \"demo/../../evil.py\" leads out of the place where the wheel is installed");
}

#[test]
fn spellings_of_one_path_are_one_file_and_the_later_counts() {
    let members = members_of(archive(&[
        ("demo/x.py", b"first"),
        ("./demo//x.py", b"second"),
        ("demo-1.data/purelib/demo/x.py", b"third"),
    ]))
    .unwrap();
    assert_eq!(paths(&members), ["demo/x.py"]);
    assert_eq!(members.iter().next().unwrap().crc32, crc32fast::hash(b"third"));
}

#[test]
fn names_twice_in_a_directory_are_one_file() {
    let mut twice = archive(&[("demo/a.py", b"one"), ("demo/b.py", b"two")]);
    while let Some(at) = twice.windows(9).position(|window| window == b"demo/b.py") {
        twice[at + 5] = b'a';
    }
    let members = members_of(twice).unwrap();
    assert_eq!(paths(&members), ["demo/a.py"]);
    assert_eq!(members.iter().next().unwrap().crc32, crc32fast::hash(b"two"));
}

#[test]
fn entries_that_overlap_are_listed_without_being_unpacked() {
    // Both entries of the directory point at the same local header, as in a bomb.
    let mut bomb = archive(&[("demo/a.py", b"one"), ("demo/b.py", b"two")]);
    let second = bomb.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bomb[second + 42..second + 46].fill(0);
    assert_eq!(paths(&members_of(bomb).unwrap()), ["demo/a.py", "demo/b.py"]);
}

#[test]
fn a_huge_or_broken_directory_is_refused() {
    let names: Vec<String> = (0..2000).map(|number| format!("demo/{number}.py")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let huge = archive(&members);
    let error = read_directory(Cursor::new(&huge), 100_000).err().unwrap();
    assert_eq!(error, "its directory holds more than 100000 bytes, the limit `wheel directory`");
    assert_eq!(members_of(huge.clone()).unwrap().len(), 2000);
    // A directory that claims more files than there are.
    let mut claims = huge.clone();
    let end = claims.len() - 22;
    claims[end + 8..end + 12].fill(0xfe);
    assert!(members_of(claims).is_err());
    assert!(members_of(huge[..huge.len() - 30].to_vec()).is_err());
    assert!(members_of(Vec::new()).is_err());
}

fn sample() -> WheelMembers {
    let mut members = WheelMembers::default();
    for (path, crc32, bytes) in [
        ("demo/__init__.py", 0, 0),
        ("demo/lib/libdemo.so.1", 0xdead_beef, 5_000_000_000),
        ("demo/lib/libdemo.so.2", 1, 127),
        ("demo/é.py", 2, 128),
        ("demo/è.py", 3, u64::MAX),
        ("{prefix}/bin/demo", u32::MAX, 1),
    ] {
        members.push(path, crc32, bytes).unwrap();
    }
    members
}

#[test]
fn what_is_stored_is_read_back() {
    for members in [WheelMembers::default(), sample()] {
        assert_eq!(WheelMembers::decode(&members.encode()).unwrap(), members);
    }
    assert!(sample().encode().len() < 120, "{}", sample().encode().len());
}

#[test]
fn a_damaged_store_is_no_list() {
    let good = sample().encode();
    assert!(WheelMembers::decode(&[&good[..], b"x"].concat()).is_none());
    for length in 0..good.len() {
        assert!(WheelMembers::decode(&good[..length]).is_none(), "{length}");
    }
    // Whatever else comes out, it is a list that can be walked.
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Some(members) = WheelMembers::decode(&flipped) {
            assert_eq!(members.iter().count(), members.len());
        }
    }
    assert!(WheelMembers::decode(&[0xff; 40]).is_none());
    assert!(WheelMembers::decode(&[0xff, 0xff, 0x1e, 0, 0]).is_none());
}
