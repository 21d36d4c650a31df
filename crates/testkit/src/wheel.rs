//! Wheels: small, valid, and the same bytes every time.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::encoding::sha256_record;
use crate::metadata::Metadata;
use crate::{Distribution, normalize};

/// Builds a wheel (PEP 427) that pip can install. The same calls give the same bytes on every machine.
///
/// ```
/// # use mlresolve_testkit::WheelBuilder;
/// let wheel = WheelBuilder::new("flash-attn", "2.8.0")
///     .requires("torch>=2.8")
///     .tag("cp312-cp312-manylinux_2_28_x86_64")
///     .file("flash_attn/__init__.py", b"")
///     .build();
/// assert_eq!(wheel.filename, "flash_attn-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until it is built"]
pub struct WheelBuilder {
    metadata: Metadata,
    raw_metadata: Option<Vec<u8>>,
    tag: String,
    build_tag: Option<String>,
    files: BTreeMap<String, Vec<u8>>,
    dist_info: BTreeMap<String, Vec<u8>>,
    stored: bool,
}

impl WheelBuilder {
    /// A `py3-none-any` wheel of `name` `version` with nothing inside but its `.dist-info`.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            metadata: Metadata::new(name, version),
            raw_metadata: None,
            tag: "py3-none-any".to_owned(),
            build_tag: None,
            files: BTreeMap::new(),
            dist_info: BTreeMap::new(),
            stored: false,
        }
    }

    pub(crate) fn from_metadata(metadata: Metadata) -> Self {
        Self { metadata, ..Self::new("", "") }
    }

    /// Adds a `Requires-Dist`.
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.requires.push(requirement.to_owned());
        self
    }

    /// Adds a `Requires-Dist` that holds with `extra` only, and its `Provides-Extra`.
    pub fn extra_requires(mut self, extra: &str, requirement: &str) -> Self {
        self.metadata.extra_requires(extra, requirement);
        self
    }

    /// Drops every `Requires-Dist` so far, for a wheel that differs from its siblings.
    pub fn clear_requires(mut self) -> Self {
        self.metadata.requires.clear();
        self
    }

    /// Adds a `Provides-Extra`.
    pub fn extra(mut self, extra: &str) -> Self {
        self.metadata.offer_extra(extra);
        self
    }

    /// Sets `Requires-Python`.
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.metadata.requires_python = Some(specifiers.to_owned());
        self
    }

    /// Sets the compatibility tag, possibly compressed (`py2.py3-none-any`).
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// Sets the build tag, which orders wheels of one version and tag (`1`, `2_cuda`).
    pub fn build_tag(mut self, build_tag: &str) -> Self {
        self.build_tag = Some(build_tag.to_owned());
        self
    }

    /// Adds a file at `path` inside the wheel.
    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), bytes.as_ref().to_vec());
        self
    }

    /// Adds a file to the `.dist-info` directory, such as `entry_points.txt`.
    pub fn dist_info_file(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.dist_info.insert(name.to_owned(), bytes.as_ref().to_vec());
        self
    }

    /// Sets `Metadata-Version`; 2.1 if never called.
    pub fn metadata_version(mut self, metadata_version: &str) -> Self {
        metadata_version.clone_into(&mut self.metadata.metadata_version);
        self
    }

    /// Replaces the whole of `METADATA`, for what no well-behaved tool writes.
    pub fn raw_metadata(mut self, metadata: impl AsRef<[u8]>) -> Self {
        self.raw_metadata = Some(metadata.as_ref().to_vec());
        self
    }

    /// Stores the entries instead of deflating them.
    pub fn stored(mut self) -> Self {
        self.stored = true;
        self
    }

    /// The file name of the wheel.
    #[must_use]
    pub fn filename(&self) -> String {
        let build_tag = self.build_tag.as_deref().map(|tag| format!("-{tag}")).unwrap_or_default();
        format!("{}{build_tag}-{}.whl", self.stem(), self.tag)
    }

    /// Makes the wheel.
    #[must_use]
    pub fn build(self) -> Distribution {
        let filename = self.filename();
        let dist_info = format!("{}.dist-info", self.stem());
        let wheel = self.wheel_file();
        let metadata = self.raw_metadata.unwrap_or_else(|| self.metadata.render().into_bytes());

        // PEP 427 recommends `.dist-info` last, so that METADATA can be found by reading the end of the archive.
        let mut entries: Vec<(String, Vec<u8>)> = self.files.into_iter().collect();
        let mut described = self.dist_info;
        described.insert("METADATA".to_owned(), metadata.clone());
        described.insert("WHEEL".to_owned(), wheel.into_bytes());
        entries.extend(described.into_iter().map(|(name, bytes)| (format!("{dist_info}/{name}"), bytes)));

        let record_path = format!("{dist_info}/RECORD");
        let mut record: String = entries
            .iter()
            .map(|(path, bytes)| format!("{path},sha256={},{}\n", sha256_record(bytes), bytes.len()))
            .collect();
        record.push_str(&format!("{record_path},,\n"));
        entries.push((record_path, record.into_bytes()));

        Distribution { filename, bytes: archive(&entries, self.stored), metadata }
    }

    /// The name and version as a file name writes them.
    fn stem(&self) -> String {
        format!("{}-{}", normalize(&self.metadata.name).replace('-', "_"), self.metadata.version)
    }

    /// The `WHEEL` file, one `Tag` line for each tag of a compressed set.
    fn wheel_file(&self) -> String {
        let mut text = "Wheel-Version: 1.0\nGenerator: mlresolve-testkit\n".to_owned();
        let parts: Vec<&str> = self.tag.split('-').collect();
        let &[python, abi, platform] = parts.as_slice() else {
            panic!("a wheel tag has three parts, PYTHON-ABI-PLATFORM, unlike `{}`", self.tag);
        };
        text.push_str(&format!("Root-Is-Purelib: {}\n", platform == "any"));
        for python in python.split('.') {
            for abi in abi.split('.') {
                for platform in platform.split('.') {
                    text.push_str(&format!("Tag: {python}-{abi}-{platform}\n"));
                }
            }
        }
        if let Some(build_tag) = &self.build_tag {
            text.push_str(&format!("Build: {build_tag}\n"));
        }
        text
    }
}

