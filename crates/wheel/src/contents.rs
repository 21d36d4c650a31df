//! What a wheel is: its `.dist-info`, WHEEL, METADATA, scripts, and RECORD against the archive.

mod dist_info;
mod record;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use mlresolve_packaging::{
    CoreMetadata, RecordHash, ScriptEntryPoints, WheelFilename, WheelMetadata, entry_points, metadata,
    record as record_file, wheel_metadata,
};

use crate::check::{ContentCheck, sha256};
use crate::error::{ContentsFault, EntryFault, WheelError, WheelProblem};
use crate::framing::{Archive, Entry};
use crate::inflate::Inflater;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::plan::{FileSource, InstallPlan, PlannedFile};
use crate::source::Source;
use crate::warning::Warning;

/// What a script must start with to have its first line rewritten for the interpreter.
const PLACEHOLDER: &[u8] = b"#!python";

/// A wheel whose archive is sound, and whose RECORD lists what is in it. What RECORD says of content is held once that is
/// read: see [`Self::verify`] and [`Self::stream`].
#[derive(Debug, Clone)]
pub struct Wheel {
    pub(crate) file: String,
    pub(crate) filename: WheelFilename,
    pub(crate) archive: Archive,
    /// The hash of each entry, in the order of the archive; of RECORD and folders none.
    pub(crate) hashes: Vec<Option<RecordHash>>,
    /// Such as `torch-2.9.1`.
    pub(crate) stem: String,
    pub(crate) metadata: WheelMetadata,
    pub(crate) scripts: ScriptEntryPoints,
    /// What comes after the first line of the scripts whose first line is rewritten, by the entry's place.
    pub(crate) rewritten: BTreeMap<usize, Vec<u8>>,
    pub(crate) warnings: Vec<Warning>,
}

impl Wheel {
    /// Reads a wheel: the framing of the archive, the small files of `.dist-info`, and the scripts that are rewritten.
    ///
    /// `filename` is the last part of its address, and says which project, version and tags it must be of.
    ///
    /// # Errors
    /// When the archive or the wheel in it is refused; nothing of it is then to be used.
    pub fn read<R: Read + Seek>(reader: &mut R, filename: &str, limits: &Limits) -> Result<Self, WheelError> {
        Self::examine(reader, filename, limits)
            .map_err(|problem| WheelError { file: filename.to_owned(), problem })
    }

    fn examine<R: Read + Seek>(reader: &mut R, file: &str, limits: &Limits) -> Result<Self, WheelProblem> {
        let filename: WheelFilename = file.parse()?;
        let archive = Archive::read(reader, limits)?;
        let mut warnings = archive.warnings();
        let stem = dist_info::find(&archive, &filename)?;
        let mut members = Members::new(reader, &archive, &stem)?;

        let rows = members.required("RECORD", record_file::RECORD_LIMIT)?;
        let rows = record_file::parse_record(&rows).map_err(ContentsFault::from)?;
        members.hashes = record::compare(rows, &archive, &stem)?;
        members.hash_signatures()?;

        let found = members.required("METADATA", metadata::METADATA_LIMIT)?;
        let found = CoreMetadata::parse_identity(&found).map_err(ContentsFault::from)?;
        warnings.extend(dist_info::check_identity(found, &filename)?);
        let wheel = members.required("WHEEL", wheel_metadata::WHEEL_METADATA_LIMIT)?;
        let metadata = WheelMetadata::parse(&wheel).map_err(ContentsFault::from)?;
        warnings.extend(dist_info::compare_wheel(&metadata, &filename));
        let scripts = match members.optional("entry_points.txt", entry_points::ENTRY_POINTS_LIMIT)? {
            Some(text) => ScriptEntryPoints::parse(&text).map_err(ContentsFault::from)?,
            None => ScriptEntryPoints::default(),
        };
        let rewritten = members.rewritten_scripts(limits)?;
        let hashes = members.hashes;
        let file = file.to_owned();
        Ok(Self { file, filename, archive, hashes, stem, metadata, scripts, rewritten, warnings })
    }

