//! A whole lock of a real stack against the recorded index: from nothing, and with everything in the cache.
//!
//! `cargo bench --bench lock`

use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use mlresolve::{Access, LockRequest, NetworkMode, Watch, lock_blocking};
use mlresolve_testkit::{IndexServer, Recording};

fn lock(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/transformers-torch.jsonl.zst");
    let Ok(recording) = Recording::load(&path) else { return };
    let server = IndexServer::replay(&recording);
    let Ok(cache) = tempfile::tempdir() else { return };
    let mut request =
        LockRequest::new(["transformers[torch,vision,audio]", "datasets", "evaluate", "peft", "trl"]);
    request.target.glibc = Some("2.35".to_owned());
    let cold = Access { index_url: server.index_url(), ..Access::default() };
    let warm = Access { cache_dir: Some(cache.path().to_owned()), ..cold.clone() };
    let offline = Access { mode: NetworkMode::Offline, ..warm.clone() };
    let run =
        |access: &Access| lock_blocking(&request, None, access, &Watch::default()).map(|locked| locked.text);
    drop(run(&warm));
    let mut group = criterion.benchmark_group("transformers-torch");
    group.sample_size(20);
    group.bench_function("cold", |bencher| bencher.iter(|| run(&cold)));
    group.bench_function("warm", |bencher| bencher.iter(|| run(&warm)));
    group.bench_function("offline", |bencher| bencher.iter(|| run(&offline)));
    group.finish();
}

criterion_group!(benches, lock);
criterion_main!(benches);
