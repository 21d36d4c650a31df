//! What goes into a layer, and the paths that may.

use std::fmt;
use std::sync::Arc;

use crate::source::ReadAt;

/// The most bytes of a path in a layer (Linux's `PATH_MAX`, less the terminating zero).
pub const PATH_BYTES_LIMIT: usize = 4095;

/// The most bytes of one component of a path (Linux's `NAME_MAX`).
pub const NAME_BYTES_LIMIT: usize = 255;

/// One file of a layer.
#[derive(Debug, Clone)]
pub struct LayerFile {
    /// The path below the root of the image, without a leading slash: `opt/venv/bin/f2py`.
    pub path: String,
    /// Who may do what with it. Symbolic links have no mode of their own.
    pub mode: Mode,
    /// Whose it is.
    pub owner: Owner,
    /// What it is and what is in it.
    pub content: Content,
}

impl LayerFile {
    /// A file that belongs to root.
    #[must_use]
    pub fn new(path: impl Into<String>, mode: Mode, content: Content) -> Self {
        Self { path: path.into(), mode, owner: Owner::default(), content }
    }
}

/// The permissions of a file: the umask of a machine is never among the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `0644`: read by all.
    #[default]
    Plain,
    /// `0755`: read and run by all; directories too.
    Executable,
    /// `0775`: written by the group as well, for the home of any user with group 0.
    GroupWritable,
}

impl Mode {
    /// The permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
            Self::GroupWritable => 0o775,
        }
    }
}

/// The numeric owner of a file; root's by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// What a file of a layer is.
#[derive(Clone)]
pub enum Content {
    /// A file of these bytes.
    Bytes(Vec<u8>),
    /// A file that lies in an archive as a raw deflate stream (RFC 1951), such as a member of a wheel.
    Deflated {
        /// The archive.
        source: Arc<dyn ReadAt>,
        /// Where the stream begins, in bytes.
        offset: u64,
        /// The length of the stream in bytes.
        compressed: u64,
        /// The length of the file in bytes.
        size: u64,
        /// The CRC-32 of the file, as ZIP archives and gzip compute it.
        crc32: u32,
    },
    /// A file that lies in an archive as it is.
    Stored {
        /// The archive.
        source: Arc<dyn ReadAt>,
        /// Where the file begins, in bytes.
        offset: u64,
        /// The length of the file in bytes.
        size: u64,
        /// The CRC-32 of the file.
        crc32: u32,
    },
    /// A directory; those above a file need not be given, unless they differ from root's with mode `0755`.
    Directory,
    /// A symbolic link to this target.
    Symlink(String),
}

impl Content {
    /// The length of the file in bytes; 0 for what has none.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Deflated { size, .. } | Self::Stored { size, .. } => *size,
            Self::Directory | Self::Symlink(_) => 0,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(formatter, "Bytes({})", bytes.len()),
            Self::Deflated { offset, compressed, size, crc32, .. } => {
                write!(formatter, "Deflated({compressed} at {offset}, {size}, {crc32:08x})")
            }
            Self::Stored { offset, size, crc32, .. } => {
                write!(formatter, "Stored({size} at {offset}, {crc32:08x})")
            }
            Self::Directory => write!(formatter, "Directory"),
            Self::Symlink(target) => write!(formatter, "Symlink({target:?})"),
        }
    }
}

/// What is wrong with a path, or with the target of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// A path that begins at a root.
    #[error("it begins with a slash; paths in a layer are relative to its root")]
    Absolute,
    /// `.`, `..`, or nothing between two slashes.
    #[error("it has an empty component, '.' or '..'")]
    Dots,
    /// A character below space, or DEL.
    #[error("it has a control character")]
    Control,
    /// The name of a file by which a layer removes files of those below (OCI image specification, layers).
    #[error("a name that begins with '.wh.' removes files of other layers")]
    Whiteout,
    /// Longer than a file system takes.
    #[error(
        "it is longer than PATH_BYTES_LIMIT = {PATH_BYTES_LIMIT} bytes, or a component of it than \
         NAME_BYTES_LIMIT = {NAME_BYTES_LIMIT}"
    )]
    Long,
}

/// Holds a path to what every reader of archives takes in the same way.
pub(crate) fn check_path(path: &str) -> Result<(), PathProblem> {
    check_text(path)?;
    if path.starts_with('/') {
        return Err(PathProblem::Absolute);
    }
    for name in path.split('/') {
        if matches!(name, "" | "." | "..") {
            return Err(PathProblem::Dots);
        }
        if name.len() > NAME_BYTES_LIMIT {
            return Err(PathProblem::Long);
        }
        if name.starts_with(".wh.") {
            return Err(PathProblem::Whiteout);
        }
    }
    Ok(())
}

/// Holds the target of a link to the same, but for where it leads: `/usr/bin/python3` is a link that an image needs.
pub(crate) fn check_text(text: &str) -> Result<(), PathProblem> {
    if text.is_empty() {
        return Err(PathProblem::Empty);
    }
    if text.len() > PATH_BYTES_LIMIT {
        return Err(PathProblem::Long);
    }
    if text.chars().any(char::is_control) {
        return Err(PathProblem::Control);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_refused() {
        let long_name = "n".repeat(NAME_BYTES_LIMIT + 1);
        let long_path = "n/".repeat(PATH_BYTES_LIMIT / 2) + "nn";
        for (path, problem) in [
            ("", PathProblem::Empty),
            ("/etc/passwd", PathProblem::Absolute),
            ("a//b", PathProblem::Dots),
            ("a/", PathProblem::Dots),
            ("./a", PathProblem::Dots),
            ("a/../../b", PathProblem::Dots),
            ("a\nb", PathProblem::Control),
            ("a\u{85}b", PathProblem::Control),
            ("a\0b", PathProblem::Control),
            ("a/.wh.b", PathProblem::Whiteout),
            (".wh..wh..opq", PathProblem::Whiteout),
            (&long_name, PathProblem::Long),
            (&long_path, PathProblem::Long),
        ] {
            assert_eq!(check_path(path), Err(problem), "{path:?}");
        }
        for path in ["a", "a.b/.c", "opt/venv/lib/ä ö.py", "a/..b", "n/".repeat(2000).trim_end_matches('/')]
        {
            assert_eq!(check_path(path), Ok(()), "{path:?}");
        }
        assert_eq!(check_text("/usr/local/bin/python3"), Ok(()));
    }
}
