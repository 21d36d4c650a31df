use proptest::prelude::*;

use super::*;

fn name() -> PackageName {
    "demo".parse().unwrap()
}

fn index() -> IndexUrl {
    "https://index.example/simple/".parse().unwrap()
}

fn opened(bytes: &[u8]) -> Option<Project> {
    open(&name(), &index(), Entry::from_bytes(bytes), 0)
}

fn hashes() -> impl Strategy<Value = Hashes> {
    let others = proptest::collection::btree_map("md5|sha512", "[0-9a-f]{8}", 0..2);
    (proptest::option::of("[0-9a-f]{64}"), others).prop_map(|(sha256, others)| Hashes { sha256, others })
}

prop_compose! {
    fn file()(
        filename in "demo-[0-3](\\.[0-2])?(\\+cu12)?(-py3-none-any\\.whl|\\.tar\\.gz)",
        host in "https://files\\.example/(packages|whl)/[a-f]{2}/",
        renamed: bool,
        hashes in hashes(),
        requires_python in proptest::option::of(">=3\\.[0-9]"),
        size: Option<u64>,
        upload_time in proptest::option::of((-1_000_000_i64..4_000_000_000, 0..1_000_000_000)),
        yanked in prop_oneof![Just(Yanked::No), proptest::option::of(".{0,5}").prop_map(Yanked::Yes)],
        core_metadata in prop_oneof![
            Just(MetadataOffer::Absent),
            Just(MetadataOffer::Present),
            self::hashes().prop_map(MetadataOffer::Hashed),
        ],
    ) -> IndexFile {
        IndexFile {
            url: if renamed { format!("{host}x") } else { format!("{host}{filename}") },
            filename,
            hashes,
            requires_python,
            size,
            upload_time: upload_time.map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap()),
            yanked,
            core_metadata,
        }
    }
}

proptest! {
    #[test]
    fn every_file_of_a_page_comes_back_as_it_was_or_is_skipped(
        files in proptest::collection::vec(file(), 0..12),
    ) {
        let page = ProjectPage { files: files.clone(), ..ProjectPage::default() };
        let project = opened(&encode(&page, &name()).unwrap()).unwrap();
        prop_assert!(project.versions().is_sorted_by(|left, right| left < right));
        let mut count = project.skipped().unwrap().len();
        for (place, version) in project.versions().iter().enumerate() {
            let release = project.release(place).unwrap();
            prop_assert_eq!(&release.version, version);
            prop_assert_eq!(project.position(version), Some(place));
            for back in release.files() {
                let file = files.iter().find(|file| file.filename == back.filename).unwrap();
                count += 1;
                let expected = File {
                    filename: file.filename.clone(),
                    url: file.url.clone(),
                    hashes: file.hashes.clone(),
                    requires_python: file.requires_python.clone(),
                    size: file.size,
                    upload_time: file.upload_time,
                    yanked: file.yanked.clone(),
                    metadata_offer: file.core_metadata.clone(),
                    wheel: file.filename.parse().ok(),
                    sdist: SdistFilename::parse(&file.filename, &project.name).ok(),
                    index: index(),
                };
                prop_assert_eq!(back, &expected);
            }
        }
        prop_assert_eq!(count, files.len());
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(project) = opened(&bytes) {
            for place in 0..project.versions().len() {
                drop(project.release(place));
            }
            drop(project.skipped());
        }
    }

    #[test]
    fn no_damage_is_a_panic(
        files in proptest::collection::vec(file(), 1..4),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = encode(&ProjectPage { files, ..ProjectPage::default() }, &name()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(project) = opened(&bytes) {
            for place in 0..project.versions().len() {
                drop(project.release(place));
            }
            drop(project.skipped());
        }
    }
}

#[test]
fn status_and_reason_are_kept() {
    let page = ProjectPage {
        status: ProjectStatus::Quarantined,
        status_reason: Some("malware".to_owned()),
        ..ProjectPage::default()
    };
    let project = opened(&encode(&page, &name()).unwrap()).unwrap();
    assert_eq!(project.status(), &ProjectStatus::Quarantined);
    assert_eq!(project.status_reason(), Some("malware"));
    assert!(project.versions().is_empty());
}

#[test]
fn urls_are_split_behind_the_first_segment() {
    assert_eq!(split_url("https://f.example/packages/a/b.whl"), ("https://f.example/packages/", "a/b.whl"));
    for short in ["https://f.example/b.whl", "x", ""] {
        assert_eq!(split_url(short), ("", short));
    }
}
