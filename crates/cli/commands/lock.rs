//! `mlresolve lock`

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use mlresolve::lockfile::{self, Direction, Lock, LockDiff, PackageSize, ReadError};
use mlresolve::packaging::Version;
use mlresolve::{
    CheckOutcome, Job, LockReport, LockRequest, Locked, ReadProject, Upgrade, check_blocking,
    lock_together_blocking,
};

use super::{Outcome, session};
use crate::args::{Global, ProjectArguments};
use crate::failure::Failure;
use crate::output::{Output, Style, size};
use crate::progress::Progress;
use crate::write::write_atomically;

/// How many changes are listed.
const CHANGES_SHOWN: usize = 12;
/// How many packages that are locked from source are named.
const SOURCES_SHOWN: usize = 8;

/// Choose versions and write pylock.toml
///
/// Reads pyproject.toml, or requirements.in or requirements.txt, or the files given with -r, and writes one lock for each
/// target: pylock.toml, or pylock.NAME.toml where several targets are declared. Versions that are locked already stay as
/// long as they will do.
#[derive(Debug, Args)]
pub(crate) struct LockArguments {
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Write here: a file for one target, a folder for several; `-` is standard output
    #[arg(short, long, value_name = "PATH", env = "MLRESOLVE_OUTPUT")]
    output: Option<PathBuf>,
    /// Give up all locked versions
    #[arg(short = 'U', long, env = "MLRESOLVE_UPGRADE", value_parser = clap::builder::FalseyValueParser::new())]
    upgrade: bool,
    /// Give up the locked version of this package
    #[arg(short = 'P', long = "upgrade-package", value_name = "NAME", env = "MLRESOLVE_UPGRADE_PACKAGE")]
    upgrade_packages: Vec<String>,
    /// Write nothing; exit with 3 if the lock is out of date
    #[arg(long, conflicts_with_all = ["upgrade", "upgrade_packages", "dry_run"])]
    check: bool,
    /// Write nothing; show what would be locked
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &LockArguments, global: &Global, output: Output) -> Outcome {
    let upgrade = match (arguments.upgrade, arguments.upgrade_packages.is_empty()) {
        (true, _) => Upgrade::Everything,
        (false, true) => Upgrade::Nothing,
        (false, false) => Upgrade::Packages(arguments.upgrade_packages.iter().cloned().collect()),
    };
    let project = session::project(&arguments.project, upgrade, output)?;
    let access = session::access(&arguments.project, global, &project)?;
    let cancellation = session::cancelled_by_signal();
    if !project.declares_targets && !arguments.project.describes_target() {
        output.say("no target is declared; a common one is assumed (see --help, Target)");
    }
    let mut jobs = Vec::new();
    let mut paths = Vec::new();
    for (at, request) in project.requests.iter().enumerate() {
        let path = place(arguments, &project, request, output)?;
        let request = LockRequest { root: folder_of(&path), ..request.clone() };
        if arguments.check && path == Path::new("-") {
            return Err(Failure::bad_input(
                "--check reads a lock, and standard output holds none; leave out -o",
            ));
        }
        // The lock of a target that is not renewed holds as it is.
        let upgrade = arguments.upgrade && project.chosen.contains(&at);
        let previous = read_previous(&path, upgrade, output)?;
        jobs.push(Job { request, previous });
        paths.push(path);
    }
    let started = Instant::now();
    let progress = Progress::start(output, if arguments.check { "checking" } else { "locking" });
    let watch = progress.watch(cancellation);
    let (asked, alignment) = (&project.chosen, &project.alignment);
    if arguments.check {
        let locks: Vec<Option<Lock>> = jobs.iter().map(|job| job.previous.clone()).collect();
        for &at in asked {
            if locks[at].is_none() {
                return Err(Failure::out_of_date(format!("there is no {}", paths[at].display())));
            }
        }
        let outcomes = check_blocking(jobs, asked.clone(), alignment, &access, &watch)?;
        drop(progress);
        for (&at, outcome) in asked.iter().zip(outcomes) {
            if let Some(locked) = &locks[at] {
                report_check(&paths[at], outcome, locked, output)?;
            }
        }
        return Ok(());
    }
    let locked = lock_together_blocking(jobs, alignment, &access, &watch)?;
    drop(progress);
    let seconds = started.elapsed().as_secs_f64();
    let written = paths.into_iter().zip(locked).enumerate().filter(|(at, _)| asked.contains(at));
    let written: Vec<(PathBuf, Locked)> = written.map(|(_, written)| written).collect();
    // All or nothing: a target that fails leaves every lock as it was.
    for (path, locked) in &written {
        if path == Path::new("-") {
            // With --json, the one document below holds the lock.
            if !output.json() {
                output.data(&locked.text);
            }
        } else if !arguments.dry_run {
            write_atomically(path, &locked.text).map_err(|error| Failure::unwritable(path, &error))?;
        }
        show(path, locked, seconds, arguments.dry_run, output);
    }
    if output.json() {
        let locks: Vec<serde_json::Value> = written.iter().map(|(path, locked)| {
            serde_json::json!({ "path": path, "seconds": seconds, "report": locked.report, "lock": locked.lock })
        }).collect();
        output.data(&serde_json::json!({ "locks": locks }).to_string());
    }
    Ok(())
}

