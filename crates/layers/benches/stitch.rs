//! How long a layer of one wheel takes, beside inflating and hashing its files alone.
//!
//! `cargo bench -p mlresolve-layers -- WHEEL...`; without a wheel there is nothing to measure.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for a person who looks at it")]

#[path = "../examples/wheel_layer.rs"]
#[expect(dead_code, reason = "its main")]
mod wheel_layer;

use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

use mlresolve_layers::{Compression, write_layer};
use sha2::{Digest, Sha256};

fn main() {
    for wheel in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        let files = wheel_layer::files(&wheel);
        println!("{} files, {} bytes", files.len(), std::fs::metadata(&wheel).unwrap().len());

        let plain = timed("inflate with zlib-rs, hash both sides", || inflate_and_hash(&wheel));
        let mut layer = None;
        let stitched = timed("write a gzip layer", || {
            layer = Some(write_layer(&files, Compression::Gzip, std::io::sink()).unwrap());
        });
        println!("{layer:?}\nratio {:.2}", stitched.as_secs_f64() / plain.as_secs_f64());
        if std::env::var_os("WITH_ZSTD").is_some() {
            timed("write a zstd layer", || {
                layer = Some(write_layer(&files, Compression::Zstd, std::io::sink()).unwrap());
            });
            println!("{layer:?}");
        }
        println!("peak memory of the process: {}", peak());
    }
}

/// The best of three.
fn timed(what: &str, mut run: impl FnMut()) -> Duration {
    let times = [(); 3].map(|()| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    println!("{what}: {times:?}");
    times.into_iter().min().unwrap()
}

/// What no builder of layers can go without: each file inflated, its CRC-32, and the digests of both sides.
fn inflate_and_hash(wheel: &str) {
    let mut archive = zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap();
    let (mut packed, mut plain) = (Sha256::new(), Sha256::new());
    let mut buffer = vec![0; 128 * 1024];
    for at in 0..archive.len() {
        let file = archive.by_index_raw(at).unwrap();
        let deflated = file.compression() == zip::CompressionMethod::Deflated;
        let hashed = Hashing(file, &mut packed);
        let mut reader: Box<dyn Read> = if deflated {
            Box::new(flate2::bufread::DeflateDecoder::new(std::io::BufReader::with_capacity(
                128 * 1024,
                hashed,
            )))
        } else {
            Box::new(hashed)
        };
        let mut crc = crc32fast::Hasher::new();
        loop {
            let length = reader.read(&mut buffer).unwrap();
            if length == 0 {
                break;
            }
            crc.update(&buffer[..length]);
            plain.update(&buffer[..length]);
        }
        std::hint::black_box(crc.finalize());
    }
    std::hint::black_box((packed.finalize(), plain.finalize()));
}

struct Hashing<'a, R>(R, &'a mut Sha256);

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.update(&buffer[..length]);
        Ok(length)
    }
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("unknown").to_owned()
}
