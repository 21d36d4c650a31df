//! What is asked for, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use mlresolve_lockfile::TargetSection;
use mlresolve_packaging::without_secrets;
use mlresolve_solver::Alignment;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What is to be locked, and for which machine. Everything is text, as a user would write it: it is read, and what is
/// wrong with it is said, when the request is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct LockRequest {
    /// What must be in the lock.
    pub requirements: Vec<RequestedRequirement>,
    /// Bounds on packages, whoever requires them (pip's `-c`).
    pub constraints: Vec<RequestedRequirement>,
    /// What replaces every requirement on the same package.
    pub overrides: Vec<RequestedRequirement>,
    /// Where single packages come from, whoever requires them. Of each package, at most one place may be for the
    /// target.
    pub sources: Vec<SourceRequest>,
    /// What packages require that do not tell it themselves, or tell it wrongly.
    pub metadata: Vec<MetadataRequest>,
    /// The machine.
    pub target: TargetRequest,
    /// Files uploaded at or after this are not seen: a time, a date, or an age such as `7 days`.
    pub exclude_newer: Option<String>,
    /// `disallow`, `allow` or `if-necessary`, which is the default.
    pub prerelease: Option<String>,
    /// `highest`, which is the default, `lowest` or `lowest-direct`.
    pub resolution: Option<String>,
    /// Packages of which no source distribution is used, or `:all:`, as pip's `--only-binary` takes them.
    pub only_binary: Vec<String>,
    /// Packages of which no wheel is used, or `:all:`, as pip's `--no-binary` takes them.
    pub no_binary: Vec<String>,
    /// The packages that may be built to see what they require, or `:all:`. **A build runs code of the package.**
    pub allow_build: Vec<String>,
    /// The distribution that provides an import package, whichever of its providers is required: `cv2` and
    /// `opencv-python-headless`.
    pub providers: BTreeMap<String, String>,
    /// Packages that may be old because of what must be agreed on, such as one CUDA.
    pub allow_held_back: Vec<String>,
    /// Packages that may write files of others.
    pub allow_overlap: Vec<String>,
    /// Packages that go with any CUDA, whichever they are built for: the user knows that they do without it.
    pub any_cuda: Vec<String>,
    /// What of the previous lock is given up.
    pub upgrade: Upgrade,
    /// The extras of the project that are in `requirements`, for the record.
    pub extras: Vec<String>,
    /// The dependency groups that are in `requirements`, for the record.
    pub groups: Vec<String>,
    /// The folder in which the lock will lie: what the lock says of local files counts from it.
    pub root: PathBuf,
}

/// One requirement, with where it came from. `Debug` leaves out the secrets of an address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RequestedRequirement {
    /// The requirement (PEP 508), whose address may also be a path; or an address alone: `https://…`, `git+https://…`,
    /// `file:…`, or a path that begins with `/` or `.`. Relative paths count from the current folder.
    pub text: String,
    /// The extras that are asked for, where `text` is an address alone.
    #[serde(default)]
    pub extras: Vec<String>,
    /// When it holds, where `text` is an address alone.
    #[serde(default)]
    pub marker: Option<String>,
    /// Whether a folder is to be installed in place (`-e`).
    #[serde(default)]
    pub editable: bool,
    /// Where it stands, for messages, such as `requirements.txt:3`.
    #[serde(default)]
    pub origin: Option<String>,
    /// The hashes of which a file must have one, as `sha256:…`; any file will do where there are none.
    #[serde(default)]
    pub hashes: Vec<String>,
}

/// Where one package comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceRequest {
    /// The package.
    pub name: String,
    /// The machines that this is for (PEP 508); all of them where there is none.
    #[serde(default)]
    pub marker: Option<String>,
    /// The place.
    pub place: SourcePlace,
}

/// A place that a package comes from. Only an index holds whoever requires the package; the others hold for what the
/// request requires itself, and what that requires by name. `Debug` leaves out the secrets of an address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourcePlace {
    /// This index, and no other.
    Index {
        /// Its address. Its credentials belong into [`Access`](crate::Access), among the indexes there.
        url: String,
    },
    /// An archive.
    Url {
        /// Its address.
        url: String,
        /// The folder in it that holds the project.
        subdirectory: Option<String>,
    },
    /// An archive or a folder of this machine.
    Path {
        /// Where it is.
        path: PathBuf,
        /// Whether its code is used where it lies.
        editable: bool,
        /// The folder in it that holds the project.
        subdirectory: Option<String>,
    },
    /// A git repository.
    Git {
        /// Its address.
        url: String,
        /// A commit, tag or branch; the default branch where there is none.
        revision: Option<String>,
        /// The folder in it that holds the project.
        subdirectory: Option<String>,
    },
}

impl fmt::Debug for RequestedRequirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequestedRequirement")
            .field("text", &without_secrets(&self.text))
            .field("extras", &self.extras)
            .field("marker", &self.marker)
            .field("editable", &self.editable)
            .field("origin", &self.origin)
            .field("hashes", &self.hashes)
            .finish()
    }
}