/// Where the lock of a request goes.
fn place(
    arguments: &LockArguments,
    project: &ReadProject,
    request: &LockRequest,
    output: Output,
) -> Result<PathBuf, Failure> {
    // The name depends on what is declared, not on what is chosen: each target has one place for its lock.
    let target = project.declares_several.then_some(request.target.name.as_str());
    let (dir, count) = (project.dir.as_path(), project.chosen.len());
    let name = lockfile::file_name(target);
    let name = name.map_err(|error| Failure::bad_input(error.to_string()))?;
    Ok(match &arguments.output {
        None if dir == Path::new(".") => PathBuf::from(name),
        None => dir.join(name),
        Some(path) if path == Path::new("-") && count == 1 => path.clone(),
        Some(path) if path.is_dir() => path.join(name),
        Some(path) if count == 1 => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if let Err(error) = lockfile::validate_file_name(&name) {
                output.warn(&format!("{error}; pip and uv will not take it for a lock"));
            }
            path.clone()
        }
        Some(path) => {
            let path = if path == Path::new("-") { "standard output".into() } else { path.to_string_lossy() };
            let problem =
                format!("{path} is no folder, and {count} targets need one; choose one with --target");
            return Err(Failure::bad_input(problem));
        }
    })
}

/// The folder of a lock; for one that goes to standard output, the current folder.
pub(super) fn folder_of(lock: &Path) -> PathBuf {
    let folder = lock.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// The lock that is renewed. One that a merge left in pieces is made anew, and so is any that cannot be read where
/// nothing of it is wanted.
fn read_previous(path: &Path, upgrade: bool, output: Output) -> Result<Option<Lock>, Failure> {
    if path == Path::new("-") {
        return Ok(None);
    }
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::bad_input(format!("cannot read {}: {error}", path.display()))),
        Ok(bytes) => match lockfile::read(&bytes) {
            Ok(read) => Ok(Some(read.lock)),
            Err(error @ ReadError::ConflictMarkers { .. }) => {
                output.warn(&format!("{}: {error}; every version is chosen anew", path.display()));
                Ok(None)
            }
            Err(error) if upgrade => {
                output.warn(&format!("{} is replaced: {error}", path.display()));
                Ok(None)
            }
            Err(error) => {
                let hint = "mend the file, or lock anew with --upgrade";
                Err(Failure::bad_input(format!("{}: {error}", path.display())).with_hint(hint))
            }
        },
    }
}

fn report_check(path: &Path, outcome: CheckOutcome, locked: &Lock, output: Output) -> Outcome {
    match outcome {
        CheckOutcome::UpToDate => {
            output.say(&format!("{} is up to date", path.display()));
            if output.json() {
                output.data(&serde_json::json!({ "path": path, "up-to-date": true }).to_string());
            }
            Ok(())
        }
        CheckOutcome::Violated(violations) => {
            let lines: Vec<String> = violations.iter().map(|violation| format!("  - {violation}")).collect();
            Err(Failure::out_of_date(format!("{} is out of date\n{}", path.display(), lines.join("\n"))))
        }
        CheckOutcome::Outdated(renewed) => {
            let changes = changes(&lockfile::diff(locked, &renewed), output).join("\n");
            let changes = if changes.is_empty() {
                "  its packages stay, its inputs changed".to_owned()
            } else {
                changes
            };
            Err(Failure::out_of_date(format!("{} is out of date\n{changes}", path.display())))
        }
    }
}

