use std::sync::Arc;

use super::*;
use crate::{LibraryFacts, Owner};

const SITE: &str = "/opt/venv/lib/python3.12/site-packages";
const BASE: &str = "/usr/lib/x86_64-linux-gnu";

/// A base with glibc, and packages on it.
struct Image(World);

impl Image {
    fn new(glibc: &str) -> Self {
        let mut world = World::new();
        let versions: Vec<String> = (17..=40).map(|minor| format!("GLIBC_2.{minor}")).collect();
        let upto = versions.iter().position(|version| *version == format!("GLIBC_{glibc}")).unwrap();
        let versions: Vec<&str> = versions[..=upto].iter().map(String::as_str).collect();
        let libc = LibraryFacts::sample("libc.so.6", &[]).providing(&versions);
        let libstdcxx = LibraryFacts::sample("libstdc++.so.6", &["libc.so.6"]).providing(&[
            "GLIBCXX_3.4.4",
            "GLIBCXX_3.4.30",
            "CXXABI_1.3.13",
        ]);
        world.add_symlink("/lib", "usr/lib");
        world.add_file(&format!("{BASE}/libc.so.6"), Owner::Base, Some(Arc::new(libc)));
        world.add_file(&format!("{BASE}/libstdc++.so.6"), Owner::Base, Some(Arc::new(libstdcxx)));
        Self(world)
    }

    fn add(&mut self, package: &str, path: &str, facts: LibraryFacts) -> &mut Self {
        self.0.add_file(&format!("{SITE}/{path}"), Owner::package(package), Some(Arc::new(facts)));
        self
    }

    fn report(&self) -> Report {
        check(&self.0, &Options { python: Some(12), ..Options::new(Machine::X86_64) })
    }

    /// The findings as they are shown, those that are no errors with what they are.
    fn findings(&self) -> Vec<String> {
        let shown = |finding: &Finding| match finding.severity {
            Severity::Error => finding.to_string(),
            severity => format!("{severity:?}: {finding}"),
        };
        self.report().findings.iter().map(shown).collect()
    }
}

fn needs(names: &[&str]) -> LibraryFacts {
    LibraryFacts::sample("", names)
}

const MODULE: &str = ".cpython-312-x86_64-linux-gnu.so";

#[test]
fn a_lacking_library_is_said_with_the_way_out() {
    let mut image = Image::new("2.36");
    image.add("opencv-python", "cv2/cv2.abi3.so", needs(&["libGL.so.1", "libc.so.6"]));
    let expected = "opencv-python: cv2/cv2.abi3.so needs libGL.so.1, which the base lacks: take opencv-python-headless, or \
                    add libgl1 to the base";
    assert_eq!(image.findings(), [expected]);
    assert!(image.report().has_errors());
    image.0.add_file(&format!("{BASE}/libGL.so.1"), Owner::Base, Some(Arc::new(needs(&[]))));
    assert!(image.findings().is_empty() && !image.report().has_errors());
}

#[test]
fn names_of_debian_packages_go_with_the_base() {
    for (release, words) in [
        ("ID=debian\nVERSION_ID=\"12\"\n", "add libglib2.0-0 to the base"),
        ("ID=debian\nVERSION_ID=\"13\"\n", "add libglib2.0-0t64 to the base"),
        ("ID=ubuntu\nVERSION_ID='24.04'\n", "add libglib2.0-0t64 to the base"),
        ("ID=ubuntu\nVERSION_ID=22.04\n", "add libglib2.0-0 to the base"),
        (
            "ID=mint\nID_LIKE=\"ubuntu debian\"\n",
            "add libglib2.0-0 (libglib2.0-0t64 from Debian 13 on) to the base",
        ),
        ("ID=rhel\n", "add to the base what Debian has in libglib2.0-0 (libglib2.0-0t64 from Debian 13 on)"),
    ] {
        let mut image = Image::new("2.36");
        image.0.add_text("/etc/os-release", release);
        image.add("demo", &format!("demo{MODULE}"), needs(&["libglib-2.0.so.0"]));
        let findings = image.findings();
        assert!(findings[0].ends_with(&format!("lacks: {words}")), "{findings:?}");
    }
}

