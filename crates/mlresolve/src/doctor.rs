//! Whether a lock runs on a machine that was looked at. The rules are those by which it was made, with the machine's own
//! driver and GPUs in place of the declared ones. What was not seen of the machine is said and never held against it.

mod accelerator;
mod files;
#[cfg(test)]
mod tests;

use mlresolve_lockfile::{Lock, Package, SelectError, TargetSection, select};
use mlresolve_target::{Accelerator, Glibc, Platform, PythonVersion, Target, Variant};
use serde::Serialize;

use crate::error::Error;
use crate::host::Host;
use crate::prepare::{read_target, target_in_words};
use crate::request::TargetRequest;
use crate::text::printable;

/// What is to be said of a lock on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Diagnosis {
    /// The machine that the lock is for, in words; absent where the lock does not say.
    pub target: Option<String>,
    /// Whether nothing is known to be in the way.
    pub runs: bool,
    /// What was found, in the order in which it was looked for.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Finding {
    /// What it is about: `lock`, `platform`, `python`, `glibc`, `wheels` or `accelerator`.
    pub about: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What was found and why, with the source of the fact in brackets.
    pub message: String,
    /// What can be done.
    pub way_out: Option<String>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It may be in the way.
    Warning,
    /// It is in the way.
    Failure,
}

/// What is known of the machine that a lock is for.
struct LockedFor<'lock> {
    /// The machine that it is for, without driver and GPUs.
    target: Target,
    /// The glibc that the lock names.
    glibc: Option<Glibc>,
    /// The packages that are installed there.
    packages: Vec<&'lock Package>,
    /// What the lock says that it computes on.
    declared: Option<Accelerator>,
    /// The variant that its builds of the torch family were chosen for, where it says so.
    variant: Option<Variant>,
    /// The command that locks anew, without options for the machine.
    command: String,
}

/// Collects findings.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        level: Level,
        about: &'static str,
        message: impl Into<String>,
        way_out: Option<String>,
    ) {
        self.0.push(Finding { about, level, message: message.into(), way_out });
    }

    fn ok(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Ok, about, message, None);
    }

    fn note(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Note, about, message, None);
    }
}

/// Says whether a lock runs on a machine.
///
/// # Errors
/// [`Error::Input`] when what the lock says of its target cannot be read.
pub fn examine(lock: &Lock, host: &Host) -> Result<Diagnosis, Error> {
    let mut findings = Findings::default();
    let section = lock.tool.as_ref().and_then(|tool| tool.target.as_ref());
    let (words, locked) = match section {
        Some(section) => {
            let words = target_in_words(&read_target(&TargetRequest::recorded(section))?);
            // Its driver and GPUs give way to those of this machine.
            let bare = TargetRequest { driver: None, gpu: Vec::new(), ..TargetRequest::recorded(section) };
            (Some(words), of_declared(lock, section, &read_target(&bare)?, host, &mut findings))
        }
        None => (None, of_unknown(lock, host, &mut findings)),
    };
    if let Some(locked) = locked {
        files::judge(&locked, host, &mut findings);
        accelerator::judge(&locked, host, &mut findings);
    }
    let Findings(findings) = findings;
    let runs = findings.iter().all(|finding| finding.level < Level::Failure);
    Ok(Diagnosis { target: words, runs, findings })
}

