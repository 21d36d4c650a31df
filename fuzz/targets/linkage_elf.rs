//! ELF files: the pieces in which a file comes by make no difference, and no more than a stated number of passes is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_linkage::{Found, LibraryFacts, NAME_BYTES_LIMIT, PASS_LIMIT, Reader};

fuzz_target!(|bytes: &[u8]| {
    let found = read(Reader::new(), bytes, 4096);
    // The first byte of what follows the header's mark is as good as any other length.
    let piece = bytes.get(6).map_or(1, |byte| usize::from(*byte) + 1);
    assert_eq!(read(Reader::new(), bytes, piece), found);
    let apart = read(Reader::with_head(64), bytes, piece);
    assert_eq!(apart.is_some(), found.is_some());
    let Some(facts) = found else { return };
    // Of several faults another one may be met first.
    assert_eq!(apart.as_ref().map(|facts| facts.fault.is_some()), Some(facts.fault.is_some()));
    assert!(facts.fault.is_some() || facts.release.is_some() || apart.as_ref() == Some(&facts));
    let names = facts.needed.iter().chain(&facts.soname).chain(&facts.provides);
    assert!(names.into_iter().all(|name| name.len() as u64 <= NAME_BYTES_LIMIT && !name.contains('\0')));
});

fn read(mut reader: Reader, bytes: &[u8], piece: usize) -> Option<LibraryFacts> {
    bytes.chunks(piece).for_each(|piece| reader.feed(piece));
    let mut found = reader.finish();
    for _ in 0..=PASS_LIMIT {
        match found {
            Found::NotElf => return None,
            Found::Facts(facts) => return Some(facts),
            Found::Again(mut second) => {
                let end = usize::try_from(second.end()).expect("no more than there is");
                bytes[..end].chunks(piece).for_each(|piece| second.feed(piece));
                found = second.finish();
            }
        }
    }
    panic!("passes end");
}
