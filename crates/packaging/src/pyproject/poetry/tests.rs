use super::super::{PyProject, PyProjectError};
use super::*;

fn read(text: &str) -> PyProject {
    PyProject::parse(text).unwrap()
}

fn shown(requirements: &[Requirement]) -> Vec<String> {
    requirements.iter().map(ToString::to_string).collect()
}

#[test]
fn a_project_of_poetrys_reads_as_one_of_the_standards() {
    let file = read(
        r#"
        [tool.poetry]
        name = "My_App"
        version = "0.1.0"
        authors = ["x"]
        [tool.poetry.dependencies]
        python = "^3.10"
        torch = "~2.9"
        numpy = [
          {version = "^1.26", python = "<3.12"},
          {version = "^2.1", python = ">=3.12"},
        ]
        lightning = {version = "*", extras = ["Extra"], optional = true}
        wheels = {version = "1.2.3", source = "mine", markers = "os_name == 'posix'", platform = "linux"}
        tool = {git = "https://g.example/tool.git", rev = "abc"}
        local = {path = "../local", develop = true, allow-prereleases = true}
        [tool.poetry.extras]
        train = ["lightning", "torch"]
        [tool.poetry.dev-dependencies]
        pytest = "*"
        [tool.poetry.group.docs]
        optional = true
        [tool.poetry.group.docs.dependencies]
        mkdocs = ">=1"
        [[tool.poetry.source]]
        name = "mine"
        url = "https://m.example/simple"
        priority = "explicit"
        [[tool.poetry.source]]
        name = "PyPI"
        "#,
    );
    let project = file.project.unwrap();
    assert_eq!(project.name.as_str(), "my-app");
    assert_eq!(project.requires_python.unwrap().to_string(), ">=3.10,<4.0");
    let expected = [
        "torch>=2.9,<2.10",
        "numpy>=1.26,<2.0; python_version < \"3.12\"",
        "numpy>=2.1,<3.0; python_version >= \"3.12\"",
        "wheels==1.2.3; (os_name == 'posix') and (sys_platform == \"linux\")",
        "tool",
        "local",
    ];
    assert_eq!(shown(&project.dependencies), expected);
    assert_eq!(shown(&project.optional_dependencies["train"]), ["lightning[extra]", "torch>=2.9,<2.10"]);
    let group = |name: &str| file.groups.requirements(&name.parse().unwrap()).map(|list| list.len());
    assert_eq!((group("dev"), group("docs")), (Some(1), Some(1)));
    let poetry = file.poetry.unwrap();
    let names: Vec<&str> = poetry.sources.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["wheels", "tool", "local"]);
    assert_eq!(poetry.indexes[0].priority, PoetryPriority::Explicit);
    assert_eq!((poetry.indexes[1].url.as_ref(), poetry.indexes[1].priority), (None, PoetryPriority::Primary));
    assert_eq!(poetry.not_followed, ["dependencies.local.allow-prereleases"]);
    assert_eq!((file.foreign, file.unknown_keys), (vec![], vec![]));
}

#[test]
fn beside_a_project_with_dependencies_only_places_count() {
    let file = read(
        "[project]\nname = 'x'\ndependencies = ['torch>=2']\n[tool.poetry.dependencies]\ntorch = {source = 'cu'}\n",
    );
    assert_eq!(shown(&file.project.unwrap().dependencies), ["torch>=2"]);
    assert_eq!(file.poetry.unwrap().sources.len(), 1);
    let file = read(
        "[project]\nname = 'x'\nrequires-python = '>=3.11'\ndynamic = ['dependencies']\n[tool.poetry.dependencies]\npython \
         = '^3.9'\ntorch = '^2'\n",
    );
    let project = file.project.unwrap();
    assert_eq!(shown(&project.dependencies), ["torch>=2,<3"]);
    assert_eq!(project.requires_python.unwrap().to_string(), ">=3.11");
    assert_eq!(project.dynamic, Vec::<String>::new());
}

#[test]
fn what_the_standards_cannot_say_is_refused_with_its_line() {
    let error = |text: &str| -> PyProjectError {
        PyProject::parse(&format!("[tool.poetry.dependencies]\n{text}\n")).unwrap_err()
    };
    let cases = [
        ("a = '^1 || ^4'", "line 2: `>=1,<2 || >=4,<5` cannot be said as one set"),
        ("a = {version = 'latest'}", "line 2: \"latest\" is no constraint of Poetry's"),
        ("a = 1", "line 2: invalid type: integer"),
        ("a = '1'\nb = {markers = 'x'}", "line 3: the markers cannot be read"),
        ("a = {git = 'x', path = 'y'}", "line 2: a dependency has one of"),
        ("a = {git = 'x', tag = 'y', rev = 'z'}", "line 2: a repository is taken at one of"),
        ("python = '>=3.9,<3.11 || >=3.13'", "line 2: "),
    ];
    for (text, expected) in cases {
        let error = error(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let text = "[[tool.poetry.source]]\nname = 'x'\npriority = 'best'\n";
    assert!(PyProject::parse(text).unwrap_err().to_string().starts_with("line 3: unknown variant"));
}

#[test]
fn a_project_without_a_name_has_one_that_is_no_packages() {
    let file = read("[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\nsix = '*'\n");
    assert_eq!(file.project.unwrap().name.as_str(), NAMELESS);
    assert_eq!(read("[tool.poetry]\nname = 'x'\n").project, None);
}
