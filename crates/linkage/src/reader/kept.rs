use std::ops::Range;

/// How much of a file's start is kept. Ordinary libraries have what the loader reads in there, or at the end.
pub const HEAD_BYTES: u64 = 4 << 20;

/// The most bytes that are kept of one file, its head among them.
pub const KEPT_BYTES_LIMIT: u64 = 32 << 20;

/// The parts of a file that are kept while it comes by: its head, and ranges that are known to be wanted.
#[derive(Debug)]
pub(super) struct Kept {
    head: Vec<u8>,
    head_limit: u64,
    ranges: Vec<KeptRange>,
    /// Ranges that came by before they were wanted.
    missed: Vec<Range<u64>>,
    /// Known once the file came by.
    length: Option<u64>,
}

#[derive(Debug)]
struct KeptRange {
    start: u64,
    /// Where it ends if the file is long enough.
    end: u64,
    bytes: Vec<u8>,
}

/// More is wanted than is kept of one file.
#[derive(Debug)]
pub(super) struct TooMuch;

impl Kept {
    /// Keeps this much of a file's start.
    pub(super) fn new(head_limit: u64) -> Self {
        let head_limit = head_limit.min(HEAD_BYTES);
        Self { head: Vec::new(), head_limit, ranges: Vec::new(), missed: Vec::new(), length: None }
    }

    /// Takes a piece of the file that begins at `position`.
    pub(super) fn take(&mut self, position: u64, piece: &[u8]) {
        append(&mut self.head, 0..self.head_limit, position, piece);
        for range in &mut self.ranges {
            append(&mut range.bytes, range.start..range.end, position, piece);
        }
    }

    pub(super) fn set_length(&mut self, length: u64) {
        self.length.get_or_insert(length);
    }

    /// As much of the file's start as came by.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bytes from `range.start` on: all of the range, or as many as the file has of it. `None` if not all are known.
    pub(super) fn get(&self, range: &Range<u64>) -> Option<&[u8]> {
        let end = range.end.min(self.length.unwrap_or(u64::MAX));
        if end <= range.start {
            return Some(&[]);
        }
        let head = KeptView { start: 0, bytes: &self.head };
        let ranges = self.ranges.iter().map(|kept| KeptView { start: kept.start, bytes: &kept.bytes });
        std::iter::once(head).chain(ranges).find_map(|kept| kept.part(range.start, end))
    }

    /// From now on keeps these ranges too, of a file that came by up to `position`.
    pub(super) fn want(&mut self, ranges: &[Range<u64>], position: u64) -> Result<(), TooMuch> {
        for range in ranges {
            let in_head = range.end <= self.head_limit;
            let known = |kept: &KeptRange| kept.start <= range.start && range.end <= kept.end;
            if in_head || self.ranges.iter().any(known) {
                continue;
            }
            let start = usize::try_from(range.start).unwrap_or(usize::MAX);
            // While the head comes by, what lies in it can be taken from there.
            let begun = self.head.get(start..).filter(|_| self.head.len() as u64 == position);
            if range.start >= position || begun.is_some() {
                let bytes = begun.unwrap_or_default();
                let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(bytes.len());
                let bytes = bytes[..length].to_vec();
                self.ranges.push(KeptRange { start: range.start, end: range.end, bytes });
            } else if !self.missed.contains(range) {
                self.missed.push(range.clone());
            }
        }
        let ranges = self.ranges.iter().map(|kept| kept.end - kept.start);
        let missed = self.missed.iter().map(|range| range.end - range.start);
        let total = ranges.chain(missed).fold(HEAD_BYTES, u64::saturating_add);
        if total <= KEPT_BYTES_LIMIT { Ok(()) } else { Err(TooMuch) }
    }

    /// Where the first of these ranges ends that is yet to come by.
    pub(super) fn next_end(&self, wanted: &[Range<u64>], position: u64) -> Option<u64> {
        let ahead = wanted.iter().filter(|range| !self.missed.contains(range)).map(|range| range.end);
        ahead.filter(|end| *end > position).min()
    }

    /// Makes ready for another pass: what was missed is kept when it comes by again.
    pub(super) fn start_again(&mut self) {
        for range in std::mem::take(&mut self.missed) {
            self.ranges.push(KeptRange { start: range.start, end: range.end, bytes: Vec::new() });
        }
        let length = self.length;
        for range in self.ranges.iter_mut().filter(|range| !range.is_complete(length)) {
            range.bytes.clear();
        }
    }

    /// Up to where the file must come by for all ranges to be complete.
    pub(super) fn end(&self) -> u64 {
        let open = self.ranges.iter().filter(|range| !range.is_complete(self.length));
        open.map(|range| range.end.min(self.length.unwrap_or(u64::MAX))).max().unwrap_or_default()
    }
}

impl KeptRange {
    fn is_complete(&self, length: Option<u64>) -> bool {
        let end = self.end.min(length.unwrap_or(u64::MAX));
        self.bytes.len() as u64 >= end.saturating_sub(self.start)
    }
}

struct KeptView<'kept> {
    start: u64,
    bytes: &'kept [u8],
}

impl<'kept> KeptView<'kept> {
    fn part(&self, start: u64, end: u64) -> Option<&'kept [u8]> {
        let from = usize::try_from(start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(end.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..to)
    }
}

/// Appends to the kept bytes of a range what follows them in a piece.
fn append(kept: &mut Vec<u8>, range: Range<u64>, position: u64, piece: &[u8]) {
    let next = range.start + kept.len() as u64;
    let end = position.saturating_add(piece.len() as u64).min(range.end);
    if position <= next && next < end {
        // Both differences are at most the piece's length.
        kept.extend_from_slice(&piece[(next - position) as usize..(end - position) as usize]);
    }
}
