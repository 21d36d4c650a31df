//! What several commands need from the world around them: environment variables, the cache's place, signals.

use std::path::PathBuf;
use std::time::Duration;

use mlresolve::{
    Access, BuildOptions, CancellationToken, IndexSettings, KeyringProvider, NetworkMode, ProjectOptions,
    ReadProject, Upgrade, read_index_settings, read_project,
};

use super::host;
use crate::args::{Global, IndexArguments, ProjectArguments};
use crate::failure::Failure;
use crate::output::Output;

/// Logs to standard error as `-v` asks for it.
pub(super) fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "mlresolve=info,mlresolve_index=info,mlresolve_solver=info",
        _ => "mlresolve=debug,mlresolve_index=debug,mlresolve_solver=debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(level);
    // A second subscriber is refused, which can only happen in tests.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .without_time()
            .try_init(),
    );
}

/// Reads the project that the arguments name.
pub(super) fn project(
    arguments: &ProjectArguments,
    upgrade: Upgrade,
    output: Output,
) -> Result<ReadProject, Failure> {
    let equipment = host::equipment(arguments, output);
    let options = ProjectOptions {
        dir: arguments.project.clone(),
        requirements: arguments.requirements.clone(),
        constraints: arguments.constraints.clone(),
        overrides: arguments.overrides.clone(),
        extras: arguments.extras.clone(),
        groups: arguments.groups.clone(),
        targets: arguments.targets.clone(),
        python: arguments.python_version.clone(),
        platform: arguments.platform.clone(),
        glibc: arguments.glibc.clone(),
        accelerator: equipment.accelerator.clone(),
        driver: equipment.driver.clone(),
        gpus: equipment.gpus.clone(),
        whole_equipment: equipment.whole,
        align: arguments.no_align.then_some(false),
        unaligned: arguments.unaligned.clone(),
        exclude_newer: arguments.exclude_newer.clone(),
        prerelease: arguments.prerelease.clone(),
        resolution: arguments.resolution.clone(),
        only_binary: arguments.only_binary.clone(),
        no_binary: arguments.no_binary.clone(),
        allow_build: arguments.allow_build.clone(),
        allow_held_back: arguments.allow_held_back.clone(),
        allow_overlap: arguments.allow_overlap.clone(),
        any_cuda: arguments.any_cuda.clone(),
        upgrade,
        indexes: settings(&arguments.indexes),
        configuration_files: true,
    };
    let project = read_project(&options, &|name| std::env::var(name).ok())?;
    if let Some(here) = &equipment.platform {
        let chosen = project.chosen.iter().map(|at| &project.requests[*at].target);
        for target in chosen.filter(|target| target.platform != *here) {
            let (name, platform) = (&target.name, &target.platform);
            output.warn(&format!("the target {name} is {platform}, and `auto` looked at {here}"));
        }
    }
    for note in &project.notes {
        output.say(&mlresolve::without_secrets(note));
    }
    for warning in &project.warnings {
        output.warn(warning);
    }
    Ok(project)
}

/// What the options say of indexes.
fn settings(arguments: &IndexArguments) -> IndexSettings {
    IndexSettings {
        index_url: arguments.index_url.clone(),
        extra_index_urls: arguments.extra_index_urls.clone(),
        find_links: arguments.find_links.clone(),
        torch_index_url: arguments.torch_index_url.clone(),
        no_index: arguments.no_index,
        certificates: arguments.cert.clone(),
        client_certificate: arguments.client_cert.clone(),
        trusted_hosts: arguments.allow_insecure_hosts.clone(),
        proxy: arguments.proxy.clone(),
        ..IndexSettings::default()
    }
}

/// How the indexes are reached: what options and files say, then the variables that programs share.
pub(super) fn access(
    arguments: &ProjectArguments,
    global: &Global,
    project: &ReadProject,
) -> Result<Access, Failure> {
    let access = reaching(&arguments.indexes, global, &project.indexes)?;
    Ok(Access { time_limit: Duration::from_secs(arguments.time_limit), ..access })
}

/// The same for the files of a lock, which are of the indexes that the folder's settings name.
pub(super) fn access_beside(
    arguments: &IndexArguments,
    global: &Global,
    folder: PathBuf,
    output: Output,
) -> Result<Access, Failure> {
    let options = ProjectOptions {
        dir: Some(folder),
        indexes: settings(arguments),
        configuration_files: true,
        ..ProjectOptions::default()
    };
    let (indexes, notes) = read_index_settings(&options, &|name| std::env::var(name).ok())?;
    for note in &notes {
        output.say(&mlresolve::without_secrets(note));
    }
    reaching(arguments, global, &indexes)
}

fn reaching(arguments: &IndexArguments, global: &Global, indexes: &IndexSettings) -> Result<Access, Failure> {
    let keyring = arguments.keyring_provider.as_deref();
    let keyring =
        keyring.map(|provider| KeyringProvider::parse("--keyring-provider", provider)).transpose()?;
    let mut access = Access {
        cache_dir: cache_dir(global),
        mode: match (global.offline, global.refresh) {
            (true, _) => NetworkMode::Offline,
            (false, true) => NetworkMode::Refresh,
            (false, false) => NetworkMode::Normal,
        },
        retries: arguments.http_retries,
        http_timeout: Duration::from_secs_f64(arguments.http_timeout),
        keyring: keyring.unwrap_or_default(),
        certificates: arguments.cert.clone(),
        client_certificate: arguments.client_cert.clone(),
        build: BuildOptions::from_environment(&|name| std::env::var_os(name)),
        ..Access::default()
    };
    // What was said on the command line is said, also where it is the opposite of a variable.
    let given = keyring.is_some();
    access.take_variables(&|name| match name {
        "UV_KEYRING_PROVIDER" | "PIP_KEYRING_PROVIDER" if given => None,
        _ => std::env::var_os(name),
    })?;
    Ok(access.with_settings(indexes))
}

/// The cache's folder; `None` where nothing is kept.
pub(super) fn cache_dir(global: &Global) -> Option<PathBuf> {
    if global.no_cache {
        return None;
    }
    let given = global.cache_dir.clone();
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache_home = || absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    given.or_else(|| Some(cache_home()?.join("mlresolve")))
}

/// A token that Ctrl-C cancels. A second Ctrl-C ends the process at once.
pub(super) fn cancelled_by_signal() -> CancellationToken {
    let token = CancellationToken::default();
    let on_signal = token.clone();
    // Without a handler, Ctrl-C simply ends the process, which leaves nothing half-written.
    drop(ctrlc::set_handler(move || {
        if on_signal.is_cancelled() {
            std::process::abort();
        }
        on_signal.cancel();
    }));
    token
}
