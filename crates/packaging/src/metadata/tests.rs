use super::*;

fn parse(text: &str) -> Result<CoreMetadata, MetadataError> {
    CoreMetadata::parse(text.as_bytes())
}

/// Metadata with these headers beside the three that must be there.
fn with(headers: &str) -> Result<CoreMetadata, MetadataError> {
    parse(&format!("Metadata-Version: 2.1\nName: foo\nVersion: 1\n{headers}"))
}

#[test]
fn every_field_of_use_is_read() {
    let metadata = parse(
        "Metadata-Version: 2.5\nName: Foo.Bar\nVersion: 1.0+cu128\nSummary: a: b\n\
         Requires-Python: >=3.10,<4\nRequires-Dist: torch (>=2.0)\n\
         Requires-Dist: numpy>=1.0.*; extra == 'np'\nProvides-Extra: np\nProvides-Extra: NP\n\
         Dynamic: Requires-Dist\nImport-Name: foo\nImport-Name: _foo ; private\nImport-Name:\n\
         Import-Namespace: zope\nLicense-Expression: MIT\n\nName: body\n",
    )
    .unwrap();
    assert_eq!(metadata.metadata_version, (2, 5));
    assert_eq!(metadata.name.as_str(), "foo-bar");
    assert_eq!(metadata.version.to_string(), "1.0+cu128");
    assert_eq!(metadata.requires_python.unwrap().to_string(), ">=3.10,<4");
    let requirements: Vec<String> = metadata.requires_dist.iter().map(ToString::to_string).collect();
    assert_eq!(requirements, ["torch>=2.0", "numpy>=1.0; extra == 'np'"]);
    assert_eq!(metadata.provides_extra, ["np".parse().unwrap()]);
    assert_eq!(metadata.dynamic, ["requires-dist"]);
    let name = |name: &str, private| ImportName { name: name.to_owned(), private };
    assert_eq!(metadata.import_names, [name("foo", false), name("_foo", true)]);
    assert_eq!(metadata.import_namespaces, [name("zope", false)]);
    assert_eq!(metadata.repairs.len(), 1);
    assert_eq!(metadata.repairs[0].original, ">=1.0.*");
}

#[test]
fn line_endings_marks_and_folds_do_not_matter() {
    let expected = with("Requires-Dist: a>=1; os_name == 'nt'\n").unwrap();
    for text in [
        "\u{feff}Metadata-Version: 2.1\r\nName: foo\r\nVersion: 1\r\nRequires-Dist: a>=1;\r\n  os_name == 'nt'\r\n\r\nbody",
        "metadata-version:2.1\nNAME:foo\nversion:\t1 \nREQUIRES-DIST: a>=1;\n\tos_name\n == 'nt'",
        "Metadata-Version: 2.1\rName: foo\rVersion: 1\rRequires-Dist: a>=1; os_name == 'nt'\r\rName: x",
    ] {
        let metadata = parse(text).unwrap();
        let shown = metadata.requires_dist[0].to_string();
        assert_eq!(shown, expected.requires_dist[0].to_string(), "{text:?}");
    }
}

#[test]
fn reading_stops_at_the_body() {
    let metadata = with("\nRequires-Dist: in-the-body\n").unwrap();
    assert_eq!(metadata.requires_dist, []);
    let metadata = with("Description: one\nan unfolded line\nRequires-Dist: lost\n").unwrap();
    assert_eq!(metadata.requires_dist, [], "as Python's email package reads it");
    assert_eq!(
        parse("\nMetadata-Version: 2.1\nName: x\nVersion: 1"),
        Err(MetadataError::Missing("Metadata-Version"))
    );
}

#[test]
fn only_fields_of_use_must_be_utf8() {
    let mut bytes = b"Metadata-Version: 1.1\nAuthor: J\xf6rg\nName: foo\nVersion: 1\n\n\xff\xfe".to_vec();
    assert!(CoreMetadata::parse(&bytes).is_ok());
    bytes.splice(..0, *b"Requires-Dist: \xf6\n");
    let error = CoreMetadata::parse(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "line 1: Requires-Dist is not UTF-8");
}

