//! A recorded slice of a real index: what a resolver reads, and nothing else.
//!
//! The file is zstd-compressed JSON lines: a header `{"mlresolve-recording": 1}`, then one project a line, by name.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::universe::{Project, PublishedFile, Sidecar, Universe, Yanked};

/// The key of the header, whose value is the version of the file format.
const HEADER: &str = "mlresolve-recording";
/// The version of the file format.
const FORMAT: u32 = 1;
/// How hard zstd tries: recordings are written once and kept in the tree.
const COMPRESSION_LEVEL: i32 = 19;
/// Most bytes that a recording inflates to; a recording of ours has a tenth of that.
const MAXIMUM_INFLATED: u64 = 256 << 20;

/// A recorded slice of a real index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The projects by normalized name.
    pub projects: BTreeMap<String, RecordedProject>,
}

/// What was recorded of one project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecordedProject {
    /// The normalized name.
    pub project: String,
    /// The files, in the order of the page.
    pub files: Vec<RecordedFile>,
}

/// What was recorded of one file: the fields of PEP 691 and 700 that a resolver reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecordedFile {
    /// The file name.
    pub filename: String,
    /// When the file was uploaded, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_time: Option<String>,
    /// `Requires-Python` of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_python: Option<String>,
    /// Whether the file was withdrawn.
    #[serde(default, skip_serializing_if = "is_false")]
    pub yanked: bool,
    /// Why the file was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked_reason: Option<String>,
    /// Whether the page offers the metadata beside the file (PEP 658).
    #[serde(default, skip_serializing_if = "is_false")]
    pub core_metadata: bool,
    /// The thinned metadata, of a file whose metadata was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Size of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the file, 64 lowercase hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Why a recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read or written, or is not zstd.
    #[error("the recording `{path}` cannot be read or written: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("line {line} of the recording `{path}` is not a recorded project ({source}); record it again")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// The file inflates to more than any recording.
    #[error(
        "the recording `{path}` inflates to more than {MAXIMUM_INFLATED} bytes (MAXIMUM_INFLATED); drop versions"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The first line is not the header of a format that is known.
    #[error("`{path}` is not a recording of format {FORMAT}; record it again")]
    Format {
        /// The file.
        path: PathBuf,
    },
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// If the file cannot be read, inflates to more than 256 MiB, or is not a recording of the known format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let projects: Vec<RecordedProject> = read_lines(path.as_ref(), HEADER)?;
        Ok(Self {
            projects: projects.into_iter().map(|project| (project.project.clone(), project)).collect(),
        })
    }

    /// Writes the recording; equal recordings give equal bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), RecordingError> {
        write_lines(path.as_ref(), HEADER, self.projects.values())
    }

    /// The recorded slice as an index publishes it, without the content of any file.
    pub fn universe(&self) -> Universe {
        self.projects.values().fold(Universe::new(), |universe, project| universe.insert(project.publish()))
    }
}

impl RecordedProject {
    /// The project as an index publishes it.
    pub(crate) fn publish(&self) -> Project {
        let files = self.files.iter().map(RecordedFile::publish).collect();
        Project { name: self.project.clone(), status: None, files }
    }
}

impl RecordedFile {
    fn publish(&self) -> PublishedFile {
        PublishedFile {
            filename: self.filename.clone(),
            content: None,
            sidecar: match &self.metadata {
                Some(metadata) => Sidecar::Present(metadata.clone().into_bytes()),
                None if self.core_metadata => Sidecar::Unrecorded,
                None => Sidecar::Absent,
            },
            sha256: self.sha256.clone(),
            size: self.size,
            upload_time: self.upload_time.clone(),
            requires_python: self.requires_python.clone(),
            yanked: if self.yanked { Yanked::Yes(self.yanked_reason.clone()) } else { Yanked::No },
        }
    }
}

