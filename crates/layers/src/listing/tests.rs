//! Layers as engines write them, and stacks of them.

use std::io::Cursor;

use super::*;

/// An archive of entries written as text: `path/`, `path=content`, `path -> target`, `path == target` for a hard link,
/// `path !` for a device.
fn archive(lines: &[&str]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for line in lines {
        let mut header = ::tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(7);
        header.set_gid(0);
        header.set_size(0);
        let mut set = |path: &str, kind: u8, target: &str, content: &str| {
            // Written without the crate's own checks.
            if path.len() > 100 {
                let mut long = ::tar::Header::new_gnu();
                long.as_mut_bytes()[156] = b'L';
                long.set_size(path.len() as u64);
                long.set_cksum();
                builder.append(&long, path.as_bytes()).unwrap();
            } else {
                header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            }
            header.as_mut_bytes()[156] = kind;
            header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        };
        if let Some((path, target)) = line.split_once(" -> ") {
            set(path, b'2', target, "");
        } else if let Some((path, target)) = line.split_once(" == ") {
            set(path, b'1', target, "");
        } else if let Some((path, content)) = line.split_once('=') {
            set(path, b'0', "", content);
        } else if let Some(path) = line.strip_suffix(" !") {
            set(path, b'3', "", "");
        } else {
            set(line, b'5', "", "");
        }
    }
    builder.into_inner().unwrap()
}

/// Notes what is in every file.
fn try_list(lines: &[&str]) -> Result<LayerListing, ListingError> {
    list_layer(Cursor::new(archive(lines)), &mut |_, size, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        assert_eq!(bytes.len() as u64, size);
        Ok(Some(bytes))
    })
}

fn list(lines: &[&str]) -> LayerListing {
    try_list(lines).unwrap()
}

fn tree(layers: &[&[&str]]) -> FileTree {
    let listings: Vec<LayerListing> = layers.iter().map(|lines| list(lines)).collect();
    FileTree::of(&listings).unwrap()
}

fn tree_error(layers: &[&[&str]]) -> String {
    let listings: Vec<LayerListing> = layers.iter().map(|lines| list(lines)).collect();
    FileTree::of(&listings).unwrap_err().to_string()
}

fn shown(tree: &FileTree) -> Vec<String> {
    let line = |(path, entry): (String, &TreeEntry)| match &entry.kind {
        EntryKind::File { note, .. } => {
            format!("{path}={}", String::from_utf8_lossy(note.as_deref().unwrap_or_default()))
        }
        EntryKind::Directory => format!("{path}/"),
        EntryKind::Symlink { target } => format!("{path} -> {target}"),
        EntryKind::Special => format!("{path} !"),
    };
    tree.iter().map(line).collect()
}

