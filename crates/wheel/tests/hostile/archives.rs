//! W10 to W23: the framing of the archive, with the cases of the corpus that PyPI tests its own gate with, made anew.

use mlresolve_wheel::Limits;

use crate::raw::{
    FILE, Member, Zip, assert_refused, assert_taken, install_as, put16, put32, put64, wheel, with,
};

fn demo() -> Zip {
    with(Member::deflated("a.py", b"print(1)\nprint(1)\n"))
}

/// The demo with a change to the entry `a.py`.
fn changed(change: impl FnOnce(&mut Member)) -> Vec<u8> {
    let mut zip = demo();
    change(zip.member("a.py"));
    zip.build()
}

fn extra(id: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put16(&mut bytes, &[id, u16::try_from(data.len()).unwrap()]);
    bytes.extend(data);
    bytes
}

fn zip64(numbers: &[u64]) -> Vec<u8> {
    let mut data = Vec::new();
    put64(&mut data, numbers);
    extra(1, &data)
}

#[test]
fn w10_another_name_in_the_local_header() {
    assert_refused(
        changed(|member| member.local.name = Some(b"b.py".to_vec())),
        "entry \"a.py\" has another name in its local header than in the central directory",
    );
}

#[test]
fn w11_other_values_in_the_local_header() {
    assert_refused(changed(|member| member.local.crc32 = Some(1)), "has another CRC-32 in its local header");
    assert_refused(changed(|member| member.local.size = Some(1)), "has another size in its local header");
    assert_refused(
        changed(|member| member.local.compressed_size = Some(1)),
        "has another compressed size in its local header",
    );
    assert_refused(changed(|member| member.local.method = Some(0)), "another method of compression");
    assert_refused(changed(|member| member.local.flags = Some(1 << 11)), "another set of flags");
    assert_refused(changed(|member| member.local.flags = Some(1)), "another set of flags");
    assert_refused(changed(|member| member.local.flags = Some(8)), "another set of flags");
    assert_taken(changed(|member| member.local.flags = Some(2)));
}

#[test]
fn w12_entries_in_one_place_alone() {
    // cd_missing_entry
    assert_refused(changed(|member| member.in_directory = false), "that belong to no entry");
    let mut last = demo();
    last.members.push(Member::stored("b", b"hidden"));
    last.member("b").in_directory = false;
    assert_refused(last.build(), "that belong to no entry");
    // missing_local_file
    assert_refused(changed(|member| member.in_body = false), "entry \"a.py\" has ");
    let mut alone = demo();
    alone.members.push(Member::stored("b", b""));
    alone.member("b").in_body = false;
    assert_refused(alone.build(), "entry \"b\" has no local header where the central directory says");
    // cd_extra_entry
    let mut twice = demo();
    let mut extra = Member::deflated("a.py", b"print(1)\nprint(1)\n");
    (extra.in_body, extra.offset) = (false, Some(0));
    twice.members.push(extra);
    assert_refused(twice.build(), "is in the archive twice");
    assert_refused(changed(|member| member.offset = Some(0x7fff_ffff)), "that belong to no entry");
    assert_refused(changed(|member| member.offset = Some(u32::MAX)), "has a ZIP64 record that does not fit");
}

#[test]
fn w13_data_descriptors() {
    for (signature, wide) in [(true, false), (true, true), (false, false), (false, true)] {
        for lie in [0, 1] {
            let bytes = changed(|member| {
                member.flags = 8;
                (member.local.crc32, member.local.size, member.local.compressed_size) =
                    (Some(0), Some(0), Some(0));
                if signature {
                    member.behind.extend(b"PK\x07\x08");
                }
                put32(&mut member.behind, &[member.crc32 + lie]);
                if wide {
                    put64(&mut member.behind, &[member.compressed_size, member.size].map(u64::from));
                } else {
                    put32(&mut member.behind, &[member.compressed_size, member.size]);
                }
            });
            assert_refused(bytes, "entry \"a.py\" has a data descriptor");
        }
    }
    assert_refused(changed(|member| member.behind = b"PK\x07\x08".to_vec()), "4 bytes at offset");
}

#[test]
fn w14_bytes_in_front() {
    let mut zip = demo();
    zip.prefix = b"#!/bin/sh\n".to_vec();
    assert_refused(zip.build(), "central directory that is not where its end record says");
    let mut zip = demo();
    zip.members.insert(0, Member::stored("gap", b"MZ"));
    zip.members[0].in_directory = false;
    assert_refused(zip.build(), "bytes at offset 0 that belong to no entry");
}

