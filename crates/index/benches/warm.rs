//! A warm run: every page and every metadata of a large resolution comes from the cache.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should end")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use mlresolve_index::{CacheMode, ClientOptions, File, IndexClient, Project, ProjectAnswer};
use tokio::runtime::Runtime;

const PROJECTS: usize = 120;
const RELEASES: usize = 150;
const WHEELS: usize = 20;
const REQUIREMENTS: usize = 40;

fn warm(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let indexes = vec![serve().parse().unwrap()];
    let client = |mode| {
        IndexClient::new(ClientOptions {
            indexes: indexes.clone(),
            cache_dir: Some(dir.path().to_owned()),
            mode,
            ..ClientOptions::default()
        })
    };
    let online = client(CacheMode::Normal);
    let files: Vec<File> = (0..PROJECTS).map(|number| newest(&runtime, &online, number)).collect();

    criterion.bench_function("120 pages", |bencher| {
        bencher.iter(|| {
            let client = client(CacheMode::Offline);
            (0..PROJECTS).map(|number| project(&runtime, &client, number).versions().len()).sum::<usize>()
        });
    });
    criterion.bench_function("120 pages, three releases of each", |bencher| {
        bencher.iter(|| {
            let client = client(CacheMode::Offline);
            let decode = |number| {
                let project = project(&runtime, &client, number);
                let last = project.versions().len() - 1;
                (last - 2..=last).map(|place| project.release(place).unwrap().wheels.len()).sum::<usize>()
            };
            (0..PROJECTS).map(decode).sum::<usize>()
        });
    });
    criterion.bench_function("120 metadata", |bencher| {
        bencher.iter(|| {
            let client = client(CacheMode::Offline);
            let read = |file| runtime.block_on(client.metadata(file)).unwrap().core.requires_dist.len();
            files.iter().map(read).sum::<usize>()
        });
    });
    criterion.bench_function("one page of 3000 files from the network into the cache", |bencher| {
        bencher.iter(|| {
            remove_pages(dir.path());
            project(&runtime, &client(CacheMode::Normal), 0).versions().len()
        });
    });
}

fn project(runtime: &Runtime, client: &IndexClient, number: usize) -> std::sync::Arc<Project> {
    let name = format!("project-{number}").parse().unwrap();
    match runtime.block_on(client.project(&name)).unwrap() {
        ProjectAnswer::Found(project) => project,
        other => panic!("{other:?}"),
    }
}

/// The first wheel of the newest release, its metadata cached.
fn newest(runtime: &Runtime, client: &IndexClient, number: usize) -> File {
    let project = project(runtime, client, number);
    let file = project.release(RELEASES - 1).unwrap().wheels[0].clone();
    runtime.block_on(client.metadata(&file)).unwrap();
    file
}

fn remove_pages(cache: &Path) {
    std::fs::remove_dir_all(cache.join("pages-v1")).unwrap();
}

/// Serves an index whose projects are all alike; returns its address.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let body = if path.ends_with(".metadata") { metadata(&path) } else { page(&path) };
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\
                 cache-control: max-age=600\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    format!("{url}/simple/")
}

fn page(path: &str) -> String {
    let name = path.trim_matches('/').rsplit('/').next().unwrap().replace('-', "_");
    let mut files = Vec::new();
    for release in 0..RELEASES {
        for wheel in 0..WHEELS {
            let filename = format!(
                "{name}-{}.{}.0-cp3{wheel}-cp3{wheel}-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
                release / 10,
                release % 10
            );
            let digest = format!("{release:032x}{wheel:032x}");
            files.push(format!(
                r#"{{"filename": "{filename}", "url": "/packages/{}/{}/{}/{filename}",
                    "hashes": {{"sha256": "{digest}"}}, "requires-python": ">=3.9", "size": 16123456,
                    "upload-time": "2026-01-02T03:04:05.678901Z", "yanked": false,
                    "core-metadata": true, "provenance": null}}"#,
                &digest[..2],
                &digest[2..4],
                &digest[4..]
            ));
        }
    }
    format!(r#"{{"meta": {{"api-version": "1.4"}}, "name": "{name}", "files": [{}]}}"#, files.join(","))
}

fn metadata(path: &str) -> String {
    let filename = path.rsplit('/').next().unwrap();
    let mut parts = filename.split('-');
    let (name, version) = (parts.next().unwrap(), parts.next().unwrap());
    let requirement = |number| {
        format!(
            "Requires-Dist: package-{number}<3,>=1.2; extra == 'some' and python_version >= '3.{number}'\n"
        )
    };
    let requirements: String = (0..REQUIREMENTS).map(requirement).collect();
    let description = "A line of a long description.\n".repeat(300);
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirements}\n{description}")
}

criterion_group!(benches, warm);
criterion_main!(benches);
