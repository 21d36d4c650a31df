use super::*;
use crate::client::{self, Answer};
use crate::{IndexServer, ServerOptions, Universe};

const JSON: &str = "application/vnd.pypi.simple.v1+json";
const METADATA: &str = "/files/a/a-1.0%2Bcu128-py3-none-any.whl.metadata";

fn universe() -> Universe {
    Universe::new()
        .text("a 1.0+cu128: b>=1\na 2.0; time 2026-01-01T00:00:00Z; yanked see https://a.example/1\nb 1.0")
}

fn record(upstream: &IndexServer, extend: Recording) -> Recorder {
    let exclude_newer = Some("2025-01-01T00:00:00Z".parse().unwrap());
    Recorder::start(RecorderOptions { upstream: upstream.index_url(), port: 0, exclude_newer, extend })
        .unwrap()
}

fn get(recorder: &Recorder, path: &str) -> Answer {
    client::get(recorder.background.address(), path, &[("accept", JSON)])
}

#[test]
fn what_is_asked_for_is_recorded_once() {
    let upstream = IndexServer::start(universe());
    let recorder = record(&upstream, Recording::default());
    let page = get(&recorder, "/simple/a/").json();
    assert_eq!(page["files"][0]["url"], "../../files/a/a-1.0%2Bcu128-py3-none-any.whl");
    assert_eq!(page["files"].as_array().unwrap().len(), 1, "the newer file is left out");
    assert_eq!(get(&recorder, "/simple/none/").status, 404);
    assert!(get(&recorder, METADATA).text().contains("Requires-Dist: b>=1\n"));
    get(&recorder, "/simple/a/");
    get(&recorder, METADATA);
    assert_eq!(upstream.requests().len(), 3);

    let recording = recorder.finish();
    assert_eq!(recording.projects.keys().collect::<Vec<_>>(), ["a"]);
    let replay = IndexServer::replay(&recording);
    let address = replay.origin().trim_start_matches("http://").parse().unwrap();
    let path = "/files/a-1.0%2Bcu128-py3-none-any.whl.metadata";
    assert!(client::get(address, path, &[]).text().contains("Requires-Dist: b>=1\n"));
}

#[test]
fn metadata_is_read_out_of_wheels_where_upstream_has_none_beside_them() {
    let options = ServerOptions { sidecars: Sidecars::Off, ..ServerOptions::default() };
    let upstream = IndexServer::start_with(universe(), options);
    let recorder = record(&upstream, Recording::default());
    assert_eq!(get(&recorder, "/simple/a/").json()["files"][0]["core-metadata"], true);
    assert!(get(&recorder, METADATA).text().contains("Requires-Dist: b>=1\n"));
    let ranges = upstream.requests().iter().filter(|request| request.status == Some(206)).count();
    assert_eq!(ranges, 1);
}

#[test]
fn a_recording_is_extended_by_what_it_lacks() {
    let upstream = IndexServer::start(universe());
    let recorder = record(&upstream, Recording::default());
    get(&recorder, "/simple/a/");
    let recorder = record(&upstream, recorder.finish());
    upstream.clear_requests();
    assert_eq!(get(&recorder, "/simple/a/").status, 200);
    assert_eq!(upstream.requests(), []);
    assert_eq!(get(&recorder, METADATA).status, 200);
    get(&recorder, "/simple/b/");
    let recording = recorder.finish();
    assert!(recording.projects["a"].files[0].metadata.is_some());
    assert!(recording.projects.contains_key("b"));
}

#[test]
fn a_broken_upstream_is_no_recording() {
    let upstream = IndexServer::start(universe());
    upstream.fault_times("/simple/a/", 1, crate::Fault::Status(500));
    let recorder = record(&upstream, Recording::default());
    assert_eq!(get(&recorder, "/simple/a/").status, 502);
    assert_eq!(get(&recorder, "/simple/a/").status, 200);
}
