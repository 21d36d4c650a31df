//! `mlresolve build`

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use mlresolve::dockerfile::{DEFAULT_USER, split_command};
use mlresolve::image::{
    BuiltImage, BuiltTarget, Compression, DEFAULT_PREFIX, Engine, ImageRequest, auth_files, build_blocking,
    created,
};
use mlresolve::linkage::Severity;
use mlresolve::{OpenLock, open_lock, open_locks, printable};

use super::{Outcome, session};
use crate::args::{Global, IndexArguments};
use crate::failure::Failure;
use crate::output::{Output, Style, size};
use crate::progress::Progress;

/// How many packages of a layer are named.
const PACKAGES_SHOWN: usize = 6;

/// Make a container image of a lock, without Docker
///
/// Fetches the locked wheels, verifies every file in them, and makes layers directly from them: large wheels alone, small
/// ones together. The same lock gives the same bytes on every machine. The base is never run.
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"output\": PATH, \"digest\", \"seconds\", \"targets\": [{\"target\", \"platform\", \
                             \"digest\", \"base\", \"layers\": [{\"class\", \"digest\", \"diff-id\", \"bytes\", \
                             \"unpacked-bytes\", \"cached\", \"packages\": [{\"name\", \"version\", \
                             \"installed-bytes\", \"compressed-bytes\", \"files\"}]}], \"warnings\", \
                             \"findings\": [{\"severity\", \"owner\", \"problem\", \"libraries\", \
                             \"imports\", \"fixes\", \"source\"}]}]}"
)]
pub(crate) struct BuildArguments {
    /// The lock, or a folder with one [default: pylock.toml]
    #[arg(value_name = "LOCK")]
    lock: Option<PathBuf>,
    /// Build the lock of this target, pylock.NAME.toml; several give one image for several platforms
    #[arg(long = "target", value_name = "NAME", env = "MLRESOLVE_TARGET")]
    targets: Vec<String>,
    /// What the image stands on: an OCI layout, an archive, or a reference such as python:3.12-slim
    #[arg(long, value_name = "REF_OR_PATH", env = "MLRESOLVE_BASE")]
    base: Option<String>,
    /// A standalone build of Python (.tar.gz or .tar.zst), for a base without one
    #[arg(long, value_name = "ARCHIVE", env = "MLRESOLVE_INTERPRETER")]
    interpreter: Option<PathBuf>,
    /// Put this folder into /app
    #[arg(long, value_name = "DIR", env = "MLRESOLVE_APP")]
    app: Option<PathBuf>,
    /// What the container starts, such as "python -m train" [default: python]
    #[arg(long, value_name = "COMMAND", env = "MLRESOLVE_ENTRYPOINT")]
    entrypoint: Option<String>,
    /// The numeric user that it runs as
    #[arg(long, value_name = "UID", default_value_t = DEFAULT_USER, env = "MLRESOLVE_USER")]
    user: u32,
    /// The name of the image, such as registry.example/team/app:1.0
    #[arg(short, long, value_name = "REF", env = "MLRESOLVE_TAG")]
    tag: Option<String>,
    /// Write here: a folder becomes an OCI layout, a file whose name ends in .tar an archive [default: image, unless
    /// --load is given]
    #[arg(short, long, value_name = "DIR_OR_TAR", env = "MLRESOLVE_OUTPUT")]
    output: Option<PathBuf>,
    /// Hand the image to a container engine on this machine
    #[arg(long, value_name = "ENGINE", env = "MLRESOLVE_LOAD")]
    load: Option<LoadInto>,
    /// Make the layers of packages alone, without a base, an environment and an application
    #[arg(long, conflicts_with_all = ["base", "interpreter", "app", "entrypoint", "pyc"])]
    layers_only: bool,
    /// How layers are compressed: gzip is read everywhere, zstd is smaller and unpacks faster
    #[arg(long, value_name = "CODEC", default_value = "gzip", env = "MLRESOLVE_COMPRESSION")]
    compression: Codec,
    /// Put compiled bytecode in, for a faster start; needs the lock's Python on this machine
    #[arg(long, env = "MLRESOLVE_PYC", value_parser = clap::builder::FalseyValueParser::new())]
    pyc: bool,
    /// The folder of the environment in the image
    #[arg(long, value_name = "PATH", default_value = DEFAULT_PREFIX, env = "MLRESOLVE_PREFIX")]
    prefix: String,
    /// Build this package, or :all:, from its source where the lock has no wheel of it. This runs code of the package
    #[arg(
        long = "allow-build",
        value_name = "PACKAGE",
        env = "MLRESOLVE_ALLOW_BUILD",
        value_delimiter = ','
    )]
    allow_build: Vec<String>,
    /// Let this library, such as libGL.so.1, be missing; or :all:
    #[arg(
        long = "allow-missing",
        value_name = "LIBRARY",
        env = "MLRESOLVE_ALLOW_MISSING",
        value_delimiter = ','
    )]
    allow_missing: Vec<String>,
    #[command(flatten)]
    indexes: IndexArguments,
}

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LoadInto {
    Docker,
    Podman,
}

