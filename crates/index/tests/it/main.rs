//! The client against a small index on the loopback interface.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod cache;
mod downloads;
mod members;
mod metadata;
mod pages;
mod sdists;
mod server;
mod transport;
