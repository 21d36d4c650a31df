//! The wording of the Dockerfile. The input has been checked: no text in it can be read as syntax.

use super::{DockerfileInput, RequirementsGroup};

pub(super) fn dockerfile(input: &DockerfileInput) -> String {
    let groups: Vec<&RequirementsGroup> = groups_with_packages(input).collect();
    let mut text = header(input) + &builder_stage(input);
    if !groups.is_empty() {
        text += GROUPS_HEADING;
    }
    for (number, group) in (1..).zip(&groups) {
        text += &group_stage(input, number, group);
    }
    if let Some(app_dir) = app_dir(input) {
        text += &app_stage(app_dir);
    }
    text + &final_stage(input, groups.len())
}

pub(super) fn dockerignore(input: &DockerfileInput) -> String {
    let mut text = String::from(
        "# Nothing in this folder is sent to the builder...\n*\n# ...but what the Dockerfile copies.\n",
    );
    for group in groups_with_packages(input) {
        text += &format!("!{}\n", group.file_name);
    }
    if let Some(app_dir) = app_dir(input) {
        let pattern = if app_dir == "." { "**" } else { app_dir };
        text += &format!("!{pattern}\n{NEVER_IN_AN_IMAGE}");
    }
    text
}

const NEVER_IN_AN_IMAGE: &str = "\
# Never in an image: secrets, history, and what Python makes again by itself.
**/.env
**/.netrc
**/.git
**/.venv
**/__pycache__
**/*.pyc
";

fn header(input: &DockerfileInput) -> String {
    let DockerfileInput { python: (major, minor), machine, .. } = input;
    let base = input.base.clone().unwrap_or_else(|| format!("python:{major}.{minor}-slim"));
    format!(
        r"# Made by `mlresolve dockerfile` from a lock for Python {major}.{minor} on {machine}. Make it anew when the lock
# changes. Build it in this folder, with Docker 23 or newer, podman or buildah:
#     docker build -t my-image .

# The image that this one starts from: an operating system with Python. What a name like this means changes when
# a new release is made; NAME@sha256:... pins it, so that every build starts from the same bytes.
ARG BASE={base}

"
    )
}

fn builder_stage(input: &DockerfileInput) -> String {
    let DockerfileInput { python: (major, minor), machine, .. } = input;
    let platform = match machine.as_str() {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        other => other,
    };
    format!(
        r#"# ---- The workshop. Of every stage but the last, only what is copied out ends up in the image.
FROM ${{BASE}} AS builder
ARG BASE
USER 0:0

# The locked files fit one version of Python and one kind of machine: stop here if these are others.
RUN have="$(python3 -c 'import platform, sys; print("Python %d.%d on" % sys.version_info[:2], platform.machine())' \
            || echo 'no python3')"; \
    [ "$have" = "Python {major}.{minor} on {machine}" ] || {{ \
      echo "mlresolve: locked for Python {major}.{minor} on {machine}, but the base image $BASE has $have:" \
           "build with --build-arg BASE=python:{major}.{minor}-slim --platform {platform}, or lock again" >&2; \
      exit 1; }}

# The first two name what is lent to the build below and never stored in an image.
# SOURCE_DATE_EPOCH: compiled Python files are checked by content, since file times need not survive copying.
ENV PIP_CACHE_DIR=/var/cache/pip \
    NETRC=/run/secrets/netrc \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_INPUT=1 \
    SOURCE_DATE_EPOCH=315532800

# /opt/venv is the Python environment that the image gets. pip stays here, in an environment of its own.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv

"#
    )
}

const GROUPS_HEADING: &str = "\
# ---- The packages, in groups: large ones that seldom change come first.
# The first --mount keeps downloads from one build to the next. The second lends pip the passwords of private
# indexes, if the build is given them: docker build --secret id=netrc,src=$HOME/.netrc
# --require-hashes: no file but those that were locked. --no-deps: the lock is complete.
# --only-binary: building a package would run its code here.
";

fn group_stage(input: &DockerfileInput, number: usize, group: &RequirementsGroup) -> String {
    let RequirementsGroup { file_name, packages, sources } = group;
    let holds = describe(packages);
    let (note, except) = match sources.join(",") {
        names if names.is_empty() => (String::new(), String::new()),
        names => (built_here(&names), format!(" --no-binary {names}")),
    };
    let base_name = file_name.rsplit('/').next().unwrap_or(file_name);
    let indexes: String = (0..)
        .zip(&input.index_urls)
        .map(|(position, url)| {
            let option = if position == 0 { "--index-url" } else { "--extra-index-url" };
            format!("    {option} '{url}' \\\n")
        })
        .collect();
    format!(
        r"
# {holds}
{note}FROM builder AS packages-{number}
COPY {file_name} /tmp/requirements/
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=netrc \
    /opt/pip/bin/pip --python /opt/venv/bin/python install \
    --require-hashes --no-deps --only-binary :all:{except} \
{indexes}    -r /tmp/requirements/{base_name}
"
    )
}

/// What building from source means for the image.
fn built_here(names: &str) -> String {
    format!(
        "# Built here from source, since no wheel fits: {names}. That runs code of theirs, and what is written in C or\n\
         # the like needs a compiler and headers in the base image.\n"
    )
}

/// The first few names and how many more there are, within one line.
fn describe(packages: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = packages.iter().take(SHOWN).map(String::as_str).collect();
    let shown = shown.join(", ");
    match packages.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn app_stage(app_dir: &str) -> String {
    format!(
        r"
# ---- The application. Its files are made readable for the user that it runs as, whatever they were before.
FROM builder AS application
COPY {app_dir} /app
RUN chmod -R a+rX,go-w /app
"
    )
}

fn final_stage(input: &DockerfileInput, group_count: usize) -> String {
    let user = input.user;
    let cuda = input.cuda_floor.map(cuda_environment).unwrap_or_default();
    let copies: String = match group_count {
        0 => "COPY --from=builder /opt/venv /opt/venv\n".to_owned(),
        count => (1..=count).map(|n| format!("COPY --from=packages-{n} /opt/venv /opt/venv\n")).collect(),
    };
    let app = if input.app_dir.is_some() {
        "\n# The application comes last, since it changes most.\nWORKDIR /app\nCOPY --from=application /app /app\n"
    } else {
        ""
    };
    let start = match &input.entrypoint {
        Some(arguments) => format!("ENTRYPOINT {}", serde_json::json!(arguments)),
        None => "CMD [\"python\"]".to_owned(),
    };
    format!(
        r#"
# ---- The image.
FROM ${{BASE}}
USER 0:0

# A user without rights, with a name for the programs that ask for one and a home that it may write to. The home
# belongs to group 0, so that platforms which choose a user number of their own can write to it too.
RUN if ! grep -q '^[^:]*:[^:]*:{user}:' /etc/passwd; then \
      echo 'app:x:{user}:0:app:/home/app:/bin/false' >> /etc/passwd; \
    fi && \
    mkdir -p /home/app/.cache && \
    chown {user}:0 /home/app /home/app/.cache && \
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

{cuda}# One layer for each group: what has not changed is neither sent nor fetched again.
{copies}{app}
# From here on nothing runs as root.
USER {user}:0
{start}
"#
    )
}

fn cuda_environment((major, minor): (u16, u16)) -> String {
    format!(
        r#"# For the NVIDIA container runtime: what the driver must support at least, and the parts of it that are needed.
ENV NVIDIA_REQUIRE_CUDA="cuda>={major}.{minor}" \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

"#
    )
}

fn groups_with_packages(input: &DockerfileInput) -> impl Iterator<Item = &RequirementsGroup> {
    input.groups.iter().filter(|group| !group.packages.is_empty())
}

/// The application's folder without the `./` and `/` around it that `.dockerignore` patterns cannot have.
fn app_dir(input: &DockerfileInput) -> Option<&str> {
    let path = input.app_dir.as_deref()?.trim_start_matches("./").trim_end_matches('/');
    Some(if path.is_empty() { "." } else { path })
}
