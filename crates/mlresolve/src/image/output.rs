//! Where an image is written: a layout's folder, or an archive. It appears under its name when it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use mlresolve_layers::Digest;
use mlresolve_layers::oci::{
    Descriptor, Index, Layout, LayoutError, MEDIA_TYPE_INDEX, Manifest, remove_leftovers, write_archive,
};

use super::engine::load;
use super::error::ImageError;
use super::request::ImageRequest;
use super::store::Store;
use crate::error::Error;

/// The remark of an index that says under which name an image goes (OCI image specification 1.1, annotations).
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The same with the whole name, as containerd and Docker write it.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// Where an image is written.
pub(crate) enum Output {
    /// A folder that becomes a layout; what was in it of an earlier image goes.
    Folder {
        layout: Layout,
        before: BTreeSet<Digest>,
        /// Whether there was nothing in it.
        is_new: bool,
    },
    /// A file; the parts are among those of the cache.
    Archive { path: PathBuf, parts: Layout },
}

impl Output {
    /// Looks whether an image can be written, before anything is made.
    pub(crate) fn open(request: &ImageRequest, store: &Store) -> Result<Self, Error> {
        let Some(path) = &request.output else {
            return Ok(Self::Archive { path: PathBuf::new(), parts: store.blobs.clone() });
        };
        let refused = |problem: &str| Error::input(path.display().to_string(), problem);
        if path.extension().is_some_and(|extension| extension == "tar") {
            if path.is_dir() {
                return Err(refused("is a folder, and an archive was to be written there"));
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                return Err(refused("the folder that it is to be in is not there"));
            }
            remove_leftovers(folder.unwrap_or(Path::new(".")));
            return Ok(Self::Archive { path: path.clone(), parts: store.blobs.clone() });
        }
        if path.exists() && !path.is_dir() {
            return Err(refused("is a file; a name that ends in .tar gives an archive, any other a folder"));
        }
        let is_new = !path.join("oci-layout").is_file();
        if is_new && !is_begun(path) {
            return Err(refused("is a folder that holds something else; name another one"));
        }
        let layout = Layout::create(path).map_err(ImageError::from)?;
        // Of a layout that was interrupted there is no index.
        let before = layout.read_index().map(|index| parts_of(&layout, &index)).unwrap_or_default();
        Ok(Self::Folder { layout, before, is_new })
    }

    /// Where the parts of images go while they are made.
    pub(crate) fn layout(&self) -> &Layout {
        match self {
            Self::Folder { layout, .. } | Self::Archive { parts: layout, .. } => layout,
        }
    }

    /// Takes away what a run that fails made of a folder in which there was nothing.
    pub(crate) fn abandon(&self) {
        let Self::Folder { layout, is_new: true, .. } = self else { return };
        let root = layout.root();
        // Another run may have been at the same place, and done.
        if !root.join("index.json").exists() {
            drop(fs::remove_dir_all(root.join("blobs")));
            drop(fs::remove_file(root.join("oci-layout")));
            drop(fs::remove_dir(root));
        }
    }

    /// Gives the image its name; returns the digest by which it is known.
    pub(crate) fn finish(&self, request: &ImageRequest, images: Vec<Descriptor>) -> Result<Digest, Error> {
        let (index, digest) = index(self.layout(), request, images)?;
        if let Some(engine) = request.load {
            load(engine, self.layout(), &index)?;
        }
        match self {
            Self::Folder { layout, before, .. } => {
                layout.write_index(&index).map_err(ImageError::from)?;
                let now = parts_of(layout, &index);
                for digest in before.difference(&now) {
                    drop(fs::remove_file(layout.blob_path(digest)));
                }
            }
            Self::Archive { path, parts } if !path.as_os_str().is_empty() => archive(path, parts, &index)?,
            Self::Archive { .. } => {}
        }
        Ok(digest)
    }
}

/// Whether a folder is missing, is empty, or holds no more than a layout that was interrupted at its very beginning.
fn is_begun(folder: &Path) -> bool {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |entry: &fs::DirEntry, wanted: &str| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name == wanted || name.starts_with(".mlresolve-"))
    };
    let blobs = folder.join("blobs");
    entries(folder).all(|entry| is_ours(&entry, "blobs"))
        && entries(&blobs).all(|entry| is_ours(&entry, "sha256"))
        && entries(&blobs.join("sha256")).all(|entry| is_ours(&entry, ""))
}

/// The index of a layout with these images, and the digest by which they are known.
fn index(layout: &Layout, request: &ImageRequest, images: Vec<Descriptor>) -> Result<(Index, Digest), Error> {
    let mut top = match <[Descriptor; 1]>::try_from(images) {
        Ok([only]) => only,
        Err(several) => {
            let list = serde_json::to_vec(&Index::new(several))
                .map_err(|error| Error::Internal(format!("a list of images cannot be written: {error}")))?;
            layout.add_bytes(MEDIA_TYPE_INDEX, &list).map_err(ImageError::from)?
        }
    };
    let digest = top.digest;
    if let Some(tag) = &request.tag {
        let annotations = BTreeMap::from([(REF_NAME, tag), (IMAGE_NAME, tag)]);
        top.annotations =
            annotations.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    }
    Ok((Index::new(vec![top]), digest))
}

/// Writes an archive beside its place and renames it.
fn archive(path: &Path, parts: &Layout, index: &Index) -> Result<(), Error> {
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = mlresolve_layers::oci::temporary_file(folder).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(256 * 1024, file);
    write_archive(parts, index, &mut writer).map_err(|error| match error {
        LayoutError::Io { error, .. } => failed(error),
        error => ImageError::from(error).into(),
    })?;
    writer.flush().map_err(failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    readable_by_all(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn readable_by_all(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

/// The digests of everything that the images of an index consist of, as far as it can be read.
fn parts_of(layout: &Layout, index: &Index) -> BTreeSet<Digest> {
    let mut parts = BTreeSet::new();
    let mut open: Vec<Descriptor> = index.manifests.clone();
    while let Some(descriptor) = open.pop() {
        if !parts.insert(descriptor.digest) {
            continue;
        }
        if descriptor.media_type == MEDIA_TYPE_INDEX {
            open.extend(layout.read_list(&descriptor).into_iter().flat_map(|list| list.manifests));
        } else if let Ok(Manifest { config, layers, .. }) = layout.read_manifest(&descriptor) {
            parts.insert(config.digest);
            parts.extend(layers.iter().map(|layer| layer.digest));
        }
    }
    parts
}
