//! PyTorch's own package index: pages for each build variant, wheels whose requirements differ within a version.

mod page;
mod stored;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::wheel::WheelBuilder;
use crate::{Distribution, normalize, sha256_hex};

pub(crate) use self::page::{Announcement, project_page, projects_page};

/// PyTorch's wheel index as it is in 2026: folders such as `cpu`, `cu128` and `rocm7.2` below one address, each an index of
/// HTML pages alone, without Requires-Python, yanking or sizes. A wheel is a small stand-in that is made when it is
/// asked for. [`IndexServer::pytorch`](crate::IndexServer::pytorch) serves it.
///
/// ```
/// # use mlresolve_testkit::{IndexServer, PyTorchIndex};
/// let index = PyTorchIndex::new()
///     .wheel("cu128", "torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl", Some(">=3.10"), &["triton==3.5.1"])
///     .upload_time("2025-11-12T15:21:57Z")
///     .shared_wheel(&["cpu", "cu128"], "triton-3.5.1-cp312-cp312-manylinux_2_28_x86_64.whl", None, &[])
///     .without_hash();
/// let server = IndexServer::pytorch(index);
/// // … resolve with `server.torch_index_url()`, below which lie `/cu128/torch/` and `/cpu/triton/` …
/// assert_eq!(server.count("/whl/cu128/torch/"), 0);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "an index is of use when it is served"]
pub struct PyTorchIndex {
    wheels: Vec<PyTorchWheel>,
    links: Links,
}

/// How pages name their files. The real index has had each of these, and changed between them within hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// `/whl/cu128/…`, on the server of the page.
    #[default]
    Relative,
    /// The whole address, on the server of the page.
    Absolute,
    /// The whole address, below this origin (`http://files.example`), for a page and files on two servers.
    At(String),
}

/// One wheel of the index.
#[derive(Clone, Debug)]
pub(crate) struct PyTorchWheel {
    /// The sub-indexes that list it.
    sub_indexes: BTreeSet<String>,
    /// Whether the file lies in the channel's root instead of in its sub-index.
    shared: bool,
    /// The normalized name of the project.
    pub(crate) project: String,
    pub(crate) filename: String,
    requires_python: Option<String>,
    requires_dist: Vec<String>,
    pub(crate) upload_time: Option<String>,
    hash: Hash,
    pub(crate) sidecar: bool,
    built: OnceLock<Distribution>,
}

/// The hash that a page gives for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hash {
    Own,
    None,
    Other(String),
}

impl PyTorchIndex {
    /// An index without wheels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a wheel to one sub-index, with its `Requires-Python` and its `Requires-Dist`s.
    ///
    /// # Panics
    /// If the file name is not one of a wheel, or the sub-index has it already.
    pub fn wheel(
        self,
        sub_index: &str,
        filename: &str,
        requires_python: Option<&str>,
        requires_dist: &[&str],
    ) -> Self {
        self.add(&[sub_index], false, filename, requires_python, requires_dist)
    }

    /// Adds a wheel that lies in the channel's root and is listed by several sub-indexes, as triton's are.
    ///
    /// # Panics
    /// If the file name is not one of a wheel, or a sub-index has it already.
    pub fn shared_wheel(
        self,
        sub_indexes: &[&str],
        filename: &str,
        requires_python: Option<&str>,
        requires_dist: &[&str],
    ) -> Self {
        self.add(sub_indexes, true, filename, requires_python, requires_dist)
    }

