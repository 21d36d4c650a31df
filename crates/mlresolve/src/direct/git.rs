//! Git repositories, by the `git` program: the commit that a branch or tag stands for, and single files of it.
//!
//! Only what is asked for is fetched, into a bare repository in the cache. No checkout is made and no hook, filter or
//! submodule of a repository runs.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use mlresolve_index::Cache;
use sha2::{Digest as _, Sha256};

use super::address::SecretUrl;
use crate::build::unpack;

/// The most that is read of one file of a repository, in bytes.
const FILE_LIMIT: u64 = 16 << 20;
/// The most that is read of the list of a repository's branches and tags, in bytes.
const LIST_LIMIT: u64 = 64 << 20;
/// How often a running `git` is looked at.
const POLL: Duration = Duration::from_millis(10);

/// A repository, as far as it was fetched.
pub(crate) struct Repository<'a> {
    url: &'a SecretUrl,
    dir: PathBuf,
    /// Removes the folder where there is no cache.
    _temporary: Option<tempfile::TempDir>,
    /// Held by one process at a time.
    _lock: Option<fs::File>,
    offline: bool,
    stop: &'a dyn Fn() -> bool,
}

/// The files of a commit, until this is dropped.
pub(crate) struct Checkout {
    pub(crate) tree: PathBuf,
    _folder: tempfile::TempDir,
}

impl Checkout {
    /// The tree, and the folder that goes when it is dropped.
    pub(crate) fn into_parts(self) -> (PathBuf, tempfile::TempDir) {
        (self.tree, self._folder)
    }
}

/// Why a repository is of no use, in words without secrets.
pub(crate) enum GitError {
    /// The network, or the server at its end.
    Network(String),
    /// It is not in the cache, and the network is off.
    Offline,
    /// The request: no such program, branch or folder.
    Input(String),
    /// The caller asked to stop.
    Stopped,
}

impl<'a> Repository<'a> {
    /// Opens the repository of an address in the cache's folder, or in a temporary one.
    pub(crate) fn open(
        url: &'a SecretUrl,
        cache: Option<&Path>,
        offline: bool,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<Self, GitError> {
        let failed = |error: std::io::Error| GitError::Input(format!("cannot keep a repository: {error}"));
        let (dir, temporary, lock) = match cache {
            Some(cache) => {
                let folder = Cache::at(cache).repositories();
                fs::create_dir_all(&folder).map_err(failed)?;
                let name = hex(url.public().as_str());
                let lock = fs::File::create(folder.join(format!("{name}.lock"))).map_err(failed)?;
                lock.lock().map_err(failed)?;
                (folder.join(name), None, Some(lock))
            }
            None => {
                let folder = tempfile::tempdir().map_err(failed)?;
                (folder.path().join("repository"), Some(folder), None)
            }
        };
        let repository = Self { url, dir, _temporary: temporary, _lock: lock, offline, stop };
        if !repository.dir.join("HEAD").is_file() {
            repository.git(["init", "--quiet", "--bare", "--template="].map(OsStr::new), 0)?;
        }
        Ok(repository)
    }

    /// The commit that a branch, tag or commit stands for (the default branch where none is named), fetched.
    pub(crate) fn commit(&self, revision: Option<&str>) -> Result<String, GitError> {
        let wanted = revision.unwrap_or("HEAD");
        let kept = format!("refs/asked-for/{}", hex(wanted));
        if is_commit(wanted) && self.has(wanted) {
            return Ok(wanted.to_ascii_lowercase());
        }
        if self.offline {
            return self.parse(&kept).ok_or(GitError::Offline);
        }
        let commit = self.fetch(wanted)?;
        self.git(["update-ref", &kept, &commit].map(OsStr::new), 0)?;
        Ok(commit)
    }

    /// A file of a commit; `None` if it is not there.
    pub(crate) fn file(&self, commit: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let object = format!("{commit}:{path}");
        let kind = self.git(["cat-file", "-t", &object].map(OsStr::new), 64);
        match kind {
            Err(GitError::Stopped) => return Err(GitError::Stopped),
            Ok(kind) if kind.trim_ascii() == b"blob" => {}
            _ => return Ok(None),
        }
        self.git(["cat-file", "blob", &object].map(OsStr::new), FILE_LIMIT).map(Some)
    }

    /// The files of a commit in a temporary folder, without the repository.
    pub(crate) fn checkout(&self, commit: &str) -> Result<Checkout, GitError> {
        let failed =
            |error: std::io::Error| GitError::Input(format!("cannot make a temporary folder: {error}"));
        let folder = tempfile::Builder::new().prefix("mlresolve-git-").tempdir().map_err(failed)?;
        let archive = tempfile::NamedTempFile::new().map_err(failed)?;
        let output = format!("--output={}", archive.path().display());
        self.git(["archive", "--format=tar.gz", "-1", "--prefix=tree/", &output, commit].map(OsStr::new), 0)?;
        let tree = unpack(archive.path(), "tree.tar.gz", folder.path());
        let tree = tree.map_err(|error| GitError::Input(format!("cannot unpack the repository: {error}")))?;
        Ok(Checkout { tree, _folder: folder })
    }

    fn fetch(&self, wanted: &str) -> Result<String, GitError> {
        let url = self.url.public();
        let list = self.git(["ls-remote", "--quiet", url.as_str()].map(OsStr::new), LIST_LIMIT)?;
        let list = String::from_utf8_lossy(&list);
        let found =
            |name: &str| list.lines().filter_map(|line| line.split_once('\t')).find(|(_, one)| *one == name);
        // As git itself reads a name: a tag comes before a branch. `^{}` is the commit behind an annotated tag.
        let names = [wanted.to_owned(), format!("refs/tags/{wanted}"), format!("refs/heads/{wanted}")];
        if let Some((reference, id)) = names.iter().find_map(|name| Some((name.as_str(), found(name)?.0))) {
            let peeled = format!("{reference}^{{}}");
            let commit = found(&peeled).map_or(id, |(commit, _)| commit).to_owned();
            if !self.has(&commit) {
                self.git(
                    ["fetch", "--quiet", "--no-tags", "--depth=1", url.as_str(), reference].map(OsStr::new),
                    0,
                )?;
            }
            return self.parse(&commit).ok_or_else(|| self.unknown(wanted));
        }
        if !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) || wanted.len() < 7 {
            return Err(self.unknown(wanted));
        }
        // Most servers give out a commit by its full name; for the others, and for a short one, everything is fetched.
        let one = ["fetch", "--quiet", "--no-tags", "--depth=1", url.as_str(), wanted].map(OsStr::new);
        if !is_commit(wanted) || self.git(one, 0).is_err() {
            let all = ["fetch", "--quiet", "--tags", url.as_str(), "+refs/heads/*:refs/fetched/*"];
            self.git(all.map(OsStr::new), 0)?;
        }
        self.parse(wanted).ok_or_else(|| self.unknown(wanted))
    }

