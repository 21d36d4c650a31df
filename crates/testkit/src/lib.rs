//! What tests need in place of a real package index: builders of wheels and source distributions, an
//! in-memory index ([`Universe`]), a loopback HTTP server for it that can misbehave on demand
//! ([`IndexServer`]), a registry of images ([`RegistryServer`]), ELF files ([`elf`]), PyTorch's own index with its peculiarities ([`PyTorchIndex`]), recorded slices of a real index to replay ([`Recording`]), and resolver scenarios with what has
//! to come of them ([`Scenario`]).
//!
//! It must never know another crate of the workspace: what it serves is written from the PyPA
//! specifications alone, so that a bug in our parsers cannot hide behind the same bug here. It is a
//! development dependency only, so misuse panics with a message instead of returning an error.

#[cfg(test)]
mod client;
pub mod elf;
mod encoding;
mod metadata;
mod page;
mod proxy;
mod pytorch;
mod recording;
mod registry;
mod scenario;
mod sdist;
mod server;
mod tar;
mod tls;
mod universe;
mod wheel;

#[cfg(feature = "recorder")]
pub mod recorder;

pub use encoding::sha256_hex;
pub use metadata::thin as thin_metadata;
pub use proxy::ProxyServer;
pub use pytorch::{Links, PyTorchIndex};
pub use recording::{RecordedFile, RecordedProject, Recording, RecordingError};
pub use registry::{REGISTRY_TOKEN, RegistryLogin, RegistryServer};
pub use scenario::{
    Expected, ResolverOptions, Scenario, ScenarioEnvironment, ScenarioPackage, ScenarioRelease, ScenarioRoot,
};
pub use sdist::{SdistArchive, SdistBuilder};
pub use server::{Credentials, Fault, IndexServer, Latency, LoggedRequest, Ranges, ServerOptions, Sidecars};
pub use tar::executable_tar_gz;
pub use tls::{Certificates, TlsFront};
pub use universe::{Project, PublishedFile, Release, Sidecar, Status, Universe, Yanked};
pub use wheel::WheelBuilder;

/// A built wheel or source distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The file name, as the PyPA specifications spell it.
    pub filename: String,
    /// The archive.
    pub bytes: Vec<u8>,
    /// The core metadata inside it (`METADATA` or `PKG-INFO`), as an index serves it beside a wheel (PEP 658).
    pub metadata: Vec<u8>,
}

/// A project name as the Simple API spells it: lowercase, runs of `-`, `_` and `.` as one `-` (PEP 503).
#[must_use]
pub fn normalize(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for character in name.chars() {
        if !matches!(character, '-' | '_' | '.') {
            normalized.push(character.to_ascii_lowercase());
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn names_are_normalized() {
        assert_eq!(normalize("Flash_Attn"), "flash-attn");
        assert_eq!(normalize("a-_.b"), "a-b");
    }
}
