//! Times the client on an index's own pages, twice: as it is now, and with what is cached by then.
//!
//! `cargo run --release -p mlresolve-index --example time_pages -- INDEX_URL CACHE_DIR PROJECT...`

#![expect(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::error::Error;
use std::time::Instant;

use mlresolve_index::{ClientOptions, IndexClient, ProjectAnswer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, cache, projects @ ..] = arguments.as_slice() else {
        return Err("usage: time_pages INDEX_URL CACHE_DIR PROJECT...".into());
    };
    let options = ClientOptions {
        indexes: vec![index.parse()?],
        cache_dir: Some(cache.into()),
        // A mirror that drops the headers of its index is not what is timed.
        default_max_age: std::time::Duration::from_secs(600),
        ..ClientOptions::default()
    };
    for run in ["now", "cached"] {
        let client = IndexClient::new(options.clone());
        for name in projects {
            let start = Instant::now();
            let ProjectAnswer::Found(project) = client.project(&name.parse()?).await? else {
                return Err(format!("no index has {name}").into());
            };
            let opened = start.elapsed();
            let mut files = 0;
            for place in 0..project.versions().len() {
                files += project.release(place)?.files().count();
            }
            let decoded = start.elapsed() - opened;
            let newest = project.versions().len().checked_sub(1).map(|place| project.release(place));
            let wheel = newest.transpose()?.and_then(|release| release.wheels.first());
            let start = Instant::now();
            let requirements = match wheel {
                Some(wheel) => client.metadata(wheel).await?.core.requires_dist.len(),
                None => 0,
            };
            println!(
                "{run:6} {name}: page {opened:.1?} ({} versions), all {files} files decoded {decoded:.1?}, \
                 metadata {:.1?} ({requirements} requirements)",
                project.versions().len(),
                start.elapsed(),
            );
        }
    }
    Ok(())
}
