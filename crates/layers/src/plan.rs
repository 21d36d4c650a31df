//! Which package goes into which layer: a pure function of what is locked and of a frozen rule.
//!
//! The rule, of version [`RULE_VERSION`]:
//!
//! 1. A wheel of [`LARGE_WHEEL_BYTES`] or more is a layer of its own, in the [class](Class) that its name has in the
//!    table, or in [`Class::Large`].
//! 2. A smaller wheel goes into one of [`BUCKETS`] layers, by [`bucket`] of its name, whatever its class in the table.
//! 3. What was built from a source distribution goes into one layer, since its bytes are those of a build.
//! 4. Layers are ordered by (class, name), by the number of the bucket among the small ones.
//! 5. If there are more than [`LAYER_LIMIT`] layers, the bound of rule 1 doubles until there are not.
//!
//! So a package's layer follows from its name and its wheel's length alone, as long as rule 5 is not needed: neither
//! neighbours nor versions nor the order of the lock move it.

use std::collections::BTreeMap;

use crate::digest::Digest;

/// The version of the rule. What it says of a package never changes under the same number.
pub const RULE_VERSION: u32 = 1;

/// Wheels of this many bytes or more have a layer of their own.
pub const LARGE_WHEEL_BYTES: u64 = 10_000_000;

/// The most layers of packages. Engines take about 125 in all, those of the base and of the application among them.
pub const LAYER_LIMIT: usize = 40;

/// How many layers small wheels are spread over.
pub const BUCKETS: u8 = 8;

/// A package as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanPackage {
    /// The normalised name (PEP 503).
    pub name: String,
    /// The length of its wheel in bytes.
    pub wheel_bytes: u64,
    /// The digest of its wheel.
    pub wheel: Digest,
    /// Whether the wheel was built from a source distribution.
    pub built: bool,
}

/// What a layer is for. The order is that of layers in an image: what changes least and is shared most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The accelerator's libraries: `nvidia-*`, `cuda-*`, `rocm*`, `intel-*`.
    Accelerator = 0,
    /// Triton.
    Triton = 1,
    /// PyTorch, JAX's library, TensorFlow.
    Framework = 2,
    /// What is released together with PyTorch or JAX's library.
    Companion = 3,
    /// Other large wheels.
    Large = 4,
    /// Small wheels.
    Small = 5,
    /// What was built from source distributions.
    Built = 6,
    /// The skeleton of the virtual environment.
    Skeleton = 7,
    /// Compiled bytecode.
    Bytecode = 8,
    /// The application.
    Application = 9,
}

impl std::fmt::Display for Class {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Accelerator => "the accelerator's libraries",
            Self::Triton => "triton",
            Self::Framework => "the framework",
            Self::Companion => "the framework's companions",
            Self::Large => "a large package",
            Self::Small => "small packages",
            Self::Built => "packages built from source",
            Self::Skeleton => "the environment",
            Self::Bytecode => "compiled bytecode",
            Self::Application => "the application",
        })
    }
}

/// The names that begin the libraries of accelerators.
const ACCELERATORS: [&str; 4] = ["nvidia-", "cuda-", "rocm", "intel-"];

const TRITON: [&str; 5] =
    ["pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu", "triton", "triton-rocm"];

const FRAMEWORKS: [&str; 3] = ["jaxlib", "tensorflow", "torch"];

const COMPANIONS: [&str; 10] = [
    "fbgemm-gpu",
    "jax-cuda12-pjrt",
    "jax-cuda12-plugin",
    "jax-cuda13-pjrt",
    "jax-cuda13-plugin",
    "torchao",
    "torchaudio",
    "torchcodec",
    "torchtext",
    "torchvision",
];

