use std::io::{Cursor, Write};

use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;

use super::*;
use crate::tar_members::tests::member;

const INFO: &[u8] = b"Metadata-Version: 2.2\nName: demo\nVersion: 1\n";

fn gz(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn bz2(tar: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8], extension: SdistExtension, limits: &SdistLimits) -> Result<Vec<String>, String> {
    let files = read_sdist(Cursor::new(bytes), extension, "", limits).map_err(|error| error.to_string())?;
    Ok(files.iter().map(|(path, _)| path.to_owned()).collect())
}

fn read_tar_gz(members: &[Vec<u8>]) -> Result<Vec<String>, String> {
    read(&gz(&members.concat()), SdistExtension::TarGz, &SdistLimits::default())
}

#[test]
fn every_form_of_archive_gives_the_same_files() {
    let tar = [
        member("./any-name/", b'5', b""),
        member("./any-name/PKG-INFO", b'0', INFO),
        member("./any-name/setup.py", b'0', b"x"),
        member("./any-name/src/demo.egg-info/requires.txt", b'0', b"six"),
        member("./any-name/deeper/demo.egg-info/requires.txt", b'0', b"no"),
        vec![0; 1024],
    ]
    .concat();
    let expected = Ok(vec!["PKG-INFO".to_owned(), "src/demo.egg-info/requires.txt".to_owned()]);
    let limits = SdistLimits::default();
    assert_eq!(read(&tar, SdistExtension::Tar, &limits), expected);
    assert_eq!(read(&gz(&tar), SdistExtension::TarGz, &limits), expected);
    assert_eq!(read(&gz(&tar), SdistExtension::Tgz, &limits), expected);
    assert_eq!(read(&bz2(&tar), SdistExtension::TarBz2, &limits), expected);
    let zip = zipped(&[
        ("any-name/PKG-INFO", INFO),
        ("any-name/setup.py", b"x"),
        ("any-name/src/demo.egg-info/requires.txt", b"six"),
    ]);
    assert_eq!(read(&zip, SdistExtension::Zip, &limits), expected);
    for form in [SdistExtension::TarXz, SdistExtension::TarZ] {
        let error = read(&tar, form, &limits).unwrap_err();
        assert_eq!(error, format!("archives of the form {} are not read", form.as_str()));
    }
}

#[test]
fn a_file_that_matters_may_not_be_a_link() {
    for kind in [b'1', b'2'] {
        let tar = [member("d/PKG-INFO", b'0', INFO), member("d/demo.egg-info/requires.txt", kind, b"")];
        let expected = "demo.egg-info/requires.txt in it is a link, and links are not followed";
        assert_eq!(read_tar_gz(&tar), Err(expected.to_owned()));
    }
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("d/PKG-INFO", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let zip = writer.finish().unwrap().into_inner();
    let error = read(&zip, SdistExtension::Zip, &SdistLimits::default()).unwrap_err();
    assert_eq!(error, "PKG-INFO in it is a link, and links are not followed");
    // What does not matter may be anything.
    assert_eq!(read_tar_gz(&[member("d/README", b'2', b"")]), Ok(vec![]));
}

#[test]
fn a_file_that_is_there_twice_must_be_the_same() {
    let again = |second: &[u8]| [member("d/PKG-INFO", b'0', INFO), member("d/PKG-INFO", b'0', second)];
    assert_eq!(read_tar_gz(&again(INFO)), Ok(vec!["PKG-INFO".to_owned()]));
    let error = read_tar_gz(&again(b"other")).unwrap_err();
    assert_eq!(error, "PKG-INFO is in it twice, with different contents");
}

#[test]
fn files_of_two_folders_are_refused_and_those_outside_do_not_count() {
    let two = [member("a/PKG-INFO", b'0', INFO), member("b/pyproject.toml", b'0', b"")];
    assert_eq!(read_tar_gz(&two), Err("it has more than one top-level folder: a and b".to_owned()));
    for path in ["PKG-INFO", "/PKG-INFO", "../PKG-INFO", "d/../PKG-INFO", "/d/PKG-INFO", "d//PKG-INFO"] {
        assert_eq!(read_tar_gz(&[member(path, b'0', INFO)]), Ok(vec![]), "{path}");
    }
}

#[test]
fn every_limit_is_named() {
    let limits = SdistLimits::default();
    let tar = [member("d/PKG-INFO", b'0', INFO), member("d/x", b'0', &[0; 10_000])].concat();
    let cases = [
        (SdistLimits { unpacked: 5_000, ..limits }, "5000 bytes when unpacked, the limit `unpacked`"),
        (SdistLimits { members: 1, ..limits }, "1 members, the limit `members`"),
        (SdistLimits { metadata: 40, ..limits }, "40 bytes of metadata, the limit `metadata`"),
    ];
    for (limits, expected) in cases {
        let error = read(&gz(&tar), SdistExtension::TarGz, &limits).unwrap_err();
        assert_eq!(error, format!("it holds more than {expected}"));
        if expected.contains("unpacked") {
            let error = read(&bz2(&tar), SdistExtension::TarBz2, &limits).unwrap_err();
            assert_eq!(error, format!("it holds more than {expected}"));
        }
    }
    let zip = zipped(&[("d/PKG-INFO", INFO), ("d/x", b"")]);
    for (limits, name) in [
        (SdistLimits { members: 1, ..limits }, "members"),
        (SdistLimits { metadata: 40, ..limits }, "metadata"),
    ] {
        let error = read(&zip, SdistExtension::Zip, &limits).unwrap_err();
        assert!(error.ends_with(&format!("the limit `{name}`")), "{error}");
    }
}

#[test]
fn a_bomb_ends_at_the_ratio() {
    let big = member("d/x", b'0', &vec![0; 70 << 20]);
    let error = read_tar_gz(&[big]).unwrap_err();
    assert!(error.ends_with("bytes when unpacked, the limit `ratio`"), "{error}");
}

#[test]
fn damage_is_said_to_be_damage() {
    let tar = member("d/PKG-INFO", b'0', &INFO.repeat(200));
    let limits = SdistLimits::default();
    let (gzipped, bzipped) = (gz(&tar), bz2(&tar));
    for (bytes, form) in [
        (&gzipped[..gzipped.len() / 2], SdistExtension::TarGz),
        (&bzipped[..bzipped.len() / 2], SdistExtension::TarBz2),
        (b"no archive", SdistExtension::TarGz),
        (b"no archive", SdistExtension::TarBz2),
        (b"no archive", SdistExtension::Zip),
        (b"no archive", SdistExtension::Tar),
    ] {
        let error = read(bytes, form, &limits).unwrap_err();
        assert!(error.starts_with("it is damaged: "), "{form:?}: {error}");
    }
}
