//! The HTML form (PEP 503): anchors whose text means nothing and whose URL and attributes say it all.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use url::Url;

use super::file::{self, Joiner};
use super::{
    IndexFile, MetadataOffer, PAGE_FILE_COUNT_LIMIT, PageError, ProjectPage, ProjectStatus, SkippedFile,
    Yanked, check_api_version, check_length,
};
use crate::filename::has_distribution_extension;

/// Reads a page in the HTML form.
///
/// `base` is the URL that the page was read from, after redirects. Anchors that lead to something
/// other than a distribution are not entries, and are passed over.
///
/// # Errors
/// When the page says that it is of an unknown API version, or is beyond a limit.
pub fn parse_html(bytes: &[u8], base: &Url) -> Result<ProjectPage, PageError> {
    check_length(bytes)?;
    let mut reader = Reader {
        page: ProjectPage::default(),
        joiner: Joiner::new(base),
        based: false,
        tag: None,
        stopped: None,
    };
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        reader.event(&event);
        None
    });
    // Text in <script> and <style> is no markup.
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(bytes, emitter).finish();
    match reader.stopped {
        Some(error) => Err(error),
        None => Ok(reader.page),
    }
}

struct Reader {
    page: ProjectPage,
    joiner: Joiner,
    /// Whether a `<base href>` was seen; only the first one counts.
    based: bool,
    tag: Option<Tag>,
    stopped: Option<PageError>,
}

/// A start tag that matters, with its attributes so far.
struct Tag {
    kind: TagKind,
    attributes: Vec<(Attribute, String)>,
    /// The attribute whose value comes next; none for a repeated one, since the first counts.
    current: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TagKind {
    Anchor,
    Base,
    Meta,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Href,
    RequiresPython,
    Yanked,
    CoreMetadata,
    DistInfoMetadata,
    UploadTime,
    Name,
    Content,
}

impl Attribute {
    fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"href" => Self::Href,
            b"data-requires-python" => Self::RequiresPython,
            b"data-yanked" => Self::Yanked,
            b"data-core-metadata" => Self::CoreMetadata,
            b"data-dist-info-metadata" => Self::DistInfoMetadata,
            b"data-upload-time" => Self::UploadTime,
            b"name" => Self::Name,
            b"content" => Self::Content,
            _ => return None,
        })
    }
}

impl Tag {
    fn get(&self, wanted: Attribute) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    }
}

impl Reader {
    fn event(&mut self, event: &CallbackEvent<'_>) {
        if self.stopped.is_some() {
            return;
        }
        match event {
            CallbackEvent::OpenStartTag { name } => {
                let kind = match *name {
                    b"a" => TagKind::Anchor,
                    b"base" => TagKind::Base,
                    b"meta" => TagKind::Meta,
                    _ => {
                        self.tag = None;
                        return;
                    }
                };
                self.tag = Some(Tag { kind, attributes: Vec::new(), current: None });
            }
            CallbackEvent::AttributeName { name } => {
                if let Some(tag) = &mut self.tag {
                    let new = Attribute::from_name(name).filter(|name| tag.get(*name).is_none());
                    tag.current = new.map(|name| {
                        tag.attributes.push((name, String::new()));
                        tag.attributes.len() - 1
                    });
                }
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some(tag) = &mut self.tag
                    && let Some(index) = tag.current.take()
                {
                    tag.attributes[index].1.push_str(&String::from_utf8_lossy(value));
                }
            }
            CallbackEvent::CloseStartTag { .. } => {
                if let Some(tag) = self.tag.take() {
                    self.close(&tag);
                }
            }
            CallbackEvent::EndTag { .. } => self.tag = None,
            _ => {}
        }
    }

    fn close(&mut self, tag: &Tag) {
        match tag.kind {
            TagKind::Anchor => self.anchor(tag),
            TagKind::Base => {
                if let Some(href) = tag.get(Attribute::Href).filter(|_| !self.based) {
                    self.based = true;
                    self.joiner.rebase(href.trim());
                }
            }
            TagKind::Meta => self.meta(tag),
        }
    }

    fn meta(&mut self, tag: &Tag) {
        let content = tag.get(Attribute::Content).unwrap_or_default();
        match tag.get(Attribute::Name) {
            Some("pypi:repository-version") => self.stopped = check_api_version(content).err(),
            Some("pypi:project-status") => self.page.status = ProjectStatus::from_text(content),
            Some("pypi:project-status-reason") if !content.is_empty() => {
                self.page.status_reason = Some(content.to_owned());
            }
            _ => {}
        }
    }

    fn anchor(&mut self, tag: &Tag) {
        let Some(href) = tag.get(Attribute::Href) else {
            return;
        };
        let path = href.split(['#', '?']).next().unwrap_or_default().trim();
        if !has_distribution_extension(path) {
            return;
        }
        if self.page.files.len() + self.page.skipped.len() >= PAGE_FILE_COUNT_LIMIT {
            self.stopped = Some(PageError::TooManyFiles);
            return;
        }
        match index_file(tag, href, &self.joiner) {
            Ok(file) => self.page.files.push(file),
            Err(skipped) => self.page.skipped.push(skipped),
        }
    }
}

fn index_file(tag: &Tag, href: &str, joiner: &Joiner) -> Result<IndexFile, SkippedFile> {
    let (url, fragment) = joiner.join(href).map_err(|reason| file::skipped(href, reason))?;
    let filename = file::name_in_path(url.path());
    let reject = |reason| file::skipped(&filename, reason);
    file::check_filename(&filename).map_err(reject)?;
    let hashes = file::hashes(file::pairs(fragment.unwrap_or_default())).map_err(reject)?;
    let offer = tag.get(Attribute::CoreMetadata).or_else(|| tag.get(Attribute::DistInfoMetadata));
    Ok(IndexFile {
        filename: filename.to_string(),
        hashes,
        requires_python: tag
            .get(Attribute::RequiresPython)
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned),
        size: None,
        upload_time: tag.get(Attribute::UploadTime).and_then(|time| time.trim().parse().ok()),
        yanked: tag.get(Attribute::Yanked).map_or(Yanked::No, |reason| {
            Yanked::Yes(Some(reason.to_owned()).filter(|reason| !reason.trim().is_empty()))
        }),
        core_metadata: offer.map_or(MetadataOffer::Absent, read_offer),
        url: url.into(),
    })
}

/// `true`, or `<algorithm>=<digest>`.
fn read_offer(text: &str) -> MetadataOffer {
    match text.trim() {
        "" | "false" => MetadataOffer::Absent,
        text => file::hashed_offer(file::pairs(text)),
    }
}
