//! One image: its layers, what is around them, and its documents.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use mlresolve_index::{Cache, IndexClient, IndexUrl};
use mlresolve_layers::oci::{Descriptor, History, Image, ImageLayer, Layout, LayoutError};
use mlresolve_layers::plan::{Class, Plan, PlanLayer};
use mlresolve_layers::{Layer, LayerFile};

use super::application::{self, Application};
use super::base::{self, Base};
use super::bytecode::{BytecodeLayer, Compiling};
use super::contents::{Contents, LockedWheel};
use super::error::ImageError;
use super::make::{Made, Maker};
use super::report::{BuiltLayer, BuiltPackage, BuiltTarget};
use super::request::ImageRequest;
use super::sources::Sources;
use super::store::Store;
use super::{advice, config, loadable, skeleton};
use crate::access::Access;
use crate::error::Error;
use crate::event::Watch;
use crate::locks::OpenLock;

/// The time of an image whose packages say none, which is that of every file in it.
const EPOCH: i64 = 315_532_800;

/// What one image is built with.
pub(super) struct Builder<'a> {
    pub(super) request: &'a ImageRequest,
    pub(super) access: &'a Access,
    pub(super) watch: &'a Watch,
    pub(super) store: &'a Store,
    pub(super) cache: Option<&'a Cache>,
    pub(super) layout: &'a Layout,
}

/// A layer on its way into an image.
struct Part {
    layer: ImageLayer,
    step: String,
    report: BuiltLayer,
}

