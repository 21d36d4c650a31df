//! Several indexes, the sources of packages, and the settings of other tools.

use insta::assert_snapshot;
use mlresolve_testkit::{Credentials, IndexServer, ServerOptions, Universe};

use crate::support::{Project, locked_packages};

const PASSWORD: &str = "correct-horse";

fn index(releases: &str) -> IndexServer {
    IndexServer::start(Universe::new().text(releases))
}

/// What was printed, with the address of a second index taken out.
fn shown(text: &str, other: &IndexServer) -> String {
    text.replace(other.origin().trim_end_matches('/'), "[OTHER]")
}

#[test]
fn an_explicit_index_serves_only_what_a_source_assigns_to_it() {
    let project = Project::new("app 1.0: torch\ntorch 2.0\nnumpy 1.0");
    let other = index("torch 2.1\nnumpy 9.0");
    let settings = format!(
        "sources.Torch = {{ index = 'GPU' }}\n[[index]]\nname = 'gpu'\nurl = '{}'\nexplicit = true\n",
        other.index_url()
    );
    project.write("requirements.txt", "app\nnumpy\n").write("mlresolve.toml", &settings);
    project.run("lock").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["app 1.0", "numpy 1.0", "torch 2.1"]);
    assert_eq!(other.count("/simple/numpy/"), 0);
    assert_eq!(project.index.count("/simple/torch/"), 0);
    assert_eq!(project.run("lock --check").code(), 0);
    // Another index for a package is another input.
    project.write("mlresolve.toml", "");
    assert_eq!(project.run("lock --check").code(), 3);
}

