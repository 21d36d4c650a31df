//! The pages of PyTorch's index, to the byte as its own tool wrote them in August 2026: HTML alone, `+` escaped in
//! addresses, both names of the metadata attribute, and of all else only upload times.

use super::{Links, PyTorchIndex, PyTorchWheel};
use crate::encoding::sha256_hex;
use crate::server::Sidecars;

/// When the pages say that they were made; the real ones have the time of the run.
const TIMESTAMP: u64 = 1_795_305_600;

/// What a page says about its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announcement<'a> {
    /// `HOST:PORT` as the client knows the server, for [`Links::Absolute`].
    pub(crate) host: &'a str,
    pub(crate) sidecars: Sidecars,
    pub(crate) upload_times: bool,
    /// Give every file a SHA-256 that is not its own.
    pub(crate) wrong_hashes: bool,
}

/// The page of a project, or `None` where the sub-index lacks it.
pub(crate) fn project_page(
    index: &PyTorchIndex,
    sub_index: &str,
    project: &str,
    announcement: Announcement<'_>,
) -> Option<Vec<u8>> {
    let wheels = index.project(sub_index, project);
    if wheels.is_empty() {
        return None;
    }
    let links: String = wheels.iter().map(|wheel| link(wheel, &index.links, announcement)).collect();
    let body = format!("    <h1>Links for {project}</h1>\n{links}");
    Some(document(&body))
}

/// The list of a sub-index's projects, or `None` where there is no such sub-index.
pub(crate) fn projects_page(index: &PyTorchIndex, sub_index: &str) -> Option<Vec<u8>> {
    let names = index.projects(sub_index);
    let links: String =
        names.iter().map(|name| format!("    <a href=\"{name}/\">{name}</a><br/>\n")).collect();
    (!names.is_empty()).then(|| document(&links))
}

fn document(body: &str) -> Vec<u8> {
    format!("<!DOCTYPE html>\n<html>\n  <body>\n{body}  </body>\n</html>\n<!--TIMESTAMP {TIMESTAMP}-->")
        .into_bytes()
}

fn link(wheel: &PyTorchWheel, links: &Links, announcement: Announcement<'_>) -> String {
    let origin = match links {
        Links::Relative => String::new(),
        Links::Absolute => format!("http://{}", announcement.host),
        Links::At(origin) => origin.trim_end_matches('/').to_owned(),
    };
    let hash =
        if announcement.wrong_hashes { Some(sha256_hex(b"another file")) } else { wheel.announced_hash() };
    let fragment = hash.map(|sha256| format!("#sha256={sha256}")).unwrap_or_default();
    let mut attributes = String::new();
    let offer = match announcement.sidecars {
        Sidecars::Hashed => Some(format!("sha256={}", sha256_hex(&wheel.distribution().metadata))),
        Sidecars::Unhashed => Some("true".to_owned()),
        Sidecars::Off => None,
    };
    if let Some(offer) = offer.filter(|_| wheel.sidecar) {
        attributes = format!(" data-dist-info-metadata=\"{offer}\" data-core-metadata=\"{offer}\"");
    }
    if let (Some(upload_time), true) = (&wheel.upload_time, announcement.upload_times) {
        attributes.push_str(&format!(" data-upload-time=\"{upload_time}\""));
    }
    let path = wheel.path().replace('+', "%2B");
    format!("    <a href=\"{origin}/whl/{path}{fragment}\"{attributes}>{}</a><br/>\n", wheel.filename)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNOUNCEMENT: Announcement<'_> = Announcement {
        host: "127.0.0.1:1",
        sidecars: Sidecars::Hashed,
        upload_times: true,
        wrong_hashes: false,
    };

    fn index() -> PyTorchIndex {
        PyTorchIndex::new()
            .wheel("cu128", "torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl", Some(">=3.10"), &[])
            .upload_time("2025-11-12T15:21:57Z")
            .wheel("cu128", "torch-2.11.0+cu128-cp312-cp312-manylinux_2_28_x86_64.whl", None, &[])
            .without_hash()
            .without_sidecar()
            .shared_wheel(&["cpu", "cu128"], "triton-3.5.1-cp312-cp312-manylinux_2_28_x86_64.whl", None, &[])
            .sha256("00ff")
    }

    fn page(index: &PyTorchIndex, project: &str) -> String {
        String::from_utf8(project_page(index, "cu128", project, ANNOUNCEMENT).unwrap()).unwrap()
    }

    #[test]
    fn a_page_is_written_as_the_real_one() {
        let index = index();
        let built = index.find("cu128/torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl").unwrap();
        let (wheel, metadata) =
            (sha256_hex(&built.distribution().bytes), sha256_hex(&built.distribution().metadata));
        assert_eq!(
            page(&index, "torch"),
            format!(
                "<!DOCTYPE html>\n<html>\n  <body>\n    <h1>Links for torch</h1>\n    \
                 <a href=\"/whl/cu128/torch-2.11.0%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl\">\
                 torch-2.11.0+cu128-cp312-cp312-manylinux_2_28_x86_64.whl</a><br/>\n    \
                 <a href=\"/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl#sha256={wheel}\" \
                 data-dist-info-metadata=\"sha256={metadata}\" data-core-metadata=\"sha256={metadata}\" \
                 data-upload-time=\"2025-11-12T15:21:57Z\">\
                 torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl</a><br/>\n  \
                 </body>\n</html>\n<!--TIMESTAMP 1795305600-->"
            )
        );
        let list = String::from_utf8(projects_page(&index, "cu128").unwrap()).unwrap();
        assert!(
            list.contains("    <a href=\"torch/\">torch</a><br/>\n    <a href=\"triton/\">triton</a><br/>\n")
        );
        assert!(project_page(&index, "cpu", "torch", ANNOUNCEMENT).is_none());
        assert!(projects_page(&index, "cu121").is_none());
    }

    #[test]
    fn a_shared_file_has_one_address_and_links_lead_where_they_are_told() {
        for (links, href) in [
            (Links::Relative, "/whl/triton"),
            (Links::Absolute, "http://127.0.0.1:1/whl/triton"),
            (Links::At("http://files.example/".to_owned()), "http://files.example/whl/triton"),
        ] {
            let page = page(&index().links(links), "triton");
            let link = format!("<a href=\"{href}-3.5.1-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=00ff\"");
            assert!(page.contains(&link), "{page}");
        }
    }
}
