//! All layers of packages: what is missing is fetched and made, several at a time, while more is fetched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use futures::StreamExt as _;
use mlresolve_index::{IndexClient, IndexError, IndexUrl, LockedFile, verify_file};
use mlresolve_layers::Compression;
use mlresolve_layers::plan::{Plan, PlanLayer};

use super::contents::{LockedWheel, Place};
use super::error::ImageError;
use super::package_layer::{self, LocalWheel, PackageLayer};
use super::store::{Recipe, Store};
use crate::error::Error;
use crate::event::{CancellationToken, Event, Watch};
use crate::lock::runtime;

/// How many files are fetched at a time.
const FETCHES: usize = 8;

/// What layers are made with.
pub(crate) struct Maker<'a> {
    pub(crate) client: &'a IndexClient,
    pub(crate) indexes: &'a [IndexUrl],
    /// Where fetched files are kept.
    pub(crate) files: &'a Path,
    pub(crate) store: &'a Store,
    pub(crate) layout: &'a mlresolve_wheel::Layout,
    /// Such as `3.12` or `3.13t`.
    pub(crate) python: &'a str,
    pub(crate) compression: Compression,
    /// How many layers are made at a time.
    pub(crate) threads: usize,
    pub(crate) watch: &'a Watch,
}

/// A layer, and whether its blob was verified in this run.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) layer: PackageLayer,
    pub(crate) is_fresh: bool,
}

/// A wheel of a layer that is to be made.
struct Wanted<'a> {
    package: &'a str,
    wheel: &'a LockedWheel,
    file: LockedFile,
}

/// What stopped one layer.
enum Trouble {
    /// A kept file is damaged, and was removed.
    Damaged,
    Error(Error),
}

