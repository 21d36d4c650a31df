//! What no builder of layers can go without, and nothing else: `cargo run --release --example inflate_and_hash -- THREADS
//! WHEEL...`. Each wheel is hashed as a whole (the lock) and entry by entry (the blob); each file is inflated by the inflater
//! of this crate, with its CRC-32, its own digest (RECORD) and that of all together (the tar).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for a person who looks at it")]

#[path = "wheel_layer.rs"]
#[expect(dead_code, reason = "its main")]
mod wheel_layer;

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mlresolve_layers::{Content, ReadAt, read_content};
use sha2::{Digest, Sha256};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let threads: usize = arguments.next().unwrap().parse().unwrap();
    let mut wheels: Vec<String> = arguments.collect();
    wheels.sort_by_key(|wheel| std::cmp::Reverse(std::fs::metadata(wheel).unwrap().len()));
    let (start, next) = (Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(wheel) = wheels.get(next.fetch_add(1, Ordering::Relaxed)) {
                    one(wheel);
                }
            });
        }
    });
    println!("{:.2}", start.elapsed().as_secs_f64());
}

fn one(wheel: &str) {
    let (mut whole, mut blob, mut tar) = (Sha256::new(), Sha256::new(), Sha256::new());
    let mut buffer = vec![0; 128 * 1024];
    let mut file = File::open(wheel).unwrap();
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => break,
            length => whole.update(&buffer[..length]),
        }
    }
    for file in wheel_layer::files(wheel) {
        if let Content::Deflated { source, offset, compressed: length, .. }
        | Content::Stored { source, offset, size: length, .. } = &file.content
        {
            let mut read = 0;
            while read < *length {
                let most = usize::try_from(*length - read).unwrap().min(buffer.len());
                let found = ReadAt::read_at(&**source, &mut buffer[..most], offset + read).unwrap();
                blob.update(&buffer[..found]);
                read += found as u64;
            }
        }
        let mut record = Sha256::new();
        read_content(&file.content, |bytes| {
            record.update(bytes);
            tar.update(bytes);
        })
        .unwrap();
        std::hint::black_box(record.finalize());
    }
    std::hint::black_box((whole.finalize(), blob.finalize(), tar.finalize()));
}
