//! Core metadata: written for built distributions, thinned for recordings.

/// The headers of core metadata that a resolver reads.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) metadata_version: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) requires: Vec<String>,
    pub(crate) extras: Vec<String>,
    pub(crate) requires_python: Option<String>,
    pub(crate) dynamic: Vec<String>,
}

impl Metadata {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        Self {
            metadata_version: "2.1".to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            requires: Vec::new(),
            extras: Vec::new(),
            requires_python: None,
            dynamic: Vec::new(),
        }
    }

    /// Adds a requirement that holds with `extra` only, and offers that extra.
    pub(crate) fn extra_requires(&mut self, extra: &str, requirement: &str) {
        self.offer_extra(extra);
        self.requires.push(match requirement.split_once(';') {
            Some((bare, marker)) => {
                format!("{} ; ({}) and extra == \"{extra}\"", bare.trim(), marker.trim())
            }
            None => format!("{} ; extra == \"{extra}\"", requirement.trim()),
        });
    }

    pub(crate) fn offer_extra(&mut self, extra: &str) {
        if !self.extras.iter().any(|known| known == extra) {
            self.extras.push(extra.to_owned());
        }
    }

    /// The headers, one a line, with no body.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mut header = |key: &str, value: &str| {
            text.push_str(key);
            text.push_str(": ");
            text.push_str(value);
            text.push('\n');
        };
        header("Metadata-Version", &self.metadata_version);
        header("Name", &self.name);
        header("Version", &self.version);
        for field in &self.dynamic {
            header("Dynamic", field);
        }
        if let Some(requires_python) = &self.requires_python {
            header("Requires-Python", requires_python);
        }
        for requirement in &self.requires {
            header("Requires-Dist", requirement);
        }
        for extra in &self.extras {
            header("Provides-Extra", extra);
        }
        text
    }
}

/// What a resolver reads of core metadata: `Metadata-Version`, `Name`, `Version`, `Requires-Dist`, `Requires-Python`,
/// `Provides-Extra` and `Dynamic`, in their order and with their continuation lines. Everything else goes: the
/// other headers and the body hold the addresses and names of people, and most of the bytes.
#[must_use]
pub fn thin(metadata: &str) -> String {
    const KEPT: [&str; 7] = [
        "metadata-version",
        "name",
        "version",
        "requires-dist",
        "requires-python",
        "provides-extra",
        "dynamic",
    ];
    let mut thinned = String::new();
    let mut keeping = false;
    for line in metadata.lines() {
        if line.is_empty() {
            break;
        }
        if !line.starts_with([' ', '\t']) {
            let key = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            keeping = KEPT.contains(&key.as_str());
        }
        if keeping {
            thinned.push_str(line);
            thinned.push('\n');
        }
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_folded_requirements_and_drops_the_rest() {
        let metadata = "Metadata-Version: 2.1\r\nName: a\r\nVersion: 1\r\nLicense: long\r\n        text\r\n\
                        Requires-Dist: b\r\n  >=2\r\nHome-page: somewhere\r\n\r\nRequires-Dist: in-the-body\r\n";
        assert_eq!(thin(metadata), "Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: b\n  >=2\n");
    }

    #[test]
    fn requirements_of_an_extra_keep_their_own_marker() {
        let mut metadata = Metadata::new("a", "1");
        metadata.extra_requires("gpu", "b>=2; python_version < '3.9' or os_name == 'nt'");
        metadata.extra_requires("gpu", "c");
        assert_eq!(
            metadata.requires,
            [
                "b>=2 ; (python_version < '3.9' or os_name == 'nt') and extra == \"gpu\"",
                "c ; extra == \"gpu\""
            ]
        );
        assert_eq!(metadata.extras, ["gpu"]);
    }
}