#[test]
fn what_is_needed_by_what_is_needed_counts_for_the_import() {
    let mut image = Image::new("2.36");
    image
        .add(
            "demo",
            &format!("demo/a{MODULE}"),
            needs(&["libfirst-1.so"]).with_runpath(&["$ORIGIN/../demo.libs"]),
        )
        .add(
            "demo",
            &format!("demo/b{MODULE}"),
            needs(&["libfirst-1.so"]).with_runpath(&["$ORIGIN/../demo.libs"]),
        )
        .add("demo", "demo.libs/libfirst-1.so", needs(&["libodd.so.7", "libpython3.12.so.1.0"]));
    let report = image.report();
    let expected = "demo: demo/a.cpython-312-x86_64-linux-gnu.so and another need libodd.so.7 and libpython3.12.so.1.0, \
                    which the base lacks: add libpython3.12 to the base, and what has the others";
    assert_eq!(image.findings(), [expected]);
    assert_eq!(report.findings[0].libraries, [format!("{SITE}/demo.libs/libfirst-1.so")]);
    assert_eq!((report.roots, report.libraries, report.glibc.as_deref()), (2, 3, Some("2.36")));
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn versions_are_those_of_the_library_that_is_found() {
    let mut image = Image::new("2.31");
    let module = needs(&["libstdc++.so.6", "libc.so.6"])
        .requiring("libc.so.6", &["GLIBC_2.9", "GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.32"])
        .requiring("libstdc++.so.6", &["GLIBCXX_3.4.32", "GLIBCXX_3.4.30", "CXXABI_1.3.13"]);
    image.add("demo", &format!("demo{MODULE}"), module);
    let expected = [
        "demo: demo.cpython-312-x86_64-linux-gnu.so needs GLIBC_2.34 of libc.so.6, but that of the base has nothing newer \
         than GLIBC_2.31: take a base with glibc 2.34 or newer",
        "demo: demo.cpython-312-x86_64-linux-gnu.so needs GLIBCXX_3.4.32 of libstdc++.so.6, but that of the base has \
         nothing newer than GLIBCXX_3.4.30: take a base with the libraries of GCC 13.2 or newer",
    ];
    assert_eq!(image.findings(), expected);
    // A library without any version is only warned of by the loader.
    let bare = LibraryFacts::sample("libstdc++.so.6", &[]);
    image.0.add_file(&format!("{BASE}/libstdc++.so.6"), Owner::Base, Some(Arc::new(bare)));
    assert_eq!(image.findings(), expected[..1]);
}

#[test]
fn a_weak_version_may_lack() {
    let mut image = Image::new("2.31");
    let mut module = needs(&["libc.so.6"]).requiring("libc.so.6", &["GLIBC_2.34"]);
    module.requires[0].versions[0].weak = true;
    image.add("demo", &format!("demo{MODULE}"), module);
    assert!(image.findings().is_empty());
}

#[test]
fn the_driver_brings_its_libraries() {
    let mut image = Image::new("2.36");
    image.add(
        "torch",
        &format!("torch/_C{MODULE}"),
        needs(&["libcuda.so.1", "libnvidia-ml.so.1", "libcudart.so.13"]),
    );
    image.add("nvidia-cuda-runtime", "nvidia/cu13/lib/libcudart.so.13", needs(&[]));
    assert_eq!(image.report().from_driver, ["libcuda.so.1", "libnvidia-ml.so.1"]);
    let expected = "Note: torch: torch/_C.cpython-312-x86_64-linux-gnu.so needs libcudart.so.13 of nvidia-cuda-runtime, \
                    which has to be loaded first";
    assert_eq!(image.findings(), [expected]);
}

#[test]
fn what_another_package_has_is_no_proof_that_it_is_loaded() {
    let mut image = Image::new("2.36");
    image
        .add(
            "torch",
            &format!("torch/_C{MODULE}"),
            needs(&["libcupti.so.13", "libgomp.so.1", "libcudart.so.13"]),
        )
        .add("triton", "triton/lib/libcupti.so.13", needs(&[]))
        .add("other", "other/libgomp.so.1", needs(&[]))
        .add(
            "torchvision",
            "torchvision.libs/libcudart-1.so.13",
            LibraryFacts::sample("libcudart.so.13", &[]),
        );
    let expected = [
        "torch: torch/_C.cpython-312-x86_64-linux-gnu.so needs libcudart.so.13 and libgomp.so.1, which the base lacks: add \
         libgomp1 to the base, and what has the others",
        "Warning: torch: torch/_C.cpython-312-x86_64-linux-gnu.so needs libcupti.so.13 of triton, which has to be loaded \
         first",
    ];
    assert_eq!(image.findings(), expected);
    image.add("nvidia-cuda-cupti", "nvidia/cu13/lib/libcupti.so.13", needs(&[]));
    assert!(image.findings()[1].starts_with("Note: torch: "), "{:?}", image.findings());
}

#[test]
fn only_what_python_loads_can_fail() {
    let lacking = || needs(&["libnowhere.so.1"]);
    let named = |module: &str| LibraryFacts { modules: Some(vec![module.to_owned()]), ..lacking() };
    let unknown = || LibraryFacts { modules: None, ..lacking() };
    for (path, facts, role) in [
        ("demo.abi3.so", lacking(), "Error"),
        ("demo.cpython-312t-x86_64-linux-gnu.so", lacking(), "Error"),
        ("demo.so", named("demo"), "Error"),
        ("demo.so", unknown(), "Error"),
        ("libdemo.so", unknown(), "Note"),
        ("demo.so", named("other"), "Note"),
        ("plugin.so.3", lacking(), "Note"),
        ("demo.cpython-311-x86_64-linux-gnu.so", lacking(), "none"),
        ("demo.pypy310-pp73-x86_64-linux-gnu.so", lacking(), "none"),
    ] {
        let mut image = Image::new("2.36");
        image.add("demo", &format!("demo/{path}"), facts);
        image.0.add_file(&format!("{SITE}/demo/__init__.py"), Owner::package("demo"), None);
        let findings = image.report().findings;
        let found = findings.first().map_or("none".to_owned(), |finding| format!("{:?}", finding.severity));
        assert_eq!(found, role, "{path}");
    }
}

#[test]
fn another_machine_and_an_unreadable_file_are_said() {
    let mut image = Image::new("2.36");
    let aarch64 = LibraryFacts { machine: Machine::Aarch64, ..needs(&[]) };
    image.add("demo", &format!("demo{MODULE}"), aarch64.clone());
    let expected = "demo: demo.cpython-312-x86_64-linux-gnu.so is built for aarch64, and the image is for x86_64: take a \
                    wheel for x86_64";
    assert_eq!(image.findings(), [expected]);
    // A library for another machine that is none of Python's is carried along for other uses.
    let mut image = Image::new("2.36");
    image.add("debugpy", "debugpy/attach_linux_arm64.so", aarch64);
    let broken = LibraryFacts { fault: Some(crate::Fault::Outside), ..needs(&[]) };
    image.add("odd", "odd.abi3.so", broken);
    assert_eq!(
        image.findings(),
        ["Note: odd: odd.abi3.so cannot be judged: it refers to what is not in the file"]
    );
}

#[test]
fn an_executable_stack_fails_from_glibc_2_41_on() {
    let mut image = Image::new("2.40");
    let module = LibraryFacts { executable_stack: true, ..needs(&["libc.so.6"]) };
    image.add("ctranslate2", &format!("ctranslate2/_ext{MODULE}"), module);
    assert!(image.findings().is_empty());
    // The release counts, not the newest symbols.
    let libc = LibraryFacts { release: Some("2.41".to_owned()), ..LibraryFacts::sample("libc.so.6", &[]) };
    image.0.add_file(&format!("{BASE}/libc.so.6"), Owner::Base, Some(Arc::new(libc)));
    assert_eq!(glibc_of(&image.0, Machine::X86_64).as_deref(), Some("2.41"));
    assert_eq!(glibc_of(&image.0, Machine::Aarch64), None);
    let expected = "ctranslate2: ctranslate2/_ext.cpython-312-x86_64-linux-gnu.so needs an executable stack, which glibc \
                    2.41 refuses: take another release of ctranslate2, or a base with a glibc before 2.41, or set \
                    GLIBC_TUNABLES=glibc.rtld.execstack=2 in the image";
    assert_eq!(image.findings(), [expected]);
}

#[test]
fn what_is_optional_is_noted_and_one_of_several_is_enough() {
    let mut image = Image::new("2.36");
    image
        .add("numba", &format!("numba/np/ufunc/tbbpool{MODULE}"), needs(&["libtbb.so.12"]))
        .add("torchcodec", "torchcodec/libtorchcodec_core6.so", needs(&["libavutil.so.58", "libc10.so"]))
        .add(
            "torchcodec",
            "torchcodec/libtorchcodec_core7.so",
            needs(&["libavutil.so.59", "libavcodec.so.61"]),
        )
        .add("torch", "torch/lib/libc10.so", needs(&[]));
    let expected = [
        "Warning: torchcodec: torchcodec/libtorchcodec_core6.so and another, of which one has to load (the versions of \
         FFmpeg): lacking is libavutil.so.58: add ffmpeg to the base [torchcodec 0.17.0, _internally_replaced_utils.py, \
         read 2026-11-22]",
        "Note: numba: numba/np/ufunc/tbbpool.cpython-312-x86_64-linux-gnu.so needs libtbb.so.12, which the base lacks; \
         numba takes another threading layer [numba 0.68.1, np/ufunc/parallel.py, read 2026-11-22]",
    ];
    assert_eq!(image.findings(), expected);
    image.0.add_file(&format!("{BASE}/libavutil.so.58"), Owner::Base, Some(Arc::new(needs(&[]))));
    assert_eq!(image.findings(), expected[1..]);
}

#[test]
fn what_is_loaded_by_name_is_looked_for() {
    let mut image = Image::new("2.36");
    image.0.add_file(&format!("{SITE}/sounddevice.py"), Owner::package("sounddevice"), None);
    let expected = "sounddevice: it needs libportaudio.so.2, which the base lacks: add libportaudio2 to the base \
                    [sounddevice 0.5.6, sounddevice.py, read 2026-11-22]";
    assert_eq!(image.findings(), [expected]);
    image.0.add_file(&format!("{BASE}/libportaudio.so.2"), Owner::Base, Some(Arc::new(needs(&[]))));
    assert!(image.findings().is_empty());
    // No extension module, but its package loads it.
    image.add("lightgbm", "lightgbm/lib/lib_lightgbm.so", needs(&["libgomp.so.1"]));
    let expected = "lightgbm: lightgbm/lib/lib_lightgbm.so needs libgomp.so.1, which the base lacks: add libgomp1 to the base";
    assert_eq!(image.findings(), [expected]);
}

#[test]
fn what_the_program_has_loaded_is_there() {
    let mut image = Image::new("2.36");
    image.add("demo", &format!("demo{MODULE}"), needs(&["libpython3.12.so.1.0"]));
    let program = needs(&["libpython3.12.so.1.0"]).with_runpath(&["$ORIGIN/../lib"]);
    image.0.add_file("/opt/python/bin/python3.12", Owner::Base, Some(Arc::new(program)));
    image.0.add_symlink("/opt/venv/bin/python", "/opt/python/bin/python3.12");
    let library = LibraryFacts::sample("libpython3.12.so.1.0", &[]);
    image.0.add_file("/opt/python/lib/libpython3.12.so.1.0", Owner::Base, Some(Arc::new(library)));
    assert_eq!(image.findings().len(), 1);
    let interpreter = Some("/opt/venv/bin/python".to_owned());
    let report = check(&image.0, &Options { interpreter, ..Options::new(Machine::X86_64) });
    assert!(report.findings.is_empty(), "{report:?}");
}
