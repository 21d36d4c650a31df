//! Images whose libraries would not load on their base, and interpreters that are brought along.

use insta::assert_snapshot;
use mlresolve_testkit::elf::Sample;
use mlresolve_testkit::{IndexServer, Universe, WheelBuilder, executable_tar_gz, sha256_hex};

use crate::bases::{BaseFile, layers, noise, python, python_and, read, report, write_base};
use crate::support::Project;

const LIBC: &str = "usr/lib/x86_64-linux-gnu/libc.so.6";

/// A wheel with an extension module that needs these libraries.
fn extension(name: &str, tag: &str, needed: &[&'static str]) -> WheelBuilder {
    let needed = [needed, &["libc.so.6"]].concat();
    let module = Sample { soname: None, symbols: vec!["PyInit_core"], ..Sample::library("", &needed) };
    WheelBuilder::new(name, "1.0")
        .tag(tag)
        .file(&format!("{name}/__init__.py"), "")
        .file(&format!("{name}/core.cpython-312-x86_64-linux-gnu.so"), module.bytes())
}

const TAG: &str = "cp312-cp312-manylinux_2_17_x86_64";

/// A project with a lock of these.
fn locked(wheels: Vec<(&str, WheelBuilder)>, options: &str) -> Project {
    let mut universe = Universe::new();
    let mut requirements = String::new();
    for (name, wheel) in wheels {
        universe = universe.distribution(name, wheel.build());
        requirements += &format!("{name}\n");
    }
    let project = Project::beside(IndexServer::start(universe));
    project.write("requirements.txt", &requirements).run(&format!("lock {options}")).success();
    project
}

/// A base with Python and a glibc.
fn with_glibc(release: &str, provides: &[&'static str]) -> Vec<BaseFile> {
    python_and(LIBC, Sample::libc(release, provides))
}

const DEBIAN: [&str; 3] = ["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.36"];

#[test]
fn a_library_that_is_missing_keeps_an_image_from_being_written() {
    let project = locked(vec![("graphics", extension("graphics", TAG, &["libGL.so.1"]))], "");
    write_base(&project.path("base"), &with_glibc("2.36", &DEBIAN));
    let run = project.run("build --base base");
    assert_eq!(run.code(), 4);
    assert_snapshot!(run.snapshot(), @"
    exit code 4
    --- stderr
    error: graphics: graphics/core.cpython-312-x86_64-linux-gnu.so needs libGL.so.1, which the base lacks: add libgl1 to the base
    hint: nothing was written; --allow-missing LIBRARY lets a library be missing, where the code that needs it is never imported
    ");
    assert!(!project.path("image/index.json").exists());
    let told = project.run("build --base base --json");
    assert!(told.code() == 4 && told.stdout().contains("\"kind\":\"does-not-load\""), "{}", told.snapshot());
    // What is allowed is another one.
    assert_eq!(project.run("build --base base --allow-missing libX11.so.6").code(), 4);
    for allowed in ["libGL.so.1", "libX11.so.6,libGL.so.1", ":all:"] {
        let run = project.run(&format!("build --base base --allow-missing {allowed} -o allowed"));
        assert_eq!(run.code(), 0, "{}", run.snapshot());
        assert!(run.stderr().contains("needs libGL.so.1, which the base lacks"), "{}", run.snapshot());
        read(&project.path("allowed"));
        std::fs::remove_dir_all(project.path("allowed")).unwrap();
    }
    let report = report(project.run("build --base base --allow-missing libGL.so.1 --json"));
    let findings = serde_json::to_string_pretty(&report["targets"][0]["findings"]).unwrap();
    assert_snapshot!(findings, @r#"
    [
      {
        "fixes": [
          "add libgl1 to the base"
        ],
        "imports": [
          "/opt/venv/lib/python3.12/site-packages/graphics/core.cpython-312-x86_64-linux-gnu.so"
        ],
        "libraries": [
          "/opt/venv/lib/python3.12/site-packages/graphics/core.cpython-312-x86_64-linux-gnu.so"
        ],
        "owner": {
          "package": "graphics"
        },
        "problem": {
          "missing": {
            "names": [
              "libGL.so.1"
            ]
          }
        },
        "severity": "error",
        "source": null
      }
    ]
    "#);
    // With the library in the base nothing is missing.
    let library = Sample::library("libGL.so.1", &["libc.so.6"]).bytes();
    let mut files = with_glibc("2.36", &DEBIAN);
    files.push(("usr/lib/x86_64-linux-gnu/libGL.so.1".to_owned(), library));
    write_base(&project.path("whole"), &files);
    project.run("build --base whole -o whole-image").success();
}

#[test]
fn a_base_needs_the_glibc_of_the_lock() {
    let wheel = || extension("modern", "cp312-cp312-manylinux_2_34_x86_64", &[]);
    let project = locked(vec![("modern", wheel())], "--glibc 2.35");
    let old: &[&str] = &["GLIBC_2.2.5", "GLIBC_2.30", "GLIBC_2.31"];
    write_base(&project.path("old"), &with_glibc("2.31", old));
    let run = project.run("build --base old");
    assert_eq!(run.code(), 2);
    assert_snapshot!(run.snapshot(), @"
    exit code 2
    --- stderr
    error: the base old cannot be used: its glibc is 2.31, and modern 1.0 needs 2.34 or newer; take a newer base, or lock for it with --glibc 2.31
    ");
    // By its symbols alone, where it does not say its release.
    let silent = Sample { provides: old.to_vec(), ..Sample::library("libc.so.6", &[]) };
    write_base(&project.path("silent"), &python_and(LIBC, silent.bytes()));
    let silent = project.run("build --base silent");
    assert_eq!(silent.snapshot(), run.snapshot().replace("base old", "base silent"));
    // Its own words count before its symbols: a release need not have any.
    write_base(&project.path("newer"), &with_glibc("2.37", &DEBIAN));
    project.run("build --base newer -o newer-image").success();
    write_base(&project.path("without"), &python());
    let run = project.run("build --base without");
    assert_eq!(run.code(), 2);
    assert_snapshot!(run.snapshot(), @"
    exit code 2
    --- stderr
    error: the base without cannot be used: it has no glibc, and the lock's wheels need 2.34 or newer; take a base with one, such as one made from Debian
    ");
    assert!(!project.path("image/index.json").exists());
}

#[test]
fn what_needs_no_glibc_goes_on_any_base() {
    let project = locked(vec![("plain", WheelBuilder::new("plain", "1.0").file("plain.py", ""))], "");
    write_base(&project.path("base"), &python());
    project.run("build --base base").success();
}

#[test]
fn what_is_odd_is_warned_of() {
    let wheel = |name: &str, version: &str| WheelBuilder::new(name, version);
    let triton = wheel("triton", "3.5.1").tag(TAG).file("triton/__init__.py", "");
    let cublas = wheel("nvidia-cublas-cu12", "12.8.4.1").file("nvidia/data.bin", noise(8, 3_000_000));
    let project = locked(vec![("triton", triton), ("nvidia-cublas-cu12", cublas)], "--accelerator cu128");
    let mut files = with_glibc("2.36", &DEBIAN);
    files.push(("usr/local/cuda/lib64/libcublas.so.12".to_owned(), vec![0; 12_000_000]));
    write_base(&project.path("base"), &files);
    let warnings = |base: &str, output: &str| {
        let run = project.run(&format!("build --base {base} -o {output} --json"));
        serde_json::to_string_pretty(&report(run)["targets"][0]["warnings"]).unwrap()
    };
    assert_snapshot!(warnings("base", "image"), @r#"
    [
      "the base has no C compiler, with which triton builds what it launches: torch.compile and Triton's own kernels will fail; take a base with gcc if they are used",
      "the base brings CUDA libraries of 12 MB (such as /usr/local/cuda/lib64/libcublas.so.12), and the lock has its own of 3 MB: they are in the image twice, and the lock's are used; take a base without CUDA"
    ]
    "#);
    let run = project.run("build --base base").success();
    assert_eq!(run.stderr().matches("warning: ").count(), 2, "{}", run.snapshot());
    // With a compiler, and without CUDA in the base.
    let mut files = with_glibc("2.36", &DEBIAN);
    files.push(("usr/bin/gcc".to_owned(), b"a compiler".to_vec()));
    write_base(&project.path("better"), &files);
    assert_eq!(warnings("better", "better-image"), "[]");
}

/// A standalone build of Python with these files.
fn standalone(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> =
        files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
    executable_tar_gz(&files)
}

#[test]
fn a_base_without_python_takes_one_that_is_brought_along() {
    let project = locked(vec![("graphics", extension("graphics", TAG, &[]))], "");
    let libc = Sample::libc("2.36", &DEBIAN);
    let accounts = b"root:x:0:0:root:/root:/bin/bash\n".to_vec();
    write_base(&project.path("base"), &[(LIBC.to_owned(), libc), ("etc/passwd".to_owned(), accounts)]);
    let executable = Sample::library("", &["libc.so.6"]).bytes();
    let files: [(&str, &[u8]); 4] = [
        ("python/bin/python3.12", &executable),
        ("python/lib/python3.12/os.py", b"pass\n"),
        ("python/lib/python3.12/__pycache__/os.cpython-312.pyc", b"compiled"),
        ("python/lib/python3.12/contextvars.py", b"pass\n"),
    ];
    let archive = standalone(&files);
    std::fs::write(project.path("python.tar.gz"), &archive).unwrap();
    std::fs::write(project.path("none.tar.gz"), standalone(&files[2..])).unwrap();
    std::fs::write(project.path("broken.tar.gz"), &archive[..archive.len() / 2]).unwrap();
    let build =
        |interpreter: &str| project.run(&format!("build --base base --interpreter {interpreter} --json"));

    let built = report(build("python.tar.gz"));
    let image = read(&project.path("image"));
    assert_eq!(image.layers.len(), layers(&built).len() + 1);
    // Below the packages, with no bytecode.
    let listing =
        mlresolve::layers::listing::list_layer(image.read_layer(1).unwrap(), &mut |_, _, _| Ok(None));
    let paths: Vec<String> =
        listing.unwrap().entries.iter().map(|entry| format!("{:o} {}", entry.mode, entry.path)).collect();
    assert_snapshot!(paths.join("\n"), @"
    755 opt
    755 opt/python
    755 opt/python/bin
    755 opt/python/bin/python3.12
    755 opt/python/lib
    755 opt/python/lib/python3.12
    755 opt/python/lib/python3.12/contextvars.py
    755 opt/python/lib/python3.12/os.py
    ");
    let text = serde_json::to_string(&image.config).unwrap();
    assert!(text.contains("mlresolve: Python 3.12"), "{text}");
    let digest = sha256_hex(&archive);
    report(build(&format!("python.tar.gz#sha256={}", digest.to_uppercase())));
    assert_eq!(read(&project.path("image")).digest, image.digest);

    let refused = |interpreter: &str| {
        let run = project.run(&format!("build --base base --interpreter {interpreter} -o refused"));
        assert!(!project.path("refused/index.json").exists());
        run.snapshot().replace(&digest, "[DIGEST]")
    };
    let wrong = format!("python.tar.gz#sha256={}", "0".repeat(64));
    let told = [&wrong, "none.tar.gz", "broken.tar.gz", "absent.tar.gz"].map(refused);
    assert_snapshot!(told.join("\n"), @"
    exit code 4
    --- stderr
    error: --interpreter python.tar.gz: has sha256 [DIGEST], and 0000000000000000000000000000000000000000000000000000000000000000 was asked for

    exit code 2
    --- stderr
    error: --interpreter none.tar.gz: holds no Python 3.12 (bin/python3.12 and lib/python3.12); a standalone build in the form `install_only` does

    exit code 2
    --- stderr
    error: cannot read broken.tar.gz: incomplete deflate stream

    exit code 2
    --- stderr
    error: cannot read absent.tar.gz: No such file or directory (os error 2)
    hint: check the name, or the folder you are in
    ");
}
