//! `mlresolve doctor`

use std::path::PathBuf;

use clap::Args;
use mlresolve::host::{Host, HostTarget};
use mlresolve::{Diagnosis, Finding, Level, examine, open_locks, printable};

use super::{Outcome, host};
use crate::failure::Failure;
use crate::output::{Output, Style};

/// Say whether a lock runs on this machine
///
/// Looks at the platform, glibc, Pythons, drivers and GPUs of this machine and judges each lock by the rules by which it
/// was made. Of several locks in a folder, which mostly are for different machines, one has to run; each that is chosen, by
/// its file or with --target, has to. Exits with 0 if so, with 4 if not. What cannot be found out is said and is no failure.
///
/// Where the current folder has no lock, describes this machine, with a table that declares it as a target.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"host\": {\"platform\", \"glibc\", \"driver\", \"gpus\", …}, \"target\": {\"python\", \
                             \"platform\", \"glibc\", \"accelerator\", \"driver\", \"gpu\", \"lines\"}, \"declaration\": TOML, \
                             \"runs\": true, false, or null without a lock, \"locks\": [{\"lock\": PATH, \"target\", \"runs\", \
                             \"findings\": [{\"about\", \"level\", \"message\", \"way-out\"}]}]}. \"host\" is what was seen, \
                             null where it was not; \"target\" the same in the words of targets; \"about\" one of lock, \
                             platform, python, glibc, wheels, accelerator; \"level\" one of ok, note, warning, failure."
)]
pub(crate) struct DoctorArguments {
    /// A lock, or a folder with locks; `-` is standard input [default: the locks in the current folder]
    #[arg(value_name = "LOCK_OR_DIR")]
    place: Option<PathBuf>,
    /// Judge the lock of this target, pylock.NAME.toml
    #[arg(long = "target", value_name = "NAME", env = "MLRESOLVE_TARGET")]
    targets: Vec<String>,
}

/// A lock that was judged.
struct Judged {
    path: PathBuf,
    diagnosis: Diagnosis,
}

/// Runs the command.
pub(crate) fn run(arguments: &DoctorArguments, output: Output) -> Outcome {
    let locks = open_locks(arguments.place.as_deref(), &arguments.targets)?;
    for warning in locks.iter().flat_map(|open| &open.warnings) {
        output.warn(&printable(warning));
    }
    let host = host::this_machine();
    let here = host.as_target();
    let mut judged = Vec::new();
    for open in locks {
        let diagnosis = examine(&open.lock, &host).map_err(|error| {
            Failure::bad_input(format!("{}, tool.mlresolve.target: {error}", open.path.display()))
        })?;
        judged.push(Judged { path: open.path, diagnosis });
    }
    let chosen = !arguments.targets.is_empty();
    let mut running = judged.iter().map(|judged| judged.diagnosis.runs);
    let runs = if chosen { running.all(|runs| runs) } else { running.any(|runs| runs) };
    if output.json() {
        output.data(&as_json(&host, &here, &judged, runs).to_string());
    } else {
        output.data(&in_words(&host, &here, &judged, output));
    }
    if runs || judged.is_empty() { Ok(()) } else { Err(Failure::does_not_run()) }
}

fn as_json(host: &Host, here: &HostTarget, judged: &[Judged], runs: bool) -> serde_json::Value {
    let locks: Vec<serde_json::Value> = judged
        .iter()
        .map(|Judged { path, diagnosis }| {
            let Diagnosis { target, runs, findings, .. } = diagnosis;
            serde_json::json!({ "lock": path, "target": target, "runs": runs, "findings": findings })
        })
        .collect();
    serde_json::json!({
        "host": host,
        "target": here,
        "declaration": here.declaration(),
        "runs": (!judged.is_empty()).then_some(runs),
        "locks": locks,
    })
}

fn in_words(host: &Host, here: &HostTarget, judged: &[Judged], output: Output) -> String {
    let mut text = machine(host, here);
    for Judged { path, diagnosis } in judged {
        let verdict = if diagnosis.runs {
            output.paint_data(Style::Good, "runs on this machine")
        } else {
            output.paint_data(Style::Bad, "does not run on this machine")
        };
        let path = output.paint_data(Style::Strong, &path.display().to_string());
        text.push_str(&format!("\n{path} {verdict}\n"));
        if let Some(target) = &diagnosis.target {
            text.push_str(&format!("  {:12} {target}\n", "locked for"));
        }
        for finding in &diagnosis.findings {
            text.push_str(&line(finding, output));
        }
    }
    if judged.is_empty() {
        text.push_str(&format!("\nAs a target, for pyproject.toml:\n\n{}", here.declaration()));
    }
    text
}

/// The machine, a line for each thing.
fn machine(host: &Host, here: &HostTarget) -> String {
    let unknown = || "not known".to_owned();
    let mut lines = vec![("platform", host.platform.clone().unwrap_or_else(unknown))];
    // A Mac has none.
    if !host.mps {
        lines.push(("glibc", host.glibc.clone().unwrap_or_else(unknown)));
    }
    lines.push(("python", pythons(host)));
    lines.push(("computes on", here.accelerator.clone()));
    lines.extend(here.lines.iter().map(|line| ("", line.clone())));
    lines.extend(host.notes.iter().map(|note| ("note", note.clone())));
    let shown = lines.iter().map(|(name, value)| format!("  {name:12} {value}\n"));
    format!("this machine\n{}", shown.collect::<String>())
}

fn pythons(host: &Host) -> String {
    let mut versions: Vec<&str> = Vec::new();
    for python in &host.pythons {
        if !versions.contains(&python.version.as_str()) {
            versions.push(&python.version);
        }
    }
    if versions.is_empty() { "none on PATH".to_owned() } else { versions.join(", ") }
}

/// A finding in one line: how much it matters, what it is about, what was found, and what can be done.
fn line(finding: &Finding, output: Output) -> String {
    let (style, word) = match finding.level {
        Level::Ok => (Style::Good, "ok"),
        Level::Note => (Style::Faint, "note"),
        Level::Warning => (Style::Caution, "warning"),
        Level::Failure => (Style::Bad, "failure"),
    };
    let word = output.paint_data(style, &format!("{word:8}"));
    let way_out = finding.way_out.as_ref().map(|way_out| format!("; {way_out}")).unwrap_or_default();
    format!("  {word} {}: {}{way_out}\n", finding.about, finding.message)
}
