//! The parts of an ELF file that the dynamic loader reads, by the System V ABI and its GNU extensions, from what is known
//! of its bytes. Section headers are not looked at: they may be missing, and the loader does not look at them either.

use std::collections::BTreeSet;
use std::ops::Range;

use super::kept::Kept;
use crate::facts::{Class, Fault, Kind, LibraryFacts, Machine, RequiredVersion, RequiredVersions};

/// The length of the file header.
pub(super) const HEADER_BYTES: u64 = 64;

/// The longest name that is read, in bytes. A `DT_RUNPATH` is one name.
pub const NAME_BYTES_LIMIT: u64 = 8192;

/// The most program headers, libraries or versions that are read of one file.
pub const ENTRY_LIMIT: usize = 16_384;

const PROGRAM_HEADER_BYTES: u64 = 56;
const DYNAMIC_BYTES_LIMIT: u64 = 1 << 20;
/// How much of a version table is read.
const VERSION_BYTES_LIMIT: u64 = 1 << 18;
/// Up to this length a string table is read as a whole, and looked through for the names of Python modules.
const STRINGS_BYTES_LIMIT: u64 = 8 << 20;
/// Names that lie closer together than this are asked for as one range.
const GAP_BYTES: u64 = 1 << 16;

/// What came of looking at the known bytes.
#[derive(Debug)]
pub(super) enum Step {
    NotElf,
    Facts(Box<LibraryFacts>),
    /// These ranges have to be known first.
    Lacks(Vec<Range<u64>>),
}

/// Why a look ended early.
enum Stop {
    Lacks(Vec<Range<u64>>),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Looked<T> = Result<T, Stop>;

/// Reads what there is to read.
pub(super) fn read(kept: &Kept) -> Step {
    let Some(header) = kept.get(&(0..HEADER_BYTES)) else {
        return Step::Lacks(std::iter::once(0..HEADER_BYTES).collect());
    };
    let Some(mut facts) = opening(header) else { return Step::NotElf };
    if facts.fault.is_none() && facts.kind != Kind::Other {
        match (File { kept }).read(header, &mut facts) {
            Ok(()) => {}
            Err(Stop::Lacks(ranges)) => return Step::Lacks(ranges),
            Err(Stop::Fault(fault)) => return Step::Facts(unread(kept, fault)),
        }
    }
    Step::Facts(Box::new(facts))
}

/// The facts of an ELF file that cannot be read in full: what its first bytes say.
pub(super) fn unread(kept: &Kept, fault: Fault) -> Box<LibraryFacts> {
    let header = kept.get(&(0..HEADER_BYTES)).unwrap_or_default();
    let unknown = LibraryFacts::unread(Class::Bits64, Machine::Other(0), Kind::Other);
    Box::new(LibraryFacts { fault: Some(fault), ..opening(header).unwrap_or(unknown) })
}

/// What the first bytes say, if they are of an ELF file.
fn opening(header: &[u8]) -> Option<LibraryFacts> {
    if !header.starts_with(b"\x7fELF") || header.len() < 20 {
        return None;
    }
    let little = header[5] == 1;
    let class = if header[4] == 2 { Class::Bits64 } else { Class::Bits32 };
    let number = |at: usize| {
        let bytes = [header[at], header[at + 1]];
        if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    };
    let machine = match number(18) {
        62 => Machine::X86_64,
        183 => Machine::Aarch64,
        other => Machine::Other(other),
    };
    let kind = match number(16) {
        2 => Kind::Program,
        3 => Kind::Library,
        _ => Kind::Other,
    };
    let fault = (class != Class::Bits64 || !little).then_some(Fault::Form);
    Some(LibraryFacts { fault, ..LibraryFacts::unread(class, machine, kind) })
}

struct File<'kept> {
    kept: &'kept Kept,
}

