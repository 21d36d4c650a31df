//! `mlresolve tree`

use insta::assert_snapshot;

use crate::support::{Project, locked};

#[test]
fn the_tree_shows_each_package_once_in_full() {
    assert_snapshot!(locked().run("tree").snapshot(), @"
    exit code 0
    --- stdout
    app 1.0
    ├── tools 1.0 (tools[fast])
    │   ├── http 1.1
    │   └── speedups 0.9
    └── web 2.1 (web>=2)
        └── http 1.1 (http>=1.1)
    torch 2.9.1
    └── http 1.1
    ");
    assert_snapshot!(locked().run("tree --depth 1").snapshot(), @"
    exit code 0
    --- stdout
    app 1.0
    ├── tools 1.0 (tools[fast]) (…)
    └── web 2.1 (web>=2) (…)
    torch 2.9.1
    └── http 1.1
    --- stderr
    (…) deeper levels are not shown; see --depth
    ");
    assert_snapshot!(locked().run("tree web").snapshot(), @"
    exit code 0
    --- stdout
    web 2.1
    └── http 1.1 (http>=1.1)
    ");
    assert_snapshot!(locked().run("tree Web --depth 0 --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"lock":"pylock.toml","tree":[{"depth":0,"more":true,"name":"web","repeated":false,"requirement":null,"version":"2.1"}]}
    "#);
}

#[test]
fn upside_down_it_shows_who_needs_a_package() {
    assert_snapshot!(locked().run("tree --invert http").snapshot(), @"
    exit code 0
    --- stdout
    http 1.1
    ├── tools 1.0 (http)
    │   └── app 1.0 (tools[fast])  ← the project: app
    ├── torch 2.9.1 (http)  ← the project: torch
    └── web 2.1 (http>=1.1)
        └── app 1.0 (web>=2)  ← the project: app
    ");
    assert_snapshot!(locked().run("tree --invert").snapshot(), @"
    exit code 2
    --- stderr
    error: the following required arguments were not provided:
      <PACKAGE>

    Usage: mlresolve tree --invert --cache-dir <DIR> <PACKAGE>

    For more information, try '--help'.
    ");
}

#[test]
fn colours_are_for_terminals() {
    assert_snapshot!(locked().run("tree tools --color always").stdout().escape_debug(), @r"tools 1.0\n\u{1b}[2m├── \u{1b}[0mhttp 1.1\n\u{1b}[2m└── \u{1b}[0mspeedups 0.9\n");
}

#[test]
fn a_lock_that_is_not_there_or_not_one_is_bad_input() {
    let project = Project::new("");
    assert_snapshot!(project.run("tree").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.toml: there is no such lock; `mlresolve lock` makes one
    ");
    assert_snapshot!(project.run("tree --lock nowhere.toml").snapshot(), @"
    exit code 2
    --- stderr
    error: cannot read nowhere.toml: No such file or directory (os error 2)
    hint: check the name, or the folder you are in
    ");
    assert_snapshot!(project.run("tree --lock nowhere.toml --json").snapshot(), @r#"
    exit code 2
    --- stdout
    {"error":{"exit-code":2,"hint":"check the name, or the folder you are in","kind":"bad-input","message":"cannot read nowhere.toml: No such file or directory (os error 2)"}}
    "#);
    project.write("pylock.toml", "lock-version = \"1.0\"\n");
    assert_snapshot!(project.run("tree").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.toml: key `created-by`: the key is required and absent
    hint: mend the file, or remove it and run `mlresolve lock`
    ");
    project.write("pylock.toml", "<<<<<<< ours\n");
    assert_snapshot!(project.run("tree").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.toml: the lock holds merge conflict markers at line 1; `mlresolve lock` makes it anew
    hint: mend the file, or remove it and run `mlresolve lock`
    ");
}

#[test]
fn among_several_locks_the_target_chooses() {
    let project = Project::new("");
    for name in ["train", "serve"] {
        let text = format!(
            "lock-version = \"1.0\"\ncreated-by = \"other\"\npackages = []\n[tool.mlresolve]\nversion = 1\n\
             [tool.mlresolve.target]\nname = \"{name}\"\npython = \"3.12\"\nplatform = \"linux-x86_64\"\n"
        );
        project.write(&format!("pylock.{name}.toml"), &text);
    }
    assert_snapshot!(project.run("tree").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.toml: there is no such lock, but pylock.serve.toml and pylock.train.toml; choose one with --target NAME
    ");
    assert_snapshot!(project.run("tree --target serve").snapshot(), @"
    exit code 0
    --- stderr
    pylock.serve.toml holds no packages
    ");
    assert_snapshot!(project.run("tree --target train --lock pylock.serve.toml").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.serve.toml: the lock is for the target serve, not train
    ");
    assert_snapshot!(project.run("tree --target eval").snapshot(), @"
    exit code 2
    --- stderr
    error: pylock.eval.toml: there is no such lock, but pylock.serve.toml and pylock.train.toml
    ");
    assert_snapshot!(locked().run("tree --target default --depth 0").snapshot(), @"
    exit code 0
    --- stdout
    app 1.0 (…)
    torch 2.9.1 (…)
    --- stderr
    (…) deeper levels are not shown; see --depth
    ");
}

#[test]
fn a_hostile_lock_cannot_write_to_the_terminal() {
    let project = Project::new("");
    let requirement = r#"a; python_version > '\u001B[2J\u202E'"#;
    let text = format!(
        "lock-version = \"1.0\"\ncreated-by = \"other\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n\
         directory = {{ path = \"a\" }}\n[tool.mlresolve]\nversion = 1\nrequirements = [\"{requirement}\"]\n"
    );
    project.write("pylock.toml", &text);
    for command in ["tree", "tree --invert a", "why a"] {
        let run = project.run(command);
        let hostile = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
        assert!(!run.snapshot().contains(hostile), "{}", run.snapshot().escape_debug());
    }
    assert_snapshot!(project.run("tree").snapshot(), @"
    exit code 0
    --- stdout
    a 1 (a; python_version > '[2J')
    ");
}
