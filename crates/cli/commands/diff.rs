//! `mlresolve diff`

use std::path::PathBuf;

use clap::Args;
use mlresolve::lockfile::{self, Change, Direction, LockDiff, PackageSize};
use mlresolve::packaging::Version;
use mlresolve::printable;

use super::Outcome;
use super::chosen_lock::open;
use crate::failure::Failure;
use crate::output::{Output, Style, size};

/// Show what changes from one lock to another
///
/// Compare with a commit: git show HEAD:pylock.toml | mlresolve diff - pylock.toml
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"old\": PATH, \"new\": PATH, \"diff\": {\"added\", \"removed\", \"changed\", \
                             \"bytes-before\", \"bytes-after\"}}; a file whose digest changed under the same name stands in \
                             \"replaced-files\" of its change."
)]
pub(crate) struct DiffArguments {
    /// The lock before, or a folder with one; `-` is standard input
    old: PathBuf,
    /// The lock after
    new: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &DiffArguments, output: Output) -> Outcome {
    let stdin = std::path::Path::new("-");
    if arguments.old == stdin && arguments.new == stdin {
        return Err(Failure::bad_input("standard input can be one of the two locks, not both"));
    }
    let (old, new) = (open(Some(&arguments.old), None, output)?, open(Some(&arguments.new), None, output)?);
    let diff = lockfile::diff(&old.lock, &new.lock);
    if output.json() {
        output.data(&serde_json::json!({ "old": old.path, "new": new.path, "diff": diff }).to_string());
        return Ok(());
    }
    output.data(&described(&diff, output));
    Ok(())
}

/// The whole difference, as text.
pub(super) fn described(diff: &LockDiff, output: Output) -> String {
    if diff.is_empty() {
        return "nothing changes: both install the same files\n".to_owned();
    }
    let mut rows: Vec<[String; 4]> = Vec::new();
    rows.extend(diff.changed.iter().map(|change| changed(change, output)));
    rows.extend(diff.added.iter().map(|package| come_or_gone("+", Style::Good, package, output)));
    rows.extend(diff.removed.iter().map(|package| come_or_gone("-", Style::Bad, package, output)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (name, versions) = (width(1), width(2));
    let mut text = String::new();
    for [sign, what, which, bytes] in &rows {
        let bytes = output.paint_data(Style::Faint, bytes);
        text.push_str(format!("{sign} {what:name$}  {which:versions$}  {bytes}").trim_end());
        text.push('\n');
    }
    let counted =
        [("changed", diff.changed.len()), ("added", diff.added.len()), ("removed", diff.removed.len())];
    let counted: Vec<String> = counted
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let bytes = sizes(Some(diff.bytes_before), Some(diff.bytes_after));
    text.push_str(&format!("{}; {bytes} to download\n", counted.join(", ")));
    text + &replaced(diff, output)
}

/// An index must never replace a file, so that nobody may miss it.
fn replaced(diff: &LockDiff, output: Output) -> String {
    let mut text = String::new();
    for change in &diff.changed {
        for file in &change.replaced_files {
            let word = output.paint_data(Style::Bad, "REPLACED");
            text.push_str(&format!("{word}: {} has another digest under the same name\n", printable(file)));
        }
    }
    if !text.is_empty() {
        text.push_str("An index must never replace a file: find out why before you install the new lock.\n");
    }
    text
}

fn changed(change: &Change, output: Output) -> [String; 4] {
    let sign = match change.direction {
        Direction::Upgraded => output.paint_data(Style::Good, "↑"),
        Direction::Downgraded => output.paint_data(Style::Caution, "↓"),
        Direction::Rebuilt => output.paint_data(Style::Caution, "~"),
    };
    let shown =
        |version: Option<&Version>| version.map_or_else(|| "unversioned".to_owned(), ToString::to_string);
    let versions = if change.from == change.to {
        format!("{}, other files", shown(change.to.as_ref()))
    } else {
        format!("{} → {}", shown(change.from.as_ref()), shown(change.to.as_ref()))
    };
    [sign, change.name.to_string(), versions, sizes(change.size_before, change.size_after)]
}

fn come_or_gone(sign: &str, style: Style, package: &PackageSize, output: Output) -> [String; 4] {
    let version = package.version.as_ref().map_or_else(String::new, ToString::to_string);
    let bytes = package.bytes.map_or_else(String::new, size);
    [output.paint_data(style, sign), package.name.to_string(), version, bytes]
}

/// Two sizes, as one where they look the same.
fn sizes(before: Option<u64>, after: Option<u64>) -> String {
    let shown = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), size);
    let (before, after) = (shown(before), shown(after));
    if before == after { after } else { format!("{before} → {after}") }
}
