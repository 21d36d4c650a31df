//! Bases of any files, bytes of any length, and what is left of runs that ended early.

use std::path::{Path, PathBuf};

use mlresolve::layers::oci::{
    BaseImage, Config, Image, ImageConfig, ImageLayer, Index, Layout, Platform, RootFs,
};
use mlresolve::layers::{Compression, Content, LayerFile, Mode};
use serde_json::Value;

use crate::support::Run;

/// A file of a base: its path and its content.
pub(crate) type BaseFile = (String, Vec<u8>);

/// What a base with Python 3.12 has at least.
pub(crate) fn python() -> Vec<BaseFile> {
    let files = [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        ("usr/bin/python3.12", "an interpreter"),
        ("usr/lib/python3.12/os.py", ""),
        ("usr/lib/python3.12/contextvars.py", ""),
    ];
    files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into()
}

/// The same and another file.
pub(crate) fn python_and(path: &str, content: impl Into<Vec<u8>>) -> Vec<BaseFile> {
    let mut files = python();
    files.push((path.to_owned(), content.into()));
    files
}

/// Writes the layout of a base with these files.
pub(crate) fn write_base(path: &Path, files: &[BaseFile]) {
    let file = |(path, bytes): &BaseFile| {
        LayerFile::new(path.clone(), Mode::Executable, Content::Bytes(bytes.clone()))
    };
    let files: Vec<LayerFile> = files.iter().map(file).collect();
    let env = vec!["PATH=/usr/bin:/bin".to_owned()];
    write_image(path, &files, Config { env, ..Config::default() });
}

/// Writes the layout of an image of one layer.
pub(crate) fn write_image(path: &Path, files: &[LayerFile], config: Config) {
    let layout = Layout::create(path).unwrap();
    let layer = layout.add_layer(files, Compression::Gzip).unwrap();
    let Platform { architecture, os, variant } = Platform::linux("amd64");
    let rootfs = RootFs::default();
    let (created, history, other) = (None, Vec::new(), Default::default());
    let config = ImageConfig { created, architecture, os, variant, config, rootfs, history, other };
    let image = Image { config, layers: vec![ImageLayer::from(&layer)], annotations: Default::default() };
    let descriptor = layout.add_image(&image).unwrap();
    layout.write_index(&Index::new(vec![descriptor])).unwrap();
}

/// Opens an image that was written, and reads every layer, which holds each to its digests.
pub(crate) fn read(path: &Path) -> BaseImage {
    let image = BaseImage::open(path, None, &Platform::linux("amd64")).unwrap();
    for at in 0..image.layers.len() {
        std::io::copy(&mut image.read_layer(at).unwrap(), &mut std::io::sink()).unwrap();
    }
    image
}

/// What `build --json` says.
pub(crate) fn report(run: Run) -> Value {
    serde_json::from_str(&run.success().stdout()).unwrap()
}

/// The layers of the one target of `build --json`.
pub(crate) fn layers(report: &Value) -> &[Value] {
    report["targets"][0]["layers"].as_array().unwrap()
}

/// The layer of this package.
pub(crate) fn layer_of<'r>(report: &'r Value, package: &str) -> &'r Value {
    let has = |layer: &&Value| {
        let packages = layer["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
        packages.iter().any(|one| one["name"] == package)
    };
    layers(report).iter().find(has).unwrap()
}

/// Bytes that do not compress, the same every time for one seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    next.take(length).collect()
}

/// The files in a folder and below it, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The unfinished files in a folder and below it.
pub(crate) fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let is_unfinished = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".mlresolve-") || name.ends_with(".part")
    };
    files_below(folder).into_iter().filter(is_unfinished).collect()
}
