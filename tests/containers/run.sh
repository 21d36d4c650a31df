#!/usr/bin/env bash
# Builds images from generated Dockerfiles and runs them: the proof that they work, with no Docker engine.
#
# Usage: run.sh [PROJECT_DIR...]     a folder with a pyproject.toml; one with a pylock.toml too is not locked again
#
# Needs root on Debian and the package indexes that pip and apt are set up for. From the environment:
#   MLRESOLVE               the binary to test (default: mlresolve on the PATH)
#   PIP_CERT, SSL_CERT_FILE certificates for the package index, lent to the builds
#   PIP_INDEX_URL           the package index, where it is not PyPI
#   MLRESOLVE_TEST_INSTALL  0 forbids installing buildah and mmdebstrap with apt-get
#   MLRESOLVE_TEST_CACHE    where the base image is kept (default: under XDG_CACHE_HOME or ~/.cache)
#   STORAGE_DRIVER          buildah's (default: overlay, or vfs where that fails, which works everywhere but is slower)
#
# Ends with a line `N passed, N failed`, or with `skipped: ...` where buildah cannot work.
set -euo pipefail
HERE="$(cd "$(dirname "$0")" && pwd)"
# shellcheck source=common.sh
. "$HERE/common.sh"

import_base() {
    local container
    container="$(in_buildah from scratch)" &&
        in_buildah add -q "$container" "$1" / &&
        in_buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            --cmd '["python3"]' "$container" &&
        in_buildah commit -q --rm "$container" "$BASE_IMAGE" &&
        # Proves that containers run here at all, before anything is blamed on a Dockerfile.
        container="$(in_buildah from "$BASE_IMAGE")" &&
        in_buildah run "$container" -- python3 -c 'import ssl, venv, ensurepip' &&
        in_buildah rm "$container"
}

# Lends the builds this machine's way to the package index, without a trace of it in the Dockerfile or the image.
index_access() {
    local certificates="${PIP_CERT:-${SSL_CERT_FILE:-${REQUESTS_CA_BUNDLE:-${CURL_CA_BUNDLE:-}}}}"
    echo '[global]' >"$WORK/pip.conf"
    BUILD_OPTIONS=(--volume "$WORK/pip.conf:/etc/pip.conf:ro")
    if [ -n "$certificates" ]; then
        echo 'cert = /run/index-certificates.pem' >>"$WORK/pip.conf"
        BUILD_OPTIONS+=(--volume "$certificates:/run/index-certificates.pem:ro")
    fi
    if [ -n "${PIP_INDEX_URL:-}" ]; then
        echo "index-url = $PIP_INDEX_URL" >>"$WORK/pip.conf"
    fi
}

lock() {
    [ -f "$1/pylock.toml" ] || timeout 240 "$MLRESOLVE" lock -o "$1/pylock.toml" --python-version 3.11 \
        --platform "linux-$(uname -m)" --glibc 2.36 --accelerator cpu "$1"
}

write_dockerfile() {
    "$MLRESOLVE" dockerfile -o "$2" "$1/pylock.toml" &&
        [ -s "$2/Dockerfile" ] && [ -s "$2/.dockerignore" ]
}

build() {
    in_buildah build --layers --build-arg BASE="$BASE_IMAGE" "${BUILD_OPTIONS[@]}" -t "$2" "$1"
}

refuses_another_python() {
    sed 's/Python 3\.11 on/Python 3.10 on/' "$1/Dockerfile" >"$WORK/Dockerfile.other"
    ! in_buildah build --target builder --build-arg BASE="$BASE_IMAGE" -f "$WORK/Dockerfile.other" "$1" \
        >"$WORK/other.log" 2>&1 || { echo "it was built"; return 1; }
    grep "locked for Python 3.10 on $(uname -m), but the base image $BASE_IMAGE has Python 3.11" "$WORK/other.log" ||
        { cat "$WORK/other.log"; return 1; }
}

pins() {
    sed -nE 's/^([A-Za-z0-9._-]+)==([^ ;\\]+).*/\1==\2/p' "$1"/requirements*.txt
}

one_layer_for_each_group() {
    local layers groups
    layers="$(in_buildah inspect --type image --format '{{len .OCIv1.RootFS.DiffIDs}}' "$2")"
    groups="$(find "$1" -maxdepth 1 -name 'requirements*.txt' | wc -l)"
    echo "$layers layers for $groups requirements files: the base, the user's home, and one for each expected"
    [ "$layers" -eq $((2 + groups)) ]
}

# run_as USER IMAGE DIR: the packages import in a container; USER empty for the image's own.
run_as() {
    local container packages status=0
    mapfile -t packages < <(pins "$3")
    [ ${#packages[@]} -gt 0 ] || { echo "no pinned requirements in $3"; return 1; }
    container="$(in_buildah from "$2")"
    in_buildah run ${1:+--user "$1"} "$container" -- python - "${packages[@]}" <"$HERE/check.py" |
        tee "$WORK/imported.log" || status=$?
    in_buildah rm "$container" >/dev/null
    return "$status"
}

try_project() {
    local name project="$WORK/project" out="$WORK/out" image=localhost/mlresolve-test
    name="$(basename "$1")"
    rm -rf "$project" "$out"
    cp -R "$1" "$project"
    mkdir "$out"
    check "$name: mlresolve lock" lock "$project" || return 0
    check "$name: mlresolve dockerfile" write_dockerfile "$project" "$out" || return 0
    check "$name: another Python is refused" refuses_another_python "$out" || true
    check "$name: the image builds" build "$out" "$image" || return 0
    check "$name: one layer for each group" one_layer_for_each_group "$out" "$image" || true
    if check "$name: the packages import as the image's user" run_as '' "$image" "$out"; then
        sed 's/^/    /' "$WORK/imported.log"
        grep -q ' as user 65532:0$' "$WORK/imported.log" || { FAILED=$((FAILED + 1)); echo "FAILED: $name: its user"; }
    fi
    check "$name: they import as any user of group 0" run_as 1000660000:0 "$image" "$out" || true
}

find_mlresolve
[ $# -gt 0 ] || set -- "$HERE/project"

make_work_folder
need_commands buildah mmdebstrap
archive="$("$HERE/make-base.sh")"
[ -n "$archive" ] || skip "there is no base image to build on"
ready=
for STORAGE_DRIVER in ${STORAGE_DRIVER:-overlay vfs}; do
    if import_base "$archive" >"$WORK/base.log" 2>&1; then
        ready=1
        break
    fi
    rm -rf --one-file-system "$WORK/storage" "$WORK/runroot"
done
[ -n "$ready" ] || { tail -n 20 "$WORK/base.log"; skip "buildah cannot run containers on this machine"; }
echo "base image ready after $SECONDS s, storage driver $STORAGE_DRIVER"
index_access
for project in "$@"; do
    try_project "$project"
done
echo "took $SECONDS s"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