    fn unknown(&self, wanted: &str) -> GitError {
        GitError::Input(format!("{} has no branch, tag or commit `{wanted}`", self.url.public()))
    }

    fn has(&self, commit: &str) -> bool {
        self.parse(commit).is_some()
    }

    fn parse(&self, name: &str) -> Option<String> {
        let name = format!("{name}^{{commit}}");
        let out = self
            .git(["rev-parse", "--quiet", "--verify", "--end-of-options", &name].map(OsStr::new), 256)
            .ok()?;
        let commit = String::from_utf8(out).ok()?.trim().to_owned();
        // `rev-parse` takes a full id at its word; the objects must be there.
        let there = self.git(["cat-file", "-e", &format!("{commit}^{{tree}}")].map(OsStr::new), 0).is_ok();
        (is_commit(&commit) && there).then_some(commit)
    }

    /// Runs `git` in the repository and returns what it prints, at most `limit` bytes.
    fn git<'s>(
        &self,
        arguments: impl IntoIterator<Item = &'s OsStr>,
        limit: u64,
    ) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(&self.dir).args(arguments);
        // What a repository or the user's settings say must run nothing and ask nobody.
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:file")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE");
        if std::env::var_os("GIT_SSH_COMMAND").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        let (public, secret) = (self.url.public(), self.url.expose());
        if secret.password().is_some() || secret.username() != public.username() {
            // In the environment, since other users can read arguments.
            let mut with = secret.clone();
            with.set_query(None);
            with.set_fragment(None);
            command
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", format!("url.{with}.insteadOf"))
                .env("GIT_CONFIG_VALUE_0", public.as_str());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => GitError::Input(
                "it is a git repository, and there is no `git` program here to fetch it".to_owned(),
            ),
            _ => GitError::Input(format!("cannot run git: {error}")),
        })?;
        let read = |stream: Option<Box<dyn std::io::Read + Send>>, limit: u64| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                if let Some(mut stream) = stream {
                    // An unreadable end shows as a short answer; the rest is read so that git can end.
                    drop(stream.by_ref().take(limit + 1).read_to_end(&mut bytes));
                    drop(std::io::copy(&mut stream, &mut std::io::sink()));
                }
                bytes
            })
        };
        let out = read(child.stdout.take().map(|stream| Box::new(stream) as _), limit);
        let errors = read(child.stderr.take().map(|stream| Box::new(stream) as _), 64 << 10);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if (self.stop)() => {
                    drop(child.kill());
                    drop(child.wait());
                    return Err(GitError::Stopped);
                }
                Ok(None) => thread::sleep(POLL),
                Err(error) => return Err(GitError::Input(format!("cannot run git: {error}"))),
            }
        };
        let (out, errors) = (out.join().unwrap_or_default(), errors.join().unwrap_or_default());
        if !status.success() {
            return Err(GitError::Network(self.said(&errors)));
        }
        if out.len() as u64 > limit && limit > 0 {
            return Err(GitError::Input(format!("git gave more than {limit} bytes, the limit `git answer`")));
        }
        Ok(out)
    }

    /// What git complains of, on one line and without the secrets of the address.
    fn said(&self, errors: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(errors).lines().map(str::trim).collect::<Vec<_>>().join("; ");
        let secret = self.url.expose();
        let user = (secret.scheme() != "ssh").then(|| secret.username());
        for part in secret.password().into_iter().chain(user).filter(|part| !part.is_empty()) {
            text = text.replace(part, "****");
        }
        let text: String = text.chars().take(600).collect();
        format!("git cannot fetch {}: {}", self.url.public(), crate::text::printable(&text))
    }
}

/// Whether a text is the full name of a commit (SHA-1 or SHA-256).
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
