//! The addresses that a requirement may name instead of versions.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use url::Url;

/// Where a package is, other than on an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    /// A wheel or a source archive on the web.
    Web { url: SecretUrl, fragment: Fragment },
    /// A wheel or a source archive on disk, by its absolute path.
    File { path: PathBuf, fragment: Fragment },
    /// A source tree on disk, by its absolute path.
    Folder { path: PathBuf, editable: bool, fragment: Fragment },
    /// A git repository.
    Git { url: SecretUrl, revision: Option<String>, fragment: Fragment },
}

/// A path as a requirement is written: one word, so that what would end it is written as in a URL.
fn written(path: &Path, root: &Path) -> String {
    let path = relative(path, root);
    let path = if path.starts_with('.') { path } else { format!("./{path}") };
    path.replace('%', "%25").replace(' ', "%20").replace('#', "%23").replace(';', "%3B")
}

/// What stands behind `#`, as far as it means something.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fragment {
    /// The folder inside the archive, folder or repository that holds the project.
    pub(crate) subdirectory: Option<String>,
    /// The hashes that the file must have, as algorithm and digest in lower case.
    pub(crate) hashes: Vec<(String, String)>,
}

/// An address that may hold credentials or a signature, and never shows them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SecretUrl(Url);

impl SecretUrl {
    /// With its credentials, for the one who fetches.
    pub(crate) fn expose(&self) -> &Url {
        &self.0
    }

    /// Where it is on this machine's disk, if it is there.
    pub(crate) fn local_path(&self) -> Option<PathBuf> {
        (self.0.scheme() == "file").then(|| self.0.to_file_path().ok()).flatten()
    }

    /// Without credentials and query, as a lock may hold it.
    pub(crate) fn public(&self) -> Url {
        let mut url = self.0.clone();
        // An ssh address is written with a user, who is no secret.
        if url.scheme() != "ssh" {
            let _ = url.set_username("");
        }
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        url
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretUrl({})", self.public())
    }
}

/// The schemes that other tools read and this one does not.
const OTHER_SYSTEMS: [&str; 3] = ["hg+", "svn+", "bzr+"];

impl Address {
    /// Reads an address: `https://…`, `file:…`, `git+https://…`, or a path, which counts from the current folder.
    /// Looks at the disk to tell a folder from a file.
    ///
    /// What is wrong is said without repeating the address, which may hold a secret.
    pub(crate) fn read(text: &str, editable: bool) -> Result<Self, String> {
        let text = text.trim();
        if let Some(system) = OTHER_SYSTEMS.iter().find(|system| text.starts_with(**system)) {
            let system = system.trim_end_matches('+');
            return Err(format!("{system} repositories cannot be locked; git repositories and archives can"));
        }
        if let Some(rest) = text.strip_prefix("git+") {
            return Self::read_git(rest);
        }
        if !text.starts_with("file:") && !has_scheme(text) {
            return Self::read_path(Path::new(text), editable, Fragment::default());
        }
        let url = Url::parse(text).map_err(|error| format!("the address is not valid: {error}"))?;
        let fragment = Fragment::read(url.fragment())?;
        match url.scheme() {
            "file" => {
                let path = url.to_file_path().map_err(|()| "the address names no local path".to_owned())?;
                Self::read_path(&path, editable, fragment)
            }
            "http" | "https" if editable => {
                Err("only a folder or a git repository can be editable (`-e`)".to_owned())
            }
            "http" | "https" => {
                check_userinfo(&url)?;
                Ok(Self::Web { url: SecretUrl(url), fragment })
            }
            "git" | "ssh" => Err("write `git+` in front of the address of a git repository".to_owned()),
            other => Err(format!(
                "`{other}:` addresses cannot be fetched; use https, git+https, git+ssh or a path"
            )),
        }
    }

    /// Reads an address that a package's metadata names. It may lead to this machine's disk only if the package came
    /// from there.
    pub(crate) fn read_foreign(text: &str, local: bool) -> Result<Self, String> {
        let web = ["https://", "http://", "git+https://", "git+http://", "git+ssh://"];
        if !local && !web.iter().any(|scheme| text.trim_start().starts_with(scheme)) {
            return Err("what comes from elsewhere may not name a path of this machine, or an address other than on the web".to_owned());
        }
        Self::read(text, false)
    }

