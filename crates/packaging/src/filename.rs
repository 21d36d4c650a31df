//! The names of wheels and source distributions.
//!
//! Sources: the binary distribution format and source distribution format specifications of PyPA
//! (PEP 427, PEP 491, PEP 625) and PEP 825 for the label of a variant wheel.
//!
//! A file's name comes from an index and is what decides whether a file is looked at at all, so every
//! name is first held to be one harmless path component ([`check_component`]).

use std::str::FromStr;

use crate::name::{NameError, PackageName};
use crate::version::{Version, VersionError, parse_version};

/// The longest file name that is read, in bytes: what common file systems can store.
pub const FILENAME_LIMIT: usize = 255;

/// The name of a wheel, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WheelFilename {
    /// The project.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The build tag, which decides between wheels that are otherwise equal; none sorts lowest.
    pub build: Option<BuildTag>,
    /// The Python tags of the compressed tag set, such as `py2` and `py3`.
    pub python: Vec<String>,
    /// The ABI tags, such as `cp312`.
    pub abi: Vec<String>,
    /// The platform tags, such as `manylinux_2_28_x86_64`.
    pub platform: Vec<String>,
    /// The label of a variant wheel (PEP 825). Its meaning is in the index's variants file; who does
    /// not read that must not choose the wheel.
    pub variant: Option<String>,
}

/// A build tag: its leading number first, then the rest as text (PEP 427).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildTag {
    /// The digits in front, as a number.
    pub number: u64,
    /// What follows them, often nothing.
    pub suffix: String,
}

/// The name of a source distribution, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SdistFilename {
    /// The project.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The form of archive.
    pub extension: SdistExtension,
}

/// The archives in which source distributions were ever published. Only [`Self::TarGz`] is allowed
/// today (PEP 625), and PyPI takes [`Self::Zip`] for old projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SdistExtension {
    /// `.tar.gz`
    TarGz,
    /// `.zip`
    Zip,
    /// `.tgz`
    Tgz,
    /// `.tar.bz2`
    TarBz2,
    /// `.tar.xz`
    TarXz,
    /// `.tar.Z`
    TarZ,
    /// `.tar`
    Tar,
}

/// Why a text is not the name of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{filename:?} is not the name of a {kind}: {problem}")]
pub struct FilenameError {
    /// The name, shortened to [`FILENAME_LIMIT`].
    pub filename: String,
    /// What it should have been: `wheel` or `source distribution`.
    pub kind: &'static str,
    /// What is wrong with it.
    pub problem: FilenameProblem,
}

/// What is wrong with a file name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilenameProblem {
    /// It is longer than [`FILENAME_LIMIT`].
    #[error("has {0} bytes and is over the limit of {FILENAME_LIMIT} (file name length)")]
    TooLong(usize),
    /// It is empty, `.`, `..` or another name that starts with a dot or a space.
    #[error("is empty or starts with a dot or a space")]
    Start,
    /// It has a character that has no place in a distribution's name.
    #[error("has the character {0:?}, which is not allowed in it")]
    Character(char),
    /// It does not end as such a file's name must.
    #[error("has none of the extensions of such a file")]
    Extension,
    /// It does not have the parts, divided by `-`, that such a name must have.
    #[error("has {0} parts divided by '-' instead of 5 to 7")]
    Parts(usize),
    /// The project's part is not a name in the form that the specification asks for.
    #[error("the project part is not in escaped form")]
    NotEscaped,
    /// The project's part is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It is the name of another project's file.
    #[error("belongs to another project than {0}, or has no version")]
    OtherProject(PackageName),
    /// The version's part is not a version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The build tag does not start with a number that can be counted with.
    #[error("the build tag {0:?} does not start with a number")]
    Build(String),
    /// A tag is empty or has characters that no tag has.
    #[error("{0:?} is not a set of tags")]
    Tags(String),
    /// The label of a variant has other characters than PEP 825 allows.
    #[error("{0:?} is not the label of a variant: lowercase letters, digits, '_' and '.' only")]
    Variant(String),
}

