//! `mlresolve layers`

use std::path::PathBuf;

use clap::Args;
use mlresolve::image::{Compression, LayerChanges, PlannedLayer, PlannedLayers, planned_layers};
use mlresolve::index::Cache;
use mlresolve::printable;

use super::build::Codec;
use super::chosen_lock::{ChosenLock, open};
use super::{Outcome, session};
use crate::args::Global;
use crate::output::{Output, Style, size};

/// How many packages of a layer are named.
const PACKAGES_SHOWN: usize = 6;

/// Show the layers that a lock makes, and what a change costs
///
/// When a package changes, everybody who has the image fetches its layer again: that is what a line costs. With --since,
/// shows what those fetch who have the image of another lock. Bytes are exact for layers that were built before on this
/// machine, and else those of the wheels, which a layer's own are within a percent of.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"lock\": PATH, \"layers\": {\"rule\", \"bound\", \"is-raised\", \"layers\": \
                             [{\"class\", \"bucket\", \"digest\", \"bytes\", \"is-exact\", \"packages\": [{\"name\", \
                             \"version\", \"wheel-bytes\", \"compressed-bytes\", \"installed-bytes\"}]}], \"savings\"}, \
                             \"since\": PATH, \"changes\": {\"changed\": [LAYER..], \"bytes\", \"is-exact\", \"kept\", \
                             \"kept-bytes\", \"moved\"}}"
)]
pub(crate) struct LayersArguments {
    /// The lock, or a folder with one
    #[arg(value_name = "LOCK")]
    file: Option<PathBuf>,
    /// Compare with this lock; `-` is standard input
    #[arg(long, value_name = "LOCK")]
    since: Option<PathBuf>,
    /// How layers are compressed
    #[arg(long, value_name = "CODEC", default_value = "gzip", env = "MLRESOLVE_COMPRESSION")]
    compression: Codec,
    #[command(flatten)]
    lock: ChosenLock,
}

/// Runs the command.
pub(crate) fn run(arguments: &LayersArguments, global: &Global, output: Output) -> Outcome {
    let new = arguments.lock.open_or(arguments.file.as_deref(), output)?;
    let old = arguments.since.as_deref().map(|place| open(Some(place), None, output)).transpose()?;
    let cache = session::cache_dir(global).map(Cache::at);
    let compression = Compression::from(arguments.compression);
    let layers = planned_layers(&new, cache.as_ref(), compression)?;
    let changes = old
        .as_ref()
        .map(|old| planned_layers(old, cache.as_ref(), compression).map(|old| layers.changes_since(&old)))
        .transpose()?;
    if output.json() {
        let old = old.as_ref().map(|old| &old.path);
        let report =
            serde_json::json!({ "lock": new.path, "layers": layers, "since": old, "changes": changes });
        output.data(&report.to_string());
        return Ok(());
    }
    output.data(&match &changes {
        Some(changes) => changed(changes, &layers),
        None => table(&layers.layers, &layers, output),
    });
    if layers.is_raised {
        output.warn(&format!(
            "there would be too many layers, so a package of its own starts at {}: a change of one package may move others",
            size(layers.bound)
        ));
    }
    if changes.is_none() {
        for saving in &layers.savings {
            output.say(&format!("{} {}", output.paint(Style::Strong, "smaller:"), printable(saving)));
        }
    }
    Ok(())
}

fn table(shown: &[PlannedLayer], all: &PlannedLayers, output: Output) -> String {
    let mut text =
        output.paint_data(Style::Faint, &format!("{:>10}  {}", "COSTS", "WHEN ONE OF THESE CHANGES"));
    text.push('\n');
    for layer in shown {
        text.push_str(&line(layer));
    }
    let layers = if shown.len() == 1 { "layer" } else { "layers" };
    let total = format!("{:>10}  all of {} {layers}", size(all.bytes()), shown.len());
    text + &output.paint_data(Style::Strong, &total) + "\n"
}

fn line(layer: &PlannedLayer) -> String {
    let names: Vec<String> = layer
        .packages
        .iter()
        .map(|package| match &package.version {
            Some(version) => format!("{} {version}", package.name),
            None => package.name.clone(),
        })
        .collect();
    let packages = match names.len() {
        count if count <= PACKAGES_SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..PACKAGES_SHOWN].join(", "), count - PACKAGES_SHOWN),
    };
    let about = if layer.is_exact { "" } else { "~" };
    format!("{:>10}  {}\n", format!("{about}{}", size(layer.bytes)), printable(&packages))
}

fn changed(changes: &LayerChanges, layers: &PlannedLayers) -> String {
    if changes.changed.is_empty() {
        return "nothing is fetched again: all layers are the same\n".to_owned();
    }
    let lines: String = changes.changed.iter().map(line).collect();
    let about = if changes.is_exact { "" } else { "about " };
    let mut text = format!(
        "{lines}{about}{} of {} is fetched: {} of {} layers\n",
        size(changes.bytes),
        size(layers.bytes()),
        changes.changed.len(),
        layers.layers.len()
    );
    for moved in &changes.moved {
        text.push_str(&format!("{} moved to another layer\n", printable(moved)));
    }
    text
}
