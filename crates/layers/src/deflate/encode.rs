//! The encoder of what is not copied: headers, padding, and files that no archive holds as a deflate stream.
//!
//! It is frozen, since it decides digests; nothing in it may change without another [`FORMAT_VERSION`]:
//!
//! - The data is cut into pieces of at most 16,384 bytes, from the beginning of each call. Each is one block.
//! - Matches are at least 4 and at most 258 bytes long, at most 32,768 bytes back, and looked for at one place alone:
//!   the last one at which the same hash of four bytes was encoded (not copied), [`HASH_BITS`] bits of the little-endian
//!   number times 2,654,435,761 modulo 2³². A match at the first possible place is taken, as long as it goes within the
//!   piece. Every place of a piece that has four bytes before the piece's end is remembered, in their order.
//! - The codes are the fixed ones (RFC 1951, 3.2.6). If a piece takes as many bits so as stored, or more, it is stored.
//!
//! [`FORMAT_VERSION`]: crate::FORMAT_VERSION

use super::bits::BitWriter;
use super::huffman::{DISTANCES, LENGTHS};

/// The most bytes of a block.
const PIECE: usize = 16 * 1024;

/// Twice what a distance reaches, so that a piece never overwrites what it may refer to.
const RING: usize = 64 * 1024;

const HASH_BITS: u32 = 13;

const REACH: u64 = 32 * 1024;

/// The encoder's memory of what precedes: the archive's last bytes, copied ones too, and where it encoded what.
pub(crate) struct Encoder {
    ring: Box<[u8]>,
    /// One more than a place in the archive, or 0.
    table: Box<[u64]>,
    /// How many bytes of the archive there were so far.
    position: u64,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy)]
enum Token {
    Literal(u8),
    Match { length: u16, distance: u16 },
}

impl Encoder {
    pub(crate) fn new() -> Self {
        let table = vec![0; 1 << HASH_BITS].into_boxed_slice();
        Self { ring: vec![0; RING].into_boxed_slice(), table, position: 0, tokens: Vec::with_capacity(PIECE) }
    }

    /// Learns bytes that were copied.
    pub(crate) fn skip(&mut self, bytes: &[u8]) {
        self.position += bytes.len() as u64;
        // The last of them are all that a distance reaches.
        let tail = &bytes[bytes.len().saturating_sub(REACH as usize)..];
        self.remember(self.position - tail.len() as u64, tail);
    }

    /// Encodes bytes as whole blocks, none of them the last.
    pub(crate) fn encode(&mut self, bytes: &[u8], writer: &mut BitWriter) {
        for piece in bytes.chunks(PIECE) {
            self.remember(self.position, piece);
            self.find_matches(piece.len());
            let bits: u32 = 10 + self.tokens.iter().map(|token| token.bits()).sum::<u32>();
            if bits >= 8 * (5 + piece.len() as u32) {
                let length = piece.len() as u32;
                writer.put(0, 3);
                writer.fill_byte();
                writer.put(length, 16);
                writer.put(!length & 0xffff, 16);
                writer.put_bytes(piece);
            } else {
                writer.put(0b010, 3);
                for token in &self.tokens {
                    token.write(writer);
                }
                writer.put(0, 7);
            }
            self.position += piece.len() as u64;
        }
    }

    fn remember(&mut self, position: u64, bytes: &[u8]) {
        let begin = position as usize % RING;
        let first = bytes.len().min(RING - begin);
        self.ring[begin..begin + first].copy_from_slice(&bytes[..first]);
        self.ring[..bytes.len() - first].copy_from_slice(&bytes[first..]);
    }

    fn byte(&self, position: u64) -> u8 {
        self.ring[position as usize % RING]
    }

    fn find_matches(&mut self, length: usize) {
        self.tokens.clear();
        let end = self.position + length as u64;
        let (mut at, mut free) = (self.position, self.position);
        while at < end {
            let mut matched = 0;
            if at + 4 <= end {
                let four = [0, 1, 2, 3].map(|ahead| self.byte(at + ahead));
                let hash = u32::from_le_bytes(four).wrapping_mul(2_654_435_761) >> (32 - HASH_BITS);
                let seen = std::mem::replace(&mut self.table[hash as usize], at + 1);
                if at >= free && seen > 0 && at - (seen - 1) <= REACH {
                    let most = (end - at).min(258);
                    matched = (0..most)
                        .find(|ahead| self.byte(seen - 1 + ahead) != self.byte(at + ahead))
                        .unwrap_or(most);
                    if matched >= 4 {
                        let distance = (at - (seen - 1) - 1) as u16;
                        self.tokens.push(Token::Match { length: matched as u16, distance });
                        free = at + matched;
                    }
                }
            }
            if at >= free && matched < 4 {
                self.tokens.push(Token::Literal(self.byte(at)));
                free = at + 1;
            }
            at += 1;
        }
    }
}

/// The symbol of a length or a distance, and the bits that follow it.
fn symbol(table: &[(u16, u8)], value: u16) -> (u32, u32, u32) {
    let at = table.partition_point(|(least, _)| *least <= value) - 1;
    let (least, extra) = table[at];
    (at as u32, u32::from(value - least), extra.into())
}

impl Token {
    fn bits(self) -> u32 {
        match self {
            Self::Literal(byte) => 8 + u32::from(byte >= 144),
            Self::Match { length, distance } => {
                let (at, _, extra) = symbol(&LENGTHS, length);
                let (_, _, distance_extra) = symbol(&DISTANCES, distance + 1);
                7 + u32::from(at >= 23) + extra + 5 + distance_extra
            }
        }
    }

    fn write(self, writer: &mut BitWriter) {
        match self {
            Self::Literal(byte) => put_literal(writer, byte.into()),
            Self::Match { length, distance } => {
                let (at, rest, extra) = symbol(&LENGTHS, length);
                put_literal(writer, 257 + at);
                writer.put(rest, extra);
                let (at, rest, extra) = symbol(&DISTANCES, distance + 1);
                writer.put(at.reverse_bits() >> 27, 5);
                writer.put(rest, extra);
            }
        }
    }
}

/// The fixed code of a symbol, whose highest bit comes first.
fn put_literal(writer: &mut BitWriter, symbol: u32) {
    let (code, bits) = match symbol {
        0..=143 => (0x30 + symbol, 8),
        144..=255 => (0x190 + symbol - 144, 9),
        256..=279 => (symbol - 256, 7),
        _ => (0xc0 + symbol - 280, 8),
    };
    writer.put(code.reverse_bits() >> (32 - bits), bits);
}