/// What a person wants to see after a lock.
fn show(path: &Path, locked: &Locked, seconds: f64, dry_run: bool, output: Output) {
    let report = &locked.report;
    for warning in &report.warnings {
        output.warn(warning);
    }
    let unknown = match report.unknown_sizes {
        0 => String::new(),
        count => format!(" and {count} of unknown size"),
    };
    let verb = if dry_run { "would write" } else { "wrote" };
    output.say(&format!(
        "{} {}: {} packages, {}{unknown} to download, {seconds:.2} s",
        output.paint(Style::Good, verb),
        output.paint(Style::Strong, &path.display().to_string()),
        report.packages,
        size(report.download_bytes),
    ));
    output.say(&format!("  target   {}", report.target));
    if let Some(variant) = &report.variant {
        output.say(&format!("  variant  {variant}"));
    }
    for held in &report.held_back {
        let (name, version, chosen) = (&held.name, &held.version, &held.chosen);
        output.say(&format!("  held     {name} {version} is held back to {chosen}: {}", held.because));
    }
    for note in &report.notes {
        output.say(&format!("  note     {note}"));
    }
    show_largest(report, output);
    show_sources(report, output);
    if let Some(diff) = &report.changes {
        let lines = changes(diff, output);
        if lines.is_empty() {
            output.say("  no package changed since the last lock");
        } else {
            output.say("  since the last lock:");
            lines.iter().for_each(|line| output.say(line));
        }
    }
}

fn show_largest(report: &LockReport, output: Output) {
    let largest = report
        .largest
        .iter()
        .map(|package| format!("{} {} {}", package.name, package.version, size(package.bytes)));
    let largest: Vec<String> = largest.collect();
    if !largest.is_empty() {
        output.say(&format!("  largest  {}", largest.join(", ")));
    }
}

fn show_sources(report: &LockReport, output: Output) {
    let (built, read): (Vec<_>, Vec<_>) =
        report.sources.iter().partition(|source| source.metadata == "built");
    for (sources, how) in
        [(read, "metadata read without that"), (built, "and built now to see what they require")]
    {
        if sources.is_empty() {
            continue;
        }
        let named = sources.iter().take(SOURCES_SHOWN);
        let mut named: Vec<String> =
            named.map(|source| format!("{} {} ({})", source.name, source.version, source.metadata)).collect();
        let rest = sources.len() - named.len();
        if rest > 0 {
            named.push(format!("{rest} more"));
        }
        output.say(&format!("  source   built when installed, {how}: {}", named.join(", ")));
    }
}

fn named(package: &PackageSize) -> String {
    match &package.version {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.to_string(),
    }
}

/// The changes between two locks, a line each.
pub(super) fn changes(diff: &LockDiff, output: Output) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &diff.changed {
        let sign = match change.direction {
            Direction::Upgraded => "↑",
            Direction::Downgraded => "↓",
            Direction::Rebuilt => "~",
        };
        let shown =
            |version: Option<&Version>| version.map_or_else(|| "unversioned".to_owned(), ToString::to_string);
        let (from, to) = (shown(change.from.as_ref()), shown(change.to.as_ref()));
        let versions = if from == to { format!("{to}, other files") } else { format!("{from} → {to}") };
        lines.push(format!("  {sign} {} {versions}", change.name));
    }
    lines.extend(diff.added.iter().map(|package| format!("  + {}", named(package))));
    lines.extend(diff.removed.iter().map(|package| format!("  - {}", named(package))));
    let rest = lines.len().saturating_sub(CHANGES_SHOWN);
    if rest > 0 {
        lines.truncate(CHANGES_SHOWN);
        lines.push(output.paint(Style::Faint, &format!("  and {rest} more (mlresolve diff)")));
    }
    lines
}
