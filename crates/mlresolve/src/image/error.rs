//! Why an image could not be made.

use std::path::PathBuf;

use mlresolve_layers::oci::{BaseError, LayoutError};
use mlresolve_layers::plan::PlanError;
use mlresolve_layers::registry::RegistryError;
use mlresolve_layers::{LayerError, StreamError};
use mlresolve_wheel::WheelError;

/// Why an image could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Packages cannot be put into layers.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A wheel is refused.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// A file of a wheel is not what its archive or RECORD says.
    #[error("{package}: {source}")]
    Content {
        /// The package.
        package: String,
        /// What is wrong.
        source: LayerError,
    },
    /// The base cannot be opened.
    #[error("the base cannot be used: {0}")]
    Base(#[from] BaseError),
    /// The base cannot be had from its registry.
    #[error("the base cannot be had: {0}")]
    Registry(#[from] RegistryError),
    /// A layout or a blob in it.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something that an image cannot be made of; the text says what, where and what to do.
    #[error("{0}")]
    Refused(String),
    /// What was built is not what was locked; the text says what and what to do.
    #[error("{0}")]
    Mismatch(String),
    /// What would run does not load: the report was handed out.
    #[error("{0}")]
    DoesNotLoad(String),
}

impl ImageError {
    /// Whether a file is not what it should be, rather than this machine failing.
    #[must_use]
    pub fn is_verification(&self) -> bool {
        match self {
            Self::Wheel(_) | Self::Mismatch(_) | Self::DoesNotLoad(_) => true,
            Self::Content { source, .. } | Self::Layout(LayoutError::Layer(source)) => match source {
                LayerError::Stream { problem, .. } => !matches!(problem, StreamError::Read(_)),
                LayerError::Write(_) => false,
                _ => true,
            },
            Self::Layout(LayoutError::Blob { .. }) | Self::Base(BaseError::Damaged { .. }) => true,
            Self::Registry(RegistryError::Digest { .. }) => true,
            Self::Plan(_)
            | Self::Base(_)
            | Self::Registry(_)
            | Self::Layout(_)
            | Self::File { .. }
            | Self::Refused(_) => false,
        }
    }

    /// Whether the network or a server on it is to blame.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(
            self,
            Self::Registry(
                RegistryError::Transport { .. }
                    | RegistryError::Denied { .. }
                    | RegistryError::NotFound { .. }
                    | RegistryError::Busy { .. }
                    | RegistryError::Status { .. }
                    | RegistryError::Protocol { .. }
                    | RegistryError::Broken { .. }
            )
        )
    }
}
