//! Wheels byte by byte: every field of every record can be a lie.

use std::io::{Cursor, Write as _};

use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use mlresolve_wheel::{InstallPlan, Layout, Limits, Wheel};
use sha2::{Digest as _, Sha256};

/// The name of the wheels that are made here.
pub(crate) const FILE: &str = "demo-1.0-py3-none-any.whl";
/// The mode of an ordinary file, as it stands in the attributes.
pub(crate) const REGULAR: u32 = 0o100_644 << 16;

/// An entry of an archive. What is not set apart for the local header is the same there.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc32: u32,
    /// What lies in the archive.
    pub(crate) data: Vec<u8>,
    pub(crate) compressed_size: u32,
    pub(crate) size: u32,
    pub(crate) attributes: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) disk: u16,
    pub(crate) local: Local,
    /// Bytes behind the data, such as a descriptor.
    pub(crate) behind: Vec<u8>,
    pub(crate) in_body: bool,
    pub(crate) in_directory: bool,
    /// Where the directory says that it starts; where it does, if none is given.
    pub(crate) offset: Option<u32>,
}

/// What the local header says otherwise.
#[derive(Clone, Default)]
pub(crate) struct Local {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) method: Option<u16>,
    pub(crate) flags: Option<u16>,
    pub(crate) crc32: Option<u32>,
    pub(crate) compressed_size: Option<u32>,
    pub(crate) size: Option<u32>,
    pub(crate) extra: Option<Vec<u8>>,
}

impl Member {
    /// A file that is stored as it is.
    pub(crate) fn stored(name: &str, content: &[u8]) -> Self {
        let length = u32::try_from(content.len()).unwrap();
        Self {
            name: name.into(),
            method: 0,
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            crc32: crc32fast::hash(content),
            data: content.to_vec(),
            compressed_size: length,
            size: length,
            attributes: REGULAR,
            extra: Vec::new(),
            comment: Vec::new(),
            disk: 0,
            local: Local::default(),
            behind: Vec::new(),
            in_body: true,
            in_directory: true,
            offset: None,
        }
    }

    /// A file that is deflated.
    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        let mut member = Self::stored(name, content);
        member.data = encoder.finish().unwrap();
        member.compressed_size = u32::try_from(member.data.len()).unwrap();
        member.method = 8;
        member
    }

    /// A folder.
    pub(crate) fn folder(name: &str) -> Self {
        let mut member = Self::stored(name, b"");
        member.attributes = 0o040_755 << 16 | 0x10;
        member
    }

    fn header(&self) -> Vec<u8> {
        let local = &self.local;
        let name = local.name.as_ref().unwrap_or(&self.name);
        let extra = local.extra.as_ref().unwrap_or(&self.extra);
        let mut bytes = b"PK\x03\x04\x14\x00".to_vec();
        put16(&mut bytes, &[local.flags.unwrap_or(self.flags), local.method.unwrap_or(self.method), 0, 0x21]);
        put32(
            &mut bytes,
            &[
                local.crc32.unwrap_or(self.crc32),
                local.compressed_size.unwrap_or(self.compressed_size),
                local.size.unwrap_or(self.size),
            ],
        );
        put16(&mut bytes, &[length(name), length(extra)]);
        bytes.extend(name.iter().chain(extra));
        bytes
    }

    fn directory_header(&self, offset: u32) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02\x14\x03\x14\x00".to_vec();
        put16(&mut bytes, &[self.flags, self.method, 0, 0x21]);
        put32(&mut bytes, &[self.crc32, self.compressed_size, self.size]);
        put16(&mut bytes, &[length(&self.name), length(&self.extra), length(&self.comment), self.disk, 0]);
        put32(&mut bytes, &[self.attributes, self.offset.unwrap_or(offset)]);
        bytes.extend(self.name.iter().chain(&self.extra).chain(&self.comment));
        bytes
    }
}

/// An archive.
#[derive(Clone, Default)]
pub(crate) struct Zip {
    pub(crate) members: Vec<Member>,
    /// Bytes in front of everything; offsets do not count them.
    pub(crate) prefix: Vec<u8>,
    /// Bytes between the last entry and the directory.
    pub(crate) before_directory: Vec<u8>,
    /// Whether there are records for ZIP64 at the end.
    pub(crate) zip64: bool,
    pub(crate) comment: Vec<u8>,
    /// Bytes behind everything.
    pub(crate) suffix: Vec<u8>,
}

/// Where the parts of a built archive are.
pub(crate) struct Built {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end64: usize,
    pub(crate) end: usize,
}

impl Zip {
    pub(crate) fn build(&self) -> Vec<u8> {
        self.build_with_places().bytes
    }

