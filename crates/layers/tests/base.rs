//! Images that others made: layouts, archives of them, and what `docker save` writes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod making;

use std::fs;
use std::io::Read;
use std::path::Path;

use making::{MANIFEST, Made, amd64, archive_of, blob, config_of, digest, layer, tar_of};
use mlresolve_layers::oci::{BaseError, BaseImage, Layout, Platform, write_archive};
use mlresolve_layers::{Content, Digest, LayerFile, Mode};
use serde_json::{Value, json};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn open(path: &Path) -> Result<BaseImage, BaseError> {
    BaseImage::open(path, None, &amd64())
}

#[track_caller]
fn refused(path: &Path, start: &str) -> String {
    let error = open(path).unwrap_err().to_string().replace(&path.display().to_string(), "BASE");
    assert!(error.starts_with(start), "{error}");
    error
}

/// What every base must do: its layers can be read and put into a layout, and an image of them is whole.
#[track_caller]
fn check(image: &BaseImage, texts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let into = Layout::create(folder.path()).unwrap();
    let mut layers = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let mut archive = Vec::new();
        image.read_layer(index).unwrap().read_to_end(&mut archive).unwrap();
        assert_eq!(Digest::of(&archive), image.layers[index].diff_id);
        assert_eq!(archive, layer(text));
        let copied = image.copy_layer(index, &into).unwrap();
        assert_eq!(copied, image.layers[index]);
        assert!(into.has(&copied.descriptor.digest, copied.descriptor.size).unwrap());
        layers.push(copied);
    }
    assert_eq!(image.layers.len(), texts.len());
    let config = image.config.clone();
    into.add_image(&mlresolve_layers::oci::Image { config, layers, annotations: [].into() }).unwrap();
}

#[test]
fn a_layout_of_ours_as_a_folder_and_as_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let manifest = made.image("amd64", &["one", "two"]);
    made.index(std::slice::from_ref(&manifest));
    let image = open(&made.root).unwrap();
    assert_eq!(image.digest.to_string(), manifest["digest"].as_str().unwrap());
    assert_eq!(image.layers[0].descriptor.media_type, GZIP);
    check(&image, &["one", "two"]);

    let layout = Layout::create(&made.root).unwrap();
    let path = folder.path().join("base.tar");
    write_archive(&layout, &layout.read_index().unwrap(), fs::File::create(&path).unwrap()).unwrap();
    let archived = open(&path).unwrap();
    assert_eq!((archived.digest, &archived.layers), (image.digest, &image.layers));
    check(&archived, &["one", "two"]);
}

#[test]
fn a_blob_on_the_same_file_system_gets_a_second_name() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    made.index(&[made.image("amd64", &["one"])]);
    let image = open(&made.root).unwrap();
    let into = Layout::create(folder.path().join("into")).unwrap();
    let copied = image.copy_layer(0, &into).unwrap().descriptor.digest;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let inode =
            |layout: &Path| fs::metadata(layout.join("blobs/sha256").join(copied.hex())).unwrap().ino();
        assert_eq!(inode(&made.root), inode(into.root()));
        // What other users may not read is copied.
        let blob = made.root.join("blobs/sha256").join(copied.hex());
        fs::set_permissions(&blob, PermissionsExt::from_mode(0o600)).unwrap();
        let other = Layout::create(folder.path().join("other")).unwrap();
        image.copy_layer(0, &other).unwrap();
        assert_ne!(inode(&made.root), inode(other.root()));
    }
    // Nothing else is left.
    assert_eq!(fs::read_dir(into.root().join("blobs/sha256")).unwrap().count(), 1);
}

