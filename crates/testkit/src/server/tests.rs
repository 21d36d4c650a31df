use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::client::{self, Answer};
use crate::{Links, RecordedFile, RecordedProject, WheelBuilder, sha256_hex};

const JSON: &str = "application/vnd.pypi.simple.v1+json";
const WHEEL: &str = "/files/a-1.0-py3-none-any.whl";
const SIDECAR: &str = "/files/a-1.0-py3-none-any.whl.metadata";

fn raw_request(
    server: &IndexServer,
    path: &str,
    headers: &[(&str, &str)],
    limit: u64,
) -> (Vec<u8>, io::Result<()>) {
    client::raw_request(server.background.address(), path, headers, limit)
}

fn get_with(server: &IndexServer, path: &str, headers: &[(&str, &str)]) -> Answer {
    client::get(server.background.address(), path, headers)
}

fn get(server: &IndexServer, path: &str) -> Answer {
    get_with(server, path, &[("accept", JSON)])
}

fn universe() -> Universe {
    Universe::new().text("a 1.0: b>=1; time 2025-01-01T00:00:00Z\nb 1.0")
}

fn with_options(change: impl FnOnce(&mut ServerOptions)) -> IndexServer {
    let mut options = ServerOptions::default();
    change(&mut options);
    IndexServer::start_with(universe(), options)
}

#[test]
fn pages_files_and_metadata_agree() {
    let server = IndexServer::start(universe());
    let page = get(&server, "/simple/a/");
    assert_eq!((page.status, page.header("content-type")), (200, JSON));
    let file = page.json()["files"][0].clone();
    assert_eq!(file["url"], "../../files/a-1.0-py3-none-any.whl");
    let wheel = get(&server, WHEEL);
    assert_eq!(file["hashes"]["sha256"], sha256_hex(&wheel.body));
    assert_eq!(file["size"], wheel.body.len());
    let sidecar = get(&server, SIDECAR);
    assert_eq!(file["core-metadata"]["sha256"], sha256_hex(&sidecar.body));
    assert_eq!(sidecar.text(), "Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b>=1\n");
    assert_eq!(get(&server, "/simple/").json()["projects"][1]["name"], "b");
    for path in ["/simple/c/", "/files/c-1.0-py3-none-any.whl", "/", "/elsewhere"] {
        assert_eq!(get(&server, path).status, 404, "{path}");
    }
}

#[test]
fn local_versions_are_found_under_their_escaped_name() {
    let server = IndexServer::start(Universe::new().text("a 1.0+cu128"));
    assert_eq!(get(&server, "/files/a-1.0%2Bcu128-py3-none-any.whl").status, 200);
    assert_eq!(get(&server, "/files/a-1.0+cu128-py3-none-any.whl.metadata").status, 200);
}

#[test]
fn other_spellings_lead_to_the_page() {
    let server = IndexServer::start(Universe::new().text("flash-attn 1.0"));
    for path in ["/simple/Flash_Attn/", "/simple/flash-attn"] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.header("location")), (301, "/simple/flash-attn/"), "{path}");
    }
}

#[test]
fn pages_are_html_for_those_who_want_it_and_where_json_is_off() {
    let server = IndexServer::start(universe());
    let answer = get_with(&server, "/simple/a/", &[("accept", "text/html")]);
    assert_eq!(answer.header("content-type"), "text/html");
    assert!(answer.text().contains("<a href=\"../../files/a-1.0-py3-none-any.whl#sha256="));

    let server = with_options(|options| options.json = false);
    assert_eq!(get(&server, "/simple/a/").status, 406);
    let both = format!("{JSON}, text/html;q=0.1");
    assert_eq!(get_with(&server, "/simple/a/", &[("accept", &both)]).header("content-type"), "text/html");
}

#[test]
fn switches_take_fields_away() {
    let server = with_options(|options| {
        options.sidecars = Sidecars::Off;
        options.upload_times = false;
        options.sizes = false;
    });
    let file = get(&server, "/simple/a/").json()["files"][0].clone();
    let keys: Vec<&String> = file.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["filename", "hashes", "url"]);
    assert_eq!(get(&server, SIDECAR).status, 404);

    let server = with_options(|options| options.sidecars = Sidecars::Unhashed);
    assert_eq!(get(&server, "/simple/a/").json()["files"][0]["core-metadata"], true);
    assert_eq!(get(&server, SIDECAR).status, 200);
}

