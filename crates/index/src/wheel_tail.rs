//! The directory of a wheel and its METADATA without the rest of the wheel: the directory is at the end of the archive,
//! and range requests get that and the one member that is needed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use mlresolve_packaging::{PackageName, Version, WheelFilename, parse_version};
use url::Url;
use zip::ZipArchive;
use zip::read::ZipArchiveMetadata;

use crate::pages::status_error;
use crate::sparse::{SparseFile, SparseReader};
use crate::transport::{Answer, Get, Limit};
use crate::{File, IndexClient, IndexError, MetadataError};

/// What the first request asks for, from the end, in bytes: enough for the directory of most wheels.
const TAIL: u64 = 16 * 1024;
/// What is asked for at once of the member, in bytes; it doubles with each request.
const MEMBER_PIECE: u64 = 32 * 1024;
/// More requests than a sound archive needs.
const MAX_REQUESTS: u32 = 16;
/// The name of the limit that holds for all pieces together.
const DIRECTORY_LIMIT: &str = "wheel directory";

/// What the end of a wheel told.
pub(crate) struct WheelEnd {
    /// What the archive holds.
    pub(crate) directory: Arc<ZipArchiveMetadata>,
    /// The bytes of METADATA, if it was asked for.
    pub(crate) metadata: Option<Vec<u8>>,
}