impl WheelFilename {
    /// Every combination of the compressed tag set, as (Python, ABI, platform).
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.python.iter().flat_map(move |python| {
            self.abi.iter().flat_map(move |abi| {
                self.platform.iter().map(move |platform| (python.as_str(), abi.as_str(), platform.as_str()))
            })
        })
    }

    fn read(filename: &str) -> Result<Self, FilenameProblem> {
        check_component(filename)?;
        let stem = filename.strip_suffix(".whl").ok_or(FilenameProblem::Extension)?;
        let mut parts: Vec<&str> = stem.split('-').collect();
        let count = parts.len();
        let starts_with_digit = |part: &&str| part.starts_with(|first: char| first.is_ascii_digit());
        let has_build = count >= 6 && parts.get(2).is_some_and(starts_with_digit);
        let variant = match (count, has_build) {
            (5, _) | (6, true) => None,
            (6, false) | (7, true) => parts.pop().map(read_variant).transpose()?,
            (7, false) => return Err(FilenameProblem::Build(parts[2].to_owned())),
            _ => return Err(FilenameProblem::Parts(count)),
        };
        let build = if has_build { Some(parts.remove(2).parse()?) } else { None };
        let [name, version, python, abi, platform] = parts[..] else {
            return Err(FilenameProblem::Parts(count));
        };
        if name.contains("__") {
            return Err(FilenameProblem::NotEscaped);
        }
        Ok(Self {
            name: name.parse()?,
            version: parse_version(version)?,
            build,
            python: read_tags(python)?,
            abi: read_tags(abi)?,
            platform: read_tags(platform)?,
            variant,
        })
    }
}

impl FromStr for WheelFilename {
    type Err = FilenameError;

    fn from_str(filename: &str) -> Result<Self, FilenameError> {
        Self::read(filename).map_err(|problem| FilenameError::new(filename, "wheel", problem))
    }
}

impl FromStr for BuildTag {
    type Err = FilenameProblem;

    fn from_str(text: &str) -> Result<Self, FilenameProblem> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(end);
        let number = digits.parse().map_err(|_| FilenameProblem::Build(text.to_owned()))?;
        Ok(Self { number, suffix: suffix.to_owned() })
    }
}

/// Tags compare without regard to case, and are lowercase wherever they are made.
fn read_tags(text: &str) -> Result<Vec<String>, FilenameProblem> {
    let is_tag =
        |tag: &str| !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.split('.')
        .map(|tag| is_tag(tag).then(|| tag.to_ascii_lowercase()))
        .collect::<Option<_>>()
        .ok_or_else(|| FilenameProblem::Tags(text.to_owned()))
}

fn read_variant(label: &str) -> Result<String, FilenameProblem> {
    let allowed = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'.');
    if label.is_empty() || !label.bytes().all(allowed) {
        return Err(FilenameProblem::Variant(label.to_owned()));
    }
    Ok(label.to_owned())
}

impl SdistFilename {
    /// Reads the name of a source distribution of `expected`.
    ///
    /// The project must be known, since in old names nothing else tells where the name ends:
    /// `foo-1-1.tar.gz` is `foo` 1.post1 or `foo-1` 1.
    ///
    /// # Errors
    /// When the name is another project's, has no version, or is not an archive's.
    pub fn parse(filename: &str, expected: &PackageName) -> Result<Self, FilenameError> {
        Self::read(filename, expected)
            .map_err(|problem| FilenameError::new(filename, "source distribution", problem))
    }

    fn read(filename: &str, expected: &PackageName) -> Result<Self, FilenameProblem> {
        check_component(filename)?;
        let (stem, extension) = SdistExtension::split(filename).ok_or(FilenameProblem::Extension)?;
        let version = stem
            .match_indices('-')
            .find(|(at, _)| stem[..*at].parse::<PackageName>().is_ok_and(|name| name == *expected))
            .map(|(at, _)| &stem[at + 1..])
            .ok_or_else(|| FilenameProblem::OtherProject(expected.clone()))?;
        Ok(Self { name: expected.clone(), version: parse_version(version)?, extension })
    }
}

impl SdistExtension {
    const ALL: [Self; 7] =
        [Self::TarGz, Self::Zip, Self::Tgz, Self::TarBz2, Self::TarXz, Self::TarZ, Self::Tar];

