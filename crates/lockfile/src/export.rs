//! Other formats that a lock can be handed over in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mlresolve_packaging::PackageName;

use crate::model::{HashTable, Lock, Package, Source};

/// How [`requirements`] writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequirementsOptions {
    /// A comment for the top, of one or more lines, without `#`.
    pub header: Option<String>,
    /// Whether the indexes are named: the one that most packages come from as `--index-url`, the others
    /// as `--extra-index-url`.
    pub index_urls: bool,
}

/// Why a lock cannot be written as a requirements file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A package has no version to pin.
    #[error("{0} has no version in the lock, so that no requirement can pin it")]
    NoVersion(PackageName),
    /// A checkout or source tree has no digest.
    #[error("{name} is locked from a {source_kind}, which has no digest that pip could check")]
    NoDigest {
        /// The package.
        name: PackageName,
        /// `version-control checkout` or `directory`.
        source_kind: &'static str,
    },
    /// The files of a package are on disk alone.
    #[error("{0} is locked from local files, which a requirements file cannot point to by version")]
    LocalFiles(PackageName),
    /// A package breaks the rule of one source.
    #[error("{0} has no source or several that exclude each other")]
    Source(PackageName),
    /// A marker asks about what only a lock knows.
    #[error(
        "the marker of {name} asks for {variable}, which a requirements file has no word for: lock the \
         extras and groups that are wanted"
    )]
    LockMarker {
        /// The package.
        name: PackageName,
        /// `extras` or `dependency_groups`.
        variable: &'static str,
    },
    /// A text would not stay on its line.
    #[error("the {key} of {name} holds a line end or another control character")]
    ControlCharacter {
        /// The package.
        name: PackageName,
        /// The key in the lock.
        key: &'static str,
    },
}

/// Writes a lock as a requirements file with digests, which pip installs with `--require-hashes`.
///
/// Lines are sorted by name and version; markers are kept; every file of the lock is named by its
/// digest.
///
/// # Errors
/// When an entry cannot be pinned by a version or address and a digest.
pub fn requirements(lock: &Lock, options: &RequirementsOptions) -> Result<String, ExportError> {
    let mut out = String::new();
    for line in options.header.iter().flat_map(|header| header.lines()) {
        let line: String = line.chars().filter(|character| !character.is_control()).collect();
        out.push_str(format!("# {line}").trim_end());
        out.push('\n');
    }
    if options.index_urls {
        for (position, index) in indexes(lock)?.into_iter().enumerate() {
            let option = if position == 0 { "--index-url" } else { "--extra-index-url" };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{option} {index}");
        }
    }
    let mut sorted = lock.clone();
    sorted.sort();
    for package in &sorted.packages {
        out.push_str(&entry(package)?);
    }
    Ok(out)
}

fn entry(package: &Package) -> Result<String, ExportError> {
    let name = || package.name.clone();
    let (pin, hashes): (String, Vec<&HashTable>) = match package.source() {
        Some(Source::Files) => {
            let version = package.version.as_ref().ok_or_else(|| ExportError::NoVersion(name()))?;
            let wheels = package.wheels.iter().map(|wheel| (&wheel.url, &wheel.hashes));
            let files = wheels.chain(package.sdist.iter().map(|sdist| (&sdist.url, &sdist.hashes)));
            let remote: Vec<&HashTable> =
                files.filter(|(url, _)| url.is_some()).map(|(_, hashes)| hashes).collect();
            if remote.is_empty() {
                return Err(ExportError::LocalFiles(name()));
            }
            (format!("{}=={version}", package.name), remote)
        }
        Some(Source::Archive(archive)) => {
            let url = archive.url.as_ref().ok_or_else(|| ExportError::LocalFiles(name()))?;
            let fragment = archive.subdirectory.as_ref().map(|path| format!("#subdirectory={path}"));
            let address = format!("{url}{}", fragment.unwrap_or_default());
            (
                format!("{} @ {}", package.name, on_one_line(package, "archive", &address)?),
                vec![&archive.hashes],
            )
        }
        Some(Source::Vcs(_)) => {
            return Err(ExportError::NoDigest { name: name(), source_kind: "version-control checkout" });
        }
        Some(Source::Directory(_)) => {
            return Err(ExportError::NoDigest { name: name(), source_kind: "directory" });
        }
        None => return Err(ExportError::Source(name())),
    };
    let mut line = pin;
    if let Some(marker) = &package.marker {
        if let Some(variable) = lock_variable(marker.as_str()) {
            return Err(ExportError::LockMarker { name: name(), variable });
        }
        let _ = write!(line, " ; {}", on_one_line(package, "marker", marker.as_str())?);
    }
    let mut digests: Vec<String> = hashes.into_iter().filter_map(digest).collect();
    digests.sort();
    digests.dedup();
    for digest in digests {
        let _ = write!(line, " \\\n    --hash={digest}");
    }
    line.push('\n');
    Ok(line)
}

/// The variable of PEP 751 that a marker asks about, outside its quoted texts.
fn lock_variable(marker: &str) -> Option<&'static str> {
    let mut quote = None;
    let unquoted = marker.split(move |character: char| match quote {
        Some(open) => {
            quote = (character != open).then_some(open);
            true
        }
        None => {
            quote = matches!(character, '\'' | '"').then_some(character);
            !character.is_ascii_alphanumeric() && character != '_'
        }
    });
    let known = |word: &str| ["extras", "dependency_groups"].into_iter().find(|variable| *variable == word);
    unquoted.filter_map(known).next()
}