#[test]
fn w15_bytes_behind_and_second_ends() {
    let mut zip = demo();
    zip.suffix = b"x".to_vec();
    assert_refused(zip.build(), "has data behind the end of the archive");
    zip.suffix = vec![0; 3];
    assert_refused(zip.build(), "has data behind the end of the archive");
    // suffix_not_comment: beyond where the end record may be.
    zip.suffix = vec![b'x'; 70_000];
    assert_refused(zip.build(), "has no end of central directory");
    // zipinzip, dupe_eocd
    let mut zip = demo();
    zip.comment = wheel(&[]).build();
    assert_refused(zip.build(), "central directory that is not where its end record says");
    let built = demo().build_with_places();
    let end = built.bytes[built.end..].to_vec();
    let twice = [built.bytes, end].concat();
    assert_refused(twice, "central directory that is not where its end record says");
    // 8bitcomment
    let mut zip = demo();
    for comment in ["é".as_bytes(), b"\x00", b"PK\x01\x02"] {
        zip.comment = comment.to_vec();
        assert_refused(zip.build(), "has a comment that is not printable ASCII");
    }
    zip.comment = b"made by hand\n".to_vec();
    assert_taken(zip.build());
}

#[test]
fn w15_an_end_record_that_counts_wrong() {
    let built = demo().build_with_places();
    let change = |at: usize, value: u8| {
        let mut bytes = built.bytes.clone();
        bytes[built.end + at] = value;
        bytes
    };
    let mut fewer = change(8, 3);
    fewer[built.end + 10] = 3;
    assert_refused(fewer, "has 3 entries in its central directory, and its end record says 3");
    let mut more = change(8, 5);
    more[built.end + 10] = 5;
    assert_refused(more, "has 4 entries in its central directory, and its end record says 5");
    assert_refused(change(8, 5), "is one part of a split archive");
    assert_refused(change(12, 0), "is not where its end record says");
    assert_refused(
        change(16, built.bytes[built.end + 16].wrapping_add(1)),
        "is not where its end record says",
    );
    assert_refused(change(20, 1), "has data behind the end of the archive, or a comment of another length");
}

