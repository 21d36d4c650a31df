//! The solver against registries in memory.

mod claims;
mod explanations;
mod joint;
mod laws;
mod memory;
mod rules;
