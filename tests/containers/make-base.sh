#!/usr/bin/env bash
# Makes the root file system of the base image, Debian 12 with Python 3.11, from the Debian mirror that this
# machine's apt is set up for, and prints the archive's path. It is made once and kept in the cache.
# Usage: make-base.sh
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# What python:X.Y-slim has too, and nothing that it lacks: libstdc++ for extension modules, certificates.
PACKAGES=python3,python3-venv,ca-certificates,libstdc++6
ARCHIVE="$CACHE_DIR/base-$BASE_SUITE-$(uname -m)-1.tar"

if [ -f "$ARCHIVE" ]; then
    echo "$ARCHIVE"
    exit 0
fi

make_work_folder
{
    need_commands mmdebstrap

    # The mirrors of this suite that apt reads here; mmdebstrap finds Debian's own keys for them.
    # shellcheck disable=SC2016
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep -E " $BASE_SUITE(-updates|-security)? main$" | sort -u >"$WORK/sources.list" || true
    [ -s "$WORK/sources.list" ] || skip "apt's sources here have no Debian $BASE_SUITE"
    # Proxies, certificates and date checks, as apt has them here.
    apt-config dump | grep -E '^Acquire::(Check|http|https|AllowInsecure)' >"$WORK/apt.conf" || true

    # shellcheck disable=SC2016
    timeout 360 mmdebstrap --quiet --mode=root --format=tar --variant=essential --include="$PACKAGES" \
        --aptopt="$WORK/apt.conf" \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list' \
        "$BASE_SUITE" "$WORK/base.tar" "$WORK/sources.list" || skip "mmdebstrap could not make the base"
    mkdir -p "$CACHE_DIR"
    # Renamed when complete, so that a run that was stopped leaves no half archive.
    mv "$WORK/base.tar" "$ARCHIVE.$$"
    mv "$ARCHIVE.$$" "$ARCHIVE"
} >&2
echo "$ARCHIVE"
