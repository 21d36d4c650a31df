//! Making recordings small: old versions go, except those that were asked for.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use pep440_rs::Version;

use crate::page::file_version;
use crate::{RecordedProject, Recording};

impl Recording {
    /// Drops every version of a project but the newest `keep`, in the order of PEP 440, and those whose metadata was
    /// recorded. Files whose version cannot be read go too.
    pub fn keep_versions(&mut self, keep: usize) {
        for project in self.projects.values_mut() {
            thin(project, keep);
        }
    }
}

fn thin(project: &mut RecordedProject, keep: usize) {
    let version = |filename: &str| Version::from_str(file_version(filename)?).ok();
    let every: BTreeSet<Version> = project.files.iter().filter_map(|file| version(&file.filename)).collect();
    let mut kept: BTreeSet<Version> = every.into_iter().rev().take(keep).collect();
    let asked = project.files.iter().filter(|file| file.metadata.is_some());
    kept.extend(asked.filter_map(|file| version(&file.filename)));
    project.files.retain(|file| version(&file.filename).is_some_and(|version| kept.contains(&version)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordedFile;

    #[test]
    fn the_newest_and_the_asked_for_are_kept() {
        let file = |filename: &str, metadata: Option<&str>| RecordedFile {
            filename: filename.to_owned(),
            upload_time: None,
            requires_python: None,
            yanked: false,
            yanked_reason: None,
            core_metadata: true,
            metadata: metadata.map(str::to_owned),
            size: None,
            sha256: None,
        };
        let mut project = RecordedProject {
            project: "a".to_owned(),
            files: vec![
                file("a-0.9.tar.gz", None),
                file("a-1.0-py3-none-any.whl", Some("")),
                file("a-1.0.tar.gz", None),
                file("a-1.9.tar.gz", None),
                file("a-1.10.tar.gz", None),
                file("a-1.10-py3-none-any.whl", None),
                file("a-latest.tar.gz", None),
            ],
        };
        thin(&mut project, 1);
        let names: Vec<&str> = project.files.iter().map(|file| file.filename.as_str()).collect();
        assert_eq!(
            names,
            ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-1.10.tar.gz", "a-1.10-py3-none-any.whl"]
        );
    }
}
