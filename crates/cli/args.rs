//! The arguments, as users write them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::exit;

/// Locks the Python packages of a machine-learning project for the machine it will run on.
#[derive(Debug, Parser)]
#[command(name = "mlresolve", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// The options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print results as JSON
    #[arg(long, global = true, env = "MLRESOLVE_JSON", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) json: bool,
    /// Print nothing but results and errors
    #[arg(short, long, global = true, env = "MLRESOLVE_QUIET", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) quiet: bool,
    /// Log what is done; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "MLRESOLVE_COLOR")]
    pub(crate) color: ColorChoice,
    /// Keep answers of indexes in this folder
    #[arg(long, global = true, value_name = "DIR", env = "MLRESOLVE_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Keep nothing between runs, and use nothing that was kept
    #[arg(long, global = true, env = "MLRESOLVE_NO_CACHE", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) no_cache: bool,
    /// Use only what was kept
    #[arg(long, global = true, env = "MLRESOLVE_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) offline: bool,
    /// Ask the indexes whether what was kept still holds
    #[arg(long, global = true, conflicts_with = "offline", env = "MLRESOLVE_REFRESH", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) refresh: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Lock(commands::lock::LockArguments),
    Tree(commands::tree::TreeArguments),
    Why(commands::why::WhyArguments),
    WhyNot(commands::why_not::WhyNotArguments),
    Size(commands::size::SizeArguments),
    Diff(commands::diff::DiffArguments),
    Export(commands::export::ExportArguments),
    Layers(commands::layers::LayersArguments),
    Build(commands::build::BuildArguments),
    Dockerfile(commands::dockerfile::DockerfileArguments),
    Doctor(commands::doctor::DoctorArguments),
    Cache(commands::cache::CacheArguments),
    Completions(commands::completions::CompletionsArguments),
}

impl ProjectArguments {
    /// Whether anything was said of the machine.
    pub(crate) fn describes_target(&self) -> bool {
        let texts = [&self.python_version, &self.platform, &self.glibc, &self.accelerator, &self.driver];
        texts.iter().any(|text| text.is_some()) || !self.gpus.is_empty()
    }
}