    /// The name of the file, taken apart.
    #[must_use]
    pub fn filename(&self) -> &WheelFilename {
        &self.filename
    }

    /// The entries of the archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// What WHEEL says.
    #[must_use]
    pub fn metadata(&self) -> &WheelMetadata {
        &self.metadata
    }

    /// What is odd about it and no reason to refuse it.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Inflates everything, and holds it to size, CRC-32 and RECORD. `reader` is the file that [`Self::read`] read.
    ///
    /// # Errors
    /// The first entry that is not as it should be.
    pub fn verify<R: Read + Seek>(&self, reader: &mut R) -> Result<(), WheelError> {
        self.verify_entries(reader, |_| true)
    }

    /// The same for the entries that a plan does not take as they are: for whoever verifies the others while installing.
    ///
    /// # Errors
    /// The first entry that is not as it should be.
    pub fn verify_unplanned<R: Read + Seek>(
        &self,
        reader: &mut R,
        plan: &InstallPlan,
    ) -> Result<(), WheelError> {
        let planned = plan.files.iter().filter_map(|file| match &file.source {
            FileSource::Entry(entry) => Some(entry.data_offset),
            FileSource::Generated(_) => None,
        });
        let planned: HashSet<u64> = planned.collect();
        // An entry without data begins where the next one does, and is read for nothing at worst.
        self.verify_entries(reader, |entry| entry.size == 0 || !planned.contains(&entry.data_offset))
    }

    fn verify_entries<R: Read + Seek>(
        &self,
        reader: &mut R,
        is_wanted: impl Fn(&Entry) -> bool,
    ) -> Result<(), WheelError> {
        let mut inflater = Inflater::default();
        let mut run = || {
            let mut source = Source::new(reader)?;
            let entries = self.archive.entries().iter().zip(&self.hashes);
            for (entry, hash) in entries.filter(|(entry, _)| is_wanted(entry)) {
                // A folder may be marked as compressed without any data.
                if entry.is_folder && entry.compressed_size == 0 {
                    continue;
                }
                let check = ContentCheck::new(entry.size, entry.crc32, hash.clone());
                inflater.run(&mut source, entry, check, &mut |_| ControlFlow::Continue(()))?;
            }
            Ok(())
        };
        run().map_err(|problem| self.error(problem))
    }

    /// The files that an installation is, below a prefix.
    ///
    /// # Errors
    /// When a file has no place there, or one that is not its own.
    pub fn plan(&self, layout: &Layout) -> Result<InstallPlan, WheelError> {
        crate::plan::make(self, layout).map_err(|fault| self.error(fault.into()))
    }

    /// Hands the content of a planned file to `each`, piece by piece, and verifies it on the way. `reader` is the file that
    /// [`Self::read`] read.
    ///
    /// # Errors
    /// When the content is not as it should be; what was handed out before is then worth nothing.
    pub fn stream<R: Read + Seek>(
        &self,
        reader: &mut R,
        inflater: &mut Inflater,
        file: &PlannedFile,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), WheelError> {
        match &file.source {
            FileSource::Generated(content) => each(content),
            FileSource::Entry(entry) => {
                let check = ContentCheck::new(entry.size, entry.crc32, Some(file.hash.clone()));
                inflater.read(reader, entry, check, each).map_err(|problem| self.error(problem))?;
            }
        }
        Ok(())
    }

    fn error(&self, problem: WheelProblem) -> WheelError {
        WheelError { file: self.file.clone(), problem }
    }
}

/// The small files of a wheel, by name, each verified as far as its hash is known.
struct Members<'a, R> {
    source: Source<'a, R>,
    archive: &'a Archive,
    stem: &'a str,
    by_name: HashMap<&'a str, usize>,
    hashes: Vec<Option<RecordHash>>,
    inflater: Inflater,
}

impl<'a, R: Read + Seek> Members<'a, R> {
    fn new(reader: &'a mut R, archive: &'a Archive, stem: &'a str) -> Result<Self, WheelProblem> {
        let entries = archive.entries();
        let files = entries.iter().enumerate().filter(|(_, entry)| !entry.is_folder);
        Ok(Self {
            source: Source::new(reader)?,
            archive,
            stem,
            by_name: files.map(|(at, entry)| (entry.name.as_str(), at)).collect(),
            hashes: vec![None; entries.len()],
            inflater: Inflater::default(),
        })
    }

