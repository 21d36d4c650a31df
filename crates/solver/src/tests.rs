//! The solver against registries in memory.

mod explanations;
mod laws;
mod memory;
mod rules;
