//! The entries of a layer in their order: its files and every directory above them.

use std::collections::BTreeMap;

use crate::file::{Content, LayerFile, Mode, check_path, check_text};
use crate::layer::LayerError;

/// The most files and directories of a layer.
pub const ENTRY_LIMIT: usize = 2_000_000;

/// The most bytes of one file.
pub const FILE_BYTES_LIMIT: u64 = 1 << 36;

/// The files with all directories above them, each once, a directory before what is in it, sorted by the bytes of
/// their paths. A directory that was not given is root's with mode `0755`, so it is the same in every layer.
pub(crate) fn entries(files: &[LayerFile]) -> Result<Vec<LayerFile>, LayerError> {
    let mut entries: BTreeMap<String, LayerFile> = BTreeMap::new();
    for file in files {
        check(file)?;
        let is_directory = matches!(file.content, Content::Directory);
        // Sorted with their slash, directories stand right before what is in them.
        let key = if is_directory { format!("{}/", file.path) } else { file.path.clone() };
        if entries.insert(key, file.clone()).is_some() {
            return Err(LayerError::Twice { path: file.path.clone() });
        }
        if entries.len() > ENTRY_LIMIT {
            return Err(LayerError::Entries);
        }
    }
    for file in files {
        for (slash, _) in file.path.rmatch_indices('/') {
            let directory = &file.path[..=slash];
            if entries.contains_key(directory) {
                // Those above it were added with it, or will be for its own sake.
                break;
            }
            let above = LayerFile::new(&file.path[..slash], Mode::Executable, Content::Directory);
            entries.insert(directory.to_owned(), above);
            if entries.len() > ENTRY_LIMIT {
                return Err(LayerError::Entries);
            }
        }
    }
    let both =
        entries.keys().find(|path| path.ends_with('/') && entries.contains_key(path.trim_end_matches('/')));
    if let Some(path) = both {
        return Err(LayerError::Twice { path: path.trim_end_matches('/').to_owned() });
    }
    Ok(entries.into_values().collect())
}

fn check(file: &LayerFile) -> Result<(), LayerError> {
    let path = &file.path;
    check_path(path).map_err(|problem| LayerError::Path { path: path.clone(), problem })?;
    if let Content::Symlink(target) = &file.content {
        check_text(target).map_err(|problem| LayerError::Target { path: path.clone(), problem })?;
    }
    if file.content.size() > FILE_BYTES_LIMIT {
        return Err(LayerError::Large { path: path.clone(), size: file.content.size() });
    }
    // Seven octal digits are all that every reader takes.
    if file.owner.user.max(file.owner.group) >= 1 << 21 {
        return Err(LayerError::Owner { path: path.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(given: &[&str]) -> Result<Vec<String>, LayerError> {
        let file = |path: &&str| match path.strip_suffix('/') {
            Some(path) => LayerFile::new(path, Mode::Executable, Content::Directory),
            None => LayerFile::new(*path, Mode::Plain, Content::Bytes(Vec::new())),
        };
        let files: Vec<LayerFile> = given.iter().map(file).collect();
        Ok(entries(&files)?.into_iter().map(|entry| entry.path).collect())
    }

    #[test]
    fn directories_come_once_and_before_what_is_in_them() {
        let expected = ["a", "a/b.py", "a/b", "a/b/c", "a/b/d", "z"];
        assert_eq!(paths(&["z", "a/b/d", "a/b.py", "a/b/c"]).unwrap(), expected);
        assert_eq!(paths(&["a/b/", "a/", "a/b/c"]).unwrap(), ["a", "a/b", "a/b/c"]);
        assert_eq!(paths(&["a/b/"]).unwrap(), ["a", "a/b"]);
    }

    #[test]
    fn the_same_path_twice_is_refused() {
        for given in [&["a/b", "a/b"][..], &["a", "a/b"], &["a", "a/"], &["a/b", "a/b/c/d"]] {
            assert!(matches!(paths(given), Err(LayerError::Twice { .. })), "{given:?}");
        }
    }
}
