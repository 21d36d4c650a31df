//! `mlresolve export`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mlresolve::lockfile::{self, RequirementsOptions};

use super::Outcome;
use super::chosen_lock::ChosenLock;
use crate::failure::Failure;
use crate::output::Output;
use crate::write::write_atomically;

/// Write the lock in another format
///
/// A requirements file holds exact versions with hashes; pip installs it with
/// `pip install --require-hashes --no-deps -r FILE`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"lock\": PATH, \"format\", \"packages\": COUNT, \"output\": PATH or null, \"text\": the \
                             export, null where it was written to a file}."
)]
pub(crate) struct ExportArguments {
    /// The lock, or a folder with one
    #[arg(value_name = "LOCK")]
    file: Option<PathBuf>,
    /// The format
    #[arg(short, long, value_name = "FORMAT", default_value = "requirements")]
    format: Format,
    /// Write here; `-` is standard output, where it goes by default
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out the addresses of the indexes
    #[arg(long)]
    no_index_urls: bool,
    #[command(flatten)]
    lock: ChosenLock,
}

/// What a lock can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A requirements file with hashes
    #[value(alias = "requirements.txt", alias = "requirements-txt")]
    Requirements,
    /// pylock.toml (PEP 751) in its canonical form
    #[value(alias = "pylock.toml")]
    Pylock,
}

/// Runs the command.
pub(crate) fn run(arguments: &ExportArguments, output: Output) -> Outcome {
    let open = arguments.lock.open_or(arguments.file.as_deref(), output)?;
    let text = match arguments.format {
        Format::Requirements => {
            let name =
                open.path.file_name().map_or_else(|| "standard input".into(), |name| name.to_string_lossy());
            let header = Some(format!("Made by `mlresolve export` from {name}."));
            let options = RequirementsOptions { header, index_urls: !arguments.no_index_urls };
            lockfile::requirements(&open.lock, &options)
                .map_err(|error| Failure::bad_input(error.to_string()))?
        }
        Format::Pylock => lockfile::write(&open.lock).map_err(mlresolve::Error::from)?,
    };
    let file = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(file) = file {
        write_atomically(file, &text).map_err(|error| Failure::unwritable(file, &error))?;
        output.say(&format!("wrote {}: {} packages", file.display(), open.lock.packages.len()));
    }
    if output.json() {
        let format = arguments.format.to_possible_value().map(|value| value.get_name().to_owned());
        let answer = serde_json::json!({
            "lock": open.path, "format": format, "packages": open.lock.packages.len(), "output": file,
            "text": file.is_none().then_some(text),
        });
        output.data(&answer.to_string());
    } else if file.is_none() {
        output.data(&text);
    }
    Ok(())
}