impl IndexClient {
    /// The directory of a wheel, and the METADATA of `wheel` if that is given, by range requests; `None` if the server
    /// does not serve ranges, or not consistently.
    pub(crate) async fn read_tail(
        &self,
        file: &File,
        wheel: Option<&WheelFilename>,
        url: &Url,
    ) -> Result<Option<WheelEnd>, MetadataError> {
        let range = match file.size {
            // Not every server knows ranges that count from the end.
            Some(size) if size > 0 => format!("bytes={}-{}", size.saturating_sub(TAIL), size - 1),
            _ => format!("bytes=-{TAIL}"),
        };
        let Some((answer, bytes)) = self.range(file, url, &range, None, TAIL).await? else { return Ok(None) };
        let Some((start, length)) = content_range(&answer.headers, bytes.len()) else { return Ok(None) };
        let etag =
            answer.headers.get(header::ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/")).cloned();
        let mut archive = SparseFile { length, pieces: BTreeMap::from([(start, bytes)]) };
        let mut member_piece = MEMBER_PIECE;
        let mut fetched: u64 = 0;
        for _ in 0..MAX_REQUESTS {
            let Missing { at, of_directory } = match attempt(&archive, wheel, self.options.limits.metadata) {
                Attempt::Done(end) => return Ok(Some(end)),
                Attempt::Missing(missing) => missing,
                Attempt::Unreadable(reason) => return Err(unreadable(file, reason)),
            };
            // The directory reaches up to what is there already; of a member only the start is known.
            let gap = archive.gap_after(at);
            let wanted = if of_directory { gap } else { gap.min(member_piece) };
            if !of_directory {
                member_piece *= 2;
            }
            let limit = self.options.limits.wheel_directory;
            fetched = fetched.saturating_add(wanted);
            if fetched > limit {
                let url = crate::index_url::redacted(url);
                return Err(IndexError::TooLarge { url, limit: DIRECTORY_LIMIT, bytes: limit }.into());
            }
            let range = format!("bytes={at}-{}", at + wanted - 1);
            let Some((answer, bytes)) = self.range(file, url, &range, etag.as_ref(), wanted).await? else {
                return Ok(None);
            };
            if content_range(&answer.headers, bytes.len()) != Some((at, length)) || bytes.is_empty() {
                return Ok(None);
            }
            archive.pieces.insert(at, bytes);
        }
        Err(unreadable(file, format!("not understood after {MAX_REQUESTS} range requests")))
    }

    /// One range of a file, which is at most `length` bytes; `None` if the server does not serve it as asked.
    async fn range(
        &self,
        file: &File,
        url: &Url,
        range: &str,
        etag: Option<&HeaderValue>,
        length: u64,
    ) -> Result<Option<(Answer, Vec<u8>)>, IndexError> {
        let mut headers = HeaderMap::new();
        let Ok(range) = HeaderValue::from_str(range) else { return Ok(None) };
        headers.insert(header::RANGE, range);
        if let Some(etag) = etag {
            headers.insert(header::IF_RANGE, etag.clone());
        }
        let get = Get {
            url: url.clone(),
            index: &file.index,
            headers,
            compression: false,
            limit: Limit { name: DIRECTORY_LIMIT, bytes: length },
            deadline: self.options.timeouts.total,
        };
        let mut body = Vec::new();
        let answer = match self.transport.get(&get, &mut body).await {
            Ok(answer) => answer,
            Err(error) => match error.into_index_error(url) {
                // The whole file instead of a range.
                IndexError::TooLarge { .. } => return Ok(None),
                error => return Err(error),
            },
        };
        match answer.status {
            StatusCode::PARTIAL_CONTENT if !answer.headers.contains_key(header::CONTENT_ENCODING) => {
                Ok(Some((answer, body)))
            }
            status if status.is_success() => Ok(None),
            StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::RANGE_NOT_SATISFIABLE
            | StatusCode::NOT_IMPLEMENTED => Ok(None),
            _ => Err(status_error(&answer, &file.index, url)),
        }
    }
}

/// Reads the METADATA of a wheel that is there as a whole, if it is not over a limit in bytes.
///
/// # Errors
/// When the archive cannot be read or does not hold the one METADATA of the wheel's name and version; in words.
pub fn read_archive<R: Read + Seek>(reader: R, wheel: &WheelFilename, limit: u64) -> Result<Vec<u8>, String> {
    let mut archive = ZipArchive::new(reader).map_err(|error| error.to_string())?;
    read_member(&mut archive, wheel, limit)
}

/// Reads the directory of a wheel that is there as a whole, if it is not over a limit in bytes.
///
/// # Errors
/// When the archive cannot be read; in words.
pub(crate) fn read_directory<R: Read + Seek>(
    reader: R,
    limit: u64,
) -> Result<Arc<ZipArchiveMetadata>, String> {
    let mut reader = BudgetReader { inner: BufReader::new(reader), left: limit };
    let directory = ZipArchive::new(&mut reader).map(|archive| archive.metadata());
    directory.map_err(|error| match reader.left {
        0 => format!("its directory holds more than {limit} bytes, the limit `{DIRECTORY_LIMIT}`"),
        _ => error.to_string(),
    })
}

/// Reads so many bytes and then no more, wherever they are.
struct BudgetReader<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for BudgetReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("over a limit"));
        }
        let read = (&mut self.inner).take(self.left).read(buffer)?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for BudgetReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

pub(crate) fn unreadable(file: &File, reason: String) -> MetadataError {
    MetadataError::Archive { file: file.filename.clone(), reason }
}

/// What came of reading an archive of which only pieces are there.
enum Attempt {
    Done(WheelEnd),
    Missing(Missing),
    Unreadable(String),
}

/// Where the first byte that is not there was needed.
struct Missing {
    at: u64,
    of_directory: bool,
}

fn attempt(archive: &SparseFile, wheel: Option<&WheelFilename>, limit: u64) -> Attempt {
    let missing = Cell::new(None);
    let reader = SparseReader::new(archive, &missing);
    let outcome = |of_directory: bool, reason: String| match missing.get() {
        Some(at) => Attempt::Missing(Missing { at, of_directory }),
        None => Attempt::Unreadable(reason),
    };
    match ZipArchive::new(reader) {
        Err(error) => outcome(true, error.to_string()),
        Ok(mut archive) => {
            let directory = archive.metadata();
            match wheel.map(|wheel| read_member(&mut archive, wheel, limit)).transpose() {
                Ok(metadata) => Attempt::Done(WheelEnd { directory, metadata }),
                Err(reason) => outcome(false, reason),
            }
        }
    }
}

