//! Project pages: JSON (PEP 691, 700, 714, 792) and HTML (PEP 503, 592, 658, 714).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::encoding::sha256_hex;
use crate::server::Sidecars;
use crate::universe::{Project, PublishedFile, Sidecar, Yanked};

/// What a page says about its files.
#[derive(Clone, Debug)]
pub(crate) struct PageOptions<'a> {
    /// What file names are appended to; relative to the page, or absolute.
    pub(crate) files_url: &'a str,
    /// What file names are followed by.
    pub(crate) files_query: &'a str,
    pub(crate) sidecars: Sidecars,
    pub(crate) upload_times: bool,
    pub(crate) sizes: bool,
    /// Give every file a SHA-256 that is not its own.
    pub(crate) wrong_hashes: bool,
}

/// The JSON page of a project.
pub(crate) fn json(project: &Project, options: &PageOptions<'_>) -> Vec<u8> {
    let files: Vec<Value> = project.files.iter().map(|file| json_file(file, options)).collect();
    let versions: BTreeSet<&str> =
        project.files.iter().filter_map(|file| file_version(&file.filename)).collect();
    let mut page = json!({
        "meta": {"api-version": "1.4"},
        "name": project.name,
        "versions": versions,
        "files": files,
    });
    if let Some(status) = &project.status {
        page["project-status"] = match &status.reason {
            Some(reason) => json!({"status": status.marker, "reason": reason}),
            None => json!({"status": status.marker}),
        };
    }
    page.to_string().into_bytes()
}

/// The HTML page of a project.
pub(crate) fn html(project: &Project, options: &PageOptions<'_>) -> Vec<u8> {
    let mut page =
        "<!DOCTYPE html>\n<html>\n<head>\n<meta name=\"pypi:repository-version\" content=\"1.4\">\n"
            .to_owned();
    if let Some(status) = &project.status {
        page.push_str(&format!(
            "<meta name=\"pypi:project-status\" content=\"{}\">\n",
            escape(&status.marker)
        ));
        if let Some(reason) = &status.reason {
            page.push_str(&format!(
                "<meta name=\"pypi:project-status-reason\" content=\"{}\">\n",
                escape(reason)
            ));
        }
    }
    page.push_str(&format!(
        "<title>Links for {0}</title>\n</head>\n<body>\n<h1>Links for {0}</h1>\n",
        escape(&project.name)
    ));
    for file in &project.files {
        page.push_str(&html_file(file, options));
    }
    page.push_str("</body>\n</html>\n");
    page.into_bytes()
}

/// The JSON list of all projects.
pub(crate) fn json_list<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let projects: Vec<Value> = names.map(|name| json!({"name": name})).collect();
    json!({"meta": {"api-version": "1.4"}, "projects": projects}).to_string().into_bytes()
}

/// The HTML list of all projects.
pub(crate) fn html_list<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let links: String = names.map(|name| format!("<a href=\"{0}/\">{0}</a><br>\n", escape(name))).collect();
    format!("<!DOCTYPE html>\n<html>\n<body>\n{links}</body>\n</html>\n").into_bytes()
}

fn json_file(file: &PublishedFile, options: &PageOptions<'_>) -> Value {
    let mut entry = Map::new();
    entry.insert("filename".to_owned(), json!(file.filename));
    entry.insert("url".to_owned(), json!(file_url(file, options)));
    let hashes = sha256(file, options).map_or(json!({}), |sha256| json!({"sha256": sha256}));
    entry.insert("hashes".to_owned(), hashes);
    if let Some(requires_python) = &file.requires_python {
        entry.insert("requires-python".to_owned(), json!(requires_python));
    }
    if let (Some(size), true) = (file.size, options.sizes) {
        entry.insert("size".to_owned(), json!(size));
    }
    if let (Some(upload_time), true) = (&file.upload_time, options.upload_times) {
        entry.insert("upload-time".to_owned(), json!(upload_time));
    }
    match &file.yanked {
        Yanked::No => {}
        Yanked::Yes(None) => drop(entry.insert("yanked".to_owned(), json!(true))),
        Yanked::Yes(Some(reason)) => drop(entry.insert("yanked".to_owned(), json!(reason))),
    }
    if let Some(offer) = offer(file, options.sidecars) {
        let offer = offer.map_or(json!(true), |sha256| json!({"sha256": sha256}));
        // PEP 714 asks servers to give both names.
        entry.insert("core-metadata".to_owned(), offer.clone());
        entry.insert("dist-info-metadata".to_owned(), offer);
    }
    Value::Object(entry)
}

