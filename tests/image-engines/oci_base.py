"""Makes an OCI layout of one layer from the tar archive of a root file system.

Usage: oci_base.py ROOTFS.tar LAYOUT_DIR [NAME=VALUE...]

The same archive gives the same layout: nothing is taken from the clock. NAME=VALUE pairs go into the environment.
"""

import gzip
import hashlib
import json
import os
import platform
import sys

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def blob(layout, media_type, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs", "sha256", digest), "wb") as file:
        file.write(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def document(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def main(rootfs, layout, *environment):
    os.makedirs(os.path.join(layout, "blobs", "sha256"), exist_ok=True)
    with open(rootfs, "rb") as file:
        archive = file.read()
    kind = "application/vnd.oci.image"
    layer = blob(layout, f"{kind}.layer.v1.tar+gzip", gzip.compress(archive, 1, mtime=0))
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Env": [f"PATH={PATH}", *environment], "Cmd": ["python3"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(archive).hexdigest()]},
        "history": [{"created_by": "debian with python"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": blob(layout, f"{kind}.config.v1+json", document(config)),
        "layers": [layer],
    }
    descriptor = blob(layout, manifest["mediaType"], document(manifest))
    descriptor["annotations"] = {"org.opencontainers.image.ref.name": "base"}
    for name, value in {
        "index.json": {"schemaVersion": 2, "manifests": [descriptor]},
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
    }.items():
        with open(os.path.join(layout, name), "wb") as file:
            file.write(document(value))


if __name__ == "__main__":
    main(*sys.argv[1:])
