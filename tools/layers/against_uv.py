#!/usr/bin/env python3
"""Compares what the layers of an image hold with what `uv pip install` puts into an environment, file by file.

Usage: against_uv.py [--uv UV] [--mlresolve PROGRAM] [--python VERSION] [--lock LOCK] [PACKAGE...]

Locks the packages (by default those of PACKAGES, which have scripts of all kinds, data, headers, executables and shared
namespaces) with all that they require, makes layers of the lock, and installs the very same wheels with uv. Both stand at
/opt/venv, uv's in a mount namespace of its own, so that launchers and lists are compared as they are. Path, kind, mode
and content of all files must be equal, save for what `difference` lists with its reason.

Needs Linux, root or user namespaces, uv, that Python on the PATH, and the package index. Ends with one line, and with exit
code 1 if there is a difference that is not meant.
"""

import argparse
import base64
import collections
import csv
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

from wheels_of import link_wheels

PREFIX = "/opt/venv"

PACKAGES = """
    numpy scipy pandas pillow ruff uv cmake ninja pybind11 jupyterlab notebook ipykernel matplotlib black pytest httpx rich
    google-auth google-cloud-storage protobuf grpcio ray opencv-python-headless scikit-learn pyarrow cython setuptools pip
    wheel debugpy nbconvert widgetsnbextension
""".split()

# What a layer says of every file, whoever made it.
MTIME = 315532800
OWNER = (0, 0)

File = collections.namedtuple("File", "kind mode digest content")


def in_info(path):
    """Whether it describes an installed package; wheels carry such folders of others along, which are as any file."""
    parts = path.split("/")
    return len(parts) == 5 and parts[2] == "site-packages" and parts[3].endswith(".dist-info")


def read_file(path, kind, mode, chunks):
    # The rows of RECORDs are compared, not their digests alone.
    digest, content = hashlib.sha256(), [] if in_info(path) and path.endswith("/RECORD") else None
    for chunk in chunks:
        digest.update(chunk)
        if content is not None:
            content.append(chunk)
    return File(kind, mode, digest.hexdigest(), None if content is None else b"".join(content))


def chunks_of(file):
    while chunk := file.read(1 << 20):
        yield chunk


# --- the layers -----------------------------------------------------------------------------------------------------


def from_layers(layout, problems):
    """Every entry of every layer below the prefix, by its path there."""
    blobs = pathlib.Path(layout, "blobs", "sha256")

    def document(descriptor):
        return json.loads((blobs / descriptor["digest"].removeprefix("sha256:")).read_text())

    [top] = json.loads(pathlib.Path(layout, "index.json").read_text())["manifests"]
    found = {}
    for layer in document(top)["layers"]:
        with tarfile.open(blobs / layer["digest"].removeprefix("sha256:")) as archive:
            for entry in archive:
                if (entry.uid, entry.gid) != OWNER or entry.mtime != MTIME:
                    problems.append(f"{entry.name}: of {entry.uid}:{entry.gid}, changed at {entry.mtime}")
                path = "/" + entry.name
                if not path.startswith(PREFIX + "/"):
                    if not (entry.isdir() and PREFIX.startswith(path)):
                        problems.append(f"{path} is not in {PREFIX}")
                    continue
                path = path.removeprefix(PREFIX + "/")
                if entry.isdir():
                    new = File("directory", entry.mode, None, None)
                elif entry.isreg():
                    new = read_file(path, "file", entry.mode, chunks_of(archive.extractfile(entry)))
                else:
                    new = File(f"type {entry.type}", entry.mode, entry.linkname, None)
                if path in found and (new.kind != "directory" or found[path] != new):
                    problems.append(f"{path} is in two layers")
                found[path] = new
    return found


# --- uv -------------------------------------------------------------------------------------------------------------


def tree(root):
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            place = os.path.join(folder, name)
            path = os.path.relpath(place, root)
            status = os.lstat(place)
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISDIR(status.st_mode):
                found[path] = File("directory", mode, None, None)
            elif stat.S_ISREG(status.st_mode):
                with open(place, "rb") as file:
                    found[path] = read_file(path, "file", mode, chunks_of(file))
            else:
                found[path] = File("link", mode, os.readlink(place), None)
    return found


def install(uv, python, wheels, folder):
    """Runs in a mount namespace: an environment at the prefix, whose files are in the folder."""
    above = os.path.dirname(PREFIX)
    subprocess.run(["mount", "-t", "tmpfs", "none", above], check=True)
    os.mkdir(PREFIX)
    subprocess.run(["mount", "--bind", folder, PREFIX], check=True)
    os.umask(0o022)
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", python, PREFIX], check=True)
    before = sorted(path for path, file in tree(PREFIX).items() if file.kind != "directory")
    with open(os.path.join(os.path.dirname(wheels), "before.json"), "w") as file:
        json.dump(before, file)
    names = sorted(os.path.join(wheels, name) for name in os.listdir(wheels))
    options = ["--quiet", "--no-cache", "--no-deps", "--no-index", "--link-mode", "copy"]
    subprocess.run([uv, "pip", "install", *options, "--python", f"{PREFIX}/bin/python", *names], check=True)


