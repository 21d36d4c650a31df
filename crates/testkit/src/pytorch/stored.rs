//! The index as a file: zstd-compressed JSON lines, the header `{"mlresolve-pytorch": 1}`, then one wheel a line.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Hash, PyTorchIndex};
use crate::recording::{self, RecordingError};

/// The key of the header, whose value is the version of the file format.
const HEADER: &str = "mlresolve-pytorch";

/// A wheel in the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct StoredWheel {
    sub_indexes: BTreeSet<String>,
    /// Whether the file lies in the channel's root.
    #[serde(default, skip_serializing_if = "recording::is_false")]
    shared: bool,
    project: String,
    filename: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requires_python: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requires_dist: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload_time: Option<String>,
    /// Whether the real index gives a hash. Which one is of no use: the stand-in has its own.
    sha256: bool,
}

impl PyTorchIndex {
    /// Reads an index that [`Self::write`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, inflates to more than 256 MiB, or is not in the known format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let wheels: Vec<StoredWheel> = recording::read_lines(path.as_ref(), HEADER)?;
        Ok(wheels.into_iter().fold(Self::new(), |index, wheel| {
            let sub_indexes: Vec<&str> = wheel.sub_indexes.iter().map(String::as_str).collect();
            let requires_dist: Vec<&str> = wheel.requires_dist.iter().map(String::as_str).collect();
            let requires_python = wheel.requires_python.as_deref();
            let mut index =
                index.add(&sub_indexes, wheel.shared, &wheel.filename, requires_python, &requires_dist);
            let added = index.last();
            assert_eq!(added.project, wheel.project, "the project of a wheel is the one in its file name");
            added.upload_time = wheel.upload_time;
            if !wheel.sha256 {
                added.hash = Hash::None;
            }
            index
        }))
    }

    /// Writes the index; equal indexes give equal bytes. Hashes other than a wheel's own and missing sidecars are for
    /// tests, and are not written.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), RecordingError> {
        let stored = self.wheels.iter().map(|wheel| StoredWheel {
            sub_indexes: wheel.sub_indexes.clone(),
            shared: wheel.shared,
            project: wheel.project.clone(),
            filename: wheel.filename.clone(),
            requires_python: wheel.requires_python.clone(),
            requires_dist: wheel.requires_dist.clone(),
            upload_time: wheel.upload_time.clone(),
            sha256: wheel.hash != Hash::None,
        });
        recording::write_lines(path.as_ref(), HEADER, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> PyTorchIndex {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/pytorch.jsonl.zst");
        PyTorchIndex::load(path).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index");
        let index = PyTorchIndex::new()
            .wheel("cpu", "torch-2.9.1+cpu-cp312-cp312-linux_x86_64.whl", Some(">=3.10"), &["sympy>=1.13"])
            .upload_time("2025-11-12T15:21:57Z")
            .shared_wheel(&["cpu", "cu128"], "triton-3.5.1-cp312-cp312-linux_x86_64.whl", None, &[])
            .without_hash();
        index.write(&path).unwrap();
        let read = PyTorchIndex::load(&path).unwrap();
        assert_eq!(format!("{:?}", read.wheels), format!("{:?}", index.wheels));
        assert!(matches!(crate::Recording::load(&path), Err(RecordingError::Format { .. })));
    }

    #[test]
    fn the_index_in_the_tree_has_its_known_traits() {
        let index = recorded();
        // Where a variant ends, its sub-index does: cu124 has nothing after 2.6.0.
        assert_eq!(
            index.filenames("cu124", "torch").last(),
            Some(&"torch-2.6.0+cu124-cp312-cp312-linux_x86_64.whl")
        );
        // macOS has its wheels on `cpu` alone, without a local version.
        let cpu = index.filenames("cpu", "torch");
        assert!(cpu.contains(&"torch-2.9.1-cp312-none-macosx_11_0_arm64.whl"), "{cpu:?}");
        assert!(cpu.contains(&"torch-2.9.1+cpu-cp312-cp312-manylinux_2_28_x86_64.whl"), "{cpu:?}");
        // One triton for all of CUDA, at one address; ROCm has its own.
        let triton = "triton-3.5.1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl";
        for sub_index in ["cpu", "cu126", "cu128", "cu130"] {
            assert!(index.filenames(sub_index, "triton").contains(&triton), "{sub_index}");
        }
        assert!(index.filenames("rocm6.4", "triton").is_empty());
        // Two wheels of one version differ in what they require: torch 2.6.0+cu126 names no nvidia-* at all.
        let requires = |path: &str| index.find(path).unwrap().requires_dist.join(" ");
        assert!(
            !requires("cu126/torch-2.6.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl").contains("nvidia-")
        );
        assert!(requires("cu124/torch-2.6.0+cu124-cp312-cp312-linux_x86_64.whl").contains("nvidia-"));
        // Some files have no hash, some no upload time.
        assert!(index.wheels.iter().any(|wheel| wheel.hash == Hash::None));
        assert!(index.wheels.iter().any(|wheel| wheel.upload_time.is_some()));
        assert!(index.wheels.iter().any(|wheel| wheel.upload_time.is_none()));
        for wheel in &index.wheels {
            assert_eq!(wheel.distribution().filename, wheel.filename);
        }
    }
}
