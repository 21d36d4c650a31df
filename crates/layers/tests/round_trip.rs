//! Layers are read back by readers that are not ours, byte by byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use mlresolve_layers::{
    Compression, Content, Digest, Layer, LayerError, LayerFile, Mode, ReadAt, Witness, write_layer,
    write_layer_before,
};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

/// A file as a test wants it: path, bytes, the level of deflate or none.
type Wanted = (String, Vec<u8>, Option<i64>);

/// The files in a ZIP archive, as a caller takes them out of a wheel.
fn archived(wanted: &[Wanted]) -> Vec<LayerFile> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes, level) in wanted {
        let method = level.map_or(zip::CompressionMethod::Stored, |_| zip::CompressionMethod::Deflated);
        let options = SimpleFileOptions::default().compression_method(method).compression_level(*level);
        writer.start_file(path, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let source: Arc<dyn ReadAt> = Arc::new(bytes.clone());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|at| {
            let file = archive.by_index_raw(at).unwrap();
            let (source, offset) = (Arc::clone(&source), file.data_start().unwrap());
            let (size, crc32, compressed) = (file.size(), file.crc32(), file.compressed_size());
            let content = match file.compression() {
                zip::CompressionMethod::Deflated => {
                    Content::Deflated { source, offset, compressed, size, crc32 }
                }
                _ => Content::Stored { source, offset, size, crc32 },
            };
            LayerFile::new(file.name().unwrap(), Mode::Plain, content)
        })
        .collect()
}

fn layer(files: &[LayerFile], compression: Compression) -> (Layer, Vec<u8>) {
    let mut blob = Vec::new();
    let layer = write_layer(files, compression, &mut blob).unwrap();
    assert_eq!((layer.size, layer.digest), (blob.len() as u64, Digest::of(&blob)));
    (layer, blob)
}

/// The archive in a blob. `GzDecoder` takes one member alone, which is the point.
fn unpacked(blob: &[u8], compression: Compression) -> Vec<u8> {
    let mut archive = Vec::new();
    match compression {
        Compression::Gzip => {
            let mut decoder = flate2::bufread::GzDecoder::new(blob);
            decoder.read_to_end(&mut archive).unwrap();
            assert!(decoder.into_inner().is_empty(), "nothing follows the member");
        }
        Compression::Zstd => {
            zstd::Decoder::new(blob).unwrap().read_to_end(&mut archive).unwrap();
        }
    }
    archive
}

/// The files of an archive, and its directories without content.
fn listed(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        assert_eq!(entry.header().mtime().unwrap(), 315_532_800);
        assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (path, bytes)
    });
    entries.collect()
}

#[track_caller]
fn check(wanted: &[Wanted]) {
    let files = archived(wanted);
    let mut archives = Vec::new();
    for compression in [Compression::Gzip, Compression::Zstd] {
        let (layer, blob) = layer(&files, compression);
        let archive = unpacked(&blob, compression);
        assert_eq!((layer.diff_id, layer.uncompressed_size), (Digest::of(&archive), archive.len() as u64));
        archives.push(archive);
    }
    assert_eq!(archives[0], archives[1]);

    let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (path, bytes, _) in wanted {
        expected.insert(path.clone(), bytes.clone());
        for (slash, _) in path.match_indices('/') {
            expected.insert(path[..=slash].to_owned(), Vec::new());
        }
    }
    let found = listed(&archives[0]);
    assert!(found.iter().is_sorted_by_key(|(path, _)| path.as_bytes()));
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}

/// Bytes between noise and runs, as programs and texts are.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0..40_usize, 0..2000_usize, 0..70_000_usize];
    (length, any::<u64>(), 1..=255_u8, 1..40_u64).prop_map(|(length, seed, alphabet, run)| {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let (byte, times) = (next() % u64::from(alphabet), 1 + next() % run);
            bytes.extend(std::iter::repeat_n(byte as u8, times as usize));
            if next() % 4 == 0 && bytes.len() > 100 {
                let from = (next() % (bytes.len() as u64 - 50)) as usize;
                bytes.extend_from_within(from..from + (next() % 50) as usize);
            }
        }
        bytes.truncate(length);
        bytes
    })
}

