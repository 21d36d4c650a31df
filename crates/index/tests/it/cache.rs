//! What a second run takes from the first.

use std::path::Path;

use mlresolve_index::{
    Cache, CacheMode, ClientOptions, IndexClient, IndexError, MetadataError, ProjectAnswer,
};

use crate::server::{Response, Server, file, found, name, only_file, page};

const METADATA: &str =
    "Metadata-Version: 2.1\nName: demo\nVersion: 1\nSummary: long\nRequires-Dist: numpy>=1\n\nbody";

/// A server of one project with the given `Cache-Control`.
fn server(cache_control: &'static str) -> Server {
    Server::start(move |request, _| match request.path.as_str() {
        "/simple/demo/" if request.header("if-none-match") == Some("\"one\"") => {
            Response::new(304).header("cache-control", cache_control)
        }
        "/simple/demo/" => {
            Response::json(&page("demo", &[file("demo-1-py3-none-any.whl", r#""core-metadata": true"#)]))
                .header("cache-control", cache_control)
                .header("etag", "\"one\"")
        }
        "/files/demo-1-py3-none-any.whl.metadata" => Response::new(200).body(METADATA),
        _ => Response::new(404).header("cache-control", cache_control),
    })
}

fn client(server: &Server, dir: &Path, mode: CacheMode) -> IndexClient {
    IndexClient::new(ClientOptions { cache_dir: Some(dir.to_owned()), mode, ..server.options() })
}

#[tokio::test]
async fn a_fresh_page_is_not_asked_for_again() {
    let server = server("max-age=600");
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let client = client(&server, dir.path(), CacheMode::Normal);
        let file = only_file(&client, "demo").await;
        assert_eq!(client.metadata(&file).await.unwrap().core.requires_dist.len(), 1);
        let answer = client.project(&name("absent")).await.unwrap();
        assert!(matches!(answer, ProjectAnswer::NotFound { .. }));
    }
    assert_eq!(
        server.paths(),
        ["/simple/demo/", "/files/demo-1-py3-none-any.whl.metadata", "/simple/absent/"]
    );
}

#[tokio::test]
async fn a_page_without_a_promise_or_under_refresh_is_asked_for_by_condition() {
    for (cache_control, mode) in [("", CacheMode::Normal), ("max-age=600", CacheMode::Refresh)] {
        let server = server(cache_control);
        let dir = tempfile::tempdir().unwrap();
        for run in 0..3 {
            let project = found(&client(&server, dir.path(), mode), "demo").await;
            assert_eq!(project.release(0).unwrap().wheels.len(), 1, "run {run}");
        }
        let conditions: Vec<bool> =
            server.requests().iter().map(|request| request.header("if-none-match").is_some()).collect();
        assert_eq!(conditions, [false, true, true], "{cache_control}");
    }
}

#[tokio::test]
async fn a_304_makes_a_page_fresh_again() {
    let server = Server::start(|_, before| match before {
        0 => Response::json(&page("demo", &[file("demo-1-py3-none-any.whl", "")])).header("etag", "\"one\""),
        _ => Response::new(304).header("cache-control", "max-age=600"),
    });
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..4 {
        let project = found(&client(&server, dir.path(), CacheMode::Normal), "demo").await;
        assert_eq!(project.versions().len(), 1);
    }
    assert_eq!(server.paths().len(), 2);
}

#[tokio::test]
async fn no_store_is_kept_nowhere() {
    let server = server("no-store, max-age=600");
    let dir = tempfile::tempdir().unwrap();
    found(&client(&server, dir.path(), CacheMode::Normal), "demo").await;
    assert_eq!(Cache::at(dir.path()).size().unwrap().entries, 0);
}

#[tokio::test]
async fn offline_uses_what_is_there_and_names_what_is_not() {
    let server = server("no-cache");
    let dir = tempfile::tempdir().unwrap();
    let online = client(&server, dir.path(), CacheMode::Normal);
    let file = only_file(&online, "demo").await;
    let asked = server.paths().len();

    let offline = client(&server, dir.path(), CacheMode::Offline);
    assert_eq!(only_file(&offline, "demo").await, file);
    let answer = offline.project(&name("other")).await.unwrap();
    assert!(matches!(answer, ProjectAnswer::Offline { .. }), "{answer:?}");
    let error = offline.metadata(&file).await.unwrap_err();
    assert!(matches!(error, MetadataError::Index(IndexError::Offline { .. })), "{error}");
    let error = offline.download(&file, &dir.path().join("x.whl")).await.unwrap_err();
    assert!(matches!(error, IndexError::Offline { .. }), "{error}");
    assert_eq!(server.paths().len(), asked);

    online.metadata(&file).await.unwrap();
    assert_eq!(*offline.metadata(&file).await.unwrap(), *online.metadata(&file).await.unwrap());
}

/// What happens to the bytes of an entry.
type Damage = fn(&[u8]) -> Vec<u8>;

#[tokio::test]
async fn damaged_entries_are_fetched_again() {
    let server = server("max-age=600");
    let dir = tempfile::tempdir().unwrap();
    let warm = async || {
        let client = client(&server, dir.path(), CacheMode::Normal);
        let file = only_file(&client, "demo").await;
        client.metadata(&file).await.unwrap();
        server.paths().len()
    };
    assert_eq!(warm().await, 2);
    assert_eq!(warm().await, 2);
    let damages: [Damage; 3] =
        [|bytes| bytes[..bytes.len() / 2].to_vec(), |bytes| vec![0; bytes.len()], |_| Vec::new()];
    for damage in damages {
        let before = server.paths().len();
        for bucket in ["pages-v1", "metadata-v1"] {
            let entry = std::fs::read_dir(dir.path().join(bucket)).unwrap().next().unwrap().unwrap().path();
            std::fs::write(&entry, damage(&std::fs::read(&entry).unwrap())).unwrap();
        }
        assert_eq!(warm().await, before + 2);
        assert_eq!(warm().await, before + 2);
    }
}

#[tokio::test]
async fn an_index_cannot_answer_for_another_and_a_user_not_for_another() {
    let server = server("max-age=600");
    let dir = tempfile::tempdir().unwrap();
    let indexes = ["/simple", "/simple/../simple", "/mirror"].map(|path| server.url(path));
    for index in [indexes.as_slice(), &[indexes[0].replace("http://", "http://ann:hunter2@")]].concat() {
        let options = ClientOptions { indexes: vec![index.parse().unwrap()], ..server.options() };
        let client = IndexClient::new(ClientOptions { cache_dir: Some(dir.path().to_owned()), ..options });
        client.project(&name("demo")).await.unwrap();
    }
    assert_eq!(server.paths(), ["/simple/demo/", "/mirror/demo/", "/simple/demo/"]);
    for entry in std::fs::read_dir(dir.path().join("pages-v1")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }
}
