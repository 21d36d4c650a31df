//! `mlresolve why-not`

use clap::Args;
use mlresolve::lockfile::Lock;
use mlresolve::{Error, Job, LockRequest, Upgrade, WhyNot, open_lock, printable, why_not_blocking};

use super::{Outcome, diff, session};
use crate::args::{Global, ProjectArguments};
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::progress::Progress;

/// Explain why a requirement is not met, or what it would change
///
/// Solves the project once more with the requirement added; writes nothing. Exit code 1 if it is not possible for one of
/// the project's targets.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"requirement\", \"answers\": [{\"target\": NAME, \"possible\": true or false, \"diff\": as \
                             of `mlresolve diff` or null, \"explanation\": TEXT or null}]}, an answer for each target."
)]
pub(crate) struct WhyNotArguments {
    /// The requirement, such as "numpy>=2"
    #[arg(value_name = "REQUIREMENT")]
    requirement: String,
    #[command(flatten)]
    project: ProjectArguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &WhyNotArguments, global: &Global, output: Output) -> Outcome {
    let project = session::project(&arguments.project, Upgrade::Nothing, output)?;
    let access = session::access(&arguments.project, global, &project)?;
    let cancellation = session::cancelled_by_signal();
    let mut jobs = Vec::new();
    for request in &project.requests {
        jobs.push(Job { request: request.clone(), previous: previous(&project.dir, request)? });
    }
    let progress = Progress::start(output, "asking");
    let watch = progress.watch(cancellation);
    let (asked, alignment) = (project.chosen.clone(), &project.alignment);
    let answers = why_not_blocking(jobs, asked, alignment, &arguments.requirement, &access, &watch)?;
    drop(progress);
    let names = project.chosen.iter().map(|at| project.requests[*at].target.name.as_str());
    let answers: Vec<(&str, WhyNot)> = names.zip(answers).collect();
    if output.json() {
        let answers: Vec<serde_json::Value> =
            answers.iter().map(|(target, answer)| as_json(target, answer)).collect();
        let answer = serde_json::json!({ "requirement": arguments.requirement, "answers": answers });
        output.data(&answer.to_string());
    } else {
        // One target alone goes without saying.
        let several = answers.len() > 1;
        let text = |(target, answer): &(&str, WhyNot)| {
            shown(&arguments.requirement, several.then_some(*target), answer, output)
        };
        let texts: Vec<String> = answers.iter().map(text).collect();
        output.data(&texts.join("\n"));
    }
    let possible = answers.iter().all(|(_, answer)| matches!(answer, WhyNot::Possible(_)));
    if possible { Ok(()) } else { Err(Failure::answered_no()) }
}

/// The lock of a target, whose versions stay as far as they will do; there need not be one.
fn previous(dir: &std::path::Path, request: &LockRequest) -> Result<Option<Lock>, Failure> {
    match open_lock(Some(dir), Some(&request.target.name)) {
        Ok(open) => Ok(Some(open.lock)),
        Err(Error::Input { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn shown(requirement: &str, target: Option<&str>, answer: &WhyNot, output: Output) -> String {
    let requirement = output.paint_data(Style::Strong, &printable(requirement));
    let place = target.map(|target| format!(" for {target}")).unwrap_or_default();
    match answer {
        WhyNot::Possible(diff) if diff.is_empty() => {
            format!("{requirement} holds already{place}: nothing would change\n")
        }
        WhyNot::Possible(diff) => {
            format!("{requirement} is possible{place}; this would change:\n{}", diff::described(diff, output))
        }
        WhyNot::Conflict(conflict) => {
            format!("{requirement} is not possible for {}:\n{}", conflict.target, conflict.explanation)
        }
    }
}

fn as_json(target: &str, answer: &WhyNot) -> serde_json::Value {
    match answer {
        WhyNot::Possible(diff) => {
            serde_json::json!({ "target": target, "possible": true, "diff": diff, "explanation": null })
        }
        WhyNot::Conflict(conflict) => {
            let explanation = conflict.explanation.to_string();
            serde_json::json!({ "target": target, "possible": false, "diff": null, "explanation": explanation })
        }
    }
}
