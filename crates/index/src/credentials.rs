//! As whom an index is asked: a user and a password from its address, a netrc file, or the `keyring` program, in this
//! order. They are for the index's own origin (scheme, host and port) and go nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::percent_decode_str;
use rustc_hash::FxHashMap;
use url::Url;

use crate::index_url::remove_userinfo;
use crate::keyring::Answered;
use crate::netrc::Netrc;
use crate::{IndexUrl, Keyring};

/// Where the password of an index comes from whose address holds none.
#[derive(Clone, Debug, Default)]
pub struct CredentialSources {
    /// Files in netrc format. The first that is there is read, once an index without a password is asked.
    pub netrc: Vec<PathBuf>,
    /// The `keyring` program, asked where an address has a user without a password, or once an index refused us;
    /// `None` never asks it.
    pub keyring: Option<Keyring>,
}

/// A user and a password as they are, not as a URL writes them. `Debug` shows neither.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Option<String>,
}

/// As whom an index is asked, and how that came about.
#[derive(Debug, Default)]
pub(crate) struct Login {
    pub(crate) credentials: Option<Credentials>,
    source: Source,
    keyring_was_asked: bool,
    /// What went wrong with a source, for the message when the index refuses us.
    notes: Vec<String>,
}

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Nothing,
    Address,
    Netrc(PathBuf),
    Keyring,
    /// Somebody else was asked than the index.
    Withheld,
}

impl Login {
    /// What is said of another origin than the index's.
    pub(crate) fn withheld() -> Arc<Self> {
        Arc::new(Self { source: Source::Withheld, ..Self::default() })
    }
}

/// The logins of a run. Each source is asked once for each index.
pub(crate) struct Logins {
    sources: CredentialSources,
    netrc: tokio::sync::OnceCell<Option<NetrcFile>>,
    known: Mutex<FxHashMap<IndexUrl, Slot>>,
}

/// Held while a source is asked, so that all other requests wait for the one answer.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Login>>>>;

/// The netrc file that is there, or what is wrong with it.
struct NetrcFile {
    path: PathBuf,
    read: Result<Netrc, String>,
}

impl Logins {
    pub(crate) fn new(sources: CredentialSources) -> Self {
        Self { sources, netrc: tokio::sync::OnceCell::new(), known: Mutex::default() }
    }

    /// As whom an index is asked now.
    pub(crate) async fn of(&self, index: &IndexUrl) -> Arc<Login> {
        let slot = self.slot(index);
        let mut login = slot.lock().await;
        if let Some(login) = &*login {
            return Arc::clone(login);
        }
        let first = Arc::new(self.first(index).await);
        *login = Some(Arc::clone(&first));
        first
    }

    /// As whom to ask instead, after the index refused this login; `None` if there is nobody else.
    pub(crate) async fn instead_of(&self, index: &IndexUrl, refused: &Arc<Login>) -> Option<Arc<Login>> {
        let slot = self.slot(index);
        let mut login = slot.lock().await;
        // Another request was refused before, and the answer is there already.
        if let Some(current) = login.as_ref().filter(|current| !Arc::ptr_eq(current, refused)) {
            return Some(Arc::clone(current));
        }
        let keyring = self.sources.keyring.as_ref().filter(|_| !refused.keyring_was_asked)?;
        let user = refused.credentials.as_ref().map(|credentials| credentials.user.as_str());
        let (credentials, notes) = ask(keyring, index, user).await;
        let found = credentials.is_some();
        let next = Arc::new(Login {
            source: if found { Source::Keyring } else { refused.source.clone() },
            credentials: credentials.or_else(|| refused.credentials.clone()),
            keyring_was_asked: true,
            notes: refused.notes.iter().cloned().chain(notes).collect(),
        });
        *login = Some(Arc::clone(&next));
        found.then_some(next)
    }

    fn slot(&self, index: &IndexUrl) -> Slot {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(index.clone()).or_default())
    }

    async fn first(&self, index: &IndexUrl) -> Login {
        let written = index.credentials();
        let mut login = Login {
            credentials: written.cloned(),
            source: if written.is_some() { Source::Address } else { Source::Nothing },
            keyring_was_asked: false,
            notes: Vec::new(),
        };
        if written.is_some_and(|written| written.password.is_some()) {
            return login;
        }
        let user = written.map(|written| written.user.as_str());
        match self.netrc().await {
            Some(NetrcFile { path, read: Ok(netrc) }) => {
                if let Some(credentials) = netrc.find(index.public_url(), user) {
                    login.credentials = Some(credentials);
                    login.source = Source::Netrc(path.clone());
                    return login;
                }
            }
            Some(NetrcFile { path, read: Err(problem) }) => {
                login.notes.push(format!("{} cannot be used: {problem}", path.display()));
            }
            None => {}
        }
        if let (Some(keyring), Some(user)) = (&self.sources.keyring, user) {
            let (credentials, notes) = ask(keyring, index, Some(user)).await;
            login.keyring_was_asked = true;
            login.notes.extend(notes);
            if credentials.is_some() {
                login.credentials = credentials;
                login.source = Source::Keyring;
            }
        }
        login
    }

    async fn netrc(&self) -> Option<&NetrcFile> {
        let read = || async { self.sources.netrc.iter().find_map(|path| read_netrc(path)) };
        self.netrc.get_or_init(read).await.as_ref()
    }
}