#[test]
fn missing_and_repeated_fields_are_refused() {
    assert_eq!(parse(""), Err(MetadataError::Missing("Metadata-Version")));
    assert_eq!(parse("Metadata-Version: 2.1\nVersion: 1"), Err(MetadataError::Missing("Name")));
    assert_eq!(parse("Metadata-Version: 2.1\nName: x\n\nVersion: 1"), Err(MetadataError::Missing("Version")));
    for field in ["Name: bar", "VERSION: 1", "Metadata-Version: 2.1"] {
        let error = with(field).unwrap_err();
        assert!(matches!(error, MetadataError::Repeated { line: 4, .. }), "{error}");
    }
    let error = with("Requires-Python: >3\nRequires-Python: >3").unwrap_err();
    assert_eq!(error.to_string(), "line 5: the metadata has Requires-Python twice");
}

#[test]
fn only_known_metadata_versions_are_read() {
    let read = |version: &str| parse(&format!("Metadata-Version: {version}\nName: x\nVersion: 1\n"));
    for version in ["1.0", "1.2", "2.0", "2.5", "2.99"] {
        assert!(read(version).is_ok(), "{version}");
    }
    for version in ["3.0", "99.0", "0.1", "2", "", "two", "2.x", "2.1.0", "99999999999.0"] {
        assert_eq!(read(version), Err(MetadataError::UnknownVersion(version.to_owned())));
    }
}

#[test]
fn unreadable_values_name_their_line() {
    let error = with("Summary: x\n y\nRequires-Dist: >=1\n").unwrap_err();
    assert!(error.to_string().starts_with("line 6: Requires-Dist cannot be read: "), "{error}");
    assert!(with("Requires-Dist:\n").is_err());
    assert!(with("Requires-Dist: a b c\n").is_err());
    assert!(with("Requires-Python: three\n").is_err());
    assert!(parse("Metadata-Version: 2.1\nName: -x\nVersion: 1").is_err());
    assert!(parse("Metadata-Version: 2.1\nName: a\0b\nVersion: 1").is_err());
    assert!(parse("Metadata-Version: 2.1\nName: x\nVersion: 2010i").is_err());
}

#[test]
fn empty_and_odd_values_are_tolerated_where_nothing_hangs_on_them() {
    let metadata = with("Requires-Python:\nProvides-Extra: not a name\nX: y\n:\nName: in the body").unwrap();
    assert_eq!(metadata.requires_python, None);
    assert_eq!(metadata.provides_extra, []);
    assert_eq!(metadata.repairs[0].original, "Provides-Extra: not a name");
}

#[test]
fn limits_hold_and_name_themselves() {
    let error = CoreMetadata::parse(&vec![b'x'; METADATA_LIMIT + 1]).unwrap_err().to_string();
    assert_eq!(error, "metadata of 16777217 bytes is over the limit of 16777216 (metadata length)");
    assert_eq!(with(&"X:\n".repeat(HEADER_COUNT_LIMIT)), Err(MetadataError::TooManyHeaders));
    let folded = format!("X: {}", "y\n ".repeat(1_000_000));
    assert!(with(&folded).is_ok());
    assert!(with(&format!("Requires-Dist: a>=1; {}", "(".repeat(1_000_000))).is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(head in "(Name|Version|Requires-Dist|X)?[: \r\n\ta-z;>=0-9]{0,80}", tail: Vec<u8>) {
        drop(CoreMetadata::parse(&[head.as_bytes(), &tail].concat()));
    }
}

#[test]
fn the_identity_is_read_without_what_only_a_resolver_asks_for() {
    let (name, version) =
        CoreMetadata::parse_identity(b"Name: Foo_Bar\nRequires-Dist: ???\nVersion: 1.0\n\nName: x\n")
            .unwrap();
    assert_eq!((name.as_str(), version.to_string().as_str()), ("foo-bar", "1.0"));
    assert_eq!(CoreMetadata::parse_identity(b"Name: x\n"), Err(MetadataError::Missing("Version")));
    assert!(matches!(
        CoreMetadata::parse_identity(b"Name: x\nName: y\nVersion: 1\n"),
        Err(MetadataError::Repeated { field: "Name", line: 2 })
    ));
}
