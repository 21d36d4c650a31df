//! Records a slice of a package index: point a resolver at the address it prints, then interrupt it or close its
//! standard input, and it writes what the resolver read.
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

use jiff::Timestamp;
use mlresolve_testkit::Recording;
use mlresolve_testkit::recorder::{Recorder, RecorderOptions};
use tokio::sync::oneshot;

const USAGE: &str = "usage: record_index UPSTREAM OUTPUT [OPTIONS]

  UPSTREAM               the simple index to record
  OUTPUT                 where the recording goes
  --port N               listen on this port of 127.0.0.1 (a free one)
  --keep-versions N      keep the newest N versions of each project, and those whose metadata was asked for (all)
  --drop-platforms A,B   drop wheels whose platform tag contains one of these words (none)
  --exclude-newer TIME   files uploaded at this RFC 3339 time or later do not exist
  --extend RECORDING     start from what is recorded there";

struct Arguments {
    options: RecorderOptions,
    output: String,
    keep_versions: Option<usize>,
    drop_platforms: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("record_index: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match record(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record_index: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let recorder = Recorder::start(arguments.options)?;
    eprintln!("recording at {}", recorder.index_url());
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(stop_signal());
    let mut recording = recorder.finish();
    if let Some(keep) = arguments.keep_versions {
        recording.keep_versions(keep);
    }
    recording.drop_platforms(&arguments.drop_platforms);
    recording.write(&arguments.output)?;
    let files = recording.projects.values().map(|project| project.files.len()).sum::<usize>();
    let bytes = std::fs::metadata(&arguments.output)?.len();
    eprintln!("recorded {} projects with {files} files in {bytes} bytes", recording.projects.len());
    Ok(())
}

/// Waits for an interrupt or the end of standard input.
async fn stop_signal() {
    let (ended, end_of_input) = oneshot::channel();
    // A thread of its own, since a read that never ends would hold the runtime up.
    drop(std::thread::spawn(move || {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        ended.send(()).ok();
    }));
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = end_of_input => {}
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut positional = Vec::new();
    let mut port = 0;
    let mut keep_versions = None;
    let mut drop_platforms = Vec::new();
    let mut exclude_newer = None;
    let mut extend = Recording::default();
    while let Some(argument) = arguments.next() {
        if !argument.starts_with("--") {
            positional.push(argument);
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        let wrong = |error: &dyn std::fmt::Display| format!("{argument} {value}: {error}");
        match argument.as_str() {
            "--port" => port = value.parse().map_err(|error| wrong(&error))?,
            "--keep-versions" => keep_versions = Some(value.parse().map_err(|error| wrong(&error))?),
            "--drop-platforms" => drop_platforms = value.split(',').map(str::to_owned).collect(),
            "--exclude-newer" => {
                exclude_newer = Some(value.parse::<Timestamp>().map_err(|error| wrong(&error))?);
            }
            "--extend" => extend = Recording::load(&value).map_err(|error| wrong(&error))?,
            _ => return Err(format!("{argument} is no option")),
        }
    }
    let [upstream, output] =
        <[String; 2]>::try_from(positional).map_err(|_| "an upstream and an output are needed")?;
    let options = RecorderOptions { upstream, port, exclude_newer, extend };
    Ok(Arguments { options, output, keep_versions, drop_platforms })
}
