//! `mlresolve dockerfile`

use std::path::{Path, PathBuf};

use clap::Args;
use mlresolve::dockerfile::{
    DEFAULT_USER, DockerfileOptions, FromLockError, GeneratedFile, LayerGroup, from_lock, is_generated,
    split_command,
};

use super::Outcome;
use super::chosen_lock::ChosenLock;
use crate::failure::Failure;
use crate::output::{Output, Style, size};
use crate::write::write_atomically;

/// Write a Dockerfile that installs the lock in layers
///
/// Writes Dockerfile, .dockerignore, and a requirements file with hashes for each layer, those that change least first. A
/// file that was not written by this command is left alone.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"lock\": PATH, \"dir\": PATH, \"files\": [{\"name\", \"packages\": [NAME..], \
                             \"bytes\"}]}"
)]
pub(crate) struct DockerfileArguments {
    /// The lock, or a folder with one
    #[arg(value_name = "LOCK")]
    file: Option<PathBuf>,
    /// Write into this folder, from which the image is then built
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// The image to start from [default: python:X.Y-slim]
    #[arg(long, value_name = "REF", env = "MLRESOLVE_BASE")]
    base: Option<String>,
    /// Copy this folder to /app; it is relative to the Dockerfile's
    #[arg(long, value_name = "DIR")]
    app: Option<String>,
    /// What the container starts, such as "python -m train" [default: python]
    #[arg(long, value_name = "COMMAND")]
    entrypoint: Option<String>,
    /// The numeric user that it runs as
    #[arg(long, value_name = "UID", default_value_t = DEFAULT_USER)]
    user: u32,
    /// Replace files that this command did not write
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    lock: ChosenLock,
}

/// Runs the command.
pub(crate) fn run(arguments: &DockerfileArguments, output: Output) -> Outcome {
    let open = arguments.lock.open_or(arguments.file.as_deref(), output)?;
    let dir = &arguments.output;
    let entrypoint = arguments.entrypoint.as_deref().map(split_command).transpose();
    let entrypoint = entrypoint.map_err(|error| Failure::bad_input(format!("--entrypoint: {error}")))?;
    if let Some(app) = arguments.app.as_ref().filter(|app| !place(dir, app).is_dir()) {
        return Err(Failure::bad_input(format!("--app: there is no folder {}", place(dir, app).display())));
    }
    let options = DockerfileOptions {
        base: arguments.base.clone(),
        app_dir: arguments.app.clone(),
        entrypoint,
        user: arguments.user,
    };
    let files = from_lock(&open.lock, &options).map_err(|error| match error {
        FromLockError::Dockerfile(error) => Failure::bad_input(error.to_string()),
        error => Failure::bad_input(format!("{}: {error}", open.path.display())),
    })?;
    if !arguments.force {
        refuse_foreign(dir, &files)?;
    }
    let failed = |error: std::io::Error| {
        Failure::bad_input(format!("cannot make the folder {}: {error}", dir.display()))
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    // The Dockerfile, which names the others, comes last.
    for file in files.iter().rev() {
        let path = place(dir, &file.name);
        write_atomically(&path, &file.text).map_err(|error| Failure::unwritable(&path, &error))?;
    }
    warn_of_leftovers(dir, &files, output);
    warn_of_sources(&files, output);
    report(&open.path, dir, &files, output);
    Ok(())
}

/// Refuses before anything is written, if a file stands there that is not ours.
fn refuse_foreign(dir: &Path, files: &[GeneratedFile]) -> Result<(), Failure> {
    let mut foreign = Vec::new();
    for file in files {
        let path = place(dir, &file.name);
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Ok(bytes) if is_generated(&String::from_utf8_lossy(&bytes)) => {}
            _ => foreign.push(path.display().to_string()),
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    let problem = format!("{} stood there before and would be lost", foreign.join(" and "));
    Err(Failure::bad_input(problem).with_hint("name another folder with -o, or replace with --force"))
}

/// A layer that is gone leaves its file behind, which would mislead a reader.
fn warn_of_leftovers(dir: &Path, files: &[GeneratedFile], output: Output) {
    let groups = [LayerGroup::Accelerator, LayerGroup::Framework, LayerGroup::Large, LayerGroup::Small];
    for name in groups.map(LayerGroup::file_name) {
        let path = place(dir, name);
        if files.iter().all(|file| file.name != name) && path.exists() {
            output.warn(&format!("{} is of no use any more; remove it", path.display()));
        }
    }
}

/// What has no wheel is built where nobody watches.
fn warn_of_sources(files: &[GeneratedFile], output: Output) {
    let sources = files.iter().flat_map(|file| &file.sources);
    let sources: Vec<&str> = sources.map(mlresolve::packaging::PackageName::as_str).collect();
    if !sources.is_empty() {
        output.warn(&format!(
            "{} will be built from source while the image is made, which runs code of theirs; what is written in C or \
             the like needs a compiler, which slim images lack",
            sources.join(", ")
        ));
    }
}

fn report(lock: &Path, dir: &Path, files: &[GeneratedFile], output: Output) {
    if output.json() {
        let files: Vec<serde_json::Value> = files
            .iter()
            .map(|file| {
                serde_json::json!({
                    "name": file.name, "packages": file.packages, "sources": file.sources, "bytes": file.bytes,
                })
            })
            .collect();
        output.data(&serde_json::json!({ "lock": lock, "dir": dir, "files": files }).to_string());
        return;
    }
    let wrote = output.paint(Style::Good, "wrote");
    for file in files {
        let layer = match file.packages.len() {
            0 => String::new(),
            1 => format!(": 1 package, {}", size(file.bytes)),
            count => format!(": {count} packages, {}", size(file.bytes)),
        };
        output.say(&format!("{wrote} {}{layer}", place(dir, &file.name).display()));
    }
    output.say(&format!("build it with `docker build {}`", dir.display()));
}

fn place(dir: &Path, name: &str) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(name) } else { dir.join(name) }
}
