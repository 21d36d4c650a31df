//! What an image stands on: an operating system with Python, that somebody else made. It is read and never run.

use std::path::Path;

use mlresolve_layers::listing::{EntryKind, FileTree, LayerListing, list_layer};
use mlresolve_layers::oci::{BaseImage, History, ImageLayer};

use super::build::Builder;
use super::config::{DEFAULT_PATH, platform, variable};
use super::contents::Contents;
use super::error::ImageError;
use super::interpreter::{self, Interpreter};
use super::skeleton::BasePython;
use super::{loadable, registry};
use crate::error::Error;

/// The largest `/etc/passwd` or `/etc/group` that is read, in bytes.
const ACCOUNTS_LIMIT: u64 = 4 * 1024 * 1024;

/// The files of a base whose text is looked at.
const ACCOUNTS: [&str; 2] = ["etc/passwd", "etc/group"];

/// The image below, whose layers are in the layout of the image above.
pub(crate) struct Base {
    pub(crate) image: BaseImage,
    pub(crate) layers: Vec<ImageLayer>,
    pub(crate) files: FileTree,
    pub(crate) python: BasePython,
    /// Where the base's own Python is not used.
    pub(crate) interpreter: Option<Interpreter>,
    pub(crate) passwd: String,
    pub(crate) group: String,
}

impl Base {
    /// Opens the base of an image, takes its layers over, and looks at the files in it.
    pub(crate) fn open(place: &str, contents: &Contents, builder: &Builder<'_>) -> Result<Self, Error> {
        let image = find(place, contents, builder)?;
        let mut layers = Vec::with_capacity(image.layers.len());
        let mut listings = Vec::with_capacity(image.layers.len());
        for at in 0..image.layers.len() {
            if builder.watch.cancellation.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let layer = image.copy_layer(at, builder.layout).map_err(ImageError::from)?;
            let listing = match builder.store.listing(&layer.diff_id) {
                Some(listing) => listing,
                None => {
                    let listing = listed(&image, at)?;
                    builder.store.keep_listing(&layer.diff_id, &listing);
                    listing
                }
            };
            layers.push(layer);
            listings.push(listing);
        }
        let files = FileTree::of(&listings).map_err(|error| refused(&image, &error.to_string()))?;
        let interpreter = &builder.request.interpreter;
        let interpreter = interpreter
            .as_ref()
            .map(|place| interpreter::read(place, &contents.python(), loadable::machine(&contents.target)))
            .transpose()?;
        let python = match &interpreter {
            Some(interpreter) => interpreter.python.clone(),
            None => python(&image, &files, &contents.python())?,
        };
        let text = |path: &str| match files.get(path).map(|entry| &entry.kind) {
            Some(EntryKind::File { note: Some(note), .. }) => String::from_utf8_lossy(note).into_owned(),
            _ => String::new(),
        };
        let [passwd, group] = ACCOUNTS.map(text);
        let base = Self { layers, python, interpreter, passwd, group, files, image };
        base.refuse_unfit(&builder.request.prefix)?;
        Ok(base)
    }

    /// Refuses a base that layers with these folders would damage.
    fn refuse_unfit(&self, prefix: &str) -> Result<(), Error> {
        let inside = prefix.trim_start_matches('/');
        if self.files.children(inside).next().is_some() {
            let problem = format!(
                "it has an environment in {prefix} already, which would be mixed with this one; name another folder with \
                 --prefix"
            );
            return Err(refused(&self.image, &problem));
        }
        let own = self.interpreter.is_some().then_some("opt/python");
        for folder in [inside, "home/app", "etc", "app"].into_iter().chain(own) {
            self.refuse_link(folder)?;
        }
        Ok(())
    }

    /// Refuses a base in which a folder of ours, or one above it, is something else: the layer's own folder would take its
    /// place, and what is in it would be gone.
    pub(crate) fn refuse_link(&self, folder: &str) -> Result<(), Error> {
        let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
        for folder in ends.map(|end| &folder[..end]) {
            let what = match self.files.get(folder).map(|entry| &entry.kind) {
                None | Some(EntryKind::Directory) => continue,
                Some(EntryKind::Symlink { target }) => format!("a link to {target}"),
                Some(_) => "a file".to_owned(),
            };
            let problem = format!(
                "/{folder} is {what} in it, and a layer that has a folder there would replace it; name another folder with \
                 --prefix, or another base"
            );
            return Err(refused(&self.image, &problem));
        }
        Ok(())
    }
}

