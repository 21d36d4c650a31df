//! One file for each command.

pub(crate) mod lock;
mod session;

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
    };
    match outcome {
        Ok(()) => exit::code(exit::DONE),
        Err(failure) => failure.report(&output),
    }
}
