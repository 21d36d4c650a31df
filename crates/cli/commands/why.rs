//! `mlresolve why`

use clap::Args;
use mlresolve::lockfile::Step;
use mlresolve::target::facts::is_family;
use mlresolve::{chosen_build, printable};

use super::Outcome;
use super::chosen_lock::{ChosenLock, graph, locked_name, named};
use crate::output::{Output, Style};

/// How many chains of requirements are looked for beyond those that are shown.
const COUNTED_WAYS: usize = 1_000;

/// Show which requirements lead to a locked package
///
/// The shortest chains come first. Exit code 1 if the package is not locked.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"lock\": PATH, \"name\", \"versions\": [..], \"paths\": [[{\"name\", \"version\", \
                             \"requirement\"}]], \"more\": COUNT, \"build\": TEXT or null}; each path leads from the project's requirement to \
                             the package."
)]
pub(crate) struct WhyArguments {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: String,
    /// Show so many chains
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 3)]
    paths: usize,
    #[command(flatten)]
    lock: ChosenLock,
}

/// Runs the command.
pub(crate) fn run(arguments: &WhyArguments, output: Output) -> Outcome {
    let open = arguments.lock.open(output)?;
    let name = locked_name(&arguments.package, &open)?;
    let graph = graph(&open.lock, output);
    let looked_for = arguments.paths.saturating_add(COUNTED_WAYS);
    let paths = graph.paths_to(&name, looked_for);
    let (shown, rest) = paths.split_at(arguments.paths.min(paths.len()));
    let versions: Vec<String> = open
        .lock
        .packages_named(&name)
        .filter_map(|package| package.version.as_ref().map(ToString::to_string))
        .collect();
    let build = chosen_build(&open.lock).filter(|_| is_family(&name));
    if output.json() {
        let answer = serde_json::json!({
            "lock": open.path, "name": name, "versions": versions, "paths": shown, "more": rest.len(),
            "build": build
        });
        output.data(&answer.to_string());
        return Ok(());
    }
    let title =
        if versions.is_empty() { name.to_string() } else { format!("{name} {}", versions.join(", ")) };
    let title = output.paint_data(Style::Strong, &title);
    if paths.is_empty() {
        output.data(&format!("{title} is locked, but no requirement that the lock records leads to it"));
        return Ok(());
    }
    let mut text = format!("{title} is locked because\n");
    for path in shown {
        text.push('\n');
        text.push_str(&chain(path, output));
    }
    if let Some(build) = build {
        text.push_str(&format!("\nIts build is {build}\n"));
    }
    match rest.len() {
        0 => {}
        1 => text.push_str("\nand 1 more way\n"),
        COUNTED_WAYS => text.push_str(&format!("\nand at least {COUNTED_WAYS} more ways\n")),
        more => text.push_str(&format!("\nand {more} more ways\n")),
    }
    output.data(&text);
    Ok(())
}

/// A chain of requirements, a line each: who needs what.
fn chain(path: &[Step<'_>], output: Output) -> String {
    let mut lines = Vec::new();
    let mut needer: Option<&Step<'_>> = None;
    for step in path {
        let wanted = step.requirement.map_or_else(|| step.package.name.to_string(), printable);
        match needer {
            Some(Step { package, .. }) => {
                lines.push((named(&package.name, package.version.as_ref()), wanted));
            }
            None if step.requirement.is_some() => lines.push(("the project".to_owned(), wanted)),
            // A lock that does not record the project's requirements begins with what nothing else needs.
            None if path.len() == 1 => {
                return format!("  nothing else in the lock needs {}: it was asked for\n", step.package.name);
            }
            None => {}
        }
        needer = Some(step);
    }
    let width = lines.iter().map(|(who, _)| who.chars().count()).max().unwrap_or_default();
    let faint = output.paint_data(Style::Faint, "needs");
    lines.iter().map(|(who, wanted)| format!("  {who:width$}  {faint} {wanted}\n")).collect()
}
