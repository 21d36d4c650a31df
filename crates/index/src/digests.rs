//! Digests that were computed by downloading, of files whose index announces none.

use crate::cache::{Bucket, Key};
use crate::{File, IndexClient};

impl IndexClient {
    /// The SHA-256 and the size in bytes of a file that was downloaded before, as 64 lowercase hexadecimal digits and a
    /// number.
    pub fn computed_digest(&self, file: &File) -> Option<(String, u64)> {
        let entry = self.cache.as_ref()?.read(Bucket::Digests, &key(file))?;
        let (digest, bytes) = std::str::from_utf8(&entry).ok()?.split_once(' ')?;
        let hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex { Some((digest.to_owned(), bytes.parse().ok()?)) } else { None }
    }

    /// Keeps what was computed.
    pub fn keep_computed_digest(&self, file: &File, sha256: &str, bytes: u64) {
        if let Some(cache) = &self.cache {
            cache.write(Bucket::Digests, &key(file), format!("{sha256} {bytes}").as_bytes());
        }
    }
}

fn key(file: &File) -> Key {
    Key::of(&["digest", &file.index.identity(), &file.filename, &file.url])
}
