//! What of metadata is worth keeping.

/// Headers that no choice depends on and whose values are long. Every other header is kept, so that what a
/// later version reads of the metadata is there.
const LEFT_OUT: [&[u8]; 13] = [
    b"author",
    b"author-email",
    b"classifier",
    b"description",
    b"description-content-type",
    b"keywords",
    b"license",
    b"license-expression",
    b"license-file",
    b"maintainer",
    b"maintainer-email",
    b"project-url",
    b"summary",
];

/// The headers without those that no choice depends on, and without the body, which is a description.
///
/// What is kept reads as the whole does, for [`CoreMetadata::parse`](super::CoreMetadata::parse) of this version and of
/// later ones.
#[must_use]
pub fn relevant_headers(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut keep = true;
    for line in lines(bytes) {
        if matches!(line, b"\n" | b"\r\n" | b"\r") {
            break;
        }
        // A line that begins with space continues the one before.
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            keep = !LEFT_OUT.iter().any(|left_out| name.eq_ignore_ascii_case(left_out));
        }
        if keep {
            kept.extend(line);
        }
    }
    kept
}

/// The lines of a text with their ends, which are LF, CR LF, or CR.
fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = match bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(at) if bytes[at..].starts_with(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None => bytes.len(),
        };
        let (line, rest) = bytes.split_at(end);
        bytes = rest;
        (!line.is_empty()).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::CoreMetadata;

    #[test]
    fn what_is_cached_reads_as_the_whole_does() {
        let head = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
        let cases = [
            "Summary: short\nRequires-Dist: numpy\n\nRequires-Dist: not-this\n",
            "Description: long\n        Requires-Dist: not-this\n \n|\nRequires-Dist: numpy\n",
            "DESCRIPTION: long\n\tmore\nRequires-Python: >=3.9\nProvides-Extra: a\n",
            "Summary: x\rRequires-Dist: numpy\r\nDynamic: License\r\n\r\nbody",
            "Classifier: x\nno header\nRequires-Dist: not-this\n",
            "Requires-Dist: numpy\n >=1\nLicense: x\n  y\nRequires-Dist: torch",
            "Import-Name: demo\nUnknown: kept\n",
        ];
        for case in cases {
            for bytes in [format!("{head}{case}"), format!("\u{feff}{head}{case}"), format!("{case}{head}")] {
                let whole = CoreMetadata::parse(bytes.as_bytes()).ok();
                let cached = CoreMetadata::parse(&relevant_headers(bytes.as_bytes())).ok();
                assert_eq!(cached, whole, "{bytes:?}");
            }
        }
    }

    #[test]
    fn long_headers_and_the_body_are_not_cached() {
        let text = b"Name: demo\nLicense: a\n  b\nUnknown: kept\n\nbody";
        assert_eq!(relevant_headers(text), b"Name: demo\nUnknown: kept\n");
    }

    const PIECES: &[&str] = &[
        "Name: a",
        "Version: 1",
        "Metadata-Version: 2.1",
        "Summary: s",
        "License:",
        "Requires-Dist: b",
        " ",
        "\t",
        ":",
        "x",
        "\r",
        "\n",
        "\n",
        "\r\n",
    ];

    proptest::proptest! {
        #[test]
        fn any_order_of_headers_reads_alike(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
        ) {
            let bytes = pieces.concat();
            let whole = CoreMetadata::parse(bytes.as_bytes()).ok();
            proptest::prop_assert_eq!(CoreMetadata::parse(&relevant_headers(bytes.as_bytes())).ok(), whole);
        }
    }
}
