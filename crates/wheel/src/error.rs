//! Why a wheel is refused: the file, the entry in it, and the reason.

use std::io;

use mlresolve_packaging::metadata::MetadataError;
use mlresolve_packaging::{
    EntryPointsError, FilenameError, PackageName, RecordError, Version, WheelMetadataError,
};

use crate::entry_name::NameFault;

/// A wheel that is refused, by its file name.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct WheelError {
    /// The name of the file.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: WheelProblem,
}

/// What is wrong with a wheel.
#[derive(Debug, thiserror::Error)]
pub enum WheelProblem {
    /// Its name is not a wheel's.
    #[error(transparent)]
    Filename(#[from] FilenameError),
    /// It cannot be read; this says nothing of the wheel itself.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The archive as a whole is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    /// An entry of the archive is refused.
    #[error("entry {entry:?} {fault}")]
    Entry {
        /// The entry's name; where it is not UTF-8, what can be read of it.
        entry: String,
        /// What is wrong with it.
        fault: EntryFault,
    },
    /// What the archive holds is not a wheel.
    #[error(transparent)]
    Contents(#[from] ContentsFault),
    /// It cannot be installed.
    #[error(transparent)]
    Plan(#[from] PlanFault),
}

impl WheelProblem {
    pub(crate) fn entry(name: &[u8], fault: impl Into<EntryFault>) -> Self {
        /// Enough to know it by, in characters.
        const SHOWN: usize = 200;
        let entry = String::from_utf8_lossy(name).chars().take(SHOWN).collect();
        Self::Entry { entry, fault: fault.into() }
    }
}

/// What is wrong with an archive as a whole. A reader that starts at the front and one that starts at the end must see the
/// same entries, so every byte has to belong to one record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// There is no end of a central directory.
    #[error("is not a zip archive: it has no end of central directory")]
    NotZip,
    /// A record leads beyond the end of the file.
    #[error("is cut short or a record in it leads beyond its end")]
    Truncated,
    /// There are bytes behind the end record and its comment, or the comment is not as long as it says.
    #[error("has data behind the end of the archive, or a comment of another length than it says")]
    Trailing,
    /// The comment of the archive is more than a line of text, so that another archive could be in it.
    #[error("has a comment that is not printable ASCII")]
    Comment,
    /// It says that it is a part of several.
    #[error("is one part of a split archive")]
    MultiDisk,
    /// The records for ZIP64 do not agree with each other, or with the end record, or are not where they must be.
    #[error("has ZIP64 records that contradict the rest: {0}")]
    Zip64(&'static str),
    /// The directory is not where the end record says, or has another length.
    #[error("has a central directory that is not where its end record says")]
    DirectoryPlace,
    /// The directory holds another number of entries than the end record says.
    #[error("has {found} entries in its central directory, and its end record says {declared}")]
    EntryCount {
        /// How many were found, up to the first that is none.
        found: u64,
        /// How many the end record says.
        declared: u64,
    },
    /// More entries than the limit.
    #[error("has {entries} entries and is over the limit of {limit} (entries)")]
    TooManyEntries {
        /// How many.
        entries: u64,
        /// The limit.
        limit: u64,
    },
    /// A larger directory than the limit.
    #[error("has a central directory of {bytes} bytes and is over the limit of {limit} (central directory)")]
    DirectoryTooLarge {
        /// Its length in bytes.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Bytes that belong to no record.
    #[error("has {bytes} bytes at offset {offset} that belong to no entry")]
    Gap {
        /// Where they start.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// It inflates to more than the limit.
    #[error("unpacks to {bytes} bytes and is over the limit of {limit} (unpacked size)")]
    TooLarge {
        /// What the entries say together.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It inflates to too many times its own length.
    #[error("unpacks {length} bytes to {bytes} and is over the limit of {limit} times (compression ratio)")]
    Ratio {
        /// What the entries say together, in bytes.
        bytes: u64,
        /// The archive's length in bytes.
        length: u64,
        /// The limit.
        limit: u64,
    },
}

/// What is wrong with one entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Its name is refused.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// Its name is there before.
    #[error("is in the archive twice")]
    Duplicate,
    /// Another entry is a file where this one needs a folder.
    #[error("is below {0:?}, which is a file")]
    FileAndFolder(String),
    /// It is encrypted.
    #[error("is encrypted")]
    Encrypted,
    /// Its sizes are behind its data, where readers disagree on how to find them.
    #[error(
        "has a data descriptor, which PyPI does not accept either; build the wheel into a file, not a pipe"
    )]
    DataDescriptor,
    /// It has flags that nothing here understands.
    #[error("has the flags {0:#06x}, of which some are not understood")]
    Flags(u16),
    /// It is compressed in another way than stored or deflate.
    #[error("is compressed by method {0}; wheels may be stored or deflated")]
    Method(u16),
    /// It has a comment.
    #[error("has a comment in the central directory")]
    Comment,
    /// Its extra field is not a list of well-formed records.
    #[error("has a malformed extra field")]
    Extra,
    /// An extra record is there twice that may be there once.
    #[error("has the extra record {0:#06x} twice")]
    RepeatedExtra(u16),
    /// Its ZIP64 record does not fit its header.
    #[error("has a ZIP64 record that does not fit its header")]
    Zip64,
    /// It has a second name in an extra record.
    #[error("has another name in its Unicode path record")]
    UnicodePath,
    /// It says that it is on another part of a split archive.
    #[error("is on another part of a split archive")]
    Disk,
    /// Its attributes say that it is a link, a device or the like.
    #[error("is no regular file or folder (mode {0:o})")]
    SpecialFile(u32),
    /// Its attributes and its name contradict each other on whether it is a folder.
    #[error("is a folder by its attributes or its name, and not by the other")]
    FolderOrFile,
    /// A folder with content.
    #[error("is a folder and has content")]
    FolderContent,
    /// It is stored, and its two sizes differ.
    #[error("is stored as it is, and its two sizes differ")]
    StoredSize,
    /// There is no local header where the directory says.
    #[error("has no local header where the central directory says")]
    NoLocalHeader,
    /// Local header and central directory contradict each other.
    #[error("has another {0} in its local header than in the central directory")]
    LocalDiffers(&'static str),
    /// Its data overlaps what comes next.
    #[error("overlaps what comes after it")]
    Overlap,
    /// Its data is no deflate stream.
    #[error("has data that cannot be inflated")]
    Deflate,
    /// Its data goes on after the end of the deflate stream.
    #[error("has {0} bytes behind the end of its deflate stream")]
    DataAfterEnd(u64),
    /// It inflates to more than it says.
    #[error("inflates to more than the {0} bytes that it says")]
    Longer(u64),
    /// It inflates to less than it says.
    #[error("inflates to {actual} bytes and says {declared}")]
    Shorter {
        /// What it inflates to, in bytes.
        actual: u64,
        /// What its header says.
        declared: u64,
    },
    /// Its content has another CRC-32.
    #[error("has content with another CRC-32 than its header says")]
    Crc,
    /// Its content has another hash than RECORD says.
    #[error("has content with another hash than RECORD says")]
    Hash,
    /// It is larger than what is read of such a file.
    #[error("has {bytes} bytes and is over the limit of {limit} ({name})")]
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The limit.
        limit: u64,
        /// What the limit is called.
        name: &'static str,
    },
}

/// What is wrong with the wheel in a sound archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentsFault {
    /// There is no `.dist-info`.
    #[error("has no .dist-info folder")]
    NoDistInfo,
    /// There are two.
    #[error("has the .dist-info folders {0:?} and {1:?}; there must be one")]
    TwoDistInfos(String, String),
    /// It is another project's or version's.
    #[error("has the folder {folder:?}, which is not of {name} {version}")]
    OtherDistInfo {
        /// The folder.
        folder: String,
        /// The project that the file's name says.
        name: PackageName,
        /// The version that the file's name says.
        version: Version,
    },
    /// A `.data` folder that is another project's, version's, or spelling's.
    #[error("has the folder {folder:?}; the data of this wheel must be in {expected:?}")]
    OtherData {
        /// The folder.
        folder: String,
        /// What it should be called.
        expected: String,
    },
    /// A file of `.dist-info` that must be there is not.
    #[error("has no {0}")]
    Missing(String),
    /// METADATA cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// METADATA is another project's or version's.
    #[error("has the METADATA of {found_name} {found_version}, and its name says {name} {version}")]
    OtherMetadata {
        /// The project that METADATA says.
        found_name: PackageName,
        /// The version that METADATA says.
        found_version: Version,
        /// The project that the file's name says.
        name: PackageName,
        /// The version that the file's name says.
        version: Version,
    },
    /// WHEEL cannot be read.
    #[error(transparent)]
    WheelMetadata(#[from] WheelMetadataError),
    /// `entry_points.txt` cannot be read.
    #[error(transparent)]
    EntryPoints(#[from] EntryPointsError),
    /// RECORD cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// RECORD lists a file twice.
    #[error("lists {0:?} in RECORD twice")]
    RecordRepeats(String),
    /// RECORD lists what is no file of the archive.
    #[error("lists {0:?} in RECORD, which is no file in it")]
    RecordNamesNoFile(String),
    /// A file is not in RECORD.
    #[error("has the file {0:?}, which is not in RECORD")]
    NotInRecord(String),
    /// RECORD has no hash of a file.
    #[error("lists {0:?} in RECORD without a hash")]
    NoHash(String),
    /// RECORD has another size of a file than the archive.
    #[error("lists {path:?} in RECORD with {recorded} bytes, and it has {size}")]
    RecordSize {
        /// The file.
        path: String,
        /// What RECORD says, in bytes.
        recorded: u64,
        /// What the archive says.
        size: u64,
    },
    /// Scripts that are rewritten are too large together.
    #[error("has scripts of {bytes} bytes together and is over the limit of {limit} (rewritten scripts)")]
    ScriptsTooLarge {
        /// Their size in bytes.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}

/// Why a wheel cannot be installed below a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// A folder in `.data` that no scheme knows.
    #[error("has {0:?}, and .data may hold only purelib, platlib, headers, scripts and data")]
    Scheme(String),
    /// A folder among the scripts.
    #[error("has {0:?}, and scripts may not be in folders")]
    ScriptFolder(String),
    /// It would replace the interpreter or what makes the environment one.
    #[error("would install {0:?}, which belongs to the interpreter")]
    Interpreter(String),
    /// It would install into the `.dist-info` of another distribution.
    #[error("would install {0:?}, which belongs to another distribution")]
    OtherDistInfo(String),
    /// Two of its files have the same place.
    #[error("would install two files as {0:?}")]
    SamePath(String),
    /// One of its files is where another needs a folder.
    #[error("would install {0:?} as a file, and {1:?} below it")]
    FileAndFolder(String, String),
    /// A path that is built of sound parts is not sound.
    #[error("would install {path:?}, which {fault}")]
    Path {
        /// The path below the prefix.
        path: String,
        /// What is wrong with it.
        fault: NameFault,
    },
}
