//! How the container of an image is run: its environment, user and command.

use std::collections::BTreeMap;

use mlresolve_layers::oci::{BaseImage, Config, ImageConfig, Platform, RootFs};
use mlresolve_target::{Target, cuda_major::cuda_major};

use super::application::APP;
use super::contents::{Contents, LockedPackage};
use super::skeleton::{HOME, USER_NAME};

/// What the container starts, and as whom.
pub(crate) struct Start<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) user: u32,
    pub(crate) entrypoint: Option<&'a [String]>,
    pub(crate) has_app: bool,
}

/// What an image for a target runs on, in the words of OCI.
pub(crate) fn platform(target: &Target) -> Platform {
    let (architecture, variant) = match target.platform().machine() {
        // Bases for it have the variant, and engines take an image without one for it too.
        "aarch64" => ("arm64", None),
        _ => ("amd64", None),
    };
    Platform { architecture: architecture.to_owned(), os: "linux".to_owned(), variant }
}

/// The configuration of an image: that of its base, with what the environment of the packages needs.
pub(crate) fn configuration(
    base: Option<&ImageConfig>,
    contents: &Contents,
    start: &Start<'_>,
    created: &str,
) -> ImageConfig {
    let Contents { target, packages } = contents;
    let mut config = base.map(|base| base.config.clone()).unwrap_or_default();
    let path = base.and_then(|base| variable(base, "PATH")).unwrap_or(DEFAULT_PATH);
    set(&mut config, "PATH", &format!("{}/bin:{path}", start.prefix));
    for (name, value) in environment(start.prefix) {
        set(&mut config, name, &value);
    }
    if let Some(value) = cuda_requirement(packages) {
        set(&mut config, "NVIDIA_REQUIRE_CUDA", &value);
        set(&mut config, "NVIDIA_DRIVER_CAPABILITIES", "compute,utility");
    }
    config.user = Some(format!("{}:0", start.user));
    if start.has_app {
        config.working_dir = Some(APP.to_owned());
    }
    match start.entrypoint {
        Some(arguments) => (config.entrypoint, config.cmd) = (Some(arguments.to_vec()), None),
        None => config.cmd = Some(vec!["python".to_owned()]),
    }
    let Platform { architecture, os, variant } = platform(target);
    let variant = base.and_then(|base| base.variant.clone()).or(variant);
    ImageConfig {
        created: Some(created.to_owned()),
        architecture,
        os,
        variant,
        config,
        ..base.cloned().unwrap_or_else(empty)
    }
}

/// A variable of an image's environment.
pub(crate) fn variable<'c>(config: &'c ImageConfig, name: &str) -> Option<&'c str> {
    config.config.env.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// `PATH` where a base has none (POSIX systems' usual one).
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn empty() -> ImageConfig {
    ImageConfig {
        created: None,
        architecture: String::new(),
        os: String::new(),
        variant: None,
        config: Config::default(),
        rootfs: RootFs::default(),
        history: Vec::new(),
        other: BTreeMap::new(),
    }
}

/// All that is kept goes under one folder, so that one volume serves a container whose other files are read-only.
fn environment(prefix: &str) -> Vec<(&'static str, String)> {
    let cache = |name: &str| format!("{HOME}/.cache/{name}");
    vec![
        ("VIRTUAL_ENV", prefix.to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        // A user without a line in /etc/passwd has a name and a home by these.
        ("USER", USER_NAME.to_owned()),
        ("HOME", HOME.to_owned()),
        ("XDG_CACHE_HOME", format!("{HOME}/.cache")),
        ("HF_HOME", cache("huggingface")),
        ("TORCH_HOME", cache("torch")),
        ("TORCHINDUCTOR_CACHE_DIR", cache("torchinductor")),
        ("TRITON_CACHE_DIR", cache("triton")),
        ("CUDA_CACHE_PATH", cache("cuda")),
        ("NUMBA_CACHE_DIR", cache("numba")),
        ("MPLCONFIGDIR", cache("matplotlib")),
    ]
}

/// What the driver must support at least: the first version of the CUDA major that the packages are for. A later toolkit of
/// that major runs on it by minor-version compatibility (NVIDIA, "CUDA Compatibility"), so its own version is never asked for.
fn cuda_requirement(packages: &[LockedPackage]) -> Option<String> {
    let claims = packages.iter().filter_map(|package| cuda_major(&package.name, package.version.as_ref()?));
    // What goes with several majors asks for none.
    let major = claims.filter(|claim| claim.majors.len() == 1).flat_map(|claim| claim.majors).max()?;
    Some(format!("cuda>={major}.0"))
}

fn set(config: &mut Config, name: &str, value: &str) {
    let pair = format!("{name}={value}");
    let is_of = |pair: &String| pair.split_once('=').is_some_and(|(other, _)| other == name);
    match config.env.iter_mut().find(|pair| is_of(pair)) {
        Some(there) => *there = pair,
        None => config.env.push(pair),
    }
}

/// Remarks in the manifest. Where a base lies on this machine's disk is none: the same base gives the same image.
pub(crate) fn annotations(created: &str, base: Option<&BaseImage>) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([("created", created.to_owned())]);
    if let Some(base) = base {
        annotations.insert("base.digest", base.digest.to_string());
        annotations.extend(base.pinned.as_ref().map(|pinned| ("base.name", pinned.clone())));
    }
    annotations.into_iter().map(|(name, value)| (format!("org.opencontainers.image.{name}"), value)).collect()
}
