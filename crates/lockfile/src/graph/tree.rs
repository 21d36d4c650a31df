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
}

impl<'lock> DependencyGraph<'lock> {
    /// The lines of the dependency tree, each package's needs below its first line.
    ///
    /// There is one line for each root and each edge that is reached, so that the tree is never larger
    /// than the lock.
    pub fn tree(&self) -> impl Iterator<Item = TreeItem<'lock>> {
        let mut seen = vec![false; self.packages.len()];
        let mut pending = Vec::new();
        push(&mut pending, 0, &self.roots);
        std::iter::from_fn(move || {
            let (depth, edge, last) = pending.pop()?;
            let repeated = std::mem::replace(&mut seen[edge.to], true);
            if !repeated {
                push(&mut pending, depth + 1, &self.edges[edge.to]);
            }
            Some(TreeItem { depth, step: self.step(&edge), last, repeated })
        })
    }
}

fn push<'lock>(pending: &mut Vec<(usize, Edge<'lock>, bool)>, depth: usize, edges: &[Edge<'lock>]) {
    let lines = edges.iter().rev().enumerate();
    pending.extend(lines.map(|(from_last, edge)| (depth, *edge, from_last == 0)));
}
