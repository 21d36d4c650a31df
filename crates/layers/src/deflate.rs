//! Raw deflate (RFC 1951): copying streams while they are verified, and a frozen encoder for what lies between them.

mod bits;
mod copy;
mod encode;
mod huffman;

pub(crate) use bits::BitWriter;
pub(crate) use copy::{Copier, Expected, Sink};
pub(crate) use encode::Encoder;

/// Why a deflate stream, or the file in it, is not what its archive says.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The archive ends within the stream.
    #[error("the compressed stream ends too early")]
    Truncated,
    /// Bytes after the stream's last block, within the length that the archive states.
    #[error("{bytes} bytes follow the end of the compressed stream")]
    Trailing {
        /// How many; at least this many.
        bytes: u64,
    },
    /// What no compressor writes: codes, lengths or distances that the format does not allow.
    #[error("the compressed stream is invalid: {0}")]
    Invalid(&'static str),
    /// More bytes come out than the archive states.
    #[error("it holds more than the {expected} bytes that the archive states")]
    TooLong {
        /// The stated length.
        expected: u64,
    },
    /// Fewer bytes come out than the archive states.
    #[error("it holds {found} bytes, but the archive states {expected}")]
    TooShort {
        /// The stated length.
        expected: u64,
        /// The length that was found.
        found: u64,
    },
    /// Other bytes come out than the archive states.
    #[error("its CRC-32 is {found:08x}, but the archive states {expected:08x}")]
    Checksum {
        /// The stated sum.
        expected: u32,
        /// The sum that was found.
        found: u32,
    },
    /// The archive could not be read.
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    /// What came out could not be written; the archive is not to blame.
    #[error("it cannot be written: {0}")]
    Write(std::io::Error),
}
