//! `mlresolve why` and `mlresolve why-not`

use insta::assert_snapshot;

use crate::support::{Project, locked};

#[test]
fn the_chains_to_a_package_begin_with_the_project() {
    assert_snapshot!(locked().run("why http").snapshot(), @"
    exit code 0
    --- stdout
    http 1.1 is locked because

      the project  needs torch
      torch 2.9.1  needs http

      the project  needs app
      app 1.0      needs tools[fast]
      tools 1.0    needs http

      the project  needs app
      app 1.0      needs web>=2
      web 2.1      needs http>=1.1
    ");
    assert_snapshot!(locked().run("why http --paths 1").snapshot(), @"
    exit code 0
    --- stdout
    http 1.1 is locked because

      the project  needs torch
      torch 2.9.1  needs http

    and 2 more ways
    ");
    assert_snapshot!(locked().run("why app").snapshot(), @"
    exit code 0
    --- stdout
    app 1.0 is locked because

      the project  needs app
    ");
    assert_snapshot!(locked().run("why speedups --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"build":null,"lock":"pylock.toml","more":0,"name":"speedups","paths":[[{"name":"app","requirement":"app","version":"1.0"},{"name":"tools","requirement":"tools[fast]","version":"1.0"},{"name":"speedups","requirement":"speedups","version":"0.9"}]],"versions":["0.9"]}
    "#);
}

#[test]
fn a_package_that_is_not_locked_is_answered_with_near_names() {
    assert_snapshot!(locked().run("why speedup").snapshot(), @"
    exit code 1
    --- stderr
    error: speedup is not in pylock.toml
    hint: did you mean speedups?
    ");
    assert_snapshot!(locked().run("why speedup --json").snapshot(), @r#"
    exit code 1
    --- stdout
    {"error":{"exit-code":1,"hint":"did you mean speedups?","kind":"not-locked","message":"speedup is not in pylock.toml"}}
    "#);
    assert_snapshot!(locked().run("why zzzz").snapshot(), @"
    exit code 1
    --- stderr
    error: zzzz is not in pylock.toml
    ");
    assert_snapshot!(locked().run("why no!name").snapshot(), @r#"
    exit code 2
    --- stderr
    error: "no!name" is not a valid name: use ASCII letters, digits, '.', '_' and '-', with a letter or digit at both ends
    "#);
}

#[test]
fn the_lock_of_another_tool_tells_what_it_can() {
    let project = Project::new("");
    let package = |name: &str, rest: &str| {
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"1\"\n{rest}directory = {{ path = \"{name}\" }}\n"
        )
    };
    let head = "lock-version = \"1.0\"\ncreated-by = \"other\"\n";
    let needs = "dependencies = [{ name = \"b\" }]\n";
    project.write("pylock.toml", &format!("{head}{}{}", package("a", needs), package("b", "")));
    assert_snapshot!(project.run("why b").snapshot(), @"
    exit code 0
    --- stdout
    b 1 is locked because

      a 1  needs b
    ");
    assert_snapshot!(project.run("why a").snapshot(), @"
    exit code 0
    --- stdout
    a 1 is locked because

      nothing else in the lock needs a: it was asked for
    ");
    project.write("pylock.toml", &format!("{head}{}{}", package("a", ""), package("b", "")));
    assert_snapshot!(project.run("why b").snapshot(), @"
    exit code 0
    --- stdout
    b 1 is locked because

      nothing else in the lock needs b: it was asked for
    --- stderr
    warning: the lock was made by another tool and does not record which package needs which
    ");
}

#[test]
fn what_is_possible_is_answered_with_what_would_change() {
    let project = locked();
    assert_snapshot!(project.run("why-not web<2.1").snapshot(), @"
    exit code 0
    --- stdout
    web<2.1 is possible; this would change:
    ↓ web  2.1 → 2.0  692 B → 688 B
    1 changed; 899.8 MB to download
    ");
    assert_snapshot!(project.run("why-not web>=2").snapshot(), @"
    exit code 0
    --- stdout
    web>=2 holds already: nothing would change
    ");
    assert_snapshot!(project.run("why-not http<1.1 --json").snapshot(), @r#"
    exit code 0
    --- stdout
    {"answers":[{"diff":{"added":[],"bytes-after":899753524,"bytes-before":899753530,"changed":[{"direction":"downgraded","files-changed":2,"from":"1.1","name":"http","replaced-files":[],"size-after":676,"size-before":678,"to":"1.0"},{"direction":"downgraded","files-changed":2,"from":"2.1","name":"web","replaced-files":[],"size-after":688,"size-before":692,"to":"2.0"}],"removed":[]},"explanation":null,"possible":true,"target":"default"}],"requirement":"http<1.1"}
    "#);
}

#[test]
fn what_is_not_possible_is_explained() {
    let project = locked();
    assert_snapshot!(project.run("why-not extra-package").snapshot(), @"
    exit code 1
    --- stdout
    extra-package is not possible for default (Python 3.12, linux-x86_64, glibc 2.28):
      - you require extra-package
      - extra-package was not found on [INDEX]/simple/
    Hint: if extra-package is on an index of its own, name that with --extra-index-url
    ");
    assert_snapshot!(project.run("why-not web<2").snapshot(), @"
    exit code 1
    --- stdout
    web<2 is not possible for default (Python 3.12, linux-x86_64, glibc 2.28):
      - you require app
      - you require web<2
      - app 1.0 requires web>=2
    Any one of these changes is enough:
      - leave out app: gives web 1.0
    Hint: what can be had is web 2.1, app 1.0
    ");
    assert_snapshot!(project.run("why-not web<2 --json").snapshot(), @r#"
    exit code 1
    --- stdout
    {"answers":[{"diff":null,"explanation":"  - you require app\n  - you require web<2\n  - app 1.0 requires web>=2\nAny one of these changes is enough:\n  - leave out app: gives web 1.0\nHint: what can be had is web 2.1, app 1.0\n","possible":false,"target":"default"}],"requirement":"web<2"}
    "#);
    assert_snapshot!(project.run("why-not web<<2").snapshot(), @r#"
    exit code 2
    --- stderr
    error: "web<<2": "<<2" is not a version specifier: "<2" is not a version: expected version to start with a number, but no leading ASCII digits were found
    "#);
    assert_snapshot!(Project::new("").run("why-not web<2").snapshot(), @"
    exit code 2
    --- stderr
    error: .: there is no pyproject.toml, requirements.in or requirements.txt here; name a requirements file with `-r FILE`, or another folder
    ");
}
