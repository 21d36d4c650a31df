use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use mlresolve_packaging::PackageName;

use super::{DependencyGraph, Edge, Step};

/// The most partial paths that a search looks at: the number of paths grows without bound in the
/// size of the lock, and nobody reads the thousandth.
const SEARCH_LIMIT: usize = 20_000;

impl<'lock> DependencyGraph<'lock> {
    /// The chains of requirements that lead from a root to a package, the shortest first.
    ///
    /// At most `limit` chains are given, none of which meets a package twice; a lock with very many
    /// chains may give fewer, but always a shortest one if there is one.
    #[must_use]
    pub fn paths_to(&self, name: &PackageName, limit: usize) -> Vec<Vec<Step<'lock>>> {
        let targets = self.nodes(name);
        let distances = self.distances_to(targets);
        let mut search = Search { prefixes: Vec::new(), queue: BinaryHeap::new() };
        for root in &self.roots {
            search.push(None, *root, 1, &distances);
        }
        let mut paths = Vec::new();
        for _ in 0..SEARCH_LIMIT + self.packages.len() {
            if paths.len() >= limit {
                break;
            }
            let Some(Reverse((_, _, prefix))) = search.queue.pop() else { break };
            let Prefix { edge, length, .. } = search.prefixes[prefix];
            if targets.contains(&edge.to) {
                paths.push(search.edges(prefix).map(|edge| self.step(&edge)).collect::<Vec<_>>());
                continue;
            }
            for next in &self.edges[edge.to] {
                if search.edges(prefix).all(|earlier| earlier.to != next.to) {
                    search.push(Some(prefix), *next, length + 1, &distances);
                }
            }
        }
        for path in &mut paths {
            path.reverse();
        }
        paths
    }

    /// How many edges lie between each package and the nearest target.
    fn distances_to(&self, targets: &[usize]) -> Vec<Option<usize>> {
        let mut sources = vec![Vec::new(); self.packages.len()];
        for (node, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                sources[edge.to].push(node);
            }
        }
        let mut distances = vec![None; self.packages.len()];
        let mut pending: VecDeque<(usize, usize)> = targets.iter().map(|target| (*target, 0)).collect();
        while let Some((node, distance)) = pending.pop_front() {
            if distances[node].is_none() {
                distances[node] = Some(distance);
                pending.extend(sources[node].iter().map(|source| (*source, distance + 1)));
            }
        }
        distances
    }
}

/// A best-first search whose estimate, the length so far and the distance that is left, is never too
/// long, so that paths come out in the order of their lengths. Among equals the one nearest to its end goes
/// on, so that a first path is found at once however many there are.
struct Search<'lock> {
    prefixes: Vec<Prefix<'lock>>,
    queue: BinaryHeap<Reverse<(usize, usize, usize)>>,
}

/// The start of a path, by its last edge.
struct Prefix<'lock> {
    before: Option<usize>,
    edge: Edge<'lock>,
    length: usize,
}

impl<'lock> Search<'lock> {
    fn push(&mut self, before: Option<usize>, edge: Edge<'lock>, length: usize, distances: &[Option<usize>]) {
        if let Some(left) = distances[edge.to] {
            self.queue.push(Reverse((length + left, left, self.prefixes.len())));
            self.prefixes.push(Prefix { before, edge, length });
        }
    }

    /// The edges of a prefix from its end to its root.
    fn edges(&self, prefix: usize) -> impl Iterator<Item = Edge<'lock>> {
        let start = Some(&self.prefixes[prefix]);
        let prefixes = std::iter::successors(start, |prefix| Some(&self.prefixes[prefix.before?]));
        prefixes.map(|prefix| prefix.edge)
    }
}
