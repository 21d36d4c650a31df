//! To be written.
pub mod dockerfile;
