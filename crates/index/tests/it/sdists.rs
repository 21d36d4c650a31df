//! Source distributions, whose metadata is read out of their archives.

use mlresolve_index::{
    CacheMode, ClientOptions, FileMetadata, IndexClient, IndexError, Limits, MetadataError, SdistLimits,
};
use mlresolve_packaging::MetadataOrigin;

use crate::metadata::{hex, zip};
use crate::server::{Response, Server, file, only_file, page};

const SDIST: &str = "demo-1.0.zip";
const STATIC: &[u8] =
    b"Metadata-Version: 2.2\nName: demo\nVersion: 1.0\nRequires-Dist: six\nDescription: long\n\nmore";
const OLD: &[u8] = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";

/// A server of one source distribution with these files, and its hash in the page.
fn server(members: &[(&str, &[u8])]) -> Server {
    let archive = zip(members);
    let hash = format!(r#""hashes": {{"sha256": "{}"}}"#, hex(&archive));
    serving(archive, &hash)
}

fn serving(archive: Vec<u8>, more: &str) -> Server {
    let page = page("demo", &[file(SDIST, more)]);
    Server::start(move |request, _| match request.path.as_str() {
        "/simple/demo/" => Response::json(&page).header("cache-control", "max-age=600"),
        _ => Response::new(200).body(&archive),
    })
}

async fn read(client: &IndexClient) -> Result<FileMetadata, MetadataError> {
    let file = only_file(client, "demo").await;
    Ok((*client.metadata(&file).await?).clone())
}

#[tokio::test]
async fn an_sdist_s_metadata_is_read_once_and_kept_for_runs_without_the_network() {
    let server = server(&[("demo-1.0/PKG-INFO", STATIC), ("demo-1.0/setup.py", b"raise SystemExit")]);
    let folder = tempfile::tempdir().unwrap();
    let options = ClientOptions { cache_dir: Some(folder.path().to_owned()), ..server.options() };
    let first = read(&IndexClient::new(options.clone())).await.unwrap();
    assert_eq!(first.origin, MetadataOrigin::PkgInfo);
    assert_eq!(first.core.requires_dist[0].to_string(), "six");
    let offline = ClientOptions { mode: CacheMode::Offline, ..options };
    assert_eq!(read(&IndexClient::new(offline)).await.unwrap(), first);
    assert_eq!(server.paths(), ["/simple/demo/", "/files/demo-1.0.zip"]);
}

#[tokio::test]
async fn that_a_build_is_needed_is_kept_as_well() {
    let server = server(&[("demo-1.0/PKG-INFO", OLD)]);
    let folder = tempfile::tempdir().unwrap();
    let options = ClientOptions { cache_dir: Some(folder.path().to_owned()), ..server.options() };
    for mode in [CacheMode::Normal, CacheMode::Normal, CacheMode::Offline] {
        let client = IndexClient::new(ClientOptions { mode, ..options.clone() });
        for _ in 0..2 {
            let error = read(&client).await.unwrap_err();
            assert!(matches!(error, MetadataError::NeedsBuild { .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.starts_with("demo-1.0.zip must be built to tell its metadata: PKG-INFO is of "),
                "{text}"
            );
        }
    }
    assert_eq!(server.paths().len(), 2, "the archive was fetched once");
    // Without a cache the client remembers for itself.
    let client = server.client();
    for _ in 0..2 {
        assert!(read(&client).await.is_err());
    }
    assert_eq!(server.paths().len(), 4);
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_is_fetched_once() {
    let server = serving(b"no archive".to_vec(), "");
    let folder = tempfile::tempdir().unwrap();
    let options = ClientOptions { cache_dir: Some(folder.path().to_owned()), ..server.options() };
    for _ in 0..2 {
        let error = read(&IndexClient::new(options.clone())).await.unwrap_err();
        assert!(error.to_string().starts_with("demo-1.0.zip cannot be read: it is damaged: "), "{error}");
    }
    assert_eq!(server.paths().len(), 2);
}

#[tokio::test]
async fn an_archive_with_another_hash_is_not_read() {
    let wrong = format!(r#""hashes": {{"sha256": "{}"}}"#, hex(b"other"));
    let server = serving(zip(&[("demo-1.0/PKG-INFO", STATIC)]), &wrong);
    let error = read(&server.client()).await.unwrap_err();
    assert!(matches!(error, MetadataError::Index(IndexError::HashMismatch { .. })), "{error}");
}

#[tokio::test]
async fn an_archive_over_the_limit_is_not_fetched_for_its_metadata() {
    let limits =
        Limits { sdist: SdistLimits { archive: 100, ..SdistLimits::default() }, ..Limits::default() };
    for (announced, requests) in [(r#""size": 101"#, 1), ("", 2)] {
        let server = serving(vec![0; 101], announced);
        let client = IndexClient::new(ClientOptions { limits, ..server.options() });
        let error = read(&client).await.unwrap_err();
        assert!(error.to_string().ends_with("holds more than 100 bytes, the limit `sdist`"), "{error}");
        assert_eq!(server.paths().len(), requests);
    }
}
