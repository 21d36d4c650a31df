//! An in-memory package index: what is published, and nothing about how it is served.

mod release;
mod text;

use std::collections::BTreeMap;

pub use self::release::Release;
use crate::encoding::sha256_hex;
use crate::{Distribution, normalize};

/// The time every file was uploaded unless a test says otherwise.
pub(crate) const DEFAULT_UPLOAD_TIME: &str = "2024-01-01T00:00:00Z";

/// Everything that an index publishes.
///
/// ```
/// # use mlresolve_testkit::Universe;
/// let universe = Universe::new()
///     .package("a", "1.0", |release| release.requires("b>=2"))
///     .package("b", "2.0", |release| release.yanked("broken"))
///     .text("c 1.0 1.1: a, b[x]>=2; python>=3.9");
/// assert_eq!(universe.project("c").unwrap().files.len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a universe is of use when it is served"]
pub struct Universe {
    projects: BTreeMap<String, Project>,
}

/// One project of an index.
#[derive(Clone, Debug)]
pub struct Project {
    /// The normalized name.
    pub name: String,
    /// What the index says of the project as a whole (PEP 792).
    pub status: Option<Status>,
    /// Its files, in the order of publication.
    pub files: Vec<PublishedFile>,
}

/// What an index says of a project as a whole (PEP 792).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `active`, `archived`, `quarantined` or `deprecated`.
    pub marker: String,
    /// The reason given, if any.
    pub reason: Option<String>,
}

/// One file of a project. Its fields are what the index says, which a test may make untrue.
#[derive(Clone, Debug)]
pub struct PublishedFile {
    /// The file name.
    pub filename: String,
    /// The archive; `None` where only what a resolver reads is known.
    pub content: Option<Vec<u8>>,
    /// The metadata served beside the file.
    pub sidecar: Sidecar,
    /// SHA-256 of the archive, 64 lowercase hexadecimal digits.
    pub sha256: Option<String>,
    /// Size of the archive in bytes.
    pub size: Option<u64>,
    /// When the file was uploaded, RFC 3339 in UTC.
    pub upload_time: Option<String>,
    /// The `Requires-Python` of the file.
    pub requires_python: Option<String>,
    /// Whether the file was withdrawn.
    pub yanked: Yanked,
}

/// The metadata served beside a file (PEP 658).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sidecar {
    /// There is none, and the page does not offer it.
    Absent,
    /// The page offers it, but it was never recorded: asking for it fails, loudly.
    Unrecorded,
    /// There is one.
    Present(Vec<u8>),
}

/// Whether a file was withdrawn (PEP 592).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yanked {
    /// It was not.
    No,
    /// It was, with the reason if one was given.
    Yes(Option<String>),
}

impl Universe {
    /// An index without projects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes one release. Without a word about files it is one `py3-none-any` wheel.
    pub fn package(self, name: &str, version: &str, describe: impl FnOnce(Release) -> Release) -> Self {
        describe(Release::new(name, version))
            .publish()
            .into_iter()
            .fold(self, |universe, file| universe.file(name, file))
    }

    /// Publishes releases in a compact form, one a line, for tests with many of them.
    ///
    /// ```text
    /// line         = name version+ [":" requirements] (";" attribute)*    "#" opens a comment; empty lines are skipped
    /// requirements = requirement ("," requirement)*
    /// requirement  = PEP 508 without its marker ["if" marker]
    /// attribute    = "[" extra "]" [requirements]     requirements of an extra, which is thereby offered
    ///              | "python" specifiers              Requires-Python
    ///              | "yanked" [reason]
    ///              | "wheel" tag+                     instead of one py3-none-any wheel; a build tag may come
    ///                                                 first (2-cp312-cp312-linux_x86_64)
    ///              | "sdist"                          instead of, or beside, the wheels
    ///              | "time" RFC-3339-time             upload time
    ///              | "size" bytes
    ///              | "hash" ("none" | sha256)         what the index gives instead of the files' own
    /// ```
    ///
    /// A comma parts requirements only before a letter or digit and outside brackets, so `b>=2,<3` and `c[x,y]` are one
    /// requirement each. For example:
    ///
    /// ```text
    /// a 1.0 1.1: b>=2,<3, c[x,y] if sys_platform == 'linux'; [gpu] torch; python>=3.9; wheel cp312-cp312-linux_x86_64
    /// ```
    ///
    /// # Panics
    /// If a line does not follow the grammar; the message has the line.
    pub fn text(self, text: &str) -> Self {
        text::publish(self, text)
    }

    /// Publishes a built distribution of the project `name`.
    pub fn distribution(self, name: &str, distribution: Distribution) -> Self {
        self.file(name, PublishedFile::new(distribution))
    }

    /// Publishes a file of the project `name`.
    ///
    /// # Panics
    /// If the project has a file of that name already.
    pub fn file(mut self, name: &str, file: PublishedFile) -> Self {
        let project = self.project_mut(name);
        assert!(
            project.files.iter().all(|known| known.filename != file.filename),
            "`{}` is published already; describe all files of a release at once",
            file.filename
        );
        project.files.push(file);
        self
    }

    /// Publishes a project of which nothing is known but its name and files.
    pub fn insert(mut self, project: Project) -> Self {
        self.projects.insert(project.name.clone(), project);
        self
    }

    /// Marks a project, which may have no files, as the index would (PEP 792).
    pub fn status(mut self, name: &str, marker: &str, reason: Option<&str>) -> Self {
        self.project_mut(name).status =
            Some(Status { marker: marker.to_owned(), reason: reason.map(str::to_owned) });
        self
    }

