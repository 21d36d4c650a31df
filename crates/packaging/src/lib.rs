//! The specifications of the Python Packaging Authority as types.
//!
//! Owns: names, versions and ranges of versions, specifiers, requirements, markers, file names of wheels
//! and source distributions, core metadata, WHEEL, RECORD and entry points, the static metadata of source trees, pages of
//! the Simple API, `requirements.txt`, pip's configuration and `pyproject.toml`. Every parser takes text that may be hostile
//! and works within stated limits.
//!
//! Must never know: the network, the file system, the clock, environment variables, an async runtime, or
//! how a version is chosen.

pub mod egg_info;
pub mod entry_points;
pub mod filename;
pub mod format_control;
pub mod marker;
pub mod metadata;
pub mod name;
pub mod pip_config;
pub mod pyproject;
pub mod range;
pub mod record;
pub mod requirement;
pub mod requirements_txt;
pub mod sdist;
mod secret;
pub mod simple;
pub mod specifier;
pub mod version;
pub mod wheel_metadata;

pub use entry_points::{EntryPointsError, ScriptEntryPoint, ScriptEntryPoints};
pub use filename::{
    BuildTag, FilenameError, SdistExtension, SdistFilename, WheelFilename, has_distribution_extension,
};
pub use format_control::{FormatControl, FormatError, FormatOption};
pub use marker::{Marker, MarkerEnvironment, MarkerError};
pub use metadata::{CoreMetadata, MetadataError};
pub use name::{ExtraName, GroupName, NameError, PackageName};
pub use range::{VersionPoint, VersionRange};
pub use record::{RecordAlgorithm, RecordError, RecordHash, RecordRow, parse_record, write_record};
pub use requirement::{Requirement, RequirementError, RequirementSource};
pub use sdist::MetadataOrigin;
pub use secret::without_secrets;
pub use specifier::{Operator, Repair, Specifier, SpecifierError, SpecifierSet};
pub use version::{Version, VersionError, parse_version};
pub use wheel_metadata::{WheelMetadata, WheelMetadataError};