#[test]
fn sources_have_markers_extras_and_groups() {
    let project = Project::new("torch 2.0");
    let (one, two) = (index("torch 2.1"), index("torch 2.2"));
    let text = format!(
        "[project]\nname = 'x'\nversion = '1'\ndependencies = ['torch']\n[project.optional-dependencies]\ncpu = \
         []\n[tool.uv.sources]\ntorch = [{{index = 'one', marker = \"sys_platform == 'darwin'\"}}, {{index = 'two', extra = \
         'cpu'}}]\n[[tool.uv.index]]\nname = 'one'\nurl = '{}'\nexplicit = true\n[[tool.uv.index]]\nname = 'two'\nurl = \
         '{}'\nexplicit = true\n",
        one.index_url(),
        two.index_url()
    );
    project.write("pyproject.toml", &text);
    let chosen = |arguments: &str| {
        project.run(&format!("lock --upgrade {arguments}")).success();
        locked_packages(&project.read("pylock.toml"))
    };
    assert_eq!(chosen(""), ["torch 2.0"]);
    assert_eq!(chosen("--extra cpu"), ["torch 2.2"]);
    assert_eq!(chosen("--platform macos-arm64"), ["torch 2.1"]);
    assert_snapshot!(project.run("lock --platform macos-arm64 --extra cpu").snapshot(), @"
    exit code 2
    --- stderr
    error: the source of torch: two of its places are for this target; give each a marker, so that one is left
    ");
}

#[test]
fn a_conflict_says_which_index_was_not_asked() {
    let project = Project::new("numpy 2.0");
    let other = index("numpy 1.0");
    project.write("requirements.txt", "numpy>=2\n");
    let arguments = ["lock", "--extra-index-url", &other.index_url()];
    assert_snapshot!(shown(&project.run_with(&arguments, &[]).snapshot(), &other), @"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require numpy>=2
      - there is no numpy>=2; the newest is 1.0
      - [INDEX]/simple/ was not asked: [OTHER]/simple/ has numpy
    Any one of these changes is enough:
      - relax numpy>=2: gives numpy 1.0
    ");
    let settings =
        format!("sources.numpy.index = 'a'\n[[index]]\nname = 'a'\nurl = '{}'\n", other.index_url());
    project.write("mlresolve.toml", &settings);
    assert_snapshot!(shown(&project.run("lock").snapshot(), &other), @"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require numpy>=2
      - there is no numpy>=2; the newest is 1.0
      - only [OTHER]/simple/ was asked for numpy, as its source says
    Any one of these changes is enough:
      - relax numpy>=2: gives numpy 1.0
    ");
}

#[test]
fn another_tools_index_is_used_and_named_without_its_password() {
    let project = Project::new("app 1.0");
    project.write("requirements.txt", "app\n");
    let secret = project.index.index_url().replace("http://", &format!("http://ann:{PASSWORD}@"));
    let run = project.run_without_index(&["lock"], &[("PIP_INDEX_URL", &secret)]).success();
    assert!(!run.stderr().contains(PASSWORD));
    let host = project.index.origin().replace("http://", "");
    assert_snapshot!(run.snapshot().replace(host.trim_end_matches('/'), "[HOST]"), @"
    exit code 0
    --- stderr
    index-url http://****@[HOST]/simple/ is from PIP_INDEX_URL
    no target is declared; a common one is assumed (see --help, Target)
    wrote pylock.toml: 1 packages, 670 B to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  app 1.0 670 B
    ");
    assert!(!project.raw("pylock.toml").contains(PASSWORD));
    let quiet = project.run_without_index(&["lock", "-q"], &[("UV_INDEX_URL", &secret)]).success();
    assert_eq!(quiet.stderr(), "");
    // Our own settings leave nothing to say.
    let own = project.run_with(&["lock"], &[("PIP_INDEX_URL", "https://nowhere.example/simple")]).success();
    assert!(!own.stderr().contains("nowhere"), "{}", own.stderr());
}

#[test]
fn pips_configuration_file_is_read() {
    let project = Project::new("app 1.0: web\nweb 1.0 2.0");
    project.write("requirements.txt", "app\n").write("limits.txt", "web<2\n");
    let config = format!(
        "[global]\nindex-url = {}\nextra-index-url =\nfind-links =\nno-index = false\nproxy =\ncert =\nclient-cert \
         =\ntrusted-host = h.example\n[install]\nconstraint =\n    limits.txt\n",
        project.index.index_url()
    );
    project.write("pip.conf", &config);
    let run = project.run_without_index(&["lock"], &[("PIP_CONFIG_FILE", "pip.conf")]).success();
    assert_snapshot!(run.snapshot(), @"
    exit code 0
    --- stderr
    index-url [INDEX]/simple/ is from pip.conf
    trusted-host h.example is from pip.conf
    constraint limits.txt is from pip.conf
    no target is declared; a common one is assumed (see --help, Target)
    wrote pylock.toml: 2 packages, 1.4 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  app 1.0 690 B, web 1.0 670 B
    ");
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["app 1.0", "web 1.0"]);
}

#[test]
fn the_credentials_of_a_named_index_come_from_the_environment() {
    let credentials = Credentials { user: "ann".to_owned(), password: PASSWORD.to_owned() };
    let options = ServerOptions { credentials: Some(credentials), ..ServerOptions::default() };
    let other = IndexServer::start_with(Universe::new().text("secret 1.0"), options);
    let project = Project::new("app 1.0: secret");
    let settings = format!(
        "sources.secret.index = 'in-house'\n[[index]]\nname = 'in-house'\nurl = '{}'\nexplicit = true\n",
        other.index_url()
    );
    project.write("requirements.txt", "app\n").write("mlresolve.toml", &settings);
    assert_eq!(project.run("lock").code(), 5);
    for tool in ["MLRESOLVE", "UV"] {
        let user = format!("{tool}_INDEX_IN_HOUSE_USERNAME");
        let password = format!("{tool}_INDEX_IN_HOUSE_PASSWORD");
        let variables = [(user.as_str(), "ann"), (password.as_str(), PASSWORD)];
        let run = project.run_with(&["lock", "--no-cache", "-vv"], &variables).success();
        assert!(!run.stderr().contains(PASSWORD) && !project.raw("pylock.toml").contains(PASSWORD));
    }
}

#[test]
fn uvs_table_is_taken_or_named() {
    let project = Project::new("app 1.0: web\nweb 1.0 2.0 3.0\ntool 1.0 2.0");
    let text = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['app', 'tool']\n[tool.uv]\nconstraint-dependencies \
                = ['web<3']\noverride-dependencies = ['tool<2']\nenvironments = [\"sys_platform == \
                'linux'\"]\nno-build-package = ['web']\ncache-dir = 'x'\n[tool.uv.pip]\ntorch-backend = 'auto'\n";
    project.write("pyproject.toml", text);
    assert_snapshot!(project.run("lock").success().snapshot(), @"
    exit code 0
    --- stderr
    warning: pyproject.toml: tool.uv.environments is not followed
    warning: pyproject.toml: tool.uv.pip is not followed
    no target is declared; a common one is assumed (see --help, Target)
    wrote pylock.toml: 3 packages, 2.0 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  app 1.0 690 B, tool 1.0 677 B, web 2.0 668 B
    ");
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["app 1.0", "tool 1.0", "web 2.0"]);
    // Ours count before, key by key.
    project.write("mlresolve.toml", "constraints = ['web<2']\n");
    project.run("lock").success();
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["app 1.0", "tool 1.0", "web 1.0"]);
}

#[test]
fn a_source_that_leads_nowhere_is_refused_by_name() {
    let project = Project::new("app 1.0: tool\ntool 1.0");
    let failure = |requirement: &str, source: &str| {
        project.write("requirements.txt", &format!("{requirement}\n"));
        project.write("mlresolve.toml", &format!("sources.tool = {source}\n"));
        project.run("lock").snapshot()
    };
    assert_snapshot!(failure("tool", "{ path = '../tool' }"), @"
    exit code 2
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: the source of tool: there is no file or folder [DIR]/tool
    ");
    assert_snapshot!(failure("tool>=1", "{ workspace = true }"), @"
    exit code 2
    --- stderr
    error: tool.mlresolve.sources.tool: workspaces are not supported, and an index may have another package named tool; name its folder with `path`, or list what it requires
    ");
    assert_snapshot!(failure("tool", "{ index = 'gpu' }"), @r#"
    exit code 2
    --- stderr
    error: tool.mlresolve.sources.tool: there is no index named "gpu"; no index has a name
    "#);
    // What an index has under this name is not taken instead.
    assert_snapshot!(failure("app", "{ path = '../tool' }"), @"
    exit code 2
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: the source of tool: there is no file or folder [DIR]/tool
    ");
}

#[test]
fn a_project_of_poetrys_is_locked() {
    let project = Project::new("web 1.2 1.9 2.0\ntrain 0.3.1 0.4.0\npytest 8.0\ngpu 1.0");
    let other = index("gpu 2.0");
    let text = format!(
        "[tool.poetry]\nname = 'app'\nversion = '0.1.0'\n[tool.poetry.dependencies]\npython = '^3.11'\nweb = '^1.2'\ntrain \
         = {{version = '~0.3', optional = true}}\ngpu = {{version = '*', source = 'gpu'}}\n[tool.poetry.extras]\nfull = \
         ['train']\n[tool.poetry.group.test.dependencies]\npytest = '*'\n[[tool.poetry.source]]\nname = 'gpu'\nurl = \
         '{}'\npriority = 'explicit'\n",
        other.index_url()
    );
    project.write("pyproject.toml", &text);
    assert_snapshot!(project.run("lock").success().snapshot(), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    wrote pylock.toml: 2 packages, 1.3 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  web 1.9 671 B, gpu 2.0 667 B
    ");
    assert_eq!(locked_packages(&project.read("pylock.toml")), ["gpu 2.0", "web 1.9"]);
    project.run("lock --extra full --group test").success();
    let expected = ["gpu 2.0", "pytest 8.0", "train 0.3.1", "web 1.9"];
    assert_eq!(locked_packages(&project.read("pylock.toml")), expected);
    project.write("pyproject.toml", &text.replace("'^1.2'", "'^1.2 || ^4'"));
    assert_snapshot!(project.run("lock").snapshot(), @"
    exit code 2
    --- stderr
    error: ./pyproject.toml: line 6: `>=1.2,<2.0 || >=4,<5` cannot be said as one set of version specifiers (PEP 440); give the package an entry for each alternative, or narrow it to one
    ");
}

#[test]
fn without_an_index_nothing_is_asked() {
    let project = Project::new("app 1.0");
    project.write("requirements.txt", "app\n");
    assert_snapshot!(project.run("lock --no-index").snapshot(), @"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require app
      - app was not found on any index, since none is asked for it
    Hint: if app is on an index of its own, name that with --extra-index-url
    ");
    assert_eq!(project.index.count("/simple/app/"), 0);
}
