//! One project's page from one index: from the cache while it is fresh, by a conditional request when it is
//! not.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use mlresolve_packaging::PackageName;
use mlresolve_packaging::simple::{PageError, ProjectPage, parse_html, parse_json};
use url::Url;

use crate::cache::{Bucket, Cache, Entry, Key};
use crate::freshness::{Freshness, Keep};
use crate::index_url::redacted;
use crate::project::stored;
use crate::transport::{Answer, Get, Limit};
use crate::{CacheMode, IndexClient, IndexError, IndexUrl, Project};

/// JSON first: the HTML form is frozen (PEP 833) and lacks sizes and upload times.
const ACCEPT: HeaderValue = HeaderValue::from_static(
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
);

/// What is known of a project in one index.
pub(crate) enum PageAnswer {
    Found(Arc<Project>),
    /// The index does not have it.
    Absent,
    /// It is not in the cache, and the network is off.
    Unknown,
}

/// A page as it was found in the cache.
struct CachedPage {
    freshness: Freshness,
    answer: PageAnswer,
}

impl IndexClient {
    /// Gets the page of a project from one index.
    pub(crate) async fn page(&self, index: &IndexUrl, name: &PackageName) -> Result<PageAnswer, IndexError> {
        let key = Key::of(&["page", &index.identity(), name.as_str()]);
        // Read in place: the file is small and mostly in memory, and another thread would cost more than
        // the read.
        let cached = self.cache.as_ref().and_then(|cache| read(cache, &key, index, name));
        let now = Timestamp::now().as_second();
        match (self.options.mode, cached) {
            (CacheMode::Offline, Some(page)) => Ok(page.answer),
            (CacheMode::Offline, None) => Ok(PageAnswer::Unknown),
            (CacheMode::Normal, Some(page)) if page.freshness.is_fresh(now) => Ok(page.answer),
            (_, cached) => self.fetch_page(index, name, key, cached).await,
        }
    }

    async fn fetch_page(
        &self,
        index: &IndexUrl,
        name: &PackageName,
        key: Key,
        cached: Option<CachedPage>,
    ) -> Result<PageAnswer, IndexError> {
        let mut headers = cached.as_ref().map(|page| page.freshness.condition()).unwrap_or_default();
        headers.insert(header::ACCEPT, ACCEPT);
        let url = index.project_url(name.as_str());
        let get = Get {
            url: url.clone(),
            index,
            headers,
            compression: true,
            limit: Limit { name: "page", bytes: self.options.limits.page },
            deadline: self.options.timeouts.total,
        };
        let mut body = Vec::new();
        let answer =
            self.transport.get(&get, &mut body).await.map_err(|error| error.into_index_error(&url))?;
        let now = Timestamp::now().as_second();
        let default_max_age = self.options.default_max_age;
        let save = Save { cache: self.cache.clone(), key };
        let (index, name) = (index.clone(), name.clone());
        let status = answer.status;
        match (status, cached) {
            (StatusCode::NOT_MODIFIED, Some(page)) => {
                save.write(
                    &page.freshness.renewed(&answer.headers, now, default_max_age),
                    page.answer.stored(),
                );
                Ok(page.answer)
            }
            (StatusCode::OK, _) => {
                // Reading a large page takes longer than the other tasks of this thread should wait.
                let work = move || {
                    let page = parse(&answer, &body)?;
                    let stored = stored::encode(&page, &name)?;
                    // What follows a `?` may be a signature that lets anybody in; it stays in memory.
                    if !page.files.iter().any(|file| file.url.contains('?')) {
                        save.write(&Keep::from_headers(&answer.headers, now, default_max_age), Some(&stored));
                    }
                    stored::open(&name, &index, Entry::from_bytes(&stored), 0)
                        .map(|project| PageAnswer::Found(Arc::new(project)))
                        .ok_or_else(|| IndexError::Decode { project: name.to_string() })
                };
                tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(IndexError::Cancelled),
                })
            }
            _ if is_absent(status, &index) => {
                save.write(&Keep::from_headers(&answer.headers, now, default_max_age), None);
                Ok(PageAnswer::Absent)
            }
            _ => Err(status_error(&answer, &index, &url)),
        }
    }
}

/// Where a page is saved, if anywhere.
struct Save {
    cache: Option<Cache>,
    key: Key,
}