#[test]
fn the_platform_and_the_name_choose() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let (amd, arm) = (made.image("amd64", &["amd"]), made.image("arm64", &["arm"]));
    let provenance = json!({"mediaType": MANIFEST, "digest": digest(b"elsewhere"), "size": 9,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"}});
    let sha512 = json!({"mediaType": "application/vnd.example", "digest": "sha512:00", "size": 1});
    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        with_platform(&amd, "amd64"), with_platform(&arm, "arm64"), provenance, sha512,
        // Archives of several platforms often hold one alone.
        {"mediaType": MANIFEST, "digest": digest(b"not here"), "size": 8, "platform": {"os": "linux", "architecture": "s390x"}},
    ]});
    let mut nested = made.document(INDEX, &list);
    nested["annotations"] = json!({"io.containerd.image.name": "registry.example/base:1"});
    let mut other = made.image("amd64", &["other"]);
    other["annotations"] = json!({"org.opencontainers.image.ref.name": "2"});
    made.index(&[nested.clone(), other.clone()]);

    let of = |reference: Option<&str>, architecture: &str| {
        BaseImage::open(&made.root, reference, &Platform::linux(architecture))
            .map(|image| image.digest.to_string())
            .map_err(|error| error.to_string())
    };
    let known = |value: &Value| Ok(value["digest"].as_str().unwrap().to_owned());
    assert_eq!(of(Some("registry.example/base:1"), "amd64"), known(&amd));
    assert_eq!(of(Some("1"), "arm64"), known(&arm));
    assert_eq!(of(nested["digest"].as_str(), "arm64"), known(&arm));
    assert_eq!(of(Some("2"), "amd64"), known(&other));
    assert_eq!(of(amd["digest"].as_str(), "amd64"), known(&amd));
    assert_eq!(of(None, "arm64"), known(&arm));
    let several = of(None, "amd64").unwrap_err();
    assert!(several.contains("has several images for linux/amd64; say which"), "{several}");
    let none = of(None, "riscv64").unwrap_err();
    assert!(
        none.contains("no image for linux/riscv64; it has: registry.example/base:1 linux/amd64"),
        "{none}"
    );
    let missing = of(None, "s390x").unwrap_err();
    assert!(missing.contains("is of another platform or incomplete"), "{missing}");
}

fn with_platform(descriptor: &Value, architecture: &str) -> Value {
    let mut descriptor = descriptor.clone();
    descriptor["platform"] = json!({"os": "linux", "architecture": architecture, "os.version": "x"});
    descriptor
}

#[test]
fn what_lies_beside_an_image_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let empty = made.document("application/vnd.oci.empty.v1+json", &json!({}));
    let signature = made.document(MANIFEST, &making::manifest(&empty, std::slice::from_ref(&empty)));
    let nowhere = json!({"mediaType": MANIFEST, "digest": digest(b"x"), "size": 1, "platform": {}, "annotations": null});
    let image = made.image("amd64", &["one"]);
    made.index(&[signature, nowhere, image.clone()]);
    assert_eq!(open(&made.root).unwrap().digest.to_string(), image["digest"].as_str().unwrap());
}

#[test]
fn the_types_of_docker_are_translated() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let (plain, packed) = (layer("one"), making::gzip(&layer("two")));
    let config = config_of("amd64", &[&layer("one"), &layer("two")]);
    let docker = |name: &str| format!("application/vnd.docker.{name}");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": docker("distribution.manifest.v2+json"),
        "config": made.document(&docker("container.image.v1+json"), &config),
        "layers": [
            made.blob(&docker("image.rootfs.diff.tar"), &plain),
            made.blob(&docker("image.rootfs.diff.tar.gzip"), &packed),
        ],
    });
    let manifest = made.document(&docker("distribution.manifest.v2+json"), &manifest);
    let list = json!({"schemaVersion": 2, "manifests": [with_platform(&manifest, "amd64")]});
    made.index(&[made.document(&docker("distribution.manifest.list.v2+json"), &list)]);
    let image = open(&made.root).unwrap();
    assert_eq!(image.layers[0].descriptor.media_type, "application/vnd.oci.image.layer.v1.tar");
    assert_eq!(image.layers[1].descriptor.media_type, GZIP);
    check(&image, &["one", "two"]);
}