/// What the program headers say.
#[derive(Default)]
struct ProgramHeaders {
    segments: Vec<Segment>,
    /// Where the dynamic section is.
    dynamic: Option<Range<u64>>,
    /// Whether a program interprets this one.
    interpreter: bool,
    /// Whether the stack has to be executable.
    stack: Option<bool>,
}

/// A part of the file that is loaded at an address.
struct Segment {
    address: u64,
    offset: u64,
    length: u64,
}

/// What the dynamic section says, with addresses as they are in it.
#[derive(Default)]
struct Dynamic {
    strings: Option<u64>,
    strings_length: u64,
    needed: Vec<u64>,
    soname: Option<u64>,
    rpath: Option<u64>,
    runpath: Option<u64>,
    needs_versions: Option<u64>,
    has_versions: Option<u64>,
    flags: u64,
}

impl<'kept> File<'kept> {
    fn read(&self, header: &[u8], facts: &mut LibraryFacts) -> Looked<()> {
        let ProgramHeaders { segments, dynamic, interpreter, stack } = self.program_headers(header)?;
        // Without the header, glibc takes its default, which is executable on both processors.
        facts.executable_stack = stack.unwrap_or(true);
        let Some(dynamic) = dynamic else {
            return Ok(());
        };
        let dynamic = self.dynamic(dynamic)?;
        // A program that may lie anywhere has the type of a library.
        const PROGRAM_FLAG: u64 = 0x0800_0000;
        if dynamic.flags & PROGRAM_FLAG != 0 || (interpreter && dynamic.soname.is_none()) {
            facts.kind = Kind::Program;
        }
        let strings = match dynamic.strings {
            Some(address) => locate(&segments, address)?.start,
            None => return Ok(()),
        };
        let strings = strings..strings.saturating_add(dynamic.strings_length);
        let table = |address: Option<u64>| -> Looked<Range<u64>> {
            let Some(address) = address else { return Ok(0..0) };
            let range = locate(&segments, address)?;
            Ok(range.start..range.end.min(range.start.saturating_add(VERSION_BYTES_LIMIT)))
        };
        let (needs, has) = (table(dynamic.needs_versions)?, table(dynamic.has_versions)?);

        let mut names = Names { kept: self.kept, strings, lacks: Vec::new() };
        let text = match names.strings.clone() {
            whole if whole.end - whole.start <= STRINGS_BYTES_LIMIT => names.part(whole),
            _ => None,
        };
        let needs = names.part(needs).map(required).transpose()?;
        let has = names.part(has).map(provided).transpose()?;
        facts.needed = names.list(dynamic.needed)?;
        facts.soname = names.list(dynamic.soname)?.pop();
        facts.rpath = folders(&names.list(dynamic.rpath)?);
        facts.runpath = folders(&names.list(dynamic.runpath)?);
        facts.provides = names.list(has.into_iter().flatten())?;
        for (library, versions) in needs.into_iter().flatten() {
            let library = names.list([library])?.pop().unwrap_or_default();
            let texts = names.list(versions.iter().map(|(name, _)| *name))?.into_iter();
            let versions = texts.zip(versions).map(|(name, (_, weak))| RequiredVersion { name, weak });
            facts.requires.push(RequiredVersions { library, versions: versions.collect() });
        }
        if !names.lacks.is_empty() {
            return Err(Stop::Lacks(merged(names.lacks)));
        }
        facts.modules = text.map(modules);
        if facts.soname.as_deref() == Some("libc.so.6") {
            facts.release = release(self.kept.head());
        }
        Ok(())
    }

