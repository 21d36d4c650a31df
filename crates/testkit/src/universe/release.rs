//! One version of a project, described before its files are made.

use super::{DEFAULT_UPLOAD_TIME, PublishedFile, Sidecar, Yanked};
use crate::metadata::Metadata;
use crate::sdist::SdistBuilder;
use crate::wheel::WheelBuilder;

/// One version of a project, for [`Universe::package`](crate::Universe::package). What is said of it holds for all of its
/// files, in whatever order it is said.
#[must_use = "a release is published by returning it"]
pub struct Release {
    metadata: Metadata,
    wheels: Vec<Wheel>,
    sdist: Option<Customize<SdistBuilder>>,
    yanked: Yanked,
    upload_time: Option<String>,
    size: Option<u64>,
    hash: Hash,
    sidecars: bool,
    adjustments: Vec<Adjustment>,
}

/// The hash that the index gives for each file.
enum Hash {
    Own,
    None,
    Other(String),
}

type Customize<B> = Box<dyn FnOnce(B) -> B>;
type Adjustment = Box<dyn Fn(&mut PublishedFile)>;

struct Wheel {
    tag: String,
    customize: Customize<WheelBuilder>,
}

impl Release {
    pub(super) fn new(name: &str, version: &str) -> Self {
        Self {
            metadata: Metadata::new(name, version),
            wheels: Vec::new(),
            sdist: None,
            yanked: Yanked::No,
            upload_time: Some(DEFAULT_UPLOAD_TIME.to_owned()),
            size: None,
            hash: Hash::Own,
            sidecars: true,
            adjustments: Vec::new(),
        }
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

    /// Adds a wheel with the tag `PYTHON-ABI-PLATFORM`, which may follow a build tag (`1-cp312-cp312-linux_x86_64`).
    pub fn wheel(self, tag: &str) -> Self {
        self.wheel_with(tag, |wheel| wheel)
    }

    /// Adds a wheel that differs from its siblings, for instance in what it requires.
    pub fn wheel_with(
        mut self,
        tag: &str,
        customize: impl FnOnce(WheelBuilder) -> WheelBuilder + 'static,
    ) -> Self {
        self.wheels.push(Wheel { tag: tag.to_owned(), customize: Box::new(customize) });
        self
    }

    /// Adds a source distribution; if no wheel is named, it is the only file.
    pub fn sdist(self) -> Self {
        self.sdist_with(|sdist| sdist)
    }

    /// Adds a source distribution of a special make.
    pub fn sdist_with(mut self, customize: impl FnOnce(SdistBuilder) -> SdistBuilder + 'static) -> Self {
        self.sdist = Some(Box::new(customize));
        self
    }

    /// Withdraws the release; an empty reason is none.
    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Yanked::Yes((!reason.is_empty()).then(|| reason.to_owned()));
        self
    }

    /// Sets when the files were uploaded, RFC 3339 in UTC; 2024-01-01 if never called.
    pub fn upload_time(mut self, upload_time: &str) -> Self {
        self.upload_time = Some(upload_time.to_owned());
        self
    }

    /// The index does not know when the files were uploaded.
    pub fn without_upload_time(mut self) -> Self {
        self.upload_time = None;
        self
    }

    /// Sets the size in bytes that the index gives for each file, whatever their real size.
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// The index gives no hash for the files.
    pub fn without_hash(mut self) -> Self {
        self.hash = Hash::None;
        self
    }

    /// Sets the SHA-256 that the index gives for each file, whatever its own is.
    pub fn sha256(mut self, sha256: &str) -> Self {
        self.hash = Hash::Other(sha256.to_owned());
        self
    }

    /// Changes what the index says of single files, once all else is said: a function is called with each of them.
    pub fn each_file(mut self, adjust: impl Fn(&mut PublishedFile) + 'static) -> Self {
        self.adjustments.push(Box::new(adjust));
        self
    }

    /// The index serves no metadata beside the wheels of this release.
    pub fn without_sidecars(mut self) -> Self {
        self.sidecars = false;
        self
    }

    pub(super) fn publish(self) -> Vec<PublishedFile> {
        let mut wheels = self.wheels;
        if wheels.is_empty() && self.sdist.is_none() {
            wheels.push(Wheel { tag: "py3-none-any".to_owned(), customize: Box::new(|wheel| wheel) });
        }
        let mut distributions = Vec::new();
        for Wheel { tag, customize } in wheels {
            let mut builder = WheelBuilder::from_metadata(self.metadata.clone());
            builder = match tag.split_once('-') {
                Some((build_tag, tag)) if tag.matches('-').count() == 2 => {
                    builder.build_tag(build_tag).tag(tag)
                }
                _ => builder.tag(&tag),
            };
            distributions.push(customize(builder).build());
        }
        if let Some(customize) = self.sdist {
            let metadata = Metadata { metadata_version: "2.2".to_owned(), ..self.metadata };
            distributions.push(customize(SdistBuilder::from_metadata(metadata)).build());
        }
        distributions
            .into_iter()
            .map(|distribution| {
                let mut file = PublishedFile::new(distribution);
                file.yanked = self.yanked.clone();
                file.upload_time.clone_from(&self.upload_time);
                file.size = self.size.or(file.size);
                match &self.hash {
                    Hash::Own => {}
                    Hash::None => file.sha256 = None,
                    Hash::Other(sha256) => file.sha256 = Some(sha256.clone()),
                }
                if !self.sidecars {
                    file.sidecar = Sidecar::Absent;
                }
                self.adjustments.iter().for_each(|adjust| adjust(&mut file));
                file
            })
            .collect()
    }
}
