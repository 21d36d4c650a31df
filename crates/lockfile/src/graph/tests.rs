use super::*;
use crate::model::{Dependency, PackageTool, ToolSection};
use crate::samples;

/// A lock whose packages and recorded requirements are written `a: b c`.
fn lock(roots: &[&str], packages: &[&str]) -> Lock {
    let mut lock = Lock::new("mlresolve");
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    lock.tool = Some(ToolSection { requirements: texts(roots), ..ToolSection::default() });
    for text in packages {
        let (name, requires) = text.split_once(':').unwrap();
        let mut package = samples::package(name, "1.0");
        let requires = requires.split_whitespace().map(str::to_owned).collect();
        package.tool = Some(PackageTool { requires, ..PackageTool::default() });
        lock.packages.push(package);
    }
    lock
}

fn shown(graph: &DependencyGraph<'_>) -> Vec<String> {
    let line = |item: TreeItem<'_>| {
        let mark = if item.repeated { " *" } else { "" };
        let end = if item.last { "└" } else { "├" };
        let text = item.step.requirement.unwrap_or(item.step.package.name.as_str());
        format!("{}{end}{text}{mark}", " ".repeat(item.depth))
    };
    graph.tree().map(line).collect()
}

fn names(path: &[Step<'_>]) -> String {
    path.iter().map(|step| step.package.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn paths(lock: &Lock, name: &str, limit: usize) -> Vec<String> {
    let paths = DependencyGraph::of(lock).paths_to(&name.parse().unwrap(), limit);
    paths.iter().map(|path| names(path)).collect()
}

#[test]
fn a_tree_shows_each_package_once_in_full() {
    let lock = lock(&["a", "d>=1"], &["a: b c", "b: c", "c:", "d: b"]);
    let expected = ["├a", " ├b", "  └c", " └c *", "└d>=1", " └b *"];
    assert_eq!(shown(&DependencyGraph::of(&lock)), expected);
}

#[test]
fn cycles_end() {
    let lock = lock(&["a"], &["a: b a", "b: c", "c: a"]);
    assert_eq!(shown(&DependencyGraph::of(&lock)), ["└a", " ├a *", " └b", "  └c", "   └a *"]);
    assert_eq!(paths(&lock, "c", 9), ["a b c"]);
    assert_eq!(paths(&lock, "a", 9), ["a"]);
}

#[test]
fn a_foreign_lock_shows_what_nobody_needs_first() {
    let mut lock = lock(&[], &["a:", "b:", "c:", "x:", "y:"]);
    lock.tool = None;
    let needs = |name: &str| Dependency { name: name.parse().unwrap(), version: None, extras: Vec::new() };
    lock.packages[2].dependencies = vec![needs("b"), needs("a"), needs("absent")];
    lock.packages[3].dependencies = vec![needs("y")];
    lock.packages[4].dependencies = vec![needs("x")];
    assert_eq!(shown(&DependencyGraph::of(&lock)), ["├c", " ├a", " └b", "└x", " └y", "  └x *"]);
}

#[test]
fn a_dependency_with_a_version_leads_to_that_entry() {
    let mut lock = lock(&["a"], &["a:", "b:", "b:"]);
    lock.packages[2].version = "2.0".parse().ok();
    let name: PackageName = "b".parse().unwrap();
    lock.packages[0].dependencies =
        vec![Dependency { name: name.clone(), version: "2.0".parse().ok(), extras: Vec::new() }];
    let graph = DependencyGraph::of(&lock);
    let needed = graph.dependencies(&"a".parse().unwrap());
    assert_eq!(
        needed.iter().map(|step| step.package.version.clone()).collect::<Vec<_>>(),
        ["2.0".parse().ok()]
    );
}

#[test]
fn paths_come_shortest_first() {
    let lock = lock(&["a", "e"], &["a: b c", "b: c", "c: d", "d:", "e: d"]);
    assert_eq!(paths(&lock, "d", 9), ["e d", "a c d", "a b c d"]);
    assert_eq!(paths(&lock, "d", 2), ["e d", "a c d"]);
    assert_eq!(paths(&lock, "absent", 2), [""; 0]);
    let graph = DependencyGraph::of(&lock);
    let path = &graph.paths_to(&"d".parse().unwrap(), 1)[0];
    let json = serde_json::to_value(path).unwrap();
    assert_eq!(json[1], serde_json::json!({ "name": "d", "version": "1.0", "requirement": "d" }));
}

#[test]
fn dependants_carry_their_requirements() {
    let lock = lock(&["a"], &["a: c>=1", "b: c", "c:"]);
    let graph = DependencyGraph::of(&lock);
    let dependants = graph.dependants(&"c".parse().unwrap());
    let requirements: Vec<_> = dependants.iter().map(|step| (names(&[*step]), step.requirement)).collect();
    assert_eq!(requirements, [("a".to_owned(), Some("c>=1")), ("b".to_owned(), Some("c"))]);
}

#[test]
fn a_lock_with_very_many_paths_is_answered() {
    // Every package needs all later ones: the number of paths doubles with each.
    let count = 60;
    let name = |node: usize| format!("p{node:03}");
    let packages: Vec<String> = (0..count)
        .map(|node| format!("{}: {}", name(node), (node + 1..count).map(name).collect::<Vec<_>>().join(" ")))
        .collect();
    let lock = lock(&["p000"], &packages.iter().map(String::as_str).collect::<Vec<_>>());
    let found = paths(&lock, "p059", 100);
    assert_eq!((found.len(), found[0].as_str()), (100, "p000 p059"));
    assert!(DependencyGraph::of(&lock).tree().count() < count * count);
}

#[test]
fn many_paths_of_one_length_do_not_hide_the_first() {
    // Eight layers of eight packages, each of which needs the whole next layer.
    let layer =
        |layer: usize| (0..8).map(move |place| format!("l{layer}-{place}")).collect::<Vec<_>>().join(" ");
    let needs = |depth: usize, place: usize| {
        format!("l{depth}-{place}: {}", if depth < 7 { layer(depth + 1) } else { "end".into() })
    };
    let mut packages: Vec<String> = (0..64).map(|node| needs(node / 8, node % 8)).collect();
    packages.push("end:".into());
    let lock = lock(&["l0-0"], &packages.iter().map(String::as_str).collect::<Vec<_>>());
    let found = paths(&lock, "end", 1);
    assert_eq!(found, ["l0-0 l1-0 l2-0 l3-0 l4-0 l5-0 l6-0 l7-0 end"]);
}

#[test]
fn a_very_long_chain_does_not_exhaust_the_stack() {
    let count = 5_000;
    let packages: Vec<String> = (0..count).map(|node| format!("p{node}: p{}", node + 1)).collect();
    let lock = lock(&["p0"], &packages.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(DependencyGraph::of(&lock).tree().count(), count);
    let path = DependencyGraph::of(&lock).paths_to(&"p4999".parse().unwrap(), 1);
    assert_eq!(path[0].len(), count);
}

#[test]
fn a_tree_can_start_anywhere_stand_on_its_head_and_end_early() {
    let lock = lock(&["a", "d>=1"], &["a: b c", "b: c<2", "c:", "d: b>=3"]);
    let graph = DependencyGraph::of(&lock);
    let name = |text: &str| text.parse::<mlresolve_packaging::PackageName>().unwrap();
    let lines = |options: TreeOptions<'_>| -> Vec<String> {
        let line = |item: TreeItem<'_>| {
            let more = if item.more { " …" } else { "" };
            let by = item.step.requirement.unwrap_or("-");
            format!("{}{} {by}{more}", " ".repeat(item.depth), item.step.package.name)
        };
        graph.tree_with(options).map(line).collect()
    };
    let (b, c, missing) = (name("b"), name("c"), name("x"));
    assert_eq!(lines(TreeOptions { top: Some(&b), ..TreeOptions::default() }), ["b -", " c c<2"]);
    let upside_down = TreeOptions { top: Some(&c), inverted: true, depth: None };
    assert_eq!(lines(upside_down), ["c -", " a c", " b c<2", "  a b", "  d b>=3"]);
    let shallow = TreeOptions { depth: Some(1), ..TreeOptions::default() };
    assert_eq!(lines(shallow), ["a a", " b b …", " c c", "d d>=1", " b b>=3 …"]);
    assert!(lines(TreeOptions { top: Some(&missing), ..TreeOptions::default() }).is_empty());
}
