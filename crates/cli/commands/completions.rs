//! `mlresolve completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Outcome;
use crate::args::Arguments;
use crate::output::Output;

/// Print a script that completes commands and options in a shell
#[derive(Debug, Args)]
#[command(after_long_help = "For the current session of bash: source <(mlresolve completions bash)")]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// Runs the command.
#[expect(clippy::unnecessary_wraps, reason = "all commands have this form")]
pub(crate) fn run(arguments: &CompletionsArguments, output: Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "mlresolve", &mut script);
    let script = String::from_utf8_lossy(&script);
    if output.json() {
        let shell = arguments.shell.to_string();
        output.data(&serde_json::json!({ "shell": shell, "script": script }).to_string());
    } else {
        output.data(&script);
    }
    Ok(())
}
