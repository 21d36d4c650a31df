//! Packages that are published as source only.

use insta::assert_snapshot;
use mlresolve_testkit::{IndexServer, Release, SdistArchive, SdistBuilder, Universe};

use crate::support::{Project, locked_packages};

fn old(requires: Option<&'static str>) -> impl FnOnce(Release) -> Release {
    move |release| release.sdist_with(move |sdist| sdist.egg_info(requires))
}

fn in_archive(archive: SdistArchive) -> impl FnOnce(Release) -> Release {
    move |release| release.sdist_with(move |sdist| sdist.egg_info(Some("six\n")).archive(archive))
}

/// Nothing but a build tells what it requires, as with distutils and with old Poetry.
fn needs_build(release: Release) -> Release {
    release.sdist_with(|sdist| sdist.metadata_version("2.1"))
}

/// The shapes in which real packages are published.
fn shapes() -> Project {
    let second_egg_info = |sdist: SdistBuilder| {
        sdist
            .egg_info(Some("six\n[fast:python_version >= '3']\nspeedups\n"))
            .file("tests/data/second.egg-info/requires.txt", "nothing-there\n")
            .file("tests/data/second.egg-info/PKG-INFO", "Metadata-Version: 1.0\nName: x\nVersion: 1\n")
    };
    let declared =
        "[project]\nname = \"declared\"\ndynamic = [\"version\"]\ndependencies = [\"six>=1.10\"]\n";
    let universe = Universe::new()
        .text("six 1.17.0\nspeedups 0.9\n")
        .package("langdetect", "1.0.9", old(Some("six\n")))
        .package("docopt", "0.6.2", old(None))
        .package("zipped", "1.0", in_archive(SdistArchive::Zip))
        .package("bzipped", "1.0", in_archive(SdistArchive::TarBz2))
        .package("second", "1.0", move |release| release.sdist_with(second_egg_info))
        .package("promised", "1.0", |release| release.requires("six").sdist())
        .package("declared", "1.0", |release| {
            release.sdist_with(|sdist| sdist.metadata_version("2.1").pyproject(Some(declared)))
        });
    Project::beside(IndexServer::start(universe))
}

#[test]
fn sources_of_every_shape_are_locked_without_running_them() {
    let project = shapes();
    project
        .write("requirements.txt", "langdetect\ndocopt\nzipped\nbzipped\nsecond[fast]\npromised\ndeclared\n");
    assert_snapshot!(project.run("lock").success().snapshot());
    assert_snapshot!(project.read("pylock.toml"));
    let first = project.raw("pylock.toml");
    // What was read is kept: neither the archives nor the network are needed again.
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    project.run("lock --offline").success();
    assert_eq!(project.raw("pylock.toml"), first);
    assert_snapshot!(project.run("lock --check").snapshot());
    assert_snapshot!(project.run("tree").snapshot());
    assert_snapshot!(project.run("size").snapshot());
    assert_snapshot!(project.run("export").snapshot());
}

#[test]
fn a_dockerfile_builds_what_has_no_wheel_and_nothing_else() {
    let project = shapes();
    project.write("requirements.txt", "langdetect\ndocopt\n").run("lock").success();
    assert_snapshot!(project.run("dockerfile").success().snapshot());
    let dockerfile = project.read("Dockerfile");
    let stage = dockerfile.split("\n\n").find(|part| part.contains("AS packages-1")).unwrap();
    assert_snapshot!(stage);
}

#[test]
fn a_wheel_that_fits_comes_before_the_source_of_its_version() {
    let project = Project::new(
        "both 1.0; wheel py3-none-any; sdist\nother 1.0; wheel cp312-cp312-win_amd64; sdist\nother 0.9\n",
    );
    project.write("requirements.txt", "both\nother\n");
    project.run("lock").success();
    let lock = project.read("pylock.toml");
    assert_eq!(locked_packages(&lock), ["both 1.0", "other 1.0"]);
    assert!(lock.contains("both-1.0-py3-none-any.whl") && !lock.contains("both-1.0.tar.gz"));
    assert!(lock.contains("other-1.0.tar.gz") && !lock.contains("win_amd64"));
}

#[test]
fn what_only_a_build_would_tell_is_explained_with_the_ways_out() {
    let universe = Universe::new()
        .text("old 0.9\nold 0.8\nuser 1.0: distutils-made\n")
        .package("distutils-made", "0.1.6", needs_build)
        .package("distutils-made", "0.1.5", needs_build)
        .package("old", "1.0", needs_build);
    let project = Project::beside(IndexServer::start(universe));
    project.write("requirements.txt", "user\n");
    assert_snapshot!(project.run("lock").snapshot());
    project.write("requirements.txt", "old>=1\n");
    assert_snapshot!(project.run("lock").snapshot());
}