#[test]
fn w16_zip64_end_records() {
    let mut zip = demo();
    zip.zip64 = true;
    assert_taken(zip.build());
    let built = zip.build_with_places();
    let change = |at: usize, bytes: &[u8]| {
        let mut changed = built.bytes.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let (end64, locator) = (built.end64, built.end64 + 56);
    // eocd64_locator_mismatch, eocd64_non_locator, eocd64_without_locator, zip64_eocd_extensible_data
    assert_refused(change(locator + 8, &[0; 8]), "the locator does not lead to the record in front of it");
    assert_refused(change(locator + 8, &[0xff; 8]), "the locator does not lead to the record in front of it");
    assert_refused(change(locator, b"PK\x09\x09"), "is not where its end record says");
    assert_refused(change(end64, b"PK\x09\x09"), "there is no end record where the locator leads");
    assert_refused(change(end64 + 4, &[45]), "the end record has extensible data");
    // zip64_eocd_confusion
    assert_refused(change(end64 + 48, &[1]), "the two end records differ");
    assert_refused(change(end64 + 24, &[9]), "is one part of a split archive");
    assert_refused(change(built.end + 10, &[9]), "is one part of a split archive");
    let without_locator = [&built.bytes[..locator], &built.bytes[built.end..]].concat();
    assert_refused(without_locator, "is not where its end record says");
    // eocd64_without_eocd
    assert_refused(built.bytes[..built.end].to_vec(), "has no end of central directory");
    let mut all_ones = change(built.end + 8, &[0xff; 12]);
    assert_taken(all_ones.clone());
    all_ones[end64 + 24..end64 + 40].fill(0xff);
    assert_refused(all_ones, "is over the limit of 100000 (entries)");
}

#[test]
fn w17_extra_records() {
    // extra3byte, shortextra
    assert_refused(changed(|member| member.extra = b"abc".to_vec()), "has a malformed extra field");
    assert_refused(changed(|member| member.extra = b"ab\x09\x00x".to_vec()), "has a malformed extra field");
    assert_refused(
        changed(|member| member.local.extra = Some(b"abc".to_vec())),
        "has a malformed extra field",
    );
    let path = |name: &[u8]| extra(0x7075, &[b"\x01\0\0\0\0", name].concat());
    assert_taken(changed(|member| member.extra = path(b"a.py")));
    assert_refused(
        changed(|member| member.extra = path(b"b.py")),
        "has another name in its Unicode path record",
    );
    assert_refused(
        changed(|member| member.extra = extra(0x7075, b"\x01")),
        "another name in its Unicode path",
    );
    assert_refused(
        changed(|member| member.local.extra = Some(path(b"../x"))),
        "another name in its Unicode path",
    );
    // second_unicode_extra, unicode_extra_chain
    let twice = path(b"a.py").repeat(2);
    assert_refused(changed(|member| member.extra = twice), "has the extra record 0x7075 twice");
    let twice = zip64(&[]).repeat(2);
    assert_refused(changed(|member| member.extra = twice), "has the extra record 0x0001 twice");
}

#[test]
fn w17_zip64_records_of_entries() {
    let sizes = |member: &Member| [u64::from(member.size), u64::from(member.compressed_size)];
    let both = |member: &mut Member, numbers: &[u64]| {
        (member.size, member.compressed_size) = (u32::MAX, u32::MAX);
        member.extra = zip64(numbers);
    };
    assert_taken(changed(|member| both(member, &sizes(member))));
    // The sizes in both places, as old versions of Python wrote them.
    assert_taken(changed(|member| member.local.extra = Some(zip64(&sizes(member)))));
    let reason = "has a ZIP64 record that does not fit its header";
    // zip64_extra_too_short, zip64_extra_too_long, zip64_extra_csize, zip64_extra_usize
    assert_refused(changed(|member| both(member, &sizes(member)[..1])), reason);
    assert_refused(changed(|member| both(member, &[sizes(member).as_slice(), &[0]].concat())), reason);
    assert_refused(changed(|member| member.extra = zip64(&sizes(member))), reason);
    assert_refused(changed(|member| member.size = u32::MAX), reason);
    assert_refused(
        changed(|member| {
            let [size, compressed] = sizes(member);
            both(member, &[size, compressed]);
            member.local.extra = Some(zip64(&[size, compressed + 1]));
        }),
        "has another compressed size in its local header",
    );
    assert_refused(
        changed(|member| member.local.extra = Some(zip64(&[1, 1]))),
        "has another size in its local header",
    );
    assert_refused(changed(|member| member.local.extra = Some(zip64(&[1]))), reason);
}

#[test]
fn w18_overlapping_entries() {
    let mut shared = demo();
    let mut second = shared.member("a.py").clone();
    (second.name, second.in_body, second.offset) = (b"b.py".to_vec(), false, Some(0));
    shared.members.push(second);
    assert_refused(shared.build(), "\"b.py\" overlaps what comes after it");
    // The first takes the second's header for data.
    let mut zip = demo();
    let second = Member::stored("b", b"y");
    let member = zip.member("a.py");
    member.data = b"x".to_vec();
    (member.method, member.size, member.compressed_size) = (0, 60, 60);
    zip.members.insert(1, second);
    assert_refused(zip.build(), "overlaps what comes after it");
}

#[test]
fn w19_a_bomb_of_200_mebibytes_is_not_inflated() {
    let zip = with(Member::deflated("bomb", &vec![0; 200 << 20]));
    assert!(zip.member_size() < 2_000_000);
    let started = std::time::Instant::now();
    assert_refused(zip.build(), "is over the limit of 50 times (compression ratio)");
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn w19_a_bomb_that_lies_is_stopped_at_its_word() {
    let mut zip = with(Member::deflated("bomb", &vec![0; 8 << 20]));
    let member = zip.member("bomb");
    (member.size, member.crc32) = (9, crc32fast::hash(&[0; 9]));
    let record = crate::raw::row("bomb", &[0; 9]) + "demo-1.0.dist-info/RECORD,,\n";
    let record = record + &crate::raw::row("demo-1.0.dist-info/METADATA", METADATA);
    let record = record + &crate::raw::row("demo-1.0.dist-info/WHEEL", WHEEL);
    zip.members.retain(|member| !member.name.ends_with(b"/RECORD"));
    zip.members.push(Member::stored("demo-1.0.dist-info/RECORD", record.as_bytes()));
    assert_refused(zip.build(), "entry \"bomb\" inflates to more than the 9 bytes that it says");
}

const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
const WHEEL: &[u8] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n";

#[test]
fn w19_sizes_beyond_everything() {
    let huge = |size: u64| {
        changed(|member| {
            let compressed = u64::from(member.compressed_size);
            (member.size, member.compressed_size) = (u32::MAX, u32::MAX);
            member.extra = zip64(&[size, compressed]);
        })
    };
    assert_refused(huge(1 << 63), "is over the limit of 34359738368 (unpacked size)");
    assert_refused(huge(u64::MAX), "is over the limit of 34359738368 (unpacked size)");
    assert_refused(huge(1 << 30), "(compression ratio)");
    // short_usize
    assert_refused(
        changed(|member| member.size = 51),
        "lists \"a.py\" in RECORD with 18 bytes, and it has 51",
    );
}

#[test]
fn w19_many_entries() {
    let few = Limits { entries: 10, ..Limits::default() };
    let names: Vec<String> = (0..10).map(|at| format!("f{at}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let error = install_as(wheel(&files).build(), FILE, &few).unwrap_err();
    assert!(error.ends_with("has 13 entries and is over the limit of 10 (entries)"), "{error}");
    let small = Limits { directory: 100, ..Limits::default() };
    let error = install_as(demo().build(), FILE, &small).unwrap_err();
    assert!(error.ends_with("over the limit of 100 (central directory)"), "{error}");
}

#[test]
fn w20_encryption_and_other_methods() {
    for flags in [1, 1 | 1 << 6, 1 << 13] {
        assert_refused(changed(|member| member.flags = flags), "is encrypted");
    }
    for (method, flags) in [(12, 0), (14, 0), (93, 0), (9, 0), (1, 0), (95, 0)] {
        let bytes = changed(|member| (member.method, member.flags) = (method, flags));
        assert_refused(bytes, &format!("is compressed by method {method}"));
    }
    assert_refused(changed(|member| member.flags = 1 << 5), "has the flags 0x0020");
}

#[test]
fn w21_split_archives() {
    assert_refused(changed(|member| member.disk = 1), "is on another part of a split archive");
    let built = demo().build_with_places();
    for at in [4, 6] {
        let mut bytes = built.bytes.clone();
        bytes[built.end + at] = 1;
        assert_refused(bytes, "is one part of a split archive");
    }
}

#[test]
fn w22_comments_of_entries() {
    assert_refused(
        changed(|member| member.comment = b"x".to_vec()),
        "has a comment in the central directory",
    );
}

#[test]
fn w22_what_is_no_archive_or_cut_short() {
    for bytes in [b"".as_slice(), b"PK", b"not a zip", b"PK\x05\x06"] {
        assert_refused(bytes.to_vec(), "has no end of central directory");
    }
    let whole = demo().build();
    for length in 0..whole.len() {
        assert!(crate::raw::install(whole[..length].to_vec()).is_err(), "cut to {length}");
        assert!(crate::raw::install(whole[length + 1..].to_vec()).is_err(), "starts behind {length}");
    }
    let empty = Zip::default().build();
    assert_refused(empty, "has no .dist-info folder");
}

#[test]
fn w22_streams_that_end_early_or_late() {
    assert_refused(
        changed(|member| {
            member.data.extend(b"more");
            member.compressed_size += 4;
        }),
        "has 4 bytes behind the end of its deflate stream",
    );
    assert_refused(
        changed(|member| {
            member.data.pop();
            member.compressed_size -= 1;
        }),
        "has data that cannot be inflated",
    );
    assert_refused(changed(|member| member.data.fill(0xff)), "has data that cannot be inflated");
    assert_refused(changed(|member| member.crc32 = 7), "has content with another CRC-32");
    let mut stored = with(Member::stored("s", b"abc"));
    stored.member("s").size = 2;
    assert_refused(stored.build(), "is stored as it is, and its two sizes differ");
}

#[test]
fn w23_two_kinds_of_archive_in_one() {
    let gzip = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &demo().build()].concat();
    assert_refused(gzip, "is not where its end record says");
    let mut zip = demo();
    zip.before_directory = vec![0; 1024];
    assert_refused(zip.build(), "has 1024 bytes at offset");
}

impl Zip {
    fn member_size(&self) -> usize {
        self.members.iter().map(|member| member.data.len()).sum()
    }
}
