//! A layer of installed wheels. Its bytes follow from the wheels, the prefix and Python's version: nothing else is asked.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mlresolve_layers::oci::Layout;
use mlresolve_layers::{Compression, Content, Layer, LayerError, LayerFile, Mode, ReadAt, Witness};
use mlresolve_wheel::{ContentCheck, FileSource, InstallPlan, Limits, Method, PlannedFile, Wheel};
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
    for wheel in wheels {
        let (plan, source) = planned(wheel, layout)?;
        packages.push(installed(&wheel.package, &plan, layout));
        for file in plan.files {
            let path = below_root(layout, &file.path);
            files.push(layer_file(path.clone(), &file, &source));
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
    let mut verifier = Verifier { checks: &checks, open: None, cancellation };
    let layer = into.add_layer_before(&mut verifier, &files, compression).map_err(|error| {
        use mlresolve_layers::oci::LayoutError;
        match error {
            LayoutError::Layer(source) if !matches!(source, LayerError::Write(_)) => {
                ImageError::Content { package: named(wheels), source }
            }
            error => error.into(),
        }
    })?;
    Ok(PackageLayer { layer, packages })
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
) -> Result<(InstallPlan, Arc<dyn ReadAt>), ImageError> {
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
    };
    InstalledPackage {
        name: name.to_owned(),
        installed_bytes: plan.files.iter().map(|file| file.size).sum(),
        compressed_bytes: plan.files.iter().map(compressed).sum(),
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
        files: plan.files.iter().map(listed).collect(),
    }
}

/// Holds every file to RECORD while it is written.
struct Verifier<'a> {
    checks: &'a HashMap<String, PlannedFile>,
    /// The check of the file that is being written, and the first fault that was found.
    open: Option<(ContentCheck, Result<(), mlresolve_wheel::EntryFault>)>,
    cancellation: &'a CancellationToken,
}

impl Witness for Verifier<'_> {
    fn begin(&mut self, path: &str) {
        self.open = self
            .checks
            .get(path)
            .map(|file| (ContentCheck::new(file.size, file.crc32, Some(file.hash.clone())), Ok(())));
    }

    fn piece(&mut self, bytes: &[u8]) {
        if let Some((check, found)) = &mut self.open
            && found.is_ok()
        {
            *found = check.update(bytes);
        }
    }

    fn end(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.cancellation.is_cancelled() {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        if let Some((check, found)) = self.open.take() {
            found.and_then(|()| check.finish())?;
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