    pub(crate) fn build_with_places(&self) -> Built {
        let (mut bytes, mut directory, mut count) = (Vec::new(), Vec::new(), 0);
        for member in &self.members {
            let offset = u32::try_from(bytes.len()).unwrap();
            if member.in_body {
                bytes.extend(member.header());
                bytes.extend(member.data.iter().chain(&member.behind));
            }
            if member.in_directory {
                directory.extend(member.directory_header(offset));
                count += 1;
            }
        }
        bytes.extend(&self.before_directory);
        let offset = bytes.len();
        bytes.extend(&directory);
        let end64 = self.prefix.len() + bytes.len();
        if self.zip64 {
            let at = bytes.len() as u64;
            bytes.extend(b"PK\x06\x06");
            put64(&mut bytes, &[44]);
            put16(&mut bytes, &[45, 45]);
            put32(&mut bytes, &[0, 0]);
            put64(&mut bytes, &[count, count, directory.len() as u64, offset as u64]);
            bytes.extend(b"PK\x06\x07");
            put32(&mut bytes, &[0]);
            put64(&mut bytes, &[at]);
            put32(&mut bytes, &[1]);
        }
        let end = self.prefix.len() + bytes.len();
        bytes.extend(b"PK\x05\x06");
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        put16(&mut bytes, &[0, 0, count, count]);
        put32(&mut bytes, &[directory.len(), offset].map(|number| u32::try_from(number).unwrap()));
        put16(&mut bytes, &[length(&self.comment)]);
        bytes.extend(self.comment.iter().chain(&self.suffix));
        Built { bytes: [self.prefix.clone(), bytes].concat(), end64, end }
    }

    pub(crate) fn member(&mut self, name: &str) -> &mut Member {
        self.members.iter_mut().find(|member| member.name == name.as_bytes()).unwrap()
    }

    /// Lists every file in a new RECORD.
    pub(crate) fn recorded(mut self) -> Self {
        self.members.retain(|member| member.name != b"demo-1.0.dist-info/RECORD");
        let mut text = String::new();
        for member in self.members.iter().filter(|member| !member.name.ends_with(b"/")) {
            text.push_str(&row(&String::from_utf8_lossy(&member.name), &content(member)));
        }
        text.push_str("demo-1.0.dist-info/RECORD,,\n");
        self.members.push(Member::deflated("demo-1.0.dist-info/RECORD", text.as_bytes()));
        self
    }
}

fn content(member: &Member) -> Vec<u8> {
    if member.method != 8 {
        return member.data.clone();
    }
    let mut content = Vec::new();
    let mut decoder = flate2::write::DeflateDecoder::new(&mut content);
    drop(decoder.write_all(&member.data));
    drop(decoder);
    content
}

/// A row of RECORD.
pub(crate) fn row(path: &str, content: &[u8]) -> String {
    let path = if path.contains([',', '"']) {
        format!("\"{}\"", path.replace('"', "\"\""))
    } else {
        path.to_owned()
    };
    let hash = BASE64URL_NOPAD.encode(&Sha256::digest(content));
    format!("{path},sha256={hash},{}\n", content.len())
}

/// A wheel with these files and what every wheel has, each file listed.
pub(crate) fn wheel(files: &[(&str, &[u8])]) -> Zip {
    let mut zip = Zip::default();
    zip.members.extend(files.iter().map(|(name, content)| Member::deflated(name, content)));
    let metadata = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
    let wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    for (name, content) in [("METADATA", metadata.as_slice()), ("WHEEL", wheel)] {
        let name = format!("demo-1.0.dist-info/{name}");
        if !zip.members.iter().any(|member| member.name == name.as_bytes()) {
            zip.members.push(Member::deflated(&name, content));
        }
    }
    zip.recorded()
}

/// A wheel with one file more, which goes through everything that an installation goes through.
pub(crate) fn with(member: Member) -> Zip {
    let mut zip = wheel(&[]);
    zip.members.push(member);
    zip.recorded()
}

pub(crate) fn layout() -> Layout {
    Layout::new("/opt/venv", "3.12".parse().unwrap()).unwrap()
}

/// Everything that is done with a wheel before it is used.
pub(crate) fn install(bytes: Vec<u8>) -> Result<InstallPlan, String> {
    install_as(bytes, FILE, &Limits::default())
}

pub(crate) fn install_as(bytes: Vec<u8>, file: &str, limits: &Limits) -> Result<InstallPlan, String> {
    let mut reader = Cursor::new(bytes);
    Wheel::read(&mut reader, file, limits)
        .and_then(|wheel| {
            wheel.verify(&mut reader)?;
            wheel.plan(&layout())
        })
        .map_err(|error| error.to_string())
}

/// Holds that a wheel is refused with its file's name and this reason.
#[track_caller]
pub(crate) fn assert_refused(bytes: Vec<u8>, reason: &str) {
    match install(bytes) {
        Err(error) => {
            assert!(error.starts_with(FILE), "{error}");
            assert!(error.contains(reason), "{error}\nhas not: {reason}");
        }
        Ok(_) => panic!("it is taken; expected: {reason}"),
    }
}

/// Holds that a wheel is taken, and gives its plan.
#[track_caller]
pub(crate) fn assert_taken(bytes: Vec<u8>) -> InstallPlan {
    install(bytes).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn put16(bytes: &mut Vec<u8>, numbers: &[u16]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

pub(crate) fn put32(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

pub(crate) fn put64(bytes: &mut Vec<u8>, numbers: &[u64]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap()
}
