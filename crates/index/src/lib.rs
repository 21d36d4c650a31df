//! The package indexes: project pages (the Simple API), metadata (PEP 658 sidecars, range reads, whole
//! wheels, source distributions as far as they tell it without being built), downloads, retries, and the
//! cache that makes a second run fast.
//!
//! Must never know what a good version is: it says what an index offers and leaves the choice to others. It
//! reads no environment variable itself; the platform's certificate verifier does where no certificates are named.
//!
//! What an index says is not trusted: every answer has a limit, redirects stay on the web, hashes are
//! checked while bytes arrive, and credentials go to their own origin only and appear in no message.

mod built;
mod cache;
mod client;
mod credentials;
mod digests;
mod download;
mod error;
mod fetch;
mod find_links;
mod findings;
mod freshness;
mod hash;
mod index_url;
mod keyring;
mod metadata;
mod names;
mod netrc;
mod once;
mod options;
mod pages;
mod project;
mod proxy;
mod retry;
mod sdist_archive;
mod sdist_metadata;
mod source;
mod sparse;
mod tar_members;
mod tls;
mod transport;
mod web;
mod wheel_members;
mod wheel_tail;

pub use cache::{Cache, CacheSize};
pub use client::IndexClient;
pub use credentials::CredentialSources;
pub use download::Downloaded;
pub use error::{IndexError, MetadataError};
pub use fetch::{LockedFile, verify_file};
pub use find_links::FindLinks;
pub use index_url::{IndexUrl, IndexUrlError};
pub use keyring::Keyring;
pub use metadata::FileMetadata;
pub use options::{CacheMode, ClientOptions, Limits, Timeouts};
pub use project::{File, Project, ProjectAnswer, Release};
pub use proxy::{Proxies, ProxyUrl, ProxyUrlError};
pub use sdist_archive::{SdistError, SdistLimits, read_sdist};
pub use source::SourceRead;
pub use tls::{TlsOptions, TrustedHost, TrustedHostError};
pub use web::{WebAnswer, WebError};
pub use wheel_members::{WheelMember, WheelMembers};
pub use wheel_tail::read_archive as metadata_in_wheel;
