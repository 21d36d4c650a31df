//! Who asks: what `docker login` and `podman login` left, as text. Reading files and running programs is for callers.
//!
//! Docker's `config.json` has hosts (and, for Docker Hub, an address from its first days), podman's `auth.json` hosts and
//! the beginnings of repositories (containers-auth.json(5)). Both can name programs that keep the secrets,
//! `docker-credential-NAME`.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE64;
use serde::Deserialize;

use super::reference::{DEFAULT_HOST, Reference, is_docker_hub};
use crate::oci::model::nullable;

/// The most bytes of a file with credentials, or of the answer of a program.
pub const CREDENTIALS_BYTES_LIMIT: usize = 1024 * 1024;

/// The user's name by which a program says that its secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How to say who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password, or what stands for one.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that a registry's token service takes for a short-lived one.
    IdentityToken(Secret),
    /// A token that the registry itself takes.
    RegistryToken(Secret),
}

/// Where credentials may be, in the order in which to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Known(Credentials),
    /// What this program answers when it is run with the argument `get` and gets the server on standard input.
    Program {
        /// Its name, to be looked for on `PATH`: letters, digits, `-`, `_` and `.`.
        program: String,
        /// What it knows the registry by.
        server: String,
    },
}

/// Why credentials could not be read. What they are is never said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Longer than the limit.
    #[error("it is longer than CREDENTIALS_BYTES_LIMIT = {CREDENTIALS_BYTES_LIMIT} bytes")]
    Long,
    /// No JSON of the right form.
    #[error("it is not of the form that docker and podman write, in line {line}")]
    Form {
        /// The line.
        line: usize,
    },
    /// A login that is not `Base64(user:password)`.
    #[error("what it has for {key:?} is not Base64 of 'user:password'")]
    Login {
        /// The host, or the beginning of a repository's name.
        key: String,
    },
}

/// What `config.json` or `auth.json` says of registries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthFile {
    /// By host, or by host and the beginning of a repository's name.
    logins: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFile {
    #[serde(default, deserialize_with = "nullable")]
    auths: BTreeMap<String, RawLogin>,
    #[serde(default, deserialize_with = "nullable")]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    creds_store: String,
}

#[derive(Deserialize)]
struct RawLogin {
    #[serde(default, deserialize_with = "nullable")]
    auth: String,
    #[serde(default, deserialize_with = "nullable")]
    username: String,
    #[serde(default, deserialize_with = "nullable")]
    password: String,
    #[serde(default, deserialize_with = "nullable")]
    identitytoken: String,
    #[serde(default, deserialize_with = "nullable")]
    registrytoken: String,
}

/// What a program answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawAnswer {
    #[serde(default)]
    username: String,
    secret: String,
}

impl AuthFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is too long or malformed. The error shows nothing of it but names of hosts.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let raw: RawFile = parse(text)?;
        let mut logins = BTreeMap::new();
        for (key, login) in raw.auths {
            // Where a program keeps the secret, its host is here with nothing.
            if let Some(credentials) = login.credentials(&key)? {
                logins.insert(normal_key(&key), credentials);
            }
        }
        let helpers = raw.cred_helpers.into_iter().map(|(key, name)| (normal_key(&key), name)).collect();
        let store = Some(raw.creds_store).filter(|name| !name.is_empty());
        Ok(Self { logins, helpers, store })
    }

    /// Where the credentials for an image may be: its registry's own program, then the program for all registries,
    /// then what stands in the file, for the longest beginning of the image's name.
    #[must_use]
    pub fn sources(&self, reference: &Reference) -> Vec<Source> {
        let host = reference.host();
        let own = self.helpers.get(host);
        let programs = own.into_iter().chain(self.store.iter().filter(|store| own != Some(*store)));
        let server = if reference.is_on_docker_hub() { docker_hub_key() } else { host.to_owned() };
        let mut sources: Vec<Source> = programs
            // A name that is a path would run something else.
            .filter(|name| !name.is_empty() && name.bytes().all(is_program_byte))
            .map(|name| Source::Program {
                program: format!("docker-credential-{name}"),
                server: server.clone(),
            })
            .collect();
        let mut key = format!("{host}/{}", reference.repository());
        loop {
            if let Some(credentials) = self.logins.get(&key) {
                sources.push(Source::Known(credentials.clone()));
                break;
            }
            let Some(slash) = key.rfind('/') else { break };
            key.truncate(slash);
        }
        sources
    }
}

impl RawLogin {
    fn credentials(self, key: &str) -> Result<Option<Credentials>, CredentialsError> {
        let key = || CredentialsError::Login { key: key.chars().take(200).collect() };
        if !self.identitytoken.is_empty() {
            return Ok(Some(Credentials::IdentityToken(Secret::new(self.identitytoken))));
        }
        if !self.registrytoken.is_empty() {
            return Ok(Some(Credentials::RegistryToken(Secret::new(self.registrytoken))));
        }
        if self.auth.is_empty() {
            let named = !self.username.is_empty() && !self.password.is_empty();
            return Ok(named.then(|| password(self.username, self.password)));
        }
        let bytes = BASE64.decode(self.auth.as_bytes()).map_err(|_| key())?;
        let text = String::from_utf8(bytes).map_err(|_| key())?;
        let (user, secret) = text.split_once(':').ok_or_else(key)?;
        // Docker's own code cuts off zeros, which old versions wrote.
        Ok(Some(password(user.to_owned(), secret.trim_matches('\0').to_owned())))
    }
}

/// Reads what `docker-credential-NAME get` wrote to standard output when it ended with success.
///
/// # Errors
/// When it is too long or malformed. The error shows nothing of it.
pub fn parse_answer(text: &str) -> Result<Credentials, CredentialsError> {
    let RawAnswer { username, secret } = parse(text)?;
    if username == TOKEN_USER {
        return Ok(Credentials::IdentityToken(Secret::new(secret)));
    }
    Ok(password(username, secret))
}

fn password(user: String, password: String) -> Credentials {
    Credentials::Password { user, password: Secret::new(password) }
}

/// The text of the parser's own error could show a secret.
fn parse<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, CredentialsError> {
    if text.len() > CREDENTIALS_BYTES_LIMIT {
        return Err(CredentialsError::Long);
    }
    serde_json::from_str(text).map_err(|error| CredentialsError::Form { line: error.line() })
}

/// A key without its scheme, and without the version of the protocol that old logins end in. All names of Docker Hub are
/// one.
fn normal_key(key: &str) -> String {
    let (had_scheme, key) = match key.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, key),
    };
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let path = path.trim_end_matches('/');
    let host = if is_docker_hub(host) { DEFAULT_HOST.to_owned() } else { host.to_ascii_lowercase() };
    // Docker takes the host alone of an address; a path without a scheme is podman's beginning of a name.
    if had_scheme || matches!(path, "" | "v1" | "v2") { host } else { format!("{host}/{path}") }
}

/// By what programs know Docker Hub.
fn docker_hub_key() -> String {
    format!("https://index.{DEFAULT_HOST}/v1/")
}

fn is_program_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests;
