#!/usr/bin/env bash
# Locks three small projects from PyPI for the machine this runs on and lets others read the locks: PyPA's `packaging`
# validates and selects, pip and uv plan an installation, and pip carries one out.
#
#   MLRESOLVE=path/to/mlresolve tools/conformance/run.sh
#
# Needs the network, python3 with venv, and Linux. Exits 0 with a line `skipped: …` where those are missing.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mlresolve=${MLRESOLVE:-$here/../../target/debug/mlresolve}
[ -x "$mlresolve" ] || { echo "there is no $mlresolve; build it with cargo build, or set MLRESOLVE"; exit 2; }
mlresolve=$(cd "$(dirname "$mlresolve")" && pwd)/$(basename "$mlresolve")
[ "$(uname -s)" = Linux ] || { echo "skipped: not a Linux machine"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! { python3 -m venv "$work/tools" && "$work/tools/bin/pip" install -q 'pip>=26.3' 'packaging>=26.3' uv; } >"$work/setup.log" 2>&1; then
    echo "skipped: no tools to read locks with: $(tail -n 1 "$work/setup.log")"
    exit 0
fi
python=$("$work/tools/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
glibc=$(getconf GNU_LIBC_VERSION | awk '{print $2}')

passed=0 failed=0
# check NAME COMMAND...: runs the command and counts; a failure prints what the command said.
check() {
    local name=$1
    shift
    if "$@" >"$work/step.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        tail -n 20 "$work/step.log"
    fi
}

# project NAME REQUIREMENT...
project() {
    local name=$1
    shift
    mkdir -p "$work/$name"
    printf '%s\n' "$@" >"$work/$name/requirements.txt"
    local lock=$work/$name/pylock.toml
    check "$name: lock" "$mlresolve" lock -q --python-version "$python" --platform "linux-$(uname -m)" --glibc "$glibc" -o "$lock" "$work/$name"
    check "$name: packaging validates and selects" "$work/tools/bin/python" "$here/pylock.py" --here "$lock"
    check "$name: pip plans" "$work/tools/bin/pip" install -q --dry-run --ignore-installed -r "$lock"
    check "$name: uv plans" env UV_PYTHON_DOWNLOADS=never "$work/tools/bin/uv" pip sync -q --dry-run --python "$work/tools/bin/python" "$lock"
}

project arrays numpy pandas
project web 'httpx[http2]' rich
project learning scikit-learn matplotlib

check "learning: a fresh environment" python3 -m venv "$work/fresh"
check "learning: pip installs the lock" "$work/tools/bin/pip" --python "$work/fresh/bin/python" install -q -r "$work/learning/pylock.toml"
check "learning: pip check" "$work/tools/bin/pip" --python "$work/fresh/bin/python" check
check "learning: imports" "$work/fresh/bin/python" -c 'import sklearn, matplotlib'
check "learning: the exported requirements install too" bash -c "cd '$work/learning' && '$mlresolve' export -q --format requirements -o hashes.txt && '$work/tools/bin/pip' install -q --dry-run --ignore-installed --require-hashes -r hashes.txt"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