    fn program_headers(&self, header: &[u8]) -> Looked<ProgramHeaders> {
        let start = long(header, 32).ok_or(Fault::Outside)?;
        let count = short(header, 56).ok_or(Fault::Outside)?;
        if count > 0 && short(header, 54).map(u64::from) != Some(PROGRAM_HEADER_BYTES) {
            return Err(Fault::Headers.into());
        }
        let length = u64::from(count) * PROGRAM_HEADER_BYTES;
        let bytes = self.part(start, length, length)?;
        let mut found = ProgramHeaders::default();
        for entry in bytes.chunks_exact(PROGRAM_HEADER_BYTES as usize) {
            let word = |at: usize| long(entry, at).unwrap_or_default();
            let (offset, address, length) = (word(8), word(16), word(32));
            match int(entry, 0).unwrap_or_default() {
                1 => found.segments.push(Segment { address, offset, length }),
                2 => found.dynamic = Some(offset..offset.saturating_add(length.min(DYNAMIC_BYTES_LIMIT))),
                3 => found.interpreter = true,
                0x6474_e551 => found.stack = Some(int(entry, 4).unwrap_or_default() & 1 != 0),
                _ => {}
            }
        }
        Ok(found)
    }

    fn dynamic(&self, range: Range<u64>) -> Looked<Dynamic> {
        let bytes = self.part(range.start, range.end - range.start, 16)?;
        let mut dynamic = Dynamic::default();
        // Of what is there twice the loader takes the last.
        for entry in bytes.chunks_exact(16) {
            let word = |at: usize| long(entry, at).unwrap_or_default();
            let value = word(8);
            match word(0) {
                0 => break,
                1 => dynamic.needed.push(value),
                5 => dynamic.strings = Some(value),
                10 => dynamic.strings_length = value,
                14 => dynamic.soname = Some(value),
                15 => dynamic.rpath = Some(value),
                29 => dynamic.runpath = Some(value),
                0x6fff_fffb => dynamic.flags = value,
                0x6fff_fffc => dynamic.has_versions = Some(value),
                0x6fff_fffe => dynamic.needs_versions = Some(value),
                _ => {}
            }
        }
        if dynamic.needed.len() > ENTRY_LIMIT { Err(Fault::Limit.into()) } else { Ok(dynamic) }
    }

    /// The bytes of a range, of which the file must have `least`.
    fn part(&self, start: u64, length: u64, least: u64) -> Looked<&'kept [u8]> {
        let range = start..start.checked_add(length).ok_or(Fault::Outside)?;
        match self.kept.get(&range) {
            Some(bytes) if bytes.len() as u64 >= least => Ok(bytes),
            Some(_) => Err(Fault::Outside.into()),
            None => Err(Stop::Lacks(vec![range])),
        }
    }
}

/// Reads names of the string table, and gathers what is not known yet.
struct Names<'kept> {
    kept: &'kept Kept,
    strings: Range<u64>,
    lacks: Vec<Range<u64>>,
}

impl<'kept> Names<'kept> {
    fn part(&mut self, range: Range<u64>) -> Option<&'kept [u8]> {
        let bytes = self.kept.get(&range);
        self.lacks.extend(bytes.is_none().then_some(range));
        bytes
    }

    /// The names at these offsets that are known.
    fn list(&mut self, offsets: impl IntoIterator<Item = u64>) -> Looked<Vec<String>> {
        offsets.into_iter().filter_map(|offset| self.name(offset).transpose()).collect()
    }

    fn name(&mut self, offset: u64) -> Looked<Option<String>> {
        let start = self.strings.start.checked_add(offset).filter(|start| *start < self.strings.end);
        let start = start.ok_or(Fault::Outside)?;
        let range = start..self.strings.end.min(start.saturating_add(NAME_BYTES_LIMIT));
        let Some(bytes) = self.part(range) else { return Ok(None) };
        let end = bytes.iter().position(|byte| *byte == 0).ok_or(Fault::Name)?;
        Ok(Some(String::from_utf8(bytes[..end].to_vec()).map_err(|_| Fault::Name)?))
    }
}

/// The folders in a `DT_RPATH` or `DT_RUNPATH`.
fn folders(found: &[String]) -> Vec<String> {
    found.iter().flat_map(|text| text.split(':')).map(str::to_owned).collect()
}

