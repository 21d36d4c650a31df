#!/usr/bin/env python3
"""What it costs to take one package of a lock to its next version: which layers change, and their bytes.

Usage: bumps.py [--mlresolve PROGRAM] [--apart N] LOCK PACKAGE...

For each package the lock is made again with the version before (of --apart: of that many minor releases before, such as
2.14 for 2.15 of torch), everything else kept as far as it goes; from there to the lock is the bump. Layers of both are
built, and their digests compared: who has the old image fetches the blobs that it lacks. `mlresolve layers --since` must
say the same, and a layer in which no package changed must be the same blob; exit code 1 if not.

Needs the package index, and the wheels of both locks in the cache or from it.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib


def bound(version, apart):
    """What the version before is below: the version itself, or its minor release so many before."""
    if not apart:
        return version
    major, minor = version.split(".")[:2]
    return f"{major}.{int(minor) - apart + 1}.0"


def earlier(arguments, package, folder):
    """The lock with an earlier version of the package."""
    locked = tomllib.loads(pathlib.Path(arguments.lock).read_text())
    own = locked["tool"]["mlresolve"]
    [version] = [found["version"] for found in locked["packages"] if found["name"] == package]
    lock = folder / "pylock.toml"
    shutil.copy(arguments.lock, lock)
    (folder / "requirements.in").write_text("\n".join(own["requirements"]))
    (folder / "constraints.txt").write_text(f"{package}<{bound(version, arguments.apart)}\n")
    target = own["target"]
    options = ["--python-version", target["python"], "--platform", target["platform"]]
    for name in ["glibc", "accelerator", "driver"]:
        if name in target:
            options += [f"--{name}", target[name]]
    if newest := own.get("options", {}).get("exclude-newer"):
        options += ["--exclude-newer", newest]
    files = ["-r", folder / "requirements.in", "-c", folder / "constraints.txt", "-o", lock]
    subprocess.run([arguments.mlresolve, "lock", "--quiet", *files, *options], check=True)
    return lock


def layers_of(arguments, lock, folder):
    """The layers of a lock by their digests: (bytes, the packages in it)."""
    command = [arguments.mlresolve, "build", "--json", "--quiet", "--layers-only", "--output", folder / "image", lock]
    [image] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["targets"]
    shutil.rmtree(folder / "image")
    return {
        layer["digest"]: (layer["bytes"], [(found["name"], found["version"]) for found in layer.get("packages", [])])
        for layer in image["layers"]
    }


def reported(arguments, old, new):
    """What `layers --since` says: the digests of what changed, and their bytes."""
    command = [arguments.mlresolve, "layers", "--json", "--since", old, new]
    changes = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["changes"]
    return {layer["digest"] for layer in changes["changed"]}, changes["bytes"]


def bump(arguments, package, new, folder):
    """One line about one package, and what is wrong."""
    lock = earlier(arguments, package, folder)
    old = layers_of(arguments, lock, folder)
    before = {found for _, packages in old.values() for found in packages}
    after = {found for _, packages in new.values() for found in packages}
    versions = dict(before)
    changed = {digest for digest in new if digest not in old}
    size = sum(new[digest][0] for digest in changed)
    total = sum(size for size, _ in new.values())
    others = sorted(name for name, _ in (after - before) if name != package)
    gone = sorted(name for name, _ in before if name not in dict(after))
    what = f"{package} {versions[package]} → {dict(after)[package]}"
    print(f"{what}: {len(changed)} of {len(new)} layers, {size / 1e6:.1f} MB of {total / 1e6:.1f} MB")
    if others or gone:
        print(f"    with it: {', '.join(others + [f'{name} goes' for name in gone])}")
    for digest in sorted(changed, key=lambda digest: -new[digest][0]):
        names = ", ".join(name if (name, version) in before else f"{name} {version}" for name, version in new[digest][1])
        print(f"    {new[digest][0] / 1e6:8.1f} MB  {names}")

    problems = []
    if reported(arguments, lock, arguments.lock) != (changed, size):
        problems.append(f"{what}: layers --since says {reported(arguments, lock, arguments.lock)}")
    contents = {tuple(packages) for _, packages in old.values()}
    for digest in changed:
        if tuple(new[digest][1]) in contents:
            problems.append(f"{what}: {digest} holds what a layer held before, and is another blob")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mlresolve", default=os.environ.get("MLRESOLVE", "mlresolve"))
    parser.add_argument("--apart", type=int, default=0)
    parser.add_argument("lock")
    parser.add_argument("packages", nargs="+")
    arguments = parser.parse_args()
    problems = []
    with tempfile.TemporaryDirectory(prefix="mlresolve-bumps-") as work:
        new = layers_of(arguments, arguments.lock, pathlib.Path(work))
        for package in arguments.packages:
            folder = pathlib.Path(work, package)
            folder.mkdir()
            problems += bump(arguments, package, new, folder)
            shutil.rmtree(folder)
    print("\n".join(problems) or f"{len(arguments.packages)} bumps; layers --since says the same of each")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
