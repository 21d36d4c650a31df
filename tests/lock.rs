//! `mlresolve lock`

use insta::assert_snapshot;

use crate::support::Project;

const SMALL: &str = "
app 1.0: web>=2, tools[fast]
web 1.0
web 2.0: http
web 2.1: http>=1.1
http 1.0
http 1.1
tools 1.0; [fast] speedups
speedups 0.9
";

#[test]
fn a_requirements_file_becomes_a_lock() {
    let project = Project::new(SMALL);
    project.write("requirements.txt", "app\n");
    assert_snapshot!(project.run("lock").snapshot(), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    wrote pylock.toml: 5 packages, 3.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  tools 1.0 739 B, speedups 0.9 708 B, app 1.0 706 B, web 2.1 692 B, http 1.1 678 B
    ");
    assert_snapshot!(project.read("pylock.toml"), @r#"
    lock-version = "1.0"
    environments = [
      "platform_system == 'Linux' and platform_machine == 'x86_64' and python_version == '3.12'",
    ]
    requires-python = "==3.12.*"
    created-by = "mlresolve"

    [[packages]]
    name = "app"
    version = "1.0"
    dependencies = [
      { name = "tools", version = "1.0", extras = ["fast"] },
      { name = "web", version = "2.1" },
    ]
    index = "[INDEX]/simple/"
    wheels = [
      { name = "app-1.0-py3-none-any.whl", upload-time = 2024-01-01T00:00:00Z, url = "[INDEX]/files/app-1.0-py3-none-any.whl", size = 706, hashes = { sha256 = "d5b9e996e47d559d69b1d0a26cdfec4d04f7ce90abfefcb3210ecac46ebeb89a" } },
    ]

    [packages.tool.mlresolve]
    requires = [
      "tools[fast]",
      "web>=2",
    ]
    metadata = "wheel"

    [[packages]]
    name = "http"
    version = "1.1"
    index = "[INDEX]/simple/"
    wheels = [
      { name = "http-1.1-py3-none-any.whl", upload-time = 2024-01-01T00:00:00Z, url = "[INDEX]/files/http-1.1-py3-none-any.whl", size = 678, hashes = { sha256 = "72339177a7d04199be57d1f4bcb0190a6ff78c633892ef0851bdde7f3e948e9a" } },
    ]

    [packages.tool.mlresolve]
    metadata = "wheel"

    [[packages]]
    name = "speedups"
    version = "0.9"
    index = "[INDEX]/simple/"
    wheels = [
      { name = "speedups-0.9-py3-none-any.whl", upload-time = 2024-01-01T00:00:00Z, url = "[INDEX]/files/speedups-0.9-py3-none-any.whl", size = 708, hashes = { sha256 = "dce2e494b6b06c0d109fb3dab970c9cfc24ed433499183d0be89fbf09f778386" } },
    ]

    [packages.tool.mlresolve]
    metadata = "wheel"

    [[packages]]
    name = "tools"
    version = "1.0"
    dependencies = [
      { name = "speedups", version = "0.9" },
    ]
    index = "[INDEX]/simple/"
    wheels = [
      { name = "tools-1.0-py3-none-any.whl", upload-time = 2024-01-01T00:00:00Z, url = "[INDEX]/files/tools-1.0-py3-none-any.whl", size = 739, hashes = { sha256 = "4f0cda728979918b711ad2465ba35b0683383a3d3dfee7596ca887bf856de9eb" } },
    ]

    [packages.tool.mlresolve]
    requires = [
      "speedups",
    ]
    extras = ["fast"]
    metadata = "wheel"

    [[packages]]
    name = "web"
    version = "2.1"
    dependencies = [
      { name = "http", version = "1.1" },
    ]
    index = "[INDEX]/simple/"
    wheels = [
      { name = "web-2.1-py3-none-any.whl", upload-time = 2024-01-01T00:00:00Z, url = "[INDEX]/files/web-2.1-py3-none-any.whl", size = 692, hashes = { sha256 = "eb0cf31083b2da42f5f0340137786ad21b76279df1a9a68077cb89e88f78c1cd" } },
    ]

    [packages.tool.mlresolve]
    requires = [
      "http>=1.1",
    ]
    metadata = "wheel"

    [tool.mlresolve]
    version = 1
    input-digest = "[DIGEST]"
    requirements = [
      "app",
    ]

    [tool.mlresolve.target]
    name = "default"
    python = "3.12"
    platform = "linux-x86_64"
    glibc = "2.28"
    "#);
}

#[test]
fn a_second_lock_changes_nothing_and_asks_nothing() {
    let project = Project::new(SMALL);
    project.write("requirements.txt", "app\n").run("lock").success();
    let first = project.read("pylock.toml");
    assert_snapshot!(project.run("lock --offline").snapshot(), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    wrote pylock.toml: 5 packages, 3.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  tools 1.0 739 B, speedups 0.9 708 B, app 1.0 706 B, web 2.1 692 B, http 1.1 678 B
      no package changed since the last lock
    ");
    assert_eq!(project.read("pylock.toml"), first);
}

#[test]
fn a_lock_in_pieces_is_made_anew() {
    let project = Project::new(SMALL);
    project.write("requirements.txt", "app\n").run("lock").success();
    let whole = project.read("pylock.toml");
    project.write("pylock.toml", "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n");
    assert_snapshot!(project.run("lock").snapshot(), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    warning: pylock.toml: the lock holds merge conflict markers at line 1; `mlresolve lock` makes it anew; every version is chosen anew
    wrote pylock.toml: 5 packages, 3.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  tools 1.0 739 B, speedups 0.9 708 B, app 1.0 706 B, web 2.1 692 B, http 1.1 678 B
    ");
    assert_eq!(project.read("pylock.toml"), whole);
    project.write("pylock.toml", "lock-version = 9\n");
    assert_eq!(project.run("lock").code(), 2);
    project.run("lock --upgrade").success();
    assert_eq!(project.read("pylock.toml"), whole);
}

#[test]
fn a_target_that_the_project_does_not_take_is_refused() {
    let project = Project::new(SMALL);
    let text =
        "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.13\"\ndependencies = [\"app\"]\n";
    project.write("pyproject.toml", text);
    assert_snapshot!(project.run("lock --python-version 3.12").snapshot(), @"
    exit code 2
    --- stderr
    error: requires-python: the project requires Python >=3.13, and the target has 3.12
    ");
    project.run("lock").success();
    assert!(project.read("pylock.toml").contains("requires-python = \"==3.13.*\""));
}

#[test]
fn an_override_answers_why_not() {
    let project = Project::new(SMALL);
    project.write("requirements.txt", "app\n").write("mlresolve.toml", "overrides = [\"web<2\"]\n");
    project.run("lock").success();
    assert_snapshot!(project.run("why-not web>=2").snapshot(), @"
    exit code 1
    --- stdout
    web>=2 is not possible for default (Python 3.12, linux-x86_64, glibc 2.28):
      - your override web<2 replaces every requirement on web
    ");
}

#[test]
fn what_is_asked_on_the_side_is_answered() {
    let project = Project::new(SMALL);
    project.write("requirements.txt", "app\n").run("lock").success();
    assert_snapshot!(project.run("lock -P nope -o locked.toml").snapshot(), @r#"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    warning: "locked.toml" is not the name of a lock: use `pylock.toml` or `pylock.<name>.toml`, with no dot in <name>; pip and uv will not take it for a lock
    wrote locked.toml: 5 packages, 3.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  tools 1.0 739 B, speedups 0.9 708 B, app 1.0 706 B, web 2.1 692 B, http 1.1 678 B
    "#);
    assert_snapshot!(project.run("lock -P nope").snapshot(), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    warning: nope is not in the lock, so there is nothing of it to upgrade
    wrote pylock.toml: 5 packages, 3.5 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  tools 1.0 739 B, speedups 0.9 708 B, app 1.0 706 B, web 2.1 692 B, http 1.1 678 B
      no package changed since the last lock
    ");
    assert_eq!(project.run("lock --check -o -").code(), 2);
    let json = project.run("lock -o - --json").success().stdout();
    assert!(json.starts_with("{\"locks\""), "{json}");
    assert_snapshot!(project.run("lock nowhere").snapshot(), @"
    exit code 2
    --- stderr
    error: nowhere: there is no such folder
    ");
}