impl Class {
    /// The class of a wheel that has a layer of its own. Names that the table does not know stay in
    /// [`Class::Large`] for ever.
    #[must_use]
    pub fn of_large(name: &str) -> Self {
        if ACCELERATORS.iter().any(|prefix| name.starts_with(prefix)) {
            Self::Accelerator
        } else if TRITON.contains(&name) {
            Self::Triton
        } else if FRAMEWORKS.contains(&name) {
            Self::Framework
        } else if COMPANIONS.contains(&name) {
            Self::Companion
        } else {
            Self::Large
        }
    }
}

/// Packages that share a layer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlanLayer {
    /// What the layer is for.
    pub class: Class,
    /// Which of the layers for small wheels it is; `None` in other classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<u8>,
    /// The names of its packages, sorted.
    pub packages: Vec<String>,
    /// The digests of their wheels, in the same order.
    pub wheels: Vec<Digest>,
    /// The length of their wheels in bytes: about what a change of the layer makes every puller fetch.
    pub wheel_bytes: u64,
}

/// The layers of packages in their order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// The rule that it follows.
    pub rule: u32,
    /// From how many bytes on a wheel has a layer of its own: [`LARGE_WHEEL_BYTES`], unless that made too many.
    pub bound: u64,
    /// The layers.
    pub layers: Vec<PlanLayer>,
}

impl Plan {
    /// Whether the bound was raised to keep within [`LAYER_LIMIT`]: then a change of one package may move others.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.bound > LARGE_WHEEL_BYTES
    }

    /// The layer that a package is in.
    #[must_use]
    pub fn layer_of(&self, name: &str) -> Option<&PlanLayer> {
        self.layers.iter().find(|layer| layer.packages.iter().any(|package| package == name))
    }

    /// The length of all wheels in bytes.
    #[must_use]
    pub fn wheel_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.wheel_bytes).fold(0, u64::saturating_add)
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A package that is there twice.
    #[error("{name} is in the lock twice for one target")]
    Twice {
        /// The name.
        name: String,
    },
}

/// Puts packages into layers.
///
/// # Errors
/// When two packages have the same name.
pub fn plan(packages: &[PlanPackage]) -> Result<Plan, PlanError> {
    let mut by_name: BTreeMap<&str, &PlanPackage> = BTreeMap::new();
    for package in packages {
        if by_name.insert(&package.name, package).is_some() {
            return Err(PlanError::Twice { name: package.name.clone() });
        }
    }
    let mut bound = LARGE_WHEEL_BYTES;
    loop {
        let layers = layers(&by_name, bound);
        // With no large wheel left there are BUCKETS layers and one for what was built.
        if layers.len() <= LAYER_LIMIT || bound == u64::MAX {
            return Ok(Plan { rule: RULE_VERSION, bound, layers });
        }
        bound = bound.saturating_mul(2);
    }
}

fn layers(packages: &BTreeMap<&str, &PlanPackage>, bound: u64) -> Vec<PlanLayer> {
    let mut layers: BTreeMap<(Class, Option<u8>, &str), PlanLayer> = BTreeMap::new();
    for (name, package) in packages {
        let (class, number, alone) = if package.built {
            (Class::Built, None, "")
        } else if package.wheel_bytes >= bound {
            (Class::of_large(name), None, *name)
        } else {
            (Class::Small, Some(bucket(name)), "")
        };
        let layer = layers.entry((class, number, alone)).or_insert_with(|| PlanLayer {
            class,
            bucket: number,
            packages: Vec::new(),
            wheels: Vec::new(),
            wheel_bytes: 0,
        });
        layer.packages.push((*name).to_owned());
        layer.wheels.push(package.wheel);
        layer.wheel_bytes = layer.wheel_bytes.saturating_add(package.wheel_bytes);
    }
    layers.into_values().collect()
}

/// The layer for small wheels that a name belongs to: the highest three bits of its 32-bit FNV-1a hash, mixed by
/// `MurmurHash3`'s last step. FNV's own high bits hardly depend on the last letters.
#[must_use]
pub fn bucket(name: &str) -> u8 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in name.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    ((hash ^ hash >> 16) >> 29) as u8
}

#[cfg(test)]
mod tests;