    fn add(
        mut self,
        sub_indexes: &[&str],
        shared: bool,
        filename: &str,
        requires_python: Option<&str>,
        requires_dist: &[&str],
    ) -> Self {
        let parts = filename.strip_suffix(".whl").map_or(0, |stem| stem.split('-').count());
        assert!(matches!(parts, 5 | 6), "`{filename}` is no file name of a wheel");
        for sub_index in sub_indexes {
            let known = self.listed(sub_index).any(|wheel| wheel.filename == filename);
            assert!(!known, "`{filename}` is in {sub_index} already");
        }
        let known = shared && self.find(filename).is_some();
        assert!(!known, "`{filename}` is in the channel's root already; name all of its sub-indexes at once");
        self.wheels.push(PyTorchWheel {
            sub_indexes: sub_indexes.iter().map(|&name| name.to_owned()).collect(),
            shared,
            project: normalize(filename.split('-').next().unwrap_or_default()),
            filename: filename.to_owned(),
            requires_python: requires_python.map(str::to_owned),
            requires_dist: requires_dist.iter().map(|&requirement| requirement.to_owned()).collect(),
            upload_time: None,
            hash: Hash::Own,
            sidecar: true,
            built: OnceLock::new(),
        });
        self
    }

    /// The pages give no hash for the wheel added last.
    pub fn without_hash(mut self) -> Self {
        self.last().hash = Hash::None;
        self
    }

    /// The pages give this SHA-256 for the wheel added last, whatever its own is.
    pub fn sha256(mut self, sha256: &str) -> Self {
        self.last().hash = Hash::Other(sha256.to_owned());
        self
    }

    /// Sets when the wheel added last was uploaded, RFC 3339 in UTC; without it the pages do not say.
    pub fn upload_time(mut self, upload_time: &str) -> Self {
        self.last().upload_time = Some(upload_time.to_owned());
        self
    }

    /// There is no metadata beside the wheel added last.
    pub fn without_sidecar(mut self) -> Self {
        self.last().sidecar = false;
        self
    }

    /// Sets how pages name their files.
    pub fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    fn last(&mut self) -> &mut PyTorchWheel {
        self.wheels.last_mut().expect("what is said of a wheel follows the wheel")
    }

    /// The names of the sub-indexes, sorted.
    #[must_use]
    pub fn sub_indexes(&self) -> Vec<&str> {
        let names: BTreeSet<&str> =
            self.wheels.iter().flat_map(|wheel| &wheel.sub_indexes).map(String::as_str).collect();
        names.into_iter().collect()
    }

    /// The file names that a sub-index lists for a project, by its normalized name, sorted as its page has them.
    #[must_use]
    pub fn filenames(&self, sub_index: &str, project: &str) -> Vec<&str> {
        self.project(sub_index, project).into_iter().map(|wheel| wheel.filename.as_str()).collect()
    }

    /// How many wheels there are, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.wheels.len()
    }

    /// Whether there are no wheels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wheels.is_empty()
    }

    pub(crate) fn project(&self, sub_index: &str, project: &str) -> Vec<&PyTorchWheel> {
        let mut wheels: Vec<&PyTorchWheel> =
            self.listed(sub_index).filter(|wheel| wheel.project == project).collect();
        wheels.sort_by_key(|wheel| &wheel.filename);
        wheels
    }

    /// The normalized names of a sub-index's projects.
    pub(crate) fn projects(&self, sub_index: &str) -> BTreeSet<&str> {
        self.listed(sub_index).map(|wheel| wheel.project.as_str()).collect()
    }

    /// The wheel whose file has this path below the channel's root: `cu128/NAME` or `NAME`.
    pub(crate) fn find(&self, path: &str) -> Option<&PyTorchWheel> {
        self.wheels.iter().find(|wheel| wheel.path() == path)
    }

    fn listed(&self, sub_index: &str) -> impl Iterator<Item = &PyTorchWheel> {
        self.wheels.iter().filter(move |wheel| wheel.sub_indexes.contains(sub_index))
    }
}

impl PyTorchWheel {
    /// Where the file lies below the channel's root.
    fn path(&self) -> String {
        match self.sub_indexes.first() {
            Some(sub_index) if !self.shared => format!("{sub_index}/{}", self.filename),
            _ => self.filename.clone(),
        }
    }

    /// The stand-in, which is made once.
    pub(crate) fn distribution(&self) -> &Distribution {
        self.built.get_or_init(|| {
            let built = self.builder().build();
            assert_eq!(built.filename, self.filename, "a wheel's file name is in its usual spelling");
            built
        })
    }