#[test]
fn only_binary_and_no_binary_mean_what_they_mean_to_pip() {
    let project = Project::new(
        "both 1.0; wheel py3-none-any; sdist\nsource 1.1; sdist\nsource 1.0\nwheels 1.0\nnever 1.0; sdist\n",
    );
    project.write("requirements.txt", "--no-binary both\nboth\nsource\n");
    project.run("lock").success();
    let lock = project.read("pylock.toml");
    assert_eq!(locked_packages(&lock), ["both 1.0", "source 1.1"]);
    assert!(lock.contains("both-1.0.tar.gz") && lock.contains("no-binary = [\"both\"]"), "{lock}");
    // The option is part of what the lock was made from.
    assert_eq!(project.run("lock --check").code(), 0);
    assert_eq!(project.run("lock --check --only-binary source").code(), 3);

    project.run("lock --only-binary :all:").success();
    let lock = project.read("pylock.toml");
    assert_eq!(locked_packages(&lock), ["both 1.0", "source 1.0"]);
    assert!(lock.contains("only-binary = [\":all:\"]") && !lock.contains(".tar.gz"), "{lock}");

    project.write("mlresolve.toml", "only-binary = [\":all:\"]\nno-binary = [\"source\"]\n");
    project.write("requirements.txt", "both\nsource\n").run("lock").success();
    let lock = project.read("pylock.toml");
    assert!(lock.contains("both-1.0-py3-none-any.whl") && lock.contains("source-1.1.tar.gz"), "{lock}");

    project.write("requirements.txt", "never\n");
    assert_snapshot!(project.run("lock").snapshot());
    project.write("requirements.txt", "wheels\n");
    assert_snapshot!(project.run("lock --no-binary wheels").snapshot());
    assert_snapshot!(project.run("lock --no-binary wheels --only-binary wheels").snapshot());
}

#[test]
fn requires_python_hashes_and_exclude_newer_hold_for_sources_too() {
    let universe = Universe::new()
        .package("a", "2.0", |release| release.sdist().requires_python(">=3.13"))
        .package("a", "1.0", Release::sdist)
        .package("b", "2.0", |release| release.sdist().upload_time("2026-01-01T00:00:00Z"))
        .package("b", "1.0", Release::sdist);
    let project = Project::beside(IndexServer::start(universe));
    project.write("requirements.txt", "a\nb\n");
    project.run("lock --exclude-newer 2025-01-01").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["a 1.0", "b 1.0"]);
    let hash = "0".repeat(64);
    project.write("requirements.txt", &format!("a==1.0 --hash=sha256:{hash}\n"));
    let refused = project.run("lock");
    assert_eq!(refused.code(), 1);
    assert!(refused.stderr().contains("none has a hash that your requirement gives"), "{}", refused.stderr());
}

/// The newest version of `fast` must be built; an older one, which was uploaded at this time, has a wheel.
fn to_be_built(old: &'static str, uploaded: &'static str) -> Project {
    let universe = Universe::new()
        .package("fast", "3.0", |release| needs_build(release).upload_time("2025-01-01T00:00:00Z"))
        .package("fast", old, |release| release.upload_time(uploaded))
        .text("http 1.0");
    let project = Project::beside(IndexServer::start(universe));
    project.write("requirements.txt", "fast\n");
    project
}

#[test]
fn what_a_package_requires_can_be_declared() {
    let project = to_be_built("1.0", "2020-01-01T00:00:00Z");
    project.write("mlresolve.toml", "[metadata.fast]\nrequires-dist = [\"http>=1\"]\n");
    project.run("lock").success();
    let lock = project.raw("pylock.toml");
    assert!(lock.contains("metadata = \"declared\""), "{lock}");
    assert_eq!(locked_packages(&lock), ["fast 3.0", "http 1.0"]);
    assert_eq!(project.run("lock --check").code(), 0);
    project.write("mlresolve.toml", "[metadata.fast]\nrequires-dist = []\n");
    assert_eq!(project.run("lock --check").code(), 3);
    project.write("mlresolve.toml", "[[metadata.fast]]\nversion = \"1.0\"\nrequires-dist = [\"http\"]\n");
    assert_eq!(project.run("lock -U").code(), 1, "what is declared of one version holds for it alone");
}

#[test]
fn an_old_version_does_not_stand_in_for_one_that_must_be_built_in_silence() {
    for (old, uploaded) in [("1.0", "2024-08-01T00:00:00Z"), ("3.0rc1", "2020-01-01T00:00:00Z")] {
        let recent = to_be_built(old, uploaded);
        recent.write("requirements.txt", &format!("fast>={old}\n"));
        let run = recent.run("lock").success();
        assert!(run.stderr().contains(&format!("fast {old} is taken and not 3.0")), "{}", run.snapshot());
    }
    let project = to_be_built("1.0", "2020-01-01T00:00:00Z");
    assert_snapshot!(project.run("lock").snapshot());
    // Whoever asks for it gets it.
    project.write("requirements.txt", "fast<=1.0\n");
    project.run("lock").success();
}
