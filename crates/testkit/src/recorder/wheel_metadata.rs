//! The metadata of a wheel, read out of its archive with as few range requests as that takes.

use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use super::upstream::UpstreamError;

/// Bytes of the first range; each further one is twice as long, since what is missing then is a large directory.
const FIRST_RANGE: u64 = 64 << 10;
/// Most range requests for one wheel.
const MAXIMUM_RANGES: usize = 10;
/// Most bytes of metadata.
const MAXIMUM_METADATA: u64 = 16 << 20;

/// A file of which only some ranges are known; reading anything else notes where it was and fails.
struct SparseFile {
    length: u64,
    position: u64,
    ranges: Vec<(u64, Vec<u8>)>,
    missing: Option<u64>,
}

/// The `METADATA` of a wheel of `length` bytes; `fetch(start, end)` gives the bytes `start..end` of the file.
pub(super) async fn read<F>(length: u64, fetch: impl Fn(u64, u64) -> F) -> Result<String, UpstreamError>
where
    F: Future<Output = Result<Vec<u8>, UpstreamError>>,
{
    let mut file = SparseFile { length, position: 0, ranges: Vec::new(), missing: None };
    // A zip archive is read from its end.
    let mut start = length.saturating_sub(FIRST_RANGE);
    for attempt in 0..MAXIMUM_RANGES {
        let end = start.saturating_add(FIRST_RANGE << attempt).min(length);
        file.ranges.push((start, fetch(start, end).await?));
        match metadata(&mut file) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => start = file.missing.take().ok_or(UpstreamError::Wheel(error))?,
        }
    }
    Err(UpstreamError::TooManyRanges { limit: MAXIMUM_RANGES })
}

fn metadata(file: &mut SparseFile) -> Result<String, ZipError> {
    let mut archive = ZipArchive::new(file)?;
    let is_metadata = |name: &String| name.ends_with(".dist-info/METADATA") && name.matches('/').count() == 1;
    let mut names = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned()));
    let name = names.find(is_metadata).ok_or(ZipError::FileNotFound)?;
    drop(names);
    let mut bytes = Vec::new();
    archive.by_name(&name)?.take(MAXIMUM_METADATA).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Read for SparseFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || buffer.is_empty() {
            return Ok(0);
        }
        let known = self.ranges.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(self.position.checked_sub(*start)?).ok()?;
            bytes.get(offset..).filter(|rest| !rest.is_empty())
        });
        let Some(known) = known else {
            self.missing = Some(self.position);
            return Err(io::Error::other("this range is not fetched yet"));
        };
        let count = known.len().min(buffer.len());
        buffer[..count].copy_from_slice(&known[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SparseFile {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::WheelBuilder;

    /// Reads from memory; such a future is ready at once.
    fn read_from(bytes: &[u8]) -> (Result<String, UpstreamError>, u64) {
        let fetched = RefCell::new(0);
        let fetch = |start: u64, end: u64| {
            *fetched.borrow_mut() += end - start;
            std::future::ready(Ok(bytes[start as usize..end as usize].to_vec()))
        };
        let result = match pin!(read(bytes.len() as u64, fetch)).poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("nothing here waits"),
        };
        (result, fetched.into_inner())
    }

    #[test]
    fn small_wheels_take_one_range() {
        let wheel = WheelBuilder::new("a", "1.0").requires("b").build();
        let (metadata, fetched) = read_from(&wheel.bytes);
        assert_eq!(metadata.unwrap().into_bytes(), wheel.metadata);
        assert_eq!(fetched, wheel.bytes.len() as u64);
    }

    #[test]
    fn of_large_wheels_the_content_is_not_read() {
        let mut builder = WheelBuilder::new("a", "1.0").stored().file("a/large", vec![7; 8 << 20]);
        for number in 0..5000 {
            builder = builder.file(&format!("a/{number}"), b"");
        }
        let wheel = builder.build();
        let (metadata, fetched) = read_from(&wheel.bytes);
        assert_eq!(metadata.unwrap().into_bytes(), wheel.metadata);
        assert!(fetched < 4 << 20, "{fetched} bytes were fetched");
    }

    #[test]
    fn what_is_no_wheel_is_an_error() {
        assert!(matches!(read_from(&[0; 1000]).0, Err(UpstreamError::Wheel(_))));
        assert!(matches!(
            read_from(&[0; 4 << 20]).0,
            Err(UpstreamError::Wheel(_) | UpstreamError::TooManyRanges { .. })
        ));
    }
}
