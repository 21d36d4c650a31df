//! The machine that a lock is for, as pure data: its interpreter, its platform, what it computes on, and what follows.
//!
//! This crate owns the description of a [`Target`]: the wheel [`Tags`] that an interpreter on it accepts, in the order
//! in which it prefers them, the marker environment that requirements are evaluated in, and its [`Accelerator`], driver
//! and [`Gpu`]s. It owns the [`facts`] about those, each with its source, and the rules that follow from them: which
//! builds of PyTorch run on a target, and in which order they are preferred. A target is declared, never measured: the
//! machine that locks is not the machine that runs.
//!
//! It must never know the solver, an index or a file, and it does no I/O: the same target gives the same answers
//! on every machine.

mod accelerator;
mod capability;
mod cuda;
pub mod cuda_major;
mod driver;
mod equipment;
mod error;
pub mod facts;
mod gpu;
mod mismatch;
mod platform;
mod platform_tags;
mod python;
mod rocm;
pub mod runs;
mod tags;
mod target;
mod torch_abi;
mod variant;

pub use accelerator::Accelerator;
pub use capability::Capability;
pub use cuda::CudaVersion;
pub use driver::DriverVersion;
pub use equipment::EquipmentError;
pub use error::TargetError;
pub use gpu::{Gpu, GpuKind};
pub use mismatch::Mismatch;
pub use platform::{Glibc, MacOsVersion, Platform};
pub use python::PythonVersion;
pub use rocm::RocmVersion;
pub use tags::{Tag, Tags};
pub use target::Target;
pub use torch_abi::{CudaInLabel, TorchAbi, torch_abi};
pub use variant::Variant;
