//! The command line of mlresolve: arguments, progress, colours and exit codes around the library.
//!
//! Must never hold anything that the library could: whatever is decided, is decided there.

mod args;
mod commands;
mod exit;
mod failure;
mod output;
mod progress;
mod write;

use std::process::ExitCode;

fn main() -> ExitCode {
    args::parse().map_or_else(std::convert::identity, |arguments| commands::run(&arguments))
}