fn wanted() -> impl Strategy<Value = Vec<Wanted>> {
    let path =
        prop_oneof!["[a-c]{1,2}(/[a-c.]{1}[d-f]{1,60}){0,5}", "x/[a-z]{90,110}", "[a-z]{20,60}/é[a-z]{1,80}"];
    let level = prop::option::weighted(0.85, 1..=9_i64);
    prop::collection::btree_map(path, (contents(), level), 0..12).prop_map(|files| {
        // A name under which there are files cannot be a file.
        let paths: Vec<String> = files.keys().cloned().collect();
        let above = |path: &String| paths.iter().any(|other| other.starts_with(&format!("{path}/")));
        let files = files.into_iter().filter(|(path, _)| !above(path));
        files.map(|(path, (bytes, level))| (path, bytes, level)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(wanted in wanted()) {
        check(&wanted);
    }

    #[test]
    fn the_order_of_files_is_no_input(wanted in wanted(), compressed in any::<bool>()) {
        let mut files = archived(&wanted);
        let compression = if compressed { Compression::Gzip } else { Compression::Zstd };
        let first = layer(&files, compression);
        files.reverse();
        prop_assert_eq!(first, layer(&files, compression));
    }

    #[test]
    fn bytes_and_stored_files_are_the_same(bytes in contents()) {
        let stored = archived(&[("a".to_owned(), bytes.clone(), None)]);
        let given = [LayerFile::new("a", Mode::Plain, Content::Bytes(bytes))];
        prop_assert_eq!(layer(&stored, Compression::Gzip), layer(&given, Compression::Gzip));
    }
}

#[test]
fn files_of_every_length_at_every_level() {
    let text: Vec<u8> =
        (0..70_000_u32).flat_map(|number| number.to_string().into_bytes()).take(70_000).collect();
    let lengths = [0, 1, 2, 511, 512, 513, 16_383, 16_384, 16_385, 32_767, 32_768, 65_535, 65_536, 70_000];
    let wanted: Vec<Wanted> = (1..=9)
        .map(Some)
        .chain([None])
        .flat_map(|level| lengths.map(|length| (level, length)))
        .map(|(level, length)| (format!("d/{level:?}/{length}"), text[..length].to_vec(), level))
        .collect();
    check(&wanted);
}

#[test]
fn many_small_files() {
    let file = |at: usize| (format!("p/{}/{at:04}.py", at % 7), format!("x = {at}\n").into_bytes(), Some(6));
    let wanted: Vec<Wanted> = (0..3000).map(file).collect();
    check(&wanted);
    let (layer, _) = layer(&archived(&wanted), Compression::Gzip);
    assert!(layer.size < 3000 * 75, "{} bytes for headers and 9 bytes of text each", layer.size);
}

#[test]
fn a_file_that_is_longer_than_all_buffers() {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & 0x3f
    });
    let mut bytes: Vec<u8> = noise.take(1_500_000).collect();
    bytes.extend(vec![0; 3_000_000]);
    bytes.extend_from_within(..400_000);
    check(&[1, 6, 9].map(|level| (level.to_string(), bytes.clone(), Some(level))));
    check(&[("stored".to_owned(), bytes, None)]);
}

/// A layer of all kinds of files, small enough to be looked at by hand.
fn sample() -> Vec<LayerFile> {
    // The stream is given as bytes: no compressor is to be an input.
    let stream = |bytes: &[u8], size: u64, crc32: u32| Content::Deflated {
        source: Arc::new(bytes.to_vec()),
        offset: 0,
        compressed: bytes.len() as u64,
        size,
        crc32,
    };
    let fixed: &[u8] = &[0xcb, 0xcc, 0x2d, 0xc8, 0x2f, 0x2a, 0x51, 0x28, 0xc9, 0xc8, 0x2c, 0xe6, 0x02, 0x00];
    vec![
        LayerFile::new(
            "opt/venv/bin/python",
            Mode::Plain,
            Content::Symlink("/usr/local/bin/python3".to_owned()),
        ),
        LayerFile::new(
            "opt/venv/lib/this.py",
            Mode::Plain,
            stream(fixed, 12, crc32fast::hash(b"import this\n")),
        ),
        LayerFile::new(
            "opt/venv/bin/tool",
            Mode::Executable,
            Content::Bytes(b"#!/opt/venv/bin/python\n".repeat(9)),
        ),
        LayerFile::new("opt/venv/empty", Mode::Plain, Content::Bytes(Vec::new())),
        LayerFile::new(
            format!("opt/{}", "long/".repeat(60) + "é"),
            Mode::Plain,
            Content::Bytes(vec![7; 40_000]),
        ),
    ]
}

#[test]
fn the_format_is_frozen() {
    // Other digests here are another FORMAT_VERSION: everything that keeps layers has to know.
    assert_eq!(mlresolve_layers::FORMAT_VERSION, 1);
    let digests = [Compression::Gzip, Compression::Zstd].map(|compression| {
        let (layer, blob) = layer(&sample(), compression);
        assert_eq!(listed(&unpacked(&blob, compression)).len(), 69);
        (layer.diff_id.hex()[..16].to_owned(), layer.digest.hex()[..16].to_owned(), layer.size)
    });
    let expected =
        [("78dc69f5e612d6de", "049f37ebb7ddf24a", 2299), ("78dc69f5e612d6de", "fe3f6f03927197c0", 848)];
    assert_eq!(
        digests,
        expected.map(|(diff_id, digest, size)| (diff_id.to_owned(), digest.to_owned(), size))
    );
}

/// A writer that takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_no_fault_of_the_wheel() {
    let files = archived(&[("a".to_owned(), vec![1; 100_000], Some(1)), ("b".to_owned(), vec![2; 9], None)]);
    let (whole, _) = layer(&files, Compression::Gzip);
    for room in 0..whole.size as usize {
        let found = write_layer(&files, Compression::Gzip, Full(room));
        assert!(matches!(found, Err(LayerError::Write(_))), "{room}: {found:?}");
    }
    assert_eq!(write_layer(&files, Compression::Gzip, Full(whole.size as usize)).unwrap(), whole);
}

