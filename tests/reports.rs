//! `mlresolve size`, `diff`, `export`, `cache` and `completions`

use insta::assert_snapshot;

use crate::support::{Project, locked};

#[test]
fn sizes_are_a_table_with_the_largest_first() {
    let project = locked();
    assert_snapshot!(project.run("size").snapshot(), @"
    exit code 0
    --- stdout
    DOWNLOAD    SHARE  PACKAGE
    899.8 MB  100.0 %  torch 2.9.1
       746 B    0.0 %  tools 1.0
       708 B    0.0 %  speedups 0.9
       706 B    0.0 %  app 1.0
       692 B    0.0 %  web 2.1
       678 B    0.0 %  http 1.1
    899.8 MB           total of 6 packages
    ");
    assert_snapshot!(project.run("size --top 2 pylock.toml").snapshot(), @"
    exit code 0
    --- stdout
    DOWNLOAD    SHARE  PACKAGE
    899.8 MB  100.0 %  torch 2.9.1
       746 B    0.0 %  tools 1.0
      2.8 kB    0.0 %  4 more
    899.8 MB           total of 6 packages
    ");
    assert_snapshot!(project.run("size --top 1 --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"lock":"pylock.toml","packages":[{"bytes":899750000,"file":"torch-2.9.1-py3-none-any.whl","installed-bytes":null,"name":"torch","share":0.9999960767033612,"version":"2.9.1"}],"savings":[],"total-bytes":899753530,"unknown":0}
    "#);
    let text = project.raw("pylock.toml").replace("size = 899750000, ", "");
    project.write("unknown.toml", &text);
    assert_snapshot!(project.run("size unknown.toml").snapshot(), @"
    exit code 0
    --- stdout
    DOWNLOAD   SHARE  PACKAGE
     unknown          torch 2.9.1
       746 B  21.1 %  tools 1.0
       708 B  20.1 %  speedups 0.9
       706 B  20.0 %  app 1.0
       692 B  19.6 %  web 2.1
       678 B  19.2 %  http 1.1
      3.5 kB          total of 6 packages, without 1 of unknown size
    ");
}

#[test]
fn a_difference_names_what_comes_goes_and_changes() {
    let project = locked();
    project.write("new/requirements.txt", "app\nweb<2.1\nnew-package\n").run("lock new").success();
    assert_snapshot!(project.run("diff pylock.toml new").snapshot(), @"
    exit code 0
    --- stdout
    ↓ web          2.1 → 2.0  692 B → 688 B
    + new-package  3.0        731 B
    - torch        2.9.1      899.8 MB
    1 changed, 1 added, 1 removed; 899.8 MB → 4.3 kB to download
    ");
    assert_snapshot!(project.run("diff new pylock.toml").snapshot(), @"
    exit code 0
    --- stdout
    ↑ web          2.0 → 2.1  688 B → 692 B
    + torch        2.9.1      899.8 MB
    - new-package  3.0        731 B
    1 changed, 1 added, 1 removed; 4.3 kB → 899.8 MB to download
    ");
    assert_snapshot!(project.run("diff pylock.toml pylock.toml").snapshot(), @"
    exit code 0
    --- stdout
    nothing changes: both install the same files
    ");
    assert_snapshot!(project.run("diff pylock.toml nowhere.toml").snapshot(), @"
    exit code 2
    --- stderr
    error: cannot read nowhere.toml: No such file or directory (os error 2)
    hint: check the name, or the folder you are in
    ");
    assert_snapshot!(project.run("diff - -").snapshot(), @"
    exit code 2
    --- stderr
    error: standard input can be one of the two locks, not both
    ");
}

#[test]
fn a_replaced_file_is_said_loudly() {
    let project = locked();
    let text = project.raw("pylock.toml");
    let digest = text.split("sha256 = \"").nth(1).unwrap().split('"').next().unwrap();
    project.write("new.toml", &text.replace(digest, &"f".repeat(64)));
    assert_snapshot!(project.run("diff pylock.toml new.toml").snapshot(), @"
    exit code 0
    --- stdout
    ~ app  1.0, other files  706 B
    1 changed; 899.8 MB to download
    REPLACED: app-1.0-py3-none-any.whl has another digest under the same name
    An index must never replace a file: find out why before you install the new lock.
    ");
    assert_snapshot!(project.run("diff pylock.toml new.toml --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"diff":{"added":[],"bytes-after":899753530,"bytes-before":899753530,"changed":[{"direction":"rebuilt","files-changed":1,"from":"1.0","name":"app","replaced-files":["app-1.0-py3-none-any.whl"],"size-after":706,"size-before":706,"to":"1.0"}],"removed":[]},"new":"new.toml","old":"pylock.toml"}
    "#);
}

#[test]
fn an_export_pins_every_file() {
    let project = locked();
    assert_snapshot!(project.run("export").snapshot(), @r"
    exit code 0
    --- stdout
    # Made by `mlresolve export` from pylock.toml.
    --index-url [INDEX]/simple/
    app==1.0 \
        --hash=sha256:d5b9e996e47d559d69b1d0a26cdfec4d04f7ce90abfefcb3210ecac46ebeb89a
    http==1.1 \
        --hash=sha256:72339177a7d04199be57d1f4bcb0190a6ff78c633892ef0851bdde7f3e948e9a
    speedups==0.9 \
        --hash=sha256:dce2e494b6b06c0d109fb3dab970c9cfc24ed433499183d0be89fbf09f778386
    tools==1.0 \
        --hash=sha256:6cd2932c221c38135d11580c8ba29ece51ed4a9ff0a3beb8284ac1517974f402
    torch==2.9.1 \
        --hash=sha256:5f0ae698c8c26577748184724a99ab856fed12cba187f232fa3d30a9b2bb5ee5
    web==2.1 \
        --hash=sha256:eb0cf31083b2da42f5f0340137786ad21b76279df1a9a68077cb89e88f78c1cd
    ");
    assert_snapshot!(project.run("export --no-index-urls -o out.txt --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"format":"requirements","lock":"pylock.toml","output":"out.txt","packages":6,"text":null}
    "#);
    assert_snapshot!(project.run("export -o out.txt").snapshot(), @"
    exit code 0
    --- stderr
    wrote out.txt: 6 packages
    ");
    let canonical = project.run("export --format pylock").success().stdout();
    assert_eq!(canonical, project.raw("pylock.toml"));
    assert_snapshot!(project.run("export --format poetry").snapshot(), @"
    exit code 2
    --- stderr
    error: invalid value 'poetry' for '--format <FORMAT>'
      [possible values: requirements, pylock]

    For more information, try '--help'.
    ");
}

#[test]
fn what_pip_could_not_check_is_not_exported() {
    let project = Project::new("");
    let text = "lock-version = \"1.0\"\ncreated-by = \"other\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n\
                directory = { path = \"a\" }\n";
    project.write("pylock.toml", text);
    assert_snapshot!(project.run("export").snapshot(), @"
    exit code 2
    --- stderr
    error: a is locked from a directory, which has no digest that pip could check
    ");
}

#[test]
fn the_cache_is_counted_and_cleared() {
    let project = locked();
    assert_eq!(project.run("cache dir").success().stdout().trim_end(), project.cache().display().to_string());
    assert!(project.run("cache size").success().stdout().contains(" entries"));
    assert_snapshot!(project.run("cache prune").snapshot(), @"
    exit code 0
    --- stderr
    removed 0 B in 0 entries from [DIR]/cache
    ");
    assert_snapshot!(project.run("cache prune --older-than 18446744073709551615 --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"bytes":0,"dir":"[DIR]/cache","entries":0}
    "#);
    let cleared = project.run("cache clean").success();
    assert!(
        cleared.stdout().is_empty() && !cleared.stderr().contains(" 0 entries"),
        "{}",
        cleared.snapshot()
    );
    assert_snapshot!(project.run("cache size").snapshot(), @"
    exit code 0
    --- stdout
    0 B in 0 entries
    ");
    assert_snapshot!(project.run("cache size --no-cache").snapshot(), @"
    exit code 2
    --- stderr
    error: --no-cache leaves no cache to look at
    ");
}

#[test]
fn every_shell_gets_a_script() {
    let project = Project::new("");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = project.run(&format!("completions {shell}")).success().stdout();
        assert!(script.contains("why-not") && script.contains("no-cache"), "{shell}");
    }
    assert_eq!(project.run("completions cmd").code(), 2);
}

#[test]
fn without_a_command_there_is_help() {
    let run = Project::new("").run("");
    assert_eq!((run.code(), run.stdout().as_str()), (2, ""));
    assert!(run.stderr().contains("Usage: mlresolve [OPTIONS] <COMMAND>"));
    assert_snapshot!(Project::new("").run("lokc").snapshot(), @"
    exit code 2
    --- stderr
    error: unrecognized subcommand 'lokc'

      tip: a similar subcommand exists: 'lock'

    Usage: mlresolve [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}