    fn builder(&self) -> WheelBuilder {
        let parts: Vec<&str> = self.filename.trim_end_matches(".whl").split('-').collect();
        let (&[name, version, ref build_tag @ ..], tag) = parts.split_at(parts.len() - 3) else {
            unreachable!("the parts of a file name are counted when it is added")
        };
        let mut builder = WheelBuilder::new(name, version)
            .tag(&tag.join("-"))
            .file(&format!("{name}/__init__.py"), format!("__version__ = \"{version}\"\n"));
        if let [build_tag] = build_tag {
            builder = builder.build_tag(build_tag);
        }
        if let Some(requires_python) = &self.requires_python {
            builder = builder.requires_python(requires_python);
        }
        for requirement in &self.requires_dist {
            builder = builder.requires(requirement);
        }
        let extras: BTreeSet<&str> =
            self.requires_dist.iter().filter_map(|requirement| extra_of(requirement)).collect();
        extras.into_iter().fold(builder, WheelBuilder::extra)
    }

    /// What the page gives as the file's SHA-256.
    fn announced_hash(&self) -> Option<String> {
        match &self.hash {
            Hash::Own => Some(sha256_hex(&self.distribution().bytes)),
            Hash::None => None,
            Hash::Other(sha256) => Some(sha256.clone()),
        }
    }
}

/// The extra that a requirement's marker names: `extra == "optree"`.
fn extra_of(requirement: &str) -> Option<&str> {
    let (_, marker) = requirement.split_once(';')?;
    let (_, value) = marker.split_once("extra")?;
    let value = value.trim_start().strip_prefix("==")?.trim_start();
    value.split(['"', '\'']).nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_says_what_its_wheel_requires() {
        let index = PyTorchIndex::new().wheel(
            "cu128",
            "pytorch_triton_rocm-3.5.1+git1-2-cp312-cp312-linux_x86_64.whl",
            Some(">=3.10"),
            &["filelock", "optree>=0.13.0 ; extra == \"optree\""],
        );
        let distribution = index.wheels[0].distribution();
        assert_eq!(distribution.filename, index.wheels[0].filename);
        assert_eq!(
            String::from_utf8_lossy(&distribution.metadata),
            "Metadata-Version: 2.1\nName: pytorch_triton_rocm\nVersion: 3.5.1+git1\nRequires-Python: >=3.10\n\
             Requires-Dist: filelock\nRequires-Dist: optree>=0.13.0 ; extra == \"optree\"\nProvides-Extra: optree\n"
        );
        assert_eq!(index.wheels[0].project, "pytorch-triton-rocm");
    }

    #[test]
    fn one_name_may_stand_for_different_wheels_in_two_sub_indexes() {
        const NAME: &str = "torchvision-0.21.0-cp312-cp312-linux_aarch64.whl";
        let index = PyTorchIndex::new().wheel("cpu", NAME, None, &["torch==2.6.0"]).wheel(
            "cu126",
            NAME,
            None,
            &["torch==2.6.0+cu126"],
        );
        let bytes = |path: &str| &index.find(path).unwrap().distribution().bytes;
        assert_ne!(bytes(&format!("cpu/{NAME}")), bytes(&format!("cu126/{NAME}")));
        assert!(index.find(NAME).is_none());
    }

    #[test]
    #[should_panic(expected = "is in cpu already")]
    fn a_sub_index_has_a_wheel_once() {
        let _index = PyTorchIndex::new().wheel("cpu", "a-1-py3-none-any.whl", None, &[]).shared_wheel(
            &["cpu", "xpu"],
            "a-1-py3-none-any.whl",
            None,
            &[],
        );
    }

    #[test]
    #[should_panic(expected = "`torch.whl` is no file name of a wheel")]
    fn what_is_no_wheel_is_refused() {
        let _index = PyTorchIndex::new().wheel("cpu", "torch.whl", None, &[]);
    }
}
