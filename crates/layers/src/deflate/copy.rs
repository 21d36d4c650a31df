//! Copying a raw deflate stream into a longer one, while it is inflated to be verified.
//!
//! The only bit that changes is the one that marks the last block. It is known when the header of that block is read,
//! so compressed bytes are handed on only after every header that begins in them was read: one pass, and memory that
//! does not depend on the stream.
//!
//! What is refused is what zlib refuses. A stream that every reader takes alone could still differ in a longer one in
//! one way: a distance that reaches before its beginning would reach what was written before it. That is refused too.

use std::io::Read;

use super::StreamError;
use super::huffman::{
    CODE_ORDER, DISTANCE_BITS, DistanceTable, END, INVALID, LITERAL, LITERAL_BITS, LONGER, LiteralTable,
    distance, fill, literal, plain,
};

/// How many compressed bytes are read at once.
const INPUT: usize = 128 * 1024;

/// How far back a distance may reach.
const WINDOW: usize = 32 * 1024;

/// Room for what is inflated, after the window: what is handed on at once.
const OUTPUT: usize = WINDOW + 128 * 1024;

/// The most that one turn of the fast loop writes: three literals, a match, and what a copy by 16 bytes writes beyond.
const OUTPUT_MARGIN: usize = 3 + 258 + 16;

/// The most that one turn of the fast loop reads: three times eight bytes.
const INPUT_MARGIN: usize = 24;

/// What an archive says of one of its files.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) size: u64,
    pub(crate) crc32: u32,
}

/// Where both sides of a stream go.
pub(crate) trait Sink {
    /// Takes the next bytes of the file.
    fn plain(&mut self, bytes: &[u8]) -> std::io::Result<()>;
    /// Takes the next whole bytes of the stream, with the last block's mark cleared.
    fn packed(&mut self, bytes: &[u8]) -> std::io::Result<()>;
}

/// Inflates and copies; its memory is used again for each stream.
pub(crate) struct Copier {
    input: Box<[u8]>,
    output: Box<[u8]>,
    literals: Box<LiteralTable>,
    distances: Box<DistanceTable>,
}

/// One stream on its way.
struct Run<'a, R, S> {
    reader: R,
    sink: &'a mut S,
    expected: Expected,
    input: &'a mut [u8],
    /// The next byte of `input` that goes into `bits`, the end of what was read, and whether there is more.
    at: usize,
    end: usize,
    ended: bool,
    /// Bits that were taken out of `input`, of which `count` are still to be used; those above may be set too.
    bits: u64,
    count: u32,
    output: &'a mut [u8],
    /// Where the next byte goes, and from where on bytes were not handed on. Before the first byte of the file are
    /// `pos - total` bytes that are none of its.
    pos: usize,
    kept: usize,
    flushed: u64,
    hasher: crc32fast::Hasher,
}

impl Copier {
    pub(crate) fn new() -> Self {
        let zeros = |length: usize| vec![0; length].into_boxed_slice();
        Self {
            input: zeros(INPUT),
            output: zeros(OUTPUT),
            literals: Box::new([0; 4096]),
            distances: Box::new([0; 512]),
        }
    }

    /// Copies all of `reader`, and returns the last byte of the stream with the number of its bits that are used, if
    /// those are fewer than eight: that byte was not handed on.
    pub(crate) fn copy(
        &mut self,
        reader: impl Read,
        expected: Expected,
        sink: &mut impl Sink,
    ) -> Result<Option<(u8, u32)>, StreamError> {
        let mut run = Run {
            reader,
            sink,
            expected,
            input: &mut self.input,
            at: 0,
            end: 0,
            ended: false,
            bits: 0,
            count: 0,
            output: &mut self.output,
            pos: 0,
            kept: 0,
            flushed: 0,
            hasher: crc32fast::Hasher::new(),
        };
        loop {
            run.need(3)?;
            let last = run.bits & 1 == 1;
            if last {
                run.clear_mark();
            }
            run.take(1);
            match run.take(2) {
                0 => run.stored()?,
                1 => {
                    fixed(&mut self.literals, &mut self.distances)?;
                    run.codes(&self.literals, &self.distances)?;
                }
                2 => {
                    run.dynamic(&mut self.literals, &mut self.distances)?;
                    run.codes(&self.literals, &self.distances)?;
                }
                _ => return Err(StreamError::Invalid("a block of unknown kind")),
            }
            if last {
                return run.finish();
            }
        }
    }
}

/// The tables of RFC 1951, 3.2.6.
fn fixed(literals: &mut LiteralTable, distances: &mut DistanceTable) -> Result<(), StreamError> {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    fill(literals, LITERAL_BITS, &lengths, literal)?;
    fill(distances, DISTANCE_BITS, &[5; 32], distance)
}

