//! `mlresolve dockerfile`

use insta::assert_snapshot;

use crate::support::{Project, locked};

#[test]
fn the_folder_of_an_image_is_written() {
    let project = locked();
    project.write("image/app/main.py", "");
    let run = project.run_with(
        &["dockerfile", "-o", "image", "--app", "app", "--entrypoint", "python -m 'main'", "--user", "1000"],
        &[],
    );
    assert_snapshot!(run.snapshot(), @"
    exit code 0
    --- stderr
    wrote image/Dockerfile
    wrote image/.dockerignore
    wrote image/requirements.framework.lock.txt: 1 package, 899.8 MB
    wrote image/requirements.lock.txt: 5 packages, 3.5 kB
    build it with `docker build image`
    ");
    assert_snapshot!(project.read("image/.dockerignore"), @"
    # Nothing in this folder is sent to the builder...
    *
    # ...but what the Dockerfile copies.
    !requirements.framework.lock.txt
    !requirements.lock.txt
    !app
    # Never in an image: secrets, history, and what Python makes again by itself.
    **/.env
    **/.netrc
    **/.git
    **/.venv
    **/__pycache__
    **/*.pyc
    ");
    assert_snapshot!(project.read("image/requirements.lock.txt"), @r"
    # Made by `mlresolve dockerfile` from a lock.
    app==1.0 \
        --hash=sha256:d5b9e996e47d559d69b1d0a26cdfec4d04f7ce90abfefcb3210ecac46ebeb89a
    http==1.1 \
        --hash=sha256:72339177a7d04199be57d1f4bcb0190a6ff78c633892ef0851bdde7f3e948e9a
    speedups==0.9 \
        --hash=sha256:dce2e494b6b06c0d109fb3dab970c9cfc24ed433499183d0be89fbf09f778386
    tools==1.0 \
        --hash=sha256:6cd2932c221c38135d11580c8ba29ece51ed4a9ff0a3beb8284ac1517974f402
    web==2.1 \
        --hash=sha256:eb0cf31083b2da42f5f0340137786ad21b76279df1a9a68077cb89e88f78c1cd
    ");
    assert_snapshot!(project.read("image/requirements.framework.lock.txt"), @r"
    # Made by `mlresolve dockerfile` from a lock.
    torch==2.9.1 \
        --hash=sha256:5f0ae698c8c26577748184724a99ab856fed12cba187f232fa3d30a9b2bb5ee5
    ");
    let text = project.read("image/Dockerfile");
    assert!(
        text.contains("ENTRYPOINT [\"python\",\"-m\",\"main\"]") && text.contains("USER 1000:0"),
        "{text}"
    );
    assert!(text.contains("--index-url '[INDEX]/simple/'"), "{text}");
    assert_snapshot!(project.run("dockerfile -o image --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"dir":"image","files":[{"bytes":0,"name":"Dockerfile","packages":[],"sources":[]},{"bytes":0,"name":".dockerignore","packages":[],"sources":[]},{"bytes":899750000,"name":"requirements.framework.lock.txt","packages":["torch"],"sources":[]},{"bytes":3530,"name":"requirements.lock.txt","packages":["app","http","speedups","tools","web"],"sources":[]}],"lock":"pylock.toml"}
    "#);
}

#[test]
fn files_of_others_are_left_alone() {
    let project = locked();
    project.write(".dockerignore", "secret\n").write("requirements.lock.txt", "mine\n");
    assert_snapshot!(project.run("dockerfile").snapshot(), @"
    exit code 2
    --- stderr
    error: .dockerignore and requirements.lock.txt stood there before and would be lost
    hint: name another folder with -o, or replace with --force
    ");
    assert!(!project.path("Dockerfile").exists());
    project.run("dockerfile --force").success();
    assert!(project.read("Dockerfile").starts_with("# Made by `mlresolve dockerfile`"));
    project.run("dockerfile").success();
    project.write("requirements.large.lock.txt", "");
    assert_snapshot!(project.run("dockerfile").snapshot(), @"
    exit code 0
    --- stderr
    warning: requirements.large.lock.txt is of no use any more; remove it
    wrote Dockerfile
    wrote .dockerignore
    wrote requirements.framework.lock.txt: 1 package, 899.8 MB
    wrote requirements.lock.txt: 5 packages, 3.5 kB
    build it with `docker build .`
    ");
}

#[test]
fn what_no_image_can_be_made_of_is_refused() {
    let project = Project::new("a 1.0");
    project.write("requirements.txt", "a\n");
    project.run("lock --platform macos-arm64").success();
    assert_snapshot!(project.run("dockerfile").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.toml: the lock is for macos-arm64, and a container runs Linux: declare a Linux target and lock for it
    ");
    project.run("lock").success();
    assert_snapshot!(project.run("dockerfile --app nowhere").snapshot(), @"
    exit code 2
    --- stderr
    error: --app: there is no folder nowhere
    ");
    let quote = project.run_with(&["dockerfile", "--entrypoint", "python '"], &[]);
    assert_snapshot!(quote.snapshot(), @"
    exit code 2
    --- stderr
    error: --entrypoint: a quotation mark is missing
    ");
    let base = project.run_with(&["dockerfile", "--base", "python:3.12\nRUN evil"], &[]);
    assert_snapshot!(base.snapshot(), @r#"
    exit code 2
    --- stderr
    error: the base image "python:3.12\nRUN evil" may have at most MAX_TEXT_BYTES = 1024 bytes, and in a Dockerfile only letters, digits and "._-/:@"; rename it
    "#);
    assert!(!project.path("Dockerfile").exists());
}