impl fmt::Debug for SourcePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { url } => write!(formatter, "Index({:?})", without_secrets(url)),
            Self::Url { url, subdirectory } => {
                write!(formatter, "Url({:?}, {subdirectory:?})", without_secrets(url))
            }
            Self::Path { path, editable, subdirectory } => {
                write!(formatter, "Path({}, {editable}, {subdirectory:?})", path.display())
            }
            Self::Git { url, revision, subdirectory } => {
                write!(formatter, "Git({:?}, {revision:?}, {subdirectory:?})", without_secrets(url))
            }
        }
    }
}

/// What a package requires, in the user's words instead of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct MetadataRequest {
    /// The package.
    pub name: String,
    /// The version that this is for; every one where there is none.
    pub version: Option<String>,
    /// Its requirements (PEP 508).
    pub requires_dist: Vec<String>,
    /// The Pythons that it takes.
    pub requires_python: Option<String>,
    /// The extras that it offers.
    pub provides_extra: Vec<String>,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct TargetRequest {
    /// A word for it.
    pub name: String,
    /// Its Python, such as `3.12`, which means 3.12.0 in markers.
    pub python: String,
    /// `linux-x86_64`, `linux-aarch64` or `macos-arm64`.
    pub platform: String,
    /// The glibc of a Linux, such as `2.35`; 2.28 where none is given.
    pub glibc: Option<String>,
    /// `cpu`, `cuda`, `cu128`, `rocm`, `rocm6.4`, `xpu` or `mps`. Where none is given, it follows from driver and GPUs;
    /// where there are none of these either, PyPI's own builds are taken.
    pub accelerator: Option<String>,
    /// The oldest driver of the machines, such as `570.124`.
    pub driver: Option<String>,
    /// Their GPUs, as capabilities (`sm_90`, `gfx942`) or names (`H100`).
    pub gpu: Vec<String>,
}

/// What the targets of a project have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct AlignmentRequest {
    /// Whether a package has one public version on all targets that have it. `2.9.1+cu128` and `2.9.1+cpu` are one public
    /// version.
    pub align: bool,
    /// The packages that may differ nonetheless.
    pub unaligned: Vec<String>,
}

impl Default for AlignmentRequest {
    /// All packages are aligned.
    fn default() -> Self {
        Self { align: true, unaligned: Vec::new() }
    }
}

impl AlignmentRequest {
    pub(crate) fn read(&self) -> Result<Alignment, Error> {
        if !self.align {
            return Ok(Alignment::None);
        }
        let names = self.unaligned.iter().map(|name| name.parse());
        let names = names.collect::<Result<_, _>>().map_err(|error| Error::input("unaligned", error))?;
        Ok(Alignment::AllBut(names))
    }
}

/// What of the previous lock is given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Upgrade {
    /// Nothing: a locked version stays as long as it will do.
    #[default]
    Nothing,
    /// The versions of these packages.
    Packages(BTreeSet<String>),
    /// Every version.
    Everything,
}

impl LockRequest {
    /// A request for these requirements and the default machine.
    pub fn new<T: Into<String>>(requirements: impl IntoIterator<Item = T>) -> Self {
        let requirements = requirements.into_iter().map(RequestedRequirement::new).collect();
        Self { requirements, ..Self::default() }
    }
}

impl Default for LockRequest {
    fn default() -> Self {
        Self {
            requirements: Vec::new(),
            constraints: Vec::new(),
            overrides: Vec::new(),
            sources: Vec::new(),
            metadata: Vec::new(),
            target: TargetRequest::default(),
            exclude_newer: None,
            prerelease: None,
            resolution: None,
            only_binary: Vec::new(),
            no_binary: Vec::new(),
            allow_build: Vec::new(),
            providers: BTreeMap::new(),
            allow_held_back: Vec::new(),
            allow_overlap: Vec::new(),
            any_cuda: Vec::new(),
            upgrade: Upgrade::Nothing,
            extras: Vec::new(),
            groups: Vec::new(),
            root: PathBuf::from("."),
        }
    }
}

impl RequestedRequirement {
    /// A requirement from nowhere in particular.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl TargetRequest {
    /// The machine that a lock records.
    pub(crate) fn recorded(section: &TargetSection) -> Self {
        Self {
            name: section.name.clone().unwrap_or_else(|| Self::default().name),
            python: section.python.clone(),
            platform: section.platform.clone(),
            glibc: section.glibc.clone(),
            accelerator: section.accelerator.clone(),
            driver: section.driver.clone(),
            gpu: section.gpu.clone(),
        }
    }
}

impl Default for TargetRequest {
    /// What is assumed where nothing is declared: Python 3.12 on linux-x86_64 with glibc 2.28.
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            python: "3.12".to_owned(),
            platform: "linux-x86_64".to_owned(),
            glibc: None,
            accelerator: None,
            driver: None,
            gpu: Vec::new(),
        }
    }
}
