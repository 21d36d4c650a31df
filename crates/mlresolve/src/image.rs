//! From locks to an image: the way through.
//!
//! `contents.rs` says what of a lock goes in, the plan of `mlresolve-layers` which package is in which
//! layer, `make.rs` fetches wheels and makes layers, and what is around them is made here: the environment,
//! the application, the configuration, and the layout that holds it all.

mod advice;
mod application;
mod base;
mod build;
mod bytecode;
mod config;
mod contents;
mod engine;
mod error;
mod interpreter;
mod loadable;
mod make;
mod output;
mod package_layer;
mod planned;
mod registry;
mod report;
mod request;
mod skeleton;
mod sources;
mod store;

use mlresolve_index::Cache;

use self::build::Builder;
use self::output::Output;
use self::store::Store;
use crate::access::Access;
use crate::error::Error;
use crate::event::Watch;

pub use self::engine::Engine;
pub use self::error::ImageError;
pub use self::planned::{LayerChanges, PlannedLayer, PlannedLayers, PlannedPackage, planned_layers};
pub use self::registry::auth_files;
pub use self::report::{BuiltImage, BuiltLayer, BuiltPackage, BuiltTarget};
pub use self::request::{DEFAULT_PREFIX, ImageRequest, created};
pub use mlresolve_layers::plan as layer_plan;
pub use mlresolve_layers::{Compression, Digest};

/// Makes the image of one or several locks, and writes it where the request says.
///
/// Blocks, and starts threads of its own. What is written appears under its name only when it is whole.
///
/// # Errors
/// [`Error::Image`] when a wheel, a base or a file is refused; [`Error::Index`] when a file cannot be had or is not the
/// locked one; others when the request or the machine stands in the way.
pub fn build_blocking(request: &ImageRequest, access: &Access, watch: &Watch) -> Result<BuiltImage, Error> {
    if request.locks.is_empty() {
        return Err(Error::input("the image", "there is no lock to make it of"));
    }
    let cache = access.cache_dir.as_ref().map(Cache::at);
    let store = Store::open(cache.as_ref())?;
    let output = Output::open(request, &store)?;
    let built = build_all(request, access, watch, &store, cache.as_ref(), &output);
    if built.is_err() {
        output.abandon();
    }
    built
}

fn build_all(
    request: &ImageRequest,
    access: &Access,
    watch: &Watch,
    store: &Store,
    cache: Option<&Cache>,
    output: &Output,
) -> Result<BuiltImage, Error> {
    let mut targets = Vec::with_capacity(request.locks.len());
    let mut descriptors = Vec::with_capacity(request.locks.len());
    for lock in &request.locks {
        let builder = Builder { request, access, watch, store, cache, layout: output.layout() };
        let (descriptor, target) = builder.build(lock)?;
        descriptors.push(descriptor);
        targets.push(target);
    }
    refuse_one_platform(&targets)?;
    if watch.cancellation.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let digest = output.finish(request, descriptors)?;
    Ok(BuiltImage { digest, targets })
}

/// Engines choose among the images of a list by the platform alone.
fn refuse_one_platform(targets: &[BuiltTarget]) -> Result<(), Error> {
    for (at, target) in targets.iter().enumerate() {
        if let Some(other) = targets[..at].iter().find(|other| other.platform == target.platform) {
            let problem = format!(
                "{} and {} are both for {}, and one image has one of them; build each by itself, with --target and its own -o",
                other.target, target.target, target.platform
            );
            return Err(Error::input("--target", problem));
        }
    }
    Ok(())
}

/// [`build_blocking`] for callers with an async runtime.
///
/// # Errors
/// As [`build_blocking`].
pub async fn build(request: ImageRequest, access: Access, watch: Watch) -> Result<BuiltImage, Error> {
    let task = tokio::task::spawn_blocking(move || build_blocking(&request, &access, &watch));
    task.await.map_err(|error| Error::Internal(format!("the build ended early: {error}")))?
}
