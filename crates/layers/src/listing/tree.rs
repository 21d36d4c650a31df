//! What a stack of layers shows.

use std::collections::BTreeMap;

use super::note::Note;
use super::{LayerListing, ListedEntry, ListedKind};

/// The most files and directories that a stack may come to, with those that higher layers hide.
pub const TREE_ENTRIES_LIMIT: usize = 4_000_000;

/// How many symbolic links are followed for one path, as Linux does (`MAXSYMLINKS`).
pub const LINKS_LIMIT: usize = 40;

/// The mode of a directory that no layer has an entry for.
const IMPLIED_MODE: u32 = 0o755;

const ROOT: usize = 0;

/// The file system that an image's layers make together.
///
/// Paths are relative to its root, with or without a leading slash.
#[derive(Debug, Clone)]
pub struct FileTree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    entry: TreeEntry,
    children: BTreeMap<Box<str>, usize>,
}

/// A file or directory of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// What it is.
    pub kind: EntryKind,
    /// The permission bits.
    pub mode: u32,
    /// The user whose it is.
    pub user: u64,
    /// The group whose it is.
    pub group: u64,
    /// Which layer it is from, counted from 0; for a directory the highest that has it.
    pub layer: usize,
}

/// What a file of an image is. Hard links are the files that they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// What was noted of it.
        note: Option<Note>,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it leads, as it is written.
        target: String,
    },
    /// A device or a named pipe.
    Special,
}

/// A layer that does not go on those below it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} in layer {number} cannot be unpacked by container engines: {problem}", number = .layer + 1)]
pub struct TreeError {
    /// The layer, counted from 0; the text counts from 1.
    pub layer: usize,
    /// The path of the entry.
    pub path: String,
    /// What is wrong with it.
    pub problem: TreeProblem,
}

/// What is wrong with an entry of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeProblem {
    /// A directory above it is a file.
    #[error("what should be a directory above it is none")]
    NotADirectory,
    /// Symbolic links lead in a circle, or through too many others.
    #[error("more than LINKS_LIMIT = {LINKS_LIMIT} links lead to it")]
    Loop,
    /// A hard link to what is not there or is a directory.
    #[error("it is a hard link to no file that is there")]
    HardLink,
    /// Too many entries.
    #[error("with it, there are more than TREE_ENTRIES_LIMIT = {TREE_ENTRIES_LIMIT} entries")]
    Entries,
}

/// A path whose symbolic links lead nowhere in the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} leads through more than LINKS_LIMIT = {LINKS_LIMIT} symbolic links")]
pub struct ResolveError {
    /// The path.
    pub path: String,
}

/// Where a path leads.
enum Walked {
    /// To this node, by these nodes and names from the root on.
    There(Vec<(usize, String)>),
    /// To nothing.
    Nowhere,
    /// Through a file.
    NotADirectory,
    Loop,
}

