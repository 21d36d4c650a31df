//! A program of somebody else's, run within limits: it is watched, and what it started ends with it.

use std::collections::VecDeque;
use std::io::{PipeReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mlresolve_packaging::without_secrets;
use mlresolve_solver::Stop;

use crate::text::printable;

/// How much of the end of what a program prints is kept, in bytes.
const OUTPUT_LIMIT: usize = 64 << 10;
/// How many of its last lines are shown.
const SHOWN_LINES: usize = 20;
/// How often a program is looked after.
const CHECK: Duration = Duration::from_millis(10);
/// How long the output is waited for once the program has ended. Something that left its process group may hold the
/// other end for ever.
const OUTPUT_WAIT: Duration = Duration::from_millis(500);

/// When a program must end.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    /// The moment at which it is ended; `None` where that is beyond what a clock can tell.
    pub(crate) until: Option<Instant>,
    /// Whether the whole run is to stop.
    pub(crate) stop: &'a dyn Fn() -> Option<Stop>,
}

/// What came of a program that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The end of what it printed to standard output and standard error.
    pub(crate) output: Vec<u8>,
}

/// Why a program did not end by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// It cannot be started or watched.
    #[error("cannot be run: {0}")]
    Io(#[from] std::io::Error),
    /// It took too long. Holds the end of what it printed.
    #[error("took too long")]
    OutOfTime(Vec<u8>),
    /// The whole run was to stop.
    #[error("was stopped")]
    Stopped(Stop),
}

/// Runs a program without input until it ends or patience does. Whatever it started and left in its process group ends
/// with it, also where it ended by itself.
pub(crate) fn run(mut command: Command, patience: Patience) -> Result<Ended, ProcessError> {
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    // The command holds the writing ends, without which the output would never be over.
    drop(command);
    let output = Tail::follow(reader);
    let ending = wait(&child, patience);
    end_group(&mut child);
    let status = child.wait()?;
    let output = output.finish();
    match ending? {
        Ending::ByItself => Ok(Ended { status, output }),
        Ending::OutOfTime => Err(ProcessError::OutOfTime(output)),
        Ending::Stopped(stop) => Err(ProcessError::Stopped(stop)),
    }
}

/// The last lines of what a program printed, fit to be shown: a build is given no credentials, but may find some.
pub(crate) fn shown(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<String> = text.lines().map(printable).map(|line| without_secrets(&line)).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

enum Ending {
    ByItself,
    OutOfTime,
    Stopped(Stop),
}

fn wait(child: &Child, patience: Patience) -> Result<Ending, ProcessError> {
    loop {
        if has_ended(child)? {
            return Ok(Ending::ByItself);
        }
        if let Some(stop) = (patience.stop)() {
            return Ok(Ending::Stopped(stop));
        }
        if patience.until.is_some_and(|until| Instant::now() >= until) {
            return Ok(Ending::OutOfTime);
        }
        std::thread::sleep(CHECK);
    }
}

/// Whether a program has ended. It is left for [`Child::wait`] to collect: until then its number is not given to another
/// program, so that its group can be ended without meeting a stranger.
#[cfg(unix)]
fn has_ended(child: &Child) -> std::io::Result<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(number(child)?), options)?.is_some())
}

#[cfg(unix)]
fn end_group(child: &mut Child) {
    // The group is gone where nothing is left of it.
    if let Ok(number) = number(child) {
        let _ = rustix::process::kill_process_group(number, rustix::process::Signal::KILL);
    }
}

#[cfg(unix)]
fn number(child: &Child) -> std::io::Result<rustix::process::Pid> {
    let number = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    number.ok_or_else(|| std::io::Error::other("a process without a number"))
}

#[cfg(not(unix))]
fn has_ended(child: &mut Child) -> std::io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

#[cfg(not(unix))]
fn end_group(child: &mut Child) {
    drop(child.kill());
}

/// The end of what a program prints, read on a thread of its own so that the program never waits for a reader.
struct Tail {
    kept: Arc<Mutex<VecDeque<u8>>>,
    over: Receiver<()>,
}

impl Tail {
    fn follow(mut reader: PipeReader) -> Self {
        let kept: Arc<Mutex<VecDeque<u8>>> = Arc::default();
        let (sender, over) = channel();
        let filled = Arc::clone(&kept);
        std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                let mut kept = filled.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&piece[..length]);
                let surplus = kept.len().saturating_sub(OUTPUT_LIMIT);
                kept.drain(..surplus);
            }
            drop(sender);
        });
        Self { kept, over }
    }

    fn finish(self) -> Vec<u8> {
        // Either the thread is done, or something holds the pipe that cannot be waited for.
        let _ = self.over.recv_timeout(OUTPUT_WAIT);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept).into()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: f64) -> (Result<Ended, ProcessError>, Duration) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        let start = Instant::now();
        let until = Some(start + Duration::from_secs_f64(seconds));
        let outcome = run(command, Patience { until, stop: &|| None });
        (outcome, start.elapsed())
    }

    #[test]
    fn both_outputs_are_kept_and_the_status_told() {
        let (outcome, _) = shell("echo out; echo err >&2; exit 3", 20.0);
        let ended = outcome.unwrap();
        assert_eq!((ended.status.code(), shown(&ended.output).as_str()), (Some(3), "out\nerr"));
    }

    #[test]
    fn one_that_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let script = format!("(sleep 1; touch {}) & echo started; sleep 60", late.display());
        let (outcome, took) = shell(&script, 0.3);
        let Err(ProcessError::OutOfTime(output)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(shown(&output), "started");
        assert!(took < Duration::from_secs(10), "{took:?}");
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!late.exists(), "the child went on");
    }

    #[test]
    fn a_child_does_not_outlive_one_that_ended_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let (outcome, took) = shell(&format!("(sleep 1; touch {}) & exit 0", late.display()), 20.0);
        assert!(outcome.unwrap().status.success() && took < Duration::from_secs(1), "{took:?}");
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!late.exists(), "the child went on");
    }

    #[test]
    fn a_cancelled_run_ends_it() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 60"]);
        let outcome = run(command, Patience { until: None, stop: &|| Some(Stop::Cancelled) });
        assert!(matches!(outcome, Err(ProcessError::Stopped(Stop::Cancelled))), "{outcome:?}");
    }

    #[test]
    fn of_endless_output_the_end_is_kept() {
        let (outcome, _) = shell("yes garbage | head -c 1000000; echo; echo last", 20.0);
        let output = outcome.unwrap().output;
        assert!(output.len() <= OUTPUT_LIMIT && shown(&output).ends_with("garbage\nlast"));
        assert_eq!(shown(&output).lines().count(), SHOWN_LINES);
    }

    #[test]
    fn what_is_shown_rewrites_no_terminal_and_holds_no_password() {
        assert_eq!(shown(b"a\x1b[2Jb\n\xff\n\n"), "a[2Jb\n\u{fffd}");
        let line = b"at https://me:secret@index.example/simple and https://index.example/a@b";
        assert_eq!(shown(line), "at https://****@index.example/simple and https://index.example/a@b");
    }
}
