//! Requirements by address: archives, folders, repositories, and find-links places.

use std::path::{Path, PathBuf};
use std::process::Command;

use mlresolve_testkit::{SdistBuilder, WheelBuilder};

use crate::support::{Project, Run, locked_packages};

const RELEASES: &str = "
numpy 1.26.4
numpy 2.1.0
six 1.17.0
";

const LIBRARY: &str = "[project]\nname = \"My-Lib\"\nversion = \"0.3.dev1\"\ndependencies = [\"numpy<2\"]\n\
                       [project.optional-dependencies]\nfast = [\"six\"]\n";

/// The program, which may run `git`.
fn run(project: &Project, arguments: &str) -> Run {
    let path = std::env::var("PATH").unwrap_or_default();
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    project.run_with(&arguments, &[("PATH", &path), ("GIT_CONFIG_GLOBAL", "/dev/null")])
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@a.example", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .output()
        .expect("git is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with a project below `lib`, a tag and a branch that is ahead of it.
fn repository(project: &Project) -> PathBuf {
    let folder = project.path("repository");
    project.write("repository/lib/pyproject.toml", LIBRARY);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "-m", "one"]);
    git(&folder, &["tag", "-a", "v1", "-m", "v1"]);
    project.write("repository/lib/pyproject.toml", &LIBRARY.replace("numpy<2", "numpy>=2"));
    git(&folder, &["commit", "--quiet", "-a", "-m", "two"]);
    folder
}

#[test]
fn a_folder_is_locked_with_what_its_pyproject_says() {
    let project = Project::new(RELEASES);
    project.write("libs/mine/pyproject.toml", LIBRARY);
    project.write("requirements.txt", "-e ./libs/mine[fast]\n");
    insta::assert_snapshot!(run(&project, "lock").success().snapshot());
    insta::assert_snapshot!(project.read("pylock.toml"));
    assert_eq!(run(&project, "lock --check").code(), 0);
    project.write("libs/mine/pyproject.toml", &LIBRARY.replace("numpy<2", "numpy>=2"));
    assert_eq!(run(&project, "lock --check").code(), 3);
    run(&project, "lock").success();
    assert_eq!(
        locked_packages(&project.raw("pylock.toml")),
        ["my-lib 0.3.dev1", "numpy 2.1.0", "six 1.17.0"]
    );
}

#[test]
fn a_folder_beside_the_lock_is_named_from_the_lock() {
    let project = Project::new(RELEASES);
    project.write("lib/pyproject.toml", LIBRARY);
    project.write("app/requirements.txt", "../lib\n");
    run(&project, "lock app").success();
    let lock = project.raw("app/pylock.toml");
    assert!(lock.contains("directory = { path = \"../lib\" }"), "{lock}");
    assert_eq!(run(&project, "lock app --check").code(), 0);
}

#[test]
fn a_version_that_only_a_build_would_tell_is_left_out() {
    let project = Project::new(RELEASES);
    let dynamic = LIBRARY.replace("version = \"0.3.dev1\"", "dynamic = [\"version\"]");
    project.write("lib/pyproject.toml", &dynamic);
    project.write("requirements.txt", "my-lib[fast] @ ./lib\nmy-lib>=7\n");
    run(&project, "lock").success();
    let lock = project.raw("pylock.toml");
    assert!(lock.contains("name = \"my-lib\"\ndependencies"), "{lock}");
    assert_eq!(run(&project, "lock --check").code(), 0);
    run(&project, "tree").success();
}

