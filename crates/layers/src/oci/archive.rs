//! A layout as one file that engines load: `docker load`, `podman load`, `skopeo copy oci-archive:`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::layout::{LAYOUT, Layout, LayoutError};
use super::model::{Descriptor, Index, MEDIA_TYPE_INDEX};
use crate::digest::Digest;
use crate::file::{Content, LayerFile, Mode};
use crate::{tar, tree};

/// The remark of an index that says under which tag an image goes.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The same remark with the whole name, as containerd and Docker write it.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// An image as `docker save` lists it (Docker image specification 1.2, `manifest.json`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// The blobs of an archive, by their paths, with their lengths.
struct Blobs<'a> {
    layout: &'a Layout,
    found: BTreeSet<(String, u64)>,
}

impl Blobs<'_> {
    /// Adds a blob, and gives its path.
    fn add(&mut self, descriptor: &Descriptor) -> Result<String, LayoutError> {
        if !self.layout.holds(&descriptor.digest, descriptor.size) {
            let root = self.layout.root().to_owned();
            return Err(LayoutError::Blob { digest: descriptor.digest, root });
        }
        let path = format!("blobs/sha256/{}", descriptor.digest.hex());
        self.found.insert((path.clone(), descriptor.size));
        Ok(path)
    }

    /// Adds all that an image consists of.
    fn add_image(&mut self, image: &Descriptor) -> Result<Listed, LayoutError> {
        self.add(image)?;
        let manifest = self.layout.read_manifest(image)?;
        let tag = image.annotations.get(IMAGE_NAME).or_else(|| {
            // Docker takes whole names alone.
            image.annotations.get(REF_NAME).filter(|name| name.contains(':'))
        });
        Ok(Listed {
            config: self.add(&manifest.config)?,
            repo_tags: tag.cloned().into_iter().collect(),
            layers: manifest.layers.iter().map(|layer| self.add(layer)).collect::<Result<_, _>>()?,
        })
    }
}

/// Writes the images of an index, which must be in the layout, as a tar archive.
///
/// The archive is an OCI layout and has Docker's `manifest.json` besides, so that engines from before OCI layouts load
/// it as well; one image for several platforms is not in that, which knows none. It holds what the images refer to and
/// nothing else of the layout, in one order with one time.
///
/// # Errors
/// When a blob is missing or damaged, or reading or writing fails. What was written is then worthless.
pub fn write_archive(layout: &Layout, index: &Index, mut output: impl Write) -> Result<(), LayoutError> {
    let mut blobs = Blobs { layout, found: BTreeSet::new() };
    let mut listed = Vec::new();
    for image in &index.manifests {
        if image.media_type == MEDIA_TYPE_INDEX {
            blobs.add(image)?;
            for platform in layout.read_list(image)?.manifests {
                blobs.add_image(&platform)?;
            }
        } else {
            listed.push(blobs.add_image(image)?);
        }
    }

    let document = |error| LayoutError::Document { path: layout.root().to_owned(), error };
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    files.insert("index.json", serde_json::to_vec(index).map_err(document)?);
    if !listed.is_empty() {
        files.insert("manifest.json", serde_json::to_vec(&listed).map_err(document)?);
    }
    files.insert("oci-layout", LAYOUT.to_vec());
    let mut entries: Vec<LayerFile> = files
        .into_iter()
        .map(|(path, bytes)| LayerFile::new(path, Mode::Plain, Content::Bytes(bytes)))
        .collect();
    for (path, size) in blobs.found {
        let source = Arc::new(Vec::new());
        entries.push(LayerFile::new(
            path,
            Mode::Plain,
            Content::Stored { source, offset: 0, size, crc32: 0 },
        ));
    }
    for entry in tree::entries(&entries)? {
        let path = layout.root().join(&entry.path);
        let mut copy = || -> io::Result<()> {
            output.write_all(&tar::header(&entry))?;
            let size = entry.content.size();
            match &entry.content {
                Content::Bytes(bytes) => output.write_all(bytes)?,
                Content::Directory => {}
                // A blob is verified while it is copied, and not read twice for it.
                _ => {
                    let mut blob = Hashing { output: &mut output, hasher: Sha256::new() };
                    let length = io::copy(&mut File::open(&path)?.take(size), &mut blob)?;
                    let digest = Digest::finish(blob.hasher);
                    if length != size || !entry.path.ends_with(&digest.hex()) {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                }
            }
            output.write_all(&tar::END[..tar::padding(size)])
        };
        copy().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => damaged(layout, &entry.path),
            _ => LayoutError::Io { path: path.clone(), error },
        })?;
    }
    let end = output.write_all(&tar::END).and_then(|()| output.flush());
    end.map_err(|error| LayoutError::Io { path: layout.root().to_owned(), error })
}

/// The error for a blob, by its path, that is not what its name says.
fn damaged(layout: &Layout, path: &str) -> LayoutError {
    let name = path.rsplit('/').next().unwrap_or(path);
    let root = layout.root().to_owned();
    match format!("sha256:{name}").parse() {
        Ok(digest) => LayoutError::Blob { digest, root },
        // Every path was made of a digest.
        Err(_) => LayoutError::Io { path: root.join(path), error: io::ErrorKind::InvalidData.into() },
    }
}

/// Hashes what goes by.
struct Hashing<'a, W> {
    output: &'a mut W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