/// The options that say what a project is and where its packages come from.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectArguments {
    /// The project's folder
    #[arg(value_name = "PROJECT_DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Lock what this requirements file lists; `-` is standard input
    #[arg(short = 'r', long = "requirements", visible_alias = "requirement", value_name = "FILE", env = "MLRESOLVE_REQUIREMENTS", value_delimiter = None)]
    pub(crate) requirements: Vec<PathBuf>,
    /// Hold packages to the versions that this file allows
    #[arg(
        short = 'c',
        long = "constraints",
        visible_alias = "constraint",
        value_name = "FILE",
        env = "MLRESOLVE_CONSTRAINTS"
    )]
    pub(crate) constraints: Vec<PathBuf>,
    /// Replace every requirement on a package by the one in this file
    #[arg(long = "override", value_name = "FILE", env = "MLRESOLVE_OVERRIDE")]
    pub(crate) overrides: Vec<PathBuf>,
    /// Take this extra of the project
    #[arg(long = "extra", value_name = "NAME", env = "MLRESOLVE_EXTRA")]
    pub(crate) extras: Vec<String>,
    /// Take this dependency group of the project
    #[arg(long = "group", value_name = "NAME", env = "MLRESOLVE_GROUP")]
    pub(crate) groups: Vec<String>,
    /// Take only this declared target
    #[arg(long = "target", value_name = "NAME", env = "MLRESOLVE_TARGET", help_heading = "Target")]
    pub(crate) targets: Vec<String>,
    /// The target's Python
    #[arg(long, value_name = "3.12", env = "MLRESOLVE_PYTHON_VERSION", help_heading = "Target")]
    pub(crate) python_version: Option<String>,
    /// The target's platform: linux-x86_64, linux-aarch64 or macos-arm64
    #[arg(long, value_name = "PLATFORM", env = "MLRESOLVE_PLATFORM", help_heading = "Target")]
    pub(crate) platform: Option<String>,
    /// The target's glibc
    #[arg(long, value_name = "2.35", env = "MLRESOLVE_GLIBC", help_heading = "Target")]
    pub(crate) glibc: Option<String>,
    /// What computes on the target: cpu, cuda, cu128, rocm, rocm7.1, xpu, mps; auto takes accelerator, driver and GPUs of
    /// this machine
    #[arg(long, value_name = "NAME", env = "MLRESOLVE_ACCELERATOR", help_heading = "Target")]
    pub(crate) accelerator: Option<String>,
    /// The oldest driver of the machines
    #[arg(long, value_name = "550.54", env = "MLRESOLVE_DRIVER", help_heading = "Target")]
    pub(crate) driver: Option<String>,
    /// A GPU of the machines: a capability or a name
    #[arg(
        long = "gpu",
        value_name = "sm_90|H100",
        env = "MLRESOLVE_GPU",
        value_delimiter = ',',
        help_heading = "Target"
    )]
    pub(crate) gpus: Vec<String>,
    /// Let every target have its own versions
    #[arg(long, env = "MLRESOLVE_NO_ALIGN", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Target")]
    pub(crate) no_align: bool,
    /// Let this package differ between targets
    #[arg(long = "unaligned", value_name = "NAME", env = "MLRESOLVE_UNALIGNED", help_heading = "Target")]
    pub(crate) unaligned: Vec<String>,
    #[command(flatten)]
    pub(crate) indexes: IndexArguments,
    /// Let this package be old where others stand in the way of a newer one
    #[arg(long, value_name = "NAME", env = "MLRESOLVE_ALLOW_HELD_BACK", help_heading = "Choice of versions")]
    pub(crate) allow_held_back: Vec<String>,
    /// Let this package write files that another one writes too
    #[arg(long, value_name = "NAME", env = "MLRESOLVE_ALLOW_OVERLAP", help_heading = "Choice of versions")]
    pub(crate) allow_overlap: Vec<String>,
    /// Let this package go with any CUDA, whichever it is built for
    #[arg(long, value_name = "NAME", env = "MLRESOLVE_ANY_CUDA", help_heading = "Choice of versions")]
    pub(crate) any_cuda: Vec<String>,
    /// See only files uploaded before this: a time, a date, or an age such as "7 days"
    #[arg(long, value_name = "TIME", env = "MLRESOLVE_EXCLUDE_NEWER", help_heading = "Choice of versions")]
    pub(crate) exclude_newer: Option<String>,
    /// Which versions come first: highest, lowest or lowest-direct
    #[arg(long, value_name = "MODE", env = "MLRESOLVE_RESOLUTION", help_heading = "Choice of versions")]
    pub(crate) resolution: Option<String>,
    /// Which pre-releases are taken: disallow, allow or if-necessary
    #[arg(long, value_name = "MODE", env = "MLRESOLVE_PRERELEASE", help_heading = "Choice of versions")]
    pub(crate) prerelease: Option<String>,
    /// Use no source distribution of this package, or of :all:
    #[arg(
        long = "only-binary",
        value_name = "PACKAGE",
        env = "MLRESOLVE_ONLY_BINARY",
        help_heading = "Choice of versions"
    )]
    pub(crate) only_binary: Vec<String>,
    /// Use no wheel of this package, or of :all:
    #[arg(
        long = "no-binary",
        value_name = "PACKAGE",
        env = "MLRESOLVE_NO_BINARY",
        help_heading = "Choice of versions"
    )]
    pub(crate) no_binary: Vec<String>,
    /// Build this package, or :all:, where nothing else tells what it requires. This runs code of the package
    #[arg(
        long = "allow-build",
        value_name = "PACKAGE",
        env = "MLRESOLVE_ALLOW_BUILD",
        value_delimiter = ',',
        help_heading = "Choice of versions"
    )]
    pub(crate) allow_build: Vec<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", env = "MLRESOLVE_TIME_LIMIT", default_value_t = 900)]
    pub(crate) time_limit: u64,
}

