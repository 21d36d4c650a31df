//! The generated Dockerfile: the road for people who must keep one.
//!
//! A pure function from plain data to text. The Dockerfile needs nothing but a base image with Python,
//! the exported requirements files beside it, and a builder that knows `RUN --mount` (Docker 23 or newer,
//! buildah, podman). It fetches no frontend and no other image.
//!
//! How it is laid out, and why:
//! - Every [`RequirementsGroup`] is installed in a stage of its own and copied into the final image by its
//!   own `COPY`, so each is one layer, and a changed small package leaves the layers of large ones alone.
//! - pip lives in a second venv that stays behind in the builder stage, so the image has no pip in it.
//! - `SOURCE_DATE_EPOCH` makes pip compile bytecode that is checked by hash instead of by file time
//!   (PEP 552), so that it stays valid when a builder rewrites the times of the files.

mod command;
mod from_lock;
mod text;

pub use command::{CommandError, split_command};
pub use from_lock::{DockerfileOptions, FromLockError, GeneratedFile, from_lock, is_generated};
pub(crate) use from_lock::{locked_machine, locked_python};

/// The numeric user that the container runs as unless another is asked for.
pub const DEFAULT_USER: u32 = 65532;

/// The requirements file's name when there is only one group.
pub const DEFAULT_REQUIREMENTS_FILE: &str = "requirements.lock.txt";

/// Wheels of this many bytes or more do not share a layer with the small ones.
pub const LARGE_WHEEL_BYTES: u64 = 10_000_000;

/// The most groups that one Dockerfile may have: each is a stage and a layer.
pub const MAX_GROUPS: usize = 32;

/// The most bytes of any one name, path or URL in the input.
pub const MAX_TEXT_BYTES: usize = 1024;

/// What a Dockerfile is generated from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerfileInput {
    /// Python's major and minor version that was locked for.
    pub python: (u8, u8),
    /// The machine that was locked for, as Python's `platform.machine()` says it: `x86_64`, `aarch64`.
    pub machine: String,
    /// The base image; `python:X.Y-slim` when absent.
    pub base: Option<String>,
    /// The requirements files, those that change least first. A group without packages is left out.
    pub groups: Vec<RequirementsGroup>,
    /// Package indexes, the first being the main one; PyPI when empty. They may hold no credentials.
    pub index_urls: Vec<String>,
    /// The application's folder, relative to the Dockerfile; it is copied to `/app`.
    pub app_dir: Option<String>,
    /// What the container starts, as a list of arguments; Python when absent.
    pub entrypoint: Option<Vec<String>>,
    /// The numeric user that the container runs as; its group is always 0.
    pub user: u32,
    /// The CUDA version, major and minor, that the oldest driver in the fleet supports, if CUDA is used.
    pub cuda_floor: Option<(u16, u16)>,
}

/// Packages that are installed together and make one layer of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementsGroup {
    /// Name of the requirements file with hashes, beside the Dockerfile.
    pub file_name: String,
    /// Names of the packages in it, for the comment that tells the reader what the layer holds.
    pub packages: Vec<String>,
    /// Those of them that pip may build from source; of the others it takes wheels only.
    pub sources: Vec<String>,
}

/// Which layer of the Dockerfile a package belongs to, in the order of the layers.
///
/// The layer follows from the package alone, never from its neighbours, so adding a package moves no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerGroup {
    /// The accelerator's libraries: `nvidia-*`, `cuda-*`, `rocm*`, `intel-*`.
    Accelerator,
    /// Triton, PyTorch, JAX and TensorFlow with the packages released together with them.
    Framework,
    /// Other wheels of [`LARGE_WHEEL_BYTES`] or more.
    Large,
    /// Everything else.
    Small,
}

impl LayerGroup {
    /// The group of the package with this normalised name, whose wheel has this many bytes if that is known.
    #[must_use]
    pub fn of(normalised_name: &str, wheel_bytes: Option<u64>) -> Self {
        const ACCELERATOR_PREFIXES: [&str; 4] = ["nvidia-", "cuda-", "rocm", "intel-"];
        const FRAMEWORKS: [&str; 12] = [
            "jax-cuda12-pjrt",
            "jax-cuda12-plugin",
            "jax-cuda13-pjrt",
            "jax-cuda13-plugin",
            "jaxlib",
            "pytorch-triton",
            "pytorch-triton-rocm",
            "tensorflow",
            "torch",
            "torchaudio",
            "torchvision",
            "triton",
        ];
        if ACCELERATOR_PREFIXES.iter().any(|prefix| normalised_name.starts_with(prefix)) {
            Self::Accelerator
        } else if FRAMEWORKS.contains(&normalised_name) {
            Self::Framework
        } else if wheel_bytes.is_some_and(|bytes| bytes >= LARGE_WHEEL_BYTES) {
            Self::Large
        } else {
            Self::Small
        }
    }

