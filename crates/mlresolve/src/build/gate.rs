//! The gate that every member of a foreign archive passes before it becomes a file.
//!
//! Nothing is left to an archive library's own unpacking: a member is a regular file or a folder, its name leads below
//! the root and through real folders only, its mode is one of two, and there are limits.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

/// The most bytes that one archive may unpack to.
const BYTES_LIMIT: u64 = 4 << 30;
/// The most members that one archive may have.
const MEMBERS_LIMIT: u64 = 200_000;
/// The longest name of a member, in bytes.
const NAME_LIMIT: usize = 1024;

/// A folder that is filled from one archive.
pub(super) struct Gate {
    root: PathBuf,
    bytes_left: u64,
    members_left: u64,
}

/// The name of a member, divided into its parts. None of them leads up or elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemberName(Vec<String>);

impl MemberName {
    /// Reads a name. `.` parts and a slash at the end mean nothing.
    pub(super) fn parse(name: &[u8]) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("{:?} {why}", String::from_utf8_lossy(name)));
        let Ok(text) = std::str::from_utf8(name) else { return refuse("is no UTF-8") };
        if text.len() > NAME_LIMIT {
            return Err(format!(
                "a name of {} bytes is over the limit of {NAME_LIMIT} (member name)",
                text.len()
            ));
        }
        if text.contains('\\') || text.chars().any(char::is_control) {
            return refuse("holds a backslash or a control character");
        }
        // A colon would be a drive or a stream on Windows.
        if text.starts_with('/') || (cfg!(windows) && text.contains(':')) {
            return refuse("is no relative path");
        }
        let parts: Vec<String> =
            text.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect();
        if parts.iter().any(|part| part == "..") {
            return refuse("leads out of its folder");
        }
        Ok(Self(parts))
    }

    /// Its parts from the top.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }

    /// The name in another folder than its first `skipped` parts are.
    pub(super) fn moved(&self, skipped: usize, folder: &[String]) -> Self {
        Self([folder, self.0.get(skipped..).unwrap_or_default()].concat())
    }

    /// The name that a link in this member's folder means, if that is below the root.
    pub(super) fn beside(&self, target: &[u8]) -> Result<Self, String> {
        let refuse = || format!("{:?} is a link that leads out", self.0.join("/"));
        let text = std::str::from_utf8(target).map_err(|_| refuse())?;
        let mut parts = self.0.clone();
        parts.pop();
        if text.starts_with('/') || text.contains('\\') {
            return Err(refuse());
        }
        for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
            match part {
                // Not even to come back.
                ".." => drop(parts.pop().ok_or_else(refuse)?),
                part => parts.push(part.to_owned()),
            }
        }
        Ok(Self(parts))
    }
}

impl Gate {
    /// A gate into an existing folder.
    pub(super) fn into(root: &Path) -> Self {
        Self { root: root.to_owned(), bytes_left: BYTES_LIMIT, members_left: MEMBERS_LIMIT }
    }

    /// Counts one member, whatever becomes of it.
    pub(super) fn count(&mut self) -> Result<(), String> {
        let left = self.members_left.checked_sub(1);
        self.members_left =
            left.ok_or_else(|| format!("it has more than {MEMBERS_LIMIT} members, the limit"))?;
        Ok(())
    }

    /// Makes a folder.
    pub(super) fn folder(&self, name: &MemberName) -> Result<PathBuf, String> {
        self.real_folder(name.parts())
    }

    /// Writes a file. One that is there already and is a regular file is replaced.
    pub(super) fn file(
        &mut self,
        name: &MemberName,
        bytes: &mut dyn Read,
        executable: bool,
    ) -> Result<(), String> {
        let Some((last, folders)) = name.parts().split_last() else {
            return Err("a member has no name".to_owned());
        };
        let path = self.real_folder(folders)?.join(last);
        let shown = |error: io::Error| format!("{:?}: {error}", name.0.join("/"));
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => fs::remove_file(&path).map_err(shown)?,
            Ok(_) => return Err(format!("{:?} is in the way of a member", name.0.join("/"))),
            Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
        let mut file = options.open(&path).map_err(shown)?;
        let mut limited = bytes.take(self.bytes_left.saturating_add(1));
        let written = io::copy(&mut limited, &mut file).and_then(|written| file.flush().map(|()| written));
        let left = self.bytes_left.checked_sub(written.map_err(shown)?);
        self.bytes_left = left.ok_or_else(|| format!("it holds more than {BYTES_LIMIT} bytes, the limit"))?;
        Ok(())
    }

    /// Opens a regular file that was written through the gate.
    pub(super) fn open(&self, name: &MemberName) -> Option<fs::File> {
        let path = name.parts().iter().fold(self.root.clone(), |path, part| path.join(part));
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        is_file.then(|| fs::File::open(&path).ok()).flatten()
    }

    /// A folder below the root, made where it is missing. No link is followed.
    fn real_folder(&self, parts: &[String]) -> Result<PathBuf, String> {
        let mut path = self.root.clone();
        for part in parts {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Err(format!("{:?} is no folder", parts.join("/"))),
                Err(_) => fs::create_dir(&path).map_err(|error| format!("{:?}: {error}", parts.join("/")))?,
            }
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MemberName {
        MemberName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_leads_below_the_root() {
        assert_eq!(name("./a//b/").parts(), ["a", "b"]);
        for hostile in ["/etc/x", "../x", "a/../../x", "a/..", "a\\..\\x", "a\0b", "a\nb"] {
            assert!(MemberName::parse(hostile.as_bytes()).is_err(), "{hostile:?}");
        }
        assert!(MemberName::parse(b"a\xff").is_err());
        assert!(MemberName::parse("x".repeat(2000).as_bytes()).unwrap_err().contains("member name"));
    }

    #[test]
    fn a_link_is_followed_in_words_alone() {
        let link = name("top/docs/readme");
        assert_eq!(link.beside(b"../README").unwrap(), name("top/README"));
        for out in [&b"../../../etc/passwd"[..], b"/etc/passwd", b"..\\x", b"\xff"] {
            assert!(link.beside(out).is_err(), "{}", String::from_utf8_lossy(out));
        }
    }

    #[test]
    fn nothing_is_written_through_a_link_or_over_one() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
        fs::create_dir(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "kept").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
            std::os::unix::fs::symlink(outside.join("file"), inside.join("python")).unwrap();
            let mut gate = Gate::into(&inside);
            for hostile in ["link/file", "link/new", "python", "link"] {
                assert!(gate.file(&name(hostile), &mut &b"changed"[..], false).is_err(), "{hostile}");
            }
        }
        assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "kept");
        assert!(!outside.join("new").exists());
    }

    #[test]
    fn bytes_and_members_have_limits() {
        let folder = tempfile::tempdir().unwrap();
        let mut gate = Gate { root: folder.path().to_owned(), bytes_left: 4, members_left: 1 };
        gate.count().unwrap();
        assert!(gate.count().unwrap_err().contains("members"));
        gate.file(&name("a"), &mut &b"123"[..], false).unwrap();
        assert!(gate.file(&name("b"), &mut io::repeat(0), false).unwrap_err().contains("bytes"));
        assert_eq!(fs::metadata(folder.path().join("b")).unwrap().len(), 2, "an endless one is cut");
    }
}
