#!/usr/bin/env bash
# Builds images of a real stack and runs them in the engines that people have: skopeo, umoci with runc, podman, docker.
# Containers get nothing: no network, no capabilities, a read-only root, and users that the image does not know.
#
# Usage: run.sh [PART...]     parts: umoci podman docker registry reproducible; all of them by default
#
# Needs root on Debian and the package indexes that pip and apt are set up for. From the environment:
#   MLRESOLVE               the binary to test (default: mlresolve on the PATH)
#   MLRESOLVE_TEST_STACK    small (default): scikit-learn and fastapi, with torch for CPUs where PyTorch's index can be
#                           reached; full: torch with CUDA and transformers, 3 GB of wheels and 20 GB of disk for a while
#   MLRESOLVE_TEST_INSTALL  0 forbids installing what is missing with apt-get
#   MLRESOLVE_TEST_CACHE    where the base's files are kept (default: under XDG_CACHE_HOME or ~/.cache)
#   MLRESOLVE_TEST_LOCK     a lock for Python 3.11 to take instead of making one
#
# Engines keep their data in this run's own folder, below TMPDIR, and are stopped at its end. One that cannot work here
# is passed over and named. Ends with a line `N passed, N failed`, or with `skipped: ...`.
set -euo pipefail
HERE="$(cd "$(dirname "$0")" && pwd)"
# shellcheck source=../containers/common.sh
. "$HERE/../containers/common.sh"
# shellcheck source=engines.sh
. "$HERE/engines.sh"
# shellcheck source=reproducible.sh
. "$HERE/reproducible.sh"

STACK="${MLRESOLVE_TEST_STACK:-small}"
# What may be looked for in the cache: the wheels of the full stack.
CACHE="${MLRESOLVE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/mlresolve}"
# As the image is named in a layout and in engines.
TAG=registry.example/team/app:1
PYTHON=/usr/bin/python3

wants() { [[ " $PARTS " == *" $1 "* ]]; }

pass_over() { echo "passed over: $1: $2"; }

# --- what all parts start from --------------------------------------------------------------------------------------

lock_for() {
    printf '%s\n' "$@" | timeout --foreground 240 "$MLRESOLVE" lock -r - -o "$WORK/pylock.toml" --python-version 3.11 \
        --platform "linux-$(uname -m)" --glibc 2.36 "${LOCK_OPTIONS[@]}"
}

# Sets CHECKED: the console script and the modules that a container tries.
lock_stack() {
    local status=0
    LOCK_OPTIONS=()
    if [ -n "${MLRESOLVE_TEST_LOCK:-}" ]; then
        cp "$MLRESOLVE_TEST_LOCK" "$WORK/pylock.toml"
    elif [ "$STACK" = full ]; then
        lock_for torch transformers accelerate scikit-learn fastapi uvicorn || return 1
    else
        LOCK_OPTIONS=(--accelerator cpu)
        lock_for torch numpy scikit-learn fastapi uvicorn || status=$?
        # 5 is the network: PyTorch's index is none that pip knows.
        if [ $status -eq 5 ]; then
            echo "PyTorch's index cannot be reached: without torch"
            lock_for numpy scikit-learn fastapi uvicorn || return 1
        elif [ $status -ne 0 ]; then
            return 1
        fi
    fi
    CHECKED=(uvicorn sklearn fastapi)
    ! grep -q '^name = "torch"$' "$WORK/pylock.toml" || CHECKED+=(torch)
    ! grep -q '^name = "transformers"$' "$WORK/pylock.toml" || CHECKED+=(transformers)
}

make_base() {
    local archive
    archive="$("$HERE/../containers/make-base.sh")"
    [ -n "$archive" ] || return 1
    "$PYTHON" "$HERE/oci_base.py" "$archive" "$WORK/base" &&
        skopeo copy --quiet "oci:$WORK/base" "oci-archive:$WORK/base.tar:base:1"
}

# build OPTION...: an image of the stack.
build() { timeout --foreground "$LIMIT" "$MLRESOLVE" build --tag "$TAG" "$@" "$WORK/pylock.toml"; }

build_layout() {
    build --base "$WORK/base" --output "$WORK/image" &&
        "$PYTHON" "$HERE/digests.py" "$WORK/image" &&
        DIGEST="$("$PYTHON" "$HERE/digests.py" "$WORK/image" manifest)"
}

