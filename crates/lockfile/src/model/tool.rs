use mlresolve_packaging::{ExtraName, GroupName};
use serde::Serialize;

use super::Table;
use super::lock::sort_set;

/// The version of the format under `[tool.mlresolve]` that this crate writes.
pub const TOOL_FORMAT_VERSION: u32 = 1;

/// What a lock records beyond PEP 751, under `[tool.mlresolve]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToolSection {
    /// The version of this section's format, at most [`TOOL_FORMAT_VERSION`].
    pub version: u32,
    /// The sha256 of everything that the user put in, as lower-case hexadecimal digits.
    pub input_digest: Option<String>,
    /// The requirements that the lock answers, sorted.
    pub requirements: Vec<String>,
    /// The constraints that were in force, sorted.
    pub constraints: Vec<String>,
    /// The overrides that were in force, sorted.
    pub overrides: Vec<String>,
    /// The machine that the lock is for.
    pub target: Option<TargetSection>,
    /// The options that decided what was chosen.
    pub options: Option<OptionsSection>,
    /// What whoever installs the lock should know, in sentences.
    pub warnings: Vec<String>,
    /// Keys that this version does not know, kept as they are.
    pub unknown: Table,
}

impl Default for ToolSection {
    fn default() -> Self {
        Self {
            version: TOOL_FORMAT_VERSION,
            input_digest: None,
            requirements: Vec::new(),
            constraints: Vec::new(),
            overrides: Vec::new(),
            target: None,
            options: None,
            warnings: Vec::new(),
            unknown: Table::new(),
        }
    }
}

impl ToolSection {
    pub(super) fn sort(&mut self) {
        sort_set(&mut self.requirements);
        sort_set(&mut self.constraints);
        sort_set(&mut self.overrides);
        sort_set(&mut self.warnings);
        if let Some(options) = &mut self.options {
            sort_set(&mut options.only_binary);
            sort_set(&mut options.no_binary);
            sort_set(&mut options.allow_build);
            sort_set(&mut options.providers);
            sort_set(&mut options.allow_held_back);
            sort_set(&mut options.allow_overlap);
            sort_set(&mut options.any_cuda);
            sort_set(&mut options.extras);
            sort_set(&mut options.groups);
        }
    }
}

/// The machine that the lock is for, in the words of its declaration: `[tool.mlresolve.target]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetSection {
    /// The name of the target; absent when none was declared.
    pub name: Option<String>,
    /// The Python version, such as `3.12`.
    pub python: String,
    /// The platform, such as `linux-x86_64`.
    pub platform: String,
    /// The oldest glibc, such as `2.28`; absent where there is none.
    pub glibc: Option<String>,
    /// The accelerator, such as `cuda` or `cpu`.
    pub accelerator: Option<String>,
    /// The oldest driver, such as `570.124`.
    pub driver: Option<String>,
    /// The GPUs, in the order of their declaration.
    pub gpu: Vec<String>,
    /// The variant that the builds of the torch family were chosen for, such as `cu128`, `cpu`, or `pypi` for PyPI's own builds.
    pub variant: Option<String>,
    /// Keys that this version does not know, kept as they are.
    pub unknown: Table,
}

/// The options that decided what was chosen: `[tool.mlresolve.options]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OptionsSection {
    /// The time after which uploads were not looked at, in the user's words.
    pub exclude_newer: Option<String>,
    /// `highest`, `lowest` or `lowest-direct`.
    pub resolution: Option<String>,
    /// `disallow`, `allow` or `if-necessary`.
    pub prerelease: Option<String>,
    /// The packages of which no source distribution was used, or `:all:`, sorted.
    pub only_binary: Vec<String>,
    /// The packages of which no wheel was used, or `:all:`, sorted.
    pub no_binary: Vec<String>,
    /// The packages that could be built to see what they require, or `:all:`, sorted.
    pub allow_build: Vec<String>,
    /// Which distribution stands for which import package, as `cv2 = opencv-python-headless`, sorted.
    pub providers: Vec<String>,
    /// The packages that may be old because others stand in the way, sorted.
    pub allow_held_back: Vec<String>,
    /// The packages that may write files of others, sorted.
    pub allow_overlap: Vec<String>,
    /// The packages that go with any CUDA, sorted.
    pub any_cuda: Vec<String>,
    /// The extras of the project that went in, sorted.
    pub extras: Vec<ExtraName>,
    /// The dependency groups that went in, sorted.
    pub groups: Vec<GroupName>,
    /// Keys that this version does not know, kept as they are.
    pub unknown: Table,
}

/// What a lock records of one package beyond PEP 751, under `[packages.tool.mlresolve]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageTool {
    /// The requirements of the chosen file that are active for the target, without their markers,
    /// sorted.
    pub requires: Vec<String>,
    /// The extras of the package that were asked for, sorted.
    pub extras: Vec<ExtraName>,
    /// Where the metadata was read: `wheel`, `pkg-info`, `pyproject`, `egg-info`, `declared` or `built`.
    pub metadata: Option<String>,
    /// The fact that kept the package from its newest version.
    pub held_back: Option<String>,
    /// Keys that this version does not know, kept as they are.
    pub unknown: Table,
}

impl PackageTool {
    pub(super) fn sort(&mut self) {
        sort_set(&mut self.requires);
        sort_set(&mut self.extras);
    }
}
