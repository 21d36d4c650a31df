#!/usr/bin/env python3
"""Writes the tables of PyTorch's builds: crates/target/facts/builds.tsv and rocm.tsv.

How to run, with Python 3.9 or newer, from the root of the tree:

    python tools/facts/generate.py MATRIX.json PYPI.json READ

MATRIX.json says what the builds of PyTorch's index were compiled for, PYPI.json what the releases on PyPI require; READ
is the date on which both were read, such as 2026-11-21. tools/facts/README.md says what is in them and how to take them
anew. Nothing else is read but variants.tsv beside the output, so that the output is the same on every run.
"""

import json
import pathlib
import re
import sys

FACTS = pathlib.Path(__file__).resolve().parent.parent.parent / "crates" / "target" / "facts"

# The place where PyTorch says what a minor release is compiled for.
PLACES = {
    (2, 8): "pytorch/pytorch#157517",
    (2, 9): "pytorch/pytorch#164471; pytorch/pytorch#162364",
    (2, 10): "pytorch/pytorch#175253",
    (2, 11): "pytorch/pytorch#175253",
    (2, 12): "pytorch/pytorch#182849",
    (2, 13): "pytorch/pytorch#197555",
    (2, 14): "pytorch/pytorch#197555",
}
# Where those places say nothing, or leave PTX in that the builds dropped, the build scripts are what was read.
SCRIPTS = "pytorch/pytorch, build scripts of release {}"
BY_SCRIPTS = {"cu129": (2, 9), "cu130": (2, 12), "cu132": (2, 12)}
# Releases before that were taken apart.
OLDER = "moi90/pytorch_compute_capabilities"
INDEX = "PyTorch's index"

BUILDS_ABOUT = """\
# What PyTorch's builds are compiled for, written by tools/facts/generate.py. first, last: the releases of torch, both
# included. cuda: - is a build for processors alone. compiled: the capabilities that there is machine code for, +PTX where
# there is code that a driver can compile for newer ones; ? is unknown, - a build for processors alone."""
ROCM_ABOUT = """\
# What PyTorch's builds for ROCm are compiled for, written by tools/facts/generate.py. first, last: the releases of torch,
# both included."""


def release(text):
    """A version as numbers, local part and all else left out."""
    return tuple(int(number) for number in re.match(r"\d+(?:\.\d+)*", text).group().split("."))


def text(version):
    return ".".join(map(str, version))


def minors(key):
    """The minor releases that a key such as `2.9.1`, `2.6` or `2.2-2.5` stands for."""
    ends = [release(end) for end in key.split("-")]
    first, last = ends[0], ends[-1]
    return [(first[0], minor) for minor in range(first[1], last[1] + 1)]


def place(minor, label):
    """Where the list of a build was read."""
    if minor >= BY_SCRIPTS.get(label, (99,)):
        return SCRIPTS.format(text(minor))
    return PLACES.get(minor, OLDER)


def variants():
    """The first and last torch of each build, the last only where no more come."""
    known = {}
    for line in (FACTS / "variants.tsv").read_text().splitlines():
        cells = line.split("\t")
        if len(cells) == 6 and cells[0] != "variant":
            label, first, last, ended = cells[:4]
            known[label] = (
                None if first == "?" else release(first),
                release(last) if ended == "yes" and last != "?" else None,
            )
    return known


def span(minor, label, patches, known):
    """The releases of one minor that a build has: the compiled list does not change within a minor."""
    first, last = known[label]
    low = max((*minor, 0), first or (0,))
    high = min((*minor, patches[minor]), last or (99,))
    return (low, high) if low <= high else None


def cuda_of(requirements):
    """The CUDA that metadata asks for: the toolkit's version, or else the runtime's."""
    for pattern in (r"cuda-toolkit(?:\[[^]]*\])?\s*\(?==(\d+)\.(\d+)", r"nvidia-cuda-runtime(?:-cu\d+)?\s*\(?==(\d+)\.(\d+)"):
        for requirement in requirements:
            found = re.match(pattern, requirement)
            if found:
                return int(found.group(1)), int(found.group(2))
    return None


def holds_on(requirements, machine):
    """The requirements of a wheel for Linux on this machine."""
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[machine]
    return [one for one in requirements if f'platform_machine == "{other}"' not in one and "extra ==" not in one]


