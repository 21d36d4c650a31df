# Two builds of one lock that differ in everything that must not matter. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154

NOBODY=65534
# For both: the program looks for a Python here, and the other user may not see what this one has in its home.
SYSTEM_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# prepare_builder FOLDER: the lock, the base and an empty cache.
prepare_builder() {
    mkdir -p "$1/cache" "$1/home" "$1/tmp"
    cp "$WORK/pylock.toml" "$WORK/base.tar" "$1"
    # Gigabytes are not fetched twice: the wheels are those of the cache, under second names. Nothing else is.
    if [ "$STACK" = full ] && [ -d "$CACHE/files-v1" ]; then
        cp -al "$CACHE/files-v1" "$1/cache/" 2>/dev/null || rm -rf "$1/cache/files-v1"
    fi
}

# build_in FOLDER OPTION...: as this user, with all processors.
build_in() {
    local folder="$1"
    shift
    (
        umask 022
        cd "$folder" || exit
        HOME="$folder/home" TMPDIR="$folder/tmp" XDG_CACHE_HOME="$folder/cache" MLRESOLVE_CACHE_DIR="$folder/cache" \
            PATH="$SYSTEM_PATH" TZ=UTC LC_ALL=C.UTF-8 LANG=C.UTF-8 \
            timeout --foreground "$LIMIT" "$PROGRAM" build --base base.tar --tag app:1 --output image "$@" pylock.toml
    )
}

# build_elsewhere FOLDER OPTION...: as another user, with another umask, time zone and language, on one processor.
build_elsewhere() {
    local folder="$1"
    shift
    (
        umask 077
        cd "$folder" || exit
        HOME="$folder/home" TMPDIR="$folder/tmp" XDG_CACHE_HOME="$folder/cache" MLRESOLVE_CACHE_DIR="$folder/cache" \
            PATH="$SYSTEM_PATH" TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 PYTHONHASHSEED=7 USER=nobody \
            setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups --inh-caps=-all \
            taskset -c 0 timeout --foreground "$LIMIT" \
            "$PROGRAM" build --base "$folder/base.tar" --tag app:1 --output image "$@" pylock.toml
    )
}

# All digests of both, each blob held to its name; nothing of an earlier build is left to be taken again.
alike() {
    local folder
    for folder in "$FIRST" "$OTHER"; do
        rm -rf "$folder/cache/blobs-v1" "$folder/cache/layers-v1" "$folder/image"
    done
    build_in "$FIRST" "$@" && build_elsewhere "$OTHER" "$@" &&
        "$PYTHON" "$HERE/digests.py" "$FIRST/image" >"$FIRST/digests" &&
        "$PYTHON" "$HERE/digests.py" "$OTHER/image" >"$OTHER/digests" &&
        diff "$FIRST/digests" "$OTHER/digests" || return 1
    [ -s "$FIRST/digests" ] && [ "$(stat -c %u "$OTHER/image/index.json")" = $NOBODY ]
}

differ() { ! cmp "$1" "$2" || { echo "they are the same"; return 1; }; }

reproducible() {
    FIRST="$WORK/first" OTHER="$WORK/ein anderer Ordner"
    # The other user reads the program and reaches its folder, and nothing else.
    chmod 0711 "$WORK"
    PROGRAM="$WORK/bin/mlresolve"
    mkdir "$WORK/bin"
    install -m 0755 "$MLRESOLVE" "$PROGRAM"
    chmod 0755 "$WORK/bin"
    prepare_builder "$FIRST"
    prepare_builder "$OTHER"
    find "$OTHER" \( -type d -o -links 1 \) -exec chown $NOBODY:$NOBODY {} +
    touch -d '2001-02-03 04:05:06' "$OTHER/base.tar"
    if check "two builds are alike: from empty caches" alike; then
        echo "    $(wc -l <"$FIRST/digests") digests: $(sed -n 's/^manifest \([^ ]*\) .*/\1/p' "$FIRST/digests")"
        cp "$FIRST/digests" "$WORK/plain-digests"
    fi
    check "two builds are alike: --compression zstd" alike --compression zstd || true
    if ! PATH="$SYSTEM_PATH" command -v python3.11 >/dev/null; then
        pass_over --pyc "there is no Python 3.11 here"
    else
        check "two builds are alike: --pyc" alike --pyc || true
        check "--pyc makes another image" differ "$FIRST/digests" "$WORK/plain-digests" || true
    fi
    rm -rf "$FIRST" "$OTHER"
}