#[test]
fn ranges_are_answered_as_told() {
    let server = IndexServer::start(universe());
    let whole = get(&server, WHEEL);
    let length = whole.body.len();
    assert_eq!(whole.header("accept-ranges"), "bytes");
    for (range, start, end) in
        [("bytes=0-0", 0, 1), ("bytes=5-9", 5, 10), ("bytes=-4", length - 4, length), ("bytes=9-", 9, length)]
    {
        let part = get_with(&server, WHEEL, &[("range", range)]);
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.header("content-range"), format!("bytes {start}-{}/{length}", end - 1));
        assert_eq!(part.body, whole.body[start..end], "{range}");
    }
    let beyond = get_with(&server, WHEEL, &[("range", "bytes=999999-")]);
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{length}").as_str()));

    let server = with_options(|options| options.ranges = Ranges::Off);
    assert_eq!(get_with(&server, WHEEL, &[("range", "bytes=0-0")]).status, 200);
    let server = with_options(|options| options.ranges = Ranges::NoSuffix);
    assert_eq!(get_with(&server, WHEEL, &[("range", "bytes=-4")]).status, 501);
    assert_eq!(get_with(&server, WHEEL, &[("range", "bytes=0-3")]).status, 206);
}

#[test]
fn only_the_user_gets_in() {
    let credentials = Credentials::new("user", "pass:word");
    let server = with_options(|options| options.credentials = Some(credentials.clone()));
    let answer = get(&server, "/simple/a/");
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Basic realm=\"index\""));
    let with = |authorization: &str| get_with(&server, WHEEL, &[("authorization", authorization)]).status;
    assert_eq!(with(&Credentials::new("user", "other").authorization()), 401);
    assert_eq!(with(&credentials.authorization()), 200);
    assert_eq!(credentials.authorization(), "Basic dXNlcjpwYXNzOndvcmQ=");
    assert!(server.index_url_with(&credentials).starts_with("http://user:pass:word@127.0.0.1:"));
}

#[test]
fn known_bytes_are_not_sent_again_until_they_change() {
    let server = IndexServer::start(universe());
    let first = get(&server, "/simple/a/");
    assert_eq!(first.header("cache-control"), "max-age=600, public");
    let again =
        || get_with(&server, "/simple/a/", &[("accept", JSON), ("if-none-match", first.header("etag"))]);
    assert_eq!((again().status, again().body.len()), (304, 0));
    server.set_universe(universe().text("a 2.0"));
    assert_eq!(again().status, 200);
    server.set_options(ServerOptions { etags: false, cache_control: None, ..ServerOptions::default() });
    assert_eq!((again().header("etag"), again().header("cache-control")), ("", ""));
}

