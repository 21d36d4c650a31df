//! Project pages: their forms, their order among indexes, their life.

use mlresolve_index::{ClientOptions, IndexClient, IndexError, ProjectAnswer};
use mlresolve_packaging::simple::{MetadataOffer, Yanked};

use crate::server::{Response, Server, file, found, name, page};

#[tokio::test]
async fn a_json_page_is_grouped_by_version_and_keeps_what_it_says() {
    let sha = "a".repeat(64);
    let files = [
        file("demo-2.0-py3-none-any.whl", ""),
        file(
            "demo-1.0.0-py3-none-any.whl",
            &format!(
                r#""hashes": {{"sha256": "{sha}", "md5": "{0}"}}, "requires-python": ">=3.9", "size": 7,
                   "upload-time": "2026-01-02T03:04:05.678901Z", "yanked": "broken",
                   "core-metadata": {{"sha256": "{sha}"}}"#,
                "b".repeat(32)
            ),
        ),
        file("demo-1.0.tar.gz", ""),
        file("other-1.0-py3-none-any.whl", ""),
        file("demo-1.0.exe", ""),
        file("demo-2.0-py3-none-any.whl", ""),
    ];
    let server = Server::start(move |_, _| Response::json(&page("demo", &files)));
    let client = server.client();
    let project = found(&client, "demo").await;
    let versions: Vec<String> = project.versions().iter().map(ToString::to_string).collect();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[1], "2.0");

    let release = project.release(0).unwrap();
    assert_eq!((release.wheels.len(), release.sdists.len()), (1, 1));
    let wheel = &release.wheels[0];
    assert_eq!(wheel.url, server.url("/files/demo-1.0.0-py3-none-any.whl"));
    assert_eq!(wheel.sha256(), Some(sha.as_str()));
    assert_eq!(wheel.hashes.others["md5"], "b".repeat(32));
    assert_eq!(wheel.requires_python.as_deref(), Some(">=3.9"));
    assert_eq!(wheel.size, Some(7));
    assert_eq!(wheel.upload_time.unwrap().to_string(), "2026-01-02T03:04:05.678901Z");
    assert_eq!(wheel.yanked, Yanked::Yes(Some("broken".to_owned())));
    assert!(
        matches!(&wheel.metadata_offer, MetadataOffer::Hashed(hashes) if hashes.sha256.as_ref() == Some(&sha))
    );
    assert_eq!(wheel.wheel.as_ref().unwrap().name, name("demo"));
    assert_eq!(release.sdists[0].yanked, Yanked::No);
    assert!(project.release(2).is_err());

    let skipped: Vec<String> = project.skipped().unwrap().into_iter().map(|entry| entry.filename).collect();
    assert_eq!(skipped, ["other-1.0-py3-none-any.whl", "demo-1.0.exe", "demo-2.0-py3-none-any.whl"]);
    assert_eq!(server.requests()[0].path, "/simple/demo/");
}

#[tokio::test]
async fn an_html_page_is_relative_to_where_it_came_from() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/simple/demo/" => Response::redirect("/mirror/demo/"),
        _ => Response::html(
            "<a href='../x/demo-1.0%2Bcu128-py3-none-any.whl'>demo-1.0+cu128-py3-none-any.whl</a>",
        ),
    });
    let project = found(&server.client(), "demo").await;
    let release = project.release(0).unwrap();
    assert_eq!(release.version.to_string(), "1.0+cu128");
    assert_eq!(release.wheels[0].url, server.url("/mirror/x/demo-1.0%2Bcu128-py3-none-any.whl"));
}

#[tokio::test]
async fn the_first_index_that_has_the_project_is_the_only_one() {
    let one = |version: &str| page("demo", &[file(&format!("demo-{version}-py3-none-any.whl"), "")]);
    let (old, new) = (one("1.0"), one("2.0"));
    let empty = Server::start(|_, _| Response::new(404));
    let first = Server::start(move |_, _| Response::json(&old));
    let second = Server::start(move |_, _| Response::json(&new));
    let indexes = [&empty, &first, &second].map(|server| server.options().indexes.remove(0)).to_vec();
    let client = IndexClient::new(ClientOptions { indexes: indexes.clone(), ..first.options() });
    let project = found(&client, "demo").await;
    assert_eq!(project.versions()[0].to_string(), "1.0");
    assert_eq!(project.index(), &indexes[1]);
    assert!(second.paths().is_empty());

    let ProjectAnswer::Found(routed) = client.project_from(&indexes[2..], &name("demo")).await.unwrap()
    else {
        panic!("not found")
    };
    assert_eq!(routed.versions()[0].to_string(), "2.0");
}

#[tokio::test]
async fn a_project_that_no_index_has_names_the_indexes() {
    let server = Server::start(|_, _| Response::new(404));
    match server.client().project(&name("demo")).await.unwrap() {
        ProjectAnswer::NotFound { asked } => assert_eq!(asked, server.options().indexes),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_is_no_absence_unless_the_index_means_it_so() {
    let server = Server::start(|_, _| Response::new(403));
    let error = server.client().project(&name("demo")).await.unwrap_err();
    assert!(matches!(error, IndexError::Credentials { status: 403, .. }), "{error}");

    let mut options = server.options();
    options.indexes = vec![options.indexes[0].forbidden_means_absent()];
    let answer = IndexClient::new(options).project(&name("demo")).await.unwrap();
    assert!(matches!(answer, ProjectAnswer::NotFound { .. }));
}

#[tokio::test]
async fn concurrent_calls_share_one_request() {
    let server = Server::start(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        Response::json(&page("demo", &[file("demo-1-py3-none-any.whl", "")]))
    });
    let client = std::sync::Arc::new(server.client());
    let calls = (0..20).map(|_| {
        let client = std::sync::Arc::clone(&client);
        tokio::spawn(async move { found(&client, "demo").await.versions().len() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 1);
    }
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn a_page_that_is_none_is_an_error_that_names_it() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/simple/json/" => Response::json("{"),
        "/simple/picture/" => Response::new(200).header("content-type", "image/png").body("x"),
        _ => Response::new(418),
    });
    let client = server.client();
    let error = client.project(&name("json")).await.unwrap_err();
    assert!(
        matches!(&error, IndexError::BadPage { url, .. } if *url == server.url("/simple/json/")),
        "{error}"
    );
    let error = client.project(&name("picture")).await.unwrap_err();
    assert!(matches!(error, IndexError::ContentType { .. }), "{error}");
    let error = client.project(&name("teapot")).await.unwrap_err();
    assert!(matches!(error, IndexError::Status { status: 418, .. }), "{error}");
}