# run_as_all NAME FUNCTION [ARGUMENT...]: the check in a container, for each user.
run_as_all() {
    local name="$1" user
    shift
    for user in "${USERS[@]}"; do
        if check "$name runs it as $user" "$@" "$user"; then
            sed -n '$s/^/    /p' "$WORK/step.log"
        fi
    done
}

# --- parts ----------------------------------------------------------------------------------------------------------

try_skopeo() {
    check "skopeo reads it" inspect_image "oci:$WORK/image:$TAG" || true
    if ! have_commands docker-registry || ! start_registry open; then
        pass_over "a registry" "${WHY_NOT:-docker-registry does not start}"
        return
    fi
    REGISTRY="$ADDRESS"
    check "skopeo copies it to a registry" to_registry "$WORK/image:$TAG" "$REGISTRY/team/app:1" || return 0
    check "it has the same digest there" same_digest_in_registry || true
    IN_REGISTRY=1
}

inspect_image() {
    skopeo inspect --config "$1" >"$WORK/config.json" && cat "$WORK/config.json" &&
        grep -q '"User": *"65532:0"' "$WORK/config.json"
}

same_digest_in_registry() {
    local found
    found="sha256:$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/team/app:1" | sha256sum | cut -d' ' -f1)"
    echo "$found, built as $DIGEST"
    [ "$found" = "$DIGEST" ]
}

try_umoci() {
    have_commands umoci runc || { pass_over umoci "$WHY_NOT"; return; }
    if check "umoci unpacks it" umoci_unpack "$WORK/image:$TAG"; then
        run_as_all runc runc_check
    fi
    rm -rf --one-file-system "$WORK/bundle" "$WORK/runc-cache"
}

# try_engine ENGINE PULL_OPTION...: the image as an archive, and from the registry.
try_engine() {
    local engine="$1" image
    shift
    if check "$engine takes it from --load" build --base "$WORK/base" --load "$engine"; then
        run_as_all "$engine" container_check "$engine" "$TAG"
        # So that it has to be pulled.
        remove_images "$engine" >/dev/null 2>&1 || true
    fi
    if [ -n "${IN_REGISTRY:-}" ]; then
        image="$REGISTRY/team/app@$DIGEST"
        check "$engine pulls it by its digest" limited "$engine" pull "$@" "$image" &&
            check "$engine knows it by that digest" pulled_as "$engine" "$image" "$DIGEST" &&
            run_as_all "$engine, pulled," container_check "$engine" "$image"
    fi
    remove_images "$engine" >/dev/null 2>&1 || true
}

try_podman() {
    local driver
    have_commands podman runc || { pass_over podman "$WHY_NOT"; return; }
    for driver in overlay vfs; do
        if podman_works "$driver"; then
            echo "podman works: $(podman --version), storage driver $driver"
            try_engine podman --quiet --tls-verify=false
            podman_ends
            return
        fi
        podman_ends
    done
    tail -n 5 "$WORK/podman/log" | sed 's/^/    /'
    pass_over podman "it runs no containers on this machine"
}

try_docker() {
    have_commands dockerd=docker.io docker=docker.io || { pass_over docker "$WHY_NOT"; return; }
    if ! docker_works >"$WORK/docker.log" 2>&1; then
        tail -n 5 "$WORK/docker.log" "$WORK/docker/log" | sed 's/^/    /'
        pass_over docker "it runs no containers on this machine"
        return
    fi
    echo "docker works: $(docker version --format 'client {{.Client.Version}}, server {{.Server.Version}}')"
    try_engine docker --quiet
}