/// A compression of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Codec {
    Gzip,
    Zstd,
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Gzip => Self::Gzip,
            Codec::Zstd => Self::Zstd,
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &BuildArguments, global: &Global, output: Output) -> Outcome {
    let locks = locks(arguments, output)?;
    if arguments.base.is_none() && !arguments.layers_only {
        return Err(Failure::bad_input("no base is named, and an image needs an operating system with Python").with_hint(
            "--base python:3.12-slim, the path of an image, or --layers-only for the layers of packages alone",
        ));
    }
    let folder = locks.first().and_then(|lock| lock.path.parent()).unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    let access = session::access_beside(&arguments.indexes, global, folder, output)?;
    let entrypoint = arguments.entrypoint.as_deref().map(split_command).transpose();
    let entrypoint = entrypoint.map_err(|error| Failure::bad_input(format!("--entrypoint: {error}")))?;
    let written = match (&arguments.output, arguments.load) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(PathBuf::from("image")),
    };
    let request = ImageRequest {
        base: arguments.base.clone(),
        auth_files: auth_files(&|name| std::env::var_os(name)),
        interpreter: arguments.interpreter.clone(),
        prefix: arguments.prefix.clone(),
        app: arguments.app.clone(),
        entrypoint,
        user: arguments.user,
        tag: arguments.tag.clone(),
        output: written.clone(),
        load: arguments.load.map(|engine| match engine {
            LoadInto::Docker => Engine::Docker,
            LoadInto::Podman => Engine::Podman,
        }),
        compression: arguments.compression.into(),
        bytecode: arguments.pyc,
        created: created(&|name| std::env::var(name).ok())?,
        allow_build: arguments.allow_build.clone(),
        allow_missing: arguments.allow_missing.clone(),
        ..ImageRequest::new(locks)
    };
    let started = Instant::now();
    let progress = Progress::start(output, "building");
    let watch = progress.watch(session::cancelled_by_signal());
    let built = build_blocking(&request, &access, &watch)?;
    drop(progress);
    report(written.as_deref(), &built, started.elapsed().as_secs_f64(), output);
    Ok(())
}

/// The locks that the image is made of.
fn locks(arguments: &BuildArguments, output: Output) -> Result<Vec<OpenLock>, Failure> {
    let place = arguments.lock.as_deref();
    let locks = match &arguments.targets[..] {
        [] => vec![open_lock(place, None)?],
        targets => open_locks(place, targets)?,
    };
    for warning in locks.iter().flat_map(|lock| &lock.warnings) {
        output.warn(&printable(warning));
    }
    Ok(locks)
}

fn report(written: Option<&Path>, built: &BuiltImage, seconds: f64, output: Output) {
    if output.json() {
        let mut report = serde_json::to_value(built).unwrap_or_default();
        report["output"] = serde_json::json!(written);
        report["seconds"] = serde_json::json!(seconds);
        return output.data(&report.to_string());
    }
    for target in &built.targets {
        show(target, output);
    }
    let (done, what) = match written {
        Some(path) => ("wrote", path.display().to_string()),
        None => ("loaded", "the image".to_owned()),
    };
    output.say(&format!("{} {what}: {}, {seconds:.2} s", output.paint(Style::Good, done), built.digest));
}

fn show(target: &BuiltTarget, output: Output) {
    let (bytes, unpacked) = (size(target.bytes()), size(target.unpacked_bytes()));
    let count = target.layers.len();
    let layers = if count == 1 { "1 layer".to_owned() } else { format!("{count} layers") };
    output.say(&format!("{} for {}: {layers}, {bytes}, {unpacked} unpacked", target.target, target.platform));
    for layer in &target.layers {
        let names: Vec<String> = layer.packages.iter().map(mlresolve::image::BuiltPackage::named).collect();
        let shown = match names.len() {
            0 => layer.class.to_string(),
            count if count <= PACKAGES_SHOWN => names.join(", "),
            count => format!("{} and {} more", names[..PACKAGES_SHOWN].join(", "), count - PACKAGES_SHOWN),
        };
        let cached = if layer.cached { output.paint(Style::Faint, " (kept)") } else { String::new() };
        output.say(&format!("  {:>9}  {shown}{cached}", size(layer.bytes)));
    }
    for finding in target.findings.iter().filter(|finding| finding.severity < Severity::Note) {
        output.warn(&printable(&finding.to_string()));
    }
    for warning in &target.warnings {
        output.warn(&printable(warning));
    }
}
