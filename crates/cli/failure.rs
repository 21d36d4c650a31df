//! Every failure, with its exit code and a hint. This is the one place where errors become words for a person.

use std::path::Path;
use std::process::ExitCode;

use mlresolve::image::ImageError;
use mlresolve::index::{IndexError, MetadataError};
use mlresolve::{BuildError, Error, without_secrets};

use crate::exit;
use crate::output::Output;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    /// The failure as data, for `--json`.
    kind: &'static str,
}

impl Failure {
    /// The command line or an input cannot be used.
    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Self { code: exit::BAD_INPUT, message: message.into(), hint: None, kind: "bad-input" }
    }

    /// A result cannot be written.
    pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        Self::bad_input(format!("cannot write {}: {error}", path.display()))
    }

    /// The lock is out of date.
    pub(crate) fn out_of_date(message: impl Into<String>) -> Self {
        let hint = Some("run `mlresolve lock` and commit the result".to_owned());
        Self { code: exit::OUT_OF_DATE, message: message.into(), hint, kind: "out-of-date" }
    }

    /// A package that is asked about is not in the lock.
    pub(crate) fn not_locked(message: impl Into<String>) -> Self {
        Self { code: exit::NO_SOLUTION, message: message.into(), hint: None, kind: "not-locked" }
    }

    /// The answer is no, and it was printed already.
    pub(crate) fn answered_no() -> Self {
        Self { code: exit::NO_SOLUTION, message: String::new(), hint: None, kind: "answered" }
    }

    /// A lock does not run on this machine, and why was printed already.
    pub(crate) fn does_not_run() -> Self {
        Self { code: exit::VERIFICATION, message: String::new(), hint: None, kind: "answered" }
    }

    /// Adds a way out.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Prints the failure and gives its exit code.
    pub(crate) fn report(&self, output: &Output) -> ExitCode {
        if self.message.is_empty() {
            return exit::code(self.code);
        }
        if output.json() {
            let error = serde_json::json!({
                "error": { "kind": self.kind, "message": self.message, "hint": self.hint, "exit-code": self.code }
            });
            output.data(&error.to_string());
        } else {
            output.error(&self.message, self.hint.as_deref());
        }
        exit::code(self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = without_secrets(&with_causes(&error));
        let (code, kind, hint) = match &error {
            Error::Conflict(_) => (exit::NO_SOLUTION, "no-solution", None),
            Error::Lock { .. } => {
                let hint = "mend the file, or remove it and run `mlresolve lock`";
                (exit::BAD_INPUT, "bad-lock", Some(hint.to_owned()))
            }
            Error::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                (exit::BAD_INPUT, "bad-input", Some("check the name, or the folder you are in".to_owned()))
            }
            Error::Input { .. } | Error::File { .. } => (exit::BAD_INPUT, "bad-input", None),
            Error::Invalid(_) => (exit::BAD_INPUT, "bad-lock", None),
            Error::Metadata(MetadataError::Index(IndexError::HashMismatch { .. }))
            | Error::Index(IndexError::HashMismatch { .. }) => {
                let hint = "the index or something on the way to it changed the file; nothing was locked";
                (exit::VERIFICATION, "hash-mismatch", Some(hint.to_owned()))
            }
            Error::Index(IndexError::NotTheLocked { .. }) => {
                let hint = "it was replaced, or something on the way to it changed it; nothing was written. If it is to be the \
                            new one, lock it anew";
                (exit::VERIFICATION, "hash-mismatch", Some(hint.to_owned()))
            }
            Error::Metadata(MetadataError::Index(IndexError::Certificates { .. }))
            | Error::Index(IndexError::Certificates { .. }) => {
                let hint = "the file was named by --cert, --client-cert, SSL_CERT_FILE, SSL_CERT_DIR, SSL_CLIENT_CERT or \
                            a variable of pip or curl; no other certificates were trusted instead";
                (exit::BAD_INPUT, "bad-input", Some(hint.to_owned()))
            }
            Error::Index(IndexError::Write { .. }) => (exit::BAD_INPUT, "bad-input", None),
            Error::Index(error) | Error::Metadata(MetadataError::Index(error)) => {
                (exit::NETWORK, "index", index_hint(error))
            }
            Error::Repository { .. } => {
                let hint = "check the address, and that `git` alone can fetch it from here without asking";
                (exit::NETWORK, "repository", Some(hint.to_owned()))
            }
            Error::Metadata(_) => (exit::NETWORK, "metadata", None),
            Error::Build { source, .. } => {
                let (code, hint) = build_hint(source);
                (code, "build", Some(hint.to_owned()))
            }
            Error::TwoFiles(_) => {
                let hint = "two different files may not share a name: find out which is the real one, and name its index under \
                            [tool.mlresolve.sources]";
                (exit::VERIFICATION, "two-files", Some(hint.to_owned()))
            }
            Error::Replaced(file) => {
                let name = &file.name;
                let hint = format!(
                    "a published file never changes: find out who replaced it; --upgrade-package {name} takes the new one"
                );
                (exit::VERIFICATION, "replaced-file", Some(hint))
            }
            Error::Overwritten(overwritten) => {
                let leave = "leave one of the two out; or take both with --allow-overlap NAME, and whichever is installed \
                             last wins"
                    .to_owned();
                let ways: Vec<String> = overwritten.ways_out.iter().cloned().chain([leave]).collect();
                (exit::VERIFICATION, "overwritten-files", Some(ways.join("; or ")))
            }
            Error::Image(ImageError::DoesNotLoad(_)) => {
                let hint = "nothing was written; --allow-missing LIBRARY lets a library be missing, where the code that needs it is \
                            never imported";
                (exit::VERIFICATION, "does-not-load", Some(hint.to_owned()))
            }
            Error::Image(error) if error.is_verification() => (exit::VERIFICATION, "refused", None),
            Error::Image(error) if error.is_network() => {
                let hint = "check the name, the network and the login; --base also takes an image on this machine's disk, such as \
                            one that `podman save`, `docker save` or `skopeo copy` wrote";
                (exit::NETWORK, "registry", Some(hint.to_owned()))
            }
            Error::Image(_) => (exit::BAD_INPUT, "image", None),
            Error::NoHash { .. } => (exit::VERIFICATION, "no-hash", None),
            Error::Limit(_) => {
                let hint = "pin some of the packages more closely, or raise the limit with --time-limit";
                (exit::NO_SOLUTION, "limit", Some(hint.to_owned()))
            }
            Error::Cancelled => (exit::INTERRUPTED, "interrupted", None),
            _ => {
                let hint = "this is a fault of mlresolve; please report it with the command and its input";
                (exit::OUR_BUG, "internal", Some(hint.to_owned()))
            }
        };
        Self { code, message, hint, kind }
    }
}

