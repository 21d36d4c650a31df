//! Tables that decode the codes of deflate's blocks.
//!
//! An entry says what its code means and how many bits to take, those that follow the code included:
//!
//! | bits  | meaning |
//! |-------|---------|
//! | 0–7   | how many bits to take in all |
//! | 8–11  | how many of them are the code |
//! | 12    | a literal |
//! | 13    | the end of the block |
//! | 14    | a longer code: the value is where its table begins, bits 8–11 are how many bits index it |
//! | 15    | no code |
//! | 16–31 | the value: a literal, the least length, the least distance |

use super::StreamError;

pub(super) const LITERAL: u32 = 1 << 12;
pub(super) const END: u32 = 1 << 13;
pub(super) const LONGER: u32 = 1 << 14;
pub(super) const INVALID: u32 = 1 << 15;

/// The bits of a literal or length that are looked up at once, and of a distance.
pub(super) const LITERAL_BITS: u32 = 11;
pub(super) const DISTANCE_BITS: u32 = 8;

/// Powers of two above the most entries that zlib's `enough` counts for 286 and 30 symbols of 15 bits: 2342 and 402.
pub(super) type LiteralTable = [u32; 4096];
pub(super) type DistanceTable = [u32; 512];

/// The least length, and the bits that are added to it, of the symbols from 257 on (RFC 1951, 3.2.5).
pub(super) const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The least distance, and the bits that are added to it.
pub(super) const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// The order in which a block gives the lengths of the codes for lengths.
pub(super) const CODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What a symbol of the literal and length codes means, less its code's length.
pub(super) fn literal(symbol: usize) -> u32 {
    match symbol {
        0..=255 => (symbol as u32) << 16 | LITERAL,
        256 => END,
        _ => LENGTHS
            .get(symbol - 257)
            .map_or(INVALID, |&(least, extra)| u32::from(least) << 16 | u32::from(extra)),
    }
}

/// What a symbol of the distance codes means.
pub(super) fn distance(symbol: usize) -> u32 {
    DISTANCES.get(symbol).map_or(INVALID, |&(least, extra)| u32::from(least) << 16 | u32::from(extra))
}

/// What a symbol of the codes for lengths means.
pub(super) fn plain(symbol: usize) -> u32 {
    (symbol as u32) << 16
}

/// Fills a table for codes of these lengths, of which the low `bits` bits are looked up at once.
///
/// As zlib, it takes an incomplete set only if there is at most one code, of one bit.
pub(super) fn fill(
    table: &mut [u32],
    bits: u32,
    lengths: &[u8],
    meaning: fn(usize) -> u32,
) -> Result<(), StreamError> {
    let mut counts = [0_u32; 16];
    for length in lengths {
        counts[usize::from(*length)] += 1;
    }
    counts[0] = 0;
    let longest = (1..16).rev().find(|length| counts[*length] > 0).unwrap_or(0);
    let mut left = 1_i32;
    for count in &counts[1..] {
        left = (left << 1) - *count as i32;
        if left < 0 {
            return Err(StreamError::Invalid("too many codes"));
        }
    }
    if left > 0 && longest > 1 {
        return Err(StreamError::Invalid("an incomplete set of codes"));
    }

    // The next code of each length, and where the symbols of each length stand in their order.
    let (mut next, mut places) = ([0_u32; 16], [0_usize; 17]);
    for length in 1..15 {
        next[length + 1] = (next[length] + counts[length]) << 1;
    }
    for length in 1..16 {
        places[length + 1] = places[length] + counts[length] as usize;
    }
    let symbols = places[16];
    // Codes in their order: those with the same first bits stand together, so each table is filled before the next.
    let mut order = [0_u16; 288];
    for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
        let place = &mut places[usize::from(*length)];
        order[*place] = symbol as u16;
        *place += 1;
    }
    let first_size = 1 << bits;
    table[..first_size].fill(INVALID | 1);
    let mut free = first_size;
    for symbol in order[..symbols].iter().map(|symbol| usize::from(*symbol)) {
        let length = u32::from(lengths[symbol]);
        let code = next[length as usize];
        next[length as usize] += 1;
        let reversed = (code.reverse_bits() >> (32 - length)) as usize;
        let meant = meaning(symbol);
        if length <= bits {
            let entry = (meant & !0xfff) | length << 8 | (length + (meant & 0xff));
            for place in (reversed..first_size).step_by(1 << length) {
                table[place] = entry;
            }
            continue;
        }
        let head = reversed & (first_size - 1);
        if table[head] & LONGER == 0 {
            let index_bits = index_bits(&counts, length, bits, code);
            table[head] = (free as u32) << 16 | LONGER | index_bits << 8 | bits;
            free += 1 << index_bits;
        }
        let (begin, index_bits) = ((table[head] >> 16) as usize, table[head] >> 8 & 0xf);
        let rest = length - bits;
        let entry = (meant & !0xfff) | rest << 8 | (rest + (meant & 0xff));
        for place in (reversed >> bits..1 << index_bits).step_by(1 << rest) {
            table[begin + place] = entry;
        }
    }
    Ok(())
}

/// How many bits index the table of the codes that begin as `code` does, the first of them: enough for the longest of
/// them, since the set is complete.
fn index_bits(counts: &[u32; 16], length: u32, bits: u32, code: u32) -> u32 {
    let mut index_bits = length - bits;
    let mut room = 1_u32 << index_bits;
    let first = (1..length as usize).fold(0, |code, length| (code + counts[length]) << 1);
    let mut of_this_length = counts[length as usize] - (code - first);
    while room > of_this_length && bits + index_bits < 15 {
        room = (room - of_this_length) << 1;
        index_bits += 1;
        of_this_length = counts[(bits + index_bits) as usize];
    }
    index_bits
}