impl Builder<'_> {
    pub(super) fn build(&self, lock: &OpenLock) -> Result<(Descriptor, BuiltTarget), Error> {
        let mut contents = Contents::of(lock)?;
        // What does not fit is said before anything is fetched for it.
        if let Some(app) = self.request.app.as_ref().filter(|app| !app.is_dir()) {
            return Err(Error::input("--app", format!("there is no folder {}", app.display())));
        }
        let base = self.request.base.as_ref().map(|place| Base::open(place, &contents, self)).transpose()?;
        if let Some(base) = &base {
            loadable::refuse_old_glibc(base, &contents)?;
        }
        let (plan, made) = self.package_layers(lock, &mut contents)?;
        let (contents, target) = (&contents, &contents.target);
        let mut parts: Vec<Part> = plan
            .layers
            .iter()
            .zip(&made)
            .map(|(planned, made)| Part::of_packages(planned, made, contents))
            .collect();
        let (mut warnings, mut findings) = (Vec::new(), Vec::new());
        loadable::refuse_newer_than_target(contents, &made)?;
        if let Some(base) = &base {
            let report = loadable::examine(base, contents, &made);
            let failures = loadable::failures(&report, &self.request.allow_missing);
            if !failures.is_empty() {
                let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
                return Err(ImageError::DoesNotLoad(lines.join("\n")).into());
            }
            warnings.extend(advice::warnings(base, contents));
            findings = report.findings;
            self.around(base, contents, (&plan, &made), &mut parts)?;
        }
        warnings.extend(advice::overwritten(&made));
        let of_wheels = made.iter().flat_map(|made| &made.layer.packages);
        warnings.extend(of_wheels.flat_map(|package| {
            package.warnings.iter().map(|warning| format!("{}: {warning}", package.name))
        }));
        let created = self.created(contents).to_string();
        let start = config::Start {
            prefix: &self.request.prefix,
            user: self.request.user,
            entrypoint: self.request.entrypoint.as_deref(),
            has_app: self.request.app.is_some(),
        };
        let mut config =
            config::configuration(base.as_ref().map(|base| &base.image.config), contents, &start, &created);
        let mut layers = base.as_ref().map(|base| base.layers.clone()).unwrap_or_default();
        config.history = base::history(&config.history, layers.len());
        // Below the packages, since it changes less than they do.
        let interpreter = base.as_ref().and_then(|base| base.interpreter.as_ref());
        if let Some(interpreter) = interpreter {
            let step = format!("Python {}", interpreter.python.version);
            parts.insert(0, self.own(Class::Skeleton, &interpreter.files, &step)?);
        }
        for part in &parts {
            layers.push(part.layer.clone());
            config.history.push(History {
                created: Some(created.clone()),
                created_by: Some(part.step.clone()),
                ..History::default()
            });
        }
        let annotations = config::annotations(&created, base.as_ref().map(|base| &base.image));
        let image = Image { config, layers, annotations };
        let descriptor = self.layout.add_image(&image).map_err(ImageError::from)?;
        let mut report = BuiltTarget::new(
            target,
            &descriptor,
            &plan,
            base.as_ref(),
            parts.into_iter().map(|part| part.report).collect(),
        );
        (report.warnings, report.findings) = (warnings, findings);
        Ok((descriptor, report))
    }

    /// The layers of packages, whose blobs are in the image's layout then.
    fn package_layers(&self, lock: &OpenLock, contents: &mut Contents) -> Result<(Plan, Vec<Made>), Error> {
        let options = self.access.client_options()?;
        let indexes: Vec<IndexUrl> = options.indexes.iter().cloned().chain(self.named_indexes()?).collect();
        let client = IndexClient::new(options);
        let layout = mlresolve_wheel::Layout::new(&self.request.prefix, contents.target.python())
            .map_err(|error| Error::input("--prefix", error))?;
        let temporary;
        let files = match self.cache {
            Some(cache) => cache.files(),
            None => {
                temporary = tempfile::Builder::new().prefix("mlresolve-files-").tempdir();
                let failed = |source| Error::File { action: "write", path: std::env::temp_dir(), source };
                temporary.as_ref().map_err(|error| failed(error.kind().into()))?.path().to_owned()
            }
        };
        let recorded = lock.lock.tool.as_ref();
        let sources = Sources {
            access: self.access,
            watch: self.watch,
            client: &client,
            indexes: &indexes,
            store: self.store,
            files: &files,
            root: lock.path.parent().unwrap_or(Path::new("")),
            recorded,
            allow_build: &self.request.allow_build,
        };
        sources.build(contents)?;
        let plan = contents.plan()?;
        let threads =
            self.request.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
        let maker = Maker {
            client: &client,
            indexes: &indexes,
            files: &files,
            store: self.store,
            layout: &layout,
            python: &contents.python(),
            compression: self.request.compression,
            threads: threads.unwrap_or(1),
            watch: self.watch,
        };
        let wheels: BTreeMap<String, LockedWheel> = contents
            .packages
            .iter()
            .filter_map(|package| Some((package.name.to_string(), package.wheel.clone()?)))
            .collect();
        for is_last in [false, true] {
            let made = maker.make(&plan, &wheels)?;
            let damaged = self.take(&made, maker.threads)?;
            if damaged.is_empty() {
                return Ok((plan, made));
            }
            if is_last {
                break;
            }
            for at in damaged {
                tracing::warn!(digest = %made[at].layer.layer.digest, "damaged layer in the cache is made anew");
                self.store.forget(&maker.recipe(&plan.layers[at]), &made[at].layer);
            }
        }
        Err(Error::Internal("layers that were just made are damaged".to_owned()))
    }

    /// Takes blobs of layers into the image's layout, several at a time, and says which are damaged.
    fn take(&self, made: &[Made], threads: usize) -> Result<Vec<usize>, Error> {
        let (next, damaged, failure) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(None));
        let (next, damaged, failure) = (&next, &damaged, &failure);
        // The largest first, so that none is left alone at the end.
        let mut order: Vec<usize> = (0..made.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(made[*at].layer.layer.size));
        let order = &order;
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, made.len().max(1)) {
                scope.spawn(move || {
                    while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Made { layer, is_fresh } = &made[*at];
                        let Layer { digest, size, .. } = &layer.layer;
                        match self.layout.take(&self.store.blobs, digest, *size, *is_fresh) {
                            Ok(()) => {}
                            Err(LayoutError::Blob { .. }) => {
                                damaged.lock().unwrap_or_else(PoisonError::into_inner).push(*at);
                            }
                            Err(error) => {
                                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                            }
                        }
                    }
                });
            }
        });
        if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(ImageError::from(error).into());
        }
        Ok(std::mem::take(&mut damaged.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The layers around those of packages: the environment, and the application.
    fn around(
        &self,
        base: &Base,
        contents: &Contents,
        packages: (&Plan, &[Made]),
        parts: &mut Vec<Part>,
    ) -> Result<(), Error> {
        let request = self.request;
        let skeleton =
            skeleton::files(&request.prefix, &base.python, request.user, &base.passwd, &base.group)?;
        parts.push(self.own(Class::Skeleton, &skeleton, &format!("the environment {}", request.prefix))?);
        if request.bytecode {
            parts.extend(self.bytecode(contents, packages)?);
        }
        if let Some(folder) = &request.app {
            let Application { large, small } = application::read(folder)?;
            for file in large {
                let step = format!("the application's {}", file.path);
                parts.push(self.own(Class::Application, &[file], &step)?);
            }
            parts.push(self.own(Class::Application, &small, "the application")?);
        }
        Ok(())
    }

    /// The layers of the packages' bytecode.
    fn bytecode(&self, contents: &Contents, (plan, made): (&Plan, &[Made])) -> Result<Vec<Part>, Error> {
        let compiling = Compiling {
            access: self.access,
            watch: self.watch,
            store: self.store,
            prefix: &self.request.prefix,
            minor: contents.target.python().minor(),
            compression: self.request.compression,
        };
        if contents.target.python().is_free_threaded() {
            let problem =
                "bytecode is not compiled for builds of Python without the global lock; leave out --pyc";
            return Err(Error::input("--pyc", problem));
        }
        // What is damaged in the cache is made anew, once.
        for _ in 0..2 {
            let (layers, is_kept) = compiling.layers(plan, made)?;
            if compiling.take(&layers, self.layout, !is_kept)? {
                let part = |made: BytecodeLayer| {
                    let report = BuiltLayer::new(Class::Bytecode, None, &made.layer, is_kept, Vec::new());
                    Part {
                        layer: ImageLayer::from(&made.layer),
                        step: format!("mlresolve: {}", made.of.step()),
                        report,
                    }
                };
                return Ok(layers.into_iter().map(part).collect());
            }
        }
        Err(Error::Internal("layers that were just made are damaged".to_owned()))
    }

    /// A layer of files that are no package's.
    fn own(&self, class: Class, files: &[LayerFile], step: &str) -> Result<Part, Error> {
        let layer = self.layout.add_layer(files, self.request.compression).map_err(ImageError::from)?;
        let report = BuiltLayer::new(class, None, &layer, false, Vec::new());
        Ok(Part { layer: ImageLayer::from(&layer), step: format!("mlresolve: {step}"), report })
    }

    fn created(&self, contents: &Contents) -> Timestamp {
        let uploads = contents.packages.iter().flat_map(|package| {
            let package = &package.package;
            let wheels = package.wheels.iter().filter_map(|wheel| wheel.upload_time);
            wheels.chain(package.sdist.as_ref().and_then(|sdist| sdist.upload_time))
        });
        let epoch = Timestamp::from_second(EPOCH).unwrap_or(Timestamp::UNIX_EPOCH);
        let newest = uploads.max().unwrap_or(epoch);
        // Whole seconds are all that every engine reads.
        self.request.created.unwrap_or_else(|| Timestamp::from_second(newest.as_second()).unwrap_or(newest))
    }

    fn named_indexes(&self) -> Result<Vec<IndexUrl>, Error> {
        let urls = self.access.named_index_urls.iter();
        urls.map(|url| url.parse().map_err(|error| Error::input("the indexes", error))).collect()
    }
}

impl Part {
    fn of_packages(planned: &PlanLayer, made: &Made, contents: &Contents) -> Self {
        let Made { layer, is_fresh } = made;
        let version = |name: &str| {
            let package = contents.packages.iter().find(|package| package.name.as_str() == name)?;
            package.version.as_ref().map(ToString::to_string)
        };
        let packages: Vec<BuiltPackage> =
            layer.packages.iter().map(|package| BuiltPackage::new(package, version(&package.name))).collect();
        let names: Vec<String> = packages.iter().map(BuiltPackage::named).collect();
        Self {
            layer: ImageLayer::from(&layer.layer),
            step: format!("mlresolve: {}", names.join(", ")),
            report: BuiltLayer::new(planned.class, planned.bucket, &layer.layer, !is_fresh, packages),
        }
    }
}