#[test]
fn layers_of_zstd_and_of_many_gzip_members() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let archive = layer("one");
    let (head, tail) = archive.split_at(700);
    let members = [making::gzip(head), making::gzip(tail)].concat();
    let frames = [zstd::encode_all(head, 3).unwrap(), zstd::encode_all(tail, 3).unwrap()].concat();
    let config = config_of("amd64", &[&archive, &archive]);
    let manifest = making::manifest(
        &made.document(making::CONFIG, &config),
        &[made.blob(GZIP, &members), made.blob("application/vnd.oci.image.layer.v1.tar+zstd", &frames)],
    );
    made.index(&[made.document(MANIFEST, &manifest)]);
    check(&open(&made.root).unwrap(), &["one", "one"]);
}

#[test]
fn nothing_of_a_configuration_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let mut config = config_of("amd64", &[&layer("one")]);
    config["author"] = json!("someone");
    config["os.features"] = json!(["a"]);
    config["config"] = json!({
        "Env": ["PATH=/bin"], "Entrypoint": null, "Volumes": null, "Labels": null, "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000_u64}, "Shell": ["/bin/bash", "-c"],
        "OnBuild": ["RUN true"], "ArgsEscaped": true, "Hostname": "",
    });
    let manifest = making::manifest(
        &made.document(making::CONFIG, &config),
        &[made.blob(GZIP, &making::gzip(&layer("one")))],
    );
    made.index(&[made.document(MANIFEST, &manifest)]);
    let image = open(&made.root).unwrap();
    assert_eq!(image.config.config.other["Healthcheck"]["Interval"], 30_000_000_000_u64);
    assert_eq!(image.config.other["author"], "someone");
    let text = serde_json::to_string(&image.config).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["config"],
        json!({
            "Env": ["PATH=/bin"], "ExposedPorts": {"80/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000_u64}, "Shell": ["/bin/bash", "-c"],
            "OnBuild": ["RUN true"], "ArgsEscaped": true, "Hostname": "",
        })
    );
    // Read and written again, it is the same, byte by byte.
    let again: mlresolve_layers::oci::ImageConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

#[test]
fn what_docker_save_wrote_before_layouts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.tar");
    let config = config_of("amd64", &[&layer("one"), &layer("two"), &layer("one")]).to_string();
    let name = format!("{}.json", Digest::of(config.as_bytes()).hex());
    let saved = json!([{"Config": name, "RepoTags": ["registry.example/a:1"],
        "Layers": ["aa/layer.tar", "bb/layer.tar", "cc/layer.tar"]}]);
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("aa/layer.tar", &layer("one")),
        ("bb/layer.tar", &layer("two")),
        (&*name, &config.clone().into_bytes()),
        ("manifest.json", &saved.to_string().into_bytes()),
        ("repositories", &b"{}".to_vec()),
    ] {
        blob(&mut builder, name, bytes);
    }
    // A layer that is there already is a link.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "cc/layer.tar", "../aa/layer.tar").unwrap();
    fs::write(&path, builder.into_inner().unwrap()).unwrap();

    let image = open(&path).unwrap();
    assert_eq!(image.digest, Digest::of(config.as_bytes()));
    assert_eq!(image.layers[0].descriptor.media_type, "application/vnd.oci.image.layer.v1.tar");
    assert_eq!(image.layers[0].descriptor.digest, image.layers[0].diff_id);
    check(&image, &["one", "two", "one"]);
    let other = BaseImage::open(&path, Some("registry.example/a:2"), &amd64()).unwrap_err().to_string();
    assert!(other.contains("it has: registry.example/a:1 linux/amd64 sha256:"), "{other}");
}