fn html_file(file: &PublishedFile, options: &PageOptions<'_>) -> String {
    let fragment = sha256(file, options).map(|sha256| format!("#sha256={sha256}")).unwrap_or_default();
    let mut link = format!("<a href=\"{}{fragment}\"", escape(&file_url(file, options)));
    if let Some(requires_python) = &file.requires_python {
        link.push_str(&format!(" data-requires-python=\"{}\"", escape(requires_python)));
    }
    if let Yanked::Yes(reason) = &file.yanked {
        link.push_str(&format!(" data-yanked=\"{}\"", escape(reason.as_deref().unwrap_or_default())));
    }
    if let Some(offer) = offer(file, options.sidecars) {
        let offer = offer.map_or("true".to_owned(), |sha256| format!("sha256={sha256}"));
        link.push_str(&format!(" data-core-metadata=\"{offer}\" data-dist-info-metadata=\"{offer}\""));
    }
    link.push_str(&format!(">{}</a><br>\n", escape(&file.filename)));
    link
}

/// Where the file is; `+` and `!` of versions are legal in paths, and most indexes escape `+` nonetheless.
fn file_url(file: &PublishedFile, options: &PageOptions<'_>) -> String {
    format!("{}{}{}", options.files_url, file.filename.replace('+', "%2B"), options.files_query)
}

fn sha256(file: &PublishedFile, options: &PageOptions<'_>) -> Option<String> {
    if options.wrong_hashes { Some(sha256_hex(b"another file")) } else { file.sha256.clone() }
}

/// `None` if no metadata is offered, else its hash if one is given.
fn offer(file: &PublishedFile, sidecars: Sidecars) -> Option<Option<String>> {
    match (&file.sidecar, sidecars) {
        (Sidecar::Absent, _) | (_, Sidecars::Off) => None,
        (Sidecar::Unrecorded, _) | (_, Sidecars::Unhashed) => Some(None),
        (Sidecar::Present(bytes), Sidecars::Hashed) => Some(Some(sha256_hex(bytes))),
    }
}

/// The version in a file name: the second part of a wheel's, the last of a source distribution's.
pub(crate) fn file_version(filename: &str) -> Option<&str> {
    if let Some(stem) = filename.strip_suffix(".whl") {
        return stem.split('-').nth(1);
    }
    let stem =
        [".tar.gz", ".zip", ".tar.bz2", ".tgz"].iter().find_map(|suffix| filename.strip_suffix(suffix))?;
    stem.rsplit_once('-').map(|(_, version)| version)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Universe;

    const OPTIONS: PageOptions<'_> = PageOptions {
        files_url: "../../files/",
        files_query: "",
        sidecars: Sidecars::Unhashed,
        upload_times: true,
        sizes: true,
        wrong_hashes: false,
    };

    #[test]
    fn a_json_page_says_what_the_file_says() {
        let universe = Universe::new()
            .text(
                "a 1.0+cu128: b; python>=3.9,<4; yanked no \"good\"; size 12; time 2025-01-02T03:04:05.678Z",
            )
            .status("a", "archived", Some("done"));
        let project = universe.project("a").unwrap();
        let page: Value = serde_json::from_slice(&json(project, &OPTIONS)).unwrap();
        assert_eq!(
            page,
            json!({
                "meta": {"api-version": "1.4"},
                "name": "a",
                "versions": ["1.0+cu128"],
                "project-status": {"status": "archived", "reason": "done"},
                "files": [{
                    "filename": "a-1.0+cu128-py3-none-any.whl",
                    "url": "../../files/a-1.0%2Bcu128-py3-none-any.whl",
                    "hashes": {"sha256": project.files[0].sha256},
                    "requires-python": ">=3.9,<4",
                    "size": 12,
                    "upload-time": "2025-01-02T03:04:05.678Z",
                    "yanked": "no \"good\"",
                    "core-metadata": true,
                    "dist-info-metadata": true,
                }],
            })
        );
    }

    #[test]
    fn an_html_page_escapes_what_it_says() {
        let universe =
            Universe::new().text("a 1.0; python>=3.9,<4; yanked no \"good\"").status("a", "deprecated", None);
        let project = universe.project("a").unwrap();
        let sha256 = project.files[0].sha256.as_deref().unwrap();
        let page = String::from_utf8(html(project, &OPTIONS)).unwrap();
        assert!(page.contains("<meta name=\"pypi:project-status\" content=\"deprecated\">"), "{page}");
        assert!(
            page.contains(&format!(
                "<a href=\"../../files/a-1.0-py3-none-any.whl#sha256={sha256}\" data-requires-python=\"&gt;=3.9,&lt;4\" \
                 data-yanked=\"no &quot;good&quot;\" data-core-metadata=\"true\" data-dist-info-metadata=\"true\">\
                 a-1.0-py3-none-any.whl</a><br>"
            )),
            "{page}"
        );
    }

    #[test]
    fn versions_are_read_from_file_names() {
        assert_eq!(file_version("a_b-1.0+cu12-1-py3-none-any.whl"), Some("1.0+cu12"));
        assert_eq!(file_version("a-b-1.0.tar.gz"), Some("1.0"));
        assert_eq!(file_version("a-1.0.exe"), None);
    }
}
