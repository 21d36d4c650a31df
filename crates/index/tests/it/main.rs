//! The client against a small index on the loopback interface.

mod cache;
mod downloads;
mod metadata;
mod pages;
mod server;
mod transport;
