//! The form that every table of facts has: one fact a line, cells between tabs, a heading, and in the last two cells
//! where the fact was read and when.

use std::fmt;
use std::str::FromStr;

use mlresolve_packaging::PackageName;
use thiserror::Error;

/// Where a fact was read, and when. Displayed in the brackets that stand behind the fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// A short citation by which a person finds the place, such as `pytorch/pytorch#172663`.
    pub place: &'static str,
    /// The date on which it was read there, such as `2026-11-21`.
    pub read: &'static str,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, read {}]", self.place, self.read)
    }
}

/// A row of a table.
pub(crate) trait Fact: Sized {
    /// The heading of the table, without the two columns of the source.
    const COLUMNS: &'static [&'static str];

    /// What the rows are sorted by, and what no two of them share.
    type Key: Ord;

    /// Reads one row; `None` if a cell is not what its column holds.
    fn read(cells: &[&'static str], source: Source) -> Option<Self>;

    /// The key of this row.
    fn key(&self) -> Self::Key;
}

/// What is wrong with a table, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub(crate) struct TableError {
    line: usize,
    what: String,
}

/// Reads a table strictly. Lines that are empty or begin with `#` are passed over.
pub(crate) fn read<F: Fact>(text: &'static str) -> Result<Vec<F>, TableError> {
    let mut rows: Vec<F> = Vec::new();
    let mut heading = false;
    for (line, content) in (1..).zip(text.lines()) {
        let wrong = |what: &str| TableError { line, what: format!("{what}: {content:?}") };
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let cells: Vec<&'static str> = content.split('\t').collect();
        if !heading {
            let columns = F::COLUMNS.iter().chain(&["source", "read"]);
            if !cells.iter().eq(columns) {
                return Err(wrong("not the heading"));
            }
            heading = true;
            continue;
        }
        if cells.len() != F::COLUMNS.len() + 2 || cells.iter().any(|cell| cell.trim() != *cell) {
            return Err(wrong("not as many cells as columns, or a space at the end of one"));
        }
        let (facts, source) = cells.split_at(F::COLUMNS.len());
        let source = Source { place: source[0], read: source[1] };
        if source.place.is_empty() || !is_date(source.read) {
            return Err(wrong("no source, or no date such as 2026-11-21"));
        }
        let row = F::read(facts, source).ok_or_else(|| wrong("a cell is not what its column holds"))?;
        if rows.last().is_some_and(|before| before.key() >= row.key()) {
            return Err(wrong("not in order, or twice"));
        }
        rows.push(row);
    }
    if heading { Ok(rows) } else { Err(TableError { line: 0, what: "no heading".to_owned() }) }
}

/// The rows of a table that a test has found to be well formed.
pub(crate) fn known<F: Fact>(text: &'static str) -> Vec<F> {
    read(text).unwrap_or_default()
}

/// Reads a cell that `mark` leaves open; the outer `None` is a cell that cannot be read.
pub(crate) fn parsed_unless<T: FromStr>(mark: &str, cell: &str) -> Option<Option<T>> {
    if cell == mark { Some(None) } else { cell.parse().ok().map(Some) }
}

/// Reads a cell that holds the name of a package in its normalised form.
pub(crate) fn name(cell: &str) -> Option<PackageName> {
    cell.parse().ok().filter(|name: &PackageName| name.as_str() == cell)
}

/// Whether a text is a date as in ISO 8601.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, length: usize| -> Option<u16> {
        (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let [year, month, day] = parts.as_slice() else { return false };
    number(year, 4).is_some_and(|year| year >= 2000)
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Row(u8);

    impl Fact for Row {
        const COLUMNS: &'static [&'static str] = &["number"];
        type Key = u8;

        fn read(cells: &[&'static str], _: Source) -> Option<Self> {
            cells[0].parse().ok().map(Self)
        }

        fn key(&self) -> u8 {
            self.0
        }
    }

    #[test]
    fn rows_are_read_in_order() {
        let text = "# about\n\nnumber\tsource\tread\n2\tplace\t2026-11-21\n10\tplace\t2026-11-21\n";
        assert_eq!(read::<Row>(text), Ok(vec![Row(2), Row(10)]));
    }

    #[test]
    fn a_malformed_table_is_refused_with_its_line() {
        for (line, text) in [
            (0, ""),
            (1, "number\tread\tsource\n"),
            (2, "number\tsource\tread\n2\tplace\n"),
            (2, "number\tsource\tread\n2\t\t2026-11-21\n"),
            (2, "number\tsource\tread\n2\tplace\t21.11.2026\n"),
            (2, "number\tsource\tread\n2\tplace\t2026-13-21\n"),
            (2, "number\tsource\tread\n2 \tplace\t2026-11-21\n"),
            (2, "number\tsource\tread\nx\tplace\t2026-11-21\n"),
            (3, "number\tsource\tread\n2\tplace\t2026-11-21\n2\tplace\t2026-11-21\n"),
            (3, "number\tsource\tread\n2\tplace\t2026-11-21\n1\tplace\t2026-11-21\n"),
        ] {
            assert_eq!(read::<Row>(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