def from_uv(arguments, work, wheels):
    folder = work / "environment"
    folder.mkdir()
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    inside = [sys.executable, os.path.abspath(__file__), "--uv", arguments.uv, "--python", arguments.python]
    inside += ["--install", str(wheels), str(folder)]
    subprocess.run(["unshare", *user, "--mount", "--propagation", "private", *inside], check=True)
    found = tree(folder)
    for path in json.loads((work / "before.json").read_text()):
        found.pop(path)
    # Directories that only the empty environment has.
    used = {os.path.dirname(path) for path, file in found.items() if file.kind != "directory"}
    used |= {str(above) for path in used for above in pathlib.PurePath(path).parents}
    return {path: file for path, file in found.items() if file.kind != "directory" or path in used}


# --- what may differ ------------------------------------------------------------------------------------------------

# What uv writes beside a package to know later where it came from. A layer depends on its wheel alone.
ONLY_UV = {"REQUESTED", "direct_url.json", "uv_cache.json"}


def rows(record):
    """RECORD without its order, the files of one installer alone, and scripts at their place in the wheel."""
    found = set()
    for path, digest, size in csv.reader(io.StringIO(record.decode())):
        name = path.rpartition("/")[2]
        of_installer = ".dist-info/" in path and (name in ONLY_UV or name == "INSTALLER")
        if not of_installer and ".data/scripts/" not in path:
            found.add((path, digest, size))
    return found


def difference(path, ours, theirs):
    """What differs, and whether it is meant: (text, reason or None), or None where nothing does."""
    of_info, name = in_info(path), os.path.basename(path)
    if ours is None:
        if path == ".lock":
            return f"{path} is of a running uv", "no .lock"
        if of_info and name in ONLY_UV:
            return f"{path} is uv's alone", f"no {name}"
        return f"{path} is uv's alone", None
    if theirs is None:
        return f"{path} is in a layer, and uv does not install it", None
    if ours == theirs:
        return None
    if of_info and name == "INSTALLER" and ours.mode == theirs.mode:
        return f"{path} names the installer", "INSTALLER"
    if of_info and name == "RECORD" and rows(ours.content) == rows(theirs.content):
        # uv writes over the wheel's own RECORD and keeps the mode that this had.
        if ours.mode == theirs.mode or ours.mode == 0o644:
            return f"{path} has other rows for these, and another order", "RECORD"
    if (ours.kind, ours.mode) != (theirs.kind, theirs.mode):
        return f"{path} is a {ours.kind} of {ours.mode:o}, and uv's a {theirs.kind} of {theirs.mode:o}", None
    return f"{path} has other content", None


def true_records(files, problems):
    """Each row of each RECORD in the layers is that of the file it names."""
    count = 0
    for path, file in files.items():
        if file.content is None:
            continue
        base = os.path.dirname(os.path.dirname(path))
        for name, digest, _ in csv.reader(io.StringIO(file.content.decode())):
            named = files.get(os.path.normpath(os.path.join(base, name)))
            stated = digest.removeprefix("sha256=")
            if named is None:
                problems.append(f"{path} lists {name}, which is in no layer")
            elif digest and base64.urlsafe_b64encode(bytes.fromhex(named.digest)).decode().rstrip("=") != stated:
                problems.append(f"{path} has another digest of {name}")
            else:
                count += 1
    return count


# --- the run --------------------------------------------------------------------------------------------------------


def run(arguments, *command):
    subprocess.run([arguments.mlresolve, *command], check=True)


def compare(arguments, work):
    lock = work / "pylock.toml"
    if arguments.lock:
        shutil.copy(arguments.lock, lock)
    else:
        (work / "requirements.in").write_text("\n".join(arguments.packages or PACKAGES))
        target = ["--python-version", arguments.python, "--platform", f"linux-{os.uname().machine}"]
        run(arguments, "lock", "--quiet", "-r", str(work / "requirements.in"), "-o", str(lock), *target)
    run(arguments, "build", "--quiet", "--layers-only", "--output", str(work / "layers"), str(lock))
    link_wheels(lock, work / "wheels")
    problems = []
    ours = from_layers(work / "layers", problems)
    shutil.rmtree(work / "layers")
    listed = true_records(ours, problems)
    theirs = from_uv(arguments, work, work / "wheels")
    meant = collections.Counter()
    for path in sorted(ours.keys() | theirs.keys()):
        found = difference(path, ours.get(path), theirs.get(path))
        if found and found[1]:
            meant[found[1]] += 1
        elif found:
            problems.append(found[0])
    for problem in problems:
        print(problem)
    files = sum(file.kind != "directory" for file in ours.values())
    programs = sum(file.kind == "file" and file.mode == 0o755 for file in ours.values())
    print(
        f"{len(os.listdir(work / 'wheels'))} wheels: {files} files ({programs} executable) and {len(ours) - files} directories"
        f" compared, {listed} rows of RECORDs true; {len(problems)} differences;"
        f" meant: {', '.join(f'{what} {count}' for what, count in sorted(meant.items()))}"
    )
    return 1 if problems or not files else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--uv", default=shutil.which("uv") or "uv")
    parser.add_argument("--mlresolve", default=os.environ.get("MLRESOLVE", "mlresolve"))
    parser.add_argument("--python", default="3.11")
    parser.add_argument("--lock")
    parser.add_argument("--install", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("packages", nargs="*")
    arguments = parser.parse_args()
    if arguments.install:
        install(arguments.uv, arguments.python, *arguments.install)
        return 0
    with tempfile.TemporaryDirectory(prefix="mlresolve-against-uv-") as work:
        return compare(arguments, pathlib.Path(work))


if __name__ == "__main__":
    sys.exit(main())