impl FileTree {
    /// The stack of some layers, the lowest first.
    ///
    /// A file takes the place of what was there; only a directory on a directory keeps what is in it. What a layer
    /// removes is removed from those below it, not from itself. An entry goes where the links in its directory's path
    /// lead.
    ///
    /// # Errors
    /// When a layer could not be unpacked onto those below it.
    pub fn of<'a>(layers: impl IntoIterator<Item = &'a LayerListing>) -> Result<Self, TreeError> {
        let root = TreeEntry { kind: EntryKind::Directory, mode: IMPLIED_MODE, user: 0, group: 0, layer: 0 };
        let mut tree = Self { nodes: vec![Node { entry: root, children: BTreeMap::new() }] };
        for (layer, listing) in layers.into_iter().enumerate() {
            let (removals, entries): (Vec<_>, Vec<_>) = listing
                .entries
                .iter()
                .partition(|entry| matches!(entry.kind, ListedKind::Whiteout | ListedKind::Opaque));
            for entry in removals {
                tree.remove(entry);
            }
            for entry in entries {
                tree.put(layer, entry).map_err(|problem| TreeError {
                    layer,
                    path: entry.path.clone(),
                    problem,
                })?;
            }
        }
        Ok(tree)
    }

    /// What is at this very path; links are not followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&TreeEntry> {
        self.node(path).map(|node| &node.entry)
    }

    /// What a program in the container finds at a path, with its real path: links are followed, those to absolute paths
    /// from the image's root, and `..` does not lead out of it.
    ///
    /// # Errors
    /// When the links lead in a circle.
    pub fn resolve(&self, path: &str) -> Result<Option<(String, &TreeEntry)>, ResolveError> {
        match self.walk(path, true) {
            Walked::There(steps) => {
                let names: Vec<&str> = steps[1..].iter().map(|(_, name)| name.as_str()).collect();
                let entry = steps.last().map(|(node, _)| &self.nodes[*node].entry);
                Ok(entry.map(|entry| (names.join("/"), entry)))
            }
            Walked::Nowhere | Walked::NotADirectory => Ok(None),
            Walked::Loop => Err(ResolveError { path: path.to_owned() }),
        }
    }

    /// The names in a directory, sorted; none if there is no directory at this very path.
    pub fn children(&self, directory: &str) -> impl Iterator<Item = (&str, &TreeEntry)> {
        let node = self.node(directory);
        let children = node.into_iter().flat_map(|node| &node.children);
        children.map(|(name, child)| (&**name, &self.nodes[*child].entry))
    }

    /// Everything below the root with its path, a directory before what is in it.
    pub fn iter(&self) -> impl Iterator<Item = (String, &TreeEntry)> {
        let mut open = vec![(String::new(), self.nodes[ROOT].children.iter())];
        std::iter::from_fn(move || {
            loop {
                let (folder, children) = open.last_mut()?;
                let Some((name, child)) = children.next() else {
                    open.pop();
                    continue;
                };
                let path = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
                let node = &self.nodes[*child];
                if !node.children.is_empty() {
                    open.push((path.clone(), node.children.iter()));
                }
                return Some((path, &node.entry));
            }
        })
    }

    fn node(&self, path: &str) -> Option<&Node> {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        let node =
            parts.into_iter().try_fold(ROOT, |node, part| self.nodes[node].children.get(part).copied());
        node.map(|node| &self.nodes[node])
    }

    /// Follows a path. The first step is the root.
    fn walk(&self, path: &str, follow_last: bool) -> Walked {
        let mut steps = vec![(ROOT, String::new())];
        let mut pending: Vec<String> = parts(path);
        let mut links = 0;
        while let Some(part) = pending.pop() {
            let (at, _) = steps[steps.len() - 1];
            if self.nodes[at].entry.kind != EntryKind::Directory {
                return Walked::NotADirectory;
            }
            if part == ".." {
                // Above the root is the root.
                if steps.len() > 1 {
                    steps.pop();
                }
                continue;
            }
            let Some(&child) = self.nodes[at].children.get(part.as_str()) else {
                return Walked::Nowhere;
            };
            match &self.nodes[child].entry.kind {
                EntryKind::Symlink { target } if follow_last || !pending.is_empty() => {
                    links += 1;
                    if links > LINKS_LIMIT {
                        return Walked::Loop;
                    }
                    if target.starts_with('/') {
                        steps.truncate(1);
                    }
                    pending.extend(parts(target));
                }
                _ => steps.push((child, part)),
            }
        }
        Walked::There(steps)
    }

    /// Removes what an entry of the next layer hides. What is not there needs no removing.
    fn remove(&mut self, entry: &ListedEntry) {
        let opaque = entry.kind == ListedKind::Opaque;
        let (folder, name) = split(&entry.path);
        let folder = if opaque { entry.path.as_str() } else { folder };
        let Walked::There(steps) = self.walk(folder, true) else { return };
        let Some((node, _)) = steps.last() else { return };
        if opaque {
            self.nodes[*node].children.clear();
        } else {
            self.nodes[*node].children.remove(name);
        }
    }

    fn put(&mut self, layer: usize, entry: &ListedEntry) -> Result<(), TreeProblem> {
        let kind = match &entry.kind {
            ListedKind::File { size, note } => EntryKind::File { size: *size, note: note.clone() },
            ListedKind::Directory => EntryKind::Directory,
            ListedKind::Symlink { target } => EntryKind::Symlink { target: target.clone() },
            ListedKind::HardLink { target } => self.linked(&entry.path, target)?,
            ListedKind::Special => EntryKind::Special,
            ListedKind::Whiteout | ListedKind::Opaque => return Ok(()),
        };
        let put = TreeEntry { kind, mode: entry.mode, user: entry.user, group: entry.group, layer };
        if entry.path.is_empty() {
            self.nodes[ROOT].entry = put;
            return Ok(());
        }
        let (folder, name) = split(&entry.path);
        let folder = self.directory(folder, layer)?;
        let there = self.nodes[folder].children.get(name).copied();
        match there {
            Some(node)
                if put.kind == EntryKind::Directory
                    && self.nodes[node].entry.kind == EntryKind::Directory =>
            {
                self.nodes[node].entry = put;
            }
            _ => {
                let node = self.add(put)?;
                self.nodes[folder].children.insert(name.into(), node);
            }
        }
        Ok(())
    }

    /// What a hard link names.
    fn linked(&self, path: &str, target: &str) -> Result<EntryKind, TreeProblem> {
        let Walked::There(steps) = self.walk(target, false) else { return Err(TreeProblem::HardLink) };
        // Unpacking removes what was at the path before it makes the link.
        let itself = path == target;
        match steps.last().map(|(node, _)| &self.nodes[*node].entry.kind) {
            None | Some(EntryKind::Directory) => Err(TreeProblem::HardLink),
            Some(_) if itself => Err(TreeProblem::HardLink),
            Some(kind) => Ok(kind.clone()),
        }
    }

    /// The directory to which a path leads; what is missing of it is made, as engines do.
    fn directory(&mut self, path: &str, layer: usize) -> Result<usize, TreeProblem> {
        let mut pending = parts(path);
        let (mut steps, mut links) = (vec![ROOT], 0);
        while let Some(part) = pending.pop() {
            let at = steps[steps.len() - 1];
            if part == ".." {
                if steps.len() > 1 {
                    steps.pop();
                }
                continue;
            }
            let Some(&child) = self.nodes[at].children.get(part.as_str()) else {
                let kind = EntryKind::Directory;
                let made = self.add(TreeEntry { kind, mode: IMPLIED_MODE, user: 0, group: 0, layer })?;
                self.nodes[at].children.insert(part.into(), made);
                steps.push(made);
                continue;
            };
            match &self.nodes[child].entry.kind {
                EntryKind::Directory => steps.push(child),
                EntryKind::Symlink { target } => {
                    links += 1;
                    if links > LINKS_LIMIT {
                        return Err(TreeProblem::Loop);
                    }
                    if target.starts_with('/') {
                        steps.truncate(1);
                    }
                    pending.extend(parts(target));
                }
                EntryKind::File { .. } | EntryKind::Special => return Err(TreeProblem::NotADirectory),
            }
        }
        Ok(steps[steps.len() - 1])
    }

    fn add(&mut self, entry: TreeEntry) -> Result<usize, TreeProblem> {
        if self.nodes.len() >= TREE_ENTRIES_LIMIT {
            return Err(TreeProblem::Entries);
        }
        self.nodes.push(Node { entry, children: BTreeMap::new() });
        Ok(self.nodes.len() - 1)
    }
}

/// The parts of a path that lead somewhere, the last first.
fn parts(path: &str) -> Vec<String> {
    path.rsplit('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

/// A path's directory and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