fn index_hint(error: &IndexError) -> Option<String> {
    let hint = match error {
        IndexError::Network { .. } => "check the network, or use what is in the cache with --offline",
        IndexError::Status { status: 500.., .. } => {
            "the index is in trouble; try again later, or use what is in the cache with --offline"
        }
        IndexError::Offline { .. } => "run once without --offline",
        IndexError::Credentials { .. } => {
            "put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with \
             --keyring-provider subprocess"
        }
        IndexError::Proxy { .. } => "put user and password into the proxy's address: http://user:password@…",
        IndexError::Tls { .. } => {
            "name the certificate of a private authority with --cert or SSL_CERT_FILE, and a client's own with \
             --client-cert"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The exit code of a failed build, and a way out.
fn build_hint(error: &BuildError) -> (u8, &'static str) {
    match error {
        BuildError::NoPython { .. } | BuildError::NotAPython(_) | BuildError::Host(_) => {
            (exit::BAD_INPUT, "or ask for a version that has a wheel, for which nothing is built")
        }
        BuildError::Requirements { source, .. } if matches!(**source, Error::Index(_)) => {
            (exit::NETWORK, "try again later, or ask for a version that has a wheel")
        }
        _ => (exit::NO_SOLUTION, "ask for a version that has a wheel, or for another that can be built"),
    }
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
