//! Images made by hand, document by document.

#![allow(dead_code, clippy::allow_attributes, reason = "each test takes what it needs")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use mlresolve_layers::oci::{Layout, Platform};
use mlresolve_layers::{Compression, Content, Digest, LayerFile, Mode, write_layer};
use serde_json::{Value, json};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A layout whose documents are written as they are given.
pub(crate) struct Made {
    pub(crate) root: PathBuf,
}

pub(crate) fn amd64() -> Platform {
    Platform::linux("amd64")
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// The archive of some files.
pub(crate) fn tar_of(files: &[LayerFile]) -> Vec<u8> {
    let mut blob = Vec::new();
    write_layer(files, Compression::Zstd, &mut blob).unwrap();
    zstd::decode_all(&blob[..]).unwrap()
}

/// The archive of a layer with one file.
pub(crate) fn layer(text: &str) -> Vec<u8> {
    tar_of(&[LayerFile::new("app/file", Mode::Plain, Content::Bytes(text.as_bytes().to_vec()))])
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn blob(builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, bytes).unwrap();
}

pub(crate) fn archive_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        blob(&mut builder, name, bytes);
    }
    builder.into_inner().unwrap()
}

/// The configuration of an image of these layers' archives.
pub(crate) fn config_of(architecture: &str, archives: &[&[u8]]) -> Value {
    let diff_ids: Vec<String> = archives.iter().map(|archive| digest(archive)).collect();
    json!({
        "architecture": architecture, "os": "linux", "config": {"Env": ["PATH=/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": null,
    })
}

pub(crate) fn manifest(config: &Value, layers: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

impl Made {
    pub(crate) fn new(root: PathBuf) -> Self {
        Layout::create(&root).unwrap();
        Self { root }
    }

    /// Keeps bytes, and returns their descriptor.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        fs::write(self.root.join("blobs/sha256").join(Digest::of(bytes).hex()), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
    }

    pub(crate) fn document(&self, media_type: &str, document: &Value) -> Value {
        self.blob(media_type, document.to_string().as_bytes())
    }

    /// An image with a layer for each text, and returns the descriptor of its manifest.
    pub(crate) fn image(&self, architecture: &str, texts: &[&str]) -> Value {
        let archives: Vec<Vec<u8>> = texts.iter().map(|text| layer(text)).collect();
        let config = config_of(architecture, &archives.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let layer =
            |archive: &Vec<u8>| self.blob("application/vnd.oci.image.layer.v1.tar+gzip", &gzip(archive));
        let layers: Vec<Value> = archives.iter().map(layer).collect();
        let manifest = manifest(&self.document(CONFIG, &config), &layers);
        self.document(MANIFEST, &manifest)
    }

    pub(crate) fn index(&self, images: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": images});
        fs::write(self.root.join("index.json"), index.to_string()).unwrap();
    }
}
