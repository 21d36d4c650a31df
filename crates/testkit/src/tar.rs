//! A ustar writer for a few small files, such as those of a source distribution.

use std::io::Write as _;

use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The entries in their order as a gzipped tar, every file a program.
///
/// # Panics
/// If a path is longer than 100 bytes.
#[must_use]
pub fn executable_tar_gz(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    gzip(&tar(entries, 0o755))
}

/// The entries in their order as a gzipped tar, every time stamp 0.
pub(crate) fn tar_gz(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    gzip(&tar(entries, 0o644))
}

fn gzip(archive: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(archive).and_then(|()| encoder.finish()).expect("gzip into memory does not fail")
}

/// The entries in their order as a tar compressed with bzip2, every time stamp 0.
pub(crate) fn tar_bz2(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder
        .write_all(&tar(entries, 0o644))
        .and_then(|()| encoder.finish())
        .expect("bzip2 into memory does not fail")
}

fn tar(entries: &[(String, Vec<u8>)], mode: u32) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, bytes) in entries {
        tar.extend_from_slice(&header(path, bytes.len(), mode));
        tar.extend_from_slice(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// The ustar header of a regular file (POSIX.1-1988).
fn header(path: &str, size: usize, mode: u32) -> [u8; 512] {
    assert!(path.len() <= 100, "ustar without a prefix holds paths of 100 bytes, unlike `{path}`");
    let mut header = [0; 512];
    let mut put = |offset: usize, text: &str| {
        header[offset..offset + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, path);
    put(100, &format!("{mode:07o}\0"));
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    // The checksum is taken with spaces in its own field.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let checksum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());
    header
}