/// A zip of the entries in their order, every time stamp 1980-01-01.
pub(crate) fn archive(entries: &[(String, Vec<u8>)], stored: bool) -> Vec<u8> {
    let method = if stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in entries {
        archive
            .start_file(path, options)
            .and_then(|()| Ok(archive.write_all(bytes)?))
            .unwrap_or_else(|error| panic!("the entry `{path}` cannot be written: {error}"));
    }
    archive.finish().expect("an archive in memory can be finished").into_inner()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn read(wheel: &Distribution, path: &str) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(&wheel.bytes)).unwrap();
        let mut text = String::new();
        archive.by_name(path).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_wheel_describes_itself() {
        let wheel = WheelBuilder::new("Flash.Attn", "2.8.0+cu12")
            .requires("torch>=2.8")
            .extra_requires("test", "pytest")
            .requires_python(">=3.9")
            .tag("cp311.cp312-abi3-manylinux_2_17_x86_64")
            .build_tag("1")
            .file("flash_attn/__init__.py", b"")
            .dist_info_file("entry_points.txt", "[console_scripts]\nflash = flash_attn:main\n")
            .build();
        assert_eq!(wheel.filename, "flash_attn-2.8.0+cu12-1-cp311.cp312-abi3-manylinux_2_17_x86_64.whl");
        assert_eq!(
            read(&wheel, "flash_attn-2.8.0+cu12.dist-info/METADATA"),
            "Metadata-Version: 2.1\nName: Flash.Attn\nVersion: 2.8.0+cu12\nRequires-Python: >=3.9\n\
             Requires-Dist: torch>=2.8\nRequires-Dist: pytest ; extra == \"test\"\nProvides-Extra: test\n"
        );
        assert_eq!(
            read(&wheel, "flash_attn-2.8.0+cu12.dist-info/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: mlresolve-testkit\nRoot-Is-Purelib: false\n\
             Tag: cp311-abi3-manylinux_2_17_x86_64\nTag: cp312-abi3-manylinux_2_17_x86_64\nBuild: 1\n"
        );
        let record = read(&wheel, "flash_attn-2.8.0+cu12.dist-info/RECORD");
        let paths: Vec<&str> = record.lines().filter_map(|line| line.split(',').next()).collect();
        assert_eq!(
            paths,
            [
                "flash_attn/__init__.py",
                "flash_attn-2.8.0+cu12.dist-info/METADATA",
                "flash_attn-2.8.0+cu12.dist-info/WHEEL",
                "flash_attn-2.8.0+cu12.dist-info/entry_points.txt",
                "flash_attn-2.8.0+cu12.dist-info/RECORD",
            ]
        );
        assert!(record.contains("__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"));
    }

    #[test]
    fn the_same_calls_in_another_order_give_the_same_bytes() {
        let first = WheelBuilder::new("a", "1").file("a.py", "1").file("b.py", "2").build();
        let second = WheelBuilder::new("a", "1").file("b.py", "2").file("a.py", "1").build();
        assert_eq!(first.bytes, second.bytes);
        assert_ne!(first.bytes, WheelBuilder::new("a", "1").file("a.py", "3").build().bytes);
    }

    #[test]
    fn raw_metadata_is_kept_to_the_byte() {
        let wheel = WheelBuilder::new("a", "1").raw_metadata(b"\xff not text").stored().build();
        assert_eq!(wheel.metadata, b"\xff not text");
        assert!(wheel.bytes.windows(10).any(|window| window == b"\xff not text"));
    }
}
