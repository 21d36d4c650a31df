use proptest::prelude::*;

use super::tests::{read, read_with};
use super::*;
use mlresolve_testkit::elf::{Sample, set, set_tag};

/// Why a file cannot be read in full, whatever the pieces.
#[track_caller]
fn fault(file: &[u8]) -> Option<Fault> {
    let fault = read(file, 4096).0.unwrap().fault;
    assert_eq!(read(file, 33).0.unwrap().fault, fault);
    fault
}

/// A sample with bytes at a place overwritten.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = Sample::default().bytes();
    set(&mut file, at, bytes);
    file
}

fn tagged(tag: u64, value: u64) -> Vec<u8> {
    let mut file = Sample::default().bytes();
    set_tag(&mut file, tag, value);
    file
}

const HUGE: u64 = 1 << 63;

#[test]
fn program_headers_may_lie() {
    assert_eq!(fault(&changed(32, &HUGE.to_le_bytes())), Some(Fault::Outside), "far away");
    assert_eq!(
        fault(&changed(32, &u64::MAX.to_le_bytes())),
        Some(Fault::Outside),
        "at the end of all offsets"
    );
    assert_eq!(fault(&changed(56, &u16::MAX.to_le_bytes())), Some(Fault::Outside), "more than there are");
    assert_eq!(fault(&changed(54, &55_u16.to_le_bytes())), Some(Fault::Headers), "of another length");
    assert_eq!(fault(&changed(54, &[0, 0])), Some(Fault::Headers), "of no length");
}

#[test]
fn segments_may_lie() {
    let segment = 64;
    assert_eq!(fault(&changed(segment + 8, &u64::MAX.to_le_bytes())), Some(Fault::Outside), "offset");
    assert_eq!(fault(&changed(segment + 16, &HUGE.to_le_bytes())), Some(Fault::Outside), "address");
    assert_eq!(fault(&changed(segment + 32, &[0; 8])), Some(Fault::Outside), "empty");
    assert_eq!(fault(&changed(segment + 32, &u64::MAX.to_le_bytes())), None, "longer than the file");
    let dynamic = 64 + 56;
    assert_eq!(fault(&changed(dynamic + 8, &HUGE.to_le_bytes())), Some(Fault::Outside), "offset");
    assert_eq!(fault(&changed(dynamic + 32, &HUGE.to_le_bytes())), None, "it ends at its last entry");
}

#[test]
fn a_dynamic_section_may_have_no_end() {
    let mut file = Sample::default().bytes();
    // Without the two entries that end it.
    let length = u64::from_le_bytes(file[64 + 56 + 32..64 + 56 + 40].try_into().unwrap());
    set(&mut file, 64 + 56 + 32, &(length - 16).to_le_bytes());
    assert_eq!(read(&file, 100), read(&Sample::default().bytes(), 100));
}

#[test]
fn strings_may_lie() {
    assert_eq!(fault(&tagged(5, HUGE)), Some(Fault::Outside), "their address");
    assert_eq!(fault(&tagged(10, 1)), Some(Fault::Outside), "shorter than what is in them");
    assert_eq!(fault(&tagged(10, HUGE)), None, "longer than the file");
    assert_eq!(fault(&tagged(1, HUGE)), Some(Fault::Outside), "a name behind them");
    assert_eq!(fault(&tagged(14, u64::MAX)), Some(Fault::Outside), "a name behind all addresses");
    let last = Sample { strings_last: true, symbols: vec!["libend.so"], ..Sample::default() };
    let mut file = last.bytes();
    let end = file.len() - 1;
    file[end] = b'x';
    let length = end as u64 + 1;
    set_tag(&mut file, 1, 0);
    assert_eq!(fault(&file), None, "the name without an end is not asked for");
    let start = (0..file.len()).rev().find(|at| file[*at..].starts_with(b"libend.so")).unwrap();
    let strings = (0..start).find(|at| file[*at..].starts_with(b"\0libc.so.6\0")).unwrap();
    set_tag(&mut file, 1, (start - strings) as u64);
    set_tag(&mut file, 10, length - strings as u64);
    assert_eq!(fault(&file), Some(Fault::Name), "a name without an end");
    let long: &'static str = Box::leak("x".repeat(NAME_BYTES_LIMIT as usize + 1).into_boxed_str());
    let sample = Sample { soname: Some(long), ..Sample::default() };
    assert_eq!(fault(&sample.bytes()), Some(Fault::Name), "a long name");
}

