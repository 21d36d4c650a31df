//! Who needs whom, as a lock records it.

mod paths;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use mlresolve_packaging::{PackageName, Requirement};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::model::{Lock, Package};

pub use tree::{TreeItem, TreeOptions};

/// The graph of the packages of a lock.
///
/// Edges come from the recorded requirements and, where an entry has none, from its
/// `dependencies`. A lock may hold cycles; nothing here recurses.
#[derive(Debug, Clone)]
pub struct DependencyGraph<'lock> {
    packages: Vec<&'lock Package>,
    roots: Vec<Edge<'lock>>,
    edges: Vec<Vec<Edge<'lock>>>,
    by_name: BTreeMap<&'lock PackageName, Vec<usize>>,
}

/// A package and the requirement that led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'lock> {
    /// The package.
    pub package: &'lock Package,
    /// The requirement as it is recorded; absent where only a name is.
    pub requirement: Option<&'lock str>,
}

#[derive(Debug, Clone, Copy)]
struct Edge<'lock> {
    to: usize,
    requirement: Option<&'lock str>,
}

impl<'lock> DependencyGraph<'lock> {
    /// Builds the graph of all packages of a lock.
    #[must_use]
    pub fn of(lock: &'lock Lock) -> Self {
        Self::of_packages(lock, lock.packages.iter().collect())
    }

    /// Builds the graph of some packages of a lock, such as those that [`crate::select`] gave.
    #[must_use]
    pub fn of_packages(lock: &'lock Lock, packages: Vec<&'lock Package>) -> Self {
        let mut by_name: BTreeMap<&PackageName, Vec<usize>> = BTreeMap::new();
        for (node, package) in packages.iter().enumerate() {
            by_name.entry(&package.name).or_default().push(node);
        }
        let edges = packages.iter().map(|package| edges_of(package, &packages, &by_name)).collect();
        let requirements = lock.tool.as_ref().map_or(&[][..], |tool| &tool.requirements);
        let roots = requirement_edges(requirements, &by_name);
        let mut graph = Self { packages, roots, edges, by_name };
        if graph.roots.is_empty() {
            graph.roots = graph.natural_roots();
        }
        graph
    }

    /// The packages that are asked for by name, or, in a lock that does not record them, those that
    /// no other package needs.
    pub fn roots(&self) -> impl Iterator<Item = Step<'lock>> {
        self.roots.iter().map(|edge| self.step(edge))
    }

    /// The packages that a package needs, sorted by name.
    #[must_use]
    pub fn dependencies(&self, name: &PackageName) -> Vec<Step<'lock>> {
        self.nodes(name).iter().flat_map(|node| &self.edges[*node]).map(|edge| self.step(edge)).collect()
    }

    /// The packages that need a package, in the order of the lock, each with its requirement.
    #[must_use]
    pub fn dependants(&self, name: &PackageName) -> Vec<Step<'lock>> {
        let targets = self.nodes(name);
        let mut dependants = Vec::new();
        for (node, edges) in self.edges.iter().enumerate() {
            let into = edges.iter().filter(|edge| targets.contains(&edge.to));
            dependants.extend(
                into.map(|edge| Step { package: self.packages[node], requirement: edge.requirement }),
            );
        }
        dependants
    }

    /// The packages that no chain of requirements leads to from the given ones, in the order of the
    /// lock.
    pub fn unreachable_from<'name>(
        &self,
        names: impl Iterator<Item = &'name PackageName>,
    ) -> impl Iterator<Item = &'lock Package> {
        let mut reached = vec![false; self.packages.len()];
        for node in names.flat_map(|name| self.nodes(name)) {
            self.reach(&mut reached, *node);
        }
        let nodes = self.packages.iter().zip(reached);
        nodes.filter_map(|(package, reached)| (!reached).then_some(*package))
    }

    /// Packages that nobody needs, and one of each group whose members only need each other.
    fn natural_roots(&self) -> Vec<Edge<'lock>> {
        let mut needed = vec![false; self.packages.len()];
        for (node, edges) in self.edges.iter().enumerate() {
            for edge in edges.iter().filter(|edge| edge.to != node) {
                needed[edge.to] = true;
            }
        }
        let root = |to| Edge { to, requirement: None };
        let mut roots: Vec<Edge<'_>> = (0..needed.len()).filter(|node| !needed[*node]).map(root).collect();
        let mut reached = vec![false; self.packages.len()];
        for edge in &roots {
            self.reach(&mut reached, edge.to);
        }
        for node in 0..self.packages.len() {
            if !reached[node] {
                roots.push(root(node));
                self.reach(&mut reached, node);
            }
        }
        roots
    }

    fn reach(&self, reached: &mut [bool], start: usize) {
        let mut pending = vec![start];
        while let Some(node) = pending.pop() {
            if !std::mem::replace(&mut reached[node], true) {
                pending.extend(self.edges[node].iter().map(|edge| edge.to));
            }
        }
    }

    fn nodes(&self, name: &PackageName) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    fn step(&self, edge: &Edge<'lock>) -> Step<'lock> {
        Step { package: self.packages[edge.to], requirement: edge.requirement }
    }
}

fn edges_of<'lock>(
    package: &'lock Package,
    packages: &[&'lock Package],
    by_name: &BTreeMap<&'lock PackageName, Vec<usize>>,
) -> Vec<Edge<'lock>> {
    let recorded = package.recorded_requirements();
    if !recorded.is_empty() {
        return requirement_edges(recorded, by_name);
    }
    let mut edges = Vec::new();
    for dependency in &package.dependencies {
        let nodes = by_name.get(&dependency.name).into_iter().flatten().copied();
        let fits = |node: &usize| match (&dependency.version, &packages[*node].version) {
            (Some(asked), Some(locked)) => asked == locked,
            _ => true,
        };
        edges.extend(nodes.filter(fits).map(|to| Edge { to, requirement: None }));
    }
    sort(&mut edges);
    edges
}

/// Requirements that do not name a package of the lock lead nowhere; [`crate::satisfies`] reports them.
fn requirement_edges<'lock>(
    requirements: &'lock [String],
    by_name: &BTreeMap<&'lock PackageName, Vec<usize>>,
) -> Vec<Edge<'lock>> {
    let mut edges = Vec::new();
    for text in requirements {
        let Ok(requirement) = text.parse::<Requirement>() else { continue };
        let nodes = by_name.get(&requirement.name).into_iter().flatten();
        edges.extend(nodes.map(|to| Edge { to: *to, requirement: Some(text.as_str()) }));
    }
    sort(&mut edges);
    edges
}

fn sort(edges: &mut Vec<Edge<'_>>) {
    edges.sort_by_key(|edge| (edge.to, edge.requirement));
    edges.dedup_by_key(|edge| (edge.to, edge.requirement));
}

impl Serialize for Step<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut step = serializer.serialize_struct("Step", 3)?;
        step.serialize_field("name", &self.package.name)?;
        step.serialize_field("version", &self.package.version.as_ref().map(ToString::to_string))?;
        step.serialize_field("requirement", &self.requirement)?;
        step.end()
    }
}
