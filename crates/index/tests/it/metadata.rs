//! Metadata: beside the wheel, from its end, or from the whole of it.

use std::io::Write;
use std::sync::Arc;

use mlresolve_index::{ClientOptions, FindLinks, IndexClient, IndexError, Limits, MetadataError};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

use crate::server::{Request, Response, Server, file, only_file, page};

const WHEEL: &str = "demo-1.0-py3-none-any.whl";

fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: numpy>=1\n\n")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A wheel of the given members.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A wheel whose METADATA is at its start, and whose directory is longer than the tail that is asked for
/// first.
fn long_wheel() -> Vec<u8> {
    let text = metadata("demo", "1.0");
    let payload = noise(300_000);
    let names: Vec<String> = (0..400).map(|number| format!("demo/{}/{number}.py", "x".repeat(40))).collect();
    let mut members = vec![("demo-1.0.dist-info/METADATA", text.as_bytes()), ("demo/data.bin", &payload)];
    members.extend(names.iter().map(|name| (name.as_str(), &b"pass"[..])));
    zip(&members)
}

/// A server of one wheel with these members in the page, and a way to serve the files.
fn server(more: &str, files: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Server {
    let page = page("demo", &[file(WHEEL, more)]);
    Server::start(move |request, _| match request.path.as_str() {
        "/simple/demo/" => Response::json(&page),
        _ => files(request),
    })
}

async fn read(server: &Server) -> Result<usize, MetadataError> {
    let client = server.client();
    let file = only_file(&client, "demo").await;
    Ok(client.metadata(&file).await?.core.requires_dist.len())
}

#[tokio::test]
async fn the_sidecar_is_read_and_its_hash_checked() {
    let text = metadata("demo", "1.0");
    let offer = format!(r#""core-metadata": {{"sha256": "{}"}}"#, hex(text.as_bytes()));
    let sent = text.clone();
    let good = server(&offer, move |_| Response::new(200).body(&sent));
    assert_eq!(read(&good).await.unwrap(), 1);
    assert_eq!(good.paths()[1], format!("/files/{WHEEL}.metadata"));

    let bad = server(&offer, move |_| Response::new(200).body(text.replace("numpy", "evil")));
    let error = read(&bad).await.unwrap_err();
    let MetadataError::Index(IndexError::HashMismatch { file, expected, found }) = error else {
        panic!("{error}")
    };
    assert_eq!(file, format!("{WHEEL}.metadata"));
    assert_ne!(expected, found);
}

#[tokio::test]
async fn the_end_of_a_wheel_is_enough() {
    let wheel = long_wheel();
    for more in [String::new(), format!(r#""size": {}"#, wheel.len())] {
        let served = wheel.clone();
        let server =
            server(&more, move |request| Response::range_of(request, &served).header("etag", "\"one\""));
        assert_eq!(read(&server).await.unwrap(), 1);
        let requests = &server.requests()[1..];
        assert_eq!(requests.len(), 3, "tail, rest of the directory, member");
        assert!(requests.iter().all(|request| request.header("range").is_some()));
        assert!(requests.iter().all(|request| request.header("accept-encoding") == Some("identity")));
        assert_eq!(requests[1].header("if-range"), Some("\"one\""));
    }
}

#[tokio::test]
async fn a_missing_sidecar_is_made_up_for() {
    let wheel = long_wheel();
    let server =
        server(r#""core-metadata": true"#, move |request| match request.path.ends_with(".metadata") {
            true => Response::new(404),
            false => Response::range_of(request, &wheel),
        });
    assert_eq!(read(&server).await.unwrap(), 1);
}

/// How a server serves a wheel's bytes.
type Serve = fn(&Request, &[u8]) -> Response;

#[tokio::test]
async fn a_server_without_sound_ranges_sends_the_whole_wheel() {
    let cases: [(&str, Serve); 6] = [
        ("ignored", |_, wheel| Response::new(200).body(wheel)),
        ("not allowed", |request, wheel| match request.header("range") {
            Some(_) => Response::new(416),
            None => Response::new(200).body(wheel),
        }),
        ("not known", |request, wheel| match request.header("range") {
            Some(_) => Response::new(400),
            None => Response::new(200).body(wheel),
        }),
        ("wrong place", |request, wheel| match request.header("range") {
            Some(_) => Response::new(206).header("content-range", "bytes 0-9/20").body(&wheel[..20]),
            None => Response::new(200).body(wheel),
        }),
        ("no place", |request, wheel| match request.header("range") {
            Some(_) => Response::new(206).body(&wheel[..10]),
            None => Response::new(200).body(wheel),
        }),
        ("changed in between", |request, wheel| match request.header("if-range") {
            Some(_) => Response::new(200).body(wheel),
            None => Response::range_of(request, wheel).header("etag", "\"one\""),
        }),
    ];
    let wheel = Arc::new(long_wheel());
    for (case, serve) in cases {
        let more = format!(r#""hashes": {{"sha256": "{}"}}"#, hex(&wheel));
        let served = Arc::clone(&wheel);
        let server = server(&more, move |request| serve(request, &served));
        let client = server.client();
        let file = only_file(&client, "demo").await;
        assert_eq!(client.metadata(&file).await.unwrap().core.requires_dist.len(), 1, "{case}");
        assert_eq!(server.requests().last().unwrap().header("range"), None, "{case}");
    }
}

#[tokio::test]
async fn a_whole_wheel_is_verified() {
    let more = format!(r#""hashes": {{"sha256": "{}"}}"#, "0".repeat(64));
    let wheel = long_wheel();
    let server = server(&more, move |_| Response::new(200).body(&wheel));
    let error = read(&server).await.unwrap_err();
    assert!(matches!(error, MetadataError::Index(IndexError::HashMismatch { .. })), "{error}");
}

#[tokio::test]
async fn metadata_of_something_else_is_refused() {
    for (name, version, wrong) in [("other", "1.0", "name"), ("demo", "1.1", "version")] {
        let text = metadata(name, version);
        let server = server(r#""core-metadata": true"#, move |_| Response::new(200).body(&text));
        let error = read(&server).await.unwrap_err();
        assert!(matches!(error, MetadataError::Inconsistent { field, .. } if field == wrong), "{error}");
    }
    let server = server(r#""core-metadata": true"#, |_| Response::new(200).body("no metadata"));
    assert!(matches!(read(&server).await, Err(MetadataError::Invalid { .. })));
}

#[tokio::test]
async fn a_renamed_wheel_may_have_its_local_version_in_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (local, version, fits) in [
        ("1.0+cu12torch2.8", "1.0", true),
        ("1.0+cu12torch2.8", "1.0+cu13", false),
        ("1.0", "1.0+cu12", false),
    ] {
        let member = format!("demo-{version}.dist-info/METADATA");
        let wheel = zip(&[(&member, metadata("demo", version).as_bytes())]);
        let path = folder.path().join(format!("demo-{local}-py3-none-any.whl"));
        std::fs::write(&path, wheel).unwrap();
        let options = ClientOptions {
            find_links: vec![FindLinks::at_path(folder.path()).unwrap()],
            ..ClientOptions::default()
        };
        let client = IndexClient::new(options);
        let read = client.metadata(&only_file(&client, "demo").await).await;
        assert_eq!(read.is_ok(), fits, "{local} {version}: {read:?}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn archives_that_do_not_hold_one_metadata_are_refused() {
    let text = metadata("demo", "1.0");
    let text = text.as_bytes();
    for (case, wheel) in [
        ("none", zip(&[("demo/__init__.py", b"")])),
        ("of another", zip(&[("other-1.0.dist-info/METADATA", text)])),
        ("two", zip(&[("demo-1.0.dist-info/METADATA", text), ("Demo-1.0.0.dist-info/METADATA", text)])),
        ("no archive", noise(50_000)),
        ("empty", Vec::new()),
    ] {
        let server = server("", move |request| match wheel.is_empty() {
            true => Response::new(200),
            false => Response::range_of(request, &wheel),
        });
        let error = read(&server).await.unwrap_err();
        assert!(matches!(error, MetadataError::Archive { .. }), "{case}: {error}");
    }
}

#[tokio::test]
async fn metadata_that_unpacks_to_too_much_is_refused() {
    let bomb = vec![b' '; 2_000_000];
    let wheel = zip(&[("demo-1.0.dist-info/METADATA", &bomb)]);
    let server = server("", move |request| Response::range_of(request, &wheel));
    let limits = Limits { metadata: 1_000_000, ..Limits::default() };
    let client = IndexClient::new(ClientOptions { limits, ..server.options() });
    let file = only_file(&client, "demo").await;
    let error = client.metadata(&file).await.unwrap_err();
    assert!(error.to_string().contains("the limit `metadata`"), "{error}");
}
