use std::collections::BTreeSet;

use super::World;
use crate::glob;

/// How deep files of the configuration may include each other.
const DEPTH_LIMIT: u32 = 8;

impl World {
    /// The folders of `/etc/ld.so.conf`, in its order. What the loader really uses is the cache that was made of them; it is
    /// taken to be up to date.
    pub(super) fn configured_folders(&self) -> Vec<String> {
        let mut folders = Vec::new();
        self.configuration("/etc/ld.so.conf", &mut folders, &mut BTreeSet::new(), 0);
        folders
    }

    fn configuration(&self, path: &str, folders: &mut Vec<String>, seen: &mut BTreeSet<String>, depth: u32) {
        let Some(text) = self.text(path).filter(|_| depth <= DEPTH_LIMIT && seen.insert(path.to_owned()))
        else {
            return;
        };
        for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            if word == "include" {
                for pattern in rest.split_whitespace() {
                    let pattern = match pattern.strip_prefix('/') {
                        Some(_) => pattern.to_owned(),
                        None => {
                            format!("{}/{pattern}", path.rsplit_once('/').map_or("", |(folder, _)| folder))
                        }
                    };
                    let included = self.texts.keys().filter(|text| glob::matches(&pattern, text));
                    for path in included {
                        self.configuration(path, folders, seen, depth + 1);
                    }
                }
            } else if line.starts_with('/') {
                folders.extend(line.split('=').next().map(|folder| folder.trim().to_owned()));
            }
        }
    }
}
