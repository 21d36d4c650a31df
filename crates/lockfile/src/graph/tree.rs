use mlresolve_packaging::PackageName;
use serde::Serialize;

use super::{DependencyGraph, Edge, Step};

/// A line of a dependency tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TreeItem<'lock> {
    /// How deep the line stands; a root stands at 0.
    pub depth: usize,
    /// The package and the requirement that leads to it.
    pub step: Step<'lock>,
    /// Whether it is the last of its siblings.
    pub last: bool,
    /// Whether the package stood above already; what it needs is shown there alone.
    pub repeated: bool,
    /// Whether there is something below it that is not shown here: it stands above, or is too deep.
    pub more: bool,
}

/// Which tree is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeOptions<'name> {
    /// The package at the top; the roots of the lock where none is named.
    pub top: Option<&'name PackageName>,
    /// Whether below a package stand those that need it, instead of those that it needs.
    pub inverted: bool,
    /// How many levels there are below the top; as many as there are where none is said.
    pub depth: Option<usize>,
}

impl<'lock> DependencyGraph<'lock> {
    /// The lines of the dependency tree, each package's needs below its first line.
    ///
    /// There is one line for each root and each edge that is reached, so that the tree is never larger
    /// than the lock.
    pub fn tree(&self) -> impl Iterator<Item = TreeItem<'lock>> {
        self.tree_with(TreeOptions::default())
    }

    /// The lines of a part of the dependency tree, or of it upside down. Nothing where the package at the top
    /// is not locked.
    ///
    /// In a tree that is upside down, the requirement of a line is that of its package on the one above.
    pub fn tree_with(&self, options: TreeOptions<'_>) -> impl Iterator<Item = TreeItem<'lock>> {
        let edges = if options.inverted { self.inverted() } else { self.edges.clone() };
        let tops = match options.top {
            Some(name) => self.nodes(name).iter().map(|to| Edge { to: *to, requirement: None }).collect(),
            None => self.roots.clone(),
        };
        let deepest = options.depth.unwrap_or(usize::MAX);
        let mut seen = vec![false; self.packages.len()];
        let mut pending = Vec::new();
        push(&mut pending, 0, &tops);
        std::iter::from_fn(move || {
            let (depth, edge, last) = pending.pop()?;
            let below = &edges[edge.to];
            let repeated = seen[edge.to];
            let expanded = !repeated && depth < deepest;
            if expanded {
                seen[edge.to] = true;
                push(&mut pending, depth + 1, below);
            }
            let more = !expanded && !below.is_empty();
            Some(TreeItem { depth, step: self.step(&edge), last, repeated, more })
        })
    }

    /// The edges from each package to those that need it.
    fn inverted(&self) -> Vec<Vec<Edge<'lock>>> {
        let mut inverted = vec![Vec::new(); self.packages.len()];
        for (node, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                inverted[edge.to].push(Edge { to: node, requirement: edge.requirement });
            }
        }
        inverted
    }
}

fn push<'lock>(pending: &mut Vec<(usize, Edge<'lock>, bool)>, depth: usize, edges: &[Edge<'lock>]) {
    let lines = edges.iter().rev().enumerate();
    pending.extend(lines.map(|(from_last, edge)| (depth, *edge, from_last == 0)));
}
