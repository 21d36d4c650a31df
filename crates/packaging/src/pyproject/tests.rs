use super::*;

fn read(text: &str) -> PyProject {
    PyProject::parse(text).unwrap()
}

fn error(text: &str) -> String {
    PyProject::parse(text).unwrap_err().to_string()
}

fn shown<'a>(requirements: impl IntoIterator<Item = &'a Requirement>) -> Vec<String> {
    requirements.into_iter().map(ToString::to_string).collect()
}

fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

#[test]
fn a_project_is_read_with_all_that_concerns_dependencies() {
    let file = read(
        r#"
        [build-system]
        requires = ["hatchling"]
        [project]
        name = "My.Project"
        version = "1.0"
        requires-python = ">=3.10.*"
        dependencies = ["torch>=2", "numpy ; os_name == 'nt'"]
        dynamic = ["readme"]
        authors = [{name = "x"}]
        [project.optional-dependencies]
        Train_Extra = ["lightning"]
        "#,
    );
    let project = file.project.unwrap();
    assert_eq!(project.name.as_str(), "my-project");
    assert_eq!(project.version.unwrap().to_string(), "1.0");
    assert_eq!(project.requires_python.unwrap().to_string(), ">=3.10");
    assert_eq!(shown(&project.dependencies), ["torch>=2", "numpy; os_name == 'nt'"]);
    assert_eq!(shown(&project.optional_dependencies["train-extra"]), ["lightning"]);
    assert_eq!(project.dynamic, ["readme"]);
    assert_eq!(file.repairs[0].original, ">=3.10.*");
    assert_eq!((file.config, file.unknown_keys, file.foreign), (None, vec![], vec![]));
}

#[test]
fn a_file_may_say_nothing_or_only_what_others_read() {
    assert_eq!(read(""), PyProject::default());
    assert_eq!(read("\u{feff}[tool.black]\nline-length = 100\n"), PyProject::default());
    let file = read(
        "[tool.uv.sources]\ntorch = {index = 'x'}\n[[tool.poetry.source]]\nname = 'x'\n[tool.uv.pip]\n[tool.pixi]\n",
    );
    assert_eq!(file.foreign, ["tool.pixi"]);
    assert_eq!(file.uv.unwrap().not_followed, ["pip"]);
    assert_eq!(file.poetry.unwrap().indexes.len(), 1);
}

#[test]
fn the_tools_table_and_the_tools_file_have_the_same_keys() {
    let keys = r#"
        exclude-newer = "7 days"
        index-url = "https://a.example/simple"
        extra-index-urls = ["https://b.example"]
        prerelease = "allow"
        resolution = "lowest"
        constraints = ["numpy<2"]
        overrides = ["protobuf>=4.0.*"]
        colour = 1
        "#;
    let targets = r#"
        python = "3.12"
        platform = "linux-x86_64"
        glibc = "2.35"
        image = "python:3.12-slim"
        accelerator = "cu128"
        driver = "570.124"
        gpu = ["sm_80", "H100"]
        groups = ["Train"]
        extras = ["vision"]
        pyhton = "3.11"
        "#;
    let file = read(&format!(
        "[tool.mlresolve]{keys}[tool.mlresolve.targets.train]{targets}[tool.mlresolve.targets.a-serve]\n[tool.x]\ny=1"
    ));
    let mut config = file.config.unwrap();
    assert_eq!(file.unknown_keys, ["colour", "targets.train.pyhton"]);
    assert_eq!(config.exclude_newer.as_deref(), Some("7 days"));
    assert_eq!(config.index_url.as_deref(), Some("https://a.example/simple"));
    assert_eq!(config.extra_index_urls, ["https://b.example"]);
    assert_eq!(config.prerelease.as_deref(), Some("allow"));
    assert_eq!(config.resolution.as_deref(), Some("lowest"));
    assert_eq!(shown(&config.constraints), ["numpy<2"]);
    assert_eq!(shown(&config.overrides), ["protobuf>=4.0"]);
    let names: Vec<&str> = config.targets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["train", "a-serve"], "in the order of the file");
    let train = &config.targets[0].1;
    assert_eq!(train.python.as_deref(), Some("3.12"));
    assert_eq!(train.platform.as_deref(), Some("linux-x86_64"));
    assert_eq!(train.glibc.as_deref(), Some("2.35"));
    assert_eq!(train.image.as_deref(), Some("python:3.12-slim"));
    assert_eq!(train.accelerator.as_deref(), Some("cu128"));
    assert_eq!(train.driver.as_deref(), Some("570.124"));
    assert_eq!(train.gpu, ["sm_80", "H100"]);
    assert_eq!(train.groups, [group("train")]);
    assert_eq!(train.extras, ["vision".parse().unwrap()]);
    assert_eq!(config.targets[1].1, TargetConfig::default());

    let (own, unknown) =
        Config::parse(&format!("{keys}[targets.train]{targets}[targets.a-serve]\n")).unwrap();
    assert_eq!(unknown, file.unknown_keys);
    config.repairs = file.repairs;
    assert_eq!(own, config);
}

#[test]
fn a_date_needs_no_quotes() {
    for (written, meant) in [
        ("2026-11-15", "2026-11-15"),
        ("2026-11-15T10:00:00Z", "2026-11-15T10:00:00Z"),
        ("'2026-11-15'", "2026-11-15"),
    ] {
        let (config, _) = Config::parse(&format!("exclude-newer = {written}")).unwrap();
        assert_eq!(config.exclude_newer.as_deref(), Some(meant));
    }
    let error = Config::parse("\nexclude-newer = 7").unwrap_err().to_string();
    assert_eq!(error, "line 2: invalid type: integer, expected a time, a date or an age such as \"7 days\"");
}