    /// The project `name`, in any spelling.
    #[must_use]
    pub fn project(&self, name: &str) -> Option<&Project> {
        self.projects.get(&normalize(name))
    }

    /// All projects, by name.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    /// The file of that name, of whatever project.
    #[must_use]
    pub fn find(&self, filename: &str) -> Option<&PublishedFile> {
        self.projects().flat_map(|project| &project.files).find(|file| file.filename == filename)
    }

    fn project_mut(&mut self, name: &str) -> &mut Project {
        let name = normalize(name);
        self.projects.entry(name.clone()).or_insert_with(|| Project { name, status: None, files: Vec::new() })
    }
}

impl PublishedFile {
    /// A distribution as an honest index publishes it: a wheel with its metadata beside it, an sdist without.
    #[must_use]
    pub fn new(distribution: Distribution) -> Self {
        let Distribution { filename, bytes, metadata } = distribution;
        // An index reads Requires-Python from the metadata that was uploaded.
        let requires_python = String::from_utf8_lossy(&metadata)
            .lines()
            .find_map(|line| line.strip_prefix("Requires-Python: ").map(str::to_owned));
        let is_wheel = filename.ends_with(".whl");
        Self {
            sidecar: if is_wheel { Sidecar::Present(metadata) } else { Sidecar::Absent },
            sha256: Some(sha256_hex(&bytes)),
            size: Some(bytes.len() as u64),
            upload_time: Some(DEFAULT_UPLOAD_TIME.to_owned()),
            requires_python,
            yanked: Yanked::No,
            filename,
            content: Some(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_the_files_they_name() {
        let universe = Universe::new()
            .package("Torch", "2.8.0", |release| {
                release
                    .requires("numpy")
                    .requires_python(">=3.9")
                    .wheel("cp311-cp311-linux_x86_64")
                    .wheel_with("cp312-cp312-linux_x86_64", |wheel| wheel.requires("triton"))
                    .sdist()
                    .size(888_000_000)
            })
            .package("torch", "2.9.0", |release| {
                release.yanked("broken").upload_time("2025-01-01T00:00:00Z")
            });
        let files = &universe.project("torch").unwrap().files;
        let names: Vec<&str> = files.iter().map(|file| file.filename.as_str()).collect();
        assert_eq!(
            names,
            [
                "torch-2.8.0-cp311-cp311-linux_x86_64.whl",
                "torch-2.8.0-cp312-cp312-linux_x86_64.whl",
                "torch-2.8.0.tar.gz",
                "torch-2.9.0-py3-none-any.whl"
            ]
        );
        let sidecar = |file: &PublishedFile| match &file.sidecar {
            Sidecar::Present(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            other => format!("{other:?}"),
        };
        assert!(!sidecar(&files[0]).contains("triton"));
        assert!(sidecar(&files[1]).contains("Requires-Dist: triton\n"));
        assert_eq!(sidecar(&files[2]), "Absent");
        assert_eq!(files[0].size, Some(888_000_000));
        assert_eq!(files[0].requires_python.as_deref(), Some(">=3.9"));
        assert_eq!(files[3].yanked, Yanked::Yes(Some("broken".to_owned())));
        assert_eq!(files[3].upload_time.as_deref(), Some("2025-01-01T00:00:00Z"));
    }

    #[test]
    fn single_files_may_have_build_tags_times_and_hashes_of_their_own() {
        let universe = Universe::new()
            .package("torch", "2.10.0", |release| {
                release
                    .wheel("cp312-cp312-manylinux_2_28_x86_64")
                    .wheel("3-cp312-cp312-manylinux_2_28_x86_64")
                    .each_file(|file| {
                        if file.filename.contains("-3-") {
                            file.upload_time = Some("2026-02-01T00:00:00Z".to_owned());
                            file.sha256 = None;
                        }
                    })
            })
            .text("triton 3.6.0; wheel 2-cp312-cp312-linux_x86_64; hash none\ntriton 3.5.0; hash 00ff");
        let said = |project: &str| -> Vec<(String, Option<String>, Option<usize>)> {
            let files = universe.project(project).unwrap().files.iter();
            files
                .map(|file| {
                    let digits = file.sha256.as_deref().map(str::len);
                    (file.filename.clone(), file.upload_time.clone(), digits)
                })
                .collect()
        };
        let file = |name: &str, time: &str, digits| (name.to_owned(), Some(time.to_owned()), digits);
        assert_eq!(
            said("torch"),
            [
                file("torch-2.10.0-cp312-cp312-manylinux_2_28_x86_64.whl", "2024-01-01T00:00:00Z", Some(64)),
                file("torch-2.10.0-3-cp312-cp312-manylinux_2_28_x86_64.whl", "2026-02-01T00:00:00Z", None),
            ]
        );
        assert_eq!(
            said("triton"),
            [
                file("triton-3.6.0-2-cp312-cp312-linux_x86_64.whl", "2024-01-01T00:00:00Z", None),
                file("triton-3.5.0-py3-none-any.whl", "2024-01-01T00:00:00Z", Some(4)),
            ]
        );
    }

    #[test]
    #[should_panic(expected = "`a-1-py3-none-any.whl` is published already")]
    fn a_file_is_published_once() {
        let _universe =
            Universe::new().package("a", "1", |release| release).package("A", "1", |release| release);
    }
}
