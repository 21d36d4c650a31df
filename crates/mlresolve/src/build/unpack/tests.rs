use std::io::Write as _;

use super::*;

/// One member: its kind, its name, what it holds or leads to.
type Member<'a> = (EntryType, &'a str, &'a str);

/// A tar with these names as they are, which the builder of the `tar` crate would refuse.
fn tar_of(members: &[Member]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, holds) in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o6777);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            header.as_mut_bytes()[157..157 + holds.len()].copy_from_slice(holds.as_bytes());
        }
        let bytes = if is_link { "" } else { holds };
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, bytes.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Unpacks an archive of this name; what is at `look` in the tree, or the error.
fn unpacked(filename: &str, bytes: &[u8], look: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let (archive, into) = (folder.path().join("archive"), folder.path().join("into"));
    std::fs::write(&archive, bytes).unwrap();
    std::fs::create_dir(&into).unwrap();
    let outcome = unpack(&archive, filename, &into);
    assert!(!folder.path().join("out").exists() && !into.join("out").exists());
    let tree = outcome.map_err(|error| error.to_string())?;
    let path = tree.join(look);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert!(matches!(mode & 0o7777, 0o755 | 0o644 | 0o700 | 0o600 | 0o750 | 0o640), "{mode:o}");
    }
    Ok(std::fs::read_to_string(path).unwrap())
}

fn refused(members: &[Member]) -> String {
    unpacked("a-1.tar.gz", &gzip(&tar_of(members)), "setup.py").unwrap_err()
}

const SETUP: Member<'static> = (EntryType::Regular, "a-1/setup.py", "text");

#[test]
fn each_form_becomes_the_same_tree() {
    let tar = tar_of(&[
        (EntryType::XGlobalHeader, "pax_global_header", ""),
        (EntryType::Directory, "./a-1/", ""),
        SETUP,
    ]);
    assert_eq!(unpacked("a-1.tar.gz", &gzip(&tar), "setup.py").unwrap(), "text");
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(&tar).unwrap();
    assert_eq!(unpacked("a-1.tar.bz2", &encoder.finish().unwrap(), "setup.py").unwrap(), "text");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a-1/setup.py", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"text").unwrap();
    assert_eq!(unpacked("a-1.zip", zip.finish().unwrap().get_ref(), "setup.py").unwrap(), "text");
    assert!(unpacked("a-1.tar.xz", b"", "").unwrap_err().contains("only .tar.gz"));
}

#[test]
fn a_link_within_becomes_a_copy() {
    let link = (EntryType::Symlink, "a-1/docs/readme", "../setup.py");
    assert_eq!(unpacked("a-1.tar.gz", &gzip(&tar_of(&[link, SETUP])), "docs/readme").unwrap(), "text");
    let link = (EntryType::Link, "a-1/copy", "a-1/setup.py");
    assert_eq!(unpacked("a-1.tar.gz", &gzip(&tar_of(&[SETUP, link])), "copy").unwrap(), "text");
}

#[test]
fn a_link_that_leads_out_is_refused() {
    for (kind, target) in [
        (EntryType::Symlink, "/etc/passwd"),
        (EntryType::Symlink, "../../archive"),
        (EntryType::Symlink, "nowhere"),
        (EntryType::Symlink, "."),
        (EntryType::Link, "/etc/passwd"),
        (EntryType::Link, "../archive"),
    ] {
        let told = refused(&[SETUP, (kind, "a-1/link", target)]);
        assert!(told.contains("link") || told.contains("leads out") || told.contains("relative"), "{told}");
    }
}

#[test]
fn a_link_is_no_way_out_for_what_follows() {
    // The link is not made before everything else is there, so the folder is a folder.
    let told = refused(&[(EntryType::Symlink, "a-1/x", "../.."), (EntryType::Regular, "a-1/x/out", "bad")]);
    assert!(told.contains("leads out") || told.contains("in the way") || told.contains("link"), "{told}");
}

#[test]
fn names_that_lead_out_and_other_kinds_are_refused() {
    for name in ["../out", "/out", "a-1/../../out", "a-1\\..\\out", "a-1/\u{1b}x"] {
        refused(&[SETUP, (EntryType::Regular, name, "bad")]);
    }
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block] {
        assert!(refused(&[SETUP, (kind, "a-1/x", "")]).contains("neither a file nor a folder"));
    }
    let beside = refused(&[SETUP, (EntryType::Regular, "b-1/x", "")]);
    assert!(beside.contains("lies beside"), "{beside}");
    assert!(refused(&[]).contains("empty"));
    assert!(unpacked("a-1.tar.gz", b"no archive", "").is_err());
    let cut = gzip(&tar_of(&[SETUP]));
    assert!(unpacked("a-1.tar.gz", &cut[..cut.len() / 2], "").is_err());
}
