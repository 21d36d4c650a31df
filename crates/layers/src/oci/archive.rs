//! A layout as one file that engines load: `docker load`, `podman load`, `skopeo copy oci-archive:`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use serde::Serialize;

use super::layout::{LAYOUT, Layout, LayoutError};
use super::model::{Descriptor, Index, MEDIA_TYPE_MANIFEST};
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

/// Writes the images of an index, which must be in the layout, as a tar archive.
///
/// The archive is an OCI layout and has Docker's `manifest.json` besides, so that engines from before OCI layouts load
/// it as well. It holds what the images refer to and nothing else of the layout, in one order with one time.
///
/// # Errors
/// When a blob is missing or damaged, an image is one for several platforms, or reading or writing fails.
pub fn write_archive(layout: &Layout, index: &Index, mut output: impl Write) -> Result<(), LayoutError> {
    let mut blobs: BTreeSet<(String, u64)> = BTreeSet::new();
    let mut listed = Vec::new();
    let mut add = |descriptor: &Descriptor| -> Result<String, LayoutError> {
        if !layout.has(&descriptor.digest, descriptor.size)? {
            let root = layout.root().to_owned();
            return Err(LayoutError::Blob { digest: descriptor.digest, root });
        }
        let path = format!("blobs/sha256/{}", descriptor.digest.hex());
        blobs.insert((path.clone(), descriptor.size));
        Ok(path)
    };
    for image in index.manifests.iter().filter(|image| image.media_type == MEDIA_TYPE_MANIFEST) {
        add(image)?;
        let manifest = layout.read_manifest(image)?;
        let tag = image.annotations.get(IMAGE_NAME).or_else(|| {
            // Docker takes whole names alone.
            image.annotations.get(REF_NAME).filter(|name| name.contains(':'))
        });
        listed.push(Listed {
            config: add(&manifest.config)?,
            repo_tags: tag.cloned().into_iter().collect(),
            layers: manifest.layers.iter().map(&mut add).collect::<Result<_, _>>()?,
        });
    }

    let document = |error| LayoutError::Document { path: layout.root().to_owned(), error };
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    files.insert("index.json", serde_json::to_vec(index).map_err(document)?);
    files.insert("manifest.json", serde_json::to_vec(&listed).map_err(document)?);
    files.insert("oci-layout", LAYOUT.to_vec());
    let mut entries: Vec<LayerFile> = files
        .into_iter()
        .map(|(path, bytes)| LayerFile::new(path, Mode::Plain, Content::Bytes(bytes)))
        .collect();
    for (path, size) in blobs {
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
                _ => {
                    if io::copy(&mut File::open(&path)?.take(size), &mut output)? != size {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
            output.write_all(&tar::END[..tar::padding(size)])
        };
        copy().map_err(|error| LayoutError::Io { path: path.clone(), error })?;
    }
    let end = output.write_all(&tar::END).and_then(|()| output.flush());
    end.map_err(|error| LayoutError::Io { path: layout.root().to_owned(), error })
}
