//! The exit codes, which scripts rely on.

use std::process::ExitCode;

/// Done.
pub(crate) const DONE: u8 = 0;
/// There is no solution; the explanation was printed.
pub(crate) const NO_SOLUTION: u8 = 1;
/// The command line or an input cannot be used.
pub(crate) const BAD_INPUT: u8 = 2;
/// The lock is out of date (`--check`).
pub(crate) const OUT_OF_DATE: u8 = 3;
/// A file is not what its hash says, or a machine not one that the lock runs on.
pub(crate) const VERIFICATION: u8 = 4;
/// The network or an index.
pub(crate) const NETWORK: u8 = 5;
/// A fault of ours.
pub(crate) const OUR_BUG: u8 = 70;
/// Stopped by Ctrl-C, as shells have it: 128 and the signal's number.
pub(crate) const INTERRUPTED: u8 = 130;

/// An exit code as the process returns it.
pub(crate) fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}
