//! What is known of accelerators, drivers, GPUs, PyTorch's builds and base images: tables in `facts/`, read once.
//!
//! Every row says where it was read and when. What no table knows is unknown, and what is unknown refuses nothing.

mod gpus;
mod table;

pub(crate) use gpus::near;
pub use gpus::{KnownGpu, gpu, gpus};
pub use table::Source;
