use super::*;

fn input() -> DockerfileInput {
    DockerfileInput {
        python: (3, 12),
        machine: "x86_64".to_owned(),
        base: None,
        groups: vec![group(LayerGroup::Small, &["attrs", "six"])],
        index_urls: Vec::new(),
        app_dir: None,
        entrypoint: None,
        user: DEFAULT_USER,
        cuda_floor: None,
    }
}

fn group(group: LayerGroup, packages: &[&str]) -> RequirementsGroup {
    RequirementsGroup {
        file_name: group.file_name().to_owned(),
        packages: packages.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn training() -> DockerfileInput {
    DockerfileInput {
        base: Some("python:3.12-slim@sha256:0f1e".to_owned()),
        groups: vec![
            group(LayerGroup::Accelerator, &["nvidia-cublas-cu12", "nvidia-cudnn-cu12"]),
            group(LayerGroup::Framework, &["torch", "triton"]),
            group(LayerGroup::Large, &[]),
            group(LayerGroup::Small, &["attrs", "filelock", "fsspec", "jinja2", "six", "sympy", "tqdm"]),
        ],
        index_urls: vec![
            "https://index.example/simple/".to_owned(),
            "https://torch.example/cu128".to_owned(),
        ],
        app_dir: Some("./src/".to_owned()),
        entrypoint: Some(vec!["python".to_owned(), "-m".to_owned(), "train \"it\"".to_owned()]),
        cuda_floor: Some((12, 8)),
        ..input()
    }
}

#[test]
fn a_small_project() {
    insta::assert_snapshot!(dockerfile(&input()).unwrap(), @"");
}

#[test]
fn a_training_project() {
    insta::assert_snapshot!(dockerfile(&training()).unwrap(), @"");
}

#[test]
fn what_goes_to_the_builder() {
    insta::assert_snapshot!(dockerignore(&training()).unwrap(), @"");
    let everything = dockerignore(&DockerfileInput { app_dir: Some(".".to_owned()), ..input() }).unwrap();
    assert!(everything.contains("\n!**\n"), "{everything}");
}

#[test]
fn a_project_without_packages_still_gets_its_environment() {
    let text = dockerfile(&DockerfileInput { groups: Vec::new(), ..input() }).unwrap();
    assert!(text.contains("COPY --from=builder /opt/venv /opt/venv\n"), "{text}");
    assert!(!text.contains("packages-1"), "{text}");
}

#[test]
fn every_stage_that_is_copied_from_exists() {
    for input in [input(), training()] {
        let text = dockerfile(&input).unwrap();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("COPY --from=") else { continue };
            let stage = rest.split(' ').next().unwrap();
            assert!(text.contains(&format!("FROM builder AS {stage}\n")), "{stage}");
        }
    }
}

#[test]
fn a_package_is_in_the_same_layer_whatever_its_neighbours() {
    use LayerGroup::{Accelerator, Framework, Large, Small};
    for (name, bytes, expected) in [
        ("nvidia-cudnn-cu12", Some(500_000_000), Accelerator),
        ("nvidia-nvtx-cu12", Some(90_000), Accelerator),
        ("torch", Some(800_000_000), Framework),
        ("torchvision", Some(8_000_000), Framework),
        ("torchmetrics", Some(900_000), Small),
        ("scipy", Some(35_000_000), Large),
        ("scipy", Some(LARGE_WHEEL_BYTES), Large),
        ("scipy", Some(LARGE_WHEEL_BYTES - 1), Small),
        ("scipy", None, Small),
    ] {
        assert_eq!(LayerGroup::of(name, bytes), expected, "{name} {bytes:?}");
    }
}

#[test]
fn credentials_are_refused_and_not_repeated() {
    for url in [
        "https://ann:hunter2@index.example/simple",
        "https://hunter2@index.example",
        "ann:hunter2@index.example/",
    ] {
        let index_urls = vec!["https://index.example/simple".to_owned(), url.to_owned()];
        let error = dockerfile(&DockerfileInput { index_urls, ..input() }).unwrap_err();
        assert_eq!(error, DockerfileError::CredentialsInIndexUrl { number: 2 });
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let index_urls = vec!["https://index.example/simple?token=hunter2".to_owned()];
    let error = dockerfile(&DockerfileInput { index_urls, ..input() }).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn an_at_sign_in_the_path_is_no_credential() {
    let index_urls = vec!["https://index.example/@team/simple".to_owned()];
    assert!(dockerfile(&DockerfileInput { index_urls, ..input() }).is_ok());
}

#[test]
fn text_that_would_be_syntax_is_refused() {
    let with_file = |file_name: &str| DockerfileInput {
        groups: vec![RequirementsGroup { file_name: file_name.to_owned(), packages: vec!["six".to_owned()] }],
        ..input()
    };
    let with_base = |base: &str| DockerfileInput { base: Some(base.to_owned()), ..input() };
    let hostile = [
        with_base("python:3.12\nRUN true"),
        with_base("${SECRET}"),
        with_base("--platform=linux/arm64"),
        with_base(""),
        with_base(&"a".repeat(MAX_TEXT_BYTES + 1)),
        with_file("requirements.txt /etc/"),
        with_file("--from=other"),
        with_file("*.txt"),
        DockerfileInput { machine: "x86_64\" ]; true; [ \"".to_owned(), ..input() },
        DockerfileInput { app_dir: Some("src\\".to_owned()), ..input() },
        DockerfileInput { index_urls: vec!["https://index.example/'; true; '".to_owned()], ..input() },
        DockerfileInput { groups: vec![group(LayerGroup::Small, &["six\nUSER 0"])], ..input() },
    ];
    for input in hostile {
        let error = dockerfile(&input).unwrap_err();
        assert!(matches!(error, DockerfileError::UnsafeText { .. }), "{input:?}: {error}");
        assert_eq!(dockerignore(&input).unwrap_err(), error);
    }
}

#[test]
fn an_argument_cannot_leave_its_line() {
    let entrypoint = Some(vec!["python\nUSER 0:0".to_owned()]);
    let text = dockerfile(&DockerfileInput { entrypoint, ..input() }).unwrap();
    assert!(text.ends_with("USER 65532:0\nENTRYPOINT [\"python\\nUSER 0:0\"]\n"), "{text}");
}

#[test]
fn paths_outside_the_folder_are_refused() {
    for path in ["/etc", "..", "src/../../secret", "../src"] {
        let error = dockerfile(&DockerfileInput { app_dir: Some(path.to_owned()), ..input() }).unwrap_err();
        assert_eq!(error, DockerfileError::OutsideContext { path: path.to_owned() });
    }
}

#[test]
fn the_number_of_groups_is_limited() {
    let groups = vec![group(LayerGroup::Small, &["six"]); MAX_GROUPS + 1];
    let error = dockerfile(&DockerfileInput { groups, ..input() }).unwrap_err();
    assert!(error.to_string().contains("MAX_GROUPS"), "{error}");
}
