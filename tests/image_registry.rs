//! Bases that are pulled from a registry on loopback.

use insta::assert_snapshot;
use mlresolve_testkit::{Credentials, IndexServer, REGISTRY_TOKEN, RegistryLogin, RegistryServer, Universe};

use crate::bases::{python, read, write_base};
use crate::support::{Project, Run};

const USER: &str = "the-user-of-the-registry";
const PASSWORD: &str = "the-password-of-the-registry";
/// `USER:PASSWORD` and `USER:wrong-password` in Base64, as logins are kept.
const LOGIN: &str = "dGhlLXVzZXItb2YtdGhlLXJlZ2lzdHJ5OnRoZS1wYXNzd29yZC1vZi10aGUtcmVnaXN0cnk=";
const WRONG_LOGIN: &str = "dGhlLXVzZXItb2YtdGhlLXJlZ2lzdHJ5Ondyb25nLXBhc3N3b3Jk";

/// A project with a lock, and a registry with a base.
struct Setting {
    project: Project,
    registry: RegistryServer,
}

impl Setting {
    fn new(login: Option<RegistryLogin>) -> Self {
        let project = Project::beside(IndexServer::start(Universe::new().text("app 1.0")));
        project.write("requirements.txt", "app\n").run("lock").success();
        let layout = project.path("../registry");
        write_base(&layout, &python());
        let registry = RegistryServer::start("team/base:1", layout, login);
        Self { project, registry }
    }

    fn build(&self, base: &str, variables: &[(&str, &str)]) -> Run {
        self.project.run_with(&["build", "--base", base], variables)
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/team/{rest}", self.registry.host())
    }

    /// What a run printed, without the registry's port.
    fn snapshot(&self, run: &Run) -> String {
        run.snapshot().replace(&self.registry.host(), "[REGISTRY]")
    }