    /// The extension with its dot.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TarGz => ".tar.gz",
            Self::Zip => ".zip",
            Self::Tgz => ".tgz",
            Self::TarBz2 => ".tar.bz2",
            Self::TarXz => ".tar.xz",
            Self::TarZ => ".tar.Z",
            Self::Tar => ".tar",
        }
    }

    /// Splits the name of an archive before its extension; `None` if it ends in none of them.
    #[must_use]
    pub fn split(filename: &str) -> Option<(&str, Self)> {
        Self::ALL
            .into_iter()
            .find_map(|extension| Some((filename.strip_suffix(extension.as_str())?, extension)))
    }
}

impl FilenameError {
    fn new(filename: &str, kind: &'static str, problem: FilenameProblem) -> Self {
        Self { filename: filename.chars().take(FILENAME_LIMIT).collect(), kind, problem }
    }
}

/// Holds a file name from outside to be one harmless path component: printable ASCII without anything
/// that a path, a URL or a drive would take apart, even when it is decoded once more.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_component(filename: &str) -> Result<(), FilenameProblem> {
    if filename.len() > FILENAME_LIMIT {
        return Err(FilenameProblem::TooLong(filename.len()));
    }
    if filename.is_empty() || filename.starts_with(['.', ' ']) {
        return Err(FilenameProblem::Start);
    }
    let allowed = |c: char| matches!(c, ' '..='~') && !matches!(c, '/' | '\\' | ':' | '%');
    match filename.chars().find(|c| !allowed(*c)) {
        Some(character) => Err(FilenameProblem::Character(character)),
        None => Ok(()),
    }
}

