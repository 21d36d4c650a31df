//! Bases that are made for a test, and what is in the images on them.

use std::path::Path;

use mlresolve::layers::listing::{ListedKind, list_layer};
use mlresolve::layers::oci::{BaseImage, Config, Platform};
use mlresolve::layers::{Content, LayerFile, Mode};

use crate::bases::write_image;

/// A file of a base: a path with its text, or with `-> TARGET` where it is a link.
type File<'a> = (&'a str, &'a str);

/// What a base with Python 3.12 has.
pub(crate) const PYTHON: [File<'static>; 6] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
    ("etc/group", "root:x:0:\n"),
    ("usr/bin/python3.12", "an interpreter"),
    ("usr/bin/python3", "-> python3.12"),
    ("usr/lib/python3.12/os.py", ""),
    ("usr/lib/python3.12/contextvars.py", ""),
];

/// Writes the layout of a base with these files.
pub(crate) fn write_base(path: &Path, files: &[File<'_>]) {
    write_base_with(path, files, &["PATH=/usr/bin:/bin", "LANG=C.UTF-8"]);
}

/// The same with these variables.
pub(crate) fn write_base_with(path: &Path, files: &[File<'_>], variables: &[&str]) {
    let file = |(path, text): &File<'_>| {
        let content = match text.strip_prefix("-> ") {
            Some(target) => Content::Symlink(target.to_owned()),
            None => Content::Bytes(text.as_bytes().to_vec()),
        };
        LayerFile::new(*path, Mode::Executable, content)
    };
    let files: Vec<LayerFile> = files.iter().map(file).collect();
    let env = variables.iter().map(|variable| (*variable).to_owned()).collect();
    let labels = [("vendor".to_owned(), "a test".to_owned())].into();
    write_image(path, &files, Config { env, labels, ..Config::default() });
}

/// Opens an image that was written.
pub(crate) fn open(path: &Path) -> BaseImage {
    BaseImage::open(path, None, &Platform::linux("amd64")).unwrap()
}

/// The entries of a layer, one to a line: permissions, owner, length, path.
pub(crate) fn listed(image: &BaseImage, layer: usize) -> String {
    let listing = list_layer(image.read_layer(layer).unwrap(), &mut |_, _, _| Ok(None)).unwrap();
    let lines = listing.entries.iter().map(|entry| {
        let what = match &entry.kind {
            ListedKind::File { size, .. } => format!("{size:>5} {}", entry.path),
            ListedKind::Directory => format!("    / {}", entry.path),
            ListedKind::Symlink { target } => format!("    > {} -> {target}", entry.path),
            other => format!("{other:?} {}", entry.path),
        };
        format!("{:o} {}:{} {what}", entry.mode, entry.user, entry.group)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text of a file in a layer.
pub(crate) fn text(image: &BaseImage, layer: usize, path: &str) -> String {
    let mut found = None;
    let mut look = |here: &str, _: u64, content: &mut dyn std::io::Read| {
        if here == path {
            let mut text = String::new();
            content.read_to_string(&mut text)?;
            found = Some(text);
        }
        Ok(None)
    };
    list_layer(image.read_layer(layer).unwrap(), &mut look).unwrap();
    found.unwrap_or_else(|| panic!("{path} is not in layer {layer}"))
}
