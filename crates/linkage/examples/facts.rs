//! Prints the facts of the files whose paths come by standard input, one line of JSON a file; `null` for what is no ELF file.
//!
//! `tools/linkage/compare.py` holds them to what `readelf` says.

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::fs::File;
use std::io::Read;

use mlresolve_linkage::{Found, LibraryFacts, Reader};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::io::stdin().lines() {
        let facts = read(&path?)?;
        println!("{}", serde_json::to_string(&facts)?);
    }
    Ok(())
}

fn read(path: &str) -> Result<Option<LibraryFacts>, Box<dyn Error>> {
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