#[test]
fn compressed_layers_in_what_others_save() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.tar");
    let packed = making::gzip(&layer("one"));
    let config = config_of("amd64", &[&layer("one")]).to_string();
    let saved = json!([{"Config": format!("sha256:{}", Digest::of(config.as_bytes()).hex()), "RepoTags": null, "Layers": ["x.tar.gz"]}]);
    let name = saved[0]["Config"].as_str().unwrap().to_owned();
    fs::write(
        &path,
        archive_of(&[
            (&name, config.as_bytes()),
            ("x.tar.gz", &packed),
            ("manifest.json", saved.to_string().as_bytes()),
        ]),
    )
    .unwrap();
    let image = open(&path).unwrap();
    assert_eq!(
        (&*image.layers[0].descriptor.media_type, image.layers[0].descriptor.digest),
        (GZIP, Digest::of(&packed))
    );
    check(&image, &["one"]);
}

#[test]
fn what_is_no_image_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    refused(&folder.path().join("nowhere"), "cannot read BASE: ");
    refused(folder.path(), "BASE is no image: it has no index.json");
    refused(&write("empty", b""), "BASE is no image: it has neither index.json");
    refused(&write("text", &[b'x'; 2000]), "cannot read BASE: there is no header of a tar archive at byte 0");
    let packed = write("base.tar.gz", &making::gzip(&layer("one")));
    refused(
        &packed,
        "BASE is compressed, so nothing can be read in its midst; unpack it first: gzip -dk BASE",
    );
    let exported = tar_of(&[LayerFile::new("etc/passwd", Mode::Plain, Content::Bytes(Vec::new()))]);
    refused(&write("exported", &exported), "BASE is no image: it holds the files of a container");
    for (name, index, start) in [
        ("no JSON", "{", "index.json cannot be used: "),
        (
            "both",
            r#"{"manifests":[],"config":{"digest":"","size":0},"layers":[]}"#,
            "index.json cannot be used: it is a list of images and an image in one",
        ),
        ("twice", r#"{"manifests":[],"manifests":[]}"#, "index.json cannot be used: duplicate field"),
        ("nothing", r#"{"manifests":[]}"#, "BASE has no image for linux/amd64; it has: none"),
        ("schema 1", r#"{"schemaVersion":1}"#, "index.json cannot be used: it is of Docker's schema 1"),
    ] {
        refused(&write(name, &archive_of(&[("index.json", index.as_bytes())])), start);
    }
    let long = vec![b'['; 4 * 1024 * 1024 + 1];
    refused(
        &write("long", &archive_of(&[("index.json", &long)])),
        "index.json is longer than DOCUMENT_BYTES_LIMIT",
    );
    let cut = archive_of(&[("index.json", b"{}")]);
    refused(&write("cut", &cut[..513]), "cannot read BASE: the archive is cut off at byte 513");
}

#[test]
fn damaged_blobs_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    made.index(&[made.image("amd64", &["one"])]);
    let image = open(&made.root).unwrap();
    let into = Layout::create(folder.path().join("into")).unwrap();
    let blob = made.root.join("blobs/sha256").join(image.layers[0].descriptor.digest.hex());
    let mut bytes = fs::read(&blob).unwrap();
    // The time in gzip's header: what is unpacked is the same, and the digest is not.
    bytes[4] ^= 1;
    fs::write(&blob, &bytes).unwrap();
    assert!(matches!(image.copy_layer(0, &into), Err(BaseError::Damaged { .. })));
    assert_eq!(fs::read_dir(into.root().join("blobs/sha256")).unwrap().count(), 0);
    bytes.truncate(bytes.len() / 2);
    fs::write(&blob, &bytes).unwrap();
    assert!(image.read_layer(0).unwrap().read_to_end(&mut Vec::new()).is_err());
    refused(&made.root, &image.layers[0].descriptor.digest.to_string());
    fs::remove_file(&blob).unwrap();
    refused(&made.root, &image.layers[0].descriptor.digest.to_string());

    // A layer whose archive is another one than its configuration names.
    let made = Made::new(folder.path().join("other"));
    let manifest = making::manifest(
        &made.document(making::CONFIG, &config_of("amd64", &[&layer("one")])),
        &[made.blob(GZIP, &making::gzip(&layer("two")))],
    );
    made.index(&[made.document(MANIFEST, &manifest)]);
    let error = open(&made.root).unwrap().read_layer(0).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("and the image has"), "{error}");
}