impl<R: Read, S: Sink> Run<'_, R, S> {
    /// Takes `count` bits, which [`Self::need`] has seen to be there.
    fn take(&mut self, count: u32) -> u32 {
        let value = self.bits as u32 & ((1 << count) - 1);
        self.bits >>= count;
        self.count -= count;
        value
    }

    /// Has at least `count` bits ready, at most 32.
    fn need(&mut self, count: u32) -> Result<(), StreamError> {
        self.fill_bits()?;
        if self.count < count { Err(StreamError::Truncated) } else { Ok(()) }
    }

    /// Has 56 bits ready, or all that are left.
    fn fill_bits(&mut self) -> Result<(), StreamError> {
        if self.end - self.at < 8 && !self.ended {
            self.pull()?;
        }
        // Bits above `count` may be set only if they are those of the byte at `at`.
        self.bits &= (1 << self.count) - 1;
        while self.count < 56 && self.at < self.end {
            self.bits |= u64::from(self.input[self.at]) << self.count;
            self.at += 1;
            self.count += 8;
        }
        Ok(())
    }

    /// The byte with the next bit that is to be used.
    fn used(&self) -> usize {
        self.at - self.count.div_ceil(8) as usize
    }

    /// Hands on the bytes that are used up, and reads more.
    fn pull(&mut self) -> Result<(), StreamError> {
        let used = self.used();
        self.sink.packed(&self.input[..used]).map_err(StreamError::Write)?;
        self.input.copy_within(used..self.end, 0);
        (self.at, self.end) = (self.at - used, self.end - used);
        while self.end < self.input.len() {
            match self.reader.read(&mut self.input[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(length) => self.end += length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StreamError::Read(error)),
            }
        }
        Ok(())
    }

    /// Clears the bit that comes next, in the byte that it came from.
    fn clear_mark(&mut self) {
        let bit = (8 - self.count % 8) % 8;
        let byte = self.used();
        self.input[byte] &= !(1 << bit);
    }

    /// Hands on what was inflated, and keeps the window.
    fn flush(&mut self) -> Result<(), StreamError> {
        let new = &self.output[self.kept..self.pos];
        self.flushed += new.len() as u64;
        if self.flushed > self.expected.size {
            return Err(StreamError::TooLong { expected: self.expected.size });
        }
        self.hasher.update(new);
        self.sink.plain(new).map_err(StreamError::Write)?;
        if self.pos > WINDOW {
            self.output.copy_within(self.pos - WINDOW..self.pos, 0);
            self.pos = WINDOW;
        }
        self.kept = self.pos;
        Ok(())
    }

    /// A block that is not compressed.
    fn stored(&mut self) -> Result<(), StreamError> {
        self.take(self.count % 8);
        self.need(32)?;
        let (length, check) = (self.take(16), self.take(16));
        if length != !check & 0xffff {
            return Err(StreamError::Invalid("the length of a stored block"));
        }
        // What is in `bits` are whole bytes now, and goes back.
        self.at -= (self.count / 8) as usize;
        (self.bits, self.count) = (0, 0);
        let mut left = length as usize;
        while left > 0 {
            if self.at == self.end {
                if self.ended {
                    return Err(StreamError::Truncated);
                }
                self.pull()?;
                continue;
            }
            if self.pos == self.output.len() {
                self.flush()?;
            }
            let length = left.min(self.end - self.at).min(self.output.len() - self.pos);
            self.output[self.pos..self.pos + length].copy_from_slice(&self.input[self.at..self.at + length]);
            (self.at, self.pos, left) = (self.at + length, self.pos + length, left - length);
        }
        Ok(())
    }

    /// The header of a block that has codes of its own.
    fn dynamic(
        &mut self,
        literals: &mut LiteralTable,
        distances: &mut DistanceTable,
    ) -> Result<(), StreamError> {
        self.need(14)?;
        let (literal_count, distance_count) = (self.take(5) as usize + 257, self.take(5) as usize + 1);
        let code_count = self.take(4) as usize + 4;
        if literal_count > 286 || distance_count > 30 {
            return Err(StreamError::Invalid("too many symbols"));
        }
        let mut code_lengths = [0; 19];
        for symbol in &CODE_ORDER[..code_count] {
            self.need(3)?;
            code_lengths[*symbol] = self.take(3) as u8;
        }
        let mut codes = [0; 128];
        fill(&mut codes, 7, &code_lengths, plain)?;
        // For these zlib takes no incomplete set at all.
        if codes.iter().any(|entry| entry & INVALID != 0) {
            return Err(StreamError::Invalid("an incomplete set of codes"));
        }

        let mut lengths = [0; 286 + 30];
        let (all, mut at) = (literal_count + distance_count, 0);
        while at < all {
            self.fill_bits()?;
            let entry = codes[self.bits as usize & 127];
            let symbol = entry >> 16;
            self.need((entry & 0xff) + [0, 2, 3, 7][symbol.saturating_sub(15) as usize])?;
            self.take(entry & 0xff);
            let (value, times) = match symbol {
                16 if at == 0 => return Err(StreamError::Invalid("a repeated length without a first")),
                16 => (lengths[at - 1], 3 + self.take(2)),
                17 => (0, 3 + self.take(3)),
                18 => (0, 11 + self.take(7)),
                _ => (symbol as u8, 1),
            };
            let until = at + times as usize;
            if until > all {
                return Err(StreamError::Invalid("more lengths than symbols"));
            }
            lengths[at..until].fill(value);
            at = until;
        }
        if lengths[256] == 0 {
            return Err(StreamError::Invalid("a block without an end"));
        }
        fill(literals, LITERAL_BITS, &lengths[..literal_count], literal)?;
        fill(distances, DISTANCE_BITS, &lengths[literal_count..all], distance)
    }

    /// The symbols of a block, to its end.
    fn codes(&mut self, literals: &LiteralTable, distances: &DistanceTable) -> Result<(), StreamError> {
        loop {
            if self.pos + OUTPUT_MARGIN > self.output.len() {
                self.flush()?;
            }
            if self.end - self.at < INPUT_MARGIN && !self.ended {
                self.pull()?;
            }
            if self.end - self.at >= INPUT_MARGIN {
                if self.fast(literals, distances)? {
                    return Ok(());
                }
            } else if self.slow(literals, distances)? {
                return Ok(());
            }
        }
    }

    /// Symbols as long as neither side comes near its end; whether the block ended.
    fn fast(&mut self, literals: &LiteralTable, distances: &DistanceTable) -> Result<bool, StreamError> {
        let input = &self.input[..self.end];
        let input_limit = self.end - INPUT_MARGIN;
        let output_limit = self.output.len() - OUTPUT_MARGIN;
        let output = &mut *self.output;
        let (mut at, mut pos, mut bits, mut count) = (self.at, self.pos, self.bits, self.count);
        // All that was inflated is still there, or more than any distance reaches.
        macro_rules! refill {
            () => {
                let next: [u8; 8] = match input[at..].first_chunk() {
                    Some(next) => *next,
                    None => break Err(StreamError::Truncated),
                };
                bits |= u64::from_le_bytes(next) << count;
                at += (63 - count as usize) >> 3;
                count |= 56;
            };
        }
        let result = loop {
            if at > input_limit || pos > output_limit {
                break Ok(false);
            }
            refill!();
            let mut entry = literals[bits as usize & ((1 << LITERAL_BITS) - 1)];
            if entry & LITERAL != 0 {
                // Three literals of the first table are at most 33 bits, which leaves enough for one more symbol.
                bits >>= entry & 0xff;
                count -= entry & 0xff;
                output[pos] = (entry >> 16) as u8;
                pos += 1;
                entry = literals[bits as usize & ((1 << LITERAL_BITS) - 1)];
                if entry & LITERAL != 0 {
                    bits >>= entry & 0xff;
                    count -= entry & 0xff;
                    output[pos] = (entry >> 16) as u8;
                    pos += 1;
                    entry = literals[bits as usize & ((1 << LITERAL_BITS) - 1)];
                    if entry & LITERAL != 0 {
                        bits >>= entry & 0xff;
                        count -= entry & 0xff;
                        output[pos] = (entry >> 16) as u8;
                        pos += 1;
                        continue;
                    }
                }
            }
            if entry & LONGER != 0 {
                bits >>= LITERAL_BITS;
                count -= LITERAL_BITS;
                let index = bits as usize & ((1 << (entry >> 8 & 0xf)) - 1);
                entry = literals[((entry >> 16) as usize + index) & 4095];
                if entry & LITERAL != 0 {
                    bits >>= entry & 0xff;
                    count -= entry & 0xff;
                    output[pos] = (entry >> 16) as u8;
                    pos += 1;
                    continue;
                }
            }
            if entry & (END | INVALID) != 0 {
                if entry & END != 0 {
                    bits >>= entry & 0xff;
                    count -= entry & 0xff;
                    break Ok(true);
                }
                break Err(StreamError::Invalid("an unknown code"));
            }
            let length = value(entry, bits);
            bits >>= entry & 0xff;
            count -= entry & 0xff;

            refill!();
            entry = distances[bits as usize & ((1 << DISTANCE_BITS) - 1)];
            if entry & (LONGER | INVALID) != 0 {
                if entry & LONGER != 0 {
                    bits >>= DISTANCE_BITS;
                    count -= DISTANCE_BITS;
                    let index = bits as usize & ((1 << (entry >> 8 & 0xf)) - 1);
                    entry = distances[((entry >> 16) as usize + index) & 511];
                }
                if entry & INVALID != 0 {
                    break Err(StreamError::Invalid("an unknown code"));
                }
            }
            let distance = value(entry, bits);
            bits >>= entry & 0xff;
            count -= entry & 0xff;
            let Some(from) = pos.checked_sub(distance) else {
                break Err(StreamError::Invalid("a distance that reaches before the beginning"));
            };
            if distance >= 16 {
                // By whole sixteens, beyond the end of the match if need be: what comes next writes over it.
                let mut done = 0;
                while done < length {
                    let Some(part) = output[from + done..].first_chunk::<16>().copied() else { break };
                    output[pos + done..pos + done + 16].copy_from_slice(&part);
                    done += 16;
                }
            } else if distance == 1 {
                let byte = output[from];
                output[pos..pos + length].fill(byte);
            } else {
                for place in pos..pos + length {
                    output[place] = output[place - distance];
                }
            }
            pos += length;
        };
        (self.at, self.pos, self.bits, self.count) = (at, pos, bits, count);
        result
    }

    /// One symbol, wherever the input ends; whether the block ended.
    fn slow(&mut self, literals: &LiteralTable, distances: &DistanceTable) -> Result<bool, StreamError> {
        self.fill_bits()?;
        let entry = self.symbol(literals, LITERAL_BITS)?;
        if entry & LITERAL != 0 {
            self.output[self.pos] = (entry >> 16) as u8;
            self.pos += 1;
            return Ok(false);
        }
        if entry & END != 0 {
            return Ok(true);
        }
        let length = self.extended(entry);
        self.fill_bits()?;
        let entry = self.symbol(distances, DISTANCE_BITS)?;
        let distance = self.extended(entry);
        if distance > self.pos {
            return Err(StreamError::Invalid("a distance that reaches before the beginning"));
        }
        for place in self.pos..self.pos + length {
            self.output[place] = self.output[place - distance];
        }
        self.pos += length;
        Ok(false)
    }

    /// The entry of the next code, whose bits are taken, and which is followed by all the bits that it needs.
    fn symbol(&mut self, table: &[u32], bits: u32) -> Result<u32, StreamError> {
        let mut entry = table[self.bits as usize & ((1 << bits) - 1)];
        let mut used = 0;
        if entry & LONGER != 0 {
            used = bits;
            let index = (self.bits >> bits) as usize & ((1 << (entry >> 8 & 0xf)) - 1);
            entry = table[(entry >> 16) as usize + index];
        }
        if used + (entry & 0xff) > self.count {
            return Err(StreamError::Truncated);
        }
        if entry & INVALID != 0 {
            return Err(StreamError::Invalid("an unknown code"));
        }
        self.take(used + (entry >> 8 & 0xf));
        Ok(entry)
    }

    /// The value of an entry with the bits that follow its code.
    fn extended(&mut self, entry: u32) -> usize {
        let extra = (entry & 0xff) - (entry >> 8 & 0xf);
        ((entry >> 16) + self.take(extra)) as usize
    }

    /// After the last block: nothing may follow, and the file must be the one that the archive states.
    fn finish(mut self) -> Result<Option<(u8, u32)>, StreamError> {
        self.flush()?;
        let open = self.count % 8;
        self.take(open);
        // What is in `bits` are whole bytes that do not belong to the stream.
        let end = self.at - (self.count / 8) as usize;
        let mut trailing = (self.end - end) as u64;
        if trailing == 0 && !self.ended {
            trailing = self.reader.read(&mut [0]).map_err(StreamError::Read)? as u64;
        }
        if trailing > 0 {
            return Err(StreamError::Trailing { bytes: trailing });
        }
        if self.flushed < self.expected.size {
            return Err(StreamError::TooShort { expected: self.expected.size, found: self.flushed });
        }
        let found = self.hasher.finalize();
        if found != self.expected.crc32 {
            return Err(StreamError::Checksum { expected: self.expected.crc32, found });
        }
        if open == 0 {
            self.sink.packed(&self.input[..end]).map_err(StreamError::Write)?;
            return Ok(None);
        }
        self.sink.packed(&self.input[..end - 1]).map_err(StreamError::Write)?;
        Ok(Some((self.input[end - 1], 8 - open)))
    }
}

/// The value of an entry with the bits that follow its code, which begins at the lowest of `bits`.
fn value(entry: u32, bits: u64) -> usize {
    let with_code = bits & ((1 << (entry & 0xff)) - 1);
    (entry >> 16) as usize + (with_code >> (entry >> 8 & 0xf)) as usize
}

#[cfg(test)]
mod tests;