/// Asks keyring for the address as pip writes it, and then for the host alone.
async fn ask(
    keyring: &Keyring,
    index: &IndexUrl,
    user: Option<&str>,
) -> (Option<Credentials>, Option<String>) {
    let url = index.public_url();
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    for service in [url.as_str(), url.as_str().trim_end_matches('/'), &host] {
        match keyring.ask(service, user).await {
            Ok(Answered::Known(credentials)) => return (Some(credentials), None),
            Ok(Answered::Unknown) => {}
            Err(problem) => return (None, Some(problem)),
        }
    }
    (None, Some("keyring knows none for it".to_owned()))
}

fn read_netrc(path: &Path) -> Option<NetrcFile> {
    let read = match Netrc::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.to_string()),
        Ok(netrc) => netrc.map_err(|error| error.to_string()),
    };
    Some(NetrcFile { path: path.to_owned(), read })
}

/// What was tried, as the end of a message that an index refused us.
impl fmt::Display for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Nothing => write!(formatter, "it was asked without credentials")?,
            Source::Address => write!(formatter, "it does not accept the credentials in its address")?,
            Source::Netrc(path) => {
                write!(formatter, "it does not accept the credentials in {}", path.display())?;
            }
            Source::Withheld => {
                write!(formatter, "that is another host than the index, where its credentials do not go")?;
            }
            Source::Keyring => write!(formatter, "it does not accept the credentials that keyring gave")?,
        }
        self.notes.iter().try_for_each(|note| write!(formatter, "; {note}"))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(****)")
    }
}

/// Takes user and password out of a URL.
pub(crate) fn take_userinfo(url: &mut Url) -> Option<Credentials> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let there = !url.username().is_empty() || url.password().is_some();
    let credentials =
        there.then(|| Credentials { user: decoded(url.username()), password: url.password().map(decoded) });
    remove_userinfo(url);
    credentials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_is_decoded_and_taken_out() {
        let mut url: Url = "https://a%40b:p%2Fw@index.example/simple/".parse().unwrap();
        let credentials = take_userinfo(&mut url).unwrap();
        assert_eq!((credentials.user.as_str(), credentials.password.as_deref()), ("a@b", Some("p/w")));
        assert_eq!(url.as_str(), "https://index.example/simple/");
        assert_eq!(take_userinfo(&mut url), None);
        assert_eq!(format!("{credentials:?}"), "Credentials(****)");
    }

    fn netrc(text: &str) -> (tempfile::NamedTempFile, Logins) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let missing = PathBuf::from("/nowhere/netrc");
        let sources = CredentialSources { netrc: vec![missing, file.path().to_owned()], keyring: None };
        (file, Logins::new(sources))
    }

    #[tokio::test]
    async fn the_address_comes_before_netrc_and_a_user_without_password_is_looked_up() {
        let (_file, logins) = netrc("machine index.example login ann password one");
        let user_and_password = async |text: &str| {
            let login = logins.of(&text.parse().unwrap()).await;
            let credentials = login.credentials.clone();
            credentials.map(|credentials| (credentials.user, credentials.password.unwrap_or_default()))
        };
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(user_and_password("https://index.example/").await, pair("ann", "one"));
        assert_eq!(user_and_password("https://ann@index.example/").await, pair("ann", "one"));
        assert_eq!(user_and_password("https://bob@index.example/").await, pair("bob", ""));
        assert_eq!(user_and_password("https://bob:two@index.example/").await, pair("bob", "two"));
        assert_eq!(user_and_password("https://other.example/").await, None);
    }

    #[tokio::test]
    async fn a_netrc_that_cannot_be_read_is_told_when_the_index_refuses_us() {
        let (file, logins) = netrc("machine index.example\nlogin ann pasword hunter2");
        let login = logins.of(&"https://index.example/".parse().unwrap()).await;
        let path = file.path().display();
        assert_eq!(
            login.to_string(),
            format!(
                "it was asked without credentials; {path} cannot be used: line 2: a word that means nothing there"
            )
        );
    }
}
