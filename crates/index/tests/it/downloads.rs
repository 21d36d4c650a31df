//! Downloads: complete and right, or not there.

use mlresolve_index::{ClientOptions, File, IndexClient, IndexError, Limits};

use crate::server::{Response, Server, file, only_file, page};

const BODY: &[u8] = b"the bytes of a wheel";
const SHA256: &str = "04b2a1a1b2bd9bd8ad0b7e8a5b2ff0f3a8f4d11ccadd0a1bc8de6b16e3ac1c37";

fn server(sha256: &str, serve: impl Fn(usize) -> Response + Send + Sync + 'static) -> Server {
    let hashes =
        if sha256.is_empty() { String::new() } else { format!(r#""hashes": {{"sha256": "{sha256}"}}"#) };
    let page = page("demo", &[file("demo-1-py3-none-any.whl", &hashes)]);
    Server::start(move |request, before| match request.path.as_str() {
        "/simple/demo/" => Response::json(&page),
        _ => serve(before - 1),
    })
}

#[tokio::test]
async fn a_download_is_complete_and_hashed() {
    // Broken off once, so that the second try must begin anew.
    let serve = |before| {
        let response = Response::new(200).body(BODY);
        if before == 0 { response.cut(7) } else { response }
    };
    let server = server("", serve);
    let client = server.client();
    let file = only_file(&client, "demo").await;
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("demo.whl");
    let downloaded = client.download(&file, &to).await.unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), BODY);
    assert_eq!(downloaded.bytes, BODY.len() as u64);
    let verified = File { hashes: sha256_of(&downloaded.sha256), ..file };
    client.download(&verified, &to).await.unwrap();
}

#[tokio::test]
async fn wrong_bytes_leave_nothing_behind() {
    let server = server(SHA256, |_| Response::new(200).body("other bytes"));
    let client = server.client();
    let file = only_file(&client, "demo").await;
    let dir = tempfile::tempdir().unwrap();
    let error = client.download(&file, &dir.path().join("demo.whl")).await.unwrap_err();
    assert!(matches!(&error, IndexError::HashMismatch { expected, .. } if expected == SHA256), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("demo.whl");
    let server = server("", |before| match before {
        0 => Response::new(404),
        1 => Response::new(200).header("content-encoding", "gzip").body(BODY),
        _ => Response::new(200).body(BODY),
    });
    let client = server.client();
    let file = only_file(&client, "demo").await;
    let error = client.download(&file, &to).await.unwrap_err();
    assert!(matches!(error, IndexError::Status { status: 404, .. }), "{error}");
    let error = client.download(&file, &to).await.unwrap_err();
    assert!(matches!(error, IndexError::FileUrl { .. }), "{error}");
    let error = client.download(&file, &dir.path().join("missing/demo.whl")).await.unwrap_err();
    assert!(matches!(error, IndexError::Write { .. }), "{error}");

    let limits = Limits { download: 10, ..Limits::default() };
    let small = IndexClient::new(ClientOptions { limits, ..server.options() });
    let error = small.download(&file, &to).await.unwrap_err();
    assert!(matches!(error, IndexError::TooLarge { limit: "download", .. }), "{error}");

    let local = File { url: "file:///etc/passwd".to_owned(), ..file };
    let error = client.download(&local, &to).await.unwrap_err();
    assert!(matches!(error, IndexError::FileUrl { .. }), "{error}");
    assert!(!to.exists());
}

fn sha256_of(digest: &str) -> mlresolve_packaging::simple::Hashes {
    mlresolve_packaging::simple::Hashes { sha256: Some(digest.to_owned()), others: Default::default() }
}
