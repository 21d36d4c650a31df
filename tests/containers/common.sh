# Shared by the scripts beside it: what buildah needs on this machine, and the image that all builds start from.
# shellcheck shell=bash disable=SC2034

BASE_IMAGE=localhost/mlresolve-base:debian12
BASE_SUITE=bookworm
CACHE_DIR="${MLRESOLVE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mlresolve-tests}"

# No daemon, no user namespaces, no kernel features: what works in a plain root shell also works in CI.
export BUILDAH_ISOLATION=chroot

# Says why the suite cannot run here and ends it as a success: it proves nothing, and it breaks nothing.
skip() {
    echo "skipped: $*"
    exit 0
}

# Makes sure that each command is there, from the Debian package of the same name if need be and allowed
# (MLRESOLVE_TEST_INSTALL=0 forbids it).
need_commands() {
    local missing=() command
    for command in "$@"; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    [ "${MLRESOLVE_TEST_INSTALL:-1}" = 1 ] || skip "no ${missing[*]}, and MLRESOLVE_TEST_INSTALL forbids installing"
    command -v apt-get >/dev/null || skip "no ${missing[*]}, and no apt-get to install them with"
    echo "installing ${missing[*]}"
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    } >"$WORK/apt.log" 2>&1 || { tail -n 5 "$WORK/apt.log"; skip "apt-get could not install ${missing[*]}"; }
}

# buildah with its storage in this run's own folder, and never for more than four minutes.
in_buildah() {
    timeout 240 buildah --root "$WORK/storage" --runroot "$WORK/runroot" \
        --storage-driver "$STORAGE_DRIVER" "$@"
}

# Containers of a step that failed or was stopped may still be mounted below the folder.
remove_work_folder() {
    if [ -d "$WORK/storage" ]; then
        in_buildah rm --all >/dev/null 2>&1 || true
    fi
    rm -rf --one-file-system "$WORK"
}

# Makes the folder that everything of this run is in, and removes it at the end, whatever happens.
make_work_folder() {
    [ "$(id -u)" = 0 ] || skip "this suite needs root: buildah's chroot isolation does"
    WORK="$(mktemp -d "${TMPDIR:-/tmp}/mlresolve-containers.XXXXXX")"
    # buildah keeps its cache mounts under TMPDIR.
    mkdir -p "$WORK/tmp"
    export TMPDIR="$WORK/tmp"
    trap remove_work_folder EXIT
}
