//! Rules of one file: its digests, its size and time, and whose name it carries.

use jiff::Timestamp;
use mlresolve_packaging::{SdistFilename, Version, WheelFilename};

use super::location::{self, Scheme};
use super::{Fault, at};
use crate::invalid::Problem;
use crate::model::{HashTable, Package};

/// The algorithms that a digest may be trusted by, and the number of their hexadecimal digits.
const STRONG: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// The most hexadecimal digits of any digest.
const DIGEST_LIMIT: usize = 256;

pub(super) fn check(
    key: &str,
    location: (Option<&str>, Option<&str>),
    size: Option<u64>,
    upload_time: Option<Timestamp>,
    hashes: &HashTable,
) -> Result<(), Fault> {
    location::either(key, location, Scheme::Web)?;
    if let Some(size) = size
        && i64::try_from(size).is_err()
    {
        return Err(at(format!("{key}.size"))(Problem::HugeSize(size)));
    }
    if let Some(time) = upload_time
        && !writable(time)
    {
        return Err(at(format!("{key}.upload-time"))(Problem::TimeOutOfRange(time)));
    }
    for (algorithm, found) in hashes {
        digest(algorithm, found).map_err(at(format!("{key}.hashes.{algorithm}")))?;
    }
    if STRONG.iter().any(|(algorithm, _)| hashes.contains_key(*algorithm)) {
        return Ok(());
    }
    let found = match hashes.len() {
        0 => "none".to_owned(),
        _ => hashes.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    Err(at(format!("{key}.hashes"))(Problem::WeakHashes(found)))
}

pub(super) fn digest(algorithm: &str, found: &str) -> Result<(), Problem> {
    if algorithm.is_empty() || algorithm.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Problem::Malformed("a digest's algorithm is named in lower case".to_owned()));
    }
    let length = STRONG.iter().find(|(name, _)| *name == algorithm).map(|(_, length)| *length);
    let hexadecimal = found.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let fits = match length {
        Some(length) => found.len() == length,
        None => !found.is_empty() && found.len() <= DIGEST_LIMIT,
    };
    if hexadecimal && fits {
        return Ok(());
    }
    let expected = match length {
        Some(length) => format!("{length} lower-case hexadecimal digits for {algorithm}"),
        None => format!("1 to {DIGEST_LIMIT} lower-case hexadecimal digits (digest length)"),
    };
    Err(Problem::BadDigest { expected, found: found.chars().take(80).collect() })
}

pub(super) fn wheel_name(file: &str, package: &Package) -> Result<(), Problem> {
    let parsed: WheelFilename = file.parse().map_err(|error| Problem::Malformed(format!("{error}")))?;
    if parsed.name == package.name && version_fits(&parsed.version, package) {
        return Ok(());
    }
    Err(wrong_file(file, &parsed.name, &parsed.version, package))
}

pub(super) fn sdist_name(file: &str, package: &Package) -> Result<(), Problem> {
    let parsed =
        SdistFilename::parse(file, &package.name).map_err(|error| Problem::Malformed(format!("{error}")))?;
    if parsed.name == package.name && version_fits(&parsed.version, package) {
        return Ok(());
    }
    Err(wrong_file(file, &parsed.name, &parsed.version, package))
}

fn version_fits(found: &Version, package: &Package) -> bool {
    package.version.as_ref().is_none_or(|version| version == found)
}

fn wrong_file(
    file: &str,
    name: &mlresolve_packaging::PackageName,
    version: &Version,
    package: &Package,
) -> Problem {
    let expected = match &package.version {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.to_string(),
    };
    Problem::WrongFile { file: file.to_owned(), found: format!("{name} {version}"), expected }
}

/// TOML writes years with four digits and no sign.
fn writable(time: Timestamp) -> bool {
    const YEAR_ZERO: i64 = -62_167_219_200;
    const YEAR_TEN_THOUSAND: i64 = 253_402_300_800;
    (YEAR_ZERO..YEAR_TEN_THOUSAND).contains(&time.as_second())
}
