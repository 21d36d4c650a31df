//! The file RECORD of a wheel or an installed distribution: each file with its hash and size.
//!
//! Source: "The .dist-info/RECORD file" in the specification of recording installed projects of PyPA (PEP 376, PEP 627),
//! and the binary distribution format (PEP 427): sha256 or better, md5 and sha1 are not permitted.
//!
//! The form is Python's default dialect of CSV, read strictly: what one reader takes for two fields and another for one is
//! refused.

use data_encoding::BASE64URL_NOPAD;

/// The longest RECORD that is read, in bytes (64 MiB).
pub const RECORD_LIMIT: usize = 64 << 20;
/// The most rows that are read.
pub const RECORD_ROW_LIMIT: usize = 200_000;

/// One row of a RECORD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// The path as it stands there: divided by `/`, below the folder in which `.dist-info` is unless it says otherwise. It
    /// is not judged here.
    pub path: String,
    /// The hash of the content, if one is given.
    pub hash: Option<RecordHash>,
    /// The length of the content in bytes, if it is given.
    pub size: Option<u64>,
}

/// A hash in a RECORD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHash {
    /// How it was made.
    pub algorithm: RecordAlgorithm,
    /// Its bytes, as many as the algorithm gives.
    pub digest: Vec<u8>,
}

/// The hash algorithms that a RECORD may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordAlgorithm {
    /// SHA-256, which nearly every wheel has.
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

/// Why a RECORD cannot be read. Rows are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is longer than [`RECORD_LIMIT`].
    #[error("RECORD of {0} bytes is over the limit of {RECORD_LIMIT} (RECORD length)")]
    TooLong(usize),
    /// It has more rows than [`RECORD_ROW_LIMIT`].
    #[error("RECORD has more rows than the limit of {RECORD_ROW_LIMIT} (RECORD rows)")]
    TooManyRows,
    /// It is not UTF-8.
    #[error("RECORD is not UTF-8")]
    NotUtf8,
    /// A row cannot be read.
    #[error("row {row} of RECORD {problem}")]
    Row {
        /// The row.
        row: usize,
        /// What is wrong with it, in words.
        problem: RecordProblem,
    },
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// Quotes are not where they belong.
    #[error("has a quote that readers take in different ways")]
    Quote,
    /// It has not three fields.
    #[error("has {0} fields instead of 3")]
    Fields(usize),
    /// It has no path.
    #[error("has no path")]
    NoPath,
    /// The algorithm is too weak or not known.
    #[error("has a hash by {0:?}; it must be sha256, sha384 or sha512")]
    Algorithm(String),
    /// The hash is not in URL-safe base64 without padding, or has the wrong length.
    #[error("has a hash that cannot be read")]
    Hash,
    /// The size is not a number.
    #[error("has a size that is no number")]
    Size,
}

impl RecordAlgorithm {
    /// The name in front of the hash.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of a digest, in bytes.
    #[must_use]
    pub fn digest_length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl std::fmt::Display for RecordHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}={}", self.algorithm.as_str(), BASE64URL_NOPAD.encode(&self.digest))
    }
}

/// Reads a RECORD, in its order. Empty lines are passed over. Whether paths repeat, and what they lead to, is for the
/// caller to judge.
///
/// # Errors
/// When it is beyond a limit or a row is not one.
pub fn parse_record(bytes: &[u8]) -> Result<Vec<RecordRow>, RecordError> {
    if bytes.len() > RECORD_LIMIT {
        return Err(RecordError::TooLong(bytes.len()));
    }
    let mut rest = str::from_utf8(bytes).map_err(|_| RecordError::NotUtf8)?;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['\r', '\n']) {
            rest = after;
            continue;
        }
        let row = rows.len() + 1;
        if row > RECORD_ROW_LIMIT {
            return Err(RecordError::TooManyRows);
        }
        let read = read_row(&mut rest).and_then(read_fields);
        rows.push(read.map_err(|problem| RecordError::Row { row, problem })?);
    }
    Ok(rows)
}

/// Writes rows as a RECORD, in the order in which they come, each line ended by a line feed.
#[must_use]
pub fn write_record<'a>(rows: impl IntoIterator<Item = &'a RecordRow>) -> String {
    let mut text = String::new();
    for row in rows {
        if row.path.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&row.path.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&row.path);
        }
        text.push(',');
        text.extend(row.hash.as_ref().map(ToString::to_string));
        text.push(',');
        text.extend(row.size.map(|size| size.to_string()));
        text.push('\n');
    }
    text
}

/// Takes the fields of one row off the front of the text, and the line's end.
fn read_row(rest: &mut &str) -> Result<Vec<String>, RecordProblem> {
    let mut fields = Vec::new();
    loop {
        fields.push(read_field(rest)?);
        if fields.len() > 3 {
            return Err(RecordProblem::Fields(fields.len()));
        }
        let Some(next) = rest.chars().next() else { return Ok(fields) };
        *rest = &rest[1..];
        if next != ',' {
            return Ok(fields);
        }
    }
}

