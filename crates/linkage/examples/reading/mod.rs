//! Reads the facts of a file on disk.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use mlresolve_linkage::{Found, LibraryFacts, Reader};

/// The facts of a file; `None` if it is no ELF file.
pub(crate) fn read(path: &Path) -> Result<Option<LibraryFacts>, Box<dyn Error>> {
    let mut reader = Reader::new();
    let mut piece = vec![0; 65_536];
    let mut file = File::open(path)?;
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 || reader.is_finished() {
            break;
        }
        reader.feed(&piece[..length]);
    }
    let mut found = reader.finish();
    while let Found::Again(mut second) = found {
        let (mut file, mut position) = (File::open(path)?, 0);
        while position < second.end() && !second.is_finished() {
            let length = file.read(&mut piece)?;
            second.feed(&piece[..length]);
            position += length as u64;
        }
        found = second.finish();
    }
    Ok(match found {
        Found::Facts(facts) => Some(facts),
        Found::NotElf | Found::Again(_) => None,
    })
}
