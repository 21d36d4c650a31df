# Shared by the suites that make images: their work folder, their tools, how they count, and what buildah needs here.
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

# Makes sure that each command is there, from the Debian package of the same name (or of another: COMMAND=PACKAGE) if
# need be and allowed (MLRESOLVE_TEST_INSTALL=0 forbids it). Says why not, and fails.
have_commands() {
    local missing=() wanted
    for wanted in "$@"; do
        command -v "${wanted%%=*}" >/dev/null || missing+=("${wanted#*=}")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    WHY_NOT="no ${missing[*]}, and MLRESOLVE_TEST_INSTALL forbids installing"
    [ "${MLRESOLVE_TEST_INSTALL:-1}" = 1 ] || return 1
    WHY_NOT="no ${missing[*]}, and no apt-get to install them with"
    command -v apt-get >/dev/null || return 1
    echo "installing ${missing[*]}"
    # Nothing that is installed here starts a service: a package's scripts see single-user mode.
    if {
        apt-get update -qq &&
            RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    } >"$WORK/apt.log" 2>&1; then
        return
    fi
    tail -n 5 "$WORK/apt.log"
    WHY_NOT="apt-get could not install ${missing[*]}"
    return 1
}

# The same for what the whole suite cannot do without.
need_commands() {
    have_commands "$@" || skip "$WHY_NOT"
}

PASSED=0
FAILED=0

# check WHAT COMMAND...: runs the command, shows its output if it fails, and counts. `set -e` does not hold inside
# the command: a function used here says itself what fails.
check() {
    local what="$1" log="$WORK/step.log" started=$SECONDS
    shift
    if "$@" >"$log" 2>&1; then
        PASSED=$((PASSED + 1))
        echo "ok: $what ($((SECONDS - started)) s)"
    else
        FAILED=$((FAILED + 1))
        echo "FAILED: $what ($((SECONDS - started)) s)"
        tail -n 40 "$log" | sed 's/^/    /'
        return 1
    fi
}

# The binary under test, in MLRESOLVE.
find_mlresolve() {
    MLRESOLVE="$(command -v "${MLRESOLVE:-mlresolve}")" ||
        { echo "no mlresolve: set MLRESOLVE to the binary" >&2; exit 2; }
    MLRESOLVE="$(realpath "$MLRESOLVE")"
}

# buildah with its storage in this run's own folder, and never for more than four minutes.
in_buildah() {
    timeout 240 buildah --root "$WORK/storage" --runroot "$WORK/runroot" \
        --storage-driver "$STORAGE_DRIVER" "$@"
}

# What a suite has to do before its folder is removed: names of functions.
AT_END=()

# Containers of a step that failed or was stopped may still be mounted below the folder.
remove_work_folder() {
    local step
    for step in "${AT_END[@]}"; do
        "$step" || true
    done
    if [ -d "$WORK/storage" ]; then
        in_buildah rm --all >/dev/null 2>&1 || true
    fi
    rm -rf --one-file-system "$WORK"
}

# Makes the folder that everything of this run is in, and removes it at the end, whatever happens.
make_work_folder() {
    [ "$(id -u)" = 0 ] || skip "this suite needs root, to run containers"
    WORK="$(mktemp -d "${TMPDIR:-/tmp}/mlresolve-containers.XXXXXX")"
    # buildah keeps its cache mounts under TMPDIR.
    mkdir -p "$WORK/tmp"
    export TMPDIR="$WORK/tmp"
    trap remove_work_folder EXIT
}
