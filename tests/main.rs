//! The program from end to end, as a user runs it, against an index on loopback.
//!
//! No test needs the network, docker or anything outside the tree.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod addresses;
mod agreements;
mod auto;
#[path = "images/bases.rs"]
mod bases;
mod builds;
mod conflicts;
mod conventions;
mod crash;
mod determinism;
mod dockerfile;
mod doctor;
mod extensions;
mod hostile;
mod image_crash;
mod image_loads;
mod image_registry;
mod image_sources;
mod image_wheels;
mod images;
mod index_trouble;
mod lock;
mod machine;
mod ownership;
mod packse;
mod private_index;
mod promises;
mod replay;
mod reports;
mod sdists;
mod settings;
mod support;
mod torch;
mod torch_matrix;
mod torch_recorded;
mod torch_targets;
mod tree;
mod why;