    /// A file with a login for the registry; its folder.
    fn login(&self, name: &str, login: &str) -> String {
        let path = self.project.path("../home").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let host = self.registry.host();
        std::fs::write(&path, format!(r#"{{"auths": {{"{host}": {{"auth": "{login}"}}}}}}"#)).unwrap();
        path.parent().unwrap().display().to_string()
    }

    /// The path of such a file.
    fn login_file(&self, name: &str, login: &str) -> String {
        format!("{}/{name}", self.login(name, login))
    }
}

fn credentials() -> Credentials {
    Credentials::new(USER, PASSWORD)
}

#[test]
fn a_base_is_pulled_by_its_tag_and_by_its_digest() {
    let setting = Setting::new(None);
    setting.build(&setting.name("base:1"), &[]).success();
    let image = read(&setting.project.path("image"));
    let digest = setting.registry.digest();
    let manifest = setting.project.raw(&format!("image/blobs/sha256/{}", image.digest.hex()));
    let pinned = setting.name(&format!("base:1@{digest}"));
    let annotations = [
        format!("\"org.opencontainers.image.base.name\":\"{pinned}\""),
        format!("\"org.opencontainers.image.base.digest\":\"{digest}\""),
    ];
    assert!(annotations.iter().all(|annotation| manifest.contains(annotation)), "{manifest}");
    // What was pulled is not pulled again; what a tag stands for is asked.
    let before = setting.registry.requests().len();
    setting.build(&setting.name("base:1"), &[]).success();
    let paths: Vec<String> =
        setting.registry.requests()[before..].iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/v2/team/base/manifests/1"]);
    assert_eq!(read(&setting.project.path("image")).digest, image.digest);
    // By its digest nothing is asked, so that there need be no network.
    for arguments in [&[][..], &["--offline"]] {
        let base = setting.name(&format!("base@{digest}"));
        let arguments = [&["build", "--base", &base], arguments].concat();
        setting.project.run_with(&arguments, &[]).success();
        assert_eq!(read(&setting.project.path("image")).layers, image.layers);
    }
    assert_eq!(setting.registry.requests().len(), before + 1);
    let base = setting.name("base:1");
    let run = setting.project.run_with(&["build", "--base", &base, "--offline"], &[]);
    assert_snapshot!(setting.snapshot(&run), @"
    exit code 5
    --- stderr
    error: the base cannot be had: cannot reach [REGISTRY]: the network is off (--offline); name the image by a digest that was pulled before
    hint: check the name, the network and the login; --base also takes an image on this machine's disk, such as one that `podman save`, `docker save` or `skopeo copy` wrote
    ");
    // A digest that is new here.
    let setting = Setting::new(None);
    setting.build(&setting.name(&format!("base@{digest}")), &[]).success();
    assert_eq!(read(&setting.project.path("image")).layers, image.layers);
}

#[test]
fn logins_are_found_where_docker_and_podman_keep_them() {
    for login in [RegistryLogin::Basic(credentials()), RegistryLogin::Token(credentials())] {
        for (variable, name) in [
            ("DOCKER_CONFIG", "config.json"),
            ("REGISTRY_AUTH_FILE", "auth.json"),
            ("HOME", ".docker/config.json"),
        ] {
            let setting = Setting::new(Some(login.clone()));
            let folder = setting.login(name, LOGIN);
            let value = match variable {
                "DOCKER_CONFIG" => folder,
                "HOME" => folder.trim_end_matches("/.docker").to_owned(),
                _ => setting.login_file(name, LOGIN),
            };
            let run = setting.build(&setting.name("base:1"), &[(variable, &value)]).success();
            setting.project.assert_hidden(&run, &[PASSWORD, LOGIN, REGISTRY_TOKEN]);
            read(&setting.project.path("image"));
        }
    }
}

#[test]
fn without_the_right_login_nothing_is_given_out_and_no_secret_is_told() {
    let mut told = Vec::new();
    for login in [RegistryLogin::Basic(credentials()), RegistryLogin::Token(credentials())] {
        let setting = Setting::new(Some(login));
        let file = setting.login_file("auth.json", WRONG_LOGIN);
        for variables in [&[][..], &[("REGISTRY_AUTH_FILE", file.as_str())]] {
            let run = setting.build(&setting.name("base:1"), variables);
            assert_eq!(run.code(), 5, "{}", run.snapshot());
            setting.project.assert_hidden(&run, &["wrong-password", WRONG_LOGIN, USER]);
            told.push(setting.snapshot(&run));
            let arguments = ["-vv", "build", "--base", &setting.name("base:1")];
            let run = setting.project.run_with(&arguments, variables);
            setting.project.assert_hidden(&run, &["wrong-password", WRONG_LOGIN]);
        }
        assert!(!setting.project.path("image/index.json").exists());
    }
    assert_snapshot!(told.join("\n"));
}

#[test]
fn an_image_that_is_another_is_refused() {
    let setting = Setting::new(None);
    let digest = setting.registry.digest();
    setting.registry.change(&digest);
    for name in ["base:1".to_owned(), format!("base@{digest}")] {
        let run = setting.build(&setting.name(&name), &[]);
        assert_eq!(run.code(), 4, "{}", run.snapshot());
        let text = setting.snapshot(&run);
        assert!(text.contains("[REGISTRY] sent something else for") && text.contains(&digest), "{text}");
    }
    // A layer that is another.
    let setting = Setting::new(None);
    let layers = read(&setting.project.path("../registry")).layers;
    setting.registry.change(&layers[0].descriptor.digest.to_string());
    let run = setting.build(&setting.name("base:1"), &[]);
    assert_eq!(run.code(), 4, "{}", run.snapshot());
    assert!(!setting.project.path("image/index.json").exists());
}

#[test]
fn an_image_that_is_not_there() {
    let setting = Setting::new(None);
    let none = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let names = ["base:2", "other:1", &format!("base@{none}")].map(|name| setting.name(name));
    let mut told: Vec<String> = names
        .iter()
        .map(|name| {
            let run = setting.build(name, &[]);
            assert_eq!(run.code(), 5, "{}", run.snapshot());
            setting.snapshot(&run)
        })
        .collect();
    // Nobody listens there any more.
    let host = setting.registry.host();
    let Setting { project, registry } = setting;
    drop(registry);
    let run = project.run_with(&["build", "--base", &format!("{host}/team/base:1")], &[]);
    assert_eq!(run.code(), 5, "{}", run.snapshot());
    told.push(run.snapshot().replace(&host, "[REGISTRY]"));
    let run = project.run_with(&["build", "--base", "No/Name:"], &[]);
    told.push(run.snapshot());
    assert_snapshot!(told.join("\n"));
}
