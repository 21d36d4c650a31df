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
        sources: Vec::new(),
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
    insta::assert_snapshot!(dockerfile(&input()).unwrap(), @r##"
    # Made by `mlresolve dockerfile` from a lock for Python 3.12 on x86_64. Make it anew when the lock
    # changes. Build it in this folder, with Docker 23 or newer, podman or buildah:
    #     docker build -t my-image .

    # The image that this one starts from: an operating system with Python. What a name like this means changes when
    # a new release is made; NAME@sha256:... pins it, so that every build starts from the same bytes.
    ARG BASE=python:3.12-slim

    # ---- The workshop. Of every stage but the last, only what is copied out ends up in the image.
    FROM ${BASE} AS builder
    ARG BASE
    USER 0:0

    # The locked files fit one version of Python and one kind of machine: stop here if these are others.
    RUN have="$(python3 -c 'import platform, sys; print("Python %d.%d on" % sys.version_info[:2], platform.machine())' \
                || echo 'no python3')"; \
        [ "$have" = "Python 3.12 on x86_64" ] || { \
          echo "mlresolve: locked for Python 3.12 on x86_64, but the base image $BASE has $have:" \
               "build with --build-arg BASE=python:3.12-slim --platform linux/amd64, or lock again" >&2; \
          exit 1; }

    # The first two name what is lent to the build below and never stored in an image.
    # SOURCE_DATE_EPOCH: compiled Python files are checked by content, since file times need not survive copying.
    ENV PIP_CACHE_DIR=/var/cache/pip \
        NETRC=/run/secrets/netrc \
        PIP_DISABLE_PIP_VERSION_CHECK=1 \
        PIP_NO_INPUT=1 \
        SOURCE_DATE_EPOCH=315532800

    # /opt/venv is the Python environment that the image gets. pip stays here, in an environment of its own.
    RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv

    # ---- The packages, in groups: large ones that seldom change come first.
    # The first --mount keeps downloads from one build to the next. The second lends pip the passwords of private
    # indexes, if the build is given them: docker build --secret id=netrc,src=$HOME/.netrc
    # --require-hashes: no file but those that were locked. --no-deps: the lock is complete.
    # --only-binary: building a package would run its code here.

    # attrs, six
    FROM builder AS packages-1
    COPY requirements.lock.txt /tmp/requirements/
    RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=netrc \
        /opt/pip/bin/pip --python /opt/venv/bin/python install \
        --require-hashes --no-deps --only-binary :all: \
        -r /tmp/requirements/requirements.lock.txt

    # ---- The image.
    FROM ${BASE}
    USER 0:0

    # A user without rights, with a name for the programs that ask for one and a home that it may write to. The home
    # belongs to group 0, so that platforms which choose a user number of their own can write to it too.
    RUN if ! grep -q '^[^:]*:[^:]*:65532:' /etc/passwd; then \
          echo 'app:x:65532:0:app:/home/app:/bin/false' >> /etc/passwd; \
        fi && \
        mkdir -p /home/app/.cache && \
        chown 65532:0 /home/app /home/app/.cache && \
        chmod 0775 /home/app /home/app/.cache

    # Models, compiled kernels and whatever else libraries keep go under /home/app/.cache: with a volume there they
    # outlive the container, and all its other files may be read-only.
    ENV HOME=/home/app \
        XDG_CACHE_HOME=/home/app/.cache \
        HF_HOME=/home/app/.cache/huggingface \
        TORCH_HOME=/home/app/.cache/torch \
        TORCHINDUCTOR_CACHE_DIR=/home/app/.cache/torchinductor \
        TRITON_CACHE_DIR=/home/app/.cache/triton \
        CUDA_CACHE_PATH=/home/app/.cache/cuda \
        NUMBA_CACHE_DIR=/home/app/.cache/numba \
        MPLCONFIGDIR=/home/app/.cache/matplotlib

    # `python` is the one in /opt/venv; what it prints appears at once; it writes no compiled files beside the code.
    ENV VIRTUAL_ENV=/opt/venv \
        PATH=/opt/venv/bin:$PATH \
        PYTHONUNBUFFERED=1 \
        PYTHONDONTWRITEBYTECODE=1

    # One layer for each group: what has not changed is neither sent nor fetched again.
    COPY --from=packages-1 /opt/venv /opt/venv

    # From here on nothing runs as root.
    USER 65532:0
    CMD ["python"]
    "##);
}