    /// The name of this group's requirements file.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Accelerator => "requirements.accelerator.lock.txt",
            Self::Framework => "requirements.framework.lock.txt",
            Self::Large => "requirements.large.lock.txt",
            Self::Small => DEFAULT_REQUIREMENTS_FILE,
        }
    }
}

/// Why no Dockerfile was generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileError {
    /// A URL with a user name or password in it; the URL itself is withheld from the message.
    #[error(
        "the URL of index number {number} holds credentials, which would end up in the image's history; \
         remove them and give them to the build: --secret id=netrc,src=FILE"
    )]
    CredentialsInIndexUrl {
        /// The index's place in the list, from 1.
        number: usize,
    },
    /// A text that a Dockerfile or a shell could read as syntax, or one above [`MAX_TEXT_BYTES`].
    #[error(
        "{what} may have at most MAX_TEXT_BYTES = {MAX_TEXT_BYTES} bytes, and in a Dockerfile only letters, digits \
         and {punctuation:?}; rename it"
    )]
    UnsafeText {
        /// What the text is for, and the text itself unless it may be secret.
        what: String,
        /// The punctuation that is allowed.
        punctuation: &'static str,
    },
    /// A path outside the folder that the image is built from.
    #[error("{path:?} must be inside the Dockerfile's folder: a relative path without '..'")]
    OutsideContext {
        /// The path.
        path: String,
    },
    /// More groups than [`MAX_GROUPS`].
    #[error("{count} requirements groups are more than MAX_GROUPS, which is {MAX_GROUPS}: join some of them")]
    TooManyGroups {
        /// How many there were.
        count: usize,
    },
}

/// Writes the Dockerfile.
///
/// # Errors
/// When an index URL holds credentials, a path leaves the Dockerfile's folder, a text could be read as
/// syntax, or a limit is passed.
pub fn dockerfile(input: &DockerfileInput) -> Result<String, DockerfileError> {
    check(input)?;
    Ok(text::dockerfile(input))
}

/// Writes the `.dockerignore` that belongs to the Dockerfile: nothing goes to the builder but what it copies.
///
/// # Errors
/// As [`dockerfile`].
pub fn dockerignore(input: &DockerfileInput) -> Result<String, DockerfileError> {
    check(input)?;
    Ok(text::dockerignore(input))
}

fn check(input: &DockerfileInput) -> Result<(), DockerfileError> {
    if input.groups.len() > MAX_GROUPS {
        return Err(DockerfileError::TooManyGroups { count: input.groups.len() });
    }
    check_named("the machine", &input.machine, "_-")?;
    if let Some(base) = &input.base {
        check_named("the base image", base, "._-/:@")?;
    }
    for group in &input.groups {
        check_path("the requirements file", &group.file_name)?;
        for package in group.packages.iter().chain(&group.sources) {
            check_named("the package name", package, "._-")?;
        }
    }
    for (number, url) in (1..).zip(&input.index_urls) {
        check_index_url(number, url)?;
    }
    if let Some(app_dir) = &input.app_dir {
        check_path("the application's folder", app_dir)?;
    }
    Ok(())
}

/// A URL that is refused is not shown: what is odd in it may be a secret.
fn check_index_url(number: usize, url: &str) -> Result<(), DockerfileError> {
    // A '@' before the path ends a user name, whatever the URL's scheme.
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(DockerfileError::CredentialsInIndexUrl { number });
    }
    check_text(&format!("the URL of index number {number}"), url, "._-/:@+~%[]")
}

fn check_path(what: &str, path: &str) -> Result<(), DockerfileError> {
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(DockerfileError::OutsideContext { path: path.to_owned() });
    }
    check_named(what, path, "._-/+@")
}

fn check_named(what: &str, text: &str, punctuation: &'static str) -> Result<(), DockerfileError> {
    let shown: String = text.chars().take(80).collect();
    check_text(&format!("{what} {shown:?}"), text, punctuation)
}

/// Holds `text` to characters that neither the Dockerfile nor a shell reads as syntax, and keeps it from
/// being read as an option.
fn check_text(what: &str, text: &str, punctuation: &'static str) -> Result<(), DockerfileError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
    if starts_plain && text.len() <= MAX_TEXT_BYTES && text.chars().all(plain) {
        return Ok(());
    }
    Err(DockerfileError::UnsafeText { what: what.to_owned(), punctuation })
}

#[cfg(test)]
mod tests;