/// Where the bytes are that are loaded at an address, up to the end of their segment.
fn locate(segments: &[Segment], address: u64) -> Looked<Range<u64>> {
    let within = |segment: &&Segment| {
        address.checked_sub(segment.address).is_some_and(|distance| distance < segment.length)
    };
    let segment = segments.iter().find(within).ok_or(Fault::Outside)?;
    let start = segment.offset.checked_add(address - segment.address).ok_or(Fault::Outside)?;
    Ok(start..segment.offset.checked_add(segment.length).ok_or(Fault::Outside)?)
}

/// A library's name by its offset, and the names of versions with whether they are weak.
type Required = (u64, Vec<(u64, bool)>);

/// `DT_VERNEED`: what is required of each library.
fn required(table: &[u8]) -> Looked<Vec<Required>> {
    let (mut found, mut at, mut count) = (Vec::new(), 0_usize, 0);
    while !table.is_empty() {
        let entry = table.get(at..at.saturating_add(16)).ok_or(Fault::Outside)?;
        let mut versions = Vec::new();
        let mut version_at = forward(at, int(entry, 8))?;
        for _ in 0..short(entry, 2).unwrap_or_default() {
            count += 1;
            if count > ENTRY_LIMIT {
                return Err(Fault::Limit.into());
            }
            let version = table.get(version_at..version_at.saturating_add(16)).ok_or(Fault::Outside)?;
            let weak = short(version, 4).unwrap_or_default() & 2 != 0;
            versions.push((u64::from(int(version, 8).unwrap_or_default()), weak));
            match int(version, 12) {
                None | Some(0) => break,
                next => version_at = forward(version_at, next)?,
            }
        }
        found.push((u64::from(int(entry, 4).unwrap_or_default()), versions));
        match int(entry, 12) {
            None | Some(0) => break,
            next => at = forward(at, next)?,
        }
    }
    Ok(found)
}

/// `DT_VERDEF`: the names of the versions, by offsets, but for the one that names the library itself.
fn provided(table: &[u8]) -> Looked<Vec<u64>> {
    let (mut found, mut at) = (Vec::new(), 0_usize);
    while !table.is_empty() {
        let entry = table.get(at..at.saturating_add(20)).ok_or(Fault::Outside)?;
        let name_at = forward(at, int(entry, 12))?;
        let name = table.get(name_at..name_at.saturating_add(8)).ok_or(Fault::Outside)?;
        let names_the_library = short(entry, 2).unwrap_or_default() & 1 != 0;
        if !names_the_library {
            found.push(u64::from(int(name, 0).unwrap_or_default()));
        }
        match int(entry, 16) {
            None | Some(0) => break,
            next => at = forward(at, next)?,
        }
    }
    Ok(found)
}

/// A place further on in a table.
fn forward(at: usize, by: Option<u32>) -> Looked<usize> {
    let by = by.and_then(|by| usize::try_from(by).ok()).ok_or(Fault::Outside)?;
    Ok(at.checked_add(by).ok_or(Fault::Outside)?)
}

/// The Python modules for which a string table has the name of an entry function.
fn modules(text: &[u8]) -> Vec<String> {
    const PREFIX: &str = "PyInit_";
    let names = text.split(|byte| *byte == 0).filter(|name| name.starts_with(PREFIX.as_bytes()));
    let names: BTreeSet<&str> = names.filter_map(|name| std::str::from_utf8(name).ok()).collect();
    names.into_iter().map(|name| name[PREFIX.len()..].to_owned()).collect()
}

/// The release of glibc by the words that it says of itself, which lie before its dynamic section.
fn release(head: &[u8]) -> Option<String> {
    const BEFORE: &[u8] = b" release version ";
    let opening = b"GNU C Library";
    let start = head.windows(opening.len()).position(|window| window == opening)?;
    let line = head[start..].split(|byte| *byte == b'\n').next()?;
    let start = line.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let number = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let text: Vec<u8> = line[start..].iter().take_while(number).copied().collect();
    Some(String::from_utf8(text).ok()?.trim_end_matches('.').to_owned())
}

/// Ranges in their order, joined where they are close to each other.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP_BYTES) => {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn int(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
