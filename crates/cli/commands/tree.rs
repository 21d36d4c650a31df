//! `mlresolve tree`

use clap::Args;
use mlresolve::lockfile::{DependencyGraph, Step, TreeItem, TreeOptions};
use mlresolve::printable;

use super::Outcome;
use super::chosen_lock::{ChosenLock, graph, locked_name, named};
use crate::output::{Output, Style};

/// How many levels are shown where none is said: real trees end long before, and each level makes lines longer.
const DEFAULT_DEPTH: usize = 64;

/// Show which locked package needs which
///
/// In parentheses stands the requirement that leads to a package, where it says more than the name.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"lock\": PATH, \"tree\": [{\"depth\": 0, \"name\", \"version\", \"requirement\", \
                             \"repeated\", \"more\"}]}, a line of the tree each, in their order. \"more\" says that \
                             what is below is not shown here."
)]
pub(crate) struct TreeArguments {
    /// Start at this package instead of the project's requirements
    #[arg(value_name = "PACKAGE")]
    package: Option<String>,
    /// Show what needs the package, instead of what it needs
    #[arg(long, visible_alias = "reverse", requires = "package")]
    invert: bool,
    /// Show so many levels below the top
    #[arg(short, long, value_name = "LEVELS")]
    depth: Option<usize>,
    #[command(flatten)]
    lock: ChosenLock,
}

/// Runs the command.
pub(crate) fn run(arguments: &TreeArguments, output: Output) -> Outcome {
    let open = arguments.lock.open(output)?;
    let top = arguments.package.as_ref().map(|typed| locked_name(typed, &open)).transpose()?;
    let graph = graph(&open.lock, output);
    let depth = Some(arguments.depth.unwrap_or(DEFAULT_DEPTH));
    let options = TreeOptions { top: top.as_ref(), inverted: arguments.invert, depth };
    let items: Vec<TreeItem<'_>> = graph.tree_with(options).collect();
    if output.json() {
        let tree: Vec<serde_json::Value> = items.iter().map(as_json).collect();
        output.data(&serde_json::json!({ "lock": open.path, "tree": tree }).to_string());
        return Ok(());
    }
    if items.is_empty() {
        output.say(&format!("{} holds no packages", open.path.display()));
        return Ok(());
    }
    output.data(&drawn(&items, &graph, arguments.invert, output));
    if items.iter().any(|item| item.more && item.repeated) {
        output.say(&output.paint(Style::Faint, "(*) shown in full above"));
    }
    if items.iter().any(|item| item.more && !item.repeated) {
        output.say(&output.paint(Style::Faint, "(…) deeper levels are not shown; see --depth"));
    }
    Ok(())
}

fn drawn(items: &[TreeItem<'_>], graph: &DependencyGraph<'_>, inverted: bool, output: Output) -> String {
    let mut text = String::new();
    // Whether each level above the current line still has siblings to come.
    let mut open_levels: Vec<bool> = Vec::new();
    for item in items {
        open_levels.truncate(item.depth.saturating_sub(1));
        let mut branch: String = open_levels.iter().map(|open| if *open { "│   " } else { "    " }).collect();
        if item.depth > 0 {
            branch.push_str(if item.last { "└── " } else { "├── " });
            open_levels.push(!item.last);
        }
        text.push_str(&output.paint_data(Style::Faint, &branch));
        text.push_str(&line(item, output));
        if inverted {
            text.push_str(&asked_for(item, graph, output));
        }
        text.push('\n');
    }
    text
}

fn line(item: &TreeItem<'_>, output: Output) -> String {
    let Step { package, requirement } = item.step;
    let mut line = named(&package.name, package.version.as_ref());
    if let Some(requirement) = requirement.filter(|text| *text != package.name.as_str()) {
        let requirement = format!(" ({})", printable(requirement));
        line.push_str(&output.paint_data(Style::Faint, &requirement));
    }
    match (item.more, item.repeated) {
        (true, true) => line.push_str(" (*)"),
        (true, false) => line.push_str(" (…)"),
        (false, _) => {}
    }
    line
}

/// That the project itself asks for a package ends a line of a tree that is upside down.
fn asked_for(item: &TreeItem<'_>, graph: &DependencyGraph<'_>, output: Output) -> String {
    let asked = graph.roots().filter(|root| std::ptr::eq(root.package, item.step.package));
    let texts: Vec<String> = asked.filter_map(|root| root.requirement).map(printable).collect();
    if texts.is_empty() {
        return String::new();
    }
    output.paint_data(Style::Strong, &format!("  ← the project: {}", texts.join(", ")))
}

fn as_json(item: &TreeItem<'_>) -> serde_json::Value {
    let Step { package, requirement } = item.step;
    serde_json::json!({
        "depth": item.depth,
        "name": package.name,
        "version": package.version.as_ref().map(ToString::to_string),
        "requirement": requirement,
        "repeated": item.repeated,
        "more": item.more,
    })
}
