//! Content negotiation of project pages (PEP 691).

/// The form of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageFormat {
    Json,
    /// HTML under its versioned content type.
    VersionedHtml,
    /// HTML under `text/html`.
    PlainHtml,
}

impl PageFormat {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/vnd.pypi.simple.v1+json",
            Self::VersionedHtml => "application/vnd.pypi.simple.v1+html",
            Self::PlainHtml => "text/html",
        }
    }
}

/// The form that a client likes best, of those that the server has; `None` is 406. Of forms liked equally, JSON is
/// taken before the versioned HTML, and that before plain HTML, except that a client which says nothing, or takes
/// anything, gets plain HTML as it always did.
pub(crate) fn negotiate(accept: Option<&str>, json: bool) -> Option<PageFormat> {
    let accept = accept.unwrap_or("*/*");
    let offered = [PageFormat::Json, PageFormat::VersionedHtml, PageFormat::PlainHtml];
    let offered = offered.into_iter().filter(|&format| json || format != PageFormat::Json);
    let mut best: Option<(f32, PageFormat)> = None;
    for format in offered {
        let mut quality = None;
        for clause in accept.split(',') {
            let mut parts = clause.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().replace("simple.latest+", "simple.v1+");
            let named = media == format.content_type();
            let wild = format == PageFormat::PlainHtml && matches!(media.as_str(), "*/*" | "text/*");
            if named || wild {
                let given =
                    parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok()).unwrap_or(1.0);
                quality = Some(quality.unwrap_or(0.0_f32).max(given));
            }
        }
        if let Some(quality) = quality.filter(|&quality| quality > 0.0)
            && best.is_none_or(|(highest, _)| quality > highest)
        {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_form_is_taken() {
        let uv = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";
        for (accept, json, expected) in [
            (Some(uv), true, Some(PageFormat::Json)),
            (Some(uv), false, Some(PageFormat::VersionedHtml)),
            (Some("text/html"), true, Some(PageFormat::PlainHtml)),
            (Some("*/*"), true, Some(PageFormat::PlainHtml)),
            (None, true, Some(PageFormat::PlainHtml)),
            (Some("text/html;q=0.1, application/vnd.pypi.simple.latest+json"), true, Some(PageFormat::Json)),
            (Some("application/vnd.pypi.simple.v1+json"), false, None),
            (Some("text/html;q=0"), true, None),
        ] {
            assert_eq!(negotiate(accept, json), expected, "{accept:?}, JSON {json}");
        }
    }
}
