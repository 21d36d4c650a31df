//! Bits in deflate's order: the first bit is the lowest of the first byte.

/// Collects bits; whole bytes leave it by [`BitWriter::take`].
#[derive(Default)]
pub(crate) struct BitWriter {
    whole: Vec<u8>,
    bits: u64,
    count: u32,
}

impl BitWriter {
    /// Adds the low `count` bits of `value`, at most 32.
    pub(crate) fn put(&mut self, value: u32, count: u32) {
        self.bits |= u64::from(value) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.whole.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    /// Adds whole bytes. The place must be the beginning of a byte.
    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.count, 0);
        self.whole.extend_from_slice(bytes);
    }

    /// An empty stored block, or the last one: the next bit is the first of a byte.
    pub(crate) fn align(&mut self, last: bool) {
        self.put(last.into(), 3);
        self.fill_byte();
        self.put_bytes(&[0, 0, 0xff, 0xff]);
    }

    /// Zeros up to the beginning of the next byte.
    pub(crate) fn fill_byte(&mut self) {
        self.put(0, (8 - self.count) % 8);
    }

    /// Goes on within a byte of which the low `count` bits are written.
    pub(crate) fn resume(&mut self, byte: u8, count: u32) {
        debug_assert!(self.count == 0 && count < 8);
        self.put(u32::from(byte) & ((1 << count) - 1), count);
    }

    /// The whole bytes so far.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.whole)
    }
}