    /// The address with further hashes, as `sha256:…`, that the file must have one of.
    pub(crate) fn with_hashes(mut self, hashes: &[String]) -> Self {
        let (Self::Web { fragment, .. }
        | Self::File { fragment, .. }
        | Self::Folder { fragment, .. }
        | Self::Git { fragment, .. }) = &mut self;
        let hashes = hashes.iter().filter_map(|hash| hash.split_once(':'));
        fragment
            .hashes
            .extend(hashes.map(|(kind, hex)| (kind.to_ascii_lowercase(), hex.to_ascii_lowercase())));
        self
    }

    fn read_git(rest: &str) -> Result<Self, String> {
        let by_path = rest.starts_with(['.', '/']).then(|| std::path::absolute(rest).ok()).flatten();
        let by_path = by_path.map(|path| format!("file://{}", plain(&path).display()));
        let mut url = Url::parse(by_path.as_deref().unwrap_or(rest)).map_err(|error| {
            format!("the address of the git repository is not valid: {error}; write git+ssh://git@host/path for `git@host:path`")
        })?;
        if !matches!(url.scheme(), "https" | "http" | "ssh" | "file") {
            let scheme = url.scheme();
            return Err(format!("git repositories are fetched by https, ssh or file, not by `{scheme}`"));
        }
        check_userinfo(&url)?;
        let fragment = Fragment::read(url.fragment())?;
        url.set_fragment(None);
        let (path, revision) = match url.path().rsplit_once('@') {
            Some((path, revision)) => (path.to_owned(), Some(decode(revision)?)),
            None => (url.path().to_owned(), None),
        };
        if let Some(revision) = &revision {
            check_revision(revision)?;
        }
        url.set_path(&path);
        Ok(Self::Git { url: SecretUrl(url), revision, fragment })
    }

    fn read_path(path: &Path, editable: bool, fragment: Fragment) -> Result<Self, String> {
        let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
        let path = plain(&absolute);
        if path.is_dir() {
            return Ok(Self::Folder { path, editable, fragment });
        }
        if !path.exists() {
            // What was meant to be an address and is none may hold a secret.
            let shown = path.to_string_lossy();
            return Err(match shown.contains(['@', ':', '?']) {
                true => "there is no such file or folder".to_owned(),
                false => format!("there is no file or folder {}", crate::text::printable(&shown)),
            });
        }
        if editable {
            return Err("only a folder can be editable (`-e`), and this is a file".to_owned());
        }
        Ok(Self::File { path, fragment })
    }

    pub(crate) fn fragment(&self) -> &Fragment {
        match self {
            Self::Web { fragment, .. }
            | Self::File { fragment, .. }
            | Self::Folder { fragment, .. }
            | Self::Git { fragment, .. } => fragment,
        }
    }

    /// The address as a lock and a message may show it: without secrets, and with paths that count from `root`.
    pub(crate) fn public(&self, root: &Path) -> String {
        let mut text = match self {
            Self::Web { url, .. } => url.public().to_string(),
            Self::File { path, .. } | Self::Folder { path, .. } => written(path, root),
            Self::Git { url, revision, .. } => {
                let revision = revision.as_ref().map(|revision| format!("@{revision}")).unwrap_or_default();
                let place = url.local_path().map(|path| written(&path, root));
                format!("git+{}{revision}", place.unwrap_or_else(|| url.public().to_string()))
            }
        };
        if let Some(subdirectory) = &self.fragment().subdirectory {
            text.push_str(&format!("#subdirectory={subdirectory}"));
        }
        text
    }

    /// Whether it is on this machine's disk.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::File { .. } | Self::Folder { .. } => true,
            Self::Git { url, .. } => url.local_path().is_some(),
            Self::Web { .. } => false,
        }
    }
}

