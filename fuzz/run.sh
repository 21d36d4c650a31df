#!/usr/bin/env bash
# Runs every fuzz target for SECONDS each (600 where none are given), one after the other, and ends at the first finding.
# Needs a nightly toolchain and cargo-fuzz; installs nothing.
#   fuzz/run.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds="${1:-600}"
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(basename --suffix=.rs targets/*.rs)

# What is freed is kept apart for a while, so that its use is noticed; less of it than usual, to stay under the limit.
export ASAN_OPTIONS="quarantine_size_mb=32:${ASAN_OPTIONS:-}"
for target in "${targets[@]}"; do
    echo "== $target"
    options=(-max_total_time="$seconds" -max_len=65536 -timeout=5 -rss_limit_mb=500 -print_final_stats=1)
    [ ! -f "dictionaries/$target.dict" ] || options+=(-dict="dictionaries/$target.dict")
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- "${options[@]}"
done
