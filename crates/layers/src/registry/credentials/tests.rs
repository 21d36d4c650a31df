//! Files as docker and podman leave them.

use super::*;

fn login(user: &str, secret: &str) -> Source {
    Source::Known(password(user.to_owned(), secret.to_owned()))
}

fn program(name: &str, server: &str) -> Source {
    Source::Program { program: format!("docker-credential-{name}"), server: server.to_owned() }
}

fn sources(text: &str, image: &str) -> Vec<Source> {
    AuthFile::parse(text).unwrap().sources(&image.parse().unwrap())
}

#[test]
fn docker_logs_in_by_host() {
    let hub = docker_hub_key();
    let text = format!(
        r#"{{"auths": {{
            "{hub}": {{"auth": "aHViOnNlY3JldA=="}},
            "registry.example": {{"auth": "dXNlcjpwYTpzcw=="}},
            "https://old.example/v1/": {{"username": "u", "password": "p"}},
            "port.example:5000": {{"auth": "", "identitytoken": "idt"}},
            "bearer.example": {{"registrytoken": "rt"}},
            "zero.example": {{"auth": "dTpwAAA="}},
            "empty.example": {{}}
        }}, "HttpHeaders": {{"X": "y"}}}}"#
    );
    for (image, expected) in [
        ("python", vec![login("hub", "secret")]),
        ("nvidia/cuda:12", vec![login("hub", "secret")]),
        ("registry.example/a/b", vec![login("user", "pa:ss")]),
        ("REGISTRY.example/a/b", vec![login("user", "pa:ss")]),
        ("old.example/a", vec![login("u", "p")]),
        ("port.example:5000/a", vec![Source::Known(Credentials::IdentityToken(Secret::new("idt")))]),
        ("port.example/a", vec![]),
        ("bearer.example/a", vec![Source::Known(Credentials::RegistryToken(Secret::new("rt")))]),
        ("zero.example/a", vec![login("u", "p")]),
        ("empty.example/a", vec![]),
        ("sub.registry.example/a", vec![]),
    ] {
        assert_eq!(sources(&text, image), expected, "{image}");
    }
}

#[test]
fn podman_logs_in_by_the_longest_beginning() {
    let text = r#"{"auths": {
        "registry.example/team/app": {"auth": "YTph"}, "registry.example/team": {"auth": "Yjpi"},
        "registry.example": {"auth": "Yzpj"}, "other.example/team": {"auth": "ZDpk"}}}"#;
    for (image, expected) in [
        ("registry.example/team/app:1", vec![login("a", "a")]),
        ("registry.example/team/application", vec![login("b", "b")]),
        ("registry.example/else", vec![login("c", "c")]),
        ("other.example/team/x", vec![login("d", "d")]),
        ("other.example/x", vec![]),
    ] {
        assert_eq!(sources(text, image), expected, "{image}");
    }
}

#[test]
fn programs_keep_secrets() {
    let text = r#"{"auths": {"registry.example": {}, "plain.example": {"auth": "YTph"}},
        "credsStore": "desktop", "credHelpers": {"cloud.example": "ecr-login", "path.example": "../../bin/sh"}}"#;
    assert_eq!(sources(text, "registry.example/a"), [program("desktop", "registry.example")]);
    assert_eq!(sources(text, "python"), [program("desktop", &docker_hub_key())]);
    assert_eq!(sources(text, "plain.example/a"), [program("desktop", "plain.example"), login("a", "a")]);
    assert_eq!(
        sources(text, "cloud.example/a"),
        [program("ecr-login", "cloud.example"), program("desktop", "cloud.example")]
    );
    // A path is no name of a program.
    assert_eq!(sources(text, "path.example/a"), [program("desktop", "path.example")]);
}

#[test]
fn what_a_program_answers() {
    let answer = r#"{"ServerURL": "registry.example", "Username": "u", "Secret": "s"}"#;
    assert_eq!(parse_answer(answer), Ok(password("u".to_owned(), "s".to_owned())));
    let token = r#"{"ServerURL": "registry.example", "Username": "<token>", "Secret": "s"}"#;
    assert_eq!(parse_answer(token), Ok(Credentials::IdentityToken(Secret::new("s"))));
    assert_eq!(parse_answer("credentials not found"), Err(CredentialsError::Form { line: 1 }));
}

#[test]
fn secrets_are_shown_to_nobody() {
    let text = r#"{"auths": {"registry.example": {"auth": "dXNlcjpodW50ZXIy"}}}"#;
    let file = AuthFile::parse(text).unwrap();
    let shown = format!("{file:?} {:?}", file.sources(&"registry.example/a".parse().unwrap()));
    assert!(shown.contains("user") && !shown.contains("hunter2"), "{shown}");
    for (text, error) in [
        (r#"{"auths": {"registry.example": {"auth": "hunter2!"}}}"#, "\"registry.example\" is not Base64"),
        (
            r#"{"auths": {"registry.example": {"auth": "aHVudGVyMg=="}}}"#,
            "\"registry.example\" is not Base64",
        ),
        (r#"{"auths": {"registry.example": "hunter2"}}"#, "in line 1"),
        ("{\n\"auths\": hunter2", "in line 2"),
    ] {
        let found = AuthFile::parse(text).unwrap_err().to_string();
        assert!(found.contains(error) && !found.contains("hunter2"), "{found}");
    }
    let long = format!("{{\"x\": \"{}\"}}", "y".repeat(CREDENTIALS_BYTES_LIMIT));
    assert_eq!(AuthFile::parse(&long), Err(CredentialsError::Long));
    for empty in ["{}", r#"{"auths": null, "credHelpers": null, "credsStore": null}"#] {
        assert_eq!(AuthFile::parse(empty), Ok(AuthFile::default()));
    }
}
