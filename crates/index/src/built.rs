//! What builds told of source distributions. Who builds is not known here: the cache keeps the answers.

use mlresolve_packaging::metadata::relevant_headers;

use crate::cache::{Bucket, Key};
use crate::{File, IndexClient};

impl IndexClient {
    /// The METADATA that a build of a file with Python 3 of this minor version told before, without what no choice
    /// depends on; `None` where none is kept, or the index announces no SHA-256 by which the file is known.
    pub fn built_metadata(&self, file: &File, minor: u8) -> Option<Vec<u8>> {
        let entry = self.cache.as_ref()?.read(Bucket::Built, &key(file, minor)?)?;
        Some(entry.to_vec())
    }

    /// Keeps the METADATA that a build of a file with Python 3 of this minor version told.
    pub fn keep_built_metadata(&self, file: &File, minor: u8, metadata: &[u8]) {
        if let (Some(cache), Some(key)) = (&self.cache, key(file, minor)) {
            cache.write(Bucket::Built, &key, &relevant_headers(metadata));
        }
    }
}

/// The index is part of the key: what a build is made with comes from there too.
fn key(file: &File, minor: u8) -> Option<Key> {
    Some(Key::of(&["built", &file.index.identity(), &file.filename, file.sha256()?, &minor.to_string()]))
}