#[test]
fn a_file_that_is_not_what_its_archive_says_is_named() {
    for level in [Some(6), None] {
        let mut files = archived(&[("pkg/a.py".to_owned(), b"import this\n".to_vec(), level)]);
        let (Content::Deflated { crc32, .. } | Content::Stored { crc32, .. }) = &mut files[0].content else {
            panic!("a file of an archive");
        };
        *crc32 ^= 1;
        let found = write_layer(&files, Compression::Gzip, std::io::sink()).unwrap_err().to_string();
        let expected = "cannot take \"pkg/a.py\" out of its archive: its CRC-32 is ";
        assert!(found.starts_with(expected), "{found}");
    }
}

/// Counts what it sees of each file, and refuses those of one name.
#[derive(Default)]
struct Counting {
    seen: Vec<(String, usize)>,
    refused: &'static str,
}

impl Witness for Counting {
    fn begin(&mut self, path: &str) {
        self.seen.push((path.to_owned(), 0));
    }

    fn piece(&mut self, bytes: &[u8]) {
        self.seen.last_mut().unwrap().1 += bytes.len();
    }

    fn end(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (path, _) = self.seen.last().unwrap();
        if path == self.refused { Err("it is refused".into()) } else { Ok(()) }
    }
}

#[test]
fn a_witness_sees_every_file_and_can_refuse_it() {
    let bytes = |length: usize| Content::Bytes(vec![7; length]);
    let files = [
        LayerFile::new("b", Mode::Plain, bytes(70_000)),
        LayerFile::new("a/empty", Mode::Plain, bytes(0)),
        LayerFile::new("a/link", Mode::Plain, Content::Symlink("b".to_owned())),
    ];
    for compression in [Compression::Gzip, Compression::Zstd] {
        let mut witness = Counting::default();
        let seen = write_layer_before(&mut witness, &files, compression, std::io::sink()).unwrap();
        assert_eq!(seen, write_layer(&files, compression, std::io::sink()).unwrap());
        assert_eq!(witness.seen, [("a/empty".to_owned(), 0), ("b".to_owned(), 70_000)]);
        let mut witness = Counting { refused: "b", ..Counting::default() };
        let refused = write_layer_before(&mut witness, &files, compression, std::io::sink()).unwrap_err();
        assert_eq!(refused.to_string(), "cannot put \"b\" into a layer: it is refused");
    }
}
