//! One file for each command.

pub(crate) mod build;
pub(crate) mod cache;
mod chosen_lock;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod dockerfile;
pub(crate) mod doctor;
pub(crate) mod export;
mod host;
pub(crate) mod layers;
pub(crate) mod lock;
mod session;
pub(crate) mod size;
pub(crate) mod tree;
pub(crate) mod why;
pub(crate) mod why_not;

use std::process::ExitCode;

use crate::args::{Arguments, Command};
use crate::exit;
use crate::failure::Failure;
use crate::output::Output;

/// What a command ends with.
pub(crate) type Outcome = Result<(), Failure>;

/// Runs a command.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let output = Output::new(&arguments.global);
    session::start_logging(arguments.global.verbose);
    let outcome = match &arguments.command {
        Command::Lock(lock) => lock::run(lock, &arguments.global, output),
        Command::Tree(tree) => tree::run(tree, output),
        Command::Why(why) => why::run(why, output),
        Command::WhyNot(why_not) => why_not::run(why_not, &arguments.global, output),
        Command::Size(size) => size::run(size, &arguments.global, output),
        Command::Diff(diff) => diff::run(diff, output),
        Command::Export(export) => export::run(export, output),
        Command::Build(build) => build::run(build, &arguments.global, output),
        Command::Layers(layers) => layers::run(layers, &arguments.global, output),
        Command::Dockerfile(dockerfile) => dockerfile::run(dockerfile, output),
        Command::Doctor(doctor) => doctor::run(doctor, output),
        Command::Cache(cache) => cache::run(cache, &arguments.global, output),
        Command::Completions(completions) => completions::run(completions, output),
    };
    match outcome {
        Ok(()) if crate::output::data_was_lost() => exit::code(exit::BAD_INPUT),
        Ok(()) => exit::code(exit::DONE),
        Err(failure) => failure.report(&output),
    }
}