/// Whether a name ends like a wheel's or a source distribution's.
#[must_use]
pub fn has_distribution_extension(filename: &str) -> bool {
    filename.ends_with(".whl") || SdistExtension::split(filename).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wheel(filename: &str) -> WheelFilename {
        filename.parse().unwrap()
    }

    fn problem(filename: &str) -> FilenameProblem {
        filename.parse::<WheelFilename>().unwrap_err().problem
    }

    fn sdist(filename: &str, project: &str) -> Result<SdistFilename, FilenameProblem> {
        SdistFilename::parse(filename, &project.parse().unwrap()).map_err(|error| error.problem)
    }

    #[test]
    fn a_compressed_tag_set_stands_for_every_combination() {
        let wheel = wheel("Foo.Bar-1.0-py2.py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl");
        assert_eq!(wheel.name.as_str(), "foo-bar");
        assert_eq!(
            wheel.tags().collect::<Vec<_>>(),
            [
                ("py2", "none", "manylinux_2_17_x86_64"),
                ("py2", "none", "manylinux2014_x86_64"),
                ("py3", "none", "manylinux_2_17_x86_64"),
                ("py3", "none", "manylinux2014_x86_64"),
            ]
        );
        assert_eq!((wheel.build, wheel.variant), (None, None));
    }

    #[test]
    fn local_versions_epochs_and_capitals_are_read() {
        let torch = wheel("torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl");
        assert_eq!(torch.version.to_string(), "2.9.1+cu128");
        assert_eq!(wheel("x-1!2.0-CP312-abi3-Win_AMD64.whl").version.to_string(), "1!2.0");
        assert_eq!(wheel("x-1-CP312-abi3-Win_AMD64.whl").platform, ["win_amd64"]);
    }

    #[test]
    fn build_tags_order_by_number_and_then_by_text() {
        let mut wheels =
            ["10", "2b", "2", "02a"].map(|build| wheel(&format!("x-1-{build}-py3-none-any.whl")).build);
        wheels.sort();
        let shown = wheels.map(|build| build.map(|build| (build.number, build.suffix)).unwrap());
        assert_eq!(shown, [(2, ""), (2, "a"), (2, "b"), (10, "")].map(|(n, s)| (n, s.to_owned())));
        assert!(wheel("x-1-py3-none-any.whl").build < wheel("x-1-0-py3-none-any.whl").build);
    }

    #[test]
    fn variant_wheels_are_recognised_with_and_without_a_build_tag() {
        let plain = wheel("torch-2.9.0-cp313-cp313-manylinux_2_28_x86_64-cu128.whl");
        assert_eq!((plain.variant.as_deref(), plain.build), (Some("cu128"), None));
        assert_eq!(plain.platform, ["manylinux_2_28_x86_64"]);
        let built = wheel("torch-2.9.0-1-cp313-cp313-linux_x86_64-00fa_1.b.whl");
        assert_eq!(built.variant.as_deref(), Some("00fa_1.b"));
        assert_eq!(built.build.unwrap().number, 1);
        assert_eq!(problem("x-1-cp313-cp313-any-CU.whl"), FilenameProblem::Variant("CU".into()));
        assert_eq!(problem("x-1-b1-cp313-cp313-any-cu.whl"), FilenameProblem::Build("b1".into()));
    }

    #[test]
    fn hostile_wheel_names_are_refused() {
        for (name, character) in [
            ("torch-2.0+cu118-py3-none-any%2F..%2Fx.whl", '%'),
            ("../x-1-py3-none-any.whl", '.'),
            ("a/x-1-py3-none-any.whl", '/'),
            ("a\\x-1-py3-none-any.whl", '\\'),
            ("c:x-1-py3-none-any.whl", ':'),
            ("x-1-py3-none-any\0.whl", '\0'),
            ("x-1-py3-none-any\n.whl", '\n'),
            ("x-1-py3-none-any\u{202e}.whl", '\u{202e}'),
            ("\u{445}-1-py3-none-any.whl", '\u{445}'),
        ] {
            let expected =
                if character == '.' { FilenameProblem::Start } else { FilenameProblem::Character(character) };
            assert_eq!(problem(name), expected, "{name:?}");
        }
        let long = format!("{}-1-py3-none-any.whl", "x".repeat(300));
        assert_eq!(problem(&long), FilenameProblem::TooLong(319));
    }

    #[test]
    fn malformed_wheel_names_are_refused() {
        for name in [
            "",
            ".whl",
            "x.whl",
            "x-1-py3-none.whl",
            "x-1-1-py3-none-any-v-w.whl",
            "x-1-py3-none-any.WHL",
            "x-1-py3-none-any.zip",
            "x-dev-py3-none-any.whl",
            "x__y-1-py3-none-any.whl",
            "_x-1-py3-none-any.whl",
            "-1-py3-none-any.whl",
            "x--py3-none-any.whl",
            "x-1-py3..py2-none-any.whl",
            "x-1-py3-none-.whl",
            "x-1-py3-no ne-any.whl",
            "x-1-99999999999999999999-py3-none-any.whl",
        ] {
            assert!(name.parse::<WheelFilename>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn sdists_of_every_age_are_read() {
        for (name, version, extension) in [
            ("foo_bar-1.0.tar.gz", "1.0", SdistExtension::TarGz),
            ("Foo-Bar-1.0.tar.gz", "1.0", SdistExtension::TarGz),
            ("foo.bar-1.0rc1.zip", "1.0rc1", SdistExtension::Zip),
            ("foo-bar-2.tar.bz2", "2", SdistExtension::TarBz2),
            ("foo-bar-2-1.tgz", "2.post1", SdistExtension::Tgz),
            ("foo-bar-1.0+local.1.tar.xz", "1.0+local.1", SdistExtension::TarXz),
        ] {
            let sdist = sdist(name, "foo-bar").unwrap();
            assert_eq!((sdist.version.to_string().as_str(), sdist.extension), (version, extension));
        }
        assert_eq!(sdist("foo-1-1.zip", "foo").unwrap().version.to_string(), "1.post1");
        assert_eq!(sdist("foo-1-1.zip", "foo-1").unwrap().version.to_string(), "1");
    }

    #[test]
    fn what_is_no_sdist_of_the_project_is_refused() {
        let other = FilenameProblem::OtherProject("foo".parse().unwrap());
        assert_eq!(sdist("foobar-1.0.tar.gz", "foo"), Err(other.clone()));
        assert_eq!(sdist("foo.tar.gz", "foo"), Err(other.clone()));
        assert_eq!(sdist("-1.0.tar.gz", "foo"), Err(other));
        for name in ["foo-bar-1.0.tar.gz", "foo--1.0.tar.gz", "foo-latest.zip"] {
            assert!(matches!(sdist(name, "foo"), Err(FilenameProblem::Version(_))), "{name}");
        }
        assert_eq!(sdist("foo-1.0.win32.exe", "foo"), Err(FilenameProblem::Extension));
        assert_eq!(sdist("foo-1.0/../x.zip", "foo"), Err(FilenameProblem::Character('/')));
    }
}
