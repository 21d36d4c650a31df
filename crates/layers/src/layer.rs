//! One layer: the archive of some files, compressed, with the digests by which images name it.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use crate::deflate::{Copier, Expected, Sink, StreamError};
use crate::digest::Digest;
use crate::file::{Content, LayerFile, PathProblem};
use crate::gzip::Gzip;
use crate::source::Section;
use crate::{tar, tree};

/// zstd's level. With it, the version of the library decides the bytes (1.5.7 in format version 1), and nothing else:
/// one thread, no dictionary, no long distances, a checksum at the end of the one frame.
const ZSTD_LEVEL: i32 = 3;

/// How much of a file that is compressed here is read at once: whole pieces of the encoder.
const CHUNK: usize = 64 * 1024;

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// One gzip member; what archives hold as deflate streams is copied into it. All engines read it.
    #[default]
    Gzip,
    /// One zstd frame: smaller, faster to unpack and slower to make. Docker reads it from version 23 on.
    Zstd,
}

impl Compression {
    /// The media type of such a layer (OCI image specification 1.1, layers).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

/// What an image needs to know of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layer {
    /// How it is compressed.
    pub compression: Compression,
    /// The digest of the blob.
    pub digest: Digest,
    /// The length of the blob in bytes.
    pub size: u64,
    /// The digest of the archive before compression: its `diff_id` in an image's configuration.
    pub diff_id: Digest,
    /// The length of the archive in bytes.
    pub uncompressed_size: u64,
}

