use super::*;

fn cache() -> (tempfile::TempDir, Cache, Key) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path().join("cache"));
    (dir, cache, Key::of(&["https://index.example/", "numpy"]))
}

#[test]
fn what_is_written_is_read_back_in_its_bucket_only() {
    let (_dir, cache, key) = cache();
    assert!(cache.read(Bucket::Pages, &key).is_none());
    cache.write(Bucket::Pages, &key, b"page");
    assert_eq!(&*cache.read(Bucket::Pages, &key).unwrap(), b"page");
    assert!(cache.read(Bucket::Metadata, &key).is_none());
    cache.write(Bucket::Pages, &key, b"");
    assert_eq!(&*cache.read(Bucket::Pages, &key).unwrap(), b"");
}

#[test]
fn every_damage_is_found_and_removed() {
    let (_dir, cache, key) = cache();
    let path = cache.path(Bucket::Pages, &key);
    cache.write(Bucket::Pages, &key, b"the bytes of a page");
    let good = fs::read(&path).unwrap();
    let mut damages = vec![Vec::new(), vec![0; good.len()], [&good[..], b"x"].concat()];
    damages.extend((0..good.len()).map(|length| good[..length].to_vec()));
    damages.extend((0..good.len() * 8).map(|bit| {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    }));
    for damaged in damages {
        fs::write(&path, &damaged).unwrap();
        assert!(cache.read(Bucket::Pages, &key).is_none(), "{damaged:?}");
        assert!(!path.exists());
    }
}

#[test]
fn an_entry_under_the_name_of_another_is_found() {
    let (_dir, cache, key) = cache();
    let other = Key::of(&["https://index.example/", "torch"]);
    cache.write(Bucket::Pages, &key, b"page");
    fs::rename(cache.path(Bucket::Pages, &key), cache.path(Bucket::Pages, &other)).unwrap();
    assert!(cache.read(Bucket::Pages, &other).is_none());
}

#[test]
fn parts_of_a_key_do_not_run_together() {
    assert_ne!(Key::of(&["ab", "c"]), Key::of(&["a", "bc"]));
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_an_entry_is_not_followed() {
    let (dir, cache, key) = cache();
    cache.write(Bucket::Pages, &key, b"page");
    let path = cache.path(Bucket::Pages, &key);
    let outside = dir.path().join("outside");
    fs::rename(&path, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    assert!(cache.read(Bucket::Pages, &key).is_none());
    assert!(outside.exists() && !path.exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_no_failure() {
    let (dir, _, key) = cache();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let cache = Cache::at(&file);
    cache.write(Bucket::Pages, &key, b"page");
    assert!(cache.read(Bucket::Pages, &key).is_none());
}

#[test]
fn size_prune_and_clean_see_entries_and_nothing_else() {
    let (_dir, cache, key) = cache();
    assert_eq!(cache.size().unwrap(), CacheSize::default());
    cache.write(Bucket::Pages, &key, b"page");
    cache.write(Bucket::Metadata, &key, b"metadata");
    fs::create_dir(cache.dir().join("pages-v0")).unwrap();
    fs::write(cache.dir().join("pages-v0/old"), "1234").unwrap();
    fs::write(cache.dir().join("mine"), "1234").unwrap();
    let all = CacheSize { entries: 3, bytes: 2 * HEAD as u64 + 4 + 8 + 4 };
    assert_eq!(cache.size().unwrap(), all);

    assert_eq!(cache.prune(Duration::from_secs(3600)).unwrap(), CacheSize::default());
    let old = SystemTime::now() - Duration::from_secs(7200);
    fs::File::options().write(true).open(cache.path(Bucket::Pages, &key)).unwrap().set_modified(old).unwrap();
    assert_eq!(cache.prune(Duration::from_secs(3600)).unwrap().entries, 1);

    assert_eq!(cache.clean().unwrap().entries, 2);
    assert_eq!(cache.size().unwrap(), CacheSize::default());
    assert!(cache.dir().join("mine").exists());
    assert!(cache.dir().join("CACHEDIR.TAG").exists());
}

#[test]
fn writers_of_one_entry_never_show_half_of_it() {
    let (_dir, cache, key) = cache();
    let versions = [vec![b'a'; 40_000], vec![b'b'; 70_000]];
    cache.write(Bucket::Pages, &key, &versions[0]);
    std::thread::scope(|scope| {
        for bytes in &versions {
            let cache = &cache;
            scope.spawn(move || (0..50).for_each(|_| cache.write(Bucket::Pages, &key, bytes)));
        }
        for _ in 0..200 {
            let seen = cache.read(Bucket::Pages, &key).unwrap();
            assert!(versions.iter().any(|bytes| **bytes == *seen));
        }
    });
}

#[test]
fn repositories_are_counted_and_removed_as_one_entry_each() {
    let (_dir, cache, key) = cache();
    cache.write(Bucket::Pages, &key, b"page");
    let repository = cache.repositories().join("0123");
    fs::create_dir_all(repository.join("objects")).unwrap();
    fs::write(repository.join("objects/pack"), [0; 1000]).unwrap();
    let size = cache.size().unwrap();
    assert_eq!(size.entries, 2);
    assert!(size.bytes > 1000, "{size:?}");
    assert_eq!(cache.clean().unwrap(), size);
    assert!(!repository.exists());
}
