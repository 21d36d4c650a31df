//! The `keyring` program, which asks the system's store of passwords (Python package `keyring`).

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::credentials::Credentials;

/// The most bytes that are read of what the program prints.
const LIMIT: u64 = 64 * 1024;

/// How the `keyring` program is asked.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// The program, found as the system finds programs.
    pub program: PathBuf,
    /// How long one question may take; some stores ask the user for leave.
    pub timeout: Duration,
}

impl Default for Keyring {
    fn default() -> Self {
        Self { program: "keyring".into(), timeout: Duration::from_secs(30) }
    }
}

/// What came of a question.
pub(crate) enum Answered {
    Known(Credentials),
    /// The store has nothing for it.
    Unknown,
}

impl Keyring {
    /// Asks for the password of a user, or for whatever user there is. The error is for a message; what the program
    /// printed is in none.
    pub(crate) async fn ask(&self, service: &str, user: Option<&str>) -> Result<Answered, String> {
        tracing::debug!(service, "asking keyring");
        let mut command = Command::new(&self.program);
        match user {
            Some(user) => command.args(["get", service, user]),
            None => command.args(["--mode", "creds", "get", service]),
        };
        let answer = tokio::time::timeout(self.timeout, run(command));
        let seconds = self.timeout.as_secs_f32();
        let program = self.program.display();
        let printed = answer
            .await
            .map_err(|_| format!("{program} gave no answer within {seconds} s"))?
            .map_err(|problem| format!("{program} {problem}"))?;
        let Some(printed) = printed else { return Ok(Answered::Unknown) };
        let mut lines = printed.lines();
        let user = user.or_else(|| lines.next()).unwrap_or_default().to_owned();
        Ok(match lines.next() {
            Some(password) if !password.is_empty() => {
                Answered::Known(Credentials { user, password: Some(password.to_owned()) })
            }
            _ => Answered::Unknown,
        })
    }
}

/// What the program prints; `None` if it fails, which is how it says that it knows nothing.
async fn run(mut command: Command) -> Result<Option<String>, String> {
    let unusable = |error: std::io::Error| format!("cannot be run: {error}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // It may quote what it was given, or what it found.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(unusable)?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LIMIT + 1).read_to_end(&mut printed).await.map_err(unusable)?;
    }
    if printed.len() as u64 > LIMIT {
        return Err(format!("printed more than {LIMIT} bytes"));
    }
    if !child.wait().await.map_err(unusable)?.success() {
        return Ok(None);
    }
    String::from_utf8(printed).map(Some).map_err(|_| "printed what is not UTF-8".to_owned())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that runs this script.
    fn program(script: &str) -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("keyring");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, Keyring { program, timeout: Duration::from_secs(20) })
    }

    async fn answer(script: &str, user: Option<&str>) -> Result<Option<(String, String)>, String> {
        let (_folder, keyring) = program(script);
        Ok(match keyring.ask("https://index.example/", user).await? {
            Answered::Known(found) => Some((found.user, found.password.unwrap())),
            Answered::Unknown => None,
        })
    }

    #[tokio::test]
    async fn the_password_is_asked_for_as_its_users_do() {
        let known = Ok(Some(("ann".to_owned(), "hunter2".to_owned())));
        let get = r#"[ "$*" = "get https://index.example/ ann" ] && echo hunter2"#;
        assert_eq!(answer(get, Some("ann")).await, known);
        let creds = r#"[ "$*" = "--mode creds get https://index.example/" ] && printf 'ann\nhunter2\n'"#;
        assert_eq!(answer(creds, None).await, known);
        assert_eq!(answer("exit 1", Some("ann")).await, Ok(None));
        assert_eq!(answer("echo", Some("ann")).await, Ok(None));
    }

    #[tokio::test]
    async fn a_program_out_of_order_is_told_without_what_it_printed() {
        let endless = answer("while :; do echo hunter2; done", Some("ann")).await.unwrap_err();
        assert!(endless.ends_with("printed more than 65536 bytes"), "{endless}");
        let binary = answer(r"printf 'hunter2\377'", Some("ann")).await.unwrap_err();
        assert!(binary.ends_with("printed what is not UTF-8"), "{binary}");
        let (_folder, mut keyring) = program("sleep 60");
        keyring.timeout = Duration::from_millis(100);
        let slow = keyring.ask("https://index.example/", Some("ann")).await.err().unwrap();
        assert!(slow.ends_with("gave no answer within 0.1 s"), "{slow}");
        let missing = Keyring { program: "/nowhere/keyring".into(), ..Keyring::default() };
        let missing = missing.ask("https://index.example/", Some("ann")).await.err().unwrap();
        assert!(missing.starts_with("/nowhere/keyring cannot be run: No such file"), "{missing}");
    }
}
