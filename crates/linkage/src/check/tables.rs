//! What is known of single libraries and packages: tables in `facts/`, read once.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::glob;

const ASKED: &str = include_str!("../../facts/asked.tsv");
const DRIVER: &str = include_str!("../../facts/driver.tsv");
const FIXES: &str = include_str!("../../facts/fixes.tsv");
const INSTEAD: &str = include_str!("../../facts/instead.tsv");
const LENDERS: &str = include_str!("../../facts/lenders.tsv");
const LOADED: &str = include_str!("../../facts/loaded.tsv");
const OPTIONAL: &str = include_str!("../../facts/optional.tsv");
const COMPILERS: &str = include_str!("../../facts/compilers.tsv");

/// Where a fact was read, and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The place, such as `numba/numba#6108`.
    pub place: String,
    /// The date, such as `2026-11-22`.
    pub read: String,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, read {}", self.place, self.read)
    }
}

/// A line of a table: its cells, the last two of which are the source and the date.
struct Row {
    cells: Vec<&'static str>,
}

impl Row {
    fn source(&self) -> Source {
        let [.., place, read] = self.cells.as_slice() else {
            return Source { place: String::new(), read: String::new() };
        };
        Source { place: (*place).to_owned(), read: (*read).to_owned() }
    }
}

/// The rows of a table. That each has as many cells as its heading is held by a test.
fn rows(text: &'static str) -> Vec<Row> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.skip(1).map(|line| Row { cells: line.split('\t').collect() }).collect()
}

static ASKED_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(ASKED));
static DRIVER_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(DRIVER));
static FIX_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(FIXES));
static INSTEAD_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(INSTEAD));
static LENDER_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(LENDERS));
static LOADED_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(LOADED));
static OPTIONAL_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(OPTIONAL));
static COMPILER_ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(COMPILERS));

/// Whether the GPU's driver brings a library into a container.
pub(super) fn is_from_driver(name: &str) -> bool {
    DRIVER_ROWS.iter().any(|row| glob::matches(row.cells[0], name))
}

/// The package of Debian that has a library: its name up to Debian 12 and Ubuntu 22.04, and from then on.
pub(super) fn debian_package(name: &str) -> Option<(&'static str, &'static str)> {
    let row = FIX_ROWS.iter().find(|row| row.cells[0] == name)?;
    let (before, since) = (row.cells[1], row.cells[2]);
    Some((before, if since == "=" { before } else { since }))
}

/// The package to take instead of another so that none of these libraries is needed.
pub(super) fn instead(package: &str, names: &[String]) -> Option<&'static str> {
    let without = |row: &&Row| names.iter().all(|name| row.cells[2].split(' ').any(|known| known == name));
    INSTEAD_ROWS.iter().filter(|row| row.cells[0] == package).find(without).map(|row| row.cells[1])
}

/// Whether a package's libraries are known to be loaded for other packages.
pub(super) fn is_lender(package: &str) -> bool {
    LENDER_ROWS.iter().any(|row| glob::matches(row.cells[0], package))
}

/// Whether a package is known to load a file when it is imported, although the file is no extension module.
pub(super) fn is_loaded(package: &str, path: &str) -> bool {
    LOADED_ROWS.iter().any(|row| row.cells[0] == package && glob::matches(row.cells[1], path))
}

/// Libraries of the system that a package is known to load by name when it is imported.
pub(super) fn asked(package: &str) -> Option<(impl Iterator<Item = &'static str>, Source)> {
    let row = ASKED_ROWS.iter().find(|row| row.cells[0] == package)?;
    Some((row.cells[1].split(' '), row.source()))
}

/// The GCC with whose libraries a version of symbols came, such as `13` for `GLIBCXX_3.4.32`.
pub(super) fn compiler(version: &str) -> Option<&'static str> {
    COMPILER_ROWS.iter().find(|row| row.cells[0] == version).map(|row| row.cells[1])
}

/// What is known of a library that need not load.
pub(super) struct Optional {
    /// What the libraries are of which one must load; `None` for what is optional.
    pub(super) group: Option<&'static str>,
    pub(super) reason: &'static str,
    pub(super) source: Source,
    needs: &'static str,
}

impl Optional {
    /// Whether it is this that may be lacking.
    pub(super) fn covers(&self, name: &str) -> bool {
        self.needs.split(' ').any(|pattern| glob::matches(pattern, name))
    }
}

/// What is known of a library of a package that need not load.
pub(super) fn optional(package: &str, path: &str) -> Vec<Optional> {
    let rows = OPTIONAL_ROWS.iter().filter(|row| glob::matches(row.cells[0], package));
    rows.filter(|row| glob::matches(row.cells[1], path))
        .map(|row| Optional {
            group: row.cells[3].strip_prefix("one of "),
            needs: row.cells[2],
            reason: row.cells[4],
            source: row.source(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_well_formed() {
        for (name, text) in [
            ("asked", ASKED),
            ("driver", DRIVER),
            ("fixes", FIXES),
            ("instead", INSTEAD),
            ("lenders", LENDERS),
            ("loaded", LOADED),
            ("optional", OPTIONAL),
            ("compilers", COMPILERS),
        ] {
            let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            let heading: Vec<&str> = lines.next().unwrap().split('\t').collect();
            assert!(heading.ends_with(&["source", "read"]), "{name}.tsv");
            let mut before = "";
            for line in lines {
                let cells: Vec<&str> = line.split('\t').collect();
                assert_eq!(cells.len(), heading.len(), "{name}.tsv: {line:?}");
                assert!(
                    cells.iter().all(|cell| !cell.is_empty() && cell.trim() == *cell),
                    "{name}.tsv: {line:?}"
                );
                assert!(before < line, "{name}.tsv is not in order at {line:?}");
                let date = cells[cells.len() - 1];
                assert!(date.len() == 10 && date.starts_with("20"), "{name}.tsv: {line:?}");
                before = line;
            }
            assert!(!before.is_empty(), "{name}.tsv has no row");
        }
    }

    #[test]
    fn a_row_of_alternatives_is_optional_or_one_of_several() {
        for row in OPTIONAL_ROWS.iter() {
            assert!(row.cells[3] == "optional" || row.cells[3].starts_with("one of "), "{:?}", row.cells);
        }
    }
}
