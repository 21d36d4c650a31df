//! Registries of images (OCI distribution specification 1.1, the pull side).

mod reference;

pub use reference::{Reference, ReferenceError};