impl Fragment {
    fn read(text: Option<&str>) -> Result<Self, String> {
        let mut fragment = Self::default();
        for part in text.unwrap_or_default().split('&') {
            let Some((key, value)) = part.split_once('=') else { continue };
            let value = decode(value)?;
            match key {
                "subdirectory" => {
                    let value = value.trim_matches('/').to_owned();
                    let climbs = value.split(['/', '\\']).any(|part| part == "..");
                    if climbs || value.chars().any(char::is_control) {
                        return Err("its `#subdirectory=` leaves the project".to_owned());
                    }
                    fragment.subdirectory = (!value.is_empty() && value != ".").then_some(value);
                }
                "sha256" | "sha384" | "sha512" => {
                    fragment.hashes.push((key.to_owned(), value.to_ascii_lowercase()));
                }
                "md5" | "sha1" | "sha224" => {
                    return Err(format!("its hash is {key}, which is too weak; give a sha256"));
                }
                _ => {}
            }
        }
        Ok(fragment)
    }
}

/// `https://user/name:password@host`: what stands before the slash would be taken for the host.
fn check_userinfo(url: &Url) -> Result<(), String> {
    let ambiguous = url
        .path()
        .split_once(':')
        .is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|segment| segment.contains('@')));
    if ambiguous && url.username().is_empty() {
        return Err("its user name or password holds a `/`; write that as %2F".to_owned());
    }
    Ok(())
}

/// A revision goes to the `git` program, to which a leading `-` is an option.
fn check_revision(revision: &str) -> Result<(), String> {
    let odd = revision.chars().any(|character| character.is_control() || " ~^:?*[\\".contains(character));
    if revision.is_empty() || revision.starts_with('-') || revision.contains("..") || odd {
        return Err("what stands behind `@` is no branch, tag or commit".to_owned());
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| "it holds bytes that are no UTF-8".to_owned())
}

fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

/// An absolute path without `.` and `..`, taken as they are written.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// A path as it is written from a folder, with `/` between the parts; `.` for the folder itself.
pub(crate) fn relative(path: &Path, root: &Path) -> String {
    let root = std::path::absolute(root).map_or_else(|_| root.to_owned(), |root| plain(&root));
    let common = path.components().zip(root.components()).take_while(|(left, right)| left == right).count();
    let up = root.components().skip(common).map(|_| "..".to_owned());
    let down = path.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> Result<String, String> {
        Address::read(text, false).map(|address| address.public(Path::new(".")))
    }

    #[test]
    fn addresses_are_shown_without_secrets() {
        let cases = [
            (
                "https://ann:hunter2@files.example/a-1.0.tar.gz?sig=hunter2#sha256=00",
                "https://files.example/a-1.0.tar.gz",
            ),
            (
                "git+https://hunter2@git.example/a.git@v1.0#subdirectory=x/y",
                "git+https://git.example/a.git@v1.0#subdirectory=x/y",
            ),
            ("git+ssh://git@git.example/team/a", "git+ssh://git@git.example/team/a"),
            ("git+https://git.example/a@feature/x#egg=a", "git+https://git.example/a@feature/x"),
        ];
        for (text, expected) in cases {
            assert_eq!(public(text).as_deref(), Ok(expected), "{text}");
            assert!(!format!("{:?}", Address::read(text, false)).contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_refused_in_words() {
        for text in [
            "hg+https://hg.example/a",
            "ftp://files.example/a-1.0.tar.gz",
            "git+ftp://git.example/a",
            "git+git@git.example:team/a",
            "ssh://git@git.example/a",
            "git+https://git.example/a@--upload-pack=x",
            "git+https://git.example/a@x..y",
            "https://files.example/a-1.0.tar.gz#md5=00",
            "https://files.example/a-1.0.tar.gz#subdirectory=../..",
            "https://user/name:hunter2@files.example/a.whl",
            "/no/such/folder",
        ] {
            let problem = public(text).expect_err(text);
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn paths_count_from_the_folder_of_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lib = folder.path().join("my lib");
        std::fs::create_dir_all(&lib).unwrap();
        let address = Address::read(lib.to_str().unwrap(), true).unwrap();
        assert_eq!(address.public(folder.path()), "./my%20lib");
        assert_eq!(address.public(&folder.path().join("project")), "../my%20lib");
        assert_eq!(relative(&lib, &lib), ".");
        let by_url = format!("file://{}", lib.display()).replace(' ', "%20");
        assert_eq!(Address::read(&by_url, true).unwrap(), address);
    }
}
