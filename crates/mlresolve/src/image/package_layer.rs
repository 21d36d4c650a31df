//! A layer of installed wheels. Its bytes follow from the wheels, the prefix and Python's version: nothing else is asked.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use mlresolve_layers::oci::Layout;
use mlresolve_layers::{Compression, Content, Layer, LayerError, LayerFile, Mode, ReadAt, Witness};
use mlresolve_linkage::{Found, LibraryFacts, Reader};
use mlresolve_wheel::{
    ContentCheck, EntryFault, FileSource, Inflater, InstallPlan, Limits, Method, PlannedFile, Wheel,
    WheelProblem,
};
use serde::{Deserialize, Serialize};

use super::error::ImageError;
use crate::event::CancellationToken;

/// A wheel on this machine's disk, verified against the lock.
#[derive(Debug, Clone)]
pub(crate) struct LocalWheel {
    /// The package's normalised name.
    pub(crate) package: String,
    /// The name that the wheel was published under.
    pub(crate) filename: String,
    pub(crate) path: PathBuf,
}

/// A layer of packages, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackageLayer {
    pub(crate) layer: Layer,
    /// In the order of their names.
    pub(crate) packages: Vec<InstalledPackage>,
}

/// What the installation of a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstalledPackage {
    pub(crate) name: String,
    /// The bytes of its files.
    pub(crate) installed_bytes: u64,
    /// The bytes that its files take in the wheel, and about as many in the layer.
    pub(crate) compressed_bytes: u64,
    /// What is odd about its wheel.
    pub(crate) warnings: Vec<String>,
    pub(crate) files: Vec<InstalledFile>,
}

/// An installed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstalledFile {
    /// Below the root of the image, without a leading slash.
    pub(crate) path: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) crc32: u32,
    /// What is known of a shared library.
    pub(crate) library: Option<Box<LibraryFacts>>,
}

/// Makes the layer of these wheels, and keeps its blob in a layout.
pub(crate) fn make(
    wheels: &[LocalWheel],
    layout: &mlresolve_wheel::Layout,
    compression: Compression,
    into: &Layout,
    cancellation: &CancellationToken,
) -> Result<PackageLayer, ImageError> {
    let mut packages = Vec::with_capacity(wheels.len());
    let mut files: Vec<LayerFile> = Vec::new();
    let mut checks: HashMap<String, PlannedFile> = HashMap::new();
    let mut sources: HashMap<String, Arc<File>> = HashMap::new();
    for wheel in wheels {
        let (plan, archive) = planned(wheel, layout)?;
        let source: Arc<dyn ReadAt> = Arc::<File>::clone(&archive);
        packages.push(installed(&wheel.package, &plan, layout));
        for file in plan.files {
            let path = below_root(layout, &file.path);
            files.push(layer_file(path.clone(), &file, &source));
            sources.insert(path.clone(), Arc::clone(&archive));
            checks.insert(path, file);
        }
    }
    // Of packages that write the same file the last one wins, as it does among layers.
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(files.len());
    for (at, file) in files.iter().enumerate() {
        places.insert(&file.path, at);
    }
    if places.len() < files.len() {
        let mut kept: Vec<usize> = places.into_values().collect();
        kept.sort_unstable();
        files = kept.into_iter().map(|at| files[at].clone()).collect();
    }
    let mut verifier = Verifier { checks: &checks, open: None, libraries: HashMap::new(), cancellation };
    let layer = into.add_layer_before(&mut verifier, &files, compression).map_err(|error| {
        use mlresolve_layers::oci::LayoutError;
        match error {
            LayoutError::Layer(source) if !matches!(source, LayerError::Write(_)) => {
                ImageError::Content { package: named(wheels), source }
            }
            error => error.into(),
        }
    })?;
    let libraries = verifier.libraries;
    for file in packages.iter_mut().flat_map(|package: &mut InstalledPackage| &mut package.files) {
        file.library = match libraries.get(&file.path) {
            None => None,
            Some(Library::Known(facts)) => Some(facts.clone()),
            Some(Library::Again) => read_again(&checks[&file.path], &sources[&file.path])?.map(Box::new),
        };
    }
    Ok(PackageLayer { layer, packages })
}