#[test]
fn redirects_lead_within_and_away() {
    let other = IndexServer::start(universe());
    let server = IndexServer::start(universe());
    server.fault("/simple/a/", Fault::Redirect { status: 301, location: "/simple/b/".to_owned() });
    server.fault(WHEEL, Fault::Redirect { status: 302, location: other.url(WHEEL) });
    let answer = get(&server, "/simple/a/");
    assert_eq!((answer.status, answer.header("location")), (301, "/simple/b/"));
    assert_eq!(get(&server, WHEEL).header("location"), format!("{}{WHEEL}", other.origin()));
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn statuses_wear_off() {
    let server = IndexServer::start(universe());
    server.fault_times("/simple/a/", 2, Fault::Status(500));
    server.fault_times("/simple/b/", 1, Fault::RetryAfter { status: 429, seconds: 3 });
    let statuses: Vec<u16> = (0..3).map(|_| get(&server, "/simple/a/").status).collect();
    assert_eq!(statuses, [500, 500, 200]);
    let answer = get(&server, "/simple/b/");
    assert_eq!((answer.status, answer.header("retry-after")), (429, "3"));
    assert_eq!(get(&server, "/simple/b/").status, 200);
}

#[test]
fn bodies_break_as_told() {
    let server = IndexServer::start(universe());
    let whole = get(&server, WHEEL).body;

    server.fault_times(WHEEL, 1, Fault::Truncated { keep: 10 });
    let (received, _) = raw_request(&server, WHEEL, &[], 1 << 20);
    let text = String::from_utf8_lossy(&received);
    assert!(text.contains(&format!("content-length: {}\r\n", whole.len())), "{text}");
    assert_eq!(received[received.len() - 10..], whole[..10]);

    server.fault_times(WHEEL, 1, Fault::Corrupt);
    let corrupt = get(&server, WHEEL).body;
    assert_eq!(whole.iter().zip(&corrupt).filter(|(left, right)| left != right).count(), 1);

    server.fault_times(WHEEL, 1, Fault::Endless);
    let (received, result) = raw_request(&server, WHEEL, &[], 1 << 20);
    result.unwrap();
    assert_eq!(received.len(), 1 << 20);

    server.fault_times(SIDECAR, 1, Fault::Slow { interval: Duration::from_millis(1) });
    let length = get(&server, SIDECAR).body.len();
    server.fault_times(SIDECAR, 1, Fault::Slow { interval: Duration::from_millis(1) });
    let start = Instant::now();
    assert_eq!(get(&server, SIDECAR).body.len(), length);
    assert!(start.elapsed() >= Duration::from_millis(length as u64));
}

#[test]
fn a_reset_is_a_reset() {
    let server = IndexServer::start(universe());
    server.fault_times("/simple/a/", 1, Fault::Reset);
    let (received, result) = raw_request(&server, "/simple/a/", &[], 1 << 20);
    assert_eq!(received, b"");
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(server.requests()[0].status, None);
    assert_eq!(get(&server, "/simple/a/").status, 200);
}

#[test]
fn bodies_lie_as_told() {
    let server = IndexServer::start(universe());
    server.fault_times("/simple/a/", 1, Fault::WrongHashes);
    let hash = |answer: Answer| answer.json()["files"][0]["hashes"]["sha256"].clone();
    assert_ne!(hash(get(&server, "/simple/a/")), hash(get(&server, "/simple/a/")));

    server.fault_times("/simple/a/", 1, Fault::ContentType("text/plain".to_owned()));
    assert_eq!(get(&server, "/simple/a/").header("content-type"), "text/plain");

    let bytes = b"not json".to_vec();
    server.fault_times("/simple/a/", 1, Fault::Body { content_type: JSON.to_owned(), bytes });
    assert_eq!(get(&server, "/simple/a/").text(), "not json");

    server.fault_times("/simple/a/", 1, Fault::Gzip);
    let answer = get(&server, "/simple/a/");
    assert_eq!(answer.header("content-encoding"), "gzip");
    let page: serde_json::Value =
        serde_json::from_reader(flate2::read::GzDecoder::new(answer.body.as_slice())).unwrap();
    assert_eq!(page["name"], "a");

    server.fault_times("/simple/a/", 1, Fault::GzipBomb { inflated: 10 << 20 });
    let bomb = get(&server, "/simple/a/").body;
    assert!(bomb.len() < 100_000);
    let inflated = io::copy(&mut flate2::read::GzDecoder::new(bomb.as_slice()), &mut io::sink()).unwrap();
    assert_eq!(inflated, 10 << 20);
}

#[test]
fn answers_wait_as_told() {
    let server = IndexServer::start(universe());
    server.delay("/simple/*", Duration::from_millis(40));
    let start = Instant::now();
    assert_eq!(get(&server, "/simple/a/").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(40));

    let order = |seed| {
        let latency = Latency::Shuffled { seed, longest: Duration::from_secs(1) };
        let mut paths: Vec<String> = (0..8).map(|number| format!("/simple/{number}/")).collect();
        paths.sort_by_key(|path| latency.of(path));
        paths
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn requests_are_remembered() {
    let server = IndexServer::start(universe());
    assert_eq!(server.requests(), []);
    get(&server, "/simple/a/");
    get_with(&server, "/simple/none/?query", &[("Range", "bytes=0-1")]);
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("GET", "/simple/a/"));
    assert_eq!((requests[0].header("accept"), requests[0].status), (Some(JSON), Some(200)));
    assert_eq!((requests[1].path.as_str(), requests[1].status), ("/simple/none/", Some(404)));
    assert_eq!(requests[1].header("range"), Some("bytes=0-1"));
    assert_eq!(server.count("/simple/a/"), 1);
    server.clear_requests();
    assert_eq!(server.count("/simple/a/"), 0);
}

#[test]
fn a_dropped_server_is_gone() {
    let server = IndexServer::start(universe());
    let address = server.background.address();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_replay_serves_what_was_recorded_and_complains_of_the_rest() {
    let file = |filename: &str, metadata: Option<&str>| RecordedFile {
        filename: filename.to_owned(),
        upload_time: Some("2025-01-01T00:00:00.123456Z".to_owned()),
        requires_python: Some(">=3.9".to_owned()),
        yanked: true,
        yanked_reason: Some("broken".to_owned()),
        core_metadata: true,
        metadata: metadata.map(str::to_owned),
        size: Some(3_000_000_000),
        sha256: Some("0".repeat(64)),
    };
    let metadata = "Metadata-Version: 2.1\nName: a\nVersion: 2.0\n";
    let files = vec![file("a-1.0-py3-none-any.whl", None), file("a-2.0-py3-none-any.whl", Some(metadata))];
    let project = RecordedProject { project: "a".to_owned(), files };
    let recording = Recording { projects: BTreeMap::from([("a".to_owned(), project)]) };
    let server = IndexServer::replay(&recording);

    let page = get(&server, "/simple/a/").json();
    assert_eq!(page["versions"], serde_json::json!(["1.0", "2.0"]));
    assert_eq!(page["files"][0]["core-metadata"], true);
    let expected = serde_json::json!({
        "filename": "a-2.0-py3-none-any.whl",
        "url": "../../files/a-2.0-py3-none-any.whl",
        "hashes": {"sha256": "0".repeat(64)},
        "requires-python": ">=3.9",
        "size": 3_000_000_000_u64,
        "upload-time": "2025-01-01T00:00:00.123456Z",
        "yanked": "broken",
        "core-metadata": {"sha256": sha256_hex(metadata.as_bytes())},
        "dist-info-metadata": {"sha256": sha256_hex(metadata.as_bytes())},
    });
    assert_eq!(page["files"][1], expected);
    assert_eq!(get(&server, "/files/a-2.0-py3-none-any.whl.metadata").text(), metadata);
    assert_eq!(get(&server, "/simple/b/").status, 404);
    assert_eq!(server.unrecorded(), Vec::<String>::new());
    for path in [SIDECAR, "/files/a-2.0-py3-none-any.whl"] {
        assert_eq!(get(&server, path).status, 404);
    }
    assert_eq!(server.unrecorded(), [SIDECAR, "/files/a-2.0-py3-none-any.whl"]);
}

#[test]
fn a_built_distribution_can_be_published() {
    let wheel = WheelBuilder::new("a", "1.0").file("a.py", "x = 1\n").build();
    let server = IndexServer::start(Universe::new().distribution("a", wheel.clone()));
    assert_eq!(get(&server, WHEEL).body, wheel.bytes);
}

#[test]
fn pytorchs_index_is_served_as_the_real_one() {
    const TORCH: &str = "torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl";
    const TRITON: &str = "triton-3.5.1-cp312-cp312-manylinux_2_28_x86_64.whl";
    let index = PyTorchIndex::new()
        .wheel("cu128", TORCH, Some(">=3.10"), &["triton==3.5.1 ; platform_system == \"Linux\""])
        .upload_time("2025-11-12T15:21:57Z")
        .shared_wheel(&["cu126", "cu128"], TRITON, None, &[])
        .without_sidecar()
        .links(Links::Absolute);
    let server = IndexServer::pytorch(index);
    assert_eq!(server.torch_index_url(), server.url("/whl"));

    // Who asks for JSON gets HTML, as from any store of plain files.
    let page = get(&server, "/whl/cu128/torch/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert_eq!(page.header("cache-control"), "max-age=600, must-revalidate");
    let wheel = get(&server, "/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl");
    let metadata = get(&server, &format!("/whl/cu128/{TORCH}.metadata"));
    assert!(metadata.text().contains("Requires-Python: >=3.10\nRequires-Dist: triton==3.5.1 ; platform"));
    for text in [
        "href=\"http://localhost/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=",
        &sha256_hex(&wheel.body),
        &format!("data-core-metadata=\"sha256={}\"", sha256_hex(&metadata.body)),
    ] {
        assert!(page.text().contains(text), "{}", page.text());
    }
    for text in ["requires-python", "size", "yanked"] {
        assert!(!page.text().contains(text), "{}", page.text());
    }
    let part = get_with(&server, &format!("/whl/cu128/{TORCH}"), &[("range", "bytes=-22")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &wheel.body[wheel.body.len() - 22..]));

    // A shared file has one address, whatever page it was found on.
    assert!(get(&server, "/whl/cu126/triton/").text().contains(&format!("/whl/{TRITON}#sha256=")));
    assert_eq!(get(&server, &format!("/whl/{TRITON}")).status, 200);
    for path in [
        "/whl/cu126/torch/".to_owned(),
        "/whl/cpu/torch/".to_owned(),
        format!("/whl/{TORCH}"),
        format!("/whl/cu128/{TRITON}"),
        format!("/whl/{TRITON}.metadata"),
    ] {
        assert_eq!(get(&server, &path).status, 404, "{path}");
    }
    assert_eq!((server.count("/whl/cu126/torch/"), server.count("/whl/cu128/torch/")), (1, 1));

    server.fault_times("/whl/cu128/*", 1, Fault::Status(503));
    server.fault("/whl/cu128/torch/", Fault::WrongHashes);
    assert_eq!(get(&server, "/whl/cu128/torch/").status, 503);
    assert!(!get(&server, "/whl/cu128/torch/").text().contains(&sha256_hex(&wheel.body)));
    server.set_pytorch(PyTorchIndex::new());
    assert_eq!(get(&server, "/whl/cu128/torch/").status, 404);
}