/// A lock that says for which machine it is: is this one of that kind?
fn of_declared<'lock>(
    lock: &'lock Lock,
    section: &TargetSection,
    declared: &Target,
    host: &Host,
    findings: &mut Findings,
) -> Option<LockedFor<'lock>> {
    let command = match declared.name() {
        name if name == TargetRequest::default().name => "mlresolve lock".to_owned(),
        name => format!("mlresolve lock --target {name}"),
    };
    let platform = declared.platform();
    if host.platform.as_deref() != Some(platform.as_str()) {
        let here = host.platform.as_deref().unwrap_or("none that a lock can be for");
        let options = host.as_target().options();
        let relock = |here: &String| format!("lock for it with `{command} --platform {here} {options}`");
        let way_out = host.platform.as_ref().map(relock);
        let message = format!("the lock is for {platform}, and this machine is {here}");
        findings.add(Level::Failure, "platform", message, way_out);
        return None;
    }
    findings.ok("platform", format!("{platform}, as the lock asks for"));
    look_for_python(declared.python(), host, &command, findings);
    Some(LockedFor {
        target: declared.clone(),
        glibc: section.glibc.as_ref().and_then(|_| declared.glibc()),
        packages: lock.packages.iter().collect(),
        declared: declared.accelerator(),
        variant: section.variant.as_ref().and_then(|variant| variant.parse().ok()),
        command,
    })
}

/// Whether the search path has a Python of this minor version. That is no more than a warning: containers bring their own.
fn look_for_python(python: PythonVersion, host: &Host, command: &str, findings: &mut Findings) {
    let minors = host.python_minors();
    let wanted = python.short();
    if minors.iter().any(|minor| minor.short() == wanted) {
        return findings.ok("python", format!("Python {wanted} is on PATH"));
    }
    let mut others: Vec<String> = Vec::new();
    for minor in minors.iter().map(|minor| minor.short()) {
        if !others.contains(&minor) {
            others.push(minor);
        }
    }
    let (there, way_out) = match &others[..] {
        [] => ("there is none".to_owned(), format!("install Python {wanted}")),
        [first, ..] => (
            format!("there is {}", others.join(" and ")),
            format!("install Python {wanted}, or lock with `{command} --python-version {first}`"),
        ),
    };
    let message = format!("no Python {wanted} is on PATH, {there}; a container brings its own");
    findings.add(Level::Warning, "python", message, Some(way_out));
}

/// A lock of another tool: its markers, wheels and versions have to do.
fn of_unknown<'lock>(lock: &'lock Lock, host: &Host, findings: &mut Findings) -> Option<LockedFor<'lock>> {
    let author = printable(&lock.created_by);
    findings.note(
        "lock",
        format!(
            "made by {author}, it does not say for which driver and GPUs it is: its markers, the tags of its wheels and \
             torch's version have to tell"
        ),
    );
    let Some(platform) = host.platform.as_deref().and_then(|platform| platform.parse().ok()) else {
        let message = "this machine is none that a lock can be for, so nothing could be checked";
        findings.add(Level::Warning, "platform", message, None);
        return None;
    };
    let mut refused = None;
    for python in host.python_minors().into_iter().chain(other_pythons()) {
        let Ok(target) = Target::new("default", python, platform) else { continue };
        match select(lock, &target.marker_environment(), &[], None) {
            Ok(packages) => {
                findings.ok(
                    "platform",
                    format!("the lock's markers hold on {platform} with Python {}", python.short()),
                );
                look_for_python(python, host, "mlresolve lock", findings);
                let command = "mlresolve lock".to_owned();
                return Some(LockedFor {
                    target,
                    glibc: None,
                    packages,
                    declared: None,
                    variant: None,
                    command,
                });
            }
            // Where the Python fits, what is said is about the platform.
            Err(refusal @ SelectError::Environment { .. }) => refused = Some(refusal),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    let refusal = refused?;
    let about = if matches!(refusal, SelectError::Environment { .. }) { "platform" } else { "lock" };
    let message = format!("{} ({platform})", printable(&refusal.to_string()));
    let way_out = format!("lock for this machine: `mlresolve lock --platform {platform}`");
    findings.add(Level::Failure, about, message, Some(way_out));
    None
}

/// The Pythons that are tried where none on the search path fits, the usual first.
fn other_pythons() -> impl Iterator<Item = PythonVersion> {
    let minors = [12, 13, 11, 14, 10, 9, 8].into_iter().chain(15..20);
    minors.filter_map(|minor| format!("3.{minor}").parse().ok())
}

/// Whether a machine of this platform has a glibc.
fn has_glibc(platform: Platform) -> bool {
    platform.is_linux()
}