/// The options that say how indexes are reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct IndexArguments {
    /// The index that is asked last [default: PyPI]
    #[arg(
        short = 'i',
        long,
        value_name = "URL",
        env = "MLRESOLVE_INDEX_URL",
        hide_env_values = true,
        help_heading = "Indexes"
    )]
    pub(crate) index_url: Option<String>,
    /// An index that is asked before it; the first that has a package is the only one for it
    #[arg(
        long = "extra-index-url",
        value_name = "URL",
        env = "MLRESOLVE_EXTRA_INDEX_URL",
        hide_env_values = true,
        value_delimiter = ' ',
        help_heading = "Indexes"
    )]
    pub(crate) extra_index_urls: Vec<String>,
    /// Files on this page or in this folder join those of the indexes
    #[arg(
        short = 'f',
        long = "find-links",
        value_name = "DIR_OR_URL",
        env = "MLRESOLVE_FIND_LINKS",
        hide_env_values = true,
        value_delimiter = ' ',
        help_heading = "Indexes"
    )]
    pub(crate) find_links: Vec<String>,
    /// The folder under which PyTorch's builds lie: cpu, cu128, rocm7.1 … [default: PyTorch's own]
    #[arg(
        long,
        value_name = "URL",
        env = "MLRESOLVE_TORCH_INDEX_URL",
        hide_env_values = true,
        help_heading = "Indexes"
    )]
    pub(crate) torch_index_url: Option<String>,
    /// Where passwords come from that neither an address nor a netrc file has: disabled or subprocess, which runs `keyring`
    #[arg(long, value_name = "PROVIDER", env = "MLRESOLVE_KEYRING_PROVIDER", help_heading = "Indexes")]
    pub(crate) keyring_provider: Option<String>,
    /// Trust the certificates in this file or folder instead of the system's
    #[arg(long, value_name = "FILE", env = "MLRESOLVE_CERT", help_heading = "Indexes")]
    pub(crate) cert: Option<PathBuf>,
    /// Show this certificate to indexes that ask for one: a file with the certificate and its private key
    #[arg(long, value_name = "FILE", env = "MLRESOLVE_CLIENT_CERT", help_heading = "Indexes")]
    pub(crate) client_cert: Option<PathBuf>,
    /// Do not verify the certificate of this host
    #[arg(
        long = "allow-insecure-host",
        visible_alias = "trusted-host",
        value_name = "HOST",
        env = "MLRESOLVE_ALLOW_INSECURE_HOST",
        value_delimiter = ' ',
        help_heading = "Indexes"
    )]
    pub(crate) allow_insecure_hosts: Vec<String>,
    /// Reach the indexes through this proxy
    #[arg(
        long,
        value_name = "URL",
        env = "MLRESOLVE_PROXY",
        hide_env_values = true,
        help_heading = "Indexes"
    )]
    pub(crate) proxy: Option<String>,
    /// Wait so many seconds for a silent server
    #[arg(long, value_name = "SECONDS", env = "MLRESOLVE_HTTP_TIMEOUT", default_value_t = 30.0, value_parser = seconds, help_heading = "Indexes")]
    pub(crate) http_timeout: f64,
    /// Repeat a request that failed so often
    #[arg(
        long,
        value_name = "COUNT",
        env = "MLRESOLVE_HTTP_RETRIES",
        default_value_t = 3,
        help_heading = "Indexes"
    )]
    pub(crate) http_retries: u32,
    /// Ask no index
    #[arg(long, env = "MLRESOLVE_NO_INDEX", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Indexes")]
    pub(crate) no_index: bool,
}

/// A time in seconds, of a millisecond at least and a day at most.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds between 0.001 and 86400".to_owned()),
    }
}

/// Reads the command line; the exit code where there is nothing to run.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        // Help and version go to standard output and are no failure.
        let code = if error.use_stderr() { exit::BAD_INPUT } else { exit::DONE };
        drop(error.print());
        exit::code(code)
    })
}