/// The digest of one file by the first of the algorithms that pip takes.
fn digest(hashes: &HashTable) -> Option<String> {
    let algorithms = ["sha256", "sha384", "sha512"].into_iter();
    let mut known = algorithms.filter_map(|algorithm| Some((algorithm, hashes.get(algorithm)?)));
    known.next().map(|(algorithm, digest)| format!("{algorithm}:{digest}"))
}

/// The indexes of the lock: by how many packages come from each, then by address.
fn indexes(lock: &Lock) -> Result<Vec<&str>, ExportError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &lock.packages {
        if let Some(index) = &package.index {
            *counts.entry(on_one_line(package, "index", index)?).or_default() += 1;
        }
    }
    let mut indexes: Vec<(&str, usize)> = counts.into_iter().collect();
    indexes.sort_by_key(|(index, count)| (std::cmp::Reverse(*count), *index));
    Ok(indexes.into_iter().map(|(index, _)| index).collect())
}

fn on_one_line<'text>(
    package: &Package,
    key: &'static str,
    text: &'text str,
) -> Result<&'text str, ExportError> {
    if text.chars().any(char::is_control) {
        return Err(ExportError::ControlCharacter { name: package.name.clone(), key });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Directory, Vcs};
    use crate::samples;

    fn exported(lock: &Lock) -> String {
        requirements(lock, &RequirementsOptions::default()).unwrap()
    }

    #[test]
    fn a_lock_becomes_pins_with_digests() {
        let mut lock = samples::lock();
        lock.packages[0].marker = Some("os_name == 'posix'".parse().unwrap());
        let (first, second) = ("1".repeat(64), "2".repeat(64));
        let expected = format!(
            "filelock==3.20.0 ; os_name == 'posix' \\\n    --hash=sha256:{first}\n\
             torch==2.9.1+cu128 \\\n    --hash=sha256:{second}\n"
        );
        assert_eq!(exported(&lock), expected);
        lock.packages.reverse();
        assert_eq!(exported(&lock), expected);
    }

    #[test]
    fn the_header_and_the_indexes_are_there_when_asked_for() {
        let options =
            RequirementsOptions { header: Some("made by mlresolve\n\nfor a test".into()), index_urls: true };
        let text = requirements(&samples::lock(), &options).unwrap();
        let start = "# made by mlresolve\n#\n# for a test\n--index-url https://index.example/simple/\n\
                     --extra-index-url https://torch.example/whl/cu128/\nfilelock==";
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn what_cannot_be_pinned_is_named() {
        let name = || "torch".parse().unwrap();
        let mut lock = samples::lock();
        lock.packages[1].version = None;
        let options = RequirementsOptions::default();
        assert_eq!(requirements(&lock, &options), Err(ExportError::NoVersion(name())));
        lock.packages[1].wheels.clear();
        assert_eq!(requirements(&lock, &options), Err(ExportError::Source(name())));
        lock.packages[1].directory = Some(Directory { path: "x".into(), editable: None, subdirectory: None });
        assert!(matches!(requirements(&lock, &options), Err(ExportError::NoDigest { .. })));
        lock.packages[1].directory = None;
        lock.packages[1].vcs = Some(Vcs {
            system: "git".into(),
            url: Some("https://git.example/x".into()),
            path: None,
            requested_revision: None,
            commit_id: "0".repeat(40),
            subdirectory: None,
        });
        let error = requirements(&lock, &options).unwrap_err();
        assert_eq!(
            error.to_string(),
            "torch is locked from a version-control checkout, which has no digest that pip could check"
        );
    }

    #[test]
    fn local_files_alone_cannot_be_found_by_version() {
        let mut lock = samples::lock();
        lock.packages[0].wheels[0].url = None;
        lock.packages[0].wheels[0].path = Some("wheels/x.whl".into());
        let expected = Err(ExportError::LocalFiles("filelock".parse().unwrap()));
        assert_eq!(requirements(&lock, &RequirementsOptions::default()), expected);
    }

    #[test]
    fn markers_that_only_a_lock_can_evaluate_are_refused() {
        let mut lock = samples::lock();
        lock.packages[0].marker = Some("os_name == 'extras' and 'gui' in extras".parse().unwrap());
        let error = requirements(&lock, &RequirementsOptions::default()).unwrap_err();
        assert!(matches!(error, ExportError::LockMarker { variable: "extras", .. }));
        lock.packages[0].marker =
            Some("os_name == ' extras ' or os_name != \"'dependency_groups\"".parse().unwrap());
        assert!(exported(&lock).contains("' extras '"));
    }

    #[test]
    fn a_line_end_in_a_marker_cannot_add_a_line() {
        let mut lock = samples::lock();
        lock.packages[0].marker = "os_name == 'a\n--index-url=https://evil.example'".parse().ok();
        if lock.packages[0].marker.is_some() {
            let error = requirements(&lock, &RequirementsOptions::default());
            assert!(matches!(error, Err(ExportError::ControlCharacter { key: "marker", .. })));
        }
        lock.packages[0].marker = None;
        lock.packages[0].index = Some("https://i.example/\n--pre".into());
        let options = RequirementsOptions { index_urls: true, ..RequirementsOptions::default() };
        assert!(matches!(requirements(&lock, &options), Err(ExportError::ControlCharacter { .. })));
    }
}
