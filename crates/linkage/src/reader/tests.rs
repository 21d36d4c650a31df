use super::*;
use crate::{Class, Kind, Machine};
use mlresolve_testkit::elf::{Sample, set};

/// Reads a file in pieces of a length, again as often as asked, and says how many passes that took.
pub(super) fn read(file: &[u8], piece: usize) -> (Option<LibraryFacts>, u32) {
    read_with(Reader::new(), file, piece)
}

pub(super) fn read_with(mut reader: Reader, file: &[u8], piece: usize) -> (Option<LibraryFacts>, u32) {
    file.chunks(piece).for_each(|piece| reader.feed(piece));
    let (mut found, mut passes) = (reader.finish(), 1);
    loop {
        match found {
            Found::NotElf => return (None, passes),
            Found::Facts(facts) => return (Some(facts), passes),
            Found::Again(mut second) => {
                assert!(second.end() <= file.len() as u64, "no more than there is");
                passes += 1;
                assert!(passes <= PASS_LIMIT + 1, "passes end");
                file[..second.end() as usize].chunks(piece).for_each(|piece| second.feed(piece));
                found = second.finish();
            }
        }
    }
}

#[track_caller]
fn facts(sample: &Sample) -> LibraryFacts {
    read(&sample.bytes(), 65_536).0.unwrap()
}

#[test]
fn a_library_says_what_it_needs() {
    let facts = facts(&Sample::default());
    assert_eq!((facts.class, facts.machine, facts.kind), (Class::Bits64, Machine::X86_64, Kind::Library));
    assert_eq!(facts.soname.as_deref(), Some("libdemo.so.1"));
    assert_eq!(facts.needed, ["libc.so.6", "libm.so.6"]);
    assert_eq!(facts.runpath, ["$ORIGIN/../demo.libs", "/opt/lib"]);
    assert!(facts.rpath.is_empty() && !facts.executable_stack);
    let versions: Vec<_> = facts
        .requires
        .iter()
        .flat_map(|one| {
            one.versions.iter().map(|version| (one.library.as_str(), version.name.as_str(), version.weak))
        })
        .collect();
    let expected = [
        ("libc.so.6", "GLIBC_2.34", false),
        ("libc.so.6", "GLIBC_2.40", true),
        ("libm.so.6", "GLIBC_2.29", false),
    ];
    assert_eq!(versions, expected);
    assert_eq!(facts.provides, ["DEMO_1", "DEMO_2"]);
    assert_eq!(facts.modules, Some(vec!["another".to_owned(), "demo".to_owned()]));
    assert_eq!((facts.release, facts.fault), (None, None));
}

#[test]
fn the_length_of_the_pieces_makes_no_difference() {
    for sample in [
        Sample::default(),
        Sample { strings_last: true, ..Sample::default() },
        Sample { gaps: (9000, 30), headers_last: true, ..Sample::default() },
    ] {
        let file = sample.bytes();
        let whole = read(&file, file.len());
        for piece in [1, 7, 63, 64, 65, 4096] {
            assert_eq!(read(&file, piece), whole, "pieces of {piece}");
        }
        assert_eq!(whole.1, 1, "everything is in the head");
    }
}

#[test]
fn how_much_of_the_start_is_kept_makes_a_difference_to_the_passes_alone() {
    for sample in [
        Sample::default(),
        Sample { strings_last: true, ..Sample::default() },
        Sample { headers_last: true, ..Sample::default() },
    ] {
        let file = sample.bytes();
        for head in [0, 64, 200, 300, 500] {
            let (facts, passes) = read_with(Reader::with_head(head), &file, 100);
            assert_eq!(facts, read(&file, 100).0, "a head of {head}");
            assert!(passes <= PASS_LIMIT + 1, "{passes}");
        }
    }
}

#[test]
fn strings_behind_everything_need_no_second_pass() {
    let far = Sample { gaps: (0, 5 << 20), strings_last: true, ..Sample::default() };
    let (found, passes) = read(&far.bytes(), 65_536);
    assert_eq!((found, passes), (Some(facts(&Sample::default())), 1));
}

