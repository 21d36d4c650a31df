//! RECORD against the archive: the same files on either side, each with a hash.

use std::collections::HashMap;

use mlresolve_packaging::{RecordHash, RecordRow};

use crate::error::ContentsFault;
use crate::framing::Archive;

/// The files of `.dist-info` that are made from RECORD and cannot be listed in it with a hash.
pub(super) const SIGNATURES: [&str; 2] = ["RECORD.jws", "RECORD.p7s"];

/// Gives the hash of each entry, in the order of the archive.
pub(super) fn compare(
    rows: Vec<RecordRow>,
    archive: &Archive,
    stem: &str,
) -> Result<Vec<Option<RecordHash>>, ContentsFault> {
    let mut by_path: HashMap<String, RecordRow> = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(twice) = by_path.insert(row.path.clone(), row) {
            return Err(ContentsFault::RecordRepeats(twice.path));
        }
    }
    let info = format!("{stem}.dist-info/");
    let is_free = |path: &str| {
        path.strip_prefix(&info).is_some_and(|name| name == "RECORD" || SIGNATURES.contains(&name))
    };
    let mut hashes = Vec::with_capacity(archive.entries().len());
    for entry in archive.entries() {
        let row = if entry.is_folder { None } else { by_path.remove(&entry.name) };
        let free = entry.is_folder || is_free(&entry.name);
        let Some(row) = row else {
            if !free {
                return Err(ContentsFault::NotInRecord(entry.name.clone()));
            }
            hashes.push(None);
            continue;
        };
        if let Some(recorded) = row.size.filter(|recorded| *recorded != entry.size) {
            return Err(ContentsFault::RecordSize { path: row.path, recorded, size: entry.size });
        }
        if row.hash.is_none() && !free {
            return Err(ContentsFault::NoHash(row.path));
        }
        hashes.push(row.hash);
    }
    // The first by name, so that the same wheel always gives the same error.
    match by_path.into_keys().filter(|path| !is_free(path)).min() {
        Some(path) => Err(ContentsFault::RecordNamesNoFile(path)),
        None => Ok(hashes),
    }
}
