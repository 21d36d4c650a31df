"""Reads a whole OCI layout, holds every blob to its name, and prints the digests in it, one a line.

Usage: digests.py LAYOUT_DIR [manifest|layers|packages]

With a second argument only those: the digest of the one manifest, those of its layers, or those of the layers that are
not the base's, which is taken to be the first.
"""

import hashlib
import json
import pathlib
import sys


def digest_of(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def main(folder, only=None):
    layout = pathlib.Path(folder)

    def blob(descriptor):
        path = layout / "blobs" / descriptor["digest"].replace(":", "/")
        assert path.stat().st_size == descriptor["size"], f"{path} has another size than is stated"
        return path

    index = json.loads((layout / "index.json").read_text())
    [top] = index["manifests"]
    manifest = json.loads(blob(top).read_text())
    layers = [layer["digest"] for layer in manifest["layers"]]
    if only:
        print("\n".join({"manifest": [top["digest"]], "layers": layers, "packages": layers[1:]}[only]))
        return
    print(f"index {digest_of(layout / 'index.json')}")
    named = set()
    for what, descriptor in [
        ("manifest", top),
        ("config", manifest["config"]),
        *(("layer", layer) for layer in manifest["layers"]),
    ]:
        found = digest_of(blob(descriptor))
        assert found == descriptor["digest"], f"{descriptor['digest']} holds {found}"
        named.add(found.removeprefix("sha256:"))
        print(f"{what} {found} {descriptor['size']} {descriptor['mediaType']}")
    stray = {path.name for path in (layout / "blobs" / "sha256").iterdir()} - named
    assert not stray, f"in the layout, but not of the image: {sorted(stray)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
