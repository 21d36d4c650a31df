//! What a wheel installs: from its end, from the whole of it, from the cache.

use std::path::Path;
use std::sync::Arc;

use mlresolve_index::{
    Cache, CacheMode, ClientOptions, File, IndexClient, IndexError, Limits, MetadataError, WheelMembers,
};

use crate::metadata::{hex, zip};
use crate::server::{Request, Response, Server, file, only_file, page};

const WHEEL: &str = "demo-1.0-py3-none-any.whl";
const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n";

/// A wheel whose directory is longer than the tail that is asked for first.
fn wheel() -> Vec<u8> {
    let names: Vec<String> = (0..400).map(|number| format!("demo/{}/{number}.py", "x".repeat(40))).collect();
    let mut members = vec![("demo-1.0.dist-info/METADATA", METADATA)];
    members.extend(names.iter().map(|name| (name.as_str(), &b"pass"[..])));
    zip(&members)
}

/// A server of one wheel with its hash in the page.
fn server(wheel: Vec<u8>, serve: impl Fn(&Request, &[u8]) -> Response + Send + Sync + 'static) -> Server {
    let page = page("demo", &[file(WHEEL, &format!(r#""hashes": {{"sha256": "{}"}}"#, hex(&wheel)))]);
    Server::start(move |request, _| match request.path.as_str() {
        "/simple/demo/" => Response::json(&page).header("cache-control", "max-age=600"),
        _ => serve(request, &wheel),
    })
}

fn client(server: &Server, dir: &Path, mode: CacheMode) -> IndexClient {
    IndexClient::new(ClientOptions { cache_dir: Some(dir.to_owned()), mode, ..server.options() })
}

async fn members(client: &IndexClient) -> Result<Arc<WheelMembers>, MetadataError> {
    client.members(&only_file(client, "demo").await).await
}

/// How many requests were for the wheel itself.
fn asked(server: &Server) -> usize {
    server.paths().iter().filter(|path| path.starts_with("/files/")).count()
}

#[tokio::test]
async fn the_end_of_a_wheel_is_enough_and_is_read_once() {
    let server = server(wheel(), Response::range_of);
    let dir = tempfile::tempdir().unwrap();
    let first = client(&server, dir.path(), CacheMode::Normal);
    let found = members(&first).await.unwrap();
    assert_eq!(found.len(), 400);
    assert_eq!(found.iter().next().unwrap().bytes, 4);
    assert_eq!(asked(&server), 2, "tail, rest of the directory");
    assert!(server.requests()[1..].iter().all(|request| request.header("range").is_some()));
    let (one, other) = tokio::join!(members(&first), members(&first));
    assert_eq!((one.unwrap(), other.unwrap()), (Arc::clone(&found), Arc::clone(&found)));
    assert_eq!(asked(&server), 2, "in memory");

    for mode in [CacheMode::Normal, CacheMode::Offline] {
        assert_eq!(members(&client(&server, dir.path(), mode)).await.unwrap(), found);
    }
    assert_eq!(asked(&server), 2, "in the cache");
}

#[tokio::test]
async fn what_metadata_was_read_from_tells_the_files_too() {
    type Serve = fn(&Request, &[u8]) -> Response;
    let cases: [(&str, Serve); 2] =
        [("ranges", Response::range_of), ("whole", |_, wheel| Response::new(200).body(wheel))];
    for (case, serve) in cases {
        let server = server(wheel(), serve);
        let dir = tempfile::tempdir().unwrap();
        let client = client(&server, dir.path(), CacheMode::Normal);
        let file = only_file(&client, "demo").await;
        client.metadata(&file).await.unwrap();
        let before = asked(&server);
        assert_eq!(client.members(&file).await.unwrap().len(), 400, "{case}");
        assert_eq!(asked(&server), before, "{case}");
    }
}

#[tokio::test]
async fn without_ranges_the_whole_wheel_is_read_if_it_is_not_too_large() {
    let bytes = wheel();
    let length = bytes.len() as u64;
    let server = server(bytes, |_, wheel| Response::new(200).body(wheel));
    assert_eq!(members(&server.client()).await.unwrap().len(), 400);

    let limits = Limits { whole_wheel: length - 1, ..Limits::default() };
    let error = members(&IndexClient::new(ClientOptions { limits, ..server.options() })).await.unwrap_err();
    assert!(matches!(error, MetadataError::Index(IndexError::TooLarge { .. })), "{error}");
    assert!(error.to_string().contains("the limit `wheel for its files`"), "{error}");
}

#[tokio::test]
async fn a_wheel_with_another_hash_is_refused() {
    let server = server(wheel(), |_, _| Response::new(200).body(zip(&[("other.py", b"")])));
    let error = members(&server.client()).await.unwrap_err();
    assert!(matches!(error, MetadataError::Index(IndexError::HashMismatch { .. })), "{error}");
}

#[tokio::test]
async fn a_directory_over_its_limit_is_not_fetched() {
    let server = server(wheel(), Response::range_of);
    let limits = Limits { wheel_directory: 4096, ..Limits::default() };
    let error = members(&IndexClient::new(ClientOptions { limits, ..server.options() })).await.unwrap_err();
    assert!(error.to_string().contains("the limit `wheel directory`"), "{error}");
    assert_eq!(asked(&server), 1);
}

#[tokio::test]
async fn a_hostile_archive_is_refused_and_not_kept() {
    for (case, hostile) in [
        ("absolute", zip(&[("/etc/passwd", b"")])),
        ("leads out", zip(&[("demo/../../x", b"")])),
        ("no archive", vec![b'x'; 30_000]),
    ] {
        let server = server(hostile, Response::range_of);
        let dir = tempfile::tempdir().unwrap();
        let error = members(&client(&server, dir.path(), CacheMode::Normal)).await.unwrap_err();
        assert!(matches!(error, MetadataError::Archive { .. }), "{case}: {error}");
        let error = members(&client(&server, dir.path(), CacheMode::Offline)).await.unwrap_err();
        assert!(matches!(error, MetadataError::Index(IndexError::Offline { .. })), "{case}: {error}");
    }
}

#[tokio::test]
async fn a_damaged_entry_is_fetched_again() {
    let server = server(wheel(), Response::range_of);
    let dir = tempfile::tempdir().unwrap();
    members(&client(&server, dir.path(), CacheMode::Normal)).await.unwrap();
    let bucket = dir.path().join("members-v1");
    let entries: Vec<_> = std::fs::read_dir(&bucket).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let mut bytes = std::fs::read(entry).unwrap();
    bytes[100] ^= 1;
    std::fs::write(entry, bytes).unwrap();
    let again = members(&client(&server, dir.path(), CacheMode::Normal)).await.unwrap();
    assert_eq!((again.len(), asked(&server)), (400, 4));
    assert!(Cache::at(dir.path()).clean().unwrap().entries >= 2);
    assert!(!entry.exists());
}

#[tokio::test]
async fn a_wheel_on_disk_is_read_anew_and_an_sdist_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join(WHEEL);
    let url = url::Url::from_file_path(&place).unwrap();
    let file = File::direct(&url, WHEEL.to_owned()).unwrap();
    for count in [1, 2] {
        let names: Vec<String> = (0..count).map(|number| format!("demo/{number}.py")).collect();
        let listed: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        std::fs::write(&place, zip(&listed)).unwrap();
        let client = IndexClient::new(ClientOptions::default());
        assert_eq!(client.members(&file).await.unwrap().len(), count);
    }
    let sdist = File::direct(&url, "demo-1.0.tar.gz".to_owned()).unwrap();
    let error = IndexClient::new(ClientOptions::default()).members(&sdist).await.unwrap_err();
    assert!(matches!(error, MetadataError::NotADistribution { .. }), "{error}");
}
