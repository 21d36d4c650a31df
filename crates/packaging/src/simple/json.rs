//! The JSON form (PEP 691).
//!
//! The largest pages have ten megabytes and are read often, so text is borrowed from the page and
//! every file is read in one pass. A field of a type that nobody expects is kept as [`Loose`] and
//! judged afterwards, so that it can only ever cost its own file.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use url::Url;

use super::file::{self, Joiner};
use super::loose::Loose;
use super::{
    IndexFile, MetadataOffer, PAGE_FILE_COUNT_LIMIT, PageError, ProjectPage, ProjectStatus, SkippedFile,
    Yanked, check_api_version, check_length,
};

/// Reads a page in the JSON form.
///
/// `base` is the URL that the page was read from, after redirects.
///
/// # Errors
/// When the page is no project page at all, is of an unknown API version, or is beyond a limit.
pub fn parse_json(bytes: &[u8], base: &Url) -> Result<ProjectPage, PageError> {
    check_length(bytes)?;
    let raw: RawPage<'_> = serde_json::from_slice(bytes)?;
    if let Some(version) = raw.meta.api_version {
        match version {
            Loose::Text(version) => check_api_version(&version)?,
            Loose::Decimal(version) => check_api_version(&format!("{version:?}"))?,
            Loose::Null => {}
            other => return Err(PageError::ApiVersion(other.kind().to_owned())),
        }
    }
    if raw.files.too_many {
        return Err(PageError::TooManyFiles);
    }

    let mut page = ProjectPage {
        name: raw.name.and_then(Loose::into_text),
        status: raw
            .status
            .status
            .and_then(Loose::into_text)
            .map_or_else(ProjectStatus::default, |text| ProjectStatus::from_text(&text)),
        status_reason: raw.status.reason.and_then(Loose::into_text).filter(|reason| !reason.is_empty()),
        files: Vec::with_capacity(raw.files.entries.len()),
        skipped: Vec::new(),
    };
    let joiner = Joiner::new(base);
    for entry in raw.files.entries {
        match index_file(RawFile::new(entry), &joiner) {
            Ok(file) => page.files.push(file),
            Err(skipped) => page.skipped.push(skipped),
        }
    }
    Ok(page)
}

fn index_file(entry: RawFile<'_>, joiner: &Joiner) -> Result<IndexFile, SkippedFile> {
    let name = match &entry.filename {
        Some(Loose::Text(name)) => name.clone(),
        _ => Cow::Borrowed(""),
    };
    read_file(entry, joiner).map_err(|reason| file::skipped(&name, reason))
}

fn read_file(entry: RawFile<'_>, joiner: &Joiner) -> Result<IndexFile, String> {
    if let Some(problem) = entry.problem {
        return Err(problem);
    }
    let filename = required(entry.filename, "filename")?;
    file::check_filename(&filename)?;
    let url = required(entry.url, "url")?;
    let (url, fragment) = joiner.join(&url)?;
    // The fragment is how pages in HTML tell a hash; where a JSON page has both, they have to agree.
    let in_url = fragment.into_iter().flat_map(file::pairs);
    let hashes = match &entry.hashes {
        Some(Loose::Table(pairs)) => file::hashes(in_url.chain(text_pairs(pairs)))?,
        _ => file::hashes(in_url)?,
    };
    Ok(IndexFile {
        filename: filename.into_owned(),
        url: url.into(),
        hashes,
        requires_python: entry
            .requires_python
            .and_then(Loose::into_text)
            .filter(|text| !text.trim().is_empty()),
        size: match entry.size {
            Some(Loose::Number(size)) => file::size(size),
            _ => None,
        },
        upload_time: match entry.upload_time {
            Some(Loose::Text(time)) => time.parse().ok(),
            _ => None,
        },
        yanked: match entry.yanked {
            Some(Loose::Bool(true)) => Yanked::Yes(None),
            // As pip reads it: an empty text is no reason, and so no yank.
            Some(Loose::Text(reason)) if !reason.is_empty() => Yanked::Yes(Some(reason.into_owned())),
            _ => Yanked::No,
        },
        core_metadata: offer(entry.core_metadata.as_ref())
            .or_else(|| offer(entry.dist_info_metadata.as_ref()))
            .unwrap_or_default(),
    })
}