fn read_member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    wheel: &WheelFilename,
    limit: u64,
) -> Result<Vec<u8>, String> {
    let is_metadata = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| is_metadata_of(name, wheel));
    let mut found = archive.file_names_raw().enumerate().filter(|(_, name)| is_metadata(name));
    let (first, second) = (found.next().map(|(number, _)| number), found.next());
    let number = match (first, second) {
        (Some(number), None) => number,
        (None, _) => return Err(format!("no METADATA of {} {}", wheel.name, wheel.version)),
        (Some(_), Some(_)) => return Err("more than one METADATA".to_owned()),
    };
    drop(found);
    let member = archive.by_index(number).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    member.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("METADATA holds more than {limit} bytes, the limit `metadata`"));
    }
    Ok(bytes)
}

/// Whether a version that stands inside a wheel is its own. A wheel that was renamed to tell which torch it is built for, such as
/// those of flash-attn, has the local part in its file name alone.
pub(crate) fn is_version_of(version: &Version, wheel: &WheelFilename) -> bool {
    *version == wheel.version || *version == wheel.version.clone().without_local()
}

/// Whether a member is `{name}-{version}.dist-info/METADATA` for the wheel's own name and version.
fn is_metadata_of(member: &str, wheel: &WheelFilename) -> bool {
    let stem = member.strip_suffix("/METADATA").and_then(|folder| folder.strip_suffix(".dist-info"));
    let Some((name, version)) = stem.and_then(|stem| stem.rsplit_once('-')) else { return false };
    name.parse::<PackageName>().is_ok_and(|name| name == wheel.name)
        && parse_version(version).is_ok_and(|version| is_version_of(&version, wheel))
}

/// Start and total length from `Content-Range: bytes 5-9/10`, if they fit the body.
fn content_range(headers: &HeaderMap, body: usize) -> Option<(u64, u64)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, length): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, length.parse().ok()?);
    let fits = first <= last && last < length && last - first == (body as u64).checked_sub(1)?;
    fits.then_some((first, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &'static str, body: usize) -> Option<(u64, u64)> {
        content_range(&HeaderMap::from_iter([(header::CONTENT_RANGE, HeaderValue::from_static(text))]), body)
    }

    #[test]
    fn a_content_range_must_fit_its_body() {
        assert_eq!(range("bytes 5-9/10", 5), Some((5, 10)));
        for (text, body) in [
            ("bytes 5-9/10", 4),
            ("bytes 5-9/9", 5),
            ("bytes 9-5/10", 5),
            ("bytes 5-9/*", 5),
            ("items 5-9/10", 5),
            ("bytes */10", 0),
            ("bytes 0-18446744073709551615/18446744073709551615", 0),
        ] {
            assert_eq!(range(text, body), None, "{text}");
        }
    }

    #[test]
    fn metadata_is_looked_for_in_the_wheel_s_own_folder() {
        let wheel: WheelFilename = "Foo_Bar-1.0+cu12-py3-none-any.whl".parse().unwrap();
        for own in [
            "Foo_Bar-1.0+cu12.dist-info/METADATA",
            "foo.bar-1.0.0+cu12.dist-info/METADATA",
            "foo_bar-1.0.dist-info/METADATA",
        ] {
            assert!(is_metadata_of(own, &wheel), "{own}");
        }
        for other in [
            "foo_bar-1.0+cu13.dist-info/METADATA",
            "foo_bar-1.1+cu12.dist-info/METADATA",
            "foo-1.0+cu12.dist-info/METADATA",
            "x/foo_bar-1.0+cu12.dist-info/METADATA",
            "foo_bar-1.0+cu12.dist-info/METADATA.txt",
            "METADATA",
        ] {
            assert!(!is_metadata_of(other, &wheel), "{other}");
        }
    }
}