impl Save {
    fn write(&self, keep: &Keep, project: Option<&[u8]>) {
        let (Some(cache), Keep::Yes(freshness)) = (&self.cache, keep) else { return };
        let Ok(mut bytes) = postcard::to_allocvec(&(freshness, project.is_some())) else { return };
        bytes.extend(project.unwrap_or_default());
        cache.write(Bucket::Pages, &self.key, &bytes);
    }
}

impl PageAnswer {
    /// What is stored of the project, if there is one.
    fn stored(&self) -> Option<&[u8]> {
        match self {
            Self::Found(project) => Some(project.stored()),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// The cached page, if there is one that can be opened.
fn read(cache: &Cache, key: &Key, index: &IndexUrl, name: &PackageName) -> Option<CachedPage> {
    let page = open(cache.read(Bucket::Pages, key)?, index, name);
    if page.is_none() {
        cache.reject(Bucket::Pages, key);
    }
    page
}

fn open(entry: Entry, index: &IndexUrl, name: &PackageName) -> Option<CachedPage> {
    let ((freshness, found), rest) = postcard::take_from_bytes::<(Freshness, bool)>(&entry).ok()?;
    let start = entry.len() - rest.len();
    let answer = match found {
        true => PageAnswer::Found(Arc::new(stored::open(name, index, entry, start)?)),
        false => PageAnswer::Absent,
    };
    Some(CachedPage { freshness, answer })
}

/// Reads a page as what its content type says it is.
fn parse(answer: &Answer, body: &[u8]) -> Result<ProjectPage, IndexError> {
    let url = || redacted(&answer.url);
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map_or("text/html", |value| value.to_str().unwrap_or("unreadable"));
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let read: fn(&[u8], &Url) -> Result<ProjectPage, PageError> = match essence.as_str() {
        "application/vnd.pypi.simple.v1+json" | "application/json" => parse_json,
        "application/vnd.pypi.simple.v1+html" | "text/html" | "application/xhtml+xml" => parse_html,
        _ => return Err(IndexError::ContentType { url: url(), content_type: content_type.to_owned() }),
    };
    read(body, &answer.url).map_err(|source| IndexError::BadPage { url: url(), source })
}

fn is_absent(status: StatusCode, index: &IndexUrl) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
        || (status == StatusCode::FORBIDDEN && index.forbidden_is_absent())
}

/// The error for a status that is none of the expected ones.
pub(crate) fn status_error(answer: &Answer, index: &IndexUrl, url: &Url) -> IndexError {
    let (url, index, status) = (redacted(url), index.clone(), answer.status);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let tried = answer.login.to_string();
            IndexError::Credentials { index, url, status: status.as_u16(), tried }
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => IndexError::Proxy { url },
        _ => IndexError::Status { url, status: status.as_u16() },
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn parsed(content_type: Option<&'static str>, body: &str) -> Result<ProjectPage, IndexError> {
        let headers = content_type.map(|value| (header::CONTENT_TYPE, HeaderValue::from_static(value)));
        let url = "https://index.example/simple/demo/".parse().unwrap();
        let login = Arc::default();
        let answer = Answer { status: StatusCode::OK, headers: HeaderMap::from_iter(headers), url, login };
        parse(&answer, body.as_bytes())
    }

    #[test]
    fn a_page_is_read_as_what_its_content_type_says() {
        let json = r#"{"meta": {"api-version": "1.1"}, "name": "demo", "files": []}"#;
        for content_type in ["application/vnd.pypi.simple.v1+json", "Application/JSON; charset=utf-8"] {
            assert!(parsed(Some(content_type), json).is_ok(), "{content_type}");
        }
        let html = "<!DOCTYPE html><a href='demo-1-py3-none-any.whl'>demo-1-py3-none-any.whl</a>";
        for content_type in
            [None, Some("text/html; charset=utf-8"), Some("application/vnd.pypi.simple.v1+html")]
        {
            assert_eq!(parsed(content_type, html).unwrap().files.len(), 1, "{content_type:?}");
        }
        for content_type in ["application/vnd.pypi.simple.v2+json", "text/plain", "image/png"] {
            let error = parsed(Some(content_type), json).unwrap_err();
            assert!(matches!(error, IndexError::ContentType { .. }), "{content_type}");
        }
        assert!(matches!(parsed(Some("application/json"), html), Err(IndexError::BadPage { .. })));
    }
}
