//! Whether the locked wheels fit a machine: its C library above all.

use mlresolve_lockfile::Package;
use mlresolve_packaging::WheelFilename;
use mlresolve_target::{Mismatch, Target};

use super::{Findings, Level, LockedFor, has_glibc};
use crate::host::Host;

/// How many packages without a fitting wheel are named.
const NAMED: usize = 5;

pub(super) fn judge(locked: &LockedFor<'_>, host: &Host, findings: &mut Findings) {
    let platform = locked.target.platform();
    if !has_glibc(platform) {
        findings.note("platform", "which macOS this is was not looked at");
        return judge_wheels(locked, &locked.target, findings);
    }
    let asked = locked.glibc;
    let here = host.glibc_version();
    let machine = here.and_then(|glibc| locked.target.clone().with_glibc(glibc).ok());
    let (Some(here), Some(machine)) = (here, machine) else {
        let asked = locked.target.glibc().map(|glibc| glibc.to_string()).unwrap_or_default();
        let message = format!("the glibc of this machine is not known; the wheels were judged for {asked}");
        findings.add(Level::Warning, "glibc", message, None);
        return judge_wheels(locked, &locked.target, findings);
    };
    let needed = needed_glibc(locked, &machine);
    match (&needed[..], asked) {
        ([], Some(asked)) if here < asked => {
            let message = format!(
                "this machine has {here}, and the lock is for {asked}; every wheel in it runs on {here} too"
            );
            findings.note("glibc", message);
        }
        ([], _) => findings.ok("glibc", format!("{here} is new enough")),
        (needed, _) => {
            let message = format!("this machine has {here}: {}", shown(needed));
            let way_out = format!("lock for it with `{} --glibc {here}`", locked.command);
            findings.add(Level::Failure, "glibc", message, Some(way_out));
        }
    }
    judge_wheels(locked, &machine, findings);
}

/// The packages whose wheels all need a newer glibc, with what they need.
fn needed_glibc(locked: &LockedFor<'_>, machine: &Target) -> Vec<String> {
    let refusals = refusals(locked, machine).into_iter();
    let of_glibc = refusals.filter(|(_, mismatch)| matches!(mismatch, Mismatch::Glibc(_)));
    of_glibc.map(|(package, mismatch)| format!("{} {mismatch}", named(package))).collect()
}

/// What else keeps a machine from using the wheels.
fn judge_wheels(locked: &LockedFor<'_>, machine: &Target, findings: &mut Findings) {
    let refusals = refusals(locked, machine).into_iter();
    let others = refusals.filter(|(_, mismatch)| !matches!(mismatch, Mismatch::Glibc(_)));
    let others: Vec<String> =
        others.map(|(package, mismatch)| format!("the wheel of {} {mismatch}", named(package))).collect();
    if !others.is_empty() {
        let way_out = format!("lock for this machine with `{}`", locked.command);
        findings.add(Level::Failure, "wheels", shown(&others), Some(way_out));
    }
}

/// The packages of which no wheel fits and that have no source to build, each with what is wrong with the first wheel.
fn refusals<'lock>(locked: &LockedFor<'lock>, machine: &Target) -> Vec<(&'lock Package, Mismatch)> {
    let tags = machine.tags();
    let refusal = |package: &&'lock Package| {
        let names = package.wheels.iter().map(|wheel| wheel.name.parse::<WheelFilename>());
        let names: Vec<WheelFilename> = names.collect::<Result<_, _>>().ok()?;
        if package.sdist.is_some() || names.iter().any(|name| tags.priority(name).is_some()) {
            return None;
        }
        let mismatches: Vec<Mismatch> = names.iter().filter_map(|name| tags.explain(name)).collect();
        // A wheel of this very platform says most.
        let glibc = mismatches.iter().find(|mismatch| matches!(mismatch, Mismatch::Glibc(_)));
        glibc.or(mismatches.first()).cloned().map(|mismatch| (*package, mismatch))
    };
    locked.packages.iter().filter_map(refusal).collect()
}

fn named(package: &Package) -> String {
    match &package.version {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.to_string(),
    }
}

fn shown(texts: &[String]) -> String {
    let rest = texts.len().saturating_sub(NAMED);
    let mut shown = texts[..texts.len() - rest].join("; ");
    if rest > 0 {
        shown.push_str(&format!("; and {rest} more"));
    }
    shown
}