#[test]
fn groups_include_groups_in_place_and_once() {
    let file = read(
        r#"
        [dependency-groups]
        Test_All = ["pytest", {include-group = "typing"}, "coverage", {include-group = "base"}]
        typing = ["mypy", {include-group = "BASE"}]
        base = ["x>=1.0.*"]
        empty = []
        "#,
    );
    let names: Vec<&str> = file.groups.names().map(GroupName::as_str).collect();
    assert_eq!(names, ["base", "empty", "test-all", "typing"]);
    let requirements = file.groups.requirements(&group("test.all")).unwrap();
    assert_eq!(shown(requirements), ["pytest", "mypy", "x>=1.0", "coverage"]);
    assert_eq!(file.groups.requirements(&group("empty")), Some(vec![]));
    assert_eq!(file.groups.requirements(&group("other")), None);
    assert_eq!(file.groups.items(&group("typing")).unwrap()[1], GroupItem::Include(group("base")));
    assert_eq!(file.repairs.len(), 1);
}

#[test]
fn broken_groups_are_refused() {
    let group_error = |body: &str| error(&format!("[dependency-groups]\n{body}"));
    assert_eq!(
        group_error("a = [{include-group = 'b'}]"),
        "the dependency group `a` includes `b`, which does not exist"
    );
    assert!(group_error("a = [{include-group = 'a'}]").contains("`a` includes itself"));
    let circle = "a = [{include-group = 'b'}]\nb = [{include-group = 'c'}]\nc = [{include-group = 'b'}]";
    assert_eq!(
        group_error(circle),
        "the dependency group `b` includes itself, directly or through another group"
    );
    assert!(group_error("a-b = []\nA_b = []").contains("`a-b` is there twice"));
    assert_eq!(
        group_error("a = [{path = '.'}]"),
        "line 2: expected {include-group = \"…\"} and no other key"
    );
    assert!(group_error("a = [{include-group = 'a', x = 1}]").contains("no other key"));
    assert!(group_error("a = [1]").contains("expected a requirement or {include-group"));
    assert!(group_error("a = ['>=1']").starts_with("line 2: this is no requirement: "));
    assert!(group_error("'a b' = []").starts_with("line 2: \"a b\" is not a valid name"));
}

#[test]
fn a_chain_of_groups_is_walked_without_recursion_or_repetition() {
    let mut text = "[dependency-groups]\ng0 = ['x']\n".to_owned();
    for at in 1..20_000 {
        text.push_str(&format!("g{at} = [{{include-group = 'g{0}'}}, {{include-group = 'g{0}'}}]\n", at - 1));
    }
    let groups = read(&text).groups;
    assert_eq!(groups.requirements(&group("g19999")).unwrap().len(), 1);
}

#[test]
fn errors_name_the_line_and_hide_the_value() {
    assert!(
        error("[project]\nname = 'x'\ndependencies = [\n 'a',\n 'b c',\n]")
            .starts_with("line 5: this is no requirement")
    );
    assert!(error("[project]\nname = '-'").starts_with("line 2: \"-\" is not a valid name"));
    assert!(error("[project]\nversion = '1'").contains("missing field `name`"));
    assert!(error("[project]\nname = 'x'\nversion = 'one'").starts_with("line 3: \"one\" is not a version"));
    assert!(error("[project]\nname = 'x'\nrequires-python = 'three'").starts_with("line 3: "));
    assert!(
        error("[project]\nname = 'x'\n[project.optional-dependencies]\na_b = []\na-b = []").contains("twice")
    );
    assert_eq!(
        error("[tool.mlresolve]\nextra-index-urls = 'https://me:hunter2@a.example'"),
        "line 2: invalid type: string, expected a sequence"
    );
    assert!(error("[tool.mlresolve.targets.'../x']\n").contains("is not the name of a target"));
    assert!(error("[tool.mlresolve.targets.x]\npython = 3.12").starts_with("line 2: invalid type"));
    assert!(error("[project").starts_with("line 1: "));
    assert!(error("a = 1\na = 2").starts_with("line 2: "));
}

#[test]
fn the_project_table_can_be_read_alone() {
    let text = "[project]\nname = 'x'\ndynamic = ['version']\n[tool.mlresolve]\nprerelease = 7\n";
    assert!(PyProject::parse(text).is_err());
    let (project, repairs) = Project::parse(text).unwrap().unwrap();
    assert_eq!((project.name.as_str(), project.dynamic, repairs), ("x", vec!["version".to_owned()], vec![]));
    assert_eq!(Project::parse("[tool.poetry]\nname = 'x'"), Ok(None));
}

#[test]
fn limits_hold() {
    let long = " ".repeat(PYPROJECT_LIMIT + 1);
    assert_eq!(error(&long), "a file of 4194305 bytes is over the limit of 4194304 (pyproject length)");
    assert!(error(&format!("a = {}", "[".repeat(100_000))).starts_with("line 1: "));
    assert!(PyProject::parse(&format!("{} = 1", vec!["a"; 100_000].join("."))).is_err());
    assert!(PyProject::parse(&format!("[{}]", vec!["a"; 100_000].join("."))).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "([-a-z=.,'\"\\[\\]\\{\\}\n]|project|name = |tool.mlresolve|dependency-groups){0,40}") {
        drop(PyProject::parse(&text));
        drop(Config::parse(&text));
    }
}
