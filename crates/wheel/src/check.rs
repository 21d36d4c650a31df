use mlresolve_packaging::{RecordAlgorithm, RecordHash};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::error::EntryFault;

/// What content is held to while it goes by: size, CRC-32 and the hash of RECORD.
///
/// Nothing of a wheel is trusted before [`Self::finish`] said yes to it.
pub struct ContentCheck {
    size: u64,
    crc32: u32,
    hash: Option<RecordHash>,
    seen: u64,
    crc: crc32fast::Hasher,
    hasher: Hasher,
}

enum Hasher {
    None,
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl ContentCheck {
    /// A check of content of so many bytes, with this CRC-32 and, where RECORD has one, this hash.
    #[must_use]
    pub fn new(size: u64, crc32: u32, hash: Option<RecordHash>) -> Self {
        let hasher = match hash.as_ref().map(|hash| hash.algorithm) {
            None => Hasher::None,
            Some(RecordAlgorithm::Sha256) => Hasher::Sha256(Sha256::new()),
            Some(RecordAlgorithm::Sha384) => Hasher::Sha384(Sha384::new()),
            Some(RecordAlgorithm::Sha512) => Hasher::Sha512(Sha512::new()),
        };
        Self { size, crc32, hash, seen: 0, crc: crc32fast::Hasher::new(), hasher }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`EntryFault::Longer`] as soon as there is more than there should be; the piece is then not to be used.
    pub fn update(&mut self, piece: &[u8]) -> Result<(), EntryFault> {
        self.seen = self.seen.saturating_add(piece.len() as u64);
        if self.seen > self.size {
            return Err(EntryFault::Longer(self.size));
        }
        self.crc.update(piece);
        match &mut self.hasher {
            Hasher::None => {}
            Hasher::Sha256(hasher) => hasher.update(piece),
            Hasher::Sha384(hasher) => hasher.update(piece),
            Hasher::Sha512(hasher) => hasher.update(piece),
        }
        Ok(())
    }

    /// Says whether all of the content was as it should be.
    ///
    /// # Errors
    /// When it was too short, or has another CRC-32 or hash.
    pub fn finish(self) -> Result<(), EntryFault> {
        if self.seen != self.size {
            return Err(EntryFault::Shorter { actual: self.seen, declared: self.size });
        }
        if self.crc.finalize() != self.crc32 {
            return Err(EntryFault::Crc);
        }
        let digest = match self.hasher {
            Hasher::None => return Ok(()),
            Hasher::Sha256(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha384(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha512(hasher) => hasher.finalize().to_vec(),
        };
        if self.hash.is_some_and(|hash| hash.digest != digest) {
            return Err(EntryFault::Hash);
        }
        Ok(())
    }
}

/// The hash of content that is made here.
pub(crate) fn sha256(content: &[u8]) -> RecordHash {
    RecordHash { algorithm: RecordAlgorithm::Sha256, digest: Sha256::digest(content).to_vec() }
}