#[test]
fn a_branch_becomes_a_commit_which_stays_until_it_is_given_up() {
    let project = Project::new(RELEASES);
    let folder = repository(&project);
    let line =
        |revision: &str| format!("my-lib @ git+file://{}{revision}#subdirectory=lib\n", folder.display());
    let head = git(&folder, &["rev-parse", "HEAD"]);
    let tagged = git(&folder, &["rev-parse", "v1^{commit}"]);
    for (revision, commit, numpy) in [
        ("", &head, "numpy 2.1.0"),
        ("@main", &head, "numpy 2.1.0"),
        ("@v1", &tagged, "numpy 1.26.4"),
        (&format!("@{tagged}"), &tagged, "numpy 1.26.4"),
        (&format!("@{}", &tagged[..9]), &tagged, "numpy 1.26.4"),
    ] {
        project.write("requirements.txt", &line(revision));
        std::fs::remove_file(project.path("pylock.toml")).ok();
        run(&project, "lock").success();
        let lock = project.raw("pylock.toml");
        assert!(
            lock.contains(&format!("commit-id = \"{commit}\", subdirectory = \"lib\"")),
            "{revision}: {lock}"
        );
        assert!(locked_packages(&lock).contains(&numpy.to_owned()), "{revision}: {lock}");
        assert_eq!(run(&project, "lock --check").code(), 0, "{revision}");
        assert_eq!(run(&project, "lock --offline").code(), 0, "{revision}");
    }
    project.write("requirements.txt", &line("@main"));
    run(&project, "lock").success();
    let before = project.raw("pylock.toml");
    project.write("repository/README", "new");
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "-m", "three"]);
    run(&project, "lock").success();
    assert_eq!(project.raw("pylock.toml"), before);
    run(&project, "lock -P my-lib").success();
    assert!(project.raw("pylock.toml").contains(&git(&folder, &["rev-parse", "HEAD"])));
    insta::assert_snapshot!(
        project.read("pylock.toml").replace(&git(&folder, &["rev-parse", "HEAD"]), "[COMMIT]")
    );
}

#[test]
fn a_branch_that_is_not_there_is_said() {
    let project = Project::new(RELEASES);
    let folder = repository(&project);
    for (revision, expected) in [("@nothing", 2), ("@deadbeef", 2), ("@--upload-pack=touch", 2)] {
        project.write("requirements.txt", &format!("git+file://{}{revision}\n", folder.display()));
        let run = run(&project, "lock");
        assert_eq!(run.code(), expected, "{}", run.snapshot());
        assert!(run.stderr().contains("requirements.txt:1"), "{}", run.stderr());
    }
    project.write("requirements.txt", "git+file:///no/such/repository\n");
    let run = run(&project, "lock");
    assert_eq!(run.code(), 5, "{}", run.snapshot());
}

#[test]
fn archives_on_the_web_and_on_disk_are_locked_with_their_digests() {
    let project = Project::new(RELEASES);
    let wheel = WheelBuilder::new("demo", "1.0").requires("six").build();
    let sdist = SdistBuilder::new("other", "2.0").requires("numpy>=2").build();
    std::fs::create_dir_all(project.path("dist")).unwrap();
    std::fs::write(project.path("dist").join(&wheel.filename), &wheel.bytes).unwrap();
    std::fs::write(project.path("dist").join(&sdist.filename), &sdist.bytes).unwrap();
    project.write("requirements.txt", "./dist/demo-1.0-py3-none-any.whl\ndist/other-2.0.tar.gz\n");
    run(&project, "lock").success();
    insta::assert_snapshot!(project.read("pylock.toml"));
    assert_eq!(run(&project, "lock --check").code(), 0);
}