/// Why no layer was written.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A path that readers would refuse, or take in different ways.
    #[error("cannot put {path:?} into a layer: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// The target of a symbolic link that readers would refuse.
    #[error("cannot put the link {path:?} into a layer: of its target, {problem}")]
    Target {
        /// The path of the link.
        path: String,
        /// What is wrong with its target.
        problem: PathProblem,
    },
    /// Two files of one path, or a file where another needs a directory.
    #[error("{path:?} is in the layer twice; leave out one of the packages that install it")]
    Twice {
        /// The path.
        path: String,
    },
    /// An owner that ustar's header has no room for.
    #[error("the owner of {path:?} must be below 2097152")]
    Owner {
        /// The path.
        path: String,
    },
    /// A file above the limit.
    #[error("{path:?} has {size} bytes, more than FILE_BYTES_LIMIT = {}", tree::FILE_BYTES_LIMIT)]
    Large {
        /// The path.
        path: String,
        /// Its length in bytes.
        size: u64,
    },
    /// More files and directories than the limit.
    #[error("the layer has more files than ENTRY_LIMIT = {}", tree::ENTRY_LIMIT)]
    Entries,
    /// A file that is not what its archive says.
    #[error("cannot take {path:?} out of its archive: {problem}")]
    Stream {
        /// The path of the file in the layer.
        path: String,
        /// What is wrong with it.
        problem: StreamError,
    },
    /// A file that its witness refuses.
    #[error("cannot put {path:?} into a layer: {reason}")]
    Refused {
        /// The path of the file in the layer.
        path: String,
        /// What the witness says.
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The layer could not be written.
    #[error("cannot write the layer: {0}")]
    Write(#[from] io::Error),
}

/// Writes a layer of these files, in any order, to `output`, and returns its digests.
///
/// The bytes depend on the files and the compression alone, not on the order or the machine. Memory does not depend on
/// the length of a file that lies in an archive. Every such file is verified against its length and CRC-32; after an
/// error, what was written is worthless.
///
/// # Errors
/// When a path cannot be in a layer or is there twice, a limit is passed, a file is not what its archive says, or
/// reading or writing fails.
pub fn write_layer(
    files: &[LayerFile],
    compression: Compression,
    output: impl Write,
) -> Result<Layer, LayerError> {
    write_layer_before(&mut Unseen, files, compression, output)
}

/// [`write_layer`] with a witness, who sees the content of every file as it comes out of its archive.
///
/// # Errors
/// As [`write_layer`], and [`LayerError::Refused`] when the witness refuses a file.
pub fn write_layer_before(
    witness: &mut dyn Witness,
    files: &[LayerFile],
    compression: Compression,
    output: impl Write,
) -> Result<Layer, LayerError> {
    let entries = tree::entries(files)?;
    let blob = Blob { output, hasher: Sha256::new(), size: 0 };
    let mut plain = Plain::default();
    let mut packer = match compression {
        Compression::Gzip => Packer::Gzip(Box::new(Gzip::new(blob)?)),
        Compression::Zstd => {
            let mut encoder = zstd::Encoder::new(blob, ZSTD_LEVEL)?;
            encoder.include_checksum(true)?;
            Packer::Zstd(encoder, Box::new(Copier::new()))
        }
    };

    // What lies between the contents of two files: padding and headers.
    let mut between = Vec::new();
    for entry in &entries {
        between.extend(tar::header(entry));
        let size = entry.content.size();
        if !matches!(entry.content, Content::Directory | Content::Symlink(_)) {
            packer.encode(&std::mem::take(&mut between), &mut plain)?;
            witness.begin(&entry.path);
            let mut seen = Seen { plain: &mut plain, witness: &mut *witness };
            packer.content(&entry.content, &mut seen).map_err(|problem| match problem {
                StreamError::Write(error) => LayerError::Write(error),
                problem => LayerError::Stream { path: entry.path.clone(), problem },
            })?;
            witness.end().map_err(|reason| LayerError::Refused { path: entry.path.clone(), reason })?;
            between.resize(tar::padding(size), 0);
        }
        if between.len() >= CHUNK {
            packer.encode(&std::mem::take(&mut between), &mut plain)?;
        }
    }
    between.extend(tar::END);
    packer.encode(&between, &mut plain)?;
    let mut blob = match packer {
        Packer::Gzip(gzip) => gzip.finish(&plain)?,
        Packer::Zstd(encoder, _) => encoder.finish()?,
    };
    blob.output.flush()?;
    Ok(Layer {
        compression,
        digest: Digest::finish(blob.hasher),
        size: blob.size,
        uncompressed_size: plain.size(),
        diff_id: plain.finish(),
    })
}

/// Sees the content of the files of a layer, one file after the other, while it is written: to hold it to a hash, or to
/// learn something of it, without inflating it once more.
pub trait Witness {
    /// A file begins; its path is that in the layer.
    fn begin(&mut self, path: &str);
    /// The next piece of its content.
    fn piece(&mut self, bytes: &[u8]);
    /// The file has ended, and is what its archive says.
    ///
    /// # Errors
    /// When the file must not be in the layer.
    fn end(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// The witness who looks away.
struct Unseen;

impl Witness for Unseen {
    fn begin(&mut self, _: &str) {}

    fn piece(&mut self, _: &[u8]) {}

    fn end(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

/// The compressed side: what is written is hashed and counted.
pub(crate) struct Blob<W> {
    output: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Write for Blob<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// The uncompressed side: the archive as readers see it, hashed and counted.
#[derive(Default)]
pub(crate) struct Plain {
    hasher: Sha256,
    crc: crc32fast::Hasher,
    size: u64,
}

impl Plain {
    pub(crate) fn crc32(&self) -> u32 {
        self.crc.clone().finalize()
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    fn finish(self) -> Digest {
        Digest::finish(self.hasher)
    }
}

/// Hands the content of a file out, piece by piece, as it is verified: nothing of it is to be trusted before the end.
///
/// # Errors
/// When the file is not what its archive says, or cannot be read.
pub fn read_content(content: &Content, mut each: impl FnMut(&[u8])) -> Result<(), StreamError> {
    struct Reading<'a>(&'a mut dyn FnMut(&[u8]));

    impl Sink for Reading<'_> {
        fn plain(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0(bytes);
            Ok(())
        }

        fn packed(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }

    match content {
        Content::Bytes(bytes) => each(bytes),
        Content::Deflated { source, offset, compressed, size, crc32 } => {
            let reader = Section::new(&**source, *offset, *compressed);
            let expected = Expected { size: *size, crc32: *crc32 };
            Copier::new().copy(reader, expected, &mut Reading(&mut each))?;
        }
        Content::Stored { source, offset, size, crc32 } => {
            let section = Section::new(&**source, *offset, *size);
            read_stored(section, *size, *crc32, |bytes| {
                each(bytes);
                Ok(())
            })?;
        }
        Content::Directory | Content::Symlink(_) => {}
    }
    Ok(())
}

/// Reads a file that lies in an archive as it is.
fn read_stored(
    mut section: impl Read,
    size: u64,
    crc32: u32,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), StreamError> {
    let (mut left, mut hasher, mut chunk) = (size, crc32fast::Hasher::new(), vec![0; CHUNK]);
    while left > 0 {
        let length = left.min(CHUNK as u64) as usize;
        section.read_exact(&mut chunk[..length]).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StreamError::Truncated,
            _ => StreamError::Read(error),
        })?;
        hasher.update(&chunk[..length]);
        each(&chunk[..length]).map_err(StreamError::Write)?;
        left -= length as u64;
    }
    match hasher.finalize() {
        found if found == crc32 => Ok(()),
        found => Err(StreamError::Checksum { expected: crc32, found }),
    }
}

/// Takes what is in an archive, uncompressed.
pub(crate) trait Uncompressed {
    fn update(&mut self, bytes: &[u8]);
}

impl Uncompressed for Plain {
    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.crc.update(bytes);
        self.size += bytes.len() as u64;
    }
}

/// The same for the content of a file, which a witness sees.
struct Seen<'a> {
    plain: &'a mut Plain,
    witness: &'a mut dyn Witness,
}

impl Uncompressed for Seen<'_> {
    fn update(&mut self, bytes: &[u8]) {
        self.plain.update(bytes);
        self.witness.piece(bytes);
    }
}

enum Packer<W: Write> {
    Gzip(Box<Gzip<W>>),
    Zstd(zstd::Encoder<'static, Blob<W>>, Box<Copier>),
}

/// What inflates a stream for zstd.
struct Inflated<'a, W: Write, P> {
    encoder: &'a mut zstd::Encoder<'static, Blob<W>>,
    plain: &'a mut P,
}

impl<W: Write, P: Uncompressed> Sink for Inflated<'_, W, P> {
    fn plain(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.plain.update(bytes);
        self.encoder.write_all(bytes)
    }

    fn packed(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Packer<W> {
    fn encode(&mut self, bytes: &[u8], plain: &mut impl Uncompressed) -> io::Result<()> {
        match self {
            Self::Gzip(gzip) => gzip.encode(bytes, plain),
            Self::Zstd(encoder, _) => {
                plain.update(bytes);
                encoder.write_all(bytes)
            }
        }
    }

    fn content(&mut self, content: &Content, plain: &mut impl Uncompressed) -> Result<(), StreamError> {
        match content {
            Content::Bytes(bytes) => self.encode(bytes, plain).map_err(StreamError::Write)?,
            Content::Deflated { source, offset, compressed, size, crc32 } => {
                let reader = Section::new(&**source, *offset, *compressed);
                let expected = Expected { size: *size, crc32: *crc32 };
                match self {
                    Self::Gzip(gzip) => gzip.copy(reader, expected, plain)?,
                    Self::Zstd(encoder, copier) => {
                        copier.copy(reader, expected, &mut Inflated { encoder, plain })?;
                    }
                }
            }
            Content::Stored { source, offset, size, crc32 } => {
                let section = Section::new(&**source, *offset, *size);
                read_stored(section, *size, *crc32, |bytes| self.encode(bytes, plain))?;
            }
            Content::Directory | Content::Symlink(_) => {}
        }
        Ok(())
    }
}