fn required<'a>(value: Option<Loose<'a>>, key: &str) -> Result<Cow<'a, str>, String> {
    match value {
        Some(Loose::Text(text)) if !text.is_empty() => Ok(text),
        Some(other) => Err(format!("its `{key}` is {}, not a text", other.kind())),
        None => Err(format!("it has no `{key}`")),
    }
}

/// `None` where the key says nothing, so that the older key is asked (PEP 714).
fn offer(value: Option<&Loose<'_>>) -> Option<MetadataOffer> {
    match value? {
        Loose::Bool(true) => Some(MetadataOffer::Present),
        Loose::Bool(false) => Some(MetadataOffer::Absent),
        Loose::Table(pairs) => Some(file::hashed_offer(text_pairs(pairs))),
        _ => None,
    }
}

fn text_pairs<'a>(pairs: &'a [(Cow<'a, str>, Loose<'a>)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    pairs.iter().filter_map(|(key, value)| match value {
        Loose::Text(value) => Some((key.as_ref(), value.as_ref())),
        _ => None,
    })
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow, default)]
    meta: RawMeta<'a>,
    #[serde(borrow, default)]
    name: Option<Loose<'a>>,
    #[serde(borrow, default, rename = "project-status")]
    status: RawStatus<'a>,
    #[serde(borrow)]
    files: RawFiles<'a>,
}

#[derive(Default, Deserialize)]
struct RawMeta<'a> {
    #[serde(borrow, default, rename = "api-version")]
    api_version: Option<Loose<'a>>,
}

#[derive(Default, Deserialize)]
struct RawStatus<'a> {
    #[serde(borrow, default)]
    status: Option<Loose<'a>>,
    #[serde(borrow, default)]
    reason: Option<Loose<'a>>,
}

/// The list of files; counted while it is read, since three bytes of JSON make one entry.
struct RawFiles<'a> {
    entries: Vec<Loose<'a>>,
    too_many: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawFiles<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = RawFiles<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of files")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut files = RawFiles { entries: Vec::new(), too_many: false };
                while files.entries.len() < PAGE_FILE_COUNT_LIMIT {
                    match list.next_element()? {
                        Some(entry) => files.entries.push(entry),
                        None => return Ok(files),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    files.too_many = true;
                }
                Ok(files)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// One entry of `files`, as it stands.
#[derive(Default)]
struct RawFile<'a> {
    filename: Option<Loose<'a>>,
    url: Option<Loose<'a>>,
    hashes: Option<Loose<'a>>,
    requires_python: Option<Loose<'a>>,
    size: Option<Loose<'a>>,
    upload_time: Option<Loose<'a>>,
    yanked: Option<Loose<'a>>,
    core_metadata: Option<Loose<'a>>,
    dist_info_metadata: Option<Loose<'a>>,
    problem: Option<String>,
}

impl<'a> RawFile<'a> {
    fn new(entry: Loose<'a>) -> Self {
        let mut file = Self::default();
        let Loose::Table(pairs) = entry else {
            file.problem = Some(format!("it is {}, not a table", entry.kind()));
            return file;
        };
        for (key, value) in pairs {
            // Readers of JSON differ on which of two equal keys counts.
            if file.slot(&key).is_some_and(|slot| slot.replace(value).is_some()) {
                file.problem = Some(format!("it has `{key}` twice"));
            }
        }
        file
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<Loose<'a>>> {
        Some(match key {
            "filename" => &mut self.filename,
            "url" => &mut self.url,
            "hashes" => &mut self.hashes,
            "requires-python" => &mut self.requires_python,
            "size" => &mut self.size,
            "upload-time" => &mut self.upload_time,
            "yanked" => &mut self.yanked,
            "core-metadata" => &mut self.core_metadata,
            "dist-info-metadata" => &mut self.dist_info_metadata,
            _ => return None,
        })
    }
}