impl Maker<'_> {
    /// The layers of a plan, in its order. `wheels` has the wheel of every package, by name.
    pub(crate) fn make(
        &self,
        plan: &Plan,
        wheels: &BTreeMap<String, LockedWheel>,
    ) -> Result<Vec<Made>, Error> {
        let mut made: Vec<Option<Made>> = plan
            .layers
            .iter()
            .map(|layer| self.store.get(&self.recipe(layer)).map(|layer| Made { layer, is_fresh: false }))
            .collect();
        // A damaged file is fetched anew, once.
        for is_last in [false, true] {
            let missing: Vec<usize> = (0..made.len()).filter(|at| made[*at].is_none()).collect();
            if missing.is_empty() {
                break;
            }
            for (at, layer) in self.make_missing(plan, &missing, wheels, is_last)? {
                made[at] = Some(layer);
            }
        }
        made.into_iter()
            .map(|layer| layer.ok_or_else(|| Error::Internal("a layer was not made".to_owned())))
            .collect()
    }

    /// What the bytes of a layer follow from.
    pub(crate) fn recipe<'l>(&'l self, layer: &'l PlanLayer) -> Recipe<'l> {
        Recipe {
            prefix: self.layout.prefix(),
            python: self.python,
            compression: self.compression,
            wheels: &layer.wheels,
        }
    }

    fn make_missing(
        &self,
        plan: &Plan,
        missing: &[usize],
        wheels: &BTreeMap<String, LockedWheel>,
        is_last: bool,
    ) -> Result<Vec<(usize, Made)>, Error> {
        let mut jobs: Vec<(usize, Vec<Wanted<'_>>)> = Vec::with_capacity(missing.len());
        for at in missing {
            let wanted = plan.layers[*at].packages.iter().map(|package| {
                let wheel =
                    wheels.get(package).ok_or_else(|| Error::Internal(format!("{package} has no wheel")))?;
                Ok(Wanted { package, wheel, file: wheel.locked_file(self.indexes)? })
            });
            jobs.push((*at, wanted.collect::<Result<_, Error>>()?));
        }
        // The largest first, so that none is left alone at the end.
        jobs.sort_by_key(|(at, _)| std::cmp::Reverse(plan.layers[*at].wheel_bytes));
        let (jobs, count) = (&jobs, jobs.len());
        let stop = &AtomicBool::new(false);
        let made: &Mutex<Vec<(usize, Made)>> = &Mutex::default();
        let failure: &Mutex<Option<Error>> = &Mutex::default();
        let fail = &|error: Error| {
            stop.store(true, Ordering::Relaxed);
            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
            // That the others were stopped says less than why.
            if failure.as_ref().is_none_or(|other| matches!(other, Error::Cancelled)) {
                *failure = Some(error);
            }
        };
        let (ready, layers) = mpsc::channel::<(usize, Vec<LocalWheel>, &[Wanted<'_>])>();
        let layers = &Mutex::new(layers);
        std::thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, count) {
                scope.spawn(move || {
                    loop {
                        let next = layers.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok((at, local, wanted)) = next else { return };
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        match self.make_one(&plan.layers[at], &local, wanted, is_last) {
                            Ok(layer) => {
                                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                                made.push((at, Made { layer, is_fresh: true }));
                                self.watch.tell(Event::LayerMade { made: made.len(), count });
                            }
                            Err(Trouble::Damaged) => {}
                            Err(Trouble::Error(error)) => fail(error),
                        }
                    }
                });
            }
            if let Err(error) = self.fetch(jobs, stop, &ready) {
                fail(error);
            }
            drop(ready);
        });
        if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        Ok(std::mem::take(&mut made.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn make_one(
        &self,
        layer: &PlanLayer,
        local: &[LocalWheel],
        wanted: &[Wanted<'_>],
        is_last: bool,
    ) -> Result<PackageLayer, Trouble> {
        let cancellation = &self.watch.cancellation;
        for (wheel, wanted) in local.iter().zip(wanted) {
            if cancellation.is_cancelled() {
                return Err(Trouble::Error(Error::Cancelled));
            }
            if let Err(error) = verify_file(&wheel.path, &wanted.file) {
                let is_kept = matches!(wanted.wheel.place, Place::Web { .. });
                if is_kept && !is_last && matches!(error, IndexError::NotTheLocked { .. }) {
                    tracing::warn!(file = wheel.filename, "damaged cache entry is removed");
                    drop(std::fs::remove_file(&wheel.path));
                    return Err(Trouble::Damaged);
                }
                return Err(Trouble::Error(error.into()));
            }
        }
        let made = package_layer::make(local, self.layout, self.compression, &self.store.blobs, cancellation);
        let made = made.map_err(|error| match cancellation.is_cancelled() {
            true => Trouble::Error(Error::Cancelled),
            false => Trouble::Error(error.into()),
        })?;
        self.store.keep(&self.recipe(layer), &made);
        Ok(made)
    }

    /// Fetches the wheels of all layers, and hands each layer on as soon as its wheels are there.
    fn fetch<'j>(
        &self,
        jobs: &'j [(usize, Vec<Wanted<'_>>)],
        stop: &AtomicBool,
        ready: &mpsc::Sender<(usize, Vec<LocalWheel>, &'j [Wanted<'j>])>,
    ) -> Result<(), Error> {
        let wanted = || {
            jobs.iter().enumerate().flat_map(|(job, (_, wheels))| (0..wheels.len()).map(move |at| (job, at)))
        };
        let total: u64 = jobs.iter().flat_map(|(_, wheels)| wheels).filter_map(|one| one.file.size).sum();
        let fetched = AtomicU64::new(0);
        let one = async |(job, at): (usize, usize)| {
            let wanted = &jobs[job].1[at];
            let before = AtomicU64::new(0);
            let progress = |bytes: u64| {
                // A file that starts over takes back what it had; wrapping, the sum is right all the same.
                let more = bytes.wrapping_sub(before.swap(bytes, Ordering::Relaxed));
                let bytes = fetched.fetch_add(more, Ordering::Relaxed).wrapping_add(more);
                self.watch.tell(Event::Fetched { bytes, total });
            };
            let path = self.local(wanted, &progress).await;
            (job, at, path)
        };
        runtime()?.block_on(async {
            let mut paths: Vec<Vec<Option<PathBuf>>> =
                jobs.iter().map(|(_, wheels)| vec![None; wheels.len()]).collect();
            let mut fetching = futures::stream::iter(wanted().map(one)).buffer_unordered(FETCHES);
            loop {
                let next = until_cancelled(&self.watch.cancellation, stop, fetching.next()).await?;
                let Some((job, at, path)) = next else { return Ok(()) };
                paths[job][at] = Some(path?);
                let Some(whole) = paths[job].iter().cloned().collect::<Option<Vec<_>>>() else { continue };
                let (layer, wheels) = &jobs[job];
                let local = whole.into_iter().zip(wheels).map(|(path, wanted)| LocalWheel {
                    package: wanted.package.to_owned(),
                    filename: wanted.wheel.filename.clone(),
                    path,
                });
                // Nobody listens any more where all have stopped.
                drop(ready.send((*layer, local.collect(), wheels)));
            }
        })
    }

    async fn local(&self, wanted: &Wanted<'_>, progress: &(dyn Fn(u64) + Sync)) -> Result<PathBuf, Error> {
        match &wanted.wheel.place {
            Place::Web { .. } => Ok(self.client.fetch(&wanted.file, self.files, progress).await?),
            Place::Disk(path) => match std::fs::metadata(path) {
                Ok(file) => {
                    progress(file.len());
                    Ok(path.clone())
                }
                Err(source) => Err(ImageError::File { action: "read", path: path.clone(), source }.into()),
            },
        }
    }
}

/// Waits for an answer, unless the run is given up.
async fn until_cancelled<T>(
    cancellation: &CancellationToken,
    stop: &AtomicBool,
    answer: impl Future<Output = T>,
) -> Result<T, Error> {
    let stopped = async {
        while !cancellation.is_cancelled() && !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        biased;
        answer = answer => Ok(answer),
        () = stopped => Err(Error::Cancelled),
    }
}
