//! Making recordings small: old versions and foreign platforms go, except what was asked for. Most of a recording's
//! bytes are the hashes of its files, which do not compress.

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

    /// Drops every wheel whose platform tag contains one of `words` (`win`, `musllinux`, `s390x`), except those whose
    /// metadata was recorded.
    pub fn drop_platforms(&mut self, words: &[String]) {
        for project in self.projects.values_mut() {
            project.files.retain(|file| {
                let platform = file.filename.strip_suffix(".whl").and_then(|stem| stem.rsplit('-').next());
                let dropped =
                    platform.is_some_and(|platform| words.iter().any(|word| platform.contains(word)));
                !dropped || file.metadata.is_some()
            });
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

    fn file(filename: &str, metadata: Option<&str>) -> RecordedFile {
        RecordedFile {
            filename: filename.to_owned(),
            upload_time: None,
            requires_python: None,
            yanked: false,
            yanked_reason: None,
            core_metadata: true,
            metadata: metadata.map(str::to_owned),
            size: None,
            sha256: None,
        }
    }

    fn names(project: &RecordedProject) -> Vec<&str> {
        project.files.iter().map(|file| file.filename.as_str()).collect()
    }

    #[test]
    fn the_newest_and_the_asked_for_are_kept() {
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
        let kept = ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-1.10.tar.gz", "a-1.10-py3-none-any.whl"];
        assert_eq!(names(&project), kept);
    }

    #[test]
    fn platforms_go_by_their_tag_alone() {
        let files = vec![
            file("windows-1.0-py3-none-any.whl", None),
            file("windows-1.0.tar.gz", None),
            file("windows-1.0-py3-none-win_amd64.whl", None),
            file("windows-2.0-py3-none-win_amd64.whl", Some("")),
        ];
        let project = RecordedProject { project: "windows".to_owned(), files };
        let mut recording = Recording { projects: [("windows".to_owned(), project)].into() };
        recording.drop_platforms(&["win".to_owned()]);
        let kept =
            ["windows-1.0-py3-none-any.whl", "windows-1.0.tar.gz", "windows-2.0-py3-none-win_amd64.whl"];
        assert_eq!(names(&recording.projects["windows"]), kept);
    }
}