# Bases in registries: the same layers as from the layout, by name and by digest, with and without a password.
try_registry_base() {
    local base secret=correct-horse
    [ -n "${REGISTRY:-}" ] || { pass_over "a base in a registry" "there is no registry"; return; }
    base="$("$PYTHON" "$HERE/digests.py" "$WORK/base" manifest)"
    check "the base goes to a registry" to_registry "$WORK/base" "$REGISTRY/base:1" || return 0
    check "a base in a registry, by its tag" same_layers "$REGISTRY/base:1" || true
    check "a base in a registry, by its digest" same_layers "$REGISTRY/base@$base" || true
    check "a base that is not there is exit code 5" fails_with 5 "$REGISTRY/base:2" || true

    # bcrypt is the one form that the registry takes, and perl is on every Debian.
    perl -e 'print "reader:", crypt($ARGV[0], q($2b$05$) . "abcdefghijklmnopqrstuu"), "\n"' "$secret" >"$WORK/htpasswd"
    if ! start_registry closed "$WORK/htpasswd"; then
        pass_over "a registry with a password" "docker-registry does not start"
        return
    fi
    check "the base goes to a registry with a password" \
        to_registry "$WORK/base" "$ADDRESS/base:1" --dest-creds "reader:$secret" || return 0
    mkdir -p "$WORK/login" "$WORK/wrong"
    printf '{"auths": {"%s": {"auth": "%s"}}}\n' "$ADDRESS" "$(printf %s "reader:$secret" | base64)" >"$WORK/login/config.json"
    printf '{"auths": {"%s": {"auth": "%s"}}}\n' "$ADDRESS" "$(printf %s "reader:$secret-" | base64)" >"$WORK/wrong/config.json"
    check "a base with a login of docker's" env_login "$WORK/login" same_layers "$ADDRESS/base:1" || true
    check "a base without a login is exit code 5" env_login "$WORK/none" fails_with 5 "$ADDRESS/base:1" || true
    if check "a base with a wrong password is exit code 5" env_login "$WORK/wrong" fails_with 5 "$ADDRESS/base:1"; then
        check "and the password is not told" says_not "$secret" "$WORK/said" || true
    fi
}

# env_login FOLDER COMMAND...: with docker's logins from there, and no others.
env_login() {
    local folder="$1"
    shift
    DOCKER_CONFIG="$folder" XDG_CONFIG_HOME="$WORK/none" XDG_RUNTIME_DIR="$WORK/none" REGISTRY_AUTH_FILE='' "$@"
}

# With a cache without bases, so that the base is pulled. Wheels need not be fetched for that again.
fresh_build() {
    rm -rf "$WORK/fresh" "$WORK/fresh-image"
    mkdir -p "$WORK/fresh"
    cp -al "$CACHE/files-v1" "$WORK/fresh/" 2>/dev/null || rm -rf "$WORK/fresh/files-v1"
    MLRESOLVE_CACHE_DIR="$WORK/fresh" build --output "$WORK/fresh-image" "$@"
}

same_layers() {
    local status=0
    fresh_build --base "$1" &&
        "$PYTHON" "$HERE/digests.py" "$WORK/fresh-image" >/dev/null &&
        diff <("$PYTHON" "$HERE/digests.py" "$WORK/image" layers) \
            <("$PYTHON" "$HERE/digests.py" "$WORK/fresh-image" layers) || status=1
    rm -rf "$WORK/fresh" "$WORK/fresh-image"
    return $status
}

says_not() { ! grep -F "$1" "$2"; }

fails_with() {
    local status=0
    fresh_build --base "$2" >"$WORK/said" 2>&1 || status=$?
    cat "$WORK/said"
    echo "exit code $status"
    rm -rf "$WORK/fresh" "$WORK/fresh-image"
    [ $status -eq "$1" ]
}

# --- the run --------------------------------------------------------------------------------------------------------

PARTS="${*:-umoci podman docker registry reproducible}"
case "$STACK" in
    small) ;;
    full) LIMIT=1800 ;;
    *) echo "MLRESOLVE_TEST_STACK is small or full, not $STACK" >&2; exit 2 ;;
esac
find_mlresolve
make_work_folder
AT_END+=(stop_engines)
need_commands skopeo mmdebstrap
[ -x "$PYTHON" ] || skip "no $PYTHON"
make_base >"$WORK/base.log" || { tail -n 5 "$WORK/base.log"; skip "there is no base image to build on"; }
echo "base image ready after $SECONDS s"

if check "mlresolve lock" lock_stack; then
    tail -n 3 "$WORK/step.log" | sed 's/^/    /'
    if check "mlresolve build" build_layout; then
        echo "    $DIGEST"
        try_skopeo
        ! wants umoci || try_umoci
        ! wants podman || try_podman
        ! wants docker || try_docker
        ! wants registry || try_registry_base
        ! wants reproducible || reproducible
    fi
fi
echo "took $SECONDS s"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
