//! `mlresolve size`

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use mlresolve::image::{Compression, planned_layers};
use mlresolve::index::Cache;
use mlresolve::lockfile::{self, PackageSize};
use mlresolve::printable;

use super::chosen_lock::{ChosenLock, named};
use super::{Outcome, session};
use crate::args::Global;
use crate::output::{Output, Style, size};

/// Show what the locked packages weigh
///
/// The bytes are those of the files to download; installed, most packages take more.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"lock\": PATH, \"total-bytes\", \"unknown\": COUNT, \"packages\": [{\"name\", \
                             \"version\", \"file\", \"bytes\", \"share\", \"installed-bytes\"}], \"savings\": [TEXT..]}, the \
                             largest first; \"bytes\" and \"share\" (of 1) are null where the lock holds no size, and \
                             \"installed-bytes\" until an image with the package was built on this machine."
)]
pub(crate) struct SizeArguments {
    /// The lock, or a folder with one
    #[arg(value_name = "LOCK")]
    file: Option<PathBuf>,
    /// Show so many of the largest packages
    #[arg(short = 'n', long, value_name = "COUNT")]
    top: Option<usize>,
    #[command(flatten)]
    lock: ChosenLock,
}

/// Runs the command.
pub(crate) fn run(arguments: &SizeArguments, global: &Global, output: Output) -> Outcome {
    let open = arguments.lock.open_or(arguments.file.as_deref(), output)?;
    let mut report = lockfile::size(&open.lock);
    // What is not known may be the largest of all, and is not hidden at the end.
    report.packages.sort_by(|left, right| {
        let rank = |package: &PackageSize| std::cmp::Reverse(package.bytes.map_or(u128::MAX, u128::from));
        (rank(left), &left.name).cmp(&(rank(right), &right.name))
    });
    // Of locks that containers cannot be made of there is nothing more to say.
    let cache = session::cache_dir(global).map(Cache::at);
    let layers = planned_layers(&open, cache.as_ref(), Compression::Gzip).ok();
    let installed: HashMap<&str, u64> = layers
        .iter()
        .flat_map(|layers| layers.layers.iter().flat_map(|layer| &layer.packages))
        .filter_map(|package| Some((package.name.as_str(), package.installed_bytes?)))
        .collect();
    let savings = layers.as_ref().map(|layers| layers.savings.clone()).unwrap_or_default();
    let shown = arguments.top.unwrap_or(usize::MAX).min(report.packages.len());
    let (shown, rest) = report.packages.split_at(shown);
    if output.json() {
        let packages: Vec<serde_json::Value> = shown
            .iter()
            .map(|package| {
                as_json(package, report.total_bytes, installed.get(package.name.as_str()).copied())
            })
            .collect();
        let answer = serde_json::json!({
            "lock": open.path, "total-bytes": report.total_bytes, "unknown": report.unknown, "packages": packages,
            "savings": savings
        });
        output.data(&answer.to_string());
        return Ok(());
    }
    let share = |bytes: u64| share(bytes, report.total_bytes);
    let mut rows: Vec<[String; 3]> = Vec::new();
    for package in shown {
        let name = named(&package.name, package.version.as_ref());
        rows.push(match package.bytes {
            Some(bytes) => [size(bytes), share(bytes), name],
            None => ["unknown".to_owned(), String::new(), name],
        });
    }
    if !rest.is_empty() {
        let bytes = rest.iter().filter_map(|package| package.bytes).sum();
        rows.push([size(bytes), share(bytes), format!("{} more", rest.len())]);
    }
    let count = report.packages.len();
    let mut total = format!("total of {count} {}", if count == 1 { "package" } else { "packages" });
    if report.unknown > 0 {
        total.push_str(&format!(", without {} of unknown size", report.unknown));
    }
    rows.push([size(report.total_bytes), String::new(), total]);
    output.data(&table(&rows, output));
    for saving in &savings {
        output.say(&format!("{} {}", output.paint(Style::Strong, "smaller:"), printable(saving)));
    }
    Ok(())
}

fn table(rows: &[[String; 3]], output: Output) -> String {
    let heading = ["DOWNLOAD", "SHARE", "PACKAGE"];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heading[column].len()]).max().unwrap_or_default()
    };
    let (bytes, share) = (width(0), width(1));
    let heading = format!("{:>bytes$}  {:>share$}  {}", heading[0], heading[1], heading[2]);
    let mut text = output.paint_data(Style::Faint, &heading);
    text.push('\n');
    for (position, [size, part, name]) in rows.iter().enumerate() {
        let line = format!("{size:>bytes$}  {part:>share$}  {name}");
        let last = position + 1 == rows.len();
        text.push_str(&if last { output.paint_data(Style::Strong, &line) } else { line });
        text.push('\n');
    }
    text
}

/// A part of the total in percent, with one digit where it is small.
fn share(bytes: u64, total: u64) -> String {
    let Some(permille) = (u128::from(bytes) * 1_000 + u128::from(total) / 2).checked_div(u128::from(total))
    else {
        return String::new();
    };
    format!("{}.{} %", permille / 10, permille % 10)
}

fn as_json(package: &PackageSize, total: u64, installed: Option<u64>) -> serde_json::Value {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits than a float has")]
    let share = package.bytes.filter(|_| total > 0).map(|bytes| bytes as f64 / total as f64);
    serde_json::json!({
        "name": package.name,
        "version": package.version.as_ref().map(ToString::to_string),
        "file": package.file,
        "bytes": package.bytes,
        "share": share,
        "installed-bytes": installed,
    })
}
