//! Registries of images: the pull side of the OCI distribution protocol (specification 1.1), with what Docker Hub and
//! other registries ask for besides.
//!
//! There is no HTTP here: a [`Transport`] sends one request and follows nothing. Who may see what is decided here: secrets go
//! to the registry and to the token service that it names, never to where a blob is redirected, never over plain HTTP
//! but to this machine and to hosts that the caller names, and never into an error.

mod blob;
mod challenge;
mod client;
pub mod credentials;
mod pull;
mod reference;
mod transport;

use std::io;

use crate::digest::Digest;
use crate::oci::{BaseError, LayoutError};

pub use client::{ATTEMPTS, Client, FindCredentials, REDIRECTS_LIMIT};
pub use credentials::{Credentials, Secret};
pub use reference::{Reference, ReferenceError};
pub use transport::{Method, Request, Response, Transport, TransportError};

/// Why an image could not be had from a registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The network failed, more than once.
    #[error("cannot reach {host}: {problem}")]
    Transport {
        /// The host.
        host: String,
        /// Why not.
        problem: String,
    },
    /// The registry wants to know who asks, or does not let those see the image.
    #[error("{host} does not give out {image}{}: {hint}", said(.message))]
    Denied {
        /// The registry.
        host: String,
        /// The image.
        image: String,
        /// What the registry said.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// There is no such image.
    #[error("{host} has no {image}{}; look at its name and tag", said(.message))]
    NotFound {
        /// The registry.
        host: String,
        /// The image.
        image: String,
        /// What the registry said.
        message: String,
    },
    /// Too many requests.
    #[error("{host} takes no more requests for now{}; wait, or log in, which registries allow more", said(.message))]
    Busy {
        /// The host.
        host: String,
        /// What it said.
        message: String,
    },
    /// An answer that none of the above is.
    #[error("{host} answered with status {status}{}", said(.message))]
    Status {
        /// The host.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it said.
        message: String,
    },
    /// An answer that is against the protocol.
    #[error("{host} does not speak as a registry: {problem}")]
    Protocol {
        /// The host.
        host: String,
        /// What it did.
        problem: String,
    },
    /// Bytes that are others than those that were asked for.
    #[error("{host} sent something else for {what} of {image}: it is {found}")]
    Digest {
        /// The registry.
        host: String,
        /// The image.
        image: String,
        /// The digest that was asked for.
        what: Digest,
        /// The digest of what came, or its length.
        found: String,
    },
    /// A download that broke off, more than once.
    #[error("the download of {what} of {image} breaks off: {error}")]
    Broken {
        /// The image.
        image: String,
        /// What was downloaded.
        what: String,
        /// Why.
        error: io::Error,
    },
    /// What came is no image, or none for the platform.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// What came could not be kept.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}
