//! Pages and folders that list files of any project (pip's `--find-links`): what they list joins what the indexes
//! offer of a project.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use mlresolve_packaging::PackageName;
use mlresolve_packaging::simple::{IndexFile, ProjectPage, parse_html};
use url::Url;

use crate::cache::{Bucket, Entry, Key};
use crate::index_url::redacted;
use crate::pages::status_error;
use crate::project::stored;
use crate::transport::{Get, Limit};
use crate::{CacheMode, IndexClient, IndexError, IndexUrl, IndexUrlError, Project};

/// The most files that are listed of a folder.
const FOLDER_LIMIT: usize = 100_000;

/// A page or a folder that lists files of any project.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindLinks {
    /// Stands for the place in what is found there; its credentials are sent to its own origin.
    index: IndexUrl,
    /// Where it is on disk; `None` for a page on the web.
    path: Option<PathBuf>,
}

impl FindLinks {
    /// A folder of wheels and source distributions, or a local HTML page, by its absolute path. Nothing is read yet.
    ///
    /// # Errors
    /// When the path is not absolute.
    pub fn at_path(path: &Path) -> Result<Self, IndexUrlError> {
        let url =
            Url::from_file_path(path).map_err(|()| IndexUrlError::Scheme("a relative path".to_owned()))?;
        Ok(Self { index: IndexUrl::links(url)?, path: Some(path.to_owned()) })
    }

    /// Where it is on disk; `None` for a page on the web.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The place as it may be shown.
    pub fn index(&self) -> &IndexUrl {
        &self.index
    }
}

impl FromStr for FindLinks {
    type Err = IndexUrlError;

    /// Reads the address of a page: `https://…` or `file:…`.
    fn from_str(text: &str) -> Result<Self, IndexUrlError> {
        let url = Url::parse(text.trim())?;
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| IndexUrlError::Scheme("file".to_owned()))?;
            return Self::at_path(&path);
        }
        Ok(Self { index: IndexUrl::links(url)?, path: None })
    }
}

impl IndexClient {
    /// A project as its index has it, joined by what the find-links places list of it.
    pub(crate) async fn with_links(
        &self,
        name: &PackageName,
        base: Option<Arc<Project>>,
    ) -> Result<Option<Arc<Project>>, IndexError> {
        let mut listed = Vec::new();
        for links in &self.options.find_links {
            let page = self.links.get(links.index.clone(), async || self.read_links(links).await).await?;
            let first = name.as_str().chars().next();
            let of_project = |file: &&IndexFile| {
                let start = file.filename.chars().next().map(|start| start.to_ascii_lowercase());
                start == first && stored::version_of(&file.filename, name).is_ok()
            };
            let files: Vec<IndexFile> = page.files.iter().filter(of_project).cloned().collect();
            if files.is_empty() {
                continue;
            }
            let page = ProjectPage { files, ..ProjectPage::default() };
            let bytes = stored::encode(&page, name)?;
            let project = stored::open(name, &links.index, Entry::from_bytes(&bytes), 0);
            listed.push(project.ok_or_else(|| IndexError::Decode { project: name.to_string() })?);
        }
        if listed.is_empty() {
            return Ok(base);
        }
        Project::joined(base.as_deref(), &listed).map(|project| Some(Arc::new(project)))
    }

    async fn read_links(&self, links: &FindLinks) -> Result<ProjectPage, IndexError> {
        let unreadable = |path: &Path, source| IndexError::FindLinks { path: path.to_owned(), source };
        if let Some(path) = &links.path {
            if path.is_dir() {
                return list_folder(path).map_err(|source| unreadable(path, source));
            }
            let bytes = fs::read(path).map_err(|source| unreadable(path, source))?;
            return parse(&bytes, links.index.public_url());
        }
        let url = links.index.public_url();
        let key = Key::of(&["links", &links.index.identity()]);
        if self.options.mode == CacheMode::Offline {
            let cached = self.cache.as_ref().and_then(|cache| cache.read(Bucket::Links, &key));
            let page = cached.and_then(|entry| postcard::from_bytes(&entry).ok());
            return page.ok_or_else(|| IndexError::Offline { what: redacted(url) });
        }
        let get = Get {
            url: url.clone(),
            index: &links.index,
            headers: HeaderMap::new(),
            compression: true,
            limit: Limit { name: "page", bytes: self.options.limits.page },
            deadline: self.options.timeouts.total,
        };
        let mut body = Vec::new();
        let answer =
            self.transport.get(&get, &mut body).await.map_err(|error| error.into_index_error(url))?;
        if answer.status != StatusCode::OK {
            return Err(status_error(&answer, &links.index, url));
        }
        let page = parse(&body, &answer.url)?;
        // What follows a `?` may be a signature that lets anybody in; it stays in memory.
        if page.files.iter().any(|file| file.url.contains('?')) {
            return Ok(page);
        }
        if let (Some(cache), Ok(bytes)) = (&self.cache, postcard::to_allocvec(&page)) {
            cache.write(Bucket::Links, &key, &bytes);
        }
        Ok(page)
    }
}

fn parse(bytes: &[u8], url: &Url) -> Result<ProjectPage, IndexError> {
    parse_html(bytes, url).map_err(|source| IndexError::BadPage { url: redacted(url), source })
}

/// The wheels and source distributions that lie in a folder itself.
fn list_folder(folder: &Path) -> Result<ProjectPage, std::io::Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.take(FOLDER_LIMIT) {
        let path = entry?.path();
        let Some(filename) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let Ok(url) = Url::from_file_path(&path) else { continue };
        if !metadata.is_file() || !mlresolve_packaging::has_distribution_extension(filename) {
            continue;
        }
        files.push(IndexFile {
            size: Some(metadata.len()),
            ..IndexFile::at(filename.to_owned(), url.to_string())
        });
    }
    files.sort_by(|left, right| left.filename.cmp(&right.filename));
    Ok(ProjectPage { files, ..ProjectPage::default() })
}
