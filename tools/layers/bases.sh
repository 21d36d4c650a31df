#!/bin/sh
# Reads an image in the forms that other programs write: tools/layers/bases.sh ROOTFS.tar
# ROOTFS.tar holds the files of a small system. All forms must show the same layers and the same files.
# Needs umoci and skopeo; programs that are not installed are named and passed over.
set -eu
rootfs=$1
# In lower case: podman makes a name of the path.
folder=$(mktemp -du | tr '[:upper:]' '[:lower:]')
mkdir "$folder"
trap 'rm -rf "$folder"' EXIT
cargo build --quiet --release -p mlresolve-layers --example base_image
program=${CARGO_TARGET_DIR:-target}/release/examples/base_image
for needed in umoci skopeo; do
    command -v "$needed" >/dev/null || { echo "$needed: not installed"; exit 0; }
done

layout=$folder/layout
umoci init --layout "$layout"
umoci new --image "$layout:1"
umoci config --image "$layout:1" --architecture amd64 --os linux
umoci raw add-layer --image "$layout:1" "$rootfs"
# A second layer that removes and replaces.
mkdir -p "$folder/second/etc"
: >"$folder/second/etc/.wh.issue"
echo other >"$folder/second/etc/hostname"
tar -C "$folder/second" -cf "$folder/second.tar" etc
umoci raw add-layer --image "$layout:1" "$folder/second.tar"

"$program" "$layout" amd64 1 | tee "$folder/expected"
# As many files as umoci unpacks.
umoci unpack --rootless --image "$layout:1" "$folder/bundle"
unpacked=$(find "$folder/bundle/rootfs" -mindepth 1 -printf x | wc -c)
grep -qx "entries: $unpacked" "$folder/expected" || { echo "umoci unpacks $unpacked files" >&2; exit 1; }
echo "umoci: $unpacked files"

check() {
    what=$1
    shift
    "$program" "$@" >"$folder/found" || { echo "$what: cannot be read" >&2; exit 1; }
    cmp -s "$folder/expected" "$folder/found" || { echo "$what is another image" >&2; diff "$folder/expected" "$folder/found" >&2; exit 1; }
    echo "$what: the same image"
}
copy() {
    what=$1 path=$2 target=$3
    shift 3
    if skopeo --insecure-policy copy --quiet "$@" "oci:$layout:1" "$target" >"$folder/said" 2>&1; then
        check "$what" "$path" amd64
    else
        echo "$what: skopeo cannot write it: $(tail -1 "$folder/said")"
    fi
}
copy 'OCI archive' "$folder/oci.tar" "oci-archive:$folder/oci.tar:registry.example/base:1"
copy 'docker archive' "$folder/docker.tar" "docker-archive:$folder/docker.tar:registry.example/base:1"
copy 'OCI layout, zstd' "$folder/zstd" "oci:$folder/zstd:1" --dest-compress-format zstd
copy 'OCI layout of schema 2' "$folder/schema2" "oci:$folder/schema2:1" --format v2s2
check 'docker archive by its tag' "$folder/docker.tar" amd64 registry.example/base:1
if ! command -v podman >/dev/null; then
    echo 'podman: not installed'
elif ! podman pull --quiet "oci:$layout:1" >"$folder/id" 2>"$folder/said"; then
    echo "podman: cannot take the image: $(tail -1 "$folder/said")"
else
    for format in oci-archive docker-archive; do
        podman save --quiet --format "$format" -o "$folder/podman.tar" "$(cat "$folder/id")"
        check "podman's $format" "$folder/podman.tar" amd64
        rm "$folder/podman.tar"
    done
    podman rmi "$(cat "$folder/id")" >/dev/null
fi