#[test]
fn versions_may_lie() {
    assert_eq!(fault(&tagged(0x6fff_fffe, HUGE)), Some(Fault::Outside));
    assert_eq!(fault(&tagged(0x6fff_fffc, HUGE)), Some(Fault::Outside));
    let file = Sample::default().bytes();
    let table = file.windows(4).position(|bytes| bytes == [1, 0, 2, 0]).unwrap();
    for (what, at) in [("first version", 8), ("next library", 12), ("next version", 16 + 12)] {
        let mut file = file.clone();
        set(&mut file, table + at, &u32::MAX.to_le_bytes());
        assert_eq!(fault(&file), Some(Fault::Outside), "{what}");
    }
    // Every library's versions are all that follow: their number is the square of the table's length.
    let many: Vec<(&str, Vec<(&str, bool)>)> = vec![("libc.so.6", vec![("GLIBC_2.34", false)]); 2000];
    let mut file = Sample { requires: many, ..Sample::default() }.bytes();
    let table = file.windows(4).position(|bytes| bytes == [1, 0, 1, 0]).unwrap();
    for entry in 0..2000 {
        let at = table + entry * 32;
        set(&mut file, at + 2, &u16::MAX.to_le_bytes());
        set(&mut file, at + 28, &16_u32.to_le_bytes());
    }
    assert_eq!(fault(&file), Some(Fault::Limit));
}

#[test]
fn more_names_than_are_kept_are_not_read() {
    // Names that lie far from each other in a string table of 2 GiB, of which the file has little.
    let needed = vec!["libc.so.6"; 1000];
    let mut file = Sample { needed, gaps: (0, 9 << 20), ..Sample::default() }.bytes();
    set_tag(&mut file, 10, 2 << 30);
    let dynamic = u64::from_le_bytes(file[64 + 56 + 8..64 + 56 + 16].try_into().unwrap()) as usize;
    for index in 0..1000 {
        set(&mut file, dynamic + index * 16 + 8, &(5_000_000 + (index as u64) * 60_000).to_le_bytes());
    }
    assert_eq!(fault(&file), Some(Fault::Limit));
    let sample = Sample { needed: vec!["libc.so.6"; ENTRY_LIMIT + 1], ..Sample::default() };
    assert_eq!(fault(&sample.bytes()), Some(Fault::Limit));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_makes_it_panic_and_pieces_make_no_difference(
        changes in prop::collection::vec((0_usize..1200, any::<u8>()), 1..12),
        length in 0_usize..1200,
        strings_last: bool,
        piece in 1_usize..300,
        head in 0_u64..600,
    ) {
        let mut file = Sample { strings_last, ..Sample::default() }.bytes();
        for (at, byte) in changes {
            let length = file.len();
            file[at % length] = byte;
        }
        file.truncate(length.max(64));
        let whole = read(&file, 4096);
        prop_assert_eq!(&read(&file, piece), &whole);
        let (apart, _) = read_with(Reader::with_head(head), &file, piece);
        // Of several faults another one may be met first.
        let fault = |facts: &LibraryFacts| facts.fault.is_some();
        let faults = (apart.as_ref().map(fault), whole.0.as_ref().map(fault));
        prop_assert_eq!(faults.0, faults.1);
        if faults.0 == Some(false) {
            prop_assert_eq!(apart, whole.0);
        }
    }
}
