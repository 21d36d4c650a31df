//! Writes the files of one archive as a gzip layer: `cargo run --example wheel_layer -- WHEEL LAYER`.
//!
//! It knows nothing of wheels but that they are ZIP archives: nothing is checked, renamed or left out.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for a person who looks at it")]

use std::fs::File;
use std::sync::Arc;

use mlresolve_layers::{Compression, Content, LayerFile, Mode, ReadAt, write_layer};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (wheel, output) = (arguments.next().unwrap(), File::create(arguments.next().unwrap()).unwrap());
    println!("{:?}", write_layer(&files(&wheel), Compression::Gzip, output).unwrap());
}

/// The files of an archive under a prefix as it is in an image.
pub(crate) fn files(wheel: &str) -> Vec<LayerFile> {
    let mut archive = zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap();
    let source: Arc<dyn ReadAt> = Arc::new(File::open(wheel).unwrap());
    let mut files = Vec::new();
    for at in 0..archive.len() {
        let file = archive.by_index_raw(at).unwrap();
        if file.is_dir() {
            continue;
        }
        let (source, offset) = (Arc::clone(&source), file.data_start().unwrap());
        let (size, crc32, compressed) = (file.size(), file.crc32(), file.compressed_size());
        let content = match file.compression() {
            zip::CompressionMethod::Deflated => Content::Deflated { source, offset, compressed, size, crc32 },
            _ => Content::Stored { source, offset, size, crc32 },
        };
        let path = format!("opt/venv/lib/python3.11/site-packages/{}", file.name().unwrap());
        files.push(LayerFile::new(path, Mode::Plain, content));
    }
    files
}