/// Reads a file of a header with this key, then one `T` a line.
pub(crate) fn read_lines<T: DeserializeOwned>(path: &Path, header: &str) -> Result<Vec<T>, RecordingError> {
    let in_file = |source| RecordingError::File { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(in_file)?;
    let mut text = String::new();
    let decoder = zstd::Decoder::new(file).map_err(in_file)?;
    let length = decoder.take(MAXIMUM_INFLATED + 1).read_to_string(&mut text).map_err(in_file)?;
    if length as u64 > MAXIMUM_INFLATED {
        return Err(RecordingError::TooLarge { path: path.to_owned() });
    }
    let mut lines = text.lines();
    let known = BTreeMap::from([(header.to_owned(), FORMAT)]);
    let found = serde_json::from_str(lines.next().unwrap_or_default());
    if !found.is_ok_and(|found: BTreeMap<String, u32>| found == known) {
        return Err(RecordingError::Format { path: path.to_owned() });
    }
    let parse = |(index, line)| {
        serde_json::from_str(line).map_err(|source| RecordingError::Line {
            path: path.to_owned(),
            line: index + 2,
            source,
        })
    };
    lines.enumerate().map(parse).collect()
}

/// Writes a file of a header with this key, then one `T` a line; equal lines give equal bytes.
pub(crate) fn write_lines<T: Serialize>(
    path: &Path,
    header: &str,
    lines: impl Iterator<Item = T>,
) -> Result<(), RecordingError> {
    let compressed = || {
        let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL)?;
        encoder.long_distance_matching(true)?;
        encoder.include_checksum(true)?;
        serde_json::to_writer(&mut encoder, &BTreeMap::from([(header, FORMAT)]))?;
        encoder.write_all(b"\n")?;
        for line in lines {
            serde_json::to_writer(&mut encoder, &line)?;
            encoder.write_all(b"\n")?;
        }
        encoder.finish()
    };
    compressed()
        .and_then(|bytes| std::fs::write(path, bytes))
        .map_err(|source| RecordingError::File { path: path.to_owned(), source })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Recording {
        let file = |filename: &str, metadata: Option<&str>| RecordedFile {
            filename: filename.to_owned(),
            upload_time: Some("2025-01-01T00:00:00.123456Z".to_owned()),
            requires_python: Some(">=3.9".to_owned()),
            yanked: metadata.is_none(),
            yanked_reason: None,
            core_metadata: true,
            metadata: metadata.map(str::to_owned),
            size: Some(3_000_000_000),
            sha256: Some("0".repeat(64)),
        };
        let project = RecordedProject {
            project: "a".to_owned(),
            files: vec![
                file("a-1.0-py3-none-any.whl", None),
                file("a-2.0-py3-none-any.whl", Some("Metadata-Version: 2.1\nName: a\nVersion: 2.0\n")),
            ],
        };
        Recording { projects: BTreeMap::from([("a".to_owned(), project)]) }
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("recording");
        example().write(&path).unwrap();
        assert_eq!(Recording::load(&path).unwrap(), example());
    }

    #[test]
    fn what_is_no_recording_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("recording");
        let load = |text: &str| {
            std::fs::write(&path, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
            Recording::load(&path).unwrap_err()
        };
        assert!(matches!(load(""), RecordingError::Format { .. }));
        assert!(matches!(load("{\"mlresolve-recording\":2}\n"), RecordingError::Format { .. }));
        assert!(matches!(
            load("{\"mlresolve-recording\":1}\n{\"project\":\"a\",\"files\":[]}\n{}\n"),
            RecordingError::Line { line: 3, .. }
        ));
        std::fs::write(&path, "not zstd").unwrap();
        assert!(matches!(Recording::load(&path), Err(RecordingError::File { .. })));
        assert!(matches!(Recording::load(directory.path().join("none")), Err(RecordingError::File { .. })));
    }

    #[test]
    fn recordings_in_the_tree_can_be_read_and_name_no_hosts() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings");
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let paths: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|extension| extension == "zst")).collect();
        // The one that is no `Recording` has its own test.
        let paths: Vec<PathBuf> =
            paths.into_iter().filter(|path| !path.ends_with("pytorch.jsonl.zst")).collect();
        assert!(!paths.is_empty());
        for path in paths {
            let recording = Recording::load(&path).unwrap();
            for (name, project) in &recording.projects {
                assert_eq!(*name, project.project);
                let text = serde_json::to_string(project).unwrap();
                assert!(!text.contains("://"), "{name} has an address in {}", path.display());
            }
        }
    }
}