#[test]
fn a_layer_is_listed_as_it_is() {
    let listing = list(&[
        "./",
        "./etc/",
        "etc/passwd=root",
        "/bin -> usr/bin",
        "a/../etc/shadow == ./etc/passwd",
        "dev/null !",
    ]);
    let shown: Vec<_> = listing.entries.iter().map(|entry| (entry.path.as_str(), entry.user)).collect();
    assert_eq!(
        shown,
        [("", 7), ("etc", 7), ("etc/passwd", 7), ("bin", 7), ("etc/shadow", 7), ("dev/null", 7)]
    );
    assert_eq!(listing.entries[4].kind, ListedKind::HardLink { target: "etc/passwd".to_owned() });
    // What is kept is read again as the same.
    let text = serde_json::to_string(&listing).unwrap();
    assert!(text.contains(r#""note":"cm9vdA==""#), "{text}");
    assert_eq!(serde_json::from_str::<LayerListing>(&text).unwrap(), listing);
}

#[test]
fn files_that_nobody_looks_into_are_passed_over() {
    let archive = archive(&["a=hello", "b=world", "c=!"]);
    let mut seen = Vec::new();
    let listing = list_layer(&archive[..], &mut |path, _, content| {
        seen.push(path.to_owned());
        let mut first = [0];
        if path == "b" {
            content.read_exact(&mut first)?;
        }
        Ok((path == "b").then(|| first.to_vec()))
    });
    assert_eq!(seen, ["a", "b", "c"]);
    let notes: Vec<_> = listing.unwrap().entries.into_iter().map(|entry| entry.kind).collect();
    let file =
        |size, note: Option<&[u8]>| ListedKind::File { size, note: note.map(|note| note.to_vec().into()) };
    assert_eq!(notes, [file(5, None), file(5, Some(b"w")), file(1, None)]);
    let failing = list_layer(&archive[..], &mut |_, _, _| Err(io::ErrorKind::InvalidData.into()));
    assert!(failing.unwrap_err().to_string().starts_with("cannot read \"a\": "));
}

#[test]
fn hostile_names() {
    let long_name = format!("{}=", "n".repeat(256));
    let long_path = format!("{}n=", "n/".repeat(2048));
    for (line, problem) in [
        ("../etc/passwd=x", "leads out"),
        ("a/../../b=x", "leads out"),
        ("a == ../../etc/shadow", "leads out"),
        ("=x", "the name is empty"),
        ("/=x", "it is the root"),
        ("./ -> /tmp", "it is the root"),
        ("a -> ", "a link to nothing"),
        ("a/.wh.=", "removes nothing"),
        ("a/.wh..=", "removes nothing"),
        ("a/.wh...=", "removes nothing"),
        (&long_name, "NAME_BYTES_LIMIT"),
        (&long_path, "PATH_BYTES_LIMIT"),
    ] {
        let error = try_list(&[line]).unwrap_err().to_string();
        assert!(error.contains(problem), "{line}: {error}");
    }
    // Engines take these.
    let odd = list(&["a\nb=x", "/../c=y", "d\u{1b}[31m -> ../../../e"]);
    let paths: Vec<_> = odd.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["a\nb", "c", "d\u{1b}[31m"]);
}

#[test]
fn notes_have_a_limit() {
    let archive = archive(&["a=", "b=", "c="]);
    let result = list_layer(&archive[..], &mut |_, _, _| Ok(Some(vec![0; NOTES_BYTES_LIMIT / 2])));
    assert!(matches!(result, Err(ListingError::Notes { path }) if path == "c"));
}

#[test]
fn an_archive_that_is_cut_off() {
    let whole = archive(&["a=hello"]);
    let read = |bytes: &[u8]| list_layer(bytes, &mut |_, _, _| Ok(None)).map(|listing| listing.entries.len());
    assert!(matches!(read(&whole), Ok(1)));
    assert!(matches!(read(&whole[..600]), Err(ListingError::Archive(TarError::Cut { at: 600 }))));
}

#[test]
fn whiteouts_remove_from_lower_layers_alone() {
    let tree = tree(&[
        &["etc/", "etc/a=1", "etc/b=1", "opt/x/y/z=1", "srv/keep=1", "srv/gone=1"],
        // Before and after what the layer itself has.
        &[
            "etc/b=2",
            "etc/.wh.a=",
            "etc/.wh.b=",
            "opt/x/new=2",
            "opt/x/.wh..wh..opq=",
            ".wh..wh.plnk/",
            "srv/.wh.gone=",
            "srv/.wh.never=",
            ".wh.nothing=",
        ],
    ]);
    assert_eq!(shown(&tree), ["etc/", "etc/b=2", "opt/", "opt/x/", "opt/x/new=2", "srv/", "srv/keep=1"]);
    assert_eq!(tree.get("etc/b").unwrap().layer, 1);
    assert_eq!(tree.get("srv/keep").unwrap().layer, 0);
}

#[test]
fn an_opaque_root_hides_all() {
    assert_eq!(shown(&tree(&[&["a=1", "b/c=1"], &["d=2", ".wh..wh..opq="]])), ["d=2"]);
}

#[test]
fn what_takes_the_place_of_what() {
    let stack = tree(&[&["a/b=1", "c=1", "d/e=1", "f -> d"], &["a=2", "c/", "d/", "f/", "f/g=2"]]);
    assert_eq!(shown(&stack), ["a=2", "c/", "d/", "d/e=1", "f/", "f/g=2"]);
    // Within one layer, what comes last counts.
    assert_eq!(shown(&tree(&[&["a=1", "a=2", "b/c=1", "b -> a"]])), ["a=2", "b -> a"]);
}

#[test]
fn hard_links_are_what_they_name() {
    let stack = tree(&[&["a=text", "link -> a"], &["b == a", "c == /b", "soft == link"], &[".wh.a="]]);
    assert_eq!(shown(&stack), ["b=text", "c=text", "link -> a", "soft -> a"]);
    for (lines, path) in [
        (&["a == nothing"][..], "a"),
        (&["d/", "a == d"], "a"),
        (&["a=1", "a == a"], "a"),
        (&["a == b", "b == a"], "a"),
    ] {
        assert_eq!(
            tree_error(&[&["below=1"], lines]),
            format!(
                "{path:?} in layer 2 cannot be unpacked by container engines: it is a hard link to no file that is there"
            )
        );
    }
}

#[test]
fn entries_go_where_the_links_above_them_lead() {
    let stack = tree(&[
        &["usr/lib/", "lib -> usr/lib", "abs -> /usr", "up -> ../../usr", "dangling -> made/here"],
        &["lib/a=1", "abs/lib/b=1", "up/lib/c=1", "dangling/d=1"],
        &["lib/.wh.a="],
    ]);
    assert_eq!(
        shown(&stack),
        [
            "abs -> /usr",
            "dangling -> made/here",
            "lib -> usr/lib",
            "made/",
            "made/here/",
            "made/here/d=1",
            "up -> ../../usr",
            "usr/",
            "usr/lib/",
            "usr/lib/b=1",
            "usr/lib/c=1",
        ]
    );
    let text = "cannot be unpacked by container engines";
    assert!(tree_error(&[&["a -> b", "b -> a"], &["a/c=1"]]).contains("LINKS_LIMIT = 40"));
    assert_eq!(
        tree_error(&[&["a=1"], &["a/c=1"]]),
        format!("\"a/c\" in layer 2 {text}: what should be a directory above it is none")
    );
}

#[test]
fn paths_are_resolved_as_in_a_container() {
    let tree = tree(&[&[
        "usr/bin/python3.12=py",
        "usr/bin/python3 -> python3.12",
        "usr/local/bin/python -> /usr/bin/python3",
        "bin -> usr/bin",
        "out -> ../../../../usr/bin/python3",
        "loop -> loop",
        "a -> b",
        "b -> ./a",
        "nowhere -> /not/there",
        "etc/file=x",
    ]]);
    let real = |path: &str| tree.resolve(path).map(|found| found.map(|(path, _)| path));
    for (path, found) in [
        ("/usr/local/bin/python", Some("usr/bin/python3.12")),
        ("bin/python3", Some("usr/bin/python3.12")),
        ("bin/../local/bin/python", Some("usr/bin/python3.12")),
        ("out", Some("usr/bin/python3.12")),
        ("/../../bin", Some("usr/bin")),
        ("", Some("")),
        ("/", Some("")),
        ("nowhere", None),
        ("etc/file/below", None),
        ("etc/file/..", None),
        ("not/../etc", None),
    ] {
        assert_eq!(real(path), Ok(found.map(str::to_owned)), "{path}");
    }
    for path in ["loop", "a", "/b", "loop/below"] {
        assert_eq!(real(path), Err(ResolveError { path: path.to_owned() }));
    }
    assert_eq!(tree.get("bin").unwrap().kind, EntryKind::Symlink { target: "usr/bin".to_owned() });
    assert!(tree.get("bin/python3").is_none());
    let names: Vec<_> = tree.children("/usr/bin").map(|(name, _)| name).collect();
    assert_eq!(names, ["python3", "python3.12"]);
    assert_eq!(tree.children("etc/file").count() + tree.children("no").count(), 0);
}

#[test]
fn forty_links_and_no_more() {
    let chain = |length: usize| {
        let mut lines: Vec<String> = (0..length).map(|at| format!("l{at} -> l{}", at + 1)).collect();
        lines.push(format!("l{length}=end"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        tree(&[&lines]).resolve("l0").map(|found| found.map(|(path, _)| path))
    };
    assert_eq!(chain(40), Ok(Some("l40".to_owned())));
    assert!(chain(41).is_err());
}

#[test]
fn a_path_of_two_thousand_directories() {
    let path = "d/".repeat(2000) + "f";
    let tree = tree(&[&[&format!("{path}=x")]]);
    assert_eq!(tree.iter().count(), 2001);
    assert_eq!(tree.resolve(&path).unwrap().unwrap().0, path);
}
