//! Retries, redirects, limits, deadlines and credentials.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mlresolve_index::{ClientOptions, IndexClient, IndexError, Limits, Timeouts};

use crate::server::{Response, Server, file, found, name, page};

fn demo() -> Response {
    Response::json(&page("demo", &[file("demo-1-py3-none-any.whl", "")]))
}

#[tokio::test]
async fn what_may_go_away_is_tried_again() {
    for failure in [500, 502, 503, 429, 408] {
        let server = Server::start(move |_, before| if before < 2 { Response::new(failure) } else { demo() });
        found(&server.client(), "demo").await;
        assert_eq!(server.paths().len(), 3, "{failure}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_tried_again() {
    let server = Server::start(|_, before| if before == 0 { demo().cut(20) } else { demo() });
    found(&server.client(), "demo").await;
    assert_eq!(server.paths().len(), 2);
}

#[tokio::test]
async fn retries_end_and_other_statuses_have_none() {
    let server = Server::start(|_, _| Response::new(503));
    let error = server.client().project(&name("demo")).await.unwrap_err();
    assert!(matches!(error, IndexError::Status { status: 503, .. }), "{error}");
    assert_eq!(server.paths().len(), 4);

    let server = Server::start(|_, _| demo().cut(3));
    let error = server.client().project(&name("demo")).await.unwrap_err();
    assert!(error.to_string().contains("after 4 tries"), "{error}");

    let server = Server::start(|_, _| Response::new(400));
    server.client().project(&name("demo")).await.unwrap_err();
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_kept() {
    let server = Server::start(|_, before| match before {
        0 => Response::new(429).header("retry-after", "1"),
        _ => demo(),
    });
    let start = Instant::now();
    found(&server.client(), "demo").await;
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn redirects_off_the_web_and_in_circles_are_refused() {
    for target in ["file:///etc/passwd", "ftp://files.example/x", "data:text/html,x", "/simple/demo/"] {
        let server = Server::start(move |_, _| Response::redirect(target));
        let error = server.client().project(&name("demo")).await.unwrap_err();
        assert!(matches!(error, IndexError::Redirect { .. }), "{target}: {error}");
        assert!(server.paths().len() <= 11);
    }
}

#[tokio::test]
async fn credentials_go_to_their_origin_only_and_into_no_message() {
    let other = Server::start(|_, _| demo());
    let target = other.url("/simple/demo/");
    let index = Server::start(move |request, _| match request.path.as_str() {
        "/simple/demo/" => Response::redirect("/here/"),
        "/here/" => Response::redirect(&target),
        _ => Response::new(401),
    });
    let url = index.url("/simple").replace("http://", "http://ann:hunter2@");
    let options = ClientOptions { indexes: vec![url.parse().unwrap()], ..index.options() };
    let client = IndexClient::new(options);
    found(&client, "demo").await;
    for request in index.requests() {
        assert_eq!(request.header("authorization"), Some("Basic YW5uOmh1bnRlcjI="), "{}", request.path);
    }
    assert_eq!(index.paths().len(), 2);
    assert_eq!(other.requests()[0].header("authorization"), None);

    let error = client.project(&name("private")).await.unwrap_err();
    assert!(matches!(error, IndexError::Credentials { status: 401, .. }));
    let shown = format!("{error} {error:?} {:?}", client.options());
    assert!(!shown.contains("hunter2") && !shown.contains("YW5uOm"), "{shown}");
}

#[tokio::test]
async fn a_page_over_the_limit_is_refused_and_the_limit_named() {
    let server = Server::start(|_, _| demo());
    let limits = Limits { page: 50, ..Limits::default() };
    let error = IndexClient::new(ClientOptions { limits, ..server.options() })
        .project(&name("demo"))
        .await
        .unwrap_err();
    assert!(matches!(error, IndexError::TooLarge { limit: "page", bytes: 50, .. }), "{error}");
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::start(|_, _| {
        std::thread::sleep(Duration::from_millis(500));
        demo()
    });
    let timeouts = Timeouts { total: Duration::from_millis(50), ..Timeouts::default() };
    let client = IndexClient::new(ClientOptions { timeouts, ..server.options() });
    let error = client.project(&name("demo")).await.unwrap_err();
    assert!(error.to_string().contains("not complete within 0.05 s"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_a_network_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let server = Server::start(|_, _| demo());
    let indexes = vec![format!("http://{address}/simple").parse().unwrap()];
    let client = IndexClient::new(ClientOptions { indexes, ..server.options() });
    let error = client.project(&name("demo")).await.unwrap_err();
    assert!(matches!(error, IndexError::Network { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_not_secure_is_not_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let index = format!("https://{}/simple", listener.local_addr().unwrap());
    let connections = std::sync::Arc::new(AtomicU32::new(0));
    let count = std::sync::Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            stream.unwrap().write_all(b"HTTP/1.1 400 Plain\r\n\r\n").unwrap();
        }
    });
    let options = ClientOptions { indexes: vec![index.parse().unwrap()], ..ClientOptions::default() };
    let error = IndexClient::new(options).project(&name("demo")).await.unwrap_err();
    assert!(matches!(error, IndexError::Tls { .. }), "{error}");
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