/// Reads the beginning of a large library as often as it takes to know it.
fn read_again(file: &PlannedFile, source: &Arc<File>) -> Result<Option<LibraryFacts>, ImageError> {
    let FileSource::Entry(entry) = &file.source else { return Ok(None) };
    let mut archive: &File = source;
    let mut inflater = Inflater::default();
    let mut reader = Reader::new();
    let unreadable = |problem: WheelProblem| ImageError::Refused(format!("{}: {problem}", file.path));
    let once =
        |each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>, inflater: &mut Inflater, archive: &mut &File| {
            inflater.read_again(archive, entry, each).map_err(unreadable)
        };
    let going_on =
        |is_finished: bool| if is_finished { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let mut each = |piece: &[u8]| {
        reader.feed(piece);
        going_on(reader.is_finished())
    };
    once(&mut each, &mut inflater, &mut archive)?;
    let mut found = reader.finish();
    while let Found::Again(mut second) = found {
        let mut each = |piece: &[u8]| {
            second.feed(piece);
            going_on(second.is_finished())
        };
        once(&mut each, &mut inflater, &mut archive)?;
        found = second.finish();
    }
    Ok(match found {
        Found::Facts(facts) => Some(facts),
        Found::NotElf | Found::Again(_) => None,
    })
}

fn named(wheels: &[LocalWheel]) -> String {
    match wheels {
        [wheel] => wheel.filename.clone(),
        wheels => wheels.iter().map(|wheel| wheel.filename.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// Reads a wheel, and verifies what of it is not installed; the rest is verified when it is written.
fn planned(
    wheel: &LocalWheel,
    layout: &mlresolve_wheel::Layout,
) -> Result<(InstallPlan, Arc<File>), ImageError> {
    let unreadable = |source| ImageError::File { action: "read", path: wheel.path.clone(), source };
    let mut file = File::open(&wheel.path).map_err(unreadable)?;
    let read = Wheel::read(&mut file, &wheel.filename, &Limits::default())?;
    let plan = read.plan(layout)?;
    read.verify_unplanned(&mut file, &plan)?;
    Ok((plan, Arc::new(file)))
}

fn below_root(layout: &mlresolve_wheel::Layout, path: &str) -> String {
    format!("{}/{path}", layout.prefix().trim_start_matches('/'))
}

fn layer_file(path: String, file: &PlannedFile, source: &Arc<dyn ReadAt>) -> LayerFile {
    let mode = if file.executable { Mode::Executable } else { Mode::Plain };
    let source = Arc::clone(source);
    let (size, crc32) = (file.size, file.crc32);
    let content = match &file.source {
        FileSource::Generated(bytes) => Content::Bytes(bytes.clone()),
        FileSource::Entry(entry) if entry.method == Method::Stored => {
            Content::Stored { source, offset: entry.data_offset, size, crc32 }
        }
        FileSource::Entry(entry) => Content::Deflated {
            source,
            offset: entry.data_offset,
            compressed: entry.compressed_size,
            size,
            crc32,
        },
    };
    LayerFile::new(path, mode, content)
}

fn installed(name: &str, plan: &InstallPlan, layout: &mlresolve_wheel::Layout) -> InstalledPackage {
    let compressed = |file: &PlannedFile| match &file.source {
        FileSource::Entry(entry) => entry.compressed_size,
        FileSource::Generated(bytes) => bytes.len() as u64,
    };
    let listed = |file: &PlannedFile| InstalledFile {
        path: below_root(layout, &file.path),
        size: file.size,
        crc32: file.crc32,
        library: None,
    };
    InstalledPackage {
        name: name.to_owned(),
        installed_bytes: plan.files.iter().map(|file| file.size).sum(),
        compressed_bytes: plan.files.iter().map(compressed).sum(),
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
        files: plan.files.iter().map(listed).collect(),
    }
}

/// What is known of a file after it was written.
enum Library {
    Known(Box<LibraryFacts>),
    /// A library of which something is to be read once more.
    Again,
}

/// Holds every file to RECORD while it is written, and looks what shared libraries need.
struct Verifier<'a> {
    checks: &'a HashMap<String, PlannedFile>,
    /// The file that is being written.
    open: Option<OpenFile>,
    libraries: HashMap<String, Library>,
    cancellation: &'a CancellationToken,
}

struct OpenFile {
    path: String,
    check: ContentCheck,
    /// The first fault that was found.
    found: Result<(), EntryFault>,
    reader: Reader,
}

impl Witness for Verifier<'_> {
    fn begin(&mut self, path: &str) {
        self.open = self.checks.get(path).map(|file| OpenFile {
            path: path.to_owned(),
            check: ContentCheck::new(file.size, file.crc32, Some(file.hash.clone())),
            found: Ok(()),
            reader: Reader::new(),
        });
    }

    fn piece(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open
            && open.found.is_ok()
        {
            open.found = open.check.update(bytes);
            open.reader.feed(bytes);
        }
    }

    fn end(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.cancellation.is_cancelled() {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        if let Some(OpenFile { path, check, found, reader }) = self.open.take() {
            found.and_then(|()| check.finish())?;
            match reader.finish() {
                Found::NotElf => {}
                Found::Facts(facts) => drop(self.libraries.insert(path, Library::Known(Box::new(facts)))),
                Found::Again(_) => drop(self.libraries.insert(path, Library::Again)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _, Write as _};

    use mlresolve_testkit::WheelBuilder;

    use super::*;

    /// Makes the layer of a wheel whose RECORD was changed.
    fn made(change: impl Fn(&str) -> String) -> Result<PackageLayer, ImageError> {
        let wheel = WheelBuilder::new("a", "1").file("a.py", "pass\n").build();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wheel");
        let mut from = zip::ZipArchive::new(Cursor::new(wheel.bytes)).unwrap();
        let mut into = zip::ZipWriter::new(File::create(&path).unwrap());
        for at in 0..from.len() {
            let mut entry = from.by_index(at).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let name = entry.name().unwrap().into_owned();
            let text = if name.ends_with("RECORD") { change(&text) } else { text };
            into.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            into.write_all(text.as_bytes()).unwrap();
        }
        into.finish().unwrap();
        let wheel = LocalWheel { package: "a".to_owned(), filename: wheel.filename, path };
        let layout = mlresolve_wheel::Layout::new("/opt/venv", "3.12".parse().unwrap()).unwrap();
        let into = Layout::create(folder.path().join("layers")).unwrap();
        let made = make(&[wheel], &layout, Compression::Gzip, &into, &CancellationToken::default());
        // Of a layer that failed nothing is left.
        let blobs = std::fs::read_dir(folder.path().join("layers/blobs/sha256")).unwrap().count();
        assert_eq!(blobs, usize::from(made.is_ok()));
        made
    }

    #[test]
    fn a_file_that_record_says_otherwise_of_is_in_no_layer() {
        assert_eq!(made(str::to_owned).unwrap().packages[0].files.len(), 5);
        let other = |record: &str| {
            let (hash, rest) = record.split_once(",5\n").unwrap();
            format!("{}AAAA,5\n{rest}", &hash[..hash.len() - 4])
        };
        let error = made(other).unwrap_err();
        assert!(error.is_verification());
        insta::assert_snapshot!(error, @r#"a-1-py3-none-any.whl: cannot put "opt/venv/lib/python3.12/site-packages/a.py" into a layer: has content with another hash than RECORD says"#);
        let error = made(|record| record.replace("a.py,", "b.py,")).unwrap_err();
        assert!(error.is_verification());
        insta::assert_snapshot!(error, @r#"a-1-py3-none-any.whl: has the file "a.py", which is not in RECORD"#);
    }
}
