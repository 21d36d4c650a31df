//! Prints the facts of the files whose paths come by standard input, one line of JSON a file; `null` for what is no ELF file.
//!
//! `tools/linkage/compare.py` holds them to what `readelf` says.

#![expect(clippy::print_stdout, reason = "a program for people")]

mod reading;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::io::stdin().lines() {
        let facts = reading::read(Path::new(&path?))?;
        println!("{}", serde_json::to_string(&facts)?);
    }
    Ok(())
}