/// Takes one field off the front of the text, up to the comma, the line's end or the text's end.
fn read_field(rest: &mut &str) -> Result<String, RecordProblem> {
    let ends = [',', '\r', '\n'];
    let Some(quoted) = rest.strip_prefix('"') else {
        let (field, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        *rest = after;
        return if field.contains('"') { Err(RecordProblem::Quote) } else { Ok(field.to_owned()) };
    };
    let (mut field, mut after) = (String::new(), quoted);
    loop {
        let (piece, behind) = after.split_once('"').ok_or(RecordProblem::Quote)?;
        field.push_str(piece);
        after = behind;
        match after.strip_prefix('"') {
            Some(behind) => {
                field.push('"');
                after = behind;
            }
            None if after.is_empty() || after.starts_with(ends) => break,
            None => return Err(RecordProblem::Quote),
        }
    }
    *rest = after;
    Ok(field)
}

fn read_fields(fields: Vec<String>) -> Result<RecordRow, RecordProblem> {
    let count = fields.len();
    let [path, hash, size] = <[String; 3]>::try_from(fields).map_err(|_| RecordProblem::Fields(count))?;
    if path.is_empty() {
        return Err(RecordProblem::NoPath);
    }
    let size = match size.as_str() {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| RecordProblem::Size)?)
        }
        _ => return Err(RecordProblem::Size),
    };
    let hash = if hash.is_empty() { None } else { Some(read_hash(&hash)?) };
    Ok(RecordRow { path, hash, size })
}

fn read_hash(text: &str) -> Result<RecordHash, RecordProblem> {
    let (name, digest) = text.split_once('=').ok_or(RecordProblem::Hash)?;
    let algorithm = [RecordAlgorithm::Sha256, RecordAlgorithm::Sha384, RecordAlgorithm::Sha512]
        .into_iter()
        .find(|algorithm| algorithm.as_str() == name)
        .ok_or_else(|| RecordProblem::Algorithm(name.chars().take(32).collect()))?;
    let digest = BASE64URL_NOPAD.decode(digest.as_bytes()).map_err(|_| RecordProblem::Hash)?;
    if digest.len() != algorithm.digest_length() {
        return Err(RecordProblem::Hash);
    }
    Ok(RecordHash { algorithm, digest })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn problem(text: &str) -> RecordProblem {
        match parse_record(text.as_bytes()) {
            Err(RecordError::Row { row: 1, problem }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_with_every_line_ending_are_read() {
        let text = format!("a.py,{EMPTY},0\r\n\"b,\"\"c\"\".py\",{EMPTY},\nx.dist-info/RECORD,,");
        let rows = parse_record(text.as_bytes()).unwrap();
        let shown: Vec<_> =
            rows.iter().map(|row| (row.path.as_str(), row.hash.is_some(), row.size)).collect();
        assert_eq!(
            shown,
            [("a.py", true, Some(0)), ("b,\"c\".py", true, None), ("x.dist-info/RECORD", false, None)]
        );
        assert_eq!(rows[0].hash.as_ref().unwrap().to_string(), EMPTY);
    }

    #[test]
    fn what_readers_take_in_different_ways_is_refused() {
        for text in ["a\"b,,", "\"a\"b,,", "\"a,,", "\"a\n,,\n"] {
            assert_eq!(problem(text), RecordProblem::Quote, "{text:?}");
        }
        assert_eq!(problem("a"), RecordProblem::Fields(1));
        assert_eq!(problem("a,"), RecordProblem::Fields(2));
        assert_eq!(problem("a,,,"), RecordProblem::Fields(4));
        assert_eq!(problem(",,"), RecordProblem::NoPath);
    }

    #[test]
    fn weak_and_malformed_hashes_are_refused() {
        for name in ["md5", "sha1", "sha224", "blake2b", "SHA256"] {
            assert_eq!(problem(&format!("a,{name}=x,")), RecordProblem::Algorithm(name.to_owned()));
        }
        for hash in ["sha256", "sha256=", "sha256=47DE", &format!("{EMPTY}="), &EMPTY.replace('-', "+")] {
            assert_eq!(problem(&format!("a,{hash},")), RecordProblem::Hash, "{hash}");
        }
        for size in ["-1", "+1", " 1", "1e3", "18446744073709551616"] {
            assert_eq!(problem(&format!("a,,{size}")), RecordProblem::Size, "{size}");
        }
    }

    #[test]
    fn limits_have_their_names() {
        let rows = "a,,\n".repeat(RECORD_ROW_LIMIT + 1);
        assert_eq!(parse_record(rows.as_bytes()), Err(RecordError::TooManyRows));
        let long = vec![b'\n'; RECORD_LIMIT + 1];
        assert_eq!(parse_record(&long), Err(RecordError::TooLong(RECORD_LIMIT + 1)));
        assert_eq!(parse_record(b"\xff,,"), Err(RecordError::NotUtf8));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(paths in proptest::collection::vec("[a-z,\"\r\n/é]{1,9}", 0..9)) {
            let hash = RecordHash { algorithm: RecordAlgorithm::Sha256, digest: vec![7; 32] };
            let row = |path| RecordRow { path, hash: Some(hash.clone()), size: Some(3) };
            let rows: Vec<_> = paths.into_iter().map(row).collect();
            prop_assert_eq!(parse_record(write_record(&rows).as_bytes()), Ok(rows));
        }
    }
}
