#!/bin/sh
# Reads a layer made from a wheel with the programs that are here: tools/layers/readers.sh WHEEL
# All must see the same archive. Programs that are not installed are named and passed over.
set -eu
wheel=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
layer=$folder/layer.tar.gz
cargo run --quiet --release -p mlresolve-layers --example wheel_layer -- "$wheel" "$layer" | tee "$folder/said"
expected=$(sed 's/.*diff_id: sha256:\([0-9a-f]*\).*/\1/' "$folder/said")

sum() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        echo "$name: not installed"
        return
    fi
    found=$("$@" <"$layer" | sha256sum | cut -d' ' -f1)
    [ "$found" = "$expected" ] || { echo "$name reads another archive: $found" >&2; exit 1; }
    echo "$name: the same archive"
}

gzip -t "$layer"
sum gzip gzip -dc
sum pigz pigz -dc
sum igzip igzip -dc
sum bsdcat bsdcat
sum busybox busybox gunzip -c
sum 7z 7z x -si -so -tgzip
sum python python3 -c '
import sys, zlib
decoder = zlib.decompressobj(31)
while chunk := sys.stdin.buffer.read(1 << 20):
    sys.stdout.buffer.write(decoder.decompress(chunk))
assert decoder.eof and not decoder.unused_data, "more than one member"
'
tar --version | head -1
tar tzf "$layer" | LC_ALL=C sort -c
tar xzf "$layer" -C "$folder" opt
python3 - "$wheel" "$folder/opt/venv/lib/python3.11/site-packages" <<'PYTHON'
import pathlib, sys, zipfile
root, count = pathlib.Path(sys.argv[2]), 0
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for entry in wheel.infolist():
        if not entry.is_dir():
            assert wheel.read(entry) == (root / entry.filename).read_bytes(), entry.filename
            count += 1
assert count == sum(path.is_file() for path in root.rglob("*")), "more files than in the wheel"
print(f"{count} files are those of the wheel")
PYTHON
