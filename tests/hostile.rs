//! Hostile input by number: what a person, an index or a package may throw at the program, and what it must survive.
//!
//! Each test has the number of its case in its name. The program, as it is released, may take five seconds of processor
//! time and 500 MB for any of them, and the operating system ends it if it takes more.

mod index;
mod metadata;
mod secrets;
mod solver;

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Project, Run};

/// The most processor time that the program may use, in seconds. Without optimisation it is several times as slow.
const MOST_SECONDS: u32 = if cfg!(debug_assertions) { 20 } else { 5 };
/// The most memory that the program may write to, in units of 1024 bytes.
const MOST_MEMORY: u32 = 500_000;
/// When a run counts as hanging: long after the processor time is used up, since tests share the machine.
const HANGS: Duration = Duration::from_secs(120);

/// Runs the program in a project under the limits. Arguments are divided by spaces.
#[track_caller]
fn bounded(project: &Project, arguments: &str) -> Run {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let program = project.command(&arguments, &[]);
    let limits = format!("ulimit -t {MOST_SECONDS}; ulimit -d {MOST_MEMORY}; exec \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &limits])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(program.get_current_dir().unwrap())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(HANGS).expect("the program ends").unwrap();
    assert!(output.status.code().is_some(), "the program broke a limit: {:?}", output.status);
    project.run_of(output)
}
