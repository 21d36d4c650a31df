//! The solver against registries in memory.

mod explanations;
mod joint;
mod laws;
mod memory;
mod rules;
