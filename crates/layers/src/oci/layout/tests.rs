//! Layouts: what is written, what is written again, and what is refused.

use std::io::Read;

use super::super::{Config, History, RootFs, write_archive};
use super::*;
use crate::file::{Content, Mode};

fn files(text: &str) -> Vec<LayerFile> {
    vec![LayerFile::new("app/main.py", Mode::Plain, Content::Bytes(text.as_bytes().to_vec()))]
}

fn image(layers: &[Layer]) -> Image {
    let text = |text: &str| text.to_owned();
    let step = |name: &str| History {
        created: Some(text("1980-01-01T00:00:00Z")),
        created_by: Some(format!("mlresolve: {name}")),
        ..History::default()
    };
    Image {
        config: ImageConfig {
            created: Some(text("1980-01-01T00:00:00Z")),
            architecture: text("amd64"),
            os: text("linux"),
            variant: None,
            config: Config {
                user: Some(text("65532")),
                env: vec![text("PATH=/opt/venv/bin")],
                entrypoint: Some(vec![text("python")]),
                cmd: Some(vec![text("/app/main.py")]),
                labels: [(text("z"), text("1")), (text("a"), text("2"))].into(),
                ..Config::default()
            },
            rootfs: RootFs::default(),
            history: vec![step("torch"), step("app")],
            other: BTreeMap::new(),
        },
        layers: layers.iter().map(ImageLayer::from).collect(),
        annotations: BTreeMap::new(),
    }
}

/// A layout with one image of two layers, under a tag.
fn written(root: &Path) -> (Layout, Index) {
    let layout = Layout::create(root).unwrap();
    let layers = ["torch", "app"].map(|text| layout.add_layer(&files(text), Compression::Gzip).unwrap());
    let mut descriptor = layout.add_image(&image(&layers)).unwrap();
    descriptor
        .annotations
        .insert("org.opencontainers.image.ref.name".to_owned(), "registry.example/app:1".to_owned());
    let index = Index::new(vec![descriptor]);
    layout.write_index(&index).unwrap();
    (layout, index)
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(folder).unwrap().to_owned();
                found.insert(path, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_same_image_is_the_same_everywhere() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (layout, index) = written(first.path());
    written(second.path());
    let files = tree(first.path());
    assert_eq!(files, tree(second.path()));
    // Two layers, the configuration, the manifest, the index and the mark of a layout.
    assert_eq!(files.len(), 6);
    // Once more into the same folder: nothing changes.
    written(first.path());
    assert_eq!(files, tree(first.path()));
    assert_eq!(layout.read_index().unwrap(), index);
}

#[test]
fn the_documents_are_as_the_specification_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, index) = written(folder.path());
    let manifest = layout.read_manifest(&index.manifests[0]).unwrap();
    let config = fs::read_to_string(layout.blob_path(&manifest.config.digest)).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["rootfs"]["type"], "layers");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    assert_eq!(config["config"]["User"], "65532");
    assert_eq!(config["config"]["Cmd"][0], "/app/main.py");
    assert_eq!(config["history"][1]["created_by"], "mlresolve: app");
    assert_eq!(manifest.layers[0].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
    let text = fs::read_to_string(folder.path().join("index.json")).unwrap();
    assert_eq!(
        text,
        format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{},"platform":{{"architecture":"amd64","os":"linux"}},"annotations":{{"org.opencontainers.image.ref.name":"registry.example/app:1"}}}}]}}"#,
            index.manifests[0].digest, index.manifests[0].size
        )
    );
}

#[test]
fn a_damaged_blob_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let layer = layout.add_layer(&files("x"), Compression::Gzip).unwrap();
    assert!(layout.has(&layer.digest, layer.size).unwrap());
    let path = layout.blob_path(&layer.digest);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(!layout.has(&layer.digest, layer.size).unwrap());
    let other = tempfile::tempdir().unwrap();
    let other = Layout::create(other.path()).unwrap();
    let taken = other.take(&layout, &layer.digest, layer.size, false);
    assert!(matches!(taken, Err(LayoutError::Blob { .. })));
    assert!(matches!(other.add_image(&image(&[layer])), Err(LayoutError::Blob { .. })));
    // Made again, it is whole again.
    layout.add_layer(&files("x"), Compression::Gzip).unwrap();
    assert!(layout.has(&layer.digest, layer.size).unwrap());
}

#[test]
fn a_failing_layer_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let twice = [files("a"), files("b")].concat();
    assert!(matches!(layout.add_layer(&twice, Compression::Gzip), Err(LayoutError::Layer(_))));
    assert_eq!(tree(folder.path()).len(), 1);
}

#[test]
fn the_archive_has_all_and_is_the_same_everywhere() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archives = [&first, &second].map(|folder| {
        let (layout, index) = written(folder.path());
        // What no image refers to stays out.
        layout.add_bytes("text/plain", folder.path().to_str().unwrap().as_bytes()).unwrap();
        let mut bytes = Vec::new();
        write_archive(&layout, &index, &mut bytes).unwrap();
        bytes
    });
    assert_eq!(archives[0], archives[1]);
    let mut names = Vec::new();
    let mut listed = String::new();
    for entry in tar::Archive::new(&archives[0][..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        if name == "manifest.json" {
            entry.read_to_string(&mut listed).unwrap();
        }
        names.push(name.get(..13).unwrap_or(&name).to_owned());
    }
    let blob = "blobs/sha256/";
    assert_eq!(names, ["blobs/", blob, blob, blob, blob, blob, "index.json", "manifest.json", "oci-layout"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["RepoTags"][0], "registry.example/app:1");
    assert_eq!(listed[0]["Layers"].as_array().unwrap().len(), 2);
}

#[test]
fn a_blob_is_taken_over_from_another_layout() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [cache, layout] = folders.each_ref().map(|folder| Layout::create(folder.path()).unwrap());
    let layer = cache.add_layer(&files("x"), Compression::Gzip).unwrap();
    for is_verified in [true, false, false] {
        layout.take(&cache, &layer.digest, layer.size, is_verified).unwrap();
        assert!(layout.has(&layer.digest, layer.size).unwrap());
    }
    // A damaged copy of one's own is replaced by a whole one.
    let path = layout.blob_path(&layer.digest);
    fs::remove_file(&path).unwrap();
    fs::write(&path, vec![0; layer.size as usize]).unwrap();
    layout.take(&cache, &layer.digest, layer.size, false).unwrap();
    assert!(layout.has(&layer.digest, layer.size).unwrap());
    let missing = Digest::of(b"missing");
    assert!(matches!(layout.take(&cache, &missing, 1, true), Err(LayoutError::Blob { .. })));
}

#[test]
fn what_a_killed_run_left_goes_with_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let left = layout.blobs().join(".mlresolve-killed");
    fs::write(&left, "half a layer").unwrap();
    let mut others = layout.temporary(&layout.blobs()).unwrap();
    others.write_all(b"of a run that goes on").unwrap();
    Layout::create(folder.path()).unwrap();
    assert!(!left.exists());
    assert!(others.path().exists());
}
