//! What happens on the way: redirects, credentials, bodies that lie about themselves, time, certificates, proxies.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use mlresolve_testkit::{
    Certificates, Credentials, Fault, IndexServer, PublishedFile, Ranges, ServerOptions, Sidecars, TlsFront,
    Universe,
};

use super::{
    APP, APP_PAGE, JSON, RELEASES, beside, entry, lock, locks, page, project, raw, refused, refused_at,
    refused_page,
};
use crate::support::Project;

const CANARY: &str = "canary-of-a-secret";

fn redirect(location: &str) -> Fault {
    Fault::Redirect { status: 302, location: location.to_owned() }
}

/// The options of an index whose files are read by ranges, or whole.
fn without_sidecars(ranges: Ranges) -> ServerOptions {
    ServerOptions { sidecars: Sidecars::Off, ranges, ..ServerOptions::default() }
}

#[test]
fn i01_redirects_off_the_web_or_down() {
    let project = project();
    for (location, said) in [
        ("file:///etc/passwd", "`file:` address"),
        ("ftp://files.example/x", "`ftp:` address"),
        ("data:text/html,x", "`data:` address"),
        ("http://169.254.169.254/latest/meta-data/", "link-local address"),
        ("http://0xa9fea9fe/latest/", "link-local address"),
        ("http://[fe80::1]/", "link-local address"),
    ] {
        refused_page(&project, redirect(location), 5, &[APP_PAGE, "redirects to", said]);
    }
    // A file's address may lead nowhere that a redirect may not.
    let beside_us = format!(r#"{{"filename": "{APP}", "url": "http://169.254.169.254/x.whl"}}"#);
    refused_page(&project, page(&beside_us), 5, &[APP, "link-local"]);
    let of_disk = format!(r#"{{"filename": "{APP}", "url": "file:///x/{APP}"}}"#);
    refused_page(&project, page(&of_disk), 1, &[APP, "scheme `file`"]);

    let certificates = Certificates::for_server(&["127.0.0.1"]);
    let front = TlsFront::start(project.index.address(), &certificates, false);
    project.write("authority.pem", &certificates.authority);
    let secure = format!("--cert authority.pem -i https://{}/simple/", front.address());
    project.index.fault(APP_PAGE, redirect(&project.index.url("/simple/web/")));
    refused(&project, &secure, 5, &[APP_PAGE, "from https to http"]);
    project.index.clear_faults();
    locks(&project, &secure, &["app 1.0", "web 2.0"]);
}

#[test]
fn i02_redirects_that_lead_nowhere() {
    let project = project();
    refused_page(&project, redirect(APP_PAGE), 5, &[APP_PAGE, "redirects more than 10 times"]);
    refused_page(&project, Fault::Status(302), 5, &[APP_PAGE, "without saying where to"]);
    refused_page(&project, redirect("https://["), 5, &[APP_PAGE, "no URL"]);

    let hops = |most: u32| {
        let server = raw::serve(move |path| {
            let hop: u32 = path.trim_start_matches("/hop/").parse().unwrap_or(0);
            let kind = format!("Content-Type: {JSON}");
            match hop < most {
                true => raw::answer(&["302 Found", &format!("Location: /hop/{}", hop + 1)], ""),
                false => raw::answer(&["200 OK", &kind], r#"{"files": []}"#),
            }
        });
        format!("-i {server}")
    };
    refused(&project, &hops(10), 1, &["app has no file that can be used"]);
    refused(&project, &hops(11), 5, &[APP_PAGE, "redirects more than 10 times"]);

    let latin = raw::serve(|_| {
        [b"HTTP/1.1 302 Found\r\nLocation: /\xe9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            .as_slice()]
        .concat()
    });
    refused(&project, &format!("-i {latin}"), 5, &[APP_PAGE, "not UTF-8"]);
    let accented = raw::serve(|path| match path {
        "/%C3%A9/" => raw::answer(&["404 Not Found"], ""),
        _ => raw::answer(&["302 Found", "Location: /\u{e9}/"], ""),
    });
    refused(&project, &format!("-i {accented}"), 1, &["app was not found"]);
}

#[test]
fn i03_credentials_stop_at_the_origin() {
    let credentials = Credentials::new("reader", CANARY);
    let project = beside(ServerOptions::default());
    let other = IndexServer::start(Universe::new().text("app 1.0: web>=2"));
    project
        .index
        .set_options(ServerOptions { credentials: Some(credentials.clone()), ..ServerOptions::default() });
    let target = other.url(APP_PAGE).replace("http://", "http://guest:other-canary@");
    project.index.fault_times(APP_PAGE, 1, redirect(&target));
    project.index.clear_requests();
    let address = format!("-vv -i {}", project.index.index_url_with(&credentials));
    let run = locks(&project, &address, &["app 1.0", "web 2.0"]);
    project.assert_hidden(&run, &[CANARY, "other-canary"]);
    // Another port is another origin. What one hop's address holds is for that hop alone.
    let guest = Credentials::new("guest", "other-canary").authorization();
    for request in other.requests() {
        let expected = (request.path == APP_PAGE).then_some(guest.as_str());
        assert_eq!(request.header("authorization"), expected, "{}", request.path);
        assert_eq!(request.header("cookie"), None);
    }
    let own = credentials.authorization();
    assert!(project.index.requests().iter().all(|request| request.header("authorization") == Some(&own)));
    assert!(other.requests().len() > 1 && project.index.requests().len() > 1);
}

#[test]
fn i04_addresses_in_other_spellings() {
    let project = project();
    for path in [
        format!("../../files/x/../{APP}"),
        format!("/files/x/%2e%2e/{APP}"),
        format!("/simple/.%2E/files/./{APP}"),
        format!("//{}/files/{APP}", project.index.address()),
        format!(r"\\files\\{APP}"),
    ] {
        let file = format!(r#"{{"filename": "{APP}", "url": "{path}"}}"#);
        project.index.fault_times(APP_PAGE, 1, page(&file));
        locks(&project, "", &["app 1.0", "web 2.0"]);
        let url = format!("\"{}\"", project.index.url(&format!("/files/{APP}")));
        assert!(project.raw("pylock.toml").contains(&url), "{path}");
    }
    // A separator that is escaped, once or twice, is no separator.
    for escaped in ["..%2f", "..%252f"] {
        let anchor = super::html(&format!("<a href='/files/x/{escaped}{APP}'>x</a>"));
        refused_page(&project, anchor, 1, &["app has no file that can be used"]);
    }
    // The index itself in other spellings.
    let address = project.index.address();
    for spelled in ["HTTP://", "http://"] {
        for path in ["/simple", "/simple/", "/x/../simple/", "/%2e/simple"] {
            locks(&project, &format!("-i {spelled}{address}{path}"), &["app 1.0", "web 2.0"]);
        }
    }
}

#[test]
fn i07_bodies_that_break_off() {
    let project = project();
    refused_page(&project, Fault::Truncated { keep: 40 }, 5, &["no answer from", APP_PAGE, "1 try"]);
    let kind = format!("Content-Type: {JSON}");
    let chunks = raw::serve(move |_| {
        raw::answer(&["200 OK", &kind, "Transfer-Encoding: chunked"], "5\r\n{\"fil\r\n40\r\nes")
    });
    refused(&project, &format!("-i {chunks}"), 5, &["no answer from", APP_PAGE]);
    let sidecar = format!("/files/{APP}.metadata");
    refused_at(&project, &sidecar, Fault::Truncated { keep: 10 }, 5, &["no answer from", &sidecar]);
    let whole = beside(without_sidecars(Ranges::Off));
    whole.index.fault(&format!("/files/{APP}"), Fault::Truncated { keep: 100 });
    refused(&whole, "", 5, &["no answer from", APP]);
}

#[test]
fn i08_bodies_that_go_on() {
    let project = project();
    // What follows the promised length is not part of the answer.
    let files = format!(
        r#"{{"files": [{{"filename": "{APP}", "url": "{}"}}]}}"#,
        project.index.url(&format!("/files/{APP}"))
    );
    let longer = raw::serve(move |path| match path {
        APP_PAGE => {
            let head =
                ["200 OK", &format!("Content-Type: {JSON}"), &format!("Content-Length: {}", files.len())];
            raw::answer(&head, format!("{files}{{\"files\": []}} and more"))
        }
        _ => raw::answer(&["404 Not Found", "Content-Length: 0"], ""),
    });
    locks(&project, &format!("--extra-index-url {longer}"), &["app 1.0", "web 2.0"]);

    refused_page(&project, Fault::Endless, 5, &[APP_PAGE, "more than 67108864 bytes", "`page`"]);
    let metadata = format!("/files/{APP}.metadata");
    let said = ["app 1.0", "more than 16777216 bytes", "`metadata`"];
    refused_at(&project, &metadata, Fault::Endless, 1, &said);
    // A file is read no further than the index said that it goes, and no lock tells another size.
    let short = page(&entry(APP, r#", "size": 9, "core-metadata": true"#));
    project.index.fault(&format!("/files/{APP}"), Fault::Endless);
    refused_page(&project, short, 4, &[APP, "more than 9 bytes", "`size on the index`"]);
}

#[test]
fn i09_servers_that_take_their_time() {
    let project = project();
    let versions: Vec<String> = (0..40).map(|minor| format!("1.{minor}")).collect();
    project.index.set_universe(Universe::new().text(&format!("app {}", versions.join(" "))));
    // A byte now and then keeps the silence short, and the whole has its own limit: ten times as long.
    let start = Instant::now();
    project.index.fault(APP_PAGE, Fault::Slow { interval: Duration::from_millis(20) });
    let run = refused(&project, "--http-timeout 0.6", 5, &[APP_PAGE]);
    assert!(run.stderr().contains("not complete within 6 s"), "{}", run.snapshot());
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let arguments = format!("--http-timeout 0.2 -i http://{address}/simple/");
    refused(&project, &arguments, 5, &["no answer from", APP_PAGE]);
    // Nobody accepts: once the queue is full, connections hang.
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let queue: Vec<TcpStream> = std::iter::from_fn(connect).take(10_000).collect();
    refused(&project, &arguments, 5, &["no answer from", APP_PAGE]);
    drop((queue, silent));
}

#[test]
fn i10_bodies_that_inflate() {
    let project = project();
    let bomb = Fault::GzipBomb { inflated: 512 << 20 };
    refused_page(&project, bomb.clone(), 5, &[APP_PAGE, "more than 67108864 bytes", "`page`"]);
    let said = ["app 1.0", "more than 16777216 bytes", "`metadata`"];
    refused_at(&project, &format!("/files/{APP}.metadata"), bomb, 1, &said);
    // Nobody asked for these; what comes is not taken for a page.
    for encoding in ["br", "zstd", "deflate", "gzip, gzip", "nonsense"] {
        let kind = format!("Content-Type: {JSON}");
        let encoded = raw::serve(move |_| {
            raw::answer(
                &["200 OK", &kind, &format!("Content-Encoding: {encoding}")],
                [0x1b, 0xff, 0x2f, 0xfd],
            )
        });
        refused(&project, &format!("-i {encoded}"), 5, &[APP_PAGE]);
    }
    let kind = format!("Content-Type: {JSON}");
    let no_gzip = raw::serve(move |_| raw::answer(&["200 OK", &kind, "Content-Encoding: gzip"], "not gzip"));
    refused(&project, &format!("-i {no_gzip}"), 5, &[APP_PAGE]);
}

#[test]
fn i11_a_wheel_that_is_sent_compressed() {
    for ranges in [Ranges::Off, Ranges::On] {
        let project = beside(without_sidecars(ranges));
        project.index.fault(&format!("/files/{APP}"), Fault::Gzip);
        refused(&project, "", 5, &[APP, "is sent compressed"]);
    }
}

#[test]
fn i17_statuses() {
    let project = project();
    for status in [500, 502, 503, 504, 408, 429, 400, 418] {
        refused_page(&project, Fault::Status(status), 5, &[APP_PAGE, &format!("HTTP status {status}")]);
    }
    for status in [404, 410] {
        refused_page(&project, Fault::Status(status), 1, &["app was not found on [INDEX]/simple/"]);
    }
    refused_page(&project, Fault::Status(403), 5, &[APP_PAGE, "HTTP status 403", "refused access"]);
    let patient = Fault::RetryAfter { status: 429, seconds: 1_000_000_000 };
    refused_page(&project, patient, 5, &[APP_PAGE, "HTTP status 429"]);
    project.index.fault_times(APP_PAGE, 1, Fault::RetryAfter { status: 503, seconds: 1 });
    locks(&project, "--http-retries 1", &["app 1.0", "web 2.0"]);

    // An index that refuses whatever it is given is not asked for ever.
    let address = project.index.index_url_with(&Credentials::new("reader", CANARY));
    project.index.clear_requests();
    project.index.fault(APP_PAGE, Fault::Status(401));
    let run = refused(&project, &format!("--http-retries 3 -vv -i {address}"), 5, &["HTTP status 401"]);
    project.assert_hidden(&run, &[CANARY]);
    assert!(project.index.count(APP_PAGE) <= 4, "{}", project.index.count(APP_PAGE));
}

#[test]
fn i18_connections_that_break() {
    let project = project();
    refused_page(&project, Fault::Reset, 5, &["no answer from", APP_PAGE]);
    // What is closed with a request unread in it is reset.
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: 100\r\n\r\n{{\"files\": [");
    for sent in [0, 1, 12, 40, head.len()] {
        let head = head.clone();
        let resets = raw::serve_streams(move |mut stream| {
            let mut first = [0];
            drop(stream.peek(&mut first));
            drop(stream.write_all(&head.as_bytes()[..sent]));
        });
        refused(&project, &format!("-i {resets}"), 5, &["no answer from", APP_PAGE]);
    }
    for nonsense in
        ["SSH-2.0-OpenSSH_9.9\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 999999 OK\r\n\r\n", "\0\0\0\0"]
    {
        let server = raw::serve(move |_| nonsense.as_bytes().to_vec());
        refused(&project, &format!("-i {server}"), 5, &["no answer from", APP_PAGE]);
    }
    // A head without end.
    let endless = raw::serve_streams(|mut stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n"));
        while stream.write_all(b"X-More: and more and more and more\r\n").is_ok() {}
    });
    refused(&project, &format!("-i {endless}"), 5, &["no answer from", APP_PAGE]);
    // The same, once, is made up for.
    project.index.fault_times(APP_PAGE, 1, Fault::Reset);
    locks(&project, "--http-retries 1", &["app 1.0", "web 2.0"]);
}

#[test]
fn i19_wheels_by_ranges() {
    for ranges in [Ranges::Off, Ranges::On, Ranges::NoSuffix] {
        let project = beside(without_sidecars(ranges));
        locks(&project, "", &["app 1.0", "web 2.0"]);
        // A directory that says that it is beyond the file, or is longer than it.
        let universe = Universe::new().text(RELEASES);
        let honest = universe.find(APP).unwrap();
        for field in [10, 12, 16] {
            let mut bytes = honest.content.clone().unwrap();
            let end = bytes.len() - 22;
            let far: &[u8] = if field == 10 { &[0xfe, 0xff] } else { &[0xff, 0xff, 0xff, 0x7f] };
            bytes[end + field..end + field + far.len()].copy_from_slice(far);
            let sha256 = Some(mlresolve_testkit::sha256_hex(&bytes));
            let lying = PublishedFile { content: Some(bytes), sha256, ..honest.clone() };
            project.index.set_universe(Universe::new().text("web 1.0 2.0").file("app", lying));
            let run = lock(&project, "--upgrade");
            assert!(matches!(run.code(), 0 | 1), "{}", run.snapshot());
            assert!(run.code() == 0 || run.stderr().contains(APP), "{}", run.snapshot());
        }
    }
    // Offered and not there.
    let project = beside(without_sidecars(Ranges::On));
    for status in [416, 400, 501] {
        project.index.fault_times(&format!("/files/{APP}"), 1, Fault::Status(status));
        locks(&project, "", &["app 1.0", "web 2.0"]);
    }
}

#[test]
fn i25_connections_that_are_not_secure() {
    let project = project();
    let (good, expired) = (Certificates::for_server(&["127.0.0.1"]), Certificates::expired(&["127.0.0.1"]));
    let other = Certificates::for_server(&["other.example"]);
    for (certificates, authority, said) in [
        (&expired, &expired, "expired"),
        (&other, &other, "not valid for name"),
        (&good, &other, "invalid peer certificate"),
    ] {
        let front = TlsFront::start(project.index.address(), certificates, false);
        project.write("authority.pem", &authority.authority);
        let secure = format!("--cert authority.pem -i https://{}/simple/", front.address());
        // With the usual retries, which would take seconds.
        refused(
            &project,
            &format!("--http-retries 3 {secure}"),
            5,
            &["no secure connection to", APP_PAGE, said],
        );
    }
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        project.write("authority.pem", text);
        let secure = "--cert authority.pem -i https://127.0.0.1:9/simple/";
        refused(&project, secure, 2, &["cannot use the certificates in", "authority.pem"]);
    }
    let missing = "--cert missing.pem -i https://127.0.0.1:9/simple/";
    refused(&project, missing, 2, &["cannot use the certificates in", "missing.pem"]);
}

#[test]
fn i26_proxies_and_their_secrets() {
    let project = project();
    let through = |proxy: &str| format!("-vv -i http://index.example/simple/ --proxy {proxy}");
    let hidden = |project: &Project, proxy: &str, code: i32, said: &[&str]| {
        let run = refused(project, &through(proxy), code, said);
        project.assert_hidden(&run, &[CANARY]);
    };
    for bad in ["http://reader:{}@proxy.example:port", "ftp://reader:{}@proxy.example", "http://reader:{}@"] {
        hidden(&project, &bad.replace("{}", CANARY), 2, &["error: proxy: "]);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    hidden(&project, &format!("http://reader:{CANARY}@{nobody}"), 5, &["no answer from", APP_PAGE]);
    for (status, said) in [("407 No", "refused us (HTTP status 407)"), ("502 No", "HTTP status 502")] {
        let proxy = raw::serve(move |_| raw::answer(&[status, "Content-Length: 0"], ""));
        let proxy =
            proxy.trim_end_matches("/simple/").replace("http://", &format!("http://reader:{CANARY}@"));
        hidden(&project, &proxy, 5, &[said]);
    }
}
