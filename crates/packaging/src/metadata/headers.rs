//! The headers of a message in the form of e-mail (RFC 5322), as Python's `email` package reads them,
//! since that is what every installer reads them with.

use std::borrow::Cow;

/// One header, its value still bytes.
pub(crate) struct Header<'bytes> {
    name: &'bytes [u8],
    value: &'bytes [u8],
    /// The header's first line, counted from 1.
    pub(crate) line: usize,
}

impl<'bytes> Header<'bytes> {
    /// Whether this is the named field; case does not matter.
    pub(crate) fn is(&self, field: &str) -> bool {
        self.name.eq_ignore_ascii_case(field.as_bytes())
    }

    /// The value without surrounding space and with folded lines joined by one space; `None` if it is
    /// not UTF-8.
    pub(crate) fn value(&self) -> Option<Cow<'bytes, str>> {
        let value = str::from_utf8(self.value).ok()?.trim();
        if !value.contains(['\r', '\n']) {
            return Some(Cow::Borrowed(value));
        }
        let lines: Vec<&str> =
            value.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect();
        Some(Cow::Owned(lines.join(" ")))
    }
}

/// The headers of a message, up to the first line that is none: an empty one, as a rule.
pub(crate) struct Headers<'bytes> {
    rest: &'bytes [u8],
    line: usize,
}

impl<'bytes> Headers<'bytes> {
    pub(crate) fn new(bytes: &'bytes [u8]) -> Self {
        Self { rest: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), line: 1 }
    }

    /// Where the line at `start` ends, and where the next one starts. A lone CR ends a line too.
    fn line_end(&self, start: usize) -> (usize, usize) {
        let line = &self.rest[start..];
        match line.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            None => (self.rest.len(), self.rest.len()),
            Some(at) => {
                let ending = if line[at..].starts_with(b"\r\n") { 2 } else { 1 };
                (start + at, start + at + ending)
            }
        }
    }
}

impl<'bytes> Iterator for Headers<'bytes> {
    type Item = Header<'bytes>;

    fn next(&mut self) -> Option<Header<'bytes>> {
        let (mut end, mut next) = self.line_end(0);
        let colon = self.rest[..end].iter().position(|&byte| byte == b':')?;
        let name = &self.rest[..colon];
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let line = self.line;
        self.line += 1;
        while matches!(self.rest.get(next), Some(b' ' | b'\t')) {
            (end, next) = self.line_end(next);
            self.line += 1;
        }
        let value = &self.rest[colon + 1..end];
        self.rest = &self.rest[next..];
        Some(Header { name, value, line })
    }
}