#[test]
fn what_came_by_too_early_is_read_again() {
    let far = Sample { gaps: (5 << 20, 3 << 20), ..Sample::default() };
    let file = far.bytes();
    let mut reader = Reader::new();
    file.chunks(65_536).for_each(|piece| reader.feed(piece));
    let Found::Again(mut second) = reader.finish() else { panic!("the strings came by before") };
    let expected = (5 << 20)..(5 << 20) + (1 << 19);
    assert!(expected.contains(&second.end()), "no more than strings and versions: {}", second.end());
    file[..second.end() as usize].chunks(1000).for_each(|piece| second.feed(piece));
    let Found::Facts(found) = second.finish() else { panic!("everything is known") };
    assert_eq!(found, facts(&Sample::default()));
}

#[test]
fn program_headers_at_the_end_take_more_passes() {
    let far = Sample { gaps: (5 << 20, 5 << 20), headers_last: true, ..Sample::default() };
    let (found, passes) = read(&far.bytes(), 65_536);
    assert_eq!(found.unwrap(), facts(&Sample::default()));
    assert!((2..=PASS_LIMIT).contains(&passes), "{passes}");
}

#[test]
fn a_second_pass_that_ends_too_early_asks_again_and_then_gives_up() {
    let far = Sample { gaps: (5 << 20, 3 << 20), ..Sample::default() };
    let mut reader = Reader::new();
    reader.feed(&far.bytes());
    let mut found = reader.finish();
    for _ in 0..PASS_LIMIT {
        let Found::Again(mut second) = found else { panic!("nothing was read again") };
        second.feed(&far.bytes()[..64]);
        found = second.finish();
    }
    let Found::Facts(facts) = found else { panic!("{found:?}") };
    assert_eq!((facts.machine, facts.fault), (Machine::X86_64, Some(Fault::Outside)));
}

#[test]
fn what_is_no_elf_file_ends_the_reading() {
    for file in [&b""[..], b"\x7fEL", b"#!/bin/sh\n", &[0; 200]] {
        assert_eq!(read(file, 16).0, None, "{file:?}");
    }
    let mut reader = Reader::new();
    reader.feed(&[b'x'; 64]);
    assert!(reader.is_finished());
}

#[test]
fn other_forms_yield_class_and_machine_alone() {
    let mut small = Sample::default().bytes();
    set(&mut small, 4, &[1]);
    set(&mut small, 18, &3_u16.to_le_bytes());
    let found = read(&small, 100).0.unwrap();
    assert_eq!(
        (found.class, found.machine, found.fault),
        (Class::Bits32, Machine::Other(3), Some(Fault::Form))
    );

    let mut big = Sample::default().bytes();
    set(&mut big, 5, &[2]);
    set(&mut big, 16, &[0, 3, 0, 22]);
    let found = read(&big, 100).0.unwrap();
    assert_eq!((found.kind, found.machine), (Kind::Library, Machine::Other(22)));
    assert_eq!(found.machine.to_string(), "ELF machine 22");
    assert_eq!(facts(&Sample { machine: 183, ..Sample::default() }).machine, Machine::Aarch64);
}

#[test]
fn a_stack_is_executable_by_its_header_or_for_lack_of_one() {
    for (stack, executable) in [(Some(6), false), (Some(7), true), (None, true)] {
        let facts = facts(&Sample { stack, ..Sample::default() });
        assert_eq!(facts.executable_stack, executable, "{stack:?}");
    }
}

#[test]
fn an_rpath_is_read_beside_a_runpath() {
    let facts = facts(&Sample { rpath: Some("/a::/b"), runpath: None, ..Sample::default() });
    assert_eq!(facts.rpath, ["/a", "", "/b"]);
    assert!(facts.runpath.is_empty());
}

#[test]
fn the_c_library_says_its_release() {
    let sample = Sample { soname: Some("libc.so.6"), gaps: (200, 0), ..Sample::default() };
    let mut file = sample.bytes();
    set(&mut file, 300, b"GNU C Library (Debian GLIBC 2.31-13) stable release version 2.31.\n");
    assert_eq!(read(&file, 4096).0.unwrap().release.as_deref(), Some("2.31"));
}

#[test]
fn facts_can_be_kept() {
    let facts = facts(&Sample::default());
    let text = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<LibraryFacts>(&text).unwrap(), facts);
}