def compiled_lists(matrix, patches, known):
    """(minor, build, machine) -> (span, compiled, place)."""
    found = {}

    def add(key, label, machine, compiled):
        for minor in minors(key):
            releases = span(minor, label, patches, known)
            if releases:
                row = (releases, " ".join(plain(compiled)), place(minor, label))
                if found.setdefault((minor, label, machine), row) != row:
                    sys.exit(f"two lists for torch {text(minor)} {label} {machine}")

    for key, labels in matrix["cuda_sm_older_x86_64"].items():
        for label, compiled in labels.items():
            add(key, label, "x86_64", compiled)
    for key, labels in matrix["cuda_sm_by_torch"].items():
        for label, machines in labels.items():
            for machine, compiled in machines.items():
                add(key, label, machine, compiled)
    return found


def plain(compiled):
    """The list without a capability that is there with PTX too."""
    return [one for one in compiled if one + "+PTX" not in compiled]


def builds(matrix, pypi, known):
    patches = {}
    for version in map(release, pypi):
        patches[version[:2]] = max(patches.get(version[:2], 0), version[2])
    lists = compiled_lists(matrix, patches, known)

    rows = []
    for (_, label, machine), (releases, compiled, where) in lists.items():
        cuda = (int(label[2:-1]), int(label[-1]))
        rows.append((*releases, label, machine, text(cuda), compiled, where))
    for version, facts in pypi.items():
        version = release(version)
        for machine in ("x86_64", "aarch64"):
            if not any(platform.startswith("manylinux") and platform.endswith(machine) for platform in facts["platforms"]):
                continue
            cuda = cuda_of(holds_on(facts["requires_dist"], machine))
            where = f"PyPI metadata of torch {text(version)}"
            if cuda is None:
                rows.append((version, version, "pypi", machine, "-", "-", where))
                continue
            twin = lists.get((version[:2], f"cu{cuda[0]}{cuda[1]}", machine))
            compiled = "?"
            if twin and twin[0][0] <= version <= twin[0][1]:
                compiled, where = twin[1], f"{where}; {twin[2]}"
            rows.append((version, version, "pypi", machine, text(cuda), compiled, where))
    rows.sort(key=lambda row: (order(row[2]), row[3], row[0]))
    return joined(rows)


def joined(rows):
    """Rows that say the same of one minor's releases, one after the other, become one."""
    result = []
    for row in rows:
        before = result[-1] if result else None
        if before and before[2:6] == row[2:6] and before[0][:2] == row[0][:2] and "metadata" in row[6]:
            result[-1] = (before[0], row[1], *before[2:])
        else:
            result.append(row)
    return result


def order(label):
    """Builds in the order of the program: PyPI's first, then CUDA by version."""
    return (label != "pypi", release(label[2:]) if label.startswith("cu") else ())


def rocm(matrix, pypi, known):
    there = {label for labels in [matrix["torch_versions_by_index_cp312_linux"]] for label in labels}
    rows = []
    for key, facts in matrix["rocm_gfx"].items():
        first, last = (release(end) for end in (key.split("-") * 2)[:2])
        for index in facts["indexes"]:
            label = index.split()[0]
            versions = [release(one) for one in matrix["torch_versions_by_index_cp312_linux"].get(label, [])]
            versions = [one for one in versions if first <= one <= last]
            if label in there and versions:
                rows.append((min(versions), max(versions), label, " ".join(facts["gfx"])))
    rows.sort(key=lambda row: (release(row[2][4:]), row[0]))
    return [(*row, f"{INDEX}, sub-index {row[2]}") for row in rows]


def write(name, about, columns, rows, read):
    lines = [about, "\t".join([*columns, "source", "read"])]
    for row in rows:
        lines.append("\t".join([text(cell) if isinstance(cell, tuple) else cell for cell in row] + [read]))
    (FACTS / name).write_text("\n".join(lines) + "\n")


def main():
    if len(sys.argv) != 4 or not re.fullmatch(r"\d{4}-\d\d-\d\d", sys.argv[3]):
        sys.exit(__doc__)
    matrix, pypi = (json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:3])
    known = variants()
    columns = ["first", "last", "variant", "machine", "cuda", "compiled"]
    write("builds.tsv", BUILDS_ABOUT, columns, builds(matrix, pypi, known), sys.argv[3])
    write("rocm.tsv", ROCM_ABOUT, ["first", "last", "variant", "gfx"], rocm(matrix, pypi, known), sys.argv[3])


if __name__ == "__main__":
    main()