/// An image by its place on this machine's disk, or by its name in a registry.
fn find(place: &str, contents: &Contents, builder: &Builder<'_>) -> Result<BaseImage, Error> {
    let wanted = platform(&contents.target);
    let open = |path: &Path, reference: Option<&str>| {
        BaseImage::open(path, reference, &wanted).map_err(|error| ImageError::from(error).into())
    };
    // As skopeo and podman write places.
    let prefixes = ["oci:", "oci-archive:", "docker-archive:"];
    let bare = prefixes.iter().find_map(|prefix| place.strip_prefix(prefix)).unwrap_or(place);
    if Path::new(bare).exists() {
        return open(Path::new(bare), None);
    }
    if let Some((path, reference)) = bare.split_once(':')
        && Path::new(path).exists()
    {
        return open(Path::new(path), Some(reference));
    }
    let is_path = bare != place || place.starts_with(['.', '/']) || place.ends_with(".tar");
    if is_path {
        let problem = "there is no such layout or archive here";
        return Err(Error::input(format!("--base {place}"), problem));
    }
    let Builder { request, access, store, watch, .. } = builder;
    registry::pull(place, &wanted, access, &request.auth_files, store, watch)
}

pub(crate) fn refused(image: &BaseImage, problem: &str) -> Error {
    ImageError::Refused(format!("the base {} cannot be used: {problem}", image.name)).into()
}

/// What one layer of a base holds.
fn listed(image: &BaseImage, at: usize) -> Result<LayerListing, Error> {
    let archive = image.read_layer(at).map_err(ImageError::from)?;
    let listing = list_layer(archive, &mut |path, size, content| {
        let is_text = ACCOUNTS.contains(&path) || loadable::is_configuration(path);
        if !is_text && loadable::may_be_library(path) {
            return loadable::noted(size, content);
        }
        if !is_text || size > ACCOUNTS_LIMIT {
            return Ok(None);
        }
        let mut text = Vec::new();
        content.read_to_end(&mut text)?;
        Ok(Some(text))
    });
    let problem = |error| refused(image, &format!("in its layer {}, {error}", at + 1));
    listing.map_err(problem)
}

/// The Python of a base: the first of its search path.
fn python(image: &BaseImage, files: &FileTree, version: &str) -> Result<BasePython, Error> {
    let folders =
        variable(&image.config, "PATH").unwrap_or(DEFAULT_PATH).split(':').chain(DEFAULT_PATH.split(':'));
    let folders: Vec<&str> = folders.filter(|folder| folder.starts_with('/')).collect();
    for folder in &folders {
        let name = format!("{folder}/python{version}");
        let found = files.resolve(&name).map_err(|error| refused(image, &error.to_string()))?;
        let Some((executable, entry)) = found else { continue };
        if !matches!(entry.kind, EntryKind::File { .. }) {
            continue;
        }
        let library = executable.rsplit_once('/').map_or("", |(folder, _)| folder).trim_end_matches("bin");
        let has = |module: &str| {
            let there = files.resolve(&format!("{library}lib/python{version}/{module}"));
            matches!(there, Ok(Some(_)))
        };
        if !has("os.py") || !has("contextvars.py") {
            let problem = format!(
                "its {name} lacks much of the standard library, which packages need; install the whole of it (of Debian \
                 `python3`, not `python3-minimal`)"
            );
            return Err(refused(image, &problem));
        }
        return Ok(BasePython { executable: format!("/{executable}"), version: version.to_owned() });
    }
    let mut others: Vec<String> = Vec::new();
    for folder in folders {
        let names = files.children(folder).filter_map(|(name, _)| name.strip_prefix("python"));
        let is_version = |name: &&str| {
            name.split_once('.').is_some_and(|(major, minor)| {
                major == "3" && minor.trim_end_matches('t').parse::<u8>().is_ok()
            })
        };
        let found = names.filter(is_version).map(|name| format!("Python {name} in {folder}"));
        others.extend(found);
    }
    others.sort();
    others.dedup();
    let problem = match &others[..] {
        [] => format!(
            "it has no Python, and the lock is for {version}; name a base with Python {version}, or bring one with \
             --interpreter ARCHIVE"
        ),
        others => format!(
            "it has {}, and the lock is for {version}; name a base with Python {version}, or lock with --python-version",
            others.join(" and ")
        ),
    };
    Err(refused(image, &problem))
}

/// How the layers below were made, one step for each layer.
pub(crate) fn history(steps: &[History], layers: usize) -> Vec<History> {
    if steps.iter().filter(|step| !step.empty_layer).count() == layers {
        return steps.to_vec();
    }
    let step = History { comment: Some("the base".to_owned()), ..History::default() };
    vec![step; layers]
}
