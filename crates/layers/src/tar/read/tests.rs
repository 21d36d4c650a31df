//! Archives as tools write them, and as nobody should.

use std::io::Read;

use super::*;

/// A header with a right sum.
fn header(name: &[u8], kind: u8, size: u64, target: &[u8]) -> Vec<u8> {
    let mut header = ::tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target);
    header.as_mut_bytes()[156] = kind;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len() as u64, b"");
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// The name, kind and content of every entry, read as a stream and with passing over.
fn read(archive: &[u8]) -> Result<Vec<(String, Kind, String)>, TarError> {
    let mut reader = Reader::new(archive);
    let mut found = Vec::new();
    while let Some(entry) = reader.next()? {
        let mut content = String::new();
        reader.content().read_to_string(&mut content)?;
        found.push((text(&entry.path), entry.kind, content + &text(&entry.target)));
    }
    reader.finish()?;
    let bytes = archive.to_vec();
    let mut passing = Reader::skipping(Section::new(&bytes, 0, bytes.len() as u64));
    for (path, ..) in &found {
        assert_eq!(passing.next()?.map(|entry| text(&entry.path)).as_ref(), Some(path));
    }
    assert!(passing.next()?.is_none());
    Ok(found)
}

fn records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest..rest + 5).find(|length| length.to_string().len() + rest == *length).unwrap();
        bytes.extend(format!("{length} {key}=").bytes().chain(value.iter().copied()).chain(*b"\n"));
    }
    entry(b"PaxHeaders/x", b'x', &bytes)
}

#[test]
fn names_of_every_form() {
    let long = "d/".repeat(80) + "file";
    let archive = [
        entry(b"plain", b'0', b"1"),
        entry(b"old", 0, b"2"),
        entry(b"olddir/", 0, b""),
        entry(b"dir", b'5', b""),
        records(&[("path", long.as_bytes()), ("SCHILY.xattr.security.capability", b"\x01\n\0=\n")]),
        entry(b"short", b'0', b"3"),
        entry(b"././@LongLink", b'L', format!("{long}2\0").as_bytes()),
        entry(b"short", b'0', b"4"),
        records(&[("linkpath", b"elsewhere")]),
        header(b"soft", b'2', 0, b"here"),
        entry(b"././@LongLink", b'K', b"far\0"),
        header(b"hard", b'1', 77, b"near"),
        entry(b"pax_global_header", b'g', b"20 comment=whatever\n"),
        header(b"null", b'3', 0, b""),
        entry(b"l\xe4tin", b'0', b"5"),
        vec![0; 2 * BLOCK],
        b"what follows is nobody's".to_vec(),
    ]
    .concat();
    let expected = [
        ("plain", Kind::File, "1"),
        ("old", Kind::File, "2"),
        ("olddir/", Kind::Directory, ""),
        ("dir", Kind::Directory, ""),
        (&long, Kind::File, "3"),
        (&format!("{long}2"), Kind::File, "4"),
        ("soft", Kind::Symlink, "elsewhere"),
        ("hard", Kind::HardLink, "far"),
        ("null", Kind::Character, ""),
        ("l\\xe4tin", Kind::File, "5"),
    ];
    let found = read(&archive).unwrap();
    let found: Vec<_> =
        found.iter().map(|(path, kind, text)| (path.as_str(), *kind, text.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_size_in_the_records_counts() {
    let mut lying = header(b"a", b'0', 0, b"");
    lying.extend(b"hello");
    lying.resize(2 * BLOCK, 0);
    let archive = [records(&[("size", b"5")]), lying, entry(b"b", b'0', b"")].concat();
    let found = read(&archive).unwrap();
    assert_eq!(
        found.iter().map(|(path, _, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>(),
        [("a", "hello"), ("b", "")]
    );
}

#[test]
fn archives_that_end_early() {
    let archive = [entry(b"a", b'0', &[b'x'; 700]), entry(b"b", b'0', b"y")].concat();
    // At the boundary of a block, with one block of zeros, and with none.
    assert_eq!(read(&archive).unwrap().len(), 2);
    assert_eq!(read(&[archive.clone(), vec![0; BLOCK]].concat()).unwrap().len(), 2);
    assert_eq!(read(b"").unwrap().len(), 0);
    for length in [100, 600, 1200, 1600, archive.len() - 1] {
        assert!(read(&archive[..length]).is_err(), "{length}");
    }
}

#[test]
fn hostile_headers() {
    let with = |at: usize, bytes: &[u8]| {
        let mut block = header(b"a", b'0', 0, b"");
        block[at..at + bytes.len()].copy_from_slice(bytes);
        let mut header = ::tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let zero = vec![0; BLOCK];
    for (name, archive) in [
        ("no sum", [b"garbage".to_vec(), vec![0; BLOCK - 7]].concat()),
        ("a block after a block of zeros", [zero, entry(b"a", b'0', b"")].concat()),
        ("a size that is none", with(124, b"99999999999\0")),
        ("a negative size", with(124, &[0xff; 12])),
        ("a size beyond 64 bits", with(124, &[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])),
        ("a size beyond 63 bits", with(124, &[0x80, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 1])),
        ("a name of a gigabyte", header(b"././@LongLink", b'L', 1 << 30, b"")),
        ("a sparse file of GNU", entry(b"a", b'S', b"")),
        ("a sparse file of pax", [records(&[("GNU.sparse.major", b"1")]), entry(b"a", b'0', b"")].concat()),
        ("an unknown type", entry(b"a", b'V', b"")),
        ("a zero in a path", [records(&[("path", b"a\0b")]), entry(b"a", b'0', b"")].concat()),
        ("a record that is cut", [entry(b"x", b'x', b"30 path=a\n"), entry(b"a", b'0', b"")].concat()),
        ("a record without a key", [entry(b"x", b'x', b"5 =a\n"), entry(b"a", b'0', b"")].concat()),
        ("a record of length 0", [entry(b"x", b'x', b"0 path=a\n"), entry(b"a", b'0', b"")].concat()),
    ] {
        assert!(read(&archive).is_err(), "{name}");
    }
}
