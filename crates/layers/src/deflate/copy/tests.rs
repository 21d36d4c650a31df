//! Streams that are not what their archive says.

use super::*;

#[derive(Default)]
struct Sides {
    plain: Vec<u8>,
    packed: Vec<u8>,
}

impl Sink for Sides {
    fn plain(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.plain.extend_from_slice(bytes);
        Ok(())
    }

    fn packed(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.packed.extend_from_slice(bytes);
        Ok(())
    }
}

/// Copies a stream that is said to hold `content`.
fn copy(stream: &[u8], content: &[u8]) -> Result<Sides, StreamError> {
    let expected = Expected { size: content.len() as u64, crc32: crc32fast::hash(content) };
    let mut sides = Sides::default();
    if let Some((byte, _)) = Copier::new().copy(stream, expected, &mut sides)? {
        sides.packed.push(byte);
    }
    Ok(sides)
}

fn problem(stream: &[u8], content: &[u8]) -> String {
    copy(stream, content).err().expect("it is refused").to_string()
}

fn deflated(content: &[u8], level: u32) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Text in which all codes occur, with several blocks.
fn text() -> Vec<u8> {
    (0..40_000_u32)
        .flat_map(|number| format!("{number:x} {}\n", number * number % 977).into_bytes())
        .collect()
}

#[test]
fn one_bit_changes() {
    for level in 0..=9 {
        let stream = deflated(&text(), level);
        let sides = copy(&stream, &text()).unwrap();
        assert_eq!(sides.plain, text());
        assert_eq!(sides.packed.len(), stream.len());
        let changed: u32 =
            stream.iter().zip(&sides.packed).map(|(before, after)| (before ^ after).count_ones()).sum();
        assert_eq!(changed, 1, "level {level}");
        // What follows is now read as a further block: the stream does not end.
        let mut inflated = Vec::new();
        let read = flate2::bufread::DeflateDecoder::new(&sides.packed[..]).read_to_end(&mut inflated);
        assert!(read.is_err(), "level {level}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let content = &text()[..1200];
    for level in [0, 1, 6] {
        let stream = deflated(content, level);
        for end in 0..stream.len() {
            let found = problem(&stream[..end], content);
            assert_eq!(found, "the compressed stream ends too early", "level {level}, {end} bytes");
        }
    }
}

#[test]
fn what_follows_the_stream_is_refused() {
    let mut stream = deflated(b"abc", 6);
    stream.push(0);
    assert_eq!(problem(&stream, b"abc"), "1 bytes follow the end of the compressed stream");
    stream.extend(vec![0; INPUT * 2]);
    assert!(matches!(copy(&stream, b"abc"), Err(StreamError::Trailing { .. })));
}

#[test]
fn another_length_or_sum_is_refused() {
    let stream = deflated(b"abcabcabc", 6);
    assert_eq!(problem(&stream, b"abcabcab"), "it holds more than the 8 bytes that the archive states");
    assert_eq!(problem(&stream, b"abcabcabca"), "it holds 9 bytes, but the archive states 10");
    let found = problem(&stream, b"abcabcabd");
    assert!(found.starts_with("its CRC-32 is "), "{found}");
}

#[test]
fn a_bomb_goes_off_within_one_buffer() {
    let stream = deflated(&vec![0; 50_000_000], 9);
    let expected = Expected { size: 1000, crc32: 0 };
    let mut sides = Sides::default();
    let found = Copier::new().copy(&stream[..], expected, &mut sides);
    assert!(matches!(found, Err(StreamError::TooLong { expected: 1000 })));
    assert!(sides.plain.is_empty());
}

/// The bits of a stream, in the order in which they are read.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(at, bit)| bit << at).sum()).collect()
}

#[test]
fn what_no_compressor_writes_is_refused() {
    let invalid = |text: &str| problem(&[bits(text), vec![0; 40]].concat(), b"");
    for (stream, problem) in [
        ("1 11", "a block of unknown kind"),
        // A stored block whose length does not match its complement.
        ("1 00 00000 1000000000000000 1000000000000000", "the length of a stored block"),
        // Fixed codes: a match at the very beginning; symbol 286; distance 30 after a literal.
        ("1 10 0000001 00000", "a distance that reaches before the beginning"),
        ("1 10 11000110", "an unknown code"),
        ("1 10 00110000 0000001 11110", "an unknown code"),
        // Codes of its own: 287 literals; 31 distances.
        ("1 01 01111 00000 0000", "too many symbols"),
        ("1 01 00000 01111 0000", "too many symbols"),
        // Four codes of one bit each; a single code of two bits.
        ("1 01 00000 00000 0000 100 100 100 100", "too many codes"),
        ("1 01 00000 00000 0000 010 000 000 000", "an incomplete set of codes"),
        // The first length repeats the one before it.
        ("1 01 00000 00000 0000 100 100 000 000 0", "a repeated length without a first"),
        // 138 zeros twice leave the end without a code.
        ("1 01 00000 00000 0000 000 100 100 000 1 1111111 1 1011011 0", "a block without an end"),
        ("1 01 00000 00000 0000 000 100 100 000 1 1111111 1 1111111", "more lengths than symbols"),
    ] {
        assert_eq!(invalid(stream), format!("the compressed stream is invalid: {problem}"), "{stream}");
    }
}

#[test]
fn a_distance_never_reaches_an_earlier_stream() {
    let mut copier = Copier::new();
    let content = [b'x'; 600];
    let expected = Expected { size: 600, crc32: crc32fast::hash(&content) };
    copier.copy(&deflated(&content, 6)[..], expected, &mut Sides::default()).unwrap();
    // A literal, then a match of three bytes, two back.
    let reaching = bits("1 10 00110000 0000001 10000 0000000");
    let found = copier.copy(&reaching[..], expected, &mut Sides::default());
    assert!(matches!(found, Err(StreamError::Invalid(_))));
}

#[test]
fn zlib_reads_what_is_copied_and_the_other_way_round() {
    // Random bytes after the header of a block: whatever one takes, the other takes, with the same bytes.
    let mut state = 7_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let valid = deflated(&text()[..4000], 6);
    let mut taken = 0;
    for _ in 0..4_000 {
        let mut stream = valid.clone();
        let place = usize::from(next()) << 3 & 0x3ff;
        stream[place] = next();
        let mut theirs = Vec::new();
        let mut decoder = flate2::bufread::DeflateDecoder::new(&stream[..]);
        let read = decoder.read_to_end(&mut theirs);
        let theirs_fits = read.is_ok() && decoder.total_in() == stream.len() as u64;
        let ours = copy(&stream, &theirs);
        assert_eq!(ours.is_ok(), theirs_fits, "{:?} {read:?}", ours.err());
        taken += u32::from(theirs_fits);
    }
    assert!(taken > 3, "{taken} streams were valid");
}
