use super::*;
use crate::{Glibc, MacOsVersion, Target};

fn tags(python: &str, platform: Platform) -> Tags {
    Target::new("t", python.parse().unwrap(), platform).unwrap().tags()
}

fn linux_with(glibc: &str) -> Tags {
    let target = Target::new("t", "3.12".parse().unwrap(), Platform::LinuxX86_64).unwrap();
    target.with_glibc(glibc.parse().unwrap()).unwrap().tags()
}

fn parts(tag: &str) -> [Vec<&str>; 3] {
    let parts: Vec<&str> = tag.split('-').collect();
    let [python, abi, platform] = parts[..] else { panic!("{tag} has three parts") };
    [python, abi, platform].map(|part| part.split('.').collect())
}

fn priority(tags: &Tags, tag: &str) -> Option<u32> {
    let [pythons, abis, platforms] = parts(tag);
    tags.set_priority(&pythons, &abis, &platforms)
}

fn mismatch(tags: &Tags, tag: &str) -> Option<Mismatch> {
    let [pythons, abis, platforms] = parts(tag);
    tags.explain_set(&pythons, &abis, &platforms)
}

#[test]
fn the_rank_of_each_tag_is_its_place_in_the_list() {
    for tags in [tags("3.12", Platform::LinuxX86_64), tags("3.13t", Platform::MacOsArm64)] {
        let mut count = 0;
        for (place, tag) in tags.iter().enumerate() {
            let rank = tags.set_priority(&[tag.python], &[tag.abi], &[tag.platform]);
            assert_eq!(rank, Some(place as u32), "{tag}");
            count += 1;
        }
        assert!(count > 500);
    }
}

#[test]
fn a_compressed_set_has_the_rank_of_its_best_tag() {
    let tags = tags("3.12", Platform::LinuxX86_64);
    let best = priority(&tags, "cp312-cp312-manylinux_2_28_x86_64").unwrap();
    assert_eq!(priority(&tags, "cp311.cp312-cp312-manylinux_2_17_x86_64.manylinux_2_28_x86_64"), Some(best));
    assert!(priority(&tags, "cp312-cp312-manylinux2014_x86_64").unwrap() > best);
    assert!(priority(&tags, "py2.py3-none-any") > priority(&tags, "py3-none-manylinux1_x86_64"));
    assert_eq!(priority(&tags, "py2.py3-none-any"), priority(&tags, "py3-none-any"));
}

#[test]
fn a_wheel_for_plain_linux_is_accepted() {
    let tags = tags("3.12", Platform::LinuxX86_64);
    assert_eq!(priority(&tags, "cp312-cp312-linux_x86_64"), Some(0));
    assert_eq!(priority(&tags, "cp312-cp312-linux_aarch64"), None);
}

#[test]
fn nothing_of_an_empty_or_odd_set_fits() {
    let tags = tags("3.12", Platform::LinuxX86_64);
    let none: [&str; 0] = [];
    assert_eq!(tags.set_priority(&none, &none, &none), None);
    assert_eq!(tags.explain_set(&none, &none, &none), Some(Mismatch::Platform(String::new())));
    assert_eq!(priority(&tags, "cp312-cp312-any"), None);
    assert_eq!(priority(&tags, "--"), None);
    assert_eq!(priority(&tags, "CP312-CP312-linux_x86_64"), None);
}

#[test]
fn the_explanation_names_the_part_that_does_not_fit() {
    let linux = linux_with("2.28");
    let python = |text: &str| Some(Mismatch::Python(text.to_owned()));
    let abi = |text: &str| Some(Mismatch::Abi(text.to_owned()));
    let platform = |text: &str| Some(Mismatch::Platform(text.to_owned()));
    let glibc = |minor| Some(Mismatch::Glibc(Glibc { major: 2, minor }));

    assert_eq!(mismatch(&linux, "cp312-cp312-manylinux_2_28_x86_64"), None);
    assert_eq!(mismatch(&linux, "cp39-abi3-manylinux_2_28_x86_64"), None);
    assert_eq!(mismatch(&linux, "cp39-cp39-manylinux_2_28_x86_64"), python("cp39"));
    assert_eq!(mismatch(&linux, "cp310.cp311-none-any"), python("cp310.cp311"));
    assert_eq!(mismatch(&linux, "cp313-abi3-manylinux_2_28_x86_64"), python("cp313"));
    assert_eq!(mismatch(&linux, "py2-none-any"), python("py2"));
    assert_eq!(mismatch(&linux, "cp312-cp312t-manylinux_2_28_x86_64"), abi("cp312t"));
    assert_eq!(mismatch(&linux, "cp39-cp39-win_amd64"), platform("win_amd64"));
    assert_eq!(mismatch(&linux, "cp312-cp312-musllinux_1_2_x86_64"), platform("musllinux_1_2_x86_64"));
    assert_eq!(mismatch(&linux, "cp312-cp312-manylinux_2_39_aarch64"), platform("manylinux_2_39_aarch64"));
    assert_eq!(mismatch(&linux, "cp312-cp312-manylinux_2_39_x86_64.manylinux_2_35_x86_64"), glibc(35));
    assert_eq!(mismatch(&linux_with("2.12"), "cp312-cp312-manylinux2014_x86_64"), glibc(17));

    let free_threaded = tags("3.13t", Platform::LinuxX86_64);
    assert_eq!(mismatch(&free_threaded, "cp39-abi3-manylinux_2_28_x86_64"), abi("abi3"));
    assert_eq!(mismatch(&free_threaded, "cp313-cp313-manylinux_2_28_x86_64"), abi("cp313"));

    let mac = tags("3.12", Platform::MacOsArm64);
    assert_eq!(
        mismatch(&mac, "cp312-cp312-macosx_15_0_arm64"),
        Some(Mismatch::MacOs(MacOsVersion { major: 15, minor: 0 }))
    );
    assert_eq!(mismatch(&mac, "cp312-cp312-macosx_10_9_x86_64"), platform("macosx_10_9_x86_64"));
}

#[test]
fn a_wheel_is_asked_about_by_its_filename() {
    let tags = tags("3.12", Platform::LinuxX86_64);
    let wheel = |name: &str| name.parse::<WheelFilename>().unwrap();
    let usable = wheel("torch-2.9.1+cu128-cp312-cp312-manylinux_2_28_x86_64.whl");
    assert_eq!((tags.priority(&usable), tags.explain(&usable)), (Some(1), None));
    let other = wheel("torch-2.9.1-cp312-none-macosx_11_0_arm64.whl");
    assert_eq!(tags.priority(&other), None);
    assert_eq!(tags.explain(&other), Some(Mismatch::Platform("macosx_11_0_arm64".to_owned())));
}

#[test]
fn a_mismatch_reads_as_the_end_of_a_sentence() {
    let texts = [
        (Mismatch::Python("cp39".to_owned()), "is for the interpreter cp39"),
        (Mismatch::Abi("cp312t".to_owned()), "is for the binary interface cp312t"),
        (Mismatch::Platform("win_amd64".to_owned()), "is for the platform win_amd64"),
        (Mismatch::Glibc(Glibc { major: 2, minor: 39 }), "needs glibc 2.39 or newer"),
        (Mismatch::MacOs(MacOsVersion { major: 15, minor: 0 }), "needs macOS 15.0 or newer"),
    ];
    for (mismatch, text) in texts {
        assert_eq!(mismatch.to_string(), text);
    }
}
