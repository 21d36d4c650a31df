//! Which packages write the same files, for a resolution of 400 wheels with 500 files each whose lists are in the cache.
//!
//! `cargo bench -p mlresolve --bench ownership`

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should end")]

use criterion::{Criterion, criterion_group, criterion_main};
use mlresolve::check_ownership;
use mlresolve::index::{CacheMode, ClientOptions, File, IndexClient};
use mlresolve_testkit::{IndexServer, Universe, WheelBuilder};

const WHEELS: usize = 400;
const FILES: usize = 500;

fn ownership(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (case, top) in [("a folder for each", false), ("all in one folder", true)] {
        let server = IndexServer::start((0..WHEELS).fold(Universe::new(), |universe, number| {
            universe.distribution(&format!("package-{number}"), wheel(number, top).build())
        }));
        let cache = tempfile::tempdir().unwrap();
        let client = |mode| {
            let cache_dir = Some(cache.path().to_owned());
            IndexClient::new(ClientOptions { cache_dir, mode, ..ClientOptions::default() })
        };
        let wheels: Vec<_> = (0..WHEELS)
            .map(|number| {
                let filename = wheel(number, top).filename();
                let url = server.url(&format!("/files/{filename}")).parse().unwrap();
                let name = format!("package-{number}").parse().unwrap();
                (name, "1.0".parse().unwrap(), File::direct(&url, filename).unwrap())
            })
            .collect();
        let check = |mode| runtime.block_on(check_ownership(&client(mode), &wheels)).unwrap();
        assert!(check(CacheMode::Normal).unread.is_empty());
        criterion.bench_function(&format!("400 wheels, {case}"), |bencher| {
            bencher.iter(|| check(CacheMode::Offline).different.len());
        });
    }
}

/// A wheel whose files have paths as long as those of real ones.
fn wheel(number: usize, top: bool) -> WheelBuilder {
    let folder = if top { format!("nvidia/package_{number}") } else { format!("package_{number}") };
    (0..FILES).fold(WheelBuilder::new(&format!("package-{number}"), "1.0"), |wheel, file| {
        wheel.file(&format!("{folder}/models/family_{}/implementation_of_{file}.py", file / 10), b"")
    })
}

criterion_group!(benches, ownership);
criterion_main!(benches);