#[test]
fn manifests_that_are_not_what_they_seem() {
    let folder = tempfile::tempdir().unwrap();
    let packed = making::gzip(&layer("one"));
    let mut count = 0;
    let mut with = |change: &dyn Fn(&Made, &mut Value)| {
        count += 1;
        let made = Made::new(folder.path().join(count.to_string()));
        let config = made.document(making::CONFIG, &config_of("amd64", &[&layer("one")]));
        let mut manifest = making::manifest(&config, &[made.blob(GZIP, &packed)]);
        change(&made, &mut manifest);
        made.index(&[with_platform(&made.document(MANIFEST, &manifest), "amd64")]);
        open(&made.root).map(drop).map_err(|error| error.to_string()).unwrap_err()
    };
    let error = with(&|_, manifest| {
        manifest["layers"][0]["mediaType"] =
            json!("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    });
    assert!(error.contains("nondistributable.v1.tar+gzip\", which cannot be used"), "{error}");
    let error = with(&|_, manifest| {
        manifest["config"]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json");
    });
    assert!(error.contains("it holds \"application/vnd.cncf.helm.config.v1+json\" and no image"), "{error}");
    let error = with(&|_, manifest| manifest["layers"] = json!([]));
    assert!(error.ends_with("it has 0 layers, and its configuration 1"), "{error}");
    let error = with(&|made, manifest| {
        manifest["config"] = made.document(making::CONFIG, &config_of("arm64", &[&layer("one")]));
    });
    assert!(error.contains("no image for linux/amd64; it has: linux/arm64"), "{error}");
    let error = with(&|_, manifest| {
        let one = manifest["layers"][0].clone();
        manifest["layers"] = Value::Array(vec![one; 128]);
    });
    assert!(error.ends_with("has 128 layers, more than LAYERS_LIMIT = 127"), "{error}");
    let error = with(&|_, manifest| manifest["layers"][0]["digest"] = json!("sha512:../../../etc/passwd"));
    assert!(error.ends_with("only digests of SHA-256 are known here"), "{error}");
}

#[test]
fn lists_in_lists_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("layout"));
    let mut entry = made.image("amd64", &["one"]);
    for _ in 0..6 {
        entry = made.document(INDEX, &json!({"schemaVersion": 2, "manifests": [entry]}));
    }
    made.index(&[entry.clone()]);
    refused(&made.root, "there are more than 1000 images, or lists of images in more than 4 others");
    // Each list names the one below it many times over.
    let mut entry = made.image("amd64", &["one"]);
    for _ in 0..3 {
        entry = made.document(INDEX, &json!({"schemaVersion": 2, "manifests": vec![entry; 50]}));
    }
    made.index(&[entry]);
    refused(&made.root, "there are more than 1000 images");
}

#[test]
fn names_in_an_archive_lead_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "[]").unwrap();
    let path = folder.path().join("base.tar");
    for (name, target) in [
        ("an absolute link", secret.to_str().unwrap()),
        ("a link upward", "../secret"),
        ("a link to itself", "manifest.json"),
        ("a link to nothing", "nothing"),
    ] {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "manifest.json", target).unwrap();
        fs::write(&path, builder.into_inner().unwrap()).unwrap();
        let error = refused(&path, "BASE is no image: ");
        assert!(error.contains("neither index.json"), "{name}: {error}");
    }
    let saved = json!([{"Config": "../secret", "RepoTags": [], "Layers": []}]).to_string();
    fs::write(&path, archive_of(&[("manifest.json", saved.as_bytes())])).unwrap();
    refused(&path, "../secret is not in BASE");
}