    /// A file of `.dist-info` that must be there.
    fn required(&mut self, name: &'static str, limit: usize) -> Result<Vec<u8>, WheelProblem> {
        let missing = ContentsFault::Missing(format!("{}.dist-info/{name}", self.stem));
        self.optional(name, limit)?.ok_or_else(|| missing.into())
    }

    /// A file of `.dist-info`.
    fn optional(&mut self, name: &'static str, limit: usize) -> Result<Option<Vec<u8>>, WheelProblem> {
        let path = format!("{}.dist-info/{name}", self.stem);
        let Some(at) = self.by_name.get(path.as_str()).copied() else { return Ok(None) };
        self.content(at, limit as u64, name).map(Some)
    }

    fn content(&mut self, at: usize, limit: u64, name: &'static str) -> Result<Vec<u8>, WheelProblem> {
        let entry = &self.archive.entries()[at];
        if entry.size > limit {
            let fault = EntryFault::TooLarge { bytes: entry.size, limit, name };
            return Err(WheelProblem::entry(entry.name.as_bytes(), fault));
        }
        let mut content = Vec::new();
        let check = ContentCheck::new(entry.size, entry.crc32, self.hashes[at].clone());
        self.inflater.run(&mut self.source, entry, check, &mut |piece| {
            content.extend_from_slice(piece);
            ControlFlow::Continue(())
        })?;
        Ok(content)
    }

    /// Gives the signatures of RECORD hashes, which no row can have.
    fn hash_signatures(&mut self) -> Result<(), WheelProblem> {
        for name in record::SIGNATURES {
            let path = format!("{}.dist-info/{name}", self.stem);
            if let Some(at) = self.by_name.get(path.as_str()).copied()
                && self.hashes[at].is_none()
            {
                self.hashes[at] = Some(sha256(&self.content(at, record_file::RECORD_LIMIT as u64, name)?));
            }
        }
        Ok(())
    }

    /// What comes after the first line of the scripts in `.data` that start with [`PLACEHOLDER`].
    fn rewritten_scripts(&mut self, limits: &Limits) -> Result<BTreeMap<usize, Vec<u8>>, WheelProblem> {
        let folder = format!("{}.data/scripts/", self.stem);
        let archive = self.archive;
        let scripts = archive.entries().iter().enumerate().filter(|(_, entry)| {
            !entry.is_folder && entry.size >= PLACEHOLDER.len() as u64 && entry.name.starts_with(&folder)
        });
        let (mut found, mut bytes) = (BTreeMap::new(), 0_u64);
        for (at, entry) in scripts {
            if !self.starts_with_placeholder(entry)? {
                continue;
            }
            bytes = bytes.saturating_add(entry.size);
            if bytes > limits.scripts {
                return Err(ContentsFault::ScriptsTooLarge { bytes, limit: limits.scripts }.into());
            }
            let content = self.content(at, limits.script, "rewritten script")?;
            found.insert(at, after_first_line(&content).to_vec());
        }
        Ok(found)
    }

    fn starts_with_placeholder(&mut self, entry: &Entry) -> Result<bool, WheelProblem> {
        let mut start: Vec<u8> = Vec::new();
        let check = ContentCheck::new(entry.size, entry.crc32, None);
        self.inflater.run(&mut self.source, entry, check, &mut |piece| {
            let wanted = PLACEHOLDER.len() - start.len();
            start.extend(piece.iter().take(wanted));
            if start.len() < PLACEHOLDER.len() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(start == PLACEHOLDER)
    }
}

/// The line ends at a carriage return, a line feed, or both together.
fn after_first_line(content: &[u8]) -> &[u8] {
    match content.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        None => &[],
        Some(at) if content[at..].starts_with(b"\r\n") => &content[at + 2..],
        Some(at) => &content[at + 1..],
    }
}