#[test]
fn what_is_at_an_address_on_the_web_is_fetched_once() {
    let project = Project::new("demo 1.0: six\nsix 1.0\n");
    let url = project.index.url("/files/demo-1.0-py3-none-any.whl");
    let with_secrets = url.replace("http://", "http://ann:hunter2@");
    project.write("requirements.txt", &format!("{with_secrets}?token=hunter2\n"));
    let first = run(&project, "lock -vv").success();
    let lock = project.raw("pylock.toml");
    assert!(lock.contains(&format!("archive = {{ url = \"{url}\", size = ")), "{lock}");
    for text in [&lock, &first.stderr(), &first.stdout()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    project.index.clear_requests();
    run(&project, "lock").success();
    assert_eq!(run(&project, "lock --check").code(), 0);
    std::fs::remove_file(project.path("pylock.toml")).unwrap();
    run(&project, "lock --offline").success();
    assert_eq!(project.raw("pylock.toml"), lock);
    assert_eq!(project.index.count("/files/demo-1.0-py3-none-any.whl"), 0);
    run(&project, "lock --refresh -U").success();
    assert_eq!(project.index.count("/files/demo-1.0-py3-none-any.whl"), 1);
}

#[test]
fn a_project_may_lie_in_a_folder_of_an_archive() {
    let project = Project::new(RELEASES);
    let sdist = SdistBuilder::new("outer", "1.0")
        .pyproject(None)
        .file("inner/pyproject.toml", LIBRARY.replace("version = \"0.3.dev1\"", "dynamic = [\"version\"]"))
        .build();
    std::fs::create_dir_all(project.path("dist")).unwrap();
    std::fs::write(project.path("dist/main.tar.gz"), &sdist.bytes).unwrap();
    let file = project.path("dist/main.tar.gz").display().to_string();
    project.write("requirements.txt", &format!("my-lib @ file://{file}#subdirectory=inner\n"));
    run(&project, "lock").success();
    let lock = project.raw("pylock.toml");
    assert!(lock.contains("name = \"my-lib\"\ndependencies"), "{lock}");
    assert!(lock.contains("subdirectory = \"inner\""), "{lock}");
    assert_eq!(run(&project, "lock --check").code(), 0);
}

#[test]
fn a_file_must_have_the_hash_that_its_address_names() {
    let project = Project::new(RELEASES);
    let wheel = WheelBuilder::new("demo", "1.0").build();
    std::fs::create_dir_all(project.path("dist")).unwrap();
    std::fs::write(project.path("dist").join(&wheel.filename), &wheel.bytes).unwrap();
    let file = format!("file://{}", project.path("dist").join(&wheel.filename).display());
    project.write("requirements.txt", &format!("demo @ {file}#sha256={}\n", "0".repeat(64)));
    let run = run(&project, "lock");
    assert_eq!(run.code(), 4, "{}", run.snapshot());
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let project = Project::new(RELEASES);
    project.write("requirements.txt", "-e ./libb\n");
    insta::assert_snapshot!(run(&project, "lock").snapshot());
}

#[test]
fn two_addresses_for_one_package_are_refused() {
    let project = Project::new(RELEASES);
    project.write("one/pyproject.toml", LIBRARY);
    project.write("two/pyproject.toml", LIBRARY);
    project.write("requirements.txt", "./one\n./two\n");
    insta::assert_snapshot!(run(&project, "lock").snapshot());
    // An override decides between them.
    project.write("overrides.txt", "my-lib @ ./two\n");
    run(&project, "lock --override overrides.txt").success();
    assert!(project.raw("pylock.toml").contains("path = \"two\""));
}

#[test]
fn a_package_from_an_index_may_not_lead_to_an_address() {
    let project = Project::new(
        "app 1.0: lib @ https://files.example/lib-1.0-py3-none-any.whl\napp 0.9: six\nsix 1.0\n",
    );
    project.write("requirements.txt", "app>=1\n");
    insta::assert_snapshot!(run(&project, "lock").snapshot());
}

#[test]
fn what_a_folder_requires_by_address_is_followed() {
    let project = Project::new(RELEASES);
    project.write("lib/pyproject.toml", LIBRARY);
    let lib = project.path("lib").display().to_string();
    project.write(
        "app/pyproject.toml",
        &format!(
            "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"my-lib[fast] @ file://{lib}\"]\n"
        ),
    );
    project.write("requirements.txt", "./app\n");
    run(&project, "lock").success();
    assert_eq!(
        locked_packages(&project.raw("pylock.toml")),
        ["app 1", "my-lib 0.3.dev1", "numpy 1.26.4", "six 1.17.0"]
    );
}

#[test]
fn a_requirement_by_name_elsewhere_is_held_against_the_address() {
    let project = Project::new("app 1.0: my-lib>=2\nnumpy 1.0\n");
    project.write("lib/pyproject.toml", LIBRARY);
    project.write("requirements.txt", "app\n./lib\n");
    insta::assert_snapshot!(run(&project, "lock").snapshot());
}

#[test]
fn a_folder_of_files_joins_the_index() {
    let project = Project::new("demo 1.0\n");
    std::fs::create_dir_all(project.path("wheels")).unwrap();
    for version in ["0.9", "2.0"] {
        let wheel = WheelBuilder::new("demo", version).build();
        std::fs::write(project.path("wheels").join(&wheel.filename), &wheel.bytes).unwrap();
    }
    std::fs::write(project.path("wheels/notes.txt"), "no wheel").unwrap();
    project.write("requirements.txt", "--find-links wheels\ndemo\n");
    run(&project, "lock").success();
    insta::assert_snapshot!(project.read("pylock.toml"));
    assert_eq!(run(&project, "lock --check").code(), 0);
    project.write("requirements.txt", "demo<2\n");
    run(&project, "lock -U --find-links wheels").success();
    assert_eq!(locked_packages(&project.raw("pylock.toml")), ["demo 1.0"]);
    // A folder of files is a matter of the machine, as the offer of an index is of its day.
    assert_eq!(run(&project, "lock --check").code(), 0);
    let missing = run(&project, "lock --find-links nowhere");
    assert_eq!(missing.code(), 2, "{}", missing.snapshot());
}
