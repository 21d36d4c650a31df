//! The file system of an image, as the dynamic loader sees it.

mod configuration;
mod loader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::LibraryFacts;
pub(crate) use loader::{Loader, Place};

/// The most symlinks that one path may lead through, as in Linux.
const LINK_LIMIT: u32 = 40;

/// Whom a file belongs to. Displayed as its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The base that the image is built on.
    Base,
    /// A package, or whatever else is put on the base, by its name.
    Package(Arc<str>),
}

impl Owner {
    /// The package with this name.
    pub fn package(name: &str) -> Self {
        Self::Package(name.into())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("the base"),
            Self::Package(name) => f.write_str(name),
        }
    }
}

/// The files of an image: all libraries and symlinks, the files beside them, and the texts that configure the loader.
///
/// Paths are absolute; those without a slash at the start are taken to lie below `/`. What is added later takes the place of
/// what was there.
#[derive(Debug, Clone, Default)]
pub struct World {
    nodes: BTreeMap<String, Node>,
    texts: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
enum Node {
    File(FileNode),
    Link(String),
}

/// A regular file.
#[derive(Debug, Clone)]
pub(crate) struct FileNode {
    pub(crate) owner: Owner,
    /// Of ELF files that were looked at.
    pub(crate) facts: Option<Arc<LibraryFacts>>,
}

impl World {
    /// A world without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, with its facts if it is an ELF file. Files that are none need to be there only where they tell a package
    /// from a folder of libraries: `.py` files.
    pub fn add_file(&mut self, path: &str, owner: Owner, facts: Option<Arc<LibraryFacts>>) {
        self.nodes.insert(absolute(path), Node::File(FileNode { owner, facts }));
    }

    /// Adds a symlink, which may lead to a folder or nowhere.
    pub fn add_symlink(&mut self, path: &str, target: &str) {
        self.nodes.insert(absolute(path), Node::Link(target.to_owned()));
    }

    /// Adds the content of `/etc/ld.so.conf`, of a file that it includes, or of `/etc/os-release`.
    pub fn add_text(&mut self, path: &str, text: &str) {
        self.texts.insert(absolute(path), text.to_owned());
    }

    /// Takes away a file, a symlink, or a folder with all that is in it.
    pub fn remove(&mut self, path: &str) {
        let path = absolute(path);
        let inside = format!("{path}/");
        self.nodes.retain(|other, _| *other != path && !other.starts_with(&inside));
        self.texts.retain(|other, _| *other != path && !other.starts_with(&inside));
    }

    /// Every regular file with its path, in the order of the paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &FileNode)> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::File(file) => Some((path.as_str(), file)),
            Node::Link(_) => None,
        })
    }

    /// The file of this path, which leads through no symlink.
    pub(crate) fn file(&self, path: &str) -> Option<&FileNode> {
        match self.nodes.get(path)? {
            Node::File(file) => Some(file),
            Node::Link(_) => None,
        }
    }

    /// A text that was added, by a path that may lead through symlinks.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).or_else(|| self.texts.get(&self.real(path)?)).map(String::as_str)
    }

    /// Where a path leads to when every symlink in it is followed. Nothing needs to be there; `None` where symlinks go in a
    /// circle.
    pub(crate) fn real(&self, path: &str) -> Option<String> {
        let mut links = 0;
        let mut open: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut real = String::with_capacity(path.len());
        while let Some(part) = open.pop() {
            match part.as_str() {
                "" | "." => {}
                ".." => real.truncate(real.rfind('/').unwrap_or_default()),
                part => {
                    let length = real.len();
                    real.push('/');
                    real.push_str(part);
                    if let Some(Node::Link(target)) = self.nodes.get(&real) {
                        links += 1;
                        if links > LINK_LIMIT {
                            return None;
                        }
                        real.truncate(if target.starts_with('/') { 0 } else { length });
                        open.extend(target.rsplit('/').map(str::to_owned));
                    }
                }
            }
        }
        Some(real)
    }
}

/// A path with a slash at its start and nothing superfluous in it.
fn absolute(path: &str) -> String {
    let mut absolute = String::with_capacity(path.len() + 1);
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." => absolute.truncate(absolute.rfind('/').unwrap_or_default()),
            part => {
                absolute.push('/');
                absolute.push_str(part);
            }
        }
    }
    absolute
}