#[test]
fn a_training_project() {
    insta::assert_snapshot!(dockerfile(&training()).unwrap(), @r##"
    # Made by `mlresolve dockerfile` from a lock for Python 3.12 on x86_64. Make it anew when the lock
    # changes. Build it in this folder, with Docker 23 or newer, podman or buildah:
    #     docker build -t my-image .

    # The image that this one starts from: an operating system with Python. What a name like this means changes when
    # a new release is made; NAME@sha256:... pins it, so that every build starts from the same bytes.
    ARG BASE=python:3.12-slim@sha256:0f1e

    # ---- The workshop. Of every stage but the last, only what is copied out ends up in the image.
    FROM ${BASE} AS builder
    ARG BASE
    USER 0:0

    # The locked files fit one version of Python and one kind of machine: stop here if these are others.
    RUN have="$(python3 -c 'import platform, sys; print("Python %d.%d on" % sys.version_info[:2], platform.machine())' \
                || echo 'no python3')"; \
        [ "$have" = "Python 3.12 on x86_64" ] || { \
          echo "mlresolve: locked for Python 3.12 on x86_64, but the base image $BASE has $have:" \
               "build with --build-arg BASE=python:3.12-slim --platform linux/amd64, or lock again" >&2; \
          exit 1; }

    # The first two name what is lent to the build below and never stored in an image.
    # SOURCE_DATE_EPOCH: compiled Python files are checked by content, since file times need not survive copying.
    ENV PIP_CACHE_DIR=/var/cache/pip \
        NETRC=/run/secrets/netrc \
        PIP_DISABLE_PIP_VERSION_CHECK=1 \
        PIP_NO_INPUT=1 \
        SOURCE_DATE_EPOCH=315532800

    # /opt/venv is the Python environment that the image gets. pip stays here, in an environment of its own.
    RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv

    # ---- The packages, in groups: large ones that seldom change come first.
    # The first --mount keeps downloads from one build to the next. The second lends pip the passwords of private
    # indexes, if the build is given them: docker build --secret id=netrc,src=$HOME/.netrc
    # --require-hashes: no file but those that were locked. --no-deps: the lock is complete.
    # --only-binary: building a package would run its code here.

    # nvidia-cublas-cu12, nvidia-cudnn-cu12
    FROM builder AS packages-1
    COPY requirements.accelerator.lock.txt /tmp/requirements/
    RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=netrc \
        /opt/pip/bin/pip --python /opt/venv/bin/python install \
        --require-hashes --no-deps --only-binary :all: \
        --index-url 'https://index.example/simple/' \
        --extra-index-url 'https://torch.example/cu128' \
        -r /tmp/requirements/requirements.accelerator.lock.txt

    # torch, triton
    FROM builder AS packages-2
    COPY requirements.framework.lock.txt /tmp/requirements/
    RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=netrc \
        /opt/pip/bin/pip --python /opt/venv/bin/python install \
        --require-hashes --no-deps --only-binary :all: \
        --index-url 'https://index.example/simple/' \
        --extra-index-url 'https://torch.example/cu128' \
        -r /tmp/requirements/requirements.framework.lock.txt

    # attrs, filelock, fsspec, jinja2, six and 2 more
    FROM builder AS packages-3
    COPY requirements.lock.txt /tmp/requirements/
    RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=netrc \
        /opt/pip/bin/pip --python /opt/venv/bin/python install \
        --require-hashes --no-deps --only-binary :all: \
        --index-url 'https://index.example/simple/' \
        --extra-index-url 'https://torch.example/cu128' \
        -r /tmp/requirements/requirements.lock.txt

    # ---- The application. Its files are made readable for the user that it runs as, whatever they were before.
    FROM builder AS application
    COPY src /app
    RUN chmod -R a+rX,go-w /app

    # ---- The image.
    FROM ${BASE}
    USER 0:0

    # A user without rights, with a name for the programs that ask for one and a home that it may write to. The home
    # belongs to group 0, so that platforms which choose a user number of their own can write to it too.
    RUN if ! grep -q '^[^:]*:[^:]*:65532:' /etc/passwd; then \
          echo 'app:x:65532:0:app:/home/app:/bin/false' >> /etc/passwd; \
        fi && \
        mkdir -p /home/app/.cache && \
        chown 65532:0 /home/app /home/app/.cache && \
        chmod 0775 /home/app /home/app/.cache

    # Models, compiled kernels and whatever else libraries keep go under /home/app/.cache: with a volume there they
    # outlive the container, and all its other files may be read-only.
    ENV HOME=/home/app \
        XDG_CACHE_HOME=/home/app/.cache \
        HF_HOME=/home/app/.cache/huggingface \
        TORCH_HOME=/home/app/.cache/torch \
        TORCHINDUCTOR_CACHE_DIR=/home/app/.cache/torchinductor \
        TRITON_CACHE_DIR=/home/app/.cache/triton \
        CUDA_CACHE_PATH=/home/app/.cache/cuda \
        NUMBA_CACHE_DIR=/home/app/.cache/numba \
        MPLCONFIGDIR=/home/app/.cache/matplotlib

    # `python` is the one in /opt/venv; what it prints appears at once; it writes no compiled files beside the code.
    ENV VIRTUAL_ENV=/opt/venv \
        PATH=/opt/venv/bin:$PATH \
        PYTHONUNBUFFERED=1 \
        PYTHONDONTWRITEBYTECODE=1

    # For the NVIDIA container runtime: what the driver must support at least, and the parts of it that are needed.
    ENV NVIDIA_REQUIRE_CUDA="cuda>=12.8" \
        NVIDIA_DRIVER_CAPABILITIES=compute,utility

    # One layer for each group: what has not changed is neither sent nor fetched again.
    COPY --from=packages-1 /opt/venv /opt/venv
    COPY --from=packages-2 /opt/venv /opt/venv
    COPY --from=packages-3 /opt/venv /opt/venv

    # The application comes last, since it changes most.
    WORKDIR /app
    COPY --from=application /app /app

    # From here on nothing runs as root.
    USER 65532:0
    ENTRYPOINT ["python","-m","train \"it\""]
    "##);
}

#[test]
fn what_goes_to_the_builder() {
    insta::assert_snapshot!(dockerignore(&training()).unwrap(), @r##"
    # Nothing in this folder is sent to the builder...
    *
    # ...but what the Dockerfile copies.
    !requirements.accelerator.lock.txt
    !requirements.framework.lock.txt
    !requirements.lock.txt
    !src
    # Never in an image: secrets, history, and what Python makes again by itself.
    **/.env
    **/.netrc
    **/.git
    **/.venv
    **/__pycache__
    **/*.pyc
    "##);
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
        groups: vec![RequirementsGroup {
            file_name: file_name.to_owned(),
            packages: vec!["six".to_owned()],
            sources: Vec::new(),
        }],
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
