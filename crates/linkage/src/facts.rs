use std::fmt;

use serde::{Deserialize, Serialize};

/// What one ELF file says of itself to the dynamic loader. It depends on the file alone, so it can be kept by the digest of
/// the wheel that the file is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryFacts {
    /// How wide its addresses are.
    pub class: Class,
    /// The processor that it is for.
    pub machine: Machine,
    /// What the file is.
    pub kind: Kind,
    /// The name that other files need it by (`DT_SONAME`).
    pub soname: Option<String>,
    /// The libraries that it needs (`DT_NEEDED`), in its order.
    pub needed: Vec<String>,
    /// Folders of `DT_RPATH`, which also count for what its libraries need. The loader passes over them where there is a
    /// [`Self::runpath`].
    pub rpath: Vec<String>,
    /// Folders of `DT_RUNPATH`, which count for its own needs alone.
    pub runpath: Vec<String>,
    /// The versions of symbols that it needs of other libraries (`DT_VERNEED`).
    pub requires: Vec<RequiredVersions>,
    /// The versions of symbols that it has (`DT_VERDEF`), without the one that names the library itself.
    pub provides: Vec<String>,
    /// Whether it needs an executable stack: by what `PT_GNU_STACK` says, or because there is none.
    pub executable_stack: bool,
    /// The Python modules that it has an entry for (`PyInit_…`), sorted. `None` where its names are too many to be looked
    /// through.
    pub modules: Option<Vec<String>>,
    /// The release of glibc, such as `2.36`, if this is its `libc.so.6`: not every release has symbols of its own.
    pub release: Option<String>,
    /// Why not everything of this could be read.
    pub fault: Option<Fault>,
}

/// How wide the addresses of an ELF file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
}

/// The processor that an ELF file is for. Displayed as in the names of platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// `x86_64`.
    X86_64,
    /// `aarch64`.
    Aarch64,
    /// Another one, by its number in ELF (`e_machine`).
    Other(u16),
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86_64 => f.write_str("x86_64"),
            Self::Aarch64 => f.write_str("aarch64"),
            Self::Other(3) => f.write_str("i386"),
            Self::Other(40) => f.write_str("arm"),
            Self::Other(number) => write!(f, "ELF machine {number}"),
        }
    }
}

/// What an ELF file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A shared library, extension modules among them.
    Library,
    /// A program.
    Program,
    /// Object files, core dumps and whatever else there is.
    Other,
}

/// What is needed of one library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredVersions {
    /// The library, as in `needed`.
    pub library: String,
    /// The versions of its symbols.
    pub versions: Vec<RequiredVersion>,
}

/// A version of symbols, such as `GLIBC_2.34`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredVersion {
    /// Its name.
    pub name: String,
    /// Whether its lack is no failure.
    pub weak: bool,
}

/// Why a file could not be read in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is not of 64 bits and little-endian.
    Form,
    /// What is needed lies beyond the file's end, or where nothing of the file is loaded.
    Outside,
    /// A name has no end, is no UTF-8, or is longer than [`NAME_BYTES_LIMIT`](crate::NAME_BYTES_LIMIT).
    Name,
    /// The program headers are not of the one length that there is.
    Headers,
    /// There are more entries than [`ENTRY_LIMIT`](crate::ENTRY_LIMIT), or more bytes than
    /// [`KEPT_BYTES_LIMIT`](crate::KEPT_BYTES_LIMIT) are needed.
    Limit,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a file of 64 bits, little-endian",
            Self::Outside => "it refers to what is not in the file",
            Self::Name => "a name in it is malformed or too long",
            Self::Headers => "its program headers are malformed",
            Self::Limit => "it has more entries than are read",
        })
    }
}

#[cfg(test)]
impl LibraryFacts {
    /// The facts of a library for x86-64 that needs others.
    pub(crate) fn sample(soname: &str, needed: &[&str]) -> Self {
        Self {
            soname: (!soname.is_empty()).then(|| soname.to_owned()),
            needed: needed.iter().map(|name| (*name).to_owned()).collect(),
            modules: Some(Vec::new()),
            ..Self::unread(Class::Bits64, Machine::X86_64, Kind::Library)
        }
    }

    /// The same with folders to look into.
    pub(crate) fn with_runpath(self, folders: &[&str]) -> Self {
        Self { runpath: folders.iter().map(|folder| (*folder).to_owned()).collect(), ..self }
    }

    /// The same with versions that it has.
    pub(crate) fn providing(self, versions: &[&str]) -> Self {
        Self { provides: versions.iter().map(|version| (*version).to_owned()).collect(), ..self }
    }

    /// The same with versions that it needs of a library.
    pub(crate) fn requiring(mut self, library: &str, versions: &[&str]) -> Self {
        let versions = versions.iter().map(|name| RequiredVersion { name: (*name).to_owned(), weak: false });
        self.requires.push(RequiredVersions { library: library.to_owned(), versions: versions.collect() });
        self
    }
}

impl LibraryFacts {
    /// The facts of a file of which only the class and the machine are known.
    pub(crate) fn unread(class: Class, machine: Machine, kind: Kind) -> Self {
        Self {
            class,
            machine,
            kind,
            soname: None,
            needed: Vec::new(),
            rpath: Vec::new(),
            runpath: Vec::new(),
            requires: Vec::new(),
            provides: Vec::new(),
            executable_stack: false,
            modules: None,
            release: None,
            fault: None,
        }
    }
}
